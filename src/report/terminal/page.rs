//! The page of a report on a terminal: no line is wider than the terminal, and colours take no room.

use super::Paint;
use crate::base::shown::{escaped_line, escaped_painted};
use std::fmt::Write;

/// The columns of a name and what follows it, where a terminal has fewer than this, are too narrow for sentences.
const NARROW: usize = 60;

/// What is written so far, and how wide it may be.
pub struct Page {
    pub out: String,
    pub width: usize,
    pub paint: Paint,
}

impl Page {
    pub fn new(width: usize, colour: bool) -> Page {
        Page { out: String::new(), width: width.max(LEAST), paint: Paint(colour) }
    }

    /// The heading of a section.
    pub fn section(&mut self, name: &str) {
        let name = self.paint.bold(name);
        self.out.push('\n');
        self.text(0, &name);
    }

    /// A text from a column on, which goes on below its beginning.
    pub fn text(&mut self, column: usize, text: &str) {
        let _ = write!(self.out, "{:column$}", "");
        self.flow(column, column, text);
    }

    /// A text after a sign, below which nothing stands.
    pub fn marked(&mut self, column: usize, mark: &str, text: &str) {
        let _ = write!(self.out, "{:column$}{mark} ", "");
        let column = column + shown(mark) + 1;
        self.flow(column, column, text);
    }

    /// A text next to a name, in a column after the names of a section. On a narrow terminal it stands below the name.
    pub fn named(&mut self, name: &str, names: usize, text: &str) {
        const BELOW: usize = 4;
        let name = &*escaped_line(name);
        let column = names + 3;
        let has_column = column <= self.width / 3 || (self.width >= NARROW && column <= self.width / 2);
        if has_column && shown(name) <= names {
            let _ = write!(self.out, "  {name:<names$} ");
            return self.flow(column, column, text);
        }
        if !name.is_empty() {
            self.text(2, name);
        }
        self.text(if has_column { column } else { BELOW }, text);
    }

    /// The same from a column on, whatever room is left.
    pub fn under(&mut self, column: usize, name: &str, names: usize, text: &str) {
        let (name, at) = (&*escaped_line(name), column + names + 2);
        if at <= self.width / 2 && shown(name) <= names {
            let _ = write!(self.out, "{:column$}{name:<names$}  ", "");
            return self.flow(at, at, text);
        }
        if !name.is_empty() {
            self.text(column, name);
        }
        self.text(column + 2, text);
    }

    /// Where lines on what stands above them begin.
    pub fn below(&self) -> usize {
        if self.width < NARROW { 4 } else { 12 }
    }

    /// Goes on with a line that has reached a column; what has no room there begins again at `below`.
    pub fn flow(&mut self, at: usize, below: usize, text: &str) {
        flow(&mut self.out, (at, below), text, self.width);
    }
}

/// A page is no narrower.
const LEAST: usize = 30;
/// What a text has on its further lines at least.
const ROOM: usize = 24;

/// Writes a text to the end of its line, and goes on in the next one. Words stay whole where a line can hold them, and so does what a
/// no-break space holds together.
pub fn flow(out: &mut String, (mut at, below): (usize, usize), text: &str, width: usize) {
    let below = below.min(width.saturating_sub(ROOM));
    let text = escaped_painted(text);
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            at = next_line(out, below);
        }
        let mut rest = line;
        while !rest.is_empty() {
            let word_at = rest.find(|c| !is_gap(c)).unwrap_or(rest.len());
            let end = rest[word_at..].find(is_gap).map_or(rest.len(), |length| word_at + length);
            let word = &rest[word_at..end];
            rest = &rest[end..];
            if word.is_empty() {
                break;
            }
            let length = shown(word);
            if at > below && at + word_at + length > width {
                at = next_line(out, below);
            } else {
                let gap = word_at.min(width.saturating_sub(at + 1));
                let _ = write!(out, "{:gap$}", "");
                at += gap;
            }
            at = put(out, (at, below), word, width);
        }
    }
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}

/// Begins a line at a column. No line ends with spaces.
fn next_line(out: &mut String, column: usize) -> usize {
    out.truncate(out.trim_end_matches(' ').len());
    let _ = write!(out, "\n{:column$}", "");
    column
}

fn is_gap(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// Writes a word, and breaks one that no line can hold. Where it ends.
fn put(out: &mut String, (mut at, below): (usize, usize), word: &str, width: usize) -> usize {
    for piece in pieces(word) {
        match piece {
            Piece::Colour(colour) => out.push_str(colour),
            Piece::Shown(c) => {
                if at >= width {
                    at = next_line(out, below);
                }
                out.push(if c == '\u{a0}' { ' ' } else { c });
                at += 1;
            }
        }
    }
    at
}

enum Piece<'t> {
    Colour(&'t str),
    Shown(char),
}

/// The characters of a text, and the colours between them.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if let Some(code) = rest.strip_prefix("\u{1b}[")
            && let Some(end) = code.find('m')
            && code[..end].bytes().all(|byte| byte.is_ascii_digit() || byte == b';')
        {
            let (colour, behind) = rest.split_at(2 + end + 1);
            rest = behind;
            return Some(Piece::Colour(colour));
        }
        let first = rest.chars().next()?;
        rest = &rest[first.len_utf8()..];
        Some(Piece::Shown(first))
    })
}

/// How many columns a text takes.
pub fn shown(text: &str) -> usize {
    pieces(text).filter(|piece| matches!(piece, Piece::Shown(_))).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flowed(text: &str, width: usize) -> String {
        let mut out = "  ".to_owned();
        flow(&mut out, (2, 4), text, width);
        out
    }

    #[test]
    fn words_stay_whole_where_a_line_can_hold_them() {
        let told = flowed("a sentence of words that goes  on and on", 30);
        assert_eq!(told, "  a sentence of words that\n    goes  on and on\n");
        let told = flowed("one two three four five  (5\u{a0}samples) six", 30);
        assert_eq!(told, "  one two three four five\n    (5 samples) six\n");
        let told = flowed("abcdefghijklmnopqrstuvwxyz0123456 x", 30);
        assert_eq!(told, "  abcdefghijklmnopqrstuvwxyz01\n    23456 x\n");
        assert_eq!(flowed("one\r\n  two\tthree ", 80), "  one\n      two three\n");
        assert_eq!(flowed("", 80), "\n");
    }

    #[test]
    fn colours_take_no_room_and_hidden_characters_do() {
        let text = "\u{1b}[1mone two three four five\u{1b}[0m sixth";
        assert_eq!(flowed(text, 31), format!("  {text}\n"));
        assert_eq!(flowed(text, 30), format!("  {}\n", text.replace(" sixth", "\n    sixth")));
        let told = flowed("one two three four a\u{202e}b", 30);
        assert_eq!(told, "  one two three four\n    a\\u{202e}b\n");
        assert_eq!(shown("\u{1b}[1;31mbad\u{1b}[0m"), 3);
    }
}
