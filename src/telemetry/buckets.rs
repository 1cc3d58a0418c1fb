//! Histograms with few bounds, as every Prometheus and collector reads them, from the fine ones of the measurements.

use crate::base::units::{MICROSECOND, MILLISECOND, SECOND};
use crate::measure::histogram::{Counts, value_of};

/// Of requests: from what a cache answers to what nobody waits for.
pub const DURATIONS: &[u64] = &[
    500 * MICROSECOND,
    MILLISECOND,
    2_500 * MICROSECOND,
    5 * MILLISECOND,
    10 * MILLISECOND,
    25 * MILLISECOND,
    50 * MILLISECOND,
    100 * MILLISECOND,
    250 * MILLISECOND,
    500 * MILLISECOND,
    SECOND,
    2_500 * MILLISECOND,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
];

/// Of how late iterations are started.
pub const LAGS: &[u64] = &[
    100 * MICROSECOND,
    500 * MICROSECOND,
    MILLISECOND,
    5 * MILLISECOND,
    10 * MILLISECOND,
    50 * MILLISECOND,
    100 * MILLISECOND,
    500 * MILLISECOND,
    SECOND,
    5 * SECOND,
];

#[derive(Debug, Clone, PartialEq)]
pub struct Buckets {
    /// In nanoseconds, ascending.
    pub bounds: &'static [u64],
    /// One more than there are bounds: the last is of what is above them all. Each counts its own values alone.
    pub counts: Vec<u64>,
    /// In seconds.
    pub sum: f64,
}

impl Buckets {
    pub fn new(bounds: &'static [u64]) -> Buckets {
        Buckets { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// A value counts where the lowest one of its fine bucket belongs, which is at most a thousandth less.
    pub fn add(&mut self, counts: &Counts) {
        for (index, count) in counts.iter() {
            let place = self.bounds.partition_point(|bound| *bound < value_of(index));
            self.put(place, index, count);
        }
    }

    /// What got no answer is above every bound, however long it was waited for.
    pub fn add_unanswered(&mut self, counts: &Counts) {
        counts.iter().for_each(|(index, count)| self.put(self.bounds.len(), index, count));
    }

    fn put(&mut self, place: usize, index: u32, count: u64) {
        let middle = value_of(index).midpoint(value_of(index + 1)) as f64 / SECOND as f64;
        self.counts[place] = self.counts[place].saturating_add(count);
        self.sum += middle * count as f64;
    }

    #[cfg(test)]
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::histogram::Sparse;

    fn counts(values: &[u64]) -> Counts {
        let mut sparse = Sparse::new();
        values.iter().for_each(|value| sparse.record(*value));
        sparse.drain()
    }

    #[test]
    fn bounds_ascend() {
        for bounds in [DURATIONS, LAGS] {
            assert!(bounds.is_sorted_by(|a, b| a < b), "{bounds:?}");
        }
    }

    #[test]
    fn a_value_counts_below_the_first_bound_that_it_does_not_exceed() {
        let mut buckets = Buckets::new(DURATIONS);
        // At a bound, a little and clearly above it, below the first, above the last.
        buckets.add(&counts(&[MILLISECOND, 1_010_000, 3 * MILLISECOND, 1_000, 40 * SECOND]));
        assert_eq!(buckets.counts[..5], [1, 1, 1, 1, 0]);
        assert_eq!((buckets.counts[DURATIONS.len()], buckets.total()), (1, 5));
        let sum = 0.001 + 0.001_01 + 0.003 + 0.000_001 + 40.0;
        assert!((buckets.sum / sum - 1.0).abs() < 1e-3, "{} for {sum}", buckets.sum);
    }

    #[test]
    fn what_got_no_answer_is_above_every_bound() {
        let mut buckets = Buckets::new(DURATIONS);
        buckets.add_unanswered(&counts(&[1_000, 2 * SECOND]));
        assert_eq!((buckets.counts[DURATIONS.len()], buckets.total()), (2, 2));
        assert!((buckets.sum - 2.0).abs() < 2e-3, "{}", buckets.sum);
    }
}
