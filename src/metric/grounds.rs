//! What a verdict rests on, in codes and numbers, so that programs need not read sentences. Existing entries keep their names and
//! meanings.

use super::counted::CountGrounds;
use crate::base::distributions::{POWER, TWO_SIDED};
use schemars::JsonSchema;
use serde::Serialize;

/// The reason for the outcome of a condition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// There was nothing to compare.
    #[default]
    NoValue,
    /// The measured or counted value met its bound.
    Met,
    Missed,
    /// All, none or a part of the interval of the difference meets the bound.
    IntervalMet,
    IntervalMissed,
    IntervalStraddles,
    /// The halves of the window have different slopes.
    NotSettled,
    /// With so few samples, chance explains the miss.
    MayBeChance,
    /// The value lies at a request without an answer.
    NoAnswer,
    /// By slices of its scope, or by looks.
    Parts,
    /// The run was cut short.
    CutShort,
    /// The value is near its bound, and the condition is `strict`.
    NearBound,
}

/// The kind of noise that an interval includes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Noise {
    /// Batches of each side, treated as independent.
    Batches,
    /// Batches of both sides at the same times.
    PairedBatches,
    /// The noise of the estimate itself: of slopes, of the fit of a law, of the levels of a search.
    OfTheEstimate,
    /// Independent samples, too few for batches.
    Samples,
}

/// How much the left side exceeds the right one.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize)]
pub struct Difference {
    /// In base units, like all of its fields.
    pub estimate: f64,
    /// Its 95% interval; an unknown end is null.
    #[schemars(with = "Option<f64>")]
    pub low: f64,
    #[schemars(with = "Option<f64>")]
    pub high: f64,
    /// The smallest distance from the bound that would be detected four times out of five.
    #[schemars(with = "Option<f64>")]
    pub smallest_change: f64,
    pub noise: Noise,
}

impl Difference {
    pub fn new(estimate: f64, (low, high): (f64, f64), noise: Noise) -> Difference {
        let half = (high - low) / 2.0;
        Difference { estimate, low, high, smallest_change: half * (1.0 + POWER / TWO_SIDED), noise }
    }

    pub fn ends(self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// The same with the sides exchanged.
    pub fn turned(self) -> Difference {
        Difference { estimate: -self.estimate, low: -self.high, high: -self.low, ..self }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, JsonSchema, Serialize)]
pub struct Grounds {
    pub code: Why,
    pub difference: Option<Difference>,
    /// The 95% interval of the value that was compared with a constant.
    #[schemars(with = "Option<(Option<f64>, Option<f64>)>")]
    pub interval: Option<(f64, f64)>,
    /// It was found by looks, one per second over this many nanoseconds before it, so it is late by part of that.
    pub look: Option<u64>,
    /// Of a counter that is compared with what was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted: Option<CountGrounds>,
}

impl Grounds {
    pub fn of(code: Why) -> Grounds {
        Grounds { code, ..Grounds::default() }
    }

    /// The measured value met or missed its bound, and the bound lies within its interval.
    pub fn is_near(&self) -> bool {
        let straddles = |difference: Difference| difference.low < 0.0 && 0.0 < difference.high;
        matches!(self.code, Why::Met | Why::Missed | Why::NearBound) && self.difference.is_some_and(straddles)
    }
}
