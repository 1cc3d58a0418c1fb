//! A number over consecutive runs: its segments, the changes between them, and what creeps in the last.

use super::changes::{Change, Shift, changes, is_lasting, is_step, shift, sides};
use super::quiet::quiet;
use super::trend::{self, Creep};
use super::{MAGNITUDE, median};
use crate::baseline::Scale;
use schemars::JsonSchema;
use serde::Serialize;

/// A number from each of several consecutive runs, the oldest first, and how two of them are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    values: Vec<f64>,
    scale: Scale,
}

/// Runs between two changes.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize)]
pub struct Segment {
    pub from: usize,
    /// The first run after it.
    pub to: usize,
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

/// What a series does over its runs.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Shape {
    pub runs: usize,
    /// Whether changes are shares of the value before, and not differences.
    pub relative: bool,
    /// At least one; the last is the current one.
    pub segments: Vec<Segment>,
    pub changes: Vec<Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creep: Option<Creep>,
}

impl Series {
    /// All values are finite. They are compared by their ratio if all are positive.
    pub fn new(values: Vec<f64>) -> Series {
        let scale = if values.iter().all(|value| *value > 0.0) { Scale::Ratio } else { Scale::Difference };
        Series { values, scale }
    }

    /// For shares of requests, which are compared by their difference.
    pub fn of_shares(values: Vec<f64>) -> Series {
        Series { values, scale: Scale::Difference }
    }

    pub fn shape(&self) -> Shape {
        self.shape_with(MAGNITUDE)
    }

    /// Sets the smallest change that is reported.
    pub(super) fn shape_with(&self, magnitude: f64) -> Shape {
        let n = self.values.len();
        let scaled: Vec<f64> = self.values.iter().map(|value| self.scale.of(*value)).collect();
        let calm = quiet(&scaled);
        let enough = |at: usize, range: (usize, usize)| {
            let both @ (before, after) = sides(&scaled, at, range);
            self.is_large(median(before), median(after) - median(before), magnitude)
                && is_lasting(both)
                && is_step(sides(&calm, at, range))
        };
        let found = changes(&calm, &enough);
        let edges: Vec<usize> = [0].into_iter().chain(found.iter().map(|change| change.at)).chain([n]).collect();
        let segments: Vec<Segment> =
            edges.windows(2).filter(|pair| pair[0] < pair[1]).map(|pair| self.segment(pair[0], pair[1])).collect();
        let told = |(index, change): (usize, &super::changes::Found)| Change {
            index: change.at,
            between: change.between,
            chance: change.chance,
            shift: self.shift(sides(&scaled, change.at, (edges[index], edges[index + 2]))),
        };
        let changes = found.iter().enumerate().map(told).collect();
        let creep = segments.last().and_then(|last| self.creep(&scaled, &calm, last.from, magnitude));
        Shape { runs: n, relative: self.scale == Scale::Ratio, segments, changes, creep }
    }

    /// Whether a difference on the scale, from a value on it, is at least a share of what it was; whatever there is where there was nothing.
    fn is_large(&self, before: f64, away: f64, share: f64) -> bool {
        match self.scale {
            Scale::Ratio => self.scale.change(away).abs() >= share,
            Scale::Difference => away != 0.0 && away.abs() >= share * before.abs(),
        }
    }

    fn segment(&self, from: usize, to: usize) -> Segment {
        let values = &self.values[from..to];
        let [min, max] = [f64::min, f64::max].map(|of| values.iter().copied().reduce(of).unwrap_or(f64::NAN));
        Segment { from, to, median: median(values), min, max }
    }

    fn shift(&self, both: (&[f64], &[f64])) -> Shift {
        let (away, interval) = shift(both);
        let change = |away: f64| self.scale.change(away);
        let [before, after] = [both.0, both.1].map(|side| self.scale.value(median(side)));
        Shift { before, after, change: change(away), interval: interval.map(|(low, high)| (change(low), change(high))) }
    }

    fn creep(&self, scaled: &[f64], calm: &[f64], start: usize, magnitude: f64) -> Option<Creep> {
        let (values, calm) = (&scaled[start..], &calm[start..]);
        let least = trend::MAGNITUDE.min(magnitude);
        let found = trend::creep(values, calm, |away| self.is_large(median(values), away, least))?;
        let runs = values.len() - found.from;
        let change = |slope: f64| self.scale.change(slope * (runs - 1) as f64);
        Some(Creep {
            from: start + found.from,
            runs,
            change: change(found.slope),
            interval: (change(found.interval.0), change(found.interval.1)),
            each: self.scale.change(found.slope),
            chance: found.chance,
        })
    }
}
