//! Diagnostics drawn for a person. The only file that names miette, so that wording and drawing stay apart.

use super::{Diagnostic, Severity};
use crate::base::{FileId, Source, Sources, Span};
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
    let help = diagnostic.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{}:{line}:{column}: {word}[{}]: {}{help}\n", source.name, diagnostic.code, diagnostic.message)
}

/// The files of a diagnostic one behind the other, that of its first label in front, so that one offset says file and
/// place. No snippet reaches from one file into the next.
struct Pages<'a> {
    /// With the offset at which each starts.
    files: Vec<(usize, &'a Source)>,
}

impl<'a> Pages<'a> {
    fn of(diagnostic: &Diagnostic, sources: &'a Sources) -> Pages<'a> {
        let mut files: Vec<(usize, &Source)> = Vec::new();
        let mut start = 0;
        for label in &diagnostic.labels {
            if files.iter().all(|(_, source)| source.id != label.span.file) {
                let source = sources.get(label.span.file);
                files.push((start, source));
                start += source.text.len() + 1;
            }
        }
        Pages { files }
    }

    fn start(&self, file: FileId) -> usize {
        self.files.iter().find(|(_, source)| source.id == file).map_or(0, |(start, _)| *start)
    }

    fn range(&self, span: Span) -> std::ops::Range<usize> {
        let start = self.start(span.file);
        start + span.range().start..start + span.range().end
    }
}

impl SourceCode for Pages<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let file = self.files.iter().rev().find(|(start, _)| *start <= span.offset());
        let (start, source) = file.ok_or(MietteError::OutOfBounds)?;
        let inner = SourceSpan::new((span.offset() - start).into(), span.len());
        let found = source.text.read_span(&inner, before, after)?;
        let shown = SourceSpan::new((found.span().offset() + start).into(), found.span().len());
        let (line, column, count) = (found.line(), found.column(), found.line_count());
        let name = source.name.clone();
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
