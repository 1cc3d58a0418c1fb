//! How many requests are in flight: what workers counted of each slice, as readings of the series that ask for it.

use super::{Gauges, Slice};
use crate::plan::Plan;
use std::collections::BTreeMap;

#[derive(Debug)]
pub struct InFlight {
    edges: Vec<u64>,
    /// By series of requests: the places of the readings that it is a part of.
    places: Vec<Vec<u32>>,
    all: Vec<u32>,
    /// Up to when each worker has counted; one that is done counts nothing more.
    until: Vec<u64>,
    /// The last instant up to which any did.
    last: u64,
    /// By slice and place, how long requests were in flight, together.
    sums: BTreeMap<u32, BTreeMap<u32, u64>>,
    /// The next slice to be told of.
    next: u32,
}

impl InFlight {
    pub fn new(plan: &Plan, workers: u64) -> InFlight {
        let mut places = vec![Vec::new(); plan.series.len()];
        let watched = plan.in_flight();
        for (place, series) in &watched {
            series.iter().for_each(|series| places[*series].push(*place));
        }
        let all = watched.into_iter().map(|(place, _)| place).collect();
        let until = vec![0; workers as usize];
        InFlight { edges: plan.edges(), places, all, until, last: 0, sums: BTreeMap::new(), next: 0 }
    }

    /// Takes what a worker counted in a slice.
    pub fn take(&mut self, slice: &mut Slice) {
        for (series, length) in std::mem::take(&mut slice.in_flight) {
            let places = self.places.get(series as usize).map_or(&[][..], Vec::as_slice);
            if slice.slice < self.next || places.is_empty() {
                continue;
            }
            let sums = self.sums.entry(slice.slice).or_default();
            for place in places {
                let sum: &mut u64 = sums.entry(*place).or_default();
                *sum = sum.saturating_add(length);
            }
        }
    }

    /// A worker has counted up to an instant, and may be done. The readings that are whole by that.
    pub fn counted(&mut self, worker: u64, until: u64, is_done: bool) -> Vec<Gauges> {
        self.last = self.last.max(until);
        if let Some(own) = self.until.get_mut(worker as usize) {
            *own = if is_done { u64::MAX } else { until };
        }
        self.whole_by(self.until.iter().copied().min().unwrap_or(u64::MAX).min(self.last))
    }

    /// All workers are done, and a time has passed: in that nothing was in flight.
    pub fn rest(&mut self, at: u64) -> Vec<Gauges> {
        match self.until.iter().all(|until| *until == u64::MAX) {
            true => self.whole_by(at),
            false => Vec::new(),
        }
    }

    fn whole_by(&mut self, at: u64) -> Vec<Gauges> {
        let mut readings = Vec::new();
        while let Some((from, to)) = self.slice(self.next).filter(|(_, to)| *to <= at) {
            let sums = self.sums.remove(&self.next).unwrap_or_default();
            let mean = |place: &u32| sums.get(place).copied().unwrap_or(0) as f64 / (to - from).max(1) as f64;
            let values: BTreeMap<u32, f64> = self.all.iter().map(|place| (*place, mean(place))).collect();
            if !values.is_empty() {
                readings.push(Gauges { at: from, values, gaps: BTreeMap::new() });
            }
            self.next += 1;
        }
        readings
    }

    fn slice(&self, index: u32) -> Option<(u64, u64)> {
        Some((*self.edges.get(index as usize)?, *self.edges.get(index as usize + 1)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_workers() -> InFlight {
        let places = vec![vec![4, 5], vec![5]];
        let (edges, all) = (vec![0, 10, 20, 25], vec![4, 5]);
        InFlight { edges, places, all, until: vec![0, 0], last: 0, sums: BTreeMap::new(), next: 0 }
    }

    fn slice(slice: u32, in_flight: &[(u32, u64)]) -> Slice {
        Slice { slice, in_flight: in_flight.iter().copied().collect(), ..Slice::default() }
    }

    #[test]
    fn a_slice_is_told_once_all_workers_have_counted_it() {
        let mut all = two_workers();
        all.take(&mut slice(0, &[(0, 30), (1, 5)]));
        assert_eq!(all.counted(0, 12, false), []);
        all.take(&mut slice(0, &[(0, 10)]));
        all.take(&mut slice(1, &[(1, 20)]));
        let told = all.counted(1, 11, false);
        assert_eq!(told, [Gauges { at: 0, values: BTreeMap::from([(4, 4.0), (5, 4.5)]), gaps: BTreeMap::new() }]);
        // One is done, and the other goes on.
        assert_eq!(all.counted(0, 21, true), []);
        let told = all.counted(1, 24, true);
        assert_eq!(told, [Gauges { at: 10, values: BTreeMap::from([(4, 0.0), (5, 2.0)]), gaps: BTreeMap::new() }]);
        assert_eq!(all.rest(30).len(), 1);
        assert_eq!(all.rest(30), []);
    }
}
