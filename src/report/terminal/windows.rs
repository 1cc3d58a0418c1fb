//! The windows of each load, and what each step did in them.

use super::page::Page;
use super::table::{Cell, Head, Row, Table};
use super::{Tone, share_failed};
use crate::base::shown::escaped_line;
use crate::base::units::{duration, grouped, short};
use crate::measure::of_target;
use crate::report::{Report, StepRow, Window};

/// What a column is in the heads of a table.
const fn head(text: &'static str, ease: usize, need: u8) -> Head {
    Head { text, ease, need }
}

pub fn windows(page: &mut Page, report: &Report) {
    for load in &report.loads {
        page.section(&load.name);
        let windows = report.windows.iter().filter(|window| window.load == load.name);
        let heads = vec![
            head("requests", 9, 3),
            head("/s", 8, 1),
            head("failed", 8, 6),
            head("p50", 9, 4),
            head("p95", 9, 7),
            head("p99", 9, 5),
            head("max", 9, 2),
        ];
        Table { heads, rows: windows.flat_map(rows).collect(), spans: Some("window"), least: 12 }.write(page);
    }
}

fn rows(window: &Window) -> Vec<Row> {
    let title = Row::Title {
        name: escaped_line(&window.name).into_owned(),
        span: format!("{}–{}", duration(window.start_ns), duration(window.end_ns)),
        note: window.note(),
    };
    let step = |row: &StepRow| Row::Cells {
        group: String::new(),
        name: escaped_line(&row.step).into_owned(),
        cells: cells(row),
    };
    std::iter::once(title).chain(window.told_steps().map(step)).collect()
}

fn cells(row: &StepRow) -> Vec<Cell> {
    let time = |recorded: Option<u64>| row.time(recorded).unwrap_or_else(|| "no answer".to_owned());
    let plain = |text: String| (text, Tone::Plain);
    vec![
        plain(grouped(row.requests as f64, 0)),
        plain(short(row.per_second)),
        share_failed(of_target(&row.failed), row.samples),
        plain(time(row.p50_ns)),
        plain(time(row.p95_ns)),
        plain(time(row.p99_ns)),
        plain(time(row.max_ns)),
    ]
}
