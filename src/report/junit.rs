//! The report as JUnit's XML, for the test views of CI systems: each expectation is a test case.
//!
//! JUnit knows no "inconclusive": what could not be decided is an `error`, as is what cannot be trusted, because neither is a pass.

use super::badge::Badge;
use super::suite::{RulesCovered, SuiteArea, SuiteMemberReport};
use super::{Expected, Found, Report, SuiteReport};
use crate::base::shown::{escaped, escaped_line};
use crate::judge::{Gate, MemberOutcome, RuleSeen, RuleState, Standing, VerdictKind};
use crate::metric::Outcome;
// Of core, which has no clock.
use core::time::Duration;
use quick_junit::{NonSuccessKind, Property, Report as Document, TestCase, TestCaseStatus, TestSuite};

/// The test case that stands for the run as a whole. It always comes first, so that a run without expectations is one test.
const RUN: &str = "the run is complete and its numbers are trusted";

pub fn junit(report: &Report) -> Vec<u8> {
    let mut suite = TestSuite::new(shown(&report.scenario));
    suite.extra.insert("file".into(), shown(&report.file).into());
    suite.timestamp = report.started.parse().ok();
    suite.set_time(Duration::from_nanos(report.duration));
    let facts = [
        ("file", report.file.clone()),
        ("run", report.id.clone()),
        ("seed", report.seed.to_string()),
        ("verdict", Badge::of_run(report).word.to_owned()),
    ];
    properties(&mut suite, facts.into_iter().chain(report.profile.clone().map(|own| ("profile", own))));
    let mut run = case(RUN, &report.scenario, status_of_run(report));
    let notes: Vec<String> = super::badge::caveats(report).iter().map(|own| escaped(own.text).into_owned()).collect();
    if !notes.is_empty() {
        run.set_system_out(notes.join("\n"));
    }
    suite.add_test_case(run);
    for expected in &report.expectations {
        suite.add_test_case(expectation(report, expected));
    }
    written(suite)
}

fn status_of_run(report: &Report) -> TestCaseStatus {
    let Badge { word, .. } = Badge::of_run(report);
    match report.verdict {
        VerdictKind::Passed | VerdictKind::Failed | VerdictKind::Inconclusive => TestCaseStatus::success(),
        VerdictKind::Untrusted | VerdictKind::Aborted | VerdictKind::Error => {
            let reasons = report.reason.iter().chain(&report.trust.reasons).chain(&report.problems);
            let outputs = report.died.iter().map(|death| &death.output);
            let told: Vec<String> = reasons.chain(outputs).map(|text| escaped(text).into_owned()).collect();
            not_passed(NonSuccessKind::Error, word, told.first().map_or(word, String::as_str), &told.join("\n"))
        }
    }
}

fn expectation(report: &Report, expected: &Expected) -> TestCase {
    let Badge { word, .. } = Badge::of_expected(expected);
    let Found { value, more, .. } = expected.found();
    let found = format!("{value}{more}");
    let place = format!("{}:{}", escaped_line(&report.file), expected.line);
    let told = format!("{}\n{}\n{place}", escaped_line(&expected.text), escaped(&found));
    let status = match (expected.outcome, expected.standing) {
        (outcome, Standing::InDoubt) => {
            let outcome = Badge::of(outcome).word;
            let message = format!("{outcome}, but the generator alone could have made it so: {found}");
            not_passed(NonSuccessKind::Error, word, &message, &told)
        }
        (Outcome::Held, Standing::Stands | Standing::AtLeast) => TestCaseStatus::success(),
        (Outcome::Failed, Standing::Stands | Standing::AtLeast) => {
            not_passed(NonSuccessKind::Failure, word, &found, &told)
        }
        (Outcome::Inconclusive, Standing::Stands | Standing::AtLeast) => {
            not_passed(NonSuccessKind::Error, word, &found, &told)
        }
    };
    // Systems that tell cases apart by their names alone would show two of one text as one.
    let is_same = |own: &&Expected| own.text == expected.text;
    let name = match report.expectations.iter().filter(is_same).count() {
        1 => expected.text.clone(),
        _ => format!("{} (line {})", expected.text, expected.line),
    };
    let mut case = case(&name, &report.scenario, status);
    if expected.outcome == Outcome::Held && !found.is_empty() {
        case.set_system_out(shown(&found));
    }
    case
}

pub fn suite(report: &SuiteReport) -> Vec<u8> {
    let mut document = Document::new("stressc");
    for area in &report.areas {
        let mut suite = TestSuite::new(shown(&format!("{} {}", report.suite, area.name)));
        suite.extra.insert("file".into(), shown(&report.file).into());
        suite.timestamp = report.started.parse().ok();
        suite.set_time(Duration::from_nanos(area.scenarios.iter().filter_map(|own| own.came.duration).sum()));
        let facts = [("file", report.file.clone()), ("run", report.id.clone()), ("score", area.score.to_string())];
        properties(&mut suite, facts);
        suite.add_test_cases(area.scenarios.iter().map(|own| member(report, area, own)));
        document.add_test_suite(suite);
    }
    if !report.gates.is_empty() {
        let mut suite = TestSuite::new(shown(&format!("{} ready when", report.suite)));
        suite.add_test_cases(report.gates.iter().map(|gate| self::gate(report, gate)));
        document.add_test_suite(suite);
    }
    for covered in &report.rules {
        document.add_test_suite(rules(report, covered));
    }
    bytes(&document)
}

fn member(report: &SuiteReport, area: &SuiteArea, member: &SuiteMemberReport) -> TestCase {
    let word = member.outcome.word();
    let reasons = &member.came.reasons;
    let message = reasons.first().map_or(word, String::as_str);
    let told = reasons.iter().chain([&member.file]).map(String::as_str).collect::<Vec<_>>().join("\n");
    let status = match member.outcome {
        MemberOutcome::Passed => TestCaseStatus::success(),
        MemberOutcome::Failed | MemberOutcome::Aborted => not_passed(NonSuccessKind::Failure, word, message, &told),
        MemberOutcome::FailedInDoubt
        | MemberOutcome::Inconclusive
        | MemberOutcome::Untrusted
        | MemberOutcome::Error
        | MemberOutcome::Interrupted => not_passed(NonSuccessKind::Error, word, message, &told),
        MemberOutcome::NothingExpected | MemberOutcome::Skipped | MemberOutcome::NotRun => skipped(message),
    };
    let mut case = case(&member.path, &format!("{}.{}", report.suite, area.name), status);
    case.time = member.came.duration.map(Duration::from_nanos);
    case
}

fn gate(report: &SuiteReport, gate: &Gate) -> TestCase {
    let Badge { word, .. } = Badge::of_gate(gate.outcome);
    let status = match gate.outcome {
        Outcome::Held => TestCaseStatus::success(),
        Outcome::Failed => not_passed(NonSuccessKind::Failure, word, &gate.found, &gate.found),
        Outcome::Inconclusive => not_passed(NonSuccessKind::Error, word, &gate.found, &gate.found),
    };
    case(&gate.text, &format!("{}.ready", report.suite), status)
}

fn rules(report: &SuiteReport, covered: &RulesCovered) -> TestSuite {
    let labels: Vec<String> = covered.labels.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    let mut suite = TestSuite::new(shown(&format!("{} {}{}", report.suite, covered.file, labels.concat())));
    suite.extra.insert("file".into(), shown(&covered.file).into());
    let rule = |own: &RuleSeen| {
        let word = own.state.words();
        let message = own.reason.as_deref().unwrap_or(word);
        let told = format!("{message}\n{}:{}", covered.file, own.line);
        let status = match own.state {
            RuleState::Fired => TestCaseStatus::success(),
            RuleState::DidNotFire => not_passed(NonSuccessKind::Failure, word, message, &told),
            RuleState::NotKnown => not_passed(NonSuccessKind::Error, word, message, &told),
            RuleState::NotTested | RuleState::NeverProvoked | RuleState::CannotBeProvoked => skipped(message),
        };
        // Rules of one name that differ in their severity are often in one group.
        let is_same = |other: &&RuleSeen| (&other.alert, &other.group) == (&own.alert, &own.group);
        let name = match covered.rules.iter().filter(is_same).count() {
            1 => own.alert.clone(),
            _ => format!("{} (line {})", own.alert, own.line),
        };
        case(&name, &format!("{}.{}", report.suite, own.group), status)
    };
    suite.add_test_cases(covered.rules.iter().map(rule));
    suite
}

fn case(name: &str, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(shown(name), status);
    case.set_classname(shown(class));
    case
}

fn not_passed(kind: NonSuccessKind, word: &str, message: &str, told: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word).set_message(shown(message)).set_description(escaped(told).into_owned());
    status
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(shown(message));
    status
}

fn properties(suite: &mut TestSuite, facts: impl IntoIterator<Item = (&'static str, String)>) {
    suite.add_properties(facts.into_iter().map(|(name, value)| Property::new(name, shown(&value))));
}

/// On one line. The library escapes what XML needs.
fn shown(text: &str) -> String {
    escaped_line(text).into_owned()
}

fn written(suite: TestSuite) -> Vec<u8> {
    let mut document = Document::new("stressc");
    document.add_test_suite(suite);
    bytes(&document)
}

fn bytes(document: &Document) -> Vec<u8> {
    let mut out = Vec::new();
    document.serialize(&mut out).expect("a vector takes all that is written");
    without_skipped(out)
}

/// The library counts skipped tests at the root too, where the schema of Jenkins' xUnit plugin takes no such attribute and refuses the file.
fn without_skipped(document: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8(document).expect("the library writes UTF-8");
    let root = text.find("<testsuites").and_then(|start| Some((start, start + text[start..].find('>')?)));
    let Some((start, end)) = root else { return text.into_bytes() };
    let Some(own) = text[start..end].find(" skipped=\"") else { return text.into_bytes() };
    let from = start + own;
    let value = from + " skipped=\"".len();
    let to = text[value..end].find('"').map_or(end, |length| value + length + 1);
    format!("{}{}", &text[..from], &text[to..]).into_bytes()
}
