//! What a file means: every name resolved, every template instantiated, every value typed, every quantity in base
//! units (nanoseconds, bytes, shares of one, arrivals a second). Instants are still relations between windows.

use super::inputs::Times;
use super::types::Type;
use crate::base::units::Rate;
use crate::base::{Name, Span};
use crate::syntax::ast::{Binary, ScopeKind};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

pub use super::allow::Allow;
pub use super::condition::{AlertCheck, AlertDoes, Condition, Measured};

#[derive(Debug, Clone, Default, Serialize)]
pub struct Program {
    pub doc: Option<String>,
    pub scenarios: Vec<Scenario>,
    pub suites: Vec<Suite>,
    /// Scenarios of the files that are used, with the name of their file.
    pub used: Vec<(String, Scenario)>,
}

#[derive(Debug, Clone, Serialize)]
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
    /// Everything that is judged, during the run and after it.
    pub fn conditions<'s>(&'s self, each: &mut impl FnMut(&'s Condition<Metric, Moment>)) {
        let steady = self.steady_states.iter().flat_map(|steady| &steady.conditions);
        self.expectations.iter().chain(steady).for_each(|expectation| each(&expectation.condition));
        self.aborts.iter().for_each(|abort| each(&abort.condition));
        self.searches.iter().for_each(|search| each(&search.condition));
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Later {
    pub what: String,
    pub span: Span,
}

/// A text that may hold what is known only when the run has started its parts.
pub type Text = Vec<Piece>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    pub kind: ServiceKind,
    /// A path or an address that must answer before the load starts.
    pub ready: Option<Text>,
    pub ready_within: u64,
    pub stop_within: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Expr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Text>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(String, Text)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<(String, Text)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub restart: bool,
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    Demo(Demo),
    /// Something that runs already, on this machine.
    Attach {
        port: u16,
    },
    Process {
        program: Text,
        arguments: Vec<Text>,
    },
    /// A private cluster from the installed binaries.
    Postgres,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_orders: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loses: Option<f64>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub never_reconnects: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub forgets_keys: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Text>,
}

/// A path between two parts that can be hurt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    pub name: String,
    pub http: bool,
    pub to: Text,
    /// The target that it stands before for the whole run, since there are faults of that: nobody wrote this link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub name: String,
    pub protocol: Protocol,
    pub address: Address,
    pub timeout: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<Connections>,
    /// How many are followed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redirects: u64,
    /// Whether those of a user are kept.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub cookies: bool,
    /// Its requests carry no trace context.
    #[serde(default, skip_serializing_if = "is_false")]
    pub untraced: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, Text)>,
    /// The other options, by their names, as they were written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<(String, Text)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    Http,
    Postgres,
    Mysql,
    Sqlite,
    Tcp,
    Websocket,
    Grpc,
    Redis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connections {
    PerUser,
    PerRequest,
    Pool(u64),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    Url {
        host: String,
        port: u16,
    },
    Service(usize),
    Link(usize),
    /// Known when the parts that it names have been started.
    Late(Text),
}

/// Rows that flows take: known by what they hold. Where they lie is of no matter to anyone but the process that read
/// them and reads them again to run, so it is in no plan that is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Data {
    pub name: String,
    #[serde(skip)]
    pub path: PathBuf,
    pub format: String,
    pub sha256: String,
    pub rows: u64,
    pub columns: Vec<(String, Type)>,
    #[serde(skip)]
    pub times: Option<Result<Times, String>>,
}

/// A file whose content is sent: known by what it holds, as data are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// The last part of its path.
    pub name: String,
    #[serde(skip)]
    pub path: PathBuf,
    pub size: u64,
    pub sha256: String,
}

/// A limit of the clients' own, acquired in flows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    pub name: String,
    pub kind: LimitKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// So many a second.
    Rate(f64),
    /// So many at a time.
    Slots(u64),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Monitor {
    pub name: String,
    pub kind: String,
    pub address: Option<Text>,
}

impl Monitor {
    pub fn is_host(&self) -> bool {
        self.kind == "host"
    }

    /// One of its series, as it is written.
    pub fn series_text(&self, what: &str) -> String {
        match self.is_host() {
            true => format!("{}.{what}", self.name),
            false => format!("{}.query('{what}')", self.name),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertSource {
    pub name: String,
    pub kind: String,
    pub address: Text,
    pub receiver: Option<Text>,
    pub rules: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    pub name: String,
    /// The key is in slot 0.
    pub verify: Option<Flow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    pub name: String,
    pub steps: Vec<Step>,
    /// Number of `let`s: their values live in slots.
    pub slots: usize,
    /// What their values are called, for those who look at them; no part of what is done.
    #[serde(skip)]
    pub names: Vec<String>,
    /// Number of requests: request r keeps its answer in response r.
    pub requests: usize,
    /// Parts of an iteration that are measured apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Values that are measured, with their units.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<(String, Type)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Request(Request),
    Let {
        slot: usize,
        value: Expr,
    },
    Think(Think),
    Expect(Vec<Check>),
    If {
        condition: Expr,
        then: Vec<Step>,
        otherwise: Vec<Step>,
    },
    Group {
        group: usize,
        steps: Vec<Step>,
    },
    Repeat(Repeat),
    Each {
        slot: usize,
        list: Expr,
        at_most: u64,
        together: bool,
        steps: Vec<Step>,
    },
    OncePerUser {
        every: Option<u64>,
        steps: Vec<Step>,
    },
    Acquire {
        limit: usize,
        steps: Vec<Step>,
    },
    Measure {
        measure: usize,
        value: Expr,
    },
    /// How many entries were found, in the `verify` of a ledger.
    Count(Expr),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repeat {
    pub counter: Option<(usize, Expr)>,
    pub test: Option<Expr>,
    /// Goes on while the test holds; else until it does.
    pub goes_on: bool,
    pub every: Option<u64>,
    pub bound: Bound,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    Times(u64),
    Time(u64),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub name: String,
    pub response: usize,
    pub target: usize,
    /// Empty where it is computed.
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
    /// A failure does not end the iteration.
    #[serde(default, skip_serializing_if = "is_false")]
    pub goes_on: bool,
    /// The other parts of a step, by their names: of protocols other than HTTP, and of requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<(String, Expr)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<usize>,
    pub line: usize,
    /// The file in which it stands, for those who look on; no part of what is done.
    #[serde(skip)]
    pub file: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    pub times: u64,
    pub least: u64,
    pub most: u64,
    /// Statuses and kinds of failure that are tried again; all failures where none is named.
    pub when: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub key: Expr,
    pub ledger: usize,
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
    File(Upload),
    /// Parts by their names, of which several may be the same.
    Multipart(Vec<(String, Content)>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    Value(Expr),
    File(Upload),
}

/// A file as it is sent: with a type, and with a name where it is one of several parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    pub file: usize,
    pub kind: Text,
    pub name: Text,
}

impl Body {
    /// Every expression in it.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Body::Json(value) => vec![value],
            Body::Form(fields) => fields.iter().map(|(_, value)| value).collect(),
            Body::Text(pieces) => values(pieces).collect(),
            Body::File(upload) => upload.exprs().collect(),
            Body::Multipart(parts) => parts.iter().flat_map(|(_, content)| content.exprs()).collect(),
        }
    }

    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Body::Json(value) => vec![value],
            Body::Form(fields) => fields.iter_mut().map(|(_, value)| value).collect(),
            Body::Text(pieces) => values_mut(pieces).collect(),
            Body::File(upload) => upload.exprs_mut().collect(),
            Body::Multipart(parts) => parts.iter_mut().flat_map(|(_, content)| content.exprs_mut()).collect(),
        }
    }
}

impl Content {
    fn exprs(&self) -> Vec<&Expr> {
        match self {
            Content::Value(value) => vec![value],
            Content::File(upload) => upload.exprs().collect(),
        }
    }

    fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Content::Value(value) => vec![value],
            Content::File(upload) => upload.exprs_mut().collect(),
        }
    }
}

impl Upload {
    fn exprs(&self) -> impl Iterator<Item = &Expr> {
        values(&self.kind).chain(values(&self.name))
    }

    fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        values_mut(&mut self.kind).chain(values_mut(&mut self.name))
    }
}

/// The values that are put into a text.
pub fn values(pieces: &[Piece]) -> impl Iterator<Item = &Expr> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Literal(_) => None,
        Piece::Value(value) => Some(value),
    })
}

fn values_mut(pieces: &mut [Piece]) -> impl Iterator<Item = &mut Expr> {
    pieces.iter_mut().filter_map(|piece| match piece {
        Piece::Literal(_) => None,
        Piece::Value(value) => Some(value),
    })
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

/// An expression that is evaluated while the run goes on.
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
    Iteration,
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
    /// A secret by its name; its value is never part of a plan.
    Secret(String),
    /// A property of a started part, such as the address of service 2.
    Part {
        part: PartKind,
        index: usize,
        field: String,
    },
    /// A value of the setup.
    Setup(usize),
    /// A free port, the same wherever its number appears.
    Port(usize),
    /// A row of data, chosen each time the step is reached.
    Row {
        data: usize,
        pick: Pick,
    },
    Column {
        row: Box<Expr>,
        column: String,
    },
    /// A further part of an answer: a regular expression, a selector, rows.
    Answer {
        response: usize,
        part: String,
        argument: Option<String>,
        /// Of an element.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attribute: Option<String>,
    },
    /// What is judged about a request when it has ended, in `where`.
    Property(String),
    /// A field of a value of JSON.
    Get {
        value: Box<Expr>,
        path: String,
    },
    /// How many items a list has, or how many things a path finds.
    Count(Box<Expr>),
    Call {
        function: String,
        arguments: Vec<Expr>,
    },
}

impl Expr {
    /// Whether this holds of it or of a part of it; the parts are asked in the order in which they are evaluated.
    pub fn any(&self, holds: &mut impl FnMut(&Expr) -> bool) -> bool {
        if holds(self) {
            return true;
        }
        match self {
            Expr::Text(pieces) => pieces.iter().any(|piece| match piece {
                Piece::Literal(_) => false,
                Piece::Value(value) => value.any(holds),
            }),
            Expr::List(items) | Expr::Call { arguments: items, .. } => items.iter().any(|item| item.any(holds)),
            Expr::Object(fields) => fields.iter().any(|(_, value)| value.any(holds)),
            Expr::Not(inner)
            | Expr::Negate(inner)
            | Expr::Count(inner)
            | Expr::Column { row: inner, .. }
            | Expr::Get { value: inner, .. } => inner.any(holds),
            Expr::Binary { left, right, .. } => left.any(holds) || right.any(holds),
            Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::Slot(_) | Expr::UserId | Expr::Iteration => false,
            Expr::Uuid | Expr::Random { .. } | Expr::Status(_) | Expr::Latency(_) | Expr::BodyText(_) => false,
            Expr::Json { .. } | Expr::Header { .. } | Expr::Secret(_) | Expr::Part { .. } | Expr::Setup(_) => false,
            Expr::Port(_) | Expr::Row { .. } | Expr::Answer { .. } | Expr::Property(_) => false,
        }
    }

    pub fn reads_an_answer(&self) -> bool {
        let fields = matches!(self, Expr::Status(_) | Expr::Latency(_) | Expr::BodyText(_));
        fields || matches!(self, Expr::Json { .. } | Expr::Header { .. } | Expr::Answer { .. })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    Service,
    Link,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    Next,
    Unique,
    Random,
    PerUser,
}

#[derive(Debug, Clone, Serialize)]
pub struct Load {
    pub name: Name,
    pub parts: Vec<MixPart>,
    pub at: Option<Moment>,
    pub stages: Vec<Stage>,
    pub max_in_flight: Option<u64>,
    pub grace: u64,
    pub population: Option<u64>,
    pub pace: Option<u64>,
    pub poisson: bool,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MixPart {
    pub name: String,
    /// A share of one.
    pub weight: f64,
    pub flow: usize,
}

#[derive(Debug, Clone, Serialize)]
pub struct Stage {
    pub name: Option<Name>,
    pub kind: StageKind,
    pub legs: Vec<Leg>,
    /// What one leg of a sweep spends before it is measured.
    pub settle: u64,
    pub iterations: Option<u64>,
    pub replay: Option<Replay>,
    pub span: Span,
}

/// An iteration for each row of data, in the rhythm of a column of instants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    pub data: usize,
    pub column: String,
    pub speed: f64,
    /// The most a second.
    pub densest: f64,
}

/// A level that is held or ramps for a time.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Leg {
    pub from: Level,
    pub to: Level,
    pub length: u64,
}

impl Stage {
    pub fn length(&self) -> u64 {
        self.legs.iter().map(|leg| leg.length).sum()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    Warmup,
    Ramp,
    Hold,
    Spike,
    Steps,
    Idle,
    Sweep,
    Search,
    Replay,
    Once,
}

impl StageKind {
    pub fn word(self) -> &'static str {
        match self {
            StageKind::Warmup => "warmup",
            StageKind::Ramp => "ramp",
            StageKind::Hold => "hold",
            StageKind::Spike => "spike",
            StageKind::Steps => "steps",
            StageKind::Idle => "idle",
            StageKind::Sweep => "sweep",
            StageKind::Search => "search",
            StageKind::Replay => "replay",
            StageKind::Once => "once",
        }
    }

    /// Whether what follows it can be planned. All iterations of a `once` may be done before its end, which stays.
    pub fn ends_as_planned(self) -> bool {
        !matches!(self, StageKind::Search | StageKind::Replay)
    }
}

/// The unit chooses the model: arrivals wait for nobody, users wait for their answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Arrivals(Rate),
    Users(u64),
}

/// A bisection over levels, each tried for a time while a condition holds.
#[derive(Debug, Clone, Serialize)]
pub struct Search {
    pub load: usize,
    pub stage: usize,
    pub least: Level,
    pub most: Level,
    /// How near the highest level that held comes to the lowest that did not.
    pub resolution: f64,
    pub each: u64,
    pub trials: u64,
    pub condition: Condition<Metric, Moment>,
}

/// What breaks, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breakage {
    pub action: String,
    /// What was called, where that was a template: `docker.pause`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    pub element: Element,
    pub settings: Vec<(String, Setting)>,
    pub lasting: bool,
}

impl Breakage {
    /// Brought about from within a database, and not on the way to it.
    pub fn is_within_database(&self) -> bool {
        matches!(self.action.as_str(), "hold_connections" | "kill_connections" | "lock_table")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    Link(usize),
    Target(usize),
    Service(usize),
    Host,
    Command,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    Quantity(f64, Type),
    Text(Text),
}

/// A fault with its time.
#[derive(Debug, Clone, Serialize)]
pub struct Injection {
    pub name: Name,
    pub breakage: Breakage,
    pub when: When,
    pub span: Span,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// `at I for D`
    At { at: Moment, length: Option<u64> },
    /// `during W every P for D`
    During { window: Window, every: Option<u64>, length: Option<u64> },
}

/// Something that happens and is not taken back.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    pub name: Name,
    pub command: Text,
    pub at: Moment,
    pub at_most: u64,
    pub span: Span,
}

#[derive(Debug, Clone, Serialize)]
pub struct SteadyState {
    pub name: Option<String>,
    pub conditions: Vec<Expectation>,
    pub window: u64,
    pub hold: u64,
    pub span: Span,
}

#[derive(Debug, Clone, Serialize)]
pub struct Abort {
    pub text: String,
    pub condition: Condition<Metric, Moment>,
    pub length: u64,
    pub span: Span,
}

#[derive(Debug, Clone, Serialize)]
pub struct Expectation {
    pub text: String,
    pub file: String,
    pub line: usize,
    pub span: Span,
    /// Where the file that was asked for speaks of it: itself, or what includes it.
    #[serde(skip)]
    pub asked: Span,
    pub condition: Condition<Metric, Moment>,
}

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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    pub kind: ScopeKind,
    pub window: Window,
    #[serde(skip)]
    pub span: Span,
}

/// A part of the run, by what bounds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    Run,
    Load(usize),
    Stage {
        load: usize,
        stage: usize,
    },
    /// Stages of one name, in a `repeat`.
    Stages {
        load: usize,
        stages: Vec<usize>,
    },
    Injection(usize),
    Event(usize),
    /// From when a steady state no longer held to when it held again: known only by the run.
    Impact {
        of: Box<Window>,
        steady: Option<usize>,
    },
    Between(Box<Moment>, Box<Moment>),
}

/// An instant: the start or the end of a window, and some time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    pub window: Window,
    pub edge: Edge,
    pub plus: i64,
    #[serde(skip)]
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    Start,
    End,
}

#[derive(Debug, Clone, Serialize)]
pub struct Suite {
    pub name: Name,
    pub doc: Option<String>,
    pub areas: Vec<Area>,
    pub ready: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Area {
    pub name: String,
    pub weight: f64,
    pub scenarios: Vec<SuiteMember>,
}

/// A scenario of a suite.
#[derive(Debug, Clone, Serialize)]
pub struct SuiteMember {
    /// As the suite names it.
    pub path: String,
    /// The name of its file, where it is another one.
    pub module: Option<String>,
    pub scenario: String,
}
