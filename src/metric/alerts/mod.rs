//! Alerts against what was expected of them: whether they fired in time, were resolved in time, and whether others stayed quiet.

mod class;
mod score;
#[cfg(test)]
mod tests;

pub use crate::measure::{Firing, Stay};
pub use class::{AlertClass, AlertFinding};
pub use score::{AlertCounts, Other, counts, delays, finding, others};
pub(super) use score::{apply, detection};

use super::{Grounds, Judged, Known, Outcome, Quantity, Why, recovery};
use crate::base::units::{SECOND, measured_duration, tenths};
use crate::check::program::{AlertSourceKind, Edge, Window};
use crate::measure::{AlertStage, AlertsUnasked, Stats};
use crate::plan::{AlertDoes, AlertScopes, AlertSource, Planned, PlannedAlert, Range, scope};

/// A source that does not answer for longer is not told of all that happens meanwhile.
const UNSEEN: u64 = 2 * SECOND + SECOND / 2;
/// And where something else tells of it too.
const UNSEEN_ALONE: u64 = 5 * SECOND;

/// The stage at which an alert of a source counts as fired: the last one that the run sees.
pub fn judged_at(source: &AlertSource) -> AlertStage {
    match source.kind {
        _ if source.receiver.is_some() => AlertStage::Delivered,
        AlertSourceKind::Webhook => AlertStage::Delivered,
        AlertSourceKind::Alertmanager | AlertSourceKind::Grafana => AlertStage::Active,
        AlertSourceKind::Prometheus => AlertStage::Rule,
    }
}

/// One source, with all that was heard of it.
pub(super) struct Heard<'s> {
    stats: &'s Stats,
    index: usize,
    stage: AlertStage,
    firings: &'s [Firing],
    /// Until when it was listened to.
    until: u64,
}

impl<'s> Heard<'s> {
    pub(super) fn of(index: usize, stats: &'s Stats) -> Option<Heard<'s>> {
        let source = stats.alerting.sources.get(index)?;
        let until = if stats.is_whole() { u64::MAX } else { stats.end() };
        Some(Heard { stats, index, stage: judged_at(source), firings: stats.firings(index), until })
    }

    fn checks(&self) -> impl Iterator<Item = &'s PlannedAlert> {
        self.stats.alerting.checks.iter().filter(|check| check.source == self.index)
    }

    /// When it could not be asked, so that a part of a range is not known: the longest of these times.
    fn unasked(&self, ranges: &[Range]) -> Option<&'s AlertsUnasked> {
        self.unasked_up_to(self.stage, ranges)
    }

    fn unasked_up_to(&self, last: AlertStage, ranges: &[Range]) -> Option<&'s AlertsUnasked> {
        let has_history = self.stats.alert_histories.iter().any(|history| history.source == self.index);
        let bound = |gap: &AlertsUnasked| match gap.stage {
            AlertStage::Rule if has_history => UNSEEN_ALONE,
            AlertStage::Active if self.stage == AlertStage::Delivered => UNSEEN_ALONE,
            AlertStage::Rule | AlertStage::Active | AlertStage::Delivered => UNSEEN,
        };
        let length = |gap: &&AlertsUnasked| gap.range.1.saturating_sub(gap.range.0);
        let own = self.stats.alerts_unasked.iter().filter(|gap| gap.source == self.index && gap.stage <= last);
        let touches = |gap: &&AlertsUnasked| !scope::intersect(&[gap.range], ranges).is_empty();
        own.filter(|gap| length(gap) > bound(gap)).filter(touches).max_by_key(length)
    }

    /// The metrics that the rules of an alert read and that never appeared.
    fn lacking(&self, name: &str) -> Option<String> {
        let told = self.stats.alert_rules.iter().filter(|told| told.source == self.index);
        let own = told.flat_map(|told| &told.rules).filter(|rule| rule.name == name);
        let absent: Vec<&str> = own.flat_map(|rule| rule.absent.iter().map(String::as_str)).collect();
        (!absent.is_empty()).then(|| absent.join("`, `"))
    }

    /// When what tells whether a rule fired could not be asked: the Prometheus where there is one, else whoever was told of it.
    fn rule_unasked(&self, range: Range) -> Option<&'s AlertsUnasked> {
        let source = self.stats.alerting.sources.get(self.index)?;
        let asks_rules = match source.kind {
            AlertSourceKind::Prometheus | AlertSourceKind::Grafana => true,
            AlertSourceKind::Alertmanager | AlertSourceKind::Webhook => source.prometheus.is_some(),
        };
        self.unasked_up_to(if asks_rules { AlertStage::Rule } else { self.stage }, &[range])
    }
}

fn said(gap: &AlertsUnasked) -> String {
    let (from, to) = gap.range;
    let who = match gap.stage {
        AlertStage::Rule => "the rules",
        AlertStage::Active => "the Alertmanager",
        AlertStage::Delivered => "the receiver",
    };
    format!("{who} could not be asked from {} to {}: {}", tenths(from), tenths(to), gap.reason)
}

pub(super) fn judge(check: &PlannedAlert, stats: &Stats) -> Judged {
    let Some(heard) = Heard::of(check.source, stats) else {
        return unknown("its source is not of this plan".to_owned());
    };
    match &check.does {
        AlertDoes::Fires { within, of } => match class::fires(check, (*within, of), &heard) {
            Ok(found) => found.judged(*within),
            Err(reason) => unknown(reason),
        },
        AlertDoes::Resolves { within, of } => match class::resolves(check, (*within, of), &heard) {
            Ok(found) => found.judged(*within),
            Err(reason) => unknown(reason),
        },
        AlertDoes::StaysQuiet { scopes } => quiet(check, scopes, &heard),
        AlertDoes::KeepsFiring { scopes } => keeps(check, scopes, &heard),
        // It asks for nothing.
        AlertDoes::MayFire { .. } => outcome(Outcome::Held, None),
    }
}

fn unknown(reason: String) -> Judged {
    Judged { timed: false, ..Judged::unknown(reason) }
}

fn outcome(outcome: Outcome, reason: Option<String>) -> Judged {
    let code = match outcome {
        Outcome::Held => Why::Met,
        Outcome::Failed => Why::Missed,
        Outcome::Inconclusive => Why::NoValue,
    };
    Judged { outcome, reason, grounds: Grounds::of(code), ..Judged::default() }
}

impl AlertFinding {
    fn judged(self, within: u64) -> Judged {
        let value = self.took.map(|ns| Quantity::time(ns, Known::Value));
        let bound = Some(Quantity::time(within, Known::Exactly));
        Judged { value, bound, ..outcome(self.outcome, self.reason) }
    }
}

/// What scopes of alerts leave, with faults and events as they were.
fn ranges(scopes: &AlertScopes, heard: &Heard<'_>) -> Result<Vec<Range>, String> {
    let known = crate::plan::Scopes {
        impacts: scopes.impacts.clone(),
        faults: scopes.faults.clone(),
        ..crate::plan::Scopes::default()
    };
    let narrow = recovery::scopes(&known, heard.stats)?;
    let ranges = narrow.iter().fold(scopes.ranges.clone(), |narrow, ranges| scope::intersect(&narrow, ranges));
    Ok(scope::intersect(&ranges, &[(0, heard.until.min(heard.end()))]))
}

impl Heard<'_> {
    /// Until when anything of the plan is looked at.
    fn end(&self) -> u64 {
        self.stats.alerting.end().max(self.stats.end())
    }
}

fn overlaps(firing: &Firing, ranges: &[Range]) -> bool {
    let Some(from) = firing.from() else { return false };
    ranges.iter().any(|(start, end)| from < *end && firing.to().is_none_or(|to| to > *start))
}

/// Neither the named alert fires in the ranges nor, where none is named, one that no other line speaks of.
fn quiet(check: &PlannedAlert, scopes: &AlertScopes, heard: &Heard<'_>) -> Judged {
    let ranges = match ranges(scopes, heard) {
        Ok(ranges) => ranges,
        Err(reason) => return unknown(reason),
    };
    let fired: Vec<&Firing> = match &check.name {
        Some(name) => {
            let own = heard.firings.iter().filter(|firing| firing.was_of(name, &check.labels) && firing.is_loud());
            own.filter(|firing| overlaps(firing, &ranges)).collect()
        }
        None => score::unexplained(heard).into_iter().filter(|firing| overlaps(firing, &ranges)).collect(),
    };
    if let Some(first) = fired.first() {
        let at = tenths(first.from().unwrap_or_default());
        let named = if check.name.is_some() { String::new() } else { format!("`{}` ", first.name) };
        let more = match fired.len() {
            1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        return outcome(Outcome::Failed, Some(format!("{named}fired at {at}{more}")));
    }
    if let Some(gap) = heard.unasked(&ranges) {
        return outcome(Outcome::Inconclusive, Some(said(gap)));
    }
    if heard.until < heard.end() {
        return outcome(Outcome::Inconclusive, Some(format!("quiet until the run ended at {}", tenths(heard.until))));
    }
    outcome(Outcome::Held, None)
}

/// A dead man's switch: whatever keeps it from being seen, it has not fired.
fn keeps(check: &PlannedAlert, scopes: &AlertScopes, heard: &Heard<'_>) -> Judged {
    let ranges = match ranges(scopes, heard) {
        Ok(ranges) => ranges,
        Err(reason) => return unknown(reason),
    };
    let name = check.name.as_deref().unwrap_or_default();
    let own = heard.firings.iter().filter(|firing| firing.is_of(heard.stage, name, &check.labels));
    let stays = own.filter_map(|firing| firing.at(heard.stage)).filter(|stay| !stay.suppressed);
    let covered: Vec<Range> = stays.map(|stay| (stay.from, stay.to.unwrap_or(u64::MAX))).collect();
    if covered.is_empty() {
        return outcome(Outcome::Failed, Some("it never fired".to_owned()));
    }
    let together = covered.iter().fold(Vec::new(), |all, range| scope::union(all, &[*range]));
    // From one notification to the next it goes on.
    let holes = scope::intersect(&scope::outside(&together), &ranges);
    if let Some((from, to)) = holes.iter().find(|(from, to)| to.saturating_sub(*from) > UNSEEN) {
        let to = if *to >= heard.end() { "the end".to_owned() } else { tenths(*to) };
        return outcome(Outcome::Failed, Some(format!("it did not fire from {} to {to}", tenths(*from))));
    }
    if let Some(gap) = heard.unasked(&ranges) {
        return outcome(Outcome::Failed, Some(format!("it was not seen: {}", said(gap))));
    }
    if heard.until < heard.end() {
        return outcome(
            Outcome::Inconclusive,
            Some(format!("it fired until the run ended at {}", tenths(heard.until))),
        );
    }
    outcome(Outcome::Held, None)
}

/// From when an alert is expected, and how long what it is expected of goes on.
pub(super) fn cause(of: &Planned, stats: &Stats) -> Result<Range, String> {
    let from = super::actual::instant(of, stats)?;
    let end = match (&of.moment.window, of.moment.edge) {
        (Window::Injection(fault), Edge::Start) => {
            let own = stats.injected.iter().filter(|injected| injected.fault == *fault);
            own.map(|injected| injected.withdrawn.map_or_else(|| stats.end(), |range| range.1)).max()
        }
        (Window::Event(event), Edge::Start) => {
            let own = stats.happened.iter().filter(|happened| happened.event == *event);
            own.map(|happened| happened.ended.unwrap_or_else(|| stats.end())).max()
        }
        _ => None,
    };
    Ok((from, end.unwrap_or(from).max(from)))
}

fn since(at: u64, from: u64) -> String {
    measured_duration(at.abs_diff(from) as f64)
}
