//! Whether the numbers may be trusted, and what the bottleneck was where something was missed.

use super::limit::{Caveat, Facts, LATE, MISSING, Subject};
use super::standing::{Ground, Stand, Standing};
use crate::base::units;
use crate::measure::Stats;
use crate::metric::{Judged, Outcome};
use crate::plan::{Metric, Plan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustState {
    Trusted,
    Untrusted,
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Trust {
    pub state: TrustState,
    /// Why not.
    pub reasons: Vec<String>,
    /// For each load that fell short of its plan or missed an expectation: who was slow.
    pub limits: Vec<Caveat>,
}

/// The trust in a run, and how each of its expectations stands.
pub fn trust(plan: &Plan, stats: &Stats, judged: &[Judged]) -> (Trust, Vec<Standing>) {
    let mut reasons = Vec::new();
    // A run that was cut short has not sent what was planned, and nobody is to blame.
    if !stats.is_whole() {
        let standings = vec![Standing::Stands; judged.len()];
        return (
            Trust { state: TrustState::Trusted, reasons: own_failures(plan, stats), limits: Vec::new() }.settled(),
            standings,
        );
    }
    let facts: Vec<Facts> = (0..plan.loads.len()).map(|load| Facts::of(plan, stats, load)).collect();
    let ground = Ground { plan, stats, facts: &facts };
    let all = plan.expectations.iter().zip(judged);
    let stands: Vec<Stand> = all.map(|(expectation, judged)| ground.stand(&expectation.condition, judged)).collect();
    let doubtful = stands.iter().any(|stand| stand.standing == Standing::InDoubt);
    // What was expected and is as good as it would be with a better generator is all that was asked.
    let settled = !judged.is_empty() && !doubtful && judged.iter().all(|one| one.outcome != Outcome::Inconclusive);
    let times = plan.expectations.iter().any(|expectation| {
        let mut found = false;
        expectation.condition.metrics(&mut |metric| {
            found |= matches!(metric, Metric::Requests(of) if of.function.is_of_times());
        });
        found
    });
    let mut limits = Vec::new();
    for (index, (load, facts)) in plan.loads.iter().zip(&facts).enumerate() {
        let caused = |wanted: Standing| {
            let ours =
                stands.iter().filter(move |stand| stand.standing == wanted).filter_map(|stand| stand.cause.as_ref());
            ours.filter(move |(own, ..)| *own == index).map(|(_, who, text)| (*who, text.clone())).next()
        };
        let missing = || facts.missing.zip(facts.text(&load.name));
        let unread =
            || (!times && facts.evidence.lag_p99_ns > LATE).then(|| (Subject::Generator, late(&load.name, facts)));
        let found = missing().filter(|(who, _)| who.is_generator()).or_else(|| caused(Standing::InDoubt));
        let found = found.or_else(unread).or_else(missing).or_else(|| caused(Standing::Stands));
        let Some((who, text)) = found else { continue };
        // With nothing expected, or nothing that can be said of it, what there is to read counts.
        if who.is_generator() && !settled && (doubtful || judged.is_empty() || facts.missing.is_some()) {
            reasons.push(text.clone());
        }
        // It missed its bound by more than that, and still nobody should read the numbers as the target's.
        if who == Subject::Target && times && facts.evidence.lag_p99_ns.max(facts.evidence.poll_delay_p99_ns) > LATE {
            reasons.push(delayed(&load.name, facts));
        }
        limits.push(Caveat { load: load.name.clone(), who, text, shown_by: facts.evidence.clone() });
    }
    reasons.extend(own_failures(plan, stats));
    let standings = stands.into_iter().map(|stand| stand.standing).collect();
    (Trust { state: TrustState::Trusted, reasons, limits }.settled(), standings)
}

impl Trust {
    fn settled(self) -> Trust {
        let state = if self.reasons.is_empty() { TrustState::Trusted } else { TrustState::Untrusted };
        Trust { state, ..self }
    }
}

fn late(name: &str, facts: &Facts) -> String {
    let lag = units::measured_duration(facts.evidence.lag_p99_ns as f64);
    format!("`{name}`: the generator was slow: 1 of 100 iterations started {lag} late or more; {}", facts.workers())
}

fn delayed(name: &str, facts: &Facts) -> String {
    let shown = |ns: u64| units::measured_duration(ns as f64);
    format!(
        "`{name}`: its times are partly the generator's own: 1 of 100 iterations started {} late or more, and 1 of 100 answers \
         waited {} or more to be read; {}",
        shown(facts.evidence.lag_p99_ns),
        shown(facts.evidence.poll_delay_p99_ns),
        facts.workers()
    )
}

/// Requests that failed at the generator.
fn own_failures(plan: &Plan, stats: &Stats) -> Vec<String> {
    let (mut own, mut all) = (0u64, 0u64);
    for (_, counts) in stats.numbers().filter(|(series, _)| plan.is_request(*series)) {
        all += counts.ok + counts.failures();
        own += counts.own_failures();
    }
    let reason = || {
        format!(
            "{} of {} requests failed for want of ports, descriptors or memory of the generator",
            units::grouped(own as f64, 0),
            units::grouped(all as f64, 0)
        )
    };
    (own as f64 > all as f64 * MISSING).then(reason).into_iter().collect()
}
