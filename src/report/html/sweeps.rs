//! Sweeps: throughput by load, with the fitted law. The script draws it.

use super::markup::{fact, line, table};
use crate::base::units::{counted, grouped, percent, short};
use crate::report::{Report, Sweep};
use std::fmt::Write;

pub fn sweeps(report: &Report) -> String {
    report.sweeps.iter().enumerate().map(|(index, sweep)| one(index, sweep)).collect()
}

fn one(index: usize, sweep: &Sweep) -> String {
    let mut out = format!("<h3>{}</h3>\n<div class=\"plots\" data-sweep=\"{index}\"></div>\n", line(&sweep.load));
    let scaled = &sweep.scaled;
    match &scaled.law {
        Some(law) => {
            out.push_str("<dl class=\"evidence\">");
            fact(&mut out, "answers per second of one user (λ)", &short(law.lambda));
            fact(&mut out, "serial share (σ)", &percent(law.sigma));
            fact(&mut out, "cost of consistency (κ)", &percent(law.kappa));
            let peak = law.peak.map_or_else(|| "none".to_owned(), |peak| format!("at {} in flight", short(peak)));
            fact(&mut out, "peak", &peak);
            out.push_str("</dl>\n");
        }
        None => out.push_str("<p class=\"unsure\">There are too few levels for a law.</p>\n"),
    }
    if !scaled.left_out.is_empty() {
        let users: Vec<String> = scaled.left_out.iter().map(|users| grouped(*users, 0)).collect();
        let what = counted(users.len() as u64, "level");
        let _ = writeln!(
            out,
            "<p>Left out, because the generator was the limit: {what}, at {} users.</p>",
            users.join(", ")
        );
    }
    let row = |(users, throughput): &(f64, f64)| {
        format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", short(*users), short(*throughput))
    };
    let rows: String = scaled.levels.iter().map(row).collect();
    table(
        &mut out,
        &format!("Levels of {}", sweep.load),
        &["in flight", "answers per second"],
        &format!("<tbody>{rows}</tbody>"),
    );
    out
}
