//! `stressc runs`: what is recorded beneath a directory, the newest first.

use super::args::RunsArgs;
use super::history::WantedRuns;
use super::output::{Terminal, width};
use crate::base::shown::escaped_line;
use crate::base::units::{SECOND, counted, whole_seconds};
use crate::judge::VerdictKind;
use crate::plan::draw::cut;
use crate::report::{Badge, Tone};
use crate::store::{self, RecordError, Wanted};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::Path;

pub const SCHEMA: u64 = 1;

/// What `stressc runs --json` prints.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Listed {
    pub schema: u64,
    /// The newest first.
    pub runs: Vec<Entry>,
    /// What lies there and cannot be read, in sentences.
    pub problems: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Run,
    Suite,
}

/// A recorded run or suite.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Entry {
    pub id: String,
    pub kind: Kind,
    pub directory: String,
    pub file: String,
    /// The name of the scenario or of the suite.
    pub scenario: String,
    pub profile: Option<String>,
    /// The id of the suite that it is a part of.
    pub suite: Option<String>,
    pub started: Option<String>,
    pub duration_s: Option<f64>,
    /// None if it has no result: it goes on, or was killed. `stressc report` renders it up to there.
    pub verdict: Option<VerdictKind>,
    /// Whether it was recorded to its end.
    pub complete: bool,
}

pub fn runs(args: &RunsArgs, terminal: &Terminal) -> u8 {
    let mut listed = Listed { schema: SCHEMA, runs: Vec::new(), problems: Vec::new() };
    let wanted = WantedRuns::of(args.of.as_deref());
    let (heads, broken) = store::runs(&args.record, Wanted::All);
    listed.problems.extend(broken.iter().map(ToString::to_string));
    let mut found: Vec<Found> = heads.into_iter().map(Found::run).collect();
    for directory in store::suites(&args.record) {
        match Found::suite(&directory) {
            Ok(suite) => found.push(suite),
            Err(error) => listed.problems.push(error.to_string()),
        }
    }
    let is_named = |entry: &Entry| args.of.as_deref() == Some(entry.scenario.as_str());
    found.retain(|own| wanted.is(&own.entry.file, &own.entry.scenario) || is_named(&own.entry));
    // The id begins with the instant.
    found.sort_by(|a, b| b.entry.id.cmp(&a.entry.id));
    let left = found.len().saturating_sub(args.last as usize);
    for own in found.into_iter().take(args.last as usize) {
        match own.whole() {
            Ok(entry) => listed.runs.push(entry),
            Err(error) => listed.problems.push(error.to_string()),
        }
    }
    if args.json {
        terminal.out(&(serde_json::to_string_pretty(&listed).expect("a list is plain data") + "\n"));
        return super::OK;
    }
    terminal.out(&listed.text(width(), terminal.out_coloured()));
    if left > 0 {
        terminal.err(&format!("{} older; `--last N` shows more\n", counted(left as u64, "record")));
    }
    for problem in &listed.problems {
        terminal.err(&format!("not a record that can be read: {}\n", escaped_line(problem)));
    }
    super::OK
}

/// An entry without its result.
struct Found {
    entry: Entry,
    directory: std::path::PathBuf,
}

impl Found {
    fn run(head: store::RunHead) -> Found {
        let store::RunHead { id, directory, parent, file, scenario, profile, .. } = head;
        Found { entry: entry(Kind::Run, &directory, id, (file, scenario, profile), parent), directory }
    }

    fn suite(directory: &Path) -> Result<Found, RecordError> {
        let store::SuiteHead { id, plan, started, .. } = store::read_suite(directory)?.head;
        let of = (plan.file, plan.suite, plan.profile);
        let entry = Entry { started: Some(started), ..entry(Kind::Suite, directory, id, of, None) };
        Ok(Found { entry, directory: directory.to_owned() })
    }

    fn whole(self) -> Result<Entry, RecordError> {
        let Found { entry, directory } = self;
        if let Some(result) = store::result(&directory)? {
            let store::RunResult { started, duration_s, verdict, complete } = result;
            let (started, duration_s, verdict) = (Some(started), Some(duration_s), Some(verdict));
            return Ok(Entry { started, duration_s, verdict, complete, ..entry });
        }
        match entry.kind {
            Kind::Suite => Ok(entry),
            // As far as it was recorded.
            Kind::Run => {
                let (_, stats) = store::read(&directory)?;
                let started = Some(stats.started.clone()).filter(|started| !started.is_empty());
                Ok(Entry { started, duration_s: Some(stats.end() as f64 / SECOND as f64), ..entry })
            }
        }
    }
}

fn entry(
    kind: Kind,
    directory: &Path,
    id: String,
    (file, scenario, profile): (String, String, Option<String>),
    suite: Option<String>,
) -> Entry {
    let directory = directory.display().to_string();
    let (started, duration_s, verdict, complete) = (None, None, None, false);
    Entry { id, kind, directory, file, scenario, profile, suite, started, duration_s, verdict, complete }
}

impl Listed {
    fn text(&self, width: usize, coloured: bool) -> String {
        if self.runs.is_empty() {
            return "no run is recorded here\n".to_owned();
        }
        const LONGEST: usize = 28;
        let name = |own: &Entry| match own.kind {
            Kind::Run => escaped_line(&own.scenario).into_owned(),
            Kind::Suite => format!("suite {}", escaped_line(&own.scenario)),
        };
        let column = self.runs.iter().map(|own| name(own).chars().count()).max().unwrap_or(0).clamp(8, LONGEST);
        let mut out = String::new();
        for own in &self.runs {
            let Badge { sign, word, tone } = own.badge();
            let mark = paint(tone, &format!("{sign} {word:<15}"), coloured);
            let length = own.duration_s.map_or_else(|| "–".to_owned(), |s| whole_seconds((s * SECOND as f64) as u64));
            let line = format!("{}  {:<column$}", own.when(), cut(&name(own), column));
            let id = escaped_line(&own.id);
            // Where both do not fit, the id has a line of its own: it is what other commands take.
            let taken = 17 + length.chars().count().max(8) + 2 + line.chars().count() + 2;
            let between = if taken + id.chars().count() > width { format!("\n{:19}", "") } else { "  ".to_owned() };
            out.push_str(&format!("{mark} {length:>8}  {line}{between}{id}\n"));
        }
        out
    }
}

impl Entry {
    fn badge(&self) -> Badge {
        match self.verdict {
            Some(verdict) => Badge::of_verdict(verdict),
            None => Badge { sign: "…", word: "without result", tone: Tone::Unsure },
        }
    }

    /// To the second, in UTC.
    fn when(&self) -> String {
        let started = self.started.as_deref().map(escaped_line).unwrap_or_default();
        let text: String = started.chars().take(19).collect::<String>().replacen('T', " ", 1);
        format!("{text:<19}")
    }
}

fn paint(tone: Tone, text: &str, coloured: bool) -> String {
    use anstyle::AnsiColor;
    let style = match tone {
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Bad => AnsiColor::Red.on_default(),
        Tone::Unsure | Tone::Muted => AnsiColor::Yellow.on_default(),
        Tone::Plain => anstyle::Style::new(),
    };
    if coloured { format!("{style}{text}{style:#}") } else { text.to_owned() }
}
