//! Which resources and limits had reached their bounds: of the generator, of what the run started, and of every series that was watched.

use super::{Kind, Reached, bound};
use crate::base::units::{SECOND, percent, short, whole_seconds};
use crate::check::program::Statistic;
use crate::measure::{Failure, Gauge, Stats};
use crate::metric::printed;
use crate::metric::room::SATURATED;
use crate::plan::{
    Action, Binary, Condition, Metric, MonitorKind, Plan, SeriesFunction, SeriesSource, ServiceFault, Type, Watched,
};

/// What has this share of all that there is has all of it, by what readings once a second can tell.
const FULL: f64 = 0.95;
/// And of what a fault leaves: the kernel deals it out in parts.
const HELD: f64 = 0.9;
/// A reading that late still says what was so when it broke.
const LATE: u64 = SECOND + SECOND / 2;
/// So many of the last readings before it say whether a bound was reached then.
const LAST: usize = 3;
/// So many readings below it end the time at a bound.
const BREAK: usize = 2;

/// All that had reached its bound and was at it when something broke.
pub fn reached(plan: &Plan, stats: &Stats, cores: f64, broke: u64) -> Vec<Reached> {
    let mut found = generator(stats, broke);
    found.extend(processor(plan, stats, cores, broke));
    found.extend(limited(plan, stats, broke));
    found.extend(in_flight(plan, stats, broke));
    for (series, gauge) in &stats.watched {
        found.extend(named(plan, stats, (series, gauge), broke));
    }
    // What its name says already is not said again as a bound.
    for (name, bounded) in bounded(plan, stats, broke) {
        if found.iter().all(|one: &Reached| !one.text.contains(&name)) {
            found.push(bounded);
        }
    }
    found
}

/// From when on readings were at a bound without a break, if they were when it broke: between the last reading below the bound and the
/// first one at it, of which the earlier instant is told.
fn since(readings: impl IntoIterator<Item = (u64, bool)>, broke: u64) -> Option<u64> {
    let before: Vec<(u64, bool)> = readings.into_iter().filter(|(at, _)| *at <= broke + LATE).collect();
    before.iter().rev().take(LAST).find(|(_, full)| *full)?;
    let (mut first, mut below) = (None, 0);
    for (place, (at, full)) in before.iter().enumerate().rev() {
        match full {
            true => {
                let earlier = place.checked_sub(1).map_or(at.saturating_sub(SECOND), |place| before[place].0);
                (first, below) = (Some(earlier), 0);
            }
            false if first.is_none() => {}
            false => below += 1,
        }
        if below >= BREAK {
            break;
        }
    }
    first
}

fn generator(stats: &Stats, broke: u64) -> Vec<Reached> {
    let all = || stats.generator.iter();
    let share = |reading: &crate::measure::Generator| {
        let (busy, waiting, count) = reading.pressed();
        (busy + waiting) / count.max(1.0)
    };
    let mut found = Vec::new();
    if let Some(at) = since(all().map(|reading| (reading.at, share(reading) >= SATURATED)), broke) {
        let text = format!(
            "its busiest worker ran, or waited for a core, {} of the time or more from {} on",
            percent(SATURATED),
            whole_seconds(at)
        );
        found.push(Reached { kind: Kind::Generator, at, text });
    }
    let scarce = |of: u64, limit: u64| limit > 0 && of as f64 >= FULL * limit as f64;
    let descriptors = all().map(|reading| (reading.at, scarce(reading.descriptors, reading.descriptors_limit)));
    if let Some(at) = since(descriptors, broke) {
        found.push(own(Kind::Descriptors, at, "the generator's own descriptors were used up"));
    }
    let ports = all().map(|reading| (reading.at, scarce(reading.ports, reading.ports_limit)));
    if let Some(at) = since(ports, broke) {
        found.push(own(Kind::Connections, at, "the ports of this machine were used up"));
    }
    for (failure, kind, what) in [
        (Failure::NoDescriptors, Kind::Descriptors, "the generator could open no more descriptors"),
        (Failure::NoPorts, Kind::Connections, "the generator found no free port for a connection"),
        (Failure::NoMemory, Kind::Memory, "the generator got no more memory"),
    ] {
        let of = stats.causes.all().filter(|one| one.cause.failure == failure).map(|one| one.tally.first).min();
        if let Some(at) = of.filter(|at| *at <= broke + LATE) {
            found.push(own(kind, at, what));
        }
    }
    found
}

fn own(kind: Kind, at: u64, what: &str) -> Reached {
    Reached { kind, at, text: format!("{what} from {} on", whole_seconds(at)) }
}

/// What a service is watched for, by its name.
fn of_service<'s>(stats: &'s Stats, service: usize, what: &str) -> Option<&'s Gauge> {
    let is_it = |series: &Watched| series.source == SeriesSource::Service(service) && series.what == what;
    stats.watched.iter().find(|(series, _)| is_it(series)).map(|(_, gauge)| gauge)
}

/// What is nearest before an instant, of readings that are made in one look.
fn at(gauge: &Gauge, instant: u64) -> Option<f64> {
    let place = gauge.points.partition_point(|(at, _)| *at <= instant).checked_sub(1)?;
    gauge.points.get(place).filter(|(at, _)| instant - at < 2 * SECOND).map(|(_, value)| *value)
}

/// All cores of the machine by all that the run has started and the run itself; and of a service that has one thread one core.
fn processor(plan: &Plan, stats: &Stats, cores: f64, broke: u64) -> Vec<Reached> {
    let mut found = Vec::new();
    let cpus: Vec<Option<&Gauge>> = (0..plan.services.len()).map(|own| of_service(stats, own, "cpu")).collect();
    let used = |instant: u64, service: usize| at(cpus[service]?, instant);
    let all = stats.generator.iter().map(|reading| {
        let services: f64 = (0..plan.services.len()).filter_map(|service| used(reading.at, service)).sum();
        (reading.at, reading.cpu + services >= FULL * cores)
    });
    if let Some(since) = since(all, broke) {
        let most = (0..plan.services.len()).max_by(|a, b| {
            let used = |service: usize| used(broke, service).unwrap_or(0.0);
            used(*a).total_cmp(&used(*b))
        });
        let who = most.and_then(|most| Some((plan.services.get(most)?, used(broke, most)?)));
        let most = who.map_or_else(String::new, |(who, used)| format!(", `{}` {}", who.name, short(used)));
        let text = format!("this run used all of the {} cores from {} on{most}", short(cores), whole_seconds(since));
        found.push(Reached { kind: Kind::Processor, at: since, text });
    }
    for (index, service) in plan.services.iter().enumerate() {
        let (Some(cpu), Some(threads)) = (cpus[index], of_service(stats, index, "threads")) else {
            continue;
        };
        let alone = |instant: u64| at(threads, instant) == Some(1.0);
        if let Some(since) = since(cpu.points.iter().map(|(at, used)| (*at, alone(*at) && *used >= FULL)), broke) {
            let text =
                format!("the one thread of `{}` used all of a core from {} on", service.name, whole_seconds(since));
            found.push(Reached { kind: Kind::Processor, at: since, text });
        }
    }
    found
}

/// What faults left to a service.
fn limited(plan: &Plan, stats: &Stats, broke: u64) -> Vec<Reached> {
    let mut found = Vec::new();
    for injected in stats.injected.iter().filter(|injected| injected.problem.is_none()) {
        let Some(fault) = plan.faults.get(injected.fault) else { continue };
        let (service, what, to, kind, shown) = match &fault.action {
            Action::Service { on, fault: ServiceFault::LimitCpu { to } } => {
                (*on, "cpu", *to, Kind::Processor, format!("{} of a core", percent(*to)))
            }
            Action::Service { on, fault: ServiceFault::LimitMemory { to } } => {
                (*on, "memory", *to as f64, Kind::Memory, printed(*to as f64, Type::Bytes))
            }
            Action::Service { .. } | Action::Link { .. } | Action::Database { .. } => continue,
            Action::Host(_) | Action::Command(_) => continue,
        };
        let (from, until) = (injected.applied.0, injected.withdrawn.map_or(u64::MAX, |(_, end)| end));
        // What was taken back before it broke is no sign of that.
        if until.saturating_add(LATE) < broke {
            continue;
        }
        let Some(gauge) = of_service(stats, service, what) else { continue };
        // What it used before it was held to less is no sign of that.
        let own = gauge.points.iter().filter(|(at, _)| (from..until).contains(at));
        let full = HELD * to;
        if let Some(at) = since(own.map(|(at, value)| (*at, *value >= full)), broke) {
            let name = plan.services.get(service).map_or("service", |service| service.name.as_str());
            let text = format!(
                "`{name}` used all of the {shown} that `{}` left it, from {} on",
                fault.name,
                whole_seconds(at)
            );
            found.push(Reached { kind, at, text });
        }
    }
    found
}

/// The requests of a load that may be in flight.
fn in_flight(plan: &Plan, stats: &Stats, broke: u64) -> Vec<Reached> {
    let of = |(index, load): (usize, &crate::plan::Load)| {
        let ceiling = load.ceiling.in_flight as f64;
        let is_open = load.is_open();
        let at = since(stats.in_flight(index).map(|((_, to), value)| (to, is_open && value >= FULL * ceiling)), broke)?;
        let text = format!("all {} of `{}` were taken from {} on", short(ceiling), load.name, whole_seconds(at));
        Some(Reached { kind: Kind::InFlight, at, text })
    };
    plan.loads.iter().enumerate().filter_map(of).collect()
}

/// What a series is of, by the words of its name.
fn kind(what: &str) -> Kind {
    let name = what.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    match () {
        () if has(&["slot", "permit", "semaphore"]) => Kind::Slots,
        () if has(&["pool"]) => Kind::Pool,
        () if has(&["conn", "session"]) => Kind::Connections,
        () if has(&["fds", "file", "descriptor"]) => Kind::Descriptors,
        () if has(&["memory", "heap", "resident", "rss"]) => Kind::Memory,
        () if has(&["cpu", "processor"]) => Kind::Processor,
        () => Kind::Limit,
    }
}

/// How much of something is taken, and what its limit is called next to it.
const TAKEN: [&str; 4] = ["_in_use", "_used", "_active", "_open"];
const LIMITS: [&str; 5] = ["_limit", "_max", "_maximum", "_capacity", "_total_limit"];
/// Who waits for something has found nothing free.
const WAITING: [&str; 5] = ["_waiting", "_pending", "_queued", "_waiters", "_wait_count"];

/// Series that say by their names that something is taken, and how much there is, or that somebody waits for it.
fn named(plan: &Plan, stats: &Stats, (series, gauge): (&Watched, &Gauge), broke: u64) -> Vec<Reached> {
    let of_pages = matches!(series.source, SeriesSource::ServiceMetric(_) | SeriesSource::Monitor(_));
    let (name, labels) = series.what.split_once('{').unwrap_or((&series.what, ""));
    let mut found = Vec::new();
    let shown = plan.name_of(series);
    if series.what == "cpu" && is_host(plan, series) {
        let at = since(gauge.points.iter().map(|(at, value)| (*at, value * series.worth >= FULL)), broke);
        let text = |at: u64| format!("all cores of the machine were used from {} on", whole_seconds(at));
        found.extend(at.map(|at| Reached { kind: Kind::Processor, at, text: text(at) }));
    }
    if !of_pages {
        return found;
    }
    if WAITING.iter().any(|end| name.ends_with(end))
        && let Some(at) = since(gauge.points.iter().map(|(at, value)| (*at, *value >= 1.0)), broke)
    {
        let text = format!("requests waited for it from {} on (`{shown}`)", whole_seconds(at));
        found.push(Reached { kind: kind(name), at, text });
    }
    let Some(stem) = TAKEN.iter().find_map(|end| name.strip_suffix(end)) else { return found };
    let is_limit = |other: &Watched| {
        let (name, own) = other.what.split_once('{').unwrap_or((&other.what, ""));
        other.source == series.source && own == labels && LIMITS.iter().any(|end| name.strip_suffix(end) == Some(stem))
    };
    let Some((_, limit)) = stats.watched.iter().find(|(other, _)| is_limit(other)) else { return found };
    let full = |instant: u64, value: f64| at(limit, instant).is_some_and(|limit| limit > 0.0 && value >= limit);
    if let Some(since) = since(gauge.points.iter().map(|(at, value)| (*at, full(*at, *value))), broke) {
        let all = at(limit, since).map_or_else(String::new, short);
        let text = format!("all {all} were taken from {} on (`{shown}`)", whole_seconds(since));
        found.push(Reached { kind: kind(name), at: since, text });
    }
    found
}

fn is_host(plan: &Plan, series: &Watched) -> bool {
    let SeriesSource::Monitor(monitor) = series.source else { return false };
    plan.monitors.get(monitor).is_some_and(|monitor| matches!(monitor.kind, MonitorKind::Host))
}

/// Series that a condition holds to a bound.
fn bounded(plan: &Plan, stats: &Stats, broke: u64) -> Vec<(String, Reached)> {
    let mut found: Vec<(String, Reached)> = Vec::new();
    plan.conditions(&mut |condition| {
        compared(condition, &mut |series, is_most, bound| {
            let Some(gauge) = stats.gauge(series) else { return };
            let beyond = |value: f64| if is_most { value >= bound } else { value <= bound };
            let Some(at) = since(gauge.points.iter().map(|(at, v)| (*at, beyond(v * series.worth))), broke) else {
                return;
            };
            let bound = printed(bound, series.unit);
            let name = format!("`{}`", plan.name_of(series));
            let text = format!("{name} was at its bound of {bound} from {} on", whole_seconds(at));
            // Once, though several conditions speak of it.
            if found.iter().all(|(_, one)| one.text != text) {
                found.push((name, Reached { kind: kind(&series.what), at, text }));
            }
        });
    });
    found
}

/// Series all of whose values are to stay on one side of a constant, and whether they are to stay below it.
fn compared(condition: &Condition, each: &mut impl FnMut(&Watched, bool, f64)) {
    match condition {
        Condition::Compare { operator, left, right } => {
            let Some((operator, Metric::Series(readings), value)) = bound(*operator, left, right) else { return };
            let is_most = matches!(operator, Binary::Less | Binary::LessEqual);
            let is_least = matches!(operator, Binary::Greater | Binary::GreaterEqual);
            let bounds = match readings.function {
                SeriesFunction::Statistic(Statistic::Max | Statistic::Mean) | SeriesFunction::Last => is_most,
                SeriesFunction::Statistic(Statistic::Min) => is_least,
                SeriesFunction::Statistic(Statistic::Stddev) => false,
                SeriesFunction::Increase | SeriesFunction::Growth | SeriesFunction::HistogramError => false,
            };
            if bounds {
                each(&readings.series, is_most, value);
            }
        }
        Condition::And(left, right) => {
            compared(left, each);
            compared(right, each);
        }
        Condition::InEvery { condition, .. } | Condition::Becomes { condition, .. } => compared(condition, each),
        Condition::Or(..) | Condition::Not(_) | Condition::Within { .. } => {}
        Condition::Holds(_) | Condition::Alert(_) => {}
    }
}
