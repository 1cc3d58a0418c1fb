//! The types of the language: a closed table.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    Null,
    Bool,
    Text,
    Json,
    Number,
    Percent,
    Points,
    Factor,
    Duration,
    Rate,
    Users,
    Bytes,
    Bandwidth,
    Range,
    List,
    Object,
    Service,
    Target,
    Flow,
    Step,
    Load,
    Stage,
    Response,
    /// What was refused already: agrees with everything, so that one mistake is reported once.
    Wrong,
}

impl Type {
    pub fn name(self) -> &'static str {
        match self {
            Type::Null => "null",
            Type::Bool => "Bool",
            Type::Text => "Text",
            Type::Json => "Json",
            Type::Number => "Number",
            Type::Percent => "Percent",
            Type::Points => "Points",
            Type::Factor => "Factor",
            Type::Duration => "Duration",
            Type::Rate => "Rate",
            Type::Users => "Users",
            Type::Bytes => "Bytes",
            Type::Bandwidth => "Bandwidth",
            Type::Range => "Range",
            Type::List => "List",
            Type::Object => "Object",
            Type::Service => "Service",
            Type::Target => "Target",
            Type::Flow => "Flow",
            Type::Step => "Step",
            Type::Load => "Load",
            Type::Stage => "Stage",
            Type::Response => "Response",
            Type::Wrong => "unknown",
        }
    }

    /// With its article, as in "a Duration".
    pub fn a(self) -> String {
        let article = if self == Type::Object { "an" } else { "a" };
        format!("{article} {}", self.name())
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
            _ => None,
        }
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
