//! What is printed: statements and brackets with the comments around them.

use super::super::split;
use super::super::tokens::{self, Token, TokenKind, Unended};
use super::{reader, spacing};
use crate::base::{FileId, Source};
use crate::diag::Diagnostics;
use std::ops::Range;

pub const BLANKS: [char; 3] = [' ', '\t', '\r'];

/// A comment.
#[derive(Debug, Clone)]
pub struct Note {
    pub range: Range<usize>,
    /// A blank line stands above it.
    pub blank: bool,
    /// It stands after something on its line.
    pub beside: bool,
}

#[derive(Debug)]
pub enum FormatPiece {
    Token(usize),
    Group(Bracketed),
    Note(Note),
    Kept(Verbatim),
}

/// A part of the text that stays as it is.
#[derive(Debug)]
pub struct Verbatim {
    pub range: Range<usize>,
    /// It ends in a text that is not closed, so that nothing can follow on its line.
    pub open_ended: bool,
    /// Its first line keeps its indentation too.
    pub margin: bool,
}

/// A statement, an entry, or an element of a list.
#[derive(Debug, Default)]
pub struct Item {
    pub above: Vec<Note>,
    /// A blank line stands above it, below its comments.
    pub blank: bool,
    pub pieces: Vec<FormatPiece>,
    /// What must part it from the next item, even on a line of its own; or may, between brackets.
    pub separator: &'static str,
    pub beside: Option<Note>,
    /// `name: value`, which a comma may part from the next.
    pub entry: bool,
    /// Its width on one line; `None` where it has several.
    pub flat: Option<usize>,
}

#[derive(Debug)]
pub struct Bracketed {
    pub open: usize,
    pub bracket: u8,
    /// Of statements.
    pub body: bool,
    pub beside: Option<Note>,
    pub items: Vec<Item>,
    pub below: Vec<Note>,
    /// Written over several lines, or not to be written otherwise.
    pub broken: bool,
    pub flat: Option<usize>,
}

/// A file, ready to be printed.
pub struct Tree<'a> {
    pub text: &'a str,
    pub tokens: Vec<Token>,
    pub blanks: Vec<bool>,
    pub items: Vec<Item>,
    pub below: Vec<Note>,
    /// Statements that stay as they are.
    pub kept: usize,
    /// All tokens and comments, other than those that only separate.
    words: Vec<&'a str>,
}

impl<'a> Tree<'a> {
    pub fn read(file: FileId, text: &'a str) -> Tree<'a> {
        let raw = tokens::scan(file, text, Unended::WithLine, &mut Diagnostics::default());
        let split = split::split(file, text, Unended::WithLine, &mut Diagnostics::default());
        let (mut items, below, kept) = reader::read(text, &raw, &split);
        let blanks = spacing::blanks(text, &split.tokens);
        let mut measure = Widths { text, tokens: &split.tokens, blanks: &blanks };
        items.iter_mut().for_each(|item| measure.item(item));
        let separates = |token: &Token| {
            matches!(token.kind, TokenKind::Newline | TokenKind::Semicolon) || &text[token.range.clone()] == ","
        };
        let tokens = raw.tokens.iter().filter(|token| !separates(token)).map(|token| &token.range);
        let comments = split.comments.iter().map(|comment| &comment.range);
        let words = tokens.chain(comments).map(|range| text[range.clone()].trim_end_matches(BLANKS)).collect();
        Tree { text, tokens: split.tokens, blanks, items, below, kept, words }
    }

    pub fn of(source: &'a Source) -> Tree<'a> {
        Tree::read(source.id, &source.text)
    }

    pub fn word(&self, token: usize) -> &'a str {
        &self.text[self.tokens[token].range.clone()]
    }

    /// All that is said, in order, without how it is laid out: equal before and after formatting.
    pub fn says(&self) -> Vec<&'a str> {
        let mut said = self.words.clone();
        self.items.iter().for_each(|item| self.item_says(item, &mut said));
        said
    }

    fn item_says(&self, item: &Item, said: &mut Vec<&'a str>) {
        said.push("\n");
        for piece in &item.pieces {
            match piece {
                FormatPiece::Token(token) => said.push(self.word(*token)),
                FormatPiece::Kept(kept) => said.push(&self.text[kept.range.clone()]),
                FormatPiece::Note(_) => {}
                FormatPiece::Group(group) => {
                    said.push(if group.body { "body" } else { self.word(group.open) });
                    group.items.iter().for_each(|item| self.item_says(item, said));
                    said.push("end");
                }
            }
        }
    }
}

/// Widths, and which brackets cannot stand on one line.
struct Widths<'a> {
    text: &'a str,
    tokens: &'a [Token],
    blanks: &'a [bool],
}

impl Widths<'_> {
    fn item(&mut self, item: &mut Item) {
        let mut flat = Some(0);
        for (index, piece) in item.pieces.iter_mut().enumerate() {
            let (first, width) = match piece {
                FormatPiece::Token(at) => {
                    let text = &self.text[self.tokens[*at].range.clone()];
                    (Some(*at), (!text.contains('\n')).then(|| text.chars().count()))
                }
                FormatPiece::Group(group) => {
                    self.group(group);
                    (Some(group.open), group.flat)
                }
                FormatPiece::Note(_) | FormatPiece::Kept(_) => (None, None),
            };
            let blank = index > 0 && first.is_some_and(|at| self.blanks[at]);
            flat = flat.zip(width).map(|(sum, width)| sum + width + usize::from(blank));
        }
        item.flat = flat;
    }

    fn group(&mut self, group: &mut Bracketed) {
        group.items.iter_mut().for_each(|item| self.item(item));
        let braces = group.bracket == b'{';
        let notes = group.beside.is_some()
            || !group.below.is_empty()
            || group.items.iter().any(|item| item.beside.is_some() || !item.above.is_empty());
        let inner_notes =
            group.items.iter().any(|item| item.pieces.iter().any(|piece| matches!(piece, FormatPiece::Note(_))));
        let several = group.body && group.items.len() > 1 && !group.items.iter().all(|item| item.entry);
        let lines = braces && group.items.iter().any(|item| item.flat.is_none());
        let empty = group.items.is_empty() && !notes;
        group.broken = !empty && (group.broken || notes || inner_notes || several || lines);
        let count = group.items.len();
        let mut sum = Some(2 + if braces && count > 0 { 2 } else { 0 });
        for (index, item) in group.items.iter().enumerate() {
            let last = index + 1 == count;
            let separator = match (braces, last) {
                (true, false) => 2,
                (false, false) => 1 + usize::from(!group.items[index + 1].pieces.is_empty()),
                (_, true) => item.separator.len(),
            };
            sum = sum.zip(item.flat).map(|(sum, width)| sum + width + separator);
        }
        group.flat = sum.filter(|_| !group.broken);
    }
}
