//! What a file means: every name resolved, every value typed, every quantity in base units (nanoseconds, bytes,
//! shares of one, arrivals a second).

use super::types::Type;
use crate::base::units::Rate;
use crate::base::{Name, Span};
use crate::syntax::ast::{Binary, ScopeKind};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize)]
pub struct Program {
    pub doc: Option<String>,
    pub scenarios: Vec<Scenario>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Scenario {
    pub name: Name,
    pub doc: Option<String>,
    pub services: Vec<Service>,
    pub targets: Vec<Target>,
    pub flows: Vec<Flow>,
    pub loads: Vec<Load>,
    pub expectations: Vec<Expectation>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    pub kind: ServiceKind,
    /// A path that must answer 2xx before the load starts.
    pub ready: Option<String>,
    pub ready_within: u64,
    pub stop_within: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    Demo(Demo),
    /// Something that runs already, on this machine.
    Attach {
        port: u16,
    },
}

/// How the demo shop is built; what is `None` is the shop's own choice.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Demo {
    pub pool: Option<u32>,
    pub slots: Option<u32>,
    pub rate_limit: Option<f64>,
    pub slow: Option<u64>,
    pub error_rate: Option<f64>,
    pub leak: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub name: String,
    pub address: Address,
    pub timeout: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    Url { host: String, port: u16 },
    Service(usize),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    pub name: String,
    pub steps: Vec<Step>,
    /// Number of `let`s: their values live in slots.
    pub slots: usize,
    /// Number of requests: request r keeps its answer in response r.
    pub requests: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Request(Request),
    Let { slot: usize, value: Expr },
    Think(Think),
    Expect(Vec<Check>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub name: String,
    pub response: usize,
    pub target: usize,
    pub method: String,
    pub path: Vec<Piece>,
    pub headers: Vec<(String, Vec<Piece>)>,
    pub body: Option<Body>,
    pub timeout: Option<u64>,
    pub expects: Vec<Check>,
    /// An expectation speaks of the status, so a status of 400 and above is no failure by itself.
    pub judges_status: bool,
    pub keep_body: bool,
    pub keep_headers: bool,
    pub line: usize,
}

/// A piece of a text: as written, or a value put in, percent-encoded in a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    Literal(String),
    Value(Expr),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    Json(Expr),
    Form(Vec<(String, Expr)>),
    Text(Vec<Piece>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Think {
    Uniform { least: u64, most: u64 },
    Exponential { mean: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub text: String,
    pub condition: Expr,
}

/// An expression of a flow, evaluated once an iteration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expr {
    Null,
    Bool(bool),
    /// Numbers, and quantities in base units.
    Number(f64),
    Text(Vec<Piece>),
    List(Vec<Expr>),
    Object(Vec<(String, Expr)>),
    Slot(usize),
    UserId,
    Uuid,
    Random {
        least: f64,
        most: f64,
    },
    Status(usize),
    Latency(usize),
    BodyText(usize),
    Json {
        response: usize,
        path: String,
    },
    Header {
        response: usize,
        name: String,
    },
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary {
        operator: Binary,
        left: Box<Expr>,
        right: Box<Expr>,
    },
}

#[derive(Debug, Clone, Serialize)]
pub struct Load {
    pub name: Name,
    pub flow: usize,
    pub stages: Vec<Stage>,
    pub max_in_flight: Option<u64>,
    pub grace: u64,
    pub span: Span,
}

#[derive(Debug, Clone, Serialize)]
pub struct Stage {
    pub name: Option<Name>,
    pub kind: StageKind,
    pub from: Level,
    pub to: Level,
    pub length: u64,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    Warmup,
    Ramp,
    Hold,
    Spike,
}

/// The unit chooses the model: arrivals wait for nobody, users wait for their answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Arrivals(Rate),
    Users(u64),
}

#[derive(Debug, Clone, Serialize)]
pub struct Expectation {
    pub text: String,
    pub line: usize,
    pub span: Span,
    pub condition: Condition,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    Compare { operator: Binary, left: Box<Measured>, right: Box<Measured> },
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

/// An expression over measurements.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    Constant { value: f64, unit: Type },
    Metric { function: Function, population: Population, scopes: Vec<Scope>, unit: Type, span: Span },
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

/// What is computed of a population in a window.
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
}

/// Whose requests are meant: of one load or of all, of one flow or of all, of one request step or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Population {
    pub load: Option<usize>,
    pub flow: Option<usize>,
    pub request: Option<usize>,
    pub part: Part,
}

/// Which time of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// From the intended instant to the last byte.
    Latency,
    /// From the actual send to the last byte.
    ServiceTime,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub struct Scope {
    #[serde(serialize_with = "scope_word")]
    pub kind: ScopeKind,
    pub window: Window,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    Load(usize),
    Stage { load: usize, stage: usize },
}

fn scope_word<S: serde::Serializer>(kind: &ScopeKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match kind {
        ScopeKind::During => "during",
        ScopeKind::Outside => "outside",
        ScopeKind::After => "after",
        ScopeKind::Before => "before",
    })
}
