//! The top of the page: the verdict, why, and what gave way first.

use super::markup::{line, lines, prose};
use crate::base::units::{measured_duration, whole_seconds};
use crate::judge::VerdictKind;
use crate::metric::Outcome;
use crate::report::Report;
use std::fmt::Write;

/// So many expectations that did not hold stand at the top.
const NAMED: usize = 5;

/// A verdict with its sign and its colour.
pub struct Mark {
    pub sign: &'static str,
    pub word: &'static str,
    pub class: &'static str,
}

const fn mark(sign: &'static str, word: &'static str, class: &'static str) -> Mark {
    Mark { sign, word, class }
}

pub fn verdict(report: &Report) -> Mark {
    match report.verdict {
        VerdictKind::Passed if report.expectations.iter().all(|own| own.implied) => mark("–", "no verdict", "unsure"),
        VerdictKind::Passed => mark("✔", "passed", "good"),
        VerdictKind::Failed => mark("✘", "failed", "bad"),
        VerdictKind::Inconclusive => mark("?", "inconclusive", "unsure"),
        VerdictKind::Untrusted => mark("!", "untrusted", "unsure"),
        VerdictKind::Aborted => mark("■", "aborted", "unsure"),
        VerdictKind::Error if report.died.is_empty() && !report.not_torn_down.is_empty() => {
            mark("✘", "teardown failed", "bad")
        }
        VerdictKind::Error => mark("✘", "could not be run", "bad"),
    }
}

pub fn outcome(outcome: Outcome) -> Mark {
    match outcome {
        Outcome::Held => mark("✔", "passed", "good"),
        Outcome::Failed => mark("✘", "failed", "bad"),
        Outcome::Inconclusive => mark("?", "inconclusive", "unsure"),
    }
}

pub fn heading(report: &Report) -> String {
    let Mark { sign, word, class } = verdict(report);
    let mut out = format!(
        "<header>\n<p class=\"verdict {class}\"><span aria-hidden=\"true\">{sign}</span> {word}</p>\n<h1>{}</h1>\n",
        line(&report.scenario)
    );
    facts(&mut out, report);
    if let Some(reason) = &report.reason {
        let _ = writeln!(out, "<p class=\"why\">{}</p>", prose(reason));
    }
    not_held(&mut out, report);
    gave_way(&mut out, report);
    caveats(&mut out, report);
    for death in report.died.iter().filter(|death| !death.output.is_empty()) {
        let _ = writeln!(
            out,
            "<p>The last output of <code>{}</code>:</p><pre>{}</pre>",
            line(&death.service),
            lines(&death.output)
        );
    }
    out.push_str("</header>\n");
    out
}

fn facts(out: &mut String, report: &Report) {
    let mut facts = vec![format!("<code>{}</code>", line(&report.file))];
    facts.extend(report.profile.as_ref().map(|profile| format!("profile {}", line(profile))));
    let cut = if report.complete { "" } else { ", recorded up to there" };
    facts.push(format!("{}{cut}", measured_duration(report.duration as f64)));
    if report.share.count > 1 {
        facts.push(format!("share {} of {}", report.share.index + 1, report.share.count));
    }
    facts.push(format!("started {}", started(&report.started)));
    facts.push(format!("seed {}", report.seed));
    facts.push(format!("run {}", line(&report.id)));
    let facts: String = facts.iter().map(|fact| format!("<li>{fact}</li>")).collect();
    let _ = writeln!(out, "<ul class=\"facts\">{facts}</ul>");
}

/// An instant to the second.
pub fn started(at: &str) -> String {
    let (seconds, _) = at.split_once('.').unwrap_or((at.trim_end_matches('Z'), ""));
    format!("{} UTC", line(&seconds.replacen('T', " ", 1)))
}

/// The expectations that decided, with links to their evidence.
fn not_held(out: &mut String, report: &Report) {
    let all = report.expectations.iter().enumerate();
    let mut wrong: Vec<_> = all.filter(|(_, own)| own.outcome != Outcome::Held).collect();
    if wrong.is_empty() {
        return;
    }
    wrong.sort_by_key(|(_, own)| own.outcome != Outcome::Failed);
    out.push_str("<ul class=\"caveats\">");
    for (index, own) in wrong.iter().take(NAMED) {
        let Mark { sign, word, class } = outcome(own.outcome);
        let value = own.compared.value.as_ref().map(ToString::to_string);
        let found =
            own.reason.as_ref().or(value.as_ref()).map_or_else(String::new, |found| prose(&format!(": {found}")));
        let _ = write!(
            out,
            "<li><span class=\"{class}\" aria-hidden=\"true\">{sign}</span> <a href=\"#expect-{index}\">\
             <span class=\"hidden\">{word}: </span><code>{}</code></a>{found}</li>",
            line(&own.text)
        );
    }
    if let Some(more) = wrong.len().checked_sub(NAMED).filter(|more| *more > 0) {
        let _ = write!(out, "<li><a href=\"#expected\">and {more} more</a></li>");
    }
    out.push_str("</ul>\n");
}

fn gave_way(out: &mut String, report: &Report) {
    let Some(gave_way) = &report.gave_way else { return };
    let _ = write!(out, "<div class=\"first\"><h2>What gave way first</h2><p>{}</p>", prose(&gave_way.text));
    if gave_way.reached.len() > 1 {
        out.push_str("<ol>");
        for one in &gave_way.reached {
            let _ =
                write!(out, "<li>{} <span class=\"muted\">at {}</span></li>", prose(&one.text), whole_seconds(one.at));
        }
        out.push_str("</ol>");
    }
    out.push_str("</div>\n");
}

/// Trust, problems and notes.
fn caveats(out: &mut String, report: &Report) {
    let mut all: Vec<(&str, &str, &str)> = Vec::new();
    for limit in &report.trust.limits {
        let is_reason = report.trust.reasons.contains(&limit.text);
        all.push(("unsure", if is_reason { "!" } else { "→" }, &limit.text));
    }
    let of_loads = |reason: &&String| report.trust.limits.iter().all(|limit| limit.text != **reason);
    all.extend(report.trust.reasons.iter().filter(of_loads).map(|reason| ("unsure", "!", reason.as_str())));
    all.extend(report.problems.iter().map(|problem| ("bad", "!", problem.as_str())));
    all.extend(report.notes.iter().map(|note| ("unsure", "!", note.as_str())));
    if all.is_empty() {
        return;
    }
    out.push_str("<ul class=\"caveats\">");
    for (class, sign, text) in all {
        let _ = write!(out, "<li><span class=\"{class}\" aria-hidden=\"true\">{sign}</span> {}</li>", prose(text));
    }
    out.push_str("</ul>\n");
}
