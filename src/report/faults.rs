//! The faults and events: what was planned, and each time that one was there.

use super::seconds::seconds;
use crate::measure::{Happened, Injected, Proof, Stats};
use crate::metric::{Back, Recovered, recovered};
use crate::plan::{Element, Plan, Range, draw};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// The faults of the plan, whether or not the run reached them.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct PlannedInjections {
    pub faults: Vec<PlannedFault>,
    pub events: Vec<PlannedEvent>,
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct PlannedFault {
    pub name: String,
    pub action: String,
    pub template: Option<String>,
    /// Its name for a person: its action, or the template that a command comes from.
    pub called: String,
    /// What it does to what, in words.
    pub what: String,
    #[serde(rename = "windows_s", serialize_with = "seconds")]
    #[schemars(with = "Vec<(f64, f64)>")]
    pub windows: Vec<Range>,
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct PlannedEvent {
    pub name: String,
    #[serde(rename = "at_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub at: u64,
    #[serde(rename = "at_most_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub at_most: u64,
}

/// One time that a fault was in force, as planned and as it happened, and what happened to the steady state.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Injection {
    /// Its index in the plan.
    pub fault: usize,
    pub name: Option<String>,
    pub action: Option<String>,
    pub template: Option<String>,
    pub mechanism: String,
    #[serde(rename = "planned_s", serialize_with = "seconds")]
    #[schemars(with = "(f64, f64)")]
    pub planned: Range,
    #[serde(rename = "applied_s", serialize_with = "seconds")]
    #[schemars(with = "(f64, f64)")]
    pub applied: Range,
    #[serde(rename = "withdrawn_s", serialize_with = "seconds")]
    #[schemars(with = "Option<(f64, f64)>")]
    pub withdrawn: Option<Range>,
    pub effective: bool,
    pub touched: Proof,
    pub shown: Option<String>,
    pub unproven: Option<String>,
    pub problem: Option<String>,
    /// The result for the first steady state of the plan; none if it is unknown.
    #[serde(rename = "steady_state", serialize_with = "steady")]
    #[schemars(with = "Option<Steady>")]
    pub recovered: Option<Recovered>,
}

/// How a steady state was lost and recovered.
#[derive(JsonSchema, Serialize, Default)]
struct Steady {
    #[serde(serialize_with = "seconds")]
    #[schemars(with = "Option<f64>")]
    lost_s: Option<u64>,
    #[serde(serialize_with = "seconds")]
    #[schemars(with = "Option<f64>")]
    back_s: Option<u64>,
    #[serde(serialize_with = "seconds", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    not_back_by_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
}

/// When it was lost and recovered. Without recovery: until when it was observed, or why it is unknown.
fn steady<S: Serializer>(found: &Option<Recovered>, serializer: S) -> Result<S::Ok, S::Error> {
    let told = found.as_ref().map(|found| match (found.lost, &found.back) {
        (None, _) => Steady::default(),
        (Some((from, _)), back) => {
            let lost = Steady { lost_s: Some(from), ..Steady::default() };
            match back {
                Back::At(at) => Steady { back_s: Some(*at), ..lost },
                Back::NotBy(end) => Steady { not_back_by_s: Some(*end), ..lost },
                Back::Unknown(reason) => Steady { unknown: Some(reason.clone()), ..lost },
            }
        }
    });
    told.serialize(serializer)
}

/// An event that has begun, as planned and as it happened.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Occurrence {
    /// Its index in the plan.
    pub event: usize,
    pub name: Option<String>,
    #[serde(rename = "planned_s", serialize_with = "seconds")]
    #[schemars(with = "Option<f64>")]
    pub planned: Option<u64>,
    #[serde(rename = "at_most_s", serialize_with = "seconds")]
    #[schemars(with = "Option<f64>")]
    pub at_most: Option<u64>,
    #[serde(rename = "began_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub began: u64,
    #[serde(rename = "ended_s", serialize_with = "seconds")]
    #[schemars(with = "Option<f64>")]
    pub ended: Option<u64>,
    pub problem: Option<String>,
    pub output: Option<String>,
}

/// The most faults for which the steady state is followed.
const FOLLOWED: usize = 40;

pub fn planned(plan: &Plan) -> PlannedInjections {
    let faults = plan.faults.iter().map(|fault| {
        let action = fault.action.name();
        // That it is a command says less than what was called; of another fault its own name says more.
        let called = fault.template.as_deref().filter(|_| fault.action.element() == Element::Command);
        PlannedFault {
            name: fault.name.clone(),
            action: action.to_owned(),
            template: fault.template.clone(),
            called: called.unwrap_or(action).to_owned(),
            what: draw::fault(plan, fault),
            windows: fault.windows.clone(),
        }
    });
    let event =
        |event: &crate::plan::Event| PlannedEvent { name: event.name.clone(), at: event.at, at_most: event.at_most };
    PlannedInjections { faults: faults.collect(), events: plan.events.iter().map(event).collect() }
}

pub fn injections(plan: &Plan, stats: &Stats, planned: &PlannedInjections) -> Vec<Injection> {
    let steady = plan.steady_states.first();
    let one = |(place, injected): (usize, &Injected)| {
        let fault = planned.faults.get(injected.fault);
        let over = injected.withdrawn.filter(|_| injected.is_effective() && place < FOLLOWED).map(|range| range.1);
        let around = |over: u64| recovered(steady?, (injected.applied.0, over), plan.length, stats).ok();
        Injection {
            fault: injected.fault,
            name: stats.faults.get(injected.fault).cloned(),
            action: fault.map(|fault| fault.action.clone()),
            template: fault.and_then(|fault| fault.template.clone()),
            mechanism: injected.mechanism.clone(),
            planned: injected.planned,
            applied: injected.applied,
            withdrawn: injected.withdrawn,
            effective: injected.is_effective(),
            touched: injected.proof,
            shown: injected.shown.clone(),
            unproven: injected.unproven.clone(),
            problem: injected.problem.clone(),
            recovered: over.and_then(around),
        }
    };
    stats.injected.iter().enumerate().map(one).collect()
}

pub fn occurrences(stats: &Stats, planned: &PlannedInjections) -> Vec<Occurrence> {
    let one = |happened: &Happened| {
        let event = planned.events.get(happened.event);
        Occurrence {
            event: happened.event,
            name: event.map(|event| event.name.clone()),
            planned: event.map(|event| event.at),
            at_most: event.map(|event| event.at_most),
            began: happened.began,
            ended: happened.ended,
            problem: happened.problem.clone(),
            output: happened.output.clone(),
        }
    };
    stats.happened.iter().map(one).collect()
}
