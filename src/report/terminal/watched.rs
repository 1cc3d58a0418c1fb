//! What was watched next to the requests.

use super::Tone;
use super::page::Page;
use super::table::{Head, Row, Table};
use crate::base::shown::escaped_line;
use crate::base::units::grouped;
use crate::metric::{Summary, printed};
use crate::report::{Report, WatchedSeries};

/// What was asked for, and of services what they took of the machine.
pub fn watched(page: &mut Page, report: &Report) {
    let told = |watch: &&WatchedSeries| {
        let usual = watch.name.ends_with(".cpu") || watch.name.ends_with(".memory");
        watch.asked || (usual && watch.summary.is_some())
    };
    let told: Vec<&WatchedSeries> = report.watched.iter().filter(told).collect();
    if told.is_empty() {
        return;
    }
    page.section("watched");
    let mut rows = Vec::new();
    for watch in told {
        let value = |of: fn(&Summary) -> f64| {
            watch.summary.as_ref().map_or_else(|| "–".to_owned(), |summary| printed(of(summary), watch.unit))
        };
        let readings = grouped(watch.summary.map_or(0, |summary| summary.readings) as f64, 0);
        let cells = [readings, value(|s| s.min), value(|s| s.mean), value(|s| s.max), value(|s| s.last)];
        let cells = cells.into_iter().map(|text| (text, Tone::Plain)).collect();
        rows.push(Row::Cells { group: String::new(), name: escaped_line(&watch.name).into_owned(), cells });
        if let Some(last) = watch.gaps.last() {
            let missed: u64 = watch.gaps.iter().map(|gap| gap.missed).sum();
            let what = if missed == 1 { "reading is" } else { "readings are" };
            let text = format!("{} {what} missing: {}", grouped(missed as f64, 0), escaped_line(&last.reason));
            rows.push(Row::Note(page.paint.unsure(&text)));
        }
    }
    let heads = [("readings", 1), ("min", 3), ("mean", 4), ("max", 5), ("last", 2)];
    let heads = heads.map(|(text, need)| Head { text, ease: 9, need }).into();
    Table { heads, rows, spans: None, least: 12 }.write(page);
}
