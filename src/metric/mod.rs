//! A metric applied to measurements, and a condition over metrics: held, failed or inconclusive. One
//! implementation for the verdict and for everything that decides while a run goes on.

mod abort;
mod looks;
mod recovery;
mod requests;
mod series;
mod slices;
#[cfg(test)]
mod tests;

pub use abort::Watch;
pub use recovery::{Recovered, recovered};
pub use series::{Summary, summary};
pub use slices::Slices;

use crate::base::units;
use crate::check::program::Function;
use crate::measure::Stats;
use crate::plan::{Binary, Condition, Measured, Metric, Range, Type};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Held,
    Failed,
    #[default]
    Inconclusive,
}

/// A judged condition, with the values that a person wants to see beside it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    pub outcome: Outcome,
    /// The left side of the comparison that decided, printed with its unit.
    pub value: Option<String>,
    pub bound: Option<String>,
    pub samples: u64,
    pub reason: Option<String>,
    /// The outcome depends on how long things took, so on the generator having kept up.
    pub timed: bool,
    /// Where in the run the value was, for what is judged in slices: the worst of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Range>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slices: Option<Slices>,
    /// By which share of the bound it held, below nothing where it failed: what makes one slice worse than another.
    #[serde(skip)]
    pub margin: f64,
}

impl Judged {
    /// Inconclusive, for a reason.
    fn unknown(reason: String) -> Judged {
        Judged { reason: Some(reason), timed: true, ..Judged::default() }
    }
}

/// A value with the samples behind it, or why there is none.
struct Value {
    value: Result<f64, String>,
    samples: u64,
    /// How it is printed where its unit alone would not say it.
    shown: Option<String>,
}

impl Value {
    fn of(value: Result<f64, String>, samples: u64) -> Value {
        Value { value, samples, shown: None }
    }
}

pub fn judge(condition: &Condition, stats: &Stats) -> Judged {
    match condition {
        Condition::Compare { operator, left, right } => compare(*operator, left, right, stats),
        Condition::Within { left, right, tolerance, relative } => within(left, right, *tolerance, *relative, stats),
        Condition::Holds(measured) => holds(measured, stats),
        Condition::Becomes { condition, within, of } => looks::becomes(condition, *within, of.at, stats),
        Condition::InEvery { condition, every, share } => slices::in_every(condition, *every, *share, stats),
        Condition::Alert(_) => undecided(),
        Condition::Not(inner) => {
            let inner = judge(inner, stats);
            let outcome = match inner.outcome {
                Outcome::Held => Outcome::Failed,
                Outcome::Failed => Outcome::Held,
                Outcome::Inconclusive => Outcome::Inconclusive,
            };
            Judged { outcome, margin: -inner.margin, ..inner }
        }
        Condition::And(left, right) => joined(judge(left, stats), judge(right, stats), Outcome::Failed),
        Condition::Or(left, right) => joined(judge(left, stats), judge(right, stats), Outcome::Held),
    }
}

/// Kleene's three-valued `and` (decided by a failure) and `or` (decided by a success).
fn joined(left: Judged, right: Judged, decides: Outcome) -> Judged {
    let timed = left.timed || right.timed;
    let rank = |outcome: Outcome| match outcome {
        o if o == decides => 2,
        Outcome::Inconclusive => 1,
        Outcome::Held | Outcome::Failed => 0,
    };
    // Of two that say the same, the one that is nearer to deciding.
    let nearer = match decides {
        Outcome::Failed => right.margin < left.margin,
        Outcome::Held | Outcome::Inconclusive => right.margin > left.margin,
    };
    let (a, b) = (rank(left.outcome), rank(right.outcome));
    let chosen = if b > a || (b == a && nearer) { right } else { left };
    Judged { timed, ..chosen }
}

/// Over a part of the run: slices, the last seconds, what a moving look sees.
pub fn judge_within(condition: &Condition, range: Range, stats: &Stats) -> Judged {
    judge(&condition.within(range), stats)
}

fn compare(operator: Binary, left: &Measured, right: &Measured, stats: &Stats) -> Judged {
    let (l, r) = (value(left, stats), value(right, stats));
    let print = |value: &Value, unit: Type| {
        let plain = || value.value.as_ref().ok().map(|v| printed(*v, unit));
        value.shown.clone().or_else(plain)
    };
    let mut judged = Judged {
        value: print(&l, left.unit()),
        bound: print(&r, right.unit()),
        samples: l.samples.max(r.samples),
        timed: is_timed(left) || is_timed(right),
        ..Judged::default()
    };
    match (l.value, r.value) {
        (Ok(l), Ok(r)) => {
            let holds = match operator {
                Binary::Equal => l == r,
                Binary::NotEqual => l != r,
                Binary::Less => l < r,
                Binary::LessEqual => l <= r,
                Binary::Greater => l > r,
                Binary::GreaterEqual => l >= r,
                Binary::Or | Binary::And | Binary::In | Binary::Range => false,
                Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide => false,
            };
            judged.outcome = if holds { Outcome::Held } else { Outcome::Failed };
            let room = match operator {
                Binary::Less | Binary::LessEqual => r - l,
                Binary::Greater | Binary::GreaterEqual => l - r,
                Binary::NotEqual => (l - r).abs(),
                _ => -(l - r).abs(),
            };
            judged.margin = share_of(room, r);
        }
        (Err(reason), _) | (_, Err(reason)) => judged.reason = Some(reason),
    }
    series::by_interval(operator, left, right, stats, judged)
}

/// A share of a bound, or what it is where the bound is nothing.
fn share_of(room: f64, bound: f64) -> f64 {
    if bound == 0.0 { room } else { room / bound.abs() }
}

/// What is true or false by itself.
fn holds(measured: &Measured, stats: &Stats) -> Judged {
    let Value { value, samples, shown } = value(measured, stats);
    let judged = Judged { value: shown, samples, timed: true, ..Judged::default() };
    match value {
        Ok(truth) => Judged { outcome: if truth == 0.0 { Outcome::Failed } else { Outcome::Held }, ..judged },
        Err(reason) => Judged { reason: Some(reason), ..judged },
    }
}

/// What this version plans and does not judge; a run that would need it is refused.
fn undecided() -> Judged {
    Judged::unknown("this version does not judge it".to_owned())
}

/// The two differ by at most this: a share of the right one, or a quantity.
fn within(left: &Measured, right: &Measured, tolerance: f64, relative: bool, stats: &Stats) -> Judged {
    let judged = compare(Binary::Equal, left, right, stats);
    match (value(left, stats).value, value(right, stats).value) {
        (Ok(l), Ok(r)) => {
            let allowed = if relative { r.abs() * tolerance } else { tolerance };
            let outcome = if (l - r).abs() <= allowed { Outcome::Held } else { Outcome::Failed };
            Judged { outcome, margin: share_of(allowed - (l - r).abs(), r), ..judged }
        }
        _ => judged,
    }
}

fn is_timed(measured: &Measured) -> bool {
    match measured {
        Measured::Constant { .. } => false,
        Measured::Baseline { .. } => true,
        Measured::Arithmetic { left, right, .. } => is_timed(left) || is_timed(right),
        Measured::Metric { metric, .. } => {
            let function = match metric {
                Metric::Requests(requests) => requests.function,
                Metric::Recovery(recovery) => recovery.function,
                Metric::Series(readings) => readings.function,
                Metric::Other { function, .. } => *function,
                Metric::Drift { .. } => Function::Drift,
            };
            let counted = matches!(function, Function::Lost | Function::Duplicated | Function::Unverified);
            !(counted || matches!(function, Function::ErrorRate | Function::BurnRate(_)))
        }
    }
}

/// What an expression over measurements is worth, where that can be said.
pub fn worth(measured: &Measured, stats: &Stats) -> Option<f64> {
    value(measured, stats).value.ok()
}

fn value(measured: &Measured, stats: &Stats) -> Value {
    match measured {
        Measured::Constant { value, .. } => Value::of(Ok(*value), 0),
        Measured::Metric { metric, .. } => of_metric(metric, stats),
        Measured::Baseline { .. } => unmeasured(),
        Measured::Arithmetic { operator, left, right, .. } => {
            let (l, r) = (value(left, stats), value(right, stats));
            let samples = l.samples.max(r.samples);
            let result = match (l.value, r.value) {
                (Ok(a), Ok(b)) => {
                    let result = crate::check::arithmetic(*operator, a, left.unit(), b, right.unit());
                    if result.is_finite() { Ok(result) } else { Err("a division by nothing".to_owned()) }
                }
                (Err(reason), _) | (_, Err(reason)) => Err(reason),
            };
            Value::of(result, samples)
        }
    }
}

fn of_metric(metric: &Metric, stats: &Stats) -> Value {
    match metric {
        Metric::Requests(requests) => match recovery::narrowed(requests, stats) {
            Ok(requests) => requests::apply(&requests, stats),
            Err(reason) => Value::of(Err(reason), 0),
        },
        Metric::Recovery(recovery) => recovery::apply(recovery, stats),
        Metric::Series(readings) => series::apply(readings, stats),
        Metric::Drift { first, last } => series::drift(of_metric(first, stats), of_metric(last, stats)),
        Metric::Other { .. } => unmeasured(),
    }
}

fn unmeasured() -> Value {
    Value::of(Err("this version does not measure it".to_owned()), 0)
}

pub fn printed(value: f64, unit: Type) -> String {
    match unit {
        Type::Duration => units::measured_duration(value),
        Type::Percent => units::percent(value),
        Type::Points => format!("{}pp", units::short(value * 100.0)),
        Type::Rate => format!("{}/s", units::short(value)),
        Type::Bytes => units::bytes(value),
        Type::Bandwidth => units::bandwidth(value),
        Type::Users => format!("{} users", units::grouped(value, 0)),
        _ if value.fract() == 0.0 => units::grouped(value, 0),
        _ => units::short(value),
    }
}
