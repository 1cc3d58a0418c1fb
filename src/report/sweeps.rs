//! Sweeps: what their levels did, and the law that says how they scale.

use crate::measure::Stats;
use crate::metric::{Scaled, scaled};
use crate::plan::{Metric, Plan};
use schemars::JsonSchema;
use serde::Serialize;

/// A load whose scaling something asks for.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Sweep {
    pub load: String,
    #[serde(flatten)]
    pub scaled: Scaled,
}

pub fn sweeps(plan: &Plan, stats: &Stats) -> Vec<Sweep> {
    let mut found: Vec<Sweep> = Vec::new();
    for expectation in &plan.expectations {
        expectation.condition.metrics(&mut |metric| {
            let Metric::Scaling(scaling) = metric else { return };
            let load = scaling.throughput.load.as_ref().and_then(|(load, _)| plan.loads.get(*load));
            let load = load.map_or_else(String::new, |load| load.name.clone());
            if found.iter().all(|sweep| sweep.load != load) {
                found.extend(scaled(scaling, stats).map(|scaled| Sweep { load, scaled }));
            }
        });
    }
    found
}
