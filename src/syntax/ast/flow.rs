//! What was written of flows: their steps, requests and loops, and what is done before and after a load.

use super::*;

#[derive(Debug, Clone)]
pub struct Flow {
    pub name: Name,
    pub doc: Option<String>,
    pub parameters: Option<Vec<Parameter>>,
    pub on: Option<Expr>,
    pub steps: Vec<Step>,
}

/// `setup` or `teardown`: once, unmeasured.
#[derive(Debug, Clone)]
pub struct Phase {
    pub after: bool,
    pub on: Option<Expr>,
    pub steps: Vec<Step>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Ledger {
    pub name: Name,
    pub doc: Option<String>,
    pub on: Option<Expr>,
    pub options: Vec<Entry>,
    pub verify: Option<Verify>,
    pub span: Span,
}

/// `verify KEY { … }`: asks for one entry.
#[derive(Debug, Clone)]
pub struct Verify {
    pub key: Name,
    pub steps: Vec<Step>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Step {
    pub kind: StepKind,
    pub doc: Option<String>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum StepKind {
    Request(Box<Request>),
    Let(Let),
    Set(Let),
    Think(Expr),
    Expect(Vec<Clause>),
    If {
        condition: Expr,
        then: Vec<Step>,
        otherwise: Vec<Step>,
    },
    Group {
        name: Name,
        steps: Vec<Step>,
    },
    Transaction(Box<Transaction>),
    Choose(Vec<Choice>),
    Repeat(Repeat),
    Each {
        name: Name,
        list: Expr,
        at_most: Option<Expr>,
        together: bool,
        steps: Vec<Step>,
    },
    OncePerUser {
        every: Option<Expr>,
        steps: Vec<Step>,
    },
    Acquire {
        limit: Expr,
        steps: Vec<Step>,
    },
    Measure {
        name: Name,
        value: Expr,
    },
    Include(Include),
    /// `headers:`, for the requests behind it.
    Headers(Entry),
    /// `count EXPR` in the `verify` of a ledger.
    Count(Expr),
    /// As [`Item::Refused`].
    Refused(Option<Name>),
}

/// A part of `choose`: `70% as look { … }`
#[derive(Debug, Clone)]
pub struct Choice {
    pub share: Expr,
    pub name: Option<Name>,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub struct Repeat {
    pub counter: Option<(Name, Expr)>,
    /// The condition, and whether it is one to go on (`while`) or to end (`until`).
    pub test: Option<(Expr, bool)>,
    pub every: Option<Expr>,
    pub at_most: Option<Expr>,
    pub steps: Vec<Step>,
}

/// One exchange with a target, of whichever protocol; the verb says which.
#[derive(Debug, Clone)]
pub struct Request {
    pub verb: Name,
    /// `request METHOD PATH`: the computed method.
    pub method: Option<Expr>,
    pub subject: Option<Expr>,
    pub on: Option<Expr>,
    pub name: Option<Name>,
    pub retry: Option<Expr>,
    pub backoff: Option<Expr>,
    pub retry_when: Option<Expr>,
    pub matching: Option<Expr>,
    pub within: Option<Expr>,
    pub entries: Vec<Entry>,
    pub expects: Vec<Clause>,
    /// `record KEY in LEDGER`
    pub records: Vec<Expr>,
    /// `continue`: a failure does not end the iteration.
    pub goes_on: bool,
}

/// Statements of SQL that are done together or not at all.
#[derive(Debug, Clone)]
pub struct Transaction {
    pub name: Name,
    pub retry: Option<Expr>,
    pub backoff: Option<Expr>,
    pub retry_when: Option<Expr>,
    pub steps: Vec<Step>,
}

/// `include X(arguments) as NAME`
#[derive(Debug, Clone)]
pub struct Include {
    pub what: Expr,
    pub alias: Option<Name>,
    pub span: Span,
}
