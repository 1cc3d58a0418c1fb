//! The report for a person at a terminal: the verdict first, then what was expected, then what was measured.

mod course;
mod events;
mod examples;
mod faults;
mod ledgers;
mod watched;

use super::{Report, Row, Window};
use crate::base::shown::{escaped, escaped_line, escaped_page};
use crate::base::units::{MILLISECOND, SECOND, duration, grouped, measured_duration, percent, short};
use crate::judge::{Kind, Standing};
use crate::metric::{Judged, Outcome};
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

/// Text with colours where they are wanted.
struct Paint(bool);

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

pub fn terminal(report: &Report<'_>, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    heading(&mut out, report, &paint);
    expectations(&mut out, report, &paint);
    course::course(&mut out, report, &paint);
    for load in &report.plan.loads {
        let windows: Vec<&Window> = report.windows.iter().filter(|w| w.load == load.name).collect();
        table(&mut out, &load.name, &windows, &paint);
    }
    faults::faults(&mut out, report, &paint);
    events::events(&mut out, report, &paint);
    ledgers::ledgers(&mut out, report, &paint);
    examples::failures(&mut out, report, &paint);
    examples::slowest(&mut out, report, &paint);
    watched::watched(&mut out, report, &paint);
    generator(&mut out, report, &paint);
    escaped_page(&out)
}

/// How wide the column of names is in a section.
fn name_width<'n>(names: impl Iterator<Item = &'n str>) -> usize {
    const LEAST: usize = 12;
    names.map(|name| name.chars().count()).max().unwrap_or(0).max(LEAST)
}

fn heading(out: &mut String, report: &Report<'_>, paint: &Paint) {
    let verdict = report.verdict;
    let mark = match verdict.kind {
        Kind::Passed if report.plan.expectations.is_empty() => "– no verdict".to_owned(),
        Kind::Passed => paint.good("✔ passed"),
        Kind::Failed => paint.bad("✘ failed"),
        Kind::Inconclusive => paint.unsure("? inconclusive"),
        Kind::Untrusted => paint.unsure("! untrusted"),
        Kind::Aborted => paint.unsure("■ aborted"),
        Kind::Error => paint.bad("✘ could not be run"),
    };
    let took = report.stats.end();
    let share = report.plan.share;
    let part =
        if share.count > 1 { format!(" · share {} of {}", share.index + 1, share.count) } else { String::new() };
    let length = format!("{}{part}", measured_duration(took as f64));
    let _ = writeln!(
        out,
        "{}  {} {}",
        paint.bold(&mark),
        paint.bold(&report.plan.scenario),
        paint.dim(&format!("{} · {length} · seed {}", report.plan.file, report.stats.seed))
    );
    if let Some(reason) = &verdict.reason {
        let _ = writeln!(out, "  {reason}");
    }
    for limit in &verdict.trust.limits {
        let mark = if verdict.trust.reasons.contains(&limit.text) { "!" } else { "→" };
        let _ = writeln!(out, "  {} {}", paint.unsure(mark), limit.text);
    }
    let of_loads = |reason: &&String| verdict.trust.limits.iter().all(|limit| limit.text != **reason);
    for reason in verdict.trust.reasons.iter().filter(of_loads) {
        let _ = writeln!(out, "  {} {reason}", paint.unsure("!"));
    }
    for problem in &report.stats.problems {
        let _ = writeln!(out, "  {} {}", paint.bad("!"), escaped(problem));
    }
    for note in notes(report) {
        let _ = writeln!(out, "  {} {note}", paint.unsure("!"));
    }
    for (service, _, output) in &report.stats.died {
        if !output.is_empty() {
            let _ = writeln!(out, "  the last output of `{service}`:");
            for line in output.lines() {
                let _ = writeln!(out, "    {}", escaped_line(line));
            }
        }
    }
}

/// Services that ended and were started again, each in a line.
fn falls(report: &Report<'_>) -> Vec<String> {
    let fell = &report.stats.fell;
    let mut notes: Vec<String> = Vec::new();
    for (place, (service, at, status)) in fell.iter().enumerate() {
        if fell[..place].iter().any(|(other, ..)| other == service) {
            continue;
        }
        let at = duration(at / MILLISECOND * MILLISECOND);
        notes.push(match fell.iter().filter(|(other, ..)| other == service).count() {
            1 => format!("the service `{service}` ended at {at} ({status}) and was started again"),
            times => format!(
                "the service `{service}` ended {times} times, first at {at} ({status}), and was started again each time"
            ),
        });
    }
    notes
}

/// What makes latencies look better than they were.
fn notes(report: &Report<'_>) -> Vec<String> {
    /// A share of drops or failures below which latencies are what they seem.
    const NOTABLE: f64 = 0.01;
    /// A share of a core at which what passes the links waits for them.
    const FULL: f64 = 0.9;
    let mut notes = falls(report);
    let links = report.stats.peak(|g| g.links);
    if links > FULL {
        notes.push(format!("the links used {} of a core: what passed them may have waited for them", percent(links)));
    }
    for load in &report.plan.loads {
        let windows = || report.windows.iter().filter(|w| w.load == load.name);
        let (dropped, started): (u64, u64) = windows().fold((0, 0), |(d, s), w| (d + w.dropped, s + w.started));
        let share = dropped as f64 / (dropped + started).max(1) as f64;
        // Only a `once` leaves users behind with something to do.
        if dropped > 0 && !load.is_open() {
            let (dropped, all) = (grouped(dropped as f64, 0), grouped((dropped + started) as f64, 0));
            notes.push(format!("`{}`: {dropped} of {all} iterations were not started in time", load.name));
        } else if share > NOTABLE {
            notes.push(format!(
                "`{}`: {} of its arrivals were dropped, and latencies are those of the others",
                load.name,
                percent(share)
            ));
        }
        let rows = || windows().flat_map(|w| w.steps.iter()).filter(|row| row.is_request);
        let failed: u64 = rows().map(Row::target_failures).sum();
        let share = failed as f64 / rows().map(|row| row.samples).sum::<u64>().max(1) as f64;
        if share > NOTABLE {
            notes.push(format!(
                "`{}`: {} of its requests failed, and their times are among the latencies",
                load.name,
                percent(share)
            ));
        }
    }
    notes
}

fn expectations(out: &mut String, report: &Report<'_>, paint: &Paint) {
    if report.plan.expectations.is_empty() {
        let _ = writeln!(out, "\n{}", paint.dim("nothing was expected: add an `expect` to get a verdict"));
        return;
    }
    let _ = writeln!(out, "\n{}", paint.bold("expected"));
    let width = report.plan.expectations.iter().map(|e| e.text.chars().count()).max().unwrap_or(0);
    let judged = report.verdict.expectations.iter().zip(&report.verdict.standings);
    for (planned, (judged, standing)) in report.plan.expectations.iter().zip(judged) {
        let mark = match judged.outcome {
            Outcome::Held => paint.good("✔"),
            Outcome::Failed => paint.bad("✘"),
            Outcome::Inconclusive => paint.unsure("?"),
        };
        let _ = writeln!(out, "  {mark} {:<width$}   {}", planned.text, found(judged, *standing, planned.line, paint));
    }
}

fn found(judged: &Judged, standing: Standing, line: usize, paint: &Paint) -> String {
    let mut text = match (&judged.value, &judged.reason) {
        (_, Some(reason)) => paint.unsure(reason),
        (Some(value), None) if standing == Standing::AtLeast => format!("at least {value}"),
        (Some(value), None) => match judged.outcome {
            Outcome::Failed => paint.bad(value),
            Outcome::Held | Outcome::Inconclusive => value.clone(),
        },
        (None, None) => String::new(),
    };
    if let (Some(slices), Some((from, to)), None) = (judged.slices, judged.when, &judged.reason) {
        let count = |n: usize| grouped(n as f64, 0);
        let _ = write!(text, " at {}–{}, ", duration(from), duration(to));
        let _ = match (judged.outcome, slices.failed) {
            (Outcome::Failed, failed) => write!(text, "{} of {} slices failed", count(failed), count(slices.all())),
            _ => write!(text, "the worst of {}, {} held", count(slices.all()), count(slices.held)),
        };
    }
    let note = match judged.outcome {
        Outcome::Failed if judged.samples == 0 => format!("  (line {line})"),
        Outcome::Held | Outcome::Inconclusive if judged.samples == 0 && judged.reason.is_none() => String::new(),
        Outcome::Failed => format!("  ({} samples, line {line})", grouped(judged.samples as f64, 0)),
        Outcome::Held | Outcome::Inconclusive => format!("  ({} samples)", grouped(judged.samples as f64, 0)),
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
        let missing = window.dropped + window.unsent;
        let mut note = match window.planned {
            Some(planned) => {
                format!("{} of {} iterations started", grouped(window.started as f64, 0), grouped(planned as f64, 0))
            }
            None => format!("{} iterations started", grouped(window.started as f64, 0)),
        };
        if missing > 0 {
            let _ = write!(
                note,
                ", {} dropped, {} not started",
                grouped(window.dropped as f64, 0),
                grouped(window.unsent as f64, 0)
            );
        }
        if let Some(done) = window.done_ns {
            let _ = write!(note, ", all done after {}", measured_duration(done.saturating_sub(window.start_ns) as f64));
        }
        if let Some(tried) = &window.tried {
            let _ = write!(note, ", {}: {}", tried.verdict, tried.because);
        }
        if !window.judged {
            note.push_str(", not judged");
        }
        let _ = writeln!(out, "  {:<width$} {span:>11}  {}", window.name, paint.dim(&note));
        // Of what was chosen and never came there is nothing to say.
        for row in window.steps.iter().filter(|row| !row.is_derived || row.samples > 0) {
            let failed = row.target_failures();
            let time = |recorded: u64| match row.measured {
                _ if row.samples == 0 => "–".to_owned(),
                Some((unit, worth)) => crate::metric::printed(recorded as f64 * worth, unit),
                None => measured_duration(recorded as f64),
            };
            let failed_text = format!(
                "{:>8}",
                if failed == 0 { "0".to_owned() } else { percent(failed as f64 / row.samples.max(1) as f64) }
            );
            let failed_text = if failed > 0 { paint.bad(&failed_text) } else { failed_text };
            let _ = writeln!(
                out,
                "    {:<step$} {:>11} {:>9} {:>8} {failed_text} {:>9} {:>9} {:>9} {:>9}",
                row.step,
                "",
                grouped(row.sent as f64, 0),
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

fn generator(out: &mut String, report: &Report<'_>, paint: &Paint) {
    let stats = report.stats;
    let _ = writeln!(out, "\n{}", paint.bold("generator"));
    for (index, load) in report.plan.loads.iter().enumerate() {
        let lag = stats.lag(index);
        if !lag.is_empty() && matches!(load.shape, crate::plan::schedule::Shape::Open(_)) {
            let at = |q: f64| measured_duration(lag.value_at_quantile(q) as f64);
            let _ = writeln!(
                out,
                "  {:<14} p50 {}  p99 {}  max {}",
                format!("{} lag", load.name),
                at(0.5),
                at(0.99),
                measured_duration(lag.max() as f64)
            );
        }
    }
    let delay = stats.poll_delay(&[(0, u64::MAX)]);
    if !delay.is_empty() {
        let at = |q: f64| measured_duration(delay.value_at_quantile(q) as f64);
        let (most, name) = (measured_duration(delay.max() as f64), "poll delay");
        let _ = writeln!(out, "  {name:<14} p50 {}  p99 {}  max {most}", at(0.5), at(0.99));
    }
    let busy = stats.peak(|g| g.busy.iter().copied().fold(0.0, f64::max));
    let waiting = stats.peak(|g| g.waiting.iter().copied().fold(0.0, f64::max));
    let descriptors = stats.peak(|g| g.descriptors as f64);
    let limit = stats.generator.last().map_or(0, |g| g.descriptors_limit);
    let _ = writeln!(
        out,
        "  {:<14} cpu {}  busiest worker {}  waiting for a core {}",
        "peak",
        percent(stats.peak(|g| g.cpu)),
        percent(busy),
        percent(waiting)
    );
    if !report.plan.links.is_empty() {
        let _ = writeln!(out, "  {:<14} links {}", "", percent(stats.peak(|g| g.links)));
    }
    let _ = writeln!(
        out,
        "  {:<14} {} of {} descriptors  {} of {} ports  {} of memory",
        "",
        grouped(descriptors, 0),
        grouped(limit as f64, 0),
        grouped(stats.peak(|g| g.ports as f64), 0),
        grouped(stats.peak(|g| g.ports_limit as f64), 0),
        crate::base::units::bytes(stats.peak(|g| g.memory as f64))
    );
    let state = match report.verdict.trust.reasons.is_empty() {
        true => paint.good("trusted"),
        false => paint.unsure("not trusted"),
    };
    let cut = if stats.complete {
        String::new()
    } else {
        format!(", recorded up to {}", duration(stats.end() / SECOND * SECOND))
    };
    let _ = writeln!(out, "  {:<14} {state}{cut}", "numbers");
}
