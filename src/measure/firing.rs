//! Each time that an alert fired, put together from what its source told of the stages of its way.

use super::{Alert, AlertHistory, AlertStage, AlertState};
use crate::base::units::SECOND;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// A stage is told of an alert a moment before the one that comes first: clocks differ, and looks come once a second.
const SLACK: u64 = 2 * SECOND;
/// What is delivered of an alert may come after its end.
const BEHIND: u64 = 10 * SECOND;

/// One time that an alert fired, or was about to.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    pub name: String,
    /// When its expression began to hold.
    pub pending: Option<u64>,
    pub rule: Option<Stay>,
    pub active: Option<Stay>,
    pub delivered: Option<Stay>,
}

/// How long it was in a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Stay {
    pub from: u64,
    /// The last instant at which it was surely not there yet, where `from` is only when it was seen.
    pub after: Option<u64>,
    pub to: Option<u64>,
    pub labels: Vec<(String, String)>,
    /// It was kept back all the time.
    pub suppressed: bool,
    pub receivers: Vec<String>,
}

impl Stay {
    pub fn covers(&self, at: u64) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }

    fn fits(&self, labels: &[(String, String)]) -> bool {
        labels.iter().all(|wanted| self.labels.contains(wanted))
    }
}

impl Firing {
    pub fn at(&self, stage: AlertStage) -> Option<&Stay> {
        match stage {
            AlertStage::Rule => self.rule.as_ref(),
            AlertStage::Active => self.active.as_ref(),
            AlertStage::Delivered => self.delivered.as_ref(),
        }
    }

    fn at_mut(&mut self, stage: AlertStage) -> &mut Option<Stay> {
        match stage {
            AlertStage::Rule => &mut self.rule,
            AlertStage::Active => &mut self.active,
            AlertStage::Delivered => &mut self.delivered,
        }
    }

    pub fn stays(&self) -> impl Iterator<Item = &Stay> {
        [&self.rule, &self.active, &self.delivered].into_iter().flatten()
    }

    /// The first that is known of it.
    pub fn first(&self) -> Option<&Stay> {
        self.stays().next()
    }

    /// When it began to fire.
    pub fn from(&self) -> Option<u64> {
        self.first().map(|stay| stay.from)
    }

    /// Until when any stage knew of it; nothing where one does to the end.
    pub fn to(&self) -> Option<u64> {
        self.stays().map(|stay| stay.to).try_fold(0, |last, to| to.map(|to| last.max(to)))
    }

    /// It fired, and was not kept back by a silence or another alert.
    pub fn is_loud(&self) -> bool {
        let kept_back = self.active.as_ref().is_some_and(|stay| stay.suppressed) && self.delivered.is_none();
        self.first().is_some() && !kept_back
    }

    /// In a stage it has this name and these labels.
    pub fn is_of(&self, stage: AlertStage, name: &str, labels: &[(String, String)]) -> bool {
        self.name == name && self.at(stage).is_some_and(|stay| stay.fits(labels))
    }

    /// Somewhere on its way it had them.
    pub fn was_of(&self, name: &str, labels: &[(String, String)]) -> bool {
        self.name == name && (labels.is_empty() || self.stays().any(|stay| stay.fits(labels)))
    }

    /// Of the given labels, those that a stage does not have.
    pub fn lacks<'l>(&self, stage: AlertStage, labels: &'l [(String, String)]) -> Vec<&'l str> {
        let has = |wanted: &(String, String)| self.at(stage).is_some_and(|stay| stay.labels.contains(wanted));
        labels.iter().filter(|wanted| !has(wanted)).map(|(name, _)| name.as_str()).collect()
    }
}

/// Each time that alerts of the sources of a run fired, worked out once for all lines that ask.
#[derive(Debug, Clone, Default)]
pub(super) struct Firings(OnceLock<BTreeMap<usize, Vec<Firing>>>);

impl Firings {
    pub(super) fn of(&self, source: usize, alerts: &[Alert], histories: &[AlertHistory]) -> &[Firing] {
        let all = self.0.get_or_init(|| {
            let told = alerts.iter().map(|alert| alert.source).chain(histories.iter().map(|history| history.source));
            let sources: BTreeSet<usize> = told.collect();
            sources.into_iter().map(|source| (source, firings(source, alerts, histories))).collect()
        });
        all.get(&source).map_or(&[], Vec::as_slice)
    }
}

/// Each time that an alert of a source fired or was pending, in the order of time.
fn firings(source: usize, alerts: &[Alert], histories: &[AlertHistory]) -> Vec<Firing> {
    let histories: Vec<&AlertHistory> = histories.iter().filter(|history| history.source == source).collect();
    let is_read = |alert: &Alert| {
        let is_in = |history: &&AlertHistory| (history.range.0..=history.range.1).contains(&alert.at);
        alert.stage == AlertStage::Rule && histories.iter().any(is_in)
    };
    let own = alerts.iter().filter(|alert| alert.source == source && !is_read(alert));
    // What is told of one alert changes nothing of another.
    let mut by_name: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
    for alert in own.chain(histories.iter().flat_map(|history| &history.alerts)) {
        by_name.entry(&alert.name).or_default().push(alert);
    }
    let mut all: Vec<Firing> = by_name.into_iter().flat_map(|(name, alerts)| of_name(name, &alerts)).collect();
    all.sort_by_key(|firing| firing.from().or(firing.pending));
    all
}

fn of_name(name: &str, alerts: &[&Alert]) -> Vec<Firing> {
    let of = |stage: AlertStage| stays(alerts.iter().copied().filter(move |alert| alert.stage == stage));
    let named = || Firing { name: name.to_owned(), pending: None, rule: None, active: None, delivered: None };
    let mut all: Vec<Firing> = of(AlertStage::Rule)
        .into_iter()
        .map(|Told { pending, stay }| Firing { pending, rule: stay, ..named() })
        .collect();
    for stage in [AlertStage::Active, AlertStage::Delivered] {
        for stay in of(stage).into_iter().filter_map(|told| told.stay) {
            if !link(&mut all, stage, &stay) {
                let mut alone = named();
                *alone.at_mut(stage) = Some(stay);
                all.push(alone);
            }
        }
    }
    all
}

/// One that was pending and never fired has no stay.
#[derive(Default)]
struct Told {
    pending: Option<u64>,
    stay: Option<Stay>,
}

/// What was told of a stage of the alerts of one name, as times from a beginning to an end.
fn stays<'a>(alerts: impl Iterator<Item = &'a Alert>) -> Vec<Told> {
    let mut alerts: Vec<&Alert> = alerts.collect();
    alerts.sort_by_key(|alert| alert.at);
    let mut all: Vec<Told> = Vec::new();
    // What goes on, by its labels.
    let mut open: BTreeMap<&[(String, String)], Told> = BTreeMap::new();
    for alert in alerts {
        let was = open.remove(alert.labels.as_slice());
        let (over, now) = moved(was, alert);
        all.extend(over);
        if let Some(now) = now {
            open.insert(&alert.labels, now);
        }
    }
    all.extend(open.into_values());
    all.sort_by_key(|told| told.stay.as_ref().map_or(told.pending, |stay| Some(stay.from)));
    all
}

/// What is over when an alert comes into a state, and what goes on from there.
fn moved(was: Option<Told>, alert: &Alert) -> (Option<Told>, Option<Told>) {
    match alert.state {
        AlertState::Resolved => (was.map(|was| was.ended(alert.at)), None),
        AlertState::Pending => match was {
            Some(was) if was.stay.is_none() => (None, Some(was)),
            was => {
                let now = Told { pending: Some(alert.at), stay: None };
                (was.map(|was| was.ended(alert.at)), Some(now))
            }
        },
        AlertState::Firing | AlertState::Suppressed => {
            let suppressed = alert.state == AlertState::Suppressed;
            match was {
                Some(was) if was.stay.as_ref().is_some_and(|stay| stay.suppressed == suppressed) => (None, Some(was)),
                Some(was) if was.stay.is_some() => {
                    let now = Told { pending: None, stay: Some(begun(alert, suppressed)) };
                    (Some(was.ended(alert.at)), Some(now))
                }
                was => {
                    let pending = was.and_then(|was| was.pending);
                    (None, Some(Told { pending, stay: Some(begun(alert, suppressed)) }))
                }
            }
        }
    }
}

impl Told {
    fn ended(self, at: u64) -> Told {
        Told { stay: self.stay.map(|stay| Stay { to: Some(at), ..stay }), ..self }
    }
}

fn begun(alert: &Alert, suppressed: bool) -> Stay {
    let (labels, receivers) = (alert.labels.clone(), alert.receivers.clone());
    Stay { from: alert.at, after: alert.after, to: None, labels, suppressed, receivers }
}

/// Puts a later stage to those of its name that it is of, if there are any. One notification may be of an alert that fired several times
/// meanwhile.
fn link(all: &mut [Firing], stage: AlertStage, stay: &Stay) -> bool {
    let fits = |firing: &Firing| {
        let before = firing.stays().last().filter(|_| firing.at(stage).is_none())?;
        let begins = before.from <= stay.from.saturating_add(SLACK);
        let late = before.to.is_some_and(|to| stay.from > to.saturating_add(BEHIND));
        let agree = agree(&before.labels, &stay.labels).filter(|_| begins && !late);
        agree.map(|agree| (agree, before.from))
    };
    let of = all.iter().enumerate().filter_map(|(place, firing)| Some((fits(firing)?, place))).max();
    let Some((_, place)) = of else { return false };
    let of = all[place].stays().last().cloned();
    for (other, firing) in all.iter_mut().enumerate() {
        let same = |last: &Stay| {
            of.as_ref().is_some_and(|of| last.labels == of.labels && (last == of || stay.covers(last.from)))
        };
        let again = firing.at(stage).is_none() && firing.stays().last().is_some_and(same);
        if other == place || again {
            *firing.at_mut(stage) = Some(stay.clone());
        }
    }
    true
}

/// How many labels two have in common; nothing where one contradicts the other.
fn agree(a: &[(String, String)], b: &[(String, String)]) -> Option<usize> {
    let mut common = 0;
    for (name, value) in a {
        match b.iter().find(|(other, _)| other == name) {
            Some((_, other)) if other == value => common += 1,
            Some(_) => return None,
            None => {}
        }
    }
    Some(common)
}
