//! What is drawn, in time and level, before the width of a page is known.

use super::super::schedule::Shape;
use super::super::{AlertDoes, Condition, Load, Plan, Planned, Range, StageKind};
use super::words;
use crate::base::units::{DAY, HOUR, MILLISECOND, MINUTE, Rate, SECOND, duration, short};
use schemars::JsonSchema;
use serde::Serialize;

pub struct Picture {
    pub length: u64,
    pub loads: Vec<Track>,
    pub rows: Vec<PictureRow>,
}

/// One load over time.
pub struct Track {
    pub title: String,
    pub peak: f64,
    pub unit: &'static str,
    /// Start, end, level at the start, level at the end; in order, without overlap.
    pub legs: Vec<(u64, u64, f64, f64)>,
    pub stages: Vec<Mark>,
    pub settles: Vec<Range>,
}

/// A stage on the axis of its load.
pub struct Mark {
    pub name: String,
    pub range: Range,
    pub judged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    Fault,
    /// Bounded, with an end that only the run knows.
    Event,
    /// In which an alert must fire or resolve.
    Alert,
    /// In which a steady state was lost.
    Lost,
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct PictureRow {
    pub kind: RowKind,
    pub name: String,
    pub what: String,
    /// A range without length is a moment.
    #[serde(rename = "ranges_ns")]
    pub ranges: Vec<Range>,
}

impl Track {
    /// Warm-ups, and where sweeps settle.
    pub fn unjudged(&self) -> impl Iterator<Item = Range> + '_ {
        let warm = self.stages.iter().filter(|stage| !stage.judged).map(|stage| stage.range);
        warm.chain(self.settles.iter().copied())
    }

    /// The level at an offset.
    pub fn level(&self, at: u64) -> f64 {
        let leg = self.legs.iter().find(|(start, end, ..)| *start <= at && at < *end);
        leg.map_or(0.0, |(start, end, from, to)| from + (to - from) * (at - start) as f64 / (end - start) as f64)
    }

    pub fn is_judged(&self, at: u64) -> bool {
        self.unjudged().all(|(start, end)| at < start || at >= end)
    }

    /// A level with its unit.
    pub fn shown(&self, level: f64) -> String {
        format!("{}{}", short(level), self.unit)
    }
}

pub fn picture(plan: &Plan) -> Picture {
    let loads = plan.loads.iter().map(|load| track(plan, load)).collect();
    let mut rows: Vec<PictureRow> = plan
        .faults
        .iter()
        .map(|fault| PictureRow {
            kind: RowKind::Fault,
            name: fault.name.clone(),
            what: words::fault(plan, fault),
            ranges: fault.windows.clone(),
        })
        .collect();
    rows.extend(plan.events.iter().map(|event| PictureRow {
        kind: RowKind::Event,
        name: event.name.clone(),
        what: format!("{} (at most {})", words::event(plan, event), duration(event.at_most)),
        ranges: vec![(event.at, event.at + event.at_most)],
    }));
    for expectation in &plan.expectations {
        rows.extend(alert(&expectation.condition));
    }
    let drawn = |row: &PictureRow| row.ranges.iter().map(|range| range.1).max().unwrap_or(0);
    let length = rows.iter().map(drawn).fold(plan.length, u64::max).max(1);
    Picture { length, loads, rows }
}

fn track(plan: &Plan, load: &Load) -> Track {
    let (unit, scale) = match load.shape {
        Shape::Open(_) => ("/s", 1.0 / (Rate::SCALE as f64 / SECOND as f64)),
        Shape::Closed(_) => (" users", 1.0),
    };
    let segments = load.shape.segments();
    let legs: Vec<(u64, u64, f64, f64)> = segments
        .iter()
        .filter(|segment| segment.length > 0)
        .map(|s| (s.start, s.start + s.length, s.from as f64 * scale, s.to as f64 * scale))
        .collect();
    Track {
        title: format!("{} of {}", load.name, words::mix(plan, load)),
        peak: legs.iter().map(|(.., from, to)| from.max(*to)).fold(0.0, f64::max),
        unit,
        legs,
        settles: load.settles(),
        stages: load
            .stages
            .iter()
            .map(|stage| Mark {
                name: stage.name.clone(),
                range: (stage.start, stage.end),
                judged: stage.kind != StageKind::Warmup,
            })
            .collect(),
    }
}

fn alert(condition: &Condition) -> Option<PictureRow> {
    let Condition::Alert(check) = condition else { return None };
    let row = |verb: &str, within: u64, of: &Planned| PictureRow {
        kind: RowKind::Alert,
        name: check.name.clone().unwrap_or_default(),
        what: format!("{verb} within {}", duration(within)),
        ranges: vec![(of.at, of.at + within)],
    };
    match &check.does {
        AlertDoes::Fires { within, of } => Some(row("fires", *within, of)),
        AlertDoes::Resolves { within, of } => Some(row("resolves", *within, of)),
        AlertDoes::StaysQuiet { .. } | AlertDoes::MayFire { .. } | AlertDoes::KeepsFiring { .. } => None,
    }
}

/// Lengths between ticks that a person counts in.
const STEPS: [u64; 25] = [
    MILLISECOND,
    10 * MILLISECOND,
    50 * MILLISECOND,
    100 * MILLISECOND,
    200 * MILLISECOND,
    500 * MILLISECOND,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    7 * DAY,
];

/// At most this many round instants, beginning with the start.
pub fn ticks(length: u64, most: usize) -> Vec<u64> {
    let most = most.max(1) as u64;
    let weeks = (length / most / (7 * DAY) + 1) * 7 * DAY;
    let step = STEPS.into_iter().find(|step| length / step <= most).unwrap_or(weeks);
    (0..=length / step).map(|n| n * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(17 * SECOND, 5), [0, 5, 10, 15].map(|s| s * SECOND));
        assert_eq!(ticks(24 * HOUR, 8), [0, 4, 8, 12, 16, 20, 24].map(|h| h * HOUR));
        for length in [1, MILLISECOND, 3 * SECOND, 95 * SECOND, 61 * MINUTE, 90 * DAY] {
            for most in 1..12 {
                let ticks = ticks(length, most);
                assert!(ticks.len() <= most + 1 && ticks.is_sorted() && *ticks.last().unwrap() <= length);
            }
        }
    }
}
