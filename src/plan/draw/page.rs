//! A page of text with an axis of time: columns of levels above it, bars beneath it.

use super::picture::{PictureRow, RowKind, ticks};
use crate::base::units::duration;
use std::fmt::Write;

pub const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Where things stand on a page.
pub struct PageLayout {
    /// What names and levels have, before the axis.
    pub margin: usize,
    pub columns: usize,
    length: u64,
}

impl PageLayout {
    /// Of a width between 60 and 120, with room for names and levels before the axis.
    pub fn new<'n>(names: impl Iterator<Item = &'n str>, length: u64, width: usize) -> PageLayout {
        PageLayout::of_width(names, length, width.clamp(60, 120))
    }

    /// As wide as the terminal, and no wider than can be read.
    pub fn of_width<'n>(names: impl Iterator<Item = &'n str>, length: u64, width: usize) -> PageLayout {
        let names = names.map(|name| name.chars().count()).max().unwrap_or(0);
        let margin = names.clamp(10, 20);
        PageLayout { margin, columns: width.clamp(30, 200) - margin - 2, length: length.max(1) }
    }

    pub fn column(&self, at: u64) -> usize {
        (u128::from(at) * self.columns as u128 / u128::from(self.length)) as usize
    }

    /// The instant at which a column begins.
    pub fn start(&self, column: usize) -> u64 {
        (column as u128 * u128::from(self.length) / self.columns as u128) as u64
    }

    /// The middle of a column in time.
    pub fn middle(&self, column: usize) -> u64 {
        ((2 * column as u128 + 1) * u128::from(self.length) / (2 * self.columns as u128)) as u64
    }

    /// A line of cells; what paints them is not counted.
    pub fn line(&self, out: &mut String, label: &str, edge: char, cells: &str, paint: &dyn Fn(&str) -> String) {
        let label = cut(label, self.margin);
        let _ = match cells.trim_end() {
            "" => writeln!(out, "{}", format!("{label:>margin$} {edge}", margin = self.margin).trim_end()),
            cells => writeln!(out, "{label:>margin$} {edge}{}", paint(cells), margin = self.margin),
        };
    }

    /// Levels as columns of blocks in so many rows, the highest of them as high as those; `full` says what a whole block looks like.
    pub fn chart(
        &self,
        out: &mut String,
        levels: &[f64],
        rows: usize,
        (peak, label): (f64, &str),
        full: &dyn Fn(usize) -> char,
        paint: &dyn Fn(&str) -> String,
    ) {
        for row in (0..rows).rev() {
            let label = if row == rows - 1 {
                label
            } else if row == 0 {
                "0"
            } else {
                ""
            };
            let cell = |(column, level): (usize, &f64)| {
                let height = if peak > 0.0 { level / peak * (rows * 8) as f64 } else { 0.0 };
                let fill = (height - (row * 8) as f64).clamp(0.0, 8.0).round() as usize;
                // Something is there wherever the level is above nothing.
                let fill = if row == 0 && *level > 0.0 { fill.max(1) } else { fill };
                if fill == 8 { full(column) } else { BLOCKS[fill] }
            };
            self.line(out, label, '┤', &levels.iter().enumerate().map(cell).collect::<String>(), paint);
        }
    }

    /// The axis with round instants.
    pub fn axis(&self, out: &mut String) {
        let ticks = ticks(self.length, self.columns / 10);
        let mut line = vec!['─'; self.columns];
        let mut labels = vec![' '; self.columns];
        for tick in ticks {
            let at = self.column(tick).min(self.columns - 1);
            let text = duration(tick);
            line[at] = '┴';
            let length = text.chars().count();
            // The last one stands before its tick where there is no room after it.
            let start = if at + length > self.columns { self.columns - length } else { at };
            if labels[start.saturating_sub(1)..start + length].iter().all(|c| *c == ' ') {
                for (offset, character) in text.chars().enumerate() {
                    labels[start + offset] = character;
                }
            }
        }
        self.line(out, "", '└', &line.into_iter().collect::<String>(), &plain);
        self.line(out, "", ' ', &labels.into_iter().collect::<String>(), &plain);
    }

    /// A fault, an event or an alert as bars on the axis, and what it is where there is room.
    pub fn bars(&self, out: &mut String, row: &PictureRow, paint: &dyn Fn(&str) -> String) {
        let mut cells = vec![' '; self.columns];
        for (start, end) in &row.ranges {
            let from = self.column(*start).min(self.columns - 1);
            let to = self.column(*end).clamp(from + 1, self.columns.max(from + 1));
            let (moment, bar) = match row.kind {
                RowKind::Fault => ('◆', '▬'),
                RowKind::Event => ('▷', '┄'),
                RowKind::Alert => ('○', '╌'),
                RowKind::Lost => ('░', '░'),
            };
            for cell in &mut cells[from..to.min(self.columns)] {
                *cell = bar;
            }
            if start == end || row.kind == RowKind::Event {
                cells[from] = moment;
            }
            if row.kind == RowKind::Alert {
                cells[from] = '├';
                if to - 1 > from {
                    cells[to - 1] = '┤';
                }
            }
        }
        let used = |cell: &char| *cell != ' ';
        let behind = cells.iter().rposition(used).map_or(0, |at| at + 2);
        let before = cells.iter().position(used).unwrap_or(0);
        let length = row.what.chars().count();
        if behind + length <= self.columns {
            put(&mut cells, behind, &row.what);
        } else if before > length {
            put(&mut cells, before - length - 1, &row.what);
        } else if self.columns.saturating_sub(behind) >= before && self.columns > behind + 8 {
            put(&mut cells, behind, &cut(&row.what, self.columns - behind));
        } else if before > 9 {
            let text = cut(&row.what, before - 1);
            put(&mut cells, before - 1 - text.chars().count(), &text);
        }
        self.line(out, &row.name, '│', &cells.into_iter().collect::<String>(), paint);
    }
}

/// As it is.
pub fn plain(cells: &str) -> String {
    cells.to_owned()
}

/// Shortens a text to a number of characters, with a mark for what is missing.
pub fn cut(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// A line of text from a column on, continued beneath itself where the page ends. The first line has begun already.
pub fn flow(out: &mut String, column: usize, text: &str, width: usize) {
    let mut at = column;
    for (index, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        match index {
            0 => {}
            _ if at + 1 + length > width => {
                let _ = write!(out, "\n{:column$}", "");
                at = column;
            }
            _ => {
                out.push(' ');
                at += 1;
            }
        }
        out.push_str(word);
        at += length;
    }
    out.push('\n');
}

fn put(cells: &mut [char], start: usize, text: &str) {
    for (offset, character) in text.chars().enumerate() {
        if let Some(cell) = cells.get_mut(start + offset) {
            *cell = character;
        }
    }
}
