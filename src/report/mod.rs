//! Plan, measurements and verdict → what a person or a program reads. A report is a value that holds everything, so each format
//! is a function of the report alone.

mod addresses;
mod alerts;
mod badge;
mod before;
mod beside;
mod causes;
mod comparison;
mod counters;
mod course;
mod csv;
mod curves;
mod examples;
mod expected;
mod faults;
mod format;
mod gave_way;
mod generator;
mod github;
mod html;
mod json;
mod junit;
mod ledgers;
mod loads;
mod markdown;
mod notes;
mod phases;
mod seconds;
mod suite;
mod sweeps;
mod terminal;
mod timeline;
mod watched;
mod windows;

pub use addresses::AddressTotals;
pub use alerts::{
    AlertInstants, AlertScore, AlertShare, AlertTotals, DoubtfulRule, ExpectedAlert, OtherAlert, Part, Received, Spent,
    Time, Unasked,
};
pub use badge::{Badge, Tone};
pub use causes::Failures;
pub use comparison::{ComparedMetric, Comparison, Differs};
pub use counters::{CounterGap, CounterReset, CounterTotals, HistogramTotals};
pub use course::{Course, LoadCourse, Point};
pub use curves::{Curve, Curves};
pub use examples::{Examples, Told};
pub use expected::{Compared, EarlierValue, Expected, Found};
pub use faults::{Injection, Occurrence, PlannedEvent, PlannedFault, PlannedInjections};
pub use format::Format;
pub use gave_way::{Broke, Broken, GaveWay, Kind, Reached};
pub use generator::Health;
pub use json::json;
pub use ledgers::{LedgerTotals, Wronged};
pub use loads::{LoadTotals, Spread};
pub use phases::{Percentiles, PhaseTimes};
pub use suite::{MemberResult, SuiteFacts, SuiteReport, suite};
pub use sweeps::Sweep;
pub use terminal::{suite as suite_terminal, terminal};
pub use timeline::{LoadLines, Timeline, WatchedLine};
pub use watched::WatchedSeries;
pub use windows::{StepRow, TrialOutcome, Window};

use crate::baseline::BaselineRun;
use crate::judge::{Trust, Verdict, VerdictKind};
use crate::measure::Stats;
use crate::plan::{Plan, Share};
use schemars::JsonSchema;
use seconds::seconds;
use serde::Serialize;
// Of core, which opens nothing.
use core::net::SocketAddr;

pub const SCHEMA: u32 = 1;

/// The last line of a text that was too long to be kept.
pub const CUT: &str = "// …";

/// Everything that is reported about a run. Serialised, it is `run.json`: existing fields keep their names and
/// meanings.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Report {
    pub schema: u32,
    pub id: String,
    pub file: String,
    pub scenario: String,
    pub profile: Option<String>,
    pub seed: u64,
    pub plan_sha256: String,
    pub share: Share,
    pub started: String,
    /// The end of the measurements, in nanoseconds.
    #[serde(rename = "duration_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub duration: u64,
    /// Whether it was recorded to its end.
    pub complete: bool,
    pub verdict: VerdictKind,
    pub reason: Option<String>,
    /// What had reached its limit when latency or errors broke; none if neither did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gave_way: Option<GaveWay>,
    pub problems: Vec<String>,
    /// The failed steps of the teardown, which are among the problems too.
    pub not_torn_down: Vec<String>,
    pub restarts: Vec<Restart>,
    /// Services that ended while they were needed, which ended the run.
    pub died: Vec<Death>,
    /// The last output of services that were stopped at the end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Output>,
    pub aborted: Option<Aborted>,
    pub exit_code: u8,
    pub trust: Trust,
    /// What makes the numbers look better than they are, in sentences.
    pub notes: Vec<String>,
    pub expectations: Vec<Expected>,
    /// The runs of the baselines that something is compared with, the oldest first.
    #[serde(rename = "baseline_runs", skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<BaselineRun>,
    pub loads: Vec<LoadTotals>,
    pub windows: Vec<Window>,
    /// For each step that opened connections.
    pub phases: Vec<PhaseTimes>,
    /// For targets with several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressTotals>,
    pub course: Course,
    pub timeline: Timeline,
    /// The latency of each step by percentiles.
    pub curves: Curves,
    /// Of loads whose scaling something asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sweeps: Vec<Sweep>,
    /// Why requests failed, by step.
    pub failures: Vec<Failures>,
    pub examples: Examples,
    #[serde(rename = "metrics", serialize_with = "watched::by_name")]
    #[schemars(with = "std::collections::BTreeMap<String, WatchedSeries>")]
    pub watched: Vec<WatchedSeries>,
    /// Counters that were read from their raw samples.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub counters: Vec<CounterTotals>,
    pub planned: PlannedInjections,
    /// Each time that a fault was in force, in order.
    #[serde(rename = "faults")]
    pub injections: Vec<Injection>,
    /// The events that have begun, in order.
    #[serde(rename = "events")]
    pub occurrences: Vec<Occurrence>,
    pub ledgers: Vec<LedgerTotals>,
    /// The addresses over time of targets with `dns:`, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resolved: Vec<AddressChange>,
    /// For each source of alerts.
    pub alerts: Vec<AlertTotals>,
    pub generator: Health,
    /// The text of the file that was run, without the values of secrets; one that is too long ends with `// …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Where traces are found: an address with `{trace_id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_url: Option<String>,
    /// Where the full report is found, for formats that are only a part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_url: Option<String>,
}

/// A service that ended by itself and was started again.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Restart {
    pub service: String,
    /// In nanoseconds.
    pub at: u64,
    pub status: String,
}

/// The addresses of a target, from an instant on.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct AddressChange {
    pub target: String,
    #[serde(rename = "at_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub at: u64,
    pub addresses: Vec<String>,
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Death {
    pub service: String,
    pub status: String,
    /// Its last output.
    pub output: String,
}

/// When and why an `abort` ended the run.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Aborted {
    #[serde(rename = "at_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub at: u64,
    pub reason: String,
}

pub fn report(plan: &Plan, stats: &Stats, verdict: &Verdict) -> Report {
    let restart = |(service, at, status): &(String, u64, String)| Restart {
        service: service.clone(),
        at: *at,
        status: status.clone(),
    };
    let death = |(service, status, output): &(String, String, String)| Death {
        service: service.clone(),
        status: status.clone(),
        output: output.clone(),
    };
    let resolved = |(target, at, addresses): &(usize, u64, Vec<SocketAddr>)| AddressChange {
        target: plan.targets.get(*target).map_or_else(String::new, |target| target.name.clone()),
        at: *at,
        addresses: addresses.iter().map(ToString::to_string).collect(),
    };
    let resolved: Vec<AddressChange> = stats.resolved.iter().map(resolved).collect();
    let restarts: Vec<Restart> = stats.fell.iter().map(restart).collect();
    let planned = faults::planned(plan);
    let injections = faults::injections(plan, stats, &planned);
    let occurrences = faults::occurrences(stats, &planned);
    let (loads, windows) = (loads::loads(plan, stats), windows::windows(plan, stats));
    let generator = generator::health(plan, stats);
    let watched = watched::watched(plan, stats);
    Report {
        schema: SCHEMA,
        id: stats.id.clone(),
        file: plan.file.clone(),
        scenario: plan.scenario.clone(),
        profile: plan.profile.clone(),
        seed: stats.seed,
        plan_sha256: plan.fingerprint.clone(),
        share: plan.share,
        started: stats.started.clone(),
        duration: stats.end(),
        complete: stats.complete,
        verdict: verdict.kind,
        reason: verdict.reason.clone(),
        gave_way: gave_way::gave_way(plan, stats),
        problems: stats.problems.iter().chain(&stats.not_torn_down).cloned().collect(),
        not_torn_down: stats.not_torn_down.clone(),
        died: stats.died.iter().map(death).collect(),
        outputs: outputs(stats),
        aborted: stats.aborted.clone().map(|(at, reason)| Aborted { at, reason }),
        exit_code: verdict.exit_code,
        trust: verdict.trust.clone(),
        notes: {
            let own = notes::notes((&restarts, &resolved), &generator, &loads, &windows, &unverified(plan), &watched);
            verdict.notes.iter().cloned().chain(own).collect()
        },
        expectations: expected::expected(plan, stats, verdict),
        before: verdict.before.clone(),
        course: course::course(plan, stats, &planned, &injections, &occurrences),
        timeline: timeline::timeline(plan, stats),
        curves: curves::curves(plan, stats),
        sweeps: sweeps::sweeps(plan, stats),
        phases: phases::phases(plan, stats),
        addresses: addresses::addresses(plan, stats),
        failures: causes::failures(plan, stats),
        examples: examples::examples(plan, stats),
        watched,
        counters: counters::counters(plan, stats),
        ledgers: ledgers::ledgers(plan, stats),
        alerts: alerts::alerts(plan, stats),
        restarts,
        resolved,
        planned,
        injections,
        occurrences,
        loads,
        windows,
        generator,
        source: None,
        trace_url: None,
        report_url: None,
    }
}

/// The last lines of a service.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Output {
    pub service: String,
    pub output: String,
}

/// For a service that ended by itself, they are with that entry.
fn outputs(stats: &Stats) -> Vec<Output> {
    let is_told = |service: &str| stats.died.iter().any(|(died, ..)| died == service);
    let others = stats.outputs.iter().filter(|(service, _)| !is_told(service));
    others.map(|(service, output)| Output { service: service.clone(), output: output.clone() }).collect()
}

/// Targets whose certificates were not checked.
fn unverified(plan: &Plan) -> Vec<&str> {
    let blind = plan.targets.iter().filter(|target| target.tls.as_ref().is_some_and(|tls| !tls.verify));
    blind.map(|target| target.name.as_str()).collect()
}
