//! What must hold: conditions with their tails, included expectations, steady states, aborts.

use super::builtins::Direction;
use super::compare::{condition, measures_nothing};
use super::condition::{Condition, Measured};
use super::meaning::{Cond, Meaning};
use super::program::{Abort, Expectation, Function, SteadyState};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Span;
use crate::base::units::{MILLISECOND, SECOND};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Binary, Clause, ExprKind, Item};

impl<'a> ScenarioChecker<'a, '_> {
    /// The conditions of a block, with those that it includes.
    pub(super) fn clauses(&mut self, clauses: &'a [Clause], frame: FrameId, out: &mut Vec<Expectation>) {
        for clause in clauses {
            match clause {
                Clause::Condition(condition) => out.extend(self.expectation(condition, frame)),
                Clause::Include(include) => self.included(include, frame, out),
                Clause::Alert(alert) => out.extend(self.alert(alert, frame)),
                Clause::NoOtherAlert { source, scopes, span } => {
                    out.extend(self.no_other_alert(source.as_ref(), scopes, *span, frame));
                }
                Clause::Refused => {}
            }
        }
    }

    fn included(&mut self, include: &'a ast::Include, frame: FrameId, out: &mut Vec<Expectation>) {
        if let Some(alias) = &include.alias {
            let problem = Diagnostic::new(Code::E0114, "what is included here has no name", alias.span, "not here");
            self.push(problem.help("only the stages of a shape are named with `as`"));
        }
        let Some((item, inner)) = self.template(&include.what, frame, Type::Expectation) else { return };
        let Item::Expectation(expectation) = item else { return };
        self.calls.push(include.span);
        self.clauses(&expectation.clauses, inner, out);
        self.calls.pop();
    }

    /// A template of a kind that is spliced in, with the frame of its parameters.
    pub(super) fn template(&mut self, what: &'a ast::Expr, frame: FrameId, kind: Type) -> Option<(&'a Item, FrameId)> {
        let (value, arguments) = match &what.kind {
            ExprKind::Call { function, arguments } => match self.lookup(frame, &function.text, function.span) {
                Some(value) => (value, arguments.as_slice()),
                None => {
                    let known = self.visible_names(frame);
                    self.unknown_name(frame, function, &super::scope::called(kind), &known);
                    return None;
                }
            },
            ExprKind::Method { base, method, arguments } => {
                let base_value = self.eval(base, frame);
                (self.field_of(&base_value, base, method, what.span), arguments.as_slice())
            }
            _ => (self.eval(what, frame), &[][..]),
        };
        let Meaning::Definition(item, home) = value else {
            if !value.is_wrong() {
                let message = match value.kind() == kind {
                    true => {
                        let text = self.text(what.span);
                        format!(
                            "`{text}` is not a template: an included template has parameters, even if they are only `()`"
                        )
                    }
                    false => format!("{} is included here, and this is {}", kind.a(), value.kind().a()),
                };
                let problem = Diagnostic::new(Code::E0207, message, what.span, value.kind().a());
                self.push(problem.help(format!("declare it as `{} NAME(…) {{ … }}`", super::scope::called(kind))));
            }
            return None;
        };
        if value.kind() != kind {
            let message = format!("{} is included here, and this is {}", kind.a(), value.kind().a());
            self.push(Diagnostic::new(Code::E0207, message, what.span, value.kind().a()));
            return None;
        }
        if !self.one_more(what.span) {
            return None;
        }
        let name = item.name()?;
        let inner = self.parameter_frame(
            name,
            item.parameters().unwrap_or_default(),
            home,
            Some((arguments, frame)),
            what.span,
        )?;
        Some((item, inner))
    }

    fn expectation(&mut self, written: &'a ast::Condition, frame: FrameId) -> Option<Expectation> {
        let condition = self.condition_with_tail(written, frame)?;
        let condition = condition?;
        Some(Expectation { strict: written.tail.strict.is_some(), ..self.stated(condition, written.span) })
    }

    pub(super) fn stated(&self, condition: Cond, span: Span) -> Expectation {
        let asked = self.asked(span);
        let file = self.world.sources.get(asked.file).name.clone();
        // A template speaks of its parameters; a report speaks of what they were.
        let text = if self.calls.is_empty() { self.text(span) } else { self.out.condition_text(&condition) };
        Expectation { text, file, line: self.line(asked), span, asked, implied: false, strict: false, condition }
    }

    /// The place itself, or the innermost place in the file that was asked for which brought it along.
    fn asked(&self, span: Span) -> Span {
        let first = self.world.inputs.modules.first().map(|module| module.file);
        let is_first = |span: &&Span| Some(span.file) == first;
        [&span].into_iter().chain(self.calls.iter().rev()).find(is_first).copied().unwrap_or(span)
    }

    /// A condition; inside `None` it is known only where the template is instantiated.
    pub(super) fn condition_with_tail(&mut self, written: &'a ast::Condition, frame: FrameId) -> Option<Option<Cond>> {
        let scopes = self.scopes(&written.tail.scopes, frame)?;
        let before = std::mem::replace(&mut self.ambient, scopes);
        let result = self.bare_condition(written, frame);
        self.ambient = before;
        let mut condition = result?;
        if let Some(slices) = &written.tail.slices {
            let every = self.quantity(&slices.every, frame, Type::Duration);
            let share = match &slices.share {
                Some(share) => self.quantity(share, frame, Type::Percent),
                None => Some(1.0),
            };
            if every.is_some_and(|every| every < MILLISECOND as f64) {
                self.out_of_range(slices.every.span, "a slice is at least 1ms long");
                return None;
            }
            condition = match (condition, every, share) {
                (Some(condition), Some(every), Some(share)) => {
                    Some(Condition::InEvery { condition: Box::new(condition), every: every as u64, share })
                }
                _ => None,
            };
        }
        Some(condition)
    }

    fn bare_condition(&mut self, written: &'a ast::Condition, frame: FrameId) -> Option<Option<Cond>> {
        if let Some(within) = &written.tail.within {
            return self.within(written, within, frame);
        }
        if let Some(result) = self.against_baseline(&written.expr, frame) {
            return result.map(Some);
        }
        let value = self.eval(&written.expr, frame);
        match &value {
            Meaning::Unknown(Type::Wrong) => return None,
            Meaning::Unknown(Type::Bool) => return Some(None),
            Meaning::Bool(_) if matches!(&written.expr.kind, ExprKind::Binary { .. }) => {
                let problem = Diagnostic::new(
                    Code::E0307,
                    "this compares two constants",
                    written.expr.span,
                    "nothing is measured",
                );
                self.push(problem.help("compare a metric, such as `p95(main) < 200ms`"));
                return None;
            }
            _ => {}
        }
        match condition(&value).filter(|_| !matches!(value, Meaning::Bool(_))) {
            Some(condition) => Some(Some(condition)),
            None => {
                let kind = value.kind();
                if kind.is_population() || kind == Type::Series {
                    let text = self.text(written.expr.span);
                    let problem = measures_nothing(&text, written.expr.span);
                    self.push(problem.help(match kind {
                        Type::Series => format!("compare a metric of it, such as `max({text})`"),
                        _ => format!("write a metric, such as `p95({text})` or `error_rate({text})`"),
                    }));
                    return None;
                }
                let message = format!("an expectation is a condition, and this is {}", kind.a());
                let problem = Diagnostic::new(Code::E0301, message, written.expr.span, kind.a());
                self.push(problem.help("compare it with a bound, such as `< 200ms`"));
                None
            }
        }
    }

    /// `METRIC <= baseline + 5%`; `None` where the right side has no baseline.
    fn against_baseline(&mut self, expr: &'a ast::Expr, frame: FrameId) -> Option<Option<Cond>> {
        let ExprKind::Binary { operator, left, right, .. } = &expr.kind else { return None };
        if !operator.compares() {
            return None;
        }
        let (base, delta) = match &right.kind {
            ExprKind::Baseline(arguments) => ((arguments, right.span), None),
            ExprKind::Binary { operator: shift, left: base, right: by, .. } => match &base.kind {
                ExprKind::Baseline(arguments) => ((arguments, base.span), Some((*shift, by.as_ref()))),
                _ => return None,
            },
            _ => return None,
        };
        let value = self.eval(left, frame);
        let refused = matches!(operator, Binary::Equal | Binary::NotEqual | Binary::In) || operator.looks_into();
        if refused {
            let message = format!("`{}` never holds between two runs", operator.symbol());
            let problem = Diagnostic::new(Code::E0305, message, expr.span, "a baseline");
            self.push(problem.help(better_than_baseline(&value)));
            return Some(None);
        }
        let name = match base.0.as_slice() {
            [] => None,
            [argument] => match self.eval_as(&argument.value, frame, &[Type::Text]) {
                Meaning::Text(name, _) => Some(name),
                _ => return Some(None),
            },
            _ => {
                self.push(Diagnostic::new(
                    Code::E0306,
                    "`baseline` takes at most the name of one",
                    base.1,
                    "one too many",
                ));
                return Some(None);
            }
        };
        let (Meaning::Measured(metric @ Measured::Metric { metric: found, key, .. }), unit) = (&value, value.kind())
        else {
            if !value.is_unknown() {
                let text = self.text(left.span);
                let problem =
                    Diagnostic::new(Code::E0307, "a baseline is that of one metric", left.span, "not one metric");
                self.push(problem.help(format!("compare a single metric with it, not `{text}`")));
            }
            return Some(None);
        };
        let baseline = Measured::Baseline { name, unit, of: key.clone(), known: None };
        let bound = match delta {
            None => baseline,
            Some((shift, by)) => {
                let amount = self.eval(by, frame);
                let fits = match (shift, amount.kind()) {
                    (Binary::Add | Binary::Subtract, kind) => {
                        matches!(kind, Type::Percent | Type::Points) || unit.accepts(kind)
                    }
                    (Binary::Multiply, kind) => matches!(kind, Type::Number | Type::Count | Type::Factor),
                    _ => false,
                };
                if !fits {
                    if !amount.is_wrong() {
                        let text = self.text(by.span);
                        let problem = super::words::mismatch(unit, amount.kind(), by.span, &text);
                        self.push(problem.label(left.span, unit.a()));
                    }
                    return Some(None);
                }
                if amount.kind() == Type::Percent && found.function.is_often_zero() {
                    let text = self.text(left.span);
                    let message = format!("`{text}` is often 0, and a share of 0 is 0 too");
                    let problem = Diagnostic::new(Code::W0805, message, by.span, "a share of nothing");
                    self.push(problem.help(match unit {
                        Type::Percent => "allow percentage points instead, such as `+ 0.1pp`",
                        _ => "allow a number instead, such as `+ 5`",
                    }));
                }
                let Some(amount) = amount.measured() else { return Some(None) };
                Measured::Arithmetic { operator: shift, left: Box::new(baseline), right: Box::new(amount), unit }
            }
        };
        Some(Some(Condition::Compare { operator: *operator, left: metric.clone(), right: bound }))
    }

    /// `A within 2% of B`, a tolerance, or `C within 60s of I`, which becomes true in time.
    fn within(&mut self, written: &'a ast::Condition, within: &'a ast::Within, frame: FrameId) -> Option<Option<Cond>> {
        let left = self.eval(&written.expr, frame);
        let tolerance = self.eval(&within.tolerance, frame);
        if left.is_wrong() || tolerance.is_wrong() {
            return None;
        }
        if left.kind() == Type::Bool {
            let ns = self.fit(tolerance, within.tolerance.span, &[Type::Duration]).number();
            let of = self.moment(&within.of, frame);
            return match (condition(&left), ns, of) {
                (Some(condition), Some(ns), Some(of)) => {
                    Some(Some(Condition::Becomes { condition: Box::new(condition), within: ns as u64, of }))
                }
                _ if self.is_definition => Some(None),
                _ => None,
            };
        }
        let right = self.eval(&within.of, frame);
        if right.is_wrong() {
            return None;
        }
        let (a, b) = (left.kind(), right.kind());
        if !(a.accepts(b) || b.accepts(a)) || !a.is_quantity() {
            let measured = self.text(written.expr.span);
            if a.is_population() {
                self.measures_nothing(&measured, a, written.expr.span);
                return None;
            }
            self.unlike((&written.expr, &left), (&within.of, &right));
            return None;
        }
        // Percents differ by points.
        let kinds = [Type::Percent, if a == Type::Percent { Type::Points } else { a }];
        let tolerance = self.fit(tolerance, within.tolerance.span, &kinds);
        let relative = tolerance.kind() == Type::Percent && a != Type::Percent;
        match (left.measured(), right.measured(), tolerance.number()) {
            (Some(left), Some(right), Some(tolerance)) => {
                Some(Some(Condition::Within { left, right, tolerance, relative }))
            }
            _ if tolerance.is_wrong() => None,
            _ => Some(None),
        }
    }

    pub(super) fn steady_state(&mut self, steady: &'a ast::SteadyState, frame: FrameId) {
        let (mut window, mut hold) = (5 * SECOND, 5 * SECOND);
        for entry in &steady.options {
            let into = match entry.label.text.as_str() {
                "window" => &mut window,
                "hold" => &mut hold,
                _ => {
                    self.unknown_option(entry, "steady_state");
                    continue;
                }
            };
            match self.quantity(&entry.value, frame, Type::Duration) {
                Some(ns) if !is_whole_seconds(ns) => {
                    self.out_of_range(entry.value.span, "it is judged each second, so these are whole seconds");
                }
                Some(ns) => *into = ns as u64,
                None => {}
            }
        }
        let mut conditions = Vec::new();
        self.clauses(&steady.clauses, frame, &mut conditions);
        for condition in conditions.iter().filter(|condition| condition.strict) {
            let message = "a look of a steady state is a value, with nothing to be near";
            let problem = Diagnostic::new(Code::E0114, message, condition.span, "`strict` here");
            self.push(problem.help("`strict` belongs to the `expect` of a scenario"));
        }
        conditions.retain(|condition| self.fits_a_look(&condition.condition, condition.span).is_some());
        if steady.clauses.is_empty() {
            let span = steady.name.as_ref().map_or(steady.span, |name| name.span);
            let problem = Diagnostic::new(Code::E0307, "this steady state always holds", span, "no condition in it");
            self.push(problem.help("say what is normal, such as `error_rate(main) < 1%`"));
        }
        let name = steady.name.as_ref().map(|name| name.text.clone());
        self.out.steady_states.push(SteadyState { name, conditions, window, hold, span: steady.span });
    }

    /// What is judged each second over what lies just after has no place on the timeline, and slices of whole seconds.
    pub(super) fn fits_a_look(&mut self, condition: &Cond, span: Span) -> Option<()> {
        if condition.has_baseline() {
            self.later("a `baseline` that is looked at while the run goes on", span);
        }
        match condition {
            Condition::Becomes { .. } => {
                let message = "this is judged each second, and cannot wait for an instant";
                let problem = Diagnostic::new(Code::E0114, message, span, "not here");
                self.push(problem.help("take the `within … of` away, or put the condition into an `expect`"));
                None
            }
            Condition::InEvery { condition, every, .. } => {
                if every % SECOND != 0 {
                    self.out_of_range(span, "what is judged each second has slices of whole seconds");
                    return None;
                }
                self.fits_a_look(condition, span)
            }
            Condition::And(a, b) | Condition::Or(a, b) => {
                self.fits_a_look(a, span)?;
                self.fits_a_look(b, span)
            }
            Condition::Not(inner) => self.fits_a_look(inner, span),
            Condition::Compare { .. } | Condition::Within { .. } | Condition::Holds(_) | Condition::Alert(_) => {
                let mut late = None;
                condition.metrics(&mut |metric| late = late.or(known_late(metric.function)));
                let (message, help) = match late {
                    None => return Some(()),
                    Some(late) => late,
                };
                self.push(Diagnostic::new(Code::E0114, message, span, "not here").help(help));
                None
            }
        }
    }

    pub(super) fn abort(&mut self, abort: &'a ast::Abort, frame: FrameId) {
        let length = match &abort.length {
            Some(length) => self.quantity(length, frame, Type::Duration),
            None => Some(SECOND as f64),
        };
        if let Some(length) = abort.length.as_ref().filter(|_| length.is_some_and(|ns| !is_whole_seconds(ns))) {
            self.out_of_range(length.span, "it is judged each second, so these are whole seconds");
            return;
        }
        let condition = self.condition_with_tail(&abort.condition, frame).flatten();
        let condition = condition.filter(|own| self.fits_a_look(own, abort.condition.span).is_some());
        if let (Some(condition), Some(length)) = (condition, length) {
            let text = self.text(abort.span);
            self.out.aborts.push(Abort { text, condition, length: length as u64, span: abort.span });
        }
    }
}

/// How a value is compared with a baseline, by which way it is better.
fn better_than_baseline(value: &Meaning<'_>) -> &'static str {
    let Meaning::Measured(Measured::Metric { metric, unit, .. }) = value else {
        return "write `<= baseline + 5%` where less is better, `>= baseline - 5%` where more is";
    };
    match (metric.direction(), metric.function.is_often_zero(), unit) {
        (Direction::Less, true, Type::Percent) => "write `<= baseline + 0.1pp`: less of it is better",
        (Direction::Less, true, _) => "write `<= baseline + 5`: less of it is better",
        (Direction::Less, false, _) => "write `<= baseline + 5%`: less of it is better",
        (Direction::More, ..) => "write `>= baseline - 5%`: more of it is better",
        (Direction::OfValues | Direction::Neither, ..) => {
            "write `<= baseline + 5%` where less is better, `>= baseline - 5%` where more is"
        }
    }
}

/// What is only known when the run has ended, and what to write instead.
fn known_late(function: Function) -> Option<(&'static str, &'static str)> {
    match function {
        Function::Crashes => Some((
            "this is judged each second, and crashes are counted when the run has ended",
            "put it into an `expect`, such as `crashes(shop) == 0`",
        )),
        Function::Ledger(_) => Some((
            "this is judged each second, and the entries of a ledger are asked for when the load has ended",
            "put it into an `expect`, such as `lost(orders) == 0`; what ends a run early is seen while it goes on, such as `abort when error_rate(main) > 10% for 5s`",
        )),
        Function::Requests(_)
        | Function::Series(_)
        | Function::Sweep(_)
        | Function::Recovery(_)
        | Function::Alerts(_)
        | Function::Drift
        | Function::Capacity => None,
    }
}

fn is_whole_seconds(ns: f64) -> bool {
    ns >= SECOND as f64 && ns % SECOND as f64 == 0.0
}
