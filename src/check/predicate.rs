//! Predicates of `where`: what they may depend on, and how they are written.

use super::program::{Expr, Member, Piece, Property, RequestTime};
use super::types::Type;
use super::words::written;
use crate::syntax::ast::Binary;

/// The part of a predicate that says nothing of what has ended: what is not a request has neither a status nor tries, and
/// a measured value is nothing but a value.
pub(super) fn undecidable(expr: &Expr, member: Member) -> Option<String> {
    let whole = match member {
        Member::Group(_) => "a group",
        Member::Iteration => "an iteration",
        Member::Measure(_) => "a measured value",
        Member::Wait(_) => "a wait",
        Member::All | Member::Request(_) => "",
    };
    let lacks = |property: Property| {
        matches!(member, Member::Measure(_)) || matches!(property, Property::Status | Property::Attempt)
    };
    let mut found = None;
    expr.any(&mut |part| {
        found = match part {
            Expr::Property(property) if !whole.is_empty() && lacks(*property) => {
                Some(format!("{whole} has no `{}` of its own", property.name()))
            }
            Expr::Binary { operator: Binary::Matches, .. } => {
                Some("`matches` looks into answers, and `where` chooses by what is known of each request".to_owned())
            }
            Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::Exact(_) | Expr::Property(_) | Expr::List(_) => None,
            Expr::Not(_) | Expr::Negate(_) | Expr::Binary { .. } => None,
            Expr::Text(pieces) if pieces.iter().all(|piece| matches!(piece, Piece::Literal(_))) => None,
            _ => Some("`where` chooses by what is known of each request, and this is something else".to_owned()),
        };
        found.is_some()
    });
    found
}

/// What stands after the path of a population: which time, and which of the requests.
pub fn chosen_text(part: RequestTime, matching: Option<&Expr>) -> String {
    let part = match part {
        RequestTime::Latency => "",
        RequestTime::ServiceTime => ".service_time",
        RequestTime::FirstByte => ".first_byte",
        RequestTime::ConnectTime => ".connect_time",
        RequestTime::TlsTime => ".tls_time",
        RequestTime::Attempts => ".attempts",
    };
    matching.map_or(part.to_owned(), |matching| format!("{part} where {}", matching_text(matching)))
}

/// A predicate as it is written.
pub(super) fn matching_text(matching: &Expr) -> String {
    text(matching, false)
}

/// Numbers next to the latency are times.
fn text(expr: &Expr, timed: bool) -> String {
    match expr {
        Expr::Exact(digits) => digits.clone(),
        Expr::Number(number) => written(*number, if timed { Type::Duration } else { Type::Number }),
        Expr::Bool(value) => value.to_string(),
        Expr::Text(pieces) => {
            let plain = pieces.iter().map(|piece| match piece {
                Piece::Literal(text) => text.as_str(),
                Piece::Value(_) => "…",
            });
            format!("\"{}\"", plain.collect::<String>())
        }
        Expr::List(items) => {
            let items: Vec<String> = items.iter().map(|item| text(item, timed)).collect();
            format!("[{}]", items.join(", "))
        }
        Expr::Property(property) => property.name().to_owned(),
        Expr::Not(inner) => format!("not {}", inside(inner, timed, CLOSEST)),
        Expr::Negate(inner) => format!("-{}", inside(inner, timed, CLOSEST)),
        Expr::Binary { operator: Binary::Range, left, right } => {
            format!("{}..{}", inside(left, timed, CLOSEST), inside(right, timed, CLOSEST))
        }
        Expr::Binary { operator, left, right } => {
            let timed = timed || (operator.compares() && (is_time(left) || is_time(right)));
            let own = closeness(*operator);
            format!("{} {} {}", inside(left, timed, own), operator.symbol(), inside(right, timed, own + 1))
        }
        _ => "null".to_owned(),
    }
}

fn is_time(expr: &Expr) -> bool {
    expr.any(&mut |part| matches!(part, Expr::Property(Property::Latency)))
}

const CLOSEST: u8 = 5;

/// How close an operator binds.
fn closeness(operator: Binary) -> u8 {
    match operator {
        Binary::Or => 0,
        Binary::And => 1,
        Binary::Add | Binary::Subtract => 3,
        Binary::Multiply | Binary::Divide => 4,
        _ => 2,
    }
}

/// In parentheses where what stands around it binds closer.
fn inside(expr: &Expr, timed: bool, around: u8) -> String {
    let text = text(expr, timed);
    match expr {
        Expr::Binary { operator, .. } if closeness(*operator) < around => format!("({text})"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(operator: Binary, left: Expr, right: Expr) -> Expr {
        Expr::Binary { operator, left: Box::new(left), right: Box::new(right) }
    }

    #[test]
    fn predicates_are_written_as_they_are_read() {
        let slow = binary(Binary::Greater, Expr::Property(Property::Latency), Expr::Number(2e8));
        let fine = binary(Binary::Equal, Expr::Property(Property::Status), Expr::Number(200.0));
        let either = binary(Binary::Or, slow, Expr::Property(Property::Ok));
        assert_eq!(
            text(&binary(Binary::And, either, fine.clone()), false),
            "(latency > 200ms or ok) and status == 200"
        );
        assert_eq!(text(&Expr::Not(Box::new(fine.clone())), false), "not (status == 200)");
        assert_eq!(chosen_text(RequestTime::FirstByte, Some(&fine)), ".first_byte where status == 200");
        assert!(undecidable(&fine, Member::Request(0)).is_none());
        assert_eq!(undecidable(&fine, Member::Group(0)).as_deref(), Some("a group has no `status` of its own"));
        assert!(undecidable(&binary(Binary::Less, Expr::UserId, Expr::Number(1.0)), Member::All).is_some());
    }
}
