//! Each time that an alert fired, put together from what its source told of the stages of its way.

use crate::base::units::SECOND;
use crate::measure::{Alert, AlertStage, AlertState, Stats};

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

/// Each time that an alert of a source fired or was pending, in the order of time.
pub fn firings(source: usize, stats: &Stats) -> Vec<Firing> {
    let own = || stats.alerts.iter().filter(|alert| alert.source == source);
    let of = |stage: AlertStage| own().filter(move |alert| alert.stage == stage);
    let histories: Vec<_> = stats.alert_histories.iter().filter(|history| history.source == source).collect();
    let is_read =
        |alert: &&Alert| histories.iter().any(|history| (history.range.0..=history.range.1).contains(&alert.at));
    let rule = of(AlertStage::Rule).filter(|alert| !is_read(alert));
    let rule = rule.chain(histories.iter().flat_map(|history| &history.alerts));
    let mut all: Vec<Firing> = Vec::new();
    for (name, pending, stay) in stays(rule) {
        all.push(Firing { name, pending, rule: stay, active: None, delivered: None });
    }
    for stage in [AlertStage::Active, AlertStage::Delivered] {
        for (name, _, stay) in stays(of(stage)) {
            if let Some(stay) = stay {
                link(&mut all, stage, name, &stay);
            }
        }
    }
    all.sort_by_key(|firing| firing.from().or(firing.pending));
    all
}

type Told = (String, Option<u64>, Option<Stay>);

/// What was told of a stage, as times from a beginning to an end. One that was pending and never fired has no stay.
fn stays<'a>(alerts: impl Iterator<Item = &'a Alert>) -> Vec<Told> {
    let mut alerts: Vec<&Alert> = alerts.collect();
    alerts.sort_by_key(|alert| alert.at);
    let mut all: Vec<Told> = Vec::new();
    // What goes on, with whose it is.
    let mut open: Vec<(&Alert, Told)> = Vec::new();
    for alert in alerts {
        let place = open.iter().position(|(of, _)| of.name == alert.name && of.labels == alert.labels);
        let mut was = place.map(|place| open.swap_remove(place).1);
        match alert.state {
            AlertState::Resolved => {
                if let Some((.., Some(stay))) = &mut was {
                    stay.to = Some(alert.at);
                }
                all.extend(was);
            }
            AlertState::Pending => match was {
                Some(was @ (.., None)) => open.push((alert, was)),
                was => {
                    all.extend(was.map(|was| ended(was, alert.at)));
                    open.push((alert, (alert.name.clone(), Some(alert.at), None)));
                }
            },
            AlertState::Firing | AlertState::Suppressed => {
                let suppressed = alert.state == AlertState::Suppressed;
                let goes_on = matches!(&was, Some((.., Some(stay))) if stay.suppressed == suppressed);
                let now = match was {
                    Some(was) if goes_on => was,
                    was => {
                        let pending = was.as_ref().and_then(|(_, pending, stay)| pending.filter(|_| stay.is_none()));
                        all.extend(was.filter(|(.., stay)| stay.is_some()).map(|was| ended(was, alert.at)));
                        (alert.name.clone(), pending, Some(begun(alert, suppressed)))
                    }
                };
                open.push((alert, now));
            }
        }
    }
    all.extend(open.into_iter().map(|(_, told)| told));
    all.sort_by_key(|(_, pending, stay)| stay.as_ref().map_or(*pending, |stay| Some(stay.from)));
    all
}

fn ended((name, pending, stay): Told, at: u64) -> Told {
    (name, pending, stay.map(|stay| Stay { to: Some(at), ..stay }))
}

fn begun(alert: &Alert, suppressed: bool) -> Stay {
    let (labels, receivers) = (alert.labels.clone(), alert.receivers.clone());
    Stay { from: alert.at, after: alert.after, to: None, labels, suppressed, receivers }
}

/// Puts a later stage to those that it is of. One notification may be of an alert that fired several times meanwhile.
fn link(all: &mut Vec<Firing>, stage: AlertStage, name: String, stay: &Stay) {
    let fits = |firing: &Firing| {
        let before = firing.stays().last()?;
        let begins = before.from <= stay.from.saturating_add(SLACK);
        let late = before.to.is_some_and(|to| stay.from > to.saturating_add(BEHIND));
        let agree = agree(&before.labels, &stay.labels).filter(|_| begins && !late);
        agree.filter(|_| firing.name == name && firing.at(stage).is_none()).map(|agree| (agree, before.from))
    };
    let of = (0..all.len()).filter_map(|place| Some((fits(&all[place])?, place))).max();
    let Some((_, place)) = of else {
        let mut alone = Firing { name, pending: None, rule: None, active: None, delivered: None };
        *alone.at_mut(stage) = Some(stay.clone());
        return all.push(alone);
    };
    let of = all[place].stays().last().cloned();
    for (other, firing) in all.iter_mut().enumerate() {
        let same = |last: &Stay| {
            of.as_ref().is_some_and(|of| last.labels == of.labels && (last == of || stay.covers(last.from)))
        };
        let again = firing.name == name && firing.at(stage).is_none() && firing.stays().last().is_some_and(same);
        if other == place || again {
            *firing.at_mut(stage) = Some(stay.clone());
        }
    }
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
