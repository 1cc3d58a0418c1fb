//! Sentences that a reader needs before the numbers.

use super::loads::LoadTotals;
use super::watched::WatchedSeries;
use super::windows::Window;
use super::{AddressChange, Restart, generator};
use crate::base::units::{grouped, percent, whole_milliseconds};
use crate::measure::{Since, of_target};

/// Of drops or failures: below this latencies are what they seem.
const NOTABLE: f64 = 0.01;
/// A share of a core at which what passes the links waits for them.
const FULL: f64 = 0.9;

/// What makes latencies look better than they were.
pub fn notes(
    (restarts, resolved): (&[Restart], &[AddressChange]),
    health: &generator::Health,
    loads: &[LoadTotals],
    windows: &[Window],
    unverified: &[&str],
    watched: &[WatchedSeries],
) -> Vec<String> {
    let mut notes = falls(restarts);
    notes.extend(resolved.iter().filter(|resolved| resolved.at > 0).map(moved));
    if let Some(which) = several(unverified) {
        notes.push(format!("the certificate was not checked of {which} (`verify: false`)"));
    }
    notes.extend(watched.iter().filter(|watch| watch.never_there).map(|watch| {
        format!("`{}` was never there, and what `missing` says stands for it: is it called so?", watch.name)
    }));
    let links = health.links_cpu_peak;
    if links > FULL {
        notes.push(format!("the links used {} of a core: what passed them may have waited for them", percent(links)));
    }
    for load in loads {
        let own: Vec<&Window> = windows.iter().filter(|window| window.load == load.name).collect();
        notes.extend(dropped(load, &own));
        notes.extend(failed(load, &own));
        notes.extend(rested(load));
    }
    notes
}

/// New connections went elsewhere, and those that were open stayed.
fn moved(resolved: &AddressChange) -> String {
    let AddressChange { target, at, addresses } = resolved;
    let at = whole_milliseconds(*at);
    format!("the name of `{target}` led to {} from {at} on, for new connections", addresses.join(", "))
}

fn several(names: &[&str]) -> Option<String> {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Services that ended and were started again, each in a line.
fn falls(restarts: &[Restart]) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for (place, Restart { service, at, status }) in restarts.iter().enumerate() {
        if restarts[..place].iter().any(|other| other.service == *service) {
            continue;
        }
        let at = whole_milliseconds(*at);
        notes.push(match restarts.iter().filter(|other| other.service == *service).count() {
            1 => format!("the service `{service}` ended at {at} ({status}) and was started again"),
            times => format!(
                "the service `{service}` ended {times} times, first at {at} ({status}), and was started again each time"
            ),
        });
    }
    notes
}

/// What users did who met failures.
fn rested(load: &LoadTotals) -> Vec<String> {
    let mut notes = Vec::new();
    if load.rested_ns > 0 {
        let length = whole_milliseconds(load.rested_ns);
        notes.push(format!("`{}`: its users waited {length} in all after iterations that failed", load.name));
    }
    let Since { count, first } = load.without_rows;
    if count > 0 {
        let users = if count == 1 { "a user".to_owned() } else { format!("{} users", grouped(count as f64, 0)) };
        let from = whole_milliseconds(first);
        notes.push(format!("`{}`: no rows left for {users} from {from} on", load.name));
    }
    notes
}

fn dropped(load: &LoadTotals, windows: &[&Window]) -> Option<String> {
    let (dropped, started) = windows.iter().fold((0, 0), |(d, s), window| (d + window.dropped, s + window.started));
    let share = dropped as f64 / (dropped + started).max(1) as f64;
    // Only a `once` leaves users with something to do.
    if dropped > 0 && !load.open {
        let (dropped, all) = (grouped(dropped as f64, 0), grouped((dropped + started) as f64, 0));
        return Some(format!("`{}`: {dropped} of {all} iterations were not started in time", load.name));
    }
    let text = || {
        format!(
            "`{}`: {} of its arrivals were dropped, and latencies are those of the others",
            load.name,
            percent(share)
        )
    };
    (share > NOTABLE).then(text)
}

fn failed(load: &LoadTotals, windows: &[&Window]) -> Option<String> {
    let rows = || windows.iter().flat_map(|window| window.steps.iter()).filter(|row| row.is_request);
    let failed: u64 = rows().map(|row| of_target(&row.failed)).sum();
    let all: u64 = rows().map(|row| row.samples).sum();
    let share = failed as f64 / all.max(1) as f64;
    let unanswered: u64 = rows().map(|row| row.unanswered).sum();
    let what = match unanswered {
        0 => "the latencies include them",
        _ if unanswered >= failed => "got no answer, which ranks above all answers",
        _ => "the latencies include them, those without an answer above all answers",
    };
    let text = || {
        let (failed, all) = (grouped(failed as f64, 0), grouped(all as f64, 0));
        format!("`{}`: {failed} of {all} requests failed ({}), and {what}", load.name, percent(share))
    };
    (share > NOTABLE).then(text)
}
