//! A history for a person and for a program: each series with its segments, changes and creep.

use crate::base::units::{counted, grouped};
use crate::history::{Change, Creep, FEWEST, Segment, Shape};
use crate::metric::{printed, shown_change};
use crate::plan::Type;
use crate::plan::draw::sparkline;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write;

pub const SCHEMA: u64 = 1;

/// What `stressc history --json` prints.
#[derive(Debug, JsonSchema, Serialize)]
pub struct History {
    pub schema: u64,
    pub series: Vec<Told>,
    /// What was left out, in sentences.
    pub notes: Vec<String>,
}

/// A number of each run.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Told {
    /// The file of the numbers, or `FILE:SCENARIO` of the runs.
    pub of: String,
    pub name: String,
    pub unit: Type,
    /// The oldest first; a segment, a change and a creep name them by their places, from 0 on.
    pub values: Vec<Value>,
    #[serde(flatten)]
    pub shape: Shape,
}

#[derive(Debug, JsonSchema, Serialize)]
pub struct Value {
    pub run: String,
    /// The commit of the scenario's repository when the run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// In base units: nanoseconds, bytes, shares of one.
    pub value: f64,
}

impl History {
    pub fn new(series: Vec<Told>, notes: Vec<String>) -> History {
        History { schema: SCHEMA, series, notes }
    }

    /// As wide as a terminal is.
    pub fn text(&self, width: usize) -> String {
        let mut out = String::new();
        for (index, told) in self.series.iter().enumerate() {
            let is_new = index.checked_sub(1).is_none_or(|before| self.series[before].of != told.of);
            if index > 0 {
                out.push('\n');
            }
            if is_new {
                let _ = writeln!(out, "{}", told.of);
            }
            told.text(&mut out, width.clamp(40, 120) - INDENT.len());
        }
        if self.series.iter().any(|told| told.values.len() < FEWEST) {
            let _ = writeln!(out, "{INDENT}! a change is told from {FEWEST} runs on");
        }
        for note in &self.notes {
            let _ = writeln!(out, "  ! {note}");
        }
        out
    }
}

const INDENT: &str = "  ";
/// So many digits of a commit are told.
const SHORT: usize = 10;

impl Told {
    fn text(&self, out: &mut String, width: usize) {
        let [least, most] = [f64::min, f64::max].map(|of| self.all().reduce(of).unwrap_or(f64::NAN));
        let [least, most] = [least, most].map(|value| printed(value, self.unit));
        let runs = counted(self.values.len() as u64, "run");
        let range = if least == most { least } else { format!("{least} to {most}") };
        let _ = writeln!(out, "{}: {runs}, {range}", self.name);
        let _ = writeln!(out, "{INDENT}{}", sparkline(&self.all().collect::<Vec<f64>>(), width));
        if self.values.len() < FEWEST {
            return;
        }
        self.segments(out);
        if self.shape.changes.is_empty() {
            let _ = writeln!(out, "{INDENT}no change point");
        }
        if let Some(creep) = &self.shape.creep {
            let _ = writeln!(out, "{INDENT}{}", self.creep(creep));
        }
    }

    /// Each with its median, and from the second on with the change that it begins with.
    fn segments(&self, out: &mut String) {
        let name = |one: &Segment| match one.to - one.from {
            1 => self.run(one.from).to_owned(),
            _ => format!("{} to {}", self.run(one.from), self.run(one.to - 1)),
        };
        let names: Vec<String> = self.shape.segments.iter().map(name).collect();
        let wide = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        for (index, (segment, name)) in self.shape.segments.iter().zip(&names).enumerate() {
            let change = index.checked_sub(1).and_then(|before| self.shape.changes.get(before));
            let line = format!("{INDENT}{name:<wide$}  median {:<9}", printed(segment.median, self.unit));
            let change = change.map_or_else(String::new, |change| format!("  {}", self.change(change)));
            let _ = writeln!(out, "{}", format!("{line}{change}").trim_end());
        }
    }

    fn all(&self) -> impl Iterator<Item = f64> {
        self.values.iter().map(|one| one.value)
    }

    fn run(&self, index: usize) -> &str {
        self.values.get(index).map_or("", |one| one.run.as_str())
    }

    fn change(&self, change: &Change) -> String {
        let shown = |value: f64| shown_change(value, self.shape.relative, self.unit);
        let commit = self.values.get(change.index).and_then(|one| one.commit.as_deref());
        let commit =
            commit.map_or_else(String::new, |commit| format!(" at commit {}", commit.get(..SHORT).unwrap_or(commit)));
        let mut text = format!("{} from {}{commit} on", shown(change.shift.change), self.run(change.index));
        if let Some((low, high)) = change.shift.interval {
            let _ = write!(text, " ({} to {})", shown(low), shown(high));
        }
        let (first, last) = change.between;
        if first < last {
            let _ = write!(text, "; it began somewhere from {} to {}", self.run(first), self.run(last));
        }
        text
    }

    fn creep(&self, creep: &Creep) -> String {
        let shown = |value: f64| shown_change(value, self.shape.relative, self.unit);
        let (low, high) = creep.interval;
        format!(
            "slow creep from about {} on: {} over {} runs ({} to {})",
            self.run(creep.from),
            shown(creep.change),
            grouped(creep.runs as f64, 0),
            shown(low),
            shown(high)
        )
    }
}
