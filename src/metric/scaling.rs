//! What the Universal Scalability Law says of the levels of a sweep: X(N) = λN ÷ (1 + σ(N−1) + κN(N−1)) (Gunther, Guerrilla
//! Capacity Planning, 2007), fitted by least squares with σ and κ not below nothing.

mod fit;

use super::{Measurement, requests, room, spread};
use crate::base::units::grouped;
use crate::check::program::SweepFunction;
use crate::measure::Stats;
use crate::plan::{Range, Requests, Scaling, Type, needed_levels};
use fit::{Law, Parameter};
use schemars::JsonSchema;
use serde::Serialize;

/// What lies farther after the largest level than this is not seen, but guessed.
const SEEN: f64 = 2.0;
/// Of so much of a level it must be known how many requests were in flight.
const KNOWN: f64 = 0.5;

/// A level as it was: how much went on at a time, and what came of it.
struct Level {
    concurrency: f64,
    throughput: f64,
    of: Requests,
}

pub(super) fn apply(scaling: &Scaling, stats: &Stats) -> Measurement {
    let Levels { levels, left_out, samples } = match levels(scaling, stats) {
        Ok(levels) => levels,
        Err((reason, samples)) => return Measurement::of(Err(reason), samples),
    };
    let needed = needed_levels(scaling.function);
    let there = distinct(&levels);
    if there < needed {
        let reason = match left_out.is_empty() {
            true => format!("{there} levels, and this needs {needed}: sweep over more"),
            false => {
                let which: Vec<String> = left_out.iter().map(|users| grouped(*users, 0)).collect();
                let which = which.join(", ");
                format!(
                    "the generator was the limit at {which} users; {there} levels are left, and this needs {needed}"
                )
            }
        };
        return Measurement::of(Err(reason), samples);
    }
    let points: Vec<(f64, f64)> = levels.iter().map(|level| (level.concurrency, level.throughput)).collect();
    match scaling.function {
        SweepFunction::ScalabilityCoefficient => scalability(&levels, stats, samples),
        SweepFunction::Contention
        | SweepFunction::Coherency
        | SweepFunction::Efficiency(_)
        | SweepFunction::PeakUsers
        | SweepFunction::PeakThroughput => match fit::fit(&points) {
            Ok(law) => of_law(scaling.function, &law, &points, samples),
            Err(reason) => Measurement::of(Err(reason), samples),
        },
    }
}

/// The levels that count, the users of those at which the generator was the limit, and how many samples there were.
struct Levels {
    levels: Vec<Level>,
    left_out: Vec<f64>,
    samples: u64,
}

/// Otherwise why there are none, and how many samples there were.
fn levels(scaling: &Scaling, stats: &Stats) -> Result<Levels, (String, u64)> {
    let mut samples = 0;
    let mut levels: Vec<Level> = Vec::with_capacity(scaling.levels.len());
    let mut left_out: Vec<f64> = Vec::new();
    for (users, range) in &scaling.levels {
        let of = scaling.throughput.within(*range);
        let Measurement { value, samples: own, .. } = requests::apply(&of, stats);
        samples += own;
        let series = of.samples.iter().map(|samples| samples.series);
        match value {
            Ok(_) if room::held_up(series, *range, stats) => left_out.push(*users),
            Ok(throughput) => {
                let measured = concurrency(scaling, *range, stats);
                levels.push(Level { concurrency: measured.unwrap_or(*users), throughput, of });
            }
            Err(reason) => return Err((format!("at {} users: {reason}", grouped(*users, 0)), samples)),
        }
    }
    Ok(Levels { levels, left_out, samples })
}

/// The levels of a sweep as points, and the law that was fitted to them.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Scaled {
    /// For each level that counts: requests in flight (users, if that was not measured) and answers per second.
    pub levels: Vec<(f64, f64)>,
    /// The users of the levels at which the generator was the limit.
    pub left_out: Vec<f64>,
    /// None with fewer than four different levels.
    pub law: Option<FittedLaw>,
}

/// The Universal Scalability Law with its constants.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct FittedLaw {
    /// Answers per second of one user.
    pub lambda: f64,
    /// The share of work that is serial.
    pub sigma: f64,
    /// The cost of keeping users consistent.
    pub kappa: f64,
    /// Where throughput peaks, if it does.
    pub peak: Option<f64>,
    /// Requests in flight, answers per second by the law, and the ends of their 95% interval.
    pub curve: Vec<(f64, f64, f64, f64)>,
}

pub fn scaled(scaling: &Scaling, stats: &Stats) -> Option<Scaled> {
    const POINTS: u32 = 40;
    /// So far beyond the largest level, in shares of it.
    const BEYOND: f64 = 1.25;
    let Levels { levels, left_out, .. } = levels(scaling, stats).ok()?;
    let enough = distinct(&levels) >= needed_levels(SweepFunction::Contention);
    let levels: Vec<(f64, f64)> = levels.iter().map(|level| (level.concurrency, level.throughput)).collect();
    let largest = levels.iter().map(|(users, _)| *users).fold(1.0, f64::max) * BEYOND;
    let law = enough.then(|| fit::fit(&levels).ok()).flatten().map(|law| FittedLaw {
        lambda: law.lambda,
        sigma: law.sigma,
        kappa: law.kappa,
        peak: law.peak(),
        curve: (0..=POINTS)
            .map(|at| {
                let users = largest * f64::from(at) / f64::from(POINTS);
                let (low, high) = law.around(|lambda, sigma, kappa| lambda * users / fit::cost(users, sigma, kappa));
                (users, law.at(users), low.max(0.0), high)
            })
            .collect(),
    });
    Some(Scaled { levels, left_out, law })
}

/// How many levels differ by more than noise of what is in flight does.
fn distinct(levels: &[Level]) -> usize {
    let mut all: Vec<f64> = levels.iter().map(|level| level.concurrency).collect();
    all.sort_by(f64::total_cmp);
    all.dedup_by(|next, before| *next <= *before * 1.05);
    all.len()
}

/// How many requests of the load were in flight at a time in a window, in the mean; nothing where that was not measured.
fn concurrency(scaling: &Scaling, range: Range, stats: &Stats) -> Option<f64> {
    let (load, _) = scaling.throughput.load.as_ref().filter(|_| scaling.in_flight)?;
    let inside = stats.in_flight(*load).filter(|(slice, _)| range.0 <= slice.0 && slice.1 <= range.1);
    let (length, sum) = inside.fold((0.0, 0.0), |(length, sum), ((from, to), value)| {
        let own = (to - from) as f64;
        (length + own, sum + own * value)
    });
    (length >= KNOWN * (range.1 - range.0) as f64 && sum > 0.0).then(|| sum / length)
}

/// What the highest level did against the lowest, as a share of what it would have done had each request in flight done as much.
fn scalability(levels: &[Level], stats: &Stats, samples: u64) -> Measurement {
    let by = |a: &&Level, b: &&Level| a.concurrency.total_cmp(&b.concurrency);
    let (Some(lowest), Some(highest)) = (levels.iter().min_by(by), levels.iter().max_by(by)) else {
        return Measurement::of(Err("no levels".to_owned()), samples);
    };
    let value = (highest.throughput / lowest.throughput) / (highest.concurrency / lowest.concurrency);
    if !value.is_finite() {
        return Measurement::of(Err("nothing was answered at the lowest level".to_owned()), samples);
    }
    // Of a ratio the relative errors add up.
    let relative = |level: &Level| {
        let spread = spread::spread(&level.of, stats, level.throughput)?.unwrap_or(spread::Spread::NONE);
        Ok(spread::Spread { error: spread.error / level.throughput, ..spread })
    };
    match (relative(lowest), relative(highest)) {
        (Ok(below), Ok(above)) => {
            let half = below.and(above).half();
            Measurement {
                interval: Some((value * (-half).exp(), value * half.exp())),
                ..Measurement::of(Ok(value), samples)
            }
        }
        (Err(reason), _) | (_, Err(reason)) => Measurement::of(Err(reason), samples),
    }
}

fn of_law(function: SweepFunction, law: &Law, points: &[(f64, f64)], samples: u64) -> Measurement {
    let largest = points.iter().map(|(users, _)| *users).fold(1.0, f64::max);
    let peak = law.peak().filter(|peak| *peak <= SEEN * largest);
    let (value, (low, high)) = match function {
        SweepFunction::Contention => (law.sigma, law.interval(Parameter::Sigma)),
        SweepFunction::Coherency => (law.kappa, law.interval(Parameter::Kappa)),
        SweepFunction::Efficiency(users) if users > SEEN * largest => {
            let (users, largest) = (grouped(users, 0), crate::base::units::short(largest));
            let reason =
                format!("{users} users would be extrapolated, since at most {largest} were seen: sweep over more");
            return Measurement::of(Err(reason), samples);
        }
        SweepFunction::Efficiency(users) => {
            // What divides it grows evenly with both constants, so its interval is known exactly.
            let (low, high) = law.around(|_, sigma, kappa| fit::cost(users, sigma, kappa));
            (1.0 / fit::cost(users, law.sigma, law.kappa), (1.0 / high, 1.0 / low.max(1.0)))
        }
        SweepFunction::PeakUsers => {
            let Some(peak) = peak else { return Measurement::at_least(largest, Type::Users, samples) };
            // The square of its inverse stays finite where coherency comes near to nothing.
            let (low, high) = law.around(|_, sigma, kappa| kappa / (1.0 - sigma).max(f64::MIN_POSITIVE));
            (peak, (high.sqrt().recip().min(peak), low.max(0.0).sqrt().recip().max(peak)))
        }
        SweepFunction::PeakThroughput => {
            if peak.is_none() {
                return Measurement::at_least(law.at(largest), Type::Rate, samples);
            }
            let (low, high) = law.around(fit::highest);
            (fit::highest(law.lambda, law.sigma, law.kappa), (low.max(0.0), high))
        }
        // It is of two levels alone.
        SweepFunction::ScalabilityCoefficient => return Measurement::of(Err("it is of no law".to_owned()), samples),
    };
    Measurement { interval: Some((low, high)), ..Measurement::of(Ok(value), samples) }
}

#[cfg(test)]
mod tests;
