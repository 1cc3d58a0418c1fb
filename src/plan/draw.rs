//! The timeline drawn: every load as its shape over time, with the stages beneath and what they will send.

use super::schedule::Shape;
use super::{CeilingFrom, Load, Plan, ServiceKind};
use crate::base::units::{SECOND, duration, grouped, short};
use std::fmt::Write;

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const MARGIN: usize = 10;

/// The plan as a page of text of a certain width.
pub fn draw(plan: &Plan, width: usize) -> String {
    let mut out = String::new();
    let columns = width.clamp(60, 120) - MARGIN - 2;
    let _ = writeln!(out, "{} · {}   {}", plan.file, plan.scenario, duration(plan.length));
    if plan.share.count > 1 {
        let _ = writeln!(out, "share {} of {}", plan.share.index + 1, plan.share.count);
    }
    for load in &plan.loads {
        shape(&mut out, plan, load, columns);
    }
    axis(&mut out, plan.length, columns);
    for load in &plan.loads {
        let _ = writeln!(out);
        stages(&mut out, plan, load);
    }
    parts(&mut out, plan);
    if !plan.expectations.is_empty() {
        let _ = writeln!(out, "\nexpected");
        for expectation in &plan.expectations {
            let _ = writeln!(out, "  {}", expectation.text);
        }
    }
    let _ = writeln!(out, "\nplan {}", &plan.fingerprint[..12]);
    out
}

/// The level of a load at an offset, in arrivals a second or users.
fn level(load: &Load, at: f64) -> f64 {
    load.stages
        .iter()
        .find(|s| at >= s.start as f64 && at < s.end as f64)
        .map_or(0.0, |s| s.from + (s.to - s.from) * (at - s.start as f64) / (s.end - s.start) as f64)
}

fn unit(load: &Load) -> &'static str {
    match load.shape {
        Shape::Open(_) => "/s",
        Shape::Closed(_) => " users",
    }
}

fn shape(out: &mut String, plan: &Plan, load: &Load, columns: usize) {
    const ROWS: usize = 6;
    let step = plan.length as f64 / columns as f64;
    let levels: Vec<f64> = (0..columns).map(|c| level(load, (c as f64 + 0.5) * step)).collect();
    let peak = load.stages.iter().map(|s| s.from.max(s.to)).fold(0.0, f64::max);
    let _ = writeln!(out, "\n{} of {}", load.name, plan.flows[load.flow()].name);
    for row in (0..ROWS).rev() {
        let label = match row {
            r if r == ROWS - 1 => format!("{}{}", short(peak), unit(load)),
            0 => "0".to_owned(),
            _ => String::new(),
        };
        let mut line = format!("{label:>MARGIN$} ┤");
        for value in &levels {
            let height = if peak > 0.0 { value / peak * (ROWS * 8) as f64 } else { 0.0 };
            let fill = (height - (row * 8) as f64).clamp(0.0, 8.0).round() as usize;
            // Something is sent wherever the level is above nothing.
            let fill = if row == 0 && *value > 0.0 { fill.max(1) } else { fill };
            line.push(BLOCKS[fill]);
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

fn axis(out: &mut String, length: u64, columns: usize) {
    let _ = writeln!(out, "{:>MARGIN$} └{}", "", "─".repeat(columns));
    let mut line = vec![' '; columns + 8];
    for mark in 0..=4u64 {
        let at = (columns as u64 * mark / 4) as usize;
        let text = duration(length * mark / 4 / (SECOND / 10) * (SECOND / 10));
        let start = if mark == 4 { (columns + 1).saturating_sub(text.chars().count()) } else { at };
        for (offset, character) in text.chars().enumerate() {
            if let Some(cell) = line.get_mut(start + offset) {
                *cell = character;
            }
        }
    }
    let line: String = line.into_iter().collect();
    let _ = writeln!(out, "{:>MARGIN$}  {}", "", line.trim_end());
}

fn stages(out: &mut String, plan: &Plan, load: &Load) {
    let flow = &plan.flows[load.flow()];
    let requests = flow.requests().count() as u64;
    let _ = writeln!(out, "{:<14} {:<14} {:>18} {:>12} {:>12}", load.name, "window", "level", "iterations", "requests");
    for stage in &load.stages {
        let window = format!("{}–{}", duration(stage.start), duration(stage.end));
        let level = match stage.from == stage.to {
            true => format!("{}{}", short(stage.to), unit(load)),
            false => format!("{} → {}{}", short(stage.from), short(stage.to), unit(load)),
        };
        let (iterations, sent) = match load.shape {
            Shape::Open(_) => {
                let count = plan.share.of(load.shape.arrivals_before(stage.end))
                    - plan.share.of(load.shape.arrivals_before(stage.start));
                (grouped(count as f64, 0), grouped((count * requests) as f64, 0))
            }
            Shape::Closed(_) => ("as answered".to_owned(), "as answered".to_owned()),
        };
        let _ = writeln!(out, "  {:<12} {window:<14} {level:>18} {iterations:>12} {sent:>12}", stage.name);
    }
    if matches!(load.shape, Shape::Open(_)) {
        let count = plan.share.of(load.shape.arrivals());
        let _ = writeln!(
            out,
            "  {:<12} {:<14} {:>18} {:>12} {:>12}",
            "together",
            "",
            "",
            grouped(count as f64, 0),
            grouped((count * requests) as f64, 0)
        );
        let peak = load.stages.iter().map(|s| s.from.max(s.to)).fold(0.0, f64::max);
        let thinking = peak * flow.thinking().0 / SECOND as f64;
        let _ = writeln!(out, "  at the peak {} users are needed for thinking alone", grouped(thinking.ceil(), 0));
    }
    let why = match load.ceiling.from {
        CeilingFrom::Scenario => "as written",
        CeilingFrom::Rate => "peak rate × the longest an iteration can take",
        CeilingFrom::Users => "the users",
        CeilingFrom::Machine => "all that this machine can hold",
    };
    let _ = writeln!(out, "  at most {} in flight ({why})", grouped(load.ceiling.in_flight as f64, 0));
}

fn parts(out: &mut String, plan: &Plan) {
    if plan.services.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nstarted for the run");
    for service in &plan.services {
        let what = match &service.kind {
            ServiceKind::Demo(_) => "the demo shop, on a free port".to_owned(),
            ServiceKind::Process { .. } => "a process".to_owned(),
            ServiceKind::Postgres => "a private PostgreSQL cluster".to_owned(),
            ServiceKind::Attach { port } => format!("runs already, on port {port}"),
        };
        let _ = writeln!(out, "  {:<12} {what}", service.name);
    }
}
