//! A server that is asked for alerts once a second: what changed since it was asked last, and when it could not be asked.

use super::seen::{Key, Look, Seen};
use super::times::{Skew, Times, Wall};
use super::{alertmanager, prometheus};
use crate::base::socket::below;
use crate::base::units::SECOND;
use crate::measure::{Alert, AlertHistory, AlertRule, AlertRules, AlertStage, AlertState, AlertsUnasked, Event};
use crate::run::ask::{ControlClient, Trust};
use std::collections::BTreeMap;
use std::time::Duration;

/// Who is asked must have answered before the next look is due.
const PATIENCE: Duration = Duration::from_millis(900);
/// Samples are read after the load, when nothing else waits.
const PATIENCE_AFTERWARDS: Duration = Duration::from_secs(10);
/// No answer is longer, in MiB.
const LONGEST: usize = 16;
/// Its clock is read once in so many looks.
const CLOCK_EVERY: u64 = 16;

/// A server that runs for less than this may still be at finding whom it watches and tells; it does so within 5s.
const YOUNG: u64 = 20 * SECOND;

/// What a server lacks before the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    Nothing,
    Time,
    /// It tells nobody of its alerts, and it should.
    Alertmanager,
}

pub struct Asked {
    pub source: usize,
    url: String,
    client: ControlClient,
    trust: Option<Trust>,
    server: Server,
    /// When the last question was asked that had an answer, and why those since had none.
    last: u64,
    failing: Option<String>,
}

enum Server {
    Prometheus(Box<OfPrometheus>),
    Alertmanager(Box<OfAlertmanager>),
}

struct OfPrometheus {
    seen: Seen,
    skew: Skew,
    looks: u64,
    rules: Vec<AlertRule>,
    /// Those that it has never evaluated.
    new: Vec<String>,
}

struct OfAlertmanager {
    active: Seen,
    /// Where no Prometheus tells of the rules.
    rules: Option<Seen>,
    last: alertmanager::Active,
}

enum Answer {
    Rules(prometheus::Rules, Option<Skew>),
    Active(alertmanager::Active),
}

impl Asked {
    pub fn prometheus(source: usize, url: String, trust: Option<Trust>) -> Result<Asked, String> {
        let seen = Seen::new(source, AlertStage::Rule);
        let own = OfPrometheus { seen, skew: Skew::default(), looks: 0, rules: Vec::new(), new: Vec::new() };
        Asked::new(source, url, trust, Server::Prometheus(Box::new(own)))
    }

    /// It tells of rules too, where nobody else does.
    pub fn alertmanager(source: usize, url: String, tells_rules: bool, trust: Option<Trust>) -> Result<Asked, String> {
        let own = OfAlertmanager {
            active: Seen::new(source, AlertStage::Active),
            rules: tells_rules.then(|| Seen::new(source, AlertStage::Rule)),
            last: alertmanager::Active::default(),
        };
        Asked::new(source, url, trust, Server::Alertmanager(Box::new(own)))
    }

    fn new(source: usize, url: String, trust: Option<Trust>, server: Server) -> Result<Asked, String> {
        let client = ControlClient::new(PATIENCE, trust.as_ref())?;
        Ok(Asked { source, url, client, trust, server, last: 0, failing: None })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn failing(&self) -> Option<&str> {
        self.failing.as_deref()
    }

    /// Rules that were never evaluated: whether they fire is not known.
    pub fn never_evaluated(&self) -> &[String] {
        match &self.server {
            Server::Prometheus(own) => &own.new,
            Server::Alertmanager(_) => &[],
        }
    }

    /// What it shows of alerts now, at its own stage.
    pub fn states(&self) -> (AlertStage, Vec<(&Key, AlertState)>) {
        let (stage, seen) = match &self.server {
            Server::Prometheus(own) => (AlertStage::Rule, &own.seen),
            Server::Alertmanager(own) => (AlertStage::Active, &own.active),
        };
        (stage, seen.known().map(|(key, known)| (key, known.state)).collect())
    }

    /// What a server has still to do before it can tell what fires: one that has just started finds its targets and its Alertmanager after some
    /// seconds, and loses alerts until then. What it does not tell is taken for done.
    pub async fn lacks(&self, has_alertmanager: bool) -> Lack {
        let Server::Prometheus(own) = &self.server else { return Lack::Nothing };
        let started = self.page(prometheus::RUNTIME).await.and_then(|answer| prometheus::started(&answer));
        let Ok(started) = started else { return Lack::Nothing };
        let age = Wall::now().since(own.skew.ours(started));
        let tells = self.page(prometheus::ALERTMANAGERS).await.and_then(|answer| prometheus::tells_somebody(&answer));
        if has_alertmanager && tells == Ok(false) {
            return if age < YOUNG { Lack::Time } else { Lack::Alertmanager };
        }
        if age < YOUNG {
            let looked = self.page(prometheus::TARGETS).await.and_then(|answer| prometheus::has_looked(&answer));
            match looked {
                Ok((false, _)) => return Lack::Time,
                // It may have none.
                Ok((true, false)) if age < YOUNG / 2 => return Lack::Time,
                Ok((true, _)) | Err(_) => {}
            }
        }
        Lack::Nothing
    }

    /// What is told when the load begins.
    pub fn begins(&self) -> Vec<Event> {
        let alerts = |seen: &Seen| seen.before().into_iter().map(Event::Alert).collect::<Vec<_>>();
        match &self.server {
            Server::Prometheus(own) => {
                let rules = AlertRules { source: self.source, rules: own.rules.clone() };
                std::iter::once(Event::AlertRules(rules)).chain(alerts(&own.seen)).collect()
            }
            Server::Alertmanager(own) => own.rules.iter().flat_map(alerts).chain(alerts(&own.active)).collect(),
        }
    }

    /// Asks once. What is told before the load is kept for its beginning.
    pub async fn look(&mut self, times: Times) -> Vec<Event> {
        let sent = times.now();
        match self.answer().await {
            Ok(answer) => {
                let look = Look { at: times.now(), last: self.last };
                let mut events = self.unasked(look.at);
                events.extend(self.take(answer, times, look));
                self.last = sent;
                events
            }
            Err(reason) => {
                // The first is often of a connection that broke, and says less.
                self.failing = Some(reason);
                Vec::new()
            }
        }
    }

    /// That it could not be asked up to an instant, if it could not.
    pub fn unasked(&mut self, until: u64) -> Vec<Event> {
        let Some(reason) = self.failing.take() else { return Vec::new() };
        let stages: &[AlertStage] = match &self.server {
            Server::Prometheus(_) => &[AlertStage::Rule],
            Server::Alertmanager(own) if own.rules.is_some() => &[AlertStage::Rule, AlertStage::Active],
            Server::Alertmanager(_) => &[AlertStage::Active],
        };
        let (source, range) = (self.source, (self.last.min(until), until));
        let one = |stage: &AlertStage| {
            Event::AlertsUnasked(AlertsUnasked { source, stage: *stage, range, reason: reason.clone() })
        };
        stages.iter().map(one).collect()
    }

    async fn page(&self, path: &str) -> Result<String, String> {
        self.client.page(&below(&self.url, path), LONGEST).await
    }

    async fn answer(&mut self) -> Result<Answer, String> {
        match &self.server {
            Server::Prometheus(own) => {
                let is_due = own.looks.is_multiple_of(CLOCK_EVERY);
                let rules = parsed(self.page(prometheus::RULES).await?, prometheus::rules).await?;
                // Without it the rules are told all the same.
                let skew = if is_due { self.skew().await.ok() } else { None };
                Ok(Answer::Rules(rules, skew))
            }
            Server::Alertmanager(_) => {
                parsed(self.page(alertmanager::ALERTS).await?, alertmanager::alerts).await.map(Answer::Active)
            }
        }
    }

    async fn skew(&self) -> Result<Skew, String> {
        let before = Wall::now();
        let answer = self.page(prometheus::TIME).await?;
        let after = Wall::now();
        Ok(Skew::measured(prometheus::time(&answer)?, (before, after)))
    }

    fn take(&mut self, answer: Answer, times: Times, look: Look) -> Vec<Event> {
        match (&mut self.server, answer) {
            (Server::Prometheus(own), Answer::Rules(rules, skew)) => own.take(self.source, rules, skew, times, look),
            (Server::Alertmanager(own), Answer::Active(active)) => own.take(active, times, look),
            (Server::Prometheus(_), Answer::Active(_)) | (Server::Alertmanager(_), Answer::Rules(..)) => Vec::new(),
        }
    }

    /// What its rules did, read from its series when all is over; nothing where it has none.
    pub async fn history(&mut self, times: Times) -> Option<Event> {
        let Server::Prometheus(own) = &self.server else { return None };
        let client = match ControlClient::new(PATIENCE_AFTERWARDS, self.trust.as_ref()) {
            Ok(client) => client,
            Err(problem) => return Some(Event::Problem { problem }),
        };
        let skew = self.skew().await.unwrap_or(own.skew);
        let read = Samples { client: &client, url: &self.url, skew, rules: &own.rules };
        Some(match read.history(self.source, times).await {
            Ok(history) => Event::AlertHistory(history),
            Err(why) => {
                let problem = format!("what the rules of {} did could not be read afterwards: {why}", self.url);
                Event::Problem { problem }
            }
        })
    }
}

/// A long answer takes a while, and whoever controls the run has other things to do.
async fn parsed<T: Send + 'static>(page: String, parse: fn(&str) -> Result<T, String>) -> Result<T, String> {
    let parsed = tokio::task::spawn_blocking(move || parse(&page)).await;
    parsed.unwrap_or_else(|_| Err("the answer could not be read".to_owned()))
}

impl OfPrometheus {
    fn take(
        &mut self,
        source: usize,
        mut rules: prometheus::Rules,
        skew: Option<Skew>,
        times: Times,
        look: Look,
    ) -> Vec<Event> {
        self.looks += 1;
        self.skew = skew.unwrap_or(self.skew);
        self.new = std::mem::take(&mut rules.new);
        let differ = rules.differ(&self.rules);
        let found = rules.found(times, self.skew);
        let gone = |key: &Key| rules.gone(key, look.last, times, self.skew);
        let alerts = self.seen.look(look, found, gone, rules.slack());
        if !times.has_begun() {
            self.rules = rules.rules;
            return Vec::new();
        }
        let mut events: Vec<Event> = alerts.into_iter().map(Event::Alert).collect();
        if differ {
            self.rules = rules.rules;
            events.insert(0, Event::AlertRules(AlertRules { source, rules: self.rules.clone() }));
        }
        events
    }
}

impl OfAlertmanager {
    fn take(&mut self, active: alertmanager::Active, times: Times, look: Look) -> Vec<Event> {
        let before = std::mem::replace(&mut self.last, active);
        let gone = |key: &Key| before.ended(key, times);
        let found = self.last.rules(times);
        // It may have been told late that a rule fires.
        let rules = self.rules.as_mut().map(|seen| seen.look(look, found, gone, u64::MAX)).unwrap_or_default();
        let alerts = self.active.look(look, self.last.found(times), gone, 0);
        if !times.has_begun() {
            return Vec::new();
        }
        rules.into_iter().chain(alerts).map(Event::Alert).collect()
    }
}

/// Reads the samples of alerts.
struct Samples<'s> {
    client: &'s ControlClient,
    url: &'s str,
    skew: Skew,
    rules: &'s [AlertRule],
}

impl Samples<'_> {
    async fn page(&self, path: &str) -> Result<String, String> {
        self.client.page(&below(self.url, path), LONGEST).await
    }

    async fn history(&self, source: usize, times: Times) -> Result<AlertHistory, String> {
        let (at, now) = (times.now(), Wall::now());
        let begin = Wall(now.0 - i128::from(at));
        let until = self.skew.theirs(now);
        let interval = self.rules.iter().map(|rule| rule.interval).max().unwrap_or(0);
        let all = at.saturating_add(interval.saturating_mul(3)).div_ceil(SECOND) + 1;
        let mut history = prometheus::History::default();
        let (mut left, mut end) = (all, until);
        while left > 0 {
            let part = left.min(prometheus::CHUNK);
            history.add_states(&self.page(&prometheus::samples("ALERTS", part, end)).await?)?;
            history.add_since(&self.page(&prometheus::samples("ALERTS_FOR_STATE", part, end)).await?)?;
            left -= part;
            end = Wall(end.0 - i128::from(part * SECOND));
        }
        history.add_present(&self.page(&prometheus::present(until)).await?)?;
        // Of what was before the load only counts how it was when that began.
        let mut before: BTreeMap<Key, AlertState> = BTreeMap::new();
        let mut alerts = Vec::new();
        let alert = |key: Key, state: AlertState, at: u64| Alert {
            source,
            stage: AlertStage::Rule,
            name: key.name,
            labels: key.labels,
            state,
            at,
            after: None,
            receivers: Vec::new(),
        };
        for change in history.changes(self.rules) {
            let wall = self.skew.ours(change.at);
            match (wall <= begin, change.state) {
                (true, AlertState::Resolved) => drop(before.remove(&change.key)),
                (true, state) => drop(before.insert(change.key, state)),
                (false, state) => alerts.push(alert(change.key, state, times.of(wall))),
            }
        }
        let mut told: Vec<Alert> = before.into_iter().map(|(key, state)| alert(key, state, 0)).collect();
        told.append(&mut alerts);
        Ok(AlertHistory { source, range: (0, at), alerts: told })
    }
}
