//! The faults: when each was in force, and what it touched.

use super::{Paint, name_width};
use crate::base::shown::escaped;
use crate::base::units::{bytes, duration, grouped, measured_duration};
use crate::measure::Injected;
use crate::metric::{Back, Recovered};
use crate::plan::{Element, Fault};
use crate::report::Report;
use std::fmt::Write;

/// So many times of one fault are told one by one.
const TOLD: usize = 5;

pub fn faults(out: &mut String, report: &Report<'_>, paint: &Paint) {
    let plan = report.plan;
    if plan.faults.is_empty() {
        return;
    }
    let width = name_width(plan.faults.iter().map(|fault| fault.name.as_str()));
    let _ = writeln!(out, "\n{}", paint.bold("faults"));
    for (index, fault) in plan.faults.iter().enumerate() {
        let all = report.stats.injected.iter().zip(&report.recovered);
        let times: Vec<_> = all.filter(|(injected, _)| injected.fault == index).collect();
        if times.is_empty() {
            let _ = writeln!(out, "  {:<width$} {}", fault.name, paint.unsure("never applied"));
        }
        for (injected, recovered) in times.iter().take(TOLD) {
            let _ = writeln!(out, "  {:<width$} {}", fault.name, told(fault, injected, paint));
            if let Some(came_back) = came_back(injected, recovered.as_ref()) {
                let _ = writeln!(out, "  {:<width$} {came_back}", "");
            }
        }
        if let Some(more) = times.len().checked_sub(TOLD).filter(|more| *more > 0) {
            let idle = times.iter().filter(|(injected, _)| !injected.is_effective()).count();
            let _ = writeln!(out, "  {:<width$} {more} times more; without effect were {idle} of all", "");
        }
    }
}

/// Since when the steady state was lost, and when it came back.
fn came_back(injected: &Injected, found: Option<&Recovered>) -> Option<String> {
    let (found, over) = (found?, injected.withdrawn?.1);
    let Some((from, _)) = found.lost else { return Some("the steady state held".to_owned()) };
    let lost = format!("the steady state was lost at {}", duration(from));
    Some(match &found.back {
        Back::At(at) if *at > over => {
            format!(
                "{lost} and was back at {}, {} after it was taken back",
                duration(*at),
                measured_duration((at - over) as f64)
            )
        }
        Back::At(at) => format!("{lost} and was back at {}, when it was taken back", duration(*at)),
        Back::NotBy(end) => format!("{lost} and had not come back at {}", duration(*end)),
        Back::Unknown(reason) => format!("{lost}; whether it came back is not known: {reason}"),
    })
}

fn told(fault: &Fault, injected: &Injected, paint: &Paint) -> String {
    let (from, to) = (injected.applied.1, injected.withdrawn.map(|range| range.0));
    let late = measured_duration(injected.applied.1.saturating_sub(injected.planned.0) as f64);
    let asked = (duration(injected.planned.0), duration(injected.planned.1));
    let lasted = match to {
        Some(to) => format!("{} long", measured_duration(to.saturating_sub(from) as f64)),
        None => "to the end".to_owned(),
    };
    let by = match injected.mechanism.as_str() {
        // The links are told of by themselves, and a command is what it is.
        "link" | "command" | "" => String::new(),
        mechanism => format!(" by {mechanism}"),
    };
    // That it is a command says less than what was called; of another fault its own name says more.
    let called = fault.template.as_deref().filter(|_| fault.action.element() == Element::Command);
    let what = called.unwrap_or(fault.action.name());
    let when = format!("{what}{by}  {}–{} as planned, {late} late and {lasted}", asked.0, asked.1);
    let proof = injected.proof;
    let touched = match (&injected.problem, &injected.shown) {
        (Some(problem), _) => return format!("{when}: {}", paint.bad(&escaped(problem))),
        (None, Some(shown)) => escaped(shown).into_owned(),
        (None, None) if !injected.is_effective() => {
            let why = escaped(injected.unproven.as_deref().unwrap_or("it touched nothing"));
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
