//! `in every 10s`: each slice of a scope judged by itself.

use super::grounds::{Grounds, Why};
use super::{Judged, Outcome, judge_within};
use crate::base::units::{duration, grouped};
use crate::measure::Stats;
use crate::plan::{Condition, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the slices of a scope came out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Slices {
    pub held: usize,
    pub failed: usize,
    pub inconclusive: usize,
    /// That missed their bound by no more than chance makes of what meets it.
    #[serde(default)]
    pub near: usize,
}

impl Slices {
    pub fn all(self) -> usize {
        self.held + self.failed + self.inconclusive + self.near
    }

    /// A share of them must hold. Held where those that did are enough whatever the inconclusive ones are, failed where
    /// it cannot be reached any more. Those that missed by chance held, where all that was measured did.
    fn outcome(self, share: f64, all_held: impl FnOnce() -> bool) -> Outcome {
        // A hair less, so that no share of a float becomes one more.
        let needed = (share * self.all() as f64 - 1e-9).ceil() as usize;
        match self {
            _ if self.all() == 0 => Outcome::Inconclusive,
            _ if self.held >= needed => Outcome::Held,
            _ if self.held + self.inconclusive + self.near < needed => Outcome::Failed,
            _ if self.held + self.near >= needed && all_held() => Outcome::Held,
            _ => Outcome::Inconclusive,
        }
    }
}

pub(super) fn in_every(condition: &Condition, every: u64, share: f64, stats: &Stats) -> Judged {
    let (_, end) = condition.scope();
    let mut slices = Slices::default();
    let (mut samples, mut timed) = (0, false);
    let mut worst: Option<Judged> = None;
    let mut unknown: Option<(Range, String)> = None;
    for range in condition.slices(every) {
        let judged = judge_within(condition, range, stats);
        samples += judged.samples;
        timed |= judged.timed;
        let range = (range.0, range.1.min(end));
        match judged.outcome {
            Outcome::Held => slices.held += 1,
            Outcome::Failed => slices.failed += 1,
            Outcome::Inconclusive => {
                *(if judged.near { &mut slices.near } else { &mut slices.inconclusive }) += 1;
                unknown.get_or_insert((range, judged.reason.unwrap_or_default()));
                continue;
            }
        }
        let rank = |judged: &Judged| (judged.outcome != Outcome::Failed, judged.margin);
        if worst.as_ref().is_none_or(|worst| rank(&judged) < rank(worst)) {
            worst = Some(Judged { when: Some(range), ..judged });
        }
    }
    let outcome = slices.outcome(share, || judge_within(condition, (0, u64::MAX), stats).outcome == Outcome::Held);
    let reason = match (outcome, unknown) {
        (Outcome::Inconclusive, Some(((from, to), reason))) => {
            let count = |n: usize| grouped(n as f64, 0);
            let (some, all) = (count(slices.inconclusive + slices.near), count(slices.all()));
            Some(format!("{some} of {all} slices are open; {}–{}: {reason}", duration(from), duration(to)))
        }
        (Outcome::Inconclusive, None) => Some("its scope holds no slice".to_owned()),
        _ => None,
    };
    let told = worst.as_ref().map(Judged::alone).unwrap_or_default();
    let parts = worst.into_iter().collect();
    Judged { outcome, samples, timed, reason, slices: Some(slices), grounds: Grounds::of(Why::Parts), parts, ..told }
}
