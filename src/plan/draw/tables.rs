//! What stands above and below the picture: totals, parts, and what must hold.

use super::super::bound::{Knowledge, Usual, usual};
use super::super::schedule::Shape;
use super::super::{
    Expectation, Fault, Load, Metric, MixPart, MonitorKind, Plan, Readings, SeriesFunction, SeriesSource, Stage,
    StageKind,
};
use super::page::{cut, flow};
use super::words;
use crate::base::units::{SECOND, bytes, duration, grouped, short};
use std::fmt::Write;

/// What one connection and its session take, rounded up.
const MEMORY_PER_USER: f64 = 16_384.0;

pub fn head(out: &mut String, plan: &Plan) {
    let _ = writeln!(out, "{} · {}   {}", plan.file, plan.scenario, duration(plan.length));
    if let Some(doc) = &plan.doc {
        doc.lines().for_each(|line| {
            let _ = writeln!(out, "{line}");
        });
    }
    if plan.share.count > 1 {
        let _ = writeln!(out, "share {} of {}", plan.share.index + 1, plan.share.count);
    }
}

pub fn tables(out: &mut String, plan: &Plan, width: usize) {
    for (index, load) in plan.loads.iter().enumerate() {
        let _ = writeln!(out);
        stages(out, plan, load, index, width);
    }
    faults(out, plan, width);
    started(out, plan, width);
    super::reach(out, plan, width);
    list(out, "with", plan.params.iter().map(|(name, value)| format!("{name} = {value}")), width);
    for steady in &plan.steady_states {
        let name = steady.name.as_ref().map_or(String::new(), |name| format!(" {name}"));
        let title = format!("steady{name} while, over {} and for {}", duration(steady.window), duration(steady.hold));
        list(out, &title, steady.conditions.iter().map(|condition| condition.text.clone()), width);
    }
    list(out, "ends early", plan.aborts.iter().map(|abort| abort.text.clone()), width);
    list(out, "expected", plan.expectations.iter().map(expected), width);
    let _ = writeln!(out, "\nplan {}", &plan.fingerprint[..12]);
}

/// What nobody wrote is told to be so.
fn expected(expectation: &Expectation) -> String {
    format!("{}{}", expectation.text, if expectation.implied { " (implied)" } else { "" })
}

fn list(out: &mut String, title: &str, items: impl Iterator<Item = String>, width: usize) {
    for (index, item) in items.enumerate() {
        if index == 0 {
            let _ = writeln!(out, "\n{title}");
        }
        line(out, &item, width);
    }
}

/// One indented line, which may go on beneath itself.
fn line(out: &mut String, text: &str, width: usize) {
    out.push_str("  ");
    flow(out, 4, text, width);
}

/// Names, and next to them what they are.
pub fn table(out: &mut String, title: &str, rows: &[(String, String)], width: usize) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    let column = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).clamp(12, 24);
    for (name, what) in rows {
        let _ = write!(out, "  {:<column$} ", cut(name, column));
        flow(out, column + 3, what, width);
    }
}

fn stages(out: &mut String, plan: &Plan, load: &Load, index: usize, width: usize) {
    let name = cut(&load.name, 14);
    let _ = writeln!(out, "{name:<14} {:<16} {:>18} {:>12} {:>12}", "window", "level", "iterations", "requests");
    for (place, stage) in load.stages.iter().enumerate() {
        let window = format!("{}–{}", duration(stage.start), duration(stage.end));
        let level = level(load, stage);
        let (iterations, sent) = counts(plan, load, stage);
        let name = cut(&stage.name, 12);
        let line = format!("  {name:<12} {window:<16} {level:>18} {iterations:>12} {sent:>12}");
        let _ = writeln!(out, "{}{}", line.trim_end(), note(plan, index, place, stage));
    }
    if load.is_open() {
        // Without those of a search, which are not known yet.
        let whole = load.arrivals_before(u64::MAX, plan.share);
        if load.stages.len() > 1 && whole > 0 {
            let (iterations, requests) = (grouped(whole as f64, 0), requests(plan, load, whole));
            let _ = writeln!(out, "  {:<12} {:<16} {:>18} {iterations:>12} {requests:>12}", "together", "", "");
        }
        let peak = load.stages.iter().map(|s| s.from.max(s.to)).fold(0.0, f64::max);
        let thinking = (peak * mean_thinking(plan, load) / SECOND as f64).ceil();
        if thinking > 0.0 {
            line(out, &format!("at the peak {} users think at a time", grouped(thinking, 0)), width);
        }
    }
    let is_counted = load.is_open() || load.stages.iter().any(|stage| stage.kind == StageKind::Once);
    if let Some(signs) = signs(plan, load).filter(|_| is_counted) {
        line(out, signs, width);
    }
    if load.parts.len() > 1 {
        line(out, &format!("dealt evenly: {}", words::mix(plan, load)), width);
    }
    let mut more: Vec<String> = Vec::new();
    more.extend(load.population.map(|users| format!("dealt to {} users", grouped(users as f64, 0))));
    more.extend(load.pace.map(|pace| format!("an iteration of a user every {}", duration(pace))));
    more.extend(
        load.poisson.then(|| "arrivals at random (Poisson): the seed decides how many, these are expected".to_owned()),
    );
    if !more.is_empty() {
        line(out, &more.join(", "), width);
    }
    let memory = bytes(load.ceiling.in_flight as f64 * MEMORY_PER_USER);
    let ceiling = words::ceiling(load.ceiling);
    line(out, &format!("{ceiling}: up to as many connections and {memory}"), width);
}

/// From which level to which a stage goes.
pub fn level(load: &Load, stage: &Stage) -> String {
    let unit = if load.is_open() { "/s" } else { " users" };
    match stage.from == stage.to {
        true => format!("{}{unit}", short(stage.to)),
        false => format!("{} → {}{unit}", short(stage.from), short(stage.to)),
    }
}

/// Iterations and requests of a stage, where the plan knows them.
fn counts(plan: &Plan, load: &Load, stage: &Stage) -> (String, String) {
    match (&load.shape, stage.kind) {
        (_, StageKind::Once) => {
            let iterations = load.planned(stage, plan.share).unwrap_or(0);
            (grouped(iterations as f64, 0), requests(plan, load, iterations))
        }
        (_, StageKind::Search) => ("as found".to_owned(), "as found".to_owned()),
        (Shape::Open(_), _) => {
            let count = load.planned(stage, plan.share).unwrap_or(0);
            (grouped(count as f64, 0), requests(plan, load, count))
        }
        (Shape::Closed(_), _) => ("as answered".to_owned(), "as answered".to_owned()),
    }
}

/// Requests of a number of iterations, without retries and redirects: "≈" if shares decide, "≤" if only the run knows.
fn requests(plan: &Plan, load: &Load, iterations: u64) -> String {
    let of_part = |part: &MixPart| {
        plan.flows.get(part.flow).map_or_else(Usual::default, |flow| usual(&flow.steps).times(part.weight))
    };
    let each = load.parts.iter().map(of_part).fold(Usual::default(), Usual::and);
    let count = |each: f64| grouped((each * iterations as f64).round(), 0);
    match (each.count, each.known) {
        (None, _) => "as answered".to_owned(),
        (Some(each), Knowledge::Exact) => count(each),
        (Some(each), Knowledge::ByShares) => format!("≈ {}", count(each)),
        (Some(each), Knowledge::AtMost) => format!("≤ {}", count(each)),
    }
}

/// What the signs of a table say.
fn signs(plan: &Plan, load: &Load) -> Option<&'static str> {
    let all = load.parts.iter().filter_map(|part| Some(usual(&plan.flows.get(part.flow)?.steps).known));
    match all.max()? {
        Knowledge::Exact => None,
        Knowledge::ByShares => Some("≈: by the shares of `choose`"),
        Knowledge::AtMost => {
            Some("≤: with all that conditions, lists and first visits may let happen; `choose` by its shares")
        }
    }
}

fn mean_thinking(plan: &Plan, load: &Load) -> f64 {
    load.parts.iter().filter_map(|part| Some(part.weight * plan.flows.get(part.flow)?.mean_thinking())).sum()
}

pub fn note(plan: &Plan, load: usize, stage: usize, planned: &Stage) -> String {
    match planned.kind {
        StageKind::Warmup => "  not judged".to_owned(),
        StageKind::Search => {
            let search = plan.searches.iter().find(|search| search.load == load && search.stage == stage);
            search.map_or(String::new(), |s| format!("  at most {} trials of {}", s.trials, duration(s.each)))
        }
        StageKind::Replay => match &planned.replay {
            Some(replay) => format!("  on average, at most {} a second", grouped(replay.densest.ceil(), 0)),
            None => String::new(),
        },
        StageKind::Once => "  at most this long".to_owned(),
        StageKind::Sweep => match planned.settles().first() {
            Some((start, end)) => format!("  {} in front of each not measured", duration(end - start)),
            None => String::new(),
        },
        _ => String::new(),
    }
}

fn faults(out: &mut String, plan: &Plan, width: usize) {
    let faults = plan.faults.iter().map(|fault| {
        let (mut what, then) = (words::fault(plan, fault), words::undone(fault));
        what.extend(fault.by.map(|by| format!(", {}", words::by(by))));
        (fault.name.clone(), format!("{}  {what}, then {then}", when(fault)))
    });
    let events = plan.events.iter().map(|event| (event.name.clone(), words::timed_event(plan, event)));
    table(out, "broken and mended", &faults.chain(events).collect::<Vec<_>>(), width);
    for overlap in overlaps(plan) {
        line(out, &overlap, width);
    }
}

pub fn when(fault: &Fault) -> String {
    match fault.windows.as_slice() {
        [] => "never".to_owned(),
        [(start, end)] if start == end => format!("at {}", duration(*start)),
        [(start, end)] => format!("{}–{}", duration(*start), duration(*end)),
        many => format!("{} times from {} to {}", many.len(), duration(many[0].0), duration(many[many.len() - 1].1)),
    }
}

/// While another fault lasts, nobody can see the recovery from one.
fn overlaps(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, fault) in plan.faults.iter().enumerate() {
        for other in plan.faults.iter().enumerate().filter(|(place, _)| *place != index).map(|(_, other)| other) {
            let hidden = fault
                .windows
                .iter()
                .find_map(|(_, end)| other.windows.iter().find(|(from, to)| from < end && end < to));
            if let Some((_, until)) = hidden {
                let (name, end) = (&fault.name, duration(*until));
                lines.push(format!("recovery of `{name}` cannot be seen before `{}` ends at {end}", other.name));
            }
        }
    }
    lines
}

fn started(out: &mut String, plan: &Plan, width: usize) {
    let mut parts: Vec<(String, String)> = Vec::new();
    parts.extend(plan.services.iter().map(|service| (service.name.clone(), words::service(plan, &service.kind))));
    parts.extend(plan.links.iter().map(|link| {
        let kind = if link.http { "requests" } else { "bytes" };
        let whose = if link.before.is_some() { ", put before the target for its faults" } else { "" };
        let ended = if link.terminates { ", which ends TLS with a certificate of the run" } else { "" };
        (link.name.clone(), format!("a path of {kind} to {}{whose}{ended}", words::text(plan, &link.to)))
    }));
    parts.extend(plan.monitors.iter().map(|monitor| {
        let address = monitor.address.as_ref().map_or(String::new(), |address| words::text(plan, address));
        (monitor.name.clone(), format!("{} {address}", monitor.kind.name()))
    }));
    parts.extend(plan.alert_sources.iter().map(|source| (source.name.clone(), words::alert_source(plan, source))));
    parts.extend(plan.data.iter().map(|data| {
        let columns: Vec<String> = data.columns.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
        let written = words::dialect(&data.dialect);
        (data.name.clone(), format!("{} rows of {}{written}", grouped(data.rows as f64, 0), columns.join(", ")))
    }));
    parts.extend(plan.ledgers.iter().map(|ledger| (ledger.name.clone(), words::ledger(ledger))));
    table(out, "there for the run, made in this order", &parts, width);
    counters(out, plan, width);
}

/// What is read of counters, and how.
fn counters(out: &mut String, plan: &Plan, width: usize) {
    let mut lines = Vec::new();
    for counter in &plan.counters {
        let most = duration(counter.settle);
        let how = "from the raw samples of each series. The load waits for a scrape, and the run waits after it for two that show the same";
        lines.push(format!("{}: {how}, each at most {most}", counter.name(plan)));
    }
    plan.conditions(&mut |condition| {
        condition.metrics(&mut |metric| {
            let Metric::Series(Readings { function: SeriesFunction::Increase, series, .. }) = metric else { return };
            let SeriesSource::Monitor(monitor) = series.source else { return };
            let is_prometheus = plan.monitors.get(monitor).is_some_and(|own| own.kind == MonitorKind::Prometheus);
            let line = format!("{}: read once a second", plan.name_of(series));
            if is_prometheus && !lines.contains(&line) {
                lines.push(line);
            }
        });
    });
    list(out, "counted", lines.into_iter(), width);
}
