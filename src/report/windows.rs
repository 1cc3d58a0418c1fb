//! The windows of a report: each stage of each load, each level of a sweep, and each trial of a search, with what each step did in it.

use crate::base::units::{SECOND, grouped, measured_duration};
use crate::measure::{Failure, Ranked, Stats, Times, Tried};
use crate::metric::printed;
use crate::plan::{Load, Member, Plan, Range, Series, Stage, StageKind, Type};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// One stage of one load, one level of a sweep or one trial of a search, as planned and as it happened.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Window {
    pub load: String,
    pub name: String,
    pub judged: bool,
    pub start_ns: u64,
    pub end_ns: u64,
    /// Whether it follows the last stage: requests of iterations that began before its end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_after: bool,
    /// When everything planned in it had ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_ns: Option<u64>,
    /// The outcome, for a trial of a search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tried: Option<TrialOutcome>,
    pub planned: Option<u64>,
    pub started: u64,
    pub dropped: u64,
    pub unsent: u64,
    pub steps: Vec<StepRow>,
}

impl Window {
    /// How many iterations it had, and how it ended. What it is of stands before it where it is no stage.
    pub fn note(&self) -> String {
        let count = |n: u64| grouped(n as f64, 0);
        let mut note = match self.planned {
            Some(planned) => format!("{} of {} iterations started", count(self.started), count(planned)),
            None if self.is_after => "of iterations that began before".to_owned(),
            None => format!("{} iterations started", count(self.started)),
        };
        if self.dropped + self.unsent > 0 {
            let _ = write!(note, ", {} dropped, {} not started", count(self.dropped), count(self.unsent));
        }
        if let Some(done) = self.done_ns {
            let _ = write!(note, ", all done after {}", measured_duration(done.saturating_sub(self.start_ns) as f64));
        }
        if let Some(tried) = &self.tried {
            let _ = write!(note, ", {}: {}", tried.verdict, tried.because);
        }
        if !self.judged && !self.is_after {
            note.push_str(", not judged");
        }
        note
    }

    /// There is nothing to say of selected requests that never came.
    pub fn told_steps(&self) -> impl Iterator<Item = &StepRow> {
        self.steps.iter().filter(|row| !row.is_derived || row.samples > 0)
    }
}

impl StepRow {
    /// A time of its own, in its unit. `None` is a request without an answer.
    pub fn time(&self, recorded: Option<u64>) -> Option<String> {
        match (recorded, self.measured) {
            _ if self.samples == 0 => Some("–".to_owned()),
            (None, _) => None,
            (Some(recorded), Some((unit, worth))) => Some(printed(recorded as f64 * worth, unit)),
            (Some(recorded), None) => Some(measured_duration(recorded as f64)),
        }
    }
}

/// The outcome of a trial.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct TrialOutcome {
    pub level: f64,
    pub verdict: &'static str,
    pub because: String,
}

/// One step in one window.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct StepRow {
    pub series: String,
    pub step: String,
    /// Whether it is neither a group nor whole iterations, which consist of requests with their own rows.
    pub is_request: bool,
    /// Whether it repeats samples of another row: other times, or selected ones.
    pub is_derived: bool,
    /// For a measured value: its unit, and the size of one step of the recorded value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<(Type, f64)>,
    /// Counted by the instant of sending.
    pub sent: u64,
    /// Requests intended in the window that the target answered or failed. Every share and percentile here is of these.
    pub samples: u64,
    /// The kind of its row.
    #[serde(skip)]
    pub requests: u64,
    /// Failures by kind, including those of the generator.
    pub failed: BTreeMap<Failure, u64>,
    pub per_second: f64,
    /// How many of these got no complete answer.
    pub unanswered: u64,
    /// None if it lies at a request without an answer, as `max` always does if there is one.
    pub p50_ns: Option<u64>,
    pub p95_ns: Option<u64>,
    pub p99_ns: Option<u64>,
    pub max_ns: Option<u64>,
    pub service_p99_ns: Option<u64>,
}

/// A stage, or a part of one that is judged separately.
struct Section {
    name: String,
    range: Range,
    planned: Option<u64>,
    done: Option<u64>,
    tried: Option<TrialOutcome>,
}

pub fn windows(plan: &Plan, stats: &Stats) -> Vec<Window> {
    let mut windows = Vec::new();
    for (index, load) in plan.loads.iter().enumerate() {
        for (place, stage) in load.stages.iter().enumerate() {
            for part in parts(plan, stats, (index, load), (place, stage)) {
                windows.push(window(plan, stats, (index, load), stage.kind, part));
            }
        }
        // A record of the first format is told as it was then: its last window has them.
        windows.extend((plan.edition > 0).then(|| after(plan, stats, (index, load))).flatten());
    }
    windows
}

fn parts(plan: &Plan, stats: &Stats, (index, load): (usize, &Load), (place, stage): (usize, &Stage)) -> Vec<Section> {
    if stage.kind == StageKind::Sweep {
        let of_level = |(level, range): &(f64, Range)| Section {
            name: format!("{} {}", stage.name, load.shown(*level)),
            range: *range,
            // Of each stage it is known how many the seed gave, and no more.
            planned: (load.is_open() && !load.poisson).then(|| load.arrivals_within(*range, plan.share)),
            done: None,
            tried: None,
        };
        return stage.levels.iter().map(of_level).collect();
    }
    let trials: Vec<&Tried> = stats.tried.iter().filter(|tried| (tried.load, tried.stage) == (index, place)).collect();
    if !trials.is_empty() {
        let of_trial = |tried: &&Tried| Section {
            name: format!("{} {}", stage.name, load.shown(tried.level)),
            range: tried.judged,
            planned: None,
            done: None,
            tried: Some(TrialOutcome { level: tried.level, verdict: tried.word(), because: tried.said.clone() }),
        };
        return trials.iter().map(of_trial).collect();
    }
    vec![Section {
        name: stage.name.clone(),
        range: (stage.start, stage.end),
        planned: stats.planned(plan, index, place),
        done: stats.done(index, place),
        tried: None,
    }]
}

fn window(plan: &Plan, stats: &Stats, (index, load): (usize, &Load), kind: StageKind, part: Section) -> Window {
    let (start, end) = part.range;
    // What is late belongs to the last stage, and in a record of the first format what follows the last arrival too.
    let open = (start, if end == load.shape.end() { u64::MAX } else { end });
    let range = if plan.edition > 0 { part.range } else { open };
    let counts = stats.load(index, &[open]);
    let length = part.done.unwrap_or(end).min(end).saturating_sub(start);
    Window {
        load: load.name.clone(),
        name: part.name,
        judged: kind != StageKind::Warmup,
        is_after: false,
        start_ns: start,
        end_ns: end,
        done_ns: part.done,
        tried: part.tried,
        planned: part.planned,
        started: counts.started,
        dropped: counts.dropped,
        unsent: counts.unsent,
        steps: in_order(plan, index).into_iter().map(|series| row(plan, stats, series, range, length)).collect(),
    }
}

/// The requests of iterations that began before the end of a load and were due after it.
fn after(plan: &Plan, stats: &Stats, (index, load): (usize, &Load)) -> Option<Window> {
    let (start, end) = (load.shape.end(), stats.end());
    let range = (start, u64::MAX);
    let length = end.saturating_sub(start);
    let steps: Vec<StepRow> =
        in_order(plan, index).into_iter().map(|series| row(plan, stats, series, range, length)).collect();
    let is_seen = steps.iter().any(|row| row.requests > 0);
    is_seen.then(|| Window {
        load: load.name.clone(),
        name: "after".to_owned(),
        judged: false,
        is_after: true,
        start_ns: start,
        end_ns: end.max(start),
        done_ns: None,
        tried: None,
        planned: None,
        started: 0,
        dropped: 0,
        unsent: 0,
        steps,
    })
}

/// The series of a load, each followed by those derived from it.
fn in_order(plan: &Plan, load: usize) -> Vec<usize> {
    let mut own: Vec<usize> = (0..plan.series.len()).filter(|series| plan.series[*series].load == load).collect();
    own.sort_by_key(|series| plan.series[*series].derived.unwrap_or(*series));
    own
}

/// The name of a step, in a mix after that of its part.
fn step_name(plan: &Plan, series: &Series) -> String {
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

fn row(plan: &Plan, stats: &Stats, series: usize, range: Range, length: u64) -> StepRow {
    let counts = stats.counts(series, &[range]);
    let (mut latency, mut service) = (Times::default(), Times::default());
    stats.times(series, &[range], false, &mut latency);
    stats.times(series, &[range], true, &mut service);
    let time = |times: &Times, share: f64| match times.quantile(share) {
        Ranked::Time(time) => Some(time),
        Ranked::NoAnswer(_) => None,
        Ranked::Nothing => Some(0),
    };
    let samples = counts.ok + counts.target_failures();
    // A window that the run did not reach the end of is as long as it was.
    let length = length.min(stats.end().saturating_sub(range.0));
    let planned = &plan.series[series];
    StepRow {
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
        requests: if plan.edition > 0 { samples } else { counts.sent },
        failed: counts.failed,
        per_second: samples as f64 * SECOND as f64 / length.max(1) as f64,
        unanswered: latency.unanswered.len(),
        p50_ns: time(&latency, 0.5),
        p95_ns: time(&latency, 0.95),
        p99_ns: time(&latency, 0.99),
        max_ns: Some(latency.answered.max()).filter(|_| latency.unanswered.is_empty()),
        service_p99_ns: time(&service, 0.99),
    }
}
