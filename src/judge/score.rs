//! What a suite is worth: from what came of its scenarios to the scores of its areas and of the whole, whether it is ready, and its verdict.

use super::Rank;
use super::rules_seen::{MemberAlerts, RuleSeen, RuleState, rules_seen};
use crate::base::units::{counted, short};
use crate::check::program::{Ready, RuleCoverage, Score};
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

/// What came of a suite.
#[derive(Debug, Clone, Copy)]
pub struct Came<'s> {
    pub areas: &'s [Scored<'s>],
    pub alerts: &'s [MemberAlerts],
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
    pub(super) const ALL: ScoreRange = ScoreRange { least: 1.0, most: 1.0 };
    pub(super) const NOTHING: ScoreRange = ScoreRange { least: 0.0, most: 0.0 };
    pub(super) const OPEN: ScoreRange = ScoreRange { least: 0.0, most: 1.0 };

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

fn score(came: Came<'_>, of: &Score, untested: Untested) -> ScoreRange {
    match of {
        Score::Whole => whole(came.areas, untested),
        Score::Area(name) => {
            came.areas.iter().find(|area| area.name == name).map_or(ScoreRange::NOTHING, |own| area(own, untested))
        }
    }
}

/// The share of rules that were seen to fire.
fn rules(came: Came<'_>, of: &RuleCoverage, untested: Untested) -> ScoreRange {
    let counts = |state: RuleState| match (state, untested) {
        (RuleState::NotTested, Untested::IsOpen) => ScoreRange::OPEN,
        _ => state.counts(),
    };
    ScoreRange::mean(rules_seen(of, came.alerts).into_iter().map(|own| (1.0, counts(own.state))))
}

/// Between which shares the coverage of rules lies, as a score does.
pub fn rule_share(seen: &[RuleSeen]) -> ScoreRange {
    ScoreRange::mean(seen.iter().map(|own| (1.0, own.state.counts()))).exactly()
}

fn outcome_of(came: Came<'_>, path: &str) -> MemberOutcome {
    let all = came.areas.iter().flat_map(|area| area.members);
    all.into_iter().find(|(own, _)| own == path).map_or(MemberOutcome::NotRun, |(_, outcome)| *outcome)
}

fn holds(came: Came<'_>, ready: &Ready, untested: Untested) -> Outcome {
    match ready {
        Ready::Score { of, operator, bound } => score(came, of, untested).compared(*operator, *bound),
        Ready::Rules { of, operator, bound } => rules(came, of, untested).compared(*operator, *bound),
        Ready::Passed(path) => untested.counts(outcome_of(came, path)).compared(Binary::GreaterEqual, 1.0),
        Ready::Not(inner) => match holds(came, inner, untested) {
            Outcome::Held => Outcome::Failed,
            Outcome::Failed => Outcome::Held,
            Outcome::Inconclusive => Outcome::Inconclusive,
        },
        Ready::And(left, right) => joined([left, right].map(|side| holds(came, side, untested)), Outcome::Failed),
        Ready::Or(left, right) => joined([left, right].map(|side| holds(came, side, untested)), Outcome::Held),
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
fn judged(came: Came<'_>, ready: &Ready) -> Outcome {
    match holds(came, ready, Untested::IsOpen) {
        Outcome::Inconclusive => match holds(came, ready, Untested::Fails) {
            Outcome::Failed => Outcome::Failed,
            Outcome::Held | Outcome::Inconclusive => Outcome::Inconclusive,
        },
        decided => decided,
    }
}

/// The conditions of which all must hold.
fn gates(came: Came<'_>, ready: &Ready, out: &mut Vec<Gate>) {
    if let Ready::And(left, right) = ready {
        gates(came, left, out);
        gates(came, right, out);
        return;
    }
    let mut found = Vec::new();
    told(came, ready, true, &mut found);
    out.push(Gate { text: ready.to_string(), outcome: judged(came, ready), found: found.join(", ") });
}

/// What a condition is judged by; a name stands before it where there is more than one thing.
fn told(came: Came<'_>, ready: &Ready, alone: bool, out: &mut Vec<String>) {
    let named = |name: &str, value: String| if alone { value } else { format!("{name} {value}") };
    match ready {
        Ready::Score { of, .. } => {
            let name = match of {
                Score::Whole => Score::WHOLE,
                Score::Area(name) => name,
            };
            out.push(named(name, score(came, of, Untested::Fails).to_string()));
        }
        Ready::Rules { of, .. } => {
            let all = rules_seen(of, came.alerts);
            let fired = all.iter().filter(|own| own.state == RuleState::Fired).count();
            let share = rules(came, of, Untested::Fails);
            out.push(format!("{share}, {fired} of {} fired", counted(all.len() as u64, "alerting rule")));
        }
        Ready::Passed(path) => out.push(named(path, outcome_of(came, path).word().to_owned())),
        Ready::Not(inner) => told(came, inner, alone, out),
        Ready::And(left, right) | Ready::Or(left, right) => {
            told(came, left, false, out);
            told(came, right, false, out);
        }
    }
}

/// Judges a suite by what came of its scenarios.
pub fn suite(came: Came<'_>, ready: Option<&Ready>) -> SuiteVerdict {
    let areas = came.areas;
    let outcomes: Vec<MemberOutcome> =
        areas.iter().flat_map(|area| area.members).map(|(_, outcome)| *outcome).collect();
    let coverage =
        Coverage { tested: outcomes.iter().filter(|outcome| outcome.is_tested()).count(), all: outcomes.len() };
    let mut found = Vec::new();
    if let Some(ready) = ready {
        gates(came, ready, &mut found);
    }
    let is_ready = ready.map(|ready| judged(came, ready));
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
mod tests;
