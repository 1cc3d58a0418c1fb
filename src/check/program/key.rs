//! The key of a metric across runs, under which a baseline keeps it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};

/// A metric by what it is of, however that is written: by full names, exact numbers, and scopes in one order. Nothing of it is of the
/// place where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema, Serialize, Deserialize)]
pub struct MetricKey {
    pub function: String,
    /// The path of what it speaks of.
    pub of: String,
    /// `where`: which of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<String>,
    /// Each with its word; those of the condition around it are its own as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// What the function takes next to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
}

impl Display for MetricKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}", self.function, self.of)?;
        self.matching.iter().try_for_each(|matching| write!(f, " where {matching}"))?;
        self.scopes.iter().try_for_each(|scope| write!(f, " {scope}"))?;
        self.argument.iter().try_for_each(|argument| write!(f, ", {argument}"))?;
        f.write_str(")")
    }
}
