//! Where the time of requests went, in the report for a person: of each step that opened connections.

use super::{Paint, name_width};
use crate::base::units::{grouped, measured_duration};
use crate::report::{Percentiles, Report};
use std::fmt::Write;

pub fn phases(out: &mut String, report: &Report, paint: &Paint) {
    if report.phases.is_empty() {
        return;
    }
    let width = name_width(report.phases.iter().map(|own| own.series.as_str()));
    let _ = writeln!(out, "\n{}", paint.bold("phases"));
    let heads = format!("  {:<width$}  {:<10} {:>9} {}", "", "", "samples", heads());
    let _ = writeln!(out, "{}", paint.dim(&heads));
    for own in &report.phases {
        let mut name = own.series.as_str();
        for (phase, times) in own.all() {
            let samples = grouped(times.samples as f64, 0);
            let _ = writeln!(out, "  {name:<width$}  {phase:<10} {samples:>9} {}", cells(&times));
            name = "";
        }
    }
}

/// Over [`cells`].
pub fn heads() -> String {
    format!("{:>9} {:>9} {:>9} {:>9}", "p50", "p95", "p99", "max")
}

pub fn cells(times: &Percentiles) -> String {
    let cell = |time: Option<u64>| match time {
        _ if times.samples == 0 => "–".to_owned(),
        Some(time) => measured_duration(time as f64),
        None => "no answer".to_owned(),
    };
    let Percentiles { samples: _, p50_ns, p95_ns, p99_ns, max_ns } = *times;
    format!("{:>9} {:>9} {:>9} {:>9}", cell(p50_ns), cell(p95_ns), cell(p99_ns), cell(max_ns))
}
