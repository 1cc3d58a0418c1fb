//! The report of a suite as a page: its score, when it is ready, and every scenario with its evidence.

use super::heading::started;
use super::markup::{class, line, prose, table};
use super::{Section, page};
use crate::base::units::{percent, whole_seconds};
use crate::judge::RuleSeen;
use crate::report::SuiteReport;
use crate::report::badge::Badge;
use crate::report::suite::{RulesCovered, SuiteArea, SuiteMemberReport};
use crate::report::terminal::suite::{counts, shown};
use std::fmt::Write;

pub fn suite(report: &SuiteReport) -> Vec<u8> {
    let Badge { sign, word, tone } = Badge::of_suite(report);
    let class = class(tone);
    let mut heading = format!(
        "<header>\n<p class=\"verdict {class}\"><span aria-hidden=\"true\">{sign}</span> {word}</p>\n<h1>{}</h1>\n",
        line(&report.suite)
    );
    let mut facts = vec![format!("<code>{}</code>", line(&report.file))];
    facts.extend(report.profile.as_ref().map(|profile| format!("profile {}", line(profile))));
    facts.push(shown(report.duration));
    facts.push(format!("started {}", started(&report.started)));
    facts.extend(report.resumed.iter().map(|at| format!("resumed {}", started(at))));
    facts.push(format!("seed {}", report.seed));
    let facts: String = facts.iter().map(|fact| format!("<li>{fact}</li>")).collect();
    let _ = writeln!(heading, "<ul class=\"facts\">{facts}</ul>");
    if let Some(reason) = report.reason.as_ref().filter(|_| !report.running) {
        let _ = writeln!(heading, "<p class=\"why\">{}</p>", prose(reason));
    }
    let _ = writeln!(
        heading,
        "<div class=\"score\"><div><strong>{}</strong>score</div><div><strong>{}</strong>tested</div></div>\n</header>",
        line(&report.score.to_string()),
        line(&report.covered())
    );
    let sections = [
        ("ready", "Ready when", gates(report)),
        ("areas", "Areas", areas(report)),
        ("rules", "Alerting rules", rules(report)),
        ("evidence", "Evidence", evidence(report)),
    ];
    let sections: Vec<Section> = sections
        .into_iter()
        .filter(|(.., body)| !body.is_empty())
        .map(|(id, title, body)| Section { id, title, body })
        .collect();
    page(&format!("{word}: {}", report.suite), &heading, &sections, "", &[])
}

fn gates(report: &SuiteReport) -> String {
    let one = |gate: &crate::judge::Gate| {
        let Badge { sign, word, tone } = Badge::of_gate(gate.outcome);
        let class = class(tone);
        format!(
            "<li class=\"{class}\"><h3><span class=\"word {class}\"><span aria-hidden=\"true\">{sign}</span> {word}</span> \
             <code>{}</code></h3><p>{}</p></li>",
            line(&gate.text),
            prose(&gate.found)
        )
    };
    match report.gates.as_slice() {
        [] => String::new(),
        gates => format!("<ol class=\"expectations\">{}</ol>\n", gates.iter().map(one).collect::<String>()),
    }
}

fn areas(report: &SuiteReport) -> String {
    let area = |area: &SuiteArea| {
        let head = format!(
            "<tbody><tr class=\"window\"><th scope=\"rowgroup\">{}</th><td colspan=\"4\">weight {}, score {}</td></tr>",
            line(&area.name),
            percent(area.weight),
            line(&area.score.to_string())
        );
        let rows: String = area.scenarios.iter().map(member).collect();
        format!("{head}{rows}</tbody>")
    };
    let rows: String = report.areas.iter().map(area).collect();
    let mut out = String::new();
    table(&mut out, "Scenarios by area", &["scenario", "came out", "took", "counts", "age"], &rows);
    out
}

fn member(member: &SuiteMemberReport) -> String {
    let Badge { sign, tone, .. } = Badge::of_member(member.outcome);
    let class = class(tone);
    let cell = |text: String| format!("<td>{text}</td>");
    let name = match member.came.reasons.is_empty() {
        true => line(&member.path),
        false => format!("<a href=\"#{}\">{}</a>", anchor(member), line(&member.path)),
    };
    format!(
        "<tr class=\"step\"><th scope=\"row\">{name}</th><td class=\"{class}\"><span aria-hidden=\"true\">{sign}</span> {}</td>{}{}{}</tr>",
        member.outcome.word(),
        cell(member.came.duration.map_or_else(|| "–".to_owned(), shown)),
        cell(counts(member.counts)),
        cell(member.came.age.map_or_else(|| "–".to_owned(), whole_seconds))
    )
}

/// Which alerting rules the suite has seen fire.
fn rules(report: &SuiteReport) -> String {
    let rule = |own: &RuleSeen| {
        let Badge { sign, word, tone } = Badge::of_rule(own.state);
        let class = class(tone);
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"text {class}\"><span aria-hidden=\"true\">{sign}</span> {}</td>\
             <td class=\"text\">{}</td><td class=\"text\">{}</td><td>{}</td></tr>",
            line(&own.alert),
            word,
            prose(own.reason.as_deref().unwrap_or_default()),
            line(&own.scenarios.join(", ")),
            own.line
        )
    };
    let of_file = |own: &RulesCovered| {
        let labels: Vec<String> = own.labels.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!(" with {}", labels.join(", ")) };
        let label = format!("{}{labels}: {} fired in time", own.file, own.share);
        let rows: String = own.rules.iter().map(rule).collect();
        let mut out = String::new();
        let heads = ["rule", "<what was seen", "<why", "<scenarios", "line"];
        table(&mut out, &label, &heads, &format!("<tbody>{rows}</tbody>"));
        out
    };
    report.rules.iter().map(of_file).collect()
}

/// Why each scenario is no pass, and its run.
fn evidence(report: &SuiteReport) -> String {
    let mut out = String::new();
    for member in report.members().filter(|member| !member.came.reasons.is_empty()) {
        let Badge { sign, tone, .. } = Badge::of_member(member.outcome);
        let class = class(tone);
        let _ = write!(
            out,
            "<div class=\"failure target\" id=\"{}\"><h3><span class=\"{class}\"><span aria-hidden=\"true\">{sign}</span> {}</span> {} \
             <span class=\"muted\">{}</span></h3><ul>",
            anchor(member),
            member.outcome.word(),
            line(&member.path),
            line(&member.file)
        );
        for reason in &member.came.reasons {
            let _ = write!(out, "<li>{}</li>", prose(reason));
        }
        out.push_str("</ul>");
        if let Some(run) = &member.came.run {
            let _ = write!(out, "<p class=\"muted\">run <code>{}</code></p>", line(run));
        }
        out.push_str("</div>\n");
    }
    out
}

/// A name for links, of letters and digits alone.
fn anchor(member: &SuiteMemberReport) -> String {
    let path = member.path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    format!("of-{}", path.collect::<String>())
}
