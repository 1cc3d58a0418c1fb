//! Whether two runs can be compared: what the generator did and judged, and on which machine. What is under test is the subject
//! of the comparison, so it is recorded but may differ.

use super::words;
use crate::base::units::{bytes, duration, grouped, percent, short};
use crate::plan::{CeilingFrom, Host, Load, Piece, Plan, Stage, StageKind, fingerprint_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How the names of parameters and services start.
const PARAMETER: &str = "the parameter ";
const SERVICE: &str = "the service ";

/// Names and values, in words.
pub type Said = BTreeMap<String, String>;

/// The known circumstances of a run.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// What the generator does. Runs are compared only if this is the same.
    pub does: Said,
    /// What was under test, and its settings. These may differ.
    pub noted: Said,
    pub machine: Host,
}

/// A difference that prevents a comparison, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A difference in what the generator did.
    Does(String),
    Machine(String),
}

impl Difference {
    pub fn text(&self) -> &str {
        match self {
            Difference::Does(text) | Difference::Machine(text) => text,
        }
    }
}

impl Facts {
    pub fn of(plan: &Plan, machine: Host, version: &str) -> Facts {
        Facts { does: does(plan), noted: noted(plan, version), machine }
    }

    /// The differences that prevent a comparison with an earlier run.
    pub fn differences(&self, before: &Facts) -> Vec<Difference> {
        let does = changes(&self.does, &before.does).into_iter().map(Difference::Does);
        let machine = changes(&binding(&self.machine), &binding(&before.machine)).into_iter().map(Difference::Machine);
        does.chain(machine).collect()
    }

    /// Differences that are allowed: what the comparison is about, and properties of the machine that do not matter.
    pub fn remarks(&self, before: &Facts) -> Vec<String> {
        let mut remarks = changes(&self.noted, &before.noted);
        let differs = |what: &String, is: &String| before.noted.get(what).is_some_and(|was| was != is);
        if self.noted.iter().any(|(what, is)| what.starts_with(PARAMETER) && differs(what, is)) {
            // A reader is not to take for two causes what is probably one.
            remarks.iter_mut().filter(|remark| remark.starts_with(SERVICE)).for_each(words::perhaps_by);
        }
        remarks.extend(changes(&free(&self.machine, &before.machine), &free(&before.machine, &before.machine)));
        remarks
    }
}

fn changes(now: &Said, before: &Said) -> Vec<String> {
    let mut changes = Vec::new();
    for (what, is) in now {
        match before.get(what) {
            Some(was) if was == is => {}
            Some(was) => changes.push(words::told(what, is, was)),
            None => changes.push(format!("{what} is new{}", words::alone(is))),
        }
    }
    let gone = before.iter().filter(|(what, _)| !now.contains_key(*what));
    changes.extend(gone.map(|(what, was)| format!("{what} is gone{}", words::alone(was))));
    changes
}

/// The properties of a machine that decide its speed.
fn binding(machine: &Host) -> Said {
    let cores = |count: f64| short(count);
    let limit = |limit: Option<String>| limit.unwrap_or_else(|| "none".to_owned());
    [
        ("the processor".to_owned(), format!("`{}`", machine.processor)),
        ("the number of cores".to_owned(), machine.cores.to_string()),
        ("the limit of cores".to_owned(), limit(machine.core_limit.map(cores))),
        ("the limit of memory".to_owned(), limit(machine.memory_limit.map(|limit| bytes(limit as f64)))),
    ]
    .into()
}

/// The properties that are only reported; memory if it differs by more than 5%.
fn free(machine: &Host, before: &Host) -> Said {
    const MEMORY: f64 = 0.05;
    let mut said: Said =
        [("the system".to_owned(), machine.system.clone()), ("the kernel".to_owned(), machine.kernel.clone())].into();
    let near = (machine.memory as f64 - before.memory as f64).abs() <= MEMORY * before.memory as f64;
    let memory = if near { before.memory } else { machine.memory };
    said.insert("the memory".to_owned(), bytes(memory as f64));
    said
}

fn noted(plan: &Plan, version: &str) -> Said {
    let mut said = Said::new();
    said.insert("stressc".to_owned(), version.to_owned());
    for (name, value) in &plan.params {
        said.insert(format!("{PARAMETER}`{name}`"), value.clone());
    }
    for service in &plan.services {
        let words = words::with(&words::service(service), &digest(service));
        said.insert(format!("{SERVICE}`{}`", service.name), words);
    }
    for target in &plan.targets {
        let address = match &target.address {
            crate::plan::Address::Url { host, port, path } => format!("`{host}:{port}{path}`"),
            crate::plan::Address::Unix { file, path } => format!("`{file}{path}`"),
            crate::plan::Address::Service(_) | crate::plan::Address::Link(_) => "of the run".to_owned(),
            crate::plan::Address::Late(pieces) => format!("`{}`", literals(pieces)),
        };
        said.insert(format!("the address of `{}`", target.name), address);
    }
    said
}

pub(super) fn literals(pieces: &[Piece]) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Literal(text) => text.clone(),
        _ => "…".to_owned(),
    };
    pieces.iter().map(text).collect()
}

fn digest(part: &impl Serialize) -> String {
    without(part, &[])
}

/// A digest of what a part of the plan does, without some of its fields.
fn without(part: &impl Serialize, fields: &[&str]) -> String {
    let mut value = serde_json::to_value(part).expect("a plan is plain data");
    if let Value::Object(own) = &mut value {
        fields.iter().for_each(|field| drop(own.remove(*field)));
    }
    fingerprint_of(value)
}

/// What the generator does, each part by its name: loads, flows, data, faults, options of targets.
fn does(plan: &Plan) -> Said {
    let mut said = Said::new();
    said.insert("the profile".to_owned(), plan.profile.clone().map_or("none".to_owned(), |name| format!("`{name}`")));
    let share = plan.share;
    if share.count > 1 {
        said.insert("the share".to_owned(), format!("{} of {}", share.index + 1, share.count));
    }
    for load in &plan.loads {
        of_load(&mut said, plan, load);
    }
    for search in &plan.searches {
        let load = &plan.loads[search.load];
        let stage = &load.stages[search.stage].name;
        let levels = format!("{} to {}", load.shown(search.least), load.shown(search.most));
        let (each, resolution) = (duration(search.each), load.shown(search.resolution));
        let condition = fingerprint_of(json!(&search.condition));
        let text = format!("{levels} for {each} each to {resolution}, while {condition}");
        said.insert(format!("the search `{stage}` of `{}`", load.name), text);
    }
    for flow in &plan.flows {
        said.insert(format!("the number of steps of the flow `{}`", flow.name), flow.steps.len().to_string());
        said.insert(format!("the flow `{}` beside its steps", flow.name), without(flow, &["steps"]));
        for (place, step) in flow.steps.iter().enumerate() {
            let words = words::with(&words::step(flow, step), &digest(step));
            said.insert(format!("step {} of the flow `{}`", place + 1, flow.name), words);
        }
    }
    for (what, flows) in [("setup", &plan.setup), ("teardown", &plan.teardown)] {
        for flow in flows {
            said.insert(format!("the {what} `{}`", flow.name), digest(flow));
        }
    }
    for data in &plan.data {
        let rows = grouped(data.rows as f64, 0);
        said.insert(format!("the data `{}`", data.name), format!("{rows} rows, {}", short_hash(&data.sha256)));
    }
    for file in &plan.files {
        said.insert(
            format!("the file `{}`", file.name),
            format!("{}, {}", bytes(file.size as f64), short_hash(&file.sha256)),
        );
    }
    for limit in &plan.limits {
        said.insert(format!("the limit `{}`", limit.name), digest(limit));
    }
    for fault in &plan.faults {
        let windows = fault.windows.iter().map(|(from, to)| format!("{} to {}", duration(*from), duration(*to)));
        let when = windows.collect::<Vec<_>>().join(", ");
        let what = without(fault, &["by", "template", "windows"]);
        said.insert(format!("the fault `{}`", fault.name), format!("{} from {when}, {what}", fault.action.name()));
    }
    for event in &plan.events {
        said.insert(format!("the event `{}`", event.name), format!("at {}, {}", duration(event.at), digest(event)));
    }
    for target in &plan.targets {
        let what = without(target, &["address", "dns", "proxy", "from"]);
        said.insert(format!("the timeout of `{}`", target.name), duration(target.timeout));
        said.insert(format!("the options of `{}`", target.name), what);
    }
    for (place, abort) in plan.aborts.iter().enumerate() {
        let what = fingerprint_of(json!(&abort.condition));
        said.insert(format!("abort {}", place + 1), format!("{} for {}", what, duration(abort.length)));
    }
    said
}

fn short_hash(hash: &str) -> &str {
    hash.get(..16).unwrap_or(hash)
}

fn of_load(said: &mut Said, plan: &Plan, load: &Load) {
    let name = &load.name;
    let mut say = |what: String, is: String| drop(said.insert(what, is));
    let parts = load.parts.iter().map(|part| format!("{} of `{}`", percent(part.weight), plan.flows[part.flow].name));
    say(format!("the mix of the load `{name}`"), parts.collect::<Vec<_>>().join(", "));
    say(format!("the start of the load `{name}`"), duration(load.start));
    say(format!("the grace of the load `{name}`"), duration(load.grace));
    if load.ceiling.from == CeilingFrom::Scenario {
        say(format!("the most in flight of the load `{name}`"), grouped(load.ceiling.in_flight as f64, 0));
    }
    if let Some(users) = load.population {
        say(format!("the population of the load `{name}`"), grouped(users as f64, 0));
    }
    if let Some(pace) = load.pace {
        say(format!("the pace of the load `{name}`"), duration(pace));
    }
    say(format!("the arrivals of the load `{name}`"), if load.poisson { "at random" } else { "even" }.to_owned());
    let mut seen = BTreeMap::new();
    for stage in &load.stages {
        let number: &mut u32 = seen.entry(&stage.name).or_default();
        *number += 1;
        let place = if *number > 1 { format!(" {number}") } else { String::new() };
        say(format!("the stage `{}`{place} of `{name}`", stage.name), of_stage(load, stage));
    }
}

fn of_stage(load: &Load, stage: &Stage) -> String {
    let length = duration(stage.end.saturating_sub(stage.start));
    let mut text = match stage.kind {
        StageKind::Sweep => {
            let levels = stage
                .levels
                .iter()
                .map(|(level, (from, to))| format!("{} for {}", load.shown(*level), duration(to - from)));
            levels.collect::<Vec<_>>().join(", ")
        }
        // Its levels are those of the search.
        StageKind::Search => "a search".to_owned(),
        _ if stage.from == stage.to => load.shown(stage.from),
        _ => format!("{} to {}", load.shown(stage.from), load.shown(stage.to)),
    };
    text = format!("{} {text} for {length}", stage.kind.word());
    if let Some(iterations) = stage.iterations {
        text.push_str(&format!(", {} iterations", grouped(iterations as f64, 0)));
    }
    if let Some(replay) = &stage.replay {
        text.push_str(&format!(", replayed {}", without(replay, &[])));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::SECOND;

    #[test]
    fn a_search_says_in_levels_to_how_much_it_is_halved() {
        let stage = json!({
            "name": "find", "named": true, "kind": "search", "start": 0, "end": 20 * SECOND, "from": 10.0, "to": 100.0,
        });
        let plan: Plan = serde_json::from_value(json!({
            "schema": 1, "file": "", "scenario": "", "doc": null, "fingerprint": "",
            "share": { "index": 0, "count": 1 }, "services": [], "targets": [], "flows": [], "series": [],
            "loads": [{
                "name": "main", "parts": [], "start": 0, "shape": { "open": [] }, "stages": [stage],
                "ceiling": { "in_flight": 1, "from": "scenario" }, "grace": 0,
            }],
            "searches": [{
                "load": 0, "stage": 0, "least": 10.0, "most": 100.0, "resolution": 2.0, "each": SECOND, "trials": 9,
                "condition": { "holds": { "constant": { "value": 1.0, "unit": "bool" } } },
            }],
            "expectations": [], "length": 20 * SECOND,
        }))
        .expect("a plan");
        let said = &does(&plan)["the search `find` of `main`"];
        assert!(said.starts_with("10/s to 100/s for 1s each to 2/s, while "), "{said}");
    }
}
