//! The picture as a page of text.

use super::super::Plan;
use super::picture::{Picture, Row, RowKind, Track, picture, ticks};
use super::tables;
use crate::base::units::duration;
use std::fmt::Write;

pub const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ROWS: usize = 6;

/// Where things stand on a page.
struct Page {
    /// What names and levels have, before the axis.
    margin: usize,
    columns: usize,
    length: u64,
}

impl Page {
    fn new(picture: &Picture, width: usize) -> Page {
        let names = picture.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        let margin = names.clamp(10, 20);
        Page { margin, columns: width.clamp(60, 120) - margin - 2, length: picture.length }
    }

    fn column(&self, at: u64) -> usize {
        (u128::from(at) * self.columns as u128 / u128::from(self.length)) as usize
    }

    /// The middle of a column in time.
    fn middle(&self, column: usize) -> u64 {
        ((2 * column as u128 + 1) * u128::from(self.length) / (2 * self.columns as u128)) as u64
    }

    fn line(&self, out: &mut String, label: &str, edge: char, cells: &str) {
        let label = cut(label, self.margin);
        let line = format!("{label:>margin$} {edge}{cells}", margin = self.margin);
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// At most so many characters, with a mark where some are missing.
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

/// The plan as a page of text of a certain width.
pub fn draw(plan: &Plan, width: usize) -> String {
    let mut out = String::new();
    let picture = picture(plan);
    let page = Page::new(&picture, width);
    tables::head(&mut out, plan);
    for track in &picture.loads {
        shape(&mut out, &page, track);
    }
    axis(&mut out, &page);
    for row in &picture.rows {
        bars(&mut out, &page, row);
    }
    tables::tables(&mut out, plan, width.clamp(60, 120));
    out
}

fn shape(out: &mut String, page: &Page, track: &Track) {
    let levels: Vec<(f64, bool)> =
        (0..page.columns).map(|column| page.middle(column)).map(|at| (track.level(at), track.is_judged(at))).collect();
    let _ = writeln!(out, "\n{}", cut(&track.title, page.margin + 2 + page.columns));
    for row in (0..ROWS).rev() {
        let label = match row {
            r if r == ROWS - 1 => track.shown(track.peak),
            0 => "0".to_owned(),
            _ => String::new(),
        };
        let cell = |(value, judged): &(f64, bool)| {
            let height = if track.peak > 0.0 { value / track.peak * (ROWS * 8) as f64 } else { 0.0 };
            let fill = (height - (row * 8) as f64).clamp(0.0, 8.0).round() as usize;
            // Something is sent wherever the level is above nothing.
            let fill = if row == 0 && *value > 0.0 { fill.max(1) } else { fill };
            if fill == 8 && !judged { '▒' } else { BLOCKS[fill] }
        };
        page.line(out, &label, '┤', &levels.iter().map(cell).collect::<String>());
    }
    stage_names(out, page, track);
}

/// The names of stages beneath their places, where they fit.
fn stage_names(out: &mut String, page: &Page, track: &Track) {
    let mut cells = vec![' '; page.columns];
    let mut free = 0;
    for stage in &track.stages {
        let start = page.column(stage.range.0);
        let end = page.column(stage.range.1).min(page.columns);
        let room = end.saturating_sub(start);
        let name = stage.name.as_str();
        if start < free || room < 3 || start >= page.columns {
            continue;
        }
        for (offset, character) in format!("╵{}", cut(name, room - 1)).chars().enumerate() {
            if let Some(cell) = cells.get_mut(start + offset) {
                *cell = character;
            }
        }
        free = start + 1 + name.chars().count().min(room - 1);
    }
    page.line(out, "", ' ', &cells.into_iter().collect::<String>());
}

fn axis(out: &mut String, page: &Page) {
    let ticks = ticks(page.length, page.columns / 10);
    let mut line = vec!['─'; page.columns];
    let mut labels = vec![' '; page.columns];
    for tick in ticks {
        let at = page.column(tick).min(page.columns - 1);
        let text = duration(tick);
        line[at] = '┴';
        let length = text.chars().count();
        // The last one stands before its tick where there is no room behind it.
        let start = if at + length > page.columns { page.columns - length } else { at };
        if labels[start.saturating_sub(1)..start + length].iter().all(|c| *c == ' ') {
            for (offset, character) in text.chars().enumerate() {
                labels[start + offset] = character;
            }
        }
    }
    page.line(out, "", '└', &line.into_iter().collect::<String>());
    page.line(out, "", ' ', &labels.into_iter().collect::<String>());
}

/// A fault, an event or an alert as bars on the axis, and what it is where there is room.
fn bars(out: &mut String, page: &Page, row: &Row) {
    let mut cells = vec![' '; page.columns];
    for (start, end) in &row.ranges {
        let from = page.column(*start).min(page.columns - 1);
        let to = page.column(*end).clamp(from + 1, page.columns.max(from + 1));
        let (moment, bar) = match row.kind {
            RowKind::Fault => ('◆', '▬'),
            RowKind::Event => ('▷', '┄'),
            RowKind::Alert => ('○', '╌'),
        };
        for cell in &mut cells[from..to.min(page.columns)] {
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
    if behind + length <= page.columns {
        put(&mut cells, behind, &row.what);
    } else if before > length {
        put(&mut cells, before - length - 1, &row.what);
    } else if page.columns.saturating_sub(behind) >= before && page.columns > behind + 8 {
        put(&mut cells, behind, &cut(&row.what, page.columns - behind));
    } else if before > 9 {
        let text = cut(&row.what, before - 1);
        put(&mut cells, before - 1 - text.chars().count(), &text);
    }
    page.line(out, &row.name, '│', &cells.into_iter().collect::<String>());
}

fn put(cells: &mut [char], start: usize, text: &str) {
    for (offset, character) in text.chars().enumerate() {
        if let Some(cell) = cells.get_mut(start + offset) {
            *cell = character;
        }
    }
}
