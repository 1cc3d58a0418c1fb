//! Latency histograms: one layout for all of them, the recorder that workers own, and the sparse counts they hand over.
//!
//! The layout is that of `Histogram::<u64>::new_with_bounds(1, HIGHEST, 3)` of the `hdrhistogram` crate, bucket for
//! bucket. An index therefore names the same range of values here, there, and in an interval log.

use hdrhistogram::Histogram;

/// The smallest difference between values that is kept, in nanoseconds.
pub const LOWEST: u64 = 1;
/// One hour in nanoseconds. Larger values are recorded as this one.
pub const HIGHEST: u64 = 3_600_000_000_000;
/// Decimal digits of a value that survive its bucket.
pub const DIGITS: u8 = 3;

/// Buckets per power of two, and counters per page: half of hdrhistogram's 2048 sub-buckets.
const HALF: usize = 1 << HALF_BITS;
const HALF_BITS: u32 = 10;
const SUB_BUCKET_MASK: u64 = 2 * HALF as u64 - 1;
/// The bucket that holds `HIGHEST`.
const LAST: u32 = index_of(HIGHEST);
const PAGES: usize = (LAST >> HALF_BITS) as usize + 1;

/// An empty histogram of the one format.
pub fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(LOWEST, HIGHEST, DIGITS).expect("hdrhistogram accepts these constant bounds")
}

/// The bucket of a value. Values above [`HIGHEST`] share its bucket.
#[inline]
pub const fn index_of(ns: u64) -> u32 {
    let ns = if ns < HIGHEST { ns } else { HIGHEST };
    // The power of two by which the value exceeds what fits in 2048 sub-buckets of width 1.
    let power = (u64::BITS - 1 - HALF_BITS) - (ns | SUB_BUCKET_MASK).leading_zeros();
    (power << HALF_BITS) + (ns >> power) as u32
}

/// The lowest value of a bucket. Indexes behind the last bucket stand for the last one.
pub const fn value_of(index: u32) -> u64 {
    lower_bound(if index < LAST { index } else { LAST })
}

/// Also answers for the bucket one past the last, whose lower bound ends the last one.
const fn lower_bound(index: u32) -> u64 {
    let power = (index >> HALF_BITS).saturating_sub(1);
    ((index - (power << HALF_BITS)) as u64) << power
}

type Page = Box<[u32; HALF]>;

/// The recorder of the hot path. It holds only the pages that its values ever fell into: a page spans one power of two
/// and takes 4 KiB, so the usual recorder has a handful of them.
///
/// A counter stops at `u32::MAX` instead of wrapping; recorders are drained every interval, long before that.
#[derive(Debug, Clone)]
pub struct Sparse {
    pages: [Option<Page>; PAGES],
    /// One bit for each page with a nonzero counter.
    touched: u64,
}

const _: () = assert!(PAGES <= u64::BITS as usize, "every page needs its bit in `touched`");

impl Default for Sparse {
    fn default() -> Sparse {
        Sparse { pages: [const { None }; PAGES], touched: 0 }
    }
}

impl Sparse {
    pub fn new() -> Sparse {
        Sparse::default()
    }

    #[inline]
    pub fn record(&mut self, ns: u64) {
        let index = index_of(ns) as usize;
        let page = index >> HALF_BITS;
        let counter = &mut self.pages[page].get_or_insert_with(fresh_page)[index % HALF];
        *counter = counter.saturating_add(1);
        self.touched |= 1 << page;
    }

    pub fn is_empty(&self) -> bool {
        self.touched == 0
    }

    /// Takes everything recorded so far. The pages stay, zeroed, for the next interval.
    pub fn drain(&mut self) -> Counts {
        let mut counts = Vec::new();
        while self.touched != 0 {
            let number = self.touched.trailing_zeros();
            self.touched &= self.touched - 1;
            let Some(page) = &mut self.pages[number as usize] else { continue };
            let indexes = number << HALF_BITS..;
            counts.extend(indexes.zip(page.iter().copied()).filter(|(_, count)| *count != 0));
            page.fill(0);
        }
        Counts(counts)
    }
}

#[cold]
fn fresh_page() -> Page {
    Box::new([0; HALF])
}

/// The nonzero buckets of a histogram as `(index, count)`, ascending by index, each index once.
///
/// A count stops at `u32::MAX`. That bounds one interval generously; totals of a long run belong into a
/// `Histogram<u64>` through [`Counts::add_to`], which is exact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(Vec<(u32, u32)>);

impl Counts {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many values were recorded.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// The highest value equivalent to the largest recorded one, as `Histogram::max` gives it.
    pub fn max(&self) -> Option<u64> {
        self.0.last().map(|(index, _)| lower_bound(index + 1) - 1)
    }

    /// `(index, count)`, ascending by index.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u32, u32)> + '_ {
        self.0.iter().copied()
    }

    pub fn merge(&mut self, other: &Counts) {
        if other.is_empty() {
            return;
        }
        let ours = std::mem::take(&mut self.0);
        self.0.reserve(ours.len().max(other.0.len()));
        let mut ours = ours.into_iter().peekable();
        for (index, count) in other.iter() {
            while let Some((index, count)) = ours.next_if(|(earlier, _)| *earlier <= index) {
                self.push(index, u64::from(count));
            }
            self.push(index, u64::from(count));
        }
        self.0.extend(ours);
    }

    pub fn add_to(&self, histogram: &mut Histogram<u64>) {
        for (index, count) in self.iter() {
            histogram.saturating_record_n(value_of(index), u64::from(count));
        }
    }

    /// Exact for histograms of this format; values of others move to the bucket that holds them here.
    pub fn from_histogram(histogram: &Histogram<u64>) -> Counts {
        let mut counts = Counts::default();
        for bucket in histogram.iter_recorded() {
            counts.push(index_of(bucket.value_iterated_to()), bucket.count_at_value());
        }
        counts
    }

    pub fn to_histogram(&self) -> Histogram<u64> {
        let mut histogram = empty();
        self.add_to(&mut histogram);
        histogram
    }

    /// Adds to the last bucket or to one behind it: indexes arrive in ascending order.
    pub(super) fn push(&mut self, index: u32, count: u64) {
        let (index, count) = (index.min(LAST), u32::try_from(count).unwrap_or(u32::MAX));
        debug_assert!(self.0.last().is_none_or(|(last, _)| *last <= index), "indexes ascend");
        match self.0.last_mut() {
            Some((last, sum)) if *last == index => *sum = sum.saturating_add(count),
            _ if count > 0 => self.0.push((index, count)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, of all magnitudes.
    fn numbers(seed: u64) -> impl Iterator<Item = u64> {
        let step =
            |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        std::iter::successors(step(&seed), step).map(|state| (state >> 11) >> (state >> 5 & 31))
    }

    fn values() -> Vec<u64> {
        let mut values = vec![0, HIGHEST - 1, HIGHEST, HIGHEST + 1, 2 * HIGHEST, u64::MAX];
        for bit in 0..u64::BITS {
            let power = 1_u64 << bit;
            values.extend([power - 1, power, power + 1]);
        }
        values.extend(numbers(7).take(20_000));
        values
    }

    fn sparse(values: &[u64]) -> Sparse {
        let mut sparse = Sparse::new();
        values.iter().for_each(|value| sparse.record(*value));
        sparse
    }

    fn reference(values: &[u64]) -> Histogram<u64> {
        let mut histogram = empty();
        values.iter().for_each(|value| histogram.record(*value.min(&HIGHEST)).unwrap());
        histogram
    }

    #[test]
    fn the_layout_is_that_of_hdrhistogram() {
        let histogram = empty();
        assert_eq!((histogram.low(), histogram.high(), histogram.sigfig()), (1, HIGHEST, 3));
        assert_eq!(histogram.distinct_values(), PAGES * HALF);
        for (index, bucket) in (0..=LAST).zip(histogram.iter_all()) {
            assert_eq!(bucket.value_iterated_to(), lower_bound(index + 1) - 1);
            assert_eq!(histogram.lowest_equivalent(bucket.value_iterated_to()), value_of(index));
            assert_eq!(index_of(value_of(index)), index);
        }
        for value in values() {
            let kept = value.min(HIGHEST);
            assert_eq!(value_of(index_of(value)), histogram.lowest_equivalent(kept), "{value}");
        }
        assert_eq!(value_of(u32::MAX), histogram.lowest_equivalent(HIGHEST));
    }

    #[test]
    fn recording_agrees_with_hdrhistogram() {
        let values = values();
        let (counts, reference) = (sparse(&values).drain(), reference(&values));
        let ours = counts.to_histogram();
        assert_eq!(ours, reference);
        assert_eq!(counts, Counts::from_histogram(&reference));
        assert_eq!(counts.total(), values.len() as u64);
        assert_eq!(counts.max(), Some(reference.max()));
        for (index, count) in counts.iter() {
            assert_eq!(u64::from(count), reference.count_at(value_of(index)));
        }
        for thousandth in 0..=1000 {
            let quantile = f64::from(thousandth) / 1000.0;
            assert_eq!(ours.value_at_quantile(quantile), reference.value_at_quantile(quantile));
        }
    }

    #[test]
    fn each_single_value_agrees() {
        for value in values().into_iter().take(300) {
            let counts = sparse(&[value]).drain();
            assert_eq!((counts.total(), counts.max()), (1, Some(reference(&[value]).max())), "{value}");
            assert_eq!(counts.to_histogram(), reference(&[value]), "{value}");
        }
    }

    #[test]
    fn draining_empties_and_keeps_the_pages() {
        let values = values();
        let mut recorder = sparse(&values);
        let pages = |recorder: &Sparse| recorder.pages.iter().flatten().count();
        let before = pages(&recorder);
        assert!(!recorder.is_empty());
        let first = recorder.drain();
        assert!(recorder.is_empty());
        assert_eq!(recorder.drain(), Counts::default());
        assert_eq!(pages(&recorder), before);
        values.iter().for_each(|value| recorder.record(*value));
        assert_eq!(recorder.drain(), first);
    }

    #[test]
    fn only_touched_pages_exist() {
        let mut recorder = Sparse::new();
        assert!(recorder.is_empty());
        assert!(recorder.drain().is_empty());
        recorder.record(5_000_000);
        recorder.record(5_001_000);
        assert_eq!(recorder.pages.iter().flatten().count(), 1);
        assert_eq!(recorder.drain().total(), 2);
    }

    #[test]
    fn merging_adds_exactly() {
        let all: Vec<u64> = values();
        for parts in [1, 2, 3, 7, 500] {
            let mut merged = Counts::default();
            for part in all.chunks(all.len().div_ceil(parts)) {
                merged.merge(&sparse(part).drain());
            }
            assert_eq!(merged, sparse(&all).drain(), "{parts} parts");
        }
        let mut counts = sparse(&[1, 5]).drain();
        counts.merge(&Counts::default());
        counts.merge(&sparse(&[0, 5, 9]).drain());
        assert_eq!(counts, Counts(vec![(0, 1), (1, 1), (5, 2), (9, 1)]));
    }

    #[test]
    fn adding_to_a_histogram_that_has_values() {
        let all = values();
        let (left, right) = all.split_at(all.len() / 3);
        let mut histogram = reference(left);
        sparse(right).drain().add_to(&mut histogram);
        assert_eq!(histogram, reference(&all));
    }

    #[test]
    fn counts_stop_at_their_limit() {
        let mut counts = Counts(vec![(3, u32::MAX - 1)]);
        counts.merge(&Counts(vec![(3, 5)]));
        assert_eq!(counts, Counts(vec![(3, u32::MAX)]));
        let mut histogram = counts.to_histogram();
        counts.add_to(&mut histogram);
        assert_eq!(histogram.count_at(3), 2 * u64::from(u32::MAX));
        assert_eq!(Counts::from_histogram(&histogram), counts);
    }

    #[test]
    fn histograms_of_other_formats_keep_their_totals() {
        let mut coarse = Histogram::<u64>::new_with_bounds(1_000, u64::MAX / 4, 1).unwrap();
        let mut fine = Histogram::<u64>::new_with_bounds(1, u64::MAX / 4, 5).unwrap();
        for value in numbers(3).take(1_000).chain([u64::MAX / 4]) {
            coarse.record(value).unwrap();
            fine.record(value).unwrap();
        }
        assert_eq!(Counts::from_histogram(&coarse).total(), 1_001);
        assert_eq!(Counts::from_histogram(&fine).total(), 1_001);
    }
}
