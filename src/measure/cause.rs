//! Why requests failed: how often, first and last instant, by everything that distinguishes one cause from another.

use super::Failure;
use super::ended::Ended;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most causes of one series, so that a server with arbitrary answers cannot fill the memory.
const MOST: usize = 64;

/// What distinguishes the failures of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema, Serialize, Deserialize)]
pub struct Cause {
    pub failure: Failure,
    /// 0 if there was no answer.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub status: u16,
    /// The condition that did not hold, by [`why`] of its text, or of why there was no answer; 0 where nothing is known.
    #[serde(default, skip_serializing_if = "says_nothing")]
    pub why: u32,
    /// Whether a fault gave the answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub injected: bool,
}

/// How often something happened, with the first and the last instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Tally {
    pub count: u64,
    pub first: u64,
    pub last: u64,
}

/// What one worker adds to a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Failed {
    pub series: u32,
    #[serde(flatten)]
    pub cause: Cause,
    #[serde(flatten)]
    pub tally: Tally,
}

#[derive(Debug, Clone, Default)]
pub struct Causes(BTreeMap<(u32, Cause), Tally>);

impl Cause {
    pub fn of(ended: &Ended, failure: Failure) -> Cause {
        let Ended { status, why, injected, .. } = *ended;
        // Of what got no answer a status that came before is none.
        let status = if failure.is_unanswered() || failure.is_of_database() { 0 } else { status };
        let is_told = failure == Failure::Expectation || failure.says_why();
        let why = if is_told { why } else { 0 };
        Cause { failure, status, why, injected: injected && status > 0 }
    }

    /// Without what there are too many of.
    fn coarse(self) -> Cause {
        Cause { status: 0, why: 0, ..self }
    }
}

/// What stands for a text: FNV-1a, never 0.
pub fn why(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)).max(1)
}

impl Causes {
    pub fn take(&mut self, Failed { series, cause, tally }: Failed) {
        let full = || self.0.range((series, Cause::LEAST)..).take_while(|((own, _), _)| *own == series).count() >= MOST;
        let key = match self.0.contains_key(&(series, cause)) || !full() {
            true => (series, cause),
            false => (series, cause.coarse()),
        };
        let own = self.0.entry(key).or_insert(Tally { count: 0, ..tally });
        own.count += tally.count;
        (own.first, own.last) = (own.first.min(tally.first), own.last.max(tally.last));
    }

    /// By series, in the order of causes.
    pub fn all(&self) -> impl Iterator<Item = Failed> + '_ {
        self.0.iter().map(|((series, cause), tally)| Failed { series: *series, cause: *cause, tally: *tally })
    }

    /// All that there is, which is forgotten.
    pub fn drain(&mut self) -> Vec<Failed> {
        let all = self.all().collect();
        self.0.clear();
        all
    }
}

impl Cause {
    const LEAST: Cause = Cause { failure: Failure::Connect, status: 0, why: 0, injected: false };
}

fn is_nothing(status: &u16) -> bool {
    *status == 0
}

fn says_nothing(why: &u32) -> bool {
    *why == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(status: u16, at: u64) -> Failed {
        let cause = Cause { failure: Failure::Status, status, why: 0, injected: false };
        Failed { series: 3, cause, tally: Tally { count: 1, first: at, last: at } }
    }

    #[test]
    fn causes_are_told_apart_and_bounded() {
        let mut causes = Causes::default();
        [failed(503, 7), failed(401, 9), failed(503, 2)].into_iter().for_each(|one| causes.take(one));
        let of: Vec<(u16, u64, u64, u64)> =
            causes.all().map(|one| (one.cause.status, one.tally.count, one.tally.first, one.tally.last)).collect();
        assert_eq!(of, [(401, 1, 9, 9), (503, 2, 2, 7)]);
        (400..600).for_each(|status| causes.take(failed(status, 1)));
        assert!(causes.all().count() <= MOST + 1);
        assert_eq!(causes.drain().iter().map(|one| one.tally.count).sum::<u64>(), 203);
        assert_eq!(causes.all().count(), 0);
    }

    #[test]
    fn why_there_was_no_answer_tells_one_cause_from_another() {
        let of = |failure: Failure, text: &str| {
            let ended = Ended { why: why(text), status: 200, ..Ended::plain(0, 1, 1, Err(failure)) };
            Cause::of(&ended, failure)
        };
        let expired = of(Failure::Certificate, "the certificate has expired");
        assert_ne!(expired, of(Failure::Certificate, "the certificate is of another host"));
        assert_eq!((expired.status, expired.why), (0, why("the certificate has expired")));
        // Of an answer the status is enough.
        assert_eq!(of(Failure::Status, "busy"), of(Failure::Status, "full"));
    }

    #[test]
    fn a_cause_is_written_without_what_it_lacks() {
        let text = serde_json::to_string(&failed(401, 5)).unwrap();
        assert_eq!(text, r#"{"series":3,"failure":"status","status":401,"count":1,"first":5,"last":5}"#);
        assert_eq!(serde_json::from_str::<Failed>(&text).unwrap(), failed(401, 5));
    }
}
