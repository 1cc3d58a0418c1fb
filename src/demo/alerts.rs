//! Alerts of the shop's own, so that alerting can be tried with nothing installed: two rules over what `/metrics` shows, evaluated
//! once a second as a Prometheus would, and what is told about them in the shape of Alertmanager's webhooks (version 4).
//! `scenarios/demo-rules.yml` has the same rules for a real Prometheus.

use super::Shop;
use super::pager::Pager;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// How often the rules are evaluated.
const INTERVAL: Duration = Duration::from_secs(1);
/// Over how long the share of errors is taken.
const WINDOW: SignedDuration = SignedDuration::from_secs(5);
/// How long the expression of a rule holds before the alert fires: its `for:`.
const HOLDS: SignedDuration = SignedDuration::from_secs(2);
/// To whom the notifications go, by the name that they bear.
const RECEIVER: &str = "demo";
/// When an alert ends that has not ended: the zero time of Go.
const NEVER: &str = "0001-01-01T00:00:00Z";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    DatabaseDown,
    HighErrorRate,
}

impl Rule {
    const ALL: [Rule; 2] = [Rule::DatabaseDown, Rule::HighErrorRate];

    fn name(self) -> &'static str {
        match self {
            Rule::DatabaseDown => "DatabaseDown",
            Rule::HighErrorRate => "HighErrorRate",
        }
    }

    fn summary(self) -> &'static str {
        match self {
            Rule::DatabaseDown => "The shop has lost its database.",
            Rule::HighErrorRate => "Too many requests fail.",
        }
    }

    /// In the order of their names.
    fn labels(self) -> [(&'static str, &'static str); 2] {
        [("alertname", self.name()), ("severity", "page")]
    }

    /// FNV-1a over the labels, each name and each value closed by a byte that is in no text: as Prometheus has it.
    fn fingerprint(self) -> String {
        let labels = self.labels();
        let parts = labels.iter().flat_map(|(name, value)| [name, value]);
        let bytes = parts.flat_map(|part| part.bytes().chain([0xff]));
        let hash = bytes
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        format!("{hash:016x}")
    }
}

/// What the rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Requests answered since the start, and how many of them with 500 or above.
    pub answers: u64,
    pub errors: u64,
    pub database_is_up: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Quiet,
    Pending { since: Timestamp },
    Firing { since: Timestamp },
}

/// A change that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Notice {
    rule: Rule,
    starts: Timestamp,
    /// Where it has.
    ends: Option<Timestamp>,
}

struct Rules {
    /// Above which share of errors `HighErrorRate` holds.
    above: f64,
    states: [State; Rule::ALL.len()],
    /// When how many requests were answered, and how many of these were errors.
    recent: VecDeque<(Timestamp, u64, u64)>,
}

impl Rules {
    fn new(above: f64) -> Rules {
        Rules { above, states: [State::Quiet; Rule::ALL.len()], recent: VecDeque::new() }
    }

    fn evaluate(&mut self, now: Timestamp, seen: Seen) -> Vec<Notice> {
        self.recent.push_back((now, seen.answers, seen.errors));
        while self.recent.front().is_some_and(|(at, ..)| now.duration_since(*at) > WINDOW) {
            self.recent.pop_front();
        }
        let share = self.share();
        let mut notices = Vec::new();
        for (rule, state) in Rule::ALL.into_iter().zip(&mut self.states) {
            let holds = match rule {
                Rule::DatabaseDown => !seen.database_is_up,
                Rule::HighErrorRate => share.is_some_and(|share| share > self.above),
            };
            *state = match (*state, holds) {
                (State::Quiet, true) => State::Pending { since: now },
                (State::Pending { since }, true) if now.duration_since(since) >= HOLDS => {
                    notices.push(Notice { rule, starts: now, ends: None });
                    State::Firing { since: now }
                }
                (State::Firing { since }, false) => {
                    notices.push(Notice { rule, starts: since, ends: Some(now) });
                    State::Quiet
                }
                (State::Quiet | State::Pending { .. }, false) => State::Quiet,
                (State::Pending { .. } | State::Firing { .. }, true) => *state,
            };
        }
        notices
    }

    /// The share of errors within the window; none where nothing was answered.
    fn share(&self) -> Option<f64> {
        let (first, last) = (self.recent.front()?, self.recent.back()?);
        let answers = last.1.saturating_sub(first.1);
        (answers > 0).then(|| last.2.saturating_sub(first.2) as f64 / answers as f64)
    }
}

impl Notice {
    /// As Alertmanager sends it, grouped by the name of the alert.
    fn message(&self, shop: &str) -> Value {
        let Notice { rule, starts, ends } = self;
        let status = if ends.is_some() { "resolved" } else { "firing" };
        let labels: serde_json::Map<String, Value> =
            rule.labels().iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let annotations = json!({ "summary": rule.summary() });
        json!({
            "version": "4",
            "groupKey": format!("{{}}:{{alertname=\"{}\"}}", rule.name()),
            "truncatedAlerts": 0,
            "status": status,
            "receiver": RECEIVER,
            "groupLabels": { "alertname": rule.name() },
            "commonLabels": labels,
            "commonAnnotations": annotations,
            "externalURL": shop,
            "alerts": [{
                "status": status,
                "labels": labels,
                "annotations": annotations,
                "startsAt": starts.to_string(),
                "endsAt": ends.map_or_else(|| NEVER.to_owned(), |ends| ends.to_string()),
                "generatorURL": format!("{shop}/metrics"),
                "fingerprint": rule.fingerprint(),
            }],
        })
    }
}

/// Evaluates the rules for as long as the shop is there. `url` is the shop's own.
pub async fn watch(shop: Arc<Shop>, above: f64, pager: Pager, url: String) {
    let mut rules = Rules::new(above);
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (answers, errors) = shop.metrics.answered();
        let seen = Seen { answers, errors, database_is_up: shop.database.is_up() };
        for notice in rules.evaluate(Timestamp::now(), seen) {
            pager.tell(notice.message(&url).to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    /// A hundred requests a second, of which so many fail.
    fn told(above: f64, failing: &[u64]) -> Vec<(i64, &'static str, bool)> {
        let (mut rules, mut all, mut errors) = (Rules::new(above), Vec::new(), 0);
        for (second, failed) in failing.iter().enumerate() {
            errors += failed;
            let seen = Seen { answers: 100 * second as u64, errors, database_is_up: true };
            let notices = rules.evaluate(at(second as i64), seen);
            all.extend(notices.iter().map(|notice| (second as i64, notice.rule.name(), notice.ends.is_some())));
        }
        all
    }

    #[test]
    fn it_fires_once_the_share_has_been_too_high_for_long_enough() {
        // More than one in twenty of the last five seconds from second 3 on, and no more than that at second 13.
        let failing = [0, 0, 0, 50, 50, 50, 50, 50, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(told(0.05, &failing), [(5, "HighErrorRate", false), (12, "HighErrorRate", true)]);
        assert_eq!(told(0.6, &failing), []);
        // What has passed before its time was never told.
        assert_eq!(
            told(0.05, &[0, 0, 0, 27, 0, 0, 0, 0, 0, 0, 0]),
            [(5, "HighErrorRate", false), (8, "HighErrorRate", true)]
        );
        assert_eq!(told(0.05, &[0, 0, 0, 0, 0, 25, 0, 0, 0, 0, 0, 0]), [], "it is not above");
        assert_eq!(told(0.10, &[0, 0, 30, 0, 0, 0, 0, 0, 0]), [], "above for too short");
    }

    #[test]
    fn without_requests_there_is_no_share() {
        let mut rules = Rules::new(0.05);
        for second in 0..10 {
            let seen = Seen { answers: 7, errors: 7, database_is_up: true };
            assert_eq!(rules.evaluate(at(second), seen), []);
        }
    }

    #[test]
    fn a_database_that_is_lost_is_told_and_so_is_its_return() {
        let mut rules = Rules::new(0.05);
        let mut at_second = |second: i64, database_is_up: bool| {
            rules.evaluate(at(second), Seen { answers: 0, errors: 0, database_is_up })
        };
        assert_eq!(at_second(0, true), []);
        assert_eq!(at_second(1, false), []);
        assert_eq!(at_second(2, false), []);
        let (rule, starts) = (Rule::DatabaseDown, at(3));
        assert_eq!(at_second(3, false), [Notice { rule, starts, ends: None }]);
        assert_eq!(at_second(4, false), [], "once");
        assert_eq!(at_second(9, true), [Notice { rule, starts, ends: Some(at(9)) }]);
        assert_eq!(at_second(10, false), []);
        assert_eq!(at_second(11, true), []);
    }

    #[test]
    fn a_message_is_what_alertmanager_sends() {
        let notice = Notice { rule: Rule::HighErrorRate, starts: at(0), ends: None };
        let message = notice.message("http://127.0.0.1:8080");
        assert_eq!(message["version"], "4");
        assert_eq!((&message["status"], &message["receiver"]), (&json!("firing"), &json!("demo")));
        assert_eq!(message["groupKey"], "{}:{alertname=\"HighErrorRate\"}");
        let alert = &message["alerts"][0];
        assert_eq!(alert["labels"], json!({ "alertname": "HighErrorRate", "severity": "page" }));
        assert_eq!((&alert["startsAt"], &alert["endsAt"]), (&json!("2027-01-15T08:00:00Z"), &json!(NEVER)));
        // What an Alertmanager 0.25 gave to an alert with these labels.
        assert_eq!(alert["fingerprint"], "3eacacedc5464f06");
        let over = Notice { ends: Some(at(61)), ..notice }.message("http://127.0.0.1:8080");
        assert_eq!((&over["status"], &over["alerts"][0]["status"]), (&json!("resolved"), &json!("resolved")));
        assert_eq!(over["alerts"][0]["endsAt"], "2027-01-15T08:01:01Z");
    }

    /// The rules file says of each rule what is said here.
    #[test]
    fn the_rules_file_says_the_same() {
        let text = include_str!("../../scenarios/demo-rules.yml");
        let seconds = |duration: SignedDuration| format!("{}s", duration.as_secs());
        let alerts: Vec<&str> = text.split("- alert: ").skip(1).collect();
        assert_eq!(alerts.len(), Rule::ALL.len());
        assert!(text.contains(&format!("interval: {}s", INTERVAL.as_secs())), "{text}");
        for (rule, own) in Rule::ALL.into_iter().zip(alerts) {
            let lines: Vec<&str> = own.lines().map(str::trim).collect();
            assert_eq!(lines[0], rule.name());
            let expr = match rule {
                Rule::DatabaseDown => "expr: db_up == 0".to_owned(),
                Rule::HighErrorRate => {
                    let window = seconds(WINDOW);
                    format!(
                        "expr: sum(rate(http_requests_total{{status=~\"5..\"}}[{window}])) / sum(rate(http_requests_total[{window}])) > {}",
                        super::super::Options::default().alert_above
                    )
                }
            };
            for line in [
                expr,
                format!("for: {}", seconds(HOLDS)),
                format!("summary: {}", rule.summary()),
                "severity: page".to_owned(),
            ] {
                assert!(lines.iter().any(|own| *own == line || own.contains(&line)), "{line} in\n{own}");
            }
        }
    }
}
