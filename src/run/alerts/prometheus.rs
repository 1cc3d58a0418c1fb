//! What a Prometheus says of its alerting rules: now, and afterwards by the series `ALERTS`.

use super::seen::{Found, Key};
use super::times::Times;
use crate::check::program::in_evaluations;
use crate::measure::{AlertRule, AlertState};
use crate::run::prometheus::{Answer, Element, Series, Target, or_empty};
use crate::run::wall::{Skew, Wall};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The rules with the alerts of each that are pending or fire.
pub const RULES: &str = "/api/v1/rules?type=alert";
/// The same of a Grafana, which tells of its recording rules as well.
pub const RULES_OF_GRAFANA: &str = "/api/v1/rules";

/// An answer to [`RULES`].
#[derive(Deserialize)]
pub struct Groups {
    #[serde(deserialize_with = "or_empty")]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    /// In seconds.
    #[serde(default)]
    interval: f64,
    #[serde(default, deserialize_with = "or_empty")]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    name: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    duration: f64,
    #[serde(default)]
    keep_firing_for: f64,
    #[serde(default, deserialize_with = "or_empty")]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    health: String,
    #[serde(default)]
    last_error: String,
    last_evaluation: Option<Wall>,
    #[serde(default, deserialize_with = "or_empty")]
    alerts: Vec<Active>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Active {
    labels: BTreeMap<String, String>,
    state: String,
    active_at: Option<Wall>,
}

/// The rules of an answer that are alerts.
#[derive(Debug, Default)]
pub struct Rules {
    pub rules: Vec<AlertRule>,
    /// Those that have never been evaluated.
    pub new: Vec<String>,
    /// When rules of a name were evaluated last, by the server's clock.
    evaluated: BTreeMap<String, Wall>,
    active: Vec<(Key, bool, Option<Wall>, AlertTimes)>,
}

/// How long a rule takes.
#[derive(Debug, Clone, Copy, Default)]
struct AlertTimes {
    interval: u64,
    held: u64,
}

fn nanoseconds(seconds: f64) -> u64 {
    // Of what is no number it is 0.
    (seconds * 1e9) as u64
}

impl From<Groups> for Rules {
    fn from(Groups { groups }: Groups) -> Rules {
        let mut out = Rules::default();
        for Group { interval, rules } in groups {
            let interval = nanoseconds(interval);
            for rule in rules {
                if rule.kind == "recording" {
                    continue;
                }
                let times = AlertTimes { interval, held: nanoseconds(rule.duration) };
                if rule.health == "unknown" {
                    out.new.push(rule.name.clone());
                }
                if let Some(last) = rule.last_evaluation {
                    let known = out.evaluated.entry(rule.name.clone()).or_insert(last);
                    *known = last.max(*known);
                }
                for active in rule.alerts {
                    // A Grafana tells since when it fires, and not since when its expression holds. In brackets it tells the reason.
                    let at_once = AlertTimes { interval, held: 0 };
                    let (firing, times) = match active.state.split(' ').next().unwrap_or_default() {
                        "firing" => (true, times),
                        "Alerting" | "Recovering" => (true, at_once),
                        "pending" | "Pending" => (false, times),
                        _ => continue,
                    };
                    let Some(key) = Key::of(active.labels) else { continue };
                    out.active.push((key, firing, active.active_at, times));
                }
                let problem = match (rule.health.as_str(), rule.last_error) {
                    ("err" | "error", error) if error.is_empty() => Some("it could not be evaluated".to_owned()),
                    ("err" | "error", error) => Some(error),
                    _ => None,
                };
                out.rules.push(AlertRule {
                    name: rule.name,
                    expression: rule.query,
                    labels: rule.labels.into_iter().collect(),
                    interval,
                    held: times.held,
                    kept: nanoseconds(rule.keep_firing_for),
                    problem,
                    absent: Vec::new(),
                });
            }
        }
        out
    }
}

impl Rules {
    /// Its alerts, with the instants that are known of them. One is pending since `activeAt`. It fires at the first evaluation after `for`,
    /// if none was missed.
    pub fn found(&mut self, times: Times, skew: Skew) -> Vec<Found> {
        let of = |wall: Wall| times.of(skew.ours(wall));
        let found =
            std::mem::take(&mut self.active).into_iter().map(|(key, firing, since, AlertTimes { interval, held })| {
                let waits = in_evaluations(held, interval);
                let (state, earlier, at) = match firing {
                    false => (AlertState::Pending, None, since.map(of)),
                    true => {
                        let earlier = since.filter(|_| held > 0).map(|since| (AlertState::Pending, of(since)));
                        let fires = since.map(|since| skew.ours(since).plus(waits));
                        (
                            AlertState::Firing,
                            earlier,
                            fires.filter(|fires| *fires <= Wall::now()).map(|fires| times.of(fires)),
                        )
                    }
                };
                Found { key, state, receivers: Vec::new(), since, earlier, at }
            });
        found.collect()
    }

    /// When an alert that is gone was resolved: at the last evaluation, or at one before it that came after the last look.
    pub fn gone(&self, key: &Key, last: u64, times: Times, skew: Skew) -> Option<(u64, Option<u64>)> {
        let at = self.evaluated.get(&key.name).map(|wall| times.of(skew.ours(*wall)))?;
        (at >= last).then_some((at, Some(last)))
    }

    /// How long the evaluations that a look may have come in between take at most.
    pub fn slack(&self) -> u64 {
        self.rules.iter().map(|rule| rule.interval).max().unwrap_or(0)
    }

    /// Whether there is more to tell than of other rules.
    pub fn differ(&self, others: &[AlertRule]) -> bool {
        let same = |one: &AlertRule, other: &AlertRule| {
            let (one, other) = (one.clone(), other.clone());
            let healthy = |rule: AlertRule| AlertRule { problem: rule.problem.map(|_| String::new()), ..rule };
            AlertRule { absent: other.absent.clone(), ..healthy(one) } == healthy(other)
        };
        self.rules.len() != others.len() || !self.rules.iter().zip(others).all(|(one, other)| same(one, other))
    }
}

/// Since when the server runs, and whom it tells of alerts.
pub const RUNTIME: &str = "/api/v1/status/runtimeinfo";
pub const ALERTMANAGERS: &str = "/api/v1/alertmanagers";

/// An answer to [`RUNTIME`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Runtime {
    pub start_time: Wall,
}

/// An answer to [`ALERTMANAGERS`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alertmanagers {
    active_alertmanagers: Vec<serde_json::Value>,
}

impl Alertmanagers {
    pub fn is_somebody(&self) -> bool {
        !self.active_alertmanagers.is_empty()
    }
}

/// Whether it has looked at each of its targets.
pub fn has_looked(targets: &[Target]) -> bool {
    targets.iter().all(|target| target.health != "unknown")
}

/// Of each alert when it was pending and when it fired, and when its expression had begun to hold, as `ALERTS` and `ALERTS_FOR_STATE` have it.
#[derive(Debug, Default)]
pub struct History {
    alerts: BTreeMap<Key, Samples>,
}

#[derive(Debug, Default)]
struct Samples {
    states: BTreeMap<Wall, AlertState>,
    since: BTreeMap<Wall, i64>,
    /// It is one of the alerts of the last instant.
    lasts: bool,
}

/// A change of an alert, by the server's clock.
#[derive(Debug, PartialEq)]
pub struct Change {
    pub key: Key,
    pub state: AlertState,
    pub at: Wall,
}

/// What one query for raw samples covers, in seconds, so that no answer is too long.
pub const CHUNK: u64 = 1_800;

/// The query for raw samples in this many seconds.
pub fn samples(of: &str, seconds: u64) -> String {
    format!("{of}[{seconds}s]")
}

impl History {
    fn of(&mut self, mut metric: BTreeMap<String, String>) -> Option<(&mut Samples, Option<AlertState>)> {
        metric.remove("__name__");
        let state = match metric.remove("alertstate").as_deref() {
            Some("firing") => Some(AlertState::Firing),
            Some("pending") => Some(AlertState::Pending),
            _ => None,
        };
        Some((self.alerts.entry(Key::of(metric)?).or_default(), state))
    }

    /// An answer of `ALERTS[…]`.
    pub fn add_states(&mut self, answer: Answer) -> Result<(), String> {
        for Series { metric, values } in answer.matrix()? {
            let Some((samples, Some(state))) = self.of(metric) else { continue };
            samples.states.extend(values.iter().map(|(at, _)| (Wall::seconds(*at), state)));
        }
        Ok(())
    }

    /// An answer of `ALERTS_FOR_STATE[…]`.
    pub fn add_since(&mut self, answer: Answer) -> Result<(), String> {
        for Series { metric, values } in answer.matrix()? {
            let Some((samples, _)) = self.of(metric) else { continue };
            let values =
                values.iter().filter_map(|(at, since)| Some((Wall::seconds(*at), since.parse::<f64>().ok()? as i64)));
            samples.since.extend(values);
        }
        Ok(())
    }

    /// An answer of `ALERTS` at the last instant.
    pub fn add_present(&mut self, answer: Answer) -> Result<(), String> {
        for Element { metric, .. } in answer.vector()? {
            if let Some((samples, Some(_))) = self.of(metric) {
                samples.lasts = true;
            }
        }
        Ok(())
    }

    /// All changes in the order of their instants. An alert without a sample at an evaluation is resolved at that. Where samples are
    /// missing because nothing was evaluated, `ALERTS_FOR_STATE` still says since when it holds; without that, more than two and a half
    /// evaluations end it.
    pub fn changes(self, rules: &[AlertRule]) -> Vec<Change> {
        let mut out = Vec::new();
        for (key, samples) in self.alerts {
            let interval = rules.iter().filter(|rule| rule.name == key.name).map(|rule| rule.interval).max();
            let interval = interval.filter(|interval| *interval > 0).unwrap_or_else(|| samples.least_gap());
            let mut change = |state: AlertState, at: Wall| out.push(Change { key: key.clone(), state, at });
            let mut last: Option<(Wall, AlertState)> = None;
            for (at, state) in &samples.states {
                if let Some((before, _)) = last
                    && samples.ended_between(before, *at, interval)
                {
                    change(AlertState::Resolved, before.plus(interval).min(*at));
                    last = None;
                }
                if last.is_none_or(|(_, was)| was != *state) {
                    change(*state, *at);
                }
                last = Some((*at, *state));
            }
            if let Some((before, _)) = last.filter(|_| !samples.lasts) {
                change(AlertState::Resolved, before.plus(interval));
            }
        }
        out.sort_by_key(|change| change.at);
        out
    }
}

impl Samples {
    fn ended_between(&self, one: Wall, other: Wall, interval: u64) -> bool {
        match (self.since.get(&one), self.since.get(&other)) {
            (Some(one), Some(other)) => one != other,
            _ => (other.0 - one.0) * 2 > i128::from(interval) * 5,
        }
    }

    /// How often it is evaluated, as far as samples tell.
    fn least_gap(&self) -> u64 {
        const UNKNOWN: u64 = crate::base::units::MINUTE;
        let gaps = self.states.keys().zip(self.states.keys().skip(1)).map(|(one, other)| other.0 - one.0);
        gaps.min().map_or(UNKNOWN, |gap| gap as u64)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;
    use crate::base::units::SECOND;
    use crate::run::prometheus::{Targets, data};

    /// The example of the API's own description (prometheus.io, HTTP API, rules), with an alert that fires next to the pending one.
    const ANSWER: &str = r#"{"status":"success","data":{"groups":[{"name":"example","file":"rules.yml","interval":5,"limit":0,"rules":[
        {"state":"firing","name":"HighLatency","query":"latency > 0.5","duration":12,"keepFiringFor":60,"labels":{"severity":"page"},
         "annotations":{"summary":"High"},"health":"ok","evaluationTime":0.001,"lastEvaluation":"2018-07-04T20:27:40.5Z","type":"alerting",
         "alerts":[{"activeAt":"2018-07-04T20:27:10Z","annotations":{},"labels":{"alertname":"HighLatency","severity":"page"},"state":"firing","value":"1e+00"},
                   {"activeAt":"2018-07-04T20:27:40Z","annotations":{},"labels":{"alertname":"HighLatency","job":"b"},"state":"pending","value":"1e+00"}]},
        {"state":"inactive","name":"Broken","query":"a/0","duration":0,"labels":{},"annotations":{},"alerts":[],"health":"err","lastError":"many-to-many","type":"alerting"},
        {"state":"unknown","name":"New","query":"a","duration":0,"labels":{},"annotations":{},"alerts":[],"health":"unknown","type":"alerting","lastEvaluation":"0001-01-01T00:00:00Z"}]}]}}"#;

    #[test]
    fn rules_and_their_alerts_are_read() {
        let mut read = Rules::from(data::<Groups>(ANSWER).unwrap());
        let told: Vec<_> =
            read.rules.iter().map(|rule| (rule.name.as_str(), rule.held, rule.problem.as_deref())).collect();
        assert_eq!(told, [("HighLatency", 12 * SECOND, None), ("Broken", 0, Some("many-to-many")), ("New", 0, None)]);
        assert_eq!((read.rules[0].interval, read.rules[0].kept), (5 * SECOND, 60 * SECOND));
        assert_eq!((read.new.as_slice(), read.slack()), (&["New".to_owned()][..], 5 * SECOND));
        let found = read.found(Times::default(), Skew::default());
        let states: Vec<_> = found.iter().map(|one| (one.key.labels[0].1.as_str(), one.state, one.earlier)).collect();
        assert_eq!(
            states,
            [("page", AlertState::Firing, Some((AlertState::Pending, 0))), ("b", AlertState::Pending, None)]
        );
        // Another problem of the same rule is nothing new, and health is.
        let mut others = read.rules.clone();
        others[1].problem = Some("another".to_owned());
        assert!(!read.differ(&others));
        others[0].problem = Some("another".to_owned());
        assert!(read.differ(&others) && read.differ(&[]));
    }

    /// As a Grafana of version 11 answers, shortened.
    #[test]
    fn the_rules_of_a_grafana_are_read() {
        const ANSWER: &str = r#"{"status":"success","data":{"groups":[{"name":"shop","file":"Shop","folderUid":"a1","interval":10,
            "lastEvaluation":"2024-07-04T20:27:40Z","evaluationTime":0.01,"rules":[
            {"uid":"b2","state":"firing","name":"Errors","folderUid":"a1","query":"[{\"refId\":\"A\"}]","duration":60,"keepFiringFor":0,
             "labels":{"severity":"page"},"annotations":{"__dashboardUid__":"d"},"health":"ok","type":"alerting","lastEvaluation":"2024-07-04T20:27:40Z",
             "alerts":[{"labels":{"alertname":"Errors","grafana_folder":"Shop"},"state":"Alerting","activeAt":"2024-07-04T20:27:10Z","value":"1e+00"},
                       {"labels":{"alertname":"Errors","job":"b"},"state":"Alerting (Error)","activeAt":"2024-07-04T20:27:10Z","value":""},
                       {"labels":{"alertname":"Errors","job":"c"},"state":"Pending","activeAt":"2024-07-04T20:27:30Z","value":""},
                       {"labels":{"alertname":"Errors","job":"d"},"state":"Normal","activeAt":"2024-07-04T20:00:00Z","value":""},
                       {"labels":{"alertname":"Errors","job":"e"},"state":"NoData","activeAt":"2024-07-04T20:00:00Z","value":""}]},
            {"name":"Broken","query":"","duration":0,"labels":null,"health":"error","lastError":"no such data source","type":"alerting","alerts":null},
            {"name":"recorded","query":"","health":"ok","type":"recording"}]}],"totals":{"firing":1}}}"#;
        let mut read = Rules::from(data::<Groups>(ANSWER).unwrap());
        let told: Vec<_> = read.rules.iter().map(|rule| (rule.name.as_str(), rule.problem.as_deref())).collect();
        assert_eq!(told, [("Errors", None), ("Broken", Some("no such data source"))]);
        let found = read.found(Times::default(), Skew::default());
        let states: Vec<_> = found.iter().map(|one| (one.state, one.earlier, one.at)).collect();
        let fires = (AlertState::Firing, None, Some(0));
        assert_eq!(states, [fires, fires, (AlertState::Pending, None, Some(0))]);
    }

    /// What a server of version 2.42 answers that has just started, and later.
    #[test]
    fn what_a_young_server_knows() {
        let runtime = r#"{"status":"success","data":{"startTime":"1970-01-01T00:00:02.5Z","CWD":"/","reloadConfigSuccess":true}}"#;
        assert_eq!(data::<Runtime>(runtime).unwrap().start_time, Wall(2_500_000_000));
        let none = r#"{"status":"success","data":{"activeAlertmanagers":[],"droppedAlertmanagers":[]}}"#;
        let one = r#"{"status":"success","data":{"activeAlertmanagers":[{"url":"http://a/api/v2/alerts"}],"droppedAlertmanagers":[]}}"#;
        let is_somebody = |answer: &str| data::<Alertmanagers>(answer).unwrap().is_somebody();
        assert_eq!((is_somebody(none), is_somebody(one)), (false, true));
        let targets = |all: &str| {
            let text = format!(r#"{{"status":"success","data":{{"activeTargets":[{all}],"droppedTargets":[]}}}}"#);
            let Targets { active_targets } = data(&text).unwrap();
            (has_looked(&active_targets), !active_targets.is_empty())
        };
        let (up, unknown) = (r#"{"health":"up","lastError":""}"#, r#"{"health":"unknown"}"#);
        assert_eq!((targets(""), targets(up)), ((true, false), (true, true)));
        assert_eq!(targets(&format!("{up},{unknown}")), (false, true));
    }

    fn states(samples: &[(&str, &[u64])]) -> String {
        matrix(samples.iter().map(|(state, at)| {
            let values = at.iter().map(|at| format!("[{at}.25,\"1\"]")).collect::<Vec<_>>();
            (format!(r#""__name__":"ALERTS","alertstate":"{state}","#), values)
        }))
    }

    fn since(samples: &[(u64, u64)]) -> String {
        let values = samples.iter().map(|(at, since)| format!("[{at}.25,\"{since}\"]")).collect();
        matrix([(r#""__name__":"ALERTS_FOR_STATE","#.to_owned(), values)].into_iter())
    }

    fn matrix(series: impl Iterator<Item = (String, Vec<String>)>) -> String {
        let series: Vec<String> = series
            .map(|(labels, values)| {
                format!(r#"{{"metric":{{{labels}"alertname":"A","job":"b"}},"values":[{}]}}"#, values.join(","))
            })
            .collect();
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, series.join(","))
    }

    fn changes(history: History, interval: u64) -> Vec<(&'static str, f64)> {
        let rule = AlertRule {
            name: "A".to_owned(),
            expression: String::new(),
            labels: Vec::new(),
            interval,
            held: 0,
            kept: 0,
            problem: None,
            absent: Vec::new(),
        };
        let changes = history.changes(&[rule]).into_iter();
        changes.map(|change| (change.state.word(), change.at.as_seconds())).collect()
    }

    #[test]
    fn samples_tell_when_an_alert_was_pending_fired_and_was_resolved() {
        let of = |text: &str, more: Option<&str>| {
            let mut history = History::default();
            history.add_states(data(text).unwrap()).unwrap();
            more.into_iter().for_each(|more| history.add_since(data(more).unwrap()).unwrap());
            history
        };
        let text = states(&[("pending", &[10, 11]), ("firing", &[12, 13])]);
        assert_eq!(changes(of(&text, None), SECOND), [("is pending", 10.25), ("fires", 12.25), ("is resolved", 14.25)]);
        // It is still there, which lacks of evaluations do not end.
        let mut history = of(&text, None);
        let present = r#"{"resultType":"vector","result":[{"metric":{"__name__":"ALERTS","alertstate":"firing","alertname":"A","job":"b"},"value":[13,"1"]}]}"#;
        history.add_present(serde_json::from_str(present).unwrap()).unwrap();
        assert_eq!(changes(history, SECOND), [("is pending", 10.25), ("fires", 12.25)]);
        // Two evaluations are missing.
        let text = states(&[("firing", &[10, 13])]);
        let flapped = [("fires", 10.25), ("is resolved", 11.25), ("fires", 13.25), ("is resolved", 14.25)];
        assert_eq!(changes(of(&text, None), SECOND), flapped);
        // They say that it held all the time, or not.
        let held = since(&[(10, 9), (13, 9)]);
        assert_eq!(changes(of(&text, Some(&held)), SECOND), [("fires", 10.25), ("is resolved", 14.25)]);
        let text = states(&[("firing", &[10, 12])]);
        assert_eq!(changes(of(&text, None), SECOND), [("fires", 10.25), ("is resolved", 13.25)]);
        let anew = since(&[(10, 9), (12, 12)]);
        let flapped = [("fires", 10.25), ("is resolved", 11.25), ("fires", 12.25), ("is resolved", 13.25)];
        assert_eq!(changes(of(&text, Some(&anew)), SECOND), flapped);
        // How often it is evaluated is seen where no rule says it.
        assert_eq!(
            changes(of(&states(&[("firing", &[10, 15, 20])]), None), 0),
            [("fires", 10.25), ("is resolved", 25.25)]
        );
    }
}
