//! Where measurements are cut: the edges of slices, and those of them that stay when old slices are added up.

use super::{Condition, Metric, Plan, Range};
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
            edges.extend(&common);
            edges
        };
        let mut edges = WindowEdges {
            series: self.series.iter().map(|series| of_load(series.load)).collect(),
            loads: (0..self.loads.len()).map(of_load).collect(),
        };
        let steady = self.steady_states.iter().flat_map(|steady| &steady.conditions);
        for condition in self.expectations.iter().chain(steady).map(|expectation| &expectation.condition) {
            edges.condition(self, condition, None);
        }
        let others = self.aborts.iter().map(|a| &a.condition).chain(self.searches.iter().map(|s| &s.condition));
        others.for_each(|condition| edges.condition(self, condition, None));
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
    /// `every` cuts the windows of all metrics below it.
    fn condition(&mut self, plan: &Plan, condition: &Condition, every: Option<u64>) {
        match condition {
            Condition::And(a, b) | Condition::Or(a, b) => {
                self.condition(plan, a, every);
                self.condition(plan, b, every);
            }
            Condition::Not(inner) => self.condition(plan, inner, every),
            Condition::InEvery { condition, every, .. } => self.condition(plan, condition, Some(*every)),
            // Looked at each second until it must have become true.
            Condition::Becomes { condition, within, of } => {
                let range = (of.at, of.at.saturating_add(*within));
                condition.metrics(&mut |metric| self.metric(metric, &|_| cuts(plan, &range, SECOND)));
                self.condition(plan, condition, every);
            }
            Condition::Compare { .. } | Condition::Within { .. } | Condition::Holds(_) | Condition::Alert(_) => {
                condition.metrics(&mut |metric| {
                    self.metric(metric, &|range| match every {
                        Some(every) => cuts(plan, range, every),
                        None => vec![range.0, range.1],
                    });
                });
            }
        }
    }

    fn metric(&mut self, metric: &Metric, edges: &dyn Fn(&Range) -> Vec<u64>) {
        match metric {
            Metric::Requests(requests) => {
                for samples in &requests.samples {
                    self.series[samples.series].extend(samples.ranges.iter().flat_map(edges));
                }
                if let Some((load, ranges)) = &requests.load {
                    self.loads[*load].extend(ranges.iter().flat_map(edges));
                }
            }
            // Whatever it rests on, its windows can be summed.
            Metric::Other { ranges, .. } => {
                for all in self.series.iter_mut().chain(&mut self.loads) {
                    all.extend(ranges.iter().flat_map(edges));
                }
            }
        }
    }
}

/// The edges of a range and of its slices, up to the end of the run.
fn cuts(plan: &Plan, range: &Range, every: u64) -> Vec<u64> {
    let end = range.1.min(plan.length.saturating_add(plan.grace()));
    let mut cuts = vec![range.0, range.1];
    cuts.extend((1..).map_while(|n: u64| {
        let cut = range.0.checked_add(n.checked_mul(every.max(1))?)?;
        (cut < end).then_some(cut)
    }));
    cuts
}
