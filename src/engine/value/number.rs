//! Numbers of a flow: told apart, compared and computed by all their digits, where a float has too few.

use super::Value;
use crate::base::decimal;
use crate::check::of_whole;
use crate::plan::Binary;
use std::cmp::Ordering;

/// A number as it is spelled.
pub fn of_number(spelled: &str) -> Value {
    decimal::float(spelled).map_or_else(|| Value::Exact(spelled.into()), Value::Number)
}

pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Exact(digits) => digits.parse().ok().filter(|number: &f64| number.is_finite()),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::Latin1(_) | Value::Json(_) | Value::Row(..) => None,
    }
}

/// A whole number in all its digits.
fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => (number.fract() == 0.0 && number.abs() < i128::MAX as f64).then_some(*number as i128),
        Value::Exact(digits) => digits.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::Latin1(_) | Value::Json(_) | Value::Row(..) => None,
    }
}

/// What is computed of whole numbers stays exact where it is whole; all else is computed as floats.
pub fn computed(operator: Binary, left: &Value, right: &Value) -> Option<Value> {
    let (a, b) = (number(left)?, number(right)?);
    let float = match operator {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::Or | Binary::And | Binary::Equal | Binary::NotEqual | Binary::Less | Binary::LessEqual => return None,
        Binary::Greater | Binary::GreaterEqual | Binary::In | Binary::Range => return None,
        Binary::Contains | Binary::StartsWith | Binary::EndsWith | Binary::Matches => return None,
    };
    let is_small = |number: f64| number.abs() < decimal::EACH_WHOLE;
    if is_small(a) && is_small(b) && is_small(float) {
        return Some(Value::Number(float));
    }
    let exact = whole(left).zip(whole(right)).and_then(|(a, b)| of_whole(operator, a, b));
    Some(exact.map_or(Value::Number(float), |exact| of_number(&exact.to_string())))
}

pub fn negated(value: &Value) -> Option<Value> {
    match value {
        Value::Exact(digits) => Some(match digits.strip_prefix('-') {
            Some(digits) => of_number(digits),
            None => Value::Exact(format!("-{digits}").into()),
        }),
        value => number(value).map(|number| Value::Number(-number)),
    }
}

/// Which of two numbers is the larger, by all their digits.
pub fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::Exact(a), Value::Exact(b)) => decimal::compare(a, b),
        (Value::Exact(a), Value::Number(b)) => decimal::compare(a, &decimal::written(*b)),
        (Value::Number(a), Value::Exact(b)) => decimal::compare(&decimal::written(*a), b),
        _ => None,
    }
}

pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Text(a) | Value::Latin1(a), Value::Text(b) | Value::Latin1(b)) => a == b,
        (Value::Json(a), Value::Json(b)) => same_json(a, b),
        _ => order(left, right).is_some_and(Ordering::is_eq),
    }
}

/// Whether two values of JSON are the same, whatever way their numbers are spelled.
fn same_json(left: &serde_json::Value, right: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (left, right) {
        (Json::Number(a), Json::Number(b)) => {
            a == b || decimal::compare(a.as_str(), b.as_str()).is_some_and(Ordering::is_eq)
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            let has = |(name, own): (&String, &Json)| b.get(name).is_some_and(|other| same_json(own, other));
            a.len() == b.len() && a.iter().all(has)
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(value: Option<Value>) -> String {
        let mut text = String::new();
        match value {
            Some(value) => crate::engine::value::write_plain(&value, &mut text).map_or("no text".to_owned(), |()| text),
            None => "none".to_owned(),
        }
    }

    #[test]
    fn usual_numbers_are_floats_and_others_are_spelled() {
        for usual in ["0", "7", "-7", "0.5", "9007199254740992"] {
            assert!(matches!(of_number(usual), Value::Number(_)), "{usual}");
        }
        for spelled in ["9007199254740993", "1.10", "1e400", "-0", "12345678901234567890123"] {
            assert!(matches!(of_number(spelled), Value::Exact(_)), "{spelled}");
            assert_eq!(told(Some(of_number(spelled))), spelled);
        }
    }

    #[test]
    fn whole_numbers_are_computed_exactly_where_that_stays_whole() {
        let of = |operator, a, b| told(computed(operator, &of_number(a), &of_number(b)));
        assert_eq!(of(Binary::Add, "9007199254740993", "1"), "9007199254740994");
        assert_eq!(of(Binary::Add, "9007199254740992", "1"), "9007199254740993");
        assert_eq!(of(Binary::Subtract, "9223372036854775807", "9223372036854775806"), "1");
        assert_eq!(of(Binary::Multiply, "3037000500", "3037000501"), "9223372040037250500");
        assert_eq!(of(Binary::Divide, "18446744073709551615", "5"), "3689348814741910323");
        assert_eq!(of(Binary::Divide, "7", "2"), "3.5");
        assert_eq!(of(Binary::Add, "1.10", "1"), "2.1");
        assert_eq!(of(Binary::Add, "1e400", "1"), "none", "no float is so large");
        assert_eq!(told(negated(&of_number("9007199254740993"))), "-9007199254740993");
        assert_eq!(told(negated(&of_number("-1.10"))), "1.10");
        assert_eq!(told(negated(&of_number("-1.0"))), "1.0");
    }

    #[test]
    fn documents_are_the_same_however_their_numbers_are_spelled() {
        let json = |text: &str| {
            let document = crate::engine::value::document::JsonDocument::read(text.as_bytes());
            Value::Json(std::rc::Rc::new(document.ok().unwrap().json))
        };
        assert!(same(&json("{\"a\": [1.0, 1e3], \"b\": null}"), &json("{\"b\": null, \"a\": [1, 1000]}")));
        assert!(!same(&json("[9007199254740993]"), &json("[9007199254740992]")));
        assert!(!same(&json("[1]"), &json("[1, 1]")) && !same(&json("{\"a\": 1}"), &json("{\"b\": 1}")));
    }
}
