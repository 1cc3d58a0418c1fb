//! The history of ledger entries: what the system said when each was made, and what it said at verification.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a request ended that made an entry. Of several tries the one that says most decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Nothing of it reached the system, or the system would not have it (4xx).
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
    /// The answer that acknowledged it did not give the key that it should.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keyless: bool,
}

/// How many entries of a ledger ended how.
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

/// What the system said of the entries of a ledger when it was asked for each.
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
    /// There although the system would not have them.
    pub resurrected: u64,
    /// Of which it said nothing definite.
    pub unverified: Booked,
    /// Of these, the ones that were acknowledged without the key by which they could be asked for.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub keyless: u64,
    /// Refused, and nobody wanted to know of these.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub not_asked: u64,
    /// The first of each kind.
    pub violations: Vec<Violation>,
    /// Why it said nothing definite, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// How many requests asked, and for how long.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub requests: u64,
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub took: u64,
    /// Why not all of them could be asked for.
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

/// An entry with which something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Violation {
    pub kind: Wrong,
    pub key: String,
    pub fate: Fate,
    pub at: u64,
    /// How often it is there, where that is known.
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
    /// None where the run did not get to ask.
    pub verified: Option<Verified>,
}
