//! What was written: the tree of a file, with the span of every part that a message may point at.

use crate::base::{Name, Span};

#[derive(Debug, Clone, Default)]
pub struct File {
    pub doc: Option<String>,
    pub items: Vec<Item>,
    /// Something in the file was refused, so what is missing from this tree may have been written.
    pub refused: bool,
}

/// A declaration or a clause: of a file, a system or a scenario.
#[derive(Debug, Clone)]
pub enum Item {
    Use(Use),
    Param(Param),
    Allow(Allow),
    Profile(Profile),
    Built(Built),
    Fault(FaultTemplate),
    System(System),
    Flow(Flow),
    Shape(Shape),
    Expectation(Expectation),
    Ledger(Ledger),
    Load(Load),
    Scenario(Scenario),
    Suite(Suite),
    Let(Let),
    Expect(Expect),
    SteadyState(SteadyState),
    Abort(Abort),
    Phase(Phase),
    /// Refused already, with the name that it would have declared; what rests on it stays silent.
    Refused(Option<Name>),
}

impl Item {
    /// The name that it declares.
    pub fn name(&self) -> Option<&Name> {
        Some(match self {
            Item::Param(param) => &param.name,
            Item::Built(built) => &built.name,
            Item::Fault(fault) => &fault.name,
            Item::System(system) => &system.name,
            Item::Flow(flow) => &flow.name,
            Item::Shape(shape) => &shape.name,
            Item::Expectation(expectation) => &expectation.name,
            Item::Ledger(ledger) => &ledger.name,
            Item::Load(load) => &load.name,
            Item::Scenario(scenario) => &scenario.name,
            Item::Suite(suite) => &suite.name,
            Item::Let(binding) => &binding.name,
            Item::SteadyState(steady) => return steady.name.as_ref(),
            Item::Refused(name) => return name.as_ref(),
            Item::Use(_) | Item::Allow(_) | Item::Profile(_) | Item::Expect(_) => return None,
            Item::Abort(_) | Item::Phase(_) => return None,
        })
    }

    /// What may be given to it before it is anything; `None` where it takes nothing.
    pub fn parameters(&self) -> Option<&[Parameter]> {
        match self {
            Item::Fault(fault) => Some(&fault.parameters),
            Item::System(system) => system.parameters.as_deref(),
            Item::Flow(flow) => flow.parameters.as_deref(),
            Item::Shape(shape) => shape.parameters.as_deref(),
            Item::Expectation(expectation) => expectation.parameters.as_deref(),
            Item::Scenario(scenario) => scenario.parameters.as_deref(),
            Item::Use(_) | Item::Param(_) | Item::Profile(_) | Item::Built(_) | Item::Ledger(_) | Item::Load(_) => None,
            Item::Suite(_) | Item::Let(_) | Item::Expect(_) | Item::SteadyState(_) | Item::Abort(_) => None,
            Item::Allow(_) | Item::Phase(_) | Item::Refused(_) => None,
        }
    }

    /// Where it stands, for what concerns it as a whole.
    pub fn span(&self) -> Option<Span> {
        match self {
            Item::Use(import) => Some(import.span),
            Item::Allow(allow) => Some(allow.span),
            Item::Profile(profile) => Some(profile.name.span),
            Item::Expect(expect) => Some(expect.span),
            Item::Abort(abort) => Some(abort.span),
            Item::Phase(phase) => Some(phase.span),
            Item::SteadyState(steady) => Some(steady.span),
            other => other.name().map(|name| name.span),
        }
    }
}

/// `use std.shapes`, `use "./shop.stress" as shop`
#[derive(Debug, Clone)]
pub struct Use {
    pub from: UseFrom,
    pub alias: Option<Name>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UseFrom {
    /// `std.shapes`
    Library(String),
    /// A path, relative to the file that names it.
    File(String),
}

#[derive(Debug, Clone)]
pub struct Param {
    pub name: Name,
    pub kind: TypeName,
    pub value: Option<Expr>,
    pub doc: Option<String>,
}

/// `allow "*.example.com" at most 1M requests`
#[derive(Debug, Clone)]
pub struct Allow {
    pub hosts: Vec<Expr>,
    pub at_most: Option<Expr>,
    pub span: Span,
}

/// A type by its name, or a system of another module by its path.
#[derive(Debug, Clone)]
pub struct TypeName {
    pub path: Vec<Name>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: Name,
    pub kind: TypeName,
    pub default: Option<Expr>,
}

#[derive(Debug, Clone)]
pub struct Profile {
    pub name: Name,
    pub settings: Vec<Setting>,
}

#[derive(Debug, Clone)]
pub struct Setting {
    pub path: Expr,
    pub value: Expr,
}

/// `KIND NAME = CONSTRUCTOR(arguments) { option: value } [at …]`
#[derive(Debug, Clone)]
pub struct Built {
    pub kind: BuiltKind,
    pub name: Name,
    pub doc: Option<String>,
    pub constructor: Expr,
    pub options: Vec<Entry>,
    pub timing: Timing,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuiltKind {
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
    System,
    Flow,
    Scenario,
}

impl BuiltKind {
    pub const ALL: [BuiltKind; 13] = [
        BuiltKind::Service,
        BuiltKind::Link,
        BuiltKind::Target,
        BuiltKind::Data,
        BuiltKind::Limiter,
        BuiltKind::Semaphore,
        BuiltKind::Monitor,
        BuiltKind::Alerts,
        BuiltKind::Fault,
        BuiltKind::Event,
        BuiltKind::System,
        BuiltKind::Flow,
        BuiltKind::Scenario,
    ];

    pub fn word(self) -> &'static str {
        match self {
            BuiltKind::Service => "service",
            BuiltKind::Link => "link",
            BuiltKind::Target => "target",
            BuiltKind::Data => "data",
            BuiltKind::Limiter => "limiter",
            BuiltKind::Semaphore => "semaphore",
            BuiltKind::Monitor => "monitor",
            BuiltKind::Alerts => "alerts",
            BuiltKind::Fault => "fault",
            BuiltKind::Event => "event",
            BuiltKind::System => "system",
            BuiltKind::Flow => "flow",
            BuiltKind::Scenario => "scenario",
        }
    }
}

/// When something happens: `at I for D`, `during W every P for D`, `for at most D`.
#[derive(Debug, Clone, Default)]
pub struct Timing {
    pub at: Option<Expr>,
    pub during: Option<Expr>,
    pub every: Option<Expr>,
    pub length: Option<Expr>,
    pub at_most: Option<Expr>,
}

#[derive(Debug, Clone)]
pub struct System {
    pub name: Name,
    pub doc: Option<String>,
    pub parameters: Option<Vec<Parameter>>,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: Name,
    pub doc: Option<String>,
    pub parameters: Option<Vec<Parameter>>,
    pub items: Vec<Item>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Let {
    pub name: Name,
    pub value: Expr,
}

#[derive(Debug, Clone)]
pub struct Flow {
    pub name: Name,
    pub doc: Option<String>,
    pub parameters: Option<Vec<Parameter>>,
    pub on: Option<Expr>,
    pub steps: Vec<Step>,
}

/// `setup` or `teardown`: once, unmeasured.
#[derive(Debug, Clone)]
pub struct Phase {
    pub after: bool,
    pub on: Option<Expr>,
    pub steps: Vec<Step>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Ledger {
    pub name: Name,
    pub doc: Option<String>,
    pub on: Option<Expr>,
    pub verify: Option<Verify>,
    pub span: Span,
}

/// `verify KEY { … }`: asks for one entry.
#[derive(Debug, Clone)]
pub struct Verify {
    pub key: Name,
    pub steps: Vec<Step>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Step {
    pub kind: StepKind,
    pub doc: Option<String>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum StepKind {
    Request(Box<Request>),
    Let(Let),
    Set(Let),
    Think(Expr),
    Expect(Vec<Clause>),
    If {
        condition: Expr,
        then: Vec<Step>,
        otherwise: Vec<Step>,
    },
    Group {
        name: Name,
        steps: Vec<Step>,
    },
    Repeat(Repeat),
    Each {
        name: Name,
        list: Expr,
        at_most: Option<Expr>,
        together: bool,
        steps: Vec<Step>,
    },
    OncePerUser {
        every: Option<Expr>,
        steps: Vec<Step>,
    },
    Acquire {
        limit: Expr,
        steps: Vec<Step>,
    },
    Measure {
        name: Name,
        value: Expr,
    },
    Include(Include),
    /// `count EXPR` in the `verify` of a ledger.
    Count(Expr),
    /// As [`Item::Refused`].
    Refused(Option<Name>),
}

#[derive(Debug, Clone)]
pub struct Repeat {
    pub counter: Option<(Name, Expr)>,
    /// The condition, and whether it is one to go on (`while`) or to end (`until`).
    pub test: Option<(Expr, bool)>,
    pub every: Option<Expr>,
    pub at_most: Option<Expr>,
    pub steps: Vec<Step>,
}

/// One exchange with a target, of whichever protocol; the verb says which.
#[derive(Debug, Clone)]
pub struct Request {
    pub verb: Name,
    /// `request METHOD PATH`: the computed method.
    pub method: Option<Expr>,
    pub subject: Option<Expr>,
    pub on: Option<Expr>,
    pub name: Option<Name>,
    pub retry: Option<Expr>,
    pub backoff: Option<Expr>,
    pub retry_when: Option<Expr>,
    pub matching: Option<Expr>,
    pub within: Option<Expr>,
    pub entries: Vec<Entry>,
    pub expects: Vec<Clause>,
    /// `record KEY in LEDGER`
    pub records: Vec<Expr>,
    /// `continue`: a failure does not end the iteration.
    pub goes_on: bool,
}

/// `include X(arguments) as NAME`
#[derive(Debug, Clone)]
pub struct Include {
    pub what: Expr,
    pub alias: Option<Name>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Load {
    pub name: Name,
    pub doc: Option<String>,
    pub of: LoadOf,
    pub at: Option<Expr>,
    pub options: Vec<Entry>,
    pub stages: Vec<Stage>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum LoadOf {
    One(Expr),
    Mix(Vec<MixPart>),
}

/// `80% browse as readers`
#[derive(Debug, Clone)]
pub struct MixPart {
    pub weight: Expr,
    pub flow: Expr,
    pub name: Option<Name>,
}

/// `fault gone(container: Text) = command(…)`: what breaks, without when.
#[derive(Debug, Clone)]
pub struct FaultTemplate {
    pub name: Name,
    pub doc: Option<String>,
    pub parameters: Vec<Parameter>,
    pub action: Expr,
}

#[derive(Debug, Clone)]
pub struct Shape {
    pub name: Name,
    pub doc: Option<String>,
    pub parameters: Option<Vec<Parameter>>,
    pub stages: Vec<Stage>,
}

#[derive(Debug, Clone)]
pub struct Stage {
    pub kind: StageKind,
    pub name: Option<Name>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum StageKind {
    Warmup {
        level: Expr,
        length: Expr,
    },
    Hold {
        level: Expr,
        length: Expr,
    },
    Ramp {
        from: Expr,
        to: Expr,
        over: Expr,
    },
    Spike {
        level: Expr,
        length: Expr,
    },
    Steps {
        from: Expr,
        to: Expr,
        by: Expr,
        every: Expr,
    },
    Idle {
        length: Expr,
    },
    Sweep {
        levels: Expr,
        length: Expr,
        settle: Option<Expr>,
    },
    Search {
        range: Expr,
        length: Expr,
        condition: Expr,
    },
    Replay {
        data: Expr,
        speed: Option<Expr>,
    },
    Once {
        iterations: Expr,
        users: Expr,
        within: Expr,
    },
    Repeat {
        times: Expr,
        stages: Vec<Stage>,
    },
    Include(Include),
    /// As [`Item::Refused`]; the stage keeps its name.
    Refused,
}

#[derive(Debug, Clone)]
pub struct Expectation {
    pub name: Name,
    pub doc: Option<String>,
    pub parameters: Option<Vec<Parameter>>,
    pub clauses: Vec<Clause>,
}

#[derive(Debug, Clone)]
pub struct Expect {
    pub clauses: Vec<Clause>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct SteadyState {
    pub name: Option<Name>,
    pub options: Vec<Entry>,
    pub clauses: Vec<Clause>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Abort {
    pub condition: Condition,
    pub length: Option<Expr>,
    pub span: Span,
}

/// A line of an `expect` block.
#[derive(Debug, Clone)]
pub enum Clause {
    Condition(Condition),
    Include(Include),
    Alert(Alert),
    NoOtherAlert {
        source: Option<Expr>,
        scopes: Vec<Scope>,
        span: Span,
    },
    /// As [`Item::Refused`].
    Refused,
}

#[derive(Debug, Clone)]
pub struct Condition {
    pub expr: Expr,
    pub tail: Tail,
    pub span: Span,
}

/// What follows a condition: where it is judged, in which slices, with which tolerance.
#[derive(Debug, Clone, Default)]
pub struct Tail {
    pub scopes: Vec<Scope>,
    pub slices: Option<Slices>,
    pub within: Option<Within>,
}

/// `in 95% of every 10s`
#[derive(Debug, Clone)]
pub struct Slices {
    pub share: Option<Expr>,
    pub every: Expr,
    pub span: Span,
}

/// `within D of I`, `within 2% of X`
#[derive(Debug, Clone)]
pub struct Within {
    pub tolerance: Expr,
    pub of: Expr,
    pub span: Span,
}

/// `alert "Name" { label: "value" } from SOURCE …`
#[derive(Debug, Clone)]
pub struct Alert {
    pub name: Expr,
    pub labels: Vec<Entry>,
    pub source: Option<Expr>,
    pub does: AlertDoes,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum AlertDoes {
    Fires(Within),
    Resolves(Within),
    StaysQuiet(Vec<Scope>),
}

#[derive(Debug, Clone)]
pub struct Suite {
    pub name: Name,
    pub doc: Option<String>,
    pub areas: Vec<Area>,
    pub ready: Option<Expr>,
    pub span: Span,
}

/// `area NAME 30%: scenario, scenario`
#[derive(Debug, Clone)]
pub struct Area {
    pub name: Name,
    pub weight: Option<Expr>,
    pub scenarios: Vec<Expr>,
}

#[derive(Debug, Clone)]
pub struct Scope {
    pub kind: ScopeKind,
    pub window: Expr,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    During,
    Outside,
    After,
    Before,
}

impl ScopeKind {
    pub fn word(self) -> &'static str {
        match self {
            ScopeKind::During => "during",
            ScopeKind::Outside => "outside",
            ScopeKind::After => "after",
            ScopeKind::Before => "before",
        }
    }
}

/// `label: value`
#[derive(Debug, Clone)]
pub struct Entry {
    pub label: Name,
    pub value: Expr,
}

#[derive(Debug, Clone)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum ExprKind {
    Null,
    Bool(bool),
    Number(f64),
    /// Nanoseconds.
    Duration(u64),
    Rate(crate::base::units::Rate),
    Users(u64),
    /// A share: `5%` is 0.05.
    Percent(f64),
    Points(f64),
    Factor(f64),
    Bytes(u64),
    /// Bytes a second.
    Bandwidth(f64),
    Text(Vec<TextPart>),
    List(Vec<Expr>),
    /// The value that a baseline has for what stands on the other side, by its name or the newest.
    Baseline(Vec<Argument>),
    Object(Vec<Entry>),
    Name(Name),
    Field {
        base: Box<Expr>,
        field: Name,
    },
    Call {
        function: Name,
        arguments: Vec<Argument>,
    },
    Method {
        base: Box<Expr>,
        method: Name,
        arguments: Vec<Argument>,
    },
    Unary {
        operator: Unary,
        operand: Box<Expr>,
    },
    Binary {
        operator: Binary,
        operator_span: Span,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// Something that was refused already; what rests on it stays silent.
    Wrong,
}

#[derive(Debug, Clone)]
pub enum TextPart {
    Literal(String),
    /// A path such as `user.id`.
    Path(Expr),
}

#[derive(Debug, Clone)]
pub struct Argument {
    pub label: Option<Name>,
    pub value: Expr,
    /// `where`: which of the requests.
    pub matching: Option<Expr>,
    pub scopes: Vec<Scope>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    Negate,
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Range,
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Binary {
    pub fn symbol(self) -> &'static str {
        match self {
            Binary::Or => "or",
            Binary::And => "and",
            Binary::Equal => "==",
            Binary::NotEqual => "!=",
            Binary::Less => "<",
            Binary::LessEqual => "<=",
            Binary::Greater => ">",
            Binary::GreaterEqual => ">=",
            Binary::In => "in",
            Binary::Range => "..",
            Binary::Add => "+",
            Binary::Subtract => "-",
            Binary::Multiply => "*",
            Binary::Divide => "/",
        }
    }

    pub fn compares(self) -> bool {
        use Binary::{Equal, Greater, GreaterEqual, In, Less, LessEqual, NotEqual};
        matches!(self, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | In)
    }
}
