//! Conditions on counters: what the server counted against what the client sent. Both lie between bounds for certain, so a condition
//! holds if it does for all that is possible, fails if it does for none, and is inconclusive in between.

use super::buckets;
use super::counter::{self, Span};
use super::grounds::{Grounds, Why};
use super::quantity::{Known, Quantity};
use super::{Judged, Measurement, Outcome, recovery, value};
use crate::base::units::{MILLISECOND, grouped};
use crate::check::holds;
use crate::check::program::RequestFunction;
use crate::measure::{Failure, SeriesCounts, Stats};
use crate::plan::{Binary, BucketError, CounterIncrease, Measured, Metric, Range, Requests, Type, scope};
use schemars::JsonSchema;
use serde::Serialize;

/// What is asked of both sides.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    Compare(Binary),
    Within { tolerance: f64, relative: bool },
}

/// What was counted against what was sent.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize)]
pub struct CountGrounds {
    /// By how much the counter exceeds what it is compared with: the least and the most that is possible. Unbounded above if null.
    pub least: f64,
    #[schemars(with = "Option<f64>")]
    pub most: f64,
    /// How many of the requests have an unknown outcome: they may have been counted or not.
    pub unknown: f64,
    /// The smallest share of requests whose loss this run would have found.
    pub smallest_loss: Option<f64>,
}

impl CountGrounds {
    /// By how many requests both sides differ, and what would have been found.
    pub fn told(&self) -> String {
        let count = |n: f64| grouped(n.abs(), 0);
        let more = |n: f64| if n < 0.0 { "fewer" } else { "more" };
        let CountGrounds { least, most, smallest_loss, .. } = *self;
        let differ = match (least == most, most.is_finite()) {
            (true, _) if least == 0.0 => "as many as were sent".to_owned(),
            (true, _) => format!("{} {} than were sent", count(least), more(least)),
            (false, true) if least < 0.0 && most > 0.0 => {
                format!("{} fewer to {} more than were sent", count(least), count(most))
            }
            (false, true) if least >= 0.0 => format!("{} to {} more than were sent", count(least), count(most)),
            (false, true) => format!("{} to {} fewer than were sent", count(most), count(least)),
            (false, false) if least > 0.0 => format!("at least {} more than were sent", count(least)),
            (false, false) => format!("at most {} fewer than were sent", count(least)),
        };
        match smallest_loss {
            Some(loss) => format!("{differ}; a loss of {} would have been found", super::printed(loss, Type::Percent)),
            None => differ,
        }
    }
}

/// Whether a counter is on either side.
pub(super) fn is_counted(left: &Measured, right: &Measured) -> bool {
    let mut found = false;
    for side in [left, right] {
        side.metrics(&mut |metric| found |= matches!(metric, Metric::Counter(_) | Metric::Buckets(_)));
    }
    found
}

/// Where a side lies for certain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Bounds {
    fn of(low: f64, high: f64) -> Bounds {
        Bounds { low, high }
    }

    fn is_exact(self) -> bool {
        self.low == self.high
    }
}

/// What all bounds are worked out from, and why they are apart.
pub(super) struct Look<'s> {
    pub(super) stats: &'s Stats,
    /// What the client sent that is compared with counters.
    counts: Vec<Requests>,
    /// How long the longest of these took, in milliseconds.
    pub(super) late: i64,
    pub(super) why: Vec<String>,
    unknown: f64,
    samples: u64,
}

pub(super) fn judge(asked: Asked, (left, right): (&Measured, &Measured), stats: &Stats) -> Judged {
    let mut counts = Vec::new();
    for side in [left, right] {
        side.metrics(&mut |metric| match metric {
            Metric::Requests(requests) if requests.function == RequestFunction::Count => counts.push(requests.clone()),
            Metric::Buckets(own) => counts.push(own.requests.clone()),
            _ => {}
        });
    }
    let mut look = Look::new(stats, counts);
    let (l, r) = (look.bounds(left), look.bounds(right));
    let shown = |bounds: &Result<Bounds, String>, of: &Measured| Some(quantity(*bounds.as_ref().ok()?, of.unit()));
    let (value, bound) = (shown(&l, left), shown(&r, right));
    let judged = Judged { value, bound, samples: look.samples, timed: false, ..Judged::default() };
    let (l, r) = match (l, r) {
        (Ok(l), Ok(r)) => (l, r),
        (Err(reason), _) | (_, Err(reason)) => return Judged { reason: Some(reason), ..judged },
    };
    let both = asked.of(l, r);
    let exact = l.is_exact() && r.is_exact();
    let (outcome, code) = match (both, exact) {
        (Some(true), true) => (Outcome::Held, Why::Met),
        (Some(false), true) => (Outcome::Failed, Why::Missed),
        (Some(true), false) => (Outcome::Held, Why::IntervalMet),
        (Some(false), false) => (Outcome::Failed, Why::IntervalMissed),
        (None, _) => (Outcome::Inconclusive, Why::IntervalStraddles),
    };
    let reason = (outcome == Outcome::Inconclusive).then(|| {
        if look.unknown > 0.0 {
            let requests = if look.unknown == 1.0 { "request has" } else { "requests have" };
            look.why.insert(0, format!("{} {requests} an unknown outcome", grouped(look.unknown, 0)));
        }
        let told = |side: &Option<Quantity>| side.as_ref().map_or_else(String::new, Quantity::to_string);
        let (value, bound) = (told(&judged.value), told(&judged.bound));
        format!("{value} against {bound}, so it may be either: {}", look.why.join("; "))
    });
    let counted = (!look.counts.is_empty()).then(|| CountGrounds {
        least: l.low - r.high,
        most: l.high - r.low,
        unknown: look.unknown,
        smallest_loss: asked.smallest_loss(l, r),
    });
    let counted = counted.filter(|_| is_plain(left) && is_plain(right));
    let grounds = Grounds { counted, ..Grounds::of(code) };
    let room = match asked {
        Asked::Compare(_) => -(l.low - r.low).abs(),
        Asked::Within { tolerance, relative } => {
            (if relative { r.low.abs() * tolerance } else { tolerance }) - (l.low - r.low).abs()
        }
    };
    Judged { outcome, reason, grounds, margin: super::share_of(room, r.low), ..judged }
}

/// Whether its difference from the other side is a number of requests.
fn is_plain(side: &Measured) -> bool {
    match side {
        Measured::Metric { .. } => true,
        Measured::Arithmetic { operator: Binary::Add, left, right, .. } => is_plain(left) && is_plain(right),
        Measured::Arithmetic { .. } | Measured::Constant { .. } | Measured::Baseline { .. } => false,
    }
}

fn quantity(Bounds { low, high }: Bounds, unit: Type) -> Quantity {
    let known = match (low == high, high.is_finite()) {
        (true, _) => Known::Value,
        (false, true) => Known::Between { low, high },
        (false, false) => Known::AtLeast,
    };
    Quantity::new(low, unit, known)
}

impl Asked {
    /// Whether it holds for all that is possible, or for nothing; `None` in between.
    fn of(self, l: Bounds, r: Bounds) -> Option<bool> {
        let (all, none) = match self {
            Asked::Compare(Binary::Equal) => (l.is_exact() && l == r, l.high < r.low || l.low > r.high),
            Asked::Compare(Binary::NotEqual) => (l.high < r.low || l.low > r.high, l.is_exact() && l == r),
            Asked::Compare(operator) => {
                let ends = [(l.low, r.high), (l.high, r.low)].map(|(l, r)| holds(operator, l, r));
                (ends == [true; 2], ends == [false; 2])
            }
            Asked::Within { tolerance, relative } => {
                let room = |bound: f64| if relative { bound.abs() * tolerance } else { tolerance };
                let (below, above) = ([r.low, r.high].map(|r| r - room(r)), [r.low, r.high].map(|r| r + room(r)));
                let (least, most) = (f64::min(below[0], below[1]), f64::max(above[0], above[1]));
                let all = l.low >= f64::max(below[0], below[1]) && l.high <= f64::min(above[0], above[1]);
                (all, l.high < least || l.low > most)
            }
        };
        match (all, none) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            (false, false) => None,
        }
    }

    /// As a share of what was sent: one request more than what is allowed and what is not known.
    fn smallest_loss(self, l: Bounds, r: Bounds) -> Option<f64> {
        let open = (l.high - l.low) + (r.high - r.low) + 1.0;
        let share = match self {
            Asked::Compare(Binary::Equal) => open / r.high,
            Asked::Within { tolerance, relative: true } => tolerance + open / r.high,
            Asked::Within { tolerance, relative: false } => (tolerance + open) / r.high,
            Asked::Compare(_) => return None,
        };
        Some(share).filter(|share| share.is_finite() && *share <= 1.0)
    }
}

const WHOLE: [Range; 1] = [(0, u64::MAX)];

impl<'s> Look<'s> {
    pub(super) fn new(stats: &'s Stats, counts: Vec<Requests>) -> Look<'s> {
        let longest =
            counts.iter().flat_map(|count| &count.samples).flat_map(|own| stats.longest_of(own.series, &WHOLE));
        let late = longest.map(|(_, time)| time).max().unwrap_or(0).div_ceil(MILLISECOND);
        let late = i64::try_from(late).unwrap_or(i64::MAX / 4);
        Look { stats, counts, late, why: Vec::new(), unknown: 0.0, samples: 0 }
    }

    fn bounds(&mut self, of: &Measured) -> Result<Bounds, String> {
        match of {
            Measured::Metric { metric: Metric::Counter(own), .. } => self.counter(own),
            Measured::Metric { metric: Metric::Buckets(own), .. } => {
                let (low, high) = buckets::compared(own, self)?.error();
                Ok(Bounds::of(low, high))
            }
            Measured::Metric { metric: Metric::Requests(own), .. } if own.function == RequestFunction::Count => {
                let plain = value(of, self.stats, false);
                let own = recovery::narrowed(own, self.stats)?;
                plain.value.map(|_| self.sent(&own))
            }
            Measured::Arithmetic { operator, left, right, .. } => {
                let (l, r) = (self.bounds(left)?, self.bounds(right)?);
                if *operator == Binary::Divide && r.low <= 0.0 && r.high >= 0.0 {
                    return Err("a division by nothing".to_owned());
                }
                let result = |a: f64, b: f64| crate::check::arithmetic(*operator, a, left.unit(), b, right.unit());
                let ends =
                    [(l.low, r.low), (l.low, r.high), (l.high, r.low), (l.high, r.high)].map(|(a, b)| result(a, b));
                let ends = ends.map(|end| if end.is_nan() { f64::INFINITY } else { end });
                Ok(Bounds::of(
                    ends.iter().copied().fold(f64::INFINITY, f64::min),
                    ends.into_iter().fold(f64::NEG_INFINITY, f64::max),
                ))
            }
            Measured::Metric { .. } | Measured::Constant { .. } | Measured::Baseline { .. } => {
                let Measurement { value, interval, samples, .. } = value(of, self.stats, false);
                self.samples = self.samples.max(samples);
                let value = value?;
                let (low, high) = interval.unwrap_or((value, value));
                Ok(Bounds::of(low, high))
            }
        }
    }

    fn counter(&mut self, own: &CounterIncrease) -> Result<Bounds, String> {
        let ranges = windows(own, self.stats)?;
        let grown = counter::grown(counter::read(own.counter, self.stats)?, &ranges, (self.stats.end(), self.late))?;
        if grown.series == 0 {
            return match own.series.missing {
                Some(_) => Ok(Bounds::of(0.0, 0.0)),
                None => Err("no series matches it".to_owned()),
            };
        }
        self.why.extend(grown.why);
        let lost: f64 = grown.holes.iter().map(|hole| self.sent_around(*hole)).sum();
        let worth = own.series.worth;
        Ok(Bounds::of(grown.low * worth, (grown.high + lost) * worth))
    }

    /// What the client sent, and of it what the server surely knows of: it answered.
    pub(super) fn sent(&mut self, own: &Requests) -> Bounds {
        let (mut sent, mut unknown, mut more) = (0, 0, 0);
        for samples in &own.samples {
            let counts = self.stats.counts(samples.series, &samples.ranges);
            sent += counts.sent;
            // Sends and ends may lie in different windows, and no window has more of them than the run.
            unknown += unanswered(&self.stats.counts(samples.series, &WHOLE)).min(counts.sent);
        }
        if own.is_chosen {
            // What is chosen by its answer has none yet where none came.
            more = own.chosen_of.iter().map(|of| unanswered(&self.stats.counts(of.series, &WHOLE))).sum();
        }
        self.samples = self.samples.max(sent);
        self.unknown += (unknown + more) as f64;
        Bounds::of((sent - unknown) as f64, (sent + more) as f64)
    }

    /// As many as may have been counted in a time that no scrape shows.
    pub(super) fn sent_around(&self, (from, to): Span) -> f64 {
        if self.counts.is_empty() {
            return f64::INFINITY;
        }
        let ns = |ms: i64| u64::try_from(ms).unwrap_or(0).saturating_mul(MILLISECOND);
        let range = (ns(from.saturating_sub(self.late)), ns(to));
        let own = self.counts.iter().flat_map(|count| &count.samples);
        own.flat_map(|own| self.stats.shares_of(own.series, range)).map(|(counts, _)| counts.sent as f64).sum()
    }
}

/// Sent, and not known to have been answered.
fn unanswered(counts: &SeriesCounts) -> u64 {
    let failed = |failure: Failure| counts.failed.get(&failure).copied().unwrap_or(0);
    let answered =
        counts.ok + [Failure::Status, Failure::Expectation, Failure::TooLarge].map(failed).iter().sum::<u64>();
    counts.sent.saturating_sub(answered)
}

fn windows(own: &CounterIncrease, stats: &Stats) -> Result<Vec<Range>, String> {
    let scopes = recovery::scopes(&own.scopes, stats)?;
    Ok(scopes.iter().fold(own.ranges.clone(), |narrow, ranges| scope::intersect(&narrow, ranges)))
}

/// How far buckets contradict the client.
pub(super) fn of_buckets(own: &BucketError, stats: &Stats) -> Measurement {
    let mut look = Look::new(stats, vec![own.requests.clone()]);
    match buckets::compared(own, &mut look).map(|buckets| buckets.error()) {
        Ok((low, high)) => {
            let interval = (low < high).then_some((low, high));
            Measurement { interval, ..Measurement::of(Ok(low), look.samples) }
        }
        Err(reason) => Measurement::of(Err(reason), 0),
    }
}

/// What a counter grew by, where nothing is compared with it.
pub(super) fn apply(own: &CounterIncrease, stats: &Stats) -> Measurement {
    let mut look = Look::new(stats, Vec::new());
    match look.counter(own) {
        Ok(Bounds { low, high }) if high.is_finite() => {
            let interval = (low < high).then_some((low, high));
            Measurement { interval, ..Measurement::of(Ok(low), 0) }
        }
        Ok(Bounds { low, .. }) => Measurement::at_least(low, own.series.unit, 0),
        Err(reason) => Measurement::of(Err(reason), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(tolerance: f64, l: (f64, f64), r: (f64, f64)) -> Option<bool> {
        Asked::Within { tolerance, relative: true }.of(Bounds::of(l.0, l.1), Bounds::of(r.0, r.1))
    }

    #[test]
    fn what_is_possible_decides() {
        let exactly = |n: f64| (n, n);
        assert_eq!(within(0.0, exactly(1000.0), exactly(1000.0)), Some(true));
        assert_eq!(within(0.0, exactly(999.0), exactly(1000.0)), Some(false));
        assert_eq!(within(0.0, exactly(1001.0), exactly(1000.0)), Some(false), "counted twice");
        // Two have an unknown outcome.
        assert_eq!(within(0.0, exactly(999.0), (998.0, 1000.0)), None);
        assert_eq!(within(0.0, exactly(997.0), (998.0, 1000.0)), Some(false));
        assert_eq!(within(0.01, exactly(999.0), (998.0, 1000.0)), Some(true));
        assert_eq!(within(0.01, exactly(989.0), (998.0, 1000.0)), None);
        assert_eq!(within(0.01, exactly(987.0), (998.0, 1000.0)), Some(false));
        // A reset.
        assert_eq!(within(0.0, (800.0, f64::INFINITY), exactly(1000.0)), None);
        assert_eq!(within(0.0, (800.0, 950.0), exactly(1000.0)), Some(false));
        assert_eq!(within(0.01, (1020.0, f64::INFINITY), exactly(1000.0)), Some(false));
    }

    #[test]
    fn comparisons_hold_for_all_or_for_nothing() {
        let of = |operator: Binary, l: (f64, f64), r: (f64, f64)| {
            Asked::Compare(operator).of(Bounds::of(l.0, l.1), Bounds::of(r.0, r.1))
        };
        assert_eq!(of(Binary::Equal, (5.0, 5.0), (5.0, 5.0)), Some(true));
        assert_eq!(of(Binary::Equal, (5.0, 6.0), (5.0, 5.0)), None);
        assert_eq!(of(Binary::NotEqual, (6.0, 7.0), (5.0, 5.0)), Some(true));
        assert_eq!(of(Binary::GreaterEqual, (5.0, 9.0), (5.0, 5.0)), Some(true));
        assert_eq!(of(Binary::Greater, (5.0, 9.0), (5.0, 5.0)), None);
        assert_eq!(of(Binary::Less, (5.0, f64::INFINITY), (5.0, 5.0)), Some(false));
    }

    #[test]
    fn the_smallest_loss_is_one_request_more_than_what_is_allowed_and_not_known() {
        let (exact, unknown) = (Bounds::of(6000.0, 6000.0), Bounds::of(5998.0, 6000.0));
        let asked = |tolerance: f64| Asked::Within { tolerance, relative: true };
        assert_eq!(asked(0.0).smallest_loss(exact, exact), Some(1.0 / 6000.0));
        assert_eq!(asked(0.0).smallest_loss(exact, unknown), Some(3.0 / 6000.0));
        assert_eq!(asked(0.01).smallest_loss(exact, unknown), Some(0.01 + 3.0 / 6000.0));
        assert_eq!(asked(0.0).smallest_loss(Bounds::of(10.0, f64::INFINITY), exact), None);
    }

    #[test]
    fn the_difference_is_told_in_requests() {
        let told = |least: f64, most: f64| CountGrounds { least, most, unknown: 0.0, smallest_loss: None }.told();
        assert_eq!(told(0.0, 0.0), "as many as were sent");
        assert_eq!(told(-12.0, -12.0), "12 fewer than were sent");
        assert_eq!(told(3.0, 3.0), "3 more than were sent");
        assert_eq!(told(-2.0, 1.0), "2 fewer to 1 more than were sent");
        assert_eq!(told(-9.0, -2.0), "2 to 9 fewer than were sent");
        assert_eq!(told(-9.0, f64::INFINITY), "at most 9 fewer than were sent");
        let found = CountGrounds { least: 0.0, most: 0.0, unknown: 0.0, smallest_loss: Some(1.0 / 6000.0) };
        assert_eq!(found.told(), "as many as were sent; a loss of 0.017% would have been found");
    }
}
