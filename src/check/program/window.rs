//! Windows and instants, as relations between parts of the run.

use crate::base::Span;
use crate::syntax::ast::ScopeKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Scope {
    pub kind: ScopeKind,
    pub window: Window,
    #[serde(skip)]
    pub span: Span,
}

/// A part of the run, by what bounds it.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    Run,
    Load(usize),
    Stage {
        load: usize,
        stage: usize,
    },
    /// Stages of one name, in a `repeat`.
    Stages {
        load: usize,
        stages: Vec<usize>,
    },
    Injection(usize),
    Event(usize),
    /// From when a steady state no longer held to when it held again: known only by the run.
    Impact {
        of: Box<Window>,
        steady: Option<usize>,
    },
    Between(Box<Moment>, Box<Moment>),
}

/// An instant: the start or the end of a window, and some time.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Moment {
    pub window: Window,
    pub edge: Edge,
    pub plus: i64,
    #[serde(skip)]
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    Start,
    End,
}
