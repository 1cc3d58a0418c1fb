//! The report as a page: one file with its style, its scripts and its data, which asks for nothing from anywhere. The page is whole without
//! its scripts, which draw the charts.
//!
//! The charts are drawn by uPlot 1.6.32 (`uplot.js`, `uplot.css`, `uplot.LICENSE`), from its npm package as it is.

mod alerts;
mod comparison;
mod expectations;
mod failures;
mod generator;
mod heading;
mod injected;
mod ledgers;
mod markup;
mod source;
mod sparkline;
mod suite;
mod sweeps;
mod tables;

pub use comparison::comparison;
pub use suite::suite;

use super::Report;
use super::badge::Badge;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use markup::line;
use sha2::{Digest, Sha256};
use std::fmt::Write;

const STYLES: [&str; 2] = [include_str!("uplot.css"), include_str!("style.css")];
const SCRIPTS: [&str; 2] = [include_str!("uplot.js"), include_str!("page.js")];

/// A part of the page that its navigation leads to.
struct Section {
    id: &'static str,
    title: &'static str,
    body: String,
}

pub fn html(report: &Report) -> Vec<u8> {
    let sections = [
        ("timeline", "Timeline", TIMELINE.to_owned()),
        ("expected", "Expected", expectations::expectations(report)),
        ("injected", "Faults and events", injected::injected(report)),
        ("alerts", "Alerts", alerts::alerts(report)),
        ("failures", "Failures", failures::failures(report)),
        ("ledgers", "Ledgers", ledgers::ledgers(report)),
        ("steps", "Windows and steps", tables::windows(report)),
        ("latency", "Latency", tables::latency(report)),
        ("sweeps", "Sweeps", sweeps::sweeps(report)),
        ("slowest", "Slowest requests", failures::slowest(report)),
        ("watched", "Watched", tables::watched(report)),
        ("counters", "Counters", tables::counters(report)),
        ("outputs", "Output of services", tables::outputs(report)),
        ("generator", "Generator", generator::generator(report)),
        ("source", "Source", source::source(report)),
    ];
    let sections: Vec<Section> = sections
        .into_iter()
        .filter(|(.., body)| !body.is_empty())
        .map(|(id, title, body)| Section { id, title, body })
        .collect();
    let title = format!("{}: {}", Badge::of_run(report).word, report.scenario);
    let data = format!("<script type=\"application/json\" id=\"report\">{}</script>\n", markup::json(report));
    page(&title, &heading::heading(report), &sections, &data, &SCRIPTS)
}

/// What the script fills.
const TIMELINE: &str = "<noscript><p>The charts need JavaScript. The tables below have their numbers.</p></noscript>\n\
<p class=\"muted tools\">Drag over a chart to zoom; a double click or Escape shows the whole run.</p>\n\
<div class=\"tools\" id=\"controls\" role=\"group\" aria-label=\"Controls of the timeline\"></div>\n\
<p id=\"at\" role=\"status\"></p>\n\
<div id=\"charts\" tabindex=\"0\" role=\"group\" aria-label=\"Charts over time: arrow keys move the cursor, plus and minus zoom, Escape shows the whole run\"></div>\n\
<div id=\"more\"></div>\n";

fn page(title: &str, heading: &str, sections: &[Section], data: &str, scripts: &[&str]) -> Vec<u8> {
    let hash = |text: &&str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text.as_bytes())));
    let hashes = |texts: &[&str]| match texts {
        [] => "'none'".to_owned(),
        texts => texts.iter().map(hash).collect::<Vec<_>>().join(" "),
    };
    // A text that was let through by mistake could still run nothing and send nothing.
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hashes(scripts),
        hashes(&STYLES)
    );
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n",
        line(title)
    );
    for style in STYLES {
        let _ = writeln!(out, "<style>{style}</style>");
    }
    let _ = write!(out, "</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the report</a>\n{heading}");
    out.push_str("<nav aria-label=\"Sections\"><ul>");
    for Section { id, title, .. } in sections {
        let _ = write!(out, "<li><a href=\"#{id}\">{title}</a></li>");
    }
    out.push_str("</ul></nav>\n<main id=\"main\" tabindex=\"-1\">\n");
    for Section { id, title, body } in sections {
        let _ = write!(
            out,
            "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>\n{body}</section>\n"
        );
    }
    let _ = write!(
        out,
        "</main>\n<footer><p>Written by stressc. This page is one file and loads nothing.</p></footer>\n{data}"
    );
    for script in scripts {
        let _ = writeln!(out, "<script>{script}</script>");
    }
    out.push_str("</body>\n</html>\n");
    out.into_bytes()
}
