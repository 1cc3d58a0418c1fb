//! `capacity`: the highest level at which the condition of a search held, of its trials as they were told.

use super::{Known, Measurement, Quantity};
use crate::base::units::duration;
use crate::measure::{Stats, Tried};
use crate::plan::Capacity;

/// A level is known from both sides: one at which it held, and one not far above at which it did not. Where nothing was
/// found on one of them, a bound is all that is known.
pub(super) fn apply(capacity: &Capacity, stats: &Stats) -> Measurement {
    let Capacity { load, stage, least, most, unit } = *capacity;
    let tried: Vec<&Tried> = stats.tried.iter().filter(|tried| (tried.load, tried.stage) == (load, stage)).collect();
    let samples = tried.iter().map(|tried| stats.load(load, &[tried.judged]).started).sum();
    let Some(lowest) = tried.iter().find(|tried| tried.level <= least) else {
        return Measurement::of(Err("no trial had ended".to_owned()), samples);
    };
    let highest = tried.iter().filter(|tried| tried.held == Some(true)).map(|tried| tried.level).fold(least, f64::max);
    match lowest.held {
        None => {
            let at = duration(lowest.start);
            let reason = format!("nothing can be said of the lowest level, tried at {at}: {}", lowest.said);
            Measurement::of(Err(reason), samples)
        }
        Some(false) => Measurement::below(least, unit, samples),
        Some(true) if highest >= most => Measurement::at_least(most, unit, samples),
        Some(true) => Measurement {
            shown: Some(Quantity::new(highest, unit, Known::Value)),
            ..Measurement::of(Ok(highest), samples)
        },
    }
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
        Tried { load: 0, stage: 0, number, level, start, judged, held, said: "3 samples".to_owned() }
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
    fn without_samples_at_the_lowest_level_nothing_is_found() {
        let (outcome, reason) = at_least(5.0, &[(10.0, None)]);
        assert_eq!(outcome, Outcome::Inconclusive);
        assert_eq!(reason, "nothing can be said of the lowest level, tried at 0s: 3 samples");
        assert_eq!(at_least(5.0, &[]), (Outcome::Inconclusive, "no trial had ended".to_owned()));
    }
}
