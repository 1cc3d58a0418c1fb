//! How a run went: what each load got for answers, and beneath it, on the same axis, what was done and when the steady state
//! was lost.

use super::faults::{Injection, Occurrence, PlannedInjections};
use crate::base::units::SECOND;
use crate::measure::{Ranked, Stats, Times};
use crate::metric::{Back, Recovered};
use crate::plan::draw::{PageLayout, PictureRow, RowKind};
use crate::plan::{Plan, Range};
use schemars::JsonSchema;
use serde::Serialize;

/// The characters of a page that a course is drawn on, names included: what a load got is known in as many parts as that has columns.
const WIDTH: usize = 100;

/// As wide as what is written at the axis of requests in flight, which a record of a version before does not have.
const LABEL: &str = "1,000 in flight";

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Course {
    pub loads: Vec<LoadCourse>,
    /// Faults and events as they happened, and when the steady state was lost.
    pub rows: Vec<PictureRow>,
}

/// A load over the run, in parts that are equally long.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct LoadCourse {
    pub load: String,
    pub points: Vec<Point>,
}

/// The answers of a load in one part, by the instants at which their requests were intended.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Point {
    /// Successful answers per second.
    pub answered: f64,
    /// The share of requests that failed because of the target.
    pub failed: f64,
    /// None if there was no request, or if it lies at a request without an answer.
    pub p95_ns: Option<u64>,
    /// Whether it lies at a request without an answer.
    pub no_answer: bool,
    /// The mean number of requests in flight; none if that was not counted.
    pub in_flight: Option<f64>,
}

impl Course {
    /// The page on which it is drawn, column by column.
    pub fn page(&self, end: u64) -> PageLayout {
        let is_counted = self.loads.iter().flat_map(|load| &load.points).any(|point| point.in_flight.is_some());
        page(&self.rows, is_counted, end)
    }
}

fn page(rows: &[PictureRow], is_counted: bool, end: u64) -> PageLayout {
    let label = is_counted.then_some(LABEL);
    PageLayout::new(rows.iter().map(|row| row.name.as_str()).chain(label), end, WIDTH)
}

pub fn course(
    plan: &Plan,
    stats: &Stats,
    planned: &PlannedInjections,
    injections: &[Injection],
    occurrences: &[Occurrence],
) -> Course {
    let end = stats.end();
    let mut rows = done(planned, injections, occurrences, end);
    rows.extend(lost(plan, injections, end));
    rows.retain(|row| !row.ranges.is_empty());
    let is_counted = (0..plan.loads.len()).any(|load| stats.in_flight(load).next().is_some());
    let page = page(&rows, is_counted, end);
    let ranges = || (0..page.columns).map(|column| (page.start(column), page.start(column + 1)));
    let load = |(index, load): (usize, &crate::plan::Load)| LoadCourse {
        load: load.name.clone(),
        points: points(plan, stats, index, ranges()),
    };
    Course { loads: plan.loads.iter().enumerate().map(load).collect(), rows }
}

/// One for each range. What is old has been added up, so a range within a long cell gets its share of it.
fn points(plan: &Plan, stats: &Stats, load: usize, ranges: impl Iterator<Item = Range>) -> Vec<Point> {
    let series: Vec<usize> = (0..plan.series.len())
        .filter(|series| plan.series[*series].load == load && plan.series[*series].is_request())
        .collect();
    let flying: Vec<(Range, f64)> = stats.in_flight(load).collect();
    let point = |range: Range| {
        let (mut answered, mut failed, mut latency) = (0.0, 0.0, Times::default());
        for (counts, share) in series.iter().flat_map(|series| stats.shares_of(*series, range)) {
            answered += counts.ok as f64 * share;
            failed += counts.target_failures() as f64 * share;
            latency.add(counts, false);
        }
        let p95 = latency.quantile(0.95);
        let seconds = (range.1 - range.0).max(1) as f64 / SECOND as f64;
        Point {
            answered: answered / seconds,
            failed: if failed > 0.0 { failed / (answered + failed) } else { 0.0 },
            p95_ns: if let Ranked::Time(p95) = p95 { Some(p95) } else { None },
            no_answer: matches!(p95, Ranked::NoAnswer(_)),
            in_flight: in_flight(&flying, range),
        }
    };
    ranges.map(point).collect()
}

/// The mean number of requests in flight in a range, where it was counted.
pub(super) fn in_flight(flying: &[(Range, f64)], range: Range) -> Option<f64> {
    let overlap = |(from, to): Range| to.min(range.1).saturating_sub(from.max(range.0)) as f64;
    let first = flying.partition_point(|((_, to), _)| *to <= range.0);
    let within = || flying[first..].iter().take_while(|((from, _), _)| *from < range.1);
    let whole: f64 = within().map(|(slice, _)| overlap(*slice)).sum();
    let sum: f64 = within().map(|(slice, value)| overlap(*slice) * value).sum();
    (whole > 0.0).then(|| sum / whole)
}

/// Faults and events as they happened.
fn done(
    planned: &PlannedInjections,
    injections: &[Injection],
    occurrences: &[Occurrence],
    end: u64,
) -> Vec<PictureRow> {
    let of_fault = |index: usize| {
        let times = injections.iter().filter(move |one| one.fault == index && one.problem.is_none());
        times.map(|one| (one.applied.1, one.withdrawn.map_or(end, |range| range.0))).collect()
    };
    let of_event = |index: usize| {
        let begun = occurrences.iter().filter(move |one| one.event == index);
        begun.map(|one| (one.began, one.ended.unwrap_or(end))).collect()
    };
    let faults = planned.faults.iter().enumerate().map(|(index, fault)| PictureRow {
        kind: RowKind::Fault,
        name: fault.name.clone(),
        what: fault.what.clone(),
        ranges: of_fault(index),
    });
    let events = planned.events.iter().enumerate().map(|(index, event)| PictureRow {
        kind: RowKind::Event,
        name: event.name.clone(),
        what: String::new(),
        ranges: of_event(index),
    });
    faults.chain(events).collect()
}

/// When the first steady state of the plan was lost.
fn lost(plan: &Plan, injections: &[Injection], end: u64) -> Option<PictureRow> {
    let steady = plan.steady_states.first()?;
    let range = |found: &Recovered| Some((found.lost?.0, if let Back::At(at) = found.back { at } else { end }));
    Some(PictureRow {
        kind: RowKind::Lost,
        name: steady.name.clone().unwrap_or_else(|| "steady state".to_owned()),
        what: "lost".to_owned(),
        ranges: injections.iter().filter_map(|one| range(one.recovered.as_ref()?)).collect(),
    })
}
