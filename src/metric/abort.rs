//! `abort when C for D`, judged during the run, over the last seconds whose results are known.

use super::{Judged, Outcome, judge_within};
use crate::base::units::{SECOND, duration};
use crate::measure::{Event, Gauges, Slice, Stats};
use crate::plan::{Abort, Metric, Plan, Range, scope};

/// So much of what was sent must have ended before a window is judged, unless nothing more can come.
const SETTLED: f64 = 0.99;

/// What is known so far, as far as an `abort` can still ask for it.
pub struct AbortWatch<'p> {
    aborts: &'p [Abort],
    stats: Stats,
    /// The next second at which windows end, and the windows that are not judged yet, by their end.
    next: u64,
    open: Vec<(usize, u64)>,
}

impl<'p> AbortWatch<'p> {
    /// `None` where nothing ends the run early.
    pub fn new(plan: &'p Plan) -> Option<AbortWatch<'p>> {
        (!plan.aborts.is_empty()).then(|| AbortWatch::over(&plan.aborts, Stats::under_way(plan)))
    }

    pub(super) fn over(aborts: &'p [Abort], stats: Stats) -> AbortWatch<'p> {
        AbortWatch { aborts, stats, next: SECOND, open: Vec::new() }
    }

    pub fn take(&mut self, slice: &Slice) {
        self.stats.add(slice);
    }

    pub fn see(&mut self, look: &Gauges) {
        self.stats.take(Event::Gauges(look.clone()));
    }

    /// Why the run ends now, if it does. To be asked each second.
    pub fn look(&mut self, now: u64) -> Option<String> {
        // Workers hand over what they have once a second.
        while self.next + SECOND <= now {
            self.open.extend((0..self.aborts.len()).map(|abort| (abort, self.next)));
            self.next += SECOND;
        }
        let (aborts, stats) = (self.aborts, &self.stats);
        let mut reason = None;
        self.open.retain(|(index, end)| {
            let abort = &aborts[*index];
            let window = (end.saturating_sub(abort.length), *end);
            if *end < abort.length || is_over(abort, window, now, stats) {
                reason = reason.take().or_else(|| held(abort, window, stats));
                return false;
            }
            true
        });
        self.forget();
        reason
    }

    /// Lets go of what no window asks for any more.
    fn forget(&mut self) {
        let start = |(index, end): &(usize, u64)| end.saturating_sub(self.aborts[*index].length);
        let longest = self.aborts.iter().map(|abort| abort.length).max().unwrap_or(0);
        let first = self.open.iter().map(start).min().unwrap_or(u64::MAX).min(self.next.saturating_sub(longest));
        self.stats.forget(first);
    }
}

/// Whether it is known what came of a window: nearly all of it has ended, or must have.
fn is_over(abort: &Abort, window: Range, now: u64, stats: &Stats) -> bool {
    if now >= window.1.saturating_add(abort.patience) {
        return true;
    }
    let (mut sent, mut ended) = (0, 0);
    abort.condition.within(window).metrics(&mut |metric| {
        let Metric::Requests(requests) = metric else { return };
        let whole = if requests.chosen_of.is_empty() { &requests.samples } else { &requests.chosen_of };
        for samples in whole {
            let counts = stats.counts(samples.series, &samples.ranges);
            sent += counts.sent;
            ended += counts.ok + counts.failures();
        }
    });
    ended as f64 >= sent as f64 * SETTLED
}

/// The condition held over the whole of the window, and in none of its seconds it failed.
fn held(abort: &Abort, window: Range, stats: &Stats) -> Option<String> {
    let (scope, _) = abort.condition.scope();
    if window.1 - window.0 < abort.length
        || scope::length(&scope::intersect(&scope, &[window]), window.1) < abort.length
    {
        return None;
    }
    let Judged { outcome: Outcome::Held, value, .. } = judge_within(&abort.condition, window, stats) else {
        return None;
    };
    let mut seconds = (window.0.next_multiple_of(SECOND)..window.1).step_by(SECOND as usize);
    let fails = |at: u64| judge_within(&abort.condition, (at, at + SECOND), stats).outcome == Outcome::Failed;
    if seconds.any(fails) {
        return None;
    }
    let (from, to) = (duration(window.0), duration(window.1));
    let value = value.map_or(String::new(), |value| value.to_string());
    Some(format!("`{}`, and it was {value} from {from} to {to}", abort.text))
}
