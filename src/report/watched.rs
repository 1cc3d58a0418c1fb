//! What was watched next to the requests.

use crate::measure::{Gap, Gauge, Stats};
use crate::metric::{Summary, summary};
use crate::plan::{Plan, Type, Watched};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// A series of values over time, as a person or a program reads it.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct WatchedSeries {
    #[serde(skip)]
    pub name: String,
    pub unit: Type,
    /// Whether a condition uses it.
    pub asked: bool,
    /// Whether its source never had it, so that only the `missing:` value of the scenario was used.
    pub never_there: bool,
    /// In base units: bytes, nanoseconds, shares of one; none if nothing was read.
    #[serde(flatten)]
    pub summary: Option<Summary>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}

/// What was asked for, and what every service used.
pub fn watched(plan: &Plan, stats: &Stats) -> Vec<WatchedSeries> {
    let of = |(series, gauge): &(Watched, Gauge)| WatchedSeries {
        name: plan.name_of(series),
        unit: series.unit,
        asked: plan.asks_for(series),
        never_there: gauge.absent > 0 && gauge.absent == gauge.points.len() as u64,
        summary: summary(series, gauge),
        gaps: gauge.gaps.clone(),
    };
    stats.watched.iter().map(of).collect()
}

pub fn by_name<S: Serializer>(watched: &[WatchedSeries], serializer: S) -> Result<S::Ok, S::Error> {
    let named = watched.iter().map(|watch| (watch.name.clone(), serde_json::json!(watch)));
    named.collect::<serde_json::Map<_, _>>().serialize(serializer)
}
