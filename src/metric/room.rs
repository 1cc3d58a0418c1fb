//! Whether the generator could have done more: how busy its busiest worker was, and how much of the time of a request was its own
//! delay.

use crate::measure::{Stats, Times};
use crate::plan::Range;
use hdrhistogram::Histogram;

/// A worker that ran, or waited for a core, for more than this share of the time had no room left.
pub const SATURATED: f64 = 0.9;
/// Below this part of the time of a request the generator's own delay is no matter.
pub const SMALL: f64 = 0.2;

/// The times of all requests of some series from their sending, in windows: those that got no answer took their places as well.
pub fn service_time(series: impl Iterator<Item = usize>, ranges: &[Range], stats: &Stats) -> Histogram<u64> {
    let mut times = Times::default();
    series.for_each(|series| stats.times(series, ranges, true, &mut times));
    let Times { mut answered, unanswered, timeouts: _ } = times;
    answered.add(&unanswered).expect("both have the same bounds");
    answered
}

/// The part of the time of a request that is the generator's own delay, by the means of both.
pub fn own_part(poll_delay: &Histogram<u64>, service_time: &Histogram<u64>) -> f64 {
    if service_time.is_empty() { 0.0 } else { (poll_delay.mean() / service_time.mean().max(1.0)).min(1.0) }
}

/// What the worker with the least room did in windows, as shares of their time: ran, and waited.
pub fn busiest(stats: &Stats, ranges: &[Range]) -> (f64, f64) {
    let mut before = 0;
    let (mut busy, mut waiting, mut seconds) = (0.0, 0.0, 0.0f64);
    for reading in &stats.generator {
        let from = std::mem::replace(&mut before, reading.at);
        if ranges.iter().any(|(start, end)| from < *end && *start < reading.at) {
            let pressed = reading.pressed();
            (busy, waiting, seconds) = (busy + pressed.0, waiting + pressed.1, seconds + pressed.2);
        }
    }
    (busy / seconds.max(1.0), waiting / seconds.max(1.0))
}

/// Whether the generator, not the target alone, held up the users of a closed load in a window.
pub(super) fn held_up(series: impl Iterator<Item = usize>, range: Range, stats: &Stats) -> bool {
    let ranges = [range];
    let (busy, waiting) = busiest(stats, &ranges);
    busy + waiting >= SATURATED && own_part(&stats.poll_delay(&ranges), &service_time(series, &ranges, stats)) >= SMALL
}
