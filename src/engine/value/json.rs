//! Values as JSON: as a tree for later steps, and as the text of a body.

use super::code::{Code, Piece};
use super::{Frame, Paths, Unusable, Value, document, write_plain};
use crate::base::decimal;
use std::fmt::Write as _;
use std::rc::Rc;

impl Frame {
    pub fn json(&mut self, expr: &Code, paths: &Paths) -> Result<serde_json::Value, Unusable> {
        Ok(match expr {
            Code::Object(fields) => {
                let mut object = serde_json::Map::new();
                for (name, value) in fields {
                    object.insert(name.clone(), self.json(value, paths)?);
                }
                serde_json::Value::Object(object)
            }
            Code::List(items) => {
                let items: Result<Vec<serde_json::Value>, Unusable> =
                    items.iter().map(|item| self.json(item, paths)).collect();
                serde_json::Value::Array(items?)
            }
            _ => to_json(self.eval(expr, paths)?),
        })
    }

    /// The text of what [`Frame::json`] gives, which is not made for that: its maps and texts would cost each request more than
    /// the rest of its bytes. No object has a field twice.
    pub fn write_json(&mut self, expr: &Code, paths: &Paths, out: &mut String) -> Result<(), Unusable> {
        match expr {
            Code::Object(fields) => {
                out.push('{');
                for (at, (name, value)) in fields.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    document::write_text(name, out);
                    out.push(':');
                    self.write_json(value, paths, out)?;
                }
                out.push('}');
            }
            Code::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    self.write_json(item, paths, out)?;
                }
                out.push(']');
            }
            _ => {
                if let Code::Text(pieces) = expr
                    && let [Piece::Literal(text)] = pieces.as_slice()
                {
                    document::write_text(text, out);
                    return Ok(());
                }
                match self.eval(expr, paths)? {
                    Value::Text(text) | Value::Latin1(text) => document::write_text(&text, out),
                    Value::Number(number) if !number.is_finite() => write_nothing(out),
                    value @ (Value::Number(_) | Value::Exact(_) | Value::Bool(_)) => write_plain(&value, out)?,
                    Value::Null | Value::Row(..) => write_nothing(out),
                    // Writing to a String cannot fail.
                    Value::Json(value) => drop(write!(out, "{value}")),
                }
            }
        }
        Ok(())
    }
}

fn write_nothing(out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{}", serde_json::Value::Null);
}

fn to_json(value: Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => value.into(),
        Value::Number(number) if !number.is_finite() => serde_json::Value::Null,
        Value::Number(number) if number.fract() == 0.0 && number.abs() <= decimal::EACH_WHOLE => (number as i64).into(),
        Value::Number(number) => serde_json::Value::Number(document::spelled(decimal::written(number))),
        Value::Exact(digits) => serde_json::Value::Number(document::spelled(digits.to_string())),
        Value::Text(text) | Value::Latin1(text) => (&*text).into(),
        Value::Json(value) => Rc::unwrap_or_clone(value),
        Value::Row(..) => serde_json::Value::Null,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;
    use crate::engine::value::nobody;

    #[test]
    fn a_body_is_written_as_its_tree_would_be() {
        let text = |text: &str| Code::Text(vec![Piece::Literal(text.to_owned())]);
        let mut frame = nobody();
        let tree = serde_json::json!({"b": [1, "x\u{1}"], "a": null});
        frame.slots = vec![
            Value::Text("a \"quoted\"\n\u{7f}ü".into()),
            Value::Exact("1.50e+3".into()),
            Value::Number(-0.0),
            Value::Number(f64::NAN),
            Value::Number(1e300),
            Value::Bool(true),
            Value::Json(Rc::new(tree)),
            Value::Null,
        ];
        let slots = (0..frame.slots.len()).map(Code::Slot);
        let all = Code::Object(vec![
            ("plain".to_owned(), text("17")),
            ("a \\ key".to_owned(), text("\t\r\u{8}\u{c}\u{1f}/")),
            ("numbers".to_owned(), Code::List(vec![Code::Number(0.1), Code::Number(-3.0), Code::Number(1e16)])),
            ("slots".to_owned(), Code::List(slots.collect())),
            ("empty".to_owned(), Code::List(vec![Code::List(Vec::new()), Code::Object(Vec::new()), Code::Null])),
        ]);
        let mut written = String::new();
        frame.write_json(&all, &Paths::default(), &mut written).unwrap();
        assert_eq!(written, frame.json(&all, &Paths::default()).unwrap().to_string());
    }
}
