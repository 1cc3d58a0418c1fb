//! Whether the generator kept up. Rests on what its own threads did, never on the machine being busy: a local
//! target may be what is busy.

use crate::base::units::{self, MILLISECOND, SECOND};
use crate::check::program::Function;
use crate::measure::{Failure, Generator, Stats};
use crate::plan::schedule::Shape;
use crate::plan::{Condition, Measured, Metric, Plan, Type};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustState {
    Trusted,
    Untrusted,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    pub state: TrustState,
    pub reasons: Vec<String>,
}

/// A share of arrivals that may be missing before a rate counts as not generated.
const MISSING: f64 = 0.001;
/// A worker that ran, or waited for a core, for more than this share of a second had no room left.
const SATURATED: f64 = 0.9;
/// Lag up to this is no matter, whatever the bound.
const LAG_FLOOR: u64 = 10 * MILLISECOND;
/// Lag up to this share of a latency bound is no matter.
const LAG_SHARE: f64 = 0.2;
/// Without a latency bound only lag of this size spoils what a person would read.
const LAG_UNBOUNDED: u64 = 100 * MILLISECOND;

pub fn trust(plan: &Plan, stats: &Stats) -> Trust {
    let mut reasons = Vec::new();
    // A run that was cut short has not sent what was planned, and nobody is to blame.
    let whole = stats.is_whole();
    for (index, load) in plan.loads.iter().enumerate().filter(|(_, l)| whole && matches!(l.shape, Shape::Open(_))) {
        let counts = stats.load(index, &[(0, u64::MAX)]);
        let counted = counts.started + counts.dropped + counts.unsent;
        let stages = (0..load.stages.len()).map(|stage| stats.planned(plan, index, stage));
        // Where only the run knew how many there would be, those that it counted.
        let planned = stages.sum::<Option<u64>>().unwrap_or(0).max(counted);
        let unsent = planned - counts.started - counts.dropped;
        let share = |part: u64| part as f64 / planned.max(1) as f64;
        let shown = |count: u64| units::grouped(count as f64, 0);
        let end = load.shape.end();
        let during = stats.generator.iter().filter(|g| g.at <= end + SECOND);
        let busiest = during.map(Generator::pressed).fold(0.0, f64::max);
        if share(unsent) > MISSING {
            reasons.push(format!(
                "`{}`: {} of {} planned iterations were not started in time: this machine cannot generate the rate",
                load.name,
                shown(unsent),
                shown(planned)
            ));
        } else if share(counts.dropped) > MISSING && busiest >= SATURATED {
            reasons.push(format!(
                "`{}`: {} of {} arrivals were dropped while a worker was never idle ({} of a second): the target and the generator cannot be told apart",
                load.name, shown(counts.dropped), shown(planned), units::percent(busiest)
            ));
        }
        let lag = stats.lag(index);
        let late = lag.value_at_quantile(0.99);
        let bound = tightest(plan);
        let allowed = bound.map_or(LAG_UNBOUNDED, |bound| LAG_FLOOR.max((bound * LAG_SHARE) as u64));
        if late > allowed {
            let against =
                bound.map_or_else(String::new, |b| format!(", against a bound of {}", units::measured_duration(b)));
            reasons.push(format!(
                "`{}`: 1 of 100 iterations started {} late or more{against}",
                load.name,
                units::measured_duration(late as f64)
            ));
        }
    }
    let (mut own, mut all) = (0u64, 0u64);
    for (_, counts) in stats.numbers().filter(|(series, _)| plan.is_request(*series)) {
        all += counts.ok + counts.failures();
        own += counts.failed.iter().filter(|(kind, _)| Failure::is_generator(**kind)).map(|(_, n)| n).sum::<u64>();
    }
    if own as f64 > all as f64 * MISSING {
        reasons.push(format!(
            "{} requests failed for want of ports, descriptors or memory of the generator",
            units::grouped(own as f64, 0)
        ));
    }
    let state = if reasons.is_empty() { TrustState::Trusted } else { TrustState::Untrusted };
    Trust { state, reasons }
}

/// The smallest constant that a latency is compared with.
fn tightest(plan: &Plan) -> Option<f64> {
    fn of(condition: &Condition) -> Option<f64> {
        match condition {
            Condition::Not(inner) => of(inner),
            Condition::And(a, b) | Condition::Or(a, b) => smaller(of(a), of(b)),
            Condition::Becomes { condition, .. } | Condition::InEvery { condition, .. } => of(condition),
            Condition::Within { .. } | Condition::Holds(_) | Condition::Alert(_) => None,
            Condition::Compare { left, right, .. } => match (left, right) {
                (Measured::Metric { metric, .. }, Measured::Constant { value, unit: Type::Duration })
                | (Measured::Constant { value, unit: Type::Duration }, Measured::Metric { metric, .. }) => {
                    let fastest = matches!(metric, Metric::Requests(requests) if requests.function == Function::Min);
                    (!fastest).then_some(*value)
                }
                _ => None,
            },
        }
    }
    fn smaller(a: Option<f64>, b: Option<f64>) -> Option<f64> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
    plan.expectations.iter().fold(None, |least, expectation| smaller(least, of(&expectation.condition)))
}
