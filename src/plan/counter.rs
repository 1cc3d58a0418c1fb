//! Counters that are read from raw samples after the load: which they are, and what is compared with them.

use super::elaborate::Elaborate;
use super::{
    Function, MonitorKind, Plan, RequestFunction, Requests, Scopes, SeriesFunction, SeriesSource, Subject, Watched,
    program,
};
use crate::base::Span;
use crate::base::summed::Summed;
use crate::base::units::MINUTE;
use crate::plan::Range;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// As long as scrapes are waited for before the load, and after it. A Prometheus that scrapes once a minute needs almost three.
const SETTLE: u64 = 3 * MINUTE;

/// Series of a Prometheus whose raw samples are read. Before the load a scrape is waited for, and after it two that show the same.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Counter {
    pub monitor: usize,
    /// As it is written.
    pub query: String,
    /// What of it selects series.
    pub selector: String,
    /// Selects the `up` of the targets that they may be of.
    pub up: String,
    /// And the starts of their processes.
    pub starts: String,
    /// How long each of the two waits may take.
    pub settle: u64,
}

/// What a counter grew by, in windows.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct CounterIncrease {
    /// The place of the counter in the plan.
    pub counter: usize,
    pub series: Watched,
    pub ranges: Vec<Range>,
    #[serde(flatten)]
    pub scopes: Scopes,
}

/// How far the buckets of a server contradict what the client measured, in windows.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct BucketError {
    /// The place of the counter in the plan.
    pub counter: usize,
    pub series: Watched,
    pub requests: Requests,
    pub ranges: Vec<Range>,
}

/// Of a condition: its metrics of counters, and those that are of the whole run, from the first request on. What is compared with a
/// counter and has no scope is counted as that counts, which knows nothing of warm-ups.
#[derive(Debug, Default)]
pub(super) struct Exact {
    pub counters: HashSet<Span>,
    pub whole: HashSet<Span>,
}

impl Counter {
    fn of(monitor: usize, query: &str) -> Option<Counter> {
        let summed = Summed::parse(query)?;
        let (up, starts) = (summed.of_target("up"), summed.of_target("process_start_time_seconds"));
        Some(Counter { monitor, query: query.to_owned(), selector: summed.selector(), up, starts, settle: SETTLE })
    }

    /// As it is written in a condition, by its full name.
    pub fn name(&self, plan: &Plan) -> String {
        plan.monitors.get(self.monitor).map_or_else(|| self.query.clone(), |monitor| monitor.series_text(&self.query))
    }
}

impl Exact {
    pub fn of(condition: &program::Stated, scenario: &program::Scenario) -> Exact {
        let mut exact = Exact::default();
        condition.metrics(&mut |metric| {
            let is_of_buckets = metric.function == Function::Series(SeriesFunction::HistogramError);
            if is_of_buckets && metric.scopes.is_empty() {
                exact.whole.insert(metric.span);
            }
            if is_of_buckets {
                exact.counters.insert(metric.span);
            }
        });
        // What is looked at again and again, or in slices, is not known as finely as that by scrapes.
        condition.comparisons(&mut |left, right| {
            let (mut counters, mut counts) = (Vec::new(), Vec::new());
            for side in [left, right] {
                side.metrics(&mut |metric: &program::Metric| {
                    if counter(metric, scenario).is_some() {
                        counters.push((metric.span, metric.scopes.is_empty()));
                    } else if metric.function == Function::Requests(RequestFunction::Count) && metric.scopes.is_empty()
                    {
                        counts.push(metric.span);
                    }
                });
            }
            if !counters.is_empty() && counters.iter().all(|(_, is_whole)| *is_whole) {
                exact.whole.extend(counters.iter().map(|(span, _)| *span).chain(counts));
            }
            exact.counters.extend(counters.into_iter().map(|(span, _)| span));
        });
        exact
    }
}

fn counter(metric: &program::Metric, scenario: &program::Scenario) -> Option<Counter> {
    let series = match (metric.function, &metric.subject) {
        (Function::Series(SeriesFunction::Increase), Subject::Series(series)) => series,
        (Function::Series(SeriesFunction::HistogramError), Subject::Buckets { series, .. }) => series,
        _ => return None,
    };
    let SeriesSource::Monitor(monitor) = series.source else { return None };
    let is_prometheus = scenario.monitors.get(monitor).is_some_and(|own| own.kind == MonitorKind::Prometheus);
    Counter::of(monitor, &series.what).filter(|_| is_prometheus)
}

impl Elaborate<'_> {
    /// The place of the counter that a metric is of, where it is read from raw samples.
    pub(super) fn counter(&mut self, metric: &program::Metric) -> Option<usize> {
        let counter = self.exact.counters.contains(&metric.span).then(|| counter(metric, self.scenario)).flatten()?;
        let known = self.counters.iter().position(|own| *own == counter);
        Some(known.unwrap_or_else(|| {
            self.counters.push(counter);
            self.counters.len() - 1
        }))
    }
}
