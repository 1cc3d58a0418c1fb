//! Expectations of a scenario: metrics of populations in windows, compared.

use super::constant::{apply, cannot_join, joined, literal};
use super::program::{Condition, Expectation, Function, Measured, Scope};
use super::types::Type;
use super::{Checker, builtins, mismatch};
use crate::base::{Name, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Argument, Binary, ExprKind, Unary};

impl Checker<'_> {
    pub(super) fn expectation(&mut self, condition: &ast::Condition) -> Option<Expectation> {
        let scopes = self.scopes(&condition.scopes)?;
        let text = self.text(condition.span);
        let line = self.line(condition.span);
        let checked = self.condition(&condition.expr, &scopes)?;
        Some(Expectation { text, line, span: condition.span, condition: checked })
    }

    fn condition(&mut self, expr: &ast::Expr, scopes: &[Scope]) -> Option<Condition> {
        match &expr.kind {
            ExprKind::Binary { operator: operator @ (Binary::And | Binary::Or), left, right, .. } => {
                let (left, right) = (self.condition(left, scopes), self.condition(right, scopes));
                let (left, right) = (Box::new(left?), Box::new(right?));
                Some(if *operator == Binary::And { Condition::And(left, right) } else { Condition::Or(left, right) })
            }
            ExprKind::Unary { operator: Unary::Not, operand } => {
                self.condition(operand, scopes).map(|c| Condition::Not(Box::new(c)))
            }
            ExprKind::Binary { operator, left, right, .. } if operator.compares() && *operator != Binary::In => {
                let (l, r) = (self.measured(left, scopes), self.measured(right, scopes));
                let (l, r) = (l?, r?);
                self.same_unit((left, l.unit()), (right, r.unit()))?;
                if matches!((&l, &r), (Measured::Constant { .. }, Measured::Constant { .. })) {
                    let problem =
                        Diagnostic::new(Code::E0307, "this compares two constants", expr.span, "nothing is measured");
                    self.diagnostics.push(problem.help("compare a metric, such as `p95(main) < 200ms`"));
                    return None;
                }
                Some(Condition::Compare { operator: *operator, left: Box::new(l), right: Box::new(r) })
            }
            ExprKind::Wrong => None,
            _ => {
                let kind = self.measured(expr, scopes)?.unit();
                let problem = Diagnostic::new(
                    Code::E0301,
                    format!("an expectation is a condition, and this is {}", kind.a()),
                    expr.span,
                    kind.a(),
                );
                self.diagnostics.push(problem.help("compare it with a bound, such as `< 200ms`"));
                None
            }
        }
    }

    fn same_unit(&mut self, left: (&ast::Expr, Type), right: (&ast::Expr, Type)) -> Option<()> {
        if left.1 == right.1 {
            return Some(());
        }
        let number_left = left.1 == Type::Number;
        let (expected, found) = if number_left { (right, left) } else { (left, right) };
        let text = self.text(found.0.span);
        let measured = self.text(expected.0.span);
        self.diagnostics.push(
            mismatch(expected.1, found.1, found.0.span, &text)
                .label(expected.0.span, format!("`{measured}` is {}", expected.1.a())),
        );
        None
    }

    fn measured(&mut self, expr: &ast::Expr, scopes: &[Scope]) -> Option<Measured> {
        if let Some((value, unit)) = literal(expr) {
            return Some(Measured::Constant { value, unit });
        }
        // What is no quantity has a type all the same, so that a comparison or an operator can refuse it by name.
        let constant = |unit| Some(Measured::Constant { value: 0.0, unit });
        match &expr.kind {
            ExprKind::Text(_) => constant(Type::Text),
            ExprKind::Bool(_) => constant(Type::Bool),
            ExprKind::Null => constant(Type::Null),
            ExprKind::List(_) => constant(Type::List),
            ExprKind::Object(_) => constant(Type::Object),
            ExprKind::Call { function, arguments } => self.metric(function, arguments, scopes, expr.span),
            ExprKind::Unary { operator: Unary::Negate, operand } => {
                let operand = self.measured(operand, scopes)?;
                let unit = operand.unit();
                let zero = Measured::Constant { value: 0.0, unit };
                Some(Measured::Arithmetic {
                    operator: Binary::Subtract,
                    left: Box::new(zero),
                    right: Box::new(operand),
                    unit,
                })
            }
            ExprKind::Binary { operator, operator_span, left, right } => {
                let (l, r) = (self.measured(left, scopes), self.measured(right, scopes));
                let (l, r) = (l?, r?);
                let Some(unit) = joined(*operator, l.unit(), r.unit()) else {
                    self.diagnostics.push(cannot_join(*operator, *operator_span, (left, l.unit()), (right, r.unit())));
                    return None;
                };
                if let (Measured::Constant { value: a, unit: x }, Measured::Constant { value: b, unit: y }) = (&l, &r) {
                    return Some(Measured::Constant { value: apply(*operator, *a, *x, *b, *y), unit });
                }
                Some(Measured::Arithmetic { operator: *operator, left: Box::new(l), right: Box::new(r), unit })
            }
            ExprKind::Wrong => None,
            _ => {
                let text = self.text(expr.span);
                let problem = Diagnostic::new(
                    Code::E0307,
                    format!("`{text}` measures nothing by itself"),
                    expr.span,
                    "which metric of it?",
                );
                self.diagnostics
                    .push(problem.help(format!("write a metric, such as `p95({text})` or `error_rate({text})`")));
                None
            }
        }
    }

    fn metric(&mut self, function: &Name, arguments: &[Argument], scopes: &[Scope], span: Span) -> Option<Measured> {
        let known = builtins::metric(&function.text);
        let takes = match function.text.as_str() {
            "quantile" => Some(("quantile", Type::Percent)),
            "apdex" => Some(("threshold", Type::Duration)),
            _ if known.is_some() => None,
            _ => {
                let problem = Diagnostic::new(
                    Code::E0201,
                    format!("no metric is called `{function}`"),
                    function.span,
                    "no such metric",
                );
                self.diagnostics.push(problem.did_you_mean(
                    function.span,
                    &function.text,
                    builtins::names(builtins::Kind::Metric),
                ));
                return None;
            }
        };
        let wanted = 1 + usize::from(takes.is_some());
        let Some(first) = arguments.first().filter(|_| arguments.len() == wanted) else {
            let signature = builtins::find(&function.text).map_or("", |b| b.signature);
            let problem = Diagnostic::new(
                Code::E0306,
                format!("`{function}` takes {wanted} argument{}", if wanted == 1 { "" } else { "s" }),
                span,
                format!("{} given", arguments.len()),
            );
            self.diagnostics.push(problem.help(format!("it is `{signature}`")));
            return None;
        };
        let (function_kind, unit) = match (known, takes) {
            (Some(known), _) => known,
            (None, takes) => {
                let (name, kind) = takes?;
                let value = self.arguments(function, &arguments[1..], &[(name, kind)]).remove(0)?.0.number();
                if kind == Type::Percent {
                    (Function::Quantile(value), Type::Duration)
                } else {
                    (Function::Apdex(value), Type::Number)
                }
            }
        };
        if let Function::Quantile(q) = function_kind
            && !(0.0..1.0).contains(&q)
        {
            self.out_of_range(arguments[arguments.len() - 1].value.span, "a quantile lies between 0% and 100%");
            return None;
        }
        let population = self.population(&first.value)?;
        if function_kind == Function::Dropped
            && (population.flow.is_some() || population.request.is_some() || population.load.is_none())
        {
            let problem = Diagnostic::new(Code::E0207, "only a load drops arrivals", first.value.span, "not a load");
            let loads = self.known(Type::Load);
            self.diagnostics.push(problem.did_you_mean(first.value.span, "", loads.iter().map(String::as_str)));
            return None;
        }
        // A scope of the whole condition goes to every metric that has none of its own.
        let own = self.scopes(&first.scopes)?;
        let scopes = if own.is_empty() { scopes.to_vec() } else { own };
        Some(Measured::Metric { function: function_kind, population, scopes, unit, span })
    }

    fn scopes(&mut self, scopes: &[ast::Scope]) -> Option<Vec<Scope>> {
        let checked: Vec<Option<Scope>> = scopes
            .iter()
            .map(|scope| Some(Scope { kind: scope.kind, window: self.window(&scope.window)?, span: scope.span }))
            .collect();
        checked.into_iter().collect()
    }
}
