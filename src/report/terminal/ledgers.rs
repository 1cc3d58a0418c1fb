//! The ledgers: how their entries ended, and those with which something is wrong.

use super::page::Page;
use super::{Paint, name_width};
use crate::base::shown::{escaped, escaped_line};
use crate::base::units::{duration, grouped, measured_duration};
use crate::measure::{Booked, Doubt, Wrong};
use crate::report::{LedgerTotals, Report, Wronged};

/// So many of each kind are told by their keys.
const TOLD: usize = 5;

pub fn ledgers(page: &mut Page, report: &Report) {
    if report.ledgers.is_empty() {
        return;
    }
    let (width, paint) = (name_width(report.ledgers.iter().map(|ledger| ledger.name.as_str())), page.paint);
    page.section("ledgers");
    for ledger in &report.ledgers {
        page.named(&ledger.name, width, &booked(&ledger.entries));
        page.named("", width, &verified(ledger, &paint));
        for doubt in ledger.doubts.iter().take(TOLD) {
            page.named("", width, &doubted(doubt, &paint));
        }
        for kind in [Wrong::Lost, Wrong::Duplicated, Wrong::Resurrected, Wrong::Unverified] {
            // Causes with a key of each say more.
            if kind == Wrong::Unverified && !ledger.doubts.is_empty() {
                continue;
            }
            for wronged in ledger.violations.iter().filter(|wronged| wronged.kind == kind).take(TOLD) {
                page.named("", width, &told(wronged, &paint));
            }
        }
    }
}

pub fn booked(booked: &Booked) -> String {
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

pub fn verified(ledger: &LedgerTotals, paint: &Paint) -> String {
    let Some(verified) = &ledger.verified else { return paint.unsure("not asked for") };
    let count = |n: u64| grouped(n as f64, 0);
    let or_bad = |n: Option<u64>, word: &str| {
        let text = format!("{} {word}", count(n.unwrap_or(0)));
        if n.unwrap_or(0) > 0 { paint.bad(&text) } else { text }
    };
    let mut parts = vec![
        format!("{} verified", count(verified.all())),
        or_bad(ledger.lost, "lost"),
        or_bad(ledger.duplicated, "duplicated"),
    ];
    let some = |n: Option<u64>| n.filter(|n| *n > 0);
    parts.extend(some(ledger.unverified).map(|open| paint.unsure(&format!("{} unverified", count(open)))));
    let keyless = |n: u64| paint.unsure(&format!("{} acknowledged without a key", count(n)));
    parts.extend(ledger.keyless.map(keyless));
    parts.extend(ledger.not_asked.map(|n| format!("{} refused and not asked for", count(n))));
    let there = |found: Booked| format!("of unknown outcome {} are there", count(found.unknown));
    parts.extend(ledger.found.filter(|_| verified.unknown > 0).map(there));
    parts.extend(some(ledger.resurrected).map(|n| paint.bad(&format!("{} resurrected", count(n)))));
    parts.extend(
        ledger
            .requests
            .zip(ledger.took)
            .map(|(requests, took)| format!("by {} requests in {}", count(requests), measured_duration(took as f64))),
    );
    parts.extend(ledger.problem.as_ref().map(|problem| paint.bad(&escaped(problem))));
    parts.join(", ")
}

pub fn doubted(doubt: &Doubt, paint: &Paint) -> String {
    let (count, key) = (grouped(doubt.count as f64, 0), escaped_line(&doubt.key));
    format!("{} {count} · {} · such as {key}", paint.unsure(Wrong::Unverified.word()), escaped_line(&doubt.because))
}

fn told(wronged: &Wronged, paint: &Paint) -> String {
    let often = match (wronged.kind, wronged.found) {
        (Wrong::Duplicated, Some(found)) => format!(", there {found} times"),
        _ => String::new(),
    };
    let kind = match wronged.kind {
        Wrong::Unverified => paint.unsure(wronged.kind.word()),
        Wrong::Lost | Wrong::Duplicated | Wrong::Resurrected => paint.bad(wronged.kind.word()),
    };
    let when = wronged.beside.as_ref().map_or(String::new(), |beside| format!(", {beside}"));
    let key = escaped_line(&wronged.key);
    format!("{kind} {key}: {} at {}{when}{often}", wronged.outcome.word(), duration(wronged.at))
}
