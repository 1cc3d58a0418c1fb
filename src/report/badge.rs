//! The signs and words by which every format shows how something came out.

use super::{Expected, Report, SuiteReport};
use crate::judge::{MemberOutcome, RuleState, Standing, VerdictKind};
use crate::metric::Outcome;

/// How good it is: what a format paints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
    Unsure,
    /// Nothing was tested.
    Muted,
    /// Nothing was asked.
    Plain,
}

/// A sign with its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Badge {
    pub sign: &'static str,
    pub word: &'static str,
    pub tone: Tone,
}

const fn badge(sign: &'static str, word: &'static str, tone: Tone) -> Badge {
    Badge { sign, word, tone }
}

impl Badge {
    pub fn of_run(report: &Report) -> Badge {
        match report.verdict {
            VerdictKind::Passed if report.expectations.iter().all(|own| own.implied) => {
                badge("–", "no verdict", Tone::Plain)
            }
            VerdictKind::Aborted => badge("■", "aborted", Tone::Unsure),
            VerdictKind::Error if report.died.is_empty() && !report.not_torn_down.is_empty() => {
                badge("✘", "teardown failed", Tone::Bad)
            }
            VerdictKind::Error => badge("✘", "could not be run", Tone::Bad),
            verdict => Badge::of_verdict(verdict),
        }
    }

    pub fn of_suite(report: &SuiteReport) -> Badge {
        match report.verdict {
            _ if report.running => badge("…", "still running", Tone::Unsure),
            verdict => Badge::of_verdict(verdict),
        }
    }

    pub fn of_verdict(verdict: VerdictKind) -> Badge {
        match verdict {
            VerdictKind::Passed => Badge::of(Outcome::Held),
            VerdictKind::Failed => Badge::of(Outcome::Failed),
            VerdictKind::Inconclusive => Badge::of(Outcome::Inconclusive),
            VerdictKind::Untrusted => badge("!", "untrusted", Tone::Unsure),
            VerdictKind::Aborted => badge("■", "ended early", Tone::Unsure),
            VerdictKind::Error => badge("✘", "not run whole", Tone::Bad),
        }
    }

    pub fn of(outcome: Outcome) -> Badge {
        match outcome {
            Outcome::Held => badge("✔", "passed", Tone::Good),
            Outcome::Failed => badge("✘", "failed", Tone::Bad),
            Outcome::Inconclusive => badge("?", "inconclusive", Tone::Unsure),
        }
    }

    /// Of an expectation, whose outcome may not be trusted.
    pub fn of_expected(expected: &Expected) -> Badge {
        match expected.standing {
            Standing::InDoubt => badge("!", "untrusted", Tone::Unsure),
            Standing::Stands | Standing::AtLeast => Badge::of(expected.outcome),
        }
    }

    /// Of a condition by which a suite is ready.
    pub fn of_gate(outcome: Outcome) -> Badge {
        match outcome {
            Outcome::Held => Badge { word: "held", ..Badge::of(outcome) },
            Outcome::Failed | Outcome::Inconclusive => Badge::of(outcome),
        }
    }

    pub fn of_member(outcome: MemberOutcome) -> Badge {
        let (sign, tone) = match outcome {
            MemberOutcome::Passed => ("✔", Tone::Good),
            MemberOutcome::Failed | MemberOutcome::FailedInDoubt | MemberOutcome::Aborted | MemberOutcome::Error => {
                ("✘", Tone::Bad)
            }
            MemberOutcome::Inconclusive => ("?", Tone::Unsure),
            MemberOutcome::Untrusted => ("!", Tone::Unsure),
            MemberOutcome::Interrupted => ("■", Tone::Unsure),
            MemberOutcome::NothingExpected | MemberOutcome::Skipped | MemberOutcome::NotRun => ("–", Tone::Muted),
        };
        badge(sign, outcome.word(), tone)
    }

    pub fn of_rule(state: RuleState) -> Badge {
        let (sign, tone) = match state {
            RuleState::Fired => ("✔", Tone::Good),
            RuleState::DidNotFire => ("✘", Tone::Bad),
            RuleState::NotKnown => ("?", Tone::Unsure),
            RuleState::NotTested | RuleState::NeverProvoked | RuleState::CannotBeProvoked => ("–", Tone::Muted),
        };
        badge(sign, state.words(), tone)
    }
}

/// What stands below the verdict.
pub struct Caveat<'r> {
    pub sign: &'static str,
    pub tone: Tone,
    pub text: &'r str,
}

/// What limits the trust, what went wrong, and what makes numbers look better than they are.
pub fn caveats(report: &Report) -> Vec<Caveat<'_>> {
    let limits = report.trust.limits.iter().map(|limit| {
        let is_reason = report.trust.reasons.contains(&limit.text);
        Caveat { sign: if is_reason { "!" } else { "→" }, tone: Tone::Unsure, text: &limit.text }
    });
    let of_loads = |reason: &&String| report.trust.limits.iter().all(|limit| limit.text != **reason);
    let own = |tone: Tone| move |text| Caveat { sign: "!", tone, text: String::as_str(text) };
    limits
        .chain(report.trust.reasons.iter().filter(of_loads).map(own(Tone::Unsure)))
        .chain(report.problems.iter().map(own(Tone::Bad)))
        .chain(report.notes.iter().map(own(Tone::Unsure)))
        .collect()
}
