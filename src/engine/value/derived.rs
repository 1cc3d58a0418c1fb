//! Texts computed from secrets, which are masked wherever they are written.

use super::Value;

/// The texts of a value.
pub fn texts(value: &Value) -> Vec<String> {
    fn of_json(value: &serde_json::Value, all: &mut Vec<String>) {
        match value {
            serde_json::Value::String(text) => all.push(text.clone()),
            serde_json::Value::Array(items) => items.iter().for_each(|item| of_json(item, all)),
            serde_json::Value::Object(fields) => fields.values().for_each(|field| of_json(field, all)),
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
        }
    }
    match value {
        Value::Text(text) | Value::Latin1(text) => vec![text.to_string()],
        Value::Json(json) => {
            let mut all = Vec::new();
            of_json(json, &mut all);
            all
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Exact(_) | Value::Row(..) => Vec::new(),
    }
}
