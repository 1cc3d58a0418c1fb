//! Gives every bracket a partner before anything is cut: reports brackets that are unclosed, stray or too deep. If brackets do
//! not balance, the indentation shows which block was meant to end.

use super::tokens::{Token, TokenKind};
use super::words::{self, Context};
use crate::base::{FileId, Span};
use crate::diag::{Applicability, Code, Diagnostic, Diagnostics, Fix};
use std::ops::Range;

/// Deeper brackets than this no person writes, and no stack should have to hold.
const DEEPEST: usize = 64;

/// A bracket that waits for its partner.
struct OpenBracket {
    bracket: u8,
    range: Range<usize>,
    /// Of the line on which its statement starts.
    indent: usize,
    outside: Context,
    inside: Context,
}

struct Balancer<'a> {
    file: FileId,
    text: &'a str,
    open: Vec<OpenBracket>,
    out: Vec<Token>,
    /// How many more are opened than closed of `(`, `[` and `{`.
    missing: [i64; 3],
    /// Brackets that are open beyond the deepest level; all they hold is dropped.
    dropped: usize,
    too_deep: bool,
    guesses: bool,
    /// Brackets that close nothing.
    strays: usize,
    broken: &'a mut Vec<usize>,
    diagnostics: &'a mut Diagnostics,
}

/// Drops stray brackets and adds missing ones; where it `guesses`, by what a person most likely meant. The places of what was refused join `broken`.
pub fn balance(
    file: FileId,
    text: &str,
    tokens: Vec<Token>,
    guesses: bool,
    broken: &mut Vec<usize>,
    diagnostics: &mut Diagnostics,
) -> Vec<Token> {
    let tokens = match guesses {
        true => super::braces::opened(file, text, tokens, broken, diagnostics),
        false => tokens,
    };
    let mut missing = [0i64; 3];
    for token in &tokens {
        match token.kind {
            TokenKind::Open(bracket) => missing[place(bracket)] += 1,
            TokenKind::Close(bracket) => missing[place(bracket)] -= 1,
            _ => {}
        }
    }
    let out = Vec::with_capacity(tokens.len());
    let mut balancer = Balancer {
        file,
        text,
        open: Vec::new(),
        out,
        missing,
        dropped: 0,
        too_deep: false,
        guesses,
        strays: 0,
        broken,
        diagnostics,
    };
    balancer.run(tokens);
    balancer.out
}

fn place(bracket: u8) -> usize {
    match bracket {
        b'(' | b')' => 0,
        b'[' | b']' => 1,
        _ => 2,
    }
}

fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

impl Balancer<'_> {
    fn run(&mut self, tokens: Vec<Token>) {
        let mut line = 0;
        let mut first_on_line = true;
        let mut indent = 0;
        // The first word of the statement at hand, which says what its body holds.
        let mut head = "";
        let mut head_indent = 0;
        let mut fresh = true;
        for token in tokens {
            if token.kind == TokenKind::Newline {
                (line, first_on_line, fresh) = (token.range.end, true, true);
                self.keep(token);
                continue;
            }
            if first_on_line {
                indent = token.range.start - line;
                match token.kind {
                    TokenKind::Word if &self.text[token.range.clone()] == "else" => self.branch_ends(&token, indent),
                    TokenKind::Word => self.word_ends(&token, indent),
                    TokenKind::Close(b'}') if self.is_stray(indent) => {
                        self.stray(b'}', token);
                        first_on_line = false;
                        continue;
                    }
                    TokenKind::Close(b'}') => self.brace_ends(&token, indent),
                    _ => {}
                }
            }
            first_on_line = false;
            let word = &self.text[token.range.clone()];
            // A brace and a connecting word continue the statement of the line above.
            if fresh && token.kind != TokenKind::Open(b'{') && !words::CONNECTING.contains(&word) {
                (head, head_indent, fresh) = (word, indent, false);
            }
            match token.kind {
                TokenKind::Open(b'{') if self.is_doubled(&token) => self.doubled(&token),
                TokenKind::Open(bracket) => {
                    self.opened(bracket, token, head, head_indent);
                    fresh |= bracket == b'{';
                }
                TokenKind::Close(bracket) => {
                    self.closed(bracket, token);
                    fresh |= bracket == b'}';
                }
                _ => self.keep(token),
            }
        }
        self.close_down_to(0, None);
    }

    fn keep(&mut self, token: Token) {
        if self.dropped == 0 {
            self.out.push(token);
        }
    }

    fn context(&self) -> Context {
        self.open.last().map_or(Context::File, |open| open.inside)
    }

    fn opened(&mut self, bracket: u8, token: Token, head: &str, indent: usize) {
        if self.open.len() < DEEPEST && self.dropped == 0 {
            let outside = self.context();
            let inside = if bracket == b'{' { words::body(head, outside) } else { outside };
            self.open.push(OpenBracket { bracket, range: token.range.clone(), indent, outside, inside });
            self.out.push(token);
            return;
        }
        self.dropped += 1;
        if !self.too_deep {
            self.too_deep = true;
            let span = self.span(&token.range);
            let problem =
                Diagnostic::new(Code::E0112, "brackets are nested too deep", span, format!("level {}", DEEPEST + 1));
            self.diagnostics.push(
                problem.help(format!("{DEEPEST} levels are allowed; name parts with `let` or a flow of their own")),
            );
        }
        self.broken.push(token.range.start);
    }

    fn closed(&mut self, bracket: u8, token: Token) {
        if self.dropped > 0 {
            self.dropped -= 1;
            return;
        }
        let partner = self.open.iter().rposition(|open| closing(open.bracket) == bracket);
        // A brace also ends the parentheses that somebody forgot inside it; the reverse does not hold.
        let reachable =
            partner.filter(|at| bracket == b'}' || self.open[at + 1..].iter().all(|open| open.bracket != b'{'));
        match reachable {
            Some(partner) => {
                self.close_down_to(partner + 1, None);
                self.open.pop();
                self.out.push(token);
            }
            None => self.stray(bracket, token),
        }
    }

    fn stray(&mut self, bracket: u8, token: Token) {
        let span = self.span(&token.range);
        let message = format!("this `{}` closes nothing", bracket as char);
        let problem = Diagnostic::new(Code::E0111, message, span, "nothing is open here");
        let problem = problem.fix(Applicability::Maybe, span, "", "remove it");
        let open = match bracket {
            b')' => "(",
            b']' => "[",
            _ => "",
        };
        self.strays += 1;
        let places = match open.is_empty() || !self.guesses || self.strays > super::closed::GUESSED {
            true => Vec::new(),
            false => super::closed::openings(self.text, token.range.start, char::from(open.as_bytes()[0])),
        };
        let fixes = places
            .into_iter()
            .map(|place| Fix::new(Applicability::Maybe, self.span(&place), open, format!("open it with `{open}`")));
        self.diagnostics.push(fixes.fold(problem, Diagnostic::or));
        if bracket == b'}' {
            self.missing[2] += 1;
        }
        self.out.push(Token { kind: TokenKind::Newline, range: token.range });
    }

    /// Whether a brace that starts its line is one too many: it stands where none was opened.
    fn is_stray(&self, indent: usize) -> bool {
        let opened = self.open.iter().rfind(|open| open.bracket == b'{');
        self.guesses && self.missing[2] < 0 && self.dropped == 0 && opened.is_some_and(|open| open.indent < indent)
    }

    /// Whether a brace follows one on its line, and there are more opened than closed.
    fn is_doubled(&self, token: &Token) -> bool {
        let before = self.out.last().filter(|before| before.kind == TokenKind::Open(b'{'));
        let between = before.map(|before| &self.text[before.range.end..token.range.start]);
        self.guesses && self.missing[2] > 0 && between.is_some_and(|blanks| blanks.trim_matches(' ').is_empty())
    }

    fn doubled(&mut self, token: &Token) {
        self.missing[2] -= 1;
        let span = self.span(&token.range);
        let problem = Diagnostic::new(Code::E0101, "this `{` is never closed", span, "one is open already");
        self.diagnostics.push(problem.fix(Applicability::Maybe, span, "", "remove it"));
    }

    /// An `else` ends the body of the `if` that stands above it.
    fn branch_ends(&mut self, token: &Token, indent: usize) {
        let ended = self.open.iter().rposition(|open| open.bracket == b'{' && open.indent == indent);
        if let Some(at) = ended.filter(|_| self.guesses && self.missing[2] > 0) {
            self.close_down_to(at, Some(token));
        }
    }

    /// A statement that belongs outside of an unclosed bracket, indented as if it stood there, ends the bracket.
    fn word_ends(&mut self, token: &Token, indent: usize) {
        let word = &self.text[token.range.clone()];
        let Some(known) = words::statement(word).filter(|_| !words::is_label(self.text, &token.range)) else { return };
        let ended = self.open.iter().position(|open| {
            self.missing[place(open.bracket)] > 0 && indent <= open.indent && known.contexts.contains(&open.outside)
        });
        if let Some(at) = ended {
            self.close_down_to(at, Some(token));
            self.out.push(Token { kind: TokenKind::Newline, range: token.range.start..token.range.start });
        }
    }

    /// A brace indented like an outer one closes that one; what is still open inside was forgotten.
    fn brace_ends(&mut self, token: &Token, indent: usize) {
        let outer = self.open.iter().rposition(|open| open.bracket == b'{' && open.indent <= indent);
        if let Some(outer) = outer
            && self.missing[2] > 0
            && self.open[outer].indent == indent
        {
            self.close_down_to(outer + 1, Some(token));
        }
    }

    /// Closes what is open above a depth, with a complaint about each.
    fn close_down_to(&mut self, depth: usize, before: Option<&Token>) {
        if self.open.len() > depth {
            self.dropped = 0;
        }
        while self.open.len() > depth {
            let Some(open) = self.open.pop() else { return };
            let end = self
                .out
                .iter()
                .rev()
                .find(|token| token.kind != TokenKind::Newline)
                .map_or(open.range.end, |token| token.range.end);
            let close = closing(open.bracket);
            self.missing[place(close)] -= 1;
            self.broken.push(open.range.start);
            self.out.push(Token { kind: TokenKind::Close(close), range: end..end });
            // Brackets without end are one mistake, and the deepest of them has been reported.
            // Nor is one whose end stands in a text that runs to the end of its line.
            if !self.too_deep && !self.runs_into_text(&open) {
                let problem = self.unclosed(&open, end, before);
                self.diagnostics.push(problem);
            }
        }
    }

    /// Whether a text that is not closed has swallowed the rest of the line after a bracket.
    fn runs_into_text(&self, open: &OpenBracket) -> bool {
        let start = open.range.end;
        let line = self.text[start..].find('\n').map_or(self.text.len(), |end| start + end);
        let quoted = |at: &usize| (start..line).contains(at) && matches!(self.text.as_bytes()[*at], b'"' | b'\'');
        self.broken.iter().any(quoted)
    }

    fn unclosed(&self, open: &OpenBracket, end: usize, before: Option<&Token>) -> Diagnostic {
        let (what, missing) = (open.bracket as char, closing(open.bracket) as char);
        let message = format!("this `{what}` is never closed");
        let mut problem = Diagnostic::new(Code::E0101, message, self.span(&open.range), "opened here");
        if let Some(token) = before {
            problem = problem.label(self.span(&token.range), format!("`{missing}` is missing before this"));
        }
        let text = match open.bracket {
            b'{' => format!("\n{}}}", " ".repeat(open.indent)),
            _ => missing.to_string(),
        };
        let is_line = open.bracket != b'{' && self.broken.len() <= super::closed::MOST;
        let meant = is_line.then(|| super::closed::bracket_end(self.text, open.range.start, missing)).flatten();
        let end = meant.unwrap_or(end);
        let close = |end: usize| {
            let help = format!("close it with `{missing}`");
            Fix::new(Applicability::Maybe, Span::new(self.file, end, end), text.as_str(), help)
        };
        let guesses = is_line && self.guesses && self.broken.len() <= super::closed::GUESSED;
        let others =
            if guesses { super::closed::ends_behind(self.text, open.range.start, missing) } else { Vec::new() };
        let others = others.into_iter().filter(|other| *other != end).map(close);
        let problem = others.fold(problem.mended_by(close(end)), Diagnostic::or);
        // A text that is not closed may hold what closes the bracket.
        let quotes = if guesses { super::closed::quotes(self.text, open.range.start, '"') } else { Vec::new() };
        let quoted = quotes.into_iter().map(|(place, ours)| {
            Fix::new(Applicability::Maybe, self.span(&place), ours, "a quote is missing or one too many")
        });
        quoted.fold(problem, Diagnostic::or)
    }

    fn span(&self, range: &Range<usize>) -> Span {
        Span::new(self.file, range.start, range.end)
    }
}
