//! Plain data as JSON values.

use serde::Serialize;
use serde_json::Value;

/// By way of its text, so that a type is compiled for one writer alone; the types of a plan are many.
pub fn json(of: &impl Serialize) -> Value {
    let text = serde_json::to_vec(of).expect("plain data can be written");
    serde_json::from_slice(&text).expect("it was just written")
}
