//! What the checker knows about the world: the modules, files and settings that the loader fetched for it.

use super::types::Type;
use crate::base::FileId;
use crate::syntax::ast;
pub use crate::syntax::needs::FileKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::PathBuf;

/// Everything that one compilation is given, the file that was asked for first.
#[derive(Debug, Default)]
pub struct Inputs {
    pub modules: Vec<Module>,
    pub files: HashMap<FileNeed, Result<Content, String>>,
    /// Variables that the files name.
    pub env: HashMap<String, String>,
    /// The names of the library's modules.
    pub library: Vec<String>,
    pub profile: Option<String>,
    /// `--set NAME=VALUE`, parsed as a value is in a file.
    pub settings: Vec<ast::Setting>,
}

impl Inputs {
    /// The texts of files that are no scenarios.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.files.values().filter_map(|content| match content {
            Ok(Content::Text(document)) => document.text.as_deref().ok(),
            Ok(Content::Table(_) | Content::Rules(_) | Content::Prometheus(_)) | Err(_) => None,
        })
    }
}

#[derive(Debug)]
pub struct Module {
    pub file: FileId,
    /// How a person calls it.
    pub name: String,
    pub ast: ast::File,
    /// For each `use`, in the order of the text: the module, or why there is none.
    pub uses: Vec<Result<usize, String>>,
}

/// A file next to a source file, as it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileNeed {
    /// The source file that names it.
    pub from: FileId,
    pub path: String,
    pub kind: FileKind,
}

#[derive(Debug, Clone)]
pub enum Content {
    Text(Document),
    Table(Table),
    Rules(RulesFile),
    Prometheus(PrometheusFile),
}

/// A file as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Where it really lies, from the root of the file system and without a link, so that a run reads the same file.
    pub path: PathBuf,
    pub size: u64,
    pub sha256: String,
    /// Its text, or why it is none.
    pub text: Result<String, String>,
}

impl Document {
    /// A file that is sent has at most so many bytes: more would not fit into the memory of usual machines. Of a larger
    /// one no more is read.
    pub const LARGEST: u64 = 1 << 30;
}

/// A data file in short. A column is Count where each cell is a whole number, Number or Bool where each is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Where it really lies, from the root of the file system and without a link, so that a run reads the same file.
    pub path: PathBuf,
    pub columns: Vec<(String, Type)>,
    pub rows: u64,
    pub sha256: String,
    /// Of a file with a column of instants: what a replay needs, or why they cannot be replayed.
    pub times: Option<Result<Instants, String>>,
}

/// Instants in order, from the first on.
#[derive(Debug, Clone, PartialEq)]
pub struct Instants {
    pub column: String,
    /// From the first to the last, in nanoseconds.
    pub length: u64,
    /// The most within a second.
    pub densest: u64,
}

/// What a rules file of Prometheus says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RulesFile {
    pub rules: Vec<Rule>,
    pub recorded: Vec<Recorded>,
    /// What Prometheus would refuse of it.
    pub problems: Vec<RuleProblem>,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleProblem {
    pub line: u64,
    pub what: String,
}

/// The configuration of a Prometheus, as far as it says when an alert can fire.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PrometheusFile {
    /// How often targets are scraped that do not say it themselves, in nanoseconds.
    pub scrape: u64,
    /// How often rules are evaluated whose group does not say it itself.
    pub evaluation: u64,
    /// The labels of alerts are rewritten before they are sent.
    pub relabels: bool,
    /// As they are written, relative to the configuration.
    pub rule_files: Vec<String>,
    /// What these hold, each by how a person knows it.
    pub rules: Vec<(String, Result<RulesFile, String>)>,
}

/// An alerting rule of a rules file.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Rule {
    pub alert: String,
    /// How long its expression must hold, in nanoseconds.
    pub held: u64,
    /// How often its group is evaluated, where the group says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Where it stands in its file, counted from 1.
    #[serde(default)]
    pub line: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expr: String,
    /// How long it goes on firing after its expression has stopped holding.
    #[serde(default)]
    pub keeps: u64,
    /// The names of its annotations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<String>,
}

/// A series that a recording rule makes of others.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Recorded {
    pub metric: String,
    pub expr: String,
}

impl Rule {
    /// The value of a label, if the rule sets it and Prometheus does not expand a template in it.
    pub fn label(&self, name: &str) -> Option<&str> {
        let (_, value) = self.labels.iter().find(|(own, _)| own == name)?;
        (!value.contains("{{")).then_some(value)
    }

    /// Whether an alert of it may carry these labels. Those that it does not set may come from its series.
    pub fn may_carry(&self, labels: &[(String, String)]) -> bool {
        labels.iter().all(|(name, wanted)| self.label(name).is_none_or(|own| own == wanted))
    }
}
