//! What breaks, and what else happens.

use super::{Action, CommandLine, Moment, Text, Window};
use crate::base::{Name, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a fault is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    Link(usize),
    Target(usize),
    Service(usize),
    Host,
    Command,
}

/// A fault with its time.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Injection {
    pub name: Name,
    pub action: Action,
    /// What was called, where that was a template: `docker.pause`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    pub when: When,
    pub span: Span,
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// `at I for D`
    At { at: Moment, length: Option<u64> },
    /// `during W every P for D`
    During { window: Window, every: Option<u64>, length: Option<u64> },
}

/// Something that happens and is not taken back.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Event {
    pub name: Name,
    pub command: CommandLine,
    /// Variables of the command.
    pub with: Vec<(String, Text)>,
    pub at: Moment,
    pub at_most: u64,
    pub span: Span,
}
