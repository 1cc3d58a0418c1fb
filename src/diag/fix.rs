//! What to write instead: edits of a file that mend a mistake, and how sure they are.

use crate::base::{FileId, Span};
use serde::Serialize;

/// Whether a fix may be applied without being looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applicability {
    /// Nothing else can have been meant.
    MachineApplicable,
    /// It is a guess: a name that is near, a place that is likely, one way of several.
    Maybe,
}

/// A piece of a file, and what to write in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// Edits that mend a mistake together. They are in one file and in its order, and none touches what another replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    pub applicability: Applicability,
    pub edits: Vec<Edit>,
    /// What it does, as a sentence of help.
    #[serde(skip)]
    pub help: String,
}

impl Fix {
    pub fn new(applicability: Applicability, span: Span, text: impl Into<String>, help: impl Into<String>) -> Fix {
        Fix { applicability, edits: vec![Edit { span, text: text.into() }], help: help.into() }
    }

    /// With one more edit.
    pub fn and(mut self, span: Span, text: impl Into<String>) -> Fix {
        let at = self.edits.partition_point(|edit| edit.span.start < span.start);
        self.edits.insert(at, Edit { span, text: text.into() });
        self
    }

    pub fn file(&self) -> FileId {
        self.edits[0].span.file
    }

    /// The text of its file once it is applied; none where it does not fit that text.
    pub fn applied(&self, text: &str) -> Option<String> {
        let mut out = String::with_capacity(text.len() + 16);
        let mut at = 0;
        for edit in &self.edits {
            out.push_str(text.get(at..edit.span.range().start)?);
            text.get(edit.span.range())?;
            out.push_str(&edit.text);
            at = edit.span.range().end;
        }
        out.push_str(text.get(at..)?);
        Some(out)
    }

    /// Where a place of the text with the fix was before it. What is new was where its edit begins.
    pub fn before(&self, place: u32) -> u32 {
        let mut moved: i64 = 0;
        for edit in &self.edits {
            let start = i64::from(edit.span.start) + moved;
            let end = start + edit.text.len() as i64;
            if i64::from(place) < end.max(start + 1) && i64::from(place) >= start {
                return edit.span.start;
            }
            if i64::from(place) < start {
                break;
            }
            moved += edit.text.len() as i64 - i64::from(edit.span.end - edit.span.start);
        }
        (i64::from(place) - moved).max(0) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_of_a_fix_are_applied_together_and_places_are_found_again() {
        let span = |start, end| Span::new(FileId(0), start, end);
        let fix = Fix::new(Applicability::Maybe, span(8, 9), "yy", "").and(span(0, 2), "");
        assert_eq!(fix.applied("a-bcd ef-gh").as_deref(), Some("bcd efyygh"));
        assert_eq!([0, 3, 6, 7, 8].map(|place| fix.before(place)), [0, 5, 8, 8, 9]);
        assert_eq!(fix.applied("a"), None);
    }
}
