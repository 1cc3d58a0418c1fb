//! What is judged: conditions over metrics, whose windows are instants.

use super::{
    BucketError, CounterIncrease, Function, LedgerFunction, Moment, Range, RecoveryFunction, RequestFunction,
    ScopeKind, SeriesFunction, SteadyState, Subject, SweepFunction, Type, Watched, program,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Expectation {
    pub text: String,
    pub line: usize,
    /// Nobody wrote it: it is expected of each service.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub implied: bool,
    /// Near its bound it is inconclusive.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    pub condition: Condition,
}

impl Expectation {
    /// It asks for nothing.
    pub fn only_allows(&self) -> bool {
        matches!(
            &self.condition,
            Condition::Alert(program::AlertCheck { does: program::AlertDoes::MayFire { .. }, .. })
        )
    }
}

pub type Condition = program::Condition<Metric, Planned, AlertScopes>;

pub type Measured = program::Measured<Metric>;

pub type PlannedAlert = program::AlertCheck<Planned, AlertScopes>;

/// What scopes leave together where they are of alerts.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct AlertScopes {
    pub ranges: Vec<Range>,
    /// Scopes that only the run knows: the ranges narrow to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impacts: Vec<Impact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<OfFault>,
}

/// An instant as it is planned; where a fault or an event bounds it, its actual instant decides.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Planned {
    pub at: u64,
    pub moment: Moment,
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Of recorded series, in windows.
    Requests(Requests),
    /// Of how a steady state came back after windows.
    Recovery(Recovery),
    /// Of values over time.
    Series(Readings),
    /// What a counter grew by, from its raw samples.
    Counter(CounterIncrease),
    /// How far buckets contradict the client.
    Buckets(BucketError),
    /// Of something else, which is planned and not measured by this version.
    Other { function: Function, subject: Subject, ranges: Vec<Range> },
    /// Of the entries of a ledger, over the whole run.
    Ledger { function: LedgerFunction, ledger: usize },
    /// Of what a source of alerts told, over the whole run: its score, or the times of its deliveries.
    Alerts { function: Function, source: usize },
    /// How long after windows began an alert of any source fired.
    Detection(Detection),
    /// How often a service ended by itself.
    Crashes(Crashes),
    /// What a search found.
    Capacity(Capacity),
    /// How throughput grows with the users of a sweep.
    Scaling(Scaling),
    /// How the same metric goes on over a window, in parts of it that are equally long: many, and few where these hold too little.
    Drift { fine: Vec<Metric>, coarse: Vec<Metric> },
}

impl Metric {
    pub fn function(&self) -> Function {
        match self {
            Metric::Requests(requests) => Function::Requests(requests.function),
            Metric::Recovery(recovery) => Function::Recovery(recovery.function),
            Metric::Series(readings) => Function::Series(readings.function),
            Metric::Counter(_) => Function::Series(SeriesFunction::Increase),
            Metric::Buckets(_) => Function::Series(SeriesFunction::HistogramError),
            Metric::Other { function, .. } | Metric::Alerts { function, .. } => *function,
            Metric::Detection(_) => Function::Recovery(RecoveryFunction::TimeToDetect),
            Metric::Ledger { function, .. } => Function::Ledger(*function),
            Metric::Capacity(_) => Function::Capacity,
            Metric::Scaling(scaling) => Function::Sweep(scaling.function),
            Metric::Drift { .. } => Function::Drift,
            Metric::Crashes(_) => Function::Crashes,
        }
    }
}

/// A function of recorded series in windows.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Requests {
    pub function: RequestFunction,
    pub service_time: bool,
    /// What one step of a recorded value is worth in the unit of the metric.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub worth: f64,
    pub samples: Vec<Samples>,
    /// What the samples are derived of, where they are those of other times or chosen ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen_of: Vec<Samples>,
    /// They are chosen by how they ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_chosen: bool,
    /// The loads that it is of: where they ran, it is known how much of it there was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loads: Vec<usize>,
    /// For `dropped`: the load and the windows in which its arrivals were intended.
    pub load: Option<(usize, Vec<Range>)>,
    /// How long the windows are together, for what is counted a second.
    pub length: u64,
    #[serde(flatten)]
    pub scopes: Scopes,
}

/// A function of a series of values over time, in windows.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Readings {
    pub function: SeriesFunction,
    pub series: Watched,
    pub ranges: Vec<Range>,
    #[serde(flatten)]
    pub scopes: Scopes,
}

/// To what the windows of a metric end and narrow, next to what is planned of them.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Scopes {
    /// The end of the loads that it speaks of: after it only answers come in.
    pub end: u64,
    /// They are its own, not those of the condition around it.
    #[serde(default, rename = "scoped", skip_serializing_if = "std::ops::Not::not")]
    pub are_own: bool,
    /// Those that only the run knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impacts: Vec<Impact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<OfFault>,
}

/// How often a service ended by itself, in windows.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Crashes {
    pub service: String,
    /// The faults of the plan that act on it, and the commands: while one is in force, an end is no crash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excused_by: Vec<usize>,
    pub ranges: Vec<Range>,
    #[serde(flatten)]
    pub scopes: Scopes,
}

/// When the first alert fired after windows.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Detection {
    pub windows: Vec<Range>,
    /// The faults and events whose windows are among these: they count as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<usize>,
}

/// The highest level at which the condition of a search held.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Capacity {
    pub load: usize,
    pub stage: usize,
    pub least: f64,
    pub most: f64,
    /// Of its levels: a rate, or users.
    pub unit: Type,
}

/// What the Universal Scalability Law says of the levels of a sweep.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Scaling {
    pub function: SweepFunction,
    /// Users, and where their level was measured.
    pub levels: Vec<(f64, Range)>,
    /// The throughput of the load; each level has its part of it.
    pub throughput: Requests,
    /// What counts is how many requests were in flight at each, not how many users were asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_flight: bool,
}

/// A function of how a steady state was lost and came back.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Recovery {
    pub function: RecoveryFunction,
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
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Impact {
    pub kind: ScopeKind,
    pub of: Recovery,
}

/// A scope by a fault or an event: as planned it is in the windows already, and these narrow to what was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
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

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Samples {
    pub series: usize,
    pub ranges: Vec<Range>,
}
