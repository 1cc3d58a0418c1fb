//! The few requests that are shown in full.

use crate::measure::{Cause, Example, Failure, Stats};
use crate::plan::Plan;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Examples {
    /// Some failed requests, ordered by series, cause and time.
    pub failed: Vec<Told>,
    /// For each series, the slowest successful requests.
    pub slowest: Vec<Told>,
}

/// One request in full.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Told {
    pub series: String,
    pub failure: Option<Failure>,
    pub at_ns: u64,
    pub latency_ns: u64,
    pub service_time_ns: u64,
    pub user: u64,
    pub status: Option<u16>,
    /// Whether a fault gave the answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub injected: bool,
    #[serde(skip)]
    pub cause: Option<Cause>,
    pub sends: u64,
    pub because: Option<String>,
    pub request: Option<String>,
    pub body: Option<String>,
    pub traceparent: Option<String>,
}

pub fn examples(plan: &Plan, stats: &Stats) -> Examples {
    Examples {
        failed: stats.examples.failed().map(|example| told(plan, example)).collect(),
        slowest: stats.examples.slowest().map(|example| told(plan, example)).collect(),
    }
}

fn told(plan: &Plan, example: &Example) -> Told {
    let series = plan.series.get(example.series as usize).map_or(String::new(), |series| series.name.clone());
    Told {
        series,
        failure: example.failure,
        at_ns: example.at,
        latency_ns: example.latency,
        service_time_ns: example.service_time,
        user: example.user,
        status: (example.status > 0).then_some(example.status),
        injected: example.injected,
        cause: example.cause(),
        sends: example.sends,
        because: example.because.clone(),
        request: example.request.clone(),
        body: example.body.clone(),
        traceparent: example.traceparent.clone(),
    }
}
