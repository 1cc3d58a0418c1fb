//! How a run went: what each load got for answers, and beneath it, on the same axis, what was done and when the steady state
//! was lost.

use super::Report;
use crate::base::units::SECOND;
use crate::measure::{Injected, Stats, histogram};
use crate::metric::{Back, Recovered};
use crate::plan::draw::{Row, RowKind, fault};
use crate::plan::{Plan, Range};

/// What a load got for answers around an instant, by the instants at which they were intended.
pub struct Point {
    /// Answers a second that were as they should be.
    pub answered: f64,
    /// The share of all that failed by the target's doing.
    pub failed: f64,
    /// Nothing where nothing was answered.
    pub p95_ns: Option<u64>,
}

/// One for each range. What is old has been added up, so a range within a long cell gets its share of it.
pub fn points(plan: &Plan, stats: &Stats, load: usize, ranges: impl Iterator<Item = Range>) -> Vec<Point> {
    let series: Vec<usize> = (0..plan.series.len())
        .filter(|series| plan.series[*series].load == load && plan.series[*series].is_request())
        .collect();
    let point = |range: Range| {
        let (mut answered, mut failed, mut latency) = (0.0, 0.0, histogram::empty());
        for (counts, share) in series.iter().flat_map(|series| stats.shares_of(*series, range)) {
            answered += counts.ok as f64 * share;
            failed += counts.target_failures() as f64 * share;
            counts.latency.add_to(&mut latency);
        }
        let seconds = (range.1 - range.0).max(1) as f64 / SECOND as f64;
        Point {
            answered: answered / seconds,
            failed: if failed > 0.0 { failed / (answered + failed) } else { 0.0 },
            p95_ns: (!latency.is_empty()).then(|| latency.value_at_quantile(0.95)),
        }
    };
    ranges.map(point).collect()
}

/// Faults and events as they were, and where the steady state was lost.
pub fn rows(report: &Report<'_>) -> Vec<Row> {
    let (plan, stats) = (report.plan, report.stats);
    let end = stats.end();
    let mut rows = Vec::new();
    for (index, fault) in plan.faults.iter().enumerate() {
        let times = stats.injected.iter().filter(|injected| injected.fault == index && injected.problem.is_none());
        let was = |of: &Injected| (of.applied.1, of.withdrawn.map_or(end, |range| range.0));
        rows.push(Row {
            kind: RowKind::Fault,
            name: fault.name.clone(),
            what: self::fault(plan, fault),
            ranges: times.map(was).collect(),
        });
    }
    for (index, event) in plan.events.iter().enumerate() {
        let begun = stats.happened.iter().filter(|happened| happened.event == index);
        rows.push(Row {
            kind: RowKind::Event,
            name: event.name.clone(),
            what: String::new(),
            ranges: begun.map(|happened| (happened.began, happened.ended.unwrap_or(end))).collect(),
        });
    }
    if let Some(steady) = plan.steady_states.first() {
        let lost = |found: &Recovered| Some((found.lost?.0, if let Back::At(at) = found.back { at } else { end }));
        rows.push(Row {
            kind: RowKind::Lost,
            name: steady.name.clone().unwrap_or_else(|| "steady state".to_owned()),
            what: "lost".to_owned(),
            ranges: report.recovered.iter().flatten().filter_map(lost).collect(),
        });
    }
    rows.retain(|row| !row.ranges.is_empty());
    rows
}
