//! What the Universal Scalability Law says of the levels of a sweep: X(N) = λN ÷ (1 + σ(N−1) + κN(N−1)) (Gunther, Guerrilla
//! Capacity Planning, 2007), fitted by least squares with σ and κ not below nothing.

mod fit;

use super::{Measurement, requests};
use crate::base::units::grouped;
use crate::check::program::SweepFunction;
use crate::measure::Stats;
use crate::plan::{FOR_A_LAW, Scaling, Type, distinct};
use fit::{Law, Parameter};

/// A peak farther behind the largest level than this is not seen, but guessed.
const SEEN: f64 = 2.0;

pub(super) fn apply(scaling: &Scaling, stats: &Stats) -> Measurement {
    let levels = distinct(&scaling.levels);
    let mut samples = 0;
    let mut points = Vec::with_capacity(scaling.levels.len());
    for (users, range) in &scaling.levels {
        let Measurement { value, samples: own, .. } = requests::apply(&scaling.throughput.within(*range), stats);
        samples += own;
        match value {
            Ok(throughput) => points.push((*users, throughput)),
            Err(reason) => {
                return Measurement::of(Err(format!("at {} users: {reason}", grouped(*users, 0))), samples);
            }
        }
    }
    if levels < FOR_A_LAW {
        return Measurement::of(Err(format!("{levels} levels, and this needs {FOR_A_LAW}: sweep over more")), samples);
    }
    match fit::fit(&points) {
        Ok(law) => of_law(scaling.function, &law, &points, samples),
        Err(reason) => Measurement::of(Err(reason), samples),
    }
}

fn of_law(function: SweepFunction, law: &Law, points: &[(f64, f64)], samples: u64) -> Measurement {
    let largest = points.iter().map(|(users, _)| *users).fold(1.0, f64::max);
    let peak = law.peak().filter(|peak| *peak <= SEEN * largest);
    let (value, (low, high)) = match function {
        SweepFunction::Contention => (law.sigma, law.interval(Parameter::Sigma)),
        SweepFunction::Coherency => (law.kappa, law.interval(Parameter::Kappa)),
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
    };
    Measurement { interval: Some((low, high)), ..Measurement::of(Ok(value), samples) }
}

#[cfg(test)]
mod tests;
