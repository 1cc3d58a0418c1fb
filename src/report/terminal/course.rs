//! The course of the run on one axis of time: answers, failures and latency of each load, then faults, events and lost steady
//! states.

use super::Paint;
use crate::base::units::{SECOND, measured_duration, percent, short};
use crate::plan::draw::{BLOCKS, Page, RowKind, cut};
use crate::report::{Point, Report};
use std::fmt::Write;

/// A run that was over sooner has no course.
const SHORTEST: u64 = 5 * SECOND;

pub fn course(out: &mut String, report: &Report, paint: &Paint) {
    if report.duration < SHORTEST {
        return;
    }
    let page = report.course.page(report.duration);
    let _ = writeln!(out, "\n{}", paint.bold("course"));
    for of in &report.course.loads {
        if of.points.iter().any(|point| point.p95_ns.is_some()) {
            let _ = writeln!(out, "{}", cut(&of.load, page.margin + 2 + page.columns));
            of_load(out, &page, &of.points, paint);
        }
    }
    page.axis(out);
    for row in &report.course.rows {
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
