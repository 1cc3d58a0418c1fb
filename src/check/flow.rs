//! Flows: what one user does, with every name resolved to a slot and every answer to its request.

use super::program::{Body, Check, Expr, Flow, Piece, Request, Step, Think};
use super::types::Type;
use super::{Checker, builtins, constant, mismatch};
use crate::base::{Name, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Argument, Binary, Entry, ExprKind, StepKind, TextPart, Unary};

/// What a name of a flow stands for.
#[derive(Debug, Clone, Copy)]
enum Local {
    Slot(usize, Type),
    Answer(usize),
}

/// The flow that is being checked.
struct State {
    locals: Vec<(String, Local, Span)>,
    requests: Vec<Needs>,
    slots: usize,
}

/// What later steps need of an answer.
#[derive(Default, Clone, Copy)]
struct Needs {
    body: bool,
    headers: bool,
}

struct FlowChecker<'c, 'a> {
    checker: &'c mut Checker<'a>,
    flow: State,
    /// The request whose block is being read: `status`, `json(…)` speak of its answer.
    current: Option<usize>,
}

impl Checker<'_> {
    pub(super) fn flow(&mut self, flow: &ast::Flow) {
        let index = self.flows.len();
        self.declare(&flow.name, Type::Flow, index);
        let target = match &flow.on {
            Some(on) => self.lookup(on, Type::Target),
            None => None,
        };
        let state = State { locals: Vec::new(), requests: Vec::new(), slots: 0 };
        let mut inner = FlowChecker { checker: self, flow: state, current: None };
        let mut steps = Vec::new();
        for step in &flow.steps {
            if let Some(step) = inner.step(step, target, flow) {
                steps.push(step);
            }
        }
        let FlowChecker { flow: state, .. } = inner;
        for step in &mut steps {
            if let Step::Request(request) = step {
                let needs = state.requests[request.response];
                (request.keep_body, request.keep_headers) = (needs.body, needs.headers);
            }
        }
        if state.requests.is_empty() && !flow.steps.iter().any(|s| matches!(s.kind, StepKind::Request(_))) {
            let problem = Diagnostic::new(Code::E0307, format!("the flow `{}` sends nothing", flow.name), flow.name.span, "no request in it");
            self.diagnostics.push(problem.help("add a step such as `get \"/\"`"));
        }
        self.flows.push(Flow { name: flow.name.text.clone(), steps, slots: state.slots, requests: state.requests.len() });
    }
}

impl FlowChecker<'_, '_> {
    fn step(&mut self, step: &ast::Step, target: Option<usize>, flow: &ast::Flow) -> Option<Step> {
        match &step.kind {
            StepKind::Request(request) => self.request(request, target, flow).map(Step::Request),
            StepKind::Let { name, value } => {
                let (value, kind) = self.expr(value)?;
                let slot = self.flow.slots;
                self.flow.slots += 1;
                self.bind(name, Local::Slot(slot, kind));
                Some(Step::Let { slot, value })
            }
            StepKind::Think(length) => self.think(length).map(Step::Think),
            StepKind::Expect(conditions) => Some(Step::Expect(self.checks(conditions))),
        }
    }

    fn bind(&mut self, name: &Name, local: Local) {
        match self.flow.locals.iter().find(|(known, ..)| *known == name.text) {
            Some((_, _, first)) => {
                let problem = super::twice(name, *first);
                self.push(problem);
            }
            None => self.flow.locals.push((name.text.clone(), local, name.span)),
        }
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        self.checker.diagnostics.push(diagnostic);
    }

    fn request(&mut self, request: &ast::Request, target: Option<usize>, flow: &ast::Flow) -> Option<Request> {
        let target = match &request.on {
            Some(on) => self.checker.lookup(on, Type::Target),
            None if flow.on.is_some() => target,
            None => self.only_target(request, flow),
        };
        let response = self.flow.requests.len();
        self.flow.requests.push(Needs::default());
        let (pieces, kind) = match &request.url.kind {
            ExprKind::Text(parts) => (self.pieces(parts), Type::Text),
            _ => (Vec::new(), self.expr(&request.url).map_or(Type::Wrong, |(_, kind)| kind)),
        };
        if !matches!(kind, Type::Text | Type::Wrong) {
            let text = self.checker.text(request.url.span);
            self.push(mismatch(Type::Text, kind, request.url.span, &text));
        }
        if let Some(Piece::Literal(start)) = pieces.first()
            && !start.starts_with('/')
        {
            let problem = Diagnostic::new(Code::E0310, "a path starts with `/`", request.url.span, "no `/` in front");
            self.push(problem.help("the host belongs to the target; write the path alone, such as `\"/products\"`"));
        }
        let template = self.checker.text(request.url.span).trim_matches(['"', '\'']).to_owned();
        let method = request.method.text.to_uppercase();
        let mut checked = Request {
            name: request.name.as_ref().map_or_else(|| format!("{method} {template}"), |name| name.text.clone()),
            response,
            target: target.unwrap_or(0),
            method,
            path: pieces,
            headers: Vec::new(),
            body: None,
            timeout: None,
            expects: Vec::new(),
            judges_status: false,
            keep_body: false,
            keep_headers: false,
            line: self.checker.line(request.method.span),
        };
        for entry in &request.entries {
            self.entry(entry, &mut checked);
        }
        self.current = Some(response);
        checked.expects = self.checks(&request.expects);
        checked.judges_status = checked.expects.iter().any(|check| speaks_of_status(&check.condition));
        self.current = None;
        if let Some(name) = &request.name {
            self.bind(name, Local::Answer(response));
        }
        Some(checked)
    }

    fn only_target(&mut self, request: &ast::Request, flow: &ast::Flow) -> Option<usize> {
        if self.checker.targets.len() == 1 {
            self.checker.used.push((Type::Target, 0));
            return Some(0);
        }
        let message = format!("`{}` names no target to talk to", flow.name);
        let problem = Diagnostic::new(Code::E0307, message, request.method.span, "sent where?");
        let names = self.checker.known(Type::Target);
        self.push(match names.first() {
            Some(name) => problem.help(format!("write `flow {} on {name} {{ … }}`", flow.name)),
            None => problem.help("declare one: `target api = http(\"http://127.0.0.1:8080\")`, and write `flow … on api { … }`"),
        });
        None
    }

    fn entry(&mut self, entry: &Entry, request: &mut Request) {
        match entry.label.text.as_str() {
            "json" => request.body = self.expr(&entry.value).map(|(value, _)| Body::Json(value)),
            "form" => request.body = Some(Body::Form(self.fields(entry))),
            "body" => request.body = self.text_value(&entry.value).map(Body::Text),
            "headers" => {
                let ExprKind::Object(fields) = &entry.value.kind else {
                    let problem = Diagnostic::new(Code::E0301, "headers are an object", entry.value.span, "not `{ … }`");
                    self.push(problem.help("write `headers: { \"Accept\": \"text/html\" }`"));
                    return;
                };
                for field in fields {
                    if let Some(pieces) = self.text_value(&field.value) {
                        request.headers.push((field.label.text.clone(), pieces));
                    }
                }
            }
            "timeout" => {
                let value = self.checker.option(entry, Type::Duration);
                request.timeout = Some(value.number() as u64).filter(|ns| *ns > 0);
            }
            _ => self.checker.unknown_option(entry, &["json", "form", "body", "headers", "timeout"]),
        }
    }

    fn fields(&mut self, entry: &Entry) -> Vec<(String, Expr)> {
        let ExprKind::Object(fields) = &entry.value.kind else {
            let problem = Diagnostic::new(Code::E0301, "a form is an object", entry.value.span, "not `{ … }`");
            self.push(problem.help("write `form: { user: \"ann\" }`"));
            return Vec::new();
        };
        fields.iter().filter_map(|field| Some((field.label.text.clone(), self.expr(&field.value)?.0))).collect()
    }

    fn text_value(&mut self, value: &ast::Expr) -> Option<Vec<Piece>> {
        match &value.kind {
            ExprKind::Text(parts) => Some(self.pieces(parts)),
            _ => self.expr(value).map(|(value, _)| vec![Piece::Value(value)]),
        }
    }

    fn pieces(&mut self, parts: &[TextPart]) -> Vec<Piece> {
        parts
            .iter()
            .filter_map(|part| match part {
                TextPart::Literal(text) => Some(Piece::Literal(text.clone())),
                TextPart::Path(path) => self.expr(path).map(|(value, _)| Piece::Value(value)),
            })
            .collect()
    }

    fn think(&mut self, length: &ast::Expr) -> Option<Think> {
        match &length.kind {
            ExprKind::Call { function, arguments } if function.text == "exponential" => {
                let mean = self.checker.arguments(function, arguments, &[("mean", Type::Duration)]).remove(0);
                mean.map(|(mean, _)| Think::Exponential { mean: mean.number() as u64 })
            }
            ExprKind::Binary { operator: Binary::Range, left, right, .. } => {
                let (least, most) = (self.duration(left)?, self.duration(right)?);
                if least > most {
                    self.checker.out_of_range(length.span, "a range goes from the smaller to the larger");
                    return None;
                }
                Some(Think::Uniform { least, most })
            }
            _ => self.duration(length).map(|ns| Think::Uniform { least: ns, most: ns }),
        }
    }

    fn duration(&mut self, expr: &ast::Expr) -> Option<u64> {
        let value = constant::constant(expr, self.checker.diagnostics);
        self.checker.expect_type(&value, Type::Duration, expr.span).then(|| value.number() as u64)
    }

    fn checks(&mut self, conditions: &[ast::Condition]) -> Vec<Check> {
        let mut checks = Vec::new();
        for condition in conditions {
            if let Some(scope) = condition.scopes.first() {
                let problem = Diagnostic::new(Code::E0114, "a check of an answer has no window", scope.span, "not here");
                self.push(problem.help("windows belong to the `expect` of a scenario"));
            }
            let Some((value, kind)) = self.expr(&condition.expr) else { continue };
            if !matches!(kind, Type::Bool | Type::Wrong) {
                let problem = Diagnostic::new(Code::E0301, format!("a check is a condition, and this is {}", kind.a()), condition.span, kind.a());
                self.push(problem.help("compare it with something, such as `status == 200`"));
                continue;
            }
            checks.push(Check { text: self.checker.text(condition.span), condition: value });
        }
        checks
    }

    fn expr(&mut self, expr: &ast::Expr) -> Option<(Expr, Type)> {
        if let Some((value, kind)) = constant::literal(expr) {
            return Some((Expr::Number(value), kind));
        }
        Some(match &expr.kind {
            ExprKind::Null => (Expr::Null, Type::Null),
            ExprKind::Bool(value) => (Expr::Bool(*value), Type::Bool),
            ExprKind::Text(parts) => (Expr::Text(self.pieces(parts)), Type::Text),
            ExprKind::List(items) => {
                let items: Option<Vec<Expr>> = items.iter().map(|item| Some(self.expr(item)?.0)).collect();
                (Expr::List(items?), Type::List)
            }
            ExprKind::Object(fields) => {
                let fields: Option<Vec<(String, Expr)>> =
                    fields.iter().map(|field| Some((field.label.text.clone(), self.expr(&field.value)?.0))).collect();
                (Expr::Object(fields?), Type::Object)
            }
            ExprKind::Name(name) => self.name(name)?,
            ExprKind::Field { base, field } => self.field(base, field)?,
            ExprKind::Call { function, arguments } => self.call(function, arguments, expr.span)?,
            ExprKind::Method { base, method, arguments } => self.method(base, method, arguments)?,
            ExprKind::Unary { operator, operand } => {
                let (value, kind) = self.expr(operand)?;
                match operator {
                    Unary::Not => (Expr::Not(Box::new(value)), Type::Bool),
                    Unary::Negate => (Expr::Negate(Box::new(value)), kind),
                }
            }
            ExprKind::Binary { operator, operator_span, left, right } => self.binary(*operator, *operator_span, left, right)?,
            _ => return None,
        })
    }

    fn name(&mut self, name: &Name) -> Option<(Expr, Type)> {
        if let Some(response) = self.current {
            match name.text.as_str() {
                "status" => return Some((Expr::Status(response), Type::Number)),
                "latency" => return Some((Expr::Latency(response), Type::Duration)),
                "text" => {
                    self.flow.requests[response].body = true;
                    return Some((Expr::BodyText(response), Type::Text));
                }
                _ => {}
            }
        }
        match self.flow.locals.iter().find(|(known, ..)| *known == name.text) {
            Some((_, Local::Slot(slot, kind), _)) => Some((Expr::Slot(*slot), *kind)),
            Some((_, Local::Answer(_), _)) => {
                let problem = Diagnostic::new(Code::E0207, format!("`{name}` is an answer, not a value"), name.span, "which part of it?");
                self.push(problem.help(format!("write `{name}.status`, `{name}.json(\"$.id\")`, `{name}.header(\"Location\")` or `{name}.text`")));
                None
            }
            None => {
                let problem = Diagnostic::new(Code::E0201, format!("nothing in this flow is called `{name}`"), name.span, "not declared above");
                let answer: &[&str] = if self.current.is_some() { &["status", "latency", "text"] } else { &[] };
                let known: Vec<String> = self.flow.locals.iter().map(|(known, ..)| known.clone()).collect();
                self.push(problem.did_you_mean(name.span, &name.text, known.iter().map(String::as_str).chain(answer.iter().copied())));
                None
            }
        }
    }

    /// The request whose answer a name means.
    fn answer(&mut self, base: &ast::Expr) -> Option<usize> {
        if let ExprKind::Name(name) = &base.kind
            && let Some((_, Local::Answer(response), _)) = self.flow.locals.iter().find(|(known, ..)| *known == name.text)
        {
            return Some(*response);
        }
        if let Some((_, kind)) = self.expr(base) {
            let problem = Diagnostic::new(Code::E0202, format!("{} has no parts to ask for", super::capital(&kind.a())), base.span, kind.a());
            self.push(problem.help("name a request with `as NAME`, and ask that name"));
        }
        None
    }

    fn field(&mut self, base: &ast::Expr, field: &Name) -> Option<(Expr, Type)> {
        if let ExprKind::Name(name) = &base.kind
            && name.text == "user"
            && field.text == "id"
        {
            return Some((Expr::UserId, Type::Number));
        }
        let response = self.answer(base)?;
        match field.text.as_str() {
            "status" => Some((Expr::Status(response), Type::Number)),
            "latency" => Some((Expr::Latency(response), Type::Duration)),
            "text" => {
                self.flow.requests[response].body = true;
                Some((Expr::BodyText(response), Type::Text))
            }
            _ => {
                let problem = Diagnostic::new(Code::E0202, format!("an answer has no `{field}`"), field.span, "no such field");
                let known = ["status", "latency", "text", "json", "header"];
                self.push(problem.did_you_mean(field.span, &field.text, known.into_iter()));
                None
            }
        }
    }

    fn method(&mut self, base: &ast::Expr, method: &Name, arguments: &[Argument]) -> Option<(Expr, Type)> {
        let response = self.answer(base)?;
        self.part(response, method, arguments)
    }

    /// `json(path)` or `header(name)` of an answer.
    fn part(&mut self, response: usize, method: &Name, arguments: &[Argument]) -> Option<(Expr, Type)> {
        if !builtins::names(builtins::Kind::Answer).any(|name| name == method.text) {
            let problem = Diagnostic::new(Code::E0202, format!("an answer has no `{method}`"), method.span, "no such method");
            self.push(problem.did_you_mean(method.span, &method.text, builtins::names(builtins::Kind::Answer)));
            return None;
        }
        let (text, span) = self.checker.arguments(method, arguments, &[("path", Type::Text)]).remove(0)?;
        let constant::Constant::Text(text) = text else { return None };
        if method.text == "header" {
            self.flow.requests[response].headers = true;
            return Some((Expr::Header { response, name: text }, Type::Text));
        }
        if let Err(error) = jsonpath_rust::parser::parse_json_path(&text) {
            let why = error.to_string();
            let why = why.lines().next().unwrap_or("malformed").to_owned();
            let problem = Diagnostic::new(Code::E0310, format!("`{text}` is not a JSONPath"), span, why);
            self.push(problem.help("write it like `$.items[0].id` (RFC 9535)"));
            return None;
        }
        self.flow.requests[response].body = true;
        Some((Expr::Json { response, path: text }, Type::Json))
    }

    fn call(&mut self, function: &Name, arguments: &[Argument], span: Span) -> Option<(Expr, Type)> {
        match (function.text.as_str(), self.current) {
            ("json" | "header", Some(response)) => self.part(response, function, arguments),
            ("json" | "header", None) => {
                let problem = Diagnostic::new(Code::E0202, format!("`{function}` of which answer?"), function.span, "outside a request");
                self.push(problem.help(format!("name a request with `as NAME`, and write `NAME.{function}(…)`")));
                None
            }
            ("uuid", _) => Some((Expr::Uuid, Type::Text)),
            ("random", _) => {
                let range = match arguments {
                    [Argument { value: ast::Expr { kind: ExprKind::Binary { operator: Binary::Range, left, right, .. }, .. }, .. }] => {
                        Some((constant::constant(left, self.checker.diagnostics), constant::constant(right, self.checker.diagnostics)))
                    }
                    _ => None,
                };
                match range {
                    Some((constant::Constant::Quantity(least, Type::Number), constant::Constant::Quantity(most, Type::Number))) if least <= most => {
                        Some((Expr::Random { least, most }, Type::Number))
                    }
                    _ => {
                        self.push(Diagnostic::new(Code::E0306, "`random` takes a range of whole numbers", span, "not a range").help("write `random(1..100)`"));
                        None
                    }
                }
            }
            _ => {
                let problem = match builtins::find(&function.text) {
                    Some(builtin) => Diagnostic::new(Code::E0114, format!("`{function}` does not belong in a flow"), function.span, builtin.doc),
                    None => Diagnostic::new(Code::E0201, format!("no function is called `{function}`"), function.span, "no such function")
                        .did_you_mean(function.span, &function.text, builtins::names(builtins::Kind::Pure).chain(builtins::names(builtins::Kind::Answer))),
                };
                self.push(problem);
                None
            }
        }
    }

    fn binary(&mut self, operator: Binary, span: Span, left: &ast::Expr, right: &ast::Expr) -> Option<(Expr, Type)> {
        let (l, r) = (self.expr(left), self.expr(right));
        let ((l, left_kind), (r, right_kind)) = (l?, r?);
        let kind = match operator {
            Binary::And | Binary::Or => Type::Bool,
            _ if operator.compares() => {
                self.comparable(operator, (left, left_kind), (right, right_kind))?;
                Type::Bool
            }
            Binary::Range => {
                self.push(Diagnostic::new(Code::E0305, "a range is not a value here", span, "here").help("ranges stand in `think` and `random`"));
                return None;
            }
            _ => match constant::joined(operator, number_like(left_kind), number_like(right_kind)) {
                Some(kind) => kind,
                None => {
                    self.push(constant::cannot_join(operator, span, (left, left_kind), (right, right_kind)));
                    return None;
                }
            },
        };
        Some((Expr::Binary { operator, left: Box::new(l), right: Box::new(r) }, kind))
    }

    fn comparable(&mut self, operator: Binary, left: (&ast::Expr, Type), right: (&ast::Expr, Type)) -> Option<()> {
        let (a, b) = (left.1, right.1);
        let free = |kind: Type| matches!(kind, Type::Json | Type::Null | Type::Wrong);
        if free(a) || free(b) || a == b || (operator == Binary::In && b == Type::List) {
            return Some(());
        }
        let text = self.checker.text(right.0.span);
        self.push(mismatch(a, b, right.0.span, &text).label(left.0.span, format!("this is {}", a.a())));
        None
    }
}

fn number_like(kind: Type) -> Type {
    if kind == Type::Json { Type::Number } else { kind }
}

fn speaks_of_status(condition: &Expr) -> bool {
    match condition {
        Expr::Status(_) => true,
        Expr::Binary { left, right, .. } => speaks_of_status(left) || speaks_of_status(right),
        Expr::Not(inner) | Expr::Negate(inner) => speaks_of_status(inner),
        _ => false,
    }
}
