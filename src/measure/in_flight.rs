//! How many requests are in flight: what workers counted of each slice, by series of requests, and as readings where something asks for it.

use super::{Gauges, Slice};
use crate::plan::{Plan, Series};
use std::collections::BTreeMap;

#[derive(Debug)]
pub struct InFlight {
    edges: Vec<u64>,
    /// By series of requests: the places of the readings that it is a part of.
    places: Vec<Vec<u32>>,
    requests: Vec<bool>,
    all: Vec<u32>,
    /// Up to when each worker has counted; one that is done counts nothing more.
    until: Vec<u64>,
    /// The last instant up to which any did.
    last: u64,
    /// By slice, what was counted so far.
    sums: BTreeMap<u32, Lengths>,
    /// The next slice to be told of.
    next: u32,
}

/// How long requests were in flight, together.
#[derive(Debug, Default)]
struct Lengths {
    places: BTreeMap<u32, u64>,
    series: BTreeMap<u32, u64>,
}

/// A slice up to whose end all workers have counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    pub slice: u32,
    /// By series of requests, how many were in flight on average.
    pub series: BTreeMap<u32, f64>,
    /// The reading of it, where something asks for one.
    pub reading: Option<Gauges>,
}

impl InFlight {
    pub fn new(plan: &Plan, workers: u64) -> InFlight {
        let mut places = vec![Vec::new(); plan.series.len()];
        let watched = plan.in_flight();
        for (place, series) in &watched {
            series.iter().for_each(|series| places[*series].push(*place));
        }
        let all = watched.into_iter().map(|(place, _)| place).collect();
        let requests = plan.series.iter().map(Series::is_request).collect();
        let until = vec![0; workers as usize];
        InFlight { edges: plan.edges(), places, requests, all, until, last: 0, sums: BTreeMap::new(), next: 0 }
    }

    /// Takes what a worker counted in a slice.
    pub fn take(&mut self, slice: &mut Slice) {
        for (series, length) in std::mem::take(&mut slice.in_flight) {
            let places = self.places.get(series as usize).map_or(&[][..], Vec::as_slice);
            let is_request = self.requests.get(series as usize).is_some_and(|is| *is);
            if slice.slice < self.next || (places.is_empty() && !is_request) {
                continue;
            }
            let sums = self.sums.entry(slice.slice).or_default();
            let add = |all: &mut BTreeMap<u32, u64>, of: u32| {
                let sum = all.entry(of).or_default();
                *sum = sum.saturating_add(length);
            };
            places.iter().for_each(|place| add(&mut sums.places, *place));
            if is_request {
                add(&mut sums.series, series);
            }
        }
    }

    /// A worker has counted up to an instant, and may be done. The slices that are whole by that.
    pub fn counted(&mut self, worker: u64, until: u64, is_done: bool) -> Vec<Whole> {
        self.last = self.last.max(until);
        if let Some(own) = self.until.get_mut(worker as usize) {
            *own = if is_done { u64::MAX } else { until };
        }
        self.whole_by(self.until.iter().copied().min().unwrap_or(u64::MAX).min(self.last))
    }

    /// All workers are done, and a time has passed: in that nothing was in flight.
    pub fn rest(&mut self, at: u64) -> Vec<Whole> {
        match self.until.iter().all(|until| *until == u64::MAX) {
            true => self.whole_by(at),
            false => Vec::new(),
        }
    }

    fn whole_by(&mut self, at: u64) -> Vec<Whole> {
        let mut all = Vec::new();
        while let Some((from, to)) = self.slice(self.next).filter(|(_, to)| *to <= at) {
            let Lengths { places, series } = self.sums.remove(&self.next).unwrap_or_default();
            let mean = |length: u64| length as f64 / (to - from).max(1) as f64;
            let read = |place: &u32| (*place, mean(places.get(place).copied().unwrap_or(0)));
            let values: BTreeMap<u32, f64> = self.all.iter().map(read).collect();
            let reading = (!values.is_empty()).then_some(Gauges { at: from, values, gaps: BTreeMap::new() });
            let series = series.into_iter().map(|(series, length)| (series, mean(length))).collect();
            all.push(Whole { slice: self.next, series, reading });
            self.next += 1;
        }
        all
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
        InFlight {
            edges,
            places,
            requests: vec![true, false],
            all,
            until: vec![0, 0],
            last: 0,
            sums: BTreeMap::new(),
            next: 0,
        }
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
        let whole = |slice, at, places: [(u32, f64); 2], series: &[(u32, f64)]| Whole {
            slice,
            series: series.iter().copied().collect(),
            reading: Some(Gauges { at, values: BTreeMap::from(places), gaps: BTreeMap::new() }),
        };
        let told = all.counted(1, 11, false);
        assert_eq!(told, [whole(0, 0, [(4, 4.0), (5, 4.5)], &[(0, 4.0)])]);
        // One is done, and the other goes on.
        assert_eq!(all.counted(0, 21, true), []);
        let told = all.counted(1, 24, true);
        assert_eq!(told, [whole(1, 10, [(4, 0.0), (5, 2.0)], &[])]);
        assert_eq!(all.rest(30).len(), 1);
        assert_eq!(all.rest(30), []);
    }
}
