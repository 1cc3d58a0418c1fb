//! Plan and measurements → verdict: each expectation, whether the numbers may be trusted, and one exit code.

mod limit;
mod order;
mod others;
mod rules_seen;
mod score;
mod standing;
mod trust;

pub use limit::{Caveat, Evidence, Subject};
pub use order::Rank;
pub use others::Others;
pub use rules_seen::{AlertSeen, MemberAlerts, RuleSeen, RuleState, rules_seen};
pub use score::{Came, Coverage, Gate, MemberOutcome, ScoreRange, Scored, SuiteVerdict, rule_share, suite};
pub use standing::Standing;
pub use trust::{Trust, TrustState};

use crate::base::units::{self};
use crate::baseline::BaselineRun;
use crate::measure::Stats;
use crate::metric::{self, Grounds, Judged, Known, Outcome, Quantity, Why};
use crate::plan::{Binary, Condition, Expectation, Function, Measured, Plan, RequestFunction};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    Passed,
    Failed,
    Inconclusive,
    Untrusted,
    Aborted,
    Error,
}

impl VerdictKind {
    pub fn exit_code(self) -> u8 {
        match self {
            VerdictKind::Passed => 0,
            VerdictKind::Failed => 1,
            VerdictKind::Error => 3,
            VerdictKind::Inconclusive => 4,
            VerdictKind::Untrusted => 5,
            VerdictKind::Aborted => 130,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub rank: Rank,
    pub kind: VerdictKind,
    pub exit_code: u8,
    /// The reason in one sentence, if the expectations alone do not give it.
    pub reason: Option<String>,
    pub expectations: Vec<Judged>,
    /// How each of them stands, whatever the generator did.
    pub standings: Vec<Standing>,
    pub trust: Trust,
    /// Notes on the runs that it was compared with, in sentences.
    pub notes: Vec<String>,
    /// Those runs, the oldest first.
    pub before: Vec<BaselineRun>,
}

pub fn judge(plan: &Plan, stats: &Stats, others: &Others) -> Verdict {
    let judged = |e: &Expectation| {
        let judged = metric::judge(&others.known(&e.condition), stats);
        let judged = if e.strict { strictly(judged) } else { judged };
        if stats.is_whole() || is_final(&e.condition, &judged) { judged } else { until_cut(judged) }
    };
    let expectations: Vec<Judged> = plan.expectations.iter().map(judged).collect();
    let (trust, standings) = trust::trust(plan, stats, &expectations);
    let written = plan.expectations.iter().any(|expectation| !expectation.implied);
    let (rank, reason) = first(stats, (&expectations, written), &standings, &trust);
    let (kind, exit_code) = (rank.kind(), rank.exit_code());
    let (notes, before) = (others.notes.clone(), others.runs.clone());
    Verdict { rank, kind, exit_code, reason, expectations, standings, trust, notes, before }
}

/// The expectations, by their places, that would fail if the run ended now, with what was measured so far. What only grows towards its bound
/// is not among them, nor is a system that still has time to come back.
pub fn failing_so_far(plan: &Plan, stats: &Stats) -> Vec<(usize, Judged)> {
    let others = Others::default();
    let judged = |(index, own): (usize, &Expectation)| {
        let judged = metric::judge(&others.known(&own.condition), stats);
        let fails = judged.outcome == Outcome::Failed && !is_on_its_way(&own.condition) && !has_time(&judged);
        fails.then_some((index, judged))
    };
    plan.expectations.iter().enumerate().filter_map(judged).collect()
}

/// A number that only grows is held to a least value.
fn is_on_its_way(condition: &Condition) -> bool {
    let Condition::Compare { operator, left: Measured::Metric { metric, .. }, .. } = condition else { return false };
    let grows = matches!(metric.function(), Function::Requests(RequestFunction::Count));
    grows && matches!(operator, Binary::Equal | Binary::Greater | Binary::GreaterEqual)
}

/// What has not come back has not yet been away for longer than it may.
fn has_time(judged: &Judged) -> bool {
    let (Some(value), Some(bound)) = (&judged.value, &judged.bound) else { return false };
    matches!(value.known, Known::NotBackWithin | Known::LongerThan) && value.number < bound.number
}

/// A number that only grows has passed its bound, whatever follows.
fn is_final(condition: &Condition, judged: &Judged) -> bool {
    let Condition::Compare { operator, left: Measured::Metric { metric, .. }, right: Measured::Constant { .. } } =
        condition
    else {
        return false;
    };
    let grows = matches!(
        metric.function(),
        Function::Crashes | Function::Requests(RequestFunction::Count | RequestFunction::Dropped)
    );
    let bounds_above = matches!(operator, Binary::Equal | Binary::Less | Binary::LessEqual);
    let above =
        judged.value.as_ref().zip(judged.bound.as_ref()).is_some_and(|(value, bound)| value.number > bound.number);
    grows && bounds_above && above && judged.outcome == Outcome::Failed
}

/// What may as well come out otherwise in the next run has not come out at all.
fn strictly(judged: Judged) -> Judged {
    match (judged.grounds.interval, &judged.value) {
        (Some(interval), Some(value)) if judged.grounds.is_near() => {
            let interval = Quantity::interval(interval, value.unit);
            let reason =
                Some(format!("{value}, near the bound: {interval}, so it may be either: hold the load longer"));
            let grounds = Grounds { code: Why::NearBound, ..judged.grounds };
            Judged { outcome: Outcome::Inconclusive, reason, grounds, ..judged }
        }
        _ => judged,
    }
}

/// What is so in a part of its window could still have become otherwise in the rest.
fn until_cut(judged: Judged) -> Judged {
    match (judged.outcome, &judged.value) {
        (Outcome::Held | Outcome::Failed, Some(value)) => {
            let reason = Some(format!("{value} until the run was cut short"));
            Judged { outcome: Outcome::Inconclusive, reason, grounds: Grounds::of(Why::CutShort), ..judged }
        }
        _ => judged,
    }
}

/// What applies first of all that does, and why, where the expectations alone do not say it.
fn first(
    stats: &Stats,
    (expectations, written): (&[Judged], bool),
    standings: &[Standing],
    trust: &Trust,
) -> (Rank, Option<String>) {
    let mut found: Vec<(Rank, Option<String>)> = Vec::new();
    let mut applies = |rank: Rank, reason: Option<String>| found.push((rank, reason));
    if let Some(reason) = not_run_to_its_end(stats) {
        applies(Rank::Error, Some(reason));
    }
    if let Some((at, reason)) = &stats.aborted {
        let at = units::whole_seconds(*at);
        applies(Rank::Aborted, Some(format!("aborted at {at}: {reason}")));
    }
    if stats.interrupted {
        applies(Rank::Interrupted, Some("interrupted; what was measured until then is below".to_owned()));
    }
    if !stats.complete {
        applies(Rank::Interrupted, Some("the run was cut off; what had been recorded is below".to_owned()));
    }
    if trust.state == TrustState::Untrusted {
        let reason = "the generator could not keep up, so its numbers are not trusted";
        applies(Rank::Untrusted, Some(reason.to_owned()));
    }
    for (judged, standing) in expectations.iter().zip(standings) {
        match (judged.outcome, standing) {
            (Outcome::Failed, Standing::InDoubt) => applies(Rank::FailedInDoubt, None),
            (Outcome::Failed, Standing::Stands | Standing::AtLeast) => applies(Rank::Failed, None),
            (Outcome::Inconclusive, _) => applies(Rank::Inconclusive, None),
            (Outcome::Held, _) => {}
        }
    }
    // Whatever held, it did so without what it was to be shown against.
    if let Some(reason) = metric::ineffective(stats).into_iter().next() {
        applies(Rank::Inconclusive, Some(reason));
    }
    // What no connection was had for was not sent, and a target failed it all the same.
    let measured = stats.numbers().any(|(_, counts)| {
        counts.sent > 0 || counts.failed.iter().any(|(failure, count)| failure.is_unanswered() && *count > 0)
    });
    if !measured {
        applies(Rank::Inconclusive, Some("nothing was sent".to_owned()));
    }
    let nothing = match (expectations.is_empty(), written) {
        (true, _) => Some("nothing was expected, so nothing could fail".to_owned()),
        (false, false) => Some("nothing was expected but that no service ends by itself".to_owned()),
        (false, true) => None,
    };
    applies(Rank::Passed, nothing);
    let rank = Rank::combined(found.iter().map(|(rank, _)| *rank));
    let reason = found.into_iter().find(|(own, _)| *own == rank).and_then(|(_, reason)| reason);
    (rank, reason)
}

/// Why nobody knows what the rest of a run would have shown, or what it has left behind.
fn not_run_to_its_end(stats: &Stats) -> Option<String> {
    if let Some((service, status, _)) = stats.died.first() {
        return Some(format!("the service `{service}` ended during the load ({status})"));
    }
    if let Some((service, problem)) = &stats.displaced {
        return Some(format!("the service `{service}` is not alone: {problem}"));
    }
    match stats.not_torn_down.len() {
        0 => None,
        1 => Some("the teardown failed, so something may have been left behind".to_owned()),
        steps => Some(format!("the teardown failed in {steps} steps, so something may have been left behind")),
    }
}

#[cfg(test)]
mod tests;
