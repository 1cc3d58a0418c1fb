//! A metric of one run: its value, and how far that may be from the value of a longer run.

use super::contrast::{Contrast, Sample, Scale};
use crate::check::program::{Function, RequestFunction, SeriesFunction, Statistic as Of};
use crate::plan::{MetricKey, Type};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistic {
    pub metric: MetricKey,
    pub unit: Type,
    /// In base units: nanoseconds, bytes, shares of one.
    pub value: f64,
    /// Where it lies with 95% certainty, by what was seen within the run alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// Its standard error within the run.
    pub error: f64,
    pub by: Within,
    pub samples: u64,
    /// Its values in consecutive parts of the window.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<f64>,
}

/// How the error within a run is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Within {
    /// By consecutive parts of the window, each with enough samples.
    Batches,
    /// By the ranks of its samples, as if each were by itself: the least that it can be.
    Ranks,
    /// By its interval.
    Interval,
    /// Not at all.
    Unknown,
}

impl Statistic {
    pub fn sample(&self, scale: Scale) -> Sample {
        let within = match scale {
            Scale::Ratio => self.error / self.value,
            Scale::Difference => self.error,
        };
        Sample { value: scale.of(self.value), within: within * within }
    }
}

/// How values of a metric are compared: a share of requests by the difference, and whatever is once not above nothing.
pub fn scale(function: Function, mut values: impl Iterator<Item = f64>) -> Scale {
    let is_share = match function {
        Function::Requests(of) => of.share().is_some() || matches!(of, RequestFunction::Availability),
        Function::Drift | Function::Ledger(_) | Function::Alerts(_) => true,
        Function::Capacity | Function::Crashes | Function::Series(_) | Function::Sweep(_) | Function::Recovery(_) => {
            false
        }
    };
    if !is_share && values.all(|value| value > 0.0) { Scale::Ratio } else { Scale::Difference }
}

/// How far runs are taken to lie apart before any is seen, as a share. What looks at the end of a distribution lies farther apart.
pub fn spread(function: Function) -> f64 {
    const CENTRE: f64 = 0.03;
    const SIDE: f64 = 0.04;
    const END: f64 = 0.06;
    match function {
        Function::Requests(RequestFunction::Quantile(share)) if share <= 0.5 => CENTRE,
        Function::Requests(RequestFunction::Quantile(share)) if share <= 0.95 => SIDE,
        Function::Requests(RequestFunction::Quantile(_)) => END,
        Function::Requests(RequestFunction::Statistic(Of::Max | Of::Min)) => END,
        Function::Requests(_) => CENTRE,
        Function::Series(SeriesFunction::Statistic(Of::Mean)) => CENTRE,
        Function::Series(_) | Function::Capacity | Function::Sweep(_) => SIDE,
        Function::Drift | Function::Crashes | Function::Recovery(_) | Function::Ledger(_) | Function::Alerts(_) => END,
    }
}

/// That spread on the scale of the comparison, of values about so large. What a share of requests lies apart by chance is known without.
pub fn assumed(function: Function, scale: Scale, about: f64) -> f64 {
    let is_of_requests = matches!(function, Function::Requests(of) if of.share().is_some());
    match scale {
        Scale::Ratio => spread(function),
        Scale::Difference if is_of_requests => 0.0,
        Scale::Difference => spread(function) * about.abs(),
    }
}

/// What runs say of a metric against those of a baseline; nothing where one side has none.
pub fn contrast(function: Function, before: &[&Statistic], now: &[&Statistic]) -> Option<Contrast> {
    let scale = scale(function, before.iter().chain(now).map(|one| one.value));
    let about = before.iter().map(|one| one.value.abs()).sum::<f64>() / before.len().max(1) as f64;
    let [base, candidate] = [before, now].map(|runs| runs.iter().map(|one| one.sample(scale)).collect::<Vec<Sample>>());
    Contrast::of(scale, assumed(function, scale, about), &base, &candidate)
}

/// Above this quantile so few samples decide that one run says little, where they do not reach for batches.
const FAR: f64 = 0.99;
pub const FEWEST_RUNS: usize = 3;

/// Whether a value rests on so few samples that it takes several runs on both sides.
pub fn needs_runs(function: Function, statistics: &[&Statistic]) -> bool {
    let is_far = matches!(function, Function::Requests(RequestFunction::Quantile(share)) if share >= FAR);
    is_far && statistics.iter().any(|one| one.by != Within::Batches)
}
