//! Lines: indentation, what stands on one line, and where a line that is too long is broken.

use super::super::split;
use super::super::tokens::TokenKind;
use super::super::words;
use super::tree::{Bracketed, FormatPiece, Item, Note, Tree, Verbatim};

/// Columns of a line, other than of its comment.
const LONGEST: usize = 120;
const STEP: usize = 2;

/// How little a break before a part is wanted; `NEVER` where it would change what is read.
type Rank = usize;
const NEVER: Rank = usize::MAX;
const AFTER_COMMA: Rank = 2;
const BEFORE_OPERATOR: Rank = 3;
/// Within brackets: after a comma, then before a word, each at the outermost level possible.
const INSIDE: Rank = 4;
const INSIDE_WORD: Rank = 1_000;

/// Connecting words that bind closer than the others.
const CLOSE_WORDS: [&str; 5] = ["of", "from", "in", "by", "every"];

/// What is never parted.
struct Atom<'t> {
    what: What<'t>,
    blank: bool,
    rank: Rank,
}

enum What<'t> {
    Text(&'t str),
    /// A bracket over several lines.
    Group(&'t Bracketed),
    Note(&'t Note),
    Kept(&'t Verbatim),
}

struct Layout<'t, 'a> {
    tree: &'t Tree<'a>,
    out: String,
    column: usize,
}

pub fn lay_out(tree: &Tree<'_>) -> String {
    let mut layout = Layout { tree, out: String::with_capacity(tree.text.len()), column: 0 };
    layout.file();
    layout.out
}

impl<'t> Layout<'t, '_> {
    fn file(&mut self) {
        let mut had_body = false;
        for (index, item) in self.tree.items.iter().enumerate() {
            let before = std::mem::take(&mut self.out);
            let has_body = self.line(item, 0);
            let line = std::mem::replace(&mut self.out, before);
            let blank = item.blank || item.above.iter().any(|note| note.blank);
            if index > 0 && (had_body || has_body) && !blank {
                self.out.push('\n');
            }
            self.above(item, 0, index == 0);
            self.out.push_str(&line);
            had_body = has_body;
        }
        self.notes(&self.tree.below, 0, self.tree.items.is_empty());
    }

    fn notes(&mut self, notes: &[Note], indent: usize, first: bool) {
        for (index, note) in notes.iter().enumerate() {
            if note.blank && !(first && index == 0) {
                self.out.push('\n');
            }
            self.indent(indent);
            self.text(&self.tree.text[note.range.clone()]);
            self.end_line();
        }
    }

    fn above(&mut self, item: &Item, indent: usize, first: bool) {
        self.notes(&item.above, indent, first);
        if item.blank && !(first && item.above.is_empty()) {
            self.out.push('\n');
        }
    }

    /// An item with what stands next to it. Returns whether it has a body over several lines.
    fn line(&mut self, item: &'t Item, indent: usize) -> bool {
        if !matches!(item.pieces.first(), Some(FormatPiece::Kept(Verbatim { margin: true, .. }))) {
            self.indent(indent);
        }
        let has_body = self.item(item, indent);
        self.text(item.separator);
        if let Some(note) = &item.beside {
            self.beside(note);
        }
        self.end_line();
        has_body
    }

    fn beside(&mut self, note: &Note) {
        self.text("  ");
        self.text(&self.tree.text[note.range.clone()]);
    }

    fn indent(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(text);
        self.column = match text.rfind('\n') {
            Some(at) => text[at + 1..].chars().count(),
            None => self.column + text.chars().count(),
        };
    }

    fn end_line(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    fn group(&mut self, group: &'t Bracketed, indent: usize) {
        self.text(self.tree.word(group.open));
        if let Some(note) = &group.beside {
            self.beside(note);
        }
        self.end_line();
        for (index, item) in group.items.iter().enumerate() {
            self.above(item, indent + STEP, index == 0);
            self.line(item, indent + STEP);
        }
        self.notes(&group.below, indent + STEP, group.items.is_empty());
        self.indent(indent);
        self.text(closing(group.bracket));
    }

    fn item(&mut self, item: &'t Item, indent: usize) -> bool {
        let room = LONGEST.saturating_sub(item.separator.len());
        let fits_flat = item.flat.is_some_and(|width| self.column + width <= room);
        let parts = match fits_flat {
            true => self.parts(item, &[]),
            false => self.chosen(item, indent, room),
        };
        self.parts_out(&parts, indent, room);
        parts.iter().any(|part| matches!(part.what, What::Group(Bracketed { body: true, .. })))
    }

    /// The parts of an item that is too long for a line: first its body goes over several lines, then the object or
    /// list at its end.
    fn chosen(&self, item: &'t Item, indent: usize, room: usize) -> Vec<Atom<'t>> {
        let mut broken = Vec::new();
        let mut parts = self.parts(item, &broken);
        let mut end = item.pieces.len();
        for body in [true, false] {
            let Some(FormatPiece::Group(group)) = end.checked_sub(1).map(|at| &item.pieces[at]) else { break };
            let nests = || {
                let groups = |item: &Item| item.pieces.iter().any(|piece| matches!(piece, FormatPiece::Group(_)));
                group.items.iter().any(groups)
            };
            if group.body != body {
                continue;
            }
            end -= 1;
            let may = group.bracket == b'{' || group.bracket == b'[' && nests();
            if may && !group.broken && !group.items.is_empty() && !fits(&parts, indent, room) {
                broken.push(end);
                parts = self.parts(item, &broken);
            }
        }
        parts
    }

    fn parts(&self, item: &'t Item, broken: &[usize]) -> Vec<Atom<'t>> {
        let mut parts = Vec::new();
        self.flatten(item, broken, 0, &mut parts);
        parts
    }

    fn flatten(&self, item: &'t Item, broken: &[usize], depth: usize, parts: &mut Vec<Atom<'t>>) {
        let first = parts.len();
        for (index, piece) in item.pieces.iter().enumerate() {
            let (what, at) = match piece {
                FormatPiece::Token(at) => (What::Text(self.tree.word(*at)), *at),
                FormatPiece::Note(note) => {
                    parts.push(Atom { what: What::Note(note), blank: false, rank: NEVER });
                    continue;
                }
                FormatPiece::Kept(kept) => {
                    parts.push(Atom { what: What::Kept(kept), blank: index > 0, rank: NEVER });
                    continue;
                }
                FormatPiece::Group(group) if group.broken || broken.contains(&index) => {
                    (What::Group(group), group.open)
                }
                FormatPiece::Group(group) => (What::Text(self.tree.word(group.open)), group.open),
            };
            let blank = self.tree.blanks[at] || index > 0 && matches!(item.pieces[index - 1], FormatPiece::Kept(_));
            let rank = if parts.len() > first && blank { self.rank(at, depth) } else { NEVER };
            parts.push(Atom { what, blank: parts.len() > first && blank, rank });
            if let FormatPiece::Group(group) = piece
                && !(group.broken || broken.contains(&index))
            {
                self.flatten_group(group, depth + 1, parts);
            }
        }
    }

    /// What follows the opening bracket, on its line.
    fn flatten_group(&self, group: &'t Bracketed, depth: usize, parts: &mut Vec<Atom<'t>>) {
        let braces = group.bracket == b'{';
        for (index, item) in group.items.iter().enumerate() {
            let from = parts.len();
            self.flatten(item, &[], depth, parts);
            if let Some(part) = parts.get_mut(from) {
                part.blank = braces || index > 0;
                part.rank = if index > 0 { INSIDE + depth } else { NEVER };
            }
            let separator = if braces && index + 1 < group.items.len() { "," } else { item.separator };
            if !separator.is_empty() {
                parts.push(Atom { what: What::Text(separator), blank: false, rank: NEVER });
            }
        }
        let blank = braces && !group.items.is_empty();
        parts.push(Atom { what: What::Text(closing(group.bracket)), blank, rank: NEVER });
    }

    /// How little a break is wanted before a token that is not the first of its item.
    fn rank(&self, at: usize, depth: usize) -> Rank {
        let (text, tokens) = (self.tree.text, &self.tree.tokens);
        let word = self.tree.word(at);
        let label = tokens.get(at + 1).is_some_and(|next| &text[next.range.clone()] == ":");
        let joins = !label && split::continues_before(text, tokens, at);
        let after_comma = at.checked_sub(1).is_some_and(|before| self.tree.word(before) == ",");
        let connects = joins && words::CONNECTING.contains(&word);
        match depth {
            0 if connects => usize::from(CLOSE_WORDS.contains(&word)),
            0 if after_comma => AFTER_COMMA,
            // A `=` is followed by what it is about.
            0 if joins && tokens[at].kind == TokenKind::Operator && word != "=" => BEFORE_OPERATOR,
            0 => NEVER,
            _ if connects => INSIDE_WORD + depth,
            _ if after_comma => INSIDE + depth,
            _ => NEVER,
        }
    }

    /// Writes parts from where the line stands, breaking it where it is full.
    fn parts_out(&mut self, parts: &[Atom<'t>], indent: usize, room: usize) {
        let mut at = 0;
        let mut fresh = true;
        // What follows a closing brace on a new line stands under it.
        let mut set_in = true;
        while at < parts.len() {
            let line = full_line(&parts[at..], self.column, fresh, room);
            for part in &parts[at..at + line] {
                let opens_line = std::mem::take(&mut fresh);
                if part.blank && !opens_line {
                    self.text(" ");
                }
                match part.what {
                    What::Text(text) => self.text(text),
                    What::Group(group) => self.group(group, indent),
                    What::Kept(kept) => self.text(&self.tree.text[kept.range.clone()]),
                    What::Note(note) if note.beside && !opens_line => self.beside(note),
                    What::Note(note) => {
                        if !opens_line {
                            self.end_line();
                            self.indent(indent + STEP);
                        }
                        self.text(&self.tree.text[note.range.clone()]);
                    }
                }
            }
            let (ends, goes_on) = match parts[at + line - 1].what {
                What::Text(_) => (true, true),
                What::Note(_) => (true, set_in),
                What::Kept(kept) => (kept.open_ended, false),
                What::Group(_) => (false, false),
            };
            at += line;
            set_in = goes_on;
            let Some(next) = parts.get(at).filter(|_| ends) else { continue };
            let under = !set_in || matches!(next.what, What::Text("else"));
            self.end_line();
            self.indent(if under { indent } else { indent + STEP });
            fresh = true;
        }
    }
}

/// How many parts go on a line that has come to a column: all up to what ends a line by itself, or as many as fit.
fn full_line(parts: &[Atom<'_>], mut column: usize, fresh: bool, room: usize) -> usize {
    let mut best: Option<usize> = None;
    let mut full = false;
    for (index, part) in parts.iter().enumerate() {
        if index > 0 && part.rank != NEVER {
            match best {
                // Nothing before it could be broken.
                None if full => return index,
                Some(other) if parts[other].rank < part.rank => {}
                Some(_) | None => best = Some(index),
            }
        }
        let (width, ends) = match part.what {
            What::Text(text) => (first_line(text), false),
            What::Group(_) => (1, true),
            What::Note(_) | What::Kept(_) => (0, true),
        };
        column += width + usize::from(part.blank && !(fresh && index == 0));
        full |= column > room;
        if full && let Some(best) = best {
            return best;
        }
        if ends {
            return index + 1;
        }
        if let What::Text(text) = part.what
            && let Some(at) = text.rfind('\n')
        {
            (column, best) = (text[at + 1..].chars().count(), None);
        }
    }
    parts.len()
}

fn first_line(text: &str) -> usize {
    text.split('\n').next().map_or(0, |line| line.chars().count())
}

/// Whether all lines of parts fit without a break of their own.
fn fits(parts: &[Atom<'_>], indent: usize, room: usize) -> bool {
    let (mut column, mut fresh) = (indent, true);
    for part in parts {
        column += usize::from(part.blank && !std::mem::take(&mut fresh));
        match part.what {
            What::Text(text) => {
                column += first_line(text);
                if column > room {
                    return false;
                }
                if let Some(end) = text.rfind('\n') {
                    column = text[end + 1..].chars().count();
                }
            }
            What::Group(_) if column + 1 > room => return false,
            What::Group(_) => column = indent + 1,
            What::Note(_) | What::Kept(_) => (column, fresh) = (indent + STEP, true),
        }
    }
    true
}

fn closing(open: u8) -> &'static str {
    match open {
        b'(' => ")",
        b'[' => "]",
        _ => "}",
    }
}
