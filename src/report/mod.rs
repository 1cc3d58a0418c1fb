//! Plan, measurements and verdict → what a person or a program reads.

mod beside;
mod course;
mod json;
mod terminal;
mod windows;

pub use json::json;
pub use terminal::terminal;

use crate::base::units::SECOND;
use crate::judge::Verdict;
use crate::measure::{Example, Failure, Gap, Gauge, Injected, Stats, histogram};
use crate::metric::{Recovered, Summary, recovered, summary};
use crate::plan::{Member, Plan, Range, Type, Watched};
use beside::beside_faults;
use serde::Serialize;
use std::collections::BTreeMap;

/// Everything that a report shows, computed once.
pub struct Report<'a> {
    pub plan: &'a Plan,
    pub stats: &'a Stats,
    pub verdict: &'a Verdict,
    pub windows: Vec<Window>,
    /// Some of the requests that failed, in the order of series, kind and time.
    pub failed: Vec<Told>,
    /// Of each series the slowest that went well.
    pub slowest: Vec<Told>,
    pub watched: Vec<Watch>,
    /// What the first steady state of the plan says of each time that a fault was in force; nothing where it cannot be told.
    pub recovered: Vec<Option<Recovered>>,
}

/// One stage of one load, one level of a sweep or one trial of a search, as planned and as it was.
#[derive(Debug, Clone, Serialize)]
pub struct Window {
    pub load: String,
    pub name: String,
    pub judged: bool,
    pub start_ns: u64,
    pub end_ns: u64,
    /// When all that was to be done in it had ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_ns: Option<u64>,
    /// Of a trial of a search what came out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tried: Option<Outcome>,
    pub planned: Option<u64>,
    pub started: u64,
    pub dropped: u64,
    pub unsent: u64,
    pub steps: Vec<Row>,
}

/// What came out of a trial.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    pub level: f64,
    pub verdict: &'static str,
    pub because: String,
}

/// One step in one window.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub series: String,
    pub step: String,
    /// Not a group, nor whole iterations: those are made of requests that have rows of their own.
    #[serde(skip)]
    pub is_request: bool,
    /// It holds samples of another row once more: other times, or chosen ones.
    #[serde(skip)]
    pub is_derived: bool,
    /// Of a measured value its unit, and what one step of the recorded value is worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<(Type, f64)>,
    pub sent: u64,
    /// Answered or failed by the target.
    pub samples: u64,
    /// By kind, those of the generator too.
    pub failed: BTreeMap<Failure, u64>,
    pub per_second: f64,
    pub p50_ns: u64,
    pub p95_ns: u64,
    pub p99_ns: u64,
    pub max_ns: u64,
    pub service_p99_ns: u64,
}

/// One request, told whole.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    pub series: String,
    pub failure: Option<Failure>,
    pub at_ns: u64,
    pub latency_ns: u64,
    pub service_time_ns: u64,
    pub user: u64,
    pub status: Option<u16>,
    pub sends: u64,
    pub because: Option<String>,
    pub request: Option<String>,
    pub body: Option<String>,
    pub traceparent: Option<String>,
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
        sends: example.sends,
        because: example.because.clone(),
        request: example.request.clone(),
        body: example.body.clone(),
        traceparent: example.traceparent.clone(),
    }
}

/// A series of values over time, as a person or a program reads it.
#[derive(Debug, Clone, Serialize)]
pub struct Watch {
    #[serde(skip)]
    pub name: String,
    #[serde(skip)]
    pub unit: Type,
    /// Some condition speaks of it.
    pub asked: bool,
    /// In base units: bytes, nanoseconds, shares of one; nothing where nothing was read.
    #[serde(flatten)]
    pub summary: Option<Summary>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}

/// What was asked for, and what every service used.
fn watched(plan: &Plan, stats: &Stats) -> Vec<Watch> {
    let of = |(series, gauge): &(Watched, Gauge)| Watch {
        name: plan.name_of(series),
        unit: series.unit,
        asked: plan.asks_for(series),
        summary: summary(series, gauge),
        gaps: gauge.gaps.clone(),
    };
    stats.watched.iter().map(of).collect()
}

impl Row {
    pub fn target_failures(&self) -> u64 {
        self.failed.iter().filter(|(kind, _)| !kind.is_generator()).map(|(_, count)| count).sum()
    }
}

pub fn report<'a>(plan: &'a Plan, stats: &'a Stats, verdict: &'a Verdict) -> Report<'a> {
    let windows = windows::windows(plan, stats);
    let failed = stats.examples.failed().map(|example| told(plan, example)).collect();
    let slowest = stats.examples.slowest().map(|example| told(plan, example)).collect();
    let (watched, recovered) = (watched(plan, stats), recoveries(plan, stats));
    Report { plan, stats, verdict, windows, failed, slowest, watched, recovered }
}

/// Around more faults than these the steady state is not followed.
const FOLLOWED: usize = 40;

fn recoveries(plan: &Plan, stats: &Stats) -> Vec<Option<Recovered>> {
    let steady = plan.steady_states.first();
    let one = |(place, injected): (usize, &Injected)| {
        let over = injected.withdrawn.filter(|_| injected.is_effective() && place < FOLLOWED)?.1;
        recovered(steady?, (injected.applied.0, over), plan.length, stats).ok()
    };
    stats.injected.iter().enumerate().map(one).collect()
}

/// The series of a load, each with what is derived of it behind it.
fn in_order(plan: &Plan, load: usize) -> Vec<usize> {
    let mut own: Vec<usize> = (0..plan.series.len()).filter(|series| plan.series[*series].load == load).collect();
    own.sort_by_key(|series| plan.series[*series].derived.unwrap_or(*series));
    own
}

/// The name of a step, in a mix behind that of its part.
fn step_name(plan: &Plan, series: &crate::plan::Series) -> String {
    let step = match series.member {
        Member::Group(group) => plan.flows[series.flow].groups.get(group).map_or("", String::as_str),
        Member::Iteration => "iteration",
        Member::Measure(measure) => plan.flows[series.flow].measures.get(measure).map_or("", |(name, _)| name.as_str()),
        Member::Wait(limit) => plan.limits.get(limit).map_or("", |limit| limit.name.as_str()),
        Member::Request(_) | Member::All => plan.request(series).map_or("", |request| request.name.as_str()),
    };
    let step = &format!("{step}{}", crate::check::chosen_text(series.phase, series.matching.as_ref()));
    let parts = plan.loads.get(series.load).map_or(&[][..], |load| &load.parts);
    match parts.get(series.part) {
        Some(part) if parts.len() > 1 => format!("{}.{step}", part.name),
        _ => step.clone(),
    }
}

fn row(plan: &Plan, stats: &Stats, series: usize, range: Range, length: u64) -> Row {
    let counts = stats.counts(series, &[range]);
    let (mut latency, mut service) = (histogram::empty(), histogram::empty());
    stats.histogram(series, &[range], false, &mut latency);
    stats.histogram(series, &[range], true, &mut service);
    let samples = counts.ok + counts.target_failures();
    // A window that the run did not reach the end of is as long as it was.
    let length = length.min(stats.end().saturating_sub(range.0));
    let planned = &plan.series[series];
    Row {
        series: planned.name.clone(),
        step: step_name(plan, planned),
        is_request: planned.is_request(),
        is_derived: planned.derived.is_some(),
        measured: match planned.member {
            Member::Measure(measure) => {
                plan.flows[planned.flow].measures.get(measure).map(|(_, unit)| (*unit, plan.worth(series)))
            }
            _ => None,
        },
        sent: counts.sent,
        samples,
        failed: counts.failed,
        per_second: samples as f64 * SECOND as f64 / length.max(1) as f64,
        p50_ns: latency.value_at_quantile(0.5),
        p95_ns: latency.value_at_quantile(0.95),
        p99_ns: latency.value_at_quantile(0.99),
        max_ns: latency.max(),
        service_p99_ns: service.value_at_quantile(0.99),
    }
}
