//! What a run keeps for other runs: each metric that is judged, with its uncertainty.

use super::spread::{self, Spread};
use super::{Measurement, of_metric, requests};
use crate::base::distributions::TWO_SIDED;
use crate::baseline::{Recorded, Statistic, Within, of, ranks};
use crate::check::program::RequestFunction;
use crate::measure::Stats;
use crate::measure::histogram::Counts;
use crate::plan::{Function, Measured, Metric, MetricKey, Plan, Requests, Samples, Scopes, StageKind, Type};

/// Each metric of the expectations once.
fn metrics(plan: &Plan) -> Vec<(&MetricKey, &Metric, Type)> {
    let mut found: Vec<(&MetricKey, &Metric, Type)> = Vec::new();
    for expectation in plan.expectations.iter().filter(|expectation| !expectation.implied) {
        expectation.condition.measured(&mut |measured| {
            if let Measured::Metric { metric, unit, key } = measured
                && found.iter().all(|(other, ..)| *other != key)
            {
                found.push((key, metric, *unit));
            }
        });
    }
    found
}

/// Those of them that have a value.
pub fn statistics(plan: &Plan, stats: &Stats) -> Vec<Statistic> {
    metrics(plan).into_iter().filter_map(|(key, metric, unit)| statistic(key, metric, unit, stats)).collect()
}

fn statistic(key: &MetricKey, metric: &Metric, unit: Type, stats: &Stats) -> Option<Statistic> {
    let Measurement { value, samples, interval, bounded, .. } = of_metric(metric, stats, false);
    let value = value.ok().filter(|value| value.is_finite() && !bounded)?;
    let plain = Statistic {
        metric: key.clone(),
        unit,
        value,
        interval: None,
        error: 0.0,
        by: Within::Unknown,
        samples,
        batches: Vec::new(),
    };
    if let Some((low, high)) = interval.filter(|(low, high)| low.is_finite() && high.is_finite()) {
        let error = (high - low) / 2.0 / TWO_SIDED;
        return Some(Statistic { interval: Some((low, high)), error, by: Within::Interval, ..plain });
    }
    let Metric::Requests(requests) = metric else { return Some(plain) };
    let requests = super::recovery::narrowed(requests, stats).ok()?;
    // A share is never less than nothing.
    let least = if requests.function.share().is_some() { 0.0 } else { f64::NEG_INFINITY };
    let interval = |error: f64, freedom: f64| {
        let (low, high) = Spread { error, freedom }.around(value);
        Some((low.max(least), high))
    };
    if let Some(batches) = batches(&requests, stats) {
        let error = error(&batches, value).max(spread::of_shares(requests.function, value, samples as f64).sqrt());
        // A few batches show it no better than so few values do.
        let interval = interval(error, batches.len() as f64 - 1.0);
        return Some(Statistic { interval, error, by: Within::Batches, batches, ..plain });
    }
    if requests.function.share().is_some() {
        let error = spread::of_shares(requests.function, value, samples as f64).sqrt();
        return Some(Statistic { interval: interval(error, f64::INFINITY), error, by: Within::Ranks, ..plain });
    }
    let RequestFunction::Quantile(share) = requests.function else { return Some(plain) };
    let times = requests::times(&requests, stats);
    if !times.unanswered.is_empty() {
        return Some(plain);
    }
    let (low, high) = ranks(times.answered.len(), share);
    let at = |share: f64| times.answered.value_at_quantile(share) as f64 * requests.worth;
    let (low, high) = (at(low), at(high));
    let error = (high - low) / 2.0 / TWO_SIDED;
    Some(Statistic { interval: Some((low, high)), error, by: Within::Ranks, ..plain })
}

/// The value in as many long parts of the windows as have samples enough (batch means).
fn batches(requests: &Requests, stats: &Stats) -> Option<Vec<f64>> {
    requests.function.samples_of_part()?;
    let [found] = spread::batches([requests], &spread::ended(requests, stats), stats)?;
    let value = |part: &Requests| requests::apply(part, stats).value.ok().filter(|value| value.is_finite());
    found.iter().map(value).collect()
}

/// The standard error of a value, by its values in parts: of their logarithms where they have any.
fn error(batches: &[f64], value: f64) -> f64 {
    match value > 0.0 && batches.iter().all(|one| *one > 0.0) {
        true => value * Spread::of(&batches.iter().map(|one| one.ln()).collect::<Vec<f64>>(), 0.0).error,
        false => Spread::of(batches, 0.0).error,
    }
}

/// The times of the requests behind these metrics, each kind once.
pub fn recorded(plan: &Plan, stats: &Stats) -> Vec<Recorded> {
    let mut recorded: Vec<Recorded> = Vec::new();
    for (key, metric, unit) in metrics(plan) {
        let Metric::Requests(requests) = metric else { continue };
        let of = of(key);
        // A measured value is no time, and its histogram would be read as one.
        let is_time = unit == Type::Duration && requests.function.is_of_times();
        if !is_time || recorded.iter().any(|other| other.of == of) {
            continue;
        }
        let Ok(requests) = super::recovery::narrowed(requests, stats) else { continue };
        let times = requests::times(&requests, stats);
        let counts = requests.samples.iter().map(|samples| stats.counts(samples.series, &samples.ranges));
        let failed = counts.map(|counts| counts.target_failures()).sum();
        let told = (times.answered.len(), failed, times.unanswered.len());
        recorded.push(Recorded::new(of, told, &Counts::from_histogram(&times.answered)));
    }
    recorded
}

/// A metric of one window, for who looks at two runs side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Windowed {
    /// The load and the window.
    pub window: String,
    pub function: Function,
    pub statistic: Statistic,
}

/// What each request did in each window that is judged: its quantiles, how many there were a second, and how many failed.
pub fn windowed(plan: &Plan, stats: &Stats) -> Vec<Windowed> {
    const ASKED: [(RequestFunction, Type); 5] = [
        (RequestFunction::Quantile(0.5), Type::Duration),
        (RequestFunction::Quantile(0.95), Type::Duration),
        (RequestFunction::Quantile(0.99), Type::Duration),
        (RequestFunction::Throughput, Type::Rate),
        (RequestFunction::ErrorRate, Type::Percent),
    ];
    let mut found = Vec::new();
    for (index, load) in plan.loads.iter().enumerate() {
        let judged = load.stages.iter().filter(|stage| stage.kind != StageKind::Warmup);
        let windows = judged.flat_map(|stage| match stage.levels.as_slice() {
            [] => vec![(stage.name.clone(), (stage.start, stage.end))],
            levels => {
                levels.iter().map(|(level, range)| (format!("{} {}", stage.name, load.shown(*level)), *range)).collect()
            }
        });
        for (name, range) in windows {
            let own = plan.series.iter().enumerate().filter(|(_, series)| series.is_request() && series.load == index);
            for (series, planned) in own {
                for (function, unit) in ASKED {
                    let samples = vec![Samples { series, ranges: vec![range] }];
                    let requests = Requests {
                        function,
                        service_time: false,
                        worth: 1.0,
                        samples,
                        chosen_of: Vec::new(),
                        is_chosen: false,
                        loads: vec![index],
                        load: None,
                        length: range.1 - range.0,
                        scopes: Scopes { end: load.shape.end(), ..Scopes::default() },
                    };
                    let metric = Metric::Requests(requests);
                    let of = planned.name.clone();
                    let key = MetricKey { function: metric.function().name().to_owned(), of, ..MetricKey::default() };
                    let window = format!("{}, {name}", load.name);
                    let function = metric.function();
                    found.extend(statistic(&key, &metric, unit, stats).map(|statistic| Windowed {
                        window,
                        function,
                        statistic,
                    }));
                }
            }
        }
    }
    found
}

/// The function of each metric that is judged of a run.
pub fn functions(plan: &Plan) -> Vec<(MetricKey, Function)> {
    metrics(plan).into_iter().map(|(key, metric, _)| (key.clone(), metric.function())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::SECOND;
    use crate::measure::{SeriesCounts, Slice};

    #[test]
    fn what_a_few_batches_show_lies_as_far_as_so_few_values_can_tell() {
        const SECONDS: u64 = 60;
        let mut stats = Stats::bare((0..=SECONDS).map(|second| second * SECOND).collect(), 1);
        stats.ended = Some(SECONDS * SECOND);
        for second in 0..SECONDS as u32 {
            let ok = 50 + u64::from(second * 7 % 13);
            let counts = SeriesCounts { sent: ok, ok, ..SeriesCounts::default() };
            stats.add(&Slice { slice: second, series: [(0, counts)].into(), ..Slice::default() });
        }
        let metric = Metric::Requests(Requests {
            function: RequestFunction::Throughput,
            service_time: false,
            worth: 1.0,
            samples: vec![Samples { series: 0, ranges: vec![(0, SECONDS * SECOND)] }],
            chosen_of: Vec::new(),
            is_chosen: false,
            loads: Vec::new(),
            load: None,
            length: SECONDS * SECOND,
            scopes: Scopes { end: SECONDS * SECOND, ..Scopes::default() },
        });
        let found = statistic(&MetricKey::default(), &metric, Type::Rate, &stats).expect("it has a value");
        assert_eq!((found.by, found.batches.len()), (Within::Batches, 6));
        let (low, high) = found.interval.expect("it is estimated");
        // Student's t with five degrees of freedom.
        let (below, above) = ((found.value - low) / found.error, (high - found.value) / found.error);
        assert!((below - 2.5706).abs() < 1e-3 && (above - 2.5706).abs() < 1e-3, "{below} {above}");
    }
}
