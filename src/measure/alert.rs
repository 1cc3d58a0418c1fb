//! Alerts of the system under test, as a source of alerts tells of them: each on its way from the rule to whoever is notified.

use crate::plan::{AlertDoes, AlertSource, Condition, Plan, PlannedAlert, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the plan says of alerts.
#[derive(Debug, Clone, Default)]
pub struct Alerting {
    pub sources: Vec<AlertSource>,
    pub checks: Vec<PlannedAlert>,
}

impl Alerting {
    pub fn of(plan: &Plan) -> Alerting {
        let check = |condition: &Condition| match condition {
            Condition::Alert(check) => Some(check.clone()),
            _ => None,
        };
        let all = plan.expectations.iter().chain(&plan.allowed_alerts);
        let checks = all.filter_map(|expectation| check(&expectation.condition)).collect();
        Alerting { sources: plan.alert_sources.clone(), checks }
    }

    /// The last instant until which a line looks at an alert.
    pub fn end(&self) -> u64 {
        let last = |check: &PlannedAlert| match &check.does {
            AlertDoes::Fires { within, of } | AlertDoes::Resolves { within, of } => of.at.saturating_add(*within),
            AlertDoes::StaysQuiet { .. } | AlertDoes::MayFire { .. } | AlertDoes::KeepsFiring { .. } => 0,
        };
        self.checks.iter().map(last).max().unwrap_or(0)
    }
}

/// An alert came into a state somewhere on its way.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Alert {
    /// The place of its source in the plan.
    pub source: usize,
    #[serde(default)]
    pub stage: AlertStage,
    pub name: String,
    /// Of one rule there are as many alerts as labels differ. `alertname` is none of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(String, String)>,
    pub state: AlertState,
    /// When it became so, and not when that was heard of. Before the load it is 0.
    pub at: u64,
    /// The last instant at which it was surely not so yet, where `at` is only when it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// To whom it goes, as far as who told it knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receivers: Vec<String>,
}

/// How far an alert has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertStage {
    /// Its rule, as Prometheus evaluates it.
    #[default]
    Rule,
    /// What Alertmanager knows of it.
    Active,
    /// What was delivered to the receiver of the run.
    Delivered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Its expression holds, and has not held for long enough.
    Pending,
    Firing,
    /// It fires, and is kept back by a silence or by another alert.
    Suppressed,
    Resolved,
}

impl AlertState {
    pub fn word(self) -> &'static str {
        match self {
            AlertState::Pending => "is pending",
            AlertState::Firing => "fires",
            AlertState::Suppressed => "is suppressed",
            AlertState::Resolved => "is resolved",
        }
    }
}

/// A source could not be asked for a while, or what it answered was no answer.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct AlertsUnasked {
    pub source: usize,
    pub stage: AlertStage,
    /// From the last good answer to the next one, or to the end.
    pub range: Range,
    pub reason: String,
}

/// What the rules of a source did, read afterwards from their own series: it replaces all that was heard of `rule` in its range.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct AlertHistory {
    pub source: usize,
    pub range: Range,
    /// In the order of their instants.
    pub alerts: Vec<Alert>,
}

/// An alerting rule as the source has loaded it.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct AlertRule {
    pub name: String,
    pub expression: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(String, String)>,
    /// How often it is evaluated.
    pub interval: u64,
    pub held: u64,
    #[serde(default)]
    pub kept: u64,
    /// Why it could not be evaluated last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Metrics that it reads and of which no series has appeared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
}

/// The rules of a source. A later one replaces an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct AlertRules {
    pub source: usize,
    pub rules: Vec<AlertRule>,
}

/// What came to the receiver of a source in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct AlertsReceived {
    pub source: usize,
    /// Notifications, of one alert or several.
    pub messages: u64,
    /// Alerts in them that were known to be in that state already.
    pub repeated: u64,
    /// Alerts in them that had no name, or were more than are kept.
    #[serde(default)]
    pub left: u64,
    /// What was no notification.
    #[serde(default)]
    pub refused: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Event, Stats};

    #[test]
    fn an_alert_is_a_line_of_the_record() {
        let labels = vec![("severity".to_owned(), "page".to_owned())];
        let fires = Alert {
            source: 0,
            name: "Down".to_owned(),
            labels,
            state: AlertState::Firing,
            at: 5,
            stage: AlertStage::Active,
            after: None,
            receivers: Vec::new(),
        };
        let resolved = Alert { labels: Vec::new(), state: AlertState::Resolved, at: 9, ..fires.clone() };
        let lines = [
            r#"{"event":"alert","data":{"source":0,"stage":"active","name":"Down","labels":[["severity","page"]],"state":"firing","at":5}}"#,
            r#"{"event":"alert","data":{"source":0,"stage":"active","name":"Down","state":"resolved","at":9}}"#,
        ];
        let mut stats = Stats::default();
        for (alert, line) in [&fires, &resolved].into_iter().zip(lines) {
            let event = Event::Alert(alert.clone());
            assert_eq!(serde_json::to_string(&event).unwrap(), line);
            assert_eq!(serde_json::from_str::<Event>(line).unwrap(), event);
            stats.take(event);
        }
        assert_eq!(stats.alerts, [fires, resolved]);
    }
}
