//! Instants described relative to nearby faults.

use crate::base::units::measured_duration;
use crate::measure::{Injected, Stats};

/// Where an instant lies next to the fault that is nearest.
pub fn beside_faults(at: u64, stats: &Stats) -> Option<String> {
    let window = |injected: &Injected| (injected.applied.0, injected.withdrawn.map_or(stats.end(), |range| range.1));
    let away = |injected: &&Injected| {
        let (from, to) = window(injected);
        if at < from { from - at } else { at.saturating_sub(to) }
    };
    let nearest = stats.injected.iter().filter(|injected| injected.problem.is_none()).min_by_key(away)?;
    let name = stats.faults.get(nearest.fault)?;
    let (from, to) = window(nearest);
    let time = |ns: u64| measured_duration(ns as f64);
    Some(match at {
        at if at < from => format!("{} before `{name}`", time(from - at)),
        at if at <= to => format!("{} into `{name}`", time(at - from)),
        at => format!("{} after `{name}`", time(at - to)),
    })
}
