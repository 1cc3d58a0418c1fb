//! Expressions of a flow: what each name, field, call and operator means while an iteration runs.

use super::flow::{FlowChecker, Local};
use super::program::Expr;
use super::types::Type;
use super::{builtins, capital, constant, mismatch};
use crate::base::{Name, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Argument, Binary, ExprKind, Unary};

impl FlowChecker<'_, '_> {
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Option<(Expr, Type)> {
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
            ExprKind::Binary { operator, operator_span, left, right } => {
                self.binary(*operator, *operator_span, left, right)?
            }
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
        match self.local(&name.text) {
            Some((_, Local::Wrong, _)) => None,
            Some((_, Local::Slot(slot, kind), _)) => Some((Expr::Slot(*slot), *kind)),
            Some((_, Local::Answer(_), _)) => {
                let problem = Diagnostic::new(
                    Code::E0207,
                    format!("`{name}` is an answer, not a value"),
                    name.span,
                    "which part of it?",
                );
                self.push(problem.help(format!(
                    "write `{name}.status`, `{name}.json(\"$.id\")`, `{name}.header(\"Location\")` or `{name}.text`"
                )));
                None
            }
            None => {
                let problem = Diagnostic::new(
                    Code::E0201,
                    format!("nothing in this flow is called `{name}`"),
                    name.span,
                    "not declared above",
                );
                let answer: &[&str] = if self.current.is_some() { &["status", "latency", "text"] } else { &[] };
                let known: Vec<String> = self.flow.locals.iter().map(|(known, ..)| known.clone()).collect();
                self.push(problem.did_you_mean(
                    name.span,
                    &name.text,
                    known.iter().map(String::as_str).chain(answer.iter().copied()),
                ));
                None
            }
        }
    }

    pub(super) fn local(&self, name: &str) -> Option<&(String, Local, Span)> {
        self.flow.places.get(name).map(|place| &self.flow.locals[*place])
    }

    /// The request whose answer a name means.
    fn answer(&mut self, base: &ast::Expr) -> Option<usize> {
        if let ExprKind::Name(name) = &base.kind
            && let Some((_, Local::Answer(response), _)) = self.local(&name.text)
        {
            return Some(*response);
        }
        if let Some((_, kind)) = self.expr(base).filter(|(_, kind)| *kind != Type::Wrong) {
            let problem = Diagnostic::new(
                Code::E0202,
                format!("{} has no parts to ask for", capital(&kind.a())),
                base.span,
                kind.a(),
            );
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
                let problem =
                    Diagnostic::new(Code::E0202, format!("an answer has no `{field}`"), field.span, "no such field");
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
            let problem =
                Diagnostic::new(Code::E0202, format!("an answer has no `{method}`"), method.span, "no such method");
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
                let problem = Diagnostic::new(
                    Code::E0202,
                    format!("`{function}` of which answer?"),
                    function.span,
                    "outside a request",
                );
                self.push(problem.help(format!("name a request with `as NAME`, and write `NAME.{function}(…)`")));
                None
            }
            ("uuid", _) => {
                // It takes none, so each that is given is refused by name.
                self.checker.arguments(function, arguments, &[]);
                Some((Expr::Uuid, Type::Text))
            }
            ("random", _) => {
                let range = match arguments {
                    [
                        Argument {
                            value: ast::Expr { kind: ExprKind::Binary { operator: Binary::Range, left, right, .. }, .. },
                            ..
                        },
                    ] => Some((
                        constant::constant(left, self.checker.diagnostics),
                        constant::constant(right, self.checker.diagnostics),
                    )),
                    _ => None,
                };
                match range {
                    Some((
                        constant::Constant::Quantity(least, Type::Number),
                        constant::Constant::Quantity(most, Type::Number),
                    )) if least <= most => Some((Expr::Random { least, most }, Type::Number)),
                    _ => {
                        self.push(
                            Diagnostic::new(
                                Code::E0306,
                                "`random` takes a range of whole numbers",
                                span,
                                "not a range",
                            )
                            .help("write `random(1..100)`"),
                        );
                        None
                    }
                }
            }
            _ => {
                let problem = match builtins::find(&function.text) {
                    Some(builtin) if builtin.kind == builtins::Kind::Metric => Diagnostic::new(
                        Code::E0114,
                        "a metric is judged in the `expect` of a scenario",
                        function.span,
                        "not here",
                    )
                    .help("a flow checks one answer at a time, such as `expect status == 200`"),
                    Some(_) => Diagnostic::new(
                        Code::E0114,
                        format!("`{function}` does not belong in a flow"),
                        function.span,
                        "not here",
                    ),
                    None => Diagnostic::new(
                        Code::E0201,
                        format!("no function is called `{function}`"),
                        function.span,
                        "no such function",
                    )
                    .did_you_mean(
                        function.span,
                        &function.text,
                        builtins::names(builtins::Kind::Pure).chain(builtins::names(builtins::Kind::Answer)),
                    ),
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
                self.push(
                    Diagnostic::new(Code::E0305, "a range is not a value here", span, "here")
                        .help("ranges stand in `think` and `random`"),
                );
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
