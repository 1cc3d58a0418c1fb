//! The ledgers: how their entries ended, and those with which something is wrong.

use super::{Paint, name_width};
use crate::base::shown::{escaped, escaped_line};
use crate::base::units::{duration, grouped};
use crate::measure::{Book, Booked, Stats, Violation, Wrong};
use crate::report::{Report, beside_faults};
use std::fmt::Write;

/// So many of each kind are told by their keys.
const TOLD: usize = 5;

pub fn ledgers(out: &mut String, report: &Report<'_>, paint: &Paint) {
    let plan = report.plan;
    if plan.ledgers.is_empty() {
        return;
    }
    let width = name_width(plan.ledgers.iter().map(|ledger| ledger.name.as_str()));
    let _ = writeln!(out, "\n{}", paint.bold("ledgers"));
    for (ledger, book) in plan.ledgers.iter().zip(&report.stats.ledgers) {
        let _ = writeln!(out, "  {:<width$} {}", ledger.name, booked(&book.booked));
        let _ = writeln!(out, "  {:<width$} {}", "", verified(book, paint));
        for kind in [Wrong::Lost, Wrong::Duplicated, Wrong::Resurrected, Wrong::Unverified] {
            let all = book.verified.iter().flat_map(|verified| &verified.violations);
            for violation in all.filter(|violation| violation.kind == kind).take(TOLD) {
                let _ = writeln!(out, "  {:<width$} {}", "", told(violation, report.stats, paint));
            }
        }
    }
}

fn booked(booked: &Booked) -> String {
    let Booked { acknowledged, unknown, refused } = *booked;
    let count = |n: u64| grouped(n as f64, 0);
    format!(
        "{} entries: {} acknowledged, {} of unknown outcome, {} refused",
        count(booked.all()),
        count(acknowledged),
        count(unknown),
        count(refused)
    )
}

fn verified(book: &Book, paint: &Paint) -> String {
    let Some(verified) = &book.verified else { return paint.unsure("not asked for") };
    let count = |n: u64| grouped(n as f64, 0);
    let or_bad = |n: u64, text: String| if n > 0 { paint.bad(&text) } else { text };
    let mut parts = vec![
        format!("{} verified", count(verified.asked.all())),
        or_bad(verified.lost, format!("{} lost", count(verified.lost))),
        or_bad(verified.duplicated, format!("{} duplicated", count(verified.duplicated))),
    ];
    let open = book.booked.all().saturating_sub(verified.asked.all());
    parts.extend((open > 0).then(|| paint.unsure(&format!("{} unverified", count(open)))));
    let unknown = verified.asked.unknown;
    parts.extend((unknown > 0).then(|| format!("of unknown outcome {} are there", count(verified.found.unknown))));
    let resurrected = verified.resurrected;
    parts.extend((resurrected > 0).then(|| paint.bad(&format!("{} resurrected", count(resurrected)))));
    parts.extend(verified.problem.as_ref().map(|problem| paint.bad(&escaped(problem))));
    parts.join(", ")
}

fn told(violation: &Violation, stats: &Stats, paint: &Paint) -> String {
    let often = match (violation.kind, violation.found) {
        (Wrong::Duplicated, Some(found)) => format!(", there {found} times"),
        _ => String::new(),
    };
    let kind = match violation.kind {
        Wrong::Unverified => paint.unsure(violation.kind.word()),
        Wrong::Lost | Wrong::Duplicated | Wrong::Resurrected => paint.bad(violation.kind.word()),
    };
    let when = beside_faults(violation.at, stats).map_or(String::new(), |beside| format!(", {beside}"));
    format!(
        "{kind} {}: {} at {}{when}{often}",
        escaped_line(&violation.key),
        violation.fate.word(),
        duration(violation.at)
    )
}
