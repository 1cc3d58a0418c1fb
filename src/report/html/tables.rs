//! Tables of the page: windows with their steps, phases of requests, addresses, what was watched, what services said.

use super::expectations::link;
use super::markup::{line, lines, prose, table};
use crate::base::units::{duration, grouped, measured_duration, percent, short};
use crate::measure::of_target;
use crate::metric::{Summary, printed};
use crate::report::terminal::Paint;
use crate::report::terminal::counters::{head, unsure};
use crate::report::{CounterTotals, LoadTotals, Percentiles, Report, StepRow, Window};
use std::fmt::Write;

const TIMES: [&str; 4] = ["p50", "p95", "p99", "max"];

pub fn windows(report: &Report) -> String {
    let mut out = String::new();
    for load in &report.loads {
        let own: Vec<&Window> = report.windows.iter().filter(|window| window.load == load.name).collect();
        if own.is_empty() {
            continue;
        }
        let heads: Vec<&str> = ["step", "requests", "per second", "failed"].into_iter().chain(TIMES).collect();
        let rows: String = own.iter().map(|window| of_window(window)).collect();
        let _ = writeln!(out, "<h3>{} <span class=\"muted\">{}</span></h3>", line(&load.name), told(load));
        table(&mut out, &format!("Windows of {}", load.name), &heads, &rows);
    }
    out
}

fn told(load: &LoadTotals) -> String {
    let count = |n: u64| grouped(n as f64, 0);
    let planned = load.planned.map_or(String::new(), |planned| format!(" of {}", count(planned)));
    let mut text = format!("{}{planned} iterations started", count(load.started));
    if load.dropped + load.unsent > 0 {
        let _ = write!(text, ", {} dropped, {} not started", count(load.dropped), count(load.unsent));
    }
    text
}

fn of_window(window: &Window) -> String {
    let span = link(
        &[(window.start_ns, window.end_ns)],
        &format!("{}–{}", duration(window.start_ns), duration(window.end_ns)),
    );
    let note = window.note();
    let note = if window.is_after && window.planned.is_none() { format!("requests {note}") } else { note };
    let mut out = format!(
        "<tbody><tr class=\"window\"><th scope=\"rowgroup\">{}</th><td colspan=\"7\">{span} · {}</td></tr>",
        line(&window.name),
        prose(&note)
    );
    for row in window.told_steps() {
        of_step(&mut out, row);
    }
    out.push_str("</tbody>");
    out
}

fn of_step(out: &mut String, row: &StepRow) {
    let failed = of_target(&row.failed);
    let failed = match failed {
        0 => "0".to_owned(),
        _ => format!("<span class=\"bad\">{}</span>", percent(failed as f64 / row.samples.max(1) as f64)),
    };
    let no_answer = || "<span class=\"bad\">no answer</span>".to_owned();
    let time = |recorded: Option<u64>| row.time(recorded).map_or_else(no_answer, |time| line(&time));
    let cells = [grouped(row.requests as f64, 0), short(row.per_second), failed];
    let times = [row.p50_ns, row.p95_ns, row.p99_ns, row.max_ns].map(time);
    let cells: String = cells.iter().chain(&times).map(|cell| format!("<td>{cell}</td>")).collect();
    let _ = write!(out, "<tr class=\"step\"><th scope=\"row\">{}</th>{cells}</tr>", line(&row.step));
}

/// Percentiles on a log scale, and where the time of requests went.
pub fn latency(report: &Report) -> String {
    let mut out = String::new();
    if report.curves.steps.iter().any(|step| step.latency_ns.len() > 1) {
        out.push_str("<div id=\"percentiles\" class=\"plots\"></div>\n");
    }
    let heads = |first: &[&'static str]| -> Vec<&str> { first.iter().copied().chain(TIMES).collect() };
    let mut rows = String::new();
    for own in &report.phases {
        for (phase, times) in own.all() {
            let samples = grouped(times.samples as f64, 0);
            let name = line(&own.series);
            let _ = write!(
                rows,
                "<tr><th scope=\"row\">{name}</th><td class=\"text\">{phase}</td><td>{samples}</td>{}</tr>",
                cells(&times)
            );
        }
    }
    if !rows.is_empty() {
        table(
            &mut out,
            "Phases of requests",
            &heads(&["step", "<phase", "samples"]),
            &format!("<tbody>{rows}</tbody>"),
        );
    }
    let mut rows = String::new();
    for own in &report.addresses {
        let failed = of_target(&own.failed);
        let share = percent(failed as f64 / own.attempts.max(1) as f64);
        let _ = write!(
            rows,
            "<tr><th scope=\"row\">{}</th><td class=\"text\">{}</td><td>{}</td><td>{share}</td>{}</tr>",
            line(&own.target),
            line(own.address.as_deref().unwrap_or("all others")),
            grouped(own.attempts as f64, 0),
            cells(&own.service)
        );
    }
    if !rows.is_empty() {
        let heads = heads(&["target", "<address", "attempts", "failed"]);
        table(&mut out, "Addresses of targets", &heads, &format!("<tbody>{rows}</tbody>"));
    }
    out
}

fn cells(times: &Percentiles) -> String {
    let Percentiles { samples, p50_ns, p95_ns, p99_ns, max_ns } = *times;
    let cell = |time: Option<u64>| match time {
        _ if samples == 0 => "<td>–</td>".to_owned(),
        Some(time) => format!("<td>{}</td>", measured_duration(time as f64)),
        None => "<td class=\"bad\">no answer</td>".to_owned(),
    };
    [p50_ns, p95_ns, p99_ns, max_ns].map(cell).concat()
}

pub fn watched(report: &Report) -> String {
    let mut rows = String::new();
    for watch in report.watched.iter().filter(|watch| watch.asked || watch.summary.is_some()) {
        let value = |of: fn(&Summary) -> f64| {
            watch.summary.as_ref().map_or_else(|| "–".to_owned(), |summary| line(&printed(of(summary), watch.unit)))
        };
        let readings = grouped(watch.summary.map_or(0, |summary| summary.readings) as f64, 0);
        let missed: u64 = watch.gaps.iter().map(|gap| gap.missed).sum();
        let missing = watch.gaps.last().map_or(String::new(), |last| {
            format!("<span class=\"unsure\">{}: {}</span>", grouped(missed as f64, 0), prose(&last.reason))
        });
        let _ = write!(
            rows,
            "<tr><th scope=\"row\"><code>{}</code></th><td>{readings}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td class=\"text\">{missing}</td></tr>",
            line(&watch.name),
            value(|s| s.min),
            value(|s| s.mean),
            value(|s| s.max),
            value(|s| s.last),
        );
    }
    let mut out = String::new();
    if !rows.is_empty() {
        let heads = ["series", "readings", "min", "mean", "max", "last", "<missing"];
        table(&mut out, "Series over time", &heads, &format!("<tbody>{rows}</tbody>"));
    }
    out
}

/// Counters that were read from their raw samples.
pub fn counters(report: &Report) -> String {
    let one = |own: &CounterTotals| {
        let unsure: String =
            unsure(own).iter().map(|text| format!("<li class=\"unsure\">{}</li>", prose(text))).collect();
        let name = line(&own.name);
        let told = prose(&head(own, &Paint(false)));
        format!("<li><code>{name}</code>: {told}<ul>{unsure}</ul></li>").replace("<ul></ul>", "")
    };
    match report.counters.as_slice() {
        [] => String::new(),
        counters => format!("<ul class=\"lines\">{}</ul>\n", counters.iter().map(one).collect::<String>()),
    }
}

pub fn outputs(report: &Report) -> String {
    let one = |own: &crate::report::Output| {
        format!(
            "<details><summary>The last output of <code>{}</code></summary><pre>{}</pre></details>\n",
            line(&own.service),
            lines(&own.output)
        )
    };
    report.outputs.iter().map(one).collect()
}
