//! What an Alertmanager knows of alerts, over its API v2. It tells of alerts that are resolved no more.

use super::seen::{Found, Key};
use super::times::Times;
use crate::measure::AlertState;
use crate::run::prometheus::or_empty;
use crate::run::wall::Wall;
use serde::Deserialize;
use std::collections::BTreeMap;

pub const ALERTS: &str = "/api/v2/alerts";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_empty")]
    receivers: Vec<Receiver>,
    starts_at: Option<Wall>,
    updated_at: Option<Wall>,
    ends_at: Option<Wall>,
    status: Status,
}

#[derive(Deserialize)]
struct Receiver {
    name: String,
}

#[derive(Deserialize)]
struct Status {
    state: String,
}

/// An answer to [`ALERTS`].
#[derive(Debug, Default)]
pub struct Active {
    alerts: Vec<One>,
}

#[derive(Debug, Clone)]
struct One {
    key: Key,
    receivers: Vec<String>,
    suppressed: bool,
    began: Option<Wall>,
    updated: Option<Wall>,
    ends: Option<Wall>,
}

pub fn alerts(answer: &str) -> Result<Active, String> {
    let all: Vec<Alert> =
        serde_json::from_str(answer).map_err(|error| format!("the answer is none of Alertmanager: {error}"))?;
    let alerts = all.into_iter().filter_map(|alert| {
        Some(One {
            key: Key::of(alert.labels)?,
            receivers: alert.receivers.into_iter().map(|receiver| receiver.name).collect(),
            suppressed: alert.status.state == "suppressed",
            began: alert.starts_at,
            updated: alert.updated_at,
            ends: alert.ends_at,
        })
    });
    Ok(Active { alerts: alerts.collect() })
}

impl Active {
    /// As Alertmanager has them. It was told of an alert when it was updated first; a look that comes later than the next update sees that.
    pub fn found(&self, times: Times) -> Vec<Found> {
        let found = self.alerts.iter().map(|one| Found {
            key: one.key.clone(),
            state: if one.suppressed { AlertState::Suppressed } else { AlertState::Firing },
            receivers: one.receivers.clone(),
            since: one.began,
            earlier: None,
            at: one.updated.filter(|_| !one.suppressed).map(|updated| times.of(updated)),
        });
        found.collect()
    }

    /// As their rules have them: they fire since `startsAt`.
    pub fn rules(&self, times: Times) -> Vec<Found> {
        let found = self.alerts.iter().map(|one| Found {
            key: one.key.clone(),
            state: AlertState::Firing,
            receivers: Vec::new(),
            since: one.began,
            earlier: None,
            at: one.began.map(|began| times.of(began)),
        });
        found.collect()
    }

    /// When an alert that was still there was to end, if that has passed: nobody had told it to go on.
    pub fn ended(&self, key: &Key, times: Times) -> Option<(u64, Option<u64>)> {
        let ends = self.alerts.iter().find(|one| one.key == *key).and_then(|one| one.ends)?;
        (ends <= Wall::now()).then(|| (times.of(ends), None))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;

    #[test]
    fn alerts_are_read_with_their_receivers() {
        let answer = |state: &str| {
            format!(
                r#"[{{"annotations":{{"summary":"x"}},"endsAt":"2020-01-01T00:05:00.000Z","fingerprint":"0a","receivers":[{{"name":"page"}},{{"name":"log"}}],
                "startsAt":"2020-01-01T00:00:00.000Z","status":{{"inhibitedBy":[],"silencedBy":[],"state":"{state}"}},"updatedAt":"2020-01-01T00:00:01.000Z",
                "generatorURL":"http://p","labels":{{"alertname":"Down","severity":"page"}}}}]"#
            )
        };
        for (state, meant) in [
            ("active", AlertState::Firing),
            ("unprocessed", AlertState::Firing),
            ("suppressed", AlertState::Suppressed),
        ] {
            let active = alerts(&answer(state)).unwrap();
            let [found] = &active.found(Times::default())[..] else { panic!("{active:?}") };
            assert_eq!((found.key.name.as_str(), found.state), ("Down", meant));
            assert_eq!((found.receivers.join(","), found.key.labels.len()), ("page,log".to_owned(), 1));
            assert_eq!(active.rules(Times::default())[0].state, AlertState::Firing);
            assert_eq!(active.ended(&found.key, Times::default()), Some((0, None)), "it was not told to go on");
        }
        assert!(alerts("[]").unwrap().found(Times::default()).is_empty());
        assert!(alerts("{}").unwrap_err().contains("none of Alertmanager"));
    }
}
