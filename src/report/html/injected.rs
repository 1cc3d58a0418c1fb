//! Faults and events: as planned, as they happened, and what became of the steady state.

use super::expectations::link;
use super::markup::{line, lines, prose, table};
use crate::base::units::{duration, measured_duration, whole_milliseconds};
use crate::report::terminal::Paint;
use crate::report::terminal::faults::{came_back, told};
use crate::report::{Injection, PlannedFault, Report};
use std::fmt::Write;

/// So many times of one fault are listed.
const LISTED: usize = 40;

pub fn injected(report: &Report) -> String {
    let mut out = String::new();
    let rows: String =
        report.planned.faults.iter().enumerate().map(|(index, fault)| of_fault(report, index, fault)).collect();
    if !rows.is_empty() {
        table(&mut out, "Faults", &["fault", "<in force", "<what it did", "<steady state"], &rows);
    }
    let rows: String = (0..report.planned.events.len()).map(|index| of_event(report, index)).collect();
    if !rows.is_empty() {
        table(&mut out, "Events", &["event", "planned", "<took", "<came out"], &format!("<tbody>{rows}</tbody>"));
    }
    out
}

fn of_fault(report: &Report, index: usize, fault: &PlannedFault) -> String {
    let mut out = format!(
        "<tbody><tr class=\"window\"><th scope=\"rowgroup\">{}</th><td colspan=\"3\">{}</td></tr>",
        line(&fault.name),
        line(&fault.what)
    );
    let times: Vec<&Injection> = report.injections.iter().filter(|one| one.fault == index).collect();
    if times.is_empty() {
        out.push_str("<tr class=\"step\"><th scope=\"row\">–</th><td class=\"text unsure\" colspan=\"3\">never applied</td></tr>");
    }
    for (number, one) in times.iter().take(LISTED).enumerate() {
        let (from, to) = (one.applied.1, one.withdrawn.map_or(report.duration, |range| range.0));
        let when = link(&[(from, to)], &format!("{}–{}", whole_milliseconds(from), whole_milliseconds(to)));
        let class = match (&one.problem, one.effective) {
            (Some(_), _) => "bad",
            (None, false) => "unsure",
            (None, true) => "",
        };
        let _ = write!(
            out,
            "<tr class=\"step\"><th scope=\"row\">{}</th><td class=\"text\">{when}</td><td class=\"text {class}\">{}</td>\
             <td class=\"text\">{}</td></tr>",
            number + 1,
            prose(&told(fault, one, &Paint(false))),
            prose(&came_back(one).unwrap_or_default())
        );
    }
    if let Some(more) = times.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let _ = write!(
            out,
            "<tr class=\"step\"><th scope=\"row\">…</th><td class=\"text\" colspan=\"3\">{more} times more</td></tr>"
        );
    }
    out.push_str("</tbody>");
    out
}

fn of_event(report: &Report, index: usize) -> String {
    let event = &report.planned.events[index];
    let head = format!("<th scope=\"row\">{}</th><td>{}</td>", line(&event.name), duration(event.at));
    let Some(happened) = report.occurrences.iter().find(|one| one.event == index) else {
        return format!("<tr>{head}<td class=\"text unsure\" colspan=\"2\">never began</td></tr>");
    };
    let took = match happened.ended {
        Some(at) => {
            let length = measured_duration(at.saturating_sub(happened.began) as f64);
            link(&[(happened.began, at)], &format!("{length} from {} on", whole_milliseconds(happened.began)))
        }
        None => format!("from {} to the end", whole_milliseconds(happened.began)),
    };
    let came = match &happened.problem {
        Some(problem) => format!("<span class=\"bad\">{}</span>", prose(problem)),
        None => "done".to_owned(),
    };
    let output = happened.output.as_ref().filter(|output| !output.is_empty());
    let output = output.map_or(String::new(), |output| {
        format!("<details><summary>its output</summary><pre>{}</pre></details>", lines(output))
    });
    format!("<tr>{head}<td class=\"text\">{took}</td><td class=\"text\">{came}{output}</td></tr>")
}
