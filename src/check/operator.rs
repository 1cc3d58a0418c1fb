//! Which operators take which types, and the results: one table for constants, flows and conditions.

use super::types::Type;
use crate::base::Span;
use crate::base::units::SECOND;
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::{Binary, Expr, ExprKind, TextPart};

/// The type of `left operator right`, for quantities in base units.
pub fn joined(operator: Binary, left: Type, right: Type) -> Option<Type> {
    use Binary::{Add, Divide, Multiply, Subtract};
    let scalar = |t: Type| matches!(t, Type::Number | Type::Count | Type::Factor);
    Some(match (operator, left, right) {
        (_, Type::Wrong, _) | (_, _, Type::Wrong) => Type::Wrong,
        (Add | Multiply, Type::Count, Type::Count) => Type::Count,
        (Add | Subtract, Type::Number | Type::Count, Type::Number | Type::Count) => Type::Number,
        (Multiply, Type::Number | Type::Count, Type::Number | Type::Count) => Type::Number,
        (Divide, Type::Number | Type::Count, Type::Number | Type::Count) => Type::Number,
        (Add | Subtract, a, b) if a != b && a.is_quantity() && Type::Level.accepts(a) && Type::Level.accepts(b) => {
            Type::Level
        }
        (Add | Subtract, Type::Percent, Type::Points) => Type::Percent,
        (Add | Subtract, Type::Percent, _) => return None,
        (Add | Subtract, a, b) if a == b && Type::is_quantity(a) => a,
        (Add | Subtract, a, Type::Percent) if Type::is_quantity(a) => a,
        (Multiply, a, b) if Type::is_quantity(a) && (scalar(b) || b == Type::Percent) => a,
        (Multiply, a, b) if (scalar(a) || a == Type::Percent) && Type::is_quantity(b) => b,
        (Multiply, Type::Rate, Type::Duration) | (Multiply, Type::Duration, Type::Rate) => Type::Number,
        (Multiply, Type::Bandwidth, Type::Duration) | (Multiply, Type::Duration, Type::Bandwidth) => Type::Bytes,
        (Divide, a, b) if a == b && Type::is_quantity(a) => Type::Number,
        (Divide, a, b) if Type::is_quantity(a) && scalar(b) => a,
        (Divide, Type::Number | Type::Count, Type::Duration) => Type::Rate,
        (Divide, Type::Number | Type::Count, Type::Rate) => Type::Duration,
        (Divide, Type::Bytes, Type::Duration) => Type::Bandwidth,
        (Divide, Type::Bytes, Type::Bandwidth) => Type::Duration,
        _ => return None,
    })
}

/// The value in base units, where rates and bandwidths are per second and durations are nanoseconds.
pub fn apply(operator: Binary, left: f64, left_kind: Type, right: f64, right_kind: Type) -> f64 {
    let second = SECOND as f64;
    match operator {
        // Of a percentage too, where that is of a baseline; percentage points are what is added to one.
        Binary::Add if right_kind == Type::Percent => left * (1.0 + right),
        Binary::Subtract if right_kind == Type::Percent => left * (1.0 - right),
        Binary::Add => left + right,
        Binary::Subtract => left - right,
        Binary::Multiply => {
            let timed = [left_kind, right_kind].contains(&Type::Duration)
                && [left_kind, right_kind].iter().any(|k| matches!(k, Type::Rate | Type::Bandwidth));
            left * right / if timed { second } else { 1.0 }
        }
        Binary::Divide => match (left_kind, right_kind) {
            (Type::Number | Type::Count | Type::Bytes, Type::Duration) => left / right * second,
            (Type::Number | Type::Count, Type::Rate) => left / right * second,
            (Type::Bytes, Type::Bandwidth) => left / right * second,
            _ => left / right,
        },
        Binary::Or | Binary::And | Binary::Equal | Binary::NotEqual | Binary::Less | Binary::LessEqual => left,
        Binary::Greater | Binary::GreaterEqual | Binary::In | Binary::Range => left,
        Binary::Contains | Binary::StartsWith | Binary::EndsWith | Binary::Matches => left,
    }
}

/// The value of whole numbers, where it is one that fits.
pub fn of_whole(operator: Binary, left: i128, right: i128) -> Option<i128> {
    match operator {
        Binary::Add => left.checked_add(right),
        Binary::Subtract => left.checked_sub(right),
        Binary::Multiply => left.checked_mul(right),
        Binary::Divide => left.checked_rem(right).filter(|rest| *rest == 0).and_then(|_| left.checked_div(right)),
        Binary::Or | Binary::And | Binary::Equal | Binary::NotEqual | Binary::Less | Binary::LessEqual => None,
        Binary::Greater | Binary::GreaterEqual | Binary::In | Binary::Range => None,
        Binary::Contains | Binary::StartsWith | Binary::EndsWith | Binary::Matches => None,
    }
}

/// Whether a comparison holds of two numbers in the same unit; what compares nothing never does.
pub fn holds(operator: Binary, a: f64, b: f64) -> bool {
    match operator {
        Binary::Equal => a == b,
        Binary::NotEqual => a != b,
        Binary::Less => a < b,
        Binary::LessEqual => a <= b,
        Binary::Greater => a > b,
        Binary::GreaterEqual => a >= b,
        Binary::Or | Binary::And | Binary::In | Binary::Range => false,
        Binary::Contains | Binary::StartsWith | Binary::EndsWith | Binary::Matches => false,
        Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide => false,
    }
}

pub fn cannot_join(operator: Binary, span: Span, left: (&Expr, Type), right: (&Expr, Type)) -> Diagnostic {
    let symbol = operator.symbol();
    let message = format!("`{symbol}` does not join {} and {}", left.1.a(), right.1.a());
    if (left.1, right.1) == (Type::Percent, Type::Percent) && matches!(operator, Binary::Add | Binary::Subtract) {
        return Diagnostic::new(Code::E0308, "a percentage of a percentage reads two ways", right.0.span, "of what?")
            .label(left.0.span, "a Percent already")
            .help("write `* 1.05` for five hundredths of it, `+ 5pp` for five percentage points");
    }
    if let Some((fault, _)) = [left, right].into_iter().find(|(_, kind)| *kind == Type::Fault) {
        return Diagnostic::new(Code::E0309, "a Fault says what breaks, not when", fault.span, "a Fault")
            .help("declare `fault NAME = … at … for …`, and use that name");
    }
    let joined =
        (operator == Binary::Add && [left.1, right.1].contains(&Type::Text)).then(|| one_text(left.0, right.0));
    let problem = Diagnostic::new(Code::E0305, message, span, "here")
        .label(left.0.span, left.1.a())
        .label(right.0.span, right.1.a());
    let timed =
        matches!(left.1, Type::Stage | Type::Load | Type::Window | Type::Instant | Type::Injection | Type::Duration);
    if let (Binary::Subtract, ExprKind::Number(from), ExprKind::Duration(_)) = (operator, &left.0.kind, &right.0.kind) {
        let place = left.0.span.to(right.0.span.before());
        let range = ["s", "ms", "m"].into_iter().map(|unit| super::guess::instead(place, format!("{from}{unit}..")));
        return range.fold(problem, Diagnostic::or);
    }
    if let (Binary::Range, ExprKind::Number(_), ExprKind::Duration(_)) = (operator, &left.0.kind, &right.0.kind) {
        let units = ["s", "ms", "m", "h"].into_iter();
        let with = |unit| super::guess::instead(left.0.span.after(), unit);
        return units.map(with).fold(problem, Diagnostic::or).help("both ends of a range have a unit");
    }
    match right.0.kind {
        ExprKind::Number(number) if timed && matches!(operator, Binary::Add | Binary::Subtract) => {
            problem.fix(Applicability::Maybe, right.0.span.after(), "s", format!("did you mean `{number}s`?"))
        }
        _ => match joined.flatten() {
            Some(text) => problem.fix(
                Applicability::MachineApplicable,
                left.0.span.to(right.0.span),
                &text,
                format!("a text holds values in braces: `{text}`"),
            ),
            None => problem,
        },
    }
}

/// Two texts, or a text and the name of a value, as one text.
fn one_text(left: &Expr, right: &Expr) -> Option<String> {
    let plain = |text: &str| !text.contains(['"', '\\', '{', '}', '\n', '\t', '\r']);
    let inside = |expr: &Expr| match &expr.kind {
        ExprKind::Text(parts) => match parts.as_slice() {
            [] => Some(String::new()),
            [TextPart::Literal(text)] if plain(text) => Some(text.clone()),
            _ => None,
        },
        _ => path(expr).map(|path| format!("{{{path}}}")),
    };
    Some(format!("\"{}{}\"", inside(left)?, inside(right)?))
}

fn path(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.text.clone()),
        ExprKind::Field { base, field } => Some(format!("{}.{field}", path(base)?)),
        _ => None,
    }
}
