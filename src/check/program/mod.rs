//! What a file means: every name resolved, every template instantiated, every value typed, every quantity in base
//! units (nanoseconds, bytes, shares of one, arrivals a second). Instants are still relations between windows.

mod action;
mod alert_facts;
mod expr;
mod fault;
mod flow;
mod key;
mod load;
mod metric;
mod parts;
pub mod path;
mod protocol;
mod regression;
mod suite;
mod window;

pub use super::allow::Allow;
pub use super::builtins::{
    AlertFunction, Function, LedgerFunction, RecoveryFunction, RequestFunction, SeriesFunction, Statistic,
    SweepFunction, ValueFunction,
};
pub use super::condition::{AlertCheck, AlertDoes, Condition, Estimate, Measured};
pub use action::{
    Action, After, CommandFault, CommandLine, Database, DatabaseFault, HostFault, LinkDirection, LinkFault, Measure,
    NetworkRoute, ServiceFault,
};
pub use alert_facts::{AlertFacts, Delays, in_evaluations};
pub use expr::{AnswerPart, Expr, ItemPlace, PartKind, Pick, Piece, Property, Text, values};
pub use fault::{Element, Event, Injection, When};
pub use flow::{
    Body, Call, Check, Choice, Choose, Content, Exchange, Flow, Frame, Http, Ledger, LoopBound, Method, Opener, Query,
    Reason, Record, Repeat, Request, Retry, Step, Think, Transaction, Upload,
};
pub use key::MetricKey;
pub use load::{Leg, Level, Load, MixPart, Replay, Search, Stage, StageKind};
pub use metric::{Member, Metric, Population, RequestTime, Series, SeriesSource, Subject};
pub use parts::{
    Address, AlertSource, AlertSourceKind, Connections, Data, DataFormat, Demo, Dns, File, Http2, Identity, Limit,
    LimitKind, Link, Monitor, MonitorKind, NameOverride, Pem, Service, ServiceKind, Target, Tls, TlsVersion,
};
pub use path::PathText;
pub use protocol::{MessageEnd, Protocol};
pub use regression::{AcrossRuns, Regression};
pub use suite::{Area, Ready, RuleCoverage, Score, Suite, SuiteMember};
pub use window::{Edge, Moment, Scope, Window};

use super::references::References;
use crate::base::{Name, Span};
use schemars::JsonSchema;
use serde::Serialize;

/// A condition as a file states it.
pub type Stated = Condition<Metric, Moment, Vec<Scope>>;

#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct Program {
    pub doc: Option<String>,
    pub scenarios: Vec<Scenario>,
    pub suites: Vec<Suite>,
    /// Scenarios of the files that are used, with their file.
    pub used: Vec<(String, Scenario)>,
    /// What each name of the files means.
    #[serde(skip)]
    pub references: References,
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Scenario {
    pub name: Name,
    pub doc: Option<String>,
    /// The profile that was asked for.
    pub profile: Option<String>,
    /// The values that parameters of the file have in this run, for a reader of the plan.
    pub params: Vec<(String, String)>,
    /// What its file allows.
    pub allowed: Vec<Allow>,
    pub services: Vec<Service>,
    pub links: Vec<Link>,
    pub targets: Vec<Target>,
    pub data: Vec<Data>,
    /// Files whose contents are sent.
    pub files: Vec<File>,
    pub limits: Vec<Limit>,
    pub monitors: Vec<Monitor>,
    pub alert_sources: Vec<AlertSource>,
    pub ledgers: Vec<Ledger>,
    pub flows: Vec<Flow>,
    pub loads: Vec<Load>,
    pub injections: Vec<Injection>,
    pub events: Vec<Event>,
    pub steady_states: Vec<SteadyState>,
    pub aborts: Vec<Abort>,
    pub searches: Vec<Search>,
    pub setup: Vec<Flow>,
    pub teardown: Vec<Flow>,
    pub expectations: Vec<Expectation>,
    /// Constructs that this version plans and does not run.
    pub later: Vec<Later>,
    /// Variables of the environment that are needed and not there.
    pub missing: Vec<(String, Span)>,
    /// Names of secrets.
    pub secrets: Vec<String>,
    /// Secrets with the values that a file gives them.
    #[serde(skip)]
    pub secret_defaults: Vec<(String, String, Span)>,
}

impl Scenario {
    pub fn named(name: Name) -> Scenario {
        Scenario {
            name,
            doc: None,
            profile: None,
            params: Vec::new(),
            allowed: Vec::new(),
            services: Vec::new(),
            links: Vec::new(),
            targets: Vec::new(),
            data: Vec::new(),
            files: Vec::new(),
            limits: Vec::new(),
            monitors: Vec::new(),
            alert_sources: Vec::new(),
            ledgers: Vec::new(),
            flows: Vec::new(),
            loads: Vec::new(),
            injections: Vec::new(),
            events: Vec::new(),
            steady_states: Vec::new(),
            aborts: Vec::new(),
            searches: Vec::new(),
            setup: Vec::new(),
            teardown: Vec::new(),
            expectations: Vec::new(),
            later: Vec::new(),
            missing: Vec::new(),
            secrets: Vec::new(),
            secret_defaults: Vec::new(),
        }
    }
}

impl Scenario {
    /// With every expectation that is written in it judged as `strict`.
    pub fn strictly(mut self) -> Scenario {
        self.expectations.iter_mut().for_each(|expectation| expectation.strict |= !expectation.implied);
        self
    }

    /// Everything that is judged, during the run and after it.
    pub fn conditions<'s>(&'s self, each: &mut impl FnMut(&'s Stated)) {
        let steady = self.steady_states.iter().flat_map(|steady| &steady.conditions);
        self.expectations.iter().chain(steady).for_each(|expectation| each(&expectation.condition));
        self.aborts.iter().for_each(|abort| each(&abort.condition));
        self.searches.iter().for_each(|search| each(&search.condition));
    }
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Later {
    pub what: String,
    pub span: Span,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

fn is_false(value: &bool) -> bool {
    !*value
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct SteadyState {
    pub name: Option<String>,
    pub conditions: Vec<Expectation>,
    pub window: u64,
    pub hold: u64,
    pub span: Span,
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Abort {
    pub text: String,
    pub condition: Stated,
    pub length: u64,
    pub span: Span,
}

/// So many trials more a search may run around the level that it found, where that is not sure.
pub const AROUND: u64 = 4;

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Expectation {
    pub text: String,
    pub file: String,
    pub line: usize,
    pub span: Span,
    /// Where the file that was asked for speaks of it: itself, or what includes it.
    #[serde(skip)]
    pub asked: Span,
    /// Nobody wrote it: it is expected of each service.
    #[serde(default, skip_serializing_if = "is_false")]
    pub implied: bool,
    /// Near its bound it is inconclusive.
    #[serde(default, skip_serializing_if = "is_false")]
    pub strict: bool,
    pub condition: Stated,
}
