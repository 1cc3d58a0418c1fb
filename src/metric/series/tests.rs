use super::*;
use crate::measure::{Event, Gauges};
use crate::metric::{Judged, Outcome};
use crate::plan::{Binary, Measured, Metric, MetricKey};
use crate::plan::{Scopes, SeriesSource};
use std::collections::BTreeMap;

fn memory() -> Watched {
    Watched {
        source: SeriesSource::Service(0),
        what: "memory".to_owned(),
        worth: 1.0,
        unit: Type::Bytes,
        missing: None,
    }
}

/// One reading a second from 0 on; what is `None` could not be read.
fn stats(series: &Watched, readings: &[Option<f64>]) -> Stats {
    let mut stats = Stats::watching(vec![series.clone()]);
    for (second, reading) in readings.iter().enumerate() {
        let mut look = Gauges { at: second as u64 * SECOND, ..Gauges::default() };
        match reading {
            Some(value) => look.values = BTreeMap::from([(0, *value)]),
            None => look.gaps = BTreeMap::from([(0, "connection refused".to_owned())]),
        }
        stats.take(Event::Gauges(look));
    }
    stats
}

fn all(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

const WHOLE: [Range; 1] = [(0, u64::MAX)];

fn of(function: SeriesFunction, values: &[Option<f64>], ranges: &[Range]) -> Result<f64, String> {
    apply(&readings(function, ranges), &stats(&memory(), values)).value
}

fn readings(function: SeriesFunction, ranges: &[Range]) -> Readings {
    let scopes = Scopes { end: 10 * SECOND, ..Scopes::default() };
    Readings { function, series: memory(), ranges: ranges.to_vec(), scopes }
}

/// Twelve readings, one of them wild. The slope is that of scipy.stats.theilslopes, and so would the ends be (0.543 and 0.933), were there not
/// Student's quantile.
const RISING: [f64; 12] = [10.2, 11.1, 9.8, 12.4, 13.0, 11.9, 14.6, 15.1, 13.8, 99.0, 16.2, 17.5];

#[test]
fn values_are_those_of_the_window() {
    let values = all(&[5.0, 1.0, 3.0, 8.0, 2.0]);
    let inner = [(SECOND, 3 * SECOND), (4 * SECOND, u64::MAX)];
    for (function, whole, part) in [
        (SeriesFunction::Statistic(Statistic::Max), 8.0, 3.0),
        (SeriesFunction::Statistic(Statistic::Min), 1.0, 1.0),
        (SeriesFunction::Statistic(Statistic::Mean), 3.8, 2.0),
        (SeriesFunction::Last, 2.0, 2.0),
        (SeriesFunction::Statistic(Statistic::Stddev), 6.16_f64.sqrt(), (2.0_f64 / 3.0).sqrt()),
    ] {
        assert!((of(function, &values, &WHOLE).unwrap() - whole).abs() < 1e-12, "{function:?}");
        assert!((of(function, &values, &inner).unwrap() - part).abs() < 1e-12, "{function:?}");
    }
}

#[test]
fn what_was_not_read_is_no_zero() {
    let reason = of(SeriesFunction::Statistic(Statistic::Max), &[None, None, None], &WHOLE).unwrap_err();
    assert_eq!(reason, "nothing was read in its window: connection refused");
    let gone = of(SeriesFunction::Statistic(Statistic::Max), &[Some(1.0), None, None], &WHOLE).unwrap_err();
    assert_eq!(gone, "2 of 3 readings are missing in its window: connection refused");
    assert_eq!(of(SeriesFunction::Statistic(Statistic::Max), &[Some(1.0), None, Some(2.0)], &WHOLE), Ok(2.0));
    // A gap outside of the window is none of its matter.
    assert_eq!(
        of(SeriesFunction::Statistic(Statistic::Max), &[None, None, None, Some(2.0)], &[(3 * SECOND, 9 * SECOND)]),
        Ok(2.0)
    );
    assert_eq!(
        of(SeriesFunction::Statistic(Statistic::Max), &[Some(2.0)], &[(3 * SECOND, 9 * SECOND)]).unwrap_err(),
        "nothing was read in its window"
    );
}

#[test]
fn a_counter_is_followed_and_its_windows_add_up() {
    let values = all(&[100.0, 110.0, 130.0, 5.0, 25.0]);
    assert_eq!(of(SeriesFunction::Increase, &values, &WHOLE), Ok(55.0));
    let (first, rest) = (1_500_000_000, 4 * SECOND);
    assert_eq!(of(SeriesFunction::Increase, &values, &[(0, first)]), Ok(20.0));
    assert_eq!(of(SeriesFunction::Increase, &values, &[(first, rest)]), Ok(35.0));
    assert!(of(SeriesFunction::Increase, &all(&[1.0]), &WHOLE).unwrap_err().contains("needs 2"));
}

#[test]
fn a_slope_is_the_median_of_all_pairs() {
    let points: Vec<(u64, f64)> = RISING.iter().enumerate().map(|(s, v)| (s as u64 * SECOND, *v)).collect();
    let found = slope(&points).unwrap();
    for (found, wanted) in [(found.estimate, 0.670_833_333), (found.low, 0.5), (found.high, 1.2)] {
        assert!((found - wanted).abs() < 1e-6, "{found} instead of {wanted}");
    }
    // Many equal values: the correction for ties narrows the interval.
    let tied = [1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 4.0, 5.0, 5.0];
    let points: Vec<(u64, f64)> = tied.iter().enumerate().map(|(s, v)| (s as u64 * SECOND, *v)).collect();
    let found = slope(&points).unwrap();
    assert_eq!((found.estimate, found.low, found.high), (0.3875, 1.0 / 3.0, 0.5));
    let level: Vec<(u64, f64)> = (0..20).map(|s| (s * SECOND, 7.0)).collect();
    assert_eq!(slope(&level), Ok(Slope { estimate: 0.0, low: 0.0, high: 0.0, halves: None }));
    assert_eq!(slope(&level[..9]).unwrap_err(), "9 readings, and growth needs 10: hold the load longer");
}

/// A day of seconds, with noise, is grouped before it is paired, and keeps its slope.
#[test]
fn a_day_keeps_its_slope() {
    let noise = |s: u64| (s.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / (1 << 24) as f64;
    let day: Vec<(u64, f64)> = (0..86_400).map(|s| (s * SECOND, 1e8 + 20.0 * s as f64 + 1e5 * noise(s))).collect();
    let found = slope(&day).unwrap();
    assert!((found.estimate - 20.0).abs() < 0.1 && found.low < 20.0 && found.high > 20.0, "{found:?}");
}

fn judged(operator: Binary, bound: f64, values: &[f64]) -> Judged {
    let metric = Metric::Series(readings(SeriesFunction::Growth, &WHOLE));
    let left = Measured::Metric { metric, unit: Type::Bandwidth, key: MetricKey::default() };
    let right = Measured::Constant { value: bound, unit: Type::Bandwidth };
    super::super::judge(&crate::plan::Condition::Compare { operator, left, right }, &stats(&memory(), &all(values)))
}

#[test]
fn a_slope_is_told_in_the_unit_of_its_bound() {
    // 30B/min; by itself it would be told per hour.
    let told = judged(Binary::Less, 0.5, &RISING).value.unwrap().to_string();
    assert_eq!((told.matches("/min").count(), told.matches("/h").count()), (3, 0), "{told}");
}

#[test]
fn growth_is_judged_by_both_ends_of_its_interval() {
    let outcome = |operator, bound| judged(operator, bound, &RISING).outcome;
    assert_eq!(outcome(Binary::Less, 1.3), Outcome::Held);
    assert_eq!(outcome(Binary::Less, 1.1), Outcome::Inconclusive, "the upper end does not meet it");
    assert_eq!(outcome(Binary::Less, 0.6), Outcome::Inconclusive, "the lower end does");
    assert_eq!(outcome(Binary::Less, 0.3), Outcome::Failed);
    assert_eq!(outcome(Binary::Greater, 0.3), Outcome::Held);
    assert_eq!(outcome(Binary::Greater, 1.3), Outcome::Failed);
    let open = judged(Binary::Less, 0.6, &RISING).reason.unwrap();
    assert!(open.contains("hold the load longer"), "{open}");
    let few = judged(Binary::Less, 1.0, &RISING[..5]);
    assert_eq!(few.outcome, Outcome::Inconclusive);
    assert_eq!(few.reason.unwrap(), "5 readings, and growth needs 10: hold the load longer");
}

#[test]
fn drift_is_the_share_by_which_a_metric_grows() {
    let value = |value: Result<f64, &str>| Measurement::of(value.map_err(str::to_owned), 3);
    let of = |each: &dyn Fn(f64) -> f64| drift((0..10).map(|part| value(Ok(each(f64::from(part) + 0.5)))).collect());
    // From 100 to 125, exactly.
    let even = of(&|at| 100.0 + 2.5 * at);
    assert!((even.value.unwrap() - 0.25).abs() < 1e-12 && even.samples == 30);
    assert!(even.interval.is_some_and(|(low, high)| (low - 0.25).abs() < 1e-12 && (high - 0.25).abs() < 1e-12));
    // One part that is wild moves nothing; parts that vary are as sure as they are alike.
    let wild = of(&|at| if at == 3.5 { 900.0 } else { 100.0 });
    assert_eq!(wild.value, Ok(0.0));
    let noisy = of(&|at| 100.0 + 10.0 * (at * 7.0).sin());
    let (low, high) = noisy.interval.unwrap();
    assert!(low < 0.0 && high > 0.0 && high - low < 1.6, "{low} {high}");
    assert_eq!(of(&|_| 0.0).value, Ok(0.0));
    assert!(of(&|at| at).value.is_err(), "of nothing there are no shares");
    let mut parts: Vec<Measurement> = (0..9).map(|_| value(Ok(1.0))).collect();
    parts.push(value(Err("80 samples, and this quantile needs 100")));
    assert_eq!(drift(parts).value.unwrap_err(), "in a tenth of its window: 80 samples, and this quantile needs 100");
}
