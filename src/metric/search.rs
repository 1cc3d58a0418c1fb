//! A search in progress: which level comes next, when a trial is over, and whether its condition held.

use super::{Judged, Outcome, judge_within, near};
use crate::base::units::{SECOND, duration, grouped};
use crate::check::program::AROUND;
use crate::measure::{Event, Gauges, Slice, Stats, Tried};
use crate::plan::{Plan, Range, Search};

/// So much of what was started in a trial must have ended before the next begins, where there is still time for it.
const DRAINED: f64 = 0.99;
/// So long the rest has where nearly all has ended.
const STRAGGLERS: u64 = SECOND;
/// A larger share of arrivals that were not started makes a level one that was not there.
const MISSING: f64 = 0.001;

/// Halves a range of levels. The upper end comes last, so that a system is not overloaded before it has to be.
#[derive(Debug, Clone)]
pub struct Halving {
    least: f64,
    most: f64,
    resolution: f64,
    whole: bool,
    held: Option<f64>,
    failed: Option<f64>,
}

impl Halving {
    /// Of whole levels, where there are only such.
    pub fn new(search: &Search, whole: bool) -> Halving {
        let Search { least, most, resolution, .. } = *search;
        Halving { least, most, resolution, whole, held: None, failed: None }
    }

    /// The level to try next; nothing when it is found.
    pub fn next(&self) -> Option<f64> {
        let Some(held) = self.held else { return self.failed.is_none().then_some(self.least) };
        let above = self.failed.unwrap_or(self.most);
        // A hair more, since halves of a range are rounded.
        if above - held > self.resolution * (1.0 + 1e-9) {
            let middle = held + (above - held) / 2.0;
            return Some(if self.whole { middle.floor() } else { middle });
        }
        (self.failed.is_none() && held < self.most).then_some(self.most)
    }

    pub fn take(&mut self, level: f64, held: bool) {
        if held {
            self.held = Some(level);
        } else {
            self.failed = Some(level);
        }
    }
}

/// One search with what it has measured and found so far.
pub struct Finder<'p> {
    search: &'p Search,
    range: Range,
    grace: u64,
    halving: Halving,
    /// What came out so far, and how many of these were around what was found.
    tried: Vec<Tried>,
    around: usize,
    stats: Stats,
    /// The level of the current trial, its index, and its start.
    current: Option<(u64, f64, u64)>,
    instants: Vec<u64>,
}

impl<'p> Finder<'p> {
    pub fn new(plan: &'p Plan, search: &'p Search) -> Finder<'p> {
        let load = &plan.loads[search.load];
        let range = search.range(&plan.loads);
        Finder {
            search,
            range,
            grace: load.grace,
            halving: Halving::new(search, !load.is_open()),
            tried: Vec::new(),
            around: 0,
            stats: Stats::under_way(plan),
            current: None,
            instants: search.instants(range).collect(),
        }
    }

    pub fn take(&mut self, slice: &Slice) {
        self.stats.add(slice);
    }

    pub fn see(&mut self, look: &Gauges) {
        self.stats.take(Event::Gauges(look.clone()));
    }

    /// How long each trial is.
    pub fn each(&self) -> u64 {
        self.search.each
    }

    /// Begins the next trial at an instant or soon after it: its number, level and start. Nothing where it is found, or no
    /// time is left.
    pub fn begin(&mut self, from: u64) -> Option<(u64, f64, u64)> {
        let number = self.current.map_or(0, |(number, ..)| number + 1);
        let level = self.halving.next().or_else(|| self.around())?;
        let start = *self.instants.get(self.instants.partition_point(|at| *at < from))?;
        if start + self.search.each > self.range.1 {
            return None;
        }
        self.stats.forget(start);
        self.current = Some((number, level, start));
        self.current
    }

    /// A level near the one that was found, where it is not sure on which side of it the condition holds: several together show it better
    /// than the last that was halved to.
    fn around(&mut self) -> Option<f64> {
        const BESIDE: [f64; AROUND as usize] = [0.85, 1.15, 0.93, 1.07];
        let (held, failed) = (self.halving.held?, self.halving.failed?);
        let is_sure = |level: f64| {
            let tried = self.tried.iter().find(|tried| tried.level == level);
            tried.is_none_or(Tried::is_sure)
        };
        if is_sure(held) && is_sure(failed) {
            return None;
        }
        while let Some(beside) = BESIDE.get(self.around) {
            self.around += 1;
            let level = (held * failed).sqrt() * beside;
            let level = if self.halving.whole { level.round() } else { level };
            let is_new = self.tried.iter().all(|tried| tried.level != level);
            if is_new && (self.search.least..=self.search.most).contains(&level) {
                return Some(level);
            }
        }
        None
    }

    /// What came out of the current trial, once that is known. To be asked when every worker has told what it started in it.
    pub fn judge(&mut self, now: u64) -> Option<Tried> {
        let (number, level, start) = self.current?;
        let end = start + self.search.each;
        let counts = self.stats.load(self.search.load, &[(start, end)]);
        let drained = counts.finished as f64 >= counts.started as f64 * DRAINED;
        let over = counts.finished >= counts.started || (drained && now >= end + STRAGGLERS);
        if !over && now < end + self.grace {
            return None;
        }
        let judged = self.search.judged(start);
        let found = drained.then(|| near::found(&self.search.condition.within(judged), &self.stats)).flatten();
        let (held, said) = match drained {
            true => self.held(judged),
            false => {
                let (left, all) =
                    (grouped((counts.started - counts.finished) as f64, 0), grouped(counts.started as f64, 0));
                (Some(false), format!("{left} of {all} iterations had not ended {} later", duration(self.grace)))
            }
        };
        // Too few samples say nothing; of a higher level that is not enough to go on with.
        if self.halving.next() == Some(level) {
            self.halving.take(level, held == Some(true));
        }
        let Search { load, stage, .. } = *self.search;
        let tried = Tried { load, stage, number, level, start, judged, held, said, found };
        self.tried.push(tried.clone());
        Some(tried)
    }

    fn held(&self, judged: Range) -> (Option<bool>, String) {
        let counts = self.stats.load(self.search.load, &[judged]);
        let missing = counts.dropped + counts.unsent;
        let all = counts.started + missing;
        if missing as f64 > all as f64 * MISSING {
            let (missing, all) = (grouped(missing as f64, 0), grouped(all as f64, 0));
            return (Some(false), format!("{missing} of {all} arrivals were not started"));
        }
        let Judged { outcome, value, bound, reason, .. } = judge_within(&self.search.condition, judged, &self.stats);
        let against = match (value, bound) {
            (Some(value), Some(bound)) => format!("{value} against {bound}"),
            (value, _) => value.map_or(String::new(), |value| value.to_string()),
        };
        match outcome {
            Outcome::Held => (Some(true), against),
            Outcome::Failed => (Some(false), against),
            Outcome::Inconclusive => (None, reason.unwrap_or(against)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Condition, Measured, Type};

    fn search(least: f64, most: f64, resolution: f64) -> Search {
        let condition = Condition::Holds(Measured::Constant { value: 1.0, unit: Type::Bool });
        Search { load: 0, stage: 0, least, most, resolution, each: SECOND, trials: 0, condition }
    }

    /// The levels that are tried of a system that holds up to a capacity, and what is found.
    fn tried(least: f64, most: f64, whole: bool, capacity: f64) -> (Vec<f64>, Option<f64>) {
        let share = most * 0.02;
        let mut halving = Halving::new(&search(least, most, if whole { share.floor().max(1.0) } else { share }), whole);
        let mut levels = Vec::new();
        while let Some(level) = halving.next() {
            levels.push(level);
            halving.take(level, level <= capacity);
        }
        (levels, halving.held)
    }

    #[test]
    fn a_range_is_halved_to_two_percent_of_its_upper_end() {
        let (levels, held) = tried(10.0, 1000.0, false, 200.0);
        assert_eq!(levels, [10.0, 505.0, 257.5, 133.75, 195.625, 226.5625, 211.09375]);
        assert_eq!(held, Some(195.625));
        assert_eq!(tried(10.0, 1000.0, false, 5.0), (vec![10.0], None));
        let (levels, held) = tried(10.0, 1000.0, false, 1e6);
        assert_eq!((levels.len(), levels.last(), held), (8, Some(&1000.0), Some(1000.0)), "the upper end comes last");
    }

    #[test]
    fn users_are_whole_and_no_search_takes_more_trials_than_planned() {
        let (levels, held) = tried(1.0, 10.0, true, 7.0);
        assert_eq!((levels, held), (vec![1.0, 5.0, 7.0, 8.0], Some(7.0)));
        for (least, most, whole) in [(1.0, 10.0, true), (1.0, 177.0, true), (3.0, 1000.0, false), (1.0, 2.0, true)] {
            let resolution = if whole { (most * 0.02_f64).floor().max(1.0) } else { most * 0.02 };
            let planned = ((most - least) / resolution).max(1.0).log2().ceil() as usize + 2;
            for part in 0..=1000 {
                let capacity = most * f64::from(part) / 1000.0;
                let (levels, held) = tried(least, most, whole, capacity);
                assert!(levels.len() <= planned, "{levels:?}");
                assert!(
                    held.is_none_or(|held| held <= capacity && capacity < held + resolution * 1.01 || held == most)
                );
                assert_eq!(held.is_none(), capacity < least);
            }
        }
    }
}
