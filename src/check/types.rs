//! The types of the language: a closed table.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! types {
    ($($name:ident $shown:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Type {
            $($name,)*
            /// What was refused already: agrees with everything, so that one mistake is reported once.
            Wrong,
        }

        impl Type {
            pub const ALL: &'static [Type] = &[$(Type::$name,)*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Type::$name => $shown,)*
                    Type::Wrong => "unknown",
                }
            }
        }
    };
}

types! {
    Null "null",
    Bool "Bool",
    Text "Text",
    Secret "Secret",
    Json "Json",
    Number "Number",
    Count "Count",
    Percent "Percent",
    Points "Points",
    Factor "Factor",
    Duration "Duration",
    Rate "Rate",
    Users "Users",
    Level "Level",
    Bytes "Bytes",
    Bandwidth "Bandwidth",
    Instant "Instant",
    Window "Window",
    Windows "Windows",
    Range "Range",
    List "List",
    Object "Object",
    Row "Row",
    Samples "Samples",
    Series "Series",
    Target "Target",
    Http "Http",
    Database "Database",
    Tcp "Tcp",
    WebSocket "WebSocket",
    Grpc "Grpc",
    Redis "Redis",
    Service "Service",
    Link "Link",
    Data "Data",
    Limiter "Limiter",
    Semaphore "Semaphore",
    Monitor "Monitor",
    Alerts "Alerts",
    Ledger "Ledger",
    Flow "Flow",
    Step "Step",
    Load "Load",
    Stage "Stage",
    Fault "Fault",
    Injection "Injection",
    Event "Event",
    SteadyState "SteadyState",
    Response "Response",
    System "System",
    Shape "Shape",
    Expectation "Expectation",
    Scenario "Scenario",
    Suite "Suite",
    Module "Module",
}

impl Type {
    /// The type that a declaration may name; handles that only the language itself hands out have no written name.
    pub fn parse(name: &str) -> Option<Type> {
        Type::ALL.iter().copied().find(|kind| kind.name() == name && kind.is_written())
    }

    pub fn written() -> impl Iterator<Item = &'static str> {
        Type::ALL.iter().filter(|kind| kind.is_written()).map(|kind| kind.name())
    }

    fn is_written(self) -> bool {
        use Type::{
            Event, Expectation, Module, Null, Object, Response, Row, Shape, SteadyState, Step, Suite, System, Wrong,
        };
        !matches!(
            self,
            Null | Object
                | Row
                | Step
                | Event
                | SteadyState
                | Response
                | System
                | Shape
                | Expectation
                | Suite
                | Module
                | Wrong
        )
    }

    /// With its article, as in "a Duration".
    pub fn a(self) -> String {
        let name = self.name();
        if self == Type::Windows {
            return "several windows".to_owned();
        }
        let vowel = name.starts_with(['A', 'E', 'I', 'O']) || self == Type::Http;
        format!("{} {name}", if vowel { "an" } else { "a" })
    }

    /// What is asked for where it is due, in the words of a scenario.
    pub fn wanted(self) -> String {
        match self {
            Type::Samples => "a load, a flow or a step".to_owned(),
            Type::Window | Type::Windows => "a window".to_owned(),
            kind => kind.a(),
        }
    }

    /// A number with or without a dimension.
    pub fn is_quantity(self) -> bool {
        use Type::{Bandwidth, Bytes, Count, Duration, Factor, Level, Number, Percent, Points, Rate, Users};
        matches!(self, Number | Count | Percent | Points | Factor | Duration | Rate | Users | Level | Bytes | Bandwidth)
    }

    pub fn is_target(self) -> bool {
        use Type::{Database, Grpc, Http, Redis, Target, Tcp, WebSocket};
        matches!(self, Target | Http | Database | Tcp | WebSocket | Grpc | Redis)
    }

    /// Whether it stands for requests that are measured.
    pub fn is_population(self) -> bool {
        matches!(self, Type::Samples | Type::Load | Type::Flow | Type::Step)
    }

    /// Whether it stands for a window of the run.
    pub fn is_window(self) -> bool {
        use Type::{Event, Injection, Load, Stage, Window, Windows};
        matches!(self, Window | Windows | Load | Stage | Injection | Event)
    }

    /// Whether a value of the other type may stand where this one is due.
    pub fn accepts(self, found: Type) -> bool {
        match (self, found) {
            (a, b) if a == b => true,
            (_, Type::Wrong) | (Type::Wrong, _) => true,
            (Type::Number, Type::Count) => true,
            (Type::Level, Type::Rate | Type::Users) | (Type::Rate | Type::Users, Type::Level) => true,
            (Type::Target, b) => b.is_target(),
            (Type::Samples, b) => b.is_population(),
            (Type::Window | Type::Windows, b) => b.is_window(),
            // A window stands for its start.
            (Type::Instant, b) => b.is_window() || b == Type::Duration,
            (Type::Json, Type::Null | Type::Bool | Type::Text | Type::Number | Type::Count) => true,
            (Type::Json, Type::List | Type::Object) => true,
            // What an answer holds is known when it comes.
            (Type::Text | Type::Number | Type::Count | Type::Bool | Type::List, Type::Json) => true,
            _ => false,
        }
    }

    /// What somebody probably meant who wrote the plain number `text` where this type is due.
    pub fn guess(self, text: &str) -> Option<String> {
        match self {
            Type::Duration => Some(format!("{text}ms")),
            Type::Rate => Some(format!("{text}/s")),
            Type::Users => Some(format!("{text} users")),
            Type::Percent => Some(format!("{text}%")),
            Type::Factor => Some(format!("{text}x")),
            Type::Bytes => Some(format!("{text}MiB")),
            Type::Bandwidth => Some(format!("{text}MiB/s")),
            _ => None,
        }
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
