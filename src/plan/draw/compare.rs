//! What one plan changes compared with another, for a reviewer: load, faults, hosts and bounds.

use super::super::{CeilingFrom, Element, Load, Plan, Standing};
use super::reach;
use super::tables::{level, note, when};
use super::words;
use crate::base::units::{duration, grouped};
use serde::Serialize;
use std::fmt::Write;

/// What a change is about, in the order in which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    Load,
    Fault,
    Event,
    Host,
    Bound,
}

impl Matter {
    const ALL: [Matter; 5] = [Matter::Load, Matter::Fault, Matter::Event, Matter::Host, Matter::Bound];

    fn title(self) -> &'static str {
        match self {
            Matter::Load => "load",
            Matter::Fault => "faults",
            Matter::Event => "events",
            Matter::Host => "hosts",
            Matter::Bound => "bounds",
        }
    }
}

/// Something that is in both and is another, or in one of them alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub matter: Matter,
    pub name: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub file: String,
    pub scenario: String,
    pub changes: Vec<Change>,
    /// Something is done otherwise that is none of these: a step, a row, a service.
    pub otherwise: bool,
}

/// One thing that a plan says.
struct Fact {
    matter: Matter,
    name: String,
    what: String,
}

pub fn compare(before: &Plan, after: &Plan) -> Comparison {
    // The n-th of a name is compared with the n-th.
    let (mut changes, mut left) = (Vec::new(), facts(after));
    for Fact { matter, name, what } in facts(before) {
        let same = left.iter().position(|other| other.matter == matter && other.name == name);
        let found = same.map(|at| left.remove(at).what);
        if found.as_ref() != Some(&what) {
            changes.push(Change { matter, name, before: Some(what), after: found });
        }
    }
    let new = |Fact { matter, name, what }| Change { matter, name, before: None, after: Some(what) };
    changes.extend(left.into_iter().map(new));
    changes.sort_by_key(|change| change.matter);
    let otherwise = changes.is_empty() && before.fingerprint != after.fingerprint;
    Comparison { file: after.file.clone(), scenario: after.scenario.clone(), changes, otherwise }
}

fn facts(plan: &Plan) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut say = |matter: Matter, name: &str, what: String| facts.push(Fact { matter, name: name.to_owned(), what });
    say(Matter::Load, "the whole run", duration(plan.length));
    for (index, load) in plan.loads.iter().enumerate() {
        say(Matter::Load, &load.name, of_load(plan, index, load));
    }
    for fault in &plan.faults {
        say(Matter::Fault, &fault.name, format!("{}  {}", when(fault), words::fault(plan, fault)));
    }
    for event in &plan.events {
        say(Matter::Event, &event.name, words::timed_event(plan, event));
    }
    for reached in plan.reached() {
        let what = match reached.standing {
            // By which line is of no matter.
            Standing::Allowed(_) => format!("{}, allowed by the file", reached.host()),
            Standing::Here | Standing::Unknown => reach::place(&reached),
        };
        say(Matter::Host, &words::way(plan, reached.by), what);
    }
    for allow in &plan.allowed {
        let most = allow.at_most.map_or_else(
            || "any number of requests".to_owned(),
            |most| format!("at most {} requests", grouped(most as f64, 0)),
        );
        allow.hosts.iter().for_each(|host| say(Matter::Host, &format!("allow {host}"), most.clone()));
    }
    if plan.faults.iter().any(|fault| fault.action.element() == Element::Host) {
        say(Matter::Host, "this machine", "hurt itself".to_owned());
    }
    let bound = |text: &str| (asked(text).to_owned(), text.to_owned());
    let expected = plan.expectations.iter().filter(|one| !one.implied).map(|one| bound(&one.text));
    let aborts = plan.aborts.iter().map(|one| bound(&one.text));
    for (name, what) in expected.chain(aborts) {
        say(Matter::Bound, &name, what);
    }
    for steady in &plan.steady_states {
        let title = steady.name.as_ref().map_or("steady state".to_owned(), |name| format!("steady state {name}"));
        say(Matter::Bound, &title, format!("over {} and for {}", duration(steady.window), duration(steady.hold)));
        for condition in &steady.conditions {
            say(Matter::Bound, &format!("{title}: {}", asked(&condition.text)), condition.text.clone());
        }
    }
    facts
}

/// The stages of a load, and what else decides how much it sends.
fn of_load(plan: &Plan, place: usize, load: &Load) -> String {
    let stages = load.stages.iter().enumerate().map(|(index, stage)| {
        let (level, note) = (level(load, stage), note(plan, place, index, stage));
        format!("{} {}–{} {level}{note}", stage.name, duration(stage.start), duration(stage.end))
    });
    let mut parts = vec![stages.collect::<Vec<_>>().join(", ")];
    let planned: u64 = load.stages.iter().filter_map(|stage| load.planned(stage, plan.share)).sum();
    if load.is_open() && planned > 0 {
        parts.push(format!("{} iterations", grouped(planned as f64, 0)));
    }
    if load.parts.len() > 1 {
        parts.push(words::mix(plan, load));
    }
    parts.extend(load.population.map(|users| format!("dealt to {} users", grouped(users as f64, 0))));
    parts.extend(load.pace.map(|pace| format!("an iteration of a user every {}", duration(pace))));
    parts.extend((load.ceiling.from == CeilingFrom::Scenario).then(|| words::ceiling(load.ceiling)));
    parts.extend(load.poisson.then(|| "arrivals at random".to_owned()));
    parts.join("; ")
}

/// What a bound is on: all before its comparison.
fn asked(text: &str) -> &str {
    let places = [" <= ", " >= ", " < ", " > ", " == ", " != ", " within "].iter().filter_map(|sign| text.find(sign));
    places.min().map_or(text, |at| &text[..at])
}

/// A page for a person.
pub fn page(comparison: &Comparison, before: &str) -> String {
    let Comparison { file, scenario, changes, otherwise } = comparison;
    let mut out = format!("{file} · {scenario}   since {before}\n");
    for matter in Matter::ALL {
        let own: Vec<&Change> = changes.iter().filter(|change| change.matter == matter).collect();
        if own.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{}", matter.title());
        for Change { name, before, after, .. } in own {
            let _ = match (before, after) {
                (Some(before), Some(after)) => writeln!(out, "  ~ {name}\n      - {before}\n      + {after}"),
                (Some(before), None) => writeln!(out, "  - {name}\n      - {before}"),
                (None, Some(after)) => writeln!(out, "  + {name}\n      + {after}"),
                (None, None) => Ok(()),
            };
        }
    }
    if changes.is_empty() {
        out.push_str(match otherwise {
            true => "\nload, faults, hosts and bounds are the same; a step, a row or a service is another\n",
            false => "\nnothing changes\n",
        });
    }
    out
}
