//! A judged number: its unit, its interval, and its text.

use super::printed;
use crate::base::units::{BandwidthUnit, duration, measured_duration};
use crate::plan::Type;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Quantity {
    /// In base units: nanoseconds, bytes, shares of one.
    pub number: f64,
    pub unit: Type,
    #[serde(flatten)]
    pub known: Known,
    /// How it is described next to a bound.
    #[serde(skip)]
    told_in: Option<BandwidthUnit>,
}

/// What the number of a quantity means.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
#[serde(tag = "known", rename_all = "snake_case")]
pub enum Known {
    /// It is exact.
    Value,
    /// It is a time from the file, or an instant: exact to the nanosecond.
    Exactly,
    /// It is an estimate with this 95% interval. Without an upper end, it is unbounded above.
    Estimate { low: f64, high: Option<f64> },
    /// It lies between these for certain.
    Between { low: f64, high: f64 },
    /// It covers only answers; this share of all requests got none.
    OfAnswers { without: f64 },
    /// It lies at a request without an answer. The number is how long that request waited, if it timed out.
    NoAnswer,
    /// It is at least that: nothing larger was observed.
    AtLeast,
    /// It is less than that: nothing smaller was observed.
    Below,
    /// It took longer than that, which is how long it was observed.
    LongerThan,
    /// The steady state was recovered after that time.
    BackAfter,
    /// The steady state was not recovered within that time.
    NotBackWithin,
    /// A condition had become true after that time.
    TrueAfter,
    /// A condition was not true at that instant, since this was measured.
    NotTrueAt { value: Option<Box<Quantity>> },
}

impl Quantity {
    pub fn new(number: f64, unit: Type, known: Known) -> Quantity {
        Quantity { number, unit, known, told_in: None }
    }

    /// A length of time, or an instant.
    pub(super) fn time(ns: u64, known: Known) -> Quantity {
        Quantity::new(ns as f64, Type::Duration, known)
    }

    /// A slope is printed in the unit of its bound.
    pub(super) fn beside(self, bound: f64) -> Quantity {
        let told_in = Some(bound).filter(|_| self.unit == Type::Bandwidth).and_then(BandwidthUnit::of);
        Quantity { told_in, ..self }
    }

    fn print(&self, number: f64) -> String {
        self.told_in.map_or_else(|| printed(number, self.unit), |unit| unit.print(number))
    }

    /// The interval of a number, in words.
    pub fn interval((low, high): (f64, f64), unit: Type) -> String {
        let low = printed(low, unit);
        if high.is_finite() {
            format!("{low} to {} at 95%", printed(high, unit))
        } else {
            format!("{low} and more at 95%")
        }
    }

    /// The same number with where it lies for certain.
    pub(super) fn between(self, (low, high): (f64, f64)) -> Quantity {
        let high = Some(high).filter(|high| high.is_finite());
        Quantity { known: Known::Estimate { low, high }, ..self }
    }
}

/// As a person reads it.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plain, exact) = (|| self.print(self.number), || duration(self.number as u64));
        match &self.known {
            Known::Value => write!(f, "{}", plain()),
            Known::Exactly => write!(f, "{}", exact()),
            Known::Estimate { low, high: Some(high) } => {
                write!(f, "{} ({} to {} at 95%)", plain(), self.print(*low), self.print(*high))
            }
            Known::Estimate { low, high: None } => {
                write!(f, "{} ({} and more at 95%)", plain(), self.print(*low))
            }
            Known::Between { low, high } => write!(f, "{} to {}", self.print(*low), self.print(*high)),
            Known::OfAnswers { without } => {
                write!(f, "{} of answers, {} got none", plain(), crate::base::units::percent(*without))
            }
            Known::NoAnswer if self.number.is_finite() => write!(f, "no answer within {}", plain()),
            Known::NoAnswer => write!(f, "no answer"),
            Known::AtLeast => write!(f, "at least {}", plain()),
            Known::Below => write!(f, "below {}", plain()),
            Known::LongerThan => write!(f, "> {}", measured_duration(self.number)),
            Known::BackAfter => write!(f, "after {}", measured_duration(self.number)),
            Known::NotBackWithin => write!(f, "not within {}", measured_duration(self.number)),
            Known::TrueAfter => write!(f, "true after {}", exact()),
            Known::NotTrueAt { value } => {
                let value = value.as_ref().map_or(String::new(), |value| value.to_string());
                write!(f, "not true at {} ({value})", exact())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::{MILLISECOND, SECOND};
    use serde_json::json;

    #[test]
    fn a_quantity_is_a_number_for_programs_and_words_for_people() {
        let p95 = Quantity::new(203.4 * MILLISECOND as f64, Type::Duration, Known::Value);
        assert_eq!(p95.to_string(), "203ms");
        assert_eq!(json!(p95), json!({ "number": 203.4e6, "unit": "duration", "known": "value" }));
        let estimate = p95.clone().between((1e8, 3e8));
        assert_eq!(estimate.to_string(), "203ms (100ms to 300ms at 95%)");
        let shown = json!({ "number": 203.4e6, "unit": "duration", "known": "estimate", "low": 1e8, "high": 3e8 });
        assert_eq!(json!(estimate), shown);
        let open = Quantity::new(8.0, Type::Users, Known::Value).between((4.0, f64::INFINITY));
        assert_eq!(open.to_string(), "8 users (4 users and more at 95%)");
        assert_eq!(json!(open)["high"], json!(null), "JSON has no infinity");
        let late = Quantity::time(22 * SECOND, Known::NotTrueAt { value: Some(Box::new(p95)) });
        assert_eq!(late.to_string(), "not true at 22s (203ms)");
        assert_eq!(json!(late)["value"]["number"], json!(203.4e6));
    }

    #[test]
    fn a_time_that_was_written_is_told_as_it_was() {
        let written = 90 * SECOND + 5 * MILLISECOND;
        assert_eq!(Quantity::time(written, Known::Exactly).to_string(), "1m30.005s");
        assert_eq!(Quantity::time(written, Known::LongerThan).to_string(), "> 90s");
    }
}
