//! All measurements of a run, and their sums over windows. New ones are in slices; old ones are merged as far as memory requires
//! and windows allow, so the memory of a run does not grow with its length.

mod asked;

use super::course::{Cell, Course, Sum};
use super::firing::Firings;
use super::histogram::{Adder, Counts};
use super::{
    Alert, AlertHistory, AlertRules, Alerting, AlertsReceived, AlertsUnasked, Book, Causes, Counted, End, Event,
    Examples, Firing, Gauge, Gauges, Generator, Happened, Injected, Layout, LoadCounts, Proof, SeriesCounts, Slice,
    Tried, interval_log,
};
use crate::base::units::{HOUR, MINUTE, SECOND};
use crate::plan::{Plan, Range, RestsOn, Watched};
use std::collections::BTreeMap;
use std::sync::Arc;
// Of core, which opens nothing.
use core::net::SocketAddr;

/// What all measurements of a run may take of memory before old ones are added up further.
const MEMORY: usize = 24 << 20;
/// The longest cells of what is older than five times [`Plan::recent`], from the usual to the last resort: whole windows.
const STEPS: [u64; 4] = [MINUTE, 10 * MINUTE, HOUR, u64::MAX];
/// The length of cells between those and the slices.
const FIRST_STEP: u64 = 10 * SECOND;
/// As many lines of a record are read before what is old is added up: some 20 MiB at most.
const LINES: usize = 20_000;
/// Readings of the generator stand for a second each so long, then for a minute.
const GENERATOR_RECENT: u64 = 10 * MINUTE;

#[derive(Debug, Clone, Default)]
pub struct Stats {
    layout: Arc<Layout>,
    series: Vec<Course<SeriesCounts>>,
    loads: Vec<Course<LoadCounts>>,
    /// By target and number.
    addresses: BTreeMap<(u32, u32), Course<SeriesCounts>>,
    poll_delay: Course<Counts>,
    /// How long slices stay as they are.
    recent: u64,
    /// What all of it may take before old cells are made longer.
    memory: usize,
    /// The place in [`STEPS`] of what is old.
    step: usize,
    /// Up to when everything that is old has been added up.
    rolled: u64,
    /// When that is due next, and the lines of a record that have come since.
    due: Option<u64>,
    lines: usize,
    adder: Adder,
    pub generator: Vec<Generator>,
    /// What the plan watches, and what was read of it.
    pub watched: Vec<(Watched, Gauge)>,
    pub interrupted: bool,
    /// When and why an `abort` ended it.
    pub aborted: Option<(u64, String)>,
    pub died: Vec<(String, String, String)>,
    /// What services had written last when they were stopped.
    pub outputs: Vec<(String, String)>,
    /// Services that ended and were started again: which, when, and how.
    pub fell: Vec<(String, u64, String)>,
    /// Both of them, in order.
    pub ends: Vec<End>,
    /// A service at whose port somebody else listens, and who.
    pub displaced: Option<(String, String)>,
    pub ready: Vec<(String, String)>,
    /// Where targets were, and from when on.
    pub resolved: Vec<(usize, u64, Vec<SocketAddr>)>,
    pub problems: Vec<String>,
    /// What failed of the teardown.
    pub not_torn_down: Vec<String>,
    /// Each time that a fault was in force, in order.
    pub injected: Vec<Injected>,
    /// How the faults of the plan are called.
    pub faults: Vec<String>,
    /// The events that have begun.
    pub happened: Vec<Happened>,
    /// How the events of the plan are called, and when each is planned and given up.
    pub events: Vec<(String, Range)>,
    /// What the plan says of alerts.
    pub alerting: Alerting,
    /// What alerts did, in the order in which it was heard of.
    pub alerts: Vec<Alert>,
    firings: Firings,
    /// When sources of alerts could not be asked.
    pub alerts_unasked: Vec<AlertsUnasked>,
    /// What the rules of sources did, read afterwards.
    pub alert_histories: Vec<AlertHistory>,
    /// The rules of each source that has told them, as it told them last.
    pub alert_rules: Vec<AlertRules>,
    /// The counters of the plan that were read from raw samples.
    pub counted: Vec<Counted>,
    /// What came to the receivers of sources.
    pub alerts_received: Vec<AlertsReceived>,
    /// The ledgers of the plan.
    pub ledgers: Vec<Book>,
    /// Of loads whose arrivals come at random: how many the seed gave to this share, by stage.
    drawn: Vec<(usize, Vec<u64>)>,
    /// The trials of searches, in their order.
    pub tried: Vec<Tried>,
    /// When all iterations of a `once` had ended or a `search` was over, by load and stage.
    done: Vec<(usize, usize, u64)>,
    /// The ends of stages as planned, by load.
    stages: Vec<Vec<u64>>,
    pub examples: Examples,
    /// Why requests failed.
    pub causes: Causes,
    pub seed: u64,
    /// How many cores there were, where the record says so.
    pub cores: Option<f64>,
    pub id: String,
    pub started: String,
    /// The end of the load, or of the last slice where the run was cut off.
    pub ended: Option<u64>,
    pub complete: bool,
}

impl Stats {
    pub fn new(plan: &Plan) -> Stats {
        Stats::with_memory(plan, MEMORY)
    }

    /// Of a run that goes on: what a fault has touched is known when it is over, so its windows count as planned.
    pub fn under_way(plan: &Plan) -> Stats {
        Stats { faults: Vec::new(), events: Vec::new(), ..Stats::new(plan) }
    }

    /// With other bounds of memory than the usual.
    pub fn with_memory(plan: &Plan, memory: usize) -> Stats {
        let layout = Layout::new(plan);
        Stats {
            poll_delay: layout.poll_delay(),
            series: layout.series(),
            loads: layout.loads(),
            recent: plan.recent(),
            stages: plan.loads.iter().map(|load| load.stages.iter().map(|stage| stage.end).collect()).collect(),
            memory,
            faults: plan.faults.iter().map(|fault| fault.name.clone()).collect(),
            events: plan.events.iter().map(|event| (event.name.clone(), event.window())).collect(),
            alerting: Alerting::of(plan),
            ledgers: plan.ledgers.iter().map(|_| Book::default()).collect(),
            layout: Arc::new(layout),
            ..Stats::watching(plan.watched())
        }
    }

    /// For a number of series, without a plan.
    #[cfg(test)]
    pub fn bare(edges: Vec<u64>, series: usize) -> Stats {
        let series = (0..series).map(|_| Course::new(&edges, &edges)).collect();
        let loads = vec![Course::new(&edges, &[])];
        let layout = Arc::new(Layout { edges, ..Layout::default() });
        Stats { layout, series, loads, complete: true, ..Stats::default() }
    }

    /// Nothing but series of values over time.
    pub fn watching(watched: Vec<Watched>) -> Stats {
        let watched = watched.into_iter().map(|watched| (watched, Gauge::default())).collect();
        Stats { watched, ..Stats::default() }
    }

    pub fn take(&mut self, event: Event) {
        match event {
            Event::Started { id, started, seed, cores, .. } => {
                (self.id, self.started, self.seed, self.cores) = (id, started, seed, cores);
            }
            Event::Slice(slice) => self.add(&slice),
            Event::Example(example) => self.examples.take(*example),
            Event::Failed { causes } => causes.into_iter().for_each(|failed| self.causes.take(failed)),
            Event::Generator(generator) => {
                let at = generator.at;
                self.generator.push(generator);
                self.roll(at);
            }
            Event::Gauges(gauges) => self.look(gauges),
            Event::Interrupted { .. } => self.interrupted = true,
            Event::Aborted { at, reason } => self.aborted = Some((at, reason)),
            Event::ServiceDied { service, at, ready, status, output } => {
                self.ends.push(End { service: service.clone(), at, ready });
                self.died.push((service, status, output));
            }
            Event::ServiceFell { service, at, ready, status, output: _ } => {
                self.ends.push(End { service: service.clone(), at, ready });
                self.fell.push((service, at, status));
            }
            Event::ServiceDisplaced { service, problem, .. } => self.displaced = Some((service, problem)),
            Event::ServiceReady { service, address } => self.ready.push((service, address)),
            Event::Resolved { target, at, addresses } => self.resolved.push((target, at, addresses)),
            Event::Done { load, stage, at } => self.done.push((load, stage, at)),
            Event::Tried(tried) => self.tried.push(tried),
            Event::Drawn { load, stages } => self.drawn.push((load, stages)),
            Event::Problem { problem } => self.problems.push(problem),
            Event::TeardownFailed { problem } => self.not_torn_down.push(problem),
            Event::FaultApplied { fault, planned, applied, mechanism } => {
                let injected = Injected { applied, mechanism, ..nothing_yet(fault, planned) };
                self.injected.push(injected);
            }
            Event::FaultWithdrawn { fault, planned, withdrawn, proof, shown, unproven } => {
                if let Some(injected) = self.injected_at(fault, planned) {
                    (injected.withdrawn, injected.proof, injected.shown) = (Some(withdrawn), proof, shown);
                    injected.unproven = unproven;
                }
            }
            Event::FaultFailed { fault, planned, at, problem } => match self.injected_at(fault, planned) {
                Some(injected) => injected.problem = Some(problem),
                None => {
                    let problem = Some(problem);
                    let injected = Injected {
                        applied: (at, at),
                        withdrawn: Some((at, at)),
                        problem,
                        ..nothing_yet(fault, planned)
                    };
                    self.injected.push(injected);
                }
            },
            Event::EventBegan { event, at } => {
                self.happened.push(Happened { event, began: at, ended: None, problem: None, output: None });
            }
            Event::EventEnded { event, at, problem, output } => {
                if let Some(happened) = self.happened.iter_mut().find(|happened| happened.event == event) {
                    (happened.ended, happened.problem, happened.output) = (Some(at), problem, output);
                }
            }
            Event::Alert(alert) => {
                self.firings = Firings::default();
                self.alerts.push(alert);
            }
            Event::AlertsUnasked(unasked) => self.alerts_unasked.push(unasked),
            Event::AlertsReceived(received) => self.alerts_received.push(received),
            Event::AlertHistory(history) => {
                self.firings = Firings::default();
                self.alert_histories.push(history);
            }
            Event::AlertRules(rules) => {
                self.alert_rules.retain(|known| known.source != rules.source);
                self.alert_rules.push(rules);
            }
            Event::Counted(counted) => self.counted.push(*counted),
            Event::Booked { ledger, booked } => {
                if let Some(book) = self.ledgers.get_mut(ledger) {
                    book.booked.add(&booked);
                }
            }
            Event::Verified { ledger, verified } => {
                if let Some(book) = self.ledgers.get_mut(ledger) {
                    book.verified = Some(*verified);
                }
            }
            Event::LoadEnded { at } => self.ended = Some(at),
            Event::Ended { .. } => self.complete = true,
            Event::ServiceStopped { service, output, .. } if !output.is_empty() => self.outputs.push((service, output)),
            Event::LoadStarted | Event::Verifying { .. } | Event::Reached { .. } => {}
            Event::ServiceStopped { .. } | Event::ServiceBack { .. } => {}
        }
    }

    /// Each time that an alert of a source fired or was pending, in the order of time.
    pub fn firings(&self, source: usize) -> &[Firing] {
        self.firings.of(source, &self.alerts, &self.alert_histories)
    }

    fn injected_at(&mut self, fault: usize, planned: Range) -> Option<&mut Injected> {
        self.injected.iter_mut().find(|injected| injected.fault == fault && injected.planned == planned)
    }

    /// The last edge of slices up to an instant, and the first from it on: what lies between them belongs to neither side.
    pub fn edges_around(&self, at: u64) -> Range {
        let edges = &self.layout.edges;
        let before = edges.partition_point(|edge| *edge <= at).checked_sub(1).and_then(|place| edges.get(place));
        let behind = edges.get(edges.partition_point(|edge| *edge < at));
        (before.copied().unwrap_or(0), behind.copied().unwrap_or(at))
    }

    /// The slice in which an instant lies.
    pub fn slice_of(&self, at: u64) -> Range {
        let edges = &self.layout.edges;
        let behind = edges.partition_point(|edge| *edge <= at);
        let from = behind.checked_sub(1).and_then(|place| edges.get(place)).copied().unwrap_or(0);
        (from, edges.get(behind).copied().unwrap_or(at + 1))
    }

    /// How many requests of a load were in flight in parts of its time; none where nobody counted them.
    pub fn in_flight(&self, load: usize) -> impl Iterator<Item = (Range, f64)> {
        let own = self.watched.iter().find(|(watched, _)| watched.is_in_flight_of(load));
        let points = own.map_or(&[][..], |(_, gauge)| gauge.points.as_slice());
        points.iter().map(move |(at, value)| (self.slice_of(*at), *value))
    }

    fn look(&mut self, gauges: Gauges) {
        for (index, value) in &gauges.values {
            if let Some((_, gauge)) = self.watched.get_mut(*index as usize) {
                gauge.read(gauges.at, *value);
            }
        }
        for (index, reason) in gauges.gaps {
            match self.watched.get_mut(index as usize) {
                Some((_, gauge)) if gauges.values.contains_key(&index) => gauge.absent += 1,
                Some((_, gauge)) => gauge.missed(gauges.at, reason),
                None => {}
            }
        }
    }

    pub fn add(&mut self, slice: &Slice) {
        let (first, end) = slice.range();
        for (index, counts) in &slice.series {
            if let Some(course) = self.series.get_mut(*index as usize) {
                course.add(first, end, counts);
            }
        }
        for (index, counts) in &slice.loads {
            if let Some(course) = self.loads.get_mut(*index as usize) {
                course.add(first, end, counts);
            }
        }
        for (target, own) in &slice.addresses {
            for (number, counts) in own {
                // Nothing asks for windows of them.
                self.addresses.entry((*target, *number)).or_default().add(first, end, counts);
            }
        }
        if !slice.poll_delay.is_empty() {
            self.poll_delay.add(first, end, &slice.poll_delay);
        }
    }

    /// Lets go of all slices that had ended by an offset.
    pub fn forget(&mut self, before: u64) {
        self.series.iter_mut().for_each(|course| course.forget(&self.layout.edges, before));
        self.loads.iter_mut().for_each(|course| course.forget(&self.layout.edges, before));
        self.addresses.values_mut().for_each(|course| course.forget(&self.layout.edges, before));
        self.poll_delay.forget(&self.layout.edges, before);
        self.watched.iter_mut().for_each(|(_, gauge)| gauge.forget(before));
    }

    /// Adds a histogram of an interval log; what names no series of the plan is left out. What is old is added up after many lines, and by
    /// [`Stats::settle`] after the last: sums of hours would otherwise be made anew for every minute of a long record.
    pub fn add_line(&mut self, line: interval_log::Interval) {
        let at = line.start_ns;
        let slice = self.layout.slice(line);
        self.add(&slice);
        self.lines += 1;
        // The same instants at which a run rolls, so that its record has the same cells.
        if at >= self.due.unwrap_or(self.rolled) / FIRST_STEP * FIRST_STEP + FIRST_STEP {
            self.due = Some(at);
            if self.lines >= LINES {
                self.settle();
            }
        }
    }

    /// Adds up what is old, after the last line of a record.
    pub fn settle(&mut self) {
        self.lines = 0;
        if let Some(at) = self.due.take() {
            self.roll(at);
        }
    }

    /// Adds up what is old. Cells never reach across an edge of a window, so the sums over windows stay what they are.
    fn roll(&mut self, now: u64) {
        if now < self.rolled + FIRST_STEP {
            return;
        }
        self.rolled = now - now % FIRST_STEP;
        self.layout.join(&mut self.generator, now.saturating_sub(GENERATOR_RECENT));
        // Counted from whole steps, so that all cells are of them.
        let (new, old) = (now.saturating_sub(self.recent), now.saturating_sub(5 * self.recent));
        self.coarsen(new - new % FIRST_STEP, FIRST_STEP);
        self.coarsen(old - old % MINUTE, STEPS[self.step]);
        while self.size() > self.memory && self.step + 1 < STEPS.len() {
            self.step += 1;
            self.coarsen(old - old % MINUTE, STEPS[self.step]);
        }
    }

    fn coarsen(&mut self, before: u64, step: u64) {
        for course in &mut self.series {
            course.coarsen(&self.layout.edges, before, step, &mut self.adder);
        }
        for course in &mut self.loads {
            course.coarsen(&self.layout.edges, before, step, &mut self.adder);
        }
        for course in self.addresses.values_mut() {
            course.coarsen(&self.layout.edges, before, step, &mut self.adder);
        }
        self.poll_delay.coarsen(&self.layout.edges, before, step, &mut self.adder);
    }

    /// What the measurements take of memory.
    pub fn size(&self) -> usize {
        let of_all = self.series.iter().map(Course::size).chain(self.loads.iter().map(Course::size));
        let of_addresses: usize = self.addresses.values().map(Course::size).sum();
        of_all.sum::<usize>() + of_addresses + self.poll_delay.size()
    }

    /// The cells of a course whose slices are intended in windows.
    fn within<'a, C: Sum>(&'a self, course: &'a Course<C>, ranges: &'a [Range]) -> impl Iterator<Item = &'a Cell<C>> {
        let from = |offset: u64| self.layout.edges.partition_point(|edge| *edge < offset) as u32;
        // Ranges are disjoint, so nothing comes twice.
        let ranges = ranges.iter().filter(|(start, end)| start < end);
        ranges.flat_map(move |(start, end)| course.within(from(*start), from(*end)))
    }

    /// The last edge up to an instant at which no sum of these reaches across.
    pub fn cut_before(&self, on: &RestsOn, at: u64) -> u64 {
        let mut slice = self.layout.edges.partition_point(|edge| *edge <= at).saturating_sub(1) as u32;
        loop {
            let before = |cut: u32, of: Option<u32>| of.map_or(cut, |of| of.min(cut));
            let series = on.series.iter().map(|index| self.series.get(*index).map(|course| course.cut_before(slice)));
            let loads = on.loads.iter().map(|index| self.loads.get(*index).map(|course| course.cut_before(slice)));
            let cut = series.chain(loads).fold(slice, before);
            if cut == slice {
                return self.layout.edges.get(slice as usize).copied().unwrap_or(at);
            }
            slice = cut;
        }
    }
}

fn nothing_yet(fault: usize, planned: Range) -> Injected {
    let (withdrawn, mechanism, proof) = (None, String::new(), Proof::default());
    Injected {
        fault,
        planned,
        applied: planned,
        withdrawn,
        mechanism,
        proof,
        shown: None,
        unproven: None,
        problem: None,
    }
}
