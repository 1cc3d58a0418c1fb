//! Every expectation with its evidence, linked to its windows on the timeline.

use super::markup::{class, fact, line, prose};
use super::source;
use super::sparkline::sparkline;
use crate::base::units::{duration, grouped, measured_duration, whole_milliseconds};
use crate::judge::Standing;
use crate::metric::{Outcome, Quantity, Why, printed, shown_change, told_across};
use crate::plan::Range;
use crate::report::badge::Badge;
use crate::report::{Expected, Report};
use std::fmt::Write;

/// So many windows of an expectation are named.
const NAMED: usize = 6;

pub fn expectations(report: &Report) -> String {
    let mut out = String::new();
    if report.expectations.iter().all(|own| own.implied) {
        out.push_str("<p>Nothing was expected: add an <code>expect</code> to get a verdict.</p>\n");
    }
    if report.expectations.is_empty() {
        return out;
    }
    out.push_str("<ol class=\"expectations\">\n");
    // What did not hold comes first.
    let mut all: Vec<(usize, &Expected)> = report.expectations.iter().enumerate().collect();
    all.sort_by_key(|(_, own)| match own.outcome {
        Outcome::Failed => 0,
        Outcome::Inconclusive => 1,
        Outcome::Held => 2,
    });
    for (index, expected) in all {
        one(&mut out, index, expected, report);
    }
    out.push_str("</ol>\n");
    out
}

fn one(out: &mut String, index: usize, expected: &Expected, report: &Report) {
    let Badge { sign, word, tone } = Badge::of(expected.outcome);
    let class = class(tone);
    let implied = if expected.implied { " <span class=\"muted\">implied</span>" } else { "" };
    let _ = write!(
        out,
        "<li id=\"expect-{index}\" class=\"{class}\"><h3><span class=\"word {class}\"><span aria-hidden=\"true\">{sign}</span> \
         {word}</span> <code>{}</code>{implied}</h3>",
        line(&expected.text)
    );
    if let Some(reason) = &expected.reason {
        let _ = write!(out, "<p>{}</p>", prose(reason));
    }
    if expected.standing == Standing::InDoubt {
        out.push_str("<p class=\"unsure\">The generator alone could have made it so: this is not trusted.</p>");
    }
    out.push_str("<dl class=\"evidence\">");
    evidence(out, expected);
    where_judged(out, expected, report);
    out.push_str("</dl></li>\n");
}

fn evidence(out: &mut String, expected: &Expected) {
    let Expected { standing, slices, when, grounds, across, .. } = expected;
    let Expected { compared, outcome, samples, near_bound, .. } = expected;
    if let Some(value) = &compared.value {
        let value = match standing {
            Standing::AtLeast => format!("at least {value}"),
            Standing::Stands | Standing::InDoubt => value.to_string(),
        };
        let class = if *outcome == Outcome::Failed { "value bad" } else { "value" };
        fact(out, "measured", &format!("<span class=\"{class}\">{}</span>", prose(&value)));
    }
    if let Some(bound) = &compared.bound {
        fact(out, "compared with", &prose(&bound.to_string()));
    }
    if let (Some(interval), Some(value)) = (grounds.interval, &compared.value) {
        let near = if *near_bound { ", and the bound lies within" } else { "" };
        fact(out, "interval", &format!("{}{near}", line(&Quantity::interval(interval, value.unit))));
    }
    if let (Some(difference), Some(value)) = (grounds.difference, &compared.value)
        && difference.smallest_change.is_finite()
    {
        let least = printed(difference.smallest_change, value.unit);
        fact(out, "detectable distance from the bound", &line(&least));
    }
    if *samples > 0 {
        fact(out, "samples", &grouped(*samples as f64, 0));
    }
    if let Some(counted) = &grounds.counted {
        fact(out, "counted", &line(&counted.told()));
    }
    if let Some(slices) = slices {
        let count = |n: usize| grouped(n as f64, 0);
        let near = if slices.near > 0 { format!(", {} near the bound", count(slices.near)) } else { String::new() };
        let told =
            format!("{} of {} held, {} failed{near}", count(slices.held), count(slices.all()), count(slices.failed));
        fact(out, "slices", &told);
    }
    if let Some((from, to)) = when {
        fact(out, "worst slice", &zoom((*from, *to)));
    }
    if let Some(window) = grounds.look {
        fact(out, "checked", &format!("every 1s, over the last {}", duration(window)));
    }
    if let (Some(across), Some(value)) = (across, &compared.value) {
        fact(out, "baseline", &line(&printed(across.baseline, value.unit)));
        let shown = |change: f64| line(&shown_change(change, across.is_relative, value.unit));
        let interval = format!(
            "{} ({} to {}), allowed {}",
            shown(across.change),
            shown(across.low),
            shown(across.high),
            shown(across.allowed)
        );
        fact(out, "change", &interval);
        fact(out, "against the baseline", &prose(&told_across(across, value.unit)));
    }
    if let Some(drawn) = sparkline(expected) {
        fact(out, "in earlier runs", &drawn);
    }
    fact(out, "judged", because(grounds.code));
}

/// What the outcome rests on.
fn because(code: Why) -> &'static str {
    match code {
        Why::NoValue => "there was nothing to compare",
        Why::Met => "as measured, it met its bound",
        Why::Missed => "as measured, it missed its bound",
        Why::IntervalMet => "its whole interval meets the bound",
        Why::IntervalMissed => "its whole interval misses the bound",
        Why::IntervalStraddles => "the bound lies within its interval",
        Why::NotSettled => "its halves differ, so it has not settled",
        Why::MayBeChance => "so few samples may miss it by chance",
        Why::NoAnswer => "it lies at a request without an answer",
        Why::Parts => "by its slices or looks",
        Why::CutShort => "the run was cut short",
        Why::NearBound => "it is near its bound, and the condition is strict",
    }
}

fn where_judged(out: &mut String, expected: &Expected, report: &Report) {
    let windows = &expected.windows;
    let named: Vec<String> = windows.iter().take(NAMED).map(|range| zoom(*range)).collect();
    let more = windows.len().checked_sub(NAMED).filter(|more| *more > 0);
    let more = more.map_or(String::new(), |more| format!(" and {more} more"));
    let all = if windows.len() > 1 { format!(" ({})", link(windows, "all")) } else { String::new() };
    let text = match windows.as_slice() {
        [] => "the whole run".to_owned(),
        [(0, to)] if *to == report.duration => link(windows, "the whole run"),
        _ => format!("{}{more}{all}", named.join(", ")),
    };
    fact(out, "window", &text);
    if !expected.implied {
        fact(
            out,
            "written in",
            &format!("{} of <code>{}</code>", source::link(report, expected.line), line(&report.file)),
        );
    }
}

fn zoom(range: Range) -> String {
    let ends = [range.0, range.1].map(whole_milliseconds);
    let length = measured_duration((range.1 - range.0) as f64);
    format!("{} <span class=\"muted\">({length})</span>", link(&[range], &ends.join("–")))
}

/// A link that shows ranges on the timeline.
pub fn link(ranges: &[Range], text: &str) -> String {
    let seconds = |at: u64| at as f64 / 1e9;
    let ranges: Vec<String> = ranges.iter().map(|(from, to)| format!("{}–{}", seconds(*from), seconds(*to))).collect();
    format!("<a href=\"#timeline\" data-ranges=\"{}\">{}</a>", ranges.join(" "), line(text))
}
