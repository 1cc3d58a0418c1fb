//! Diagnostics drawn for a person. The only file that names miette, so that wording and drawing stay apart.

use super::excerpt::Excerpt;
use super::{Applicability, Diagnostic, Label, Severity};
use crate::base::shown::escaped_line;
use crate::base::{FileId, Sources, Span};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};
use std::fmt;

/// Draws one diagnostic with its source lines, each under the name of its file, words broken at `width` columns.
pub fn draw(diagnostic: &Diagnostic, sources: &Sources, colour: bool, width: usize) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width.clamp(40, 120)).with_links(false);
    let view = View { diagnostic, pages: Pages::of(diagnostic, sources) };
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
    let sure = diagnostic.fix.as_ref().map_or("", |fix| match fix.applicability {
        Applicability::MachineApplicable => "; machine-applicable",
        Applicability::Maybe => "; a guess",
    });
    let help = diagnostic.help.as_ref().map(|help| format!(" ({help}{sure})")).unwrap_or_default();
    let name = escaped_line(&source.name);
    format!("{name}:{line}:{column}: {word}[{}]: {}{help}\n", diagnostic.code, diagnostic.message)
}

/// The parts of files that a diagnostic shows, one after the other, that of its first label in front, so that one
/// offset says file and place. No snippet reaches from one file into the next.
struct Pages<'a> {
    pages: Vec<(FileId, Excerpt<'a>)>,
}

impl<'a> Pages<'a> {
    fn of(diagnostic: &Diagnostic, sources: &'a Sources) -> Pages<'a> {
        let mut pages: Vec<(FileId, Excerpt<'a>)> = Vec::new();
        for Label { span, .. } in &diagnostic.labels {
            if pages.iter().all(|(file, _)| *file != span.file) {
                let start = pages.last().map_or(0, |(_, page)| page.end() + 1);
                let spans: Vec<Span> =
                    diagnostic.labels.iter().map(|label| label.span).filter(|other| other.file == span.file).collect();
                pages.push((span.file, Excerpt::new(sources.get(span.file), &spans, start)));
            }
        }
        Pages { pages }
    }

    fn range(&self, span: Span) -> std::ops::Range<usize> {
        let page = self.pages.iter().find(|(file, _)| *file == span.file).map(|(_, page)| page);
        page.map_or(0..0, |page| page.range(span))
    }
}

impl SourceCode for Pages<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let page = self.pages.iter().rev().find(|(_, page)| page.start() <= span.offset());
        let (_, page) = page.ok_or(MietteError::OutOfBounds)?;
        let inner = SourceSpan::new((span.offset() - page.start()).into(), span.len());
        let found = page.text().read_span(&inner, before, after)?;
        let shown = SourceSpan::new((found.span().offset() + page.start()).into(), found.span().len());
        let (line, count) = (found.line() + page.first_line(), found.line_count());
        let column = page.column(inner.offset(), (before, after)).unwrap_or(found.column());
        let name = page.name();
        Ok(Box::new(MietteSpanContents::new_named(name, found.data(), shown, line, column, count)))
    }
}

struct View<'a> {
    diagnostic: &'a Diagnostic,
    pages: Pages<'a>,
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
        Some(&self.pages)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.diagnostic.labels.iter().enumerate().map(|(index, label)| {
            let text = (!label.text.is_empty()).then(|| label.text.clone());
            let range = self.pages.range(label.span);
            match index {
                0 => LabeledSpan::new_primary_with_span(text, range),
                _ => LabeledSpan::new_with_span(text, range),
            }
        })))
    }
}
