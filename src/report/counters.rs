//! Counters that were read from their raw samples: what they grew by, and what is not known of that.

use crate::measure::{Counted, CounterSeries, Stats};
use crate::metric::counter::SeriesCourse;
use crate::metric::{Bucket, buckets};
use crate::plan::{Counter, Metric, Plan};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct CounterTotals {
    pub name: String,
    /// The number of its series.
    pub series: usize,
    /// The usual time between two scrapes.
    pub interval_s: f64,
    /// From when on two scrapes after the load showed the same; null if none did in time.
    pub settled_s: Option<f64>,
    /// Each time that a series started again.
    pub resets: Vec<CounterReset>,
    /// Scrapes that are missing.
    pub gaps: Vec<CounterGap>,
    /// Series that are scraped no more, each from its last sample on.
    pub gone: Vec<CounterGap>,
    /// Series that did not begin at 0 when they were first seen during the load.
    pub unknown_starts: Vec<String>,
    pub problem: Option<String>,
    /// Its buckets, if it is a histogram that a condition compares with requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<HistogramTotals>,
}

/// The buckets of a server against the times of the client.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct HistogramTotals {
    pub buckets: Vec<Bucket>,
    /// The bound of the bucket that contradicts the client most, and by how many requests; null if none does.
    #[schemars(with = "Option<(Option<f64>, f64)>")]
    pub worst: Option<(f64, f64)>,
    /// The bounds between which the server's 99th percentile lies. Its buckets tell no more.
    #[schemars(with = "Option<(f64, Option<f64>)>")]
    pub p99: Option<(f64, f64)>,
}

/// A series that started again, between two scrapes.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct CounterReset {
    pub of: String,
    pub from_s: f64,
    pub to_s: f64,
    /// Its values in these scrapes. What it counted between the first of them and its restart is lost, and is 0 or more.
    pub before: f64,
    pub after: f64,
    /// It did not fall. Its process is another one, or scrapes are missing in between.
    pub presumed: bool,
}

/// A time without scrapes.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct CounterGap {
    pub of: String,
    pub from_s: f64,
    /// Null if it lasts.
    pub to_s: Option<f64>,
}

pub fn counters(plan: &Plan, stats: &Stats) -> Vec<CounterTotals> {
    let of = |counted: &Counted| Some(totals(plan.counters.get(counted.counter)?, plan, counted));
    let mut all: Vec<CounterTotals> = stats.counted.iter().filter_map(of).collect();
    for expectation in &plan.expectations {
        expectation.condition.metrics(&mut |metric| {
            let Metric::Buckets(own) = metric else { return };
            let place = stats.counted.iter().position(|counted| counted.counter == own.counter);
            if let Some((totals, buckets)) = place.and_then(|place| all.get_mut(place)).zip(buckets(own, stats)) {
                totals.histogram = Some(HistogramTotals {
                    worst: buckets.worst().map(|(bucket, wrong)| (bucket.le, wrong)),
                    p99: buckets.between(0.99),
                    buckets: buckets.all,
                });
            }
        });
    }
    all
}

fn totals(counter: &Counter, plan: &Plan, counted: &Counted) -> CounterTotals {
    let (interval_s, settled_s) = (seconds(counted.interval), counted.settled.map(seconds));
    let problem = counted.problem.clone();
    let name = counter.name(plan);
    let mut totals = CounterTotals {
        name,
        series: 0,
        interval_s,
        settled_s,
        resets: Vec::new(),
        gaps: Vec::new(),
        gone: Vec::new(),
        unknown_starts: Vec::new(),
        problem,
        histogram: None,
    };
    for series in &counted.series {
        let Some(course) = SeriesCourse::of(series, counted) else { continue };
        totals.series += 1;
        let of = shown(series);
        totals.resets.extend(course.resets.iter().map(|reset| CounterReset {
            of: of.clone(),
            from_s: seconds(reset.between.0),
            to_s: seconds(reset.between.1),
            before: reset.before,
            after: reset.after,
            presumed: reset.presumed,
        }));
        totals.gone.extend(course.gone.map(|from| gap(&of, from, None)));
        totals.unknown_starts.extend(course.unknown_start.map(|_| of.clone()));
        // What its target lacks is told once, of the target.
        if series.target.is_none() {
            let during = series.gaps.iter().filter(|(_, to)| *to > counted.from);
            totals.gaps.extend(during.map(|(from, to)| gap(&of, *from, Some(*to))));
        }
    }
    for target in &counted.targets {
        let of = if target.instance.is_empty() { target.job.clone() } else { target.instance.clone() };
        let rows = target.up.windows(2).map(|pair| (pair[0].1, pair[1].0));
        totals.gaps.extend(rows.filter(|(_, to)| *to > counted.from).map(|(from, to)| gap(&of, from, Some(to))));
        let last = target.up.last().map_or(counted.from, |(_, last)| *last);
        if counted.interval > 0 && counted.until - last > 2 * counted.interval {
            totals.gaps.push(gap(&of, last, None));
        }
    }
    totals
}

fn gap(of: &str, from: i64, to: Option<i64>) -> CounterGap {
    CounterGap { of: of.to_owned(), from_s: seconds(from), to_s: to.map(seconds) }
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1e3
}

/// A series by what tells it from others of its counter.
fn shown(series: &CounterSeries) -> String {
    let label = |(name, value): &(String, String)| format!("{name}={value:?}");
    format!("{{{}}}", series.labels.iter().map(label).collect::<Vec<String>>().join(", "))
}
