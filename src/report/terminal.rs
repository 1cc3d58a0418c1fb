//! The report for a person at a terminal: the verdict first, then what was expected, then what was measured.

mod addresses;
pub(super) mod alerts;
pub(super) mod counters;
mod course;
mod events;
mod examples;
pub(super) mod faults;
pub(super) mod ledgers;
mod phases;
pub mod suite;
mod watched;

pub use suite::suite;

use super::badge::{Badge, Caveat, Tone, caveats};
use super::expected::Found;
use super::{Expected, Report, Spread, Window};
use crate::base::shown::{escaped, escaped_line, escaped_page};
use crate::base::units::{bytes, duration, grouped, measured_duration, percent, short, whole_seconds};
use crate::judge::Standing;
use crate::measure::of_target;
use crate::metric::Outcome;
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

/// Text with colours where they are wanted.
pub(super) struct Paint(pub(super) bool);

impl Paint {
    fn with(&self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// The share of what failed, in its column.
    fn failed(&self, failed: u64, of: u64) -> String {
        match failed {
            0 => format!("{failed:>8}"),
            _ => self.bad(&format!("{:>8}", percent(failed as f64 / of.max(1) as f64))),
        }
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

pub fn terminal(report: &Report, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    heading(&mut out, report, &paint);
    expectations(&mut out, report, &paint);
    course::course(&mut out, report, &paint);
    for load in &report.loads {
        let windows: Vec<&Window> = report.windows.iter().filter(|w| w.load == load.name).collect();
        table(&mut out, &load.name, &windows, &paint);
    }
    phases::phases(&mut out, report, &paint);
    addresses::addresses(&mut out, report, &paint);
    faults::faults(&mut out, report, &paint);
    events::events(&mut out, report, &paint);
    alerts::alerts(&mut out, report, &paint);
    ledgers::ledgers(&mut out, report, &paint);
    examples::failures(&mut out, report, &paint);
    examples::slowest(&mut out, report, &paint);
    counters::counters(&mut out, report, &paint);
    watched::watched(&mut out, report, &paint);
    outputs(&mut out, report, &paint);
    generator(&mut out, report, &paint);
    escaped_page(&out)
}

/// How wide the column of names is in a section.
fn name_width<'n>(names: impl Iterator<Item = &'n str>) -> usize {
    const LEAST: usize = 12;
    names.map(|name| name.chars().count()).max().unwrap_or(0).max(LEAST)
}

fn heading(out: &mut String, report: &Report, paint: &Paint) {
    let Badge { sign, word, tone } = Badge::of_run(report);
    let mark = paint.tone(tone, &format!("{sign} {word}"));
    let share = report.share;
    let part =
        if share.count > 1 { format!(" · share {} of {}", share.index + 1, share.count) } else { String::new() };
    let length = format!("{}{part}", measured_duration(report.duration as f64));
    let _ = writeln!(
        out,
        "{}  {} {}",
        paint.bold(&mark),
        paint.bold(&report.scenario),
        paint.dim(&format!("{} · {length} · seed {}", report.file, report.seed))
    );
    if let Some(reason) = &report.reason {
        let _ = writeln!(out, "  {reason}");
    }
    if let Some(gave_way) = &report.gave_way {
        let _ = writeln!(out, "  {}", escaped(&gave_way.text));
    }
    for Caveat { sign, tone, text } in caveats(report) {
        let _ = writeln!(out, "  {} {}", paint.tone(tone, sign), escaped(text));
    }
    for death in &report.died {
        if !death.output.is_empty() {
            let _ = writeln!(out, "  the last output of `{}`:", death.service);
            for line in death.output.lines() {
                let _ = writeln!(out, "    {}", escaped_line(line));
            }
        }
    }
}

fn expectations(out: &mut String, report: &Report, paint: &Paint) {
    if report.expectations.iter().all(|own| own.implied) {
        let _ = writeln!(out, "\n{}", paint.dim("nothing was expected: add an `expect` to get a verdict"));
    }
    if report.expectations.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", paint.bold("expected"));
    let width = report.expectations.iter().map(|e| e.text.chars().count()).max().unwrap_or(0);
    for expected in &report.expectations {
        let Badge { sign, tone, .. } = Badge::of(expected.outcome);
        let mark = paint.tone(tone, sign);
        let implied = if expected.implied { paint.dim("  (implied)") } else { String::new() };
        let _ = writeln!(out, "  {mark} {:<width$}   {}{implied}", expected.text, found(expected, paint));
    }
}

fn found(expected: &Expected, paint: &Paint) -> String {
    let Expected { line, outcome, samples, standing, .. } = *expected;
    let Found { value, tone, more } = expected.found();
    let mut text = paint.tone(tone, &value) + &more;
    let note = match outcome {
        Outcome::Failed if samples == 0 => format!("  (line {line})"),
        Outcome::Held | Outcome::Inconclusive if samples == 0 && expected.reason.is_none() => String::new(),
        Outcome::Failed => format!("  ({} samples, line {line})", grouped(samples as f64, 0)),
        Outcome::Held | Outcome::Inconclusive => format!("  ({} samples)", grouped(samples as f64, 0)),
    };
    text.push_str(&paint.dim(&note));
    if standing == Standing::InDoubt {
        text.push_str(&paint.unsure("  not trusted"));
    }
    text
}

fn table(out: &mut String, load: &str, windows: &[&Window], paint: &Paint) {
    let steps = windows.iter().flat_map(|w| w.steps.iter()).map(|row| row.step.chars().count());
    let names = windows.iter().map(|w| w.name.chars().count());
    let width = steps.map(|w| w + 2).chain(names).max().unwrap_or(0).clamp(12, 40);
    let _ = writeln!(out, "\n{}", paint.bold(load));
    let header = format!(
        "  {:<width$} {:>11} {:>9} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9}",
        "", "window", "requests", "/s", "failed", "p50", "p95", "p99", "max"
    );
    let _ = writeln!(out, "{}", paint.dim(&header));
    for window in windows {
        let span = format!("{}–{}", duration(window.start_ns), duration(window.end_ns));
        let _ = writeln!(out, "  {:<width$} {span:>11}  {}", window.name, paint.dim(&window.note()));
        for row in window.told_steps() {
            let failed = paint.failed(of_target(&row.failed), row.samples);
            let time = |recorded: Option<u64>| row.time(recorded).unwrap_or_else(|| "no answer".to_owned());
            let _ = writeln!(
                out,
                "    {:<step$} {:>11} {:>9} {:>8} {failed} {:>9} {:>9} {:>9} {:>9}",
                row.step,
                "",
                grouped(row.requests as f64, 0),
                short(row.per_second),
                time(row.p50_ns),
                time(row.p95_ns),
                time(row.p99_ns),
                time(row.max_ns),
                step = width - 2,
            );
        }
    }
}

fn generator(out: &mut String, report: &Report, paint: &Paint) {
    let health = &report.generator;
    let _ = writeln!(out, "\n{}", paint.bold("generator"));
    let spread = |out: &mut String, name: &str, Spread { p50, p99, max, samples }: Spread| {
        let time = |ns: u64| measured_duration(ns as f64);
        if samples > 0 {
            let _ = writeln!(out, "  {name:<14} p50 {}  p99 {}  max {}", time(p50), time(p99), time(max));
        }
    };
    for load in report.loads.iter().filter(|load| load.open) {
        spread(out, &format!("{} lag", load.name), load.schedule_lag_ns);
    }
    spread(out, "poll delay", health.poll_delay_ns);
    let _ = writeln!(
        out,
        "  {:<14} cpu {}  busiest worker {}  waiting for a core {}",
        "peak",
        percent(health.cpu_peak),
        percent(health.worker_busy_peak),
        percent(health.worker_waiting_peak)
    );
    if health.has_links {
        let _ = writeln!(out, "  {:<14} links {}", "", percent(health.links_cpu_peak));
    }
    let _ = writeln!(
        out,
        "  {:<14} {} of {} descriptors  {} of {} ports  {} of memory",
        "",
        grouped(health.descriptors_peak, 0),
        grouped(health.descriptors_limit as f64, 0),
        grouped(health.ports_peak, 0),
        grouped(health.ports_limit, 0),
        bytes(health.memory_peak)
    );
    let state = match report.trust.reasons.is_empty() {
        true => paint.good("trusted"),
        false => paint.unsure("not trusted"),
    };
    let cut = match report.complete {
        true => String::new(),
        false => format!(", recorded up to {}", whole_seconds(report.duration)),
    };
    let _ = writeln!(out, "  {:<14} {state}{cut}", "numbers");
}

/// That services said something, and where.
fn outputs(out: &mut String, report: &Report, paint: &Paint) {
    let width = name_width(report.outputs.iter().map(|own| own.service.as_str()));
    for (index, own) in report.outputs.iter().enumerate() {
        if index == 0 {
            let _ = writeln!(out, "\n{}", paint.bold("output of services"));
        }
        let lines = own.output.lines().count();
        let kept = if lines == 1 { "its last line is".to_owned() } else { format!("its last {lines} lines are") };
        let _ = writeln!(out, "  {:<width$} {kept} kept, in `outputs` of run.json", own.service);
    }
}
