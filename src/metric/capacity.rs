//! `capacity`: the highest level at which the condition of a search held, from its recorded trials.

use super::{Known, Measurement, Quantity};
use crate::base::distributions::two_sided;
use crate::base::units::duration;
use crate::measure::{Stats, Tried};
use crate::plan::Capacity;

/// Trials of levels not farther than this from the one that was found lie on one line with it.
const NEAR: f64 = 1.5;
/// As few of them show a line and how far they lie from it.
const FOR_A_LINE: usize = 5;

/// A level is known from both sides: one at which it held, and one not far above at which it did not. Where nothing was
/// found on one of them, a bound is all that is known. Where trials near it might have come out otherwise, it lies in an interval.
pub(super) fn apply(capacity: &Capacity, stats: &Stats) -> Measurement {
    let Capacity { load, stage, least, most, unit } = *capacity;
    let tried: Vec<&Tried> = stats.tried.iter().filter(|tried| (tried.load, tried.stage) == (load, stage)).collect();
    let samples = tried.iter().map(|tried| stats.load(load, &[tried.judged]).started).sum();
    let Some(lowest) = tried.iter().find(|tried| tried.level <= least) else {
        return Measurement::of(Err("no trial had ended".to_owned()), samples);
    };
    let highest = tried.iter().filter(|tried| tried.held == Some(true)).map(|tried| tried.level).fold(least, f64::max);
    let value = |value: f64| Measurement {
        shown: Some(Quantity::new(value, unit, Known::Value)),
        ..Measurement::of(Ok(value), samples)
    };
    match lowest.held {
        None => {
            let at = duration(lowest.start);
            let reason = format!("nothing can be said of the lowest level, tried at {at}: {}", lowest.said);
            Measurement::of(Err(reason), samples)
        }
        Some(false) => Measurement::below(least, unit, samples),
        Some(true) if highest >= most => Measurement::at_least(most, unit, samples),
        Some(true) => match interval(&tried, highest, (least, most)) {
            Some((found, ends)) => Measurement { interval: Some(ends), ..value(found) },
            None => value(highest),
        },
    }
}

/// The level and where it lies with 95% certainty; nothing where each trial would come out again as it did.
fn interval(tried: &[&Tried], highest: f64, (least, most): (f64, f64)) -> Option<(f64, (f64, f64))> {
    let is_sure = |tried: &&&Tried| tried.held.is_some() && tried.is_sure();
    let sure = |held: bool| tried.iter().filter(is_sure).filter(move |tried| tried.held == Some(held));
    if tried.iter().filter(|tried| tried.held.is_some()).all(|tried| is_sure(&tried)) {
        return None;
    }
    let above = sure(false).map(|tried| tried.level).fold(most, f64::min);
    let below = sure(true).map(|tried| tried.level).filter(|level| *level < above).fold(least, f64::max);
    let near = tried.iter().filter(|tried| (highest / NEAR..=highest * NEAR).contains(&tried.level));
    let points: Vec<(f64, f64)> = near
        .filter_map(|tried| tried.found.map(|found| (tried.level, found.value / found.bound)))
        .filter(|(level, ratio)| *level > 0.0 && *ratio > 0.0 && ratio.is_finite())
        .map(|(level, ratio)| (level.ln(), ratio.ln()))
        .collect();
    let line = crossing(&points).map(|(at, low, high)| (at.exp(), (low.exp(), high.exp())));
    match line.filter(|(_, (low, high))| high - low < above - below) {
        Some((at, (low, high))) => Some((at, (low.max(least), high.min(most)))),
        None => Some((highest.clamp(below, above), (below, above))),
    }
}

/// Where the line through points crosses nothing, with the ends of its interval of 95% (Fieller, Journal of the Royal Statistical Society B
/// 16, 1954). Nothing where the line may as well be level.
fn crossing(points: &[(f64, f64)]) -> Option<(f64, f64, f64)> {
    if points.len() < FOR_A_LINE {
        return None;
    }
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / n, y + point.1 / n));
    let squares: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let slope = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / squares;
    let left: f64 = points.iter().map(|point| (point.1 - y - slope * (point.0 - x)).powi(2)).sum();
    let room = two_sided(points.len() - 2).powi(2) * left / (n - 2.0);
    // (y + slope·u)² ≤ room·(1/n + u²/squares), for u from the middle.
    let (a, b, c) = (slope * slope - room / squares, slope * y, y * y - room / n);
    let root = b * b - a * c;
    if !(a > 0.0 && root >= 0.0) {
        return None;
    }
    Some((x - y / slope, x + (-b - root.sqrt()) / a, x + (-b + root.sqrt()) / a))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::SECOND;
    use crate::metric::{Outcome, judge};
    use crate::plan::{Binary, Condition, Measured, Metric, MetricKey, Type};

    fn tried(number: u64, level: f64, held: Option<bool>) -> Tried {
        let start = number * 10 * SECOND;
        let judged = (start + 2 * SECOND, start + 10 * SECOND);
        Tried { load: 0, stage: 0, number, level, start, judged, held, said: "3 samples".to_owned(), found: None }
    }

    /// What comes of `capacity >= bound` after these trials of levels from 10 to 500.
    fn at_least(bound: f64, trials: &[(f64, Option<bool>)]) -> (Outcome, String) {
        let mut stats = Stats::bare(vec![0, 1000 * SECOND], 0);
        let all = (0..).zip(trials).map(|(number, (level, held))| tried(number, *level, *held));
        stats.tried.extend(all);
        let metric = Metric::Capacity(Capacity { load: 0, stage: 0, least: 10.0, most: 500.0, unit: Type::Rate });
        let left = Measured::Metric { metric, unit: Type::Level, key: MetricKey::default() };
        let right = Measured::Constant { value: bound, unit: Type::Rate };
        let judged = judge(&Condition::Compare { operator: Binary::GreaterEqual, left, right }, &stats);
        let value = judged.value.map(|value| value.to_string());
        (judged.outcome, judged.reason.or(value).unwrap_or_default())
    }

    #[test]
    fn found_between_one_that_held_and_one_that_did_not() {
        let trials = [(10.0, Some(true)), (255.0, Some(false)), (132.5, Some(true)), (193.75, None)];
        assert_eq!(at_least(132.5, &trials), (Outcome::Held, "132/s".to_owned()));
        assert_eq!(at_least(133.0, &trials).0, Outcome::Failed);
    }

    #[test]
    fn a_bound_alone_decides_what_it_can() {
        let all = [(10.0, Some(true)), (255.0, Some(true)), (500.0, Some(true))];
        assert_eq!(at_least(500.0, &all), (Outcome::Held, "at least 500/s".to_owned()));
        let open = "at least 500/s, so it may be either: try levels beyond";
        assert_eq!(at_least(501.0, &all), (Outcome::Inconclusive, open.to_owned()));
        let none = [(10.0, Some(false))];
        assert_eq!(at_least(10.0, &none), (Outcome::Failed, "below 10/s".to_owned()));
        assert_eq!(at_least(5.0, &none).0, Outcome::Inconclusive);
    }

    #[test]
    fn a_line_crosses_where_tables_say() {
        // By hand: a slope of 2.04, squares of residuals that add up to 0.036, and t of three degrees of freedom, 3.1824.
        let points = [(0.0, -2.1), (0.5, -0.9), (1.0, 0.0), (1.5, 0.9), (2.0, 2.1)];
        let (at, low, high) = crossing(&points).unwrap();
        assert!((at - 1.0).abs() < 1e-12 && (high - 1.0 - (1.0 - low)).abs() < 1e-12, "{at} {low} {high}");
        assert!((high - 1.0 - 0.076_9).abs() < 1e-4, "{high}");
        assert_eq!(crossing(&[(0.0, 1.0), (0.5, -1.0), (1.0, 1.0), (1.5, -1.0), (2.0, 1.0)]), None, "it may be level");
        assert_eq!(crossing(&points[..4]), None, "too few");
    }

    #[test]
    fn without_samples_at_the_lowest_level_nothing_is_found() {
        let (outcome, reason) = at_least(5.0, &[(10.0, None)]);
        assert_eq!(outcome, Outcome::Inconclusive);
        assert_eq!(reason, "nothing can be said of the lowest level, tried at 0s: 3 samples");
        assert_eq!(at_least(5.0, &[]), (Outcome::Inconclusive, "no trial had ended".to_owned()));
    }
}
