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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_add_up() {
        assert_eq!(outside(&[(5, 7), (0, 2)]), [(2, 5), (7, u64::MAX)]);
        assert_eq!(intersect(&[(0, 10)], &[(3, 5), (8, 20)]), [(3, 5), (8, 10)]);
        assert_eq!(length(&[(3, 5), (8, u64::MAX)], 10), 4);
    }
}
