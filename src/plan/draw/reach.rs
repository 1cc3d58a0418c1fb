//! What a run may touch, for the person who decides whether it goes on: where load and faults go, which commands run, and the
//! budget.

use super::super::bound::{Most, sum};
use super::super::{Address, Dns, Element, Load, Plan, Reached, Standing, Way};
use super::tables::table;
use super::words;
use crate::base::units::{duration, grouped};

/// As a table of names and what they mean.
pub fn reach(out: &mut String, plan: &Plan, width: usize) {
    let reached = plan.reached().into_iter();
    // What a service of the run does with another one is no news.
    let told = reached.filter(|reached| !matches!((reached.by, reached.standing), (Way::Database(_), Standing::Here)));
    let mut rows: Vec<(String, String)> = told.map(|reached| row(plan, &reached)).collect();
    for fault in plan.faults.iter().filter(|fault| fault.action.element() != Element::Command) {
        let place = match plan.reached_by(fault.action.element()) {
            Some(reached) => place(&reached),
            None => "this machine".to_owned(),
        };
        let on = words::element(plan, fault.action.element());
        let on = if on == place { String::new() } else { format!(" of {on}") };
        rows.push((fault.name.clone(), format!("{place}: {}{on}", fault.action.name())));
    }
    let faults = plan.faults.iter().filter(|fault| fault.action.element() == Element::Command);
    let commands: Vec<String> =
        faults.map(|fault| &fault.name).chain(plan.events.iter().map(|event| &event.name)).cloned().collect();
    if !commands.is_empty() {
        let what = format!("{}: as you, on whatever you may touch", commands.join(", "));
        rows.push(("commands".to_owned(), what));
    }
    rows.extend(budget(plan).map(|budget| ("budget".to_owned(), budget)));
    table(out, "what it may hurt", &rows, width);
}

fn row(plan: &Plan, reached: &Reached) -> (String, String) {
    let place = place(reached);
    let what = match reached.by {
        Way::Target(target) => {
            let what = loads(plan, &|to| to == target);
            let target = plan.targets.get(target);
            let blind = target.and_then(|target| target.tls.as_ref()).is_some_and(|tls| !tls.verify);
            let unverified = if blind { ", whose certificate is not checked" } else { "" };
            let looked = target.and_then(|target| target.dns.as_deref()).map_or_else(String::new, looked_up);
            format!("{place}{looked}{unverified}: {what}")
        }
        Way::Link(link) => {
            let through = |to: usize| plan.targets.get(to).is_some_and(|target| target.address == Address::Link(link));
            let what = match plan.targets.iter().any(|target| target.address == Address::Link(link)) {
                true => loads(plan, &through),
                false => "what goes through it".to_owned(),
            };
            format!("{place}: {what}")
        }
        Way::Proxy(_) => format!("{place}: the proxy on the way there"),
        Way::Database(_) => format!("{place}: what the shop asks of its database"),
    };
    (plan.named(reached.by).to_owned(), what)
}

/// How the name of a host is looked up, where a target says so.
fn looked_up(dns: &Dns) -> String {
    let mut out = String::new();
    if !dns.resolve.is_empty() {
        out.push_str(", where `resolve:` says it is");
    }
    if let Some(every) = dns.every {
        out.push_str(&format!(", looked up again every {}", duration(every)));
    }
    if dns.all {
        out.push_str(", all addresses in turn");
    }
    out
}

/// A host, and by what it may be hurt.
pub fn place(reached: &Reached) -> String {
    let host = reached.host();
    match reached.standing {
        // Who listens at a socket may do what no port lets anybody do.
        Standing::Here if host.starts_with('/') => format!("this machine, at the socket {host}"),
        Standing::Here => "this machine".to_owned(),
        Standing::Allowed(line) => format!("{host}, allowed by line {line}"),
        Standing::Unknown => format!("{host}, NOT ALLOWED by the file"),
    }
}

/// What each load sends to some targets.
fn loads(plan: &Plan, is_to: &dyn Fn(usize) -> bool) -> String {
    let mut parts = Vec::new();
    for load in &plan.loads {
        let all =
            (0..plan.targets.len()).filter(|target| is_to(*target)).map(|target| plan.requests_of(load, Some(target)));
        let (least, most) = sum(all);
        if most != Some(0.0) {
            parts.push(format!("{} at up to {}, {}", load.name, peak(load), counted(plan, (least, most), " requests")));
        }
    }
    if parts.is_empty() { "no load".to_owned() } else { parts.join("; ") }
}

fn peak(load: &Load) -> String {
    load.shown(load.stages.iter().map(|stage| stage.from.max(stage.to)).fold(0.0, f64::max))
}

/// So many of the whole as our share has, each number with its unit.
fn counted(plan: &Plan, (least, most): (f64, Most), unit: &str) -> String {
    let share = plan.share.count as f64;
    let (least, most) = ((least / share).floor(), most.map(|most| (most / share).ceil()));
    match most {
        Some(most) if least == most => format!("{}{unit}", grouped(most, 0)),
        Some(most) if least == 0.0 => format!("at most {}{unit}", grouped(most, 0)),
        Some(most) => format!("{} to {}{unit}", grouped(least, 0), grouped(most, 0)),
        None if least == 0.0 => format!("as many{unit} as are answered"),
        None => format!("{}{unit} and more", grouped(least, 0)),
    }
}

fn budget(plan: &Plan) -> Option<String> {
    let (whole, own) = (plan.budget()?, plan.own_budget()?);
    let part =
        if own == whole { String::new() } else { format!(", the part of this share of {}", grouped(whole as f64, 0)) };
    let planned = counted(plan, plan.requests_of_all(), "");
    Some(format!("at most {} requests{part}; planned: {planned}", grouped(own as f64, 0)))
}
