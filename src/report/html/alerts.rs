//! The alerts: the score of each source, and what became of each alert.

use super::expectations::link;
use super::markup::{class, line, prose, table};
use crate::base::units::{duration, tenths};
use crate::report::terminal::alerts::{instants, score, spent_on};
use crate::report::{AlertTotals, DoubtfulRule, ExpectedAlert, OtherAlert, Received, Report, Time};
use std::fmt::Write;

/// So many that nothing expects are listed.
const LISTED: usize = 50;

pub fn alerts(report: &Report) -> String {
    report.alerts.iter().map(source).collect()
}

fn source(source: &AlertTotals) -> String {
    let mut out = format!(
        "<h3>{} <span class=\"muted\">{}</span></h3>\n<p>{}</p>\n",
        line(&source.source),
        line(&source.kind),
        line(&score(&source.score))
    );
    let rows: String = source.expected.iter().map(expected).collect();
    if !rows.is_empty() {
        let heads = ["alert", "<outcome", "<due", "<seen", "<where its time went"];
        table(&mut out, &format!("Expected alerts of {}", source.source), &heads, &format!("<tbody>{rows}</tbody>"));
    }
    let rows: String = source.others.iter().take(LISTED).map(other).collect();
    if !rows.is_empty() {
        let heads = ["alert", "<outcome", "<fired", "<labels"];
        table(&mut out, &format!("Other alerts of {}", source.source), &heads, &format!("<tbody>{rows}</tbody>"));
    }
    if let Some(more) = source.others.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let _ = writeln!(out, "<p>and {more} more</p>");
    }
    out.push_str("<ul class=\"caveats\">");
    for gap in &source.unasked {
        let _ = write!(out, "<li>? {}</li>", prose(&gap.told()));
    }
    if let Some(told) = source.received.and_then(Received::told) {
        let _ = write!(out, "<li>! {}</li>", prose(&told));
    }
    for told in source.doubtful_rules.iter().flat_map(DoubtfulRule::told) {
        let _ = write!(out, "<li>! {}</li>", prose(&told));
    }
    out.push_str("</ul>\n");
    out.replace("<ul class=\"caveats\"></ul>\n", "")
}

fn expected(own: &ExpectedAlert) -> String {
    let class = class(own.tone());
    let to = own.from.saturating_add(own.within);
    let due = link(&[(own.from, to)], &format!("{}–{}", tenths(own.from), tenths(to)));
    let spent = own.spent.as_ref().and_then(|spent| spent_on(spent, own.class)).unwrap_or_default();
    let reason = own.reason.as_ref().map_or(String::new(), |reason| format!("<br>{}", prose(reason)));
    format!(
        "<tr><th scope=\"row\">{}</th><td class=\"text {class}\">{}</td><td class=\"text\">{due} <span class=\"muted\">within {}</span></td>\
         <td class=\"text\">{}{reason}</td><td class=\"text\">{}</td></tr>",
        line(&own.name),
        own.class.word(),
        duration(own.within),
        line(&instants(own)),
        prose(&spent)
    )
}

fn other(own: &OtherAlert) -> String {
    let when = match own.instants.first() {
        Some(time @ Time(from, Some(to))) => link(&[(from, to)], &time.told()),
        first => first.map_or_else(String::new, Time::told),
    };
    let (class, word) = if own.allowed { ("", "allowed by a line") } else { ("bad", "not expected") };
    format!(
        "<tr><th scope=\"row\">{}</th><td class=\"text {class}\">{word}</td><td class=\"text\">{when}</td><td class=\"text\">{}</td></tr>",
        line(&own.name),
        line(&own.labelled())
    )
}
