//! The report of a suite for a person: the verdict first, then the score, when it is ready, and each scenario in its area.

use super::{Paint, name_width};
use crate::base::shown::escaped_page;
use crate::base::units::{SECOND, measured_duration, percent, whole_seconds};
use crate::judge::ScoreRange;
use crate::plan::draw::flow;
use crate::report::badge::Badge;
use crate::report::suite::{SuiteMemberReport, SuiteReport};
use std::fmt::Write;

/// So many reasons are told of a scenario; its own report has all.
const REASONS: usize = 2;
/// What stands next to a name; one that leaves no room for it has it on a line of its own.
const BESIDE: usize = 49;

pub fn suite(report: &SuiteReport, width: usize, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    heading(&mut out, report, width, &paint);
    gates(&mut out, report, width, &paint);
    rules(&mut out, report, width, &paint);
    areas(&mut out, report, width, &paint);
    escaped_page(&out)
}

fn heading(out: &mut String, report: &SuiteReport, width: usize, paint: &Paint) {
    let Badge { sign, word, tone } = Badge::of_suite(report);
    let mark = paint.tone(tone, &format!("{sign} {word}"));
    let profile = report.profile.as_ref().map_or(String::new(), |profile| format!(" · profile {profile}"));
    let facts = format!("{}{profile} · {} · seed {}", report.file, shown(report.duration), report.seed);
    let _ = writeln!(out, "{}  {}", paint.bold(&mark), paint.bold(&report.suite));
    let mut line = "  ".to_owned();
    flow(&mut line, 2, &facts, width);
    let _ = writeln!(out, "{}", paint.dim(line.trim_end()));
    if let Some(reason) = report.reason.as_ref().filter(|_| !report.running) {
        out.push_str("  ");
        flow(out, 2, reason, width);
    }
    let is_open = |member: &&SuiteMemberReport| member.counts.least < member.counts.most;
    let open = match report.members().filter(is_open).count() {
        0 => String::new(),
        1 => ", 1 scenario undecided".to_owned(),
        several => format!(", {several} scenarios undecided"),
    };
    let _ = writeln!(out, "\n  {:<10} {}{open}", "score", paint.bold(&report.score.to_string()));
    let _ = writeln!(out, "  {:<10} {}", "tested", report.covered());
    let ages = || report.members().filter_map(|member| member.came.age);
    if let (Some(youngest), Some(oldest)) = (ages().min(), ages().max()) {
        let (from, to) = (whole_seconds(youngest), whole_seconds(oldest));
        let told = if from == to { format!("{to} old") } else { format!("from {from} to {to} old") };
        let resumed = match report.resumed.len() {
            0 => String::new(),
            1 => ", resumed once".to_owned(),
            times => format!(", resumed {times} times"),
        };
        let _ = writeln!(out, "  {:<10} {told}{resumed}", "evidence");
    }
}

/// Nobody needs less than seconds where minutes are added up.
pub fn shown(ns: u64) -> String {
    if ns < 10 * SECOND { measured_duration(ns as f64) } else { whole_seconds(ns) }
}

fn gates(out: &mut String, report: &SuiteReport, width: usize, paint: &Paint) {
    if report.gates.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", paint.bold("ready when"));
    let column = name_width(report.gates.iter().map(|gate| gate.text.as_str())).min(width / 2);
    for gate in &report.gates {
        let Badge { sign, word, tone } = Badge::of_gate(gate.outcome);
        let mark = paint.tone(tone, sign);
        let told = format!("{word}: {}", gate.found);
        // Next to it where both fit.
        if gate.text.chars().count() <= column && 4 + column + 2 + told.chars().count() <= width {
            let _ = writeln!(out, "  {mark} {:<column$}  {told}", gate.text);
        } else {
            let _ = write!(out, "  {mark} ");
            flow(out, 4, &gate.text, width);
            let _ = write!(out, "{:8}", "");
            flow(out, 8, &told, width);
        }
    }
}

/// Which alerting rules fired, and which did not: the rules that nobody has ever seen fire are what a team asks for.
fn rules(out: &mut String, report: &SuiteReport, width: usize, paint: &Paint) {
    for own in &report.rules {
        let labels: Vec<String> = own.labels.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!(" with {}", labels.join(", ")) };
        let facts = format!("{}{labels}: {} fired in time", own.file, own.share);
        let mut line = "  ".to_owned();
        flow(&mut line, 2, &facts, width);
        let _ = write!(out, "\n{}\n{}", paint.bold("alerting rules"), paint.dim(line.trim_end()));
        out.push('\n');
        let column = name_width(own.rules.iter().map(|rule| rule.alert.as_str())).min(width / 2);
        for rule in &own.rules {
            let Badge { sign, word, tone } = Badge::of_rule(rule.state);
            let mark = paint.tone(tone, sign);
            let reason = rule.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            let scenarios = match rule.scenarios.as_slice() {
                [] => format!(", line {}", rule.line),
                scenarios => format!(", {}", scenarios.join(", ")),
            };
            let told = format!("{word}{reason}{scenarios}");
            if rule.alert.chars().count() <= column && 6 + column + told.chars().count() <= width {
                let _ = writeln!(out, "  {mark} {:<column$}  {told}", rule.alert);
            } else {
                let _ = write!(out, "  {mark} ");
                flow(out, 4, &rule.alert, width);
                let _ = write!(out, "{:8}", "");
                flow(out, 8, &told, width);
            }
        }
    }
}

fn areas(out: &mut String, report: &SuiteReport, width: usize, paint: &Paint) {
    let column = name_width(report.members().map(|member| member.path.as_str()));
    let column = column.min(width.saturating_sub(BESIDE).max(12));
    let heads = format!("    {:<column$}  {}", "", row("came out", "took", "counts", "age"));
    let _ = writeln!(out, "\n{}", paint.dim(&heads));
    for (index, area) in report.areas.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let score = paint.dim(&format!("weight {}, score {}", percent(area.weight), area.score));
        let _ = writeln!(out, "{}  {score}", paint.bold(&area.name));
        for member in &area.scenarios {
            one(out, member, (column, width), paint);
        }
    }
}

/// The cells of a line, below their heads.
fn row(came: &str, took: &str, counts: &str, age: &str) -> String {
    format!("{came:<16} {took:>8}  {counts:<6} {age:>8}").trim_end().to_owned()
}

fn one(out: &mut String, member: &SuiteMemberReport, (column, width): (usize, usize), paint: &Paint) {
    let Badge { sign, word, tone } = Badge::of_member(member.outcome);
    let mark = paint.tone(tone, sign);
    let length = member.came.duration.map_or_else(String::new, shown);
    let age = member.came.age.map_or_else(String::new, whole_seconds);
    let numbers = row(word, &length, &counts(member.counts), &age);
    if member.path.chars().count() <= column {
        let _ = writeln!(out, "  {mark} {:<column$}  {numbers}", member.path);
    } else {
        let _ = writeln!(out, "  {mark} {}\n    {:<column$}  {numbers}", member.path, "");
    }
    for reason in member.came.reasons.iter().take(REASONS) {
        out.push_str("      ");
        // One line of it: what follows is output of somebody else, and the record has it.
        flow(out, 6, reason.lines().next().unwrap_or_default(), width);
    }
    if member.came.reasons.len() > REASONS {
        let more = member.came.reasons.len() - REASONS;
        let _ = writeln!(out, "      {}", paint.dim(&format!("and {more} more")));
    }
}

/// `1`, `0` or `0–1`.
pub fn counts(range: ScoreRange) -> String {
    match range.least == range.most {
        true => format!("{}", range.least),
        false => format!("{}–{}", range.least, range.most),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::inputs::Rule;
    use crate::check::program::{Ready, RuleCoverage, Score};
    use crate::judge::{AlertSeen, MemberOutcome};
    use crate::metric::Outcome;
    use crate::plan::{ExpectedAlert, PlannedArea, PlannedMember, SUITE_SCHEMA, SuitePlan};
    use crate::report::suite::{self, MemberResult, SuiteFacts};
    use crate::syntax::ast::Binary;

    fn report() -> SuiteReport {
        let member = |path: &str| PlannedMember {
            path: path.to_owned(),
            file: "a.stress".to_owned(),
            scenario: path.to_owned(),
            fingerprint: String::new(),
            length: 60 * SECOND,
            alerts: vec![ExpectedAlert { name: "Down".to_owned(), labels: Vec::new() }],
            skipped: None,
        };
        let area = |name: &str, weight: f64, members: &[&str]| PlannedArea {
            name: name.to_owned(),
            weight,
            members: members.iter().map(|path| member(path)).collect(),
        };
        let areas = vec![
            area(
                "resilience",
                0.8,
                &["chaos.partition_during_spike", "chaos.a_name_that_is_far_longer_than_others_are"],
            ),
            area("monitoring", 0.2, &["monitoring.dashboards", "x"]),
        ];
        let least = |of: &str, bound: f64| Ready::Score { of: Score::of(of), operator: Binary::GreaterEqual, bound };
        let long = Ready::Or(
            Box::new(Ready::Passed("chaos.a_name_that_is_far_longer_than_others_are".to_owned())),
            Box::new(Ready::Not(Box::new(Ready::Passed("chaos.partition_during_spike".to_owned())))),
        );
        let labels = vec![("severity".to_owned(), "page".to_owned())];
        let rule = |alert: &str| Rule {
            alert: alert.to_owned(),
            line: 7,
            labels: labels.clone(),
            expr: "up == 0".to_owned(),
            ..Rule::default()
        };
        let rules = vec![rule("Down"), rule("DiskFull"), rule(&"ANameThatIsLongerThanOthers".repeat(2))];
        let of = RuleCoverage { file: "r.yml".to_owned(), labels: labels.clone(), rules };
        let rules = Ready::Rules { of: Box::new(of), operator: Binary::GreaterEqual, bound: 0.6 };
        let ready = Ready::And(Box::new(least("score", 0.85)), Box::new(long));
        let ready = Some(Ready::And(Box::new(ready), Box::new(rules)));
        let (file, suite) = ("a.stress".to_owned(), "production_readiness".to_owned());
        let (schema, profile) = (SUITE_SCHEMA, Some("ci".to_owned()));
        let plan = SuitePlan { schema, file, suite, profile, doc: None, areas, ready };
        let mut passed = MemberResult::without(MemberOutcome::Passed, Some("run".to_owned()), None);
        passed.duration = Some(75 * SECOND);
        let down = ExpectedAlert { name: "Down".to_owned(), labels: Vec::new() };
        passed.alerts = vec![AlertSeen { alert: down, outcome: Some(Outcome::Held) }];
        passed.age = Some(3 * 3600 * SECOND + 59 * 60 * SECOND + 59 * SECOND);
        let why = "`p95(main) < 300ms`: the quantile of 95% needs 100 samples, and there were no more than 20 of them in the window";
        let open =
            MemberResult { outcome: MemberOutcome::Inconclusive, reasons: vec![why.to_owned(); 3], ..passed.clone() };
        let skipped = "the variables `GRAFANA_URL` and `GRAFANA_TOKEN` are not set".to_owned();
        let skipped = MemberResult::without(MemberOutcome::Skipped, None, Some(skipped));
        let broken = MemberResult::without(MemberOutcome::Error, None, Some("it is not ready\nits output".to_owned()));
        let facts = SuiteFacts { id: "id".to_owned(), started: String::new(), seed: 7, resumed: Vec::new() };
        suite::suite(&plan, facts, vec![passed, open, skipped, broken])
    }

    #[test]
    fn it_is_read_in_eighty_columns_and_in_more() {
        for width in [80, 160] {
            let told = suite(&report(), width, false);
            for line in told.lines() {
                assert!(line.chars().count() <= width && line == line.trim_end(), "{line:?} in\n{told}");
            }
            assert!(told.starts_with("✘ not run whole  production_readiness\n"), "{told}");
            for part in ["and 1 more", "score      40–80%, 1 scenario undecided", "it is not ready", "3h59m59s"] {
                assert!(told.contains(part), "{part} in\n{told}");
            }
            assert!(!told.contains("its output"), "{told}");
        }
        let narrow = suite(&report(), 80, false);
        let line = "  ✔ chaos.partition_during_spike     passed              1m15s  1      3h59m59s\n";
        assert!(narrow.contains(line), "{narrow}");
        let wide = suite(&report(), 160, false);
        assert!(wide.contains("alerting rules\n  r.yml with severity page: 33.3% fired in time\n"), "{wide}");
        assert!(wide.contains("  – DiskFull"), "{wide}");
        assert!(wide.contains("never provoked, line 7\n"), "{wide}");
    }
}
