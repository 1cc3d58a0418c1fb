//! What a suite does, known before anything is sent: its scenarios in order, in weighted areas, each as its own plan has it.

use super::{AlertDoes, Condition, Plan};
use crate::check::program::Ready;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const SUITE_SCHEMA: u32 = 1;

/// A suite of a file, or the scenarios of all files of a directory.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct SuitePlan {
    pub schema: u32,
    /// The file, or the directory.
    pub file: String,
    pub suite: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    pub areas: Vec<PlannedArea>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Ready>,
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct PlannedArea {
    pub name: String,
    pub weight: f64,
    pub members: Vec<PlannedMember>,
}

/// A scenario of a suite.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct PlannedMember {
    /// As the suite names it.
    pub path: String,
    pub file: String,
    pub scenario: String,
    /// Of its plan.
    pub fingerprint: String,
    /// The end of its last load, in nanoseconds.
    pub length: u64,
    /// The alerts that it expects to fire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<ExpectedAlert>,
    /// Why it is not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

/// An alert that a scenario expects to fire.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct ExpectedAlert {
    pub name: String,
    pub labels: Vec<(String, String)>,
}

/// The alerts that a plan expects to fire, each by the place of its expectation.
pub fn expected_alerts(plan: &Plan) -> impl Iterator<Item = (usize, ExpectedAlert)> {
    plan.expectations.iter().enumerate().filter_map(|(place, expectation)| {
        let Condition::Alert(check) = &expectation.condition else { return None };
        match check.does {
            AlertDoes::Fires { .. } | AlertDoes::KeepsFiring { .. } => {
                Some((place, ExpectedAlert { name: check.name.clone()?, labels: check.labels.clone() }))
            }
            AlertDoes::Resolves { .. } | AlertDoes::StaysQuiet { .. } | AlertDoes::MayFire { .. } => None,
        }
    })
}

impl SuitePlan {
    /// In the order in which they are run.
    pub fn members(&self) -> impl Iterator<Item = &PlannedMember> {
        self.areas.iter().flat_map(|area| &area.members)
    }

    /// Why another plan is of something else, where it is. What was skipped and is not any more may be run now.
    pub fn differs(&self, other: &SuitePlan) -> Option<String> {
        let shape = |plan: &SuitePlan| {
            let area = |area: &PlannedArea| {
                (area.name.clone(), area.weight, area.members.iter().map(|own| own.path.clone()).collect::<Vec<_>>())
            };
            (plan.areas.iter().map(area).collect::<Vec<_>>(), plan.ready.clone())
        };
        if shape(self) != shape(other) {
            return Some("its scenarios, areas, weights or `ready when` have changed".to_owned());
        }
        let changed = |(own, other): &(&PlannedMember, &PlannedMember)| {
            own.skipped.is_none() && (own.fingerprint != other.fingerprint || other.skipped.is_some())
        };
        let changed: Vec<String> =
            self.members().zip(other.members()).filter(changed).map(|(own, _)| format!("`{}`", own.path)).collect();
        match changed.as_slice() {
            [] => None,
            [one] => Some(format!("{one} has changed")),
            several => Some(format!("{} have changed", several.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(path: &str, fingerprint: &str, skipped: Option<&str>) -> PlannedMember {
        PlannedMember {
            path: path.to_owned(),
            file: "a.stress".to_owned(),
            scenario: path.to_owned(),
            fingerprint: fingerprint.to_owned(),
            length: 1,
            alerts: Vec::new(),
            skipped: skipped.map(str::to_owned),
        }
    }

    fn plan(members: Vec<PlannedMember>) -> SuitePlan {
        let area = PlannedArea { name: "all".to_owned(), weight: 1.0, members };
        let file = "a.stress".to_owned();
        let suite = "both".to_owned();
        SuitePlan { schema: SUITE_SCHEMA, file, suite, profile: None, doc: None, areas: vec![area], ready: None }
    }

    #[test]
    fn a_suite_is_the_same_while_what_it_runs_does_the_same() {
        let before = plan(vec![member("one", "1", None), member("two", "2", Some("no variable"))]);
        assert_eq!(before.differs(&before), None);
        let can_run = plan(vec![member("one", "1", None), member("two", "3", None)]);
        assert_eq!(before.differs(&can_run), None, "what was left out may be run now");
        let other = plan(vec![member("one", "9", None), member("two", "2", Some("no variable"))]);
        assert_eq!(before.differs(&other).unwrap(), "`one` has changed");
        assert_eq!(can_run.differs(&before).unwrap(), "`two` has changed");
        let fewer = plan(vec![member("one", "1", None)]);
        assert!(before.differs(&fewer).unwrap().starts_with("its scenarios, areas"));
        let mut ready = before.clone();
        ready.ready = Some(Ready::Passed("one".to_owned()));
        assert!(before.differs(&ready).is_some());
    }
}
