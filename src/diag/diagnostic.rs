//! A diagnostic: what is wrong, where, why, and what to write instead.

use super::Code;
use super::fix::{Applicability, Edit, Fix};
use super::hidden::Hidden;
use crate::base::shown::escaped;
use crate::base::{FileId, Name, Span};
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

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    pub code: Code,
    pub message: String,
    pub labels: Vec<Label>,
    pub help: Option<String>,
    pub fix: Option<Fix>,
    /// Tried one after the other where `fix` does not mend; none is left once that is known.
    #[serde(skip)]
    pub others: Vec<Fix>,
    /// What is said instead where the first fix does not mend: its reason was a guess as well.
    #[serde(skip)]
    pub unless: Option<Box<Diagnostic>>,
}

impl Diagnostic {
    pub fn new(code: Code, message: impl Into<String>, span: Span, label: impl Into<String>) -> Diagnostic {
        let labels = vec![Label { span, text: label.into() }];
        Diagnostic { code, message: message.into(), labels, help: None, fix: None, others: Vec::new(), unless: None }
    }

    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// A label that stands in one block or object again.
    pub fn twice(label: &Name, first: Span) -> Diagnostic {
        let problem = Diagnostic::new(Code::E0203, format!("`{label}` is set twice"), label.span, "again here");
        problem.label(first, "first here").help("keep one of them")
    }

    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help = Some(text.into());
        self
    }

    /// A fix with its own words: replacing `span` by `text` mends it.
    pub fn fix(
        self,
        applicability: Applicability,
        span: Span,
        text: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        self.mended_by(Fix::new(applicability, span, text, help))
    }

    /// With a fix, and what that does as help.
    pub fn mended_by(mut self, fix: Fix) -> Diagnostic {
        self.help = Some(fix.help.clone());
        self.fix = Some(fix);
        self
    }

    /// A fix that is offered where those before it do not mend.
    pub fn or(mut self, fix: Fix) -> Diagnostic {
        self.others.push(fix);
        self
    }

    /// The same, but for another diagnostic where its fix does not mend.
    pub fn or_else(mut self, other: Diagnostic) -> Diagnostic {
        self.unless = Some(Box::new(other));
        self
    }

    /// Every fix, the likeliest first.
    pub fn fixes(&self) -> impl Iterator<Item = &Fix> {
        self.fix.iter().chain(&self.others)
    }

    /// "did you mean": a fix where a candidate is near enough, else the list of what there is.
    pub fn did_you_mean<'a>(self, span: Span, written: &str, known: impl Iterator<Item = &'a str>) -> Diagnostic {
        let mut known: Vec<&str> = known.take(crate::base::suggest::MOST).collect();
        let mut seen = HashSet::new();
        known.retain(|name| seen.insert(*name));
        let mut ours = crate::base::elsewhere::all_named_here(written, &known)
            .map(|ours| Fix::new(Applicability::Maybe, span, ours, format!("this language says `{ours}`")));
        if let Some(first) = ours.next() {
            return ours.fold(self.mended_by(first), Diagnostic::or);
        }
        let listed = self.clone().listing(&known);
        match crate::base::suggest::similar(written, known.iter().copied()).filter(|near| *near != written) {
            Some(near) => self.fix(Applicability::Maybe, span, near, format!("did you mean `{near}`?")).or_else(listed),
            None => listed,
        }
    }

    /// All that may stand there, where it is no book.
    fn listing(self, known: &[&str]) -> Diagnostic {
        const MOST: usize = 60;
        match known.len() {
            0 => self,
            many if many > MOST => self.help(format!("{many} names may stand here; `stressc explain` lists them")),
            _ => {
                let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                self.help(match list.as_slice() {
                    [one] => format!("there is only {one}"),
                    _ => format!("choose from {}", list.join(", ")),
                })
            }
        }
    }

    /// The same among columns of a file that is no scenario, and may be anything: one is told that nearly stands in the scenario, else
    /// how many there are.
    pub fn did_you_mean_a_column<'a>(self, name: &Name, columns: impl Iterator<Item = &'a str>) -> Diagnostic {
        let known: Vec<&str> = columns.collect();
        match (crate::base::suggest::slip(&name.text, known.iter().copied()), known.len()) {
            (Some(near), _) => self.fix(Applicability::Maybe, name.span, near, format!("did you mean `{near}`?")),
            (None, 1) => {
                let between = [';', '\t', '|'].into_iter().find(|between| known[0].contains(*between));
                let help = "the file has one column; its name is not shown here";
                match between {
                    Some(between) => {
                        self.help(format!("{help}, but `separator: {:?}` makes several of it", between.to_string()))
                    }
                    None => self.help(help),
                }
            }
            (None, count) => self.help(format!("the file has {count} columns; their names are not shown here")),
        }
    }

    pub fn span(&self) -> Span {
        self.labels[0].span
    }

    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// The number of errors, and of warnings, that are kept. Nobody reads more, and a file may have a million.
const MOST: usize = 200;
/// The most characters of a quotation in a sentence.
const LONGEST: usize = 1_000;

/// Everything that one compilation has to say.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    said: HashSet<(Code, Span)>,
    errors: usize,
    warnings: usize,
    /// Not kept.
    more: usize,
}

impl Diagnostics {
    /// Adds it unless the same complaint about the same place is there already.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let kept = match diagnostic.severity() {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if *kept >= MOST {
            self.more += 1;
        } else if self.said.insert((diagnostic.code, diagnostic.span())) {
            *kept += 1;
            self.list.push(diagnostic);
        }
    }

    /// Adds it to the last one where that says the same of a place before it, not further away than `from`: they are mended together.
    pub fn push_together(&mut self, diagnostic: Diagnostic, from: usize) {
        let span = diagnostic.span();
        if let Some(last) = self.list.last_mut()
            && (last.code, &last.message) == (diagnostic.code, &diagnostic.message)
            && last.span().file == span.file
            && last.span().range().start >= from
            && let (Some(fix), Some(more)) = (last.fix.take(), diagnostic.fix.as_ref())
        {
            last.fix = Some(more.edits.iter().fold(fix, |fix, edit| fix.and(edit.span, edit.text.as_str())));
            last.labels.extend(diagnostic.labels);
            return;
        }
        self.push(diagnostic);
    }

    /// Moves each place of a file.
    pub fn moved(&mut self, file: FileId, to: impl Fn(Span) -> Span) {
        let mut list: Vec<&mut Diagnostic> = self.list.iter_mut().collect();
        while let Some(diagnostic) = list.pop() {
            list.extend(diagnostic.unless.as_deref_mut());
            let labels = diagnostic.labels.iter_mut().map(|label| &mut label.span);
            let fixes = diagnostic.fix.iter_mut().chain(&mut diagnostic.others);
            let edits = fixes.flat_map(|fix| &mut fix.edits).map(|edit| &mut edit.span);
            labels.chain(edits).filter(|span| span.file == file).for_each(|span| *span = to(*span));
        }
    }

    pub fn errors(&self) -> usize {
        self.errors
    }

    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    pub fn count(&self) -> usize {
        self.list.len() + self.more
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// There are as many errors as are kept, so that no more need be looked for.
    pub fn is_full(&self) -> bool {
        self.errors >= MOST
    }

    /// How many came after those that are kept.
    pub fn more(&self) -> usize {
        self.more
    }

    pub fn extend(&mut self, other: Diagnostics) {
        self.more += other.more;
        for diagnostic in other.list {
            self.push(diagnostic);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Each as `change` makes it, without those of which it makes nothing.
    pub fn changed(self, mut change: impl FnMut(usize, Diagnostic) -> Option<Diagnostic>) -> Diagnostics {
        let mut changed = Diagnostics { more: self.more, ..Diagnostics::default() };
        let kept = self.list.into_iter().enumerate().filter_map(|(at, diagnostic)| change(at, diagnostic));
        kept.for_each(|diagnostic| changed.push(diagnostic));
        changed
    }

    /// In the order of the text.
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|d| (d.span().file, d.span().start, d.span().end));
        self.list
    }

    /// As [`Diagnostics::sorted`], as a person may see it: without the values of `hidden`, on a terminal, at a readable length.
    pub fn told<'h>(self, hidden: impl Iterator<Item = &'h str>) -> Vec<Diagnostic> {
        let mut list = self.sorted();
        if list.is_empty() {
            return list;
        }
        let hidden = Hidden::new(hidden);
        for diagnostic in &mut list {
            let texts = diagnostic.labels.iter_mut().map(|label| &mut label.text);
            for text in texts.chain([&mut diagnostic.message]).chain(&mut diagnostic.help) {
                *text = clipped(&escaped(&hidden.masked(text, LONGEST + 1)));
            }
            // What holds a value is no text to put into a file, and neither is what stands for it.
            let holds_none = |edit: &Edit| hidden.masked(&edit.text, usize::MAX) == edit.text;
            diagnostic.fix = diagnostic.fix.take().filter(|fix| fix.edits.iter().all(holds_none));
        }
        list
    }
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;

    fn error(message: &str, at: usize) -> Diagnostic {
        Diagnostic::new(Code::E0310, message, Span::new(FileId(0), at, at + 1), "here")
    }

    #[test]
    fn the_first_of_many_are_kept_and_the_rest_counted() {
        let mut all = Diagnostics::default();
        (0..1_000).for_each(|at| all.push(error("x", at)));
        all.push(Diagnostic::new(Code::W0801, "y", Span::new(FileId(0), 0, 1), "here"));
        assert!(all.is_full() && all.has_errors());
        let mut together = Diagnostics::default();
        together.extend(all);
        assert_eq!((together.more(), together.count()), (800, 1_001));
        assert_eq!(together.sorted().len(), 201);
    }

    #[test]
    fn values_of_the_environment_are_masked() {
        let told = |message: &str, hidden: &str| {
            let mut all = Diagnostics::default();
            all.push(error(message, 0));
            all.told([hidden].into_iter()).remove(0).message
        };
        assert_eq!(
            told("`Hunter2x` allows no host, write `hunter2x`", "hunter2X"),
            "`***` allows no host, write `***`"
        );
        assert_eq!(told("a `1` in 10 and 11", "1"), "a `1` in 10 and 11".replace("`1`", "`***`"));
        assert_eq!(told("stars `***` stay", "***"), "stars `***` stay");
        assert_eq!(told("of `line two`", "line one\n  line two\r\n"), "of `***`");
        assert_eq!(told("`token=1234.more`, `token`", "token=1234\ntoken=1234.more\ntoken"), "`***`, `***`");
        assert_eq!(told("tokenx: token=123 ätoken", "token\ntoken=1234"), "tokenx: ***=123 ätoken");
        assert_eq!(told("plain", "  "), "plain");
    }

    #[test]
    fn what_is_told_is_short_and_steers_no_terminal() {
        let mut all = Diagnostics::default();
        all.push(error(&format!("a\u{1b}[2J{}", "x".repeat(1 << 20)), 0));
        let message = &all.told(std::iter::empty()).remove(0).message;
        assert!(message.starts_with("a\\u{1b}[2Jx") && message.chars().count() == LONGEST + 1);
    }
}
