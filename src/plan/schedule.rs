//! When arrivals are due and users are active: pure functions of the shape, exact in integers where a level is
//! held, and the closed form of the integral where it ramps.

use super::Share;
use crate::base::units::Rate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A level over time.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Open model: arrivals per time, in the units of [`Rate::raw`].
    Open(Vec<Segment>),
    /// Closed model: users at a time.
    Closed(Vec<Segment>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Segment {
    pub start: u64,
    pub length: u64,
    pub from: u64,
    pub to: u64,
}

/// The area under the level that makes one arrival: twice the stored rate times nanoseconds, so that ramps need no half.
pub const ONE: u128 = 2 * Rate::SCALE;

impl Segment {
    /// Twice the area under the level.
    fn area(&self) -> u128 {
        (u128::from(self.from) + u128::from(self.to)) * u128::from(self.length)
    }

    /// As much of it as lies before an offset from the start of the load.
    fn area_before(&self, offset: u64) -> u128 {
        let part = offset.saturating_sub(self.start).min(self.length);
        if part == self.length {
            return self.area();
        }
        let level = (self.to as f64 - self.from as f64) * part as f64 / self.length as f64;
        ((2.0 * self.from as f64 + level) * part as f64) as u128
    }

    /// The first nanosecond of the segment at which twice the area reaches `area`.
    fn reaches(&self, area: u128) -> u64 {
        if self.from == self.to {
            return area.div_ceil(2 * u128::from(self.from).max(1)) as u64;
        }
        // 2·from·t + slope·t² = area, in the form that does not cancel when the slope is small.
        let from = 2.0 * self.from as f64;
        let slope = (self.to as f64 - self.from as f64) / self.length as f64;
        let area = area as f64;
        let root = (from * from + 4.0 * slope * area).max(0.0).sqrt();
        let t = if area == 0.0 { 0.0 } else { 2.0 * area / (from + root) };
        (t.ceil() as u64).min(self.length)
    }
}

impl Shape {
    pub fn segments(&self) -> &[Segment] {
        match self {
            Shape::Open(segments) | Shape::Closed(segments) => segments,
        }
    }

    pub fn end(&self) -> u64 {
        self.segments().last().map_or(0, |s| s.start + s.length)
    }

    /// Arrivals of an open shape that are intended before an offset.
    pub fn arrivals_before(&self, offset: u64) -> u64 {
        let Shape::Open(segments) = self else { return 0 };
        arrivals(segments.iter().filter(|s| s.start < offset).map(|segment| segment.area_before(offset)).sum())
    }

    /// As [`Shape::arrivals_before`], for many offsets.
    pub fn arrivals_so_far(&self) -> ArrivalsSoFar<'_> {
        let segments = match self {
            Shape::Open(segments) => segments.as_slice(),
            Shape::Closed(_) => &[],
        };
        let before = segments.iter().scan(0, |area, segment| {
            let before = *area;
            *area += segment.area();
            Some(before)
        });
        ArrivalsSoFar { before: before.collect(), segments }
    }

    pub fn arrivals(&self) -> u64 {
        self.arrivals_before(u64::MAX)
    }

    /// The highest number of users at any time.
    pub fn peak(&self) -> u64 {
        self.segments().iter().map(|s| s.from.max(s.to)).max().unwrap_or(0)
    }

    /// When user `u`, counted from 0, is active: while the level is above `u`.
    pub fn active(&self, u: u64) -> Vec<(u64, u64)> {
        let mut periods: Vec<(u64, u64)> = Vec::new();
        for segment in self.segments() {
            let crossing = |distance: u64, whole: u64| {
                (u128::from(segment.length) * u128::from(distance) / u128::from(whole)) as u64
            };
            let (start, end) = match (segment.from > u, segment.to > u) {
                (true, true) => (0, segment.length),
                (false, true) => (crossing(u - segment.from, segment.to - segment.from), segment.length),
                (true, false) => (0, crossing(segment.from - u, segment.from - segment.to)),
                (false, false) => continue,
            };
            let (start, end) = (segment.start + start, segment.start + end);
            match periods.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ if start < end => periods.push((start, end)),
                _ => {}
            }
        }
        periods
    }
}

/// The segments of an open load, one after the other, each with the area of those before it.
pub struct ArrivalsSoFar<'s> {
    segments: &'s [Segment],
    before: Vec<u128>,
}

impl ArrivalsSoFar<'_> {
    pub fn before(&self, offset: u64) -> u64 {
        let Some(last) = self.segments.partition_point(|s| s.start < offset).checked_sub(1) else { return 0 };
        arrivals(self.before[last] + self.segments[last].area_before(offset))
    }
}

fn arrivals(area: u128) -> u64 {
    area.div_ceil(ONE) as u64
}

/// Goes along the level of an open load: the inverse of its integral.
#[derive(Debug, Clone)]
pub struct Inverse {
    segments: Vec<Segment>,
    at: usize,
    before: u128,
}

impl Inverse {
    pub fn new(shape: &Shape) -> Inverse {
        let segments = match shape {
            Shape::Open(segments) => segments.clone(),
            Shape::Closed(_) => Vec::new(),
        };
        Inverse { segments, at: 0, before: 0 }
    }

    /// When the area under the level reaches `area`, in units of which [`ONE`] makes an arrival; nothing where it never
    /// does. To be asked in order.
    pub fn reaches(&mut self, area: u128) -> Option<u64> {
        loop {
            let segment = self.segments.get(self.at)?;
            let own = segment.area();
            if area < self.before + own {
                let offset = segment.reaches(area - self.before).min(segment.length - 1);
                return Some(segment.start + offset);
            }
            self.before += own;
            self.at += 1;
        }
    }
}

/// The arrivals that are ours, in order: number and intended offset.
#[derive(Debug, Clone)]
pub struct Arrivals {
    inverse: Inverse,
    next: u64,
    step: u64,
}

impl Arrivals {
    /// Arrival k belongs to share k mod n, and there to worker (k div n) mod m.
    pub fn new(shape: &Shape, share: Share, worker: u64, workers: u64) -> Arrivals {
        let (next, step) = (share.index + worker * share.count, share.count * workers);
        Arrivals { inverse: Inverse::new(shape), next, step }
    }
}

impl Iterator for Arrivals {
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        let k = self.next;
        let at = self.inverse.reaches(u128::from(k) * ONE)?;
        self.next += self.step;
        Some((k, at))
    }
}

/// Levels one after the other: arrivals a second at their start and their end, and how many seconds.
#[cfg(test)]
pub fn open(parts: &[(f64, f64, u64)]) -> Shape {
    use crate::base::units::SECOND;
    let rate = |r: f64| Rate::new(r, SECOND).expect("a test has rates that there are").raw();
    let mut start = 0;
    let segments = parts.iter().map(|(from, to, seconds)| {
        let segment = Segment { start, length: seconds * SECOND, from: rate(*from), to: rate(*to) };
        start += segment.length;
        segment
    });
    Shape::Open(segments.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::SECOND;

    #[test]
    fn a_held_rate_is_exact() {
        let shape = open(&[(3.0, 3.0, 10)]);
        let all: Vec<(u64, u64)> = Arrivals::new(&shape, Share::WHOLE, 0, 1).collect();
        assert_eq!(all.len(), 30);
        assert_eq!(all[0], (0, 0));
        assert_eq!(all[1].1, 333_333_334);
        assert_eq!(all[3].1, SECOND);
        assert_eq!(shape.arrivals(), 30);
    }

    #[test]
    fn every_stage_gets_the_integral_of_its_rate() {
        let shape =
            open(&[(20.0, 20.0, 2), (20.0, 200.0, 5), (200.0, 200.0, 5), (1000.0, 1000.0, 2), (200.0, 200.0, 3)]);
        let all: Vec<u64> = Arrivals::new(&shape, Share::WHOLE, 0, 1).map(|(_, at)| at).collect();
        let within = |from: u64, to: u64| all.iter().filter(|at| **at >= from * SECOND && **at < to * SECOND).count();
        assert_eq!(
            [within(0, 2), within(2, 7), within(7, 12), within(12, 14), within(14, 17)],
            [40, 550, 1000, 2000, 600]
        );
        assert!(all.is_sorted());
        assert_eq!(all.len() as u64, shape.arrivals());
        assert_eq!(shape.arrivals_before(7 * SECOND), 590);
        let so_far = shape.arrivals_so_far();
        for offset in (0..20 * SECOND).step_by(37_000_001).chain([2 * SECOND, 17 * SECOND, u64::MAX]) {
            assert_eq!(so_far.before(offset), shape.arrivals_before(offset), "{offset}");
        }
        // The ramp itself: after t of 5 s there should be 20 t + 18 t² arrivals.
        for k in [0usize, 100, 300, 549] {
            let t = (all[40 + k] - 2 * SECOND) as f64 / SECOND as f64;
            assert!((20.0 * t + 18.0 * t * t - k as f64).abs() < 1e-5, "arrival {k} at {t}");
        }
    }

    #[test]
    fn shares_and_workers_deal_out_the_same_arrivals() {
        let shape = open(&[(0.0, 333.0, 3), (333.0, 10.0, 4)]);
        let whole: Vec<(u64, u64)> = Arrivals::new(&shape, Share::WHOLE, 0, 1).collect();
        let mut dealt: Vec<(u64, u64)> = Vec::new();
        for index in 0..3 {
            for worker in 0..2 {
                dealt.extend(Arrivals::new(&shape, Share { index, count: 3 }, worker, 2));
            }
        }
        dealt.sort_unstable();
        assert_eq!(dealt, whole);
    }

    #[test]
    fn users_are_active_while_the_level_is_above_them() {
        let shape = Shape::Closed(vec![
            Segment { start: 0, length: 100, from: 0, to: 10 },
            Segment { start: 100, length: 50, from: 10, to: 10 },
            Segment { start: 150, length: 100, from: 10, to: 0 },
        ]);
        assert_eq!(shape.active(0), [(0, 250)]);
        assert_eq!(shape.active(5), [(50, 200)]);
        assert_eq!(shape.active(10), []);
        assert_eq!(shape.peak(), 10);
    }
}
