//! How certain a value of requests is: the spread of the same metric over consecutive batches of its windows (batch
//! means, which stay calibrated where samples that follow each other are alike; see A. M. Law, Simulation Modeling and
//! Analysis, 9.5.3).

use super::requests;
use super::student::student;
use crate::base::units;
use crate::check::program::RequestFunction;
use crate::measure::Stats;
use crate::plan::{FEWEST_PARTS, Requests};
use std::collections::BTreeMap;

/// As many batches as samples suffice for.
pub(super) const BATCHES: [u64; 3] = [6, 5, FEWEST_PARTS];

/// Where a value lies with 95 % certainty. None for what is counted and not estimated, an error for too few samples.
pub(super) fn interval(metric: &Requests, stats: &Stats, value: f64) -> Result<Option<(f64, f64)>, String> {
    let Some(least) = metric.function.samples_of_part() else { return Ok(None) };
    let cells = ended(metric, stats);
    let total: u64 = cells.values().sum();
    let found = BATCHES.into_iter().find_map(|count| {
        let batches = batches(metric, &cells, count);
        let enough = |batch: &Requests| ended(batch, stats).values().sum::<u64>() >= least;
        (batches.len() as u64 == count && batches.iter().all(enough)).then_some(batches)
    });
    let Some(batches) = found else {
        let (have, need) = (units::grouped(total as f64, 0), units::grouped(least as f64, 0));
        if total >= least * FEWEST_PARTS {
            return Err(format!("{have} samples came too unevenly over its window to see how far it spreads"));
        }
        return Err(format!(
            "{have} samples, and to compare two measured values each of {FEWEST_PARTS} parts of its window needs {need}"
        ));
    };
    let values: Result<Vec<f64>, String> = batches.iter().map(|batch| requests::apply(batch, stats).value).collect();
    let values = values?;
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (count - 1.0) / count;
    let half = student(values.len() - 1) * variance.max(of_shares(metric.function, value, total as f64)).sqrt();
    Ok(Some((value - half, value + half)))
}

/// The variance that a share has by being one, also where it is nothing in every batch (Agresti and Coull, 1998).
pub(super) fn of_shares(function: RequestFunction, value: f64, total: f64) -> f64 {
    let of = |share: f64| {
        let share = (share * total + 2.0) / (total + 4.0);
        share * (1.0 - share) / (total + 4.0)
    };
    function.share().map_or(0.0, |times| of(value * times) / times.powi(2))
}

/// What ended in each piece of the windows of a metric, by its start.
pub(super) fn ended(metric: &Requests, stats: &Stats) -> BTreeMap<u64, u64> {
    let mut cells = BTreeMap::new();
    for samples in &metric.samples {
        for (start, counts) in stats.pieces_of(samples.series, &samples.ranges) {
            *cells.entry(start).or_default() += counts.ok + counts.failures();
        }
    }
    cells
}

/// The metric in so many parts with about as many samples each, cut where pieces end; fewer where there are fewer of them.
pub(super) fn batches(metric: &Requests, cells: &BTreeMap<u64, u64>, count: u64) -> Vec<Requests> {
    let total: u64 = cells.values().sum();
    let (mut cuts, mut seen) = (vec![0], 0);
    for (start, ended) in cells {
        if (cuts.len() as u64) < count && seen > 0 && seen * count >= total * cuts.len() as u64 {
            cuts.push(*start);
        }
        seen += ended;
    }
    cuts.push(u64::MAX);
    cuts.windows(2).map(|ends| metric.within((ends[0], ends[1]))).collect()
}
