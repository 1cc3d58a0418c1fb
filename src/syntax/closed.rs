//! Where on its line something that was opened most likely ends: at the first place where the line then reads as a statement.

use super::grammar::reads;
use super::tokens::is_word;
use super::words::Context;
use crate::base::boundary;
use std::ops::Range;

/// So many that are not closed are looked through for where they end, of texts and of brackets.
pub const MOST: usize = 20;
/// So many more may close than open on a line that one more makes whole: a text may hold some.
const SPARE: usize = 2;
/// Lines beyond it are no mistake of a person's fingers.
const LONGEST: usize = 400;

/// Where a bracket that opens at `open` is closed by `sign`.
pub fn bracket_end(text: &str, open: usize, sign: char) -> Option<usize> {
    let line = line_around(text, open).filter(|line| is_one_short_of(&text[line.clone()], sign))?;
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

/// So many signs of one kind have their other places looked for: a person mistypes a few, and each place is read as a statement.
pub const GUESSED: usize = 4;

/// So many other places are tried for one sign.
const PLACES: usize = 10;
/// So many places are looked at.
const TRIED: usize = 100;

/// Where else on its line a bracket that opens at `open` may be closed, so that the line reads.
pub fn ends_behind(text: &str, open: usize, sign: char) -> Vec<usize> {
    let Some(line) = line_around(text, open).filter(|line| is_one_short_of(&text[line.clone()], sign)) else {
        return Vec::new();
    };
    let ends = |at: &usize| text[*at..line.end].starts_with([' ', ',', ')']) || *at == line.end;
    let places = (open + 2..=line.end).filter(|at| text.is_char_boundary(*at)).filter(ends);
    let places = places.filter(|at| !text[..*at].ends_with([' ', ','])).take(TRIED);
    places.filter(|at| reads_with(&text[line.clone()], at - line.start, sign)).take(PLACES).collect()
}

/// Where on its line a bracket that closes at `close` may be opened, so that the line reads: a blank that it may stand for, or a place
/// before or within a word.
pub fn openings(text: &str, close: usize, sign: char) -> Vec<Range<usize>> {
    let Some(line) = line_around(text, close.saturating_sub(1)) else { return Vec::new() };
    let written = &text[line.clone()];
    if !is_one_short_of(written, sign) {
        return Vec::new();
    }
    let bytes = written.as_bytes();
    let last = (close - line.start).min(written.len());
    let is_boundary = |at: usize| {
        let kind = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_alphabetic());
        at == 0 || at == last || !is_word(bytes[at - 1]) || kind(bytes[at - 1]) != kind(bytes[at])
    };
    let mut places: Vec<usize> = (0..=last).rev().filter(|at| written.is_char_boundary(*at)).collect();
    places.sort_by_key(|at| !is_boundary(*at));
    let whole = |at: usize| {
        let is_blank = at > 1 && bytes[at - 1] == b' ' && is_word(bytes[at - 2]);
        is_blank.then(|| at - 1..at).into_iter().chain([at].map(|at| at..at))
    };
    let reads_so =
        |place: &Range<usize>| reads_somewhere(&format!("{}{sign}{}", &written[..place.start], &written[place.end..]));
    let found = places.into_iter().flat_map(whole).take(TRIED).filter(reads_so).take(2 * PLACES);
    found.map(|place| line.start + place.start..line.start + place.end).collect()
}

/// What mends quotes of a line on which one opens that is not closed: the place, and what stands there then.
pub fn quotes(text: &str, open: usize, quote: char) -> Vec<(Range<usize>, &'static str)> {
    let Some(line) = line_around(text, open) else { return Vec::new() };
    let (ours, other) = if quote == '"' { ("\"", '\'') } else { ("'", '"') };
    let places =
        |sign: char| text[line.clone()].match_indices(sign).map(|(at, _)| line.start + at..line.start + at + 1);
    let swapped = places(other).map(|place| (place, ours));
    let less = places(quote).map(|place| (place, ""));
    let more = (line.start..=line.end).filter(|at| text.is_char_boundary(*at)).map(|at| (at..at, ours));
    let reads_so = |(place, ours): &(Range<usize>, &str)| {
        let statement = format!("{}{ours}{}", &text[line.start..place.start], &text[place.end..line.end]);
        is_balanced(&statement) && reads_somewhere(&statement)
    };
    swapped.chain(less).chain(more).take(TRIED).filter(reads_so).take(2 * PLACES).collect()
}

/// Whether one more of a bracket may make a line whole: none does where several others are left alone.
fn is_one_short_of(line: &str, sign: char) -> bool {
    let partner = match sign {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        _ => '{',
    };
    line.matches(partner).count() <= line.matches(sign).count() + SPARE
}

/// The line without its indentation, its comment and the brace of a body.
fn line_around(text: &str, at: usize) -> Option<Range<usize>> {
    let at = boundary::floor(text, at);
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    let written = text[start..end].split(" //").next().unwrap_or("").trim_end();
    let body = written.strip_suffix('{').unwrap_or(written).trim_end();
    let start = start + (written.len() - written.trim_start().len());
    let end = start + body.trim_start().len();
    (at < end && end - start <= LONGEST).then_some(start..end)
}

fn reads_with(line: &str, at: usize, sign: char) -> bool {
    reads_somewhere(&format!("{}{sign}{}", &line[..at], &line[at..]))
}

fn reads_somewhere(statement: &str) -> bool {
    Context::ALL.into_iter().any(|context| reads(context, statement))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_behind_a_wide_character_has_a_line() {
        let text = "flow f {\n  x🦀)\n}\n";
        let close = text.find(')').unwrap();
        assert!(openings(text, close, '(').iter().all(|place| text.get(place.clone()).is_some()));
    }
}
