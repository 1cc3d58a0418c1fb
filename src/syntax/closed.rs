//! Where on its line something that was opened most likely ends: at the first place where the line then reads as a statement.

use super::grammar::reads;
use super::words::Context;
use std::ops::Range;

/// So many that are not closed are looked through for where they end, of texts and of brackets.
pub const MOST: usize = 20;
/// Lines beyond it are no mistake of a person's fingers.
const LONGEST: usize = 400;

/// Where a bracket that opens at `open` is closed by `sign`.
pub fn bracket_end(text: &str, open: usize, sign: char) -> Option<usize> {
    let line = line_around(text, open)?;
    let ends = |at: &usize| text[*at..line.end].starts_with([' ', ',']) || *at == line.end;
    let places = (open + 1..=line.end).filter(|at| text.is_char_boundary(*at)).filter(ends);
    places
        .filter(|at| !text[..*at].ends_with([' ', ',']))
        .find(|at| reads_with(&text[line.clone()], at - line.start, sign))
}

/// Where a text that opens at `open` is closed by its quote.
pub fn text_end(text: &str, open: usize, quote: char) -> Option<usize> {
    let line = line_around(text, open)?;
    let ends = |at: &usize| text[*at..line.end].starts_with([' ', ')', ',', ']', '}', ':']) || *at == line.end;
    let places: Vec<usize> = (open + 2..=line.end).filter(|at| text.is_char_boundary(*at)).filter(ends).collect();
    let written = &text[line.clone()];
    let reads = places.iter().find(|at| reads_with(written, **at - line.start, quote));
    let closes = |at: &&usize| is_balanced(&format!("{}{quote}{}", &text[line.start..**at], &text[**at..line.end]));
    reads.or_else(|| places.iter().find(closes)).copied()
}

/// The line without its indentation, its comment and the brace of a body.
fn line_around(text: &str, at: usize) -> Option<Range<usize>> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    let written = text[start..end].split(" //").next().unwrap_or("").trim_end();
    let body = written.strip_suffix('{').unwrap_or(written).trim_end();
    let start = start + (written.len() - written.trim_start().len());
    let end = start + body.trim_start().len();
    (at < end && end - start <= LONGEST).then_some(start..end)
}

fn reads_with(line: &str, at: usize, sign: char) -> bool {
    let statement = format!("{}{sign}{}", &line[..at], &line[at..]);
    Context::ALL.into_iter().any(|context| reads(context, &statement))
}

/// Whether each bracket outside of texts has its partner, and each quote.
fn is_balanced(line: &str) -> bool {
    let (mut depth, mut quote) = (0i32, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, _) => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0 && quote.is_none()
}
