//! Metrics as they are written: what is computed of what.

use super::{Expr, Scope, Window, is_false};
use crate::base::Span;
use crate::check::types::Type;
use serde::{Deserialize, Serialize};

/// A metric as it is written: what is computed of what, in which scopes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    pub function: Function,
    pub subject: Subject,
    pub scopes: Vec<Scope>,
    /// They stand inside its own parentheses.
    #[serde(default, skip_serializing_if = "is_false")]
    pub scoped: bool,
    /// In its canonical form, by full names: the key of its baseline.
    pub text: String,
    #[serde(skip)]
    pub span: Span,
}

/// What is computed of a subject in a window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    Quantile(f64),
    Mean,
    Min,
    Max,
    Stddev,
    Count,
    Throughput,
    ErrorRate,
    Dropped,
    /// The threshold T in nanoseconds: satisfied up to T, tolerating up to 4T (apdex.org).
    Apdex(f64),
    Bandwidth,
    /// The objective as a share: how many times too fast its error budget is spent.
    BurnRate(f64),
    Last,
    Increase,
    Growth,
    Drift,
    Capacity,
    Contention,
    Coherency,
    /// At so many users.
    Efficiency(f64),
    PeakUsers,
    PeakThroughput,
    TimeToRecover,
    TimeToDetect,
    Mttr,
    Recovered,
    Availability,
    /// How long a window is that only the run knows.
    Length,
    Lost,
    Duplicated,
    Resurrected,
    Unverified,
    /// How often a service ended by itself.
    Crashes,
    Precision,
    Recall,
}

/// What a metric speaks of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Requests(Population),
    Series(Series),
    Windows {
        windows: Vec<Window>,
        steady: Option<usize>,
    },
    Ledger(usize),
    Service(usize),
    Alerts(usize),
    Delivery(usize),
    /// A metric over time, in tenths of its window.
    Metric(Box<Metric>),
}

/// Whose requests are meant: of one load or of all, of one part of a mix, one flow, one step or of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Population {
    pub load: Option<usize>,
    pub mix: Option<usize>,
    pub flow: Option<usize>,
    pub member: Member,
    pub part: Part,
    /// `where`: which of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member {
    All,
    Request(usize),
    Group(usize),
    Measure(usize),
    /// The waits for a limit.
    Wait(usize),
    /// Whole iterations, from the arrival on.
    Iteration,
}

/// Which time of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// From the intended instant to the last byte.
    Latency,
    /// From the actual send to the last byte.
    ServiceTime,
    FirstByte,
    ConnectTime,
    TlsTime,
    /// Not a time: how often it was sent.
    Attempts,
}

/// Values over time from outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub source: SeriesSource,
    pub what: String,
    /// What one in the series is worth, in base units.
    pub worth: f64,
    pub unit: Type,
}

impl Series {
    /// What is asked for, as a text of the language.
    pub fn quoted(&self) -> String {
        if self.what.contains(['"', '\\', '{']) { format!("'{}'", self.what) } else { format!("\"{}\"", self.what) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesSource {
    Service(usize),
    ServiceMetric(usize),
    Monitor(usize),
    Host,
}
