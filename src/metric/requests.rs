//! Functions of requests: what is computed of the samples and counts of recorded series in windows.

use super::Value;
use crate::base::units::{self, SECOND};
use crate::check::program::Function;
use crate::measure::{Failure, Stats, histogram};
use crate::plan::{Range, Requests, needed_samples, scope};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// The metric of its windows; without samples, or with too few for its quantile, there is no value.
pub(super) fn apply(metric: &Requests, stats: &Stats) -> Value {
    let mut sent = 0;
    let (mut ok, mut failed) = (0u64, 0u64);
    // A request that could not be built has no time.
    let mut unsent = 0u64;
    let mut bytes = 0u64;
    for samples in &metric.samples {
        let counts = stats.counts(samples.series, &samples.ranges);
        sent += counts.sent;
        ok += counts.ok;
        bytes += counts.bytes;
        unsent += counts.failed.get(&Failure::Data).copied().unwrap_or(0);
        failed += counts.target_failures();
    }
    let total = ok + failed;
    // That none was as asked for is known where there were others.
    let others = metric.chosen_of.iter().map(|samples| stats.counts(samples.series, &samples.ranges));
    let chosen_of: u64 = others.map(|counts| counts.ok + counts.failures()).sum();
    let none = || Err("no samples in its window".to_owned());
    let length = length(metric, stats);
    let value = match metric.function {
        Function::Dropped => {
            let (load, ranges) = metric.load.as_ref().expect("only a load drops arrivals: the checker saw to it");
            let counts = stats.load(*load, ranges);
            let seen = counts.started + counts.dropped + counts.unsent;
            let none = "no arrivals in its window".to_owned();
            return Value::of(if seen == 0 { Err(none) } else { Ok(counts.dropped as f64) }, seen);
        }
        Function::Count => {
            if sent + total == 0 && chosen_of == 0 {
                none()
            } else {
                Ok(sent as f64)
            }
        }
        Function::Throughput | Function::Bandwidth if length == 0 => Err("its window has no length".to_owned()),
        Function::Throughput => {
            if total == 0 && chosen_of == 0 {
                none()
            } else {
                Ok(ok as f64 * SECOND as f64 / length as f64)
            }
        }
        _ if total == 0 => none(),
        Function::Bandwidth => Ok(bytes as f64 * SECOND as f64 / length as f64),
        Function::ErrorRate => Ok(failed as f64 / total as f64),
        Function::BurnRate(objective) if objective >= 1.0 => Err("an objective of 100% has no budget".to_owned()),
        Function::BurnRate(objective) => Ok(failed as f64 / total as f64 / (1.0 - objective)),
        Function::Availability => Ok(availability(metric, stats)),
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
                false => {
                    let found = of_times(metric.function, &times, ok as f64 / total as f64);
                    // A share of requests has no unit.
                    Ok(if matches!(metric.function, Function::Apdex(_)) { found } else { found * metric.worth })
                }
            }
        }
        _ => Err("this version does not measure it".to_owned()),
    };
    Value::of(value, total)
}

/// The share of the seconds with requests in which not every one failed.
fn availability(metric: &Requests, stats: &Stats) -> f64 {
    let mut seconds: BTreeMap<u64, bool> = BTreeMap::new();
    for samples in &metric.samples {
        for (start, counts) in stats.slices_of(samples.series, &samples.ranges) {
            let own = |kind: &Failure| !kind.is_generator();
            if counts.ok > 0 || counts.failed.keys().any(own) {
                *seconds.entry(start / SECOND).or_default() |= counts.ok > 0;
            }
        }
    }
    seconds.values().filter(|up| **up).count() as f64 / seconds.len().max(1) as f64
}

/// How long its windows are together, without what was left of a stage when all that it had to do was done.
fn length(metric: &Requests, stats: &Stats) -> u64 {
    let Some((load, ranges)) = &metric.load else { return metric.length };
    let spare: Vec<Range> = stats.spare(*load).collect();
    metric.length.saturating_sub(scope::length(&scope::intersect(ranges, &spare), metric.end))
}

/// What is computed of the times of requests, of which a share was answered.
fn of_times(function: Function, times: &Histogram<u64>, answered: f64) -> f64 {
    match function {
        Function::Quantile(q) => times.value_at_quantile(q) as f64,
        Function::Mean => times.mean(),
        // What lies in one step of the record with a bound is not below it.
        Function::Min => times.highest_equivalent(times.min()) as f64,
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
