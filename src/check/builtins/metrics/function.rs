//! Properties of the function of a metric, whatever it is applied to. A new function is a variant, and the compiler asks for the
//! rest.

use super::requests::RequestFunction;
use crate::check::types::Type;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is computed of a subject in a window, by the family that computes it.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// Of another metric, over time.
    Drift,
    /// Of the trials of a search.
    Capacity,
    /// How often a service ended by itself.
    Crashes,
    #[serde(untagged)]
    Requests(RequestFunction),
    #[serde(untagged)]
    Series(SeriesFunction),
    #[serde(untagged)]
    Sweep(SweepFunction),
    #[serde(untagged)]
    Recovery(RecoveryFunction),
    #[serde(untagged)]
    Ledger(LedgerFunction),
    #[serde(untagged)]
    Alerts(AlertFunction),
}

/// What is computed of many values alike, be they times of requests or readings of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    Mean,
    Min,
    Max,
    Stddev,
}

/// Of values over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesFunction {
    Last,
    Increase,
    Growth,
    /// Of the buckets of a server's histogram, against what the client measured.
    HistogramError,
    #[serde(untagged)]
    Statistic(Statistic),
}

/// Of the levels of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SweepFunction {
    Contention,
    Coherency,
    /// At this many users.
    Efficiency(f64),
    PeakUsers,
    PeakThroughput,
    /// Of the highest level against the lowest, without the law.
    ScalabilityCoefficient,
}

/// Of how a steady state was lost around windows, and came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryFunction {
    TimeToRecover,
    TimeToDetect,
    Mttr,
    Recovered,
    /// How long a window is that only the run knows; written `.length`.
    Length,
}

/// Of the entries of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerFunction {
    Lost,
    Duplicated,
    Resurrected,
    Unverified,
}

/// Of what a source of alerts said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertFunction {
    Precision,
    Recall,
    FalseAlarmRate,
}

/// Which way a value is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Less,
    More,
    /// As what it is computed of, where that has a direction.
    OfValues,
    /// Neither: it says what was done, and not how well.
    Neither,
}

/// What a bound on a metric says of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failures {
    /// They count against it.
    Counted,
    /// Fast ones make it look better.
    Hidden,
    Aside,
}

impl Function {
    /// As it is called; what is a field has the name of that.
    pub const fn name(self) -> &'static str {
        match self {
            Function::Drift => "drift",
            Function::Capacity => "capacity",
            Function::Crashes => "crashes",
            Function::Requests(function) => function.name(),
            Function::Series(function) => function.name(),
            Function::Sweep(function) => function.name(),
            Function::Recovery(function) => function.name(),
            Function::Ledger(function) => function.name(),
            Function::Alerts(function) => function.name(),
        }
    }

    /// What stands after its subject, where that is not said by its name.
    pub fn argument(self) -> Option<(f64, Type)> {
        match self {
            Function::Requests(function) => function.argument(),
            Function::Sweep(SweepFunction::Efficiency(users)) => Some((users, Type::Users)),
            Function::Sweep(
                SweepFunction::Contention
                | SweepFunction::Coherency
                | SweepFunction::PeakUsers
                | SweepFunction::PeakThroughput
                | SweepFunction::ScalabilityCoefficient,
            ) => None,
            Function::Drift | Function::Capacity | Function::Crashes | Function::Series(_) => None,
            Function::Recovery(_) | Function::Ledger(_) | Function::Alerts(_) => None,
        }
    }

    /// The same with what is given for its argument, or why that cannot be.
    pub fn with(self, argument: f64) -> Result<Function, &'static str> {
        match self {
            Function::Requests(function) => function.with(argument).map(Function::Requests),
            Function::Sweep(SweepFunction::Efficiency(_)) => Ok(Function::Sweep(SweepFunction::Efficiency(argument))),
            Function::Sweep(
                SweepFunction::Contention
                | SweepFunction::Coherency
                | SweepFunction::PeakUsers
                | SweepFunction::PeakThroughput
                | SweepFunction::ScalabilityCoefficient,
            ) => Ok(self),
            Function::Drift | Function::Capacity | Function::Crashes | Function::Series(_) => Ok(self),
            Function::Recovery(_) | Function::Ledger(_) | Function::Alerts(_) => Ok(self),
        }
    }

    /// The same of readings, where it is one of both: its row speaks of requests.
    pub fn of_readings(self) -> Function {
        match self {
            Function::Requests(RequestFunction::Statistic(statistic)) => {
                Function::Series(SeriesFunction::Statistic(statistic))
            }
            other => other,
        }
    }

    pub fn direction(self) -> Direction {
        match self {
            Function::Drift => Direction::OfValues,
            Function::Capacity => Direction::More,
            Function::Crashes => Direction::Less,
            Function::Requests(function) => function.direction(),
            Function::Series(SeriesFunction::Last | SeriesFunction::Increase | SeriesFunction::Growth) => {
                Direction::OfValues
            }
            Function::Series(SeriesFunction::HistogramError) => Direction::Less,
            Function::Series(SeriesFunction::Statistic(statistic)) => statistic.direction(),
            Function::Sweep(SweepFunction::Contention | SweepFunction::Coherency) => Direction::Less,
            Function::Sweep(
                SweepFunction::Efficiency(_)
                | SweepFunction::PeakUsers
                | SweepFunction::PeakThroughput
                | SweepFunction::ScalabilityCoefficient,
            ) => Direction::More,
            Function::Recovery(RecoveryFunction::Recovered) => Direction::More,
            Function::Recovery(
                RecoveryFunction::TimeToRecover
                | RecoveryFunction::TimeToDetect
                | RecoveryFunction::Mttr
                | RecoveryFunction::Length,
            ) => Direction::Less,
            Function::Ledger(
                LedgerFunction::Lost
                | LedgerFunction::Duplicated
                | LedgerFunction::Resurrected
                | LedgerFunction::Unverified,
            ) => Direction::Less,
            Function::Alerts(AlertFunction::Precision | AlertFunction::Recall) => Direction::More,
            Function::Alerts(AlertFunction::FalseAlarmRate) => Direction::Less,
        }
    }

    /// Whether it depends on how long things took, and so on the generator having kept up.
    pub fn is_timed(self) -> bool {
        match self {
            Function::Requests(function) => function.is_timed(),
            Function::Drift | Function::Capacity | Function::Series(_) | Function::Sweep(_) => true,
            Function::Recovery(_) => true,
            // When an alert fires does not depend on the generator.
            Function::Alerts(_) => false,
            Function::Ledger(_) | Function::Crashes => false,
        }
    }

    pub fn failures(self) -> Failures {
        match self {
            Function::Requests(function) => function.failures(),
            Function::Ledger(LedgerFunction::Lost) => Failures::Counted,
            Function::Ledger(LedgerFunction::Duplicated | LedgerFunction::Resurrected | LedgerFunction::Unverified) => {
                Failures::Aside
            }
            Function::Drift | Function::Capacity | Function::Series(_) | Function::Sweep(_) => Failures::Aside,
            Function::Recovery(_) | Function::Alerts(_) | Function::Crashes => Failures::Aside,
        }
    }

    /// Whether it is 0 in a run in which all is well, so that a share of it is nothing.
    pub fn is_often_zero(self) -> bool {
        match self {
            Function::Requests(function) => function.is_often_zero(),
            Function::Ledger(_) | Function::Crashes | Function::Alerts(AlertFunction::FalseAlarmRate) => true,
            Function::Series(SeriesFunction::HistogramError) => true,
            Function::Drift | Function::Capacity | Function::Series(_) | Function::Sweep(_) => false,
            Function::Recovery(_) | Function::Alerts(AlertFunction::Precision | AlertFunction::Recall) => false,
        }
    }
}

impl Statistic {
    pub const fn name(self) -> &'static str {
        match self {
            Statistic::Mean => "mean",
            Statistic::Min => "min",
            Statistic::Max => "max",
            Statistic::Stddev => "stddev",
        }
    }

    pub fn direction(self) -> Direction {
        match self {
            Statistic::Mean | Statistic::Min | Statistic::Max => Direction::OfValues,
            // What is even is better, whatever it is.
            Statistic::Stddev => Direction::Less,
        }
    }
}

impl SeriesFunction {
    const fn name(self) -> &'static str {
        match self {
            SeriesFunction::Last => "last",
            SeriesFunction::Increase => "increase",
            SeriesFunction::Growth => "growth",
            SeriesFunction::HistogramError => "histogram_error",
            SeriesFunction::Statistic(statistic) => statistic.name(),
        }
    }
}

impl SweepFunction {
    const fn name(self) -> &'static str {
        match self {
            SweepFunction::Contention => "contention",
            SweepFunction::Coherency => "coherency",
            SweepFunction::Efficiency(_) => "efficiency",
            SweepFunction::PeakUsers => "peak_users",
            SweepFunction::PeakThroughput => "peak_throughput",
            SweepFunction::ScalabilityCoefficient => "scalability_coefficient",
        }
    }
}

impl RecoveryFunction {
    const fn name(self) -> &'static str {
        match self {
            RecoveryFunction::TimeToRecover => "time_to_recover",
            RecoveryFunction::TimeToDetect => "time_to_detect",
            RecoveryFunction::Mttr => "mttr",
            RecoveryFunction::Recovered => "recovered",
            RecoveryFunction::Length => "length",
        }
    }
}

impl LedgerFunction {
    pub const fn name(self) -> &'static str {
        match self {
            LedgerFunction::Lost => "lost",
            LedgerFunction::Duplicated => "duplicated",
            LedgerFunction::Resurrected => "resurrected",
            LedgerFunction::Unverified => "unverified",
        }
    }
}

impl AlertFunction {
    const fn name(self) -> &'static str {
        match self {
            AlertFunction::Precision => "precision",
            AlertFunction::Recall => "recall",
            AlertFunction::FalseAlarmRate => "false_alarm_rate",
        }
    }
}
