//! The text of the file with its verdicts: each line that was judged leads to its expectation.

use super::markup::{class, line, lines};
use crate::metric::Outcome;
use crate::report::badge::Badge;
use crate::report::{Expected, Report};
use std::fmt::Write;

pub fn source(report: &Report) -> String {
    let Some(text) = &report.source else { return String::new() };
    let mut out =
        format!("<p class=\"muted\"><code>{}</code>, as it was run</p>\n<ol class=\"source\">\n", line(&report.file));
    for (index, text) in text.lines().enumerate() {
        let number = index + 1;
        let judged: Vec<(usize, &Expected)> =
            report.expectations.iter().enumerate().filter(|(_, own)| !own.implied && own.line == number).collect();
        let marks: String = judged.iter().map(|(place, own)| mark(*place, own)).collect();
        // The worst of what a line says paints it.
        let worst = judged.iter().map(|(_, own)| own.outcome).max_by_key(|outcome| match outcome {
            Outcome::Held => 0,
            Outcome::Inconclusive => 1,
            Outcome::Failed => 2,
        });
        let own = worst.map_or_else(String::new, |worst| format!(" class=\"{}\"", class(Badge::of(worst).tone)));
        let _ = writeln!(out, "<li id=\"line-{number}\"{own}><code>{}</code>{marks}</li>", lines(text));
    }
    out.push_str("</ol>\n");
    out
}

fn mark(place: usize, expected: &Expected) -> String {
    let Badge { sign, word, tone } = Badge::of(expected.outcome);
    let found = expected.found().value;
    let found = if found.is_empty() { String::new() } else { format!(" {}", line(&found)) };
    let class = class(tone);
    format!(" <a class=\"{class}\" href=\"#expect-{place}\"><span aria-hidden=\"true\">{sign}</span> {word}{found}</a>")
}

/// A line of the file: where the page has its text, a link to it.
pub fn link(report: &Report, number: usize) -> String {
    let kept = report.source.as_ref().map_or(0, |text| text.lines().count());
    match number <= kept {
        true => format!("<a href=\"#line-{number}\">line {number}</a>"),
        false => format!("line {number}"),
    }
}
