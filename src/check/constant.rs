//! Values known before the run: levels, lengths, options. One table says which operators join which types.

use super::types::Type;
use crate::base::units::{Rate, SECOND};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::syntax::ast::{Binary, Expr, ExprKind, TextPart, Unary};

#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    Text(String),
    Bool(bool),
    /// A quantity in base units.
    Quantity(f64, Type),
    /// Kept exactly, for schedules.
    Rate(Rate),
    Wrong,
}

impl Constant {
    pub fn kind(&self) -> Type {
        match self {
            Constant::Text(_) => Type::Text,
            Constant::Bool(_) => Type::Bool,
            Constant::Quantity(_, kind) => *kind,
            Constant::Rate(_) => Type::Rate,
            Constant::Wrong => Type::Wrong,
        }
    }

    pub fn number(&self) -> f64 {
        match self {
            Constant::Quantity(value, _) => *value,
            Constant::Rate(rate) => rate.per_second(),
            Constant::Text(_) | Constant::Bool(_) | Constant::Wrong => 0.0,
        }
    }
}

/// The type of `left operator right`, for quantities in base units.
pub fn joined(operator: Binary, left: Type, right: Type) -> Option<Type> {
    use Binary::{Add, Divide, Multiply, Subtract};
    let scalar = |t: Type| matches!(t, Type::Number | Type::Factor);
    Some(match (operator, left, right) {
        (_, Type::Wrong, _) | (_, _, Type::Wrong) => Type::Wrong,
        (Add | Subtract, Type::Percent, Type::Points) => Type::Percent,
        (Add | Subtract, Type::Percent, _) => return None,
        (Add | Subtract, a, b) if a == b && quantity(a) => a,
        (Add | Subtract, a, Type::Percent) if quantity(a) => a,
        (Multiply, a, b) if quantity(a) && (scalar(b) || b == Type::Percent) => a,
        (Multiply, a, b) if scalar(a) && quantity(b) => b,
        (Multiply, Type::Rate, Type::Duration) | (Multiply, Type::Duration, Type::Rate) => Type::Number,
        (Multiply, Type::Bandwidth, Type::Duration) | (Multiply, Type::Duration, Type::Bandwidth) => Type::Bytes,
        (Divide, a, b) if a == b && quantity(a) => Type::Number,
        (Divide, a, b) if quantity(a) && scalar(b) => a,
        (Divide, Type::Number, Type::Duration) => Type::Rate,
        (Divide, Type::Number, Type::Rate) => Type::Duration,
        (Divide, Type::Bytes, Type::Duration) => Type::Bandwidth,
        _ => return None,
    })
}

fn quantity(kind: Type) -> bool {
    use Type::{Bandwidth, Bytes, Duration, Factor, Number, Percent, Points, Rate, Users};
    matches!(kind, Number | Percent | Points | Factor | Duration | Rate | Users | Bytes | Bandwidth)
}

/// The value in base units, where rates and bandwidths are per second and durations are nanoseconds.
pub fn apply(operator: Binary, left: f64, left_kind: Type, right: f64, right_kind: Type) -> f64 {
    let second = SECOND as f64;
    match operator {
        Binary::Add if right_kind == Type::Percent && left_kind != Type::Percent => left * (1.0 + right),
        Binary::Subtract if right_kind == Type::Percent && left_kind != Type::Percent => left * (1.0 - right),
        Binary::Add => left + right,
        Binary::Subtract => left - right,
        Binary::Multiply => {
            let timed = [left_kind, right_kind].contains(&Type::Duration)
                && [left_kind, right_kind].iter().any(|k| matches!(k, Type::Rate | Type::Bandwidth));
            left * right / if timed { second } else { 1.0 }
        }
        Binary::Divide => match (left_kind, right_kind) {
            (Type::Number | Type::Bytes, Type::Duration) => left / right * second,
            (Type::Number, Type::Rate) => left / right * second,
            _ => left / right,
        },
        Binary::Or | Binary::And | Binary::Equal | Binary::NotEqual | Binary::Less | Binary::LessEqual => left,
        Binary::Greater | Binary::GreaterEqual | Binary::In | Binary::Range => left,
    }
}

/// Evaluates a constant expression; what is none is refused.
pub fn constant(expr: &Expr, diagnostics: &mut Diagnostics) -> Constant {
    match &expr.kind {
        ExprKind::Bool(value) => Constant::Bool(*value),
        ExprKind::Rate(rate) => Constant::Rate(*rate),
        ExprKind::Text(parts) => match parts.as_slice() {
            [TextPart::Literal(text)] => Constant::Text(text.clone()),
            _ => refuse(expr, "a text with interpolations is known only while a flow runs", diagnostics),
        },
        ExprKind::Unary { operator: Unary::Negate, operand } => match constant(operand, diagnostics) {
            Constant::Quantity(value, kind) => Constant::Quantity(-value, kind),
            Constant::Rate(rate) => Constant::Quantity(-rate.per_second(), Type::Rate),
            other => other,
        },
        ExprKind::Binary { operator, operator_span, left, right } => {
            let (l, r) = (constant(left, diagnostics), constant(right, diagnostics));
            match joined(*operator, l.kind(), r.kind()) {
                Some(Type::Wrong) => Constant::Wrong,
                Some(kind) => {
                    let value = apply(*operator, l.number(), l.kind(), r.number(), r.kind());
                    match kind {
                        Type::Rate => Rate::new(value, SECOND).map_or(Constant::Wrong, Constant::Rate),
                        _ => Constant::Quantity(value, kind),
                    }
                }
                None => {
                    diagnostics.push(cannot_join(*operator, *operator_span, (left, l.kind()), (right, r.kind())));
                    Constant::Wrong
                }
            }
        }
        ExprKind::Wrong => Constant::Wrong,
        _ => match literal(expr) {
            Some((value, kind)) => Constant::Quantity(value, kind),
            None => refuse(expr, "this value must be known before the run", diagnostics),
        },
    }
}

/// A literal quantity in base units.
pub fn literal(expr: &Expr) -> Option<(f64, Type)> {
    Some(match &expr.kind {
        ExprKind::Number(value) => (*value, Type::Number),
        ExprKind::Duration(ns) => (*ns as f64, Type::Duration),
        ExprKind::Rate(rate) => (rate.per_second(), Type::Rate),
        ExprKind::Users(users) => (*users as f64, Type::Users),
        ExprKind::Percent(share) => (*share, Type::Percent),
        ExprKind::Points(share) => (*share, Type::Points),
        ExprKind::Factor(factor) => (*factor, Type::Factor),
        ExprKind::Bytes(bytes) => (*bytes as f64, Type::Bytes),
        ExprKind::Bandwidth(bandwidth) => (*bandwidth, Type::Bandwidth),
        _ => return None,
    })
}

fn refuse(expr: &Expr, message: &str, diagnostics: &mut Diagnostics) -> Constant {
    diagnostics.push(
        Diagnostic::new(Code::E0301, message, expr.span, "not a constant")
            .help("write a literal such as `30s`, `200/s` or `10 users`"),
    );
    Constant::Wrong
}

pub fn cannot_join(operator: Binary, span: crate::base::Span, left: (&Expr, Type), right: (&Expr, Type)) -> Diagnostic {
    let symbol = operator.symbol();
    let message = format!("`{symbol}` does not join {} and {}", left.1.a(), right.1.a());
    let diagnostic = Diagnostic::new(Code::E0305, message, span, "here")
        .label(left.0.span, left.1.a())
        .label(right.0.span, right.1.a());
    match (left.1, right.1) {
        (Type::Percent, Type::Percent) => {
            diagnostic.help("a percentage of a percentage reads two ways: write `* 1.05` or `+ 5pp`")
        }
        _ => diagnostic,
    }
}
