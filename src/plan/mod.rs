//! Program → Plan: what will be done, known before anything is sent. A plan is a plain value: offsets in
//! nanoseconds from the start of the load, no paths, no handles.

mod bound;
mod chosen;
mod counter;
pub mod draw;
mod edges;
mod elaborate;
mod enough;
mod expect;
mod fingerprint;
mod host;
mod judged;
mod links;
mod load;
mod moving;
mod needs;
mod possible;
mod reach;
pub mod schedule;
pub mod scope;
mod search;
mod sound;
mod suite;
mod timeline;
mod watched;

pub use crate::check::program::{
    AcrossRuns, Action, Address, After, AlertCheck, AlertDoes, AlertFacts, AlertSource, AlertSourceKind, Allow,
    AnswerPart, Body, Check, Choice, Choose, CommandFault, CommandLine, Connections, Content, Data, DataFormat,
    Database, DatabaseFault, Demo, Dns, Element, Estimate, Exchange, Expr, File, Flow, Frame, Function, HostFault,
    Http, Http2, Identity, ItemPlace, Ledger, LedgerFunction, Limit, Link, LinkDirection, LinkFault, LoopBound,
    Measure, Member, MessageEnd, Method, MetricKey, MixPart, Moment, Monitor, MonitorKind, NetworkRoute, Opener,
    PartKind, PathText, Pem, Pick, Piece, Property, Query, Reason, Record, RecoveryFunction, Regression, Repeat,
    Replay, Request, RequestFunction, RequestTime, Retry, Series as Watched, SeriesFunction, SeriesSource, Service,
    ServiceFault, ServiceKind, StageKind, Step, Subject, SweepFunction, Target, Text, Think, Tls, TlsVersion, Upload,
    ValueFunction,
};
pub use crate::check::types::Type;
pub use crate::syntax::ast::{Binary, ScopeKind};
pub use crate::syntax::dialect::{Dialect, Encoding};
pub use counter::{BucketError, Counter, CounterIncrease};
pub use edges::{RestsOn, WindowEdges};
pub use elaborate::{diagnose, plan};
pub use expect::{FEWEST_PARTS, are_compared};
pub use fingerprint::part as fingerprint_of;
pub use host::Host;
pub use judged::{
    AlertScopes, Capacity, Condition, Crashes, Detection, Expectation, Impact, Measured, Metric, OfFault, Planned,
    PlannedAlert, Readings, Recovery, Requests, Samples, Scaling, Scopes,
};
pub use load::{Activity, Ceiling, CeilingFrom, Load, Stage};
pub use needs::{Lack, Of, lacks};
pub use possible::{COUNTLESS, LONGEST, is_range};
pub use reach::{Reached, Standing, Way};
pub use search::{distinct, needed_levels};
pub use suite::{ExpectedAlert, PlannedArea, PlannedMember, SUITE_SCHEMA, SuitePlan, expected_alerts};

use crate::check::program;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const SCHEMA: u32 = 1;

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Plan {
    pub schema: u32,
    pub file: String,
    pub scenario: String,
    /// The named set of values that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    pub doc: Option<String>,
    pub fingerprint: String,
    pub share: Share,
    /// Parameters of the file and what they are in this run, as they are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Allow>,
    pub services: Vec<Service>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    pub targets: Vec<Target>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Data>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitors: Vec<Monitor>,
    /// What is read from the raw samples of a Prometheus.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counters: Vec<Counter>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alert_sources: Vec<AlertSource>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ledgers: Vec<Ledger>,
    pub flows: Vec<Flow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<Flow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teardown: Vec<Flow>,
    pub loads: Vec<Load>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steady_states: Vec<SteadyState>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aborts: Vec<Abort>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub searches: Vec<Search>,
    pub series: Vec<Series>,
    pub expectations: Vec<Expectation>,
    /// Alerts that may fire: nothing is judged of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_alerts: Vec<Expectation>,
    /// The end of the last load.
    pub length: u64,
    /// How a run of it is cut and told: [`EDITION`], or 0 of a record that does not say.
    #[serde(default, skip_serializing_if = "is_first")]
    pub edition: u32,
}

/// Since 1 slices are cut before the beginnings of faults and events too, and a row of the report is of requests that were intended in
/// its window. Since 2 what is `within` so much of something measured is cut into parts as what is compared is, and the parts are those of
/// the metric's own windows. A record is cut and told as it was when it was made.
pub const EDITION: u32 = 2;

fn is_first(edition: &u32) -> bool {
    *edition == 0
}

/// Which part of the arrivals and users is ours: those whose number leaves `index` divided by `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Share {
    pub index: u64,
    pub count: u64,
}

impl Share {
    pub const WHOLE: Share = Share { index: 0, count: 1 };

    /// How many of the first `n` arrivals are ours.
    pub fn of(self, n: u64) -> u64 {
        (n + self.count - 1).saturating_sub(self.index) / self.count
    }
}

/// What this machine can hold: an input of the plan, never asked for by it.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    pub descriptors: u64,
    pub memory: u64,
    /// Local ports that the kernel deals for connections to one address.
    pub ports: u64,
    pub reuse: PortReuse,
    pub cores: u64,
    pub groups: Groups,
}

/// By what a service is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    CgroupV1,
    CgroupV2,
    /// It is stopped as soon as it has had its share, and goes on when it is due another.
    Turns,
}

/// Which control groups this machine lets stressc make, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Groups {
    pub cpu: Result<By, &'static str>,
    pub memory: Result<By, &'static str>,
}

impl Groups {
    /// As on most machines of today.
    pub const USUAL: Groups = Groups { cpu: Ok(By::CgroupV2), memory: Ok(By::CgroupV2) };
}

/// Where the kernel deals a port again that a closed connection holds (`net.ipv4.tcp_tw_reuse`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortReuse {
    Never,
    Loopback,
    Always,
}

/// What breaks, and in which windows.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Fault {
    pub name: String,
    pub action: Action,
    /// What was called, where that was a template: `docker.pause`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Nobody takes it back: it lasts until something else ends it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left: bool,
    /// By what this machine can bring it about, where there is more than one way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    pub windows: Vec<Range>,
}

/// Something that happens and is not taken back, with its bound.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Event {
    pub name: String,
    pub command: CommandLine,
    /// Variables of the command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<(String, Text)>,
    pub at: u64,
    pub at_most: u64,
}

impl Event {
    /// Until when it is given up.
    pub fn window(&self) -> Range {
        (self.at, self.at.saturating_add(self.at_most))
    }
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct SteadyState {
    pub name: Option<String>,
    pub conditions: Vec<Expectation>,
    pub window: u64,
    pub hold: u64,
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Abort {
    pub text: String,
    pub condition: Condition,
    /// How long it must hold.
    pub length: u64,
    /// How long after a request is sent it is known at the latest what became of it.
    pub patience: u64,
}

/// A stage that looks for the highest level at which a condition holds.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Search {
    pub load: usize,
    pub stage: usize,
    pub least: f64,
    pub most: f64,
    /// How near the highest level that held comes to the lowest that did not.
    pub resolution: f64,
    pub each: u64,
    pub trials: u64,
    pub condition: Condition,
}

/// What is recorded apart: the requests of one step in one load.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Series {
    pub name: String,
    /// The name as interval logs allow it, unique in the plan.
    pub tag: String,
    pub load: usize,
    /// The part of the load's mix, and the flow that it runs.
    pub part: usize,
    pub flow: usize,
    /// A request, a group of steps, or whole iterations.
    pub member: Member,
    /// Which time of it; all but the latency stand in series of their own, where something asks for them.
    #[serde(default = "latency", skip_serializing_if = "is_latency")]
    pub phase: RequestTime,
    /// Only requests for which this holds when they have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<Expr>,
    /// The series whose samples these are too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived: Option<usize>,
}

fn latency() -> RequestTime {
    RequestTime::Latency
}

fn is_latency(part: &RequestTime) -> bool {
    *part == RequestTime::Latency
}

/// From, up to and without, in nanoseconds.
pub type Range = (u64, u64);

impl Plan {
    /// Whether something asks how many bytes bodies had.
    pub fn counts_bytes(&self) -> bool {
        let mut asks = false;
        self.conditions(&mut |condition| {
            condition.metrics(&mut |metric| {
                asks |= matches!(metric, Metric::Requests(requests) if requests.function.counts_bytes());
            });
        });
        asks
    }

    /// Everything that is judged, during the run and after it.
    pub fn conditions(&self, each: &mut impl FnMut(&Condition)) {
        let steady = self.steady_states.iter().flat_map(|steady| &steady.conditions);
        self.expectations.iter().chain(steady).for_each(|expectation| each(&expectation.condition));
        self.aborts.iter().for_each(|abort| each(&abort.condition));
        self.searches.iter().for_each(|search| each(&search.condition));
    }

    /// When nothing is under way any more: each load has its grace from its own end on.
    pub fn over(&self) -> u64 {
        let over = self.loads.iter().map(|load| load.shape.end().saturating_add(load.grace)).max();
        over.unwrap_or(0).max(self.length)
    }

    /// The longest that a load gives to what is under way.
    pub fn grace(&self) -> u64 {
        self.loads.iter().map(|l| l.grace).max().unwrap_or(0)
    }

    /// The series of a request, a group or the iterations of a part of a load.
    pub fn series_of(&self, load: usize, part: usize, member: Member) -> Option<usize> {
        self.series.iter().position(|s| s.derived.is_none() && s.load == load && s.part == part && s.member == member)
    }

    /// Whether a series is of requests: groups and iterations are made of such as have series of their own, and what is
    /// derived of a series holds its samples once more.
    pub fn is_request(&self, series: u32) -> bool {
        self.series.get(series as usize).is_some_and(Series::is_request)
    }

    /// What one step of a recorded value is worth in the unit of its series: times and sizes are recorded as they are, other
    /// numbers in thousandths.
    pub fn worth(&self, series: usize) -> f64 {
        match self.series.get(series) {
            Some(Series { flow, member: Member::Measure(measure), .. }) => self.flows[*flow].worth(*measure),
            _ => 1.0,
        }
    }

    pub fn request(&self, series: &Series) -> Option<&Request> {
        self.flows[series.flow].requests().find(|r| Member::Request(r.response) == series.member)
    }
}

impl Series {
    /// All of a member, by its latency; the place is its load, the part of the load's mix, and the flow of that.
    pub fn plain(name: String, tag: String, (load, part, flow): (usize, usize, usize), member: Member) -> Series {
        Series { name, tag, load, part, flow, member, phase: RequestTime::Latency, matching: None, derived: None }
    }

    pub fn is_request(&self) -> bool {
        self.derived.is_none() && matches!(self.member, Member::Request(_))
    }
}

impl Flow {
    pub(crate) fn worth(&self, measure: usize) -> f64 {
        match self.measures.get(measure) {
            Some((_, Type::Duration | Type::Bytes)) | None => 1.0,
            Some(_) => 1e-3,
        }
    }

    /// Every request that its steps can send.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        let mut found = Vec::new();
        crate::check::all_steps(&self.steps, &mut |step| {
            if let Step::Request(request) = step {
                found.push(request);
            }
        });
        found.into_iter()
    }

    /// The request with this answer.
    pub fn request(&self, response: usize) -> Option<&Request> {
        self.requests().find(|request| request.response == response)
    }
}

impl Think {
    /// Nearly the longest: of an exponential distribution its 99.9th percentile, ln(1000) means.
    pub fn longest(&self) -> f64 {
        match self {
            Think::Uniform { most, .. } => *most as f64,
            Think::Exponential { mean } => *mean as f64 * 6.9078,
        }
    }
}
