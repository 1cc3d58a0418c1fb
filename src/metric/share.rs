//! Shares of requests in a slice or a look with few samples: whether chance explains the failures if the true share meets its
//! bound (binomial test, one-sided, 5%).

use super::grounds::{Grounds, Why};
use super::{Judged, Outcome, Quantity};
use crate::base::distributions::at_least;
use crate::measure::Stats;
use crate::metric::{turned, worth};
use crate::plan::{Binary, Measured, Metric, Requests, Type};

/// So seldom may what meets its bound be told to miss it.
const SELDOM: f64 = 0.05;

/// What missed its bound as it was measured, and could have done so by chance, is open.
pub(super) fn doubted(
    operator: Binary,
    (left, right): (&Measured, &Measured),
    judged: Judged,
    stats: &Stats,
) -> Judged {
    let is_share = |side: &Measured| of_shares(side).is_some();
    let (operator, side, other, shown) = match (is_share(left), is_share(right)) {
        (true, false) => (operator, left, right, &judged.value),
        (false, true) => (turned(operator), right, left, &judged.bound),
        // Of two shares the right one is what was measured as a bound.
        (true, true) => (operator, left, right, &judged.value),
        (false, false) => return judged,
    };
    let (Outcome::Failed, Some(requests), Some(bound)) = (judged.outcome, of_shares(side), worth(other, stats)) else {
        return judged;
    };
    let (Some(times), Some(value)) = (requests.function.share(), shown.as_ref().map(|value: &Quantity| value.number))
    else {
        return judged;
    };
    let (all, share) = (judged.samples, (bound * times).clamp(0.0, 1.0));
    let failed = ((value * times * all as f64).round() as u64).min(all);
    let chance = match operator {
        Binary::Less | Binary::LessEqual => at_least(failed, all, share),
        Binary::Greater | Binary::GreaterEqual => at_least(all - failed, all, 1.0 - share),
        _ => return judged,
    };
    if chance < SELDOM {
        return judged;
    }
    let unit: Type = side.unit();
    let printed = |value: f64| super::printed(value, unit);
    let reason = format!(
        "{} of {} samples, which may as well be {} by chance: let what is looked at hold more of them",
        printed(value),
        crate::base::units::grouped(all as f64, 0),
        printed(bound)
    );
    let grounds = Grounds::of(Why::MayBeChance);
    Judged { outcome: Outcome::Inconclusive, reason: Some(reason), near: true, grounds, ..judged }
}

fn of_shares(side: &Measured) -> Option<&Requests> {
    match side {
        Measured::Metric { metric: Metric::Requests(requests), .. } if requests.function.share().is_some() => {
            Some(requests)
        }
        Measured::Metric { .. } | Measured::Constant { .. } => None,
        Measured::Baseline { .. } | Measured::Arithmetic { .. } => None,
    }
}
