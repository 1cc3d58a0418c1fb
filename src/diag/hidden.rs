//! What a diagnostic may not tell: values of variables, and contents of files that are no scenario.

use std::borrow::Cow;

/// The lines of what is hidden, in lower case and in order, each with the longest other one that it begins with. So the
/// longest that stands at a place is found by one search, however many there are.
pub(super) struct Hidden<'h> {
    lines: Vec<Cow<'h, str>>,
    beginnings: Vec<Option<usize>>,
}

impl<'h> Hidden<'h> {
    pub(super) fn new(values: impl Iterator<Item = &'h str>) -> Hidden<'h> {
        let lines = values.flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty());
        let mut lines: Vec<Cow<'h, str>> = lines.map(lower).collect();
        lines.sort_unstable();
        lines.dedup();
        let (mut beginnings, mut open): (Vec<Option<usize>>, Vec<usize>) = (Vec::new(), Vec::new());
        for (at, line) in lines.iter().enumerate() {
            while open.pop_if(|before| !line.starts_with(&*lines[*before])).is_some() {}
            beginnings.push(open.last().copied());
            open.push(at);
        }
        Hidden { lines, beginnings }
    }

    /// A text with `***` in the place of each line, in whatever case: hosts are told in lower case. Of a
    /// longer text the first of so many lines and characters.
    pub(super) fn masked(&self, text: &str, most: usize) -> String {
        let lower = lower(text);
        let (mut out, mut at) = (String::new(), 0);
        for _ in 0..most {
            let Some(next) = text[at..].chars().next() else { break };
            match self.longest(&lower, at) {
                Some(length) => {
                    out.push_str("***");
                    at += length;
                }
                None => {
                    out.push(next);
                    at += next.len_utf8();
                }
            }
        }
        out
    }

    /// How long the longest line is that stands at a place and is meant there.
    fn longest(&self, lower: &str, at: usize) -> Option<usize> {
        let here = &lower[at..];
        let mut found = self.lines.partition_point(|line| &**line <= here).checked_sub(1);
        // Whatever `here` begins with, the last line before it begins with as well.
        while let Some(place) = found {
            let line = &self.lines[place];
            if here.starts_with(&**line) && is_meant(lower, at, line.len()) {
                return Some(line.len());
            }
            found = self.beginnings[place];
        }
        None
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(text.to_ascii_lowercase()),
        false => Cow::Borrowed(text),
    }
}

/// A short value is found only where it is a word, and a shorter one only where it is quoted, since its letters stand in
/// other words as well.
fn is_meant(text: &str, at: usize, length: usize) -> bool {
    let around = [text[..at].chars().next_back(), text[at + length..].chars().next()];
    match length {
        0..4 => around.iter().all(|c| matches!(c, Some('`' | '"'))),
        4..8 => around.iter().flatten().all(|c| !c.is_alphanumeric()),
        _ => true,
    }
}
