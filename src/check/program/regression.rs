//! The results of comparing runs with those of a baseline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a metric has become worse, as far as runs can tell.
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

/// A metric of some runs, compared with that of a baseline.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct AcrossRuns {
    pub verdict: Regression,
    /// The mean of the baseline.
    pub baseline: f64,
    /// Whether changes are shares of the baseline. Otherwise they are differences in the unit of the metric.
    pub is_relative: bool,
    /// The change against the baseline, and its interval. Each end is right in 95% of comparisons, or in fewer if the
    /// comparison is judged after each run.
    pub change: f64,
    pub low: f64,
    pub high: f64,
    /// The tolerated change.
    pub allowed: f64,
    /// The smallest change for the worse that four of five such comparisons would have detected.
    pub smallest: f64,
    /// The probability of a result as bad as this if nothing had changed.
    pub chance: f64,
    /// The number of runs of the baseline, and of the new runs.
    pub runs: (usize, usize),
    /// Whether the baseline is a single run, which may be an exception.
    pub is_advisory: bool,
}

impl AcrossRuns {
    /// The mean of the new runs, of which this is the last.
    pub fn now(&self, last: f64) -> f64 {
        match (self.runs.1, self.is_relative) {
            (..=1, _) => last,
            (_, true) => self.baseline * (1.0 + self.change),
            (_, false) => self.baseline + self.change,
        }
    }
}
