//! A server that is asked for alerts once a second: what changed since it was asked last, and when it could not be asked.

use super::metrics::Metrics;
use super::seen::{Key, Look, Seen};
use super::times::Times;
use super::{alertmanager, prometheus};
use crate::base::socket::below;
use crate::base::units::SECOND;
use crate::measure::{Alert, AlertHistory, AlertRule, AlertRules, AlertStage, AlertState, AlertsUnasked, Event};
use crate::run::ask::{ControlClient, Trust};
use crate::run::prometheus::{Answer, Prometheus};
use crate::run::wall::{Skew, Wall};
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

/// Which metrics of its rules a Prometheus has is asked in so many looks, and told then. Later it is asked as rarely as for its clock.
const FIRST_LOOKS: u64 = 10;
/// What a Prometheus takes for now may be as old.
const LOOKS_BACK: u64 = 300;

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

/// Where a server is, and what it wants to see of whoever asks.
#[derive(Clone)]
pub struct Way {
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub trust: Option<Trust>,
}

impl Way {
    fn client(&self, patience: Duration) -> Result<ControlClient, String> {
        ControlClient::new(patience, self.trust.as_ref())?.with_headers(&self.headers)
    }

    fn prometheus(&self, patience: Duration) -> Result<Prometheus, String> {
        Ok(Prometheus::new(self.client(patience)?, self.url.clone()))
    }
}

pub struct Asked {
    pub source: usize,
    way: Way,
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
    api: Prometheus,
    /// It is a Grafana, which tells its rules as a Prometheus does, and neither its series nor its clock.
    is_grafana: bool,
    seen: Seen,
    skew: Skew,
    looks: u64,
    rules: Vec<AlertRule>,
    /// Those that it has never evaluated.
    new: Vec<String>,
    /// What the rules read, once it has said that.
    metrics: Option<Metrics>,
    /// Looks since the load has begun with these rules.
    rounds: u64,
}

struct OfAlertmanager {
    client: ControlClient,
    active: Seen,
    /// Where no Prometheus tells of the rules.
    rules: Option<Seen>,
    last: alertmanager::Active,
}

/// What one look found.
enum Shown {
    Rules(prometheus::Rules, Option<Skew>),
    Active(alertmanager::Active),
}

impl Asked {
    pub fn prometheus(source: usize, way: Way) -> Result<Asked, String> {
        Asked::rules(source, way, false)
    }

    /// The rules of a Grafana, and what its own Alertmanager knows.
    pub fn grafana(source: usize, way: &Way) -> Result<[Asked; 2], String> {
        let part = |path: &str| Way { url: below(&way.url, path), ..way.clone() };
        let rules = Asked::rules(source, part("/api/prometheus/grafana"), true)?;
        Ok([rules, Asked::alertmanager(source, part("/api/alertmanager/grafana"), false)?])
    }

    fn rules(source: usize, way: Way, is_grafana: bool) -> Result<Asked, String> {
        let own = OfPrometheus {
            api: way.prometheus(PATIENCE)?,
            is_grafana,
            seen: Seen::new(source, AlertStage::Rule),
            skew: Skew::default(),
            looks: 0,
            rules: Vec::new(),
            new: Vec::new(),
            metrics: None,
            rounds: 0,
        };
        Ok(Asked::new(source, way, Server::Prometheus(Box::new(own))))
    }

    /// It tells of rules too, where nobody else does.
    pub fn alertmanager(source: usize, way: Way, tells_rules: bool) -> Result<Asked, String> {
        let own = OfAlertmanager {
            client: way.client(PATIENCE)?,
            active: Seen::new(source, AlertStage::Active),
            rules: tells_rules.then(|| Seen::new(source, AlertStage::Rule)),
            last: alertmanager::Active::default(),
        };
        Ok(Asked::new(source, way, Server::Alertmanager(Box::new(own))))
    }

    fn new(source: usize, way: Way, server: Server) -> Asked {
        Asked { source, way, server, last: 0, failing: None }
    }

    pub fn url(&self) -> &str {
        &self.way.url
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
        let own = match &self.server {
            Server::Prometheus(own) if !own.is_grafana => own,
            Server::Prometheus(_) | Server::Alertmanager(_) => return Lack::Nothing,
        };
        let Ok(prometheus::Runtime { start_time }) = own.api.get(prometheus::RUNTIME).await else {
            return Lack::Nothing;
        };
        let age = Wall::now().since(own.skew.ours(start_time));
        let tells = own.api.get::<prometheus::Alertmanagers>(prometheus::ALERTMANAGERS).await;
        if has_alertmanager && tells.is_ok_and(|told| !told.is_somebody()) {
            return if age < YOUNG { Lack::Time } else { Lack::Alertmanager };
        }
        if age < YOUNG
            && let Ok(targets) = own.api.targets().await
        {
            // It may have none.
            let has_none = targets.is_empty() && age < YOUNG / 2;
            if has_none || !prometheus::has_looked(&targets) {
                return Lack::Time;
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
                if let Server::Prometheus(own) = &mut self.server {
                    events.extend(own.ask_for_metrics(self.source, times).await);
                }
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

    async fn answer(&mut self) -> Result<Shown, String> {
        match &self.server {
            Server::Prometheus(own) => {
                if own.is_grafana {
                    let (rules, skew) = own.api.dated::<prometheus::Groups>(prometheus::RULES_OF_GRAFANA).await?;
                    return Ok(Shown::Rules(rules.into(), skew));
                }
                let is_due = own.looks.is_multiple_of(CLOCK_EVERY);
                let rules: prometheus::Groups = own.api.get(prometheus::RULES).await?;
                // Without it the rules are told all the same.
                let skew = if is_due { own.api.skew().await.ok() } else { None };
                Ok(Shown::Rules(rules.into(), skew))
            }
            Server::Alertmanager(own) => {
                let page = own.client.page(&below(&self.way.url, alertmanager::ALERTS), LONGEST).await?;
                parsed(page, alertmanager::alerts).await.map(Shown::Active)
            }
        }
    }

    fn take(&mut self, answer: Shown, times: Times, look: Look) -> Vec<Event> {
        match (&mut self.server, answer) {
            (Server::Prometheus(own), Shown::Rules(rules, skew)) => own.take(self.source, rules, skew, times, look),
            (Server::Alertmanager(own), Shown::Active(active)) => own.take(active, times, look),
            (Server::Prometheus(_), Shown::Active(_)) | (Server::Alertmanager(_), Shown::Rules(..)) => Vec::new(),
        }
    }

    /// What its rules did and which metrics they lacked, read from its series when all is over; nothing where it has none.
    pub async fn history(&mut self, times: Times) -> Vec<Event> {
        let own = match &mut self.server {
            Server::Prometheus(own) if !own.is_grafana => own,
            Server::Prometheus(_) | Server::Alertmanager(_) => return Vec::new(),
        };
        let api = match self.way.prometheus(PATIENCE_AFTERWARDS) {
            Ok(api) => api,
            Err(problem) => return vec![Event::Problem { problem }],
        };
        let told = api.skew().await;
        let back = (times.now().div_ceil(SECOND) + LOOKS_BACK, told.as_ref().unwrap_or(&own.skew).theirs(Wall::now()));
        // One that does not answer is not asked for everything, each time with patience.
        let lacking = if told.is_ok() { own.lacked(self.source, &api, back).await } else { None };
        let skew = told.unwrap_or(own.skew);
        let read = Samples { api, skew, rules: &own.rules };
        let history = match read.history(self.source, times).await {
            Ok(history) => Event::AlertHistory(history),
            Err(why) => {
                let problem = format!("what the rules of {} did could not be read afterwards: {why}", self.way.url);
                Event::Problem { problem }
            }
        };
        lacking.into_iter().chain([history]).collect()
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
            (self.metrics, self.rounds) = (None, 0);
            self.rules = rules.rules;
            events.insert(0, Event::AlertRules(AlertRules { source, rules: self.rules.clone() }));
        }
        events
    }
}

impl OfPrometheus {
    /// Which metrics of its rules it has: in the first seconds of the load, and later from time to time while any is missing.
    async fn ask_for_metrics(&mut self, source: usize, times: Times) -> Option<Event> {
        if !times.has_begun() || self.is_grafana {
            return None;
        }
        self.rounds += 1;
        if self.rounds > FIRST_LOOKS && !self.rounds.is_multiple_of(CLOCK_EVERY) {
            return None;
        }
        if self.metrics.is_none() {
            self.metrics = Metrics::of(&self.rules, &self.api).await.ok();
        }
        let metrics = self.metrics.as_mut().filter(|metrics| !metrics.is_whole())?;
        metrics.ask(&self.api, None).await.ok()?;
        if self.rounds < FIRST_LOOKS { None } else { self.told(source) }
    }

    /// The same at the end: a metric may have been there between two looks.
    async fn lacked(&mut self, source: usize, api: &Prometheus, back: (u64, Wall)) -> Option<Event> {
        if self.metrics.is_none() {
            self.metrics = Metrics::of(&self.rules, api).await.ok();
        }
        let metrics = self.metrics.as_mut().filter(|metrics| !metrics.is_whole())?;
        metrics.ask(api, Some(back)).await.ok()?;
        self.told(source)
    }

    /// Its rules with the metrics that they lack, if that is new.
    fn told(&mut self, source: usize) -> Option<Event> {
        let mut rules = self.rules.clone();
        self.metrics.as_ref()?.tell(&mut rules);
        if rules == self.rules {
            return None;
        }
        self.rules = rules;
        Some(Event::AlertRules(AlertRules { source, rules: self.rules.clone() }))
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
    api: Prometheus,
    skew: Skew,
    rules: &'s [AlertRule],
}

impl Samples<'_> {
    async fn raw(&self, of: &str, seconds: u64, end: Wall) -> Result<Answer, String> {
        self.api.query(&prometheus::samples(of, seconds), Some(end)).await
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
            history.add_states(self.raw("ALERTS", part, end).await?)?;
            history.add_since(self.raw("ALERTS_FOR_STATE", part, end).await?)?;
            left -= part;
            end = Wall(end.0 - i128::from(part * SECOND));
        }
        history.add_present(self.api.query("ALERTS", Some(until)).await?)?;
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
