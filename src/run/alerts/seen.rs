//! What is known of the alerts of one stage: from what a server shows or sends follows what changed.

use crate::measure::{Alert, AlertStage, AlertState};
use crate::run::wall::Wall;
use std::collections::BTreeMap;

/// An alert by its name and its other labels; of what is delivered, by the receiver in the server's configuration too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub name: String,
    pub labels: Vec<(String, String)>,
    pub receiver: Option<String>,
}

impl Key {
    /// `None` where the labels name no alert.
    pub fn of(mut labels: BTreeMap<String, String>) -> Option<Key> {
        // What begins so is the server's own, such as the `__alert_rule_uid__` of a Grafana.
        labels.retain(|name, _| !name.starts_with("__"));
        let name = labels.remove("alertname").filter(|name| !name.is_empty())?;
        Some(Key { name, labels: labels.into_iter().collect(), receiver: None })
    }

    pub fn has(&self, labels: &[(String, String)]) -> bool {
        labels.iter().all(|label| self.labels.contains(label))
    }
}

/// An alert as a look found it.
#[derive(Debug, Clone)]
pub struct Found {
    pub key: Key,
    pub state: AlertState,
    pub receivers: Vec<String>,
    /// Since when its expression holds, as the server tells it.
    pub since: Option<Wall>,
    /// What it had been before it came into its state, and since when, where the server tells it.
    pub earlier: Option<(AlertState, u64)>,
    /// When it came into its state, where the server tells it.
    pub at: Option<u64>,
}

#[derive(Debug, Clone)]
pub struct Known {
    pub state: AlertState,
    pub receivers: Vec<String>,
    since: Option<Wall>,
}

/// The alerts of one stage of a source.
#[derive(Debug)]
pub struct Seen {
    source: usize,
    stage: AlertStage,
    known: BTreeMap<Key, Known>,
}

/// When a look was, and the last one before it that had an answer.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub at: u64,
    pub last: u64,
}

impl Look {
    /// An instant at which a server says that something became so: at that, if it can have been; otherwise some time between the looks.
    /// A look may come just before the server has told what it knows, so an instant shortly before the last look counts too.
    pub fn dates(self, told: Option<u64>, slack: u64) -> (u64, Option<u64>) {
        match told {
            Some(told) if told.saturating_add(slack) >= self.last && told <= self.at => (told, None),
            Some(_) | None => (self.at, (self.last < self.at).then_some(self.last)),
        }
    }
}

impl Seen {
    pub fn new(source: usize, stage: AlertStage) -> Seen {
        Seen { source, stage, known: BTreeMap::new() }
    }

    pub fn known(&self) -> impl Iterator<Item = (&Key, &Known)> {
        self.known.iter()
    }

    pub fn len(&self) -> usize {
        self.known.len()
    }

    pub fn knows(&self, key: &Key) -> bool {
        self.known.contains_key(key)
    }

    fn alert(&self, key: &Key, state: AlertState, (at, after): (u64, Option<u64>), receivers: &[String]) -> Alert {
        Alert {
            source: self.source,
            stage: self.stage,
            name: key.name.clone(),
            labels: key.labels.clone(),
            state,
            at,
            after,
            receivers: receivers.to_vec(),
        }
    }

    /// Takes a whole look. Alerts that it does not hold any more are resolved: at the instant that is told of them, with the last at which
    /// they were not, or some time between the looks.
    pub fn look(
        &mut self,
        look: Look,
        found: Vec<Found>,
        gone: impl Fn(&Key) -> Option<(u64, Option<u64>)>,
        slack: u64,
    ) -> Vec<Alert> {
        let mut told = Vec::new();
        let before = std::mem::take(&mut self.known);
        for Found { key, state, receivers, since, earlier, at } in found {
            let known = before.get(&key).filter(|known| {
                let again = matches!((known.since, since), (Some(known), Some(since)) if known < since);
                if again {
                    // It had been resolved between two looks, before it held again.
                    let until = earlier.map(|(_, began)| began).or(at).unwrap_or(look.at).min(look.at);
                    let when = (until, Some(look.last.min(until)));
                    told.push(self.alert(&key, AlertState::Resolved, when, &known.receivers));
                }
                !again
            });
            if let (None, Some((state, at))) = (known, earlier) {
                told.push(self.alert(&key, state, look.dates(Some(at), u64::MAX), &receivers));
            }
            if known.is_none_or(|known| known.state != state) {
                told.push(self.alert(&key, state, look.dates(at, slack), &receivers));
            }
            self.known.insert(key, Known { state, receivers, since });
        }
        for (key, known) in before {
            if !self.known.contains_key(&key) {
                let when = gone(&key).filter(|(at, _)| *at <= look.at).unwrap_or_else(|| look.dates(None, 0));
                told.push(self.alert(&key, AlertState::Resolved, when, &known.receivers));
            }
        }
        told.sort_by_key(|alert| alert.at);
        told
    }

    /// Takes one message; `None` where it is nothing new.
    pub fn hear(&mut self, key: Key, state: AlertState, at: u64) -> Option<Alert> {
        if self.known.get(&key).is_some_and(|known| known.state == state) {
            return None;
        }
        let receivers: Vec<String> = key.receiver.iter().cloned().collect();
        let alert = self.alert(&key, state, (at, None), &receivers);
        self.known.insert(key, Known { state, receivers, since: None });
        Some(alert)
    }

    /// What is not resolved when the load begins.
    pub fn before(&self) -> Vec<Alert> {
        let all = self.known.iter().filter(|(_, known)| known.state != AlertState::Resolved);
        all.map(|(key, known)| self.alert(key, known.state, (0, None), &known.receivers)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;

    fn key(name: &str) -> Key {
        Key { name: name.to_owned(), labels: Vec::new(), receiver: None }
    }

    fn found(name: &str, state: AlertState, since: i128, at: Option<u64>) -> Found {
        Found { key: key(name), state, receivers: Vec::new(), since: Some(Wall(since)), earlier: None, at }
    }

    fn told(alerts: &[Alert]) -> Vec<(&str, &str, u64, Option<u64>)> {
        alerts.iter().map(|alert| (alert.name.as_str(), alert.state.word(), alert.at, alert.after)).collect()
    }

    #[test]
    fn looks_tell_what_changed_and_how_exactly_it_is_known() {
        let mut seen = Seen::new(0, AlertStage::Rule);
        let look = |at: u64| Look { at, last: at - 10 };
        let none = |_: &Key| None;
        let first = vec![found("A", AlertState::Pending, 1, Some(15)), found("B", AlertState::Firing, 1, None)];
        assert_eq!(
            told(&seen.look(look(20), first.clone(), none, 0)),
            [("A", "is pending", 15, None), ("B", "fires", 20, Some(10))]
        );
        assert!(seen.look(look(30), first, none, 0).is_empty());
        // What the server says cannot be: it had been looked at since.
        let second = vec![found("A", AlertState::Firing, 1, Some(24)), found("B", AlertState::Firing, 1, None)];
        assert_eq!(told(&seen.look(look(40), second.clone(), none, 0)), [("A", "fires", 40, Some(30))]);
        let gone = |key: &Key| (key.name == "A").then_some((44, None));
        let ended = seen.look(look(50), Vec::new(), gone, 0);
        assert_eq!(told(&ended), [("A", "is resolved", 44, None), ("B", "is resolved", 50, Some(40))]);
        // Shortly before the last look, since the server was not done with it then.
        let mut seen = Seen::new(0, AlertStage::Rule);
        assert_eq!(
            told(&seen.look(look(40), second, none, 6)),
            [("A", "fires", 24, None), ("B", "fires", 40, Some(30))]
        );
    }

    #[test]
    fn an_alert_that_holds_anew_was_resolved_meanwhile() {
        let mut seen = Seen::new(0, AlertStage::Rule);
        let none = |_: &Key| None;
        seen.look(Look { at: 10, last: 0 }, vec![found("A", AlertState::Firing, 1, Some(5))], none, 0);
        let again = Found { earlier: Some((AlertState::Pending, 16)), ..found("A", AlertState::Firing, 2, Some(18)) };
        let alerts = seen.look(Look { at: 20, last: 10 }, vec![again], none, 0);
        assert_eq!(
            told(&alerts),
            [("A", "is resolved", 16, Some(10)), ("A", "is pending", 16, None), ("A", "fires", 18, None)]
        );
        // The older of two instants is another server's of the same alert.
        let older = vec![found("A", AlertState::Firing, 1, None)];
        assert!(seen.look(Look { at: 30, last: 20 }, older, none, 0).is_empty());
    }

    #[test]
    fn messages_of_one_state_are_one_change() {
        let mut seen = Seen::new(3, AlertStage::Delivered);
        let firing = seen.hear(key("A"), AlertState::Firing, 7).unwrap();
        assert_eq!((firing.source, firing.stage, firing.at, firing.after), (3, AlertStage::Delivered, 7, None));
        assert_eq!(seen.hear(key("A"), AlertState::Firing, 8), None);
        assert_eq!(seen.before().len(), 1);
        assert!(seen.hear(key("A"), AlertState::Resolved, 9).is_some());
        assert!(seen.before().is_empty());
    }
}
