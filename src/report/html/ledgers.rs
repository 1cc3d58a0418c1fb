//! The ledgers: how their entries ended, and those with which something is wrong.

use super::markup::{line, prose, table};
use crate::base::units::whole_milliseconds;
use crate::measure::Wrong;
use crate::report::terminal::Paint;
use crate::report::terminal::ledgers::{booked, doubted, verified};
use crate::report::{LedgerTotals, Report, Wronged};
use std::fmt::Write;

pub fn ledgers(report: &Report) -> String {
    report.ledgers.iter().map(ledger).collect()
}

fn ledger(ledger: &LedgerTotals) -> String {
    let plain = Paint(false);
    let mut out = format!(
        "<h3>{}</h3>\n<p>{}</p>\n<p>{}</p>\n",
        line(&ledger.name),
        line(&booked(&ledger.entries)),
        prose(&verified(ledger, &plain))
    );
    if !ledger.doubts.is_empty() {
        out.push_str("<ul>");
        for doubt in &ledger.doubts {
            let _ = write!(out, "<li>{}</li>", line(&doubted(doubt, &plain)));
        }
        out.push_str("</ul>\n");
    }
    let rows: String = ledger.violations.iter().map(violation).collect();
    if !rows.is_empty() {
        let heads = ["key", "<what is wrong", "<its request was", "<at", "found"];
        table(&mut out, &format!("Violations of {}", ledger.name), &heads, &format!("<tbody>{rows}</tbody>"));
    }
    out
}

fn violation(wronged: &Wronged) -> String {
    let class = match wronged.kind {
        Wrong::Unverified => "unsure",
        Wrong::Lost | Wrong::Duplicated | Wrong::Resurrected => "bad",
    };
    let beside = wronged.beside.as_ref().map_or(String::new(), |beside| format!(", {}", prose(beside)));
    let found = wronged.found.map_or_else(|| "–".to_owned(), |found| format!("{found} times"));
    format!(
        "<tr><th scope=\"row\"><code>{}</code></th><td class=\"text {class}\">{}</td><td class=\"text\">{}</td>\
         <td class=\"text\">{}{beside}</td><td>{found}</td></tr>",
        line(&wronged.key),
        wronged.kind.word(),
        wronged.outcome.word(),
        whole_milliseconds(wronged.at)
    )
}
