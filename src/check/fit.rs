//! Whether a value has the expected type, and what to write instead.

use super::meaning::{Meaning, placed};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use super::words::{either, mismatch};
use crate::base::units::duration;
use crate::base::{Name, Span};
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::{self, Binary, Entry, ExprKind};

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn fit(&mut self, value: Meaning<'a>, span: Span, kinds: &[Type]) -> Meaning<'a> {
        let found = value.kind();
        if found == Type::Wrong {
            return Meaning::WRONG;
        }
        let is_exact = matches!(value, Meaning::Exact(_));
        if let (Meaning::Definition(ast::Item::Fault(fault), _), [Type::Fault]) = (&value, kinds) {
            let text = self.text(span);
            let message = format!("`{text}` is a template of faults, and is not called here");
            let problem = Diagnostic::new(Code::E0207, message, span, "a template");
            let arguments = if fault.parameters.is_empty() { "" } else { "…" };
            self.push(problem.help(format!("call it with its arguments: `{text}({arguments})`")));
            return Meaning::WRONG;
        }
        if found == Type::Number
            && kinds.contains(&Type::Count)
            && let Meaning::Quantity(..) | Meaning::Exact(_) = &value
            && let Some(number) = value.number()
        {
            if number.fract() == 0.0 && number >= 0.0 && !(is_exact && kinds.contains(&Type::Number)) {
                return Meaning::Quantity(number, Type::Count);
            }
            if !kinds.contains(&Type::Number) {
                self.out_of_range(span, "a whole number is needed here");
                return Meaning::WRONG;
            }
        }
        // A cluster of our own is a service and a database.
        if let (Meaning::Part(Type::Service, index), true) = (&value, kinds.contains(&Type::Database))
            && matches!(self.out.services.get(*index).map(|s| &s.kind), Some(super::program::ServiceKind::Postgres))
        {
            return value;
        }
        if kinds.is_empty() || kinds.iter().any(|kind| kind.accepts(found)) {
            return value;
        }
        let problem = self.wrong_type(kinds, &value, span);
        self.push(problem);
        Meaning::WRONG
    }

    /// What stands in an option such as `tls: { … }`, where each entry has types of its own; what is not known or does not fit is told.
    pub(super) fn entries(
        &mut self,
        option: &str,
        (entry, value): (&'a Entry, &Meaning<'a>),
        known: &[(&'static str, &'static [Type])],
    ) -> Option<Vec<(Name, Meaning<'a>, &'a ast::Expr)>> {
        let Meaning::Object(fields) = value else { return None };
        let mut fitting = Vec::new();
        for (name, value, place) in placed(fields, &entry.value) {
            let Some((_, kinds)) = known.iter().find(|(known, _)| *known == name.text) else {
                let message = format!("{option} has no option `{name}`");
                let problem = Diagnostic::new(Code::E0205, message, name.span, "no such option");
                self.push(problem.did_you_mean(name.span, &name.text, known.iter().map(|(known, _)| *known)));
                continue;
            };
            let value = self.fit(value.clone(), place.span, kinds);
            if !value.is_wrong() {
                fitting.push((name.clone(), value, place));
            }
        }
        Some(fitting)
    }

    /// Another type than one of those that are due, with what may have been meant.
    pub(super) fn wrong_type(&mut self, kinds: &[Type], value: &Meaning<'a>, span: Span) -> Diagnostic {
        let (found, text) = (value.kind(), self.text(span));
        let expected = kinds[0];
        if found == Type::Fault
            && kinds.iter().any(|kind| matches!(kind, Type::Injection | Type::Windows | Type::Instant))
        {
            return Diagnostic::new(Code::E0309, format!("`{text}` says what breaks, not when"), span, "a Fault")
                .help("declare `fault NAME = … at … for …`, and use that name");
        }
        // A plain value has no name that could be of the wrong kind.
        let is_part =
            !(found.is_quantity() || matches!(found, Type::Text | Type::Bool | Type::Json | Type::List | Type::Range));
        if kinds.len() > 1 && !expected.is_quantity() && !matches!(expected, Type::Text | Type::Json) && is_part {
            let message = format!("`{text}` is {}, and {} is needed here", found.a(), either(kinds));
            let problem = Diagnostic::new(Code::E0207, message, span, found.a());
            return self.loads_instead(span).into_iter().fold(problem, Diagnostic::or);
        }
        if kinds.len() > 1 && !expected.is_quantity() {
            let message = format!("expected {}, found {}", either(kinds), found.a());
            let problem = Diagnostic::new(Code::E0301, message, span, found.a());
            let units = match found {
                Type::Number | Type::Count => ["/s", " users", "s", "%"].as_slice(),
                _ => &[],
            };
            let with = |unit: &&str| super::guess::instead(span, format!("{text}{unit}"));
            return units.iter().map(with).fold(problem, Diagnostic::or);
        }
        if is_part
            && !expected.is_quantity()
            && !matches!(expected, Type::Text | Type::Bool | Type::Json | Type::Secret)
        {
            let message = format!("`{text}` is {}, and {} is needed here", found.a(), expected.wanted());
            return Diagnostic::new(Code::E0207, message, span, found.a());
        }
        // Where a length of time is written and nothing is compared with it, a small number most often means seconds.
        let is_length = self.is_length(span);
        let seconds = |number: f64| number < 50.0 || is_length && (number < 1000.0 || number % 3600.0 == 0.0);
        if expected == Type::Duration && found == Type::Number && text.parse::<f64>().is_ok_and(seconds) {
            let problem =
                Diagnostic::new(Code::E0301, "expected a Duration, found a Number", span, format!("{text} what?"));
            return problem.fix(Applicability::Maybe, span, format!("{text}s"), format!("did you mean `{text}s`?"));
        }
        mismatch(expected, found, span, &text)
    }

    /// Whether something lasts or comes back in this time, which is said in seconds, and not in the milliseconds of answers.
    pub(super) fn is_length(&self, span: Span) -> bool {
        let before = self.world.sources.get(span.file).text.get(..span.start as usize).unwrap_or("");
        let word = before.trim_end().rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
        matches!(word, "for" | "over" | "every" | "idle" | "settle")
    }

    /// A quantity that must be known before the run and is not negative; `None` also while it is not known yet.
    pub(super) fn quantity(&mut self, expr: &'a ast::Expr, frame: FrameId, kind: Type) -> Option<f64> {
        let value = self.eval_as(expr, frame, &[kind]);
        match (&value, value.number()) {
            (Meaning::Unknown(_), _) => None,
            (_, Some(number)) if number < 0.0 => {
                self.out_of_range(expr.span, "must not be negative");
                None
            }
            (_, Some(number)) => Some(number),
            (_, None) => {
                self.not_constant(expr.span, "this value must be known before the run");
                None
            }
        }
    }

    /// Whether what stands for a time is a difference of two that are written out, where a range may stand: `1s-2s`.
    pub(super) fn is_difference(&mut self, expr: &ast::Expr) -> bool {
        let ExprKind::Binary { operator: Binary::Subtract, left, right, .. } = &expr.kind else { return false };
        let (ExprKind::Duration(from), ExprKind::Duration(to)) = (&left.kind, &right.kind) else { return false };
        let (text, least, most) = (self.text(expr.span), (*from).min(*to), (*from).max(*to));
        let message = format!("`{text}` is a subtraction, not a range");
        let problem = Diagnostic::new(Code::E0310, message, expr.span, "one time, and not one between two");
        let range = format!("{}..{}", duration(least), duration(most));
        self.push(problem.fix(
            Applicability::Maybe,
            expr.span,
            &range,
            format!("write `{range}` for a time between the two, or the one that is meant"),
        ));
        true
    }

    /// What is no text that is known before the run, where one is needed: what is known by then, and what to write.
    pub(super) fn no_known_text(&mut self, value: &Meaning<'a>, span: Span, (what, write): (&str, &str)) {
        let problem = match value.kind() {
            Type::Text => {
                let message = format!("{what} is known before the run");
                Diagnostic::new(Code::E0404, message, span, "only the run knows it")
                    .help(format!("write {write}, or take it from a parameter or `env(\"…\")`"))
            }
            kind => {
                let message = format!("a Text is needed here, and this is {}", kind.a());
                Diagnostic::new(Code::E0301, message, span, kind.a())
            }
        };
        self.push(problem);
    }

    pub(super) fn not_constant(&mut self, span: Span, message: &str) {
        self.push(
            Diagnostic::new(Code::E0301, message, span, "not a constant")
                .help("write a literal such as `30s`, `200/s` or `10 users`, or the name of a parameter"),
        );
    }
}
