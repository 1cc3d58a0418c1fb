//! Where measurements are cut: the edges of slices, and those of them that stay when old slices are added up.

use super::{Condition, Function, Metric, Plan, Range};
use crate::base::units::SECOND;

/// How long single slices stay whatever a plan asks: what a person looks at while the run goes on.
const RECENT: u64 = 60 * SECOND;

/// For each series and each load the instants that no sum may cross, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowEdges {
    pub series: Vec<Vec<u64>>,
    pub loads: Vec<Vec<u64>>,
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
    /// condition, and of the slices of `in every`.
    pub fn window_edges(&self) -> WindowEdges {
        let common: Vec<u64> = self
            .faults
            .iter()
            .flat_map(|fault| &fault.windows)
            .flat_map(|window| [window.0, window.1])
            .chain(self.events.iter().flat_map(|event| [event.at, event.at.saturating_add(event.at_most)]))
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
        };
        self.conditions(&mut |condition| edges.condition(self, condition));
        for edges in edges.series.iter_mut().chain(&mut edges.loads) {
            edges.retain(|edge| *edge != u64::MAX);
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
    fn condition(&mut self, plan: &Plan, condition: &Condition) {
        match condition {
            Condition::And(a, b) | Condition::Or(a, b) => {
                self.condition(plan, a);
                self.condition(plan, b);
            }
            Condition::Not(inner) => self.condition(plan, inner),
            Condition::InEvery { condition, every, .. } => {
                let cuts: Vec<u64> = condition.slices(*every).iter().flat_map(|(start, end)| [*start, *end]).collect();
                condition.metrics(&mut |metric| self.metric(plan, metric, &|_| cuts.clone()));
                self.condition(plan, condition);
            }
            // Looked at each second to the end of its scope.
            Condition::Becomes { condition, of, .. } => {
                let (scope, end) = condition.scope();
                let range = (of.at, scope.last().map_or(0, |range| range.1).min(end));
                condition.metrics(&mut |metric| self.metric(plan, metric, &|_| seconds(plan, range)));
                self.condition(plan, condition);
            }
            Condition::Compare { .. } | Condition::Within { .. } | Condition::Holds(_) | Condition::Alert(_) => {
                condition.metrics(&mut |metric| self.metric(plan, metric, &|range| vec![range.0, range.1]));
            }
        }
    }

    fn metric(&mut self, plan: &Plan, metric: &Metric, edges: &dyn Fn(Range) -> Vec<u64>) {
        match metric {
            Metric::Requests(requests) => {
                // What an impact covers is known when it is over, and availability is a matter of seconds.
                let moving = !requests.impacts.is_empty() || requests.function == Function::Availability;
                let cut = |range: &Range| if moving { seconds(plan, *range) } else { edges(*range) };
                for samples in requests.samples.iter().chain(&requests.chosen_of) {
                    self.series[samples.series].extend(samples.ranges.iter().flat_map(cut));
                }
                if let Some((load, ranges)) = &requests.load {
                    self.loads[*load].extend(ranges.iter().flat_map(cut));
                }
                requests.impacts.iter().for_each(|impact| self.recovery(plan, &impact.of));
            }
            Metric::Recovery(recovery) => self.recovery(plan, recovery),
            // Its points belong to windows by their instants, however slices are cut.
            Metric::Series(readings) => {
                readings.impacts.iter().for_each(|impact| self.recovery(plan, &impact.of));
            }
            Metric::Drift { first, last } => {
                self.metric(plan, first, edges);
                self.metric(plan, last, edges);
            }
            // Whatever it rests on, its windows can be summed.
            Metric::Other { ranges, .. } => {
                for all in self.series.iter_mut().chain(&mut self.loads) {
                    all.extend(ranges.iter().flat_map(|range| edges(*range)));
                }
            }
        }
    }

    /// The steady state is looked at each second, from just before the first window to the end.
    fn recovery(&mut self, plan: &Plan, recovery: &super::Recovery) {
        let first = recovery.windows.iter().map(|window| window.0).min().unwrap_or(0);
        let range = (first.saturating_sub(recovery.steady.window), recovery.end);
        for condition in &recovery.steady.conditions {
            condition.condition.metrics(&mut |metric| self.metric(plan, metric, &|_| seconds(plan, range)));
        }
    }
}

/// The full seconds of a range, up to the end of the run.
fn seconds(plan: &Plan, range: Range) -> Vec<u64> {
    let end = range.1.min(plan.length.saturating_add(plan.grace()));
    let full = (range.0 / SECOND..=end / SECOND).map(|second| second * SECOND);
    full.chain([range.0, range.1]).collect()
}
