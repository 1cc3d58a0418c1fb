//! The diagnostics of a command as one document for machines: JSON, SARIF, or annotations of GitHub.

use super::args::CheckFormat;
use super::sarif::Log;
use super::told::{Told, unreadable};
use crate::base::Sources;
use crate::base::annotation::{Level, Place, annotation};
use crate::diag::{Diagnostic, Severity};

pub enum Document {
    Json(Told),
    Sarif(Log),
    Github(String),
}

impl Document {
    /// `None` for what is printed as it is found.
    pub fn of(format: CheckFormat) -> Option<Document> {
        match format {
            CheckFormat::Human | CheckFormat::Short => None,
            CheckFormat::Json => Some(Document::Json(Told::default())),
            CheckFormat::Sarif => Some(Document::Sarif(Log::new())),
            CheckFormat::Github => Some(Document::Github(String::new())),
        }
    }

    pub fn add(&mut self, diagnostics: &[Diagnostic], sources: &Sources) {
        match self {
            Document::Json(told) => told.add(diagnostics, sources),
            Document::Sarif(log) => log.add(diagnostics, sources),
            Document::Github(text) => text.extend(diagnostics.iter().map(|own| annotated(own, sources))),
        }
    }

    /// A file of which nothing can be said but this.
    pub fn add_unreadable(&mut self, name: &str, why: &str) {
        let (sources, diagnostic) = unreadable(name, why);
        self.add(&[diagnostic], &sources);
    }

    pub fn text(&self) -> String {
        match self {
            Document::Json(told) => serde_json::to_string_pretty(told).expect("plain data can be written") + "\n",
            Document::Sarif(log) => log.text(),
            Document::Github(text) => text.clone(),
        }
    }
}

fn annotated(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let (span, level) = (
        diagnostic.span(),
        match diagnostic.severity() {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        },
    );
    let (source, range) = (sources.get(span.file), span.range());
    let ((line, column), (end_line, end_column)) = (source.position(range.start), source.position(range.end));
    let columns = (line == end_line).then_some((column, end_column));
    let place = Place { line, end_line: Some(end_line), columns };
    let label = diagnostic.labels.first().map(|label| label.text.as_str()).filter(|text| !text.is_empty());
    let texts = [Some(diagnostic.message.as_str()), label, diagnostic.help.as_deref()];
    let message = texts.into_iter().flatten().collect::<Vec<_>>().join("\n");
    let title = format!("{}: {}", diagnostic.code, diagnostic.code.title());
    annotation(level, Some(&source.name), Some(&place), &title, &message)
}
