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

/// The lowest value of a bucket. Indexes after the last bucket stand for the last one.
pub const fn value_of(index: u32) -> u64 {
    lower_bound(if index < LAST { index } else { LAST })
}

/// Also answers for the bucket one past the last, whose lower bound ends the last one.
const fn lower_bound(index: u32) -> u64 {
    let power = (index >> HALF_BITS).saturating_sub(1);
    ((index - (power << HALF_BITS)) as u64) << power
}

type CountPage = Box<[u32; HALF]>;

/// The recorder of the hot path. The first values of an interval are only noted; who gets more than that has pages of
/// counters, a page for each power of two that its values ever fell into, of 4 KiB. So hundreds of recorders that see
/// little cost little, and the usual busy one has a handful of pages.
///
/// A counter stops at `u32::MAX` instead of wrapping; recorders are drained every interval, long before that.
#[derive(Debug, Clone)]
pub struct Sparse {
    /// The buckets of the first values, in the order in which they came.
    first: Vec<u32>,
    pages: [Option<CountPage>; PAGES],
    /// One bit for each page with a nonzero counter. Values are noted while it is 0.
    touched: u64,
}

/// As many values of an interval are noted before they are counted in pages.
const NOTED: usize = 256;

const _: () = assert!(PAGES <= u64::BITS as usize, "every page needs its bit in `touched`");

impl Default for Sparse {
    fn default() -> Sparse {
        Sparse { first: Vec::new(), pages: [const { None }; PAGES], touched: 0 }
    }
}

impl Sparse {
    pub fn new() -> Sparse {
        Sparse::default()
    }

    #[inline]
    pub fn record(&mut self, ns: u64) {
        let index = index_of(ns);
        if self.touched != 0 {
            self.count(index);
        } else if self.first.len() < NOTED {
            self.first.push(index);
        } else {
            self.count_in_pages(index);
        }
    }

    #[inline]
    fn count(&mut self, index: u32) {
        let page = (index >> HALF_BITS) as usize;
        let counter = &mut self.pages[page].get_or_insert_with(fresh_page)[index as usize % HALF];
        *counter = counter.saturating_add(1);
        self.touched |= 1 << page;
    }

    #[cold]
    fn count_in_pages(&mut self, index: u32) {
        let mut first = std::mem::take(&mut self.first);
        first.iter().for_each(|index| self.count(*index));
        self.count(index);
        first.clear();
        self.first = first;
    }

    pub fn is_empty(&self) -> bool {
        self.touched == 0 && self.first.is_empty()
    }

    /// Takes everything recorded so far. The pages stay, zeroed, for the next interval.
    pub fn drain(&mut self) -> Counts {
        let mut packer = Packer::default();
        self.first.sort_unstable();
        self.first.drain(..).for_each(|index| packer.push(index, 1));
        while self.touched != 0 {
            let number = self.touched.trailing_zeros();
            self.touched &= self.touched - 1;
            let Some(page) = &mut self.pages[number as usize] else { continue };
            for (index, count) in (number << HALF_BITS..).zip(page.iter_mut()).filter(|(_, count)| **count != 0) {
                packer.push(index, u64::from(std::mem::take(count)));
            }
        }
        packer.finish()
    }
}

#[cold]
fn fresh_page() -> CountPage {
    Box::new([0; HALF])
}

/// The nonzero buckets of a histogram as `(index, count)`, ascending by index, each index once.
///
/// They are kept as hdrhistogram's V2 format writes them: LEB128 numbers in zigzag, of which a positive one is the count
/// of the next bucket and a negative one skips that many. Most buckets take a byte or two, so that those of a long run
/// fit into memory, and an interval log carries the same bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(Box<[u8]>);

impl Counts {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The counts as the V2 format writes them.
    pub fn packed(&self) -> &[u8] {
        &self.0
    }

    /// How many values were recorded.
    pub fn total(&self) -> u64 {
        self.iter().fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    /// The highest value equivalent to the largest recorded one, as `Histogram::max` gives it.
    pub fn max(&self) -> Option<u64> {
        self.iter().last().map(|(index, _)| lower_bound(index + 1) - 1)
    }

    /// `(index, count)`, ascending by index.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        Unpacked { rest: &self.0, index: 0 }
    }

    pub fn merge(&mut self, other: &Counts) {
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            self.clone_from(other);
            return;
        }
        let mut packer = Packer::with_room(self.0.len() + other.0.len());
        let mut ours = self.iter().peekable();
        for (index, count) in other.iter() {
            while let Some((index, count)) = ours.next_if(|(earlier, _)| *earlier <= index) {
                packer.push(index, count);
            }
            packer.push(index, count);
        }
        ours.for_each(|(index, count)| packer.push(index, count));
        *self = packer.finish();
    }

    pub fn add_to(&self, histogram: &mut Histogram<u64>) {
        for (index, count) in self.iter() {
            histogram.saturating_record_n(value_of(index), count);
        }
    }

    /// Exact for histograms of this format; values of others move to the bucket that holds them here.
    pub fn from_histogram(histogram: &Histogram<u64>) -> Counts {
        let mut packer = Packer::default();
        for bucket in histogram.iter_recorded() {
            packer.push(index_of(bucket.value_iterated_to()), bucket.count_at_value());
        }
        packer.finish()
    }

    pub fn to_histogram(&self) -> Histogram<u64> {
        let mut histogram = empty();
        self.add_to(&mut histogram);
        histogram
    }
}

/// What packed counts say.
struct Unpacked<'a> {
    rest: &'a [u8],
    index: u32,
}

impl Iterator for Unpacked<'_> {
    type Item = (u32, u64);

    fn next(&mut self) -> Option<(u32, u64)> {
        loop {
            let number = varint(&mut self.rest)?;
            if number & 1 == 1 {
                self.index += (number >> 1) as u32 + 1;
            } else {
                self.index += 1;
                // A single empty bucket is written as a count of 0.
                if number != 0 {
                    return Some((self.index - 1, number >> 1));
                }
            }
        }
    }
}

/// Packs counts that arrive in the order of their buckets.
#[derive(Debug, Default)]
pub(super) struct Packer {
    bytes: Vec<u8>,
    /// The bucket after those that are written.
    next: u32,
    /// The bucket that may still grow, and its count.
    last: (u32, u64),
}

impl Packer {
    fn with_room(bytes: usize) -> Packer {
        Packer { bytes: Vec::with_capacity(bytes), ..Packer::default() }
    }

    /// Adds to the last bucket or to one after it: indexes arrive in ascending order.
    pub(super) fn push(&mut self, index: u32, count: u64) {
        let index = index.min(LAST);
        debug_assert!(index >= self.last.0, "indexes ascend");
        if index != self.last.0 {
            self.write();
            self.last = (index, 0);
        }
        self.last.1 = self.last.1.saturating_add(count);
    }

    fn write(&mut self) {
        let (index, count) = self.last;
        if count == 0 {
            return;
        }
        match u64::from(index - self.next) {
            0 => {}
            1 => self.bytes.push(0),
            gap => put_varint(&mut self.bytes, 2 * gap - 1),
        }
        // The sign takes a bit of a count.
        put_varint(&mut self.bytes, count.min(i64::MAX as u64) << 1);
        self.next = index + 1;
    }

    pub(super) fn finish(mut self) -> Counts {
        self.write();
        Counts(self.bytes.into_boxed_slice())
    }
}

/// Adds up many counts; faster than merging them one by one.
#[derive(Debug, Clone, Default)]
pub struct Adder {
    counts: Vec<u64>,
    /// The buckets that hold anything lie from the first of these up to the second.
    used: (usize, usize),
}

impl Adder {
    pub fn sum<'a>(&mut self, all: impl Iterator<Item = &'a Counts>) -> Counts {
        all.for_each(|counts| self.add(counts));
        self.take()
    }

    fn add(&mut self, counts: &Counts) {
        if self.counts.is_empty() {
            self.counts = vec![0; LAST as usize + 1];
            self.used = (usize::MAX, 0);
        }
        for (index, count) in counts.iter() {
            let index = index.min(LAST) as usize;
            self.used = (self.used.0.min(index), self.used.1.max(index + 1));
            self.counts[index] = self.counts[index].saturating_add(count);
        }
    }

    fn take(&mut self) -> Counts {
        let (from, to) = self.used;
        self.used = (usize::MAX, 0);
        let mut packer = Packer::default();
        if from < to {
            for (index, count) in (from as u32..).zip(&mut self.counts[from..to]).filter(|(_, count)| **count != 0) {
                packer.push(index, std::mem::take(count));
            }
        }
        packer.finish()
    }
}

pub(super) const MAX_VARINT: usize = 9;

/// LEB128 of at most 9 bytes, the last of which gives all its 8 bits.
#[inline]
pub(super) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for position in 0..MAX_VARINT {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        let last = position == MAX_VARINT - 1;
        let bits = if last { *byte } else { byte & 0x7f };
        value |= u64::from(bits) << (7 * position);
        if last || byte & 0x80 == 0 {
            break;
        }
    }
    Some(value)
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    for _ in 1..MAX_VARINT {
        if value < 0x80 {
            break;
        }
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
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

    fn of(counts: &[(u32, u64)]) -> Counts {
        let mut packer = Packer::default();
        counts.iter().for_each(|(index, count)| packer.push(*index, *count));
        packer.finish()
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
            assert_eq!(count, reference.count_at(value_of(index)));
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
        (0..=NOTED as u64).for_each(|more| recorder.record(5_000_000 + more));
        assert_eq!(recorder.pages.iter().flatten().count(), 1);
        assert_eq!(recorder.drain().total(), NOTED as u64 + 1);
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
        assert_eq!(counts, of(&[(0, 1), (1, 1), (5, 2), (9, 1)]));
        assert_eq!(counts.iter().collect::<Vec<_>>(), [(0, 1), (1, 1), (5, 2), (9, 1)]);
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
    fn counts_beyond_32_bits_are_exact() {
        let mut counts = of(&[(3, u64::from(u32::MAX)), (LAST, 1)]);
        counts.merge(&of(&[(3, 5)]));
        assert_eq!(counts, of(&[(3, u64::from(u32::MAX) + 5), (LAST, 1)]));
        let mut histogram = counts.to_histogram();
        counts.add_to(&mut histogram);
        assert_eq!(histogram.count_at(3), 2 * (u64::from(u32::MAX) + 5));
        assert_eq!(Counts::from_histogram(&counts.to_histogram()), counts);
        let largest = of(&[(7, u64::MAX)]);
        assert_eq!(largest.iter().next(), Some((7, i64::MAX as u64)), "the format has no more");
    }

    #[test]
    fn noted_and_counted_values_are_the_same() {
        for size in [0, 1, NOTED - 1, NOTED, NOTED + 1, 3 * NOTED] {
            let values: Vec<u64> = numbers(size as u64 + 1).take(size).collect();
            let mut recorder = sparse(&values);
            assert_eq!((recorder.is_empty(), recorder.touched != 0), (size == 0, size > NOTED));
            assert_eq!(recorder.drain(), Counts::from_histogram(&reference(&values)), "{size} values");
            assert!(recorder.is_empty());
        }
    }

    #[test]
    fn an_adder_merges() {
        let all = values();
        let mut adder = Adder::default();
        for _ in 0..2 {
            assert_eq!(adder.take(), Counts::default());
            let parts: Vec<Counts> = all.chunks(97).map(|part| sparse(part).drain()).collect();
            assert_eq!(adder.sum(parts.iter()), sparse(&all).drain());
        }
    }

    #[test]
    fn most_buckets_take_a_byte_or_two() {
        let values: Vec<u64> = numbers(5).take(20_000).map(|number| 2_000_000 + number % 3_000_000).collect();
        let counts = sparse(&values).drain();
        assert!(counts.packed().len() < 2 * counts.iter().count(), "{} bytes", counts.packed().len());
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
