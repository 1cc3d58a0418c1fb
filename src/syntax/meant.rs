//! What a statement that does not parse most likely means: rewritings of the place where the grammar stopped, for what people
//! write who know other languages. One is offered only where the statement parses with it.

use super::grammar::stops;
use super::repairs::changed;
use super::tokens::{blanks, first_word, is_word, starts_with_words};
use super::units;
use super::words::{self, Context};
use crate::base::elsewhere::snake_case;
use crate::base::{FileId, Span, boundary};
use crate::diag::{Applicability, Code, Diagnostic};
use std::ops::Range;

/// A piece of the statement, what to write in its place, and why.
struct Rewriting {
    code: Code,
    place: Range<usize>,
    text: String,
    why: &'static str,
}

impl Rewriting {
    fn of(&self, text: &str) -> String {
        format!("{}{}{}", &text[..self.place.start], self.text, &text[self.place.end..])
    }
}

/// A longer statement is no mistake of a person's fingers, and each rewriting is read as a whole.
const LONGEST: usize = 4_000;
/// Mistakes of one statement that are mended together.
const TOGETHER: usize = 3;

/// A diagnostic with a fix that mends the statement, whose grammar stopped at `at`.
pub fn meant(file: FileId, context: Context, text: &str, at: usize, offset: usize) -> Option<Diagnostic> {
    if text.len() > LONGEST {
        return None;
    }
    let (first, mended) = mend(context, text, at, TOGETHER)?;
    let (place, ours) = match first.of(text) == mended {
        true => (first.place, first.text),
        false => changed(text, &mended),
    };
    let span = Span::new(file, offset + place.start, offset + place.end);
    let written = text[place].trim();
    let label = if written.is_empty() { "here".to_owned() } else { format!("`{written}`") };
    let help = match ours.trim() {
        "" => "remove it".to_owned(),
        ours => format!("write `{ours}`"),
    };
    Some(Diagnostic::new(first.code, first.why, span, label).fix(Applicability::Maybe, span, ours, help))
}

/// The statement with each rewriting that makes it one.
pub fn all(context: Context, text: &str, at: usize) -> Vec<String> {
    if text.len() > LONGEST {
        return Vec::new();
    }
    let stopped = Stopped { text, at, context };
    let rewritten = stopped.rewritings().map(|rewriting| rewriting.of(text));
    rewritten.filter(|rewritten| stops(context, rewritten).is_none()).collect()
}

/// The first rewriting, and the statement after all of them, which parses.
fn mend(context: Context, text: &str, at: usize, most: usize) -> Option<(Rewriting, String)> {
    let stopped = Stopped { text, at, context };
    let mut further: Option<(usize, Rewriting, String)> = None;
    for rewriting in stopped.rewritings() {
        let rewritten = rewriting.of(text);
        match stops(context, &rewritten) {
            None => return Some((rewriting, rewritten)),
            // What the grammar read on after it may be a second mistake.
            Some(next) => {
                let next = (next + rewriting.place.len()).saturating_sub(rewriting.text.len());
                if next > rewriting.place.end && further.as_ref().is_none_or(|(most, ..)| next > *most) {
                    further = Some((next, rewriting, rewritten));
                }
            }
        }
    }
    let (_, rewriting, rewritten) = further.filter(|_| most > 1)?;
    let next = stops(context, &rewritten)?;
    mend(context, &rewritten, next, most - 1).map(|(_, mended)| (rewriting, mended))
}

struct Stopped<'a> {
    text: &'a str,
    at: usize,
    context: Context,
}

/// Operators of elsewhere, the longest first.
const OPERATORS: &[(&str, &str)] = &[
    ("...", ".."),
    ("..=", ".."),
    ("!==", "!="),
    ("===", "=="),
    ("=<", "<="),
    ("=>", ">="),
    ("<>", "!="),
    ("~=", "!="),
    ("::", "."),
    ("->", "."),
];

/// Words that compare, the longest first.
const COMPARISONS: &[(&str, &str)] = &[
    ("is greater than or equal to", ">="),
    ("is less than or equal to", "<="),
    ("is not equal to", "!="),
    ("is greater than", ">"),
    ("is lower than", "<"),
    ("is less than", "<"),
    ("is more than", ">"),
    ("is equal to", "=="),
    ("greater than", ">"),
    ("is at least", ">="),
    ("is at most", "<="),
    ("no more than", "<="),
    ("no less than", ">="),
    ("lower than", "<"),
    ("less than", "<"),
    ("more than", ">"),
    ("is under", "<"),
    ("is below", "<"),
    ("is above", ">"),
    ("at least", ">="),
    ("at most", "<="),
    ("is over", ">"),
    ("exceeds", ">"),
    ("equals", "=="),
    ("is not", "!="),
    ("under", "<"),
    ("below", "<"),
    ("above", ">"),
    ("gte", ">="),
    ("lte", "<="),
    ("neq", "!="),
    ("eq", "=="),
    ("ne", "!="),
    ("gt", ">"),
    ("ge", ">="),
    ("lt", "<"),
    ("le", "<="),
    ("is", "=="),
];

/// What stands before a declaration elsewhere.
const PREFIXES: &[&str] = &["async", "await", "export", "default", "public", "private", "static", "pub", "yield"];

impl Stopped<'_> {
    /// The likeliest first.
    fn rewritings(&self) -> impl Iterator<Item = Rewriting> {
        let all = [
            self.numbers(),
            self.units(),
            self.operators(),
            self.words(),
            self.brackets(),
            self.texts(),
            self.missing(),
        ];
        all.into_iter().flatten()
    }

    fn rewriting(&self, place: Range<usize>, text: impl Into<String>, why: &'static str) -> Rewriting {
        Rewriting { code: Code::E0100, place, text: text.into(), why }
    }

    /// The token that the grammar stopped at: a run of letters, else one sign.
    fn token(&self) -> Range<usize> {
        let start = self.at + blanks(&self.text[self.at..]);
        let word = first_word(&self.text[start..]).len();
        let sign = self.text[start..].chars().next().map_or(0, char::len_utf8);
        start..start + word.max(sign)
    }

    /// The number, with what other languages write in it, around the place.
    fn number(&self) -> Range<usize> {
        let of_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '_');
        let before = &self.text[..self.at];
        let start = before.trim_end_matches(of_number).len();
        let end = self.at + self.text[self.at..].find(|c| !of_number(c)).unwrap_or(self.text.len() - self.at);
        start..end
    }

    fn numbers(&self) -> Vec<Rewriting> {
        let place = self.number();
        let written = self.text[place.clone()].trim_end_matches([',', '.']);
        let place = place.start..place.start + written.len();
        let groups: Vec<&str> = written.split([',', '.', '_']).collect();
        let mut found = Vec::new();
        let is_grouped = groups.len() > 1 && groups[1..].iter().all(|group| group.len() == 3) && groups[0].len() < 4;
        if is_grouped && !groups[0].is_empty() {
            found.push(self.rewriting(place.clone(), groups.join("_"), "digits are grouped by `_`"));
        }
        if let [whole, part] = groups.as_slice() {
            let text = format!("{}.{part}", if whole.is_empty() { "0" } else { whole });
            found.push(self.rewriting(place, text, "a fraction has a digit before its `.`"));
        }
        // `1m 30s`
        let token = self.token();
        let gap = self.text[..token.start].trim_end().len()..token.start;
        let is_digit = |c: char| c.is_ascii_digit();
        let before = self.text[..gap.start].rsplit(' ').next().is_some_and(|word| word.starts_with(is_digit));
        if before && self.text[token.start..].starts_with(is_digit) && !gap.is_empty() {
            found.push(self.rewriting(gap, "", "the parts of a duration touch each other"));
        }
        // `5O/s`
        let word = self.word_around();
        let letter = self.text[word.clone()].replace(['O', 'o'], "0");
        if self.text[word.clone()].starts_with(|c: char| c.is_ascii_digit()) && letter != self.text[word.clone()] {
            found.push(self.rewriting(word, letter, "a letter `O` stands in a number"));
        }
        found
    }

    /// The run of letters and digits that the place is in or after.
    fn word_around(&self) -> Range<usize> {
        let bytes = self.text.as_bytes();
        let start =
            (0..self.token().start).rev().take_while(|at| is_word(bytes[*at])).last().unwrap_or(self.token().start);
        start..start + first_word(&self.text[start..]).len()
    }

    fn units(&self) -> Vec<Rewriting> {
        let start = self.token().start;
        let gap = self.text[..start].trim_end().len();
        if !self.text[..gap].ends_with(|c: char| c.is_ascii_digit() || matches!(c, 'k' | 'M')) {
            return Vec::new();
        }
        let unit = units::leading(&self.text[start..]);
        let found = unit
            .map(|(length, ours)| self.rewriting(gap..start + length, ours, "this unit is written another way here"));
        found.into_iter().collect()
    }

    fn operators(&self) -> Vec<Rewriting> {
        let start = self.token().start;
        let mut found = Vec::new();
        for (theirs, ours) in OPERATORS {
            let first = boundary::floor(self.text, start.saturating_sub(theirs.len()));
            if let Some(place) =
                self.text[first..].find(theirs).map(|place| first + place).filter(|place| *place <= start)
            {
                found.push(self.rewriting(
                    place..place + theirs.len(),
                    *ours,
                    "this operator is written another way here",
                ));
            }
        }
        let word = COMPARISONS.iter().find(|(theirs, _)| starts_with_words(&self.text[start..], theirs));
        found.extend(
            word.map(|(theirs, ours)| {
                self.rewriting(start..start + theirs.len(), *ours, "things are compared by signs")
            }),
        );
        found
    }

    fn words(&self) -> Vec<Rewriting> {
        let mut found = Vec::new();
        let token = self.token();
        let around = self.word_around();
        for word in [token.clone(), around.clone()] {
            let written = &self.text[word.clone()];
            let small = snake_case(written);
            if small != written && written.starts_with(|c: char| c.is_ascii_alphabetic()) {
                let code = if words::statement(&small).is_some() { Code::E0100 } else { Code::E0118 };
                found.push(Rewriting { code, place: word, text: small, why: "words and names are written small" });
            }
        }
        // `second-load`, `2nd`, `$x`, `x5`
        let end = self.text[around.start..].find(|c: char| !(c.is_ascii() && is_word(c as u8) || c == '-'));
        let dashed = around.start..end.map_or(self.text.len(), |end| around.start + end);
        let written = self.text[dashed.clone()].trim_end_matches('-');
        let dashed = dashed.start..dashed.start + written.len();
        let name = |place: Range<usize>, text: String| Rewriting {
            code: Code::E0118,
            place,
            text,
            why: "a name has small letters, digits and `_`, and starts with a letter",
        };
        if written.contains('-') && !written.starts_with('-') {
            found.push(name(dashed, snake_case(written)));
        }
        if self.text[around.clone()].starts_with(|c: char| c.is_ascii_digit()) {
            let written = self.text[around.clone()].to_lowercase();
            found.push(name(around, format!("_{written}")));
        }
        if let Some(factor) = self.text[token.clone()].strip_prefix('x') {
            found.push(self.rewriting(token.clone(), format!("{factor}x"), "a factor is a number with `x` after it"));
        }
        if self.text[token.clone()].starts_with('$') {
            found.push(name(token.start..token.start + 1, String::new()));
        }
        found.extend(self.named_request());
        found
    }

    /// `let list = get "/x"`
    fn named_request(&self) -> Option<Rewriting> {
        let (name, request) = self.text.strip_prefix("let ")?.split_once('=')?;
        let request = request.trim_start();
        let method = first_word(request);
        let is_step = words::statement(method).is_some_and(|word| word.contexts.contains(&Context::Flow));
        (self.context == Context::Flow && is_step).then(|| {
            let text = format!("{} as {}", request.trim_end(), name.trim());
            self.rewriting(0..self.text.len(), text, "a request names its answer with `as`")
        })
    }

    fn brackets(&self) -> Vec<Rewriting> {
        let token = self.token();
        let mut found = Vec::new();
        match &self.text[token.clone()] {
            "[" => found.extend(self.bracketed(token.start, '(', ')', "arguments stand in `( )`")),
            "(" => found.extend(self.bracketed(token.start, '[', ']', "a list stands in `[ ]`")),
            _ => {}
        }
        // `{{ … }}`, and `in 200, 201`
        if self.text.contains("{{") {
            let text = self.text.replace("{{", "{").replace("}}", "}");
            found.push(self.rewriting(0..self.text.len(), text, "one brace is enough"));
        }
        if let Some(at) = self.text.rfind(" in ").map(|at| at + " in ".len()).filter(|at| *at <= token.start) {
            let list = self.text[at..].trim().trim_matches(['(', ')', '{', '}', '[', ']']);
            found.push(self.rewriting(at..self.text.len(), format!("[{list}]"), "a list stands in `[ ]`"));
        }
        // `in (200, 201)` fails within the brackets.
        let open = self.text[..token.start].rfind('(').filter(|open| self.text[..*open].trim_end().ends_with(" in"));
        found.extend(open.and_then(|open| self.bracketed(open, '[', ']', "a list stands in `[ ]`")));
        found
    }

    fn missing(&self) -> Vec<Rewriting> {
        let token = self.token();
        let gap = self.text[..token.start].trim_end().len();
        let mut found = Vec::new();
        match &self.text[token.clone()] {
            "=" => found.push(self.rewriting(gap..token.end, ":", "an argument has a `:` after its name")),
            "," | ";" => found.push(self.rewriting(token, "", "nothing is separated here")),
            _ => {}
        }
        if gap > 0 {
            found.push(self.rewriting(gap..gap, ":", "a `:` is missing after the name"));
            found.push(self.rewriting(gap..gap, ",", "a `,` is missing"));
        }
        found
    }

    /// The bracket at a place and its partner, as others.
    fn bracketed(&self, at: usize, open: char, close: char, why: &'static str) -> Option<Rewriting> {
        let theirs = if self.text[at..].starts_with('(') { ')' } else { ']' };
        let end = at + self.text[at..].find(theirs)?;
        Some(self.rewriting(at..end + 1, format!("{open}{}{close}", &self.text[at + 1..end]), why))
    }

    fn texts(&self) -> Vec<Rewriting> {
        let token = self.token();
        let mut found = Vec::new();
        let rest = &self.text[token.start..];
        let before = &self.text[..token.start];
        if rest.starts_with(['"', '\'']) {
            // `f"…"`, `"name"` where a name stands
            let letter = before.char_indices().next_back().filter(|(_, c)| matches!(c, 'f' | 'r' | 'b' | '$' | '@'));
            found.extend(letter.map(|(at, _)| {
                self.rewriting(
                    at..token.start,
                    "",
                    "nothing stands before a text; a value in `{ }` is put in by itself",
                )
            }));
            let quote = &rest[..1];
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ');
            if let Some(end) = rest[1..].find(quote).filter(|end| *end > 0 && rest[1..=*end].chars().all(is_name)) {
                let name = snake_case(rest[1..=end].trim()).replace(' ', "_");
                found.push(Rewriting {
                    code: Code::E0118,
                    place: token.start..token.start + end + 2,
                    text: name,
                    why: "a name has no quotes",
                });
            }
        }
        // `http(127.0.0.1:8080)`
        if let Some(open) = before.rfind('(').filter(|open| !before[*open..].contains(['"', ')', ' '])) {
            let end = self.text[open..].find([')', ' ']).map_or(self.text.len(), |end| open + end);
            for scheme in ["", "http://"] {
                let text = format!("\"{scheme}{}\"", &self.text[open + 1..end]);
                found.push(self.rewriting(open + 1..end, text, "a text stands in quotes"));
            }
        }
        if rest.starts_with(['/', '?']) || rest.starts_with("http") {
            let end = rest.find([' ', ')', ',', '\n']).unwrap_or(rest.len());
            found.push(self.rewriting(
                token.start..token.start + end,
                format!("\"{}\"", &rest[..end]),
                "a text stands in quotes",
            ));
        }
        found
    }
}

/// The statement after words that stand before it elsewhere, such as `async`.
pub fn without_prefix(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(prefix) = PREFIXES.iter().find(|prefix| starts_with_words(rest, prefix)) {
        rest = rest[prefix.len()..].trim_start();
    }
    (rest.len() < text.len()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::without_prefix;

    #[test]
    fn words_before_a_statement_are_as_many_as_they_are() {
        let many = format!("{}get", "async ".repeat(200_000));
        assert_eq!(without_prefix(&many), Some("get"));
        assert_eq!((without_prefix("get"), without_prefix("asynchronous")), (None, None));
    }
}
