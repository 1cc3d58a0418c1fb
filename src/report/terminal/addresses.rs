//! How the addresses of targets compare, in the report for a person.

use super::phases::{cells, heads};
use super::{Paint, name_width};
use crate::base::units::grouped;
use crate::measure::of_target;
use crate::report::Report;
use std::fmt::Write;

pub fn addresses(out: &mut String, report: &Report, paint: &Paint) {
    if report.addresses.is_empty() {
        return;
    }
    const OTHERS: &str = "all others";
    let named = || report.addresses.iter().map(|own| own.address.as_deref().unwrap_or(OTHERS));
    let width = name_width(report.addresses.iter().map(|own| own.target.as_str()));
    let wide = name_width(named());
    let _ = writeln!(out, "\n{}", paint.bold("addresses"));
    let heads = format!("  {:<width$}  {:<wide$} {:>9} {:>8} {}", "", "", "attempts", "failed", heads());
    let _ = writeln!(out, "{}", paint.dim(&heads));
    let mut before = "";
    for (own, address) in report.addresses.iter().zip(named()) {
        let share = paint.failed(of_target(&own.failed), own.attempts);
        let name = if own.target == before { "" } else { own.target.as_str() };
        let attempts = grouped(own.attempts as f64, 0);
        let _ = writeln!(out, "  {name:<width$}  {address:<wide$} {attempts:>9} {share} {}", cells(&own.service));
        before = &own.target;
    }
}
