//! What was watched next to the requests.

use super::{Paint, name_width};
use crate::base::shown::escaped_line;
use crate::base::units::grouped;
use crate::metric::{Summary, printed};
use crate::report::{Report, WatchedSeries};
use std::fmt::Write;

/// What was asked for, and of services what they took of the machine.
pub fn watched(out: &mut String, report: &Report, paint: &Paint) {
    let told = |watch: &&WatchedSeries| {
        let usual = watch.name.ends_with(".cpu") || watch.name.ends_with(".memory");
        watch.asked || (usual && watch.summary.is_some())
    };
    let told: Vec<&WatchedSeries> = report.watched.iter().filter(told).collect();
    if told.is_empty() {
        return;
    }
    let width = name_width(told.iter().map(|watch| watch.name.as_str()));
    let _ = writeln!(out, "\n{}", paint.bold("watched"));
    let header = format!("  {:<width$} {:>9} {:>9} {:>9} {:>9} {:>9}", "", "readings", "min", "mean", "max", "last");
    let _ = writeln!(out, "{}", paint.dim(&header));
    for watch in told {
        let value = |of: fn(&Summary) -> f64| {
            watch.summary.as_ref().map_or_else(|| "–".to_owned(), |summary| printed(of(summary), watch.unit))
        };
        let _ = writeln!(
            out,
            "  {:<width$} {:>9} {:>9} {:>9} {:>9} {:>9}",
            watch.name,
            grouped(watch.summary.map_or(0, |summary| summary.readings) as f64, 0),
            value(|s| s.min),
            value(|s| s.mean),
            value(|s| s.max),
            value(|s| s.last),
        );
        if let Some(last) = watch.gaps.last() {
            let missed: u64 = watch.gaps.iter().map(|gap| gap.missed).sum();
            let what = if missed == 1 { "reading is" } else { "readings are" };
            let text = format!("{} {what} missing: {}", grouped(missed as f64, 0), escaped_line(&last.reason));
            let _ = writeln!(out, "  {:<width$} {}", "", paint.unsure(&text));
        }
    }
}
