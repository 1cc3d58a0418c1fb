//! When in a run a condition was judged: the windows of its metrics, as faults and events turned out.

use super::{actual, crashes, recovery, series};
use crate::measure::Stats;
use crate::plan::{AlertDoes, AlertScopes, Condition, Metric, Range, Scopes, scope};

/// More pieces than these are not told apart.
const MOST: usize = 100;

/// In order and without overlaps. Empty if the whole run counts, as it does for ledgers.
pub fn judged_in(condition: &Condition, stats: &Stats) -> Vec<Range> {
    let mut found = Vec::new();
    windows(condition, stats, &mut found);
    let end = stats.end();
    let mut found: Vec<Range> = found.into_iter().map(|(from, to)| (from, to.min(end))).collect();
    found.retain(|(from, to)| from < to);
    found.sort_unstable();
    let mut merged = scope::union(Vec::new(), &found);
    merged.truncate(MOST);
    merged
}

fn windows(condition: &Condition, stats: &Stats, found: &mut Vec<Range>) {
    match condition {
        Condition::Compare { .. } | Condition::Within { .. } | Condition::Holds(_) => {
            condition.metrics(&mut |metric| found.extend(of_metric(metric, stats)));
        }
        Condition::And(left, right) | Condition::Or(left, right) => {
            windows(left, stats, found);
            windows(right, stats, found);
        }
        Condition::Not(inner) | Condition::InEvery { condition: inner, .. } => windows(inner, stats, found),
        Condition::Becomes { within, of, .. } => found.extend(since(actual::instant(of, stats), *within)),
        Condition::Alert(check) => match &check.does {
            AlertDoes::Fires { within, of } | AlertDoes::Resolves { within, of } => {
                found.extend(since(actual::instant(of, stats), *within));
            }
            AlertDoes::StaysQuiet { scopes } | AlertDoes::MayFire { scopes } | AlertDoes::KeepsFiring { scopes } => {
                found.extend(of_alert(scopes, stats));
            }
        },
    }
}

fn since(at: Result<u64, String>, within: u64) -> Option<Range> {
    at.ok().map(|at| (at, at.saturating_add(within)))
}

fn of_alert(scopes: &AlertScopes, stats: &Stats) -> Vec<Range> {
    actual::scopes(&scopes.faults, stats)
        .unwrap_or_default()
        .iter()
        .fold(scopes.ranges.clone(), |narrow, ranges| scope::intersect(&narrow, ranges))
}

fn narrowed(ranges: &[Range], scopes: &Scopes, stats: &Stats) -> Vec<Range> {
    let scopes = recovery::scopes(scopes, stats).unwrap_or_default();
    scopes.iter().fold(ranges.to_vec(), |narrow, ranges| scope::intersect(&narrow, ranges))
}

/// Where it is not known what a window narrowed to, it is as planned.
fn of_metric(metric: &Metric, stats: &Stats) -> Vec<Range> {
    match metric {
        Metric::Requests(requests) => {
            let narrowed = recovery::narrowed(requests, stats);
            let requests = narrowed.as_ref().unwrap_or(requests);
            requests.samples.iter().flat_map(|samples| samples.ranges.iter().copied()).collect()
        }
        Metric::Series(readings) => series::windows(readings, stats).unwrap_or_else(|_| readings.ranges.clone()),
        Metric::Crashes(crashes) => crashes::windows(crashes, stats).unwrap_or_else(|_| crashes.ranges.clone()),
        Metric::Recovery(recovery) => actual::windows(recovery, stats).unwrap_or_else(|_| recovery.windows.clone()),
        Metric::Detection(detection) => {
            actual::as_they_were(&detection.windows, (&detection.faults, &detection.events), stats)
                .unwrap_or_else(|_| detection.windows.clone())
        }
        Metric::Capacity(capacity) => {
            let own = stats.tried.iter().filter(|tried| (tried.load, tried.stage) == (capacity.load, capacity.stage));
            own.map(|tried| tried.judged).collect()
        }
        Metric::Scaling(scaling) => scaling.levels.iter().map(|(_, range)| *range).collect(),
        Metric::Drift { fine, .. } => fine.iter().flat_map(|part| of_metric(part, stats)).collect(),
        Metric::Other { ranges, .. } => ranges.clone(),
        Metric::Counter(counter) => narrowed(&counter.ranges, &counter.scopes, stats),
        Metric::Buckets(own) => own.ranges.clone(),
        Metric::Ledger { .. } | Metric::Alerts { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Event;
    use crate::plan::{Crashes, Measured, MetricKey, Type};

    #[test]
    fn windows_are_joined_and_end_with_the_run() {
        let mut stats = Stats::bare(vec![0, 100], 0);
        stats.take(Event::LoadEnded { at: 100 });
        let crashes = |ranges: &[Range]| {
            let (service, scopes) = ("shop".to_owned(), Scopes::default());
            let metric = Metric::Crashes(Crashes { service, excused_by: Vec::new(), ranges: ranges.to_vec(), scopes });
            Condition::Holds(Measured::Metric { metric, unit: Type::Number, key: MetricKey::default() })
        };
        let both = |left: &[Range], right: &[Range]| {
            Condition::And(Box::new(crashes(left)), Box::new(Condition::Not(Box::new(crashes(right)))))
        };
        assert_eq!(judged_in(&both(&[(50, u64::MAX)], &[(10, 20), (20, 30)]), &stats), [(10, 30), (50, 100)]);
        assert_eq!(judged_in(&both(&[(0, 60)], &[(40, 200)]), &stats), [(0, 100)]);
        assert_eq!(judged_in(&both(&[], &[(100, 200)]), &stats), [(0, 0); 0]);
    }
}
