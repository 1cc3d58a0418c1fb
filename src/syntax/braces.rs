//! Braces that are missing where a body begins: there are more of them closed than opened, and a line set in further than the one
//! above it says where.

use super::split::{continues_after, continues_before};
use super::tokens::{Token, TokenKind, first_word};
use super::words;
use crate::base::{FileId, Span};
use crate::diag::{Applicability, Code, Diagnostic, Diagnostics};
use std::ops::Range;

/// What other languages have where a body begins, at the end of its head.
const INSTEAD: &[&str] = &[":", "(", "[", "do", "then", "begin", "=", "=>", "->", ";"];

/// Puts in as many as are missing, and complains about each. The places of those that open an object join `broken`.
pub fn opened(
    file: FileId,
    text: &str,
    mut tokens: Vec<Token>,
    broken: &mut Vec<usize>,
    diagnostics: &mut Diagnostics,
) -> Vec<Token> {
    signs(file, text, &mut tokens, diagnostics);
    let count = |kind: TokenKind| tokens.iter().filter(|token| token.kind == kind).count();
    let missing = count(TokenKind::Close(b'}')).saturating_sub(count(TokenKind::Open(b'{')));
    if missing == 0 {
        return tokens;
    }
    let heads: Vec<Head> = heads(text, &tokens).into_iter().take(missing).collect();
    // From after, so that the places of those before it stay what they are.
    for head in heads.into_iter().rev() {
        let range = text_of(&tokens, &head.sign);
        let (place, end) = match &range {
            Some(sign) => (Span::new(file, text[..sign.start].trim_end().len(), sign.end), sign.start),
            None => (Span::new(file, head.end, head.end), head.end),
        };
        let message = "the body of this statement is not opened";
        let problem = Diagnostic::new(Code::E0115, message, place, "`{` is missing here");
        diagnostics.push(problem.fix(Applicability::Maybe, place, " {", "write `{`"));
        if head.is_value {
            broken.push(head.start);
        }
        let brace = Token { kind: TokenKind::Open(b'{'), range: end..end };
        tokens.splice(head.sign, [brace]);
    }
    tokens
}

/// What has a body, and is no option.
const BODIES: &[&str] = &[
    "scenario",
    "system",
    "flow",
    "load",
    "expect",
    "steady_state",
    "ledger",
    "setup",
    "teardown",
    "choose",
    "repeat",
    "group",
    "transaction",
    "if",
    "suite",
    "shape",
    "expectation",
    "verify",
    "each",
    "acquire",
];

/// Takes out a sign between a head and the brace of its body, and complains: `expect: {`, `flow f on api = {`, `70% => {`.
fn signs(file: FileId, text: &str, tokens: &mut Vec<Token>, diagnostics: &mut Diagnostics) {
    let mut first = 0;
    let mut taken: Vec<Range<usize>> = Vec::new();
    for at in 0..tokens.len() {
        let word = &text[tokens[first].range.clone()];
        let has_body = BODIES.contains(&word) || word.starts_with(|c: char| c.is_ascii_digit());
        let ends = tokens.get(at + 1).is_none_or(|next| next.kind == TokenKind::Newline);
        if has_body && ends && tokens[at].kind == TokenKind::Open(b'{') && at > first + 1 {
            let sign = |at: usize| matches!(&text[tokens[at].range.clone()], ":" | "=" | ">" | "=>" | "->");
            let from = (first + 1..at).rev().take_while(|at| sign(*at)).last();
            taken.extend(from.map(|from| from..at));
        }
        if tokens[at].kind == TokenKind::Newline {
            first = (at + 1).min(tokens.len() - 1);
        }
    }
    for sign in taken.into_iter().rev() {
        let Some(range) = text_of(tokens, &sign) else { continue };
        let place = Span::new(file, text[..range.start].trim_end().len(), range.end);
        let written = &text[range.clone()];
        let label = format!("`{written}`");
        let problem = Diagnostic::new(Code::E0115, "nothing stands between a head and its body", place, label);
        let help = format!("remove `{written}`");
        diagnostics.push(problem.fix(Applicability::MachineApplicable, place, "", help));
        tokens.drain(sign);
    }
}

fn text_of(tokens: &[Token], sign: &Range<usize>) -> Option<Range<usize>> {
    let (first, last) = (tokens.get(sign.start)?, tokens.get(sign.end.checked_sub(1)?)?);
    (!sign.is_empty()).then_some(first.range.start..last.range.end)
}

/// A line that lacks its brace.
struct Head {
    start: usize,
    end: usize,
    /// The tokens in the place of the brace; empty if there is none.
    sign: Range<usize>,
    /// What follows is an object.
    is_value: bool,
}

fn heads(text: &str, tokens: &[Token]) -> Vec<Head> {
    let mut lines: Vec<Range<usize>> = Vec::new();
    let mut first = 0;
    for (at, token) in tokens.iter().enumerate() {
        if token.kind == TokenKind::Newline {
            lines.push(first..at);
            first = at + 1;
        }
    }
    lines.push(first..tokens.len());
    lines.retain(|line| !line.is_empty());
    let indent = |line: &Range<usize>| {
        let start = tokens[line.start].range.start;
        start - text[..start].rfind('\n').map_or(0, |newline| newline + 1)
    };
    let pairs = lines.windows(2).filter(|pair| indent(&pair[1]) > indent(&pair[0]));
    pairs.filter_map(|pair| head(text, tokens, pair[0].clone(), pair[1].start)).collect()
}

fn head(text: &str, tokens: &[Token], line: Range<usize>, next: usize) -> Option<Head> {
    let (first, last) = (&tokens[line.start], &tokens[line.end - 1]);
    let written = |at: usize| &text[tokens[at].range.clone()];
    let word = written(line.start);
    let closes = |token: &Token| token.kind == TokenKind::Close(b'}');
    let is_label = line.len() == 2 && written(line.end - 1) == ":" && !BODIES.contains(&word);
    let is_head = words::statement(word).is_some() && (!words::is_label(text, &first.range) || BODIES.contains(&word))
        || is_label
        || word.starts_with(|c: char| c.is_ascii_digit())
        || closes(first) && line.len() > 1 && written(line.start + 1) == "else"
        || word == "else";
    let sign = match INSTEAD.iter().find(|sign| text[first.range.start..last.range.end].ends_with(**sign)) {
        Some(sign) if !is_label => {
            let start = last.range.end - sign.len();
            line.clone().find(|at| tokens[*at].range.start >= start)?..line.end
        }
        _ => line.end..line.end,
    };
    // What goes on below is no body.
    let goes_on = sign.is_empty()
        && !is_label
        && (continues_after(text, last) || closes(last) && word != "load" || written(line.end - 1) == ",");
    let joins = continues_before(text, tokens, next) && !matches!(first_word(&text[tokens[next].range.start..]), "");
    (is_head && !goes_on && !joins && sign.start > line.start).then_some(Head {
        start: first.range.start,
        end: last.range.end,
        sign,
        is_value: is_label,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::split::split;
    use crate::syntax::tokens::Unended;

    #[test]
    fn a_brace_is_missing_where_lines_are_set_in() {
        for (text, place) in [
            ("scenario a\n  load m of f {\n  }\n}\n", (10, 10)),
            ("scenario a {\n  load m of f:\n    hold 1/s for 1s\n  }\n}\n", (26, 27)),
            ("scenario a {\n  load m of f do\n    hold 1/s for 1s\n  }\n}\n", (26, 29)),
            (
                "flow f {\n  get \"/\"\n    as x {\n    expect status == 1\n  }\n  if a == 1\n    think 1s\n  }\n}\n",
                (68, 68),
            ),
        ] {
            let mut said = Diagnostics::default();
            split(FileId(0), text, Unended::WhereItReads, &mut said);
            let found: Vec<_> = said.sorted().iter().map(|d| (d.code, d.span().range())).collect();
            assert_eq!(found, [(Code::E0115, place.0..place.1)], "{text}");
        }
    }
}
