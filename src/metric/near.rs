//! Constant bounds: the verdict is by the measured value, and the report adds the interval in which the value may lie.

use super::grounds::{Difference, Grounds, Noise, Why};
use super::{Judged, recovery, requests, spread};
use crate::measure::{Found, Stats};
use crate::plan::{Binary, Condition, Measured, Metric, Requests};

/// What was judged as it was measured, with how sure that is.
pub(super) fn beside(operator: Binary, (left, right): (&Measured, &Measured), judged: Judged, stats: &Stats) -> Judged {
    let is_ordered = matches!(operator, Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual);
    if !is_ordered || !matches!(judged.grounds.code, Why::Met | Why::Missed) {
        return judged;
    }
    let number = |side: &Option<super::Quantity>| side.as_ref().map(|side| side.number);
    let (Some(l), Some(r)) = (number(&judged.value), number(&judged.bound)) else { return judged };
    let (of, value, bound, is_left) = match (left, right) {
        (Measured::Metric { metric: Metric::Requests(of), .. }, Measured::Constant { .. }) => (of, l, r, true),
        (Measured::Constant { .. }, Measured::Metric { metric: Metric::Requests(of), .. }) => (of, r, l, false),
        _ => return judged,
    };
    let sure = recovery::narrowed(of, stats).ok().and_then(|of| sure(&of, value, stats));
    let Some(((low, high), noise)) = sure else { return judged };
    let above = Difference::new(value - bound, (low - bound, high - bound), noise);
    let difference = Some(if is_left { above } else { above.turned() });
    // An interval by batches is symmetric, and may reach beyond what a value can be.
    let (least, most) = of.function.values();
    let interval = Some((low.max(least), high.min(most)));
    Judged { grounds: Grounds { difference, interval, ..judged.grounds }, ..judged }
}

/// Of a condition over a trial the first time that is held against a bound, with where it lies.
pub(super) fn found(condition: &Condition, stats: &Stats) -> Option<Found> {
    match condition {
        Condition::Compare {
            left: Measured::Metric { metric: Metric::Requests(of), .. },
            right: Measured::Constant { value: bound, .. },
            ..
        } if of.function.is_of_times() => {
            let of = recovery::narrowed(of, stats).ok()?;
            let value = requests::apply(&of, stats).value.ok()?;
            let ((low, high), _) = sure(&of, value, stats)?;
            Some(Found { value, bound: *bound, low, high: Some(high).filter(|high| high.is_finite()) })
        }
        Condition::And(a, b) => found(a, stats).or_else(|| found(b, stats)),
        Condition::Compare { .. } | Condition::Within { .. } | Condition::Or(..) | Condition::Not(_) => None,
        Condition::Holds(_) | Condition::Becomes { .. } | Condition::InEvery { .. } | Condition::Alert(_) => None,
    }
}

/// Where the value of a metric lies of which all scopes are known, by its batches, or by its samples where these are too few.
fn sure(of: &Requests, value: f64, stats: &Stats) -> Option<((f64, f64), Noise)> {
    Some(match spread::spread(of, stats, value) {
        Ok(spread) => (spread?.around(value), Noise::Batches),
        Err(_) => (spread::of_samples(of, stats, value)?, Noise::Samples),
    })
}
