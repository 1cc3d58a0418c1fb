//! Functions of requests: what is computed of the samples and counts of recorded series in windows.

use super::Measurement;
use crate::base::units::{self, SECOND};
use crate::check::program::{RequestFunction, Statistic};
use crate::measure::{Failure, Ranked, Stats, Times};
use crate::plan::{Range, Requests, scope};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// The metric of its windows; without samples, or with too few for its quantile, there is no value.
pub(super) fn apply(metric: &Requests, stats: &Stats) -> Measurement {
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
    // How much there was is known wherever something ran that could have sent it.
    let counted = sent + total + chosen_of > 0 || has_run(metric, stats);
    let length = length(metric, stats);
    let times = || match metric.function.least_samples() {
        Some(least) if total < least.samples => {
            let (have, need) = (units::grouped(total as f64, 0), units::grouped(least.samples as f64, 0));
            Err(format!("{have} samples, and this {} needs {need}", least.noun))
        }
        _ => recorded(metric, stats, (unsent, total)),
    };
    let mut ranked = Ranked::Nothing;
    let mut without = None;
    // Of answers alone, with the share that had none.
    let answers = |without: &mut Option<f64>| {
        let times = times()?;
        if times.answered.is_empty() {
            return Err(format!("none of {} requests got an answer", units::grouped(times.len() as f64, 0)));
        }
        *without = Some(times.without()).filter(|share| *share > 0.0);
        Ok(times.answered)
    };
    let value = match metric.function {
        RequestFunction::Dropped => {
            let (load, ranges) = metric.load.as_ref().expect("only a load drops arrivals: the checker saw to it");
            let counts = stats.load(*load, ranges);
            let seen = counts.started + counts.dropped + counts.unsent;
            let none = "no arrivals in its window".to_owned();
            return Measurement::of(if seen == 0 { Err(none) } else { Ok(counts.dropped as f64) }, seen);
        }
        RequestFunction::Count if !counted => none(),
        RequestFunction::Count => Ok(sent as f64),
        RequestFunction::Throughput | RequestFunction::Bandwidth if length == 0 => {
            Err("its window has no length".to_owned())
        }
        RequestFunction::Throughput | RequestFunction::Bandwidth if !counted => none(),
        RequestFunction::Throughput => Ok(ok as f64 * SECOND as f64 / length as f64),
        RequestFunction::Bandwidth => Ok(bytes as f64 * SECOND as f64 / length as f64),
        _ if total == 0 => none(),
        RequestFunction::ErrorRate => Ok(failed as f64 / total as f64),
        RequestFunction::BurnRate(objective) if objective >= 1.0 => {
            Err("an objective of 100% has no budget".to_owned())
        }
        RequestFunction::BurnRate(objective) => Ok(failed as f64 / total as f64 / (1.0 - objective)),
        RequestFunction::Availability => Ok(availability(metric, stats)),
        RequestFunction::Quantile(q) => times().and_then(|times| {
            ranked = times.quantile(q);
            time_of(ranked, metric.worth)
        }),
        RequestFunction::Statistic(Statistic::Max) => times().and_then(|times| {
            ranked = match times.unanswered.is_empty() {
                true => Ranked::Time(times.answered.max()),
                false => times.quantile(1.0),
            };
            time_of(ranked, metric.worth)
        }),
        RequestFunction::Statistic(function) => {
            answers(&mut without).map(|times| statistic(function, &times) * metric.worth)
        }
        // A share of requests has no unit, and who got no answer is frustrated like whoever failed.
        RequestFunction::Apdex(threshold) => {
            times().map(|times| apdex(threshold, &times.answered, ok as f64 / total as f64))
        }
    };
    let no_answer = match ranked {
        Ranked::NoAnswer(waited) => Some(waited.map(|waited| waited as f64 * metric.worth)),
        Ranked::Nothing | Ranked::Time(_) => None,
    };
    Measurement { no_answer, without, ..Measurement::of(value, total) }
}

/// The time of a rank, whatever number of samples that takes; nothing where it got no answer.
pub(super) fn at(metric: &Requests, stats: &Stats, share: f64) -> Option<f64> {
    time_of(times(metric, stats).quantile(share), metric.worth).ok()
}

fn time_of(ranked: Ranked, worth: f64) -> Result<f64, String> {
    match ranked {
        Ranked::Time(time) => Ok(time as f64 * worth),
        Ranked::NoAnswer(_) => Err("it lies at a request that got no answer".to_owned()),
        Ranked::Nothing => Err("no samples in its window".to_owned()),
    }
}

/// Whether an iteration of one of its loads was started by the end of its windows.
fn has_run(metric: &Requests, stats: &Stats) -> bool {
    let end = metric.samples.iter().flat_map(|samples| &samples.ranges).map(|range| range.1).max().unwrap_or(0);
    metric.loads.iter().any(|load| stats.load(*load, &[(0, end)]).started > 0)
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
    metric.length.saturating_sub(scope::length(&scope::intersect(ranges, &spare), metric.scopes.end))
}

/// How long each request took, if the record has it.
pub(super) fn times(metric: &Requests, stats: &Stats) -> Times {
    let mut times = Times::default();
    for samples in &metric.samples {
        stats.times(samples.series, &samples.ranges, metric.service_time, &mut times);
    }
    times
}

/// The same where it still says it of all.
fn recorded(metric: &Requests, stats: &Stats, (unsent, total): (u64, u64)) -> Result<Times, String> {
    let times = times(metric, stats);
    if times.len() + unsent < total {
        let (have, all) = (units::grouped(times.len() as f64, 0), units::grouped(total as f64, 0));
        return Err(format!("the record holds the times of {have} of {all} requests"));
    }
    Ok(times)
}

fn statistic(function: Statistic, times: &Histogram<u64>) -> f64 {
    match function {
        Statistic::Mean => times.mean(),
        // What lies in one step of the record with a bound is not below it.
        Statistic::Min => times.highest_equivalent(times.min()) as f64,
        Statistic::Max => times.max() as f64,
        Statistic::Stddev => times.stdev(),
    }
}

/// From the times of requests; a share of them was answered.
fn apdex(threshold: f64, times: &Histogram<u64>, answered: f64) -> f64 {
    let satisfied = times.count_between(0, threshold as u64);
    let tolerating = times.count_between(0, (threshold * 4.0) as u64) - satisfied;
    // Failures are frustrated however fast they were.
    (satisfied as f64 + tolerating as f64 / 2.0) / times.len().max(1) as f64 * answered
}
