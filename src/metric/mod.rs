//! A metric applied to measurements, and a condition over metrics: held, failed or inconclusive. One
//! implementation for the verdict and for everything that decides while a run goes on.

mod abort;
pub mod alerts;
mod across;
mod actual;
mod buckets;
mod capacity;
mod counted;
pub mod counter;
mod crashes;
mod grounds;
mod judged_in;
mod ledger;
mod near;
mod of_run;
mod rolling;
mod quantity;
mod recovery;
mod requests;
pub mod room;
mod scaling;
mod search;
mod series;
mod share;
mod slices;
mod spread;
#[cfg(test)]
mod tests;

pub use abort::AbortWatch;
pub use across::{shown as shown_change, told as told_across};
pub use actual::ineffective;
pub use buckets::{Bucket, Buckets, buckets};
pub use counted::CountGrounds;
pub use grounds::{Difference, Grounds, Noise, Why};
pub use judged_in::judged_in;
pub use of_run::{Windowed, functions, recorded, statistics, windowed};
pub use quantity::{Known, Quantity};
pub use recovery::{Back, Recovered, recovered};
pub use scaling::{FittedLaw, Scaled, scaled};
pub use search::{Finder, Halving};
pub use series::{Summary, summary};
pub use slices::Slices;

use crate::base::units;
use crate::check::holds;
use crate::measure::Stats;
use crate::plan::{AcrossRuns, Binary, Condition, Measured, Metric, Range, Type, are_compared};
use serde::{Deserialize, Serialize};
use spread::Spread;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Held,
    Failed,
    #[default]
    Inconclusive,
}

/// A judged condition, with the values that a person wants to see next to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    pub outcome: Outcome,
    /// The left side of the comparison that decided.
    pub value: Option<Quantity>,
    pub bound: Option<Quantity>,
    pub samples: u64,
    pub reason: Option<String>,
    /// The outcome depends on how long things took, so on the generator having kept up.
    pub timed: bool,
    /// Where in the run the value was, for what is judged in slices: the worst of them.
    pub when: Option<Range>,
    pub slices: Option<Slices>,
    /// It is inconclusive, since it misses its bound by no more than chance makes of what meets it.
    pub near: bool,
    pub grounds: Grounds,
    /// By which share of the bound it held, below nothing where it failed: what makes one slice worse than another.
    pub margin: f64,
    /// What came of comparing its runs with those of a baseline.
    pub across: Option<AcrossRuns>,
    /// What it was decided from: the condition behind a `not`, both sides of `and` and `or`, the worst slice.
    pub parts: Vec<Judged>,
}

impl Judged {
    /// Inconclusive, for a reason.
    fn unknown(reason: String) -> Judged {
        Judged { reason: Some(reason), timed: true, ..Judged::default() }
    }

    /// As it was measured it met its bound, or missed it.
    fn so(self, met: bool) -> Judged {
        let (outcome, code) = if met { (Outcome::Held, Why::Met) } else { (Outcome::Failed, Why::Missed) };
        Judged { outcome, grounds: Grounds::of(code), ..self }
    }

    /// The same without what it was decided from.
    fn alone(&self) -> Judged {
        let Judged { outcome, samples, timed, when, slices, near, grounds, margin, across, .. } = *self;
        let (value, bound, reason) = (self.value.clone(), self.bound.clone(), self.reason.clone());
        let parts = Vec::new();
        Judged { outcome, value, bound, samples, reason, timed, when, slices, near, grounds, margin, across, parts }
    }
}

/// A value with the samples behind it, or why there is none.
struct Measurement {
    value: Result<f64, String>,
    samples: u64,
    /// How it is printed where its unit alone would not say it.
    shown: Option<Quantity>,
    /// Where it lies with 95% certainty, of what is estimated so.
    interval: Option<(f64, f64)>,
    /// From what that comes, where it is a mean of batches.
    spread: Option<Spread>,
    /// What it was in both halves of its window, where these cannot be the same.
    halves: Option<(f64, f64)>,
    /// It lies there for sure: nothing was seen beyond.
    bounded: bool,
    /// There is no value, since it lies at a request that got no answer, with how long that was surely waited for.
    no_answer: Option<Option<f64>>,
    /// It is of answers alone, and this share got none.
    without: Option<f64>,
}

impl Measurement {
    fn of(value: Result<f64, String>, samples: u64) -> Measurement {
        let (shown, interval, spread, halves) = (None, None, None, None);
        Measurement { value, samples, shown, interval, spread, halves, bounded: false, no_answer: None, without: None }
    }

    /// That and more: nothing was seen beyond.
    fn at_least(low: f64, unit: Type, samples: u64) -> Measurement {
        let (shown, interval) = (Some(Quantity::new(low, unit, Known::AtLeast)), Some((low, f64::INFINITY)));
        Measurement { shown, interval, bounded: true, ..Measurement::of(Ok(low), samples) }
    }

    /// Less than that.
    fn below(high: f64, unit: Type, samples: u64) -> Measurement {
        let most = high.next_down();
        let (shown, interval) = (Some(Quantity::new(high, unit, Known::Below)), Some((0.0, most)));
        Measurement { shown, interval, bounded: true, ..Measurement::of(Ok(most), samples) }
    }
}

/// How two measured values are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// By where they lie for certain, from all that was measured of them.
    Spread,
    /// As they are: a slice or a look is one observation, and what it is compared with a bound that was measured.
    Value,
}

pub fn judge(condition: &Condition, stats: &Stats) -> Judged {
    judge_by(condition, stats, By::Spread)
}

fn judge_by(condition: &Condition, stats: &Stats, by: By) -> Judged {
    match condition {
        Condition::Compare { operator, left, right } if counted::is_counted(left, right) => {
            counted::judge(counted::Asked::Compare(*operator), (left, right), stats)
        }
        Condition::Within { left, right, tolerance, relative } if counted::is_counted(left, right) => {
            let (tolerance, relative) = (*tolerance, *relative);
            counted::judge(counted::Asked::Within { tolerance, relative }, (left, right), stats)
        }
        Condition::Compare { operator, left, right } => {
            let judged = compare(*operator, sides(left, right, stats, by));
            let look = [left, right].into_iter().find_map(look_of);
            let judged = Judged { grounds: Grounds { look, ..judged.grounds }, ..judged };
            match by {
                By::Value => share::doubted(*operator, (left, right), judged, stats),
                By::Spread if right.has_baseline() => across::judged(judged, left.unit(), right),
                By::Spread => near::beside(*operator, (left, right), judged, stats),
            }
        }
        Condition::Within { left, right, tolerance, relative } => {
            within(*tolerance, *relative, sides(left, right, stats, by))
        }
        Condition::Holds(measured) => truth(measured, stats),
        Condition::Becomes { condition, within, of } => match actual::instant(of, stats) {
            Ok(at) => rolling::becomes(condition, *within, at, stats),
            Err(reason) => Judged::unknown(reason),
        },
        Condition::InEvery { condition, every, share } => slices::in_every(condition, *every, *share, stats),
        Condition::Alert(check) => alerts::judge(check, stats),
        Condition::Not(inner) => {
            let inner = judge_by(inner, stats, by);
            let outcome = match inner.outcome {
                Outcome::Held => Outcome::Failed,
                Outcome::Failed => Outcome::Held,
                Outcome::Inconclusive => Outcome::Inconclusive,
            };
            Judged { outcome, margin: -inner.margin, parts: vec![inner.clone()], ..inner.alone() }
        }
        Condition::And(left, right) => joined(judge_by(left, stats, by), judge_by(right, stats, by), Outcome::Failed),
        Condition::Or(left, right) => joined(judge_by(left, stats, by), judge_by(right, stats, by), Outcome::Held),
    }
}

/// Kleene's three-valued `and` (decided by a failure) and `or` (decided by a success).
fn joined(left: Judged, right: Judged, decides: Outcome) -> Judged {
    let timed = left.timed || right.timed;
    let open = [&left, &right].map(|side| side.outcome == Outcome::Inconclusive && !side.near);
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
    let chosen = if b > a || (b == a && nearer) { right.alone() } else { left.alone() };
    let near = chosen.near && open == [false; 2];
    Judged { timed, near, parts: vec![left, right], ..chosen }
}

/// Over a part of the run: slices, the last seconds, what a moving look sees.
pub fn judge_within(condition: &Condition, range: Range, stats: &Stats) -> Judged {
    judge_by(&condition.within(range), stats, By::Value)
}

/// Both sides of a comparison.
enum Sides {
    /// With the spread of their difference, where both were measured at the same times.
    Values(Side, Side, Option<Spread>),
    /// One has a value. The other lies at a request that got no answer, maybe with how long that was waited for.
    Unanswered { is_left: bool, waited: Option<f64>, other: f64 },
    /// There is nothing to compare.
    Unknown,
}

/// One side of a comparison, where it has a value.
#[derive(Clone, Copy)]
struct Side {
    value: f64,
    interval: Option<(f64, f64)>,
    spread: Option<Spread>,
    halves: Option<(f64, f64)>,
    bounded: bool,
}

impl Side {
    fn of(value: f64, measured: &Measurement) -> Side {
        let Measurement { interval, spread, halves, bounded, .. } = *measured;
        Side { value, interval, spread, halves, bounded }
    }

    /// Of an estimate by batches, and of what is none.
    fn spread(self) -> Option<Spread> {
        self.spread.or(self.interval.is_none().then_some(Spread::NONE))
    }

    fn ends(self) -> (f64, f64) {
        self.interval.unwrap_or((self.value, self.value))
    }
}

/// Both sides where both have a value, and what is told of them whatever comes out.
fn sides(left: &Measured, right: &Measured, stats: &Stats, by: By) -> (Judged, Sides) {
    let spread = by == By::Spread && are_compared(left, right);
    let (l, r) = (value(left, stats, spread), value(right, stats, spread));
    let quantity = |value: &Measurement, unit: Type| {
        let known = || value.without.map_or(Known::Value, |without| Known::OfAnswers { without });
        let plain = || value.value.as_ref().ok().map(|v| Quantity::new(*v, unit, known()));
        let none = |waited: Option<f64>| Quantity::new(waited.unwrap_or(f64::INFINITY), unit, Known::NoAnswer);
        value.shown.clone().or_else(|| value.no_answer.map(none)).or_else(plain)
    };
    let beside = |shown: Option<Quantity>, other: &Measured| match other {
        Measured::Constant { value, .. } => shown.map(|shown| shown.beside(*value)),
        Measured::Metric { .. } | Measured::Baseline { .. } | Measured::Arithmetic { .. } => shown,
    };
    let judged = Judged {
        value: beside(quantity(&l, left.unit()), right),
        bound: beside(quantity(&r, right.unit()), left),
        samples: l.samples.max(r.samples),
        timed: is_timed(left) || is_timed(right),
        ..Judged::default()
    };
    match (&l.value, &r.value) {
        (Ok(a), Ok(b)) => {
            let paired = spread.then(|| spread::paired(left, right, stats)).flatten();
            (judged, Sides::Values(Side::of(*a, &l), Side::of(*b, &r), paired))
        }
        (Err(_), Ok(other)) if l.no_answer.is_some() => {
            (judged, Sides::Unanswered { is_left: true, waited: l.no_answer.flatten(), other: *other })
        }
        (Ok(other), Err(_)) if r.no_answer.is_some() => {
            (judged, Sides::Unanswered { is_left: false, waited: r.no_answer.flatten(), other: *other })
        }
        (Err(reason), _) | (_, Err(reason)) => (Judged { reason: Some(reason.clone()), ..judged }, Sides::Unknown),
    }
}

/// A request without an answer is above every upper bound, and is what no bound asks it to be. Above a lower bound it is where it was
/// waited for so long: what would have come of it later, nobody knows.
fn unanswered(operator: Binary, is_left: bool, (waited, other): (Option<f64>, f64), judged: Judged) -> Judged {
    let operator = if is_left { operator } else { turned(operator) };
    let outcome = match operator {
        Binary::Less | Binary::LessEqual | Binary::Equal => Outcome::Failed,
        _ if waited.is_some_and(|waited| holds(operator, waited, other)) => Outcome::Held,
        _ => Outcome::Inconclusive,
    };
    let margin = match outcome {
        Outcome::Held => waited.map_or(0.0, |waited| share_of((waited - other).abs(), other)),
        Outcome::Failed => f64::NEG_INFINITY,
        Outcome::Inconclusive => 0.0,
    };
    let reason = (outcome == Outcome::Inconclusive).then(|| {
        let side = if is_left { &judged.value } else { &judged.bound };
        let told = side.as_ref().map_or(String::new(), |side| format!("{side}, and "));
        format!("{told}how long one would have taken is not known")
    });
    Judged { outcome, margin, reason, grounds: Grounds::of(Why::NoAnswer), ..judged }
}

/// The same said of the other side.
pub fn turned(operator: Binary) -> Binary {
    match operator {
        Binary::Less => Binary::Greater,
        Binary::LessEqual => Binary::GreaterEqual,
        Binary::Greater => Binary::Less,
        Binary::GreaterEqual => Binary::LessEqual,
        other => other,
    }
}

fn compare(operator: Binary, (judged, both): (Judged, Sides)) -> Judged {
    let (left, right, paired) = match both {
        Sides::Values(left, right, paired) => (left, right, paired),
        Sides::Unanswered { is_left, waited, other } => return unanswered(operator, is_left, (waited, other), judged),
        Sides::Unknown => return judged,
    };
    let (l, r) = (left.value, right.value);
    let room = match operator {
        Binary::Less | Binary::LessEqual => r - l,
        Binary::Greater | Binary::GreaterEqual => l - r,
        Binary::NotEqual => (l - r).abs(),
        _ => -(l - r).abs(),
    };
    by_interval(
        operator,
        (left, right, paired),
        Judged { margin: share_of(room, r), ..judged }.so(holds(operator, l, r)),
    )
}

/// What is estimated is compared by its interval: it holds where all of the interval does, fails where none of it does,
/// and is open in between.
fn by_interval(operator: Binary, (left, right, paired): (Side, Side, Option<Spread>), judged: Judged) -> Judged {
    let ordered = matches!(operator, Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual);
    match difference(left, right, paired).filter(|_| ordered) {
        Some(difference) => {
            let both = [difference.low, difference.high].map(|end| holds(operator, end, 0.0));
            decided(both, (left, right), difference, judged)
        }
        None => judged,
    }
}

/// Where the difference of two sides lies, of which at least one is estimated: by what their batches of the same times differ, and
/// otherwise their errors know nothing of each other and add up in squares.
fn difference(left: Side, right: Side, paired: Option<Spread>) -> Option<Difference> {
    left.interval.or(right.interval)?;
    let between = left.value - right.value;
    if let Some(spread) = paired {
        return Some(Difference::new(between, spread.around(between), Noise::PairedBatches));
    }
    if let Some((own, other)) = left.spread().zip(right.spread()) {
        return Some(Difference::new(between, own.and(other).around(between), Noise::Batches));
    }
    let (of_left, of_right) = (left.ends(), right.ends());
    let below = (left.value - of_left.0).hypot(of_right.1 - right.value);
    let above = (of_left.1 - left.value).hypot(right.value - of_right.0);
    Some(Difference::new(between, (between - below, between + above), Noise::OfTheEstimate))
}

/// The outcome of what was looked at from both ends of an interval, with the intervals next to the values.
fn decided(both: [bool; 2], (left, right): (Side, Side), difference: Difference, judged: Judged) -> Judged {
    let (outcome, code) = match both {
        [true, true] => (Outcome::Held, Why::IntervalMet),
        [false, false] => (Outcome::Failed, Why::IntervalMissed),
        _ if left.halves.or(right.halves).is_some() => (Outcome::Inconclusive, Why::NotSettled),
        _ => (Outcome::Inconclusive, Why::IntervalStraddles),
    };
    let grounds = Grounds { difference: Some(difference), ..Grounds::of(code) };
    let told = |side: Side, shown: Option<Quantity>| match (side.interval, shown) {
        (Some(interval), Some(value)) if !side.bounded => Some(value.between(interval)),
        (_, shown) => shown,
    };
    let (value, bound) = (told(left, judged.value), told(right, judged.bound));
    let estimates = [(left, &value), (right, &bound)].into_iter().filter(|(side, _)| side.interval.is_some());
    let estimates: Vec<String> = estimates.filter_map(|(_, shown)| Some(shown.as_ref()?.to_string())).collect();
    let help = if left.bounded || right.bounded { "try levels beyond" } else { "hold the load longer" };
    let halves = [(left, &value), (right, &bound)].into_iter().find_map(|(side, shown)| {
        let (unit, (first, second)) = (shown.as_ref()?.unit, side.halves?);
        let (first, second) = (printed(first, unit), printed(second, unit));
        let told = format!("{first} in the first half of its window and {second} in the second, so it has not settled");
        Some(format!("{told}: judge it `after` it has, or hold the load longer"))
    });
    let either = || format!("{}, so it may be either: {help}", estimates.join(" against "));
    let reason = (outcome == Outcome::Inconclusive).then(|| halves.unwrap_or_else(either));
    Judged { outcome, reason, value, bound, grounds, ..judged }
}

/// A share of a bound, or what it is where the bound is nothing.
fn share_of(room: f64, bound: f64) -> f64 {
    if bound == 0.0 { room } else { room / bound.abs() }
}

/// What is true or false by itself.
fn truth(measured: &Measured, stats: &Stats) -> Judged {
    let Measurement { value, samples, shown, .. } = value(measured, stats, false);
    let judged = Judged { value: shown, samples, timed: true, ..Judged::default() };
    match value {
        Ok(truth) => judged.so(truth != 0.0),
        Err(reason) => Judged { reason: Some(reason), ..judged },
    }
}

/// The two differ by at most this: a share of the right one, or a quantity.
fn within(tolerance: f64, relative: bool, (judged, both): (Judged, Sides)) -> Judged {
    let (left, right, paired) = match both {
        Sides::Values(left, right, paired) => (left, right, paired),
        // Whatever is to be near it has no value of its own where it got no answer.
        Sides::Unanswered { is_left: true, waited, other } => {
            return unanswered(Binary::Equal, true, (waited, other), judged);
        }
        Sides::Unanswered { is_left: false, .. } => {
            let reason = Some("what it is compared with lies at a request that got no answer".to_owned());
            return Judged { reason, ..judged };
        }
        Sides::Unknown => return judged,
    };
    let (l, r) = (left.value, right.value);
    let allowed = if relative { r.abs() * tolerance } else { tolerance };
    let judged = Judged { margin: share_of(allowed - (l - r).abs(), r), ..judged }.so((l - r).abs() <= allowed);
    match difference(left, right, paired) {
        Some(difference) => {
            let (low, high) = difference.ends();
            // None of it is within where it lies on one side, and all where both ends are.
            let apart = low > allowed || high < -allowed;
            decided([!apart, low >= -allowed && high <= allowed], (left, right), difference, judged)
        }
        None => judged,
    }
}

/// Over how long each look sees by which a time was found.
fn look_of(side: &Measured) -> Option<u64> {
    match side {
        Measured::Metric { metric: Metric::Recovery(recovery), .. } => Some(recovery.steady.window),
        Measured::Metric { .. } | Measured::Constant { .. } => None,
        Measured::Baseline { .. } | Measured::Arithmetic { .. } => None,
    }
}

fn is_timed(measured: &Measured) -> bool {
    match measured {
        Measured::Constant { .. } => false,
        Measured::Baseline { .. } => true,
        Measured::Arithmetic { left, right, .. } => is_timed(left) || is_timed(right),
        Measured::Metric { metric, .. } => metric.function().is_timed(),
    }
}

/// What an expression over measurements is worth, where that can be said.
pub fn worth(measured: &Measured, stats: &Stats) -> Option<f64> {
    value(measured, stats, false).value.ok()
}

/// With its interval where its spread is asked for, or where it is an estimate by its nature.
fn value(measured: &Measured, stats: &Stats, spread: bool) -> Measurement {
    match measured {
        Measured::Constant { value, .. } => Measurement::of(Ok(*value), 0),
        Measured::Metric { metric, .. } => of_metric(metric, stats, spread),
        Measured::Baseline { known: Some(Ok(known)), .. } => {
            Measurement { interval: known.interval, ..Measurement::of(Ok(known.value), known.samples) }
        }
        Measured::Baseline { known: Some(Err(reason)), .. } => Measurement::of(Err(reason.clone()), 0),
        Measured::Baseline { known: None, .. } => Measurement::of(Err("no baseline was looked up".to_owned()), 0),
        Measured::Arithmetic { operator, left, right, .. } => {
            let (l, r) = (value(left, stats, spread), value(right, stats, spread));
            let samples = l.samples.max(r.samples);
            if let Some(shown) = [&l, &r].into_iter().filter(|side| side.bounded).find_map(|side| side.shown.as_ref()) {
                return Measurement::of(Err(format!("{shown}, of which no more can be computed")), samples);
            }
            let surely = |of: &Measurement| Side::of(0.0, of).spread();
            let spreads = surely(&l).zip(surely(&r));
            let result = |a: f64, b: f64| crate::check::arithmetic(*operator, a, left.unit(), b, right.unit());
            // What is above everything stays so, whatever is added to it and however often it is taken.
            let (adds, scales) = (matches!(operator, Binary::Add), matches!(operator, Binary::Multiply));
            let no_answer = match (l.no_answer, r.no_answer, &l.value, &r.value) {
                (Some(waited), None, _, Ok(by)) if adds || *operator == Binary::Subtract || *by > 0.0 => {
                    Some(waited.map(|waited| result(waited, *by)))
                }
                (None, Some(waited), Ok(by), _) if adds || (scales && *by > 0.0) => {
                    Some(waited.map(|waited| result(*by, waited)))
                }
                _ => None,
            };
            if no_answer.is_some() {
                let value = Err("it lies at a request that got no answer".to_owned());
                return Measurement { no_answer, ..Measurement::of(value, samples) };
            }
            match (l.value, r.value) {
                (Ok(a), Ok(b)) if result(a, b).is_finite() => {
                    let (from_left, from_right) = (l.interval.unwrap_or((a, a)), r.interval.unwrap_or((b, b)));
                    let known = l.interval.or(r.interval).is_some();
                    let moved = |spread: Spread, of: &dyn Fn(f64) -> f64| {
                        let error = (of(spread.error) - of(-spread.error)).abs() / 2.0;
                        Spread { error, ..spread }
                    };
                    let spread = spreads.filter(|_| known).map(|(of_left, of_right)| {
                        let own = moved(of_left, &|error| result(a + error, b));
                        own.and(moved(of_right, &|error| result(a, b + error)))
                    });
                    let spread = spread.filter(|spread| spread.error.is_finite());
                    if let Some(spread) = spread {
                        let (value, interval) = (result(a, b), Some(spread.around(result(a, b))));
                        return Measurement { interval, spread: Some(spread), ..Measurement::of(Ok(value), samples) };
                    }
                    // Errors that know nothing of each other add up in squares.
                    let ends = [(from_left.0, b), (from_left.1, b), (a, from_right.0), (a, from_right.1)];
                    let [low, high, first, last] = ends.map(|(a, b)| result(a, b));
                    let half = ((high - low) / 2.0).hypot((last - first) / 2.0);
                    let value = result(a, b);
                    let interval = (known && half.is_finite()).then_some((value - half, value + half));
                    Measurement { interval, ..Measurement::of(Ok(value), samples) }
                }
                (Ok(_), Ok(_)) => Measurement::of(Err("a division by nothing".to_owned()), samples),
                (Err(reason), _) | (_, Err(reason)) => Measurement::of(Err(reason), samples),
            }
        }
    }
}

fn of_metric(metric: &Metric, stats: &Stats, spread: bool) -> Measurement {
    match metric {
        Metric::Requests(requests) => match recovery::narrowed(requests, stats) {
            Ok(requests) => {
                let plain = requests::apply(&requests, stats);
                match plain.value {
                    Ok(value) if spread => match spread::spread(&requests, stats, value) {
                        Ok(spread) => Measurement { interval: spread.map(|own| own.around(value)), spread, ..plain },
                        Err(reason) => Measurement { value: Err(reason), ..plain },
                    },
                    _ => plain,
                }
            }
            Err(reason) => Measurement::of(Err(reason), 0),
        },
        Metric::Recovery(recovery) => recovery::apply(recovery, stats),
        Metric::Series(readings) => series::apply(readings, stats),
        Metric::Counter(counter) => counted::apply(counter, stats),
        Metric::Buckets(buckets) => counted::of_buckets(buckets, stats),
        Metric::Crashes(crashes) => crashes::apply(crashes, stats),
        Metric::Capacity(capacity) => capacity::apply(capacity, stats),
        Metric::Scaling(scaling) => scaling::apply(scaling, stats),
        Metric::Drift { fine, coarse } => {
            let parts =
                |parts: &[Metric]| parts.iter().map(|part| of_metric(part, stats, false)).collect::<Vec<Measurement>>();
            let fine = parts(fine);
            // What is too little for many parts may be enough for few.
            let enough = fine.iter().all(|part| part.value.is_ok());
            series::drift(if enough { fine } else { parts(coarse) })
        }
        Metric::Ledger { function, ledger: of } => ledger::apply(*function, stats.ledgers.get(*of)),
        Metric::Alerts { function, source } => alerts::apply(*function, *source, stats),
        Metric::Detection(detection) => alerts::detection(detection, stats),
        Metric::Other { .. } => unmeasured(),
    }
}

fn unmeasured() -> Measurement {
    Measurement::of(Err("this version does not measure it".to_owned()), 0)
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
