//! What a suite is worth: from what came of its scenarios to the scores of its areas and of the whole, whether it is ready, and its verdict.

use super::Rank;
use crate::base::units::{counted, short};
use crate::check::program::{Ready, Score};
use crate::metric::Outcome;
use crate::plan::Binary;
use schemars::JsonSchema;
use serde::Serialize;

/// What came of a scenario of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberOutcome {
    Passed,
    Failed,
    /// It failed, and the generator may have made it fail.
    FailedInDoubt,
    Inconclusive,
    Untrusted,
    /// It ended itself, as its file says.
    Aborted,
    /// It could not be run to its end, or has left something behind.
    Error,
    /// It was ended from outside before it was done.
    Interrupted,
    /// It was run, and expects nothing: so nothing was tested.
    NothingExpected,
    /// What it needs is not there.
    Skipped,
    /// The suite ended before it.
    NotRun,
}

/// Between which shares a score lies.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize)]
pub struct ScoreRange {
    pub least: f64,
    pub most: f64,
}

/// How much of a suite was tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Coverage {
    pub tested: usize,
    pub all: usize,
}

/// An area with its scenarios, each by the name that the suite has for it.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'s> {
    pub name: &'s str,
    pub weight: f64,
    pub members: &'s [(String, MemberOutcome)],
}

/// One of the conditions that must all hold for a suite to be ready.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Gate {
    pub text: String,
    #[serde(rename = "verdict")]
    #[schemars(with = "String")]
    pub outcome: Outcome,
    /// What it was judged by.
    pub found: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SuiteVerdict {
    pub rank: Rank,
    /// Why, in one sentence.
    pub reason: Option<String>,
    pub score: ScoreRange,
    /// By area.
    pub areas: Vec<ScoreRange>,
    pub coverage: Coverage,
    pub gates: Vec<Gate>,
    /// Where the suite says when it is.
    pub ready: Option<Outcome>,
}

impl MemberOutcome {
    /// Of a verdict; `expects` is whether somebody wrote down what is expected.
    pub fn of(rank: Rank, expects: bool) -> MemberOutcome {
        match rank {
            Rank::Error => MemberOutcome::Error,
            Rank::Aborted => MemberOutcome::Aborted,
            Rank::Interrupted => MemberOutcome::Interrupted,
            Rank::Failed => MemberOutcome::Failed,
            Rank::Untrusted => MemberOutcome::Untrusted,
            Rank::FailedInDoubt => MemberOutcome::FailedInDoubt,
            Rank::Inconclusive | Rank::Passed if !expects => MemberOutcome::NothingExpected,
            Rank::Inconclusive => MemberOutcome::Inconclusive,
            Rank::Passed => MemberOutcome::Passed,
        }
    }

    /// It was run to an end that says something of what was tested. The others count as not tested: nothing, whatever they
    /// would have shown.
    pub fn is_tested(self) -> bool {
        match self {
            MemberOutcome::Passed
            | MemberOutcome::Failed
            | MemberOutcome::FailedInDoubt
            | MemberOutcome::Inconclusive
            | MemberOutcome::Untrusted
            | MemberOutcome::Aborted => true,
            MemberOutcome::Error
            | MemberOutcome::Interrupted
            | MemberOutcome::NothingExpected
            | MemberOutcome::Skipped
            | MemberOutcome::NotRun => false,
        }
    }

    /// How much of it counts: what did not pass counts nothing, and what is open may be either.
    pub fn counts(self) -> ScoreRange {
        match self {
            MemberOutcome::Passed => ScoreRange::ALL,
            MemberOutcome::Inconclusive | MemberOutcome::Untrusted => ScoreRange::OPEN,
            MemberOutcome::Failed
            | MemberOutcome::FailedInDoubt
            | MemberOutcome::Aborted
            | MemberOutcome::Error
            | MemberOutcome::Interrupted
            | MemberOutcome::NothingExpected
            | MemberOutcome::Skipped
            | MemberOutcome::NotRun => ScoreRange::NOTHING,
        }
    }

    /// As a person reads it.
    pub fn word(self) -> &'static str {
        match self {
            MemberOutcome::Passed => "passed",
            MemberOutcome::Failed | MemberOutcome::FailedInDoubt => "failed",
            MemberOutcome::Inconclusive => "inconclusive",
            MemberOutcome::Untrusted => "untrusted",
            MemberOutcome::Aborted => "aborted",
            MemberOutcome::Error => "could not be run",
            MemberOutcome::Interrupted => "interrupted",
            MemberOutcome::NothingExpected => "nothing expected",
            MemberOutcome::Skipped => "skipped",
            MemberOutcome::NotRun => "not run",
        }
    }

    /// What it makes of a suite that does not say when it is ready. An `abort` of a scenario ends that alone: for the suite it
    /// has failed.
    fn rank(self) -> Rank {
        match self {
            MemberOutcome::Passed => Rank::Passed,
            MemberOutcome::Failed | MemberOutcome::Aborted => Rank::Failed,
            MemberOutcome::FailedInDoubt => Rank::FailedInDoubt,
            MemberOutcome::Untrusted => Rank::Untrusted,
            MemberOutcome::Error => Rank::Error,
            MemberOutcome::Interrupted | MemberOutcome::NotRun => Rank::Interrupted,
            MemberOutcome::Inconclusive | MemberOutcome::NothingExpected | MemberOutcome::Skipped => Rank::Inconclusive,
        }
    }
}

impl ScoreRange {
    const ALL: ScoreRange = ScoreRange { least: 1.0, most: 1.0 };
    const NOTHING: ScoreRange = ScoreRange { least: 0.0, most: 0.0 };
    const OPEN: ScoreRange = ScoreRange { least: 0.0, most: 1.0 };

    /// The mean of some by their weights; nothing of none.
    fn mean(all: impl IntoIterator<Item = (f64, ScoreRange)>) -> ScoreRange {
        let (mut weights, mut least, mut most) = (0.0, 0.0, 0.0);
        for (weight, range) in all {
            weights += weight;
            least += weight * range.least;
            most += weight * range.most;
        }
        match weights > 0.0 {
            true => ScoreRange { least: least / weights, most: most / weights },
            false => ScoreRange::NOTHING,
        }
    }

    fn exactly(self) -> ScoreRange {
        ScoreRange { least: exact(self.least), most: exact(self.most) }
    }

    /// Whether it is so of all of it, of none of it, or nobody knows.
    fn compared(self, operator: Binary, bound: f64) -> Outcome {
        let (ScoreRange { least, most }, bound) = (self.exactly(), exact(bound));
        let decided = |holds: bool, fails: bool| match (holds, fails) {
            (true, _) => Outcome::Held,
            (false, true) => Outcome::Failed,
            (false, false) => Outcome::Inconclusive,
        };
        match operator {
            Binary::GreaterEqual => decided(least >= bound, most < bound),
            Binary::Greater => decided(least > bound, most <= bound),
            Binary::LessEqual => decided(most <= bound, least > bound),
            Binary::Less => decided(most < bound, least >= bound),
            Binary::Equal => decided(least == bound && most == bound, least > bound || most < bound),
            Binary::NotEqual => decided(least > bound || most < bound, least == bound && most == bound),
            Binary::Or
            | Binary::And
            | Binary::In
            | Binary::Contains
            | Binary::StartsWith
            | Binary::EndsWith
            | Binary::Matches
            | Binary::Range
            | Binary::Add
            | Binary::Subtract
            | Binary::Multiply
            | Binary::Divide => Outcome::Inconclusive,
        }
    }
}

/// `84.9%`, or `80–90%`. Never rounded up to a bound that it does not reach.
impl std::fmt::Display for ScoreRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tenths = |share: f64| exact(share * 1_000.0);
        let (least, most) = (tenths(self.least).floor() / 10.0, tenths(self.most).ceil() / 10.0);
        match self.least == self.most {
            true => write!(f, "{}%", short(least)),
            false => write!(f, "{}–{}%", short(least), short(most)),
        }
    }
}

/// Without what sums of shares such as 0.1 and 0.2 are off, so that a score meets a bound which it reaches.
fn exact(share: f64) -> f64 {
    (share * 1e9).round() / 1e9
}

/// What counts for what was not tested.
#[derive(Clone, Copy)]
enum Untested {
    /// Nothing, as in a score.
    Fails,
    /// Nobody knows.
    IsOpen,
}

impl Untested {
    fn counts(self, outcome: MemberOutcome) -> ScoreRange {
        match self {
            Untested::IsOpen if !outcome.is_tested() => ScoreRange::OPEN,
            Untested::IsOpen | Untested::Fails => outcome.counts(),
        }
    }
}

fn area(scored: &Scored<'_>, untested: Untested) -> ScoreRange {
    ScoreRange::mean(scored.members.iter().map(|(_, outcome)| (1.0, untested.counts(*outcome))))
}

fn whole(areas: &[Scored<'_>], untested: Untested) -> ScoreRange {
    ScoreRange::mean(areas.iter().map(|own| (own.weight, area(own, untested))))
}

fn score(areas: &[Scored<'_>], of: &Score, untested: Untested) -> ScoreRange {
    match of {
        Score::Whole => whole(areas, untested),
        Score::Area(name) => {
            areas.iter().find(|area| area.name == name).map_or(ScoreRange::NOTHING, |own| area(own, untested))
        }
    }
}

fn outcome_of(areas: &[Scored<'_>], path: &str) -> MemberOutcome {
    let all = areas.iter().flat_map(|area| area.members);
    all.into_iter().find(|(own, _)| own == path).map_or(MemberOutcome::NotRun, |(_, outcome)| *outcome)
}

fn holds(areas: &[Scored<'_>], ready: &Ready, untested: Untested) -> Outcome {
    match ready {
        Ready::Score { of, operator, bound } => score(areas, of, untested).compared(*operator, *bound),
        Ready::Passed(path) => untested.counts(outcome_of(areas, path)).compared(Binary::GreaterEqual, 1.0),
        Ready::Not(inner) => match holds(areas, inner, untested) {
            Outcome::Held => Outcome::Failed,
            Outcome::Failed => Outcome::Held,
            Outcome::Inconclusive => Outcome::Inconclusive,
        },
        Ready::And(left, right) => joined([left, right].map(|side| holds(areas, side, untested)), Outcome::Failed),
        Ready::Or(left, right) => joined([left, right].map(|side| holds(areas, side, untested)), Outcome::Held),
    }
}

/// One that decides is enough; an open one leaves the whole open.
fn joined(sides: [Outcome; 2], decides: Outcome) -> Outcome {
    if sides.contains(&decides) {
        decides
    } else if sides.contains(&Outcome::Inconclusive) {
        Outcome::Inconclusive
    } else {
        sides[0]
    }
}

/// What was not tested never makes a condition hold, neither by counting nothing nor by what it would have counted; it does
/// make one fail that needs it.
fn judged(areas: &[Scored<'_>], ready: &Ready) -> Outcome {
    match holds(areas, ready, Untested::IsOpen) {
        Outcome::Inconclusive => match holds(areas, ready, Untested::Fails) {
            Outcome::Failed => Outcome::Failed,
            Outcome::Held | Outcome::Inconclusive => Outcome::Inconclusive,
        },
        decided => decided,
    }
}

/// The conditions of which all must hold.
fn gates(areas: &[Scored<'_>], ready: &Ready, out: &mut Vec<Gate>) {
    if let Ready::And(left, right) = ready {
        gates(areas, left, out);
        gates(areas, right, out);
        return;
    }
    let mut found = Vec::new();
    told(areas, ready, true, &mut found);
    out.push(Gate { text: ready.to_string(), outcome: judged(areas, ready), found: found.join(", ") });
}

/// What a condition is judged by; a name stands before it where there is more than one thing.
fn told(areas: &[Scored<'_>], ready: &Ready, alone: bool, out: &mut Vec<String>) {
    let named = |name: &str, value: String| if alone { value } else { format!("{name} {value}") };
    match ready {
        Ready::Score { of, .. } => {
            let name = match of {
                Score::Whole => Score::WHOLE,
                Score::Area(name) => name,
            };
            out.push(named(name, score(areas, of, Untested::Fails).to_string()));
        }
        Ready::Passed(path) => out.push(named(path, outcome_of(areas, path).word().to_owned())),
        Ready::Not(inner) => told(areas, inner, alone, out),
        Ready::And(left, right) | Ready::Or(left, right) => {
            told(areas, left, false, out);
            told(areas, right, false, out);
        }
    }
}

/// Judges a suite by what came of its scenarios.
pub fn suite(areas: &[Scored<'_>], ready: Option<&Ready>) -> SuiteVerdict {
    let outcomes: Vec<MemberOutcome> =
        areas.iter().flat_map(|area| area.members).map(|(_, outcome)| *outcome).collect();
    let coverage =
        Coverage { tested: outcomes.iter().filter(|outcome| outcome.is_tested()).count(), all: outcomes.len() };
    let mut found = Vec::new();
    if let Some(ready) = ready {
        gates(areas, ready, &mut found);
    }
    let is_ready = ready.map(|ready| judged(areas, ready));
    let rank = rank(&outcomes, is_ready);
    SuiteVerdict {
        rank,
        reason: reason(rank, &outcomes, (is_ready, &found)),
        score: whole(areas, Untested::Fails).exactly(),
        areas: areas.iter().map(|own| area(own, Untested::Fails).exactly()).collect(),
        coverage,
        gates: found,
        ready: is_ready,
    }
}

/// A suite that says when it is ready has passed when it is. What could not be run, and what was not waited for, counts before that.
fn rank(outcomes: &[MemberOutcome], ready: Option<Outcome>) -> Rank {
    let of_members = || outcomes.iter().map(|outcome| outcome.rank());
    let Some(ready) = ready else { return Rank::combined(of_members()) };
    let own = match ready {
        Outcome::Held => Rank::Passed,
        Outcome::Failed => Rank::Failed,
        // It is open for want of trust where something is open for that.
        Outcome::Inconclusive => {
            Rank::combined(of_members().filter(|rank| *rank == Rank::Untrusted).chain([Rank::Inconclusive]))
        }
    };
    let before = |rank: &Rank| matches!(rank, Rank::Error | Rank::Aborted | Rank::Interrupted);
    Rank::combined(of_members().filter(before).chain([own]))
}

fn reason(rank: Rank, outcomes: &[MemberOutcome], (ready, gates): (Option<Outcome>, &[Gate])) -> Option<String> {
    let count = |wanted: &[MemberOutcome]| outcomes.iter().filter(|outcome| wanted.contains(outcome)).count();
    let share = |wanted: &[MemberOutcome], verb: [&str; 2], what: &str| {
        let own = count(wanted);
        let verb = verb[usize::from(own != 1)];
        (own > 0).then(|| format!("{own} of {} {verb} {what}", counted(outcomes.len() as u64, "scenario")))
    };
    let is = ["is", "are"];
    let of_gates = |wanted: Outcome, one: &str, several: &str| {
        let which: Vec<String> =
            gates.iter().filter(|gate| gate.outcome == wanted).map(|gate| format!("`{}`", gate.text)).collect();
        let does = if which.len() == 1 { one } else { several };
        format!("{} {does}", which.join(" and "))
    };
    match (rank, ready) {
        (Rank::Error, _) => share(&[MemberOutcome::Error], ["could", "could"], "not be run"),
        (Rank::Aborted | Rank::Interrupted, _) => {
            let left = [MemberOutcome::Interrupted, MemberOutcome::NotRun];
            share(&left, ["has", "have"], "no verdict because the suite ended early")
        }
        (_, Some(Outcome::Held)) => {
            let failed = [MemberOutcome::Failed, MemberOutcome::FailedInDoubt, MemberOutcome::Aborted];
            share(&failed, ["has", "have"], "failed").map(|failed| format!("ready, although {failed}"))
        }
        (_, Some(Outcome::Failed)) => {
            Some(format!("not ready: {}", of_gates(Outcome::Failed, "does not hold", "do not hold")))
        }
        (_, Some(Outcome::Inconclusive)) => {
            let open = of_gates(Outcome::Inconclusive, "is", "are");
            Some(format!("whether it is ready is open: {open} inconclusive"))
        }
        (Rank::Failed | Rank::FailedInDoubt, None) => share(
            &[MemberOutcome::Failed, MemberOutcome::FailedInDoubt, MemberOutcome::Aborted],
            ["has", "have"],
            "failed",
        ),
        (Rank::Untrusted, None) => share(&[MemberOutcome::Untrusted], is, "not trusted"),
        (Rank::Inconclusive, None) => {
            let untested = [MemberOutcome::Skipped, MemberOutcome::NothingExpected];
            let open = share(&[MemberOutcome::Inconclusive], is, "inconclusive");
            let left = share(&untested, ["was", "were"], "not tested");
            let both: Vec<String> = open.into_iter().chain(left).collect();
            (!both.is_empty()).then(|| both.join(", "))
        }
        (Rank::Passed, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        suite(&scored, ready)
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
            (
                &[Failed, Interrupted, NotRun],
                130,
                Some("2 of 3 scenarios have no verdict because the suite ended early"),
            ),
            (&[Interrupted, Error], 3, Some("1 of 2 scenarios could not be run")),
        ] {
            let judged = judge(&[(1.0, members)], None);
            assert_eq!((judged.rank.exit_code(), judged.reason.as_deref()), (code, reason), "{members:?}");
            assert!(judged.gates.is_empty() && judged.ready.is_none());
        }
    }
}
