//! The recorder of one worker: counters of the slices that are open, emptied once a second.

use super::histogram::Sparse;
use super::{Failure, LoadCounts, SeriesCounts, Slice};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a request ended.
pub type Outcome = Result<(), Failure>;

#[derive(Debug)]
pub struct Recorder {
    edges: Arc<[u64]>,
    open: Vec<Open>,
    /// Where the last sample went: the next one most often goes there too.
    last: usize,
    series: usize,
    loads: usize,
    spare: Vec<Open>,
}

/// As many emptied slices are kept for the next ones. Usually two are open; a stall of the target opens more, whose
/// memory is given back.
const SPARE: usize = 3;

#[derive(Debug)]
struct Open {
    slice: u32,
    series: Cells<Cell>,
    loads: Cells<LoadCell>,
}

/// Cells that know which of them were used, so that the idle ones cost nothing.
#[derive(Debug)]
struct Cells<C> {
    cells: Vec<C>,
    /// A bit for each cell.
    used: Vec<u64>,
}

impl<C: Default> Cells<C> {
    fn new(count: usize) -> Cells<C> {
        Cells { cells: (0..count).map(|_| C::default()).collect(), used: vec![0; count.div_ceil(64)] }
    }

    fn get(&mut self, index: usize) -> &mut C {
        self.used[index / 64] |= 1 << (index % 64);
        &mut self.cells[index]
    }

    /// Shows each used cell to `take`, once.
    fn drain(&mut self, mut take: impl FnMut(u32, &mut C)) {
        for (word, bits) in self.used.iter_mut().enumerate() {
            while *bits != 0 {
                let index = word * 64 + bits.trailing_zeros() as usize;
                *bits &= *bits - 1;
                take(index as u32, &mut self.cells[index]);
            }
        }
    }
}

#[derive(Debug, Default)]
struct Cell {
    sent: u64,
    ok: u64,
    failed: [u32; Failure::ALL.len()],
    latency: Sparse,
    service_time: Sparse,
}

#[derive(Debug, Default)]
struct LoadCell {
    started: u64,
    dropped: u64,
    unsent: u64,
    finished: u64,
    lag: Sparse,
}

impl Recorder {
    pub fn new(edges: Arc<[u64]>, series: usize, loads: usize) -> Recorder {
        Recorder { edges, open: Vec::new(), last: 0, series, loads, spare: Vec::new() }
    }

    pub fn sent(&mut self, series: usize, at: u64) {
        self.open_at(at).series.get(series).sent += 1;
    }

    /// A request that was intended at an offset has ended.
    pub fn sample(&mut self, series: usize, intended: u64, latency: u64, service_time: u64, outcome: Outcome) {
        let cell = &mut self.open_at(intended).series.get(series);
        cell.latency.record(latency);
        cell.service_time.record(service_time);
        match outcome {
            Ok(()) => cell.ok += 1,
            Err(failure) => cell.failed[failure as usize] += 1,
        }
    }

    /// A failure without a time of its own: nothing could be sent.
    pub fn failed_unsent(&mut self, series: usize, intended: u64) {
        self.open_at(intended).series.get(series).failed[Failure::Data as usize] += 1;
    }

    pub fn started(&mut self, load: usize, intended: u64, lag: u64) {
        let cell = &mut self.open_at(intended).loads.get(load);
        cell.started += 1;
        cell.lag.record(lag);
    }

    pub fn dropped(&mut self, load: usize, intended: u64) {
        self.open_at(intended).loads.get(load).dropped += 1;
    }

    pub fn unsent(&mut self, load: usize, intended: u64) {
        self.open_at(intended).loads.get(load).unsent += 1;
    }

    pub fn finished(&mut self, load: usize, intended: u64) {
        self.open_at(intended).loads.get(load).finished += 1;
    }

    fn open_at(&mut self, offset: u64) -> &mut Open {
        let within = |slice: u32| {
            let at = slice as usize;
            self.edges[at] <= offset && self.edges.get(at + 1).is_none_or(|end| offset < *end)
        };
        if !self.open.get(self.last).is_some_and(|open| within(open.slice)) {
            let slice = self.edges.partition_point(|edge| *edge <= offset).saturating_sub(1) as u32;
            self.last = self.open.iter().position(|open| open.slice == slice).unwrap_or_else(|| {
                let (series, loads) = (self.series, self.loads);
                let mut open = self.spare.pop().unwrap_or_else(|| Open {
                    slice,
                    series: Cells::new(series),
                    loads: Cells::new(loads),
                });
                open.slice = slice;
                self.open.push(open);
                self.open.len() - 1
            });
        }
        &mut self.open[self.last]
    }

    /// Everything recorded since the last time. Slices come again when late samples arrive; merging is adding.
    pub fn drain(&mut self) -> Vec<Slice> {
        self.last = 0;
        let mut slices = Vec::with_capacity(self.open.len());
        for mut open in self.open.drain(..) {
            slices.push(open.drain());
            if self.spare.len() < SPARE {
                self.spare.push(open);
            }
        }
        slices
    }
}

impl Open {
    fn drain(&mut self) -> Slice {
        let mut slice = Slice { slice: self.slice, ..Slice::default() };
        self.series.drain(|index, cell| {
            let failed: BTreeMap<Failure, u64> = Failure::ALL
                .into_iter()
                .filter_map(|kind| {
                    let count = std::mem::take(&mut cell.failed[kind as usize]);
                    (count > 0).then_some((kind, u64::from(count)))
                })
                .collect();
            let counts = SeriesCounts {
                sent: std::mem::take(&mut cell.sent),
                ok: std::mem::take(&mut cell.ok),
                failed,
                latency: cell.latency.drain(),
                service_time: cell.service_time.drain(),
            };
            slice.series.insert(index, counts);
        });
        self.loads.drain(|index, cell| {
            let counts = LoadCounts {
                started: std::mem::take(&mut cell.started),
                dropped: std::mem::take(&mut cell.dropped),
                unsent: std::mem::take(&mut cell.unsent),
                finished: std::mem::take(&mut cell.finished),
                lag: cell.lag.drain(),
            };
            slice.loads.insert(index, counts);
        });
        slice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_belong_to_the_second_of_sending_and_samples_to_the_intended_one() {
        let mut recorder = Recorder::new(Arc::from([0u64, 10, 20, 30]), 1, 1);
        recorder.started(0, 9, 3);
        recorder.sent(0, 12);
        recorder.sample(0, 9, 25, 22, Err(Failure::Timeout));
        let slices = recorder.drain();
        let at = |slice: u32| slices.iter().find(|s| s.slice == slice).unwrap();
        assert_eq!(at(0).series[&0].failed[&Failure::Timeout], 1);
        assert_eq!((at(0).series[&0].sent, at(1).series[&0].sent), (0, 1));
        assert_eq!(at(0).loads[&0].started, 1);
        recorder.sample(0, 5, 40, 40, Ok(()));
        let late = recorder.drain();
        assert_eq!((late.len(), late[0].slice, late[0].series[&0].ok), (1, 0, 1));
        assert!(recorder.drain().is_empty());
    }

    #[test]
    fn idle_series_and_late_samples_leave_nothing_behind() {
        let edges: Arc<[u64]> = (0..100).collect();
        let mut recorder = Recorder::new(edges, 300, 1);
        recorder.sent(299, 0);
        recorder.sample(64, 0, 5, 5, Ok(()));
        let slices = recorder.drain();
        assert_eq!(slices[0].series.keys().copied().collect::<Vec<_>>(), [64, 299]);
        assert_eq!(recorder.drain().capacity(), 0, "what is idle allocates nothing");
        (0..50).for_each(|slice| recorder.sample(0, slice, 50 - slice, 1, Ok(())));
        assert_eq!(recorder.drain().iter().map(|slice| slice.series[&0].ok).sum::<u64>(), 50);
        assert_eq!(recorder.spare.len(), SPARE);
    }
}
