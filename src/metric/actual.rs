//! Faults as they were: what rests on one counts by its actual instants, and says nothing where it had no effect.

use crate::check::program::{Edge, Window};
use crate::measure::{Injected, Stats};
use crate::plan::{OfFault, Planned, Range, Recovery, ScopeKind, scope};

/// Where nobody tells of faults, such as while a run goes on, they count as planned.
fn is_told(fault: usize, stats: &Stats) -> bool {
    fault < stats.faults.len()
}

/// The times that a fault was in force, of which one at least had an effect.
fn times(fault: usize, stats: &Stats) -> Result<Vec<&Injected>, String> {
    let times: Vec<&Injected> = stats.injected.iter().filter(|injected| injected.fault == fault).collect();
    let name = stats.faults.get(fault).map_or("", String::as_str);
    match idle(name, &times) {
        Some(reason) => Err(reason),
        None => Ok(times),
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
        _ => Some(format!("the fault `{name}` was ineffective: nothing that it hurts passed while it was in force")),
    }
}

/// Faults of the plan that showed nothing, with the reason of each.
pub fn ineffective(stats: &Stats) -> Vec<String> {
    let of = |(fault, name): (usize, &String)| {
        let times: Vec<&Injected> = stats.injected.iter().filter(|injected| injected.fault == fault).collect();
        idle(name, &times)
    };
    stats.faults.iter().enumerate().filter_map(of).collect()
}

/// What each scope by a fault leaves. What passed between the beginning of an application and its end belongs to neither
/// side, and as much as slices cannot tell apart.
pub(super) fn scopes(faults: &[OfFault], stats: &Stats) -> Result<Vec<Vec<Range>>, String> {
    let known = faults.iter().filter(|scope| is_told(scope.fault, stats));
    let of = |scope: &OfFault| {
        let times = times(scope.fault, stats)?;
        let before = |at: u64| stats.edges_around(at).0;
        let behind = |at: u64| stats.edges_around(at).1;
        let end = |injected: &Injected| injected.withdrawn.unwrap_or((u64::MAX, u64::MAX));
        let outer = times.iter().map(|injected| (before(injected.applied.0), behind(end(injected).1)));
        let outer: Vec<Range> = outer.collect();
        let (first, last) = (outer.first().map_or(0, |range| range.0), outer.last().map_or(0, |range| range.1));
        Ok(match scope.kind {
            ScopeKind::During => {
                let inner = times.iter().map(|injected| (behind(injected.applied.1), before(end(injected).0)));
                inner.filter(|(from, to)| from < to).collect()
            }
            ScopeKind::Outside => scope::outside(&outer),
            ScopeKind::After => vec![(last, u64::MAX)],
            ScopeKind::Before => vec![(0, first)],
        })
    };
    known.map(of).collect()
}

/// What a system recovers from, with the windows of faults as they were.
pub(super) fn windows(recovery: &Recovery, stats: &Stats) -> Result<Vec<Range>, String> {
    let mut windows = recovery.windows.clone();
    for fault in recovery.faults.iter().filter(|fault| is_told(**fault, stats)) {
        for injected in times(*fault, stats)? {
            for window in windows.iter_mut().filter(|window| **window == injected.planned) {
                *window = (injected.applied.0, injected.withdrawn.map_or(stats.end(), |range| range.1));
            }
        }
    }
    Ok(windows)
}

/// An instant that a fault bounds, as it was.
pub(super) fn instant(planned: &Planned, stats: &Stats) -> Result<u64, String> {
    let fault = match planned.moment.window {
        Window::Injection(fault) if is_told(fault, stats) => fault,
        _ => return Ok(planned.at),
    };
    let times = times(fault, stats)?;
    let moved = match planned.moment.edge {
        Edge::Start => times.first().map(|injected| (injected.planned.0, injected.applied.0)),
        Edge::End => times.last().map(|one| (one.planned.1, one.withdrawn.map_or(stats.end(), |range| range.1))),
    };
    Ok(moved.map_or(planned.at, |(asked, actual)| planned.at.saturating_sub(asked).saturating_add(actual)))
}
