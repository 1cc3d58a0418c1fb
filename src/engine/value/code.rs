//! Expressions ready for evaluation, made once from those of a plan: paths, columns and functions are numbers and types, and
//! secrets are inserted.

use crate::check::program::Pick;
use crate::plan::{Binary, ValueFunction};

/// An expression of a flow. Numbers of paths, patterns, selectors and columns are those of [`super::lower::Sought`].
#[derive(Debug, Clone, PartialEq)]
pub enum Code {
    Null,
    Bool(bool),
    Number(f64),
    /// A number of which a float does not hold the spelling.
    Exact(String),
    Text(Vec<Piece>),
    List(Vec<Code>),
    Object(Vec<(String, Code)>),
    Slot(usize),
    UserId,
    Uuid,
    Random {
        least: f64,
        most: f64,
    },
    Status(usize),
    Latency(usize),
    BodyText(usize),
    /// How many rows a statement has changed.
    Affected(usize),
    /// How long the body of an answer is, decoded or as it came.
    Size {
        response: usize,
        on_the_wire: bool,
    },
    Json {
        response: usize,
        path: PathCode,
    },
    Header {
        response: usize,
        name: String,
    },
    Regex {
        response: usize,
        pattern: usize,
    },
    Css {
        response: usize,
        selector: usize,
        attribute: Option<String>,
    },
    Not(Box<Code>),
    Negate(Box<Code>),
    Binary {
        operator: Binary,
        left: Box<Code>,
        right: Box<Code>,
    },
    /// Whether a pattern finds something in a text.
    Matches {
        text: Box<Code>,
        pattern: usize,
    },
    /// A value of the setup.
    Setup(usize),
    /// A row of data, chosen each time the step is reached.
    Row {
        data: usize,
        pick: Pick,
    },
    Column {
        row: Box<Code>,
        column: usize,
    },
    /// A URL reference, as the answer to a request means it.
    Url {
        response: usize,
        reference: Box<Code>,
    },
    /// What a browser fetches with a page, of its own origin and of those in a list.
    Assets {
        response: usize,
        others: Box<Code>,
    },
    /// A field of a value of JSON.
    Get {
        value: Box<Code>,
        path: PathCode,
    },
    /// How many items a list has.
    Count(Box<Code>),
    /// One item of a list; null if there is none.
    Item {
        list: Box<Code>,
        place: ItemCode,
    },
    /// So many items of a list at random, each once.
    Sample {
        list: Box<Code>,
        size: Box<Code>,
    },
    Call {
        function: ValueFunction,
        arguments: Vec<Code>,
    },
    /// What is computed from a secret, and kept in a slot so that it can be hidden.
    Derived {
        slot: usize,
        value: Box<Code>,
    },
    /// A value that this run does not know: using it fails.
    Unknown,
}

/// A JSONPath.
#[derive(Debug, Clone, PartialEq)]
pub enum PathCode {
    Known(usize),
    /// Made anew each time.
    Made(Vec<Piece>),
}

impl PathCode {
    /// The values that are put into it.
    fn values(&self) -> impl Iterator<Item = &Code> {
        values(match self {
            PathCode::Known(_) => &[],
            PathCode::Made(pieces) => pieces,
        })
    }
}

/// Which item of a list.
#[derive(Debug, Clone, PartialEq)]
pub enum ItemCode {
    First,
    Last,
    /// From 0.
    At(Box<Code>),
    Random,
}

/// A piece of a text: as written, or a value put in.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    Literal(String),
    Value(Code),
}

/// Something that is expected, as it is written and as it is evaluated.
#[derive(Debug, Clone)]
pub struct Check {
    pub text: String,
    pub condition: Code,
}

impl Code {
    /// Whether this holds of it or of a part of it; the parts are asked in the order in which they are evaluated.
    pub fn any(&self, holds: &mut impl FnMut(&Code) -> bool) -> bool {
        if holds(self) {
            return true;
        }
        match self {
            Code::Text(pieces) => values(pieces).any(|value| value.any(holds)),
            Code::List(items) | Code::Call { arguments: items, .. } => items.iter().any(|item| item.any(holds)),
            Code::Object(fields) => fields.iter().any(|(_, value)| value.any(holds)),
            Code::Not(inner)
            | Code::Negate(inner)
            | Code::Count(inner)
            | Code::Matches { text: inner, .. }
            | Code::Column { row: inner, .. }
            | Code::Derived { value: inner, .. }
            | Code::Assets { others: inner, .. }
            | Code::Url { reference: inner, .. } => inner.any(holds),
            Code::Get { value, path } => value.any(holds) || path.values().any(|value| value.any(holds)),
            Code::Json { path, .. } => path.values().any(|value| value.any(holds)),
            Code::Item { list, place: ItemCode::At(index) } => list.any(holds) || index.any(holds),
            Code::Item { list, place: ItemCode::First | ItemCode::Last | ItemCode::Random } => list.any(holds),
            Code::Binary { left, right, .. } | Code::Sample { list: left, size: right } => {
                left.any(holds) || right.any(holds)
            }
            Code::Null
            | Code::Bool(_)
            | Code::Number(_)
            | Code::Exact(_)
            | Code::Slot(_)
            | Code::UserId
            | Code::Uuid => false,
            Code::Random { .. } | Code::Status(_) | Code::Latency(_) | Code::BodyText(_) => false,
            Code::Header { .. } | Code::Regex { .. } | Code::Css { .. } | Code::Setup(_) | Code::Row { .. } => false,
            Code::Size { .. } | Code::Affected(_) | Code::Unknown => false,
        }
    }

    pub fn reads_an_answer(&self) -> bool {
        match self {
            Code::Status(_) | Code::Latency(_) | Code::BodyText(_) | Code::Json { .. } | Code::Header { .. } => true,
            Code::Regex { .. } | Code::Css { .. } | Code::Url { .. } | Code::Size { .. } | Code::Affected(_) => true,
            Code::Assets { .. } => true,
            Code::Null
            | Code::Bool(_)
            | Code::Number(_)
            | Code::Exact(_)
            | Code::Text(_)
            | Code::List(_)
            | Code::Object(_) => false,
            Code::Slot(_) | Code::UserId | Code::Uuid | Code::Random { .. } | Code::Not(_) | Code::Negate(_) => false,
            Code::Binary { .. } | Code::Setup(_) | Code::Row { .. } | Code::Column { .. } | Code::Get { .. } => false,
            Code::Count(_) | Code::Item { .. } | Code::Sample { .. } | Code::Matches { .. } => false,
            Code::Call { .. } | Code::Derived { .. } | Code::Unknown => false,
        }
    }

    /// Whether it is the same for all, where some slots are.
    pub fn is_constant(&self, is_known: impl Fn(usize) -> bool) -> bool {
        !self.any(&mut |part| match part {
            Code::Null
            | Code::Bool(_)
            | Code::Number(_)
            | Code::Exact(_)
            | Code::Text(_)
            | Code::List(_)
            | Code::Object(_) => false,
            Code::Slot(slot) => !is_known(*slot),
            Code::Call { function, .. } => !function.is_pure(),
            Code::UserId | Code::Uuid | Code::Random { .. } | Code::Status(_) | Code::Latency(_) => true,
            Code::BodyText(_) | Code::Json { .. } | Code::Header { .. } | Code::Regex { .. } | Code::Css { .. } => true,
            Code::Not(_) | Code::Negate(_) | Code::Binary { .. } | Code::Setup(_) | Code::Row { .. } => true,
            Code::Column { .. } | Code::Get { .. } | Code::Count(_) | Code::Derived { .. } | Code::Unknown => true,
            Code::Url { .. } | Code::Item { .. } | Code::Sample { .. } | Code::Matches { .. } => true,
            Code::Size { .. } | Code::Affected(_) | Code::Assets { .. } => true,
        })
    }

    /// Whether something of it is computed from a secret by each iteration for itself.
    pub fn is_derived(&self) -> bool {
        self.any(&mut |part| matches!(part, Code::Derived { .. }))
    }
}

/// The values that are put into a text.
pub fn values(pieces: &[Piece]) -> impl Iterator<Item = &Code> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Literal(_) => None,
        Piece::Value(value) => Some(value),
    })
}
