//! The results of comparing runs with those of a baseline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a metric is worse than it was, as far as runs can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regression {
    Regressed,
    Unchanged,
    Improved,
    Inconclusive,
}

impl Regression {
    pub fn word(self) -> &'static str {
        match self {
            Regression::Regressed => "regressed",
            Regression::Unchanged => "unchanged",
            Regression::Improved => "improved",
            Regression::Inconclusive => "inconclusive",
        }
    }
}

/// A metric of some runs beside the same of a baseline.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct AcrossRuns {
    pub verdict: Regression,
    /// The mean of the baseline.
    pub baseline: f64,
    /// Changes are shares of the baseline; else they are differences in the unit of the metric.
    pub is_relative: bool,
    /// How much more it is than the baseline, and between which it lies: each end is right in 95% of all comparisons, in fewer where
    /// it is looked at after each run.
    pub change: f64,
    pub low: f64,
    pub high: f64,
    /// By how much more, or less, it may be.
    pub allowed: f64,
    /// The smallest change for the worse that would have been seen in four of five such comparisons.
    pub smallest: f64,
    /// How likely it would come out so much worse if nothing had changed.
    pub chance: f64,
    /// Of the baseline, and of what is compared with it.
    pub runs: (usize, usize),
    /// The baseline is one run, which may be the odd one.
    pub is_advisory: bool,
}
