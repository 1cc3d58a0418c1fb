//! What was written of values: expressions, texts and arguments.

use super::*;

/// `label: value`
#[derive(Debug, Clone)]
pub struct Entry {
    pub label: Name,
    pub value: Expr,
}

#[derive(Debug, Clone)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum ExprKind {
    Null,
    Bool(bool),
    Number(f64),
    /// Nanoseconds.
    Duration(u64),
    Rate(crate::base::units::Rate),
    Users(u64),
    /// A share: `5%` is 0.05.
    Percent(f64),
    Points(f64),
    Factor(f64),
    Bytes(u64),
    /// Bytes a second.
    Bandwidth(f64),
    Text(Vec<TextPart>),
    List(Vec<Expr>),
    /// The value that a baseline has for what stands on the other side, by its name or the newest.
    Baseline(Vec<Argument>),
    Object(Vec<Entry>),
    Name(Name),
    Field {
        base: Box<Expr>,
        field: Name,
    },
    Call {
        function: Name,
        arguments: Vec<Argument>,
    },
    Method {
        base: Box<Expr>,
        method: Name,
        arguments: Vec<Argument>,
    },
    Unary {
        operator: Unary,
        operand: Box<Expr>,
    },
    Binary {
        operator: Binary,
        operator_span: Span,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// Something that was refused already; what rests on it stays silent.
    Wrong,
}

#[derive(Debug, Clone)]
pub enum TextPart {
    Literal(String),
    /// A path such as `user.id`.
    Path(Expr),
}

#[derive(Debug, Clone)]
pub struct Argument {
    pub label: Option<Name>,
    pub value: Expr,
    /// `where`: which of the requests.
    pub matching: Option<Expr>,
    pub scopes: Vec<Scope>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    Negate,
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, schemars::JsonSchema, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Range,
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Binary {
    pub fn symbol(self) -> &'static str {
        match self {
            Binary::Or => "or",
            Binary::And => "and",
            Binary::Equal => "==",
            Binary::NotEqual => "!=",
            Binary::Less => "<",
            Binary::LessEqual => "<=",
            Binary::Greater => ">",
            Binary::GreaterEqual => ">=",
            Binary::In => "in",
            Binary::Contains => "contains",
            Binary::StartsWith => "starts with",
            Binary::EndsWith => "ends with",
            Binary::Matches => "matches",
            Binary::Range => "..",
            Binary::Add => "+",
            Binary::Subtract => "-",
            Binary::Multiply => "*",
            Binary::Divide => "/",
        }
    }

    pub fn compares(self) -> bool {
        use Binary::{Equal, Greater, GreaterEqual, In, Less, LessEqual, NotEqual};
        matches!(self, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | In) || self.looks_into()
    }

    /// Whether it looks for something in what stands on its left.
    pub fn looks_into(self) -> bool {
        matches!(self, Binary::Contains | Binary::StartsWith | Binary::EndsWith | Binary::Matches)
    }
}
