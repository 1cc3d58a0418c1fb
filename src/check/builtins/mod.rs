//! Every built-in name of the language in one table: what it is, how it is called, what it means. The reference,
//! hover and completion are made of it.

mod constructors;
mod explain;
mod faults;
mod fields;
mod functions;
mod metrics;
mod options;
pub mod page;

pub use explain::{explain, names as explained};
pub use faults::{Allowed, Build, FaultArguments};
pub use fields::{FIELDS, Field, fields_of, find as field};
pub use functions::ValueFunction;
pub use metrics::{
    Added, AlertFunction, Delay, Direction, Failures, Function, Least, LedgerFunction, RecoveryFunction,
    RequestFunction, SeriesFunction, Statistic, SweepFunction, function as metric,
};
pub use options::{OPTIONS, Opt, options_of};

use super::types::Type;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Where a name is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuiltinKind {
    /// Computed of a subject in a window, where conditions stand.
    Metric,
    Service,
    Link,
    Target,
    Data,
    Limiter,
    Semaphore,
    Monitor,
    Alerts,
    Fault,
    Event,
    /// Computed from its arguments alone.
    Pure,
    /// A length of thinking.
    Distribution,
    /// Known when the run starts: of the machine or of its surroundings.
    Input,
    /// How a target knows who asks.
    Auth,
    /// How the connections of a target are shared.
    Connections,
}

impl BuiltinKind {
    pub const ALL: [BuiltinKind; 16] = [
        BuiltinKind::Metric,
        BuiltinKind::Service,
        BuiltinKind::Link,
        BuiltinKind::Target,
        BuiltinKind::Data,
        BuiltinKind::Limiter,
        BuiltinKind::Semaphore,
        BuiltinKind::Monitor,
        BuiltinKind::Alerts,
        BuiltinKind::Fault,
        BuiltinKind::Event,
        BuiltinKind::Pure,
        BuiltinKind::Distribution,
        BuiltinKind::Input,
        BuiltinKind::Auth,
        BuiltinKind::Connections,
    ];

    /// What one of them is.
    pub fn a(self) -> &'static str {
        match self {
            BuiltinKind::Metric => "a metric",
            BuiltinKind::Service => "a service",
            BuiltinKind::Link => "a link",
            BuiltinKind::Target => "a target",
            BuiltinKind::Data => "rows of data",
            BuiltinKind::Limiter => "a limiter",
            BuiltinKind::Semaphore => "a semaphore",
            BuiltinKind::Monitor => "a monitor",
            BuiltinKind::Alerts => "a source of alerts",
            BuiltinKind::Fault => "a fault",
            BuiltinKind::Event => "an event",
            BuiltinKind::Pure => "a function",
            BuiltinKind::Distribution => "a distribution",
            BuiltinKind::Input => "an input, known when the run starts",
            BuiltinKind::Auth => "authentication of a target",
            BuiltinKind::Connections => "connections of a target",
        }
    }

    /// What such names are, in the plural, as a heading.
    pub fn title(self) -> &'static str {
        match self {
            BuiltinKind::Metric => "Metrics",
            BuiltinKind::Service => "Services",
            BuiltinKind::Link => "Links",
            BuiltinKind::Target => "Targets",
            BuiltinKind::Data => "Data",
            BuiltinKind::Limiter => "Limiters",
            BuiltinKind::Semaphore => "Semaphores",
            BuiltinKind::Monitor => "Monitors",
            BuiltinKind::Alerts => "Sources of alerts",
            BuiltinKind::Fault => "Faults",
            BuiltinKind::Event => "Events",
            BuiltinKind::Pure => "Functions",
            BuiltinKind::Distribution => "Distributions",
            BuiltinKind::Input => "Inputs",
            BuiltinKind::Auth => "Authentication",
            BuiltinKind::Connections => "Connections",
        }
    }
}

/// A parameter: what may be given for it, and whether something must be.
#[derive(Debug, Clone, Copy)]
pub struct Par {
    pub name: &'static str,
    pub kinds: &'static [Type],
    /// What it is one of, as a word or as a text.
    pub words: &'static [&'static str],
    pub required: bool,
}

const fn need(name: &'static str, kinds: &'static [Type]) -> Par {
    Par { name, kinds, words: &[], required: true }
}

const fn may(name: &'static str, kinds: &'static [Type]) -> Par {
    Par { name, kinds, words: &[], required: false }
}

/// It may be one of these words.
const fn may_be(name: &'static str, words: &'static [&'static str]) -> Par {
    Par { name, kinds: &[Type::Text], words, required: false }
}

pub struct Builtin {
    pub name: &'static str,
    pub kind: BuiltinKind,
    pub parameters: &'static [Par],
    /// More of the last parameter may follow.
    pub variadic: bool,
    pub result: Type,
    pub doc: &'static str,
    /// What is written where such a thing stands.
    pub example: &'static str,
}

impl Builtin {
    pub fn signature(&self) -> String {
        let result = match (self.kind, self.result) {
            (BuiltinKind::Metric, Type::Wrong) => " -> Duration of requests, else the unit of what is given".to_owned(),
            (_, Type::Wrong) => String::new(),
            (_, result) => format!(" -> {result}"),
        };
        format!("{}({}{}){result}", self.name, parameters(self.parameters), if self.variadic { ", …" } else { "" })
    }
}

/// Parameters as they are shown: `url: Text, pool: Count?`.
fn parameters(list: &[Par]) -> String {
    let shown: Vec<String> = list
        .iter()
        .map(|par| {
            // Only `drift` takes what has no type of its own.
            let name = |kind: &Type| if *kind == Type::Wrong { "Metric" } else { kind.name() };
            let kinds: Vec<&str> = match par.words {
                [] => par.kinds.iter().map(name).collect(),
                words => words.to_vec(),
            };
            format!("{}: {}{}", par.name, kinds.join(" or "), if par.required { "" } else { "?" })
        })
        .collect();
    shown.join(", ")
}

/// All tables, one after the other.
pub fn all() -> impl Iterator<Item = &'static Builtin> {
    let faults = faults::ROWS.iter().map(|row| &row.builtin);
    let metrics = metrics::ROWS.iter().map(|row| &row.builtin);
    metrics.chain(constructors::TABLE).chain(faults).chain(functions::TABLE)
}

/// The tables by kind and name, since expressions ask for every call.
static BY_NAME: LazyLock<HashMap<(BuiltinKind, &'static str), &'static Builtin>> =
    LazyLock::new(|| all().map(|builtin| ((builtin.kind, builtin.name), builtin)).collect());

/// The built-in of a kind with this name.
pub fn of_kind(kind: BuiltinKind, name: &str) -> Option<&'static Builtin> {
    BY_NAME.get(&(kind, name)).copied()
}

/// Whether a function of this name can be called in an expression, so that no declaration with parameters may have it.
pub fn find(name: &str) -> Option<&'static Builtin> {
    let callable =
        [BuiltinKind::Metric, BuiltinKind::Pure, BuiltinKind::Distribution, BuiltinKind::Fault, BuiltinKind::Input];
    callable.into_iter().find_map(|kind| of_kind(kind, name))
}

pub fn names(kind: BuiltinKind) -> impl Iterator<Item = &'static str> {
    all().filter(move |builtin| builtin.kind == kind).map(|builtin| builtin.name)
}

/// The fault of a name, with how it is made.
pub fn fault(name: &str) -> Option<&'static faults::FaultRow> {
    faults::ROWS.iter().find(|row| row.builtin.name == name)
}
