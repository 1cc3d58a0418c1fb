//! What was expected, and what came out.

use super::seconds::seconds;
use crate::judge::{Standing, Verdict};
use crate::metric::{Judged, Outcome, Slices};
use crate::plan::{Plan, Range};
use serde::Serialize;

/// One expectation.
#[derive(Debug, Clone, Serialize)]
pub struct Expected {
    pub text: String,
    pub line: usize,
    #[serde(rename = "verdict", serialize_with = "word")]
    pub outcome: Outcome,
    pub value: Option<String>,
    pub bound: Option<String>,
    pub samples: u64,
    /// Why nothing can be said of it.
    pub reason: Option<String>,
    pub standing: Standing,
    /// Where in the run the value was, for what is judged in slices.
    #[serde(rename = "when_s", serialize_with = "seconds")]
    pub when: Option<Range>,
    pub slices: Option<Slices>,
}

/// As verdicts of a whole run are called.
fn word<S: serde::Serializer>(outcome: &Outcome, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match outcome {
        Outcome::Held => "passed",
        Outcome::Failed => "failed",
        Outcome::Inconclusive => "inconclusive",
    })
}

pub fn expected(plan: &Plan, verdict: &Verdict) -> Vec<Expected> {
    let judged = verdict.expectations.iter().zip(&verdict.standings);
    let all = plan.expectations.iter().zip(judged).map(|(planned, (judged, standing))| {
        let Judged { outcome, value, bound, samples, reason, when, slices, .. } = judged.clone();
        let (text, line) = (planned.text.clone(), planned.line);
        Expected { text, line, outcome, value, bound, samples, reason, standing: *standing, when, slices }
    });
    all.collect()
}
