//! The results of operators: signs, ranges, sums, and shifted instants.

use super::*;
use crate::check::compare::{Side, condition, of_run};
use crate::check::condition::{Condition, Measured};

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn unary(&mut self, operator: Unary, operand: &'a ast::Expr, frame: FrameId) -> Meaning<'a> {
        let value = self.eval(operand, frame);
        match (operator, value) {
            (_, Meaning::Unknown(kind)) => Meaning::Unknown(kind),
            (Unary::Not, Meaning::Bool(value)) => Meaning::Bool(!value),
            (Unary::Not, Meaning::Run(expr, Type::Bool | Type::Json)) => {
                Meaning::Run(Expr::Not(Box::new(expr)), Type::Bool)
            }
            (Unary::Not, value) if let Some(condition) = condition(&value) => {
                Meaning::Condition(Condition::Not(Box::new(condition)))
            }
            (Unary::Negate, Meaning::Quantity(value, kind)) => Meaning::Quantity(-value, kind),
            (Unary::Negate, Meaning::Exact(digits)) => Meaning::Exact(match digits.strip_prefix('-') {
                Some(digits) => digits.to_owned(),
                None => format!("-{digits}"),
            }),
            (Unary::Negate, Meaning::Rate(rate)) => Meaning::Quantity(-rate.per_second(), Type::Rate),
            (Unary::Negate, Meaning::Run(expr, kind)) if kind.is_quantity() || kind == Type::Json => {
                Meaning::Run(Expr::Negate(Box::new(expr)), kind)
            }
            (Unary::Negate, Meaning::Measured(measured)) => {
                let unit = measured.unit();
                let zero = Measured::Constant { value: 0.0, unit };
                Meaning::Measured(Measured::Arithmetic {
                    operator: Binary::Subtract,
                    left: Box::new(zero),
                    right: Box::new(measured),
                    unit,
                })
            }
            (operator, other) => {
                let (word, wants) = match operator {
                    Unary::Not => ("not", Type::Bool),
                    Unary::Negate => ("-", Type::Number),
                };
                let message = format!("`{word}` needs {}, and this is {}", wants.a(), other.kind().a());
                self.push(Diagnostic::new(Code::E0305, message, operand.span, other.kind().a()));
                Meaning::WRONG
            }
        }
    }

    pub(in crate::check) fn binary(
        &mut self,
        operator: Binary,
        span: Span,
        (left, l): Side<'a>,
        (right, r): Side<'a>,
    ) -> Meaning<'a> {
        if l.is_wrong() || r.is_wrong() {
            return Meaning::WRONG;
        }
        match operator {
            Binary::And | Binary::Or => self.logical(operator, span, (left, l), (right, r)),
            Binary::Range => self.range(span, (left, l), (right, r)),
            _ if operator.compares() => self.comparison(operator, (left, l), (right, r)),
            _ => self.arithmetic(operator, span, (left, l), (right, r)),
        }
    }

    pub(super) fn range(&mut self, span: Span, (left, l): Side<'a>, (right, r): Side<'a>) -> Meaning<'a> {
        if let (Some(from), Some(to)) = (moment_of(&l, left.span), moment_of(&r, right.span)) {
            return Meaning::Window(Window::Between(Box::new(from), Box::new(to)), Type::Window);
        }
        let (a, b) = (l.kind(), r.kind());
        if !(a.is_quantity() && b.is_quantity() && (a.accepts(b) || b.accepts(a))) {
            self.push(cannot_join(Binary::Range, span, (left, a), (right, b)));
            return Meaning::WRONG;
        }
        if let (Some(from), Some(to)) = (l.number(), r.number())
            && from > to
        {
            let whole = left.span.to(right.span);
            self.out_of_range(whole, "a range goes from the smaller to the larger");
            return Meaning::WRONG;
        }
        Meaning::Range(Box::new(l), Box::new(r))
    }

    pub(super) fn arithmetic(
        &mut self,
        operator: Binary,
        span: Span,
        (left, l): Side<'a>,
        (right, r): Side<'a>,
    ) -> Meaning<'a> {
        if let Some(moment) = self.shifted(operator, (left, &l), &r) {
            return moment;
        }
        // What an answer holds counts as a number where one is needed.
        let plain = |kind: Type| if kind == Type::Json { Type::Number } else { kind };
        let (a, b) = (plain(l.kind()), plain(r.kind()));
        let Some(kind) = joined(operator, a, b) else {
            self.push(cannot_join(operator, span, (left, l.kind()), (right, r.kind())));
            return Meaning::WRONG;
        };
        if l.is_unknown() || r.is_unknown() {
            return Meaning::Unknown(kind);
        }
        if let (Some(x), Some(y)) = (l.number(), r.number()) {
            let value = apply(operator, x, a, y, b);
            let is_small = [x, y, value].iter().all(|number| number.abs() < decimal::EACH_WHOLE);
            return match kind {
                Type::Number | Type::Count if !is_small => {
                    let whole = l.whole().zip(r.whole()).and_then(|(x, y)| of_whole(operator, x, y));
                    whole.map_or(Meaning::Quantity(value, kind), |whole| Meaning::Exact(whole.to_string()))
                }
                Type::Rate if value >= 0.0 => match Rate::new(value, SECOND) {
                    Some(rate) => Meaning::Rate(rate),
                    None => {
                        self.out_of_range(left.span.to(right.span), "this rate is beyond any machine");
                        Meaning::WRONG
                    }
                },
                _ => Meaning::Quantity(value, kind),
            };
        }
        if matches!(l, Meaning::Run(..)) || matches!(r, Meaning::Run(..)) {
            return match (l.expr(), r.expr()) {
                (Some(l), Some(r)) => of_run(operator, l, r, kind),
                _ => Meaning::WRONG,
            };
        }
        match (l.measured(), r.measured()) {
            (Some(l), Some(r)) => {
                Meaning::Measured(Measured::Arithmetic { operator, left: Box::new(l), right: Box::new(r), unit: kind })
            }
            _ => Meaning::WRONG,
        }
    }

    /// `plateau + 10s`: an instant, where a window stands for its start.
    pub(super) fn shifted(
        &mut self,
        operator: Binary,
        (left, l): (&'a ast::Expr, &Meaning<'a>),
        r: &Meaning<'a>,
    ) -> Option<Meaning<'a>> {
        let moment = moment_of(l, left.span)?;
        let sign = match operator {
            Binary::Add => 1.0,
            Binary::Subtract => -1.0,
            _ => return None,
        };
        if r.kind() != Type::Duration {
            return None;
        }
        if let Meaning::Window(Window::Stages { .. }, _) = l {
            self.several_windows(left, "start");
            return Some(Meaning::WRONG);
        }
        match r.number() {
            Some(ns) => {
                let plus = moment.plus.saturating_add((sign * ns) as i64);
                Some(Meaning::Moment(Moment { plus, ..moment }))
            }
            None => Some(Meaning::Unknown(Type::Instant)),
        }
    }
}
