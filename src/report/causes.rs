//! Why requests failed: each cause with how often, when first and when last.

use super::seconds::seconds;
use crate::check::all_steps;
use crate::measure::{Cause, Failure, Stats, cause};
use crate::plan::{Plan, Step};
use schemars::JsonSchema;
use serde::Serialize;

/// Requests of a step that failed for the same cause.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Failures {
    pub series: String,
    pub failure: Failure,
    pub status: Option<u16>,
    /// The condition that did not hold, as it is written.
    pub condition: Option<String>,
    /// Why there was no answer.
    pub because: Option<String>,
    /// Whether a fault gave the answers.
    pub injected: bool,
    pub count: u64,
    /// When the first and the last of them were intended.
    #[serde(rename = "first_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub first: u64,
    #[serde(rename = "last_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub last: u64,
    #[serde(skip)]
    pub cause: Cause,
}

/// By step, the most frequent first.
pub fn failures(plan: &Plan, stats: &Stats) -> Vec<Failures> {
    let of = |failed: crate::measure::Failed| {
        let series = plan.series.get(failed.series as usize);
        let cause = failed.cause;
        Failures {
            series: series.map_or(String::new(), |series| series.name.clone()),
            failure: cause.failure,
            status: (cause.status > 0).then_some(cause.status),
            condition: series.and_then(|series| condition(plan, series.flow, cause.why)),
            because: because(stats, failed.series, cause),
            injected: cause.injected,
            count: failed.tally.count,
            first: failed.tally.first,
            last: failed.tally.last,
            cause,
        }
    };
    let mut all: Vec<Failures> = stats.causes.all().map(of).collect();
    all.sort_by(|a, b| a.series.cmp(&b.series).then(b.count.cmp(&a.count)));
    all
}

/// As an example of them says it.
fn because(stats: &Stats, series: u32, cause: Cause) -> Option<String> {
    let mut examples = stats.examples.failed().filter(|_| cause.failure.says_why() && cause.why > 0);
    examples.find(|one| one.series == series && one.cause() == Some(cause))?.because.clone()
}

/// The text of a condition of a flow.
fn condition(plan: &Plan, flow: usize, why: u32) -> Option<String> {
    if why == 0 {
        return None;
    }
    let mut found = None;
    all_steps(&plan.flows.get(flow)?.steps, &mut |step| {
        let checks = match step {
            Step::Expect(checks) => checks,
            Step::Request(request) => &request.expects,
            Step::If { .. } | Step::Choose(_) | Step::Repeat(_) | Step::Each { .. } | Step::OncePerUser { .. } => {
                return;
            }
            Step::Group { .. } | Step::Acquire { .. } | Step::Let { .. } | Step::Think(_) => return,
            Step::Measure { .. } | Step::Count(_) => return,
        };
        let own = || checks.iter().find(|check| cause::why(&check.text) == why).map(|check| check.text.clone());
        found = found.take().or_else(own);
    });
    found
}
