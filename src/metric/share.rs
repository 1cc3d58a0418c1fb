//! Shares of requests in a slice or a look, where a few samples are all that there is: whether as many failures as were seen come by chance
//! of a share that meets its bound, by the binomial distribution and one-sided at 5%.

use super::grounds::{Grounds, Why};
use super::{Judged, Outcome, Quantity};
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

/// The probability of so many or more of all, where each is one with a probability. It is asked for more than are to be expected, from
/// where on each term is smaller than the one before.
fn at_least(count: u64, all: u64, share: f64) -> f64 {
    if count == 0 || share >= 1.0 {
        return 1.0;
    }
    if share <= 0.0 {
        return 0.0;
    }
    let (k, n) = (count as f64, all as f64);
    let chosen = ln_factorial(all) - ln_factorial(count) - ln_factorial(all - count);
    let mut term = (chosen + k * share.ln() + (n - k) * (1.0 - share).ln()).exp();
    let mut sum = 0.0;
    for more in count..=all {
        sum += term;
        let next = term * (all - more) as f64 / (more + 1) as f64 * share / (1.0 - share);
        if next < sum * 1e-12 && next <= term {
            break;
        }
        term = next;
    }
    sum.min(1.0)
}

/// By Stirling's series, which is exact to ten digits from 10 on.
fn ln_factorial(n: u64) -> f64 {
    if n < 10 {
        return (2..=n).map(|factor| (factor as f64).ln()).sum();
    }
    let n = n as f64;
    let series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3)) + 1.0 / (1260.0 * n.powi(5));
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + series
}

#[cfg(test)]
mod tests {
    use super::{at_least, ln_factorial};

    #[test]
    fn tails_are_those_of_the_tables() {
        // By exact fractions.
        for (count, all, share, wanted) in
            [(3, 100, 0.01, 0.079_373), (4, 100, 0.01, 0.018_374), (1, 10, 0.5, 0.999_023), (10, 10, 0.5, 9.765_6e-4)]
        {
            let found = at_least(count, all, share);
            assert!((found / wanted - 1.0).abs() < 1e-4, "{count} of {all}: {found}");
        }
        assert_eq!((at_least(0, 10, 0.1), at_least(1, 10, 0.0), at_least(3, 10, 1.0)), (1.0, 0.0, 1.0));
        let many = at_least(10_300, 1_000_000, 0.01);
        assert!((1.2e-3..1.5e-3).contains(&many), "three deviations and a bit: {many}");
        assert!((ln_factorial(20) - 42.335_616_460_753_485).abs() < 1e-9);
    }
}
