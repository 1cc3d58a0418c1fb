//! The report as annotations of GitHub Actions: the verdict, and at its line each expectation that did not hold.

use super::badge::{Badge, Tone, caveats};
use super::{Expected, Found, Report, SuiteReport};
use crate::base::annotation::{Level, Place, annotation};
use crate::judge::Standing;
use crate::metric::Outcome;

/// GitHub shows so many of a level for each step, of which the verdict is one.
const SHOWN: usize = 9;

pub fn github(report: &Report) -> Vec<u8> {
    let badge = Badge::of_run(report);
    let own = report.reason.iter().map(String::as_str).chain(report.gave_way.iter().map(|own| own.text.as_str()));
    let text = said(own.chain(caveats(report).into_iter().map(|caveat| caveat.text)));
    let mut out = annotation(level(badge), Some(&report.file), None, &title(badge, &report.scenario), &text);
    let mut wrong: Vec<&Expected> = report.expectations.iter().filter(|own| !stands(own)).collect();
    wrong.sort_by_key(|own| own.outcome != Outcome::Failed);
    out.extend(wrong.iter().take(SHOWN).map(|own| expectation(report, own)));
    out.into_bytes()
}

fn stands(expected: &Expected) -> bool {
    expected.outcome == Outcome::Held && expected.standing != Standing::InDoubt
}

fn expectation(report: &Report, expected: &Expected) -> String {
    let badge = Badge::of_expected(expected);
    let Found { value, more, .. } = expected.found();
    let doubt = match expected.standing {
        Standing::InDoubt => {
            format!("{}, but the generator alone could have made it so: ", Badge::of(expected.outcome).word)
        }
        Standing::Stands | Standing::AtLeast => String::new(),
    };
    let place = Place { line: expected.line, ..Place::default() };
    let place = (!expected.implied).then_some(&place);
    annotation(
        level(badge),
        Some(&report.file),
        place,
        &title(badge, &expected.text),
        &said([format!("{doubt}{value}{more}").as_str()].into_iter()),
    )
}

pub fn suite(report: &SuiteReport) -> Vec<u8> {
    let badge = Badge::of_suite(report);
    let score = format!("score {}, {} tested", report.score, report.covered());
    let text = said(std::iter::once(score.as_str()).chain(report.reason.as_deref()));
    let mut out = annotation(level(badge), Some(&report.file), None, &title(badge, &report.suite), &text);
    for gate in report.gates.iter().filter(|gate| gate.outcome != Outcome::Held) {
        let badge = Badge::of_gate(gate.outcome);
        out.push_str(&annotation(level(badge), Some(&report.file), None, &title(badge, &gate.text), &gate.found));
    }
    let wrong = |badge: Badge| matches!(badge.tone, Tone::Bad | Tone::Unsure);
    let members = report.members().map(|member| (Badge::of_member(member.outcome), member));
    for (badge, member) in members.filter(|(badge, _)| wrong(*badge)).take(SHOWN) {
        let text = said(member.came.reasons.iter().map(String::as_str));
        out.push_str(&annotation(level(badge), Some(&member.file), None, &title(badge, &member.path), &text));
    }
    out.into_bytes()
}

fn title(Badge { word, .. }: Badge, of: &str) -> String {
    format!("{word}: {of}")
}

fn level(badge: Badge) -> Level {
    match badge.tone {
        Tone::Bad => Level::Error,
        Tone::Unsure => Level::Warning,
        Tone::Good | Tone::Muted | Tone::Plain => Level::Notice,
    }
}

/// GitHub shows no annotation without a message.
fn said<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let all: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
    if all.is_empty() { "nothing more to say".to_owned() } else { all.join("\n") }
}
