//! A scan that knows just enough of the text to find statements: strings, comments, brackets, words and newlines.

use super::words;
use crate::base::{FileId, Span};
use crate::diag::{Applicability, Code, Diagnostic, Diagnostics, Fix};
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    Word,
    Text,
    Open(u8),
    Close(u8),
    Operator,
    Newline,
    Semicolon,
    /// Anything else, left to the grammar to refuse.
    Other,
}

#[derive(Debug, Clone)]
pub struct Token {
    pub kind: TokenKind,
    pub range: Range<usize>,
}

/// A comment with what it documents: nothing (`//`), what follows (`///`), or the file (`//!`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommentKind {
    Plain,
    Doc,
    File,
}

#[derive(Debug, Clone)]
pub struct Comment {
    pub kind: CommentKind,
    pub range: Range<usize>,
}

const OPERATORS: [&str; 20] =
    ["->", "..", "==", "!=", "<=", ">=", "&&", "||", "<", ">", "=", "+", "-", "*", "/", ":", ",", ".", "!", "|"];

pub struct Scan {
    pub tokens: Vec<Token>,
    pub comments: Vec<Comment>,
    /// Where texts start that are not closed.
    pub broken: Vec<usize>,
}

/// Where a text ends that is not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unended {
    /// With its line.
    WithLine,
    /// Where the line then reads, so that the rest of it is understood.
    WhereItReads,
}

pub fn scan(file: FileId, text: &str, unended: Unended, diagnostics: &mut Diagnostics) -> Scan {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut comments = Vec::new();
    let mut broken = Vec::new();
    let mut unclosed: Vec<Unclosed> = Vec::new();
    let mut endless: Vec<u8> = Vec::new();
    let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    while at < bytes.len() {
        let start = at;
        let kind = match bytes[at] {
            b' ' | b'\t' | b'\r' => {
                at += 1;
                continue;
            }
            b'\n' => {
                at += 1;
                TokenKind::Newline
            }
            b'/' if text[at..].starts_with("//") => {
                at = line_end(bytes, at);
                let comment = &text[start..at];
                let kind = match comment {
                    c if c.starts_with("//!") => CommentKind::File,
                    c if c.starts_with("///") && !c.starts_with("////") => CommentKind::Doc,
                    _ => CommentKind::Plain,
                };
                comments.push(Comment { kind, range: start..at });
                continue;
            }
            quote @ (b'"' | b'\'') => {
                let long = bytes[at..].starts_with(&[quote; 3]);
                // What no later quote closes need not be searched for twice.
                let end = if long && endless.contains(&quote) { None } else { text_end(bytes, at, quote) };
                if long && end.is_none() {
                    endless.push(quote);
                }
                at = end.unwrap_or_else(|| {
                    let end = (unended == Unended::WhereItReads && unclosed.len() < super::closed::MOST && !long)
                        .then(|| super::closed::text_end(text, start, char::from(quote)))
                        .flatten()
                        .unwrap_or_else(|| line_end(bytes, start));
                    match unclosed.last_mut() {
                        Some(above) if above.ends_on_this_line(text, &tokens, quote) => above.continued = true,
                        _ => unclosed.push(Unclosed { start, end, continued: false }),
                    }
                    broken.push(start);
                    end
                });
                TokenKind::Text
            }
            open @ (b'(' | b'[' | b'{') => {
                at += 1;
                TokenKind::Open(open)
            }
            close @ (b')' | b']' | b'}') => {
                at += 1;
                TokenKind::Close(close)
            }
            b';' => {
                at += 1;
                TokenKind::Semicolon
            }
            b if is_word(b) => {
                while at < bytes.len() && is_word(bytes[at]) {
                    at += 1;
                }
                TokenKind::Word
            }
            _ => match OPERATORS.iter().find(|operator| text[at..].starts_with(**operator)) {
                Some(operator) => {
                    at += operator.len();
                    TokenKind::Operator
                }
                None => {
                    at += text[at..].chars().next().map_or(1, char::len_utf8);
                    TokenKind::Other
                }
            },
        };
        tokens.push(Token { kind, range: start..at });
    }
    let guesses = |at: usize| unended == Unended::WhereItReads && at < super::closed::GUESSED;
    unclosed
        .iter()
        .enumerate()
        .for_each(|(at, unclosed)| diagnostics.push(unclosed.diagnostic(file, text, guesses(at))));
    Scan { tokens, comments, broken }
}

/// A text whose line ends before its closing quote.
struct Unclosed {
    start: usize,
    end: usize,
    /// The closing quote stands on the next line.
    continued: bool,
}

impl Unclosed {
    /// Whether a quote that is not closed either, after these tokens, is the missing end of this text: it stands on
    /// the next line, and that line does not start with a statement, whose own mistake it would be.
    fn ends_on_this_line(&self, text: &str, tokens: &[Token], quote: u8) -> bool {
        let line = tokens.iter().rposition(|token| token.kind == TokenKind::Newline);
        let above = line.and_then(|at| at.checked_sub(1)).map(|at| &tokens[at]);
        let first = line.and_then(|at| tokens.get(at + 1));
        text.as_bytes()[self.start] == quote
            && above.is_some_and(|token| token.range.start == self.start)
            && first.is_none_or(|token| words::statement(&text[token.range.clone()]).is_none())
    }

    fn diagnostic(&self, file: FileId, text: &str, guesses: bool) -> Diagnostic {
        let quote = &text[self.start..=self.start];
        let span = Span::new(file, self.start, self.start + 1);
        if text.as_bytes()[self.start..].starts_with(&[text.as_bytes()[self.start]; 3]) {
            let problem = Diagnostic::new(Code::E0110, "this long text is never closed", span, "opened here");
            return problem.help(format!("put `{quote}{quote}{quote}` after its end"));
        }
        let problem = Diagnostic::new(Code::E0110, "this text is not closed on its line", span, "opened here");
        match self.continued {
            true => problem.help("a text stays on one line; `\\n` in a `\"…\"` is a line break"),
            false => {
                let end = Span::new(file, self.end, self.end);
                let problem =
                    problem.fix(Applicability::Maybe, end, quote, format!("put `{quote}` at the end of the text"));
                let sign = char::from(text.as_bytes()[self.start]);
                let others = if guesses { super::closed::quotes(text, self.start, sign) } else { Vec::new() };
                let others = others.into_iter().map(|(place, ours)| {
                    let help = match (ours, place.is_empty()) {
                        ("", _) => format!("remove one `{quote}`"),
                        (ours, true) => format!("put `{ours}` here"),
                        (ours, false) => format!("write `{ours}`"),
                    };
                    Fix::new(Applicability::Maybe, Span::new(file, place.start, place.end), ours, help)
                });
                others.fold(problem, Diagnostic::or)
            }
        }
    }
}

/// The word at the start of a text; empty where none stands.
pub fn first_word(text: &str) -> &str {
    let end = text.bytes().position(|byte| !is_word(byte)).unwrap_or(text.len());
    &text[..end]
}

/// Whether words stand at the start of a text, whole.
pub fn starts_with_words(text: &str, words: &str) -> bool {
    text.strip_prefix(words).is_some_and(|rest| !rest.bytes().next().is_some_and(is_word))
}

/// How many bytes of blanks a text begins with.
pub fn blanks(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub fn line_end(bytes: &[u8], from: usize) -> usize {
    let end = bytes[from..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| from + n);
    if end > from && bytes[end - 1] == b'\r' { end - 1 } else { end }
}

/// The offset after the three closing quotes, on whichever line.
fn long_text_end(bytes: &[u8], start: usize, quote: u8) -> Option<usize> {
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 2,
            b if b == quote && bytes[at..].starts_with(&[quote; 3]) => return Some(at + 3),
            _ => at += 1,
        }
    }
    None
}

/// The offset after the closing quote, on the same line.
pub fn text_end(bytes: &[u8], start: usize, quote: u8) -> Option<usize> {
    if bytes[start..].starts_with(&[quote; 3]) {
        return long_text_end(bytes, start + 3, quote);
    }
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'\n' {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 2,
            b if b == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}
