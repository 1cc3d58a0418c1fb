//! What is judged: conditions over metrics, whose windows are instants.

use super::{Function, Moment, Range, ScopeKind, SteadyState, Subject, Type, Watched, program};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    pub text: String,
    pub line: usize,
    pub condition: Condition,
}

pub type Condition = program::Condition<Metric, Planned, Scopes>;

pub type Measured = program::Measured<Metric>;

/// What scopes leave together, where they are of no metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scopes {
    pub ranges: Vec<Range>,
    /// Scopes that only the run knows: the ranges narrow to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impacts: Vec<Impact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<OfFault>,
}

/// An instant as it is planned; where a fault or an event bounds it, its actual instant decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    pub at: u64,
    pub moment: Moment,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Of recorded series, in windows.
    Requests(Requests),
    /// Of how a steady state came back after windows.
    Recovery(Recovery),
    /// Of values over time.
    Series(Readings),
    /// Of something else, which is planned and not measured by this version.
    Other { function: Function, subject: Subject, ranges: Vec<Range> },
    /// Of the entries of a ledger, over the whole run.
    Ledger { function: Function, ledger: usize },
    /// What a search found.
    Capacity(Capacity),
    /// How throughput grows with the users of a sweep.
    Scaling(Scaling),
    /// How the same metric goes on over a window, in parts of it that are equally long: many, and few where these hold too little.
    Drift { fine: Vec<Metric>, coarse: Vec<Metric> },
}

/// A function of recorded series in windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    pub function: Function,
    pub service_time: bool,
    /// What one step of a recorded value is worth in the unit of the metric.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub worth: f64,
    pub samples: Vec<Samples>,
    /// What the samples are derived of, where they are those of other times or chosen ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen_of: Vec<Samples>,
    /// For `dropped`: the load and the windows in which its arrivals were intended.
    pub load: Option<(usize, Vec<Range>)>,
    /// How long the windows are together, for what is counted a second.
    pub length: u64,
    /// The end of the loads that it speaks of: behind it only answers come in.
    pub end: u64,
    /// Its scopes are its own, not those of the condition around it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scoped: bool,
    /// Scopes that only the run knows: the windows narrow to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impacts: Vec<Impact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<OfFault>,
}

/// A function of a series of values over time, in windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    pub function: Function,
    pub series: Watched,
    pub ranges: Vec<Range>,
    /// The end of the last load.
    pub end: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scoped: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impacts: Vec<Impact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<OfFault>,
}

/// The highest level at which the condition of a search held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    pub load: usize,
    pub stage: usize,
    pub least: f64,
    pub most: f64,
    /// Of its levels: a rate, or users.
    pub unit: Type,
}

/// What the Universal Scalability Law says of the levels of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    pub function: Function,
    /// Users, and where their level was measured.
    pub levels: Vec<(f64, Range)>,
    /// The throughput of the load, of which each level has its part.
    pub throughput: Requests,
}

/// A function of how a steady state was lost and came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    pub function: Function,
    /// What the system recovers from.
    pub windows: Vec<Range>,
    /// The faults whose windows are among these: they count as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<usize>,
    /// And the events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<usize>,
    pub steady: SteadyState,
    /// The end of the last load: until then it is looked at.
    pub end: u64,
}

/// A scope by the impact of windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    pub kind: ScopeKind,
    pub of: Recovery,
}

/// A scope by a fault or an event: as planned it is in the windows already, and these narrow to what was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfFault {
    pub kind: ScopeKind,
    /// Its place among the faults of the plan, or among its events.
    pub fault: usize,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_event: bool,
}

fn one() -> f64 {
    1.0
}

fn is_one(worth: &f64) -> bool {
    *worth == 1.0
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    pub series: usize,
    pub ranges: Vec<Range>,
}
