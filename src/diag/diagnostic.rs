//! A diagnostic: what is wrong, where, why, and what to write instead.

use super::Code;
use crate::base::Span;
use serde::Serialize;
use std::collections::HashSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// A place with a few words; the first label of a diagnostic is the place itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// A replacement that would mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    pub span: Span,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    pub code: Code,
    pub message: String,
    pub labels: Vec<Label>,
    pub help: Option<String>,
    pub fix: Option<Fix>,
}

impl Diagnostic {
    pub fn new(code: Code, message: impl Into<String>, span: Span, label: impl Into<String>) -> Diagnostic {
        let labels = vec![Label { span, text: label.into() }];
        Diagnostic { code, message: message.into(), labels, help: None, fix: None }
    }

    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help = Some(text.into());
        self
    }

    /// A fix with its own words: replacing `span` by `text` mends it.
    pub fn fix(mut self, span: Span, text: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        self.fix = Some(Fix { span, text: text.into() });
        self.help(help)
    }

    /// "did you mean": a fix where a candidate is near enough, else the list of what there is.
    pub fn did_you_mean<'a>(self, span: Span, written: &str, known: impl Iterator<Item = &'a str>) -> Diagnostic {
        let mut known: Vec<&str> = known.collect();
        let mut seen = HashSet::new();
        known.retain(|name| seen.insert(*name));
        match crate::base::suggest::similar(written, known.iter().copied()) {
            Some(near) => self.fix(span, near, format!("did you mean `{near}`?")),
            None if known.is_empty() => self,
            None => {
                let list: Vec<String> = known.iter().take(12).map(|name| format!("`{name}`")).collect();
                let more = if known.len() > list.len() { ", …" } else { "" };
                self.help(format!("there is {}{more}", list.join(", ")))
            }
        }
    }

    pub fn span(&self) -> Span {
        self.labels[0].span
    }

    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// Everything that one compilation has to say.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    said: HashSet<(Code, Span)>,
}

impl Diagnostics {
    /// Adds it unless the same complaint about the same place is there already.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.said.insert((diagnostic.code, diagnostic.span())) {
            self.list.push(diagnostic);
        }
    }

    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity() == Severity::Error)
    }

    pub fn count(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn extend(&mut self, other: Diagnostics) {
        for diagnostic in other.list {
            self.push(diagnostic);
        }
    }

    /// In the order of the text.
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|d| (d.span().file, d.span().start, d.span().end));
        self.list
    }
}
