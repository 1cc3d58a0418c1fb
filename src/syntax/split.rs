//! Cuts a text into a tree of statements and blocks in linear time, before any grammar sees it. Recovery lives
//! here: a mistake stays inside its own statement.

use super::balance::balance;
use super::tokens::{self, Comment, CommentKind, Token, TokenKind, Unended};
use super::words;
use crate::base::{FileId, Span};
use crate::diag::{Applicability, Code, Diagnostic, Diagnostics, Fix};
use std::ops::Range;

/// A statement has at most so many words, signs, and values put into texts, without those of its body: each becomes a
/// part of a tree, and nobody reads so many.
const MOST_TOKENS: usize = 100_000;

#[derive(Debug, Clone)]
pub struct Statement {
    pub parts: Vec<Fragment>,
    pub doc: Option<String>,
    /// Refused here already: a grammar could only complain about it a second time.
    pub broken: bool,
}

#[derive(Debug, Clone)]
pub enum Fragment {
    Text(Range<usize>),
    Block(Block),
}

#[derive(Debug, Clone)]
pub struct Block {
    pub statements: Vec<Statement>,
    /// From the opening brace to after the closing one.
    pub range: Range<usize>,
}

/// A text in pieces. `blanked` has the length of the text, with comments and insignificant newlines as spaces,
/// so that the grammar needs no word for either and every offset stays true.
#[derive(Debug)]
pub struct Split {
    pub statements: Vec<Statement>,
    pub blanked: String,
    pub doc: Option<String>,
    /// What the statements were cut from, without newlines that end nothing.
    pub tokens: Vec<Token>,
    pub comments: Vec<Comment>,
}

pub fn split(file: FileId, text: &str, unended: Unended, diagnostics: &mut Diagnostics) -> Split {
    let scan = tokens::scan(file, text, unended, diagnostics);
    let mut broken = scan.broken;
    let tokens = balance(file, text, scan.tokens, unended == Unended::WhereItReads, &mut broken, diagnostics);
    broken.sort_unstable();
    let newlines = insignificant_newlines(text, &tokens);
    let blanked = blank(text, &scan.comments, &tokens, &newlines);
    let kept: Vec<Token> =
        tokens.into_iter().enumerate().filter(|(i, _)| !newlines[*i]).map(|(_, token)| token).collect();
    let mut cutter =
        Cutter { file, text, tokens: &kept, at: 0, comments: &scan.comments, broken: &broken, diagnostics };
    let statements = cutter.statements();
    let doc = joined(text, scan.comments.iter().filter(|c| c.kind == CommentKind::File));
    Split { statements, blanked, doc, tokens: kept, comments: scan.comments }
}

/// For each token, whether it is a newline that ends no statement.
fn insignificant_newlines(text: &str, tokens: &[Token]) -> Vec<bool> {
    let mut insignificant = vec![false; tokens.len()];
    let mut brackets: Vec<u8> = Vec::new();
    let mut before: Option<usize> = None;
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Open(bracket) => brackets.push(bracket),
            TokenKind::Close(_) => {
                brackets.pop();
            }
            TokenKind::Newline => {
                // Only the first of a run can end a statement; looking past the run once keeps this linear.
                let follows_newline = index.checked_sub(1).is_some_and(|p| tokens[p].kind == TokenKind::Newline);
                let next = || (index + 1..tokens.len()).find(|at| tokens[*at].kind != TokenKind::Newline);
                insignificant[index] = follows_newline
                    || matches!(brackets.last(), Some(b'(' | b'['))
                    || before.is_none_or(|at| continues_after(text, &tokens[at]))
                    || next().is_none_or(|at| continues_before(text, tokens, at));
                continue;
            }
            TokenKind::Word | TokenKind::Text | TokenKind::Operator | TokenKind::Semicolon | TokenKind::Other => {}
        }
        before = Some(index);
    }
    insignificant
}

/// Whether a newline after a token ends no statement.
pub fn continues_after(text: &str, token: &Token) -> bool {
    match token.kind {
        TokenKind::Open(_) => true,
        TokenKind::Operator => &text[token.range.clone()] != ".",
        TokenKind::Word => matches!(&text[token.range.clone()], "and" | "or" | "not"),
        TokenKind::Close(_) | TokenKind::Text | TokenKind::Newline | TokenKind::Semicolon | TokenKind::Other => false,
    }
}

/// Whether a newline before a token ends no statement.
pub fn continues_before(text: &str, tokens: &[Token], at: usize) -> bool {
    let token = &tokens[at];
    match token.kind {
        TokenKind::Close(_) | TokenKind::Open(b'{') => true,
        TokenKind::Operator => &text[token.range.clone()] != "-",
        TokenKind::Word if starts_each(text, tokens, at) => false,
        TokenKind::Word => {
            !words::is_label(text, &token.range) && words::CONNECTING.contains(&&text[token.range.clone()])
        }
        TokenKind::Open(_) | TokenKind::Text | TokenKind::Newline | TokenKind::Semicolon | TokenKind::Other => false,
    }
}

/// `each NAME in` opens a loop; any other `each` connects.
fn starts_each(text: &str, tokens: &[Token], at: usize) -> bool {
    let word = |at: usize| tokens.get(at).filter(|t| t.kind == TokenKind::Word).map(|t| &text[t.range.clone()]);
    word(at) == Some("each") && word(at + 1).is_some() && matches!(word(at + 2), Some("in" | "of"))
}

fn blank(text: &str, comments: &[Comment], tokens: &[Token], newlines: &[bool]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if text.starts_with('\u{feff}') {
        bytes[..3].fill(b' ');
    }
    for comment in comments {
        bytes[comment.range.clone()].fill(b' ');
    }
    // Outside of texts every blank is a space, so that the grammar has one thing to skip.
    let mut at = 0;
    for token in tokens {
        let gap = at..token.range.start.max(at);
        bytes[gap].iter_mut().filter(|byte| matches!(byte, b'\t' | b'\r')).for_each(|byte| *byte = b' ');
        at = at.max(token.range.end);
    }
    bytes[at..].iter_mut().filter(|byte| matches!(byte, b'\t' | b'\r')).for_each(|byte| *byte = b' ');
    for (token, _) in tokens.iter().zip(newlines).filter(|(_, insignificant)| **insignificant) {
        bytes[token.range.clone()].fill(b' ');
    }
    String::from_utf8(bytes).expect("whole characters were replaced by spaces")
}

fn joined<'a>(text: &str, comments: impl Iterator<Item = &'a Comment>) -> Option<String> {
    // One blank stands after the slashes; what is set in further is an example, and stays so.
    let lines = comments.map(|c| &text[c.range.clone()][3..]);
    let lines: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

struct Cutter<'a> {
    file: FileId,
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    comments: &'a [Comment],
    /// Places of what was refused before the cutting, in order.
    broken: &'a [usize],
    diagnostics: &'a mut Diagnostics,
}

impl Cutter<'_> {
    /// Statements up to the closing brace of the block, or to the end of the text.
    fn statements(&mut self) -> Vec<Statement> {
        let mut statements: Vec<Statement> = Vec::new();
        while let Some(token) = self.tokens.get(self.at) {
            match token.kind {
                TokenKind::Newline => self.at += 1,
                TokenKind::Semicolon => self.semicolon(),
                TokenKind::Close(b'}') => break,
                TokenKind::Operator if &self.text[token.range.clone()] == "-" => {
                    self.minus(statements.last_mut());
                    statements.push(self.statement());
                    statements.last_mut().into_iter().for_each(|statement| statement.broken = true);
                }
                TokenKind::Word
                | TokenKind::Text
                | TokenKind::Open(_)
                | TokenKind::Close(_)
                | TokenKind::Operator
                | TokenKind::Other => {
                    statements.push(self.statement());
                }
            }
        }
        statements
    }

    fn statement(&mut self) -> Statement {
        let start = self.tokens[self.at].range.clone();
        let doc = self.doc_above(start.start);
        // The labels of an alert are an object in the middle of its statement, and a message may be an object.
        let first = self.at;
        let of_alert = &self.text[start.clone()] == "alert";
        let of_send = (&self.text[start] == "send").then_some(first + 1);
        let mut parts = Vec::new();
        let mut text: Option<Range<usize>> = None;
        let mut weight = 0;
        while let Some(token) = self.tokens.get(self.at) {
            match token.kind {
                TokenKind::Newline | TokenKind::Close(b'}') => break,
                TokenKind::Semicolon => {
                    self.semicolon();
                    break;
                }
                TokenKind::Open(b'{') if !(of_alert || of_send == Some(self.at) || self.opens_value()) => {
                    parts.extend(text.take().map(Fragment::Text));
                    parts.push(Fragment::Block(self.block()));
                }
                TokenKind::Open(_) => {
                    let from = self.at;
                    let inner = self.skip_brackets();
                    weight += self.tokens[from..self.at].iter().map(|token| self.weight(token)).sum::<usize>();
                    text = Some(text.map_or(inner.start, |t| t.start)..inner.end);
                }
                TokenKind::Word | TokenKind::Text | TokenKind::Close(_) | TokenKind::Operator | TokenKind::Other => {
                    text = Some(text.map_or(token.range.start, |t| t.start)..token.range.end);
                    weight += self.weight(token);
                    self.at += 1;
                }
            }
        }
        parts.extend(text.take().map(Fragment::Text));
        let mut broken = parts.iter().any(|part| matches!(part, Fragment::Text(range) if self.is_broken(range)));
        if weight > MOST_TOKENS {
            let word = self.tokens[first].range.clone();
            let span = Span::new(self.file, word.start, word.end);
            let problem = Diagnostic::new(Code::E0112, "this statement has more than 100,000 parts", span, "too long");
            self.diagnostics
                .push(problem.help("put many values into a data file, and read them with `data NAME = csv(\"…\")`"));
            broken = true;
        }
        Statement { parts, doc, broken }
    }

    fn weight(&self, token: &Token) -> usize {
        match token.kind {
            TokenKind::Text => 1 + self.text[token.range.clone()].bytes().filter(|byte| *byte == b'{').count(),
            TokenKind::Word | TokenKind::Open(_) | TokenKind::Close(_) | TokenKind::Operator => 1,
            TokenKind::Newline | TokenKind::Semicolon | TokenKind::Other => 1,
        }
    }

    fn is_broken(&self, range: &Range<usize>) -> bool {
        let next = self.broken.partition_point(|at| *at < range.start);
        self.broken.get(next).is_some_and(|at| *at < range.end)
    }

    /// A line that starts with `-`. It may be meant to continue the statement above, which then stays silent too.
    fn minus(&mut self, above: Option<&mut Statement>) {
        let range = self.tokens[self.at].range.clone();
        let span = Span::new(self.file, range.start, range.end);
        let problem = Diagnostic::new(Code::E0104, "a line cannot start with `-`", span, "continues nothing");
        let continued =
            above.filter(|statement| !statement.broken && matches!(statement.parts.last(), Some(Fragment::Text(_))));
        match continued {
            Some(statement) => {
                statement.broken = true;
                let whole = Fix::new(Applicability::Maybe, span, "", "remove it");
                self.diagnostics.push(problem.help("put the `-` at the end of the line above").or(whole));
            }
            None => {
                const ONE_LIST: usize = 200;
                let problem = problem.fix(Applicability::MachineApplicable, span, "", "remove it");
                self.diagnostics.push_together(problem, range.start.saturating_sub(ONE_LIST));
            }
        }
    }

    /// A brace is an object where a value is due, and a body everywhere else.
    fn opens_value(&self) -> bool {
        let Some(before) = self.at.checked_sub(1).map(|at| &self.tokens[at]) else { return false };
        matches!(&self.text[before.range.clone()], ":" | "=" | "," | "of")
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
                TokenKind::Open(_) => depth += 1,
                TokenKind::Close(_) => depth -= 1,
                TokenKind::Word
                | TokenKind::Text
                | TokenKind::Operator
                | TokenKind::Newline
                | TokenKind::Semicolon
                | TokenKind::Other => {}
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
        let last = self.tokens.get(self.at).is_none_or(|t| matches!(t.kind, TokenKind::Newline | TokenKind::Close(_)));
        let (with, help) = match last {
            true => ("", "remove it: a line ends its statement"),
            false => ("\n", "put the next statement on a line of its own"),
        };
        self.diagnostics.push(Diagnostic::new(Code::E0107, "statements do not end with `;`", span, "not needed").fix(
            Applicability::MachineApplicable,
            span,
            with,
            help,
        ));
    }

    /// The `///` lines directly above the line that starts at an offset.
    fn doc_above(&self, offset: usize) -> Option<String> {
        // What stands after something else on its line is not looked at further: a line may hold many.
        let before = self.text[..offset].trim_end_matches([' ', '\t', '\r']);
        if !before.is_empty() && !before.ends_with('\n') {
            return None;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_documents_what_starts_the_next_line() {
        let text = "/// About f.\nflow f { get \"/\" }\n";
        let split = split(FileId(0), text, Unended::WithLine, &mut Diagnostics::default());
        assert_eq!(split.statements[0].doc.as_deref(), Some("About f."));
        let Some(Fragment::Block(block)) = split.statements[0].parts.last() else { panic!("the flow has a body") };
        assert_eq!(block.statements[0].doc, None);
    }
}
