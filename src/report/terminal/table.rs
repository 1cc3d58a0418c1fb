//! Tables on a terminal of any width: columns become narrower, then names stand above their cells, and in the end the least important
//! columns are left out.

use super::Tone;
use super::page::{Page, shown};
use std::fmt::Write;

/// A column of cells.
pub struct Head {
    pub text: &'static str,
    /// As wide as it is where there is room.
    pub ease: usize,
    /// Columns with the least of this are left out first where there is no room for all.
    pub need: u8,
}

/// A cell, and how it is painted.
pub type Cell = (String, Tone);

pub enum Row {
    /// The name and the times of what the next rows are about, and a note on it.
    Title {
        name: String,
        span: String,
        note: String,
    },
    Cells {
        group: String,
        name: String,
        cells: Vec<Cell>,
    },
    /// On the row before it.
    Note(String),
}

/// Rows with the same columns.
pub struct Table {
    pub heads: Vec<Head>,
    pub rows: Vec<Row>,
    /// The head of the column of times, which titles alone have.
    pub spans: Option<&'static str>,
    /// Names are at least so wide where there is room.
    pub least: usize,
}

/// Where everything stands.
#[derive(Clone)]
struct Layout {
    /// The width of the column of groups; none if there are no groups, or if each has a line of its own.
    group: usize,
    /// Where names begin, and how wide they are; names on lines of their own take no room.
    indent: usize,
    name: usize,
    span: Option<usize>,
    gap: usize,
    /// Columns, with their widths.
    columns: Vec<(usize, usize)>,
    names_above: bool,
}

impl Layout {
    fn before_cells(&self) -> usize {
        let group = if self.group > 0 { self.group + 2 } else { 0 };
        self.indent + group + if self.names_above { 0 } else { self.name }
    }

    fn width(&self) -> usize {
        let span = self.span.map_or(0, |span| self.gap + span);
        self.before_cells() + span + self.columns.iter().map(|(_, width)| self.gap + width).sum::<usize>()
    }
}

impl Table {
    pub fn write(&self, page: &mut Page) {
        let layout = self.layout(page.width);
        self.head(page, &layout);
        let mut before = "";
        for row in &self.rows {
            match row {
                Row::Title { name, span, note } => title(page, &layout, (name, span), note),
                Row::Cells { group, name, cells } => {
                    let is_new = group != before;
                    before = group;
                    self.cells(page, &layout, (group, is_new), (name, cells));
                }
                Row::Note(text) => page.text(layout.before_cells().min(page.width / 4) + 1, text),
            }
        }
    }

    /// The first that fits.
    fn layout(&self, width: usize) -> Layout {
        let has_groups = self.rows.iter().any(|row| matches!(row, Row::Cells { group, .. } if !group.is_empty()));
        let longest =
            |of: fn(&Row) -> Option<&String>| self.rows.iter().filter_map(of).map(|t| shown(t)).max().unwrap_or(0);
        let group = longest(|row| if let Row::Cells { group, .. } = row { Some(group) } else { None });
        let name = longest(|row| if let Row::Cells { name, .. } = row { Some(name) } else { None });
        let title = longest(|row| if let Row::Title { name, .. } = row { Some(name) } else { None });
        let span = longest(|row| if let Row::Title { span, .. } = row { Some(span) } else { None });
        let content: Vec<usize> = (0..self.heads.len()).map(|column| self.content(column)).collect();
        let indent = if self.spans.is_some() { 4 } else { 2 };
        let eased = |(column, width): (usize, &usize)| (column, self.heads[column].ease.max(*width));
        let at_ease = Layout {
            group: if has_groups { group.max(self.least) } else { 0 },
            indent,
            name: name.max((if has_groups { 0 } else { self.least }).max(title).saturating_sub(indent - 2)),
            span: self.spans.map(|head| span.max(shown(head)).max(11)),
            gap: 1,
            columns: content.iter().enumerate().map(eased).collect(),
            names_above: false,
        };
        let columns: Vec<(usize, usize)> = content.into_iter().enumerate().collect();
        let tight = |gap| Layout { name, gap, columns: columns.clone(), span: None, ..at_ease.clone() };
        let grouped = |gap| Layout { group: if has_groups { group } else { 0 }, ..tight(gap) };
        let above = |gap| Layout { group: 0, indent: 4, ..tight(gap) };
        let alone = |gap| Layout { names_above: true, ..above(gap) };
        let all = [at_ease.clone(), grouped(2), grouped(1), above(2), above(1), alone(2), alone(1)];
        let last = if name + 4 <= width / 3 { above(1) } else { alone(1) };
        all.into_iter().find(|layout| layout.width() <= width).unwrap_or_else(|| self.fewer(last, width))
    }

    fn content(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| match row {
            Row::Cells { cells, .. } => cells.get(column),
            Row::Title { .. } | Row::Note(_) => None,
        });
        cells.map(|(text, _)| shown(text)).max().unwrap_or(0).max(shown(self.heads[column].text))
    }

    /// Leaves columns out until the others fit.
    fn fewer(&self, mut layout: Layout, width: usize) -> Layout {
        while layout.width() > width && layout.columns.len() > 1 {
            let least = layout.columns.iter().enumerate().min_by_key(|(_, (column, _))| self.heads[*column].need);
            let Some((place, _)) = least else { break };
            layout.columns.remove(place);
        }
        layout
    }

    fn head(&self, page: &mut Page, layout: &Layout) {
        let mut line = format!("{:1$}", "", layout.before_cells());
        if let (Some(head), Some(width)) = (self.spans, layout.span) {
            let _ = write!(line, "{:gap$}{head:>width$}", "", gap = layout.gap);
        }
        for (column, width) in &layout.columns {
            let _ = write!(line, "{:gap$}{:>width$}", "", self.heads[*column].text, gap = layout.gap);
        }
        let _ = writeln!(page.out, "{}", page.paint.dim(&line));
    }

    fn cells(&self, page: &mut Page, layout: &Layout, (group, is_new): (&str, bool), (name, cells): (&str, &[Cell])) {
        let mut line = format!("{:1$}", "", layout.indent);
        if layout.group > 0 {
            let shown_group = if is_new { group } else { "" };
            let _ = write!(line, "{shown_group:<width$}  ", width = layout.group);
        } else if is_new && !group.is_empty() {
            page.text(2, group);
        }
        if layout.names_above {
            page.text(layout.indent, name);
        } else {
            let _ = write!(line, "{name:<width$}", width = layout.name);
        }
        let _ = write!(line, "{:1$}", "", layout.span.map_or(0, |span| layout.gap + span));
        for (column, width) in &layout.columns {
            let Some((text, tone)) = cells.get(*column) else { continue };
            let cell = format!("{text:>width$}");
            let _ = write!(line, "{:gap$}{}", "", page.paint.tone(*tone, &cell), gap = layout.gap);
        }
        let _ = writeln!(page.out, "{}", line.trim_end());
    }
}

fn title(page: &mut Page, layout: &Layout, (name, span): (&str, &str), note: &str) {
    let note = page.paint.dim(note);
    match layout.span {
        Some(width) => {
            let names = layout.before_cells() - 2;
            let line = format!("  {name:<names$}{:gap$}{span:>width$}  ", "", gap = layout.gap);
            let at = shown(&line);
            page.out.push_str(&line);
            page.flow(at, at, &note);
        }
        None => {
            page.out.push_str("  ");
            page.flow(2, 4, &format!("{name}  {span}  {note}"));
        }
    }
}
