//! Program → Plan: what will be done, known before anything is sent. A plan is a plain value: offsets in
//! nanoseconds from the start of the load, no paths, no handles.

pub mod draw;
mod elaborate;
mod fingerprint;
pub mod schedule;
mod scope;

pub use crate::check::program::{
    Address, Body, Check, Demo, Expr, Flow, Function, Piece, Request, Service, ServiceKind, StageKind, Step, Target,
    Think,
};
pub use crate::check::types::Type;
pub use crate::syntax::ast::Binary;
pub use elaborate::{needed_samples, plan};

use crate::base::units::SECOND;
use schedule::Shape;
use serde::{Deserialize, Serialize};

pub const SCHEMA: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub schema: u32,
    pub file: String,
    pub scenario: String,
    pub doc: Option<String>,
    pub fingerprint: String,
    pub share: Share,
    pub services: Vec<Service>,
    pub targets: Vec<Target>,
    pub flows: Vec<Flow>,
    pub loads: Vec<Load>,
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
    pub flow: usize,
    pub shape: Shape,
    pub stages: Vec<Stage>,
    pub ceiling: Ceiling,
    pub grace: u64,
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
}

/// What is recorded apart: the requests of one step in one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub name: String,
    /// The name as interval logs allow it, unique in the plan.
    pub tag: String,
    pub load: usize,
    pub request: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    pub text: String,
    pub line: usize,
    pub condition: Condition,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    Compare { operator: Binary, left: Measured, right: Measured },
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    Constant { value: f64, unit: Type },
    Metric { metric: Metric, unit: Type },
    Arithmetic { operator: Binary, left: Box<Measured>, right: Box<Measured>, unit: Type },
}

impl Measured {
    pub fn unit(&self) -> Type {
        match self {
            Measured::Constant { unit, .. } | Measured::Metric { unit, .. } | Measured::Arithmetic { unit, .. } => {
                *unit
            }
        }
    }
}

/// A function of recorded series in windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
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
    /// The ends of the slices that measurements are cut into: every second and every edge of a stage, until the
    /// last grace has run out.
    pub fn edges(&self) -> Vec<u64> {
        let last = self.loads.iter().map(|l| l.shape.end() + l.grace).max().unwrap_or(0);
        let mut edges: Vec<u64> = (0..=last / SECOND + 1).map(|s| s * SECOND).collect();
        edges.extend(self.loads.iter().flat_map(|l| l.stages.iter()).flat_map(|s| [s.start, s.end]));
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    pub fn grace(&self) -> u64 {
        self.loads.iter().map(|l| l.grace).max().unwrap_or(0)
    }

    /// The series of a load's request.
    pub fn series_of(&self, load: usize, request: usize) -> Option<usize> {
        self.series.iter().position(|s| s.load == load && s.request == request)
    }

    pub fn request(&self, series: &Series) -> Option<&Request> {
        self.flows[self.loads[series.load].flow].requests().find(|r| r.response == series.request)
    }
}

impl Flow {
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.steps.iter().filter_map(|step| match step {
            Step::Request(request) => Some(request),
            Step::Let { .. } | Step::Think(_) | Step::Expect(_) => None,
        })
    }

    /// Mean and 99.9th percentile of all thinking in one iteration.
    pub fn thinking(&self) -> (f64, f64) {
        self.steps.iter().fold((0.0, 0.0), |(mean, most), step| match step {
            Step::Think(Think::Uniform { least, most: longest }) => {
                (mean + (least + longest) as f64 / 2.0, most + *longest as f64)
            }
            // ln(1000): the 99.9th percentile of an exponential distribution in means.
            Step::Think(Think::Exponential { mean: m }) => (mean + *m as f64, most + *m as f64 * 6.9078),
            Step::Request(_) | Step::Let { .. } | Step::Expect(_) => (mean, most),
        })
    }
}
