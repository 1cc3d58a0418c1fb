//! How a run went: what each load got for answers, and beneath it, on the same axis, what was done and when the steady state
//! was lost.

use crate::base::units::SECOND;
use crate::measure::{Stats, histogram};
use crate::metric::{Back, recovered};
use crate::plan::draw::{Row, RowKind, breakage};
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

/// More than so many faults are not followed one by one.
const FOLLOWED: usize = 40;

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

/// Faults and events as they were, and where steady states were lost.
pub fn rows(plan: &Plan, stats: &Stats) -> Vec<Row> {
    let end = stats.end();
    let mut rows = Vec::new();
    for (index, fault) in plan.faults.iter().enumerate() {
        let times = stats.injected.iter().filter(|injected| injected.fault == index && injected.problem.is_none());
        let was = |of: &crate::measure::Injected| (of.applied.1, of.withdrawn.map_or(end, |range| range.0));
        rows.push(Row {
            kind: RowKind::Fault,
            name: fault.name.clone(),
            what: breakage(plan, &fault.breakage),
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
    if stats.injected.len() <= FOLLOWED {
        rows.extend(plan.steady_states.iter().filter_map(|steady| {
            let lost = |injected: &crate::measure::Injected| {
                let over = injected.withdrawn.filter(|_| injected.is_effective())?.1;
                let found = recovered(steady, (injected.applied.0, over), plan.length, stats).ok()?;
                let (from, _) = found.lost?;
                Some((from, if let Back::At(at) = found.back { at } else { end }))
            };
            let ranges: Vec<Range> = stats.injected.iter().filter_map(lost).collect();
            let name = steady.name.clone().unwrap_or_else(|| "steady state".to_owned());
            (!ranges.is_empty()).then(|| Row { kind: RowKind::Lost, name, what: "lost".to_owned(), ranges })
        }));
    }
    rows.retain(|row| !row.ranges.is_empty());
    rows
}
