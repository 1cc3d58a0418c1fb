//! How a steady state was lost around a window, and when it came back.

use super::rolling::{look, looks};
use super::{Known, Measurement, Outcome, Quantity};
use crate::base::units::{SECOND, duration};
use crate::check::program::{RecoveryFunction, RequestFunction};
use crate::measure::{Injected, Stats};
use crate::plan::{Condition, Impact, Range, Recovery, Requests, Samples, ScopeKind, Scopes, SteadyState, Type, scope};

/// What became of a steady state around one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovered {
    /// The first look that failed since the window began: what it saw from, and when it was made.
    pub lost: Option<Range>,
    /// Where the first stretch begins that then held for long enough, not before the window was over.
    pub back: Back,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Back {
    At(u64),
    /// Not until here, where the run was over.
    NotBy(u64),
    /// There were too few samples to say.
    Unknown(String),
}

/// `Err` where the state did not hold before the window began, so that nothing can be said of its return.
pub fn recovered(steady: &SteadyState, window: Range, end: u64, stats: &Stats) -> Result<Recovered, String> {
    let conditions: Vec<&Condition> = steady.conditions.iter().map(|condition| &condition.condition).collect();
    let end = end.min(stats.end());
    let before = first_of(window.0, stats) / SECOND * SECOND;
    let calm = look(&conditions, before.saturating_sub(steady.window), before, stats).judged;
    let at = duration(before);
    match calm.outcome {
        Outcome::Held => {}
        // Nothing shows that it was lost.
        Outcome::Inconclusive if calm.near => {}
        Outcome::Failed => return Err(format!("the steady state did not hold before, at {at}")),
        Outcome::Inconclusive => {
            let reason = calm.reason.unwrap_or_default();
            return Err(format!("whether the steady state held before is not known, at {at}: {reason}"));
        }
    }
    let back = back(&conditions, steady, (window.1, end), stats);
    // What is lost after it came back is another matter.
    let until = if let Back::At(at) = back { at } else { u64::MAX };
    let mut during = looks(&conditions, steady.window, (window.0, end), stats).take_while(|look| look.from < until);
    let lost = during.find(|look| look.judged.outcome == Outcome::Failed).map(|look| (look.from, look.at));
    Ok(Recovered { lost, back })
}

/// When the first began of the faults that were in force, one into the other, up to an instant: what one of them had hurt
/// already was no more normal when the next came.
fn first_of(at: u64, stats: &Stats) -> u64 {
    let of = |injected: &Injected| (injected.applied.0, injected.withdrawn.map_or(u64::MAX, |range| range.1));
    let known = stats.injected.iter().filter(|injected| injected.problem.is_none());
    let mut ranges: Vec<Range> = known.map(of).collect();
    // The later ones first: one that did not reach is reached by none that began before it.
    ranges.sort_unstable_by_key(|range| std::cmp::Reverse(range.0));
    ranges.iter().fold(at, |at, (from, to)| if *from < at && at <= *to { *from } else { at })
}

/// The beginning of the first stretch after an instant that is as long as asked and all of which looks saw and held. A look that missed by
/// no more than chance begins no stretch and ends none, which then must hold as a whole.
fn back(conditions: &[&Condition], steady: &SteadyState, (after, end): (u64, u64), stats: &Stats) -> Back {
    // Since when it surely held, and since when it may have where too little was sent to say.
    let (mut held, mut maybe): (Option<u64>, Option<u64>) = (None, None);
    let mut reason = None;
    let (mut possible, mut by_chance) = (false, false);
    for look in looks(conditions, steady.window, (after, end), stats) {
        match look.judged.outcome {
            Outcome::Held => {
                held.get_or_insert(look.from);
                maybe.get_or_insert(look.from);
            }
            Outcome::Inconclusive if look.judged.near => {
                maybe.get_or_insert(look.from);
                by_chance |= held.is_some();
                reason = reason.or(look.judged.reason);
            }
            Outcome::Inconclusive => {
                (held, by_chance) = (None, false);
                maybe.get_or_insert(look.from);
                reason = reason.or(look.judged.reason);
            }
            Outcome::Failed => (held, maybe, by_chance) = (None, None, false),
        }
        let long_enough = |from: u64| look.at - from >= steady.hold;
        let whole = |from: u64| super::rolling::look(conditions, from, look.at, stats).judged.outcome == Outcome::Held;
        if let Some(from) = held.filter(|from| long_enough(*from) && (!by_chance || whole(*from))) {
            return Back::At(from);
        }
        possible |= maybe.is_some_and(long_enough);
    }
    match reason {
        Some(reason) if possible => Back::Unknown(reason),
        _ if end < after + SECOND => Back::Unknown("nothing ran after its window".to_owned()),
        _ => Back::NotBy(end),
    }
}

impl Recovered {
    /// From the loss of the state to its return; `None` where it was never lost.
    fn impact(&self) -> Result<Option<Range>, String> {
        match (self.lost, &self.back) {
            (None, _) => Ok(None),
            (Some((from, _)), Back::At(at)) => Ok(Some((from, (*at).max(from)))),
            (Some((from, _)), Back::NotBy(_)) => Ok(Some((from, u64::MAX))),
            (Some(_), Back::Unknown(reason)) => Err(reason.clone()),
        }
    }
}

pub(super) fn apply(recovery: &Recovery, stats: &Stats) -> Measurement {
    match times(recovery, stats) {
        Ok((ns, censored)) => {
            let bare = matches!(recovery.function, RecoveryFunction::Recovered);
            let shown = match (bare, censored) {
                (true, false) => Some(Known::BackAfter),
                (true, true) => Some(Known::NotBackWithin),
                (false, true) => Some(Known::LongerThan),
                (false, false) => None,
            };
            let shown = shown.map(|known| Quantity::new(ns, Type::Duration, known));
            let value = match (bare, censored) {
                (true, _) => f64::from(u8::from(!censored)),
                // Longer than anything that it is compared with.
                (false, true) => f64::INFINITY,
                (false, false) => ns,
            };
            Measurement { shown, ..Measurement::of(Ok(value), 0) }
        }
        Err(reason) => Measurement::of(Err(reason), 0),
    }
}

/// How long it took, over all windows, and whether it was longer than could be seen.
fn times(recovery: &Recovery, stats: &Stats) -> Result<(f64, bool), String> {
    let mut each: Vec<(u64, bool)> = Vec::new();
    for window in super::actual::windows(recovery, stats)? {
        let found = recovered(&recovery.steady, window, recovery.end, stats)?;
        let since = |from: u64| match &found.back {
            Back::At(at) => Ok((at.saturating_sub(from), false)),
            Back::NotBy(end) => Ok((end.saturating_sub(from), true)),
            Back::Unknown(reason) => Err(reason.clone()),
        };
        each.push(match recovery.function {
            RecoveryFunction::Mttr if found.lost.is_none() => (0, false),
            RecoveryFunction::Mttr => since(window.0)?,
            RecoveryFunction::TimeToDetect => match found.lost {
                Some((_, at)) => (at - window.0, false),
                None => return Err("the steady state was never lost".to_owned()),
            },
            RecoveryFunction::Length => match (found.impact()?, found.lost) {
                (Some((_, u64::MAX)), Some((from, _))) => since(from)?,
                (Some((from, to)), _) => (to - from, false),
                (None, _) => (0, false),
            },
            RecoveryFunction::TimeToRecover | RecoveryFunction::Recovered => since(window.1)?,
        });
    }
    let censored = each.iter().any(|(_, censored)| *censored);
    let mean = each.iter().map(|(ns, _)| *ns as f64).sum::<f64>() / each.len().max(1) as f64;
    let longest = each.iter().filter(|(_, own)| *own == censored).map(|(ns, _)| *ns).max();
    match (recovery.function, longest) {
        (_, None) => Err("it has no window".to_owned()),
        (RecoveryFunction::Mttr, _) => Ok((mean, censored)),
        (_, Some(longest)) => Ok((longest as f64, censored)),
    }
}

/// A metric with the scopes that only the run knows.
pub(super) fn narrowed(metric: &Requests, stats: &Stats) -> Result<Requests, String> {
    let narrow = scopes(&metric.scopes, stats)?.iter().fold(metric.clone(), |narrow, ranges| narrow.narrowed(ranges));
    // What was sent, and what found no place, is known at once.
    let is_of_ends = !matches!(metric.function, RequestFunction::Count | RequestFunction::Dropped);
    let begins = if is_of_ends { super::actual::begins(&metric.scopes.faults, stats)? } else { Vec::new() };
    let under_way: Vec<Range> = begins.into_iter().flat_map(|at| under_way(&narrow, at, stats)).collect();
    Ok(if under_way.is_empty() { narrow } else { narrow.narrowed(&scope::outside(&under_way)) })
}

/// The slices before an instant in which something was intended that was, or may have been, under way then.
fn under_way(metric: &Requests, at: u64, stats: &Stats) -> Vec<Range> {
    let of = |samples: &Samples| stats.longest_of(samples.series, &scope::intersect(&samples.ranges, &[(0, at)]));
    let reaches = |(range, longest): &(Range, u64)| range.1.saturating_add(*longest) > at;
    let all = metric.samples.iter().flat_map(of);
    all.filter(reaches).map(|(range, _)| range).collect()
}

/// What each of the scopes leaves that only the run knows, or knows better than the plan.
pub(super) fn scopes(scopes: &Scopes, stats: &Stats) -> Result<Vec<Vec<Range>>, String> {
    let mut left = of_impacts(&scopes.impacts, stats)?;
    left.extend(super::actual::scopes(&scopes.faults, stats)?);
    Ok(left)
}

fn of_impacts(impacts: &[Impact], stats: &Stats) -> Result<Vec<Vec<Range>>, String> {
    let of = |impact: &Impact| {
        let mut windows = Vec::new();
        for window in super::actual::windows(&impact.of, stats)? {
            windows.extend(recovered(&impact.of.steady, window, impact.of.end, stats)?.impact()?);
        }
        let (first, last) = (windows.iter().map(|range| range.0).min(), windows.iter().map(|range| range.1).max());
        Ok(match (impact.kind, first, last) {
            (ScopeKind::Outside, ..) => scope::outside(&windows),
            (_, None, _) | (_, _, None) => return Err("the steady state was never lost".to_owned()),
            (ScopeKind::During, ..) => windows,
            (ScopeKind::After, _, Some(last)) => vec![(last, u64::MAX)],
            (ScopeKind::Before, Some(first), _) => vec![(0, first)],
        })
    };
    impacts.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::first_of;
    use crate::measure::{Injected, Proof, Stats};

    fn injected((from, to): (u64, u64)) -> Injected {
        Injected {
            fault: 0,
            planned: (from, to),
            applied: (from, from),
            withdrawn: Some((to, to)),
            mechanism: String::new(),
            proof: Proof::default(),
            shown: None,
            unproven: None,
            problem: None,
        }
    }

    #[test]
    fn normal_is_what_was_before_the_first_of_faults_that_lie_one_in_the_other() {
        let mut stats = Stats::bare(vec![0, 100], 1);
        stats.injected = vec![injected((10, 30)), injected((25, 50)), injected((60, 70))];
        assert_eq!(first_of(10, &stats), 10);
        assert_eq!(first_of(25, &stats), 10);
        assert_eq!(first_of(45, &stats), 10);
        assert_eq!(first_of(60, &stats), 60);
    }
}
