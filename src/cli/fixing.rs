//! `stressc check --fix`: machine-applicable fixes are written into the file, and what changes is shown.

use super::fmt;
use super::output::Terminal;
use super::results::replace;
use super::source::{self, Checked};
use crate::base::{FileId, Source};
use crate::diag::{Applicability, Edit, Fix};
use crate::inputs::{self, Asked};
use std::path::Path;

/// One fix may bring another to light; a text that is still changed after so many rounds goes round in a circle.
const MOST_ROUNDS: usize = 20;

/// What is done with a file that was mended.
#[derive(Clone, Copy)]
pub struct Shows {
    pub writes: bool,
    /// What changes is printed.
    pub difference: bool,
}

/// Mends a file, and says what is left.
pub fn mended(path: &Path, asked: &Asked, shows: Shows, terminal: &Terminal) -> Result<Checked, String> {
    let directory = asked.directory.as_deref();
    let text = inputs::read(&inputs::Disk, path, directory)?;
    let source = Source::new(FileId(0), path.display().to_string(), text);
    let (mended, checked) = rounds(path, source.text.clone(), asked)?;
    if mended != source.text {
        if shows.writes {
            replace(path, directory, &mended)?;
        }
        if shows.difference {
            terminal.out(&fmt::difference(&source, &mended, terminal));
        }
    }
    Ok(checked)
}

fn rounds(path: &Path, mut text: String, asked: &Asked) -> Result<(String, Checked), String> {
    let mut checked = source::check_text(path, text.clone(), asked)?;
    for _ in 0..MOST_ROUNDS {
        let diagnostics = checked.told(&checked.diagnostics);
        let fixes = diagnostics.iter().filter_map(|diagnostic| diagnostic.fix.as_ref());
        let sure = fixes.filter(|fix| fix.applicability == Applicability::MachineApplicable && fix.file() == FileId(0));
        let next = applied(&text, sure.map(|fix| fix.edits.as_slice()));
        if next == text {
            break;
        }
        text = next;
        checked = source::check_text(path, text.clone(), asked)?;
    }
    Ok((text, checked))
}

/// The text with each fix that touches none before it. Line ends are those of the file.
fn applied<'f>(text: &str, fixes: impl Iterator<Item = &'f [Edit]>) -> String {
    let mut taken: Vec<&Edit> = Vec::new();
    for edits in fixes {
        let touches = |edit: &Edit| {
            let range = edit.span.range();
            taken.iter().any(|other| other.span.range().start <= range.end && range.start <= other.span.range().end)
        };
        if !edits.iter().any(touches) {
            taken.extend(edits);
        }
    }
    taken.sort_by_key(|edit| edit.span.start);
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let of_file = |edit: &Edit| Edit { span: edit.span, text: edit.text.replace('\n', line_end) };
    let edits = taken.into_iter().map(of_file).collect();
    let all = Fix { applicability: Applicability::MachineApplicable, edits, help: String::new() };
    all.applied(text).unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;

    #[test]
    fn of_two_fixes_that_touch_the_first_is_applied() {
        let edit = |start, end, text: &str| Edit { span: Span::new(FileId(0), start, end), text: text.to_owned() };
        let fixes = [vec![edit(0, 1, "x"), edit(4, 5, "")], vec![edit(4, 4, "y")], vec![edit(2, 2, "\n")]];
        assert_eq!(applied("ab\r\nc\r\n", fixes.iter().map(Vec::as_slice)), "xb\r\n\r\n\r\n");
    }
}
