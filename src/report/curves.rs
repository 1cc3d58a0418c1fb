//! The latency of each step from its fastest to its slowest request, for a plot of percentiles.

use crate::measure::{Ranked, Stats, Times};
use crate::plan::{Plan, Range, Series, StageKind};
use schemars::JsonSchema;
use serde::Serialize;

/// How many points lie between 90% and 99%, and as many between 99% and 99.9%.
const BETWEEN: i32 = 8;
/// From 0% to 99.999%.
const POINTS: i32 = 5 * BETWEEN;

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Curves {
    /// The shares of requests that took at most so long as a curve says.
    pub shares: Vec<f64>,
    pub steps: Vec<Curve>,
}

/// A step in the judged windows of its load.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Curve {
    pub series: String,
    pub samples: u64,
    /// Until the curve reaches a request without an answer, or more percentiles than there are samples.
    pub latency_ns: Vec<u64>,
    /// From the sending, and not from the intended instant.
    pub service_ns: Vec<u64>,
}

pub fn curves(plan: &Plan, stats: &Stats) -> Curves {
    let shares: Vec<f64> = (0..=POINTS).map(|n| 1.0 - 10f64.powf(f64::from(-n) / f64::from(BETWEEN))).collect();
    let of = |(index, series): (usize, &Series)| {
        let windows: Vec<Range> = plan.loads.get(series.load).map_or_else(Vec::new, |load| {
            let judged = load.stages.iter().filter(|stage| stage.kind != StageKind::Warmup);
            judged.map(|stage| (stage.start, stage.end)).collect()
        });
        let points = |service_time: bool| {
            let mut times = Times::default();
            stats.times(index, &windows, service_time, &mut times);
            let known = shares.iter().take_while(|share| (1.0 - **share) * times.len() as f64 >= 1.0);
            let points = known.map_while(|share| match times.quantile(*share) {
                Ranked::Time(time) => Some(time),
                Ranked::NoAnswer(_) | Ranked::Nothing => None,
            });
            (times.len(), points.collect::<Vec<u64>>())
        };
        let ((samples, latency_ns), (_, service_ns)) = (points(false), points(true));
        Curve { series: series.name.clone(), samples, latency_ns, service_ns }
    };
    let steps = plan.series.iter().enumerate().filter(|(_, series)| series.is_request()).map(of);
    let steps = steps.filter(|curve| curve.samples > 0).collect();
    Curves { shares, steps }
}
