//! The events: when each began, how long it took, and what it said where it failed.

use super::name_width;
use super::page::Page;
use crate::base::shown::{escaped, escaped_line};
use crate::base::units::{duration, measured_duration};
use crate::report::{Occurrence, Report};

pub fn events(page: &mut Page, report: &Report) {
    let planned = &report.planned.events;
    if planned.is_empty() {
        return;
    }
    let (width, paint) = (name_width(planned.iter().map(|event| event.name.as_str())), page.paint);
    page.section("events");
    for (index, event) in planned.iter().enumerate() {
        let Some(happened) = report.occurrences.iter().find(|one| one.event == index) else {
            page.named(&event.name, width, &paint.unsure("never began"));
            continue;
        };
        let Occurrence { began, ended, problem, output, .. } = happened;
        let took = match ended {
            Some(at) => format!("took {}", measured_duration(at.saturating_sub(*began) as f64)),
            None => "did not end".to_owned(),
        };
        let failed = problem.as_ref().map_or(String::new(), |problem| format!(": {}", paint.bad(&escaped(problem))));
        let at = duration(event.at);
        let began = super::faults::began(*began, event.at);
        page.named(&event.name, width, &format!("planned at {at}, {began}, {took}{failed}"));
        for line in output.iter().flat_map(|output| output.lines()) {
            page.named("", width, &paint.dim(&escaped_line(line)));
        }
    }
}
