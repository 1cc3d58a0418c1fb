//! What a suite is worth by each kind of outcome, and when it is ready.

use super::super::rules_seen::AlertSeen;
use super::*;
use crate::check::inputs::Rule;
use crate::plan::ExpectedAlert;
use MemberOutcome::{
    Aborted, Error, Failed, FailedInDoubt, Inconclusive, Interrupted, NotRun, NothingExpected, Passed, Skipped,
    Untrusted,
};

const EVERY: [MemberOutcome; 11] = [
    Passed,
    Failed,
    FailedInDoubt,
    Inconclusive,
    Untrusted,
    Aborted,
    Error,
    Interrupted,
    NothingExpected,
    Skipped,
    NotRun,
];

/// Areas `a`, `b`, … with scenarios `a0`, `a1`, …
fn judge(areas: &[(f64, &[MemberOutcome])], ready: Option<&Ready>) -> SuiteVerdict {
    let names = ["a", "b", "c"];
    let members: Vec<Vec<(String, MemberOutcome)>> = areas
        .iter()
        .zip(names)
        .map(|((_, own), name)| own.iter().enumerate().map(|(n, own)| (format!("{name}{n}"), *own)).collect())
        .collect();
    let scored: Vec<Scored<'_>> = areas
        .iter()
        .zip(names)
        .zip(&members)
        .map(|(((weight, _), name), members)| Scored { name, weight: *weight, members })
        .collect();
    suite(Came { areas: &scored, alerts: &[] }, ready)
}

fn bound(of: &str, operator: Binary, bound: f64) -> Ready {
    Ready::Score { of: Score::of(of), operator, bound }
}

fn least(of: &str, share: f64) -> Ready {
    bound(of, Binary::GreaterEqual, share)
}

fn passed(path: &str) -> Ready {
    Ready::Passed(path.to_owned())
}

fn and(left: Ready, right: Ready) -> Ready {
    Ready::And(Box::new(left), Box::new(right))
}

fn not(inner: Ready) -> Ready {
    Ready::Not(Box::new(inner))
}

#[test]
fn the_score_of_a_suite_with_every_kind_of_outcome_is_an_interval() {
    // One of eleven has passed, and two more may have.
    let all = judge(&[(1.0, &EVERY)], None);
    let share = |n: f64| exact(n / 11.0);
    assert_eq!(all.score, ScoreRange { least: share(1.0), most: share(3.0) });
    assert_eq!(all.coverage, Coverage { tested: 6, all: 11 });
    assert_eq!(all.score.to_string(), "9–27.3%");
    // By weights: 0.5 · 1/3..2/3 + 0.3 · 0 + 0.2 · 1.
    let areas: [(f64, &[MemberOutcome]); 3] =
        [(0.5, &[Passed, Failed, Untrusted]), (0.3, &[Skipped, Error, NotRun]), (0.2, &[Passed])];
    let weighted = judge(&areas, None);
    assert_eq!(weighted.score, ScoreRange { least: exact(0.5 / 3.0 + 0.2), most: exact(1.0 / 3.0 + 0.2) });
    assert_eq!(weighted.areas[1], ScoreRange::NOTHING, "what was not tested is not dropped");
    assert_eq!(weighted.coverage, Coverage { tested: 4, all: 7 });
}

/// What each outcome makes of an area by itself, of a suite of it alone, and of `passed` and its contrary.
#[test]
fn no_outcome_but_one_that_passed_is_a_pass() {
    use Outcome as O;
    let table = [
        (Passed, (1.0, 1.0), 0, O::Held, O::Failed),
        (Failed, (0.0, 0.0), 1, O::Failed, O::Held),
        (FailedInDoubt, (0.0, 0.0), 1, O::Failed, O::Held),
        (Inconclusive, (0.0, 1.0), 4, O::Inconclusive, O::Inconclusive),
        (Untrusted, (0.0, 1.0), 5, O::Inconclusive, O::Inconclusive),
        (Aborted, (0.0, 0.0), 1, O::Failed, O::Held),
        (Error, (0.0, 0.0), 3, O::Failed, O::Inconclusive),
        (Interrupted, (0.0, 0.0), 130, O::Failed, O::Inconclusive),
        (NothingExpected, (0.0, 0.0), 4, O::Failed, O::Inconclusive),
        (Skipped, (0.0, 0.0), 4, O::Failed, O::Inconclusive),
        (NotRun, (0.0, 0.0), 130, O::Failed, O::Inconclusive),
    ];
    assert_eq!(table.map(|row| row.0), EVERY);
    for (outcome, (from, to), code, held, contrary) in table {
        let alone = judge(&[(1.0, &[outcome])], None);
        assert_eq!(alone.score, ScoreRange { least: from, most: to }, "{outcome:?}");
        assert_eq!(alone.rank.exit_code(), code, "{outcome:?}");
        assert_eq!(judge(&[(1.0, &[outcome])], Some(&passed("a0"))).ready, Some(held), "{outcome:?}");
        assert_eq!(judge(&[(1.0, &[outcome])], Some(&not(passed("a0")))).ready, Some(contrary), "{outcome:?}");
        let (below, no_more) = (bound("a", Binary::Less, 0.5), bound("score", Binary::LessEqual, 0.0));
        for low in [below, no_more] {
            assert_eq!(judge(&[(1.0, &[outcome])], Some(&low)).ready, Some(contrary), "{outcome:?}");
        }
        // A verdict of the run becomes an outcome, and that has the exit code which the run had alone.
        if outcome.is_tested() {
            assert_eq!(MemberOutcome::of(outcome.rank(), true).counts(), outcome.counts());
        }
    }
    assert_eq!(MemberOutcome::of(Rank::Passed, false), NothingExpected);
    assert_eq!(judge(&[(1.0, &[])], None).rank, Rank::Inconclusive, "a suite of nothing has shown nothing");
}

#[test]
fn ready_needs_the_lower_end_and_fails_by_the_upper() {
    // 50–75%.
    let areas: [(f64, &[MemberOutcome]); 1] = [(1.0, &[Passed, Passed, Failed, Inconclusive])];
    let of = |ready: Ready| judge(&areas, Some(&ready)).ready.unwrap();
    use Outcome::{Failed as No, Held, Inconclusive as Open};
    for (operator, at, expected) in [
        (Binary::GreaterEqual, 0.5, Held),
        (Binary::GreaterEqual, 0.51, Open),
        (Binary::GreaterEqual, 0.75, Open),
        (Binary::GreaterEqual, 0.76, No),
        (Binary::Greater, 0.49, Held),
        (Binary::Greater, 0.5, Open),
        (Binary::Greater, 0.75, No),
        (Binary::LessEqual, 0.75, Held),
        (Binary::LessEqual, 0.6, Open),
        (Binary::LessEqual, 0.49, No),
        (Binary::Less, 0.76, Held),
        (Binary::Less, 0.75, Open),
        (Binary::Less, 0.5, No),
        (Binary::Equal, 0.6, Open),
        (Binary::Equal, 0.8, No),
        (Binary::NotEqual, 0.8, Held),
        (Binary::NotEqual, 0.6, Open),
    ] {
        assert_eq!(of(bound("score", operator, at)), expected, "{operator:?} {at}");
    }
    let or = |left, right| Ready::Or(Box::new(left), Box::new(right));
    assert_eq!(of(and(passed("a0"), passed("a3"))), Open);
    assert_eq!(of(and(passed("a2"), passed("a3"))), No);
    assert_eq!(of(or(passed("a0"), passed("a3"))), Held);
    assert_eq!(of(or(passed("a2"), passed("a3"))), Open);
    assert_eq!(of(or(passed("a2"), not(passed("a2")))), Held);
}

#[test]
fn shares_that_add_up_to_a_bound_reach_it() {
    // 0.1 + 0.2 is more than 0.3, and 0.7 · 0.1 · 10 less than 0.7, for a processor.
    let areas: [(f64, &[MemberOutcome]); 3] = [(0.1, &[Passed]), (0.2, &[Passed]), (0.7, &[Failed])];
    for operator in [Binary::GreaterEqual, Binary::LessEqual, Binary::Equal] {
        let judged = judge(&areas, Some(&bound("score", operator, 0.3)));
        assert_eq!(judged.ready, Some(Outcome::Held), "{operator:?}");
    }
    let close = ScoreRange { least: 0.849_99, most: 0.849_99 };
    assert_eq!(close.to_string(), "84.9%", "not 85%, which it does not reach");
    assert_eq!(ScoreRange { least: 0.8, most: 1.0 }.to_string(), "80–100%");
}

#[test]
fn a_suite_that_says_when_it_is_ready_passes_when_it_is_and_by_nothing_else() {
    let half: [(f64, &[MemberOutcome]); 1] = [(1.0, &[Passed, Failed])];
    let ready = judge(&half, Some(&least("score", 0.5)));
    assert_eq!((ready.rank, ready.rank.exit_code()), (Rank::Passed, 0));
    assert_eq!(ready.reason.as_deref(), Some("ready, although 1 of 2 scenarios has failed"));
    let both = judge(&half, Some(&and(least("score", 0.5), and(least("a", 0.9), passed("a1")))));
    assert_eq!(both.rank, Rank::Failed);
    assert_eq!(both.reason.as_deref(), Some("not ready: `a >= 90%` and `passed(a1)` do not hold"));
    let told: Vec<(&str, Outcome, &str)> =
        both.gates.iter().map(|gate| (gate.text.as_str(), gate.outcome, gate.found.as_str())).collect();
    assert_eq!(
        told,
        [
            ("score >= 50%", Outcome::Held, "50%"),
            ("a >= 90%", Outcome::Failed, "50%"),
            ("passed(a1)", Outcome::Failed, "failed"),
        ]
    );
    // What is open may be open for want of trust; what could not be run counts before either.
    for (other, code) in [(Inconclusive, 4), (Untrusted, 5), (Error, 3), (NotRun, 130), (Skipped, 1)] {
        let judged = judge(&[(1.0, &[Passed, other])], Some(&least("score", 0.9)));
        assert_eq!(judged.rank.exit_code(), code, "{other:?}: {:?}", judged.reason);
    }
    // A gate that nothing of it touches holds all the same, and yet the suite was not run to its end.
    let judged = judge(&[(1.0, &[Passed, Error])], Some(&passed("a0")));
    assert_eq!((judged.ready, judged.rank), (Some(Outcome::Held), Rank::Error));
    assert_eq!(judged.reason.as_deref(), Some("1 of 2 scenarios could not be run"));
    let judged = judge(&[(1.0, &[Passed, Skipped])], Some(&passed("a0")));
    assert_eq!((judged.ready, judged.rank), (Some(Outcome::Held), Rank::Passed));
}

#[test]
fn without_that_it_is_combined_of_its_scenarios() {
    for (members, code, reason) in [
        (&[Passed, Passed][..], 0, None),
        (&[Passed, Skipped], 4, Some("1 of 2 scenarios was not tested")),
        (&[Inconclusive, Skipped], 4, Some("1 of 2 scenarios is inconclusive, 1 of 2 scenarios was not tested")),
        (&[Failed, Untrusted, FailedInDoubt], 1, Some("2 of 3 scenarios have failed")),
        (&[FailedInDoubt, Untrusted], 5, Some("1 of 2 scenarios is not trusted")),
        (&[FailedInDoubt, Inconclusive], 1, Some("1 of 2 scenarios has failed")),
        (&[Aborted, Untrusted], 1, Some("1 of 2 scenarios has failed")),
        (&[Failed, Interrupted, NotRun], 130, Some("2 of 3 scenarios have no verdict because the suite ended early")),
        (&[Interrupted, Error], 3, Some("1 of 2 scenarios could not be run")),
    ] {
        let judged = judge(&[(1.0, members)], None);
        assert_eq!((judged.rank.exit_code(), judged.reason.as_deref()), (code, reason), "{members:?}");
        assert!(judged.gates.is_empty() && judged.ready.is_none());
    }
}

/// Rules `r0`, `r1`, … by what one scenario saw of each; None where nothing expects it.
fn by_rules(seen: &[Option<Option<Outcome>>], operator: Binary, bound: f64) -> Gate {
    let rule = |n: usize| Rule { alert: format!("r{n}"), expr: "up == 0".to_owned(), ..Rule::default() };
    let rules: Vec<Rule> = (0..seen.len()).map(rule).collect();
    let of = RuleCoverage { file: "r.yml".to_owned(), labels: Vec::new(), rules };
    let alert = |n: usize| ExpectedAlert { name: format!("r{n}"), labels: Vec::new() };
    let expected = seen.iter().enumerate();
    let alerts = expected.filter_map(|(n, own)| own.map(|outcome| AlertSeen { alert: alert(n), outcome })).collect();
    let alerts = [MemberAlerts { path: "a0".to_owned(), alerts }];
    let members = [("a0".to_owned(), Passed)];
    let areas = [Scored { name: "a", weight: 1.0, members: &members }];
    let ready = Ready::Rules { of: Box::new(of), operator, bound };
    suite(Came { areas: &areas, alerts: &alerts }, Some(&ready)).gates.remove(0)
}

#[test]
fn the_coverage_of_rules_is_three_valued_as_the_score_is() {
    let (held, failed, open) =
        (Some(Some(Outcome::Held)), Some(Some(Outcome::Failed)), Some(Some(Outcome::Inconclusive)));
    let (not_tested, never) = (Some(None), None);
    let at_least = |seen: &[Option<Option<Outcome>>], bound| by_rules(seen, Binary::GreaterEqual, bound);
    // The exemplar: two of three.
    let gate = at_least(&[held, held, never], 0.6);
    assert_eq!((gate.outcome, gate.found.as_str()), (Outcome::Held, "66.6%, 2 of 3 alerting rules fired"));
    assert_eq!(at_least(&[held, held, never], 0.7).outcome, Outcome::Failed);
    assert_eq!(at_least(&[held, failed, never], 0.6).outcome, Outcome::Failed);
    let gate = at_least(&[held, open, never], 0.6);
    assert_eq!((gate.outcome, gate.found.as_str()), (Outcome::Inconclusive, "33.3–66.7%, 1 of 3 alerting rules fired"));
    assert_eq!(at_least(&[held, open, open], 0.3).outcome, Outcome::Held);
    // What was not tested makes fail what needs it, and makes nothing hold.
    assert_eq!(at_least(&[held, not_tested, never], 0.6).outcome, Outcome::Failed);
    assert_eq!(by_rules(&[held, not_tested, never], Binary::Less, 0.5).outcome, Outcome::Inconclusive);
    assert_eq!(by_rules(&[held, failed, never], Binary::Less, 0.5).outcome, Outcome::Held);
    // A file without such rules covers nothing.
    assert_eq!(at_least(&[], 0.1).outcome, Outcome::Failed);
}
