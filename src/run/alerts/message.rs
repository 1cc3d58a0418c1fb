//! The shapes of notifications that receivers take: those of Alertmanager (webhook, version 4) and Grafana, which are one, and those of PagerDuty
//! (Events v2).

use super::seen::Key;
use crate::measure::AlertState;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// More alerts of one message are not taken.
pub const MOST_ALERTS: usize = 1_000;
/// Bytes of a name or a label that are kept.
const LONGEST: usize = 1_024;
/// Labels of one alert that are kept.
const MOST_LABELS: usize = 64;

#[derive(Debug, PartialEq)]
pub struct Message {
    /// In the configuration of who sends it.
    pub receiver: Option<String>,
    pub alerts: Vec<(Key, AlertState)>,
    /// Those of PagerDuty's resolve what they have opened, by this key.
    pub incident: Option<Incident>,
    /// How many alerts had no name, or were too many.
    pub left: usize,
}

#[derive(Debug, PartialEq)]
pub struct Incident {
    pub key: String,
    pub is_over: bool,
}

#[derive(Deserialize)]
struct Sent {
    receiver: Option<String>,
    alerts: Option<Vec<SentAlert>>,
    event_action: Option<String>,
    dedup_key: Option<String>,
    payload: Option<Payload>,
}

#[derive(Deserialize)]
struct SentAlert {
    status: String,
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
struct Payload {
    #[serde(default)]
    summary: String,
    source: Option<String>,
    severity: Option<String>,
    component: Option<String>,
    group: Option<String>,
    class: Option<String>,
    #[serde(default)]
    custom_details: Value,
}

/// What a body says, or why it is no notification.
pub fn read(body: &[u8]) -> Result<Message, String> {
    let sent: Sent = serde_json::from_slice(body).map_err(|error| format!("it is no notification: {error}"))?;
    match (sent.alerts, sent.event_action) {
        (Some(alerts), None) => group(sent.receiver, alerts),
        (None, Some(action)) => event(&action, sent.dedup_key, &sent.payload.unwrap_or_default()),
        (Some(_), Some(_)) | (None, None) => {
            Err("it has neither the `alerts` of Alertmanager and Grafana nor the `event_action` of PagerDuty"
                .to_owned())
        }
    }
}

fn group(receiver: Option<String>, alerts: Vec<SentAlert>) -> Result<Message, String> {
    let mut message =
        Message { receiver: receiver.map(|name| cut(&name)), alerts: Vec::new(), incident: None, left: 0 };
    message.left = alerts.len().saturating_sub(MOST_ALERTS);
    for alert in alerts.into_iter().take(MOST_ALERTS) {
        let state = match alert.status.as_str() {
            "firing" => AlertState::Firing,
            "resolved" => AlertState::Resolved,
            other => {
                return Err(format!("`{}` is no status of an alert", crate::base::shown::escaped_start(other, 40)));
            }
        };
        match Key::of(alert.labels) {
            Some(key) => message.alerts.push((Key { receiver: message.receiver.clone(), ..bounded(key) }, state)),
            None => message.left += 1,
        }
    }
    Ok(message)
}

/// Which alerts an event of PagerDuty is of: that in `custom_details.alertname`; otherwise those that Alertmanager lists in
/// `custom_details.firing` and `.resolved`; otherwise one that is called by its summary.
fn event(action: &str, key: Option<String>, payload: &Payload) -> Result<Message, String> {
    let (state, is_over) = match action {
        "trigger" | "acknowledge" => (AlertState::Firing, false),
        "resolve" => (AlertState::Resolved, true),
        other => return Err(format!("`{}` is no `event_action`", crate::base::shown::escaped_start(other, 40))),
    };
    let is_news = action != "acknowledge";
    let details = payload.custom_details.as_object();
    let text = |name: &str| details.and_then(|details| details.get(name)).and_then(Value::as_str);
    let mut alerts: Vec<(Key, AlertState)> = Vec::new();
    if !is_news {
        // Somebody has taken it up, which changes nothing of the alert.
    } else if let Some(name) = text("alertname").filter(|name| !name.is_empty()) {
        let key = Key { name: name.to_owned(), labels: labels(payload, details), receiver: None };
        alerts.push((key, state));
    } else {
        let listed = |name: &str, state: AlertState| {
            listed(text(name).unwrap_or_default()).into_iter().map(|key| (key, state)).collect::<Vec<_>>()
        };
        alerts.extend(listed("firing", AlertState::Firing));
        alerts.extend(listed("resolved", AlertState::Resolved));
        if alerts.is_empty() && !payload.summary.is_empty() {
            let key = Key { name: payload.summary.clone(), labels: labels(payload, None), receiver: None };
            alerts.push((key, state));
        }
    }
    let dedup = match key.filter(|key| !key.is_empty()) {
        Some(key) => cut(&key),
        None if is_news && !is_over => cut(&payload.summary),
        None => return Err(format!("an event that says `{action}` has a `dedup_key`")),
    };
    if action == "trigger" && alerts.is_empty() {
        return Err("an event that says `trigger` has a `payload` with a `summary`".to_owned());
    }
    let left = alerts.len().saturating_sub(MOST_ALERTS);
    let alerts = alerts.into_iter().take(MOST_ALERTS).map(|(key, state)| (bounded(key), state)).collect();
    Ok(Message { receiver: None, alerts, incident: Some(Incident { key: dedup, is_over }), left })
}

/// What an event says of itself, and the details of which each is one text.
fn labels(payload: &Payload, details: Option<&Map<String, Value>>) -> Vec<(String, String)> {
    let Payload { source, severity, component, group, class, .. } = payload;
    let own =
        [("class", class), ("component", component), ("group", group), ("severity", severity), ("source", source)];
    let own = own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
    let details = details.into_iter().flatten().filter(|(name, _)| *name != "alertname");
    let details = details.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let all: BTreeMap<String, String> = own.chain(details).collect();
    all.into_iter().collect()
}

/// Alerts as the default template of Alertmanager lists them: `Labels:`, and a line ` - name = value` for each label.
fn listed(text: &str) -> Vec<Key> {
    let mut all: Vec<BTreeMap<String, String>> = Vec::new();
    let mut is_label = false;
    for line in text.lines() {
        match line.trim() {
            "Labels:" => {
                is_label = true;
                all.push(BTreeMap::new());
            }
            line => match (line.strip_prefix("- ").and_then(|label| label.split_once(" = ")), all.last_mut()) {
                (Some((name, value)), Some(labels)) if is_label => {
                    labels.insert(name.to_owned(), value.to_owned());
                }
                (Some(_), _) => {}
                (None, _) => is_label = false,
            },
        }
    }
    all.into_iter().filter_map(Key::of).collect()
}

/// What somebody else sends is kept up to a length.
fn bounded(key: Key) -> Key {
    let labels = key.labels.into_iter().take(MOST_LABELS).map(|(name, value)| (cut(&name), cut(&value)));
    Key { name: cut(&key.name), labels: labels.collect(), receiver: key.receiver }
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;

    fn told(body: &str) -> Vec<(String, String, String)> {
        let message = read(body.as_bytes()).unwrap_or_else(|why| panic!("{why}: {body}"));
        let label =
            |key: &Key| key.labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",");
        message.alerts.iter().map(|(key, state)| (key.name.clone(), label(key), state.word().to_owned())).collect()
    }

    fn one(name: &str, labels: &str, does: &str) -> (String, String, String) {
        (name.to_owned(), labels.to_owned(), does.to_owned())
    }

    /// The example of the webhook's own description (prometheus.io, alerting, configuration), and that of Grafana's (contact point: webhook).
    #[test]
    fn groups_of_alertmanager_and_of_grafana_are_read() {
        let alertmanager = r#"{"version":"4","groupKey":"{}:{}","truncatedAlerts":0,"status":"firing","receiver":"page","groupLabels":{},"commonLabels":{},
            "commonAnnotations":{},"externalURL":"http://am","alerts":[
            {"status":"firing","labels":{"alertname":"Down","severity":"page"},"annotations":{},"startsAt":"2020-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"0a"},
            {"status":"resolved","labels":{"alertname":"Slow"},"annotations":{},"startsAt":"2020-01-01T00:00:00Z","endsAt":"2020-01-01T00:00:09Z","generatorURL":"","fingerprint":"0b"},
            {"status":"firing","labels":{"severity":"page"}}]}"#;
        assert_eq!(told(alertmanager), [one("Down", "severity=page", "fires"), one("Slow", "", "is resolved")]);
        let message = read(alertmanager.as_bytes()).unwrap();
        assert_eq!((message.receiver.as_deref(), message.left), (Some("page"), 1));
        let grafana = r#"{"receiver":"My Super Webhook","status":"firing","orgId":1,"alerts":[{"status":"firing","labels":{"alertname":"High memory usage","team":"blue"},
            "annotations":{"description":"x"},"startsAt":"2021-10-12T09:51:03.157076+02:00","endsAt":"0001-01-01T00:00:00Z","generatorURL":"https://play.grafana.org","fingerprint":"57c6d9296de2ad39",
            "silenceURL":"https://play.grafana.org","values":{"B":44.23943737541908,"C":1}}],"groupLabels":{},"commonLabels":{"team":"blue"},"externalURL":"https://play.grafana.org/",
            "version":"1","groupKey":"{}:{}","truncatedAlerts":0,"title":"[FIRING:1]","state":"alerting","message":"**Firing**"}"#;
        assert_eq!(told(grafana), [one("High memory usage", "team=blue", "fires")]);
    }

    #[test]
    fn events_of_pagerduty_name_their_alerts_in_three_ways() {
        let event = |action: &str, payload: &str| {
            format!(
                r#"{{"routing_key":"secret","event_action":"{action}","dedup_key":"k1","client":"x","payload":{payload}}}"#
            )
        };
        let details = r#"{"summary":"s","source":"host","severity":"critical","custom_details":{"alertname":"Down","zone":"a","num_firing":1}}"#;
        assert_eq!(told(&event("trigger", details)), [one("Down", "severity=critical,source=host,zone=a", "fires")]);
        let firing = r#"{"summary":"[FIRING:2]","source":"am","severity":"error","custom_details":{"num_firing":"2","resolved":"",
            "firing":"Labels:\n - alertname = Down\n - severity = page\nAnnotations:\n - alertname = none\nSource: http://p\nLabels:\n - alertname = Slow\nAnnotations:\nSource: http://p\n"}}"#;
        assert_eq!(told(&event("trigger", firing)), [one("Down", "severity=page", "fires"), one("Slow", "", "fires")]);
        let plain = r#"{"summary":"DISK at 99% full","source":"host","severity":"warning"}"#;
        assert_eq!(told(&event("trigger", plain)), [one("DISK at 99% full", "severity=warning,source=host", "fires")]);
        let resolve = read(br#"{"routing_key":"x","event_action":"resolve","dedup_key":"k1"}"#).unwrap();
        assert_eq!(resolve.incident, Some(Incident { key: "k1".to_owned(), is_over: true }));
        assert!(told(&event("acknowledge", "{}")).is_empty());
    }

    #[test]
    fn what_is_none_of_these_is_refused_and_what_is_long_is_cut() {
        let deep = "[".repeat(100_000);
        for (junk, why) in [
            ("", "no notification"),
            ("<html>", "no notification"),
            ("[]", "no notification"),
            ("{}", "neither"),
            (r#"{"alerts":[{"status":"firing"}]}"#, "missing field `labels`"),
            (r#"{"alerts":[{"status":"maybe","labels":{"alertname":"A"}}]}"#, "no status"),
            (r#"{"alerts":[{"status":"firing","labels":{"alertname":7}}]}"#, "no notification"),
            (r#"{"alerts":[],"event_action":"trigger"}"#, "neither"),
            (r#"{"event_action":"explode","dedup_key":"x"}"#, "no `event_action`"),
            (r#"{"event_action":"resolve"}"#, "`dedup_key`"),
            (r#"{"event_action":"trigger","dedup_key":"x"}"#, "`summary`"),
            (&deep, "no notification"),
        ] {
            let said = read(junk.as_bytes()).unwrap_err();
            assert!(said.contains(why), "{}: {said}", &junk[..junk.len().min(40)]);
        }
        assert!(read(b"\xff\xfe").is_err());
        let name = "é".repeat(LONGEST);
        let alert = format!(r#"{{"status":"firing","labels":{{"alertname":"{name}"}}}}"#);
        let many = vec![alert.as_str(); MOST_ALERTS + 5].join(",");
        let message = read(format!(r#"{{"alerts":[{many}]}}"#).as_bytes()).unwrap();
        assert_eq!((message.alerts.len(), message.left), (MOST_ALERTS, 5));
        assert_eq!(message.alerts[0].0.name.len(), LONGEST);
    }
}
