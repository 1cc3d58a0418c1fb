//! Rolling looks: conditions judged each second over the time just before.

use super::grounds::{Grounds, Why};
use super::{Judged, Known, Outcome, Quantity, joined, judge_within};
use crate::base::units::SECOND;
use crate::measure::Stats;
use crate::plan::{Condition, RestsOn};

/// How far back a look sees where nothing else is said.
const WINDOW: u64 = 5 * SECOND;

/// What one look saw: from an instant up to the one at which it was made.
#[derive(Debug, Clone)]
pub(super) struct Glance {
    pub from: u64,
    pub at: u64,
    pub judged: Judged,
}

/// All conditions together, in what was intended from an instant up to another.
pub(super) fn look(conditions: &[&Condition], from: u64, at: u64, stats: &Stats) -> Glance {
    let all = conditions.iter().map(|condition| judge_within(condition, (from, at), stats));
    let judged = all.reduce(|a, b| joined(a, b, Outcome::Failed)).unwrap_or_default();
    Glance { from, at, judged }
}

/// A look at each full second after an instant, none of which sees what was before it. Where seconds have been added up
/// since, at the end of each sum, over as many of them as it takes.
pub(super) fn looks<'a>(
    conditions: &'a [&'a Condition],
    window: u64,
    (start, end): (u64, u64),
    stats: &'a Stats,
) -> impl Iterator<Item = Glance> + 'a {
    let seconds = start / SECOND + 1..=end / SECOND;
    let mut on = RestsOn::default();
    conditions.iter().for_each(|condition| condition.rests_on(&mut on));
    seconds.filter_map(move |second| {
        let at = second * SECOND;
        let from = stats.cut_before(&on, at.saturating_sub(window)).max(start);
        (stats.cut_before(&on, at) == at).then(|| look(conditions, from, at, stats))
    })
}

/// Has become true so long after an instant at the latest, and stays so. A look without enough samples says nothing.
pub(super) fn becomes(condition: &Condition, within: u64, of: u64, stats: &Stats) -> Judged {
    let (scope, end) = condition.scope();
    let end = scope.last().map_or(0, |range| range.1).min(end).min(stats.end());
    let deadline = of.saturating_add(within);
    // Since when it holds, and the last look at which it did not.
    let (mut since, mut failed): (Option<Glance>, Option<Glance>) = (None, None);
    let mut unknown = None;
    let (mut samples, mut timed) = (0, false);
    for look in looks(&[condition], WINDOW, (of, end), stats) {
        samples = samples.max(look.judged.samples);
        timed |= look.judged.timed;
        match look.judged.outcome {
            Outcome::Held => drop(since.get_or_insert(look)),
            Outcome::Failed => (since, failed) = (None, Some(look)),
            Outcome::Inconclusive => unknown = unknown.or(look.judged.reason),
        }
    }
    let bound = Some(Quantity::time(within, Known::Exactly));
    let grounds = Grounds::of(Why::Parts);
    let judged = Judged { bound, samples, timed, grounds, ..Judged::default() };
    let known_late = failed.as_ref().is_some_and(|look| look.at >= deadline);
    match (since, failed) {
        (Some(look), _) if look.from <= deadline || known_late => {
            let outcome = if look.from <= deadline { Outcome::Held } else { Outcome::Failed };
            let value = Some(Quantity::time(look.from - of, Known::TrueAfter));
            Judged { outcome, value, when: Some((look.from, end)), ..judged }
        }
        (None, Some(look)) if unknown.is_none() || known_late => {
            let value = Known::NotTrueAt { value: look.judged.value.map(Box::new) };
            let value = Some(Quantity::time(look.at, value));
            Judged { outcome: Outcome::Failed, value, when: Some((look.from, look.at)), ..judged }
        }
        _ => {
            let reason = unknown.unwrap_or_else(|| "nothing of its scope lies behind that instant".to_owned());
            Judged { reason: Some(reason), timed: true, ..judged }
        }
    }
}
