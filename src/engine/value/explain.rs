//! What was found where a check did not hold, in words: the values that it compares.

use super::code::{Check, Code, ItemCode};
use super::{Frame, Paths, Value};
use crate::base::decimal;
use crate::base::units::{bytes, measured_duration};
use crate::plan::Binary;

/// Characters of a value that are shown.
const SHOWN: usize = 80;

/// A check with the values that it compared.
pub fn check(check: &Check, frame: &mut Frame, paths: &Paths) -> String {
    match found(&check.condition, frame, paths) {
        Some(found) => format!("{}: {found}", check.text),
        None => check.text.clone(),
    }
}

/// The values of a condition. None where looking would change what is chosen next.
pub fn found(condition: &Code, frame: &mut Frame, paths: &Paths) -> Option<String> {
    let chooses = |expr: &Code| match expr {
        Code::Random { .. } | Code::Uuid | Code::Row { .. } | Code::Sample { .. } => true,
        Code::Item { place: ItemCode::Random, .. } => true,
        Code::Call { function, .. } => function.chooses(),
        _ => false,
    };
    if condition.any(&mut |part| chooses(part)) {
        return None;
    }
    if let Code::Matches { text, .. } = condition {
        return Some(format!("it was {}", of(text, None, frame, paths)));
    }
    let Code::Binary { operator, left, right } = condition else {
        return Some(format!("it was {}", of(condition, None, frame, paths)));
    };
    match operator {
        // The side that does not hold says why.
        Binary::And => match frame.holds(left, paths) == Ok(true) {
            true => found(right, frame, paths),
            false => found(left, frame, paths),
        },
        Binary::Or => Some(format!("{}; {}", found(left, frame, paths)?, found(right, frame, paths)?)),
        _ => {
            let speaks = |of: fn(&Code) -> bool| [left, right].into_iter().any(|side| side.any(&mut |part| of(part)));
            let unit: Option<fn(f64) -> String> = if speaks(|part| matches!(part, Code::Latency(_))) {
                Some(measured_duration)
            } else if speaks(|part| matches!(part, Code::Size { .. })) {
                Some(bytes)
            } else {
                None
            };
            let known = |expr: &Code| {
                !expr.any(&mut |part| {
                    !matches!(
                        part,
                        Code::Null
                            | Code::Bool(_)
                            | Code::Number(_)
                            | Code::Exact(_)
                            | Code::Text(_)
                            | Code::List(_)
                            | Code::Binary { operator: Binary::Range, .. }
                    )
                })
            };
            match known(right) {
                true => Some(format!("it was {}", of(left, unit, frame, paths))),
                false => {
                    let (left, right) = (of(left, unit, frame, paths), of(right, unit, frame, paths));
                    Some(format!("it was {left} {} {right}", operator.symbol()))
                }
            }
        }
    }
}

fn of(expr: &Code, unit: Option<fn(f64) -> String>, frame: &mut Frame, paths: &Paths) -> String {
    match frame.eval(expr, paths) {
        Ok(Value::Number(number)) if let Some(unit) = unit => unit(number),
        Ok(value) => shown(&value, SHOWN),
        Err(unusable) => unusable.because().unwrap_or_else(|| "not there".to_owned()),
    }
}

/// A value as it would be written, up to so many characters.
pub fn shown(value: &Value, most: usize) -> String {
    let text = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => decimal::written(*value),
        Value::Exact(digits) => digits.to_string(),
        Value::Text(text) | Value::Latin1(text) => serde_json::Value::from(&**text).to_string(),
        Value::Json(value) => value.to_string(),
        Value::Row(_, row) => format!("row {}", row + 1),
    };
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
