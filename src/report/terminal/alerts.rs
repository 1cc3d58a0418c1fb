//! The alerts: the score of each source, what became of each alert, and where its time went.

use super::page::Page;
use crate::base::shown::{escaped, escaped_line};
use crate::base::units::{duration, grouped, measured_duration, short, tenths};
use crate::metric::alerts::AlertClass;
use crate::report::{
    AlertScore, AlertShare, AlertTotals, DoubtfulRule, ExpectedAlert, OtherAlert, Part, Received, Report, Spent, Time,
};
use std::fmt::Write;

/// So many others are told one by one.
const TOLD: usize = 10;

pub fn alerts(page: &mut Page, report: &Report) {
    let paint = page.paint;
    for (index, source) in report.alerts.iter().enumerate() {
        if index == 0 {
            page.section("alerts");
        }
        let name = escaped_line(&source.source);
        page.out.push_str("  ");
        page.flow(2, 4, &format!("{name}  {}", score(&source.score)));
        let width = source.expected.iter().map(|own| escaped_line(&own.name).chars().count()).max().unwrap_or(0);
        for expected in &source.expected {
            one(page, expected, width);
        }
        others(page, source);
        for gap in &source.unasked {
            page.marked(4, &paint.unsure("?"), &escaped_line(&gap.told()));
        }
        if let Some(told) = source.received.and_then(Received::told) {
            page.marked(4, &paint.unsure("!"), &told);
        }
        for told in source.doubtful_rules.iter().flat_map(DoubtfulRule::told) {
            page.marked(4, &paint.unsure("!"), &escaped_line(&told));
        }
    }
}

pub fn score(score: &AlertScore) -> String {
    let count = |n: u64| grouped(n as f64, 0);
    let mut parts = Vec::new();
    if score.expected > 0 {
        parts.push(format!("{} of {} expected alerts in time", count(score.in_time), count(score.expected)));
    }
    if score.unknown > 0 {
        parts.push(format!("{} not known", count(score.unknown)));
    }
    let share = |name: &str, share: Option<AlertShare>| share.map(|share| format!("{name} {}", share.told()));
    parts.extend(share("recall", score.recall));
    parts.extend(share("precision", score.precision));
    let quiet = measured_duration(score.quiet as f64);
    parts.push(match score.false_alarms {
        0 => format!("no false alarm in {quiet} of quiet"),
        alarms => {
            let plural = if alarms == 1 { "" } else { "s" };
            let hours = score.quiet as f64 / crate::base::units::HOUR as f64;
            let rate = if hours > 0.0 { format!(", {}/h", short(alarms as f64 / hours)) } else { String::new() };
            format!("{} false alarm{plural} in {quiet} of quiet{rate}", count(alarms))
        }
    });
    if let Some([least, .., most]) = score.delivery.as_deref() {
        let (least, most) = (measured_duration(*least as f64), measured_duration(*most as f64));
        parts.push(if least == most {
            format!("delivered after {least}")
        } else {
            format!("delivered after {least} to {most}")
        });
    }
    parts.join(" · ")
}

fn one(page: &mut Page, expected: &ExpectedAlert, width: usize) {
    let class = expected.class;
    let word = page.paint.tone(expected.tone(), class.word());
    let name = escaped_line(&expected.name);
    let told = format!("{word}  {}", instants(expected));
    page.under(4, &name, width, &told);
    if let Some(spent) = expected.spent.as_ref().and_then(|spent| spent_on(spent, class)) {
        let spent = page.paint.dim(&spent);
        page.under(4, "", width, &spent);
    }
}

/// Where it was when.
pub fn instants(expected: &ExpectedAlert) -> String {
    let own = &expected.instants;
    let time = |what: &str, time: Option<Time>| {
        time.map(|Time(from, to)| match to {
            Some(to) => format!("{what} {}–{}", tenths(from), tenths(to)),
            None => format!("{what} {}–", tenths(from)),
        })
    };
    let parts = [
        own.pending.map(|at| format!("pending {}", tenths(at))),
        time("rule", own.rule),
        time("active", own.active),
        time("delivered", own.delivered),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "nothing was seen of it".to_owned() } else { parts.join("  ") }
}

/// What of its delay went where.
pub fn spent_on(spent: &Spent, class: AlertClass) -> Option<String> {
    let part =
        |took: Option<u64>, part: Part| took.map(|ns| format!("{} {}", measured_duration(ns as f64), part.words()));
    let parts = [
        part(spent.detecting, Part::Detecting),
        part(spent.holding, Part::Holding),
        part(spent.sending, Part::Sending),
        part(spent.delivering, Part::Delivering),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return None;
    }
    let mut text = parts.join(", ");
    if let Some(least) = spent.least {
        let _ = write!(text, "; its rule and grouping take {} at the least", duration(least));
    }
    if let (AlertClass::Late, Some(slowest)) = (class, spent.slowest) {
        let _ = write!(text, "; late by what it took {}", slowest.words());
    }
    Some(text)
}

fn others(page: &mut Page, source: &AlertTotals) {
    let paint = page.paint;
    let told = |other: &OtherAlert| {
        let when = other.instants.first().map_or_else(String::new, Time::told);
        let labels = other.labelled();
        let labels = if labels.is_empty() { labels } else { format!(" {{{labels}}}") };
        (escaped(&format!("{}{labels}", other.name)).into_owned(), when)
    };
    let (allowed, alarms): (Vec<&OtherAlert>, Vec<&OtherAlert>) = source.others.iter().partition(|other| other.allowed);
    for other in alarms.iter().take(TOLD) {
        let (text, when) = told(other);
        page.marked(4, &paint.bad("✘"), &format!("{text} fired {when}, which no line expects"));
    }
    if let Some(more) = alarms.len().checked_sub(TOLD).filter(|more| *more > 0) {
        page.marked(4, &paint.bad("✘"), &format!("and {more} more"));
    }
    for other in allowed.iter().take(TOLD) {
        let (text, when) = told(other);
        page.text(4, &paint.dim(&format!("{text} fired {when}, as a line allows")));
    }
}
