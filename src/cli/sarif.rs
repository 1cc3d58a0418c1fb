//! Diagnostics as SARIF 2.1.0, for `--format sarif`: what code scanning and editors read.

use crate::base::{Source, Sources, Span};
use crate::diag::{Applicability, Code, Diagnostic, Edit, Fix, Severity};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// One log of one run of the compiler.
#[derive(Debug, Default)]
pub struct Log {
    /// The codes of the results, in the order in which they first appear.
    rules: Vec<Code>,
    results: Vec<Value>,
    /// Paths are told from here, as in a repository.
    here: Option<PathBuf>,
}

impl Log {
    pub fn new() -> Log {
        Log { here: std::env::current_dir().ok(), ..Log::default() }
    }

    pub fn add(&mut self, diagnostics: &[Diagnostic], sources: &Sources) {
        for diagnostic in diagnostics {
            let result = self.result(diagnostic, sources);
            self.results.push(result);
        }
    }

    pub fn text(&self) -> String {
        let log = json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "stressc",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": self.rules.iter().copied().map(rule).collect::<Vec<_>>(),
                } },
                // Code points, as everywhere in this program.
                "columnKind": "unicodeCodePoints",
                "results": self.results,
            }],
        });
        serde_json::to_string_pretty(&log).expect("plain data can be written") + "\n"
    }

    fn result(&mut self, diagnostic: &Diagnostic, sources: &Sources) -> Value {
        let index = self.rules.iter().position(|code| *code == diagnostic.code).unwrap_or_else(|| {
            self.rules.push(diagnostic.code);
            self.rules.len() - 1
        });
        let help = diagnostic.help.as_ref().map_or_else(String::new, |help| format!("\n{help}"));
        let label = diagnostic.labels.first().filter(|label| !label.text.is_empty());
        let label = label.map_or_else(String::new, |label| format!(": {}", label.text));
        let mut result = json!({
            "ruleId": diagnostic.code.as_str(),
            "ruleIndex": index,
            "level": level(diagnostic.severity()),
            "message": { "text": format!("{}{label}{help}", diagnostic.message) },
            "locations": [{ "physicalLocation": self.place(diagnostic.span(), sources) }],
        });
        let related = diagnostic.labels.iter().enumerate().skip(1).map(|(id, label)| {
            json!({
                "id": id,
                "message": { "text": label.text },
                "physicalLocation": self.place(label.span, sources),
            })
        });
        let related: Vec<Value> = related.collect();
        if !related.is_empty() {
            result["relatedLocations"] = related.into();
        }
        // What a tool may apply without asking. A guess stands in the message alone.
        let sure = |fix: &&Fix| fix.applicability == Applicability::MachineApplicable;
        if let Some(fix) = diagnostic.fix.as_ref().filter(sure) {
            result["fixes"] = json!([self.fix(fix, sources)]);
        }
        result
    }

    fn fix(&self, fix: &Fix, sources: &Sources) -> Value {
        let source = sources.get(fix.file());
        let line_end = if source.text.contains("\r\n") { "\r\n" } else { "\n" };
        let replacement = |edit: &Edit| {
            let text = edit.text.replace('\n', line_end);
            json!({ "deletedRegion": region(edit.span, sources), "insertedContent": { "text": text } })
        };
        json!({
            "description": { "text": fix.help },
            "artifactChanges": [{
                "artifactLocation": self.file(source),
                "replacements": fix.edits.iter().map(replacement).collect::<Vec<_>>(),
            }],
        })
    }

    fn place(&self, span: Span, sources: &Sources) -> Value {
        json!({ "artifactLocation": self.file(sources.get(span.file)), "region": region(span, sources) })
    }

    fn file(&self, source: &Source) -> Value {
        let path = Path::new(&source.name);
        let here = self.here.as_deref().and_then(|here| path.strip_prefix(here).ok());
        match path.is_absolute() && here.is_none() {
            true => json!({ "uri": format!("file://{}", encoded(path)) }),
            false => json!({ "uri": encoded(here.unwrap_or(path)), "uriBaseId": "%SRCROOT%" }),
        }
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// A code with its page.
fn rule(code: Code) -> Value {
    let page = code.page();
    json!({
        "id": code.as_str(),
        "shortDescription": { "text": code.title() },
        "help": { "text": page, "markdown": page },
        "defaultConfiguration": { "level": level(code.severity()) },
    })
}

/// From a line and a column on to what follows the last character; both count from 1.
fn region(span: Span, sources: &Sources) -> Value {
    let (source, range) = (sources.get(span.file), span.range());
    let ((line, column), (end_line, end_column)) = (source.position(range.start), source.position(range.end));
    json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column })
}

/// A path as a reference of RFC 3986, which no name can make an absolute one.
fn encoded(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = if cfg!(windows) { text.replace('\\', "/") } else { text.into_owned() };
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.strip_prefix("./").unwrap_or(&text).bytes().map(byte).collect()
}
