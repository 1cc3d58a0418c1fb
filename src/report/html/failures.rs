//! Failures by what really happened, with requests in full, and the slowest requests.

use super::markup::{fact, line, lines};
use crate::base::units::{grouped, measured_duration, whole_milliseconds};
use crate::report::{Failures, Report, Told};
use std::fmt::Write;

/// So many requests are shown in full for each cause, and for each step.
const SHOWN: usize = 5;
/// Characters of a body.
const BODY: usize = 4000;

pub fn failures(report: &Report) -> String {
    let mut out = String::new();
    for failures in &report.failures {
        let Failures { series, failure, status, condition, because, injected, count, first, last, cause } = failures;
        let _ = write!(
            out,
            "<div class=\"failure\"><h3><span class=\"number bad\">{}</span> {}{}{} <span class=\"muted\">in {}</span></h3>",
            grouped(*count as f64, 0),
            line(failure.as_str()),
            status.map_or(String::new(), |status| format!(", status {status}")),
            condition.as_ref().map_or(String::new(), |text| format!(", <code>{}</code>", line(text))),
            line(series)
        );
        let mut about = vec![match count {
            1 => format!("at {}", whole_milliseconds(*first)),
            _ => format!("from {} to {}", whole_milliseconds(*first), whole_milliseconds(*last)),
        }];
        about.extend(because.as_ref().map(|because| line(because)));
        about.extend(injected.then(|| "answered by a fault".to_owned()));
        about.extend(failure.is_generator().then(|| "the generator's own".to_owned()));
        let _ = write!(out, "<p>{}</p>", about.join(" · "));
        let same = |told: &&Told| told.series == *series && told.cause == Some(*cause);
        shown(&mut out, report.examples.failed.iter().filter(same), report);
        out.push_str("</div>\n");
    }
    // A record of an earlier version does not hold causes.
    if report.failures.is_empty() {
        shown(&mut out, report.examples.failed.iter(), report);
    }
    out
}

pub fn slowest(report: &Report) -> String {
    let mut out = String::new();
    let mut series: Vec<&str> = report.examples.slowest.iter().map(|told| told.series.as_str()).collect();
    series.dedup();
    for series in series {
        let _ = write!(out, "<div class=\"failure\"><h3>{}</h3>", line(series));
        shown(&mut out, report.examples.slowest.iter().filter(|told| told.series == series), report);
        out.push_str("</div>\n");
    }
    out
}

fn shown<'t>(out: &mut String, all: impl Iterator<Item = &'t Told>, report: &Report) {
    for told in all.take(SHOWN) {
        one(out, told, report.trace_url.as_deref());
    }
}

fn one(out: &mut String, told: &Told, trace_url: Option<&str>) {
    let took =
        if told.sends > 0 { format!(", took {}", measured_duration(told.latency_ns as f64)) } else { String::new() };
    let request = told.request.as_deref().and_then(|request| request.lines().next()).unwrap_or_default();
    let _ = write!(
        out,
        "<details><summary>at {}{took} <code>{}</code></summary><dl class=\"evidence\">",
        whole_milliseconds(told.at_ns),
        line(request)
    );
    if told.sends > 0 {
        fact(out, "took from its intended instant", &measured_duration(told.latency_ns as f64));
        fact(out, "took from the sending", &measured_duration(told.service_time_ns as f64));
    }
    if told.sends > 1 {
        fact(out, "sent", &format!("{} times", told.sends));
    }
    if let Some(status) = told.status {
        fact(out, "status", &status.to_string());
    }
    if let Some(because) = &told.because {
        fact(out, "because", &line(because));
    }
    fact(out, "user", &told.user.to_string());
    if let Some(trace) = &told.traceparent {
        fact(out, "traceparent", &traced(trace, trace_url));
    }
    out.push_str("</dl>");
    for (name, text) in [("Request", &told.request), ("Answer", &told.body)] {
        let Some(text) = text.as_ref().filter(|text| !text.is_empty()) else { continue };
        let start: String = text.chars().take(BODY).collect();
        let cut = if start.len() < text.len() { "…" } else { "" };
        let _ = write!(out, "<p class=\"muted\">{name}</p><pre>{}{cut}</pre>", lines(&start));
    }
    out.push_str("</details>");
}

/// A trace context, and a link to its trace if an address was given.
fn traced(trace: &str, url: Option<&str>) -> String {
    let code = format!("<code>{}</code>", line(trace));
    let id = trace.split('-').nth(1).filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    match id.zip(url) {
        Some((id, url)) => {
            let url = line(&url.replace("{trace_id}", id));
            format!("{code} <a href=\"{url}\" rel=\"noopener noreferrer\">trace</a>")
        }
        None => code,
    }
}
