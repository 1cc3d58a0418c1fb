//! Program → Plan: what will be done, known before anything is sent. A plan is a plain value: offsets in
//! nanoseconds from the start of the load, no paths, no handles.

pub mod draw;
mod elaborate;
mod expect;
mod fingerprint;
pub mod schedule;
mod scope;
mod sound;
mod timeline;
mod watched;

pub use crate::check::program::{
    Address, AlertCheck, AlertDoes, AlertSource, Body, Bound, Breakage, Check, Connections, Data, Demo, Element, Expr,
    Flow, Function, Ledger, Limit, Link, Member, MixPart, Moment, Monitor, PartKind, Piece, Request, Retry,
    Series as Watched, SeriesSource, Service, ServiceKind, Setting, StageKind, Step, Subject, Target, Text, Think,
};
pub use crate::check::types::Type;
pub use crate::syntax::ast::Binary;
pub use elaborate::plan;
pub use expect::needed_samples;

use crate::base::units::SECOND;
use crate::check::program;
use schedule::Shape;
use serde::{Deserialize, Serialize};

pub const SCHEMA: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    pub services: Vec<Service>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    pub targets: Vec<Target>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Data>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitors: Vec<Monitor>,
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
    /// The end of the last load.
    pub length: u64,
}

/// Which part of the arrivals and users is ours: those whose number leaves `index` divided by `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    pub name: String,
    pub parts: Vec<MixPart>,
    pub start: u64,
    pub shape: Shape,
    pub stages: Vec<Stage>,
    pub ceiling: Ceiling,
    pub grace: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub poisson: bool,
}

impl Load {
    /// Which part of a mix the iteration of a number runs. Numbers are dealt out by the golden ratio, whose multiples
    /// lie as evenly in [0, 1) as any do, so that every stretch of arrivals is mixed as the whole is.
    pub fn part(&self, number: u64) -> usize {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let point = number.wrapping_mul(GOLDEN) as f64 / 2f64.powi(64);
        let mut sum = 0.0;
        let found = self.parts.iter().position(|part| {
            sum += part.weight;
            point < sum
        });
        found.unwrap_or(self.parts.len().saturating_sub(1))
    }

    /// Those who come back: the population of an open load, the users of a closed one.
    pub fn users(&self) -> u64 {
        self.population.filter(|_| self.is_open()).unwrap_or(self.shape.peak())
    }

    pub fn is_open(&self) -> bool {
        matches!(self.shape, Shape::Open(_))
    }
}

/// How many iterations may be under way at a time, over all workers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    pub in_flight: u64,
    pub from: CeilingFrom,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CeilingFrom {
    /// Written in the scenario.
    Scenario,
    /// Peak rate × the longest an iteration can take.
    Rate,
    /// The number of users.
    Users,
    /// What descriptors and memory of this machine allow.
    Machine,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    pub name: String,
    pub named: bool,
    pub kind: StageKind,
    pub start: u64,
    pub end: u64,
    /// Arrivals a second or users, for drawing.
    pub from: f64,
    pub to: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
}

/// What breaks, and in which windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    pub name: String,
    pub breakage: Breakage,
    pub windows: Vec<Range>,
}

/// Something that happens and is not taken back, with its bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub name: String,
    pub command: Text,
    pub at: u64,
    pub at_most: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SteadyState {
    pub name: Option<String>,
    pub conditions: Vec<Expectation>,
    pub window: u64,
    pub hold: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Abort {
    pub text: String,
    pub condition: Condition,
    pub length: u64,
}

/// A stage that looks for the highest level at which a condition holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    pub load: usize,
    pub stage: usize,
    pub least: f64,
    pub most: f64,
    pub each: u64,
    pub trials: u64,
    pub condition: Condition,
}

/// What is recorded apart: the requests of one step in one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub name: String,
    /// The name as interval logs allow it, unique in the plan.
    pub tag: String,
    pub load: usize,
    pub flow: usize,
    /// A request, a group of steps, or whole iterations.
    pub member: Member,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    pub text: String,
    pub line: usize,
    pub condition: Condition,
}

pub type Condition = program::Condition<Metric, Planned>;
pub type Measured = program::Measured<Metric>;

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
    /// Of something else: a series of values over time, or what is planned and not measured by this version.
    Other { function: Function, subject: Subject, ranges: Vec<Range> },
    /// How much the same metric differs in the last tenth of a window from the first.
    Drift { first: Box<Metric>, last: Box<Metric> },
}

/// A function of recorded series in windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    pub function: Function,
    pub service_time: bool,
    pub samples: Vec<Samples>,
    /// For `dropped`: the load and the windows in which its arrivals were intended.
    pub load: Option<(usize, Vec<Range>)>,
    /// How long the windows are together, for what is counted a second.
    pub length: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    pub series: usize,
    pub ranges: Vec<Range>,
}

/// From, up to and without, in nanoseconds.
pub type Range = (u64, u64);

impl Plan {
    /// The ends of the slices that measurements are cut into: every second and every edge of a stage or a fault,
    /// until the last grace has run out.
    pub fn edges(&self) -> Vec<u64> {
        let last = self.loads.iter().map(|l| l.shape.end() + l.grace).max().unwrap_or(0);
        let mut edges: Vec<u64> = (0..=last / SECOND + 1).map(|s| s * SECOND).collect();
        edges.extend(self.loads.iter().flat_map(|l| l.stages.iter()).flat_map(|s| [s.start, s.end]));
        edges.extend(self.faults.iter().flat_map(|fault| &fault.windows).flat_map(|window| [window.0, window.1]));
        // The tenths of a window in which something drifts start and end anywhere.
        self.tenths(&mut |(from, to)| edges.extend([from, to]));
        edges.retain(|edge| *edge <= last.max(self.length));
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    pub fn grace(&self) -> u64 {
        self.loads.iter().map(|l| l.grace).max().unwrap_or(0)
    }

    /// The series of a request, a group or the iterations of a flow in a load.
    pub fn series_of(&self, load: usize, flow: usize, member: Member) -> Option<usize> {
        self.series.iter().position(|s| s.load == load && s.flow == flow && s.member == member)
    }

    /// Whether a series is of requests: groups and iterations are made of such as have series of their own.
    pub fn is_request(&self, series: u32) -> bool {
        self.series.get(series as usize).is_some_and(Series::is_request)
    }

    pub fn request(&self, series: &Series) -> Option<&Request> {
        self.flows[series.flow].requests().find(|r| Member::Request(r.response) == series.member)
    }
}

impl Series {
    pub fn is_request(&self) -> bool {
        matches!(self.member, Member::Request(_))
    }
}

impl Flow {
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
