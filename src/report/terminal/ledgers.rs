//! The ledgers: how their entries ended, and those with which something is wrong.

use super::Paint;
use crate::base::units::{duration, grouped, measured_duration};
use crate::measure::{Book, Booked, Injected, Stats, Violation, Wrong};
use crate::report::Report;
use std::fmt::Write;

/// So many of each kind are told by their keys.
const TOLD: usize = 5;

pub fn ledgers(out: &mut String, report: &Report<'_>, paint: &Paint) {
    let plan = report.plan;
    if plan.ledgers.is_empty() {
        return;
    }
    let width = plan.ledgers.iter().map(|ledger| ledger.name.chars().count()).max().unwrap_or(0).max(12);
    let _ = writeln!(out, "\n{}", paint.bold("ledgers"));
    for (ledger, book) in plan.ledgers.iter().zip(&report.stats.ledgers) {
        let _ = writeln!(out, "  {:<width$} {}", ledger.name, booked(&book.booked));
        let _ = writeln!(out, "  {:<width$} {}", "", verified(book, paint));
        for kind in [Wrong::Lost, Wrong::Duplicated, Wrong::Unverified] {
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
    let phantom = verified.found.refused;
    parts.extend((phantom > 0).then(|| paint.unsure(&format!("{} refused and there all the same", count(phantom)))));
    parts.extend(verified.problem.as_ref().map(|problem| paint.bad(problem)));
    parts.join(", ")
}

fn told(violation: &Violation, stats: &Stats, paint: &Paint) -> String {
    let often = match (violation.kind, violation.found) {
        (Wrong::Duplicated, Some(found)) => format!(", there {found} times"),
        _ => String::new(),
    };
    let kind = match violation.kind {
        Wrong::Unverified => paint.unsure(violation.kind.word()),
        Wrong::Lost | Wrong::Duplicated => paint.bad(violation.kind.word()),
    };
    let when = beside_faults(violation.at, stats).map_or(String::new(), |beside| format!(", {beside}"));
    format!("{kind} {}: {} at {}{when}{often}", violation.key, violation.fate.word(), duration(violation.at))
}

/// Where an instant lies beside the fault that is nearest.
pub fn beside_faults(at: u64, stats: &Stats) -> Option<String> {
    let window = |injected: &Injected| (injected.applied.0, injected.withdrawn.map_or(stats.end(), |range| range.1));
    let away = |injected: &&Injected| {
        let (from, to) = window(injected);
        if at < from { from - at } else { at.saturating_sub(to) }
    };
    let nearest = stats.injected.iter().filter(|injected| injected.problem.is_none()).min_by_key(away)?;
    let name = stats.faults.get(nearest.fault)?;
    let (from, to) = window(nearest);
    let time = |ns: u64| measured_duration(ns as f64);
    Some(match at {
        at if at < from => format!("{} before `{name}`", time(from - at)),
        at if at <= to => format!("{} into `{name}`", time(at - from)),
        at => format!("{} after `{name}`", time(at - to)),
    })
}
