//! What became of each load as a whole.

use crate::measure::{Since, Stats, histogram, interval_log};
use crate::plan::Plan;
use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct LoadTotals {
    pub name: String,
    /// An open load, which has arrivals; a closed one has users.
    pub open: bool,
    /// Planned iterations, if that was known.
    pub planned: Option<u64>,
    pub started: u64,
    pub dropped: u64,
    pub unsent: u64,
    pub finished: u64,
    /// How long users waited after iterations that failed, together, in nanoseconds.
    pub rested_ns: u64,
    /// Users who left because no row was left for them, and the first instant.
    pub without_rows: Since,
    /// How late iterations were started.
    pub schedule_lag_ns: Spread,
    /// The same in the exchange format of histograms (V2, deflated, base64), as interval logs carry it.
    pub schedule_lag_hdr: String,
}

/// The distribution of the times, in nanoseconds.
#[derive(Debug, Clone, Copy, JsonSchema, Serialize)]
pub struct Spread {
    pub p50: u64,
    pub p99: u64,
    pub max: u64,
    pub samples: u64,
}

impl Spread {
    pub fn of(times: &Histogram<u64>) -> Spread {
        Spread {
            p50: times.value_at_quantile(0.5),
            p99: times.value_at_quantile(0.99),
            max: if times.is_empty() { 0 } else { times.max() },
            samples: times.len(),
        }
    }
}

pub fn loads(plan: &Plan, stats: &Stats) -> Vec<LoadTotals> {
    let all = plan.loads.iter().enumerate().map(|(index, load)| {
        let counts = stats.load(index, &[(0, u64::MAX)]);
        let lag = stats.lag(index);
        LoadTotals {
            name: load.name.clone(),
            open: load.is_open(),
            planned: (0..load.stages.len()).map(|stage| stats.planned(plan, index, stage)).sum(),
            started: counts.started,
            dropped: counts.dropped,
            unsent: counts.unsent,
            finished: counts.finished,
            rested_ns: counts.rested,
            without_rows: counts.without_rows,
            schedule_lag_ns: Spread::of(&lag),
            schedule_lag_hdr: interval_log::payload(&histogram::Counts::from_histogram(&lag)),
        }
    });
    all.collect()
}
