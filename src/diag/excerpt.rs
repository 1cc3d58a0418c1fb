//! The part of a file around the labels of a diagnostic, as a terminal can show it: what would steer it is written out,
//! and of a line that is too long only what is near a label is shown.

use crate::base::boundary;
use crate::base::shown::{escaped_line, is_hidden, push_escaped};
use crate::base::{Source, Span};
use std::borrow::Cow;
use std::ops::Range;

/// A longer line is cut to this many bytes on both sides of each end of a label.
const LINE: usize = 400;
const AROUND: usize = 80;
/// A label over more lines points at its first one.
const MOST_LINES: usize = 60;

pub struct Excerpt<'a> {
    source: &'a Source,
    start: usize,
    first_line: usize,
    text: Cow<'a, str>,
    /// Where a piece of the file stands here, in the order of the text.
    marks: Vec<(usize, usize)>,
}

impl<'a> Excerpt<'a> {
    /// With the lines around these places of a file.
    pub fn new(source: &'a Source, spans: &[Span], start: usize) -> Excerpt<'a> {
        let ends: Vec<Range<usize>> = spans.iter().map(|span| ends(source, *span)).collect();
        let line = |at: usize| source.position_line(at);
        let first_line = ends.iter().map(|range| line(range.start)).min().unwrap_or(0).saturating_sub(1);
        let last_line = ends.iter().map(|range| line(range.end)).max().unwrap_or(0) + 1;
        let lines: Vec<Range<usize>> = (first_line..=last_line).map_while(|line| source.line_range(line)).collect();
        let all = lines.first().map_or(0, |line| line.start)..lines.last().map_or(0, |line| line.end);
        let plain = &source.text[all.clone()];
        let fits = lines.iter().all(|line| line.len() <= LINE) && !plain.chars().any(is_written_out);
        let (text, marks) = match fits {
            true => (Cow::Borrowed(plain), vec![(all.start, 0)]),
            false => {
                let mut written = Written { source, text: String::new(), marks: Vec::new() };
                lines.iter().for_each(|line| written.line(line.clone(), &ends));
                (Cow::Owned(written.text), written.marks)
            }
        };
        Excerpt { source, start, first_line, text, marks }
    }

    pub fn start(&self) -> usize {
        self.start
    }

    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn first_line(&self) -> usize {
        self.first_line
    }

    pub fn name(&self) -> String {
        escaped_line(&self.source.name).into_owned()
    }

    /// Where a place of the file stands among all that is shown.
    pub fn range(&self, span: Span) -> Range<usize> {
        let range = ends(self.source, span);
        let (from, to) = (self.place(range.start), self.place(range.end));
        self.start + from..self.start + to.max(from)
    }

    fn place(&self, offset: usize) -> usize {
        let next = self.marks.partition_point(|(at, _)| *at <= offset);
        let Some((at, shown)) = next.checked_sub(1).map(|index| self.marks[index]) else { return 0 };
        let most = self.marks.get(next).map_or(self.text.len(), |(_, shown)| *shown);
        (shown + offset - at).min(most)
    }

    /// The column of what is asked for by itself, where it is another than in what is shown.
    pub fn column(&self, shown_at: usize, around: (usize, usize)) -> Option<usize> {
        if matches!(self.text, Cow::Borrowed(_)) || around != (0, 0) {
            return None;
        }
        let last = self.marks.iter().rev().find(|(_, shown)| *shown <= shown_at);
        let offset = last.map_or(0, |(at, shown)| at + shown_at - shown);
        Some(self.source.position(offset.min(self.source.text.len())).1 - 1)
    }
}

/// The place of a label, which ends with its first line where it would fill the screen.
fn ends(source: &Source, span: Span) -> Range<usize> {
    let length = source.text.len();
    let (start, end) = (span.range().start.min(length), span.range().end.min(length));
    let (first, last) = (source.position_line(start), source.position_line(end));
    match last - first > MOST_LINES {
        true => start..source.line_range(first).map_or(end, |line| line.end).max(start),
        false => start..end,
    }
}

/// Line ends are there for the drawing, and tabs have their width.
fn is_written_out(c: char) -> bool {
    is_hidden(c) && !matches!(c, '\n' | '\t' | '\r')
}

struct Written<'a> {
    source: &'a Source,
    text: String,
    marks: Vec<(usize, usize)>,
}

impl Written<'_> {
    /// A line with the bytes that end it.
    fn line(&mut self, line: Range<usize>, ends: &[Range<usize>]) {
        let mut at = line.start;
        for part in self.parts(&line, ends) {
            if part.start > at {
                self.cut(at);
            }
            self.part(part.clone());
            at = part.end;
        }
        if at < line.end {
            self.cut(at);
        }
        self.marks.push((line.end, self.text.len()));
        if self.source.text[line.end..].starts_with('\n') || self.source.text[line.end..].starts_with("\r\n") {
            self.text.push('\n');
        }
    }

    /// What of a line is shown.
    fn parts(&self, line: &Range<usize>, ends: &[Range<usize>]) -> Vec<Range<usize>> {
        if line.len() <= LINE {
            return vec![line.clone()];
        }
        let text = &self.source.text;
        let places = ends.iter().flat_map(|range| [range.start, range.end]);
        let mut parts: Vec<Range<usize>> = places
            .filter(|at| (line.start..=line.end).contains(at))
            .map(|at| {
                let (from, to) = (at.saturating_sub(AROUND).max(line.start), (at + AROUND).min(line.end));
                boundary::floor(text, from)..boundary::floor(text, to)
            })
            .collect();
        if parts.is_empty() {
            parts.push(line.start..boundary::floor(text, line.start + AROUND));
        }
        parts.sort_by_key(|part| part.start);
        let mut joined: Vec<Range<usize>> = Vec::new();
        for part in parts {
            match joined.last_mut() {
                Some(before) if part.start <= before.end => before.end = before.end.max(part.end),
                _ => joined.push(part),
            }
        }
        joined
    }

    fn cut(&mut self, at: usize) {
        self.marks.push((at, self.text.len()));
        self.text.push('…');
    }

    fn part(&mut self, part: Range<usize>) {
        self.marks.push((part.start, self.text.len()));
        for (at, c) in self.source.text[part.clone()].char_indices() {
            let at = part.start + at;
            if c == '\t' || !is_hidden(c) {
                self.text.push(c);
            } else {
                self.marks.push((at, self.text.len()));
                push_escaped(&mut self.text, c);
                self.marks.push((at + c.len_utf8(), self.text.len()));
            }
        }
    }
}
