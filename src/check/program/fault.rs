//! What breaks, and what else happens.

use super::{Moment, Text, Window};
use crate::base::{Name, Span};
use crate::check::types::Type;
use serde::{Deserialize, Serialize};

/// What breaks, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breakage {
    pub action: String,
    /// What was called, where that was a template: `docker.pause`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    pub element: Element,
    pub settings: Vec<(String, Setting)>,
    pub lasting: bool,
}

impl Breakage {
    /// Brought about from within a database, and not on the way to it.
    pub fn is_within_database(&self) -> bool {
        matches!(self.action.as_str(), "hold_connections" | "kill_connections" | "lock_table")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    Link(usize),
    Target(usize),
    Service(usize),
    Host,
    Command,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    Quantity(f64, Type),
    Text(Text),
}

/// A fault with its time.
#[derive(Debug, Clone, Serialize)]
pub struct Injection {
    pub name: Name,
    pub breakage: Breakage,
    pub when: When,
    pub span: Span,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// `at I for D`
    At { at: Moment, length: Option<u64> },
    /// `during W every P for D`
    During { window: Window, every: Option<u64>, length: Option<u64> },
}

/// Something that happens and is not taken back.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    pub name: Name,
    pub command: Text,
    pub at: Moment,
    pub at_most: u64,
    pub span: Span,
}
