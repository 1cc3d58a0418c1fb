//! Two runs side by side as a page: what differs for certain first, each change with its interval as text and as a picture.

use super::markup::{line, prose, table};
use super::{Section, page};
use crate::base::units::counted;
use crate::baseline::Change;
use crate::metric::printed;
use crate::report::{ComparedMetric, Comparison, Differs};
use std::fmt::Write;

pub fn comparison(own: &Comparison) -> Vec<u8> {
    let (verdict, told) = own.verdict();
    let mut heading = format!(
        "<header>\n<p class=\"verdict {}\"><span aria-hidden=\"true\">{}</span> {}</p>\n<h1>{} <span class=\"muted\">against</span> {}</h1>\n",
        class(verdict),
        verdict.sign(),
        line(&told),
        line(&own.after),
        line(&own.before)
    );
    let _ = writeln!(heading, "<p class=\"why\">{}</p>", line(&own.caveat()));
    heading.push_str("</header>\n");
    let list = |texts: &mut dyn Iterator<Item = String>| {
        let items: String = texts.map(|text| format!("<li>{}</li>", prose(&text))).collect();
        if items.is_empty() { items } else { format!("<ul>{items}</ul>\n") }
    };
    let sections = [
        ("differences", "They did not do the same", list(&mut own.differences.iter().cloned())),
        ("certain", "What differs for certain", metrics(own, "What differs for certain", &mut own.sure())),
        ("unsure", "No certain difference", metrics(own, "No certain difference", &mut own.unsure())),
        (
            "alone",
            "In one run alone",
            list(&mut own.alone.iter().map(|(run, window)| format!("in `{run}` alone: `{window}`"))),
        ),
    ];
    let sections: Vec<Section> = sections
        .into_iter()
        .filter(|(.., body)| !body.is_empty())
        .map(|(id, title, body)| Section { id, title, body })
        .collect();
    page(&format!("{told}: {} against {}", own.after, own.before), &heading, &sections, "", &[])
}

fn class(verdict: Differs) -> &'static str {
    match verdict {
        Differs::Worse => "bad",
        Differs::Better => "good",
        Differs::Differs | Differs::NoValue => "unsure",
        Differs::NotSeen => "muted",
    }
}

fn metrics(own: &Comparison, label: &str, all: &mut dyn Iterator<Item = &ComparedMetric>) -> String {
    let rows: Vec<&ComparedMetric> = all.collect();
    if rows.is_empty() {
        return String::new();
    }
    // One scale for all shares, so that their pictures can be compared; other differences are in units of their own.
    let reach = own.metrics.iter().filter_map(|metric| metric.change).filter(|change| change.is_relative);
    let reach = reach.map(|change| change.change.abs()).fold(0.05, f64::max) * 1.5;
    let body: String = rows.iter().map(|metric| row(metric, reach)).collect();
    let heads = ["metric", "<where", "before", "after", "<change, with its 95% interval", "<what came out"];
    let mut out = String::new();
    let label = format!("{label}: {}", counted(rows.len() as u64, "metric"));
    table(&mut out, &label, &heads, &format!("<tbody>{body}</tbody>"));
    out
}

fn row(own: &ComparedMetric, reach: f64) -> String {
    let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| line(&printed(value, own.unit)));
    let class = class(own.verdict);
    let picture = own
        .change
        .filter(|change| change.is_relative)
        .map_or_else(String::new, |change| picture(&change, reach, class));
    let tolerance = own.tolerance.as_ref().map_or_else(String::new, |text| format!("; {}", line(text)));
    format!(
        "<tr><th scope=\"row\"><code>{}</code></th><td class=\"text\">{}</td><td>{}</td><td>{}</td><td class=\"text\">{}{picture}</td>\
         <td class=\"text {class}\"><span aria-hidden=\"true\">{}</span> {}{tolerance}</td></tr>",
        line(&own.metric),
        line(own.window.as_deref().unwrap_or_default()),
        value(own.before),
        value(own.after),
        line(&own.shown()),
        own.verdict.sign(),
        own.verdict.words(),
    )
}

/// The interval, with no change in the middle. The text before it says the same.
fn picture(change: &Change, reach: f64, class: &str) -> String {
    const HALF: f64 = 70.0;
    let at = |share: f64| HALF + (share / reach).clamp(-1.0, 1.0) * (HALF - 4.0);
    let (low, high, middle) = (at(change.low), at(change.high), at(change.change));
    format!(
        "<svg class=\"interval {class}\" width=\"140\" height=\"16\" viewBox=\"0 0 140 16\" aria-hidden=\"true\">\
         <path d=\"M{HALF} 1V15\" stroke=\"currentColor\" stroke-opacity=\"0.35\"/>\
         <path d=\"M{low:.1} 8H{high:.1}\" stroke=\"currentColor\" stroke-width=\"3\"/>\
         <circle cx=\"{middle:.1}\" cy=\"8\" r=\"4\" fill=\"currentColor\"/></svg>"
    )
}
