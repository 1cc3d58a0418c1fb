//! The run over time for charts: each load and each watched series in parts that are equally long.

use super::course::in_flight;
use super::seconds::seconds;
use crate::base::units::SECOND;
use crate::measure::histogram::{self, Adder, Counts};
use crate::measure::{Gauge, SeriesCounts, Stats};
use crate::plan::schedule::{Segment, Shape};
use crate::plan::{Load, Plan, Range, Watched};
use schemars::JsonSchema;
use serde::ser::Error;
use serde::{Serialize, Serializer};

/// About as many parts as a chart is wide. A part is a whole number of seconds.
const PARTS: u64 = 600;
/// Rows of the heat map per doubling of the latency.
const ROWS: f64 = 4.0;
/// With more loads than this, the heat maps have wider columns.
const MAPS: usize = 4;
/// A value counts for so long if nothing else was read, because looks are made about once a second.
const LASTS: u64 = 5 * SECOND / 2;

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Timeline {
    /// How long a part is. The last one ends with the run, so it may be shorter or longer by half.
    #[serde(rename = "part_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub part: u64,
    pub parts: u64,
    /// So many parts together are an entry of `latencies`: more with many loads, so that a report stays small.
    pub parts_of_latencies: u64,
    pub loads: Vec<LoadLines>,
    /// In the order of `metrics`. A part in which nothing was read has none.
    pub watched: Vec<WatchedLine>,
}

/// A load in each part, by the instants at which its iterations and requests were intended.
#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct LoadLines {
    pub load: String,
    /// An open load has arrivals; a closed one has users.
    pub open: bool,
    /// Planned arrivals per second, or planned users; none if the run itself decided, as a search does.
    #[serde(serialize_with = "in_a_line")]
    #[schemars(with = "Option<Vec<f64>>")]
    pub planned: Option<Vec<f64>>,
    /// Iterations per second.
    #[serde(serialize_with = "in_a_line")]
    #[schemars(with = "Vec<f64>")]
    pub started: Vec<f64>,
    #[serde(serialize_with = "in_a_line")]
    #[schemars(with = "Vec<f64>")]
    pub dropped: Vec<f64>,
    /// Requests per second: those that went well, those that failed because of the target, and how many of these got no answer.
    #[serde(serialize_with = "in_a_line")]
    #[schemars(with = "Vec<f64>")]
    pub answered: Vec<f64>,
    #[serde(serialize_with = "in_a_line")]
    #[schemars(with = "Vec<f64>")]
    pub failed: Vec<f64>,
    #[serde(serialize_with = "in_a_line")]
    #[schemars(with = "Vec<f64>")]
    pub unanswered: Vec<f64>,
    /// None if there was no request, or if it lies at a request without an answer.
    #[serde(serialize_with = "in_a_line")]
    #[schemars(with = "Vec<Option<u64>>")]
    pub p50_ns: Vec<Option<u64>>,
    #[serde(serialize_with = "in_a_line")]
    #[schemars(with = "Vec<Option<u64>>")]
    pub p95_ns: Vec<Option<u64>>,
    #[serde(serialize_with = "in_a_line")]
    #[schemars(with = "Vec<Option<u64>>")]
    pub p99_ns: Vec<Option<u64>>,
    /// The mean number of requests in flight; none if that was not counted.
    #[serde(serialize_with = "in_a_line")]
    #[schemars(with = "Vec<Option<f64>>")]
    pub in_flight: Vec<Option<f64>>,
    /// How many answers took how long: pairs of a row and a count. Row `r` begins at 2^(r/4) nanoseconds.
    #[serde(serialize_with = "in_a_line")]
    #[schemars(with = "Vec<Vec<u64>>")]
    pub latencies: Vec<Vec<u64>>,
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct WatchedLine {
    pub name: String,
    #[serde(serialize_with = "in_a_line")]
    #[schemars(with = "Vec<Option<f64>>")]
    pub values: Vec<Option<f64>>,
}

pub fn timeline(plan: &Plan, stats: &Stats) -> Timeline {
    let end = stats.end();
    let part = end.div_ceil(PARTS).div_ceil(SECOND).max(1) * SECOND;
    // What is left over by less than half a part belongs to the last one.
    let parts = ((end + part / 2) / part).max(1);
    let edge = |at: u64| if at == parts { end } else { at * part };
    let ranges: Vec<Range> = (0..parts).map(|at| (edge(at), edge(at + 1))).collect();
    let together = plan.loads.len().div_ceil(MAPS).max(1);
    let load = |(index, load): (usize, &Load)| lines(plan, stats, (index, load), &ranges, together);
    let watched = |(series, gauge): &(Watched, Gauge)| WatchedLine {
        name: plan.name_of(series),
        values: values(gauge, series.worth, &ranges),
    };
    Timeline {
        part,
        parts: ranges.len() as u64,
        parts_of_latencies: together as u64,
        loads: plan.loads.iter().enumerate().map(load).collect(),
        watched: stats.watched.iter().map(watched).collect(),
    }
}

fn lines(plan: &Plan, stats: &Stats, (index, load): (usize, &Load), ranges: &[Range], together: usize) -> LoadLines {
    let series: Vec<usize> = (0..plan.series.len())
        .filter(|series| plan.series[*series].load == index && plan.series[*series].is_request())
        .collect();
    let flying: Vec<(Range, f64)> = stats.in_flight(index).collect();
    let is_searched = plan.searches.iter().any(|search| search.load == index);
    let planned = |range: &Range| rounded(level(load, plan, *range));
    let mut lines = LoadLines {
        load: load.name.clone(),
        open: load.is_open(),
        planned: (!is_searched).then(|| ranges.iter().map(planned).collect()),
        ..LoadLines::default()
    };
    let mut adder = Adder::default();
    let mut latest: (Vec<*const SeriesCounts>, Ranks) = Default::default();
    for range in ranges {
        let length = (range.1 - range.0).max(1) as f64 / SECOND as f64;
        let (mut started, mut dropped) = (0.0, 0.0);
        for (counts, share) in stats.load_shares(index, *range) {
            started += counts.started as f64 * share;
            dropped += (counts.dropped + counts.unsent) as f64 * share;
        }
        let cells: Vec<(&SeriesCounts, f64)> =
            series.iter().flat_map(|series| stats.shares_of(*series, *range)).collect();
        // Parts within one long cell have the same times.
        let own: Vec<*const SeriesCounts> = cells.iter().map(|(counts, _)| std::ptr::from_ref(*counts)).collect();
        if latest.0 != own {
            latest = (own, Ranks::of(cells.iter().map(|(counts, _)| *counts), &mut adder));
        }
        let sum = |of: fn(&SeriesCounts) -> u64| {
            let all: f64 = cells.iter().map(|(counts, share)| of(counts) as f64 * share).sum();
            rounded(all / length)
        };
        lines.started.push(rounded(started / length));
        lines.dropped.push(rounded(dropped / length));
        lines.answered.push(sum(|counts| counts.ok));
        lines.failed.push(sum(SeriesCounts::target_failures));
        lines.unanswered.push(sum(|counts| counts.unanswered.total()));
        lines.in_flight.push(in_flight(&flying, *range).map(rounded));
        let ranks = &latest.1;
        lines.p50_ns.push(ranks.quantile(0.5));
        lines.p95_ns.push(ranks.quantile(0.95));
        lines.p99_ns.push(ranks.quantile(0.99));
    }
    for ranges in ranges.chunks(together) {
        let range = (ranges[0].0, ranges[ranges.len() - 1].1);
        let cells: Vec<(&SeriesCounts, f64)> =
            series.iter().flat_map(|series| stats.shares_of(*series, range)).collect();
        let share = cells.iter().map(|(_, share)| *share).fold(0.0, f64::max);
        lines.latencies.push(Ranks::of(cells.iter().map(|(counts, _)| *counts), &mut adder).rows(share));
    }
    lines
}

/// Planned arrivals per second, or users in the middle.
fn level(load: &Load, plan: &Plan, range: Range) -> f64 {
    match &load.shape {
        Shape::Open(_) => {
            let arrivals = load.arrivals_within(range, plan.share);
            arrivals as f64 * SECOND as f64 / (range.1 - range.0).max(1) as f64
        }
        Shape::Closed(segments) => {
            let at = range.0.midpoint(range.1);
            let own = segments.iter().find(|own| own.start <= at && at < own.start.saturating_add(own.length));
            let users = |&Segment { start, length, from, to }: &Segment| {
                from as f64 + (to as f64 - from as f64) * (at - start) as f64 / length.max(1) as f64
            };
            own.map_or(0.0, |own| users(own).round() / plan.share.count as f64)
        }
    }
}

/// The times of requests in one order: those without an answer rank above all others.
#[derive(Debug, Default)]
struct Ranks {
    answered: Counts,
    all: u64,
}

impl Ranks {
    fn of<'c>(cells: impl Iterator<Item = &'c SeriesCounts> + Clone, adder: &mut Adder) -> Ranks {
        let answered = adder.sum(cells.clone().map(|counts| &counts.latency));
        let unanswered: u64 = cells.map(|counts| counts.unanswered.total()).sum();
        Ranks { all: answered.total() + unanswered, answered }
    }

    /// As [`crate::measure::Times::quantile`] has it.
    fn quantile(&self, share: f64) -> Option<u64> {
        let place = ((share * self.all as f64 - 1e-6).ceil() as u64).max(1);
        let mut before = 0;
        let found = self.answered.iter().find(|(_, count)| {
            before += count;
            before >= place
        });
        found.map(|(index, _)| histogram::value_of(index + 1).saturating_sub(1))
    }

    fn rows(&self, share: f64) -> Vec<u64> {
        let mut rows: Vec<(u64, f64)> = Vec::new();
        for (index, count) in self.answered.iter() {
            let row = ((histogram::value_of(index).max(1) as f64).log2() * ROWS) as u64;
            match rows.last_mut() {
                Some((last, sum)) if *last == row => *sum += count as f64,
                _ => rows.push((row, count as f64)),
            }
        }
        rows.into_iter().flat_map(|(row, count)| [row, ((count * share).round() as u64).max(1)]).collect()
    }
}

/// The mean in each part.
fn values(gauge: &Gauge, worth: f64, ranges: &[Range]) -> Vec<Option<f64>> {
    let mut points = gauge.points.iter().peekable();
    let mut last: Option<(u64, f64)> = None;
    let mut value = |range: &Range| {
        let (mut sum, mut count) = (0.0, 0u64);
        while let Some((at, value)) = points.next_if(|(at, _)| *at < range.1) {
            sum += value * worth;
            count += 1;
            last = Some((*at, value * worth));
        }
        match last {
            _ if count > 0 => Some(rounded(sum / count as f64)),
            Some((at, value)) if range.0.saturating_sub(at) < LASTS => Some(rounded(value)),
            Some(_) | None => None,
        }
    };
    ranges.iter().map(&mut value).collect()
}

/// A column of numbers on one line, whatever stands around it: a report has many of them.
fn in_a_line<S: Serializer>(column: &impl Serialize, serializer: S) -> Result<S::Ok, S::Error> {
    let text = serde_json::value::to_raw_value(column).map_err(S::Error::custom)?;
    text.serialize(serializer)
}

/// To as many digits as a chart can show.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10f64.powi(4 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Times;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        let mut recorder = histogram::Sparse::new();
        (1..=1000u64).for_each(|n| recorder.record(n * n * 1013));
        let mut without = histogram::Sparse::new();
        (0..20).for_each(|_| without.record(5));
        let counts = SeriesCounts { latency: recorder.drain(), unanswered: without.drain(), ..SeriesCounts::default() };
        let mut times = Times::default();
        times.add(&counts, false);
        let ranks = Ranks::of([&counts].into_iter(), &mut Adder::default());
        for share in [0.001, 0.5, 0.95, 0.98, 0.99, 1.0] {
            let wanted = match times.quantile(share) {
                crate::measure::Ranked::Time(time) => Some(time),
                crate::measure::Ranked::NoAnswer(_) | crate::measure::Ranked::Nothing => None,
            };
            assert_eq!(ranks.quantile(share), wanted, "{share}");
        }
        assert_eq!(ranks.quantile(0.99), None, "20 of 1,020 got no answer");
        let rows = ranks.rows(1.0);
        assert_eq!(rows.iter().skip(1).step_by(2).sum::<u64>(), 1000);
    }

    #[test]
    fn a_gauge_keeps_its_value_until_the_next_look_and_no_longer() {
        let s = SECOND;
        let gauge = Gauge { points: vec![(s / 2, 1.0), (s * 21 / 10, 3.0), (s * 29 / 10, 5.0)], ..Gauge::default() };
        let ranges: Vec<Range> = (0..7).map(|at| (at * s, (at + 1) * s)).collect();
        let wanted = [Some(2.0), Some(2.0), Some(8.0), Some(10.0), Some(10.0), Some(10.0), None];
        assert_eq!(values(&gauge, 2.0, &ranges), wanted);
        assert_eq!([0.0, 1234.5678, 0.000012345678, -99999.9].map(rounded), [0.0, 1234.6, 0.000012346, -100000.0]);
    }
}
