//! Where the time of requests went, in the report for a person: of each step that opened connections.

use super::Tone;
use super::page::Page;
use super::table::{Cell, Head, Row, Table};
use crate::base::shown::escaped_line;
use crate::base::units::{grouped, measured_duration};
use crate::report::{Percentiles, Report};

pub fn phases(page: &mut Page, report: &Report) {
    if report.phases.is_empty() {
        return;
    }
    page.section("phases");
    let mut rows = Vec::new();
    for own in &report.phases {
        for (phase, times) in own.all() {
            let (group, name) = (escaped_line(&own.series).into_owned(), phase.to_owned());
            let samples = (grouped(times.samples as f64, 0), Tone::Plain);
            rows.push(Row::Cells { group, name, cells: std::iter::once(samples).chain(cells(&times)).collect() });
        }
    }
    let samples = Head { text: "samples", ease: 9, need: 2 };
    let heads = std::iter::once(samples).chain(heads()).collect();
    Table { heads, rows, spans: None, least: 12 }.write(page);
}

/// Of [`cells`].
pub fn heads() -> impl Iterator<Item = Head> {
    [("p50", 3), ("p95", 5), ("p99", 4), ("max", 1)].into_iter().map(|(text, need)| Head { text, ease: 9, need })
}

pub fn cells(times: &Percentiles) -> impl Iterator<Item = Cell> {
    let Percentiles { samples, p50_ns, p95_ns, p99_ns, max_ns } = *times;
    let cell = move |time: Option<u64>| match time {
        _ if samples == 0 => "–".to_owned(),
        Some(time) => measured_duration(time as f64),
        None => "no answer".to_owned(),
    };
    [p50_ns, p95_ns, p99_ns, max_ns].into_iter().map(move |time| (cell(time), Tone::Plain))
}
