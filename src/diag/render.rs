//! Diagnostics drawn for a person. The only file that names miette, so that wording and drawing stay apart.

use super::{Diagnostic, Severity};
use crate::base::Sources;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use std::fmt;

/// Draws one diagnostic with its source lines.
pub fn draw(diagnostic: &Diagnostic, sources: &Sources, colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false);
    let source = sources.get(diagnostic.span().file);
    let view = View { diagnostic, source: NamedSource::new(&source.name, source.text.clone()) };
    let mut out = String::new();
    if handler.render_report(&mut out, &view).is_err() {
        out = line(diagnostic, sources);
    }
    let trimmed: Vec<&str> = out.lines().map(str::trim_end).collect();
    trimmed.join("\n") + "\n"
}

/// One line: `file:line:column: error[E0301]: message`.
pub fn line(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let source = sources.get(diagnostic.span().file);
    let (line, column) = source.position(diagnostic.span().start as usize);
    let word = match diagnostic.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let help = diagnostic.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{}:{line}:{column}: {word}[{}]: {}{help}\n", source.name, diagnostic.code, diagnostic.message)
}

struct View<'a> {
    diagnostic: &'a Diagnostic,
    source: NamedSource<String>,
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for View<'_> {}

impl miette::Diagnostic for View<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity() {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let main = self.diagnostic.span().file;
        let labels = self.diagnostic.labels.iter().enumerate().filter(move |(_, label)| label.span.file == main);
        Some(Box::new(labels.map(|(index, label)| {
            let text = (!label.text.is_empty()).then(|| label.text.clone());
            let range = label.span.range();
            match index {
                0 => LabeledSpan::new_primary_with_span(text, range),
                _ => LabeledSpan::new_with_span(text, range),
            }
        })))
    }
}
