//! The top of the page: the verdict, why, and what gave way first.

use super::markup::{class, line, lines, prose};
use crate::base::units::{measured_duration, whole_seconds};
use crate::metric::Outcome;
use crate::report::badge::{Badge, Caveat, caveats};
use crate::report::{Report, before};
use std::fmt::Write;

/// So many expectations that did not hold stand at the top.
const NAMED: usize = 5;

pub fn heading(report: &Report) -> String {
    let Badge { sign, word, tone } = Badge::of_run(report);
    let class = class(tone);
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
    caveats_of(&mut out, report);
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
    facts.extend(before::told(report).map(|runs| format!("baseline: {}", prose(&runs))));
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
        let Badge { sign, word, tone } = Badge::of(own.outcome);
        let class = class(tone);
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
    let _ = write!(
        out,
        "<div class=\"first {}\"><h2>What gave way first</h2><p>{}</p>",
        class(Badge::of_run(report).tone),
        prose(&gave_way.text)
    );
    if gave_way.reached.len() > 1 {
        out.push_str("<ol>");
        for one in &gave_way.reached {
            // Most say since when.
            let at = whole_seconds(one.at);
            let at = match one.text.contains(&format!("from {at} on")) {
                true => String::new(),
                false => format!(" <span class=\"muted\">at {at}</span>"),
            };
            let _ = write!(out, "<li>{}{at}</li>", prose(&one.text));
        }
        out.push_str("</ol>");
    }
    out.push_str("</div>\n");
}

fn caveats_of(out: &mut String, report: &Report) {
    let all = caveats(report);
    if all.is_empty() {
        return;
    }
    out.push_str("<ul class=\"caveats\">");
    for Caveat { sign, tone, text } in all {
        let class = class(tone);
        let _ = write!(out, "<li><span class=\"{class}\" aria-hidden=\"true\">{sign}</span> {}</li>", prose(text));
    }
    out.push_str("</ul>\n");
}
