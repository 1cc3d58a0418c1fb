//! The faults: when each was in force, and what it touched.

use super::page::Page;
use super::{Paint, name_width};
use crate::base::shown::escaped;
use crate::base::units::{MILLISECOND, bytes, duration, grouped, measured_duration};
use crate::metric::Back;
use crate::report::{Injection, PlannedFault, Report};

/// So many times of one fault are told one by one.
const TOLD: usize = 5;

pub fn faults(page: &mut Page, report: &Report) {
    let planned = &report.planned.faults;
    if planned.is_empty() {
        return;
    }
    let (width, paint) = (name_width(planned.iter().map(|fault| fault.name.as_str())), page.paint);
    page.section("faults");
    for (index, fault) in planned.iter().enumerate() {
        let times: Vec<&Injection> = report.injections.iter().filter(|one| one.fault == index).collect();
        if times.is_empty() {
            page.named(&fault.name, width, &paint.unsure("never applied"));
        }
        for injection in times.iter().take(TOLD) {
            page.named(&fault.name, width, &told(fault, injection, &paint));
            if let Some(came_back) = came_back(injection) {
                page.named("", width, &came_back);
            }
        }
        if let Some(more) = times.len().checked_sub(TOLD).filter(|more| *more > 0) {
            let idle = times.iter().filter(|one| !one.effective).count();
            page.named("", width, &format!("{more} times more; without effect were {idle} of all"));
        }
    }
}

/// Since when the steady state was lost, and when it came back.
pub fn came_back(injection: &Injection) -> Option<String> {
    let (found, over) = (injection.recovered.as_ref()?, injection.withdrawn?.1);
    let Some((from, _)) = found.lost else { return Some("the steady state held".to_owned()) };
    let lost = format!("the steady state was lost at {}", duration(from));
    Some(match &found.back {
        Back::At(at) if *at > over => {
            format!(
                "{lost} and was back at {}, {} after the fault was taken back",
                duration(*at),
                measured_duration((at - over) as f64)
            )
        }
        Back::At(at) => format!("{lost} and was back at {}, when the fault was taken back", duration(*at)),
        Back::NotBy(end) => format!("{lost} and had not come back at {}", duration(*end)),
        Back::Unknown(reason) => format!("{lost}; whether it came back is not known: {reason}"),
    })
}

pub fn told(fault: &PlannedFault, injection: &Injection, paint: &Paint) -> String {
    let (from, to) = (injection.applied.1, injection.withdrawn.map(|range| range.0));
    let asked = (duration(injection.planned.0), duration(injection.planned.1));
    let lasted = match to {
        Some(to) => format!("lasted {}", measured_duration(to.saturating_sub(from) as f64)),
        None => "lasted to the end".to_owned(),
    };
    let by = match injection.mechanism.as_str() {
        // The links are told of by themselves, and a command is what it is.
        "link" | "command" | "" => String::new(),
        mechanism => format!(" by {mechanism}"),
    };
    let what = &fault.called;
    let began = began(from, injection.planned.0);
    let when = format!("{what}{by}  planned {}–{}, {began}, {lasted}", asked.0, asked.1);
    let proof = injection.touched;
    let touched = match (&injection.problem, &injection.shown) {
        (Some(problem), _) => return format!("{when}: {}", paint.bad(&escaped(problem))),
        (None, Some(shown)) => escaped(shown).into_owned(),
        (None, None) if !injection.effective => {
            let why = escaped(injection.unproven.as_deref().unwrap_or("it touched nothing"));
            return format!("{when}: {}", paint.unsure(&format!("ineffective, {why}")));
        }
        (None, None) => {
            let mut parts = vec![format!("{} connections", grouped(proof.connections as f64, 0))];
            parts.extend((proof.requests > 0).then(|| format!("{} requests", grouped(proof.requests as f64, 0))));
            parts.extend((proof.bytes > 0).then(|| bytes(proof.bytes as f64)));
            format!("touched {}", parts.join(", "))
        }
    };
    format!("{when}; {touched}")
}

/// How much later than planned something began.
pub fn began(at: u64, planned: u64) -> String {
    match at.saturating_sub(planned) {
        late if late < MILLISECOND => "began on time".to_owned(),
        late => format!("began {} late", measured_duration(late as f64)),
    }
}
