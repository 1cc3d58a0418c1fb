//! What was written: the tree of a file, with the span of every part that a message may point at.

use crate::base::{Name, Span};

#[derive(Debug, Clone, Default)]
pub struct File {
    pub doc: Option<String>,
    pub items: Vec<Item>,
    /// Something in the file was refused, so what is missing from this tree may have been written.
    pub refused: bool,
}

/// A declaration at the top of a file or in a scenario.
#[derive(Debug, Clone)]
pub enum Item {
    Scenario(Scenario),
    Built(Built),
    Flow(Flow),
    Load(Load),
    Expect(Expect),
    /// Refused already, with the name that it would have declared; what rests on it stays silent.
    Refused(Option<Name>),
}

#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: Name,
    pub doc: Option<String>,
    pub items: Vec<Item>,
    pub span: Span,
}

/// `KIND NAME = CONSTRUCTOR(arguments) { option: value }`
#[derive(Debug, Clone)]
pub struct Built {
    pub kind: BuiltKind,
    pub name: Name,
    pub constructor: Expr,
    pub options: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuiltKind {
    Service,
    Target,
}

#[derive(Debug, Clone)]
pub struct Flow {
    pub name: Name,
    pub doc: Option<String>,
    pub on: Option<Expr>,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub struct Step {
    pub kind: StepKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum StepKind {
    Request(Request),
    Let {
        name: Name,
        value: Expr,
    },
    Think(Expr),
    Expect(Vec<Condition>),
    /// As [`Item::Refused`].
    Refused(Option<Name>),
}

#[derive(Debug, Clone)]
pub struct Request {
    pub method: Name,
    pub url: Expr,
    pub on: Option<Expr>,
    pub name: Option<Name>,
    pub entries: Vec<Entry>,
    pub expects: Vec<Condition>,
}

#[derive(Debug, Clone)]
pub struct Load {
    pub name: Name,
    pub doc: Option<String>,
    pub of: Expr,
    pub at: Option<Expr>,
    pub options: Vec<Entry>,
    pub stages: Vec<Stage>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Stage {
    pub kind: StageKind,
    pub name: Option<Name>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum StageKind {
    Warmup {
        level: Expr,
        length: Expr,
    },
    Hold {
        level: Expr,
        length: Expr,
    },
    Ramp {
        from: Expr,
        to: Expr,
        over: Expr,
    },
    Spike {
        level: Expr,
        length: Expr,
    },
    /// As [`Item::Refused`]; the stage keeps its name.
    Refused,
}

#[derive(Debug, Clone)]
pub struct Expect {
    pub conditions: Vec<Condition>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Condition {
    pub expr: Expr,
    pub scopes: Vec<Scope>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Scope {
    pub kind: ScopeKind,
    pub window: Expr,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeKind {
    During,
    Outside,
    After,
    Before,
}

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
    pub scopes: Vec<Scope>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    Negate,
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
            Binary::Range => "..",
            Binary::Add => "+",
            Binary::Subtract => "-",
            Binary::Multiply => "*",
            Binary::Divide => "/",
        }
    }

    pub fn compares(self) -> bool {
        use Binary::{Equal, Greater, GreaterEqual, In, Less, LessEqual, NotEqual};
        matches!(self, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | In)
    }
}
