//! Flows: what one user does, with every name resolved to a slot and every answer to its request.

use super::program::{Body, Check, Expr, Flow, Piece, Request, Step, Think};
use super::types::Type;
use super::{Checker, constant, mismatch};
use crate::base::{Name, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Binary, Entry, ExprKind, StepKind, TextPart};
use std::collections::HashMap;

/// What a name of a flow stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Local {
    Slot(usize, Type),
    Answer(usize),
    /// Declared by a step that was refused.
    Wrong,
}

/// The flow that is being checked.
pub(super) struct State {
    /// In the order of the text, and where each name stands in it.
    pub(super) locals: Vec<(String, Local, Span)>,
    pub(super) places: HashMap<String, usize>,
    pub(super) requests: Vec<Needs>,
    slots: usize,
}

/// What later steps need of an answer.
#[derive(Default, Clone, Copy)]
pub(super) struct Needs {
    pub(super) body: bool,
    pub(super) headers: bool,
}

pub(super) struct FlowChecker<'c, 'a> {
    pub(super) checker: &'c mut Checker<'a>,
    pub(super) flow: State,
    /// The request whose block is being read: `status`, `json(…)` speak of its answer.
    pub(super) current: Option<usize>,
}

impl Checker<'_> {
    pub(super) fn flow(&mut self, flow: &ast::Flow) {
        let index = self.flows.len();
        self.declare(&flow.name, Type::Flow, index);
        let target = match &flow.on {
            Some(on) => self.lookup(on, Type::Target),
            None => None,
        };
        let state = State { locals: Vec::new(), places: HashMap::new(), requests: Vec::new(), slots: 0 };
        let mut inner = FlowChecker { checker: self, flow: state, current: None };
        let mut steps = Vec::new();
        for step in &flow.steps {
            steps.extend(inner.step(step, target, flow));
        }
        let FlowChecker { flow: state, .. } = inner;
        for step in &mut steps {
            if let Step::Request(request) = step {
                let needs = state.requests[request.response];
                (request.keep_body, request.keep_headers) = (needs.body, needs.headers);
            }
        }
        let sends = |step: &ast::Step| matches!(step.kind, StepKind::Request(_) | StepKind::Refused(_));
        self.lost |= flow.steps.iter().any(|step| matches!(step.kind, StepKind::Refused(_)));
        if !flow.steps.iter().any(sends) {
            let problem = Diagnostic::new(
                Code::E0307,
                format!("the flow `{}` sends nothing", flow.name),
                flow.name.span,
                "no request in it",
            );
            self.diagnostics.push(problem.help("add a step such as `get \"/\"`"));
        }
        self.flows.push(Flow {
            name: flow.name.text.clone(),
            steps,
            slots: state.slots,
            requests: state.requests.len(),
        });
    }
}

impl FlowChecker<'_, '_> {
    fn step(&mut self, step: &ast::Step, target: Option<usize>, flow: &ast::Flow) -> Option<Step> {
        match &step.kind {
            StepKind::Request(request) => Some(Step::Request(self.request(request, target, flow))),
            StepKind::Let { name, value } => {
                let (value, kind) = self.expr(value).unwrap_or((Expr::Null, Type::Wrong));
                let slot = self.flow.slots;
                self.flow.slots += 1;
                self.bind(name, Local::Slot(slot, kind));
                Some(Step::Let { slot, value })
            }
            StepKind::Think(length) => self.think(length).map(Step::Think),
            StepKind::Expect(conditions) => Some(Step::Expect(self.checks(conditions))),
            StepKind::Refused(name) => {
                let name = name.as_ref()?;
                self.bind(name, Local::Wrong);
                None
            }
        }
    }

    fn bind(&mut self, name: &Name, local: Local) {
        if let Some((_, _, first)) = self.local(&name.text) {
            let problem = super::twice(name, *first);
            return self.push(problem);
        }
        self.flow.places.insert(name.text.clone(), self.flow.locals.len());
        self.flow.locals.push((name.text.clone(), local, name.span));
    }

    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.checker.diagnostics.push(diagnostic);
    }

    fn request(&mut self, request: &ast::Request, target: Option<usize>, flow: &ast::Flow) -> Request {
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
        checked
    }

    fn only_target(&mut self, request: &ast::Request, flow: &ast::Flow) -> Option<usize> {
        if self.checker.lost {
            return None;
        }
        if self.checker.targets.len() == 1 {
            self.checker.used.push((Type::Target, 0));
            return Some(0);
        }
        let message = format!("`{}` names no target to talk to", flow.name);
        let problem = Diagnostic::new(Code::E0307, message, request.method.span, "sent where?");
        let names = self.checker.known(Type::Target);
        self.push(match names.first() {
            Some(name) => problem.help(format!("write `flow {} on {name} {{ … }}`", flow.name)),
            None => problem
                .help("declare one: `target api = http(\"http://127.0.0.1:8080\")`, and write `flow … on api { … }`"),
        });
        None
    }

    fn entry(&mut self, entry: &Entry, request: &mut Request) {
        if matches!(entry.label.text.as_str(), "json" | "form" | "body") && request.body.is_some() {
            let problem = Diagnostic::new(Code::E0203, "a request has one body", entry.label.span, "another one");
            self.push(problem.help("keep one of `json:`, `form:` and `body:`"));
        }
        match entry.label.text.as_str() {
            "json" => request.body = self.expr(&entry.value).map(|(value, _)| Body::Json(value)),
            "form" => request.body = Some(Body::Form(self.fields(entry))),
            "body" => request.body = self.text_value(&entry.value).map(Body::Text),
            "headers" => {
                let ExprKind::Object(fields) = &entry.value.kind else {
                    let problem =
                        Diagnostic::new(Code::E0301, "headers are an object", entry.value.span, "not `{ … }`");
                    self.push(problem.help("write `headers: { \"Accept\": \"text/html\" }`"));
                    return;
                };
                for field in fields {
                    self.header_name(&field.label);
                    if let Some(pieces) = self.text_value(&field.value) {
                        request.headers.push((field.label.text.clone(), pieces));
                    }
                }
            }
            "timeout" => {
                let value = self.checker.option(entry, Type::Duration);
                if matches!(value, super::constant::Constant::Quantity(0.0, _)) {
                    self.checker.out_of_range(entry.value.span, "a timeout of nothing fails every request");
                }
                request.timeout = Some(value.number() as u64).filter(|ns| *ns > 0);
            }
            _ => self.checker.unknown_option(entry, &["json", "form", "body", "headers", "timeout"]),
        }
    }

    /// A header name is a token (RFC 9110, 5.1), and how long a body is says the client alone.
    fn header_name(&mut self, label: &Name) {
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let why = match label.text.to_ascii_lowercase().as_str() {
            "content-length" | "transfer-encoding" => "the length of the body is computed, not written",
            name if name.is_empty() || !name.chars().all(token) => "a header name has letters, digits and hyphens",
            _ => return,
        };
        self.checker.out_of_range(label.span, why);
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

    pub(super) fn pieces(&mut self, parts: &[TextPart]) -> Vec<Piece> {
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
                let problem =
                    Diagnostic::new(Code::E0114, "a check of an answer has no window", scope.span, "not here");
                self.push(problem.help("windows belong to the `expect` of a scenario"));
            }
            let Some((value, kind)) = self.expr(&condition.expr) else { continue };
            if !matches!(kind, Type::Bool | Type::Wrong) {
                let problem = Diagnostic::new(
                    Code::E0301,
                    format!("a check is a condition, and this is {}", kind.a()),
                    condition.span,
                    kind.a(),
                );
                self.push(problem.help("compare it with something, such as `status == 200`"));
                continue;
            }
            checks.push(Check { text: self.checker.text(condition.span), condition: value });
        }
        checks
    }
}

fn speaks_of_status(condition: &Expr) -> bool {
    match condition {
        Expr::Status(_) => true,
        Expr::Binary { left, right, .. } => speaks_of_status(left) || speaks_of_status(right),
        Expr::Not(inner) | Expr::Negate(inner) => speaks_of_status(inner),
        _ => false,
    }
}
