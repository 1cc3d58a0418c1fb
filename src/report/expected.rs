//! What was expected, and what came out.

use super::seconds::seconds;
use crate::judge::{Standing, Verdict};
use crate::metric::{Grounds, Judged, Outcome, Quantity, Slices};
use crate::plan::{AcrossRuns, Plan, Range};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// One expectation.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Expected {
    pub text: String,
    pub line: usize,
    /// Nobody wrote it.
    pub implied: bool,
    #[serde(rename = "verdict", serialize_with = "word")]
    #[schemars(with = "String")]
    pub outcome: Outcome,
    #[serde(flatten)]
    #[schemars(with = "Told<'_>")]
    pub compared: Compared,
    pub samples: u64,
    /// Why nothing can be said of it.
    pub reason: Option<String>,
    pub standing: Standing,
    /// Where in the run the value was, for what is judged in slices.
    #[serde(rename = "when_s", serialize_with = "seconds")]
    #[schemars(with = "Option<(f64, f64)>")]
    pub when: Option<Range>,
    pub slices: Option<Slices>,
    /// What its runs said against those of a baseline.
    #[serde(rename = "baseline", skip_serializing_if = "Option::is_none")]
    pub across: Option<AcrossRuns>,
    /// What the verdict rests on, in codes and numbers.
    pub grounds: Grounds,
    /// The bound lies where the value may be, though it was judged as it was measured.
    pub near_bound: bool,
}

/// What was measured, and what it was compared with: written as a person reads it, and beside that as numbers.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    pub value: Option<Quantity>,
    pub bound: Option<Quantity>,
}

/// How both are written.
#[derive(JsonSchema, Serialize)]
struct Told<'c> {
    /// What was measured, as a person reads it.
    value: Option<String>,
    /// What that was compared with.
    bound: Option<String>,
    numbers: Numbers<'c>,
}

/// The same for programs.
#[derive(JsonSchema, Serialize)]
struct Numbers<'c> {
    value: &'c Option<Quantity>,
    bound: &'c Option<Quantity>,
}

impl Serialize for Compared {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = |side: &Option<Quantity>| side.as_ref().map(Quantity::to_string);
        let Compared { value, bound } = self;
        Told { value: text(value), bound: text(bound), numbers: Numbers { value, bound } }.serialize(serializer)
    }
}

/// As verdicts of a whole run are called.
fn word<S: Serializer>(outcome: &Outcome, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match outcome {
        Outcome::Held => "passed",
        Outcome::Failed => "failed",
        Outcome::Inconclusive => "inconclusive",
    })
}

pub fn expected(plan: &Plan, verdict: &Verdict) -> Vec<Expected> {
    let judged = verdict.expectations.iter().zip(&verdict.standings);
    let all = plan.expectations.iter().zip(judged).map(|(planned, (judged, standing))| {
        let Judged { outcome, value, bound, samples, reason, when, slices, grounds, across, .. } = judged.clone();
        let (text, line, implied) = (planned.text.clone(), planned.line, planned.implied);
        let compared = Compared { value, bound };
        let (standing, near_bound) = (*standing, grounds.is_near());
        Expected {
            text,
            line,
            implied,
            outcome,
            compared,
            samples,
            reason,
            standing,
            when,
            slices,
            grounds,
            near_bound,
            across,
        }
    });
    all.collect()
}
