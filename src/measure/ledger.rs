//! The history of ledger entries: what the system said when each was made, and what it said at verification.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The outcome of a request that made an entry. With several tries, the most definite one decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Nothing of it reached the system, or the system refused it (4xx).
    Refused,
    /// It may be there or not.
    Unknown,
    /// A 2xx that was read to its end.
    Acknowledged,
}

impl Fate {
    pub fn word(self) -> &'static str {
        match self {
            Fate::Refused => "refused",
            Fate::Unknown => "of unknown outcome",
            Fate::Acknowledged => "acknowledged",
        }
    }
}

/// An entry of a ledger, by its key.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Entry {
    pub ledger: usize,
    pub key: String,
    pub fate: Fate,
    /// When its request had ended.
    pub at: u64,
    /// The acknowledging answer did not contain the key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keyless: bool,
}

/// The number of entries of a ledger by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Booked {
    pub acknowledged: u64,
    pub unknown: u64,
    pub refused: u64,
}

impl Booked {
    pub fn count(&mut self, fate: Fate) {
        *match fate {
            Fate::Acknowledged => &mut self.acknowledged,
            Fate::Unknown => &mut self.unknown,
            Fate::Refused => &mut self.refused,
        } += 1;
    }

    pub fn add(&mut self, other: &Booked) {
        super::plus(&mut self.acknowledged, other.acknowledged);
        super::plus(&mut self.unknown, other.unknown);
        super::plus(&mut self.refused, other.refused);
    }

    pub fn all(&self) -> u64 {
        self.acknowledged + self.unknown + self.refused
    }
}

/// What the system said about the entries of a ledger at verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Verified {
    /// Entries with a definite answer, by their outcomes.
    pub asked: Booked,
    /// Of those, the ones that are there.
    pub found: Booked,
    /// Acknowledged and not there.
    pub lost: u64,
    /// There more than once.
    pub duplicated: u64,
    /// Present although the system had refused them.
    pub resurrected: u64,
    /// Entries without a definite answer.
    pub unverified: Booked,
    /// Of these, the entries that were acknowledged without a key to look them up.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub keyless: u64,
    /// Refused entries that were not looked up, because no expectation asks about them.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub not_asked: u64,
    /// The first of each kind.
    pub violations: Vec<Violation>,
    /// Why there was no definite answer, the most frequent cause first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// The number of lookup requests, and how long they took together.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub requests: u64,
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub took: u64,
    /// Why not all of them could be looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A cause for which entries are left unverified.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Doubt {
    pub because: String,
    pub count: u64,
    /// The first of them.
    pub key: String,
}

/// An entry that violates something.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Violation {
    pub kind: Wrong,
    pub key: String,
    pub fate: Fate,
    pub at: u64,
    /// How often it is present, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    Lost,
    Duplicated,
    Resurrected,
    Unverified,
}

impl Wrong {
    pub fn word(self) -> &'static str {
        match self {
            Wrong::Lost => "lost",
            Wrong::Duplicated => "duplicated",
            Wrong::Resurrected => "resurrected",
            Wrong::Unverified => "unverified",
        }
    }
}

/// A ledger of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    pub booked: Booked,
    /// None if the run did not get as far as the verification.
    pub verified: Option<Verified>,
}
