//! Slow creep: a slope within the last stable segment that no single run shows.

use super::{FEWEST, LEAST};
use crate::base::distributions::{TWO_SIDED, normal_quantile};
use crate::base::slopes::{Slopes, alike, inflated};
use schemars::JsonSchema;
use serde::Serialize;

/// The chance with which a creep is called if there is none.
const ALPHA: f64 = 0.03;
/// Neighbours are taken to be alike where so much of it comes by chance this seldom.
const BY_CHANCE: f64 = 0.003;
/// A creep of less than this share in all is not told. It is less than what a step must be: whoever waits until a creep of that size is
/// measured above it misses every second one.
pub(super) const MAGNITUDE: f64 = 0.03;

/// What creeps: from a run on to the last, by how much in all and for each run.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize)]
pub struct Creep {
    pub from: usize,
    pub runs: usize,
    /// Over all these runs: a share of what it was, or as it is.
    pub change: f64,
    pub interval: (f64, f64),
    /// From one run to the next.
    pub each: f64,
    /// The chance that runs in any order show as much.
    pub chance: f64,
}

/// A slope on the scale of the values, over the runs from an index on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub from: usize,
    pub slope: f64,
    pub interval: (f64, f64),
    pub chance: f64,
}

/// The creep of the values of a segment, from where it begins: of all of them, or from where it begins. Both must be
/// sure, so that a beginning that is looked for makes nothing surer; `large` says whether a change by so much is.
pub(super) fn creep(values: &[f64], quiet: &[f64], large: impl Fn(f64) -> bool) -> Option<Found> {
    if values.len() < FEWEST {
        return None;
    }
    let whole = line(values, 0);
    if whole.chance > ALPHA {
        return None;
    }
    let from = beginning(quiet, whole.slope);
    let part = if from == 0 { whole } else { line(&values[from..], from) };
    let length = (values.len() - from - 1) as f64;
    (part.chance <= ALPHA && large(part.slope * length)).then_some(part)
}

/// The slope by the median of all pairs (Theil and Sen) and the chance of a trend (Mann and Kendall). Where neighbours are alike beyond
/// chance, the variance is that of runs that are (Hamed and Rao; only then, since a likeness that is guessed from few runs would hide what
/// is there).
fn line(values: &[f64], from: usize) -> Found {
    let points: Vec<(f64, f64)> = values.iter().enumerate().map(|(at, value)| (at as f64, *value)).collect();
    let slopes = Slopes::of(&points);
    let slope = slopes.estimate();
    let alike = alike(&points, slope);
    let by_chance = normal_quantile(1.0 - BY_CHANCE) / (values.len() as f64).sqrt();
    let inflated = if alike > by_chance { inflated(alike) } else { 1.0 };
    let interval = slopes.interval(TWO_SIDED * (slopes.variance() * inflated).sqrt());
    Found { from, slope, interval, chance: slopes.chance(inflated) }
}

/// Where a creep begins: after a small step against it, or where a level ends and a line begins; 0 where neither is sure, since the place is
/// one more thing that was looked for.
fn beginning(values: &[f64], slope: f64) -> usize {
    let rising: Vec<f64> = values.iter().map(|value| value * slope.signum()).collect();
    let behind = step_back(&rising);
    behind + bend(&rising[behind..])
}

/// Whether a model whose place was looked for is better by more than chance (Schwarz, Annals of Statistics 6, 1978).
fn is_better(values: usize, looked_for: f64, plain: f64) -> bool {
    const PARAMETERS: f64 = 3.0;
    let n = values as f64;
    n * (plain / looked_for).ln() > PARAMETERS * n.ln()
}

/// The run at which a level ends and values begin anew that never fall, by the least squares of what is left. Wherever it rises from a level
/// there is none, since a level and what rises from it never fall together either.
fn step_back(values: &[f64]) -> usize {
    // After each run the squares around the values that never fall and are nearest: neighbours that fall are put together
    // (Barlow and others, Statistical Inference under Order Restrictions, 1972).
    let mut blocks: Vec<(f64, f64)> = Vec::new();
    let mut behind = vec![0.0; values.len() + 1];
    for (at, value) in values.iter().enumerate().rev() {
        let (mut sum, mut count, mut squares) = (*value, 1.0, behind[at + 1]);
        while let Some((next, more)) = blocks.pop_if(|(next, more)| sum / count > *next / *more) {
            squares += (sum / count - next / more).powi(2) * count * more / (count + more);
            (sum, count) = (sum + next, count + more);
        }
        blocks.push((sum, count));
        behind[at] = squares;
    }
    let (mut best, mut least) = (0, behind[0]);
    let (mut mean, mut level) = (0.0, 0.0);
    for (at, value) in values.iter().enumerate() {
        if at >= LEAST && values.len() - at >= FEWEST && level + behind[at] < least {
            (best, least) = (at, level + behind[at]);
        }
        let off = value - mean;
        mean += off / (at + 1) as f64;
        level += off * (value - mean);
    }
    if is_better(values.len(), least, behind[0]) { best } else { 0 }
}

/// The run at which a level turns into a line, by the least squares of what is left.
fn bend(values: &[f64]) -> usize {
    let from = |at: usize| {
        let times: Vec<f64> = (0..values.len()).map(|time| time.saturating_sub(at) as f64).collect();
        left(&times, values)
    };
    let places = LEAST..=values.len().saturating_sub(FEWEST);
    let best = places.map(|at| (at, from(at))).min_by(|a, b| a.1.total_cmp(&b.1));
    best.filter(|(_, least)| is_better(values.len(), *least, from(0))).map_or(0, |(at, _)| at)
}

/// The squares of what is left of values around their line over other numbers.
pub(super) fn left(over: &[f64], values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let [x, y] = [over, values].map(|all| all.iter().sum::<f64>() / n);
    let (mut squares, mut across, mut spread) = (0.0, 0.0, 0.0);
    for (own, value) in over.iter().zip(values) {
        squares += (value - y).powi(2);
        across += (own - x) * (value - y);
        spread += (own - x).powi(2);
    }
    if spread > 0.0 { squares - across * across / spread } else { squares }
}
