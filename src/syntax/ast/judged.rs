//! What was written of what is judged: expectations, aborts, alerts, suites, and the conditions of all of them.

use super::*;

#[derive(Debug, Clone)]
pub struct Expectation {
    pub name: Name,
    pub doc: Option<String>,
    pub parameters: Option<Vec<Parameter>>,
    pub clauses: Vec<Clause>,
}

#[derive(Debug, Clone)]
pub struct Expect {
    pub clauses: Vec<Clause>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct SteadyState {
    pub name: Option<Name>,
    pub options: Vec<Entry>,
    pub clauses: Vec<Clause>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Abort {
    pub condition: Condition,
    pub length: Option<Expr>,
    pub span: Span,
}

/// A line of an `expect` block.
#[derive(Debug, Clone)]
pub enum Clause {
    Condition(Condition),
    Include(Include),
    Alert(Alert),
    NoOtherAlert {
        source: Option<Expr>,
        scopes: Vec<Scope>,
        span: Span,
    },
    /// As [`Item::Refused`].
    Refused,
}

#[derive(Debug, Clone)]
pub struct Condition {
    pub expr: Expr,
    pub tail: Tail,
    pub span: Span,
}

/// What follows a condition: where it is judged, in which slices, with which tolerance.
#[derive(Debug, Clone, Default)]
pub struct Tail {
    pub scopes: Vec<Scope>,
    pub slices: Option<Slices>,
    pub within: Option<Within>,
    /// Where it says `strict`.
    pub strict: Option<Span>,
}

/// `in 95% of every 10s`
#[derive(Debug, Clone)]
pub struct Slices {
    pub share: Option<Expr>,
    pub every: Expr,
    pub span: Span,
}

/// `within D of I`, `within 2% of X`
#[derive(Debug, Clone)]
pub struct Within {
    pub tolerance: Expr,
    pub of: Expr,
    pub span: Span,
}

/// `alert "Name" { label: "value" } from SOURCE …`
#[derive(Debug, Clone)]
pub struct Alert {
    pub name: Expr,
    /// `alert in NAMES`: the name is a list of them.
    pub is_list: bool,
    pub labels: Vec<Entry>,
    pub source: Option<Expr>,
    pub does: AlertDoes,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum AlertDoes {
    Fires(Within),
    Resolves(Within),
    StaysQuiet(Vec<Scope>),
    MayFire(Vec<Scope>),
    KeepsFiring(Vec<Scope>),
}

#[derive(Debug, Clone)]
pub struct Suite {
    pub name: Name,
    pub doc: Option<String>,
    pub areas: Vec<Area>,
    pub ready: Option<Expr>,
    /// All expectations of its scenarios are.
    pub strict: bool,
    pub span: Span,
}

/// `area NAME 30%: scenario, scenario`
#[derive(Debug, Clone)]
pub struct Area {
    pub name: Name,
    pub weight: Option<Expr>,
    pub scenarios: Vec<Expr>,
}

#[derive(Debug, Clone)]
pub struct Scope {
    pub kind: ScopeKind,
    pub window: Expr,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, schemars::JsonSchema, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    During,
    Outside,
    After,
    Before,
}

impl ScopeKind {
    pub fn word(self) -> &'static str {
        match self {
            ScopeKind::During => "during",
            ScopeKind::Outside => "outside",
            ScopeKind::After => "after",
            ScopeKind::Before => "before",
        }
    }
}
