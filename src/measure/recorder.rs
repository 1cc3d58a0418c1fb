//! The recorder of one worker: counters of the slices that are open, emptied once a second.

use super::ended::Ended;
use super::histogram::Sparse;
use super::phases::PhaseCells;
use super::{Cause, Causes, Choice, Failed, Failure, LoadCounts, RequestPhase, SeriesCounts, Since, Slice, Tally};
use crate::plan::{Expr, RequestTime, Series};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a request ended.
pub type Outcome = Result<(), Failure>;

#[derive(Debug)]
pub struct Recorder {
    edges: Arc<[u64]>,
    open: Vec<OpenSlice>,
    /// Where the last sample went: the next one most often goes there too.
    last: usize,
    series: usize,
    loads: usize,
    spare: Vec<OpenSlice>,
    /// By series: those that hold some of its samples once more. Most often there are none.
    derived: Vec<Vec<Derived>>,
    /// Which series are of requests, and why these failed.
    requests: Vec<bool>,
    causes: Causes,
    pub examples: Choice,
    /// By series: how many of its requests are in flight.
    in_flight: Vec<Flying>,
    /// By series: its load.
    loads_of: Vec<usize>,
}

/// The requests of a series that are in flight, and up to when that is counted.
#[derive(Debug, Clone, Copy, Default)]
struct Flying {
    requests: u64,
    since: u64,
}

#[derive(Debug)]
struct Derived {
    series: usize,
    phase: RequestTime,
    matching: Option<Expr>,
}

/// As many emptied slices are kept for the next ones. Usually two are open; a stall of the target opens more, whose
/// memory is given back.
const SPARE: usize = 3;

#[derive(Debug)]
struct OpenSlice {
    slice: u32,
    series: Cells<Cell>,
    loads: Cells<LoadCell>,
    /// By series: how long its requests were in flight, together.
    in_flight: Cells<u64>,
    /// By target and number of its address. Once there, they stay.
    addresses: Vec<Vec<Cell>>,
    poll_delay: Sparse,
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
    bytes: u64,
    latency: Sparse,
    service_time: Sparse,
    unanswered: Sparse,
    /// Of requests. Once there, they stay.
    phases: Option<Box<PhaseCells>>,
}

#[derive(Debug, Default)]
struct LoadCell {
    started: u64,
    dropped: u64,
    unsent: u64,
    finished: u64,
    lag: Sparse,
    rested: u64,
    without_rows: Since,
}

impl Recorder {
    pub fn new(edges: Arc<[u64]>, series: &[Series], loads: usize) -> Recorder {
        let mut derived: Vec<Vec<Derived>> = series.iter().map(|_| Vec::new()).collect();
        for (index, own) in series.iter().enumerate() {
            if let Some(of) = own.derived {
                derived[of].push(Derived { series: index, phase: own.phase, matching: own.matching.clone() });
            }
        }
        let examples = Choice::new(series.len());
        let requests = series.iter().map(Series::is_request).collect();
        let loads_of = series.iter().map(|own| own.load).collect();
        let in_flight = vec![Flying::default(); series.len()];
        let (series, causes) = (series.len(), Causes::default());
        Recorder {
            requests,
            causes,
            edges,
            open: Vec::new(),
            last: 0,
            series,
            loads,
            spare: Vec::new(),
            examples,
            derived,
            in_flight,
            loads_of,
        }
    }

    /// A request that was handed to the network for the first time, or the begin of what is measured as a whole.
    pub fn sent(&mut self, series: usize, at: u64) {
        self.open_at(at).series.get(series).sent += 1;
        self.sent_again(series, at);
    }

    /// A connection was opened for a request, or not, and that took so long.
    pub fn opened(&mut self, series: usize, at: u64, connect: u64, tls: Option<u64>) {
        let phases = self.open_at(at).series.get(series).phases.get_or_insert_default();
        phases.record(RequestPhase::Connect, connect);
        if let Some(tls) = tls {
            phases.record(RequestPhase::Tls, tls);
        }
    }

    /// A request is in flight, from its first send on, however often it is sent.
    pub fn took_off(&mut self, series: usize, at: u64) {
        self.fly(series, at);
        self.in_flight[series].requests += 1;
    }

    /// One that took off is in flight no longer.
    pub fn landed(&mut self, series: usize, at: u64) {
        self.fly(series, at);
        self.in_flight[series].requests = self.in_flight[series].requests.saturating_sub(1);
    }

    /// A load is over, and with it all that was under way.
    pub fn landed_all(&mut self, load: Option<usize>, at: u64) {
        for series in 0..self.series {
            if load.is_none_or(|load| self.loads_of[series] == load) {
                self.fly(series, at);
                self.in_flight[series].requests = 0;
            }
        }
    }

    /// Counts what is in flight up to an instant.
    pub fn fly_all(&mut self, at: u64) {
        (0..self.series).for_each(|series| self.fly(series, at));
    }

    fn fly(&mut self, series: usize, at: u64) {
        let Flying { requests, since } = self.in_flight[series];
        if at <= since {
            return;
        }
        self.in_flight[series].since = at;
        let mut from = since;
        while requests > 0 && from < at {
            let slice = self.open_at(from).slice as usize;
            let to = self.edges.get(slice + 1).map_or(at, |end| at.min(*end));
            *self.open[self.last].in_flight.get(series) += requests * (to - from);
            from = to;
        }
    }

    /// A request that is tried again: a send of its own, and the same request.
    pub fn sent_again(&mut self, series: usize, at: u64) {
        self.for_derived(series, |recorder, own| {
            if own.phase == RequestTime::Attempts && own.matching.is_none() {
                recorder.open_at(at).series.get(own.series).sent += 1;
            }
        });
    }

    /// What was intended at an offset has ended.
    pub fn sample(&mut self, series: usize, intended: u64, latency: u64, service_time: u64, outcome: Outcome) {
        self.ended(series, &Ended::plain(intended, latency, service_time, outcome));
    }

    pub fn ended(&mut self, series: usize, ended: &Ended) {
        let cell = self.open_at(ended.intended).series.get(series);
        cell.add(ended, Some((RequestTime::Latency, ended.latency)));
        if ended.first_byte > 0 {
            let since_sent = (ended.intended + ended.first_byte).saturating_sub(ended.sent());
            cell.phases.get_or_insert_default().record(RequestPhase::FirstByte, since_sent);
        }
        if let Err(failure) = ended.outcome {
            self.failed(series, Cause::of(ended, failure), ended.intended);
        }
        self.for_derived(series, |recorder, own| {
            if own.phase != RequestTime::Attempts
                && let Some(time) = ended.time(own.phase)
                && own.matching.as_ref().is_none_or(|matching| ended.is(matching))
            {
                recorder.open_at(ended.sent()).series.get(own.series).sent += 1;
                recorder.open_at(ended.intended).series.get(own.series).add(ended, Some((own.phase, time)));
            }
        });
    }

    /// One try of a request has ended, as one of several or as all there is.
    pub fn tried(&mut self, series: usize, ended: &Ended) {
        self.for_derived(series, |recorder, own| {
            if own.phase == RequestTime::Attempts && own.matching.as_ref().is_none_or(|matching| ended.is(matching)) {
                let cell = recorder.open_at(ended.intended).series.get(own.series);
                cell.add(ended, Some((own.phase, ended.latency)));
                // Without a predicate they were counted as they were sent.
                cell.sent += if own.matching.is_some() { u64::from(ended.sends) } else { 0 };
            }
        });
    }

    /// One try has ended at an address of a target, by its number.
    pub fn tried_at(&mut self, (target, number): (u32, u32), ended: &Ended) {
        let addresses = &mut self.open_at(ended.intended).addresses;
        let (target, number) = (target as usize, number as usize);
        if addresses.len() <= target {
            addresses.resize_with(target + 1, Vec::new);
        }
        let own = &mut addresses[target];
        if own.len() <= number {
            own.resize_with(number + 1, Cell::default);
        }
        own[number].add(ended, None);
    }

    /// A failure without a time of its own: nothing could be sent.
    pub fn failed_unsent(&mut self, series: usize, intended: u64) {
        let failure = Failure::Data;
        self.open_at(intended).series.get(series).failed[failure as usize] += 1;
        self.failed(series, Cause { failure, status: 0, why: 0, injected: false }, intended);
        let ended = Ended { sends: 0, ..Ended::plain(intended, 0, 0, Err(failure)) };
        self.for_derived(series, |recorder, own| {
            let times = matches!(own.phase, RequestTime::Latency | RequestTime::FirstByte);
            if times && own.matching.as_ref().is_none_or(|matching| ended.is(matching)) {
                let cell = recorder.open_at(intended).series.get(own.series);
                cell.sent += 1;
                cell.failed[failure as usize] += 1;
            }
        });
    }

    fn failed(&mut self, series: usize, cause: Cause, at: u64) {
        if self.requests[series] {
            self.causes.take(Failed { series: series as u32, cause, tally: Tally { count: 1, first: at, last: at } });
        }
    }

    /// Why requests failed since the last time.
    pub fn causes(&mut self) -> Vec<Failed> {
        self.causes.drain()
    }

    fn for_derived(&mut self, series: usize, mut each: impl FnMut(&mut Recorder, &Derived)) {
        if self.derived[series].is_empty() {
            return;
        }
        let derived = std::mem::take(&mut self.derived[series]);
        derived.iter().for_each(|own| each(self, own));
        self.derived[series] = derived;
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

    /// A user waited after an iteration that failed.
    pub fn rested(&mut self, load: usize, at: u64, length: u64) {
        self.open_at(at).loads.get(load).rested += length;
    }

    /// A user left, since no row was left for it.
    pub fn without_rows(&mut self, load: usize, at: u64) {
        self.open_at(at).loads.get(load).without_rows.add(&Since { count: 1, first: at });
    }

    pub fn finished(&mut self, load: usize, intended: u64) {
        self.open_at(intended).loads.get(load).finished += 1;
    }

    /// What was ready at an instant was seen so much later.
    pub fn poll_delay(&mut self, at: u64, delay: u64) {
        self.open_at(at).poll_delay.record(delay);
    }

    fn open_at(&mut self, offset: u64) -> &mut OpenSlice {
        let within = |slice: u32| {
            let at = slice as usize;
            self.edges[at] <= offset && self.edges.get(at + 1).is_none_or(|end| offset < *end)
        };
        if !self.open.get(self.last).is_some_and(|open| within(open.slice)) {
            let slice = self.edges.partition_point(|edge| *edge <= offset).saturating_sub(1) as u32;
            self.last = self.open.iter().position(|open| open.slice == slice).unwrap_or_else(|| {
                let (series, loads) = (self.series, self.loads);
                let mut open = self.spare.pop().unwrap_or_else(|| OpenSlice {
                    slice,
                    series: Cells::new(series),
                    loads: Cells::new(loads),
                    in_flight: Cells::new(series),
                    addresses: Vec::new(),
                    poll_delay: Sparse::default(),
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

impl Cell {
    /// With a time next to the service time, or that alone.
    fn add(&mut self, ended: &Ended, time: Option<(RequestTime, u64)>) {
        if ended.is_unanswered(time.map_or(RequestTime::ServiceTime, |(phase, _)| phase)) {
            self.unanswered.record(ended.service_time);
        } else if !ended.outcome.is_err_and(Failure::is_generator) {
            // How long it took the generator to fail says nothing about the target.
            if let Some((_, time)) = time {
                self.latency.record(time);
            }
            self.service_time.record(ended.service_time);
        }
        self.bytes += ended.bytes;
        match ended.outcome {
            Ok(()) => self.ok += 1,
            Err(failure) => self.failed[failure as usize] += 1,
        }
    }

    fn is_used(&self) -> bool {
        self.ok > 0 || self.failed.iter().any(|count| *count > 0)
    }

    fn drain(&mut self) -> SeriesCounts {
        let failed: BTreeMap<Failure, u64> = Failure::ALL
            .into_iter()
            .filter_map(|kind| {
                let count = std::mem::take(&mut self.failed[kind as usize]);
                (count > 0).then_some((kind, u64::from(count)))
            })
            .collect();
        SeriesCounts {
            sent: std::mem::take(&mut self.sent),
            ok: std::mem::take(&mut self.ok),
            failed,
            bytes: std::mem::take(&mut self.bytes),
            latency: self.latency.drain(),
            service_time: self.service_time.drain(),
            unanswered: self.unanswered.drain(),
            phases: self.phases.as_mut().map(|phases| phases.drain()).unwrap_or_default(),
        }
    }
}

impl OpenSlice {
    fn drain(&mut self) -> Slice {
        let mut slice = Slice { slice: self.slice, poll_delay: self.poll_delay.drain(), ..Slice::default() };
        self.series.drain(|index, cell| {
            slice.series.insert(index, cell.drain());
        });
        for (target, own) in (0..).zip(&mut self.addresses) {
            for (number, cell) in (0..).zip(own).filter(|(_, cell)| cell.is_used()) {
                slice.addresses.entry(target).or_default().insert(number, cell.drain());
            }
        }
        self.loads.drain(|index, cell| {
            let counts = LoadCounts {
                started: std::mem::take(&mut cell.started),
                dropped: std::mem::take(&mut cell.dropped),
                unsent: std::mem::take(&mut cell.unsent),
                finished: std::mem::take(&mut cell.finished),
                rested: std::mem::take(&mut cell.rested),
                without_rows: std::mem::take(&mut cell.without_rows),
                lag: cell.lag.drain(),
            };
            slice.loads.insert(index, counts);
        });
        self.in_flight.drain(|index, length| {
            slice.in_flight.insert(index, std::mem::take(length));
        });
        slice
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Member;

    fn series(derived: Option<usize>, phase: RequestTime, matching: Option<Expr>) -> Series {
        let member = Member::Request(0);
        Series { name: String::new(), tag: String::new(), load: 0, part: 0, flow: 0, member, phase, matching, derived }
    }

    #[test]
    fn counts_belong_to_the_second_of_sending_and_samples_to_the_intended_one() {
        let own = [series(None, RequestTime::Latency, None)];
        let mut recorder = Recorder::new(Arc::from([0u64, 10, 20, 30]), &own, 1);
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
    fn what_is_in_flight_is_counted_in_each_slice_by_its_time() {
        let own = [series(None, RequestTime::Latency, None)];
        let mut recorder = Recorder::new(Arc::from([0u64, 10, 20, 30]), &own, 1);
        recorder.took_off(0, 4);
        recorder.took_off(0, 8);
        // A redirect, or a connection that was closed meanwhile.
        recorder.sent(0, 9);
        recorder.landed(0, 12);
        recorder.fly_all(25);
        let counted = |recorder: &mut Recorder| -> Vec<(u32, u64)> {
            let mut all: Vec<_> = recorder.drain().iter().map(|slice| (slice.slice, slice.in_flight[&0])).collect();
            all.sort_unstable();
            all
        };
        // One from 4, one more from 8 to 12.
        assert_eq!(counted(&mut recorder), [(0, 6 + 2), (1, 10 + 2), (2, 5)]);
        recorder.took_off(0, 26);
        recorder.landed_all(Some(0), 28);
        recorder.fly_all(30);
        assert_eq!(counted(&mut recorder), [(2, 3 + 2)]);
    }

    #[test]
    fn phases_are_counted_of_every_request_and_connection() {
        let mut recorder = Recorder::new(Arc::from([0u64, 100, 200]), &[series(None, RequestTime::Latency, None)], 0);
        // Two connections, the second in the next slice and to somebody who is asked in plain text.
        recorder.opened(0, 20, 3, Some(9));
        recorder.opened(0, 130, 4, None);
        // Intended at 10, sent at 32, answered from 35 to 40.
        recorder.ended(0, &Ended { first_byte: 25, ..Ended::plain(10, 30, 8, Ok(())) });
        recorder.sample(0, 50, 10, 10, Err(Failure::Timeout));
        let mut slices = recorder.drain();
        slices.sort_by_key(|slice| slice.slice);
        let times = |slice: usize| {
            RequestPhase::ALL.map(|phase| slices[slice].series[&0].phases.get(phase).iter().collect::<Vec<_>>())
        };
        assert_eq!(times(0), [vec![(3, 1)], vec![(9, 1)], vec![(3, 1)]]);
        assert_eq!(times(1), [vec![(4, 1)], vec![], vec![]]);
    }

    #[test]
    fn what_the_generator_fails_at_has_no_time() {
        let mut recorder = Recorder::new(Arc::from([0u64, 10]), &[series(None, RequestTime::Latency, None)], 1);
        recorder.sample(0, 1, 5, 5, Err(Failure::NoPorts));
        recorder.sample(0, 1, 7, 6, Err(Failure::Status));
        recorder.poll_delay(3, 4);
        let slices = recorder.drain();
        let counts = &slices[0].series[&0];
        assert_eq!((counts.failures(), counts.latency.total(), counts.service_time.total()), (2, 1, 1));
        assert_eq!(slices[0].poll_delay.max(), Some(4));
        recorder.sample(0, 1, 9, 8, Err(Failure::Reset));
        let slices = recorder.drain();
        let counts = &slices[0].series[&0];
        assert_eq!((counts.latency.total(), counts.unanswered.total(), counts.unanswered.max()), (0, 1, Some(8)));
    }

    #[test]
    fn idle_series_and_late_samples_leave_nothing_behind() {
        let edges: Arc<[u64]> = (0..100).collect();
        let all: Vec<Series> = (0..300).map(|_| series(None, RequestTime::Latency, None)).collect();
        let mut recorder = Recorder::new(edges, &all, 1);
        recorder.sent(299, 0);
        recorder.sample(64, 0, 5, 5, Ok(()));
        let slices = recorder.drain();
        assert_eq!(slices[0].series.keys().copied().collect::<Vec<_>>(), [64, 299]);
        assert_eq!(recorder.drain().capacity(), 0, "what is idle allocates nothing");
        (0..50).for_each(|slice| recorder.sample(0, slice, 50 - slice, 1, Ok(())));
        assert_eq!(recorder.drain().iter().map(|slice| slice.series[&0].ok).sum::<u64>(), 50);
        assert_eq!(recorder.spare.len(), SPARE);
    }

    #[test]
    fn derived_series_hold_what_is_chosen_and_other_times() {
        let ok = Some(Expr::Property(crate::plan::Property::Ok));
        let all = [
            series(None, RequestTime::Latency, None),
            series(Some(0), RequestTime::Latency, ok.clone()),
            series(Some(0), RequestTime::FirstByte, None),
            series(Some(0), RequestTime::ConnectTime, None),
            series(Some(0), RequestTime::Attempts, None),
            series(Some(0), RequestTime::Attempts, ok),
        ];
        let mut recorder = Recorder::new(Arc::from([0u64, 1000]), &all, 0);
        // The first try fails, the second is answered; another request cannot be built.
        let first = Ended { status: 503, ..Ended::plain(12, 20, 20, Err(Failure::Status)) };
        let second = Ended { status: 200, attempt: 2, ..Ended::plain(40, 10, 10, Ok(())) };
        recorder.sent(0, 12);
        recorder.tried(0, &first);
        recorder.sent_again(0, 40);
        recorder.tried(0, &second);
        let whole = Ended { first_byte: 38, connect: Some(2), attempt: 2, ..Ended::plain(10, 40, 38, Ok(())) };
        recorder.ended(0, &whole);
        recorder.failed_unsent(0, 60);
        let slices = recorder.drain();
        let of = |index: u32| {
            let counts = &slices[0].series[&index];
            (counts.sent, counts.ok, counts.failures(), counts.latency.max())
        };
        assert_eq!(of(0), (1, 1, 1, Some(40)));
        assert_eq!(of(1), (1, 1, 0, Some(40)));
        assert_eq!(of(2), (2, 1, 1, Some(38)));
        assert_eq!(of(3), (1, 1, 0, Some(2)));
        assert_eq!(of(4), (2, 1, 1, Some(20)));
        assert_eq!(of(5), (1, 1, 0, Some(10)));
    }
}
