//! How certain a value of requests is: the spread of the same metric over consecutive batches of its windows (batch
//! means, which stay calibrated where samples that follow each other are alike; see A. M. Law, Simulation Modeling and
//! Analysis, 9.5.3).

use super::{recovery, requests, worth};
use crate::base::distributions::{TWO_SIDED, two_sided};
use crate::base::units;
use crate::check::program::RequestFunction;
use crate::measure::Stats;
use crate::plan::{FEWEST_PARTS, Measured, Metric, Range, Requests, scope};
use std::collections::BTreeMap;

/// As many batches as samples suffice for.
const BATCHES: [u64; 3] = [6, 5, FEWEST_PARTS];

/// The standard error of an estimate, and of how many degrees of freedom it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub error: f64,
    pub freedom: f64,
}

impl Spread {
    /// Of what is no estimate.
    pub const NONE: Spread = Spread { error: 0.0, freedom: f64::INFINITY };

    /// Of the sum or the difference of two that know nothing of each other (Welch, Biometrika 34, 1947).
    pub fn and(self, other: Spread) -> Spread {
        let (own, more) = (self.error.powi(2), other.error.powi(2));
        if own + more == 0.0 {
            return Spread::NONE;
        }
        let freedom = (own + more).powi(2) / (own.powi(2) / self.freedom + more.powi(2) / other.freedom);
        Spread { error: (own + more).sqrt(), freedom }
    }

    /// How far to each side it reaches with 95 % certainty.
    pub fn half(self) -> f64 {
        if self.error == 0.0 { 0.0 } else { two_sided(self.freedom as usize) * self.error }
    }

    pub fn around(self, value: f64) -> (f64, f64) {
        (value - self.half(), value + self.half())
    }

    /// By batches, whose mean is as sure as they are alike; not surer than a variance that is known otherwise.
    pub fn of(batches: &[f64], least: f64) -> Spread {
        let count = batches.len() as f64;
        let mean = batches.iter().sum::<f64>() / count;
        let variance = batches.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (count - 1.0) / count;
        Spread { error: variance.max(least).sqrt(), freedom: count - 1.0 }
    }
}

/// How a value spreads. None for what is counted and not estimated, an error for too few samples.
pub(super) fn spread(metric: &Requests, stats: &Stats, value: f64) -> Result<Option<Spread>, String> {
    let Some(least) = metric.function.samples_of_part() else { return Ok(None) };
    let cells = ended(metric, stats);
    let total: u64 = cells.values().sum();
    let Some([batches]) = batches([metric], &cells, stats) else {
        let (have, need) = (units::grouped(total as f64, 0), units::grouped(least as f64, 0));
        if total >= least * FEWEST_PARTS {
            return Err(format!("its interval is not known: {have} samples came too unevenly over its window"));
        }
        return Err(format!(
            "{have} samples, and to compare two measured values each of {FEWEST_PARTS} parts of its window needs {need}"
        ));
    };
    let values: Result<Vec<f64>, String> = batches.iter().map(|batch| requests::apply(batch, stats).value).collect();
    Ok(Some(Spread::of(&values?, of_shares(metric.function, value, total as f64))))
}

/// Where a value of too few samples for batches lies with 95 % certainty, as though they knew nothing of each other: a quantile between the
/// ranks √(q(1−q)/n) to each side (Hahn and Meeker, Statistical Intervals, 1991, 5.2), a share by its own variance. Nothing bounds a quantile
/// above where its rank is that of no sample.
pub(super) fn of_samples(metric: &Requests, stats: &Stats, value: f64) -> Option<(f64, f64)> {
    let all: u64 = ended(metric, stats).values().sum();
    if let RequestFunction::Quantile(share) = metric.function {
        let half = TWO_SIDED * (share * (1.0 - share) / all as f64).sqrt();
        let low = requests::at(metric, stats, (share - half).max(0.0))?;
        let high = Some(share + half).filter(|share| *share < 1.0);
        return Some((low, high.and_then(|share| requests::at(metric, stats, share)).unwrap_or(f64::INFINITY)));
    }
    metric.function.share()?;
    let half = TWO_SIDED * of_shares(metric.function, value, all as f64).sqrt();
    Some(((value - half).max(0.0), value + half))
}

/// How the difference of two sides spreads that are measured in the same windows: over batches of the same times, so that what moves
/// both at once, as a machine that they share does, is no part of it. `None` where they have no such batches.
pub(super) fn paired(left: &Measured, right: &Measured, stats: &Stats) -> Option<Spread> {
    let both = [only(left, stats)?, only(right, stats)?];
    let [first, second] = [&both[0], &both[1]].map(|one| scope::intersect(&one.windows(), &[(0, one.scopes.end)]));
    if first != second {
        return None;
    }
    let mut cells = ended(&both[0], stats);
    ended(&both[1], stats).into_iter().for_each(|(start, count)| *cells.entry(start).or_default() += count);
    let [of_left, of_right] = batches([&both[0], &both[1]], &cells, stats)?;
    let of =
        |side: &Measured, batch: &Requests| worth(&side.map(&mut |_| Some(Metric::Requests(batch.clone())))?, stats);
    let pairs = of_left.iter().zip(&of_right);
    let values = pairs.map(|(l, r)| Some(of(left, l)? - of(right, r)?)).collect::<Option<Vec<f64>>>()?;
    let own = |metric: &Requests| {
        let all: u64 = ended(metric, stats).values().sum();
        requests::apply(metric, stats).value.map_or(0.0, |value| of_shares(metric.function, value, all as f64))
    };
    Some(Spread::of(&values, own(&both[0]) + own(&both[1])))
}

/// The only metric on a side that has a spread.
fn only(side: &Measured, stats: &Stats) -> Option<Requests> {
    let mut found = Vec::new();
    side.metrics(&mut |metric| found.push(metric));
    let [Metric::Requests(requests)] = found[..] else { return None };
    requests.function.samples_of_part()?;
    Some(recovery::narrowed(requests, stats).ok()?).filter(|_| !side.has_baseline())
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

/// Metrics in the same batches, of which there are as many as samples suffice for.
pub(super) fn batches<const N: usize>(
    metrics: [&Requests; N],
    cells: &BTreeMap<u64, u64>,
    stats: &Stats,
) -> Option<[Vec<Requests>; N]> {
    BATCHES.into_iter().find_map(|count| {
        let parts = parts(cells, count);
        let batches = metrics.map(|metric| parts.iter().map(|part| metric.within(*part)).collect::<Vec<Requests>>());
        let enough = |batch: &Requests| {
            let least = batch.function.samples_of_part().unwrap_or(0);
            ended(batch, stats).values().sum::<u64>() >= least
        };
        (parts.len() as u64 == count && batches.iter().flatten().all(enough)).then_some(batches)
    })
}

/// So many parts with about as many samples each, cut where pieces end; fewer where there are fewer of them.
fn parts(cells: &BTreeMap<u64, u64>, count: u64) -> Vec<Range> {
    let total: u64 = cells.values().sum();
    let (mut cuts, mut seen) = (vec![0], 0);
    for (start, ended) in cells {
        if (cuts.len() as u64) < count && seen > 0 && seen * count >= total * cuts.len() as u64 {
            cuts.push(*start);
        }
        seen += ended;
    }
    cuts.push(u64::MAX);
    cuts.windows(2).map(|ends| (ends[0], ends[1])).collect()
}
