//! The report of a suite for a person: the verdict first, then the score, when it is ready, and each scenario in its area.

use super::name_width;
use super::page::Page;
use crate::base::shown::{escaped_line, escaped_page};
use crate::base::units::{SECOND, measured_duration, percent, whole_seconds};
use crate::judge::ScoreRange;
use crate::report::badge::Badge;
use crate::report::suite::{SuiteMemberReport, SuiteReport};

/// So many reasons are told of a scenario; its own report has all.
const REASONS: usize = 2;
/// What stands next to a name; one that leaves no room for it has it on a line of its own.
const BESIDE: usize = 49;
/// A terminal with fewer columns has no room for both.
const NARROW: usize = BESIDE + 12;

pub fn suite(report: &SuiteReport, width: usize, colour: bool) -> String {
    let mut page = Page::new(width, colour);
    heading(&mut page, report);
    gates(&mut page, report);
    rules(&mut page, report);
    areas(&mut page, report);
    escaped_page(&page.out)
}

fn heading(page: &mut Page, report: &SuiteReport) {
    let paint = page.paint;
    let Badge { sign, word, tone } = Badge::of_suite(report);
    let mark = paint.tone(tone, &format!("{sign} {word}"));
    let profile = report.profile.as_ref().map_or(String::new(), |profile| format!(" · profile {profile}"));
    let facts = format!("{}{profile} · {} · seed {}", escaped_line(&report.file), shown(report.duration), report.seed);
    page.flow(0, 2, &format!("{}  {}", paint.bold(&mark), paint.bold(&report.suite)));
    page.text(2, &paint.dim(&facts));
    if let Some(reason) = report.reason.as_ref().filter(|_| !report.running) {
        page.text(2, reason);
    }
    let is_open = |member: &&SuiteMemberReport| member.counts.least < member.counts.most;
    let open = match report.members().filter(is_open).count() {
        0 => String::new(),
        1 => ", 1 scenario undecided".to_owned(),
        several => format!(", {several} scenarios undecided"),
    };
    page.out.push('\n');
    page.named("score", 10, &format!("{}{open}", paint.bold(&report.score.to_string())));
    page.named("tested", 10, &report.covered());
    let ages = || report.members().filter_map(|member| member.came.age);
    if let (Some(youngest), Some(oldest)) = (ages().min(), ages().max()) {
        let (from, to) = (whole_seconds(youngest), whole_seconds(oldest));
        let told = if from == to { format!("{to} old") } else { format!("from {from} to {to} old") };
        let resumed = match report.resumed.len() {
            0 => String::new(),
            1 => ", resumed once".to_owned(),
            times => format!(", resumed {times} times"),
        };
        page.named("evidence", 10, &format!("{told}{resumed}"));
    }
}

/// Nobody needs less than seconds where minutes are added up.
pub fn shown(ns: u64) -> String {
    if ns < 10 * SECOND { measured_duration(ns as f64) } else { whole_seconds(ns) }
}

fn gates(page: &mut Page, report: &SuiteReport) {
    if report.gates.is_empty() {
        return;
    }
    page.section("ready when");
    let column = name_width(report.gates.iter().map(|gate| gate.text.as_str())).min(page.width / 2);
    for gate in &report.gates {
        let badge = Badge::of_gate(gate.outcome);
        beside(page, badge, (&gate.text, column), &format!("{}: {}", badge.word, gate.found));
    }
}

/// Next to its name, or below it where both do not fit on a line.
fn beside(page: &mut Page, Badge { sign, tone, .. }: Badge, (name, column): (&str, usize), told: &str) {
    let mark = page.paint.tone(tone, sign);
    if name.chars().count() <= column && 6 + column + told.chars().count() <= page.width {
        page.marked(2, &mark, &format!("{name:<column$}  {told}"));
    } else {
        page.marked(2, &mark, name);
        page.text(8, told);
    }
}

/// Which alerting rules fired, and which did not: the rules that nobody has ever seen fire are what a team asks for.
fn rules(page: &mut Page, report: &SuiteReport) {
    for own in &report.rules {
        let labels: Vec<String> = own.labels.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!(" with {}", labels.join(", ")) };
        page.section("alerting rules");
        let facts = page.paint.dim(&format!("{}{labels}: {} fired in time", own.file, own.share));
        page.text(2, &facts);
        let column = name_width(own.rules.iter().map(|rule| rule.alert.as_str())).min(page.width / 2);
        for rule in &own.rules {
            let badge = Badge::of_rule(rule.state);
            let reason = rule.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            let scenarios = match rule.scenarios.as_slice() {
                [] => format!(", line {}", rule.line),
                scenarios => format!(", {}", scenarios.join(", ")),
            };
            beside(page, badge, (&rule.alert, column), &format!("{}{reason}{scenarios}", badge.word));
        }
    }
}

fn areas(page: &mut Page, report: &SuiteReport) {
    let column = name_width(report.members().map(|member| member.path.as_str()));
    let column = column.min(page.width.saturating_sub(BESIDE).max(12));
    page.out.push('\n');
    if page.width >= NARROW {
        let heads = page.paint.dim(&row("came out", "took", "counts", "age"));
        page.text(6 + column, &heads);
    }
    for (index, area) in report.areas.iter().enumerate() {
        if index > 0 {
            page.out.push('\n');
        }
        let score = page.paint.dim(&format!("weight {}, score {}", percent(area.weight), area.score));
        let name = page.paint.bold(&area.name);
        page.flow(0, 2, &format!("{name}  {score}"));
        for member in &area.scenarios {
            one(page, member, column);
        }
    }
}

/// The cells of a line, below their heads.
fn row(came: &str, took: &str, counts: &str, age: &str) -> String {
    format!("{came:<16} {took:>8}  {counts:<6} {age:>8}").trim_end().to_owned()
}

fn one(page: &mut Page, member: &SuiteMemberReport, column: usize) {
    let Badge { sign, word, tone } = Badge::of_member(member.outcome);
    let mark = page.paint.tone(tone, sign);
    let length = member.came.duration.map_or_else(String::new, shown);
    let age = member.came.age.map_or_else(String::new, whole_seconds);
    let counts = counts(member.counts);
    if page.width < NARROW {
        let age = if age.is_empty() { age } else { format!("{age} old") };
        let facts = [word.to_owned(), length, format!("counts {counts}"), age];
        let facts: Vec<&str> = facts.iter().map(String::as_str).filter(|fact| !fact.is_empty()).collect();
        page.marked(2, &mark, &member.path);
        page.text(6, &facts.join(", "));
    } else {
        let numbers = row(word, &length, &counts, &age);
        let is_beside = member.path.chars().count() <= column;
        let (name, beside) = if is_beside { (member.path.as_str(), "") } else { ("", member.path.as_str()) };
        if !is_beside {
            page.marked(2, &mark, beside);
        }
        let mark = if is_beside { mark.as_str() } else { " " };
        page.marked(2, mark, &format!("{name:<column$}  {numbers}"));
    }
    for reason in member.came.reasons.iter().take(REASONS) {
        // One line of it: what follows is output of somebody else, and the record has it.
        page.text(6, reason.lines().next().unwrap_or_default());
    }
    if member.came.reasons.len() > REASONS {
        let more = member.came.reasons.len() - REASONS;
        let more = page.paint.dim(&format!("and {more} more"));
        page.text(6, &more);
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
        for width in 40..=200 {
            for line in suite(&report(), width, false).lines() {
                assert!(line.chars().count() <= width && line == line.trim_end(), "{line:?} at {width}");
            }
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
