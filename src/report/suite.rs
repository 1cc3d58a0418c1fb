//! What is told of a suite: its verdict and score, when it is ready, and what came of each of its scenarios and why. As a report of a run
//! it is a value that holds all of it, and each format is a function of it alone.

use super::expected::{Expected, expected};
use super::seconds::seconds;
use crate::base::units::counted;
use crate::check::program::{Ready, RuleCoverage};
use crate::judge::{
    self, AlertSeen, Came, Coverage, Gate, MemberAlerts, MemberOutcome, RuleSeen, ScoreRange, Scored, SuiteVerdict,
    Verdict, VerdictKind,
};
use crate::measure::Stats;
use crate::metric::Outcome;
use crate::plan::{Plan, PlannedArea, PlannedMember, SuitePlan, expected_alerts};
use schemars::JsonSchema;
use serde::Serialize;

/// Serialised it is the `run.json` of a suite: a field that is there stays, with its name and meaning.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct SuiteReport {
    pub schema: u32,
    pub id: String,
    /// The file, or the directory whose scenarios were run.
    pub file: String,
    pub suite: String,
    pub profile: Option<String>,
    pub seed: u64,
    pub started: String,
    /// When it was taken up after it had ended early.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resumed: Vec<String>,
    /// What its runs took together, in nanoseconds.
    #[serde(rename = "duration_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub duration: u64,
    /// Whether it still runs, so that this is what is done so far.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub running: bool,
    pub verdict: VerdictKind,
    pub reason: Option<String>,
    pub exit_code: u8,
    pub score: ScoreRange,
    pub coverage: Coverage,
    /// Whether `ready when` holds, where the suite has one.
    #[schemars(with = "Option<String>")]
    pub ready: Option<Outcome>,
    /// The conditions of it, of which all must hold.
    pub gates: Vec<Gate>,
    /// The alerting rules that it counts, by file and labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RulesCovered>,
    pub areas: Vec<SuiteArea>,
    /// Where the full report is found, for formats that are only a part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_url: Option<String>,
}

/// The alerting rules of a file that a suite counts, and which of them its runs have seen fire.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct RulesCovered {
    pub file: String,
    pub labels: Vec<(String, String)>,
    /// The share that fired in time.
    pub share: ScoreRange,
    pub rules: Vec<RuleSeen>,
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct SuiteArea {
    pub name: String,
    pub weight: f64,
    pub score: ScoreRange,
    pub scenarios: Vec<SuiteMemberReport>,
}

/// A scenario of a suite.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct SuiteMemberReport {
    /// As the suite names it.
    pub path: String,
    pub file: String,
    pub scenario: String,
    #[serde(rename = "verdict")]
    pub outcome: MemberOutcome,
    /// How much of it counts in the score.
    pub counts: ScoreRange,
    #[serde(flatten)]
    pub came: MemberResult,
}

/// What came of a scenario, and the run that shows it.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct MemberResult {
    #[serde(skip)]
    pub outcome: MemberOutcome,
    /// The id of its run.
    pub run: Option<String>,
    pub started: Option<String>,
    /// How long ago that run was over when this was told, in nanoseconds.
    #[serde(rename = "age_s", serialize_with = "seconds")]
    #[schemars(with = "Option<f64>")]
    pub age: Option<u64>,
    #[serde(rename = "duration_s", serialize_with = "seconds")]
    #[schemars(with = "Option<f64>")]
    pub duration: Option<u64>,
    /// Why it is not a pass, the first first.
    pub reasons: Vec<String>,
    /// What came of the alerts that it expects to fire.
    #[serde(skip)]
    pub alerts: Vec<AlertSeen>,
}

/// What a record says of a suite next to its plan.
#[derive(Debug, Clone)]
pub struct SuiteFacts {
    pub id: String,
    pub started: String,
    pub seed: u64,
    pub resumed: Vec<String>,
}

impl MemberResult {
    /// Of a run that was made.
    pub fn of(plan: &Plan, stats: &Stats, verdict: &Verdict) -> MemberResult {
        let expects = plan.expectations.iter().any(|expectation| !expectation.implied);
        let outcome = MemberOutcome::of(verdict.rank, expects);
        let told = expected(plan, stats, verdict);
        let alerts = expected_alerts(plan)
            .filter_map(|(place, alert)| Some(AlertSeen::of(alert, verdict.expectations.get(place)?.outcome, outcome)));
        MemberResult {
            outcome,
            run: Some(stats.id.clone()),
            started: Some(stats.started.clone()),
            age: None,
            duration: Some(stats.end()),
            reasons: reasons(outcome, verdict, &told),
            alerts: alerts.collect(),
        }
    }

    /// Of one without a verdict.
    pub fn without(outcome: MemberOutcome, run: Option<String>, reason: Option<String>) -> MemberResult {
        let reasons = reason.into_iter().collect();
        MemberResult { outcome, run, started: None, age: None, duration: None, reasons, alerts: Vec::new() }
    }
}

fn reasons(outcome: MemberOutcome, verdict: &Verdict, told: &[Expected]) -> Vec<String> {
    let of = |wanted: Outcome| told.iter().filter(move |expected| expected.outcome == wanted).map(judged_by);
    let own = verdict.reason.clone().into_iter();
    match outcome {
        MemberOutcome::Passed => Vec::new(),
        MemberOutcome::Failed | MemberOutcome::FailedInDoubt => of(Outcome::Failed).collect(),
        MemberOutcome::Inconclusive => own.chain(of(Outcome::Inconclusive)).collect(),
        MemberOutcome::Untrusted => verdict.trust.reasons.clone(),
        MemberOutcome::Interrupted => vec!["it was interrupted".to_owned()],
        MemberOutcome::NothingExpected => vec!["it has no `expect`, so it tests nothing".to_owned()],
        MemberOutcome::Aborted | MemberOutcome::Error | MemberOutcome::Skipped | MemberOutcome::NotRun => own.collect(),
    }
}

fn judged_by(expected: &Expected) -> String {
    let value = expected.compared.value.as_ref().map(ToString::to_string);
    let found = expected.reason.clone().or(value);
    let text = format!("`{}`", expected.text);
    found.map_or(text.clone(), |found| format!("{text}: {found}"))
}

/// The report of a suite by what came of its scenarios, in their order.
pub fn suite(plan: &SuitePlan, facts: SuiteFacts, results: Vec<MemberResult>) -> SuiteReport {
    let mut results = results.into_iter();
    let not_run = || MemberResult::without(MemberOutcome::NotRun, None, None);
    let mut of_area = |area: &PlannedArea| {
        area.members.iter().map(|planned| told(planned, results.next().unwrap_or_else(not_run))).collect()
    };
    let came: Vec<Vec<SuiteMemberReport>> = plan.areas.iter().map(&mut of_area).collect();
    let duration = came.iter().flatten().filter_map(|member| member.came.duration).sum();
    let outcomes = |own: &Vec<SuiteMemberReport>| own.iter().map(|own| (own.path.clone(), own.outcome)).collect();
    let outcomes: Vec<Vec<(String, MemberOutcome)>> = came.iter().map(outcomes).collect();
    let scored: Vec<Scored<'_>> = plan
        .areas
        .iter()
        .zip(&outcomes)
        .map(|(area, members)| Scored { name: &area.name, weight: area.weight, members })
        .collect();
    let alerts: Vec<MemberAlerts> =
        plan.members().zip(came.iter().flatten()).map(|(planned, own)| alerts(planned, &own.came)).collect();
    let SuiteVerdict { rank, reason, score, areas, coverage, gates, ready } =
        judge::suite(Came { areas: &scored, alerts: &alerts }, plan.ready.as_ref());
    let areas = plan.areas.iter().zip(areas).zip(came).map(|((area, score), scenarios)| SuiteArea {
        name: area.name.clone(),
        weight: area.weight,
        score,
        scenarios,
    });
    SuiteReport {
        running: false,
        schema: super::SCHEMA,
        id: facts.id,
        file: plan.file.clone(),
        suite: plan.suite.clone(),
        profile: plan.profile.clone(),
        seed: facts.seed,
        started: facts.started,
        resumed: facts.resumed,
        duration,
        verdict: rank.kind(),
        reason,
        exit_code: rank.exit_code(),
        score,
        coverage,
        ready,
        gates,
        rules: plan.ready.as_ref().map_or_else(Vec::new, |ready| covered(ready, &alerts)),
        areas: areas.collect(),
        report_url: None,
    }
}

/// What came of the alerts of a scenario; those of one without a verdict were not tested.
fn alerts(planned: &PlannedMember, came: &MemberResult) -> MemberAlerts {
    let untested = planned.alerts.iter().map(|alert| AlertSeen { alert: alert.clone(), outcome: None });
    let alerts = if came.alerts.is_empty() { untested.collect() } else { came.alerts.clone() };
    MemberAlerts { path: planned.path.clone(), alerts }
}

fn covered(ready: &Ready, alerts: &[MemberAlerts]) -> Vec<RulesCovered> {
    let one = |of: &RuleCoverage| {
        let rules = judge::rules_seen(of, alerts);
        RulesCovered { file: of.file.clone(), labels: of.labels.clone(), share: judge::rule_share(&rules), rules }
    };
    ready.coverages().into_iter().map(one).collect()
}

fn told(planned: &PlannedMember, came: MemberResult) -> SuiteMemberReport {
    SuiteMemberReport {
        path: planned.path.clone(),
        file: planned.file.clone(),
        scenario: planned.scenario.clone(),
        outcome: came.outcome,
        counts: came.outcome.counts(),
        came,
    }
}

impl SuiteReport {
    pub fn members(&self) -> impl Iterator<Item = &SuiteMemberReport> {
        self.areas.iter().flat_map(|area| &area.scenarios)
    }

    /// `23 of 26 scenarios`
    pub fn covered(&self) -> String {
        format!("{} of {}", self.coverage.tested, counted(self.coverage.all as u64, "scenario"))
    }
}
