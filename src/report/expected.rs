//! What was expected, and what came out.

use super::badge::Tone;
use super::seconds::seconds;
use crate::base::units::{duration, grouped};
use crate::judge::{Standing, Verdict};
use crate::measure::Stats;
use crate::metric::{Grounds, Judged, Outcome, Quantity, Slices, judged_in, told_across};
use crate::plan::{AcrossRuns, Plan, Range};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use std::fmt::Write;

/// One expectation.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Expected {
    pub text: String,
    pub line: usize,
    /// Whether it is implied, and not written in the file.
    pub implied: bool,
    #[serde(rename = "verdict", serialize_with = "word")]
    #[schemars(with = "String")]
    pub outcome: Outcome,
    #[serde(flatten)]
    #[schemars(with = "Told<'_>")]
    pub compared: Compared,
    pub samples: u64,
    /// Why it is inconclusive.
    pub reason: Option<String>,
    pub standing: Standing,
    /// The slice of the run that has the value, for conditions in slices.
    #[serde(rename = "when_s", serialize_with = "seconds")]
    #[schemars(with = "Option<(f64, f64)>")]
    pub when: Option<Range>,
    pub slices: Option<Slices>,
    /// When in the run it was judged. Empty if the whole run counts.
    #[serde(rename = "windows_s", serialize_with = "seconds")]
    #[schemars(with = "Vec<(f64, f64)>")]
    pub windows: Vec<Range>,
    /// The comparison of its runs with those of a baseline.
    #[serde(rename = "baseline", skip_serializing_if = "Option::is_none")]
    pub across: Option<AcrossRuns>,
    /// What the verdict rests on, in codes and numbers.
    pub grounds: Grounds,
    /// Whether the bound lies within the interval of the value. The verdict is by the measured value.
    pub near_bound: bool,
    /// What it measured in earlier runs of the same plan, the oldest first. The history has them, and no record.
    #[serde(rename = "history", skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierValue>,
}

/// The value of an expectation in an earlier run.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct EarlierValue {
    pub run: String,
    pub started: String,
    /// The commit of the scenario's repository when the run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// In base units: nanoseconds, bytes, shares of one.
    pub value: f64,
}

/// The measured value and what it was compared with, as text and as numbers.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    pub value: Option<Quantity>,
    pub bound: Option<Quantity>,
}

/// What was found of an expectation, in words.
pub struct Found {
    /// The measured value, or why there is no verdict.
    pub value: String,
    pub tone: Tone,
    /// What more there is to know of it, which follows the value.
    pub more: String,
}

impl Expected {
    pub fn found(&self) -> Found {
        let value = self.compared.value.as_ref().map(Quantity::to_string);
        let (value, tone) = match (value, &self.reason) {
            (_, Some(reason)) => (reason.clone(), Tone::Unsure),
            (Some(value), None) if self.standing == Standing::AtLeast => (format!("at least {value}"), Tone::Plain),
            (Some(value), None) if self.outcome == Outcome::Failed => (value, Tone::Bad),
            (value, None) => (value.unwrap_or_default(), Tone::Plain),
        };
        Found { value, tone, more: self.more() }
    }

    fn more(&self) -> String {
        let Expected { outcome, grounds, reason, .. } = self;
        let mut text = String::new();
        if let (Some(slices), Some((from, to)), None) = (self.slices, self.when, reason) {
            let count = |n: usize| grouped(n as f64, 0);
            let _ = write!(text, " at {}–{}, ", duration(from), duration(to));
            let _ = match (outcome, slices.failed) {
                (Outcome::Failed, failed) => write!(text, "{} of {} slices failed", count(failed), count(slices.all())),
                _ => write!(text, "the worst of {}, {} held", count(slices.all()), count(slices.held)),
            };
            if slices.near > 0 {
                let _ = write!(text, ", {} near", count(slices.near));
            }
        }
        let value = self.compared.value.as_ref();
        if let (true, Some(interval), Some(value)) = (self.near_bound, grounds.interval, value) {
            let _ = write!(text, ", near the bound: {}", Quantity::interval(interval, value.unit));
        }
        if let (Some(window), None) = (grounds.look, reason) {
            let _ = write!(text, ", checked every 1s over the last {}", duration(window));
        }
        if let (Some(across), Some(value), None) = (&self.across, value, reason) {
            let _ = write!(text, ", {}", told_across(across, value.unit));
        }
        if let (Some(counted), None) = (&grounds.counted, reason) {
            let _ = write!(text, ", {}", counted.told());
        }
        text
    }
}

/// Both as text.
#[derive(JsonSchema, Serialize)]
struct Told<'c> {
    /// The measured value, as text.
    value: Option<String>,
    /// The value that it was compared with.
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

/// In the words for verdicts of a whole run.
fn word<S: Serializer>(outcome: &Outcome, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match outcome {
        Outcome::Held => "passed",
        Outcome::Failed => "failed",
        Outcome::Inconclusive => "inconclusive",
    })
}

pub fn expected(plan: &Plan, stats: &Stats, verdict: &Verdict) -> Vec<Expected> {
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
            windows: judged_in(&planned.condition, stats),
            grounds,
            near_bound,
            earlier: Vec::new(),
            across,
        }
    });
    all.collect()
}
