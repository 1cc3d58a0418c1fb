//! The course of the run on one axis of time: answers, failures and latency of each load, then faults, events and lost steady
//! states.

use super::Paint;
use crate::base::units::{SECOND, measured_duration, percent, short};
use crate::plan::draw::{BLOCKS, Page, RowKind, cut};
use crate::report::Report;
use crate::report::course::{Point, points, rows};
use std::fmt::Write;

const WIDTH: usize = 100;
/// A run that was over sooner has no course.
const SHORTEST: u64 = 5 * SECOND;

pub fn course(out: &mut String, report: &Report<'_>, paint: &Paint) {
    let end = report.stats.end();
    if end < SHORTEST {
        return;
    }
    let rows = rows(report);
    let page = Page::new(rows.iter().map(|row| row.name.as_str()), end, WIDTH);
    let _ = writeln!(out, "\n{}", paint.bold("course"));
    for (index, load) in report.plan.loads.iter().enumerate() {
        let ranges = (0..page.columns).map(|column| (page.start(column), page.start(column + 1)));
        let points = points(report.plan, report.stats, index, ranges);
        if points.iter().any(|point| point.p95_ns.is_some()) {
            let _ = writeln!(out, "{}", cut(&load.name, page.margin + 2 + page.columns));
            of_load(out, &page, &points, paint);
        }
    }
    page.axis(out);
    for row in &rows {
        match row.kind {
            RowKind::Lost => page.bars(out, row, &|cells| paint.unsure(cells)),
            _ => page.bars(out, row, &|cells| paint.bold(cells)),
        }
    }
}

fn of_load(out: &mut String, page: &Page, points: &[Point], paint: &Paint) {
    let mut chart =
        |of: &dyn Fn(&Point) -> f64, rows, label: &dyn Fn(f64) -> String, paint: &dyn Fn(&str) -> String| {
            let levels: Vec<f64> = points.iter().map(of).collect();
            let peak = levels.iter().copied().fold(0.0, f64::max);
            if peak > 0.0 {
                page.chart(out, &levels, rows, (peak, &label(peak)), &|_| BLOCKS[8], paint);
            }
        };
    chart(&|point| point.answered, 4, &|peak| format!("{}/s", short(peak.round())), &|cells| paint.good(cells));
    chart(&|point| point.failed, 2, &|peak| format!("✘ {}", percent(peak)), &|cells| paint.bad(cells));
    let p95 = |point: &Point| point.p95_ns.unwrap_or(0) as f64;
    chart(&p95, 3, &|peak| format!("p95 {}", measured_duration(peak)), &|cells| paint.dim(cells));
}
