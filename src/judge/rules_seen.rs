//! Which alerting rules the runs of a suite have seen fire: three-valued, as the score is.

use super::{MemberOutcome, ScoreRange};
use crate::base::promql::{self, Constancy};
use crate::check::inputs::Rule;
use crate::check::program::RuleCoverage;
use crate::metric::Outcome;
use crate::plan::ExpectedAlert;
use schemars::JsonSchema;
use serde::Serialize;

/// An alert that a scenario of a suite expects to fire, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertSeen {
    pub alert: ExpectedAlert,
    /// None where the scenario was not tested.
    pub outcome: Option<Outcome>,
}

/// The alerts of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberAlerts {
    /// As the suite names it.
    pub path: String,
    pub alerts: Vec<AlertSeen>,
}

/// What is known of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleState {
    /// It fired when it should.
    Fired,
    /// It was expected and did not fire in time.
    DidNotFire,
    /// Whether it fired is open.
    NotKnown,
    /// The scenarios that expect it were not run to their end.
    NotTested,
    /// No expectation of the suite names it.
    NeverProvoked,
    /// No failure can make it fire.
    CannotBeProvoked,
}

/// A rule, and what the suite has seen of it.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct RuleSeen {
    pub alert: String,
    pub group: String,
    /// Where it stands in its file.
    pub line: u64,
    pub labels: Vec<(String, String)>,
    pub state: RuleState,
    /// The scenarios that expect it to fire.
    pub scenarios: Vec<String>,
    /// Why its state is not that it fired, where there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl AlertSeen {
    /// What of an outcome counts for the suite, by what came of its scenario.
    pub fn of(alert: ExpectedAlert, outcome: Outcome, member: MemberOutcome) -> AlertSeen {
        let outcome = match member {
            own if !own.is_tested() => None,
            MemberOutcome::Untrusted => Some(Outcome::Inconclusive),
            // The generator may have made it fail.
            MemberOutcome::FailedInDoubt if outcome == Outcome::Failed => Some(Outcome::Inconclusive),
            MemberOutcome::Passed
            | MemberOutcome::Failed
            | MemberOutcome::FailedInDoubt
            | MemberOutcome::Inconclusive
            | MemberOutcome::Aborted
            | MemberOutcome::Error
            | MemberOutcome::Interrupted
            | MemberOutcome::NothingExpected
            | MemberOutcome::Skipped
            | MemberOutcome::NotRun => Some(outcome),
        };
        AlertSeen { alert, outcome }
    }
}

impl RuleState {
    /// How much of it counts in the coverage.
    pub fn counts(self) -> ScoreRange {
        match self {
            RuleState::Fired => ScoreRange::ALL,
            RuleState::NotKnown => ScoreRange::OPEN,
            RuleState::DidNotFire | RuleState::NotTested | RuleState::NeverProvoked | RuleState::CannotBeProvoked => {
                ScoreRange::NOTHING
            }
        }
    }

    /// As a person reads it.
    pub fn words(self) -> &'static str {
        match self {
            RuleState::Fired => "fired in time",
            RuleState::DidNotFire => "expected, did not fire in time",
            RuleState::NotKnown => "expected, not known whether it fired",
            RuleState::NotTested => "expected, not tested",
            RuleState::NeverProvoked => "never provoked",
            RuleState::CannotBeProvoked => "cannot be provoked",
        }
    }
}

/// What the suite has seen of each rule that counts, in the order of the file.
pub fn rules_seen(coverage: &RuleCoverage, members: &[MemberAlerts]) -> Vec<RuleSeen> {
    coverage.counted().map(|rule| seen(rule, coverage, members)).collect()
}

fn seen(rule: &Rule, coverage: &RuleCoverage, members: &[MemberAlerts]) -> RuleSeen {
    let named = |alert: &ExpectedAlert, rule: &Rule| alert.name == rule.alert && rule.may_carry(&alert.labels);
    let (mut states, mut scenarios, mut reason) = (Vec::new(), Vec::new(), None);
    for member in members {
        for own in member.alerts.iter().filter(|own| named(&own.alert, rule)) {
            if !scenarios.contains(&member.path) {
                scenarios.push(member.path.clone());
            }
            let is_alone = coverage.rules.iter().filter(|other| named(&own.alert, other)).count() == 1;
            states.push(match own.outcome {
                None => RuleState::NotTested,
                Some(Outcome::Failed) => RuleState::DidNotFire,
                Some(Outcome::Held) if is_alone => RuleState::Fired,
                Some(Outcome::Held) => {
                    reason = Some("several rules have its name and fit the labels of the expectation".to_owned());
                    RuleState::NotKnown
                }
                Some(Outcome::Inconclusive) => RuleState::NotKnown,
            });
        }
    }
    // Seen once is seen. What is open may be that it was.
    let order = [RuleState::Fired, RuleState::NotKnown, RuleState::NotTested, RuleState::DidNotFire];
    let state = order.into_iter().find(|state| states.contains(state)).unwrap_or(RuleState::NeverProvoked);
    let (state, reason) = match (state, always(rule)) {
        (RuleState::Fired, _) => (state, None),
        (_, Some(Constancy::Something)) => {
            (RuleState::CannotBeProvoked, Some("its expression always has a result".to_owned()))
        }
        (_, Some(Constancy::Nothing)) => {
            (RuleState::CannotBeProvoked, Some("its expression never has a result".to_owned()))
        }
        (RuleState::NotKnown, None) => (state, reason),
        (state, None) => (state, None),
    };
    RuleSeen {
        alert: rule.alert.clone(),
        group: rule.group.clone(),
        line: rule.line,
        labels: rule.labels.clone(),
        state,
        scenarios,
        reason,
    }
}

fn always(rule: &Rule) -> Option<Constancy> {
    promql::query(&rule.expr).ok()?.always
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(alert: &str, expr: &str, severity: &str) -> Rule {
        let labels = vec![("severity".to_owned(), severity.to_owned())];
        Rule { alert: alert.to_owned(), expr: expr.to_owned(), labels, ..Rule::default() }
    }

    fn coverage(labels: &[(&str, &str)]) -> RuleCoverage {
        let rules = vec![
            rule("Down", "up == 0", "page"),
            rule("Slow", "latency > 1", "page"),
            rule("Slow", "latency > 0.5", "ticket"),
            rule("Watchdog", "vector(1)", "none"),
            rule("Never", "vector(0) > 1", "page"),
        ];
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        RuleCoverage { file: "r.yml".to_owned(), labels, rules }
    }

    /// The name of an alert, its labels, and what came of it.
    type Came<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<Outcome>);

    fn expects(path: &str, alerts: &[Came<'_>]) -> MemberAlerts {
        let seen = |(name, labels, outcome): &Came<'_>| AlertSeen {
            alert: ExpectedAlert {
                name: (*name).to_owned(),
                labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            },
            outcome: *outcome,
        };
        MemberAlerts { path: path.to_owned(), alerts: alerts.iter().map(seen).collect() }
    }

    fn states(members: &[MemberAlerts]) -> Vec<RuleState> {
        rules_seen(&coverage(&[]), members).into_iter().map(|own| own.state).collect()
    }

    const PAGE: &[(&str, &str)] = &[("severity", "page")];

    #[test]
    fn each_rule_has_the_best_that_a_scenario_has_seen() {
        use RuleState::{CannotBeProvoked, DidNotFire, Fired, NeverProvoked, NotKnown, NotTested};
        assert_eq!(states(&[]), [NeverProvoked, NeverProvoked, NeverProvoked, CannotBeProvoked, CannotBeProvoked]);
        for (outcomes, state) in [
            (vec![Some(Outcome::Held)], Fired),
            (vec![Some(Outcome::Failed)], DidNotFire),
            (vec![Some(Outcome::Inconclusive)], NotKnown),
            (vec![None], NotTested),
            (vec![Some(Outcome::Failed), Some(Outcome::Held)], Fired),
            (vec![Some(Outcome::Failed), Some(Outcome::Inconclusive)], NotKnown),
            (vec![Some(Outcome::Failed), None], NotTested),
            (vec![None, Some(Outcome::Inconclusive)], NotKnown),
        ] {
            let members: Vec<MemberAlerts> =
                outcomes.iter().map(|outcome| expects("a", &[("Down", &[], *outcome)])).collect();
            assert_eq!(states(&members)[0], state, "{outcomes:?}");
        }
    }

    #[test]
    fn labels_say_which_of_two_rules_fired() {
        let held = Some(Outcome::Held);
        // Without labels it may have been either.
        let either = states(&[expects("a", &[("Slow", &[], held)])]);
        assert_eq!(either[1..3], [RuleState::NotKnown, RuleState::NotKnown]);
        let one = rules_seen(&coverage(&[]), &[expects("a", &[("Slow", PAGE, held)])]);
        assert_eq!([one[1].state, one[2].state], [RuleState::Fired, RuleState::NeverProvoked]);
        assert_eq!(one[1].scenarios, ["a"]);
        // Those of other labels are not counted, and still make it unclear.
        let paged = rules_seen(&coverage(PAGE), &[expects("a", &[("Slow", &[], held)])]);
        assert_eq!(paged.iter().map(|own| own.alert.as_str()).collect::<Vec<_>>(), ["Down", "Slow", "Never"]);
        assert_eq!(paged[1].state, RuleState::NotKnown);
        assert!(paged[1].reason.as_ref().unwrap().starts_with("several rules"));
    }

    #[test]
    fn what_always_fires_counts_once_it_was_seen_to() {
        let seen = rules_seen(&coverage(&[]), &[expects("a", &[("Watchdog", &[], Some(Outcome::Held))])]);
        assert_eq!((seen[3].state, seen[3].reason.as_deref()), (RuleState::Fired, None));
        assert_eq!(seen[4].reason.as_deref(), Some("its expression never has a result"));
    }

    #[test]
    fn what_a_run_says_counts_by_what_came_of_it() {
        let alert = || ExpectedAlert { name: "Down".to_owned(), labels: Vec::new() };
        let of = |outcome, member| AlertSeen::of(alert(), outcome, member).outcome;
        for (outcome, member, counts) in [
            (Outcome::Held, MemberOutcome::Passed, Some(Outcome::Held)),
            (Outcome::Held, MemberOutcome::Failed, Some(Outcome::Held)),
            (Outcome::Failed, MemberOutcome::Failed, Some(Outcome::Failed)),
            (Outcome::Held, MemberOutcome::FailedInDoubt, Some(Outcome::Held)),
            (Outcome::Failed, MemberOutcome::FailedInDoubt, Some(Outcome::Inconclusive)),
            (Outcome::Held, MemberOutcome::Untrusted, Some(Outcome::Inconclusive)),
            (Outcome::Held, MemberOutcome::Interrupted, None),
            (Outcome::Held, MemberOutcome::Error, None),
        ] {
            assert_eq!(of(outcome, member), counts, "{outcome:?} {member:?}");
        }
    }
}
