//! A load of a plan: how many iterations of what are due when, and whose they are.

use super::schedule::{Segment, Shape};
use super::{MixPart, Range, Replay, Share, StageKind};
use crate::base::units;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Load {
    pub name: String,
    pub parts: Vec<MixPart>,
    pub start: u64,
    pub shape: Shape,
    pub stages: Vec<Stage>,
    pub ceiling: Ceiling,
    pub grace: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub poisson: bool,
}

impl Load {
    /// The part of a mix that arrival `k` runs. With a population each user is dealt parts of its own, so that nobody
    /// gets the same again because of how many there are.
    pub fn part_of_arrival(&self, k: u64) -> usize {
        match self.population.map(|users| users.max(1)) {
            Some(users) => self.part(k / users + k % users),
            None => self.part(k),
        }
    }

    /// The part of a mix that an iteration of a user of a closed load runs; both count from 0.
    pub fn part_of_turn(&self, user: u64, turn: u64) -> usize {
        self.part(user + turn)
    }

    /// Numbers are dealt out by the golden ratio, whose multiples lie as evenly in [0, 1) as any do, so that every
    /// stretch of arrivals is mixed as the whole is.
    fn part(&self, number: u64) -> usize {
        if self.parts.len() == 1 {
            return 0;
        }
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let point = number.wrapping_mul(GOLDEN) as f64 / 2f64.powi(64);
        let mut sum = 0.0;
        let found = self.parts.iter().position(|part| {
            sum += part.weight;
            point < sum
        });
        found.unwrap_or(self.parts.len().saturating_sub(1))
    }

    /// How many arrivals a part of the mix is dealt, at least and at most: where they are too many to be counted one by
    /// one, somewhat less and more than its weight.
    pub fn arrivals_of(&self, part: usize) -> (u64, u64) {
        const COUNTED: u64 = 10_000_000;
        // The golden ratio deals no part so much more or less.
        const UNEVEN: u64 = 64;
        let (least, most) = self.arrivals();
        let counted = |all: u64| (0..all).filter(|k| self.part_of_arrival(*k) == part).count() as u64;
        let about = |all: u64| (all as f64 * self.parts[part].weight) as u64;
        match self.parts.len() {
            1 => (least, most),
            _ if most <= COUNTED && least == most => {
                let count = counted(most);
                (count, count)
            }
            _ => (about(least).saturating_sub(UNEVEN), about(most) + UNEVEN),
        }
    }

    /// How many arrive, at least and at most. A Poisson number is so far from its mean λ with a probability of at most
    /// exp(−x² ÷ 2(λ + x)) on each side (Canonne, A short note on Poisson tail probabilities, 2017): one in 10¹⁰ here.
    pub fn arrivals(&self) -> (u64, u64) {
        const SURE: f64 = 23.0;
        let all = self.arrivals_before(u64::MAX, Share::WHOLE);
        if !self.poisson {
            return (all, all);
        }
        let room = (SURE + (SURE * SURE + 2.0 * SURE * all as f64).sqrt()).ceil() as u64;
        (all.saturating_sub(room), all + room)
    }

    /// How many arrivals of a share are intended before an offset, or expected where they come at random. Those of a population go where their user is.
    pub fn arrivals_before(&self, offset: u64, share: Share) -> u64 {
        let rows = |stage: &Stage| {
            let part = offset.clamp(stage.start, stage.end) - stage.start;
            let rows = u128::from(stage.iterations.unwrap_or(0)) * u128::from(part);
            rows.div_ceil(u128::from((stage.end - stage.start).max(1))) as u64
        };
        let replayed: u64 = self.stages.iter().filter(|stage| stage.replay.is_some()).map(rows).sum();
        let all = self.level().arrivals_before(offset) + replayed;
        match self.population.map(|users| users.max(1)) {
            Some(users) => all / users * share.of(users) + share.of(all % users),
            None => share.of(all),
        }
    }

    /// When a user of a closed load, counted from 0, is active. Of the iterations of a `once` each user has every so
    /// manieth, so that nobody needs to ask who does the next.
    pub fn turns_of(&self, user: u64) -> Vec<Activity> {
        let mut all = Vec::new();
        for (start, end) in self.level().active(user) {
            let mut at = start;
            let shared =
                |(_, stage): &(usize, &Stage)| stage.kind == StageKind::Once && stage.start < end && start < stage.end;
            for (place, stage) in self.stages.iter().enumerate().filter(shared) {
                let between = Activity { start: at, end: stage.start, of: None };
                all.extend((at < stage.start).then_some(between));
                at = stage.end.min(end);
                let ours = Share { index: user, count: (stage.from as u64).max(1) };
                let count = ours.of(stage.iterations.unwrap_or(0));
                all.push(Activity { start: stage.start.max(start), end: at, of: Some((place, count)) });
            }
            all.extend((at < end).then_some(Activity { start: at, end, of: None }));
        }
        // Each user holds its own as long as it lives.
        all.shrink_to_fit();
        all
    }

    /// How many iterations of a stage are planned for a share, or expected where they come at random; nothing where only
    /// the run knows.
    pub fn planned(&self, stage: &Stage, share: Share) -> Option<u64> {
        match stage.kind {
            StageKind::Once => {
                let (iterations, users) = (stage.iterations.unwrap_or(0), (stage.from as u64).max(1));
                Some(iterations / users * share.of(users) + share.of(iterations % users))
            }
            StageKind::Search => None,
            _ if self.is_open() => Some(self.arrivals_within((stage.start, stage.end), share)),
            _ => None,
        }
    }

    /// How many arrivals of a share are intended in a window, or expected.
    pub fn arrivals_within(&self, (start, end): Range, share: Share) -> u64 {
        self.arrivals_before(end, share).saturating_sub(self.arrivals_before(start, share))
    }

    /// A level with its unit.
    pub fn shown(&self, level: f64) -> String {
        match (self.is_open(), level == 1.0) {
            (true, _) => format!("{}/s", units::short(level)),
            (false, true) => "1 user".to_owned(),
            (false, false) => format!("{} users", units::grouped(level, 0)),
        }
    }

    /// What is measured of no metric: where sweeps settle.
    pub fn settles(&self) -> Vec<Range> {
        self.stages.iter().flat_map(Stage::settles).collect()
    }

    /// Whether an arrival goes to a share. Those of a population go where their user is.
    pub fn is_of(&self, k: u64, share: Share) -> bool {
        self.population.map_or(k, |users| k % users.max(1)) % share.count == share.index
    }

    /// The level up to where only the run or data say what happens.
    pub fn level(&self) -> Shape {
        let unknown = |stage: &&Stage| matches!(stage.kind, StageKind::Search | StageKind::Replay);
        let end = self.stages.iter().find(unknown).map_or(u64::MAX, |stage| stage.start);
        let known = |segments: &[Segment]| segments.iter().filter(|segment| segment.start < end).copied().collect();
        match &self.shape {
            Shape::Open(segments) => Shape::Open(known(segments)),
            Shape::Closed(segments) => Shape::Closed(known(segments)),
        }
    }

    /// Those who come back: the population of an open load, the users of a closed one.
    pub fn users(&self) -> u64 {
        self.population.filter(|_| self.is_open()).unwrap_or(self.shape.peak())
    }

    pub fn is_open(&self) -> bool {
        matches!(self.shape, Shape::Open(_))
    }
}

/// A time in which a user is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    pub start: u64,
    pub end: u64,
    /// In a `once`: which stage that is, and how many iterations of it are this user's.
    pub of: Option<(usize, u64)>,
}

/// How many iterations may be under way at a time, over all workers.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Ceiling {
    pub in_flight: u64,
    pub from: CeilingFrom,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CeilingFrom {
    /// Written in the scenario.
    Scenario,
    /// Peak rate × the longest an iteration can take.
    Rate,
    /// The number of users.
    Users,
    /// What descriptors and memory of this machine allow.
    Machine,
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Stage {
    pub name: String,
    pub named: bool,
    pub kind: StageKind,
    pub start: u64,
    pub end: u64,
    /// Arrivals a second or users, for drawing.
    pub from: f64,
    pub to: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
    /// The levels of a sweep, each with the time in which it is measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<(f64, Range)>,
}

impl Stage {
    /// Where a sweep settles.
    pub fn settles(&self) -> Vec<Range> {
        let mut at = self.start;
        let mut settles = Vec::new();
        for (_, (start, end)) in &self.levels {
            settles.extend((at < *start).then_some((at, *start)));
            at = *end;
        }
        settles
    }
}
