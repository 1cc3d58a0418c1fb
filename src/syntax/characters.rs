//! Characters of word processors, other alphabets and other languages, outside of texts and comments. Each is refused by its name, and
//! the rest of the way reads what it stands for, so that one of them is one mistake.

use super::tokens::{is_word, line_end, text_end};
use crate::base::{FileId, Span, boundary};
use crate::diag::{Applicability, Code, Diagnostic, Diagnostics, Fix};
use std::borrow::Cow;
use std::ops::Range;

/// The text as it is meant, with the length that it has.
pub fn read_as_meant<'a>(file: FileId, text: &'a str, diagnostics: &mut Diagnostics) -> Cow<'a, str> {
    if text.is_ascii() && !text.contains(['#', '`']) && !text.contains("/*") && !text.contains("--") {
        return Cow::Borrowed(text);
    }
    let mut reader =
        Reader { file, text, bytes: text.as_bytes().to_vec(), line: 0..0, closed: Vec::new(), diagnostics };
    reader.read();
    Cow::Owned(String::from_utf8(reader.bytes).expect("whole characters were replaced by ASCII"))
}

/// A comment that is longer or stands further in is left to its author.
const LONGEST: usize = 4_000;
const WIDEST: usize = 100;

/// The place with all of each character that a part of it stands in.
pub fn whole(text: &str, span: Span) -> Span {
    let range = span.range();
    Span::new(span.file, boundary::floor(text, range.start), boundary::ceil(text, range.end))
}

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    bytes: Vec<u8>,
    /// The one that was looked at last: there may be many signs on it.
    line: Range<usize>,
    /// Brackets that were refused with their partner.
    closed: Vec<usize>,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn read(&mut self) {
        let bytes = self.text.as_bytes();
        let mut at = if self.text.starts_with('\u{feff}') { 3 } else { 0 };
        while let Some(c) = self.text[at..].chars().next() {
            at = match c {
                '/' if self.text[at..].starts_with("//") => self.line(at).end,
                '/' if self.text[at..].starts_with("/*") => self.block_comment(at),
                '#' => self.line_comment(at, 1),
                '-' if self.is_dashed_comment(at) => {
                    self.line_comment(at, self.text[at..].bytes().take_while(|byte| *byte == b'-').count())
                }
                '"' | '\'' => text_end(bytes, at, c as u8).unwrap_or_else(|| self.closed_elsewhere(at, c)),
                '`' => self.template(at),
                _ if quote(c).is_some() => self.quoted(at, c),
                _ if c.is_ascii() && !is_word(c as u8) => at + 1,
                _ if is_of_word(c) => self.word(at),
                _ => self.sign(at, c),
            };
        }
    }

    fn line(&mut self, at: usize) -> Range<usize> {
        if !(self.line.contains(&at) || at == self.line.end && at > 0) {
            let start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
            self.line = start..line_end(self.text.as_bytes(), at);
        }
        self.line.clone()
    }

    /// `-- …`, as in SQL and Lua, alone on its line or after a blank.
    fn is_dashed_comment(&mut self, at: usize) -> bool {
        let start = self.line(at).start;
        let before = &self.text[start..at];
        // Each run of them is looked at once.
        if before.ends_with('-') {
            return false;
        }
        let behind = self.text[at..].trim_start_matches('-');
        let dashes = self.text[at..].len() - behind.len();
        let is_alone = before.trim_end_matches([' ', '\t']).is_empty();
        dashes > 1 && (is_alone || before.ends_with(' ') && behind.starts_with(' '))
    }

    /// `# …`, as in YAML and Python, with so many signs.
    fn line_comment(&mut self, at: usize, signs: usize) -> usize {
        let end = self.line(at).end;
        let sign = self.span(at..at + signs);
        let label = format!("not `{}`", &self.text[sign.range()]);
        let problem = Diagnostic::new(Code::E0100, "a comment starts with `//`", sign, label);
        self.diagnostics.push(problem.fix(Applicability::MachineApplicable, sign, "//", "write `//`"));
        self.put(at..end, "");
        end
    }

    /// `/* … */`, as in C and JavaScript.
    fn block_comment(&mut self, at: usize) -> usize {
        let end = self.text[at..].find("*/").map_or(self.text.len(), |end| at + end + 2);
        let inner = self.text[at + 2..end].trim_end_matches("*/");
        let is_alone = self.text[end..self.line(end).end].trim().is_empty();
        let indent = at - self.line(at).start;
        let problem = Diagnostic::new(Code::E0100, "a comment starts with `//`", self.span(at..at + 2), "not `/*`");
        let is_short = inner.len() <= LONGEST && indent <= WIDEST;
        self.diagnostics.push(match is_alone && is_short {
            true => {
                let lines = inner.trim().lines().map(|line| format!("// {}", line.trim().trim_start_matches("* ")));
                let fixed = lines.collect::<Vec<_>>().join(&format!("\n{}", " ".repeat(indent)));
                problem.fix(Applicability::MachineApplicable, self.span(at..end), fixed, "write `//` before each line")
            }
            false => {
                let whole = Fix::new(
                    Applicability::Maybe,
                    self.span(at..end),
                    "",
                    "remove it, or put it on a line of its own after `//`",
                );
                problem.help("write `//`; such a comment goes to the end of its line").or(whole)
            }
        });
        for byte in self.bytes[at..end].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
        end
    }

    /// A text in backticks, as in JavaScript.
    fn template(&mut self, at: usize) -> usize {
        let line = self.line(at).end;
        let Some(end) = self.text[at + 1..line].find('`').map(|end| at + 1 + end) else {
            let problem =
                Diagnostic::new(Code::E0100, "a text stands in `\"`", self.span(at..at + 1), "not in backticks");
            self.diagnostics.push(problem.fix(
                Applicability::MachineApplicable,
                self.span(at..at + 1),
                "\"",
                "write `\"`",
            ));
            self.put(at..at + 1, "\"");
            return at + 1;
        };
        let inner = self.text[at + 1..end].replace("${", "{").replace('"', "\\\"");
        self.refuse_text(at..end + 1, [1, 1], &format!("\"{inner}\""), "a text stands in `\"`");
        let places = self.text[at + 1..end].match_indices(['"', '$']);
        places.for_each(|(place, _)| self.bytes[at + 1 + place] = b'_');
        end + 1
    }

    /// A text that starts with a quote of a word processor.
    fn quoted(&mut self, at: usize, c: char) -> usize {
        let line = self.line(at).end;
        let start = at + c.len_utf8();
        let Some(plain) = quote(c) else { return start };
        let ends = |(_, other): &(usize, char)| *other == plain || quote(*other) == Some(plain);
        let Some((length, close)) = self.text[start..line].char_indices().find(ends) else {
            self.refuse(at..start, &plain.to_string(), &named(c));
            return start;
        };
        let end = start + length + close.len_utf8();
        let meant = format!("{plain}{}{plain}", &self.text[start..start + length]);
        self.refuse_text(at..end, [c.len_utf8(), close.len_utf8()], &meant, &named(c));
        end
    }

    /// A text that starts with a plain quote and ends with another one, if it does.
    fn closed_elsewhere(&mut self, at: usize, plain: char) -> usize {
        let line = self.line(at).end;
        let ends = |(_, other): &(usize, char)| quote(*other) == Some(plain);
        let Some((length, close)) = self.text[at + 1..line].char_indices().find(ends) else { return line };
        let found = at + 1 + length..at + 1 + length + close.len_utf8();
        self.refuse(found.clone(), &plain.to_string(), &named(close));
        found.end
    }

    /// A word with letters that only look like those of ASCII, or with characters that cannot be seen.
    fn word(&mut self, at: usize) -> usize {
        let end = self.text[at..].find(|c| !is_of_word(c)).map_or(self.text.len(), |length| at + length);
        let word = &self.text[at..end];
        let Some(first) = word.chars().find(|c| !c.is_ascii()) else { return end };
        let first = word.chars().find(|c| letters(*c).is_none()).unwrap_or(first);
        let meant: Option<String> = word.chars().map(letters).collect();
        match meant {
            Some(meant) if meant.is_empty() => self.refuse(at..end, " ", &named(first)),
            Some(meant) => self.refuse(at..end, &meant, &named(first)),
            None => {
                let problem = Diagnostic::new(Code::E0100, named(first), self.span(at..end), "not ASCII");
                self.diagnostics.push(problem.help("names have the letters `a` to `z`, digits and `_`"));
                // Whatever it is called, it is the same thing wherever it stands.
                let stands: String = word
                    .chars()
                    .map(|c| letters(c).filter(|text| text.len() == c.len_utf8()).unwrap_or_else(|| stand_in(c)))
                    .collect();
                self.put(at..end, &stands);
            }
        }
        end
    }

    fn sign(&mut self, at: usize, c: char) -> usize {
        let end = at + c.len_utf8();
        if self.closed.last() == Some(&at) {
            self.closed.pop();
            return end;
        }
        let is_between = |part: Option<char>| part.is_some_and(|c| c.is_ascii_alphanumeric());
        let starts_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        let before = self.text[..at].trim_end_matches(' ');
        let word = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
        let touches = before.len() == at && is_between(before.chars().next_back());
        let joins = (touches || starts_with_digit(word)) && starts_with_digit(self.text[end..].trim_start_matches(' '));
        if let Some(close) = self.bracket_behind(at, c) {
            return self.brackets(at..end, close);
        }
        let meant = match c {
            '–' | '—' if joins => "..",
            '×' if touches => "x",
            _ => match SIGNS.iter().find(|(signs, _)| signs.contains(c)) {
                Some((_, meant)) => meant,
                None if c.is_whitespace() => " ",
                None => match full_width(c) {
                    Some(meant) => return self.refused(at..end, &meant.to_string(), &named(c)),
                    None => return end,
                },
            },
        };
        self.refused(at..end, meant, &named(c))
    }

    /// Where a bracket of full width is closed by another one on its line.
    fn bracket_behind(&mut self, at: usize, c: char) -> Option<Range<usize>> {
        let close = match c {
            '（' => '）',
            '［' => '］',
            '｛' => '｝',
            _ => return None,
        };
        let line = self.line(at).end;
        let mut depth = 0usize;
        let end = self.text[at..line].char_indices().take(LONGEST).find_map(|(behind, sign)| {
            depth += usize::from(sign == c);
            depth -= usize::from(sign == close);
            (depth == 0).then_some(at + behind)
        })?;
        Some(end..end + close.len_utf8())
    }

    /// Both brackets as one mistake. What is between them is read as it is.
    fn brackets(&mut self, open: Range<usize>, close: Range<usize>) -> usize {
        let plain = |range: &Range<usize>| self.text[range.clone()].chars().next().and_then(full_width);
        let (Some(first), Some(last)) = (plain(&open), plain(&close)) else { return open.end };
        let (first, last) = (first.to_string(), last.to_string());
        let message = named(self.text[open.clone()].chars().next().unwrap_or(' '));
        let help = format!("write `{first}` and `{last}`");
        let fix = Fix::new(Applicability::MachineApplicable, self.span(open.clone()), first.as_str(), help.as_str());
        let problem = Diagnostic::new(Code::E0100, message, self.span(open.clone()), "not ASCII");
        let problem = problem.mended_by(fix.and(self.span(close.clone()), last.as_str()));
        self.diagnostics.push(problem.label(self.span(close.clone()), "and its partner"));
        self.put(open.clone(), &first);
        self.put(close.clone(), &last);
        self.closed.push(close.start);
        open.end
    }

    fn refused(&mut self, range: Range<usize>, meant: &str, message: &str) -> usize {
        self.refuse(range.clone(), meant, message);
        range.end
    }

    fn refuse(&mut self, range: Range<usize>, meant: &str, message: &str) {
        let span = self.span(range.clone());
        let help = match meant.trim() {
            "" => "write a blank".to_owned(),
            meant => format!("write `{meant}`"),
        };
        self.diagnostics.push(Diagnostic::new(Code::E0100, message, span, "not ASCII").fix(
            Applicability::MachineApplicable,
            span,
            meant,
            help,
        ));
        self.put(range, meant);
    }

    /// A text between quotes of these lengths; what is in it stays where it is.
    fn refuse_text(&mut self, range: Range<usize>, quotes: [usize; 2], meant: &str, message: &str) {
        let span = self.span(range.clone());
        let problem = Diagnostic::new(Code::E0100, message, span, "not in plain quotes");
        self.diagnostics.push(problem.fix(Applicability::MachineApplicable, span, meant, format!("write `{meant}`")));
        let (open, close) = (range.start..range.start + quotes[0], range.end - quotes[1]..range.end);
        let quote = meant.as_bytes()[0];
        self.bytes[open.clone()].fill(b' ');
        self.bytes[close.clone()].fill(b' ');
        self.bytes[open.end - 1] = quote;
        self.bytes[close.start] = quote;
    }

    /// Blanks fill the room that is left before a word, so that what touches its end still does.
    fn put(&mut self, range: Range<usize>, meant: &str) {
        let touches = self.text[..range.start].ends_with(|c: char| !c.is_whitespace());
        let place = &mut self.bytes[range];
        let from = if touches { 0 } else { place.len() - meant.len() };
        place.fill(b' ');
        place[from..from + meant.len()].copy_from_slice(meant.as_bytes());
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, range.start, range.end)
    }
}

/// The character as people speak of it.
fn named(c: char) -> String {
    let code = u32::from(c);
    match c {
        _ if is_unseen(c) => format!("U+{code:04X} stands here, which cannot be seen"),
        _ if c.is_whitespace() => format!("U+{code:04X} is no plain blank"),
        _ if quote(c).is_some() => format!("`{c}` (U+{code:04X}) is a typographic quote"),
        _ if is_of_word(c) => match letters(c) {
            Some(meant) => format!("`{c}` (U+{code:04X}) is not `{meant}`"),
            None => format!("`{c}` (U+{code:04X}) is no letter of ASCII"),
        },
        _ => format!("`{c}` (U+{code:04X}) is no sign of the language"),
    }
}

/// The plain quote that a typographic one stands for.
fn quote(c: char) -> Option<char> {
    match c {
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' | '＂' => Some('"'),
        '‘' | '’' | '‚' | '‛' | '‹' | '›' | '′' | '＇' => Some('\''),
        _ => None,
    }
}

const SIGNS: &[(&str, &str)] = &[
    ("≤⩽≦", "<="),
    ("≥⩾≧", ">="),
    ("≠", "!="),
    ("→⇒➔⟶", "->"),
    ("×⋅∙", "*"),
    ("÷∕⁄", "/"),
    ("−–—‐‑‒", "-"),
    ("…", ".."),
    ("٪﹪", "%"),
];

fn is_of_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric() || is_unseen(c)
}

fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// What a character of a word is written as: the letter that it looks like, or is without its mark.
fn letters(c: char) -> Option<String> {
    const ALIKE: &[(&str, &str)] = &[
        ("аеорсухіѕјһԁԛԝ", "aeopcyxisjhdqw"),
        ("АВЕКМНОРСТУХІЅЈ", "ABEKMHOPCTYXISJ"),
        ("οανικτρυχ", "oaviktpux"),
        ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
        ("µμ", "uu"),
        ("àáâãäåèéêëìíîïòóôõöøùúûüýÿçñ", "aaaaaaeeeeiiiiooooooouuuuyycn"),
        ("ÀÁÂÃÄÅÈÉÊËÌÍÎÏÒÓÔÕÖØÙÚÛÜÝÇÑ", "AAAAAAEEEEIIIIOOOOOOUUUUYCN"),
    ];
    match c {
        _ if c.is_ascii() => Some(c.into()),
        _ if is_unseen(c) => Some(String::new()),
        'ß' => Some("ss".into()),
        'æ' => Some("ae".into()),
        'œ' => Some("oe".into()),
        _ => {
            let alike = ALIKE.iter().flat_map(|(theirs, ours)| theirs.chars().zip(ours.chars()));
            let alike = alike.into_iter().find(|(theirs, _)| *theirs == c).map(|(_, ours)| ours);
            alike.or_else(|| full_width(c)).map(String::from)
        }
    }
}

/// The ASCII character for a full-width one. Each visible ASCII character has one.
fn full_width(c: char) -> Option<char> {
    let code = u32::from(c).checked_sub(0xFF01)?;
    (code < 94).then(|| char::from(b'!' + code as u8))
}

/// Letters of the same length for one that is written with no letter of ASCII.
fn stand_in(c: char) -> String {
    char::from(b'a' + (u32::from(c) % 26) as u8).to_string().repeat(c.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (String, Vec<Diagnostic>) {
        let mut diagnostics = Diagnostics::default();
        let meant = read_as_meant(FileId(0), text, &mut diagnostics).into_owned();
        (meant, diagnostics.sorted())
    }

    #[test]
    fn a_comment_of_another_language_costs_no_more_than_its_length() {
        let text = format!("{}/*\n{}*/\n", " ".repeat(5_000), "a\n".repeat(2_000));
        let (meant, said) = found(&text);
        assert!(meant.trim().is_empty() && meant.len() == text.len());
        assert!(said.len() == 1 && said[0].fix.is_none(), "{said:?}");
        let (_, said) = found("  /* one\n   * two */\n");
        assert_eq!(said[0].fix.as_ref().map(|fix| fix.edits[0].text.as_str()), Some("// one\n  // two"));
    }

    #[test]
    fn what_is_meant_keeps_the_length_and_the_lines() {
        for text in ["hold 5µs\n", "x “a” y", "“", "a≤b", "`a ${b}`", "中文 é", "# a\nb", "\u{a0}\u{200b}", "\"a”"]
        {
            let (meant, said) = found(text);
            assert!(meant.is_ascii() && meant.len() == text.len() && !said.is_empty(), "{text}: {meant}");
            assert_eq!(meant.matches('\n').count(), text.matches('\n').count());
        }
    }

    #[test]
    fn brackets_of_full_width_have_their_own_partners() {
        let (meant, said) = found("a（（b））\n");
        assert_eq!((meant.replace(' ', "").as_str(), said.len()), ("a((b))\n", 2), "{said:?}");
        let places: Vec<u32> =
            said.iter().flat_map(|one| &one.fix.as_ref().unwrap().edits).map(|edit| edit.span.start).collect();
        assert_eq!(places.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{places:?}");
    }

    #[test]
    fn a_run_of_dashes_is_looked_at_once() {
        let text = format!("x{}\n", "-".repeat(250_000));
        assert!(found(&text).1.is_empty());
        assert_eq!(found("a -- b\n  -- c\n").1.len(), 2);
        assert_eq!(found("a--b\n").1.len(), 0);
    }
}
