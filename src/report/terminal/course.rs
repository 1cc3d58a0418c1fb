//! The course of the run on one axis of time: answers, failures and latency of each load, then faults, events and lost steady
//! states.

use super::Paint;
use super::page::Page;
use crate::base::shown::escaped_line;
use crate::base::units::{SECOND, grouped, measured_duration, percent, short};
use crate::plan::draw::{BLOCKS, PageLayout, RowKind, cut};
use crate::report::{Point, Report};
use std::fmt::Write;

/// A run that was over sooner has no course.
const SHORTEST: u64 = 5 * SECOND;

pub fn course(sheet: &mut Page, report: &Report) {
    if report.duration < SHORTEST {
        return;
    }
    let page = report.course.page(report.duration, sheet.width);
    sheet.section("course");
    let (out, paint) = (&mut sheet.out, &sheet.paint);
    for (index, of) in report.course.loads.iter().enumerate() {
        if of.points.iter().any(|point| point.p95_ns.is_some() || point.no_answer) {
            let _ = writeln!(out, "{}", cut(&escaped_line(&of.load), page.margin + 2 + page.columns));
            of_load(out, &page, &report.course_of(index, &page), paint);
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

/// Where the 95th percentile got no answer.
const NO_ANSWER: char = '×';

/// A number, rounded to its first digits.
fn few(number: f64) -> String {
    match number {
        n if n < 0.1 => "< 0.1".to_owned(),
        n if n < 10.0 => grouped(n, 1),
        n => short(n.round()),
    }
}

fn of_load(out: &mut String, page: &PageLayout, points: &[Point], paint: &Paint) {
    let mut chart =
        |of: &dyn Fn(&Point) -> f64, rows, label: &dyn Fn(f64) -> String, paint: &dyn Fn(&str) -> String| {
            let levels: Vec<f64> = points.iter().map(of).collect();
            let peak = levels.iter().copied().fold(0.0, f64::max);
            if peak > 0.0 {
                page.chart(out, &levels, rows, (peak, &label(peak)), &|_| BLOCKS[8], paint);
            }
        };
    chart(&|point| point.answered, 4, &|peak| format!("{}/s", short(peak.round())), &|cells| paint.good(cells));
    let in_flight = |point: &Point| point.in_flight.unwrap_or(0.0);
    chart(&in_flight, 2, &|peak| format!("{} in flight", few(peak)), &|cells| paint.dim(cells));
    chart(&|point| point.failed, 2, &|peak| format!("✘ {}", percent(peak)), &|cells| paint.bad(cells));
    // What got no answer is above all that did.
    let peak = points.iter().filter_map(|point| point.p95_ns).max();
    let p95 = |point: &Point| match point.no_answer {
        true => peak.unwrap_or(1).max(1) as f64,
        false => point.p95_ns.unwrap_or(0) as f64,
    };
    let levels: Vec<f64> = points.iter().map(p95).collect();
    let highest = levels.iter().copied().fold(0.0, f64::max);
    let none = points.iter().any(|point| point.no_answer);
    let label = match peak {
        Some(peak) => format!("p95 {}", measured_duration(peak as f64)),
        None => "p95".to_owned(),
    };
    let full = |column: usize| match points.get(column).is_some_and(|point| point.no_answer) {
        true => NO_ANSWER,
        false => BLOCKS[8],
    };
    if highest > 0.0 {
        page.chart(out, &levels, 3, (highest, &label), &full, &|cells| paint.dim(cells));
    }
    if none {
        let _ = writeln!(
            out,
            "{:margin$}  {}",
            "",
            paint.dim(&format!("{NO_ANSWER} p95: no answer")),
            margin = page.margin
        );
    }
}

#[cfg(test)]
mod tests {
    use super::few;

    #[test]
    fn what_was_there_is_never_nothing() {
        assert_eq!([0.02, 0.3, 9.96, 1234.5].map(few), ["< 0.1", "0.3", "10.0", "1,235"]);
    }
}
