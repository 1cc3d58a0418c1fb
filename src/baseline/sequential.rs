//! Bounds for a comparison that is looked at after each run: what may be spent of the chance of a false alarm by then (Lan and DeMets,
//! Biometrika 70, 1983, with the function that is like O'Brien and Fleming's).

use crate::base::distributions::{density, normal, normal_quantile};

/// What `candidate` runs say against those of a baseline. At a constant spread of runs it is the inverse of the variance of the
/// difference, so what is said of two looks hangs together as in a Brownian motion.
fn information(baseline: usize, candidate: usize) -> f64 {
    1.0 / (1.0 / baseline as f64 + 1.0 / candidate as f64)
}

/// How much of `alpha` is spent by a share of all information.
fn spent(alpha: f64, share: f64) -> f64 {
    2.0 * normal(normal_quantile(alpha / 2.0) / share.sqrt())
}

/// The bounds in standard errors at `first` to `last` runs, one-sided, against so many runs of a baseline. Who looks at all of them and
/// stops at the first that is crossed is wrong in `alpha` of all comparisons in which nothing changed.
pub fn bounds(alpha: f64, baseline: usize, first: usize, last: usize) -> Vec<f64> {
    let all = information(baseline, last);
    let shares: Vec<f64> = (first..=last).map(|runs| information(baseline, runs) / all).collect();
    let mut bounds: Vec<f64> = Vec::new();
    // The density of the motion among those that have crossed no bound, at equal distances below the last bound.
    let mut density_so_far: Vec<f64> = Vec::new();
    let (mut before, mut spent_before) = (0.0, 0.0);
    for share in shares {
        let may = (spent(alpha, share) - spent_before).max(0.0);
        let step: f64 = share - before;
        let root = step.sqrt();
        let nodes = grid(bounds.last().copied(), before);
        let beyond = |bound: f64| -> f64 {
            match &nodes {
                None => 1.0 - normal(bound / root),
                Some(nodes) => {
                    let all = nodes.iter().zip(&density_so_far);
                    all.map(|((at, weight), density)| weight * density * normal((at - bound) / root)).sum()
                }
            }
        };
        let (mut low, mut high) = (-8.0 * share.sqrt(), 12.0 * share.sqrt());
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if beyond(middle) > may { low = middle } else { high = middle }
        }
        let bound = (low + high) / 2.0;
        let here = grid(Some(bound / share.sqrt()), share).expect("there is a bound");
        let next = here.iter().map(|(at, _)| match &nodes {
            None => density(at / root) / root,
            Some(nodes) => {
                let all = nodes.iter().zip(&density_so_far);
                all.map(|((from, weight), so_far)| weight * so_far * density((at - from) / root) / root).sum()
            }
        });
        density_so_far = next.collect();
        bounds.push(bound / share.sqrt());
        (before, spent_before) = (share, spent(alpha, share));
    }
    bounds
}

/// The places below a bound at which the motion is looked at, each with its weight (Simpson's rule). The bound is in standard errors.
fn grid(bound: Option<f64>, share: f64) -> Option<Vec<(f64, f64)>> {
    const PIECES: usize = 240;
    let root = share.sqrt();
    let (from, to) = (-8.0 * root, bound? * root);
    let width = (to - from) / PIECES as f64;
    let weight = |index: usize| match index {
        0 | PIECES => width / 3.0,
        odd if odd % 2 == 1 => width * 4.0 / 3.0,
        _ => width * 2.0 / 3.0,
    };
    Some((0..=PIECES).map(|index| (from + width * index as f64, weight(index))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_the_published_function() {
        // The first is known without integrals: 2 (1 − Φ(1.96 ÷ 0.75)) is spent by it.
        let shown: Vec<String> = bounds(0.05, 5, 3, 10).iter().map(|bound| format!("{bound:.3}")).collect();
        assert_eq!(shown, ["2.367", "2.203", "2.089", "2.011", "1.953", "1.910", "1.876", "1.849"]);
    }

    #[test]
    fn one_look_spends_all() {
        let [bound] = bounds(0.05, 5, 3, 3)[..] else { panic!("one") };
        assert!((bound - normal_quantile(0.95)).abs() < 1e-6, "{bound}");
        // Five equal looks, one-sided at 2.5 % (Jennison and Turnbull, table 7.1 and Lan and DeMets' function).
        let equal = bounds(0.025, 1_000_000, 1, 5);
        let wanted = [4.877, 3.357, 2.680, 2.290, 2.031];
        assert!(equal.iter().zip(wanted).all(|(bound, wanted)| (bound - wanted).abs() < 0.01), "{equal:?}");
    }
}
