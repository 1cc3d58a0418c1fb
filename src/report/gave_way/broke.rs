//! When latency or errors broke: from which second on the answers of a load were beyond what is expected of them, or beyond what was usual.

use super::{Broke, Broken, bound};
use crate::base::units::{MILLISECOND, SECOND, measured_duration, percent};
use crate::measure::{Ranked, Stats, Times};
use crate::plan::{Binary, Condition, Metric, Plan, Range, RequestFunction, Requests};

/// So many parts in a row are beyond it, or all that are left of a load, at least two.
const LASTS: usize = 3;
/// A run is looked at in so many parts at most.
const PARTS: u64 = 600;
/// Where nothing is expected, this share of failures is what nobody wants.
const FAILED: f64 = 0.05;
/// And a p95 so many times what was usual at the beginning, by so much at least.
const TIMES: f64 = 3.0;
const MORE: u64 = 20 * MILLISECOND;
/// The part of a run that says what was usual, and of how many readings at least.
const BEGINNING: usize = 4;
const FEWEST: usize = 3;

/// What is looked at in each part of a load.
struct Look {
    load: usize,
    what: Broken,
    by: String,
    series: Vec<usize>,
    ranges: Vec<Range>,
    beyond: Beyond,
}

enum Beyond {
    /// A quantile of latencies or of times since the sending, above so many nanoseconds.
    Time {
        share: f64,
        service_time: bool,
        most: f64,
    },
    Failed(f64),
    /// A p95 above what was usual.
    Usual,
}

/// The first of all.
pub fn broke(plan: &Plan, stats: &Stats) -> Option<Broke> {
    let mut looks = expected(plan);
    for (load, own) in plan.loads.iter().enumerate() {
        let is_told = |what: Broken| looks.iter().any(|look| look.load == load && look.what == what);
        let (latency, errors) = (is_told(Broken::Latency), is_told(Broken::Errors));
        let series: Vec<usize> = (0..plan.series.len())
            .filter(|at| plan.series[*at].load == load && plan.series[*at].is_request())
            .collect();
        let ranges = vec![(own.start, own.shape.end())];
        let look = |what, by, beyond| Look { load, what, by, series: series.clone(), ranges: ranges.clone(), beyond };
        if !latency {
            looks.push(look(Broken::Latency, String::new(), Beyond::Usual));
        }
        if !errors {
            let by = format!("{} or more failed", percent(FAILED));
            looks.push(look(Broken::Errors, by, Beyond::Failed(FAILED)));
        }
    }
    let found = looks.into_iter().filter_map(|look| look.broke(plan, stats));
    // Of the same second an error says more than that it was late.
    found.min_by_key(|broke| (broke.at, broke.what == Broken::Latency))
}

/// Bounds that conditions set to times and failures of requests.
fn expected(plan: &Plan) -> Vec<Look> {
    let mut looks = Vec::new();
    for expectation in &plan.expectations {
        bounds(&expectation.condition, &mut |requests, bound| {
            let own = requests.samples.first().and_then(|samples| plan.series.get(samples.series));
            let Some(load) = own.map(|series| series.load) else { return };
            let (what, beyond) = match requests.function {
                RequestFunction::Quantile(share) if requests.worth == 1.0 => {
                    (Broken::Latency, Beyond::Time { share, service_time: requests.service_time, most: bound })
                }
                RequestFunction::ErrorRate => (Broken::Errors, Beyond::Failed(bound)),
                RequestFunction::Quantile(_) | RequestFunction::Count | RequestFunction::Throughput => return,
                RequestFunction::Dropped | RequestFunction::Apdex(_) | RequestFunction::Bandwidth => return,
                RequestFunction::BurnRate(_) | RequestFunction::Availability | RequestFunction::Statistic(_) => return,
            };
            looks.push(Look {
                load,
                what,
                by: format!("`{}` was expected", expectation.text),
                series: requests.samples.iter().map(|samples| samples.series).collect(),
                ranges: requests.samples.first().map_or_else(Vec::new, |samples| samples.ranges.clone()),
                beyond,
            });
        });
    }
    looks
}

/// Metrics of requests that are to stay below a constant.
fn bounds(condition: &Condition, each: &mut impl FnMut(&Requests, f64)) {
    match condition {
        Condition::Compare { operator, left, right } => {
            if let Some((Binary::Less | Binary::LessEqual, Metric::Requests(requests), value)) =
                bound(*operator, left, right)
            {
                each(requests, value);
            }
        }
        Condition::And(left, right) => {
            bounds(left, each);
            bounds(right, each);
        }
        Condition::InEvery { condition, .. } => bounds(condition, each),
        Condition::Or(..) | Condition::Not(_) | Condition::Within { .. } | Condition::Holds(_) => {}
        Condition::Becomes { .. } | Condition::Alert(_) => {}
    }
}

impl Look {
    fn broke(mut self, plan: &Plan, stats: &Stats) -> Option<Broke> {
        let end = stats.end();
        let step = end.div_ceil(PARTS).div_ceil(SECOND).max(1) * SECOND;
        let within = |at: u64| self.ranges.iter().any(|(from, to)| *from <= at && at < *to);
        let parts: Vec<Part> = (0..end.div_ceil(step))
            .map(|part| part * step)
            .filter(|at| within(*at))
            .filter_map(|at| self.part((at, (at + step).min(end)), stats))
            .collect();
        let usual = match self.beyond {
            Beyond::Usual => {
                let mut begin: Vec<u64> =
                    parts.iter().take((parts.len() / BEGINNING).max(FEWEST)).filter_map(|part| part.time).collect();
                begin.sort_unstable();
                *begin.get(begin.len() / 2)?
            }
            Beyond::Time { .. } | Beyond::Failed(_) => 0,
        };
        let most = ((usual as f64 * TIMES) as u64).max(usual + MORE);
        if matches!(self.beyond, Beyond::Usual) {
            self.by =
                format!("p95 above {}, and it was {}", measured_duration(most as f64), measured_duration(usual as f64));
        }
        let is_beyond = |part: &Part| match self.beyond {
            // What got no answer took longer than anything.
            Beyond::Time { most, .. } => part.time.is_none_or(|time| time as f64 > most),
            Beyond::Usual => part.time.is_none_or(|time| time > most),
            Beyond::Failed(most) => part.failed > most,
        };
        let lasts = |from: usize| {
            let rest = &parts[from..];
            rest.len() >= 2 && rest.iter().take(LASTS).all(is_beyond)
        };
        let first = (0..parts.len()).find(|from| lasts(*from))?;
        let load = plan.loads.get(self.load).map_or_else(String::new, |load| load.name.clone());
        let at = parts[first].at;
        // What a window begins with may have been good before it.
        let before = at.checked_sub(step).and_then(|before| self.part((before, at), stats));
        let from_start = first == 0 && before.is_none_or(|before| is_beyond(&before));
        Some(Broke { what: self.what, load, at, from_start, by: self.by })
    }

    /// Nothing where there was no request.
    fn part(&self, range: Range, stats: &Stats) -> Option<Part> {
        let (mut all, mut failed, mut times) = (0.0, 0.0, Times::default());
        let (share, service_time) = match self.beyond {
            Beyond::Time { share, service_time, .. } => (share, service_time),
            Beyond::Usual | Beyond::Failed(_) => (0.95, false),
        };
        for (counts, part) in self.series.iter().flat_map(|series| stats.shares_of(*series, range)) {
            all += (counts.ok + counts.failures()) as f64 * part;
            failed += counts.target_failures() as f64 * part;
            times.add(counts, service_time);
        }
        let time = match times.quantile(share) {
            Ranked::Time(time) => Some(time),
            Ranked::Nothing | Ranked::NoAnswer(_) => None,
        };
        (all > 0.0).then(|| Part { at: range.0, time, failed: failed / all })
    }
}

struct Part {
    at: u64,
    /// None where it lies at a request without an answer.
    time: Option<u64>,
    failed: f64,
}
