//! Change points: where a series is another from one run on, surely and by enough.

use super::divisive::{significant, split};
use super::trend::left;
use super::{ALPHA, LEAST, REACH, median};
use crate::base::distributions::TWO_SIDED;
use schemars::JsonSchema;
use serde::Serialize;

/// One change: the first run after it.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Change {
    pub index: usize,
    /// The first and the last run that it may be as well.
    pub between: (usize, usize),
    /// The chance that runs in any order show as much.
    pub chance: f64,
    pub shift: Shift,
}

/// How far the runs after a change lie from those before it, of up to 20 on each side: a share of what was, or as it is.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize)]
pub struct Shift {
    pub before: f64,
    pub after: f64,
    pub change: f64,
    /// Where it lies with 95% certainty; nothing where both sides are too short to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
}

/// A change on the scale of the values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub at: usize,
    pub between: (usize, usize),
    pub chance: f64,
}

/// All changes of a series whose outliers were made quiet, in their order. What `enough` refuses is no change, but both of its sides are
/// looked at alone: a slow slope is no step, and may hide one.
pub(super) fn changes(values: &[f64], enough: &impl Fn(usize, (usize, usize)) -> bool) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    within(values, (0, values.len()), 0, enough, &mut found);
    found.sort_by_key(|change| change.at);
    found.dedup_by_key(|change| change.at);
    // What is next to each other is one change that was found from both sides: the surer one stays.
    let mut kept: Vec<Found> = Vec::new();
    for change in found {
        match kept.last() {
            Some(last) if change.at - last.at < LEAST && last.chance <= change.chance => {}
            Some(last) if change.at - last.at < LEAST => drop(kept.pop().map(|_| kept.push(change))),
            _ => kept.push(change),
        }
    }
    // With its neighbours known, each is asked again how large it is.
    loop {
        let edge = |at: usize| match at {
            0 => 0,
            at => kept.get(at - 1).map_or(values.len(), |change: &Found| change.at),
        };
        let small = (0..kept.len()).find(|index| !enough(kept[*index].at, (edge(*index), edge(index + 2))));
        match small {
            Some(index) => drop(kept.remove(index)),
            None => return kept,
        }
    }
}

/// Divides and divides again (binary segmentation: Vostrikova, Soviet Mathematics Doklady 24, 1981). Each level deeper asks for more, so
/// that many looks find no more by chance than one.
fn within(
    values: &[f64],
    (from, to): (usize, usize),
    depth: usize,
    enough: &impl Fn(usize, (usize, usize)) -> bool,
    found: &mut Vec<Found>,
) {
    let Some((split, chance)) = significant(&values[from..to], ALPHA / (depth + 1) as f64) else { return };
    let rough = from + split.at;
    let (at, between) = nearer(values, (from, to), rough);
    if enough(at, (from, to)) {
        found.push(Found { at, between, chance });
    }
    within(values, (from, at), depth + 1, enough, found);
    within(values, (at, to), depth + 1, enough, found);
}

/// The place of a change by the runs around it alone: farther ones may have crept, or changed once more.
fn nearer(values: &[f64], (from, to): (usize, usize), rough: usize) -> (usize, (usize, usize)) {
    let (low, high) = (rough.saturating_sub(REACH).max(from), (rough + REACH).min(to));
    match split(&values[low..high]) {
        Some(split) => (low + split.at, (low + split.between.0, low + split.between.1)),
        None => (rough, (rough, rough)),
    }
}

/// The runs on both sides that say how large a change is.
pub(super) fn sides(values: &[f64], at: usize, (from, to): (usize, usize)) -> (&[f64], &[f64]) {
    (&values[at.saturating_sub(REACH).max(from)..at], &values[at..(at + REACH).min(to)])
}

/// Whether as many runs on each side as a change needs are away from the other side, by a quarter of the way at least: two outliers
/// and a run that is as usual are no new level.
pub(super) fn is_lasting((before, after): (&[f64], &[f64])) -> bool {
    const PART: f64 = 0.25;
    let (old, new) = (median(before), median(after));
    let way = new - old;
    let away = |values: &[f64], from: f64, way: f64| {
        values.iter().filter(|value| (**value - from) * way.signum() >= PART * way.abs()).count()
    };
    away(after, old, way) >= LEAST && away(before, new, -way) >= LEAST
}

/// Whether two levels are nearer to runs than a line through all of them is, by the squares of what is left, and by more than a place
/// that was looked for makes them (Schwarz, Annals of Statistics 6, 1978).
pub(super) fn is_step((before, after): (&[f64], &[f64])) -> bool {
    let step = squares(before) + squares(after);
    let all: Vec<f64> = before.iter().chain(after).copied().collect();
    let times: Vec<f64> = (0..all.len()).map(|time| time as f64).collect();
    let n = all.len() as f64;
    // The place, and something for how well a line follows a step.
    const PARAMETERS: f64 = 1.5;
    n * (left(&times, &all) / step).ln() > PARAMETERS * n.ln()
}

fn squares(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

/// The median of the differences of all pairs of both sides, and where it lies with 95% certainty by the ranks of these (Hodges and Lehmann,
/// Annals of Mathematical Statistics 34, 1963; the ranks by Moses' normal approximation).
pub(super) fn shift((before, after): (&[f64], &[f64])) -> (f64, Option<(f64, f64)>) {
    let mut differences: Vec<f64> = after.iter().flat_map(|b| before.iter().map(move |a| b - a)).collect();
    differences.sort_unstable_by(f64::total_cmp);
    let (m, n) = (before.len() as f64, after.len() as f64);
    let half = TWO_SIDED * (m * n * (m + n + 1.0) / 12.0).sqrt();
    // The widest that ranks give leaves out two of all orders.
    let orders = (1..=after.len()).fold(1.0, |orders, k| orders * (m + k as f64) / k as f64);
    let low = (m * n / 2.0 - half).floor().max(0.0) as usize;
    let interval = (2.0 / orders <= 0.05).then(|| (differences[low], differences[differences.len() - 1 - low]));
    (median(&differences), interval)
}
