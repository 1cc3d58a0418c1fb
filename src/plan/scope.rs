//! Arithmetic of windows: lists of disjoint ranges in order.

use super::Range;

pub fn intersect(a: &[Range], b: &[Range]) -> Vec<Range> {
    let mut out = Vec::new();
    for (start, end) in a {
        for (from, to) in b {
            let range = (*start.max(from), *end.min(to));
            if range.0 < range.1 {
                out.push(range);
            }
        }
    }
    out.sort_unstable();
    out
}

/// Everything that none of the ranges holds.
pub fn outside(ranges: &[Range]) -> Vec<Range> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut out = Vec::new();
    let mut at = 0;
    for (start, end) in sorted {
        if at < start {
            out.push((at, start));
        }
        at = at.max(end);
    }
    if at < u64::MAX {
        out.push((at, u64::MAX));
    }
    out
}

/// How long the ranges are together, up to an end.
pub fn length(ranges: &[Range], end: u64) -> u64 {
    ranges.iter().map(|(start, stop)| (*stop).min(end).saturating_sub(*start)).sum()
}

/// The first and the last tenth of ranges that end.
pub fn tenths(ranges: &[Range]) -> (Vec<Range>, Vec<Range>) {
    let all = length(ranges, u64::MAX);
    let mut at = 0;
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for (start, end) in ranges {
        // Where the range lies in the time that counts, and what a tenth cuts off it.
        let cut = |from: u64, to: u64, out: &mut Vec<Range>| {
            let (from, to) = (from.max(at), to.min(at + end - start));
            if from < to {
                out.push((start + from - at, start + to - at));
            }
        };
        cut(0, all / 10, &mut first);
        cut(all - all / 10, all, &mut last);
        at += end - start;
    }
    (first, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_add_up() {
        assert_eq!(outside(&[(5, 7), (0, 2)]), [(2, 5), (7, u64::MAX)]);
        assert_eq!(intersect(&[(0, 10)], &[(3, 5), (8, 20)]), [(3, 5), (8, 10)]);
        assert_eq!(length(&[(3, 5), (8, u64::MAX)], 10), 4);
    }

    #[test]
    fn tenths_are_of_the_time_that_counts() {
        assert_eq!(tenths(&[(10, 110)]), (vec![(10, 20)], vec![(100, 110)]));
        // 100 in two pieces with a gap: a piece may be shorter than a tenth.
        assert_eq!(tenths(&[(0, 4), (50, 146)]), (vec![(0, 4), (50, 56)], vec![(136, 146)]));
    }
}
