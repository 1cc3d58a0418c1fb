//! Properties of the functions of requests: the samples that they need, the delay of the generator that affects them, and their
//! names in a sentence.

use super::function::{Direction, Failures, Statistic};
use crate::base::units;
use crate::check::types::Type;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Of the samples and counts of recorded series.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestFunction {
    Quantile(f64),
    Count,
    Throughput,
    ErrorRate,
    Dropped,
    /// The threshold T in nanoseconds: satisfied up to T, tolerating up to 4T (apdex.org).
    Apdex(f64),
    Bandwidth,
    /// The objective as a share: how many times too fast its error budget is spent.
    BurnRate(f64),
    Availability,
    #[serde(untagged)]
    Statistic(Statistic),
}

/// Which delay of the generator can have made a value what it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Delay {
    /// It is in every time, and so in the value.
    Adds(Added),
    /// It spreads the times around their mean, or around a threshold of its own.
    Blurs { threshold: Option<f64> },
    /// What it kept from being sent is missing.
    Unsent,
    /// What found no place in flight may have found one with a better generator.
    Drops,
    /// Requests that waited for it may have ended as timeouts.
    Fails,
}

/// What a delay adds to a function of times, at the most: the same function of the delays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Added {
    Quantile(f64),
    Mean,
    Min,
    Max,
}

/// The samples without which a value is chance, and of what: `a quantile of 95%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Least {
    pub samples: u64,
    pub noun: &'static str,
    pub share: f64,
}

impl std::fmt::Display for Least {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a {} of {}", self.noun, units::percent(self.share))
    }
}

/// Quantiles with names of their own.
const NAMED: [(f64, &str); 6] =
    [(0.5, "p50"), (0.75, "p75"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99"), (0.999, "p999")];

const fn named(share: f64) -> Option<&'static str> {
    let mut at = 0;
    while at < NAMED.len() {
        if NAMED[at].0 == share {
            return Some(NAMED[at].1);
        }
        at += 1;
    }
    None
}

/// The samples that a quantile needs to be more than chance: 5/(1−q).
fn samples_of_quantile(q: f64) -> u64 {
    (5.0 / (1.0 - q) - 1e-6).ceil() as u64
}

impl RequestFunction {
    pub(super) const fn name(self) -> &'static str {
        match self {
            RequestFunction::Quantile(share) => match named(share) {
                Some(name) => name,
                None => "quantile",
            },
            RequestFunction::Count => "count",
            RequestFunction::Throughput => "throughput",
            RequestFunction::ErrorRate => "error_rate",
            RequestFunction::Dropped => "dropped",
            RequestFunction::Apdex(_) => "apdex",
            RequestFunction::Bandwidth => "bandwidth",
            RequestFunction::BurnRate(_) => "burn_rate",
            RequestFunction::Availability => "availability",
            RequestFunction::Statistic(statistic) => statistic.name(),
        }
    }

    pub(super) fn argument(self) -> Option<(f64, Type)> {
        match self {
            RequestFunction::Quantile(share) => named(share).is_none().then_some((share, Type::Percent)),
            RequestFunction::Apdex(threshold) => Some((threshold, Type::Duration)),
            RequestFunction::BurnRate(objective) => Some((objective, Type::Percent)),
            RequestFunction::Count | RequestFunction::Throughput | RequestFunction::ErrorRate => None,
            RequestFunction::Dropped | RequestFunction::Bandwidth | RequestFunction::Availability => None,
            RequestFunction::Statistic(_) => None,
        }
    }

    pub(super) fn with(self, argument: f64) -> Result<RequestFunction, &'static str> {
        match self {
            RequestFunction::Quantile(_) if !(0.0..1.0).contains(&argument) => {
                Err("a quantile lies between 0% and 100%")
            }
            RequestFunction::Quantile(_) => Ok(RequestFunction::Quantile(argument)),
            RequestFunction::Apdex(_) => Ok(RequestFunction::Apdex(argument)),
            RequestFunction::BurnRate(_) => Ok(RequestFunction::BurnRate(argument)),
            RequestFunction::Count | RequestFunction::Throughput | RequestFunction::ErrorRate => Ok(self),
            RequestFunction::Dropped | RequestFunction::Bandwidth | RequestFunction::Availability => Ok(self),
            RequestFunction::Statistic(_) => Ok(self),
        }
    }

    /// As the subject of a sentence.
    pub fn word(self) -> String {
        let word = match self {
            RequestFunction::Quantile(share) => {
                let percent = format!("{:.2}", share * 100.0);
                return format!("p{}", percent.trim_end_matches('0').trim_end_matches('.').replace('.', ""));
            }
            RequestFunction::Count => "the count",
            RequestFunction::Throughput => "the throughput",
            RequestFunction::ErrorRate => "the error rate",
            RequestFunction::Dropped => "what was dropped",
            RequestFunction::Apdex(_) => "apdex",
            RequestFunction::Bandwidth => "the bandwidth",
            RequestFunction::BurnRate(_) => "the burn rate",
            RequestFunction::Availability => "the availability",
            RequestFunction::Statistic(Statistic::Mean) => "the mean",
            RequestFunction::Statistic(Statistic::Min) => "the minimum",
            RequestFunction::Statistic(Statistic::Max) => "the maximum",
            RequestFunction::Statistic(Statistic::Stddev) => "the standard deviation",
        };
        word.to_owned()
    }

    pub fn direction(self) -> Direction {
        match self {
            RequestFunction::Quantile(_) => Direction::OfValues,
            RequestFunction::Throughput | RequestFunction::Apdex(_) | RequestFunction::Availability => Direction::More,
            RequestFunction::ErrorRate | RequestFunction::Dropped | RequestFunction::BurnRate(_) => Direction::Less,
            // As much as was asked for, and what that took.
            RequestFunction::Count | RequestFunction::Bandwidth => Direction::Neither,
            RequestFunction::Statistic(statistic) => statistic.direction(),
        }
    }

    pub(super) fn is_timed(self) -> bool {
        match self {
            RequestFunction::ErrorRate | RequestFunction::BurnRate(_) => false,
            RequestFunction::Quantile(_) | RequestFunction::Apdex(_) | RequestFunction::Statistic(_) => true,
            RequestFunction::Count | RequestFunction::Throughput | RequestFunction::Bandwidth => true,
            RequestFunction::Dropped | RequestFunction::Availability => true,
        }
    }

    pub(super) fn failures(self) -> Failures {
        match self {
            RequestFunction::ErrorRate | RequestFunction::BurnRate(_) | RequestFunction::Availability => {
                Failures::Counted
            }
            RequestFunction::Apdex(_) | RequestFunction::Throughput => Failures::Counted,
            RequestFunction::Quantile(_) | RequestFunction::Statistic(Statistic::Mean | Statistic::Max) => {
                Failures::Hidden
            }
            RequestFunction::Statistic(Statistic::Min | Statistic::Stddev) => Failures::Aside,
            RequestFunction::Count | RequestFunction::Dropped | RequestFunction::Bandwidth => Failures::Aside,
        }
    }

    pub(super) fn is_often_zero(self) -> bool {
        match self {
            RequestFunction::ErrorRate | RequestFunction::Dropped => true,
            RequestFunction::Quantile(_) | RequestFunction::Apdex(_) | RequestFunction::Statistic(_) => false,
            RequestFunction::Count | RequestFunction::Throughput | RequestFunction::Bandwidth => false,
            RequestFunction::BurnRate(_) | RequestFunction::Availability => false,
        }
    }

    /// The samples that it needs by itself.
    pub fn least_samples(self) -> Option<Least> {
        match self {
            RequestFunction::Quantile(share) => {
                Some(Least { samples: samples_of_quantile(share), noun: "quantile", share })
            }
            RequestFunction::Apdex(_) | RequestFunction::Statistic(_) | RequestFunction::Count => None,
            RequestFunction::Throughput | RequestFunction::Bandwidth | RequestFunction::Dropped => None,
            RequestFunction::ErrorRate | RequestFunction::BurnRate(_) | RequestFunction::Availability => None,
        }
    }

    /// The samples that each part of its window needs for its spread: twice what its value needs by itself. None for what is
    /// counted and not estimated.
    pub fn samples_of_part(self) -> Option<u64> {
        match self {
            RequestFunction::Quantile(share) => Some(2 * samples_of_quantile(share)),
            RequestFunction::Statistic(Statistic::Mean | Statistic::Stddev) | RequestFunction::Apdex(_) => Some(20),
            RequestFunction::Throughput | RequestFunction::Bandwidth => Some(20),
            RequestFunction::ErrorRate | RequestFunction::BurnRate(_) => Some(20),
            RequestFunction::Statistic(Statistic::Min | Statistic::Max) => None,
            RequestFunction::Count | RequestFunction::Dropped | RequestFunction::Availability => None,
        }
    }

    /// The least and the greatest value that it can have.
    pub fn values(self) -> (f64, f64) {
        match self {
            RequestFunction::ErrorRate | RequestFunction::Availability | RequestFunction::Apdex(_) => (0.0, 1.0),
            RequestFunction::BurnRate(objective) => (0.0, 1.0 / (1.0 - objective)),
            RequestFunction::Quantile(_) | RequestFunction::Statistic(_) => (0.0, f64::INFINITY),
            RequestFunction::Count | RequestFunction::Throughput | RequestFunction::Bandwidth => (0.0, f64::INFINITY),
            RequestFunction::Dropped => (0.0, f64::INFINITY),
        }
    }

    /// Times this it is a share of requests, for what is one.
    pub fn share(self) -> Option<f64> {
        match self {
            RequestFunction::ErrorRate => Some(1.0),
            RequestFunction::BurnRate(objective) => Some(1.0 - objective),
            RequestFunction::Quantile(_) | RequestFunction::Apdex(_) | RequestFunction::Statistic(_) => None,
            RequestFunction::Count | RequestFunction::Throughput | RequestFunction::Bandwidth => None,
            // Of seconds.
            RequestFunction::Availability | RequestFunction::Dropped => None,
        }
    }

    pub fn delay(self) -> Delay {
        match self {
            RequestFunction::Quantile(share) => Delay::Adds(Added::Quantile(share)),
            RequestFunction::Statistic(Statistic::Mean) => Delay::Adds(Added::Mean),
            RequestFunction::Statistic(Statistic::Min) => Delay::Adds(Added::Min),
            RequestFunction::Statistic(Statistic::Max) => Delay::Adds(Added::Max),
            RequestFunction::Statistic(Statistic::Stddev) => Delay::Blurs { threshold: None },
            RequestFunction::Apdex(threshold) => Delay::Blurs { threshold: Some(threshold) },
            RequestFunction::Throughput | RequestFunction::Bandwidth | RequestFunction::Count => Delay::Unsent,
            RequestFunction::Dropped => Delay::Drops,
            RequestFunction::ErrorRate | RequestFunction::BurnRate(_) | RequestFunction::Availability => Delay::Fails,
        }
    }

    /// Whether it is computed of how long each request took.
    pub fn is_of_times(self) -> bool {
        match self.delay() {
            Delay::Adds(_) | Delay::Blurs { .. } => true,
            Delay::Unsent | Delay::Drops | Delay::Fails => false,
        }
    }

    /// Whether it looks at single seconds, which are then kept.
    pub fn is_by_seconds(self) -> bool {
        match self {
            RequestFunction::Availability => true,
            RequestFunction::Quantile(_) | RequestFunction::Apdex(_) | RequestFunction::Statistic(_) => false,
            RequestFunction::Count | RequestFunction::Throughput | RequestFunction::Bandwidth => false,
            RequestFunction::ErrorRate | RequestFunction::BurnRate(_) | RequestFunction::Dropped => false,
        }
    }

    /// Whether the bytes of bodies are counted for it.
    pub fn counts_bytes(self) -> bool {
        match self {
            RequestFunction::Bandwidth => true,
            RequestFunction::Quantile(_) | RequestFunction::Apdex(_) | RequestFunction::Statistic(_) => false,
            RequestFunction::Count | RequestFunction::Throughput | RequestFunction::Availability => false,
            RequestFunction::ErrorRate | RequestFunction::BurnRate(_) | RequestFunction::Dropped => false,
        }
    }
}
