//! What was written: the tree of a file, with the span of every part that a message may point at.

mod expr;
mod flow;
mod judged;
mod load;

use crate::base::{Name, Span};
pub use expr::*;
pub use flow::*;
pub use judged::*;
pub use load::*;

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
