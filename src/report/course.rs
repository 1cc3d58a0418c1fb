//! How a run went: what each load got for answers, and beneath it, on the same axis, what was done and when the steady state
//! was lost.

use super::faults::{Injection, Occurrence, PlannedInjections};
use super::{LoadLines, Report};
use crate::base::units::SECOND;
use crate::measure::{Ranked, Stats, Times};
use crate::metric::{Back, Recovered};
use crate::plan::draw::{PageLayout, PictureRow, RowKind};
use crate::plan::{Plan, Range};
use schemars::JsonSchema;
use serde::Serialize;

/// The characters of a page in a file, names included: what a load got is known in as many parts as that has columns.
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
    pub fn page(&self, end: u64, width: usize) -> PageLayout {
        let is_counted = self.loads.iter().flat_map(|load| &load.points).any(|point| point.in_flight.is_some());
        page(&self.rows, is_counted, end, width)
    }
}

impl Report {
    /// What a load got in each column of a page, from parts of the run that are as short as possible.
    pub fn course_of(&self, load: usize, page: &PageLayout) -> Vec<Point> {
        let points = self.course.loads.get(load).map_or(&[][..], |own| &own.points);
        if points.len() == page.columns {
            return points.to_vec();
        }
        let ends = |parts: usize| move |part: usize| (part as u64 * self.duration) / parts.max(1) as u64;
        let (at_point, known) = (ends(points.len()), self.timeline.loads.get(load));
        let parts: Vec<Part> = match known.filter(|own| own.answered.len() >= page.columns) {
            Some(own) => {
                let edge = |part: usize| (part as u64 * self.timeline.part).min(self.duration);
                let all = own.answered.len();
                let end = |part: usize| if part + 1 == all { self.duration } else { edge(part + 1) };
                (0..all).map(|part| Part::of_lines(own, part, (edge(part), end(part)))).collect()
            }
            None => {
                points.iter().enumerate().map(|(at, own)| Part::of(own, (at_point(at), at_point(at + 1)))).collect()
            }
        };
        (0..page.columns).map(|column| together(&parts, (page.start(column), page.start(column + 1)))).collect()
    }
}

/// A part of a run, with failures as a rate so that parts can be added up.
struct Part {
    range: Range,
    answered: f64,
    failed: f64,
    p95_ns: Option<u64>,
    no_answer: bool,
    in_flight: Option<f64>,
}

impl Part {
    fn of(point: &Point, range: Range) -> Part {
        let Point { answered, failed, p95_ns, no_answer, in_flight } = *point;
        // Where everything failed, the point does not say how much that was.
        let failed = if failed < 1.0 { answered * failed / (1.0 - failed) } else { 1.0 };
        Part { range, answered, failed, p95_ns, no_answer, in_flight }
    }

    fn of_lines(lines: &LoadLines, part: usize, range: Range) -> Part {
        let rate = |of: &[f64]| of.get(part).copied().unwrap_or(0.0);
        let p95_ns = lines.p95_ns.get(part).copied().flatten();
        Part {
            range,
            answered: rate(&lines.answered),
            failed: rate(&lines.failed),
            p95_ns,
            no_answer: p95_ns.is_none() && rate(&lines.unanswered) > 0.0,
            in_flight: lines.in_flight.get(part).copied().flatten(),
        }
    }
}

/// The parts of a column. The highest latency is told, so that none is lost in a narrow chart.
fn together(parts: &[Part], range: Range) -> Point {
    let first = parts.partition_point(|own| own.range.1 <= range.0);
    let within = || {
        parts[first.min(parts.len().saturating_sub(1))..]
            .iter()
            .take_while(|own| own.range.0 < range.1.max(range.0 + 1))
    };
    let share = |own: &Part| own.range.1.min(range.1).saturating_sub(own.range.0.max(range.0)).max(1) as f64;
    let whole: f64 = within().map(share).sum();
    let mean = |of: fn(&Part) -> f64| within().map(|own| of(own) * share(own)).sum::<f64>() / whole.max(1.0);
    let (answered, failed) = (mean(|own| own.answered), mean(|own| own.failed));
    let flying: f64 = within().filter(|own| own.in_flight.is_some()).map(share).sum();
    // It has most of the column, or the column most of it.
    let most = |own: &&Part| share(own) * 2.0 >= (range.1 - range.0).min(own.range.1 - own.range.0) as f64;
    Point {
        answered,
        failed: if failed > 0.0 { failed / (answered + failed) } else { 0.0 },
        p95_ns: within().filter(most).filter_map(|own| own.p95_ns).max(),
        no_answer: within().filter(most).any(|own| own.no_answer),
        in_flight: (flying > 0.0).then(|| mean(|own| own.in_flight.unwrap_or(0.0)) * whole / flying),
    }
}

fn page(rows: &[PictureRow], is_counted: bool, end: u64, width: usize) -> PageLayout {
    let label = is_counted.then_some(LABEL);
    PageLayout::of_width(rows.iter().map(|row| row.name.as_str()).chain(label), end, width)
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
    let page = page(&rows, is_counted, end, WIDTH);
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
