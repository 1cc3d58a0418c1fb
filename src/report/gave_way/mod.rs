//! What gave way first: the resource or limit that had reached its bound when latency or errors broke.

mod bounds;
mod broke;

use super::seconds::seconds;
use crate::base::units::{SECOND, whole_seconds};
use crate::measure::{Failed, Injected, Stats};
use crate::metric::turned;
use crate::plan::{Binary, Measured, Metric, Plan};
use schemars::JsonSchema;
use serde::Serialize;

/// What broke, and what had reached its limit by then.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct GaveWay {
    /// In one sentence.
    pub text: String,
    pub broke: Broke,
    /// In the order in which they reached it; empty if nothing that was watched had.
    pub reached: Vec<Reached>,
    /// The names of the faults that were in force then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// A metric that is held to a constant, as if it stood on the left.
fn bound<'c>(operator: Binary, left: &'c Measured, right: &'c Measured) -> Option<(Binary, &'c Metric, f64)> {
    match (left, right) {
        (Measured::Metric { metric, .. }, Measured::Constant { value, .. }) => Some((operator, metric, *value)),
        (Measured::Constant { value, .. }, Measured::Metric { metric, .. }) => Some((turned(operator), metric, *value)),
        _ => None,
    }
}

/// When the answers of a load became unacceptable, and stayed so for seconds.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Broke {
    pub what: Broken,
    pub load: String,
    #[serde(rename = "at_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub at: u64,
    /// Whether they were so from the start: they were not acceptable before either.
    pub from_start: bool,
    /// The criterion: a bound of an expectation, or the usual values.
    pub by: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Broken {
    Latency,
    Errors,
}

/// A resource that had reached its limit.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Reached {
    pub kind: Kind,
    /// From when on.
    #[serde(rename = "at_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub at: u64,
    pub text: String,
}

/// In the order in which they are told where two reached their bounds in the same second: what keeps the others from being reached first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Generator,
    Descriptors,
    Memory,
    Pool,
    Slots,
    Connections,
    Processor,
    Limit,
    InFlight,
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Kind::Generator => "the generator itself",
            Kind::Descriptors => "descriptors",
            Kind::Memory => "memory",
            Kind::Pool => "a pool",
            Kind::Slots => "slots",
            Kind::Connections => "connections",
            Kind::Processor => "the processor",
            Kind::Limit => "a limit",
            Kind::InFlight => "the room for requests in flight",
        }
    }
}

impl Broke {
    fn text(&self) -> String {
        let what = match self.what {
            Broken::Latency => "the latency",
            Broken::Errors => "the error rate",
        };
        let when = whole_seconds(self.at);
        match self.from_start {
            true => format!("{what} of `{}` was too high from the start, {when} ({})", self.load, self.by),
            false => format!("{what} of `{}` broke at {when} ({})", self.load, self.by),
        }
    }
}

/// `None` where nothing broke, and of a record of a version before, which does not say how many cores there were.
pub fn gave_way(plan: &Plan, stats: &Stats) -> Option<GaveWay> {
    let cores = stats.cores?;
    let broke = broke::broke(plan, stats)?;
    let mut reached = bounds::reached(plan, stats, cores, broke.at);
    reached.sort_by_key(|one| (one.at / SECOND, one.kind));
    let faults = in_force(stats, broke.at);
    let during = match faults.as_slice() {
        [] => String::new(),
        [fault] => format!(" while the fault `{fault}` was in force"),
        faults => format!(" while the faults `{}` were in force", faults.join("` and `")),
    };
    let during = match (mostly(plan, stats, &broke), during.as_str()) {
        (Some(most), "") => format!(", {most}"),
        (Some(most), during) => format!(", {most},{during}"),
        (None, during) => during.to_owned(),
    };
    let text = match reached.first() {
        Some(first) => format!("{} gave way first: {}; {}{during}", first.kind.noun(), first.text, broke.text()),
        None => format!("{}{during}; of the watched resources, none was at its limit by then", broke.text()),
    };
    Some(GaveWay { text, broke, reached, faults })
}

/// What failed most from then on, of a load whose errors broke.
fn mostly(plan: &Plan, stats: &Stats, broke: &Broke) -> Option<String> {
    if broke.what != Broken::Errors {
        return None;
    }
    let own = |failed: &Failed| {
        let series = plan.series.get(failed.series as usize)?;
        // What the generator could not send is no failure of the target.
        let is_late = failed.tally.last >= broke.at && !failed.cause.failure.is_generator();
        (is_late && plan.loads.get(series.load)?.name == broke.load).then_some(series)
    };
    let all: Vec<_> = stats.causes.all().filter_map(|failed| own(&failed).map(|series| (failed, series))).collect();
    let (most, series) = all.iter().max_by_key(|(failed, _)| failed.tally.count)?;
    let why = match most.cause.status {
        0 => most.cause.failure.as_str().to_owned(),
        status => format!("status {status}"),
    };
    let step = series.name.strip_prefix(&broke.load).map_or(series.name.as_str(), |step| step.trim_start_matches('.'));
    Some(format!("mostly `{step}` with {why}"))
}

/// The faults that had an effect in the second that begins then, in the order in which they began.
fn in_force(stats: &Stats, at: u64) -> Vec<String> {
    let is_there = |injected: &&Injected| {
        let until = injected.withdrawn.map_or(u64::MAX, |(_, end)| end);
        injected.is_effective() && injected.applied.0 < at.saturating_add(SECOND) && until > at
    };
    let mut names: Vec<String> = Vec::new();
    for name in stats.injected.iter().filter(is_there).filter_map(|injected| stats.faults.get(injected.fault)) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}
