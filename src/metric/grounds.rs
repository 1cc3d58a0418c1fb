//! What a verdict rests on, in codes and numbers, so that programs need not read sentences. Existing entries keep their names and
//! meanings.

use crate::base::distributions::{POWER, TWO_SIDED};
use schemars::JsonSchema;
use serde::Serialize;

/// By what a condition came out as it did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// There was nothing to compare.
    #[default]
    NoValue,
    /// As it was measured, or counted, it met its bound.
    Met,
    Missed,
    /// All of the interval of the difference meets the bound, none of it, or a part.
    IntervalMet,
    IntervalMissed,
    IntervalStraddles,
    /// The halves of its window grow otherwise.
    NotSettled,
    /// As few samples miss it by chance where what they are of meets it.
    MayBeChance,
    /// It lies at a request that got no answer.
    NoAnswer,
    /// By slices of its scope, or by looks.
    Parts,
    /// The run was cut short.
    CutShort,
    /// It is near its bound, where that was not to be.
    NearBound,
}

/// What an interval knows of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Noise {
    /// Batches of each side, as though these knew nothing of each other.
    Batches,
    /// Batches of both sides at the same times.
    PairedBatches,
    /// That of the estimate itself: of slopes, of the fit of a law, of levels that were tried.
    OfTheEstimate,
    /// Independent samples, too few for batches.
    Samples,
}

/// By how much the left side is above the right one.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize)]
pub struct Difference {
    /// In base units, as all of it.
    pub estimate: f64,
    /// Where it lies with 95% certainty; an end that is not known is null.
    #[schemars(with = "Option<f64>")]
    pub low: f64,
    #[schemars(with = "Option<f64>")]
    pub high: f64,
    /// So much from the bound it must be to be told from it four times of five.
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

    /// The same seen from the other side.
    pub fn turned(self) -> Difference {
        Difference { estimate: -self.estimate, low: -self.high, high: -self.low, ..self }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, JsonSchema, Serialize)]
pub struct Grounds {
    pub code: Why,
    pub difference: Option<Difference>,
    /// Where what was compared with a constant lies with 95% certainty.
    #[schemars(with = "Option<(Option<f64>, Option<f64>)>")]
    pub interval: Option<(f64, f64)>,
    /// It was found by looks, one per second over this many nanoseconds before it, so it is late by part of that.
    pub look: Option<u64>,
}

impl Grounds {
    pub fn of(code: Why) -> Grounds {
        Grounds { code, ..Grounds::default() }
    }

    /// It met or missed its bound as it was measured, and the bound lies where the value may be.
    pub fn is_near(&self) -> bool {
        let straddles = |difference: Difference| difference.low < 0.0 && 0.0 < difference.high;
        matches!(self.code, Why::Met | Why::Missed | Why::NearBound) && self.difference.is_some_and(straddles)
    }
}
