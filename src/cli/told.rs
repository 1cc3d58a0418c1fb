//! Diagnostics as data, for `--format json`: a table of files, and entries that point into it.

use crate::base::{Source, Sources, Span};
use crate::diag::{Applicability, Code, Diagnostic, Severity};
use serde::Serialize;

/// All that is said of the files of one command.
#[derive(Debug, Default, Serialize)]
pub struct Told {
    files: Vec<File>,
    diagnostics: Vec<Entry>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct File {
    name: String,
}

/// A place in a file: lines and columns count from 1, columns are characters (Unicode scalar values), `start` and `end` are bytes of
/// UTF-8 and count from 0. The end is behind the last character.
#[derive(Debug, Serialize)]
struct Place {
    /// Its index in the table of files.
    file: usize,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    start: u32,
    end: u32,
}

/// A place with a few words about it, or with what to write there.
#[derive(Debug, Serialize)]
struct Text {
    #[serde(flatten)]
    place: Place,
    text: String,
}

#[derive(Debug, Serialize)]
struct Entry {
    #[serde(flatten)]
    place: Place,
    code: Code,
    severity: Severity,
    message: String,
    labels: Vec<Text>,
    help: Option<String>,
    fix: Option<Fix>,
}

#[derive(Debug, Serialize)]
struct Fix {
    applicability: Applicability,
    edits: Vec<Text>,
}

impl Told {
    pub fn add(&mut self, diagnostics: &[Diagnostic], sources: &Sources) {
        for diagnostic in diagnostics {
            let mut text = |span: Span, text: &str| Text { place: self.place(span, sources), text: text.to_owned() };
            let labels: Vec<Text> = diagnostic.labels.iter().map(|label| text(label.span, &label.text)).collect();
            let fix = diagnostic.fix.as_ref().map(|fix| Fix {
                applicability: fix.applicability,
                edits: fix.edits.iter().map(|edit| text(edit.span, &edit.text)).collect(),
            });
            let place = self.place(diagnostic.span(), sources);
            self.diagnostics.push(Entry {
                place,
                code: diagnostic.code,
                severity: diagnostic.severity(),
                message: diagnostic.message.clone(),
                labels,
                help: diagnostic.help.clone(),
                fix,
            });
        }
    }

    fn place(&mut self, span: Span, sources: &Sources) -> Place {
        let source = sources.get(span.file);
        let range = span.range();
        let ((line, column), (end_line, end_column)) = (source.position(range.start), source.position(range.end));
        Place { file: self.file(source), line, column, end_line, end_column, start: span.start, end: span.end }
    }

    fn file(&mut self, source: &Source) -> usize {
        let file = File { name: source.name.clone() };
        self.files.iter().position(|known| *known == file).unwrap_or_else(|| {
            self.files.push(file);
            self.files.len() - 1
        })
    }
}

/// What is said of a file that cannot be read, as of an empty one.
pub fn unreadable(name: &str, why: &str) -> (Sources, Diagnostic) {
    let mut sources = Sources::default();
    let file = sources.add(name, "");
    (sources, Diagnostic::new(Code::E0119, why, Span::new(file, 0, 0), ""))
}
