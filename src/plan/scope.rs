//! Arithmetic of windows: lists of disjoint ranges in order.

use super::Range;

pub fn intersect(a: &[Range], b: &[Range]) -> Vec<Range> {
    let mut out = Vec::new();
    // Of ranges in order only those need be compared that are not over before a range begins.
    let in_order = b.windows(2).all(|two| two[0].0 <= two[1].0 && two[0].1 <= two[1].1);
    for (start, end) in a {
        let first = if in_order { b.partition_point(|(_, to)| to <= start) } else { 0 };
        for (from, to) in b[first..].iter().take_while(|(from, _)| !in_order || from < end) {
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

/// What lies in either.
pub fn union(mut a: Vec<Range>, b: &[Range]) -> Vec<Range> {
    a.extend_from_slice(b);
    // Most are one: nothing is to be joined.
    if let [(start, end)] = a.as_slice()
        && start < end
    {
        return a;
    }
    // The union is what lies outside of what lies outside of both.
    match outside(&a).as_slice() {
        [] => vec![(0, u64::MAX)],
        rest => outside(rest),
    }
}

/// Each range in pieces of a length. What is left over joins the piece before it, so that every instant is in one and
/// none is short for how it was cut; what lies after the end joins the last.
pub fn cut(ranges: &[Range], every: u64, end: u64) -> Vec<Range> {
    let mut pieces = Vec::new();
    for (start, stop) in ranges.iter().filter(|(start, stop)| *start < (*stop).min(end)) {
        let times = ((*stop).min(end) - start) / every.max(1);
        for n in 0..times.max(1) {
            let last = n + 1 >= times;
            pieces.push((start + n * every, if last { *stop } else { start + (n + 1) * every }));
        }
    }
    pieces
}

/// How long the ranges are together, up to an end.
pub fn length(ranges: &[Range], end: u64) -> u64 {
    ranges.iter().map(|(start, stop)| (*stop).min(end).saturating_sub(*start)).fold(0, u64::saturating_add)
}

/// Divides finite ranges into this many parts of equal length.
pub fn parts(ranges: &[Range], count: u64) -> Vec<Vec<Range>> {
    let all = u128::from(length(ranges, u64::MAX));
    let edge = |part: u64| (all * u128::from(part) / u128::from(count)) as u64;
    let of = |part: u64| {
        let (mut at, mut out) = (0, Vec::new());
        for (start, end) in ranges {
            // Where the range lies in the time that counts, and what the part cuts off it.
            let (from, to) = (edge(part).max(at), edge(part + 1).min(at + end - start));
            if from < to {
                out.push((start + from - at, start + to - at));
            }
            at += end - start;
        }
        out
    };
    (0..count).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_add_up() {
        assert_eq!(outside(&[(5, 7), (0, 2)]), [(2, 5), (7, u64::MAX)]);
        assert_eq!(intersect(&[(0, 10)], &[(3, 5), (8, 20)]), [(3, 5), (8, 10)]);
        assert_eq!(intersect(&[(4, 9), (0, 2)], &[(8, 20), (1, 5)]), [(1, 2), (4, 5), (8, 9)]);
        assert_eq!(length(&[(3, 5), (8, u64::MAX)], 10), 4);
        assert_eq!(union(vec![(0, 2), (7, 9)], &[(1, 3), (9, 10)]), [(0, 3), (7, 10)]);
        assert_eq!(union(vec![(0, u64::MAX)], &[(1, 3)]), [(0, u64::MAX)]);
    }

    #[test]
    fn every_instant_is_in_one_piece() {
        assert_eq!(cut(&[(5, 40)], 10, 100), [(5, 15), (15, 25), (25, 40)]);
        assert_eq!(cut(&[(0, 20), (30, u64::MAX)], 10, 50), [(0, 10), (10, 20), (30, 40), (40, u64::MAX)]);
        assert_eq!(cut(&[(0, 4), (60, 70)], 10, 50), [(0, 4)]);
    }

    #[test]
    fn parts_are_of_the_time_that_counts() {
        let tenths = parts(&[(10, 110)], 10);
        assert_eq!((tenths.len(), &tenths[0], &tenths[9]), (10, &vec![(10, 20)], &vec![(100, 110)]));
        // 100 in two pieces with a gap: a piece may be shorter than a part.
        let tenths = parts(&[(0, 4), (50, 146)], 10);
        assert_eq!((&tenths[0], &tenths[9]), (&vec![(0, 4), (50, 56)], &vec![(136, 146)]));
        // Fewer parts have no edges of their own.
        let edges = |count| parts(&[(3, 1_000)], count).concat().into_iter().map(|range| range.0).collect::<Vec<u64>>();
        assert!(edges(10).iter().all(|edge| edges(20).contains(edge)));
    }
}
