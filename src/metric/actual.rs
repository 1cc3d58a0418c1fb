//! Faults and events as they happened: conditions on one use its actual instants, and are inconclusive if a fault had no effect
//! or an event failed.

use crate::check::program::{Edge, Window};
use crate::measure::{Happened, Injected, Stats};
use crate::plan::{OfFault, Planned, Range, Recovery, ScopeKind, scope};

/// A time that something was, next to what was planned of it.
struct Time {
    planned: Range,
    /// From the instant at which it was begun to that at which it was in force, and the same of its end.
    begun: Range,
    over: Option<Range>,
}

/// Where nobody tells of faults and events, such as while a run goes on, they count as planned.
fn is_told(place: usize, is_event: bool, stats: &Stats) -> bool {
    place < if is_event { stats.events.len() } else { stats.faults.len() }
}

fn times(place: usize, is_event: bool, stats: &Stats) -> Result<Vec<Time>, String> {
    if is_event { of_event(place, stats).map(|time| vec![time]) } else { of_fault(place, stats) }
}

/// The times that a fault was in force; at least one had an effect.
fn of_fault(fault: usize, stats: &Stats) -> Result<Vec<Time>, String> {
    let times: Vec<&Injected> = stats.injected.iter().filter(|injected| injected.fault == fault).collect();
    let name = stats.faults.get(fault).map_or("", String::as_str);
    let time = |one: &&Injected| Time { planned: one.planned, begun: one.applied, over: one.withdrawn };
    match idle(name, &times) {
        Some(reason) => Err(reason),
        None => Ok(times.iter().map(time).collect()),
    }
}

/// From the beginning of its command to its end.
fn of_event(event: usize, stats: &Stats) -> Result<Time, String> {
    let (name, planned) = stats.events.get(event).map_or(("", (0, 0)), |(name, planned)| (name.as_str(), *planned));
    match stats.happened.iter().find(|happened| happened.event == event) {
        Some(Happened { problem: Some(problem), .. }) => Err(format!("the event `{name}`: {problem}")),
        Some(Happened { began, ended, .. }) => {
            Ok(Time { planned, begun: (*began, *began), over: ended.map(|at| (at, at)) })
        }
        None => Err(format!("the event `{name}` never began")),
    }
}

/// Why a fault shows nothing, if it does.
fn idle(name: &str, times: &[&Injected]) -> Option<String> {
    if let Some(problem) = times.iter().find_map(|injected| injected.problem.as_ref()) {
        return Some(format!("the fault `{name}` could not be brought about: {problem}"));
    }
    match times {
        [] => Some(format!("the fault `{name}` was never applied")),
        times if times.iter().any(|injected| injected.is_effective()) => None,
        times => {
            let unproven = times.iter().find_map(|injected| injected.unproven.as_deref());
            let why = unproven.unwrap_or("it touched nothing while it was in force");
            Some(format!("the fault `{name}` was ineffective: {why}"))
        }
    }
}

/// Faults and events of the plan that showed nothing, with the reason of each.
pub fn ineffective(stats: &Stats) -> Vec<String> {
    let of = |(fault, name): (usize, &String)| {
        let times: Vec<&Injected> = stats.injected.iter().filter(|injected| injected.fault == fault).collect();
        idle(name, &times)
    };
    let faults = stats.faults.iter().enumerate().filter_map(of);
    faults.chain((0..stats.events.len()).filter_map(|event| of_event(event, stats).err())).collect()
}

/// What each scope by a fault or an event leaves. What passed between the beginning of an application and its end belongs to
/// neither side, and as much as slices cannot tell apart.
pub(super) fn scopes(faults: &[OfFault], stats: &Stats) -> Result<Vec<Vec<Range>>, String> {
    let known = faults.iter().filter(|scope| is_told(scope.fault, scope.is_event, stats));
    let of = |scope: &OfFault| {
        let times = times(scope.fault, scope.is_event, stats)?;
        let before = |at: u64| stats.edges_around(at).0;
        let behind = |at: u64| stats.edges_around(at).1;
        let end = |time: &Time| time.over.unwrap_or((u64::MAX, u64::MAX));
        let outer = times.iter().map(|time| (before(time.begun.0), behind(end(time).1)));
        let outer: Vec<Range> = outer.collect();
        let (first, last) = (outer.first().map_or(0, |range| range.0), outer.last().map_or(0, |range| range.1));
        Ok(match scope.kind {
            ScopeKind::During => {
                let inner = times.iter().map(|time| (behind(time.begun.1), before(end(time).0)));
                inner.filter(|(from, to)| from < to).collect()
            }
            ScopeKind::Outside => scope::outside(&outer),
            ScopeKind::After => vec![(last, u64::MAX)],
            ScopeKind::Before => vec![(0, first)],
        })
    };
    known.map(of).collect()
}

/// When each of the faults and events began that scopes say what was before or outside of.
pub(super) fn begins(faults: &[OfFault], stats: &Stats) -> Result<Vec<u64>, String> {
    let mut begins = Vec::new();
    for scope in faults.iter().filter(|scope| is_told(scope.fault, scope.is_event, stats)) {
        let of = times(scope.fault, scope.is_event, stats)?.into_iter().map(|time| time.begun.0);
        match scope.kind {
            ScopeKind::Before => begins.extend(of.take(1)),
            ScopeKind::Outside => begins.extend(of),
            ScopeKind::During | ScopeKind::After => {}
        }
    }
    Ok(begins)
}

/// What a system recovers from, with the windows of faults and events as they were.
pub(super) fn windows(recovery: &Recovery, stats: &Stats) -> Result<Vec<Range>, String> {
    as_they_were(&recovery.windows, (&recovery.faults, &recovery.events), stats)
}

/// Windows, of which those of faults and events are as they were.
pub(super) fn as_they_were(
    windows: &[Range],
    (faults, events): (&[usize], &[usize]),
    stats: &Stats,
) -> Result<Vec<Range>, String> {
    let mut windows = windows.to_vec();
    let faults = faults.iter().map(|fault| (*fault, false));
    let all = faults.chain(events.iter().map(|event| (*event, true)));
    for (place, is_event) in all.filter(|(place, is_event)| is_told(*place, *is_event, stats)) {
        for time in times(place, is_event, stats)? {
            for window in windows.iter_mut().filter(|window| **window == time.planned) {
                *window = (time.begun.0, time.over.map_or(stats.end(), |range| range.1));
            }
        }
    }
    Ok(windows)
}

/// An instant that a fault or an event bounds, as it was.
pub(super) fn instant(planned: &Planned, stats: &Stats) -> Result<u64, String> {
    let (place, is_event) = match planned.moment.window {
        Window::Injection(fault) => (fault, false),
        Window::Event(event) => (event, true),
        _ => return Ok(planned.at),
    };
    if !is_told(place, is_event, stats) {
        return Ok(planned.at);
    }
    let times = times(place, is_event, stats)?;
    let moved = match planned.moment.edge {
        Edge::Start => times.first().map(|time| (time.planned.0, time.begun.0)),
        Edge::End => times.last().map(|time| (time.planned.1, time.over.map_or(stats.end(), |range| range.1))),
    };
    // The end of an event is mostly earlier than its bound.
    Ok(moved.map_or(planned.at, |(asked, actual)| planned.at.saturating_add(actual).saturating_sub(asked)))
}
