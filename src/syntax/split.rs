//! Cuts a text into a tree of statements and blocks in linear time, before any grammar sees it. Recovery lives
//! here: a mistake stays inside its own statement.

use super::tokens::{self, Comment, CommentKind, Kind, Token};
use super::words;
use crate::base::{FileId, Span};
use crate::diag::{Code, Diagnostic, Diagnostics};
use std::ops::Range;

/// Deeper brackets than this no person writes, and no stack should have to hold.
const DEEPEST: usize = 64;

#[derive(Debug, Clone)]
pub struct Statement {
    pub parts: Vec<Part>,
    pub doc: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Part {
    Text(Range<usize>),
    Block(Block),
}

#[derive(Debug, Clone)]
pub struct Block {
    pub statements: Vec<Statement>,
    /// From the opening brace to behind the closing one.
    pub range: Range<usize>,
}

/// A text in pieces. `blanked` has the length of the text, with comments and insignificant newlines as spaces,
/// so that the grammar needs no word for either and every offset stays true.
#[derive(Debug)]
pub struct Split {
    pub statements: Vec<Statement>,
    pub blanked: String,
    pub doc: Option<String>,
}

pub fn split(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Split {
    let scan = tokens::scan(file, text, diagnostics);
    let mut tokens = scan.tokens;
    balance(file, text, &mut tokens, diagnostics);
    let newlines = insignificant_newlines(text, &tokens);
    let blanked = blank(text, &scan.comments, &tokens, &newlines);
    let kept: Vec<Token> =
        tokens.into_iter().enumerate().filter(|(i, _)| !newlines[*i]).map(|(_, token)| token).collect();
    let mut cutter = Cutter { file, text, tokens: &kept, at: 0, comments: &scan.comments, diagnostics };
    let statements = cutter.statements();
    let doc = joined(text, scan.comments.iter().filter(|c| c.kind == CommentKind::File));
    Split { statements, blanked, doc }
}

fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

/// Makes every bracket have its partner: reports what is unclosed or stray, drops stray ones, adds missing ones.
fn balance(file: FileId, text: &str, tokens: &mut Vec<Token>, diagnostics: &mut Diagnostics) {
    let depth_at_end = tokens.iter().fold(0i64, |depth, token| match token.kind {
        Kind::Open(b'{') => depth + 1,
        Kind::Close(b'}') => depth - 1,
        _ => depth,
    });
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut open: Vec<(u8, Range<usize>)> = Vec::new();
    let mut refused_depth: Option<usize> = None;
    for token in tokens.drain(..) {
        let column_zero = token.range.start == 0 || text.as_bytes()[token.range.start - 1] == b'\n';
        // With a brace missing somewhere, a declaration at the left margin is where a person would say that
        // the block before it should have ended.
        if depth_at_end > 0 && !open.is_empty() && column_zero && token.kind == Kind::Word {
            let word = &text[token.range.clone()];
            if words::statement(word).is_some_and(|w| w.contexts.contains(&words::Context::File)) {
                let here = Span::new(file, token.range.start, token.range.end);
                close_all(file, text, &mut open, &mut out, token.range.start, Some((word, here)), diagnostics);
            }
        }
        match token.kind {
            Kind::Open(bracket) => {
                if open.len() >= DEEPEST && refused_depth.is_none() {
                    refused_depth = Some(open.len());
                    let span = Span::new(file, token.range.start, token.range.end);
                    diagnostics.push(
                        Diagnostic::new(Code::E0112, "brackets are nested too deep", span, format!("level {}", DEEPEST + 1))
                            .help(format!("{DEEPEST} levels are allowed; name parts with `let` or a flow of their own")),
                    );
                }
                open.push((bracket, token.range.clone()));
                // What is too deep is dropped, so that nothing behind the splitter recurses into it.
                if open.len() <= DEEPEST {
                    out.push(token);
                }
            }
            Kind::Close(bracket) => {
                let partner = open.iter().rposition(|(o, _)| closing(*o) == bracket);
                // A brace also ends the parentheses that somebody forgot inside it; the reverse does not hold.
                let reachable = partner
                    .filter(|at| bracket == b'}' || open[at + 1..].iter().all(|(o, _)| *o != b'{'));
                match reachable {
                    Some(partner) => {
                        while open.len() > partner + 1 {
                            let end = out.last().map_or(token.range.start, |t| t.range.end);
                            close_one(file, &mut open, &mut out, end, None, diagnostics);
                        }
                        if open.len() <= DEEPEST {
                            out.push(token);
                        }
                        open.pop();
                    }
                    None => {
                        let span = Span::new(file, token.range.start, token.range.end);
                        let what = bracket as char;
                        diagnostics.push(
                            Diagnostic::new(Code::E0111, format!("this `{what}` closes nothing"), span, "nothing is open here")
                                .fix(span, "", "remove it"),
                        );
                        out.push(Token { kind: Kind::Newline, range: token.range });
                    }
                }
            }
            Kind::Word | Kind::Text | Kind::Operator | Kind::Newline | Kind::Semicolon | Kind::Other => {
                if open.len() <= DEEPEST {
                    out.push(token);
                }
            }
        }
    }
    close_all(file, text, &mut open, &mut out, text.len(), None, diagnostics);
    *tokens = out;
}

fn close_all(
    file: FileId,
    text: &str,
    open: &mut Vec<(u8, Range<usize>)>,
    out: &mut Vec<Token>,
    before: usize,
    next: Option<(&str, Span)>,
    diagnostics: &mut Diagnostics,
) {
    let end = text[..before].trim_end().len();
    while !open.is_empty() {
        close_one(file, open, out, end, next, diagnostics);
    }
    out.push(Token { kind: Kind::Newline, range: before..before });
}

fn close_one(
    file: FileId,
    open: &mut Vec<(u8, Range<usize>)>,
    out: &mut Vec<Token>,
    end: usize,
    next: Option<(&str, Span)>,
    diagnostics: &mut Diagnostics,
) {
    let Some((bracket, range)) = open.pop() else { return };
    let close = closing(bracket);
    let (what, missing) = (bracket as char, close as char);
    let span = Span::new(file, range.start, range.end);
    let place = Span::new(file, end, end);
    let mut diagnostic = Diagnostic::new(Code::E0101, format!("this `{what}` is never closed"), span, "opened here");
    if let Some((word, here)) = next {
        diagnostic = diagnostic.label(here, format!("`{word}` starts here"));
    }
    diagnostics.push(diagnostic.fix(place, missing.to_string(), format!("put `{missing}` before this point")));
    if open.len() < DEEPEST {
        out.push(Token { kind: Kind::Close(close), range: end..end });
    }
}

/// For each token, whether it is a newline that ends no statement.
fn insignificant_newlines(text: &str, tokens: &[Token]) -> Vec<bool> {
    let mut insignificant = vec![false; tokens.len()];
    let mut brackets: Vec<u8> = Vec::new();
    let mut before: Option<usize> = None;
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Open(bracket) => brackets.push(bracket),
            Kind::Close(_) => {
                brackets.pop();
            }
            Kind::Newline => {
                // Only the first of a run can end a statement; looking past the run once keeps this linear.
                let follows_newline = index.checked_sub(1).is_some_and(|p| tokens[p].kind == Kind::Newline);
                let next = || (index + 1..tokens.len()).find(|at| tokens[*at].kind != Kind::Newline);
                insignificant[index] = follows_newline
                    || matches!(brackets.last(), Some(b'(' | b'['))
                    || before.is_none_or(|at| continues_after(text, &tokens[at]))
                    || next().is_none_or(|at| continues_before(text, tokens, at));
                continue;
            }
            Kind::Word | Kind::Text | Kind::Operator | Kind::Semicolon | Kind::Other => {}
        }
        before = Some(index);
    }
    insignificant
}

fn continues_after(text: &str, token: &Token) -> bool {
    match token.kind {
        Kind::Open(_) => true,
        Kind::Operator => &text[token.range.clone()] != ".",
        Kind::Word => matches!(&text[token.range.clone()], "and" | "or" | "not"),
        Kind::Close(_) | Kind::Text | Kind::Newline | Kind::Semicolon | Kind::Other => false,
    }
}

fn continues_before(text: &str, tokens: &[Token], at: usize) -> bool {
    let token = &tokens[at];
    match token.kind {
        Kind::Close(_) | Kind::Open(b'{') => true,
        Kind::Operator => &text[token.range.clone()] != "-",
        Kind::Word => {
            let label = text.as_bytes().get(token.range.end) == Some(&b':');
            !label && words::CONNECTING.contains(&&text[token.range.clone()])
        }
        Kind::Open(_) | Kind::Text | Kind::Newline | Kind::Semicolon | Kind::Other => false,
    }
}

fn blank(text: &str, comments: &[Comment], tokens: &[Token], newlines: &[bool]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if text.starts_with('\u{feff}') {
        bytes[..3].fill(b' ');
    }
    for comment in comments {
        bytes[comment.range.clone()].fill(b' ');
    }
    for (token, _) in tokens.iter().zip(newlines).filter(|(_, insignificant)| **insignificant) {
        bytes[token.range.clone()].fill(b' ');
    }
    String::from_utf8(bytes).expect("whole characters were replaced by spaces")
}

fn joined<'a>(text: &str, comments: impl Iterator<Item = &'a Comment>) -> Option<String> {
    let lines: Vec<&str> = comments.map(|c| text[c.range.clone()][3..].trim()).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

struct Cutter<'a> {
    file: FileId,
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    comments: &'a [Comment],
    diagnostics: &'a mut Diagnostics,
}

impl Cutter<'_> {
    /// Statements up to the closing brace of the block, or to the end of the text.
    fn statements(&mut self) -> Vec<Statement> {
        let mut statements = Vec::new();
        while let Some(token) = self.tokens.get(self.at) {
            match token.kind {
                Kind::Newline => self.at += 1,
                Kind::Semicolon => self.semicolon(),
                Kind::Close(b'}') => break,
                Kind::Word | Kind::Text | Kind::Open(_) | Kind::Close(_) | Kind::Operator | Kind::Other => {
                    statements.push(self.statement());
                }
            }
        }
        statements
    }

    fn statement(&mut self) -> Statement {
        let doc = self.doc_above(self.tokens[self.at].range.start);
        let mut parts = Vec::new();
        let mut text: Option<Range<usize>> = None;
        while let Some(token) = self.tokens.get(self.at) {
            match token.kind {
                Kind::Newline | Kind::Close(b'}') => break,
                Kind::Semicolon => {
                    self.semicolon();
                    break;
                }
                Kind::Open(b'{') if !self.opens_value() => {
                    parts.extend(text.take().map(Part::Text));
                    parts.push(Part::Block(self.block()));
                }
                Kind::Open(_) => {
                    let inner = self.skip_brackets();
                    text = Some(text.map_or(inner.start, |t| t.start)..inner.end);
                }
                Kind::Word | Kind::Text | Kind::Close(_) | Kind::Operator | Kind::Other => {
                    text = Some(text.map_or(token.range.start, |t| t.start)..token.range.end);
                    self.at += 1;
                }
            }
        }
        parts.extend(text.take().map(Part::Text));
        Statement { parts, doc }
    }

    /// A brace is an object where a value is due, and a body everywhere else.
    fn opens_value(&self) -> bool {
        let Some(before) = self.at.checked_sub(1).map(|at| &self.tokens[at]) else { return false };
        match &self.text[before.range.clone()] {
            ":" | "=" | "," | "of" => true,
            _ => false,
        }
    }

    fn block(&mut self) -> Block {
        let start = self.tokens[self.at].range.start;
        self.at += 1;
        let statements = self.statements();
        let end = self.tokens.get(self.at).map_or(self.text.len(), |close| close.range.end);
        self.at += 1;
        Block { statements, range: start..end }
    }

    fn skip_brackets(&mut self) -> Range<usize> {
        let start = self.tokens[self.at].range.start;
        let mut depth = 0usize;
        let mut end = start;
        while let Some(token) = self.tokens.get(self.at) {
            end = token.range.end;
            self.at += 1;
            match token.kind {
                Kind::Open(_) => depth += 1,
                Kind::Close(_) => depth -= 1,
                Kind::Word | Kind::Text | Kind::Operator | Kind::Newline | Kind::Semicolon | Kind::Other => {}
            }
            if depth == 0 {
                break;
            }
        }
        start..end
    }

    fn semicolon(&mut self) {
        let range = self.tokens[self.at].range.clone();
        self.at += 1;
        let span = Span::new(self.file, range.start, range.end);
        let last = self.tokens.get(self.at).is_none_or(|t| matches!(t.kind, Kind::Newline | Kind::Close(_)));
        let (with, help) = match last {
            true => ("", "remove it: a line ends its statement"),
            false => ("\n", "put the next statement on a line of its own"),
        };
        self.diagnostics.push(
            Diagnostic::new(Code::E0107, "statements do not end with `;`", span, "not needed").fix(span, with, help),
        );
    }

    /// The `///` lines directly above an offset.
    fn doc_above(&self, offset: usize) -> Option<String> {
        let mut next = line_start(self.text, offset);
        let end = self.comments.partition_point(|c| c.range.start < offset);
        let mut first = end;
        while first > 0 {
            let comment = &self.comments[first - 1];
            let start = line_start(self.text, comment.range.start);
            let alone = self.text[start..comment.range.start].trim().is_empty();
            let adjacent = self.text[comment.range.end..next].trim_matches([' ', '\t', '\r']) == "\n";
            if comment.kind != CommentKind::Doc || !alone || !adjacent {
                break;
            }
            next = start;
            first -= 1;
        }
        joined(self.text, self.comments[first..end].iter())
    }
}

fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |at| at + 1)
}
