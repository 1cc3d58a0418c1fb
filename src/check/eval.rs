//! Expressions: one walk gives each its type and, as far as it is known, its value.

mod arithmetic;

use super::bound::Call;
use super::builtins::{self, BuiltinKind};
use super::meaning::Meaning;
use super::operator::{apply, cannot_join, joined, of_whole};
use super::program::{Edge, Expr, Moment, Property, Window};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::size::Size;
use super::types::Type;
use super::verb::Verb;
use crate::base::units::{Rate, SECOND};
use crate::base::{Name, Span, decimal};
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::{self, Binary, Entry, ExprKind, Unary};
use std::borrow::Cow;
use std::collections::{HashMap, hash_map};

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn eval(&mut self, expr: &'a ast::Expr, frame: FrameId) -> Meaning<'a> {
        if self.diagnostics.is_full() || !self.spend(Size { parts: 1, bytes: 0 }, expr.span) {
            return Meaning::WRONG;
        }
        let value = self.worked_out(expr, frame);
        // What a value is made of here was counted where that was worked out; what a name stands for is held once more.
        let is_more = match &expr.kind {
            ExprKind::Text(_) | ExprKind::Name(_) | ExprKind::Field { .. } => true,
            ExprKind::Call { .. } | ExprKind::Method { .. } => true,
            ExprKind::List(_) | ExprKind::Object(_) | ExprKind::Unary { .. } | ExprKind::Binary { .. } => false,
            ExprKind::Null | ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::Duration(_) => return value,
            ExprKind::Rate(_) | ExprKind::Users(_) | ExprKind::Percent(_) | ExprKind::Points(_) => return value,
            ExprKind::Factor(_) | ExprKind::Bytes(_) | ExprKind::Bandwidth(_) => return value,
            ExprKind::Baseline(_) | ExprKind::Wrong => return value,
        };
        self.held(value, is_more, expr.span)
    }

    /// A value that is not too large, counted where it is more than what was counted before.
    pub(super) fn held(&mut self, value: Meaning<'a>, is_more: bool, span: Span) -> Meaning<'a> {
        let size = value.size();
        let fits = self.may_hold(size, span) && (!is_more || self.spend(size, span));
        if fits { value } else { Meaning::WRONG }
    }

    fn worked_out(&mut self, expr: &'a ast::Expr, frame: FrameId) -> Meaning<'a> {
        match &expr.kind {
            ExprKind::Null => Meaning::Null,
            ExprKind::Bool(value) => Meaning::Bool(*value),
            ExprKind::Number(value) => self.plain_number(*value, expr.span),
            ExprKind::Duration(ns) => Meaning::Quantity(*ns as f64, Type::Duration),
            ExprKind::Rate(rate) => Meaning::Rate(*rate),
            ExprKind::Users(users) => Meaning::Quantity(*users as f64, Type::Users),
            ExprKind::Percent(share) => Meaning::Quantity(*share, Type::Percent),
            ExprKind::Points(share) => Meaning::Quantity(*share, Type::Points),
            ExprKind::Factor(factor) => Meaning::Quantity(*factor, Type::Factor),
            ExprKind::Bytes(bytes) => Meaning::Quantity(*bytes as f64, Type::Bytes),
            ExprKind::Bandwidth(bandwidth) => Meaning::Quantity(*bandwidth, Type::Bandwidth),
            ExprKind::Text(parts) => self.text_value(parts, expr.span, frame),
            ExprKind::List(items) => Meaning::List(items.iter().map(|item| self.eval(item, frame)).collect()),
            ExprKind::Object(fields) => {
                self.is_said_once(fields);
                Meaning::Object(
                    fields.iter().map(|field| (field.label.clone(), self.eval(&field.value, frame))).collect(),
                )
            }
            ExprKind::Name(name) => self.name(name, frame),
            ExprKind::Field { base, field } => self.field(base, field, expr.span, frame),
            ExprKind::Call { function, arguments } => {
                let around = std::mem::replace(&mut self.is_pattern, function.text == "format_time");
                let value = self.call(Call { function, arguments, span: expr.span, frame });
                self.is_pattern = around;
                value
            }
            ExprKind::Method { base, method, arguments } => {
                self.method(base, Call { function: method, arguments, span: expr.span, frame })
            }
            ExprKind::Unary { operator, operand } => self.unary(*operator, operand, frame),
            ExprKind::Binary { operator: Binary::Divide, operator_span, left, right }
                if self.is_unit(right, *operator_span, frame) =>
            {
                let (dividend, unit) = (self.text(left.span), self.text(right.span));
                let message = format!("`{dividend}/{unit}` divides by something called `{unit}`");
                let problem = Diagnostic::new(Code::E0201, message, right.span, "not declared");
                let rate = format!("{dividend} * 1/{unit}");
                self.push(problem.fix(Applicability::Maybe, expr.span, &rate, format!("for a rate write `{rate}`")));
                Meaning::WRONG
            }
            ExprKind::Binary { operator, operator_span, left, right } => {
                let (l, r) = (self.eval(left, frame), self.eval(right, frame));
                self.binary(*operator, *operator_span, (left, l), (right, r))
            }
            ExprKind::Baseline(_) => {
                let problem = Diagnostic::new(
                    Code::E0114,
                    "a baseline stands on the right of a comparison",
                    expr.span,
                    "not here",
                );
                self.push(problem.help("write it in an `expect`, such as `p95(main) <= baseline + 5%`"));
                Meaning::WRONG
            }
            ExprKind::Wrong => Meaning::WRONG,
        }
    }

    /// Of two fields of one name a reader of JSON takes whichever it likes (RFC 8259, 4).
    fn is_said_once(&mut self, fields: &[Entry]) {
        let mut firsts: HashMap<&str, Span> = HashMap::with_capacity(fields.len());
        for Entry { label, .. } in fields {
            match firsts.entry(&label.text) {
                hash_map::Entry::Occupied(first) => self.push(Diagnostic::twice(label, *first.get())),
                hash_map::Entry::Vacant(first) => drop(first.insert(label.span)),
            }
        }
    }

    /// A number as it is written, where that says more than the float does.
    fn plain_number(&self, value: f64, span: Span) -> Meaning<'a> {
        let written = self.world.sources.get(span.file).slice(span);
        let digits = if written.contains('_') { written.replace('_', "").into() } else { Cow::Borrowed(written) };
        if decimal::float(&digits).is_some() || !decimal::is_number(&digits) {
            return Meaning::Quantity(value, Type::Number);
        }
        Meaning::Exact(digits.into_owned())
    }

    /// Whether a divisor is rather the unit of a rate: touching the `/`, and nothing that is declared.
    fn is_unit(&mut self, divisor: &ast::Expr, slash: Span, frame: FrameId) -> bool {
        match &divisor.kind {
            ExprKind::Name(name) => {
                matches!(name.text.as_str(), "s" | "min" | "h" | "d")
                    && slash.end == name.span.start
                    && self.lookup(frame, &name.text, name.span).is_none()
            }
            _ => false,
        }
    }

    /// A value of one of these types; what is of another is refused, and whole numbers become counts where those
    /// are due.
    pub(super) fn eval_as(&mut self, expr: &'a ast::Expr, frame: FrameId, kinds: &[Type]) -> Meaning<'a> {
        // A fault and a metric may have one name; where a fault is due, it is the fault.
        if let (ExprKind::Call { function, arguments }, [Type::Fault]) = (&expr.kind, kinds)
            && let Some(builtin) = builtins::of_kind(BuiltinKind::Fault, &function.text)
            && builtins::of_kind(BuiltinKind::Metric, &function.text).is_some()
            && self.lookup(frame, &function.text, function.span).is_none()
        {
            return self.action(builtin, Call { function, arguments, span: expr.span, frame });
        }
        let value = self.eval(expr, frame);
        self.fit(value, expr.span, kinds)
    }

    fn name(&mut self, name: &'a Name, frame: FrameId) -> Meaning<'a> {
        if let Some(value) = self.special(name, frame) {
            return value;
        }
        if let Some(value) = self.lookup(frame, &name.text, name.span) {
            return value;
        }
        if let Some(module) = self.module_named(frame, &name.text, name.span) {
            return Meaning::Module(module);
        }
        if self.sees_scenario(frame)
            && let Some(value) = self.undeclared(name)
        {
            return value;
        }
        if self.sees_scenario(frame)
            && let Some(problem) = self.part_without_load(name)
        {
            self.push(problem);
            return Meaning::WRONG;
        }
        // The names of refused steps and of stages of a refused shape are not known.
        let lost = self.lost_stages || (self.flow.is_none() && !self.refused_flows.is_empty());
        if self.sees_scenario(frame) && lost && builtins::find(&name.text).is_none() {
            return Meaning::WRONG;
        }
        if let Some(problem) = self.of_elsewhere(name) {
            self.push(problem);
            return Meaning::WRONG;
        }
        if self.answer.is_some() && matches!(name.text.as_str(), "response" | "res" | "resp" | "r" | "answer") {
            let message = format!("no value of this flow is called `{name}`");
            let problem = Diagnostic::new(Code::E0201, message, name.span, "not declared");
            self.push(problem.help("the answer is meant anyway: write `status == 200` or `json(\"$.id\") != null`"));
            return Meaning::WRONG;
        }
        let mut known = self.visible_names(frame);
        let world = self.world;
        known.extend(world.aliases[self.frames[frame].module].iter().map(|(alias, _)| alias.as_str()));
        let stages: Vec<String> = if self.sees_scenario(frame) { self.stage_names() } else { Vec::new() };
        known.extend(stages.iter().map(String::as_str));
        known.extend(self.answer.into_iter().flat_map(|answer| self.verb_of(answer).fields()));
        if self.predicate {
            let properties = ["status", "latency", "attempt", "ok", "error"];
            return self.unknown_name(frame, name, "property of a request", &properties);
        }
        if let Some(problem) = self.word_of_elsewhere(name) {
            self.push(problem);
            return Meaning::WRONG;
        }
        let what = match (&self.flow, builtins::find(&name.text)) {
            (_, Some(builtin)) => {
                let problem = Diagnostic::new(Code::E0207, format!("`{name}` is a function"), name.span, "not called");
                let signature = builtin.signature();
                let call = signature.split(" -> ").next().unwrap_or(&signature);
                let problem = problem.help(format!("call it: `{call}`"));
                self.push(self.calls(name).into_iter().fold(problem, Diagnostic::or));
                return Meaning::WRONG;
            }
            (Some(_), None) => "value of this flow",
            (None, None) => "part of this scenario",
        };
        self.unknown_name(frame, name, what, &known)
    }

    /// A name that is none and whose meaning is plain all the same.
    fn word_of_elsewhere(&self, name: &Name) -> Option<Diagnostic> {
        let problem = |message: String| Diagnostic::new(Code::E0201, message, name.span, "not declared");
        let unknown = || problem(format!("nothing is called `{name}`"));
        match name.text.as_str() {
            "off" | "no" | "disabled" => {
                Some(unknown().fix(Applicability::MachineApplicable, name.span, "false", "write `false`"))
            }
            "on" | "yes" | "enabled" => {
                Some(unknown().fix(Applicability::MachineApplicable, name.span, "true", "write `true`"))
            }
            "status" | "latency" | "text" | "size" | "wire_size" if self.flow.is_some() => {
                let last = self.last_answer(name.span)?;
                let problem = problem(format!("`{name}` of which answer?"));
                let inside = format!("put it into the block of its request: `as {last} {{ expect {name} … }}`");
                Some(problem.fix(
                    Applicability::Maybe,
                    name.span,
                    format!("{last}.{name}"),
                    format!("write `{last}.{name}`, or {inside}"),
                ))
            }
            _ => None,
        }
    }

    /// The name of the request that stands nearest before a place.
    fn last_answer(&self, place: Span) -> Option<&'a str> {
        let names = self.frames.iter().flat_map(|frame| &frame.names);
        let answers = names.filter(|(_, (bound, span))| {
            let is_answer = matches!(bound, super::scope::Binding::Ready(Meaning::Answer(_)));
            is_answer && span.file == place.file && span.start < place.start
        });
        answers.max_by_key(|(_, (_, span))| span.start).map(|(name, _)| *name)
    }

    /// Names that mean something only where they stand: in the block of a request, in a `where`.
    fn special(&mut self, name: &Name, frame: FrameId) -> Option<Meaning<'a>> {
        if self.predicate {
            let property = Property::of(&name.text)?;
            let kind = match property {
                Property::Status | Property::Attempt => Type::Count,
                Property::Latency => Type::Duration,
                Property::Ok => Type::Bool,
                Property::Error => Type::Text,
            };
            return Some(Meaning::Run(Expr::Property(property), kind));
        }
        let response = self.answer?;
        match name.text.as_str() {
            // A value of the flow may be called so.
            "size" | "wire_size" | "affected" | "event" | "id"
                if self.lookup(frame, &name.text, name.span).is_some() =>
            {
                None
            }
            "event" | "id" if self.verb_of(response) != Verb::Event => None,
            "status" | "latency" | "text" | "rows" | "affected" | "size" | "wire_size" | "event" | "id" => {
                Some(self.answer_part(response, &name.text, name.span))
            }
            _ => None,
        }
    }

    pub(super) fn field(&mut self, base: &'a ast::Expr, field: &'a Name, span: Span, frame: FrameId) -> Meaning<'a> {
        if self.flow.is_some()
            && let ExprKind::Name(name) = &base.kind
            && name.text == "user"
            && self.lookup(frame, "user", name.span).is_none()
        {
            if field.text == "id" {
                return Meaning::Run(Expr::UserId, Type::Count);
            }
            let problem = Diagnostic::new(Code::E0202, format!("a user has no `{field}`"), field.span, "no such field");
            self.push(problem.did_you_mean(field.span, &field.text, ["id"].into_iter()));
            return Meaning::WRONG;
        }
        if let Some(problem) = self.asked_another_way(base, field, span, frame) {
            self.push(problem);
            return Meaning::WRONG;
        }
        let value = self.eval(base, frame);
        self.field_of(&value, base, field, span)
    }

    /// An instant that is written where one is due; a duration counts from the start of the first load.
    pub(super) fn moment(&mut self, expr: &'a ast::Expr, frame: FrameId) -> Option<Moment> {
        let value = self.eval_as(expr, frame, &[Type::Instant]);
        match &value {
            Meaning::Quantity(ns, Type::Duration) => {
                Some(Moment { window: Window::Run, edge: Edge::Start, plus: *ns as i64, span: expr.span })
            }
            other => moment_of(other, expr.span).map(|moment| Moment { span: expr.span, ..moment }),
        }
    }

    /// The function of a call, by where it stands.
    pub(super) fn call(&mut self, call: Call<'a>) -> Meaning<'a> {
        let Call { function, arguments, frame, .. } = call;
        if let Some(response) = self.answer
            && builtins::field(Type::Response, &function.text, true).is_some()
        {
            return self.answer_method(response, call);
        }
        // What has no parameters is not called, so a scenario may be named after a metric.
        if let Some(value) = self.lookup(frame, &function.text, function.span)
            && let Meaning::Definition(item, _) = &value
            && (item.parameters().is_some() || builtins::find(&function.text).is_none())
        {
            // The name is refused where it is declared, and which of both is meant nobody knows.
            if item.parameters().is_some() && builtins::find(&function.text).is_some() {
                if matches!(item, ast::Item::Fault(_)) {
                    self.either_fault(function);
                }
                return Meaning::WRONG;
            }
            return self.instantiate(&value, call);
        }
        // Inside a flow a name of both kinds is the function of values.
        let order = match self.flow.is_some() || self.predicate {
            true => [
                BuiltinKind::Pure,
                BuiltinKind::Distribution,
                BuiltinKind::Input,
                BuiltinKind::Metric,
                BuiltinKind::Fault,
            ],
            false => [
                BuiltinKind::Metric,
                BuiltinKind::Pure,
                BuiltinKind::Input,
                BuiltinKind::Fault,
                BuiltinKind::Distribution,
            ],
        };
        let found = order.into_iter().find_map(|kind| builtins::of_kind(kind, &function.text));
        match found {
            Some(builtin) if builtin.kind == BuiltinKind::Metric && self.flow.is_some() => {
                self.push(
                    Diagnostic::new(
                        Code::E0114,
                        "a metric is judged in the `expect` of a scenario",
                        function.span,
                        "not here",
                    )
                    .help("a flow checks one answer at a time, such as `expect status == 200`"),
                );
                Meaning::WRONG
            }
            Some(builtin) => match builtin.kind {
                BuiltinKind::Metric => self.metric(builtin, call),
                BuiltinKind::Fault => self.action(builtin, call),
                _ => self.function(builtin, call),
            },
            None => {
                if let Some(quantile) = quantile_of_elsewhere(function, arguments) {
                    let message = format!("no function is called `{function}`");
                    let problem = Diagnostic::new(Code::E0201, message, function.span, "no such function");
                    let load = self.out.loads.first().map_or("main", |load| load.name.text.as_str()).to_owned();
                    self.push(problem.help(format!("write `{quantile}({load})`: the quantile is in the name")));
                    return Meaning::WRONG;
                }
                self.unknown_function(call)
            }
        }
    }

    /// A call that may mean a fault of the language or a template of this file.
    fn either_fault(&mut self, function: &Name) {
        let message = format!("`{function}` may be the built-in fault or the template of this file");
        let problem = Diagnostic::new(Code::E0204, message, function.span, "which of them?");
        let help = "give the template another name, or a file of its own, and call it after the name of that module";
        self.push(problem.help(help));
    }

    fn unknown_function(&mut self, Call { function, arguments, span, frame }: Call<'a>) -> Meaning<'a> {
        if builtins::field(Type::Response, &function.text, true).is_some() {
            let message = format!("`{function}` of which answer?");
            let problem = Diagnostic::new(Code::E0202, message, function.span, "outside a request");
            self.push(match self.last_answer(function.span).filter(|_| self.flow.is_some()) {
                Some(last) => {
                    let asked = format!("{last}.{function}");
                    problem.fix(Applicability::Maybe, function.span, &asked, format!("write `{asked}(…)`"))
                }
                None => problem.help(format!("name a request with `as NAME`, and write `NAME.{function}(…)`")),
            });
            return Meaning::WRONG;
        }
        if let Some(builtin) = builtins::all().find(|builtin| builtin.name == function.text) {
            let message = format!("`{function}` builds {}", super::words::built(builtin.kind));
            let problem = Diagnostic::new(Code::E0114, message, function.span, "not here");
            self.push(problem.help(format!("write `{}`", builtin.example)));
            return Meaning::WRONG;
        }
        if let Some(value) = self.lookup(frame, &function.text, function.span) {
            if !value.is_wrong() {
                let message = format!("`{function}` is {}, which takes no arguments", value.kind().a());
                let problem = Diagnostic::new(Code::E0207, message, function.span, value.kind().a());
                self.push(self.uncalled(function, problem));
            }
            return Meaning::WRONG;
        }
        let kinds: &[BuiltinKind] = match self.flow.is_some() {
            true => &[BuiltinKind::Pure, BuiltinKind::Distribution, BuiltinKind::Input],
            false => &[BuiltinKind::Metric, BuiltinKind::Fault, BuiltinKind::Pure, BuiltinKind::Input],
        };
        let mut known: Vec<String> = kinds.iter().flat_map(|kind| builtins::names(*kind)).map(str::to_owned).collect();
        if self.answer.is_some() {
            known.extend(["json", "header", "regex", "css"].map(str::to_owned));
        }
        let helps = self.may_help(function.span);
        let visible = if helps { self.visible_names(frame) } else { Vec::new() };
        known.extend(crate::base::suggest::similar(&function.text, visible).map(str::to_owned));
        let problem = Diagnostic::new(
            Code::E0201,
            format!("no function is called `{function}`"),
            function.span,
            "no such function",
        );
        let meant = self.called_elsewhere(function, arguments, span);
        let problem = meant.into_iter().fold(problem, Diagnostic::or);
        self.push(match helps {
            true => problem.did_you_mean(function.span, &function.text, known.iter().map(String::as_str)),
            false => problem,
        });
        Meaning::WRONG
    }
}

/// `p(95)`, as others say for `p95`.
fn quantile_of_elsewhere(function: &Name, arguments: &[ast::Argument]) -> Option<&'static str> {
    let of = arguments.iter().find_map(|argument| match argument.value.kind {
        ExprKind::Number(number) => Some(format!("p{}", number.to_string().replace('.', ""))),
        ExprKind::Percent(share) => Some(format!("p{}", (share * 1000.0).round() / 10.0).replace('.', "")),
        _ => None,
    })?;
    let asked = function.text == "p" || (function.text == "percentile" && arguments.len() == 1);
    builtins::of_kind(BuiltinKind::Metric, &of).filter(|_| asked).map(|builtin| builtin.name)
}

/// The instant that a value stands for, where it stands for one.
pub(super) fn moment_of(value: &Meaning<'_>, span: Span) -> Option<Moment> {
    let of = |window: Window| Moment { window, edge: Edge::Start, plus: 0, span };
    match value {
        Meaning::Moment(moment) => Some(moment.clone()),
        Meaning::Window(window, _) => Some(of(window.clone())),
        Meaning::Samples(population, _, Type::Load) => population.load.map(|load| of(Window::Load(load))),
        _ => None,
    }
}
