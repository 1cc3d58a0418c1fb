//! Where measurements are cut: the edges of slices, and the edges that remain when old slices are merged.

use super::{
    Condition, CounterIncrease, Crashes, Measured, Metric, Plan, Range, Readings, Recovery, Requests, Scaling,
    are_compared, scope,
};
use crate::base::units::{MILLISECOND, MINUTE, SECOND};

/// How long single slices stay whatever a plan asks: what a person looks at while the run goes on.
const RECENT: u64 = 60 * SECOND;
/// Where faults may turn out to begin or end, after where they were planned to: nothing is done early, and what lies between
/// the plan and the actual instant belongs to neither side.
const LATE: [u64; 6] = [0, 2 * MILLISECOND, 5 * MILLISECOND, 20 * MILLISECOND, 100 * MILLISECOND, 500 * MILLISECOND];
/// How long before its beginning a request that is under way then may have been sent: what such a request was part of belongs
/// to neither side, and is not added up with what was before it.
const EARLY: [u64; 12] = [
    2 * MILLISECOND,
    5 * MILLISECOND,
    20 * MILLISECOND,
    100 * MILLISECOND,
    500 * MILLISECOND,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    20 * SECOND,
    30 * SECOND,
    MINUTE,
];
/// The number of parts of a window whose spread is needed: several for each batch.
const PARTS: u64 = 24;
/// So long after an instant at which a state may change, what is looked at each second is kept each second.
const WATCHED: u64 = 10 * MINUTE;

/// For each series and each load the instants that no sum may cross, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowEdges {
    pub series: Vec<Vec<u64>>,
    pub loads: Vec<Vec<u64>>,
    /// After this nothing is sent or comes in any more.
    end: u64,
    edition: u32,
}

/// What a condition is computed of.
#[derive(Debug, Clone, Default)]
pub struct RestsOn {
    pub series: Vec<usize>,
    pub loads: Vec<usize>,
}

impl Condition {
    pub fn rests_on(&self, on: &mut RestsOn) {
        self.metrics(&mut |metric| on.metric(metric));
        for all in [&mut on.series, &mut on.loads] {
            all.sort_unstable();
            all.dedup();
        }
    }
}

impl RestsOn {
    fn metric(&mut self, metric: &Metric) {
        match metric {
            Metric::Requests(requests) => self.requests(requests),
            Metric::Drift { fine, coarse } => fine.iter().chain(coarse).for_each(|part| self.metric(part)),
            Metric::Scaling(scaling) => self.requests(&scaling.throughput),
            Metric::Buckets(own) => self.requests(&own.requests),
            Metric::Recovery(_) | Metric::Series(_) | Metric::Counter(_) | Metric::Capacity(_) => {}
            Metric::Crashes(_)
            | Metric::Ledger { .. }
            | Metric::Other { .. }
            | Metric::Alerts { .. }
            | Metric::Detection(_) => {}
        }
    }

    fn requests(&mut self, requests: &Requests) {
        let samples = requests.samples.iter().chain(&requests.chosen_of);
        self.series.extend(samples.map(|samples| samples.series));
        self.loads.extend(requests.load.iter().map(|(load, _)| *load));
    }
}

impl Plan {
    /// The ends of the slices that measurements are cut into: every second and every edge of a window, until the last
    /// grace has run out.
    pub fn edges(&self) -> Vec<u64> {
        let last = self.loads.iter().map(|l| l.shape.end() + l.grace).max().unwrap_or(0);
        let mut edges: Vec<u64> = (0..=last / SECOND + 1).map(|s| s * SECOND).collect();
        let windows = self.window_edges();
        edges.extend(windows.series.iter().chain(&windows.loads).flatten());
        edges.retain(|edge| *edge <= last.max(self.length));
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    /// The edges between which sums are asked for: of a load's stages, of faults and events, of the windows of every
    /// condition, of the slices of `in every`, and single seconds where a state is looked at each second.
    pub fn window_edges(&self) -> WindowEdges {
        let faults = || self.faults.iter().flat_map(|fault| &fault.windows);
        let events = self.events.iter().map(super::Event::window);
        let begins = faults().copied().chain(events).map(|window| window.0).filter(|_| self.edition > 0);
        let common: Vec<u64> = faults()
            .flat_map(|window| [window.0, window.1])
            .flat_map(|edge| LATE.iter().map(move |late| edge.saturating_add(*late)))
            .chain(begins.flat_map(|begin| EARLY.iter().filter_map(move |early| begin.checked_sub(*early))))
            .chain(self.events.iter().map(super::Event::window).flat_map(|(from, to)| {
                // It ends when it ends; of a long one the first minutes alone are cut into seconds.
                let seconds = (from / SECOND + 1)..=(to.min(from.saturating_add(WATCHED)) / SECOND);
                [from, to].into_iter().chain(seconds.map(|second| second * SECOND))
            }))
            .collect();
        let of_load = |load: usize| {
            let stages = self.loads.get(load).map_or(&[][..], |load| &load.stages);
            let mut edges: Vec<u64> = stages.iter().flat_map(|stage| [stage.start, stage.end]).collect();
            edges.extend(stages.iter().flat_map(|stage| &stage.levels).flat_map(|(_, (start, end))| [*start, *end]));
            edges.extend(&common);
            edges
        };
        let mut edges = WindowEdges {
            series: self.series.iter().map(|series| of_load(series.load)).collect(),
            loads: (0..self.loads.len()).map(of_load).collect(),
            end: self.over(),
            edition: self.edition,
        };
        self.conditions(&mut |condition| edges.condition(condition));
        // How sure a value is next to a constant is told of what is judged once.
        for expectation in self.expectations.iter().filter(|_| self.edition > 1) {
            expectation.condition.comparisons(&mut |left, right| {
                [left, right].into_iter().for_each(|side| side.metrics(&mut |metric| edges.parts(metric)));
            });
        }
        for search in &self.searches {
            let instants: Vec<u64> = search.instants(search.range(&self.loads)).collect();
            edges.each(&search.condition, &instants);
            edges.loads[search.load].extend(&instants);
            let own = self.series.iter().zip(&mut edges.series).filter(|(series, _)| series.load == search.load);
            own.for_each(|(_, edges)| edges.extend(&instants));
        }
        let end = edges.end;
        for edges in edges.series.iter_mut().chain(&mut edges.loads) {
            edges.retain(|edge| *edge <= end);
            edges.sort_unstable();
            edges.dedup();
        }
        edges
    }

    /// How long single slices stay as they are: longer than any window that is looked at while the run goes on, with the
    /// time in which late samples still arrive for it.
    pub fn recent(&self) -> u64 {
        let steady = self.steady_states.iter().map(|steady| steady.window.saturating_add(steady.hold));
        let aborts = self.aborts.iter().map(|abort| abort.length);
        let longest = steady.chain(aborts).chain(self.searches.iter().map(|search| search.each)).max();
        longest.map_or(RECENT, |longest| RECENT.max(longest.saturating_add(self.grace())))
    }
}

impl WindowEdges {
    fn condition(&mut self, condition: &Condition) {
        condition.metrics(&mut |metric| self.windows_of(metric));
        self.cut(condition);
    }

    fn windows_of(&mut self, metric: &Metric) {
        match metric {
            Metric::Requests(requests) => {
                if requests.function.is_by_seconds() {
                    let mut seconds = Vec::new();
                    requests.windows().iter().for_each(|range| self.seconds(*range, &mut seconds));
                    self.of_metric(metric, &seconds);
                }
                for samples in requests.samples.iter().chain(&requests.chosen_of) {
                    self.series[samples.series].extend(samples.ranges.iter().flat_map(|range| [range.0, range.1]));
                }
                if let Some((load, ranges)) = &requests.load {
                    self.loads[*load].extend(ranges.iter().flat_map(|range| [range.0, range.1]));
                }
                // What is narrowed to an impact is cut where the impact is found to begin and end.
                for impact in &requests.scopes.impacts {
                    let seconds = self.watched(&impact.of);
                    self.of_metric(metric, &seconds);
                }
            }
            Metric::Recovery(recovery) => {
                self.watched(recovery);
            }
            Metric::Buckets(own) => {
                for samples in own.requests.samples.iter().chain(&own.requests.chosen_of) {
                    self.series[samples.series].extend(samples.ranges.iter().flat_map(|range| [range.0, range.1]));
                }
            }
            // Its points belong to windows by their instants, however slices are cut.
            Metric::Series(Readings { scopes, .. })
            | Metric::Counter(CounterIncrease { scopes, .. })
            | Metric::Crashes(Crashes { scopes, .. }) => {
                for impact in &scopes.impacts {
                    self.watched(&impact.of);
                }
            }
            Metric::Drift { fine, coarse } => fine.iter().chain(coarse).for_each(|part| self.windows_of(part)),
            // The levels of a sweep are cut in any case, and how far one spreads is seen in parts of it.
            Metric::Scaling(Scaling { levels, throughput, .. }) if self.edition > 1 => {
                let within = levels.iter().map(|(_, range)| Metric::Requests(throughput.within(*range)));
                within.for_each(|level| self.parts(&level));
            }
            // Trials are cut where they can start.
            Metric::Scaling(_) | Metric::Capacity(_) | Metric::Ledger { .. } => {}
            Metric::Alerts { .. } | Metric::Detection(_) => {}
            // Whatever it rests on, its windows can be summed.
            Metric::Other { ranges, .. } => {
                for all in self.series.iter_mut().chain(&mut self.loads) {
                    all.extend(ranges.iter().flat_map(|range| [range.0, range.1]));
                }
            }
        }
    }

    /// What conditions around others cut these into.
    fn cut(&mut self, condition: &Condition) {
        match condition {
            Condition::And(a, b) | Condition::Or(a, b) => {
                self.cut(a);
                self.cut(b);
            }
            Condition::Not(inner) => self.cut(inner),
            Condition::InEvery { condition, every, .. } => {
                let slices = condition.slices(*every);
                self.each(condition, &slices.iter().map(|slice| slice.0).collect::<Vec<u64>>());
                self.cut(condition);
            }
            Condition::Becomes { condition, within, of } => {
                let mut seconds = vec![of.at];
                self.seconds((of.at, of.at.saturating_add(*within).saturating_add(WATCHED)), &mut seconds);
                self.each(condition, &seconds);
                self.cut(condition);
            }
            Condition::Compare { left, right, .. } => self.compared(left, right),
            Condition::Within { left, right, .. } if self.edition > 1 => self.compared(left, right),
            Condition::Within { .. } | Condition::Holds(_) | Condition::Alert(_) => {}
        }
    }

    fn compared(&mut self, left: &Measured, right: &Measured) {
        if are_compared(left, right) || right.has_baseline() {
            [left, right].into_iter().for_each(|side| side.metrics(&mut |metric| self.parts(metric)));
        }
    }

    /// How far a value spreads is seen in parts of its windows, so these stay in parts. They end where its loads do: what comes in after
    /// that is little.
    fn parts(&mut self, metric: &Metric) {
        if let Metric::Requests(requests) = metric
            && requests.function.samples_of_part().is_some()
        {
            let whole = |instant: u64| instant / SECOND * SECOND;
            let end = if self.edition > 1 { requests.scopes.end.min(self.end) } else { self.end };
            let of = |(from, to): Range| {
                let to = to.min(end).max(from);
                let part =
                    move |n: u64| whole(from + (u128::from(to - from) * u128::from(n) / u128::from(PARTS)) as u64);
                (1..PARTS).map(part).filter(move |edge| from < *edge && *edge < to)
            };
            let edges: Vec<u64> = requests.windows().into_iter().flat_map(of).collect();
            self.of_metric(metric, &edges);
        }
    }

    /// Cuts what a steady state rests on each second: before a window, and after its beginning and its end.
    fn watched(&mut self, recovery: &Recovery) -> Vec<u64> {
        let (mut edges, mut looked_at) = (Vec::new(), Vec::new());
        for (start, end) in &recovery.windows {
            edges.extend([*start, *end]);
            let before = start.saturating_sub(recovery.steady.window.saturating_add(SECOND));
            looked_at.extend([(before, start.saturating_add(WATCHED)), (*end, end.saturating_add(WATCHED))]);
        }
        // Each second once, however close the windows lie.
        scope::union(looked_at, &[]).into_iter().for_each(|range| self.seconds(range, &mut edges));
        edges.sort_unstable();
        edges.dedup();
        for condition in &recovery.steady.conditions {
            self.each(&condition.condition, &edges);
        }
        edges
    }

    fn seconds(&self, (from, to): Range, edges: &mut Vec<u64>) {
        edges.extend((from / SECOND..=to.min(self.end) / SECOND).map(|second| second * SECOND));
    }

    /// Edges of all that a condition rests on.
    fn each(&mut self, condition: &Condition, edges: &[u64]) {
        condition.metrics(&mut |metric| self.of_metric(metric, edges));
    }

    fn of_metric(&mut self, metric: &Metric, edges: &[u64]) {
        match metric {
            Metric::Requests(requests) => {
                let samples = requests.samples.iter().chain(&requests.chosen_of);
                samples.for_each(|samples| self.series[samples.series].extend(edges));
                requests.load.iter().for_each(|(load, _)| self.loads[*load].extend(edges));
            }
            Metric::Drift { fine, coarse } => fine.iter().chain(coarse).for_each(|part| self.of_metric(part, edges)),
            Metric::Recovery(_)
            | Metric::Series(_)
            | Metric::Counter(_)
            | Metric::Buckets(_)
            | Metric::Crashes(_)
            | Metric::Scaling(_)
            | Metric::Capacity(_)
            | Metric::Alerts { .. }
            | Metric::Detection(_)
            | Metric::Ledger { .. } => {}
            Metric::Other { .. } => self.series.iter_mut().chain(&mut self.loads).for_each(|all| all.extend(edges)),
        }
    }
}
