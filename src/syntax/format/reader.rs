//! From the splitter's tree to what is printed. Gives every comment its place, and finds what stays as it is.

use super::super::grammar;
use super::super::split::{self, Fragment, Split, Statement};
use super::super::tokens::{self, Comment, Scan, Token, TokenKind};
use super::super::words::{self, Context};
use super::tree::{BLANKS, Bracketed, FormatPiece, Item, Note, Verbatim};
use std::ops::Range;

/// Whether a statement is understood well enough to be formatted. What the grammar refuses stays as it is.
fn is_readable(blanked: &str, statement: &Statement, context: Context) -> bool {
    let reads = |range: &std::ops::Range<usize>| {
        let text = &blanked[range.clone()];
        // The other branches of an `if` are heads of their own.
        grammar::reads(context, text) || (context == Context::Flow && grammar::reads_branch(text))
    };
    let heads = |part: &Fragment| match part {
        Fragment::Text(range) => reads(range),
        Fragment::Block(_) => true,
    };
    !statement.broken && statement.parts.iter().all(heads)
}

/// The statements of a text, the comments below them, and how many statements stay as they are.
pub fn read(text: &str, raw: &Scan, split: &Split) -> (Vec<Item>, Vec<Note>, usize) {
    let mut reader = Reader {
        text,
        raw: &raw.tokens,
        unclosed: &raw.broken,
        tokens: &split.tokens,
        at: 0,
        comments: &split.comments,
        blanked: &split.blanked,
        comment: 0,
        end: if text.starts_with('\u{feff}') { 3 } else { 0 },
        kept: 0,
    };
    let (items, below) = reader.file(split);
    (items, below, reader.kept)
}

struct Reader<'a> {
    text: &'a str,
    /// All tokens as written, before brackets were mended.
    raw: &'a [Token],
    unclosed: &'a [usize],
    tokens: &'a [Token],
    at: usize,
    comments: &'a [Comment],
    /// The text as the grammar reads it.
    blanked: &'a str,
    comment: usize,
    /// Where the last token or comment ended.
    end: usize,
    kept: usize,
}

impl Reader<'_> {
    fn file(&mut self, split: &Split) -> (Vec<Item>, Vec<Note>) {
        let mut uneven = self.uneven(&split.statements).into_iter().peekable();
        let mut items: Vec<Item> = Vec::new();
        let mut next = 0;
        self.separator(None);
        for (index, statement) in split.statements.iter().enumerate() {
            if index < next {
                continue;
            }
            let beside = items.last_mut().map(|item| &mut item.beside);
            let item = match uneven.next_if(|(statements, _)| statements.start == index) {
                Some((statements, range)) => {
                    let above = self.notes(range.start, beside);
                    let blank = self.blank(range.start);
                    self.keep(&range);
                    next = statements.end;
                    let kept = Verbatim { range, open_ended: true, margin: true };
                    Item { above, blank, pieces: vec![FormatPiece::Kept(kept)], ..Item::default() }
                }
                None => {
                    let above = self.notes(start(statement), beside);
                    self.statement(statement, above, Context::File)
                }
            };
            items.push(item);
            self.separator(items.last_mut());
        }
        let below = self.notes(self.text.len(), items.last_mut().map(|item| &mut item.beside));
        (items, below)
    }

    /// Runs of statements in which brackets were mended, with all that stays as it is because of them.
    fn uneven(&self, statements: &[Statement]) -> Vec<(Range<usize>, Range<usize>)> {
        let mut found: Vec<(Range<usize>, Range<usize>)> = Vec::new();
        let (mut raw, mut mended) = (self.raw, self.tokens);
        for (index, statement) in statements.iter().enumerate() {
            let next = statements.get(index + 1).map_or(usize::MAX, start);
            let own = cut(&mut raw, next);
            if brackets(own).eq(brackets(cut(&mut mended, next))) {
                continue;
            }
            // What is stray before the first statement belongs to it too.
            let first = own.iter().find(|token| token.kind != TokenKind::Newline);
            let first = first.map_or(start(statement), |token| token.range.start.min(start(statement)));
            let line = self.text[..first].rfind('\n').map_or(0, |at| at + 1);
            let margin = self.text[line..first].trim_start_matches('\u{feff}').trim().is_empty();
            let from = if margin { line.max(self.end) } else { first };
            let last = own.iter().rev().find(|token| token.kind != TokenKind::Newline);
            let to = last.map_or(first, |token| token.range.end);
            match found.last_mut() {
                Some((statements, range)) if statements.end == index => {
                    statements.end = index + 1;
                    range.end = to;
                }
                _ => found.push((index..index + 1, from..to)),
            }
        }
        found
    }

    /// Passes over a part of the text that stays as it is, comments included.
    fn keep(&mut self, range: &Range<usize>) {
        while self.tokens.get(self.at).is_some_and(|token| token.range.end <= range.end) {
            self.at += 1;
        }
        while self.comments.get(self.comment).is_some_and(|comment| comment.range.start < range.end) {
            self.comment += 1;
        }
        self.end = range.end;
        self.kept += 1;
    }

    fn word(&self, token: &Token) -> &str {
        &self.text[token.range.clone()]
    }

    /// Whether a blank line stands between the last token or comment and an offset.
    fn blank(&self, until: usize) -> bool {
        self.text.get(self.end..until).is_some_and(|gap| gap.bytes().filter(|byte| *byte == b'\n').count() > 1)
    }

    /// The comments before an offset. The first goes next to what stands before it on its line, where that has room.
    fn notes(&mut self, until: usize, beside: Option<&mut Option<Note>>) -> Vec<Note> {
        let mut notes = Vec::new();
        while let Some(comment) = self.comments.get(self.comment).filter(|comment| comment.range.start < until) {
            let gap = self.text.get(self.end..comment.range.start).unwrap_or("");
            let length = self.text[comment.range.clone()].trim_end_matches(BLANKS).len();
            notes.push(Note {
                range: comment.range.start..comment.range.start + length,
                blank: self.blank(comment.range.start),
                beside: !gap.contains('\n'),
            });
            self.end = comment.range.end;
            self.comment += 1;
        }
        put_beside(&mut notes, beside);
        notes
    }

    fn statement(&mut self, statement: &Statement, above: Vec<Note>, context: Context) -> Item {
        let blank = self.blank(start(statement));
        let readable = is_readable(self.blanked, statement, context);
        let mut pieces = Vec::new();
        let mut head = "";
        for part in &statement.parts {
            if let Fragment::Text(range) = part {
                let word = tokens::first_word(&self.text[range.start..]);
                // An `else` goes on with what the `if` has begun.
                if head.is_empty() || words::statement(word).is_some() {
                    head = word;
                }
            }
            match part {
                Fragment::Text(range) if readable => {
                    while self.tokens.get(self.at).is_some_and(|token| token.range.start < range.end) {
                        self.piece(&mut pieces);
                    }
                }
                Fragment::Text(range) => {
                    pieces.extend(self.notes(range.start, None).into_iter().map(FormatPiece::Note));
                    self.keep(range);
                    let last = self.tokens.get(self.at.wrapping_sub(1)).map_or(0, |token| token.range.start);
                    let open_ended = self.unclosed.binary_search(&last).is_ok();
                    pieces.push(FormatPiece::Kept(Verbatim { range: range.clone(), open_ended, margin: false }));
                }
                Fragment::Block(block) => {
                    let mut group = self.opened(true, &mut pieces);
                    self.body(&mut group, &block.statements, words::body(head, context));
                    pieces.push(FormatPiece::Group(group));
                }
            }
        }
        Item { above, blank, pieces, ..Item::default() }
    }

    /// Semicolons end statements and are dropped, except where a line end alone would not end this one.
    fn separator(&mut self, item: Option<&mut Item>) {
        let before = self.at.checked_sub(1);
        let mut semicolon = false;
        while let Some(token) = self.tokens.get(self.at)
            && matches!(token.kind, TokenKind::Newline | TokenKind::Semicolon)
        {
            if token.kind == TokenKind::Semicolon {
                semicolon = true;
                // A comment after it stands next to the statement, not one before it.
                if self.comments.get(self.comment).is_none_or(|comment| comment.range.start > token.range.start) {
                    self.end = token.range.end;
                }
            }
            self.at += 1;
        }
        if let (true, Some(item), Some(before)) = (semicolon, item, before)
            && self.runs_on(before, self.at)
        {
            item.separator = ";";
        }
    }

    /// Whether a line end between two tokens would not part them.
    fn runs_on(&self, before: usize, after: usize) -> bool {
        let label = self.tokens.get(after + 1).is_some_and(|token| self.word(token) == ":");
        match self.tokens.get(after) {
            None | Some(Token { kind: TokenKind::Close(_), .. }) => false,
            Some(_) => {
                split::continues_after(self.text, &self.tokens[before])
                    || !label && split::continues_before(self.text, self.tokens, after)
            }
        }
    }

    /// One token, or a bracket with what is in it.
    fn piece(&mut self, pieces: &mut Vec<FormatPiece>) {
        let token = &self.tokens[self.at];
        let notes = self.notes(token.range.start, None);
        pieces.extend(notes.into_iter().map(FormatPiece::Note));
        match token.kind {
            TokenKind::Open(_) => {
                let mut group = self.opened(false, pieces);
                self.elements(&mut group);
                pieces.push(FormatPiece::Group(group));
            }
            TokenKind::Word
            | TokenKind::Text
            | TokenKind::Close(_)
            | TokenKind::Operator
            | TokenKind::Newline
            | TokenKind::Semicolon
            | TokenKind::Other => {
                pieces.push(FormatPiece::Token(self.at));
                self.end = token.range.end;
                self.at += 1;
            }
        }
    }

    /// A bracket that opens here. A brace stays on the line of what it belongs to, so that comments between the two
    /// move inside.
    fn opened(&mut self, body: bool, pieces: &mut Vec<FormatPiece>) -> Bracketed {
        let token = &self.tokens[self.at];
        let notes = self.notes(token.range.start, None);
        pieces.extend(notes.into_iter().map(FormatPiece::Note));
        let bracket = self.text.as_bytes()[token.range.start];
        let mut below = Vec::new();
        if bracket == b'{' {
            let closed = matches!(pieces.iter().rfind(|piece| !matches!(piece, FormatPiece::Note(_))), Some(FormatPiece::Kept(kept)) if kept.open_ended);
            let notes = pieces.iter().rev().take_while(|piece| matches!(piece, FormatPiece::Note(_))).count();
            if notes < pieces.len() && !closed {
                below.extend(pieces.drain(pieces.len() - notes..).filter_map(|piece| match piece {
                    FormatPiece::Note(note) => Some(note),
                    FormatPiece::Token(_) | FormatPiece::Group(_) | FormatPiece::Kept(_) => None,
                }));
            }
        }
        let mut beside = None;
        put_beside(&mut below, Some(&mut beside));
        let after = self.text[token.range.end..].trim_start_matches(BLANKS);
        let broken = bracket != b'(' && after.starts_with('\n');
        self.end = token.range.end;
        self.at += 1;
        Bracketed { open: self.at - 1, bracket, body, beside, items: Vec::new(), below, broken, flat: None }
    }

    fn closed(&mut self) {
        if let Some(token) = self.tokens.get(self.at) {
            self.end = token.range.end;
            self.at += 1;
        }
    }

    fn body(&mut self, group: &mut Bracketed, statements: &[Statement], context: Context) {
        let mut above = std::mem::take(&mut group.below);
        // A `///` that moved here shall not document what it did not.
        let apart = above.last().is_some_and(|note| self.text[note.range.clone()].starts_with("///"));
        self.separator(None);
        for statement in statements {
            let beside = match group.items.last_mut() {
                Some(item) => &mut item.beside,
                None => &mut group.beside,
            };
            above.extend(self.notes(start(statement), Some(beside)));
            let mut item = self.statement(statement, std::mem::take(&mut above), context);
            item.blank |= apart && group.items.is_empty();
            let mut entries = self.entries(item);
            self.separator(entries.last_mut());
            group.items.append(&mut entries);
        }
        let until = self.tokens.get(self.at).map_or(self.text.len(), |token| token.range.start);
        let beside = match group.items.last_mut() {
            Some(item) => &mut item.beside,
            None => &mut group.beside,
        };
        group.below = above;
        group.below.extend(self.notes(until, Some(beside)));
        self.closed();
    }

    /// Entries that commas part stand on lines of their own, as if newlines parted them.
    fn entries(&self, item: Item) -> Vec<Item> {
        let comma =
            |piece: &FormatPiece| matches!(piece, FormatPiece::Token(at) if self.word(&self.tokens[*at]) == ",");
        let opens = |pieces: &[FormatPiece]| {
            let pieces = &pieces[pieces.iter().take_while(|piece| matches!(piece, FormatPiece::Note(_))).count()..];
            match pieces {
                [] => true,
                [FormatPiece::Token(name), FormatPiece::Token(sign), ..] => {
                    matches!(self.tokens[*name].kind, TokenKind::Word | TokenKind::Text)
                        && matches!(self.word(&self.tokens[*sign]), ":" | "=")
                }
                _ => false,
            }
        };
        let mut starts = (0..item.pieces.len()).filter(|at| comma(&item.pieces[*at])).map(|at| at + 1);
        if item.pieces.is_empty() || !opens(&item.pieces) || !starts.all(|at| opens(&item.pieces[at..])) {
            return vec![item];
        }
        let mut items = vec![Item { above: item.above, blank: item.blank, entry: true, ..Item::default() }];
        let mut end = 0;
        for piece in item.pieces {
            let current = items.last_mut().expect("the first item was there from the start");
            match piece {
                FormatPiece::Token(at) if self.word(&self.tokens[at]) == "," => {
                    end = self.tokens[at].range.end;
                    let last = current.pieces.last().map(|_| at - 1);
                    if last.is_some_and(|last| self.runs_on(last, at + 1)) {
                        current.separator = ",";
                    }
                    let notes = trailing(current);
                    items.push(Item { above: notes, entry: true, ..Item::default() });
                }
                FormatPiece::Note(note) if current.pieces.is_empty() => {
                    end = note.range.end;
                    current.above.push(note);
                }
                piece => {
                    if let (true, FormatPiece::Token(at)) = (current.pieces.is_empty() && end > 0, &piece) {
                        let gap = &self.text[end..self.tokens[*at].range.start];
                        current.blank = gap.bytes().filter(|byte| *byte == b'\n').count() > 1;
                    }
                    current.pieces.push(piece);
                }
            }
        }
        for at in 1..items.len() {
            let (before, after) = items.split_at_mut(at);
            put_beside(&mut after[0].above, before.last_mut().map(|item| &mut item.beside));
        }
        if items.last().is_some_and(|last| last.pieces.is_empty() && last.above.is_empty()) {
            items.pop();
        }
        items
    }

    /// Everything up to the closing bracket, cut at commas and, in braces, at line ends.
    fn elements(&mut self, group: &mut Bracketed) {
        let braces = group.bracket == b'{';
        let mut current = Item { above: std::mem::take(&mut group.below), ..Item::default() };
        while let Some(token) = self.tokens.get(self.at) {
            if current.pieces.is_empty() {
                let beside = match group.items.last_mut() {
                    Some(item) => &mut item.beside,
                    None => &mut group.beside,
                };
                let notes = self.notes(token.range.start, Some(beside));
                current.above.extend(notes);
                current.blank = self.blank(token.range.start);
            } else {
                let notes = self.notes(token.range.start, None);
                current.pieces.extend(notes.into_iter().map(FormatPiece::Note));
            }
            let comma = self.word(token) == ",";
            match token.kind {
                TokenKind::Close(_) => break,
                TokenKind::Newline if braces => self.at += 1,
                TokenKind::Operator if comma => {
                    self.end = token.range.end;
                    self.at += 1;
                    current.separator = ",";
                }
                TokenKind::Word
                | TokenKind::Text
                | TokenKind::Open(_)
                | TokenKind::Operator
                | TokenKind::Newline
                | TokenKind::Semicolon
                | TokenKind::Other => {
                    self.piece(&mut current.pieces);
                    continue;
                }
            }
            if current.pieces.is_empty() && (braces || !comma) {
                current.separator = "";
                continue;
            }
            let commas = self.tokens[self.at..].iter().take_while(|token| self.word(token) == ",").count();
            if braces && comma && !self.runs_on(self.at - 2, self.at + commas) {
                current.separator = "";
            }
            let above = trailing(&mut current);
            group.items.push(std::mem::replace(&mut current, Item { above, ..Item::default() }));
        }
        match current.pieces.is_empty() {
            true => group.below = current.above,
            false => {
                let above = trailing(&mut current);
                group.items.push(current);
                group.below = above;
            }
        }
        if let Some(last) = group.items.last_mut()
            && !last.pieces.is_empty()
        {
            last.separator = "";
        }
        self.closed();
    }
}

/// Takes the comments from the end of an item: the first stands next to it where it did, the others go on.
fn trailing(item: &mut Item) -> Vec<Note> {
    let count = item.pieces.iter().rev().take_while(|piece| matches!(piece, FormatPiece::Note(_))).count();
    let pieces = item.pieces.drain(item.pieces.len() - count..);
    let mut notes: Vec<Note> = pieces
        .filter_map(|piece| match piece {
            FormatPiece::Note(note) => Some(note),
            FormatPiece::Token(_) | FormatPiece::Group(_) | FormatPiece::Kept(_) => None,
        })
        .collect();
    put_beside(&mut notes, Some(&mut item.beside));
    notes
}

fn put_beside(notes: &mut Vec<Note>, place: Option<&mut Option<Note>>) {
    if let Some(place) = place
        && place.is_none()
        && notes.first().is_some_and(|note| note.beside)
    {
        *place = Some(notes.remove(0));
    }
}

fn start(statement: &Statement) -> usize {
    match statement.parts.first() {
        Some(Fragment::Text(range)) => range.start,
        Some(Fragment::Block(block)) => block.range.start,
        None => 0,
    }
}

/// Takes the tokens before an offset from the front of some.
fn cut<'t>(tokens: &mut &'t [Token], until: usize) -> &'t [Token] {
    let (before, rest) = tokens.split_at(tokens.partition_point(|token| token.range.start < until));
    *tokens = rest;
    before
}

fn brackets(tokens: &[Token]) -> impl Iterator<Item = &Range<usize>> {
    let bracket = |token: &&Token| matches!(token.kind, TokenKind::Open(_) | TokenKind::Close(_));
    tokens.iter().filter(bracket).map(|token| &token.range)
}
