//! The report for a person at a terminal: the verdict first, then what was expected, then what was measured.

mod addresses;
pub(super) mod alerts;
pub(super) mod counters;
mod course;
mod events;
mod examples;
pub(super) mod faults;
pub(super) mod ledgers;
mod page;
mod phases;
pub mod suite;
mod table;
mod watched;
mod windows;

pub use suite::suite;

use super::badge::{Badge, Caveat, Tone, caveats};
use super::expected::Found;
use super::{Expected, Report, Spread, before};
use crate::base::shown::{escaped_line, escaped_page};
use crate::base::units::{bytes, grouped, measured_duration, percent, whole_seconds};
use crate::judge::Standing;
use crate::metric::Outcome;
use anstyle::{AnsiColor, Style};
use page::Page;

/// Text with colours where they are wanted.
#[derive(Clone, Copy)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    fn with(&self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn dim(&self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    fn bold(&self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    fn tone(&self, tone: Tone, text: &str) -> String {
        match tone {
            Tone::Good => self.good(text),
            Tone::Bad => self.bad(text),
            Tone::Unsure | Tone::Muted => self.unsure(text),
            Tone::Plain => text.to_owned(),
        }
    }

    fn good(&self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    fn bad(&self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default(), text)
    }

    fn unsure(&self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }
}

/// What a person reads, no line of it wider than so many columns.
pub fn terminal(report: &Report, width: usize, colour: bool) -> String {
    let mut page = Page::new(width, colour);
    heading(&mut page, report);
    expectations(&mut page, report);
    course::course(&mut page, report);
    faults::faults(&mut page, report);
    events::events(&mut page, report);
    alerts::alerts(&mut page, report);
    examples::failures(&mut page, report);
    ledgers::ledgers(&mut page, report);
    windows::windows(&mut page, report);
    phases::phases(&mut page, report);
    addresses::addresses(&mut page, report);
    examples::slowest(&mut page, report);
    counters::counters(&mut page, report);
    watched::watched(&mut page, report);
    outputs(&mut page, report);
    generator(&mut page, report);
    escaped_page(&page.out)
}

/// How wide the column of names is in a section.
fn name_width<'n>(names: impl Iterator<Item = &'n str>) -> usize {
    const LEAST: usize = 12;
    names.map(|name| name.chars().count()).max().unwrap_or(0).max(LEAST)
}

/// The share of what failed, and how it is painted.
fn share_failed(failed: u64, of: u64) -> table::Cell {
    match failed {
        0 => ("0".to_owned(), Tone::Plain),
        _ => (percent(failed as f64 / of.max(1) as f64), Tone::Bad),
    }
}

fn heading(page: &mut Page, report: &Report) {
    let paint = page.paint;
    let Badge { sign, word, tone } = Badge::of_run(report);
    let mark = paint.tone(tone, &format!("{sign} {word}"));
    let share = report.share;
    let part =
        if share.count > 1 { format!(" · share {} of {}", share.index + 1, share.count) } else { String::new() };
    let length = format!("{}{part}", measured_duration(report.duration as f64));
    let facts = paint.dim(&format!("{} · {length} · seed {}", escaped_line(&report.file), report.seed));
    let scenario = paint.bold(&report.scenario);
    page.flow(0, 2, &format!("{}  {scenario} {facts}", paint.bold(&mark)));
    if let Some(reason) = &report.reason {
        page.text(2, reason);
    }
    if let Some(gave_way) = &report.gave_way {
        page.text(2, &gave_way.text);
    }
    for Caveat { sign, tone, text } in caveats(report) {
        page.marked(2, &paint.tone(tone, sign), text);
    }
    for death in report.died.iter().filter(|death| !death.output.is_empty()) {
        page.text(2, &format!("the last output of `{}`:", death.service));
        for line in death.output.lines() {
            page.text(4, &escaped_line(line));
        }
    }
}

fn expectations(page: &mut Page, report: &Report) {
    /// What a value needs next to its expectation.
    const VALUE: usize = 36;
    let paint = page.paint;
    if report.expectations.iter().all(|own| own.implied) {
        page.out.push('\n');
        page.text(0, &paint.dim("nothing was expected: add an `expect` to get a verdict"));
    }
    if report.expectations.is_empty() {
        return;
    }
    page.section("expected");
    let most = page.width.saturating_sub(7 + VALUE).max(page.width / 2 - 7);
    let lengths = report.expectations.iter().map(|own| escaped_line(&own.text).chars().count());
    let width = lengths.filter(|length| *length <= most).max().unwrap_or(0);
    for expected in &report.expectations {
        let Badge { sign, tone, .. } = Badge::of(expected.outcome);
        let (mark, text) = (paint.tone(tone, sign), escaped_line(&expected.text));
        let implied = if expected.implied { paint.dim("  (implied)") } else { String::new() };
        let found = format!("{}{implied}", found(expected, &paint));
        if text.chars().count() <= width {
            page.out.push_str(&format!("  {mark} {text:<width$}   "));
            page.flow(width + 7, width + 7, &found);
        } else {
            page.marked(2, &mark, &text);
            page.text(if width > page.width / 4 { width + 7 } else { 6 }, &found);
        }
    }
    if let Some(runs) = before::told(report) {
        page.text(4, &paint.dim(&escaped_line(&format!("baseline: {runs}"))));
    }
}

fn found(expected: &Expected, paint: &Paint) -> String {
    let Expected { line, outcome, samples, standing, .. } = *expected;
    let Found { value, tone, more } = expected.found();
    let mut text = paint.tone(tone, &value) + &more;
    let note = match outcome {
        Outcome::Failed if samples == 0 => format!("(line {line})"),
        Outcome::Held | Outcome::Inconclusive if samples == 0 && expected.reason.is_none() => String::new(),
        Outcome::Failed => format!("({} samples, line {line})", grouped(samples as f64, 0)),
        Outcome::Held | Outcome::Inconclusive => format!("({} samples)", grouped(samples as f64, 0)),
    };
    if !note.is_empty() {
        // Its words stay together.
        text.push_str("  ");
        text.push_str(&paint.dim(&note.replace(' ', "\u{a0}")));
    }
    if standing == Standing::InDoubt {
        text.push_str("  ");
        text.push_str(&paint.unsure("not\u{a0}trusted"));
    }
    text
}

fn generator(page: &mut Page, report: &Report) {
    let (health, paint) = (&report.generator, page.paint);
    page.section("generator");
    let open: Vec<(String, Spread)> = report
        .loads
        .iter()
        .filter(|load| load.open)
        .map(|load| (format!("{} lag", escaped_line(&load.name)), load.schedule_lag_ns))
        .collect();
    let names = open.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).clamp(14, 40);
    let spread = |page: &mut Page, name: &str, Spread { p50, p99, max, samples }: Spread| {
        let time = |ns: u64| measured_duration(ns as f64);
        if samples > 0 {
            page.named(name, names, &together(&[("p50", time(p50)), ("p99", time(p99)), ("max", time(max))]));
        }
    };
    for (name, lag) in open {
        spread(page, &name, lag);
    }
    spread(page, "poll delay", health.poll_delay_ns);
    let mut peaks = vec![
        ("cpu", percent(health.cpu_peak)),
        ("busiest worker", percent(health.worker_busy_peak)),
        ("waiting for a core", percent(health.worker_waiting_peak)),
    ];
    peaks.extend(health.has_links.then(|| ("links", percent(health.links_cpu_peak))));
    page.named("peak", names, &together(&peaks));
    let of = |peak: f64, limit: f64| format!("{} of {}", grouped(peak, 0), grouped(limit, 0));
    let taken = [
        (of(health.descriptors_peak, health.descriptors_limit as f64), "descriptors"),
        (of(health.ports_peak, health.ports_limit), "ports"),
        (bytes(health.memory_peak), "of memory"),
    ];
    page.named("", names, &together(&taken));
    let state = match report.trust.reasons.is_empty() {
        true => paint.good("trusted"),
        false => paint.unsure("not trusted"),
    };
    let cut = match report.complete {
        true => String::new(),
        false => format!(", recorded up to {}", whole_seconds(report.duration)),
    };
    page.named("numbers", names, &format!("{state}{cut}"));
}

/// Pairs of a word and a number, which stay together at the end of a line.
fn together(pairs: &[(impl AsRef<str>, impl AsRef<str>)]) -> String {
    let pair = |(first, second): &(_, _)| format!("{}\u{a0}{}", AsRef::as_ref(first), AsRef::as_ref(second));
    pairs.iter().map(|own| pair(own).replace(' ', "\u{a0}")).collect::<Vec<_>>().join("  ")
}

/// That services said something, and where.
fn outputs(page: &mut Page, report: &Report) {
    let width = name_width(report.outputs.iter().map(|own| own.service.as_str()));
    for (index, own) in report.outputs.iter().enumerate() {
        if index == 0 {
            page.section("output of services");
        }
        let lines = own.output.lines().count();
        let kept = if lines == 1 { "its last line is".to_owned() } else { format!("its last {lines} lines are") };
        page.named(&own.service, width, &format!("{kept} kept, in `outputs` of run.json"));
    }
}
