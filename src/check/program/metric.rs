//! Metrics as they are written: a function and what it applies to.

use super::{Expr, Scope, Window, is_false};
use crate::base::Span;
use crate::check::builtins::{Direction, Function};
use crate::check::types::Type;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A metric as it is written: what is computed of what, in which scopes.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Metric {
    pub function: Function,
    pub subject: Subject,
    pub scopes: Vec<Scope>,
    /// They stand inside its own parentheses.
    #[serde(default, skip_serializing_if = "is_false")]
    pub scoped: bool,
    #[serde(skip)]
    pub span: Span,
}

impl Metric {
    /// Which way it is better, where that is known.
    pub fn direction(&self) -> Direction {
        match self.function.direction() {
            Direction::OfValues => self.subject.direction(),
            known @ (Direction::Less | Direction::More | Direction::Neither) => known,
        }
    }
}

/// What a metric speaks of.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
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
    /// The buckets of a server's histogram, and the requests that it is of.
    Buckets {
        series: Series,
        requests: Population,
    },
    /// A metric over time, in tenths of its window.
    Metric(Box<Metric>),
}

impl Subject {
    /// Which way its values are better.
    fn direction(&self) -> Direction {
        match self {
            Subject::Requests(population) => match population.member {
                // What a flow measures may be anything.
                Member::Measure(_) => Direction::Neither,
                Member::All | Member::Request(_) | Member::Group(_) | Member::Wait(_) | Member::Iteration => {
                    Direction::Less
                }
            },
            Subject::Delivery(_) | Subject::Buckets { .. } => Direction::Less,
            Subject::Metric(inner) => inner.direction(),
            // A reading may be of what is wanted or of what is not.
            Subject::Series(_) | Subject::Windows { .. } | Subject::Service(_) => Direction::Neither,
            Subject::Ledger(_) | Subject::Alerts(_) => Direction::Neither,
        }
    }
}

/// Whose requests are meant: of one load or of all, of one part of a mix, one flow, one step or of all.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Population {
    pub load: Option<usize>,
    pub mix: Option<usize>,
    pub flow: Option<usize>,
    pub member: Member,
    pub part: RequestTime,
    /// `where`: which of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestTime {
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

/// Values over time: from outside, or of requests that are under way.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Series {
    pub source: SeriesSource,
    pub what: String,
    /// What one in the series is worth, in base units.
    pub worth: f64,
    pub unit: Type,
    /// What it is, in base units, where its source answers and does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<f64>,
}

impl Series {
    /// How many requests are in flight.
    pub fn in_flight(source: SeriesSource) -> Series {
        Series { source, what: "in_flight".to_owned(), worth: 1.0, unit: Type::Number, missing: None }
    }

    /// What is asked for, as a text of the language.
    pub fn quoted(&self) -> String {
        if self.what.contains(['"', '\\', '{']) { format!("'{}'", self.what) } else { format!("\"{}\"", self.what) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesSource {
    Service(usize),
    ServiceMetric(usize),
    Monitor(usize),
    /// How old the newest sample of a selector is in a monitor that is a Prometheus.
    Age(usize),
    Host,
    /// How many requests are in flight: of a load or all, a part of its mix, a flow, a step.
    InFlight {
        load: Option<usize>,
        mix: Option<usize>,
        flow: Option<usize>,
        member: Member,
    },
}
