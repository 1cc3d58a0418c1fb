//! Single requests in the report for a person: one for each kind of failure of a step, and the slowest.

use super::page::{Page, shown};
use crate::base::shown::escaped_line;
use crate::base::units::{grouped, measured_duration, whole_milliseconds};
use crate::judge::VerdictKind;
use crate::measure::Failure;
use crate::report::{Failures, Report, Told};
use std::collections::BTreeMap;

/// Steps whose slowest request is shown.
const SLOW: usize = 5;
/// Characters of a body that are shown.
const BODY: usize = 200;

/// How often each step failed in which way and when, with one example of each.
pub fn failures(page: &mut Page, report: &Report) {
    if report.failures.is_empty() {
        return by_kind(page, report);
    }
    page.section("failures");
    for failures in &report.failures {
        let Failures { series, failure, condition, .. } = failures;
        let mut what: Vec<String> = failures.status.map(|status| format!("status {status}")).into_iter().collect();
        what.extend(condition.as_ref().map(|condition| format!("`{}`", one_line(condition))));
        let mut about = vec![escaped_line(series).into_owned()];
        about.extend(failures.injected.then(|| "answered by a fault".to_owned()));
        about.extend(failure.is_generator().then(|| "the generator's own".to_owned()));
        about.push(match failures.count {
            1 => format!("at {}", whole_milliseconds(failures.first)),
            _ => format!("{}–{}", whole_milliseconds(failures.first), whole_milliseconds(failures.last)),
        });
        let what = if what.is_empty() { String::new() } else { format!("{}  ", what.join("  ")) };
        counted(page, failures.count, *failure, &format!("{what}{}", about.join("  ")));
        let same = |told: &&Told| told.series == *series && told.cause == Some(failures.cause);
        told(page, report.examples.failed.iter().find(same).map(failed).into_iter().flatten());
    }
}

/// A number, and what it counts.
fn counted(page: &mut Page, count: u64, failure: Failure, what: &str) {
    let kind = failure.as_str();
    let room = 14usize.saturating_sub(kind.len()) + 1;
    let line = format!("  {:>9} {}{:room$}", grouped(count as f64, 0), page.paint.bad(kind), "");
    page.out.push_str(&line);
    page.flow(shown(&line), page.below(), what);
}

/// Lines on what stands above them.
fn told(page: &mut Page, lines: impl Iterator<Item = String>) {
    for line in lines {
        let line = page.paint.dim(&line);
        page.text(page.below(), &line);
    }
}

/// The same of a record that does not hold causes.
fn by_kind(page: &mut Page, report: &Report) {
    let mut kinds: BTreeMap<(&str, Failure), u64> = BTreeMap::new();
    for row in report.windows.iter().flat_map(|w| w.steps.iter()).filter(|row| row.is_request) {
        for (kind, count) in &row.failed {
            *kinds.entry((row.series.as_str(), *kind)).or_default() += count;
        }
    }
    if kinds.is_empty() {
        return;
    }
    page.section("failures");
    for ((series, kind), count) in kinds {
        let blame = if kind.is_generator() { " (the generator's own)" } else { "" };
        counted(page, count, kind, &format!("{}{blame}", escaped_line(series)));
        let example = report.examples.failed.iter().find(|told| told.series == series && told.failure == Some(kind));
        told(page, example.map(failed).into_iter().flatten());
    }
}

fn failed(told: &Told) -> Vec<String> {
    let mut lines: Vec<String> = told.because.iter().map(|because| one_line(because)).collect();
    let mut facts = vec![format!("at {}", whole_milliseconds(told.at_ns))];
    if told.sends > 0 {
        facts.push(format!("took {}", measured_duration(told.latency_ns as f64)));
    }
    facts.extend(told.status.map(|status| format!("status {status}")));
    if told.sends > 1 {
        facts.push(format!("sent {} times", told.sends));
    }
    facts.extend(told.request.as_deref().map(one_line));
    lines.push(facts.join("  "));
    lines.extend(told.body.as_deref().map(|body| one_line(body).chars().take(BODY).collect()));
    lines.extend(told.traceparent.as_ref().map(|trace| format!("traceparent {trace}")));
    lines
}

/// Of a run that did not pass: where its time went.
pub fn slowest(page: &mut Page, report: &Report) {
    if report.verdict == VerdictKind::Passed {
        return;
    }
    let mut first: Vec<&Told> = Vec::new();
    for told in &report.examples.slowest {
        if first.last().is_none_or(|last| last.series != told.series) {
            first.push(told);
        }
    }
    first.sort_by_key(|told| std::cmp::Reverse(told.latency_ns));
    first.truncate(SLOW);
    if first.is_empty() {
        return;
    }
    page.section("slowest that went well");
    for slow in first {
        let request = slow.request.as_deref().map(one_line).unwrap_or_default();
        let took = format!("  {:>9} ", measured_duration(slow.latency_ns as f64));
        page.out.push_str(&took);
        let at = page.paint.dim(&format!("at {}  {request}", whole_milliseconds(slow.at_ns)));
        page.flow(shown(&took), page.below(), &format!("{}  {at}", escaped_line(&slow.series)));
        told(page, slow.traceparent.iter().map(|trace| format!("traceparent {trace}")));
    }
}

/// On one line, without anything that a terminal would obey.
fn one_line(text: &str) -> String {
    escaped_line(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}
