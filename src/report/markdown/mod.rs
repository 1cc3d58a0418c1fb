//! The report as a comment on a change: the verdict first, what did not hold, what changed and how sure that is, on one screen.

mod comparison;
mod markup;
mod suite;

pub use comparison::comparison;
pub use suite::suite;

use super::badge::{Badge, Caveat, caveats};
use super::{Expected, Found, LoadCourse, Report, before};
use crate::base::units::{counted, measured_duration, short};
use crate::judge::Standing;
use crate::metric::{Outcome, printed, shown_change};
use crate::plan::draw::sparkline;
use crate::plan::{AcrossRuns, Regression, Type};
use markup::{code, code_cell, link, prose, prose_cell};
use std::fmt::Write;

/// A comment is read on one screen: so many of each are shown.
const NOT_HELD: usize = 5;
const CHANGED: usize = 6;
const LOADS: usize = 2;
const CAVEATS: usize = 4;
/// So many may unfold.
const HELD: usize = 60;
/// The columns of a sparkline, and of one within a cell.
const COLUMNS: usize = 40;
const HISTORY: usize = 16;

pub fn markdown(report: &Report) -> Vec<u8> {
    let mut out = String::new();
    heading(&mut out, report);
    // What the numbers below rest on.
    caveats_of(&mut out, report);
    not_held(&mut out, report);
    changed(&mut out, report);
    course(&mut out, report);
    held(&mut out, report);
    out.into_bytes()
}

fn heading(out: &mut String, report: &Report) {
    let Badge { sign, word, .. } = Badge::of_run(report);
    let _ = writeln!(out, "### {sign} {word}: {}\n", code(&report.scenario));
    let mut facts = vec![code(&report.file)];
    facts.extend(report.profile.as_ref().map(|profile| format!("profile {}", code(profile))));
    let cut = if report.complete { "" } else { ", recorded up to there" };
    facts.push(format!("ran {}{cut}", measured_duration(report.duration as f64)));
    facts.push(format!("run {}", code(&report.id)));
    facts.extend(report.report_url.as_ref().map(|url| link("full report", url)));
    let _ = writeln!(out, "{}", facts.join(" · "));
    for text in report.reason.iter().chain(report.gave_way.iter().map(|own| &own.text)) {
        let _ = writeln!(out, "\n{}", prose(text));
    }
}

/// What of it is no pass, failures first.
fn not_held(out: &mut String, report: &Report) {
    let is_below = in_comparison(report);
    let mut wrong: Vec<&Expected> = report.expectations.iter().filter(|own| !holds(own) && !is_below(own)).collect();
    if wrong.is_empty() {
        return;
    }
    wrong.sort_by_key(|own| own.outcome != Outcome::Failed);
    out.push_str("\n| | expected | found |\n| --- | --- | --- |\n");
    for own in wrong.iter().take(NOT_HELD) {
        let Badge { sign, word, .. } = Badge::of_expected(own);
        let place = if own.implied { String::new() } else { format!(" (line {})", own.line) };
        let (text, found, earlier) = (code_cell(&own.text), prose_cell(&found(own)), earlier(own));
        let _ = writeln!(out, "| {sign} {word} | {text}{place} | {found}{earlier} |");
    }
    if let Some(more) = wrong.len().checked_sub(NOT_HELD).filter(|more| *more > 0) {
        let _ = writeln!(out, "\nand {more} more that did not hold");
    }
}

fn holds(expected: &Expected) -> bool {
    expected.outcome == Outcome::Held && expected.standing != Standing::InDoubt
}

/// A comparison with a baseline has its own table.
fn found(expected: &Expected) -> String {
    let Found { value, more, .. } = expected.found();
    let more = if expected.across.is_some() { "" } else { &more };
    let doubt = match expected.standing {
        Standing::InDoubt => {
            format!("{}, but the generator alone could have made it so: ", Badge::of(expected.outcome).word)
        }
        Standing::Stands | Standing::AtLeast => String::new(),
    };
    format!("{doubt}{value}{more}")
}

/// What it measured in the runs before, and now, as a line of blocks.
fn earlier(own: &Expected) -> String {
    const FEWEST: usize = 3;
    let now = own.compared.value.as_ref().map(|value| value.number);
    let values: Vec<f64> = own.earlier.iter().map(|one| one.value).chain(now).filter(|one| one.is_finite()).collect();
    match values.len() >= FEWEST {
        true => format!(" `{}` over {} runs", sparkline(&values, HISTORY), values.len()),
        false => String::new(),
    }
}

/// The expectations that are compared with a baseline, with what was measured: what became worse first, then what became better.
fn compared(report: &Report) -> Vec<(&Expected, AcrossRuns, f64, Type)> {
    let one =
        |own: &'_ Expected| Some((own.across?, own.compared.value.as_ref()?.number, own.compared.value.as_ref()?.unit));
    let all = report.expectations.iter();
    let mut all: Vec<_> =
        all.filter_map(|own| one(own).map(|(across, value, unit)| (own, across, value, unit))).collect();
    all.sort_by_key(|(_, across, ..)| match across.verdict {
        Regression::Regressed => 0,
        Regression::Improved => 1,
        Regression::Inconclusive => 2,
        Regression::Unchanged => 3,
    });
    all
}

/// Whether an expectation is told whole by its row in the table of comparisons.
fn in_comparison(report: &Report) -> impl Fn(&Expected) -> bool {
    let shown: Vec<&Expected> = compared(report).into_iter().take(CHANGED).map(|(own, ..)| own).collect();
    move |own| own.standing != Standing::InDoubt && shown.iter().any(|other| std::ptr::eq(*other, own))
}

fn changed(out: &mut String, report: &Report) {
    let all = compared(report);
    let Some((_, AcrossRuns { runs: (before, now), .. }, ..)) = all.first() else { return };
    let before = before::told(report).unwrap_or_else(|| counted(*before as u64, "run"));
    let runs = format!("{} against {}", counted(*now as u64, "run"), prose(&before));
    let _ = writeln!(out, "\n**Compared with the baseline** ({runs})\n");
    out.push_str(
        "| | expected | baseline | now | change (95% interval) | smallest worsening that would show |\n| --- | --- | ---: | ---: | --- | ---: |\n",
    );
    for (own, across, value, unit) in all.iter().take(CHANGED) {
        let shown = |change: f64| shown_change(change, across.is_relative, *unit);
        let place = if own.implied { String::new() } else { format!(" (line {})", own.line) };
        let sign = match across.verdict {
            Regression::Regressed => "✘",
            Regression::Improved | Regression::Unchanged => "✔",
            Regression::Inconclusive => "?",
        };
        let _ = writeln!(
            out,
            "| {sign} {} | {}{place} | {} | {}{} | {} ({} to {}) | {} |",
            across.verdict.word(),
            code_cell(&own.text),
            printed(across.baseline, *unit),
            printed(across.now(*value), *unit),
            earlier(own),
            shown(across.change),
            shown(across.low),
            shown(across.high),
            shown(across.smallest)
        );
    }
    if let Some(more) = all.len().checked_sub(CHANGED).filter(|more| *more > 0) {
        let _ = writeln!(out, "\nand {more} more that are compared");
    }
    for word in [Regression::Regressed, Regression::Improved, Regression::Unchanged, Regression::Inconclusive] {
        let means = match word {
            Regression::Regressed => "worse by the allowance or more as measured, and worse than before for certain",
            Regression::Improved => "better by the allowance or more as measured, and better than before for certain",
            Regression::Unchanged => "for certain not worse by the allowance or more",
            Regression::Inconclusive => "none of these can be said yet",
        };
        if all.iter().any(|(_, across, ..)| across.verdict == word) {
            let name = word.word();
            let (first, rest) = name.split_at(1);
            let _ = writeln!(out, "\n*{}{rest}*: {means}.", first.to_uppercase());
        }
    }
}

/// How the run went, as lines of blocks.
fn course(out: &mut String, report: &Report) {
    let is_seen = |load: &&LoadCourse| load.points.iter().any(|point| point.answered > 0.0 || point.failed > 0.0);
    let mut begun = false;
    for load in report.course.loads.iter().filter(is_seen).take(LOADS) {
        let answered: Vec<f64> = load.points.iter().map(|point| point.answered).collect();
        let times: Vec<f64> = load.points.iter().filter_map(|point| point.p95_ns).map(|ns| ns as f64).collect();
        let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        let reach = format!("{} to {}", measured_duration(least(&times)), measured_duration(most(&times)));
        // No answer is drawn as the longest time.
        let drawn = |point: &super::Point| match point.p95_ns {
            Some(ns) => ns as f64,
            None if point.no_answer => most(&times),
            None => 0.0,
        };
        let drawn: Vec<f64> = load.points.iter().map(drawn).collect();
        let lost = load.points.iter().any(|point| point.no_answer);
        let slowest = match (times.is_empty(), lost) {
            (true, _) => "no answer".to_owned(),
            (false, true) => format!("{reach}, at times no answer"),
            (false, false) => reach,
        };
        if !begun {
            out.push_str("\n| load | requests that succeeded | p95 |\n| --- | --- | --- |\n");
            begun = true;
        }
        let _ = writeln!(
            out,
            "| {} | `{}` up to {}/s | `{}` {slowest} |",
            code_cell(&load.load),
            sparkline(&answered, COLUMNS),
            short(most(&answered)),
            sparkline(&drawn, COLUMNS)
        );
    }
}

fn caveats_of(out: &mut String, report: &Report) {
    let all = caveats(report);
    if all.is_empty() {
        return;
    }
    out.push('\n');
    for Caveat { sign, text, .. } in all.iter().take(CAVEATS) {
        let _ = writeln!(out, "- {sign} {}", prose(text));
    }
    if let Some(more) = all.len().checked_sub(CAVEATS).filter(|more| *more > 0) {
        let _ = writeln!(out, "- and {more} more");
    }
}

/// What held, folded up.
fn held(out: &mut String, report: &Report) {
    let is_above = in_comparison(report);
    let held: Vec<&Expected> = report.expectations.iter().filter(|own| holds(own) && !is_above(own)).collect();
    let written = report.expectations.iter().any(|own| !own.implied);
    if !written {
        out.push_str("\nNothing was expected: add an `expect` to get a verdict.\n");
    }
    if held.is_empty() {
        return;
    }
    let count = counted(held.len() as u64, "expectation");
    let _ = writeln!(out, "\n<details><summary>{count} held</summary>\n");
    for own in held.iter().take(HELD) {
        let _ = writeln!(out, "- ✔ {}: {}", code(&own.text), prose(&found(own)));
    }
    if let Some(more) = held.len().checked_sub(HELD).filter(|more| *more > 0) {
        let _ = writeln!(out, "- and {more} more");
    }
    out.push_str("\n</details>\n");
}
