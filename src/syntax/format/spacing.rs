//! Where a blank stands between two tokens of a line. Mostly the tokens decide; where a blank would change what is
//! read, as in `5/s` and `5 / s`, what was written does.

use super::super::tokens::{Token, TokenKind};
use super::super::words;

struct Spacing<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

/// For each token, whether a blank stands before it, where it is not the first of its line. What is inside braces
/// is set off by the layout.
pub fn blanks(text: &str, tokens: &[Token]) -> Vec<bool> {
    let spacing = Spacing { text, tokens };
    (0..tokens.len()).map(|at| spacing.before(at).is_some_and(|before| spacing.blank(before, at))).collect()
}

impl Spacing<'_> {
    fn before(&self, at: usize) -> Option<usize> {
        at.checked_sub(1).filter(|before| self.tokens[*before].kind != TokenKind::Newline)
    }

    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &self.text[token.range.clone()])
    }

    /// Whether something stood between a token and the one before it.
    fn apart(&self, at: usize) -> bool {
        at.checked_sub(1).is_none_or(|before| {
            self.tokens.get(at).is_none_or(|token| self.tokens[before].range.end < token.range.start)
        })
    }

    fn number(&self, at: usize) -> bool {
        self.kind(at) == Some(TokenKind::Word) && self.word(at).starts_with(|c: char| c.is_ascii_digit())
    }

    /// A word that joins or negates, and is no label.
    fn connects(&self, at: usize) -> bool {
        let word = self.word(at);
        let label = self.word(at + 1) == ":" || self.before(at).is_some_and(|before| self.word(before) == ".");
        self.kind(at) == Some(TokenKind::Word) && !label && (word == "not" || words::CONNECTING.contains(&word))
    }

    fn blank(&self, before: usize, at: usize) -> bool {
        let (left, right) = (self.word(before), self.word(at));
        match (self.tokens[before].kind, self.tokens[at].kind) {
            (_, TokenKind::Close(_) | TokenKind::Semicolon) | (TokenKind::Open(_), _) => false,
            (_, TokenKind::Operator) if matches!(right, "," | ":") => false,
            (TokenKind::Operator, _) if matches!(left, "," | ":") => true,
            (_, TokenKind::Operator) if right == "." => match self.tokens[before].kind {
                TokenKind::Word => self.number(before) && self.apart(at),
                TokenKind::Text | TokenKind::Close(_) => false,
                TokenKind::Operator
                | TokenKind::Other
                | TokenKind::Semicolon
                | TokenKind::Open(_)
                | TokenKind::Newline => self.apart(at),
            },
            (TokenKind::Operator, kind) if left == "." => {
                let figures = self.number(at) || before.checked_sub(1).is_some_and(|at| self.number(at));
                (kind != TokenKind::Word || figures) && self.apart(at)
            }
            (_, TokenKind::Operator) if right == ".." => !self.is_short_range(at),
            (TokenKind::Operator, _) if left == ".." => !self.is_short_range(before),
            (_, TokenKind::Operator) if right == "/" && self.is_unit(at) => false,
            (TokenKind::Operator, _) if left == "/" && self.is_unit(before) => false,
            (_, TokenKind::Operator) if self.is_exponent(at) => false,
            (TokenKind::Operator, _) if self.is_exponent(before) => false,
            // Two signs could become another operator, or a comment.
            (TokenKind::Operator, TokenKind::Operator) if self.is_sign(before) => self.apart(at),
            (TokenKind::Operator, _) if self.is_sign(before) => false,
            (_, TokenKind::Operator) | (TokenKind::Operator, _) => true,
            (_, TokenKind::Open(b'{')) | (TokenKind::Close(b'}'), _) | (TokenKind::Semicolon, _) => true,
            // The `(` of a call touches its name; only of a method it is sure that it is one.
            (TokenKind::Word, TokenKind::Open(b'(')) if before > 0 && self.word(before - 1) == "." => false,
            (_, TokenKind::Open(_)) => self.connects(before) || self.apart(at),
            (TokenKind::Other, TokenKind::Word) if left == "%" && self.connects(at) => true,
            (TokenKind::Other, _) | (_, TokenKind::Other) => self.apart(at),
            // A unit after a list.
            (TokenKind::Close(b']'), TokenKind::Word) => {
                self.connects(at) || self.apart(at) || matches!(right, "user" | "users")
            }
            (TokenKind::Word | TokenKind::Text | TokenKind::Close(_) | TokenKind::Newline, _) => true,
        }
    }

    /// The `/` of a unit, which touches both its sides: `5/s`, `1MiB/s`, `[1, 2]/s`.
    fn is_unit(&self, at: usize) -> bool {
        let unit = self.word(at + 1).starts_with(|c: char| c.is_ascii_alphabetic());
        let counted = self
            .before(at)
            .is_some_and(|before| self.number(before) || self.kind(before) == Some(TokenKind::Close(b']')));
        unit && counted && !self.apart(at) && !self.apart(at + 1)
    }

    /// The sign of `1e-5`, which is refused, and must stay what is refused.
    fn is_exponent(&self, at: usize) -> bool {
        matches!(self.word(at), "-" | "+")
            && self.before(at).is_some_and(|before| self.number(before) && self.word(before).ends_with(['e', 'E']))
            && self.number(at + 1)
            && !self.apart(at)
            && !self.apart(at + 1)
    }

    /// Whether an operator belongs to what follows it, and joins nothing.
    fn is_sign(&self, at: usize) -> bool {
        match self.word(at) {
            "!" => return true,
            "-" | "+" => {}
            _ => return false,
        }
        let Some(before) = self.before(at) else { return true };
        match self.tokens[before].kind {
            TokenKind::Open(_) | TokenKind::Operator | TokenKind::Semicolon | TokenKind::Newline => true,
            TokenKind::Close(_) | TokenKind::Text | TokenKind::Other => false,
            // `hold -5/s` has no operand on the left; that `load - 5` has one shows in how it is written.
            TokenKind::Word if self.opens(before) => self.apart(at) && !self.apart(at + 1),
            TokenKind::Word => self.connects(before),
        }
    }

    /// A word that opens a statement.
    fn opens(&self, at: usize) -> bool {
        let first = self.before(at).is_none_or(|before| matches!(self.word(before), ";" | "{" | "}"));
        first && words::statement(self.word(at)).is_some()
    }

    /// Whether a `..` stands between two names or numbers, without a sign, a rate or arithmetic.
    fn is_short_range(&self, at: usize) -> bool {
        let Some(mut left) = self.before(at) else { return false };
        let percent = |at: usize| self.word(at) == "%" && !self.apart(at);
        if percent(left) {
            left -= 1;
        }
        let mut right = at + 1;
        let plain = |at: usize| self.kind(at) == Some(TokenKind::Word) && !matches!(self.word(at), "user" | "users");
        if !plain(left) || !plain(right) {
            return false;
        }
        let decimal = |dot: usize| {
            self.word(dot) == "."
                && self.number(dot - 1)
                && self.number(dot + 1)
                && !self.apart(dot)
                && !self.apart(dot + 1)
        };
        if left >= 2 && decimal(left - 1) {
            left -= 2;
        }
        if decimal(right + 1) {
            right += 2;
        }
        if percent(right + 1) {
            right += 1;
        }
        let joins = |at: usize| matches!(self.word(at), "+" | "-" | "*" | "/" | "." | ".." | "!");
        let starts = self.before(left).is_none_or(|before| {
            !joins(before) && !matches!(self.kind(before), Some(TokenKind::Close(b')' | b']') | TokenKind::Other))
        });
        let ends = !joins(right + 1)
            && !matches!(self.word(right + 1), "user" | "users")
            && (self.kind(right + 1) != Some(TokenKind::Open(b'(')) || self.apart(right + 1));
        starts && ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;
    use crate::diag::Diagnostics;

    fn spaced(text: &str) -> String {
        let tokens = super::super::super::tokens::scan(
            FileId(0),
            text,
            super::super::super::tokens::Unended::WithLine,
            &mut Diagnostics::default(),
        )
        .tokens;
        let blanks = blanks(text, &tokens);
        let words = tokens.iter().zip(blanks);
        words.map(|(token, blank)| [if blank { " " } else { "" }, &text[token.range.clone()]].concat()).collect()
    }

    #[test]
    fn tokens_decide() {
        for (written, expected) in [
            ("a=1+2*3", "a = 1 + 2 * 3"),
            ("a:1 ,b :2", "a: 1, b: 2"),
            ("a . b ( c )", "a.b(c)"),
            ("x<-1", "x < -1"),
            ("x - 1", "x - 1"),
            ("x -1", "x - 1"),
            ("f( -1, + 2 )", "f(-1, +2)"),
            ("not(a)and(b)", "not (a) and (b)"),
            ("ramp 1/s->2/s", "ramp 1/s -> 2/s"),
            ("1 .. 3", "1..3"),
            ("a+1..3", "a + 1 .. 3"),
            ("1/s..3/s", "1/s .. 3/s"),
            ("1.5s .. 2%", "1.5s..2%"),
            ("in[1 ,2]", "in [1, 2]"),
            ("x.for - 1", "x.for - 1"),
            ("for - 1s", "for -1s"),
        ] {
            assert_eq!(spaced(written), expected, "{written}");
        }
    }

    #[test]
    fn what_was_written_decides_where_a_blank_has_a_meaning() {
        for (written, expected) in [
            ("5/s", "5/s"),
            ("5 / s", "5 / s"),
            ("5 /s", "5 / s"),
            ("x/s", "x / s"),
            ("10/2", "10 / 2"),
            ("[1,2]/s", "[1, 2]/s"),
            ("[1,2] /s", "[1, 2] / s"),
            ("5%", "5%"),
            ("5 %", "5 %"),
            ("1 .5", "1 .5"),
            ("1e-5", "1e-5"),
            ("- >", "- >"),
            ("f (x)", "f (x)"),
            ("hold -5/s", "hold -5/s"),
            ("hold - 5", "hold - 5"),
        ] {
            assert_eq!(spaced(written), expected, "{written}");
        }
    }
}
