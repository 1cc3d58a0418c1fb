//! A metric applied to measurements, and a condition over metrics: held, failed or inconclusive. One
//! implementation for the verdict and for everything that decides while a run goes on.

mod series;

pub use series::{Summary, summary};

use crate::base::units::{self, SECOND};
use crate::check::program::Function;
use crate::measure::{Failure, Stats, histogram};
use crate::plan::{Binary, Condition, Measured, Metric, Requests, Subject, Type, needed_samples};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Held,
    Failed,
    Inconclusive,
}

/// A judged condition, with the values that a person wants to see beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    pub outcome: Outcome,
    /// The left side of the (last judged) comparison, printed with its unit.
    pub value: Option<String>,
    pub bound: Option<String>,
    pub samples: u64,
    pub reason: Option<String>,
    /// The outcome depends on how long things took, so on the generator having kept up.
    pub timed: bool,
}

/// A value with the samples behind it, or why there is none.
struct Value {
    value: Result<f64, String>,
    samples: u64,
}

pub fn judge(condition: &Condition, stats: &Stats) -> Judged {
    match condition {
        Condition::Compare { operator, left, right } => compare(*operator, left, right, stats),
        Condition::Within { left, right, tolerance, relative } => within(left, right, *tolerance, *relative, stats),
        Condition::Holds(measured) => undecided(measured.unit() == Type::Duration),
        Condition::Becomes { .. } | Condition::InEvery { .. } | Condition::Alert(_) => undecided(true),
        Condition::Not(inner) => {
            let inner = judge(inner, stats);
            let outcome = match inner.outcome {
                Outcome::Held => Outcome::Failed,
                Outcome::Failed => Outcome::Held,
                Outcome::Inconclusive => Outcome::Inconclusive,
            };
            Judged { outcome, ..inner }
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
    let chosen = if rank(right.outcome) > rank(left.outcome) { right } else { left };
    Judged { timed, ..chosen }
}

fn compare(operator: Binary, left: &Measured, right: &Measured, stats: &Stats) -> Judged {
    let (l, r) = (value(left, stats), value(right, stats));
    let print = |value: &Value, unit: Type| value.value.as_ref().ok().map(|v| printed(*v, unit));
    let mut judged = Judged {
        outcome: Outcome::Inconclusive,
        value: print(&l, left.unit()),
        bound: print(&r, right.unit()),
        samples: l.samples.max(r.samples),
        reason: None,
        timed: is_timed(left) || is_timed(right),
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
        }
        (Err(reason), _) | (_, Err(reason)) => judged.reason = Some(reason),
    }
    series::by_interval(operator, left, right, stats, judged)
}

/// What this version plans and does not judge; a run that would need it is refused.
fn undecided(timed: bool) -> Judged {
    let reason = Some("this version does not judge it".to_owned());
    Judged { outcome: Outcome::Inconclusive, value: None, bound: None, samples: 0, reason, timed }
}

/// The two differ by at most this: a share of the right one, or a quantity.
fn within(left: &Measured, right: &Measured, tolerance: f64, relative: bool, stats: &Stats) -> Judged {
    let judged = compare(Binary::Equal, left, right, stats);
    match (value(left, stats).value, value(right, stats).value) {
        (Ok(l), Ok(r)) => {
            let allowed = if relative { r.abs() * tolerance } else { tolerance };
            let outcome = if (l - r).abs() <= allowed { Outcome::Held } else { Outcome::Failed };
            Judged { outcome, ..judged }
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
                Metric::Other { function, .. } => *function,
                Metric::Drift { .. } => Function::Drift,
            };
            !matches!(function, Function::ErrorRate | Function::Lost | Function::Duplicated | Function::Unverified)
        }
    }
}

fn value(measured: &Measured, stats: &Stats) -> Value {
    match measured {
        Measured::Constant { value, .. } => Value { value: Ok(*value), samples: 0 },
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
            Value { value: result, samples }
        }
    }
}

fn of_metric(metric: &Metric, stats: &Stats) -> Value {
    match metric {
        Metric::Requests(requests) => apply(requests, stats),
        Metric::Other { function, subject: Subject::Series(of), ranges } => series::apply(*function, of, ranges, stats),
        Metric::Other { .. } => unmeasured(),
        Metric::Drift { first, last } => series::drift(of_metric(first, stats), of_metric(last, stats)),
    }
}

fn unmeasured() -> Value {
    Value { value: Err("this version does not measure it".to_owned()), samples: 0 }
}

/// The metric of its windows; without samples, or with too few for its quantile, there is no value.
fn apply(metric: &Requests, stats: &Stats) -> Value {
    let mut sent = 0;
    let (mut ok, mut failed) = (0u64, 0u64);
    // A request that could not be built has no time.
    let mut unsent = 0u64;
    for samples in &metric.samples {
        let counts = stats.counts(samples.series, &samples.ranges);
        sent += counts.sent;
        ok += counts.ok;
        unsent += counts.failed.get(&Failure::Data).copied().unwrap_or(0);
        // What the generator failed at says nothing about the target.
        failed += counts.failed.iter().filter(|(kind, _)| !Failure::is_generator(**kind)).map(|(_, n)| n).sum::<u64>();
    }
    let total = ok + failed;
    let none = || Err("no samples in its window".to_owned());
    let value = match metric.function {
        Function::Dropped => {
            let (load, ranges) = metric.load.as_ref().expect("only a load drops arrivals: the checker saw to it");
            let counts = stats.load(*load, ranges);
            let seen = counts.started + counts.dropped + counts.unsent;
            return Value {
                value: if seen == 0 { Err("no arrivals in its window".to_owned()) } else { Ok(counts.dropped as f64) },
                samples: seen,
            };
        }
        Function::Count => {
            if sent + total == 0 {
                none()
            } else {
                Ok(sent as f64)
            }
        }
        Function::Throughput if metric.length == 0 => Err("its window has no length".to_owned()),
        Function::Throughput => {
            if total == 0 {
                none()
            } else {
                Ok(ok as f64 * SECOND as f64 / metric.length as f64)
            }
        }
        Function::ErrorRate => {
            if total == 0 {
                none()
            } else {
                Ok(failed as f64 / total as f64)
            }
        }
        _ if total == 0 => none(),
        Function::Quantile(q) if total < needed_samples(q) => {
            let (have, need) = (units::grouped(total as f64, 0), units::grouped(needed_samples(q) as f64, 0));
            Err(format!("{have} samples, and this quantile needs {need}"))
        }
        Function::Quantile(_)
        | Function::Mean
        | Function::Min
        | Function::Max
        | Function::Stddev
        | Function::Apdex(_) => {
            let mut times = histogram::empty();
            for samples in &metric.samples {
                stats.histogram(samples.series, &samples.ranges, metric.service_time, &mut times);
            }
            match times.len() + unsent < total {
                true => {
                    let (have, all) = (units::grouped(times.len() as f64, 0), units::grouped(total as f64, 0));
                    Err(format!("the record holds the times of {have} of {all} requests"))
                }
                false => Ok(of_times(metric.function, &times, ok as f64 / total as f64)),
            }
        }
        _ => Err("this version does not measure it".to_owned()),
    };
    Value { value, samples: total }
}

/// What is computed of the times of requests, of which a share was answered.
fn of_times(function: Function, times: &Histogram<u64>, answered: f64) -> f64 {
    match function {
        Function::Quantile(q) => times.value_at_quantile(q) as f64,
        Function::Mean => times.mean(),
        Function::Min => times.min() as f64,
        Function::Max => times.max() as f64,
        Function::Stddev => times.stdev(),
        Function::Apdex(threshold) => {
            let satisfied = times.count_between(0, threshold as u64);
            let tolerating = times.count_between(0, (threshold * 4.0) as u64) - satisfied;
            // Failures are frustrated however fast they were.
            (satisfied as f64 + tolerating as f64 / 2.0) / times.len().max(1) as f64 * answered
        }
        _ => unreachable!("only what is computed of times comes here"),
    }
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
