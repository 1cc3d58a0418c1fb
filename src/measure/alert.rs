//! Alerts of the system under test, as a source of alerts tells of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An alert began or ended.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Alert {
    /// The place of its source in the plan.
    pub source: usize,
    pub name: String,
    /// Of one rule there are as many alerts as labels differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(String, String)>,
    pub state: AlertState,
    /// When it became so, and not when that was heard of.
    pub at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    Firing,
    Resolved,
}

impl AlertState {
    pub fn word(self) -> &'static str {
        match self {
            AlertState::Firing => "fires",
            AlertState::Resolved => "is resolved",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Event, Stats};

    #[test]
    fn an_alert_is_a_line_of_the_record() {
        let labels = vec![("severity".to_owned(), "page".to_owned())];
        let fires = Alert { source: 0, name: "Down".to_owned(), labels, state: AlertState::Firing, at: 5 };
        let resolved = Alert { labels: Vec::new(), state: AlertState::Resolved, at: 9, ..fires.clone() };
        let lines = [
            r#"{"event":"alert","data":{"source":0,"name":"Down","labels":[["severity","page"]],"state":"firing","at":5}}"#,
            r#"{"event":"alert","data":{"source":0,"name":"Down","state":"resolved","at":9}}"#,
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
