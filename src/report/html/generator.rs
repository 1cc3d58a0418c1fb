//! How the generator itself was, so whether the numbers can be trusted.

use super::markup::{fact, line, prose, table};
use crate::base::units::{bytes, grouped, measured_duration, percent};
use crate::report::{Report, Spread};
use std::fmt::Write;

pub fn generator(report: &Report) -> String {
    let health = &report.generator;
    let mut out = match report.trust.reasons.is_empty() {
        true => "<p class=\"good\">The numbers are trusted.</p>\n".to_owned(),
        false => "<p class=\"unsure\">The numbers are not trusted.</p>\n".to_owned(),
    };
    if !report.trust.reasons.is_empty() {
        out.push_str("<ul>");
        for reason in &report.trust.reasons {
            let _ = write!(out, "<li>{}</li>", prose(reason));
        }
        out.push_str("</ul>\n");
    }
    out.push_str("<dl class=\"evidence\">");
    fact(&mut out, "processor, peak", &format!("{} of a core", percent(health.cpu_peak)));
    fact(&mut out, "busiest worker", &percent(health.worker_busy_peak));
    fact(&mut out, "waiting for a core", &percent(health.worker_waiting_peak));
    if health.has_links {
        fact(&mut out, "links", &format!("{} of a core", percent(health.links_cpu_peak)));
    }
    let of = |peak: f64, limit: f64| format!("{} of {}", grouped(peak, 0), grouped(limit, 0));
    fact(&mut out, "descriptors", &of(health.descriptors_peak, health.descriptors_limit as f64));
    fact(&mut out, "ports", &of(health.ports_peak, health.ports_limit));
    fact(&mut out, "memory", &bytes(health.memory_peak));
    out.push_str("</dl>\n");
    let mut rows = String::new();
    let mut row = |name: &str, Spread { p50, p99, max, samples }: Spread| {
        let time = |ns: u64| measured_duration(ns as f64);
        if samples > 0 {
            let _ = write!(
                rows,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                line(name),
                grouped(samples as f64, 0),
                time(p50),
                time(p99),
                time(max)
            );
        }
    };
    for load in report.loads.iter().filter(|load| load.open) {
        row(&format!("start of iterations of {}", load.name), load.schedule_lag_ns);
    }
    row("work that was ready", health.poll_delay_ns);
    if !rows.is_empty() {
        table(
            &mut out,
            "How late the generator was",
            &["what", "samples", "p50", "p99", "max"],
            &format!("<tbody>{rows}</tbody>"),
        );
    }
    out
}
