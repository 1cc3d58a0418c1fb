//! The report of a suite as a comment: its score, when it is ready, and what did not pass.

use super::markup::{code, code_cell, link, prose, prose_cell};
use crate::base::units::{counted, percent};
use crate::judge::RuleState;
use crate::report::SuiteReport;
use crate::report::badge::{Badge, Tone};
use crate::report::suite::{RulesCovered, SuiteArea, SuiteMemberReport};
use crate::report::terminal::suite::shown;
use std::fmt::Write;

/// A comment is read on one screen: so many of each are shown.
const GATES: usize = 5;
const AREAS: usize = 8;
const NOT_PASSED: usize = 8;
const NOT_SEEN: usize = 5;

pub fn suite(report: &SuiteReport) -> Vec<u8> {
    let Badge { sign, word, .. } = Badge::of_suite(report);
    let mut out = format!("### {sign} {word}: {}\n\n", code(&report.suite));
    let mut facts = vec![format!("**score {}**", report.score), format!("{} tested", report.covered())];
    facts.push(code(&report.file));
    facts.extend(report.profile.as_ref().map(|profile| format!("profile {}", code(profile))));
    facts.push(shown(report.duration));
    facts.push(format!("run {}", code(&report.id)));
    facts.extend(report.report_url.as_ref().map(|url| link("full report", url)));
    let _ = writeln!(out, "{}", facts.join(" · "));
    if let Some(reason) = report.reason.as_ref().filter(|_| !report.running) {
        let _ = writeln!(out, "\n{}", prose(reason));
    }
    gates(&mut out, report);
    areas(&mut out, report);
    not_passed(&mut out, report);
    report.rules.iter().for_each(|own| rules(&mut out, own));
    out.into_bytes()
}

fn more(out: &mut String, all: usize, shown: usize) {
    if let Some(more) = all.checked_sub(shown).filter(|more| *more > 0) {
        let _ = writeln!(out, "\nand {more} more");
    }
}

fn gates(out: &mut String, report: &SuiteReport) {
    if report.gates.is_empty() {
        return;
    }
    out.push_str("\n| | ready when | found |\n| --- | --- | --- |\n");
    for gate in report.gates.iter().take(GATES) {
        let Badge { sign, word, .. } = Badge::of_gate(gate.outcome);
        let _ = writeln!(out, "| {sign} {word} | {} | {} |", code_cell(&gate.text), prose_cell(&gate.found));
    }
    more(out, report.gates.len(), GATES);
}

fn areas(out: &mut String, report: &SuiteReport) {
    let passed = |area: &SuiteArea| {
        let is_passed = |own: &&SuiteMemberReport| Badge::of_member(own.outcome).tone == Tone::Good;
        area.scenarios.iter().filter(is_passed).count()
    };
    out.push_str("\n| area | weight | score | passed |\n| --- | ---: | ---: | ---: |\n");
    for area in report.areas.iter().take(AREAS) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} of {} |",
            code_cell(&area.name),
            percent(area.weight),
            area.score,
            passed(area),
            area.scenarios.len()
        );
    }
    more(out, report.areas.len(), AREAS);
}

/// The worst first.
fn not_passed(out: &mut String, report: &SuiteReport) {
    let mut wrong: Vec<(Badge, &SuiteMemberReport)> = report
        .members()
        .map(|member| (Badge::of_member(member.outcome), member))
        .filter(|(badge, _)| badge.tone != Tone::Good)
        .collect();
    if wrong.is_empty() {
        return;
    }
    wrong.sort_by_key(|(badge, _)| match badge.tone {
        Tone::Bad => 0,
        Tone::Unsure => 1,
        Tone::Good | Tone::Muted | Tone::Plain => 2,
    });
    out.push_str("\n| | scenario | why |\n| --- | --- | --- |\n");
    for (Badge { sign, word, .. }, member) in wrong.iter().take(NOT_PASSED) {
        let why = member.came.reasons.first().and_then(|why| why.lines().next()).unwrap_or_default();
        let _ = writeln!(out, "| {sign} {word} | {} | {} |", code_cell(&member.path), prose_cell(why));
    }
    more(out, wrong.len(), NOT_PASSED);
}

fn rules(out: &mut String, own: &RulesCovered) {
    let labels: Vec<String> =
        own.labels.iter().map(|(name, value)| format!(" with {}", code(&format!("{name}={value}")))).collect();
    let _ = writeln!(out, "\nAlerting rules of {}{}: {} fired in time", code(&own.file), labels.concat(), own.share);
    let quiet: Vec<String> =
        own.rules.iter().filter(|rule| rule.state != RuleState::Fired).map(|rule| code(&rule.alert)).collect();
    if !quiet.is_empty() {
        let count = counted(quiet.len() as u64, "rule");
        let named = quiet.iter().take(NOT_SEEN).cloned().collect::<Vec<_>>().join(", ");
        let rest = if quiet.len() > NOT_SEEN { ", …" } else { "" };
        let _ = writeln!(out, "\n{count} not seen to fire: {named}{rest}");
    }
}
