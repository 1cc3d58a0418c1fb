//! How the entries of ledgers ended, and those with which something is wrong.

use super::beside::beside_faults;
use super::seconds::seconds;
use crate::measure::{Book, Booked, Doubt, Fate, Stats, Violation, Wrong};
use crate::plan::Plan;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct LedgerTotals {
    pub name: String,
    pub entries: Booked,
    /// The entries that were looked up. This and the following are none if the run did not get as far as the
    /// verification.
    pub verified: Option<Booked>,
    pub found: Option<Booked>,
    pub lost: Option<u64>,
    pub duplicated: Option<u64>,
    pub resurrected: Option<u64>,
    pub unverified: Option<u64>,
    /// Of these, the entries that were acknowledged without their key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyless: Option<u64>,
    /// Why entries are unverified, the most frequent cause first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// The number of lookup requests, and how long they took together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    #[serde(rename = "took_s", serialize_with = "seconds", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub took: Option<u64>,
    /// Refused entries that were not looked up, because no expectation asks about them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_asked: Option<u64>,
    pub problem: Option<String>,
    /// The first of each kind.
    pub violations: Vec<Wronged>,
}

/// An entry that violates something.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Wronged {
    pub kind: Wrong,
    pub key: String,
    pub outcome: Fate,
    #[serde(rename = "at_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub at: u64,
    /// The instant of its request relative to the nearest fault.
    pub beside: Option<String>,
    pub found: Option<u64>,
}

pub fn ledgers(plan: &Plan, stats: &Stats) -> Vec<LedgerTotals> {
    let wronged = |violation: &Violation| Wronged {
        kind: violation.kind,
        key: violation.key.clone(),
        outcome: violation.fate,
        at: violation.at,
        beside: beside_faults(violation.at, stats),
        found: violation.found,
    };
    let one = |(ledger, book): (&crate::plan::Ledger, &Book)| {
        let verified = book.verified.as_ref();
        LedgerTotals {
            name: ledger.name.clone(),
            entries: book.booked,
            verified: verified.map(|verified| verified.asked),
            found: verified.map(|verified| verified.found),
            lost: verified.map(|verified| verified.lost),
            duplicated: verified.map(|verified| verified.duplicated),
            resurrected: verified.map(|verified| verified.resurrected),
            unverified: verified
                .map(|verified| book.booked.all().saturating_sub(verified.asked.all() + verified.not_asked)),
            keyless: verified.map(|verified| verified.keyless).filter(|keyless| *keyless > 0),
            doubts: verified.map_or_else(Vec::new, |verified| verified.doubts.clone()),
            requests: verified.map(|verified| verified.requests).filter(|requests| *requests > 0),
            took: verified.map(|verified| verified.took).filter(|took| *took > 0),
            not_asked: verified.map(|verified| verified.not_asked).filter(|refused| *refused > 0),
            problem: verified.and_then(|verified| verified.problem.clone()),
            violations: verified.iter().flat_map(|verified| &verified.violations).map(wronged).collect(),
        }
    };
    plan.ledgers.iter().zip(&stats.ledgers).map(one).collect()
}
