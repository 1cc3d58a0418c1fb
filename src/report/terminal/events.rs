//! The events: when each began, how long it took, and what it said where it failed.

use super::{Paint, name_width};
use crate::base::shown::{escaped, escaped_line};
use crate::base::units::{duration, measured_duration};
use crate::report::{Occurrence, Report};
use std::fmt::Write;

pub fn events(out: &mut String, report: &Report, paint: &Paint) {
    let planned = &report.planned.events;
    if planned.is_empty() {
        return;
    }
    let width = name_width(planned.iter().map(|event| event.name.as_str()));
    let _ = writeln!(out, "\n{}", paint.bold("events"));
    for (index, event) in planned.iter().enumerate() {
        let Some(happened) = report.occurrences.iter().find(|one| one.event == index) else {
            let _ = writeln!(out, "  {:<width$} {}", event.name, paint.unsure("never began"));
            continue;
        };
        let Occurrence { began, ended, problem, output, .. } = happened;
        let late = measured_duration(began.saturating_sub(event.at) as f64);
        let took = match ended {
            Some(at) => format!("{} long", measured_duration(at.saturating_sub(*began) as f64)),
            None => "to the end".to_owned(),
        };
        let failed = problem.as_ref().map_or(String::new(), |problem| format!(": {}", paint.bad(&escaped(problem))));
        let at = duration(event.at);
        let _ = writeln!(out, "  {:<width$} at {at} as planned, {late} late and {took}{failed}", event.name);
        for line in output.iter().flat_map(|output| output.lines()) {
            let _ = writeln!(out, "  {:<width$} {}", "", paint.dim(&escaped_line(line)));
        }
    }
}
