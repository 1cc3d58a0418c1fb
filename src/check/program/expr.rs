//! Values that are computed while the run goes on, and texts that hold some.

use super::path::PathText;
use crate::check::builtins::ValueFunction;
use crate::syntax::ast::Binary;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text that may hold what is known only when the run has started its parts.
pub type Text = Vec<Piece>;

/// A piece of a text: as written, or a value put in.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    Literal(String),
    Value(Expr),
}

/// The values that are put into a text.
pub fn values(pieces: &[Piece]) -> impl Iterator<Item = &Expr> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Literal(_) => None,
        Piece::Value(value) => Some(value),
    })
}

/// An expression that is evaluated while the run goes on.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expr {
    Null,
    Bool(bool),
    /// Numbers, and quantities in base units.
    Number(f64),
    /// A number whose spelling a float would lose.
    Exact(String),
    Text(Vec<Piece>),
    List(Vec<Expr>),
    Object(Vec<(String, Expr)>),
    Slot(usize),
    UserId,
    Iteration,
    Uuid,
    Random {
        least: f64,
        most: f64,
    },
    Status(usize),
    Latency(usize),
    BodyText(usize),
    Json {
        response: usize,
        path: PathText,
    },
    Header {
        response: usize,
        name: String,
    },
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary {
        operator: Binary,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// A secret by its name; its value is never part of a plan.
    Secret(String),
    /// A property of a started part, such as the address of service 2.
    Part {
        part: PartKind,
        index: usize,
        field: String,
    },
    /// A value of the setup.
    Setup(usize),
    /// A free port, the same wherever its number appears.
    Port(usize),
    /// A row of data, chosen each time the step is reached.
    Row {
        data: usize,
        pick: Pick,
    },
    Column {
        row: Box<Expr>,
        column: String,
    },
    /// A further part of an answer: a regular expression, a selector, a number of rows.
    Answer {
        response: usize,
        part: AnswerPart,
        argument: Option<String>,
        /// Of an element.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attribute: Option<String>,
    },
    /// What is judged about a request when it has ended, in `where`.
    Property(Property),
    /// A URL reference, as the answer to a request means it.
    Url {
        response: usize,
        reference: Box<Expr>,
    },
    /// What a browser fetches with a page, of its own origin and of those in a list.
    Assets {
        response: usize,
        others: Box<Expr>,
    },
    /// A field of a value of JSON.
    Get {
        value: Box<Expr>,
        path: PathText,
    },
    /// How many items a list has.
    Count(Box<Expr>),
    /// One item of a list; null if there is none.
    Item {
        list: Box<Expr>,
        place: ItemPlace,
    },
    /// So many items of a list at random, each once.
    Sample {
        list: Box<Expr>,
        size: Box<Expr>,
    },
    Call {
        function: ValueFunction,
        arguments: Vec<Expr>,
    },
}

impl Expr {
    /// The answer that it is a part of.
    pub fn answer(&self) -> Option<usize> {
        match self {
            Expr::Status(response) | Expr::Latency(response) | Expr::BodyText(response) => Some(*response),
            Expr::Json { response, .. } | Expr::Header { response, .. } | Expr::Answer { response, .. } => {
                Some(*response)
            }
            Expr::Url { response, .. } | Expr::Assets { response, .. } => Some(*response),
            _ => None,
        }
    }

    /// Whether this holds of it or of a part of it; the parts are asked in the order in which they are evaluated.
    pub fn any(&self, holds: &mut impl FnMut(&Expr) -> bool) -> bool {
        if holds(self) {
            return true;
        }
        match self {
            Expr::Text(pieces) => pieces.iter().any(|piece| match piece {
                Piece::Literal(_) => false,
                Piece::Value(value) => value.any(holds),
            }),
            Expr::List(items) | Expr::Call { arguments: items, .. } => items.iter().any(|item| item.any(holds)),
            Expr::Object(fields) => fields.iter().any(|(_, value)| value.any(holds)),
            Expr::Not(inner)
            | Expr::Negate(inner)
            | Expr::Count(inner)
            | Expr::Column { row: inner, .. }
            | Expr::Assets { others: inner, .. }
            | Expr::Url { reference: inner, .. } => inner.any(holds),
            Expr::Get { value, path } => value.any(holds) || path.values().any(|value| value.any(holds)),
            Expr::Json { path, .. } => path.values().any(|value| value.any(holds)),
            Expr::Item { list, place } => list.any(holds) || place.index().is_some_and(|index| index.any(holds)),
            Expr::Binary { left, right, .. } | Expr::Sample { list: left, size: right } => {
                left.any(holds) || right.any(holds)
            }
            Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::Exact(_) | Expr::Slot(_) => false,
            Expr::UserId | Expr::Iteration => false,
            Expr::Uuid | Expr::Random { .. } | Expr::Status(_) | Expr::Latency(_) | Expr::BodyText(_) => false,
            Expr::Header { .. } | Expr::Secret(_) | Expr::Part { .. } | Expr::Setup(_) => false,
            Expr::Port(_) | Expr::Row { .. } | Expr::Answer { .. } | Expr::Property(_) => false,
        }
    }
}

/// Which item of a list.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemPlace {
    First,
    Last,
    /// From 0.
    At(Box<Expr>),
    Random,
}

impl ItemPlace {
    pub fn index(&self) -> Option<&Expr> {
        match self {
            ItemPlace::At(index) => Some(index),
            ItemPlace::First | ItemPlace::Last | ItemPlace::Random => None,
        }
    }
}

/// What is looked for in an answer, next to what has an expression of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerPart {
    Regex,
    Css,
    /// How many rows a statement has changed.
    Affected,
    /// Bytes of the body: decoded, and as they came.
    Size,
    WireSize,
}

/// What is known of a request when it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Property {
    Status,
    Attempt,
    Latency,
    Ok,
    Error,
}

impl Property {
    const ALL: [Property; 5] = [Property::Status, Property::Attempt, Property::Latency, Property::Ok, Property::Error];

    pub fn of(name: &str) -> Option<Property> {
        Property::ALL.into_iter().find(|property| property.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Property::Status => "status",
            Property::Attempt => "attempt",
            Property::Latency => "latency",
            Property::Ok => "ok",
            Property::Error => "error",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    Service,
    Link,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    Next,
    Unique,
    Random,
    PerUser,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_a_text_in_a_plan_is_told_as_it_was() {
        assert!(Property::ALL.into_iter().all(|property| serde_json::json!(property) == property.name()));
        let call = serde_json::json!({ "call": { "function": "hmac_sha256", "arguments": [] } });
        let found: Expr = serde_json::from_value(call).unwrap();
        assert_eq!(found, Expr::Call { function: ValueFunction::HmacSha256, arguments: Vec::new() });
        let answer = serde_json::json!({ "answer": { "response": 1, "part": "css", "argument": "a" } });
        let (part, argument, attribute) = (AnswerPart::Css, Some("a".to_owned()), None);
        assert_eq!(
            serde_json::from_value::<Expr>(answer).unwrap(),
            Expr::Answer { response: 1, part, argument, attribute }
        );
    }
}
