//! What sources of alerts told: what became of each alert that was expected, and which others fired.

use super::badge::{Badge, Tone};
use super::seconds::seconds;
use crate::base::distributions::share_between;
use crate::base::units::{grouped, tenths};
use crate::check::program::{AlertFacts, AlertSource, in_evaluations};
use crate::measure::{AlertStage, AlertsReceived, Stats};
use crate::metric::alerts::{self, AlertClass, AlertFinding, Firing};
use crate::plan::{AlertDoes, Condition, Expectation, Plan, PlannedAlert, Range};
use schemars::JsonSchema;
use serde::Serialize;

/// A source of alerts.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct AlertTotals {
    pub source: String,
    pub kind: String,
    /// The stage at which an alert counts as fired.
    pub judged_at: AlertStage,
    pub score: AlertScore,
    pub expected: Vec<ExpectedAlert>,
    /// Alerts that fired and that no line expects, in order.
    pub others: Vec<OtherAlert>,
    /// When it could not be asked.
    pub unasked: Vec<Unasked>,
    /// What came to its receiver, if it has one.
    pub received: Option<Received>,
    /// Rules that could not be evaluated, or read a metric of which no series appeared.
    pub doubtful_rules: Vec<DoubtfulRule>,
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct AlertScore {
    /// Alerts that are expected to fire.
    pub expected: u64,
    pub in_time: u64,
    /// Those that fired, in time or not.
    pub fired: u64,
    /// Those of which it is not known.
    pub unknown: u64,
    pub false_alarms: u64,
    /// The share of the expected alerts that fired in time, and the share of those that fired that were expected.
    pub recall: Option<AlertShare>,
    pub precision: Option<AlertShare>,
    /// The time in which no alert was expected.
    #[serde(rename = "quiet_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub quiet: u64,
    /// From firing to delivery: the shortest, the median and the longest.
    #[serde(rename = "delivery_s", serialize_with = "seconds", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<f64>>")]
    pub delivery: Option<Vec<u64>>,
}

/// A share of alerts with its 95% interval. It says what so few alerts prove of others, and decides nothing about those of this run.
#[derive(Debug, Clone, Copy, JsonSchema, Serialize)]
pub struct AlertShare {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl AlertShare {
    /// Of so many; of some more it is not known.
    fn of(count: u64, unknown: u64, all: u64) -> Option<AlertShare> {
        let known = (all > unknown).then(|| count as f64 / (all - unknown) as f64)?;
        let (low, high) = (share_between(count, all).0, share_between(count + unknown, all).1);
        Some(AlertShare { value: known, low, high })
    }

    /// `67% (9%–99%)`.
    pub fn told(self) -> String {
        let percent = |share: f64| format!("{}%", grouped(100.0 * share, 0));
        format!("{} ({}–{})", percent(self.value), percent(self.low), percent(self.high))
    }
}

/// What came to a receiver.
#[derive(Debug, Clone, Copy, JsonSchema, Serialize)]
pub struct Received {
    /// Notifications, of one alert or several.
    pub messages: u64,
    /// Alerts in them that were known to be in that state already.
    pub repeated: u64,
    /// Alerts in them that had no name, or were more than are kept.
    pub left: u64,
    /// Requests that were no notification.
    pub refused: u64,
}

impl Received {
    /// What it did not take, if anything.
    pub fn told(self) -> Option<String> {
        let count = |n: u64, what: &str| {
            (n > 0).then(|| format!("{} {what}{}", grouped(n as f64, 0), if n == 1 { "" } else { "s" }))
        };
        let refused = count(self.refused, "request").map(|all| format!("refused {all} that held no notification"));
        let left = count(self.left, "alert").map(|all| format!("left out {all} without a name or beyond its limits"));
        let parts: Vec<String> = refused.into_iter().chain(left).collect();
        (!parts.is_empty()).then(|| format!("its receiver {}", parts.join(" and ")))
    }
}

/// An alert of an expectation.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct ExpectedAlert {
    pub name: String,
    pub text: String,
    pub line: usize,
    pub class: AlertClass,
    /// The instant from which its time counts.
    #[serde(rename = "from_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub from: u64,
    #[serde(rename = "within_s", serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub within: u64,
    #[serde(flatten)]
    pub instants: AlertInstants,
    pub spent: Option<Spent>,
    pub reason: Option<String>,
}

/// When an alert reached each stage.
#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct AlertInstants {
    #[serde(rename = "pending_s", serialize_with = "seconds")]
    #[schemars(with = "Option<f64>")]
    pub pending: Option<u64>,
    /// From when to when its rule fired. An open end is null.
    #[serde(rename = "rule_s", serialize_with = "seconds")]
    #[schemars(with = "Option<(f64, Option<f64>)>")]
    pub rule: Option<Time>,
    #[serde(rename = "active_s", serialize_with = "seconds")]
    #[schemars(with = "Option<(f64, Option<f64>)>")]
    pub active: Option<Time>,
    #[serde(rename = "delivered_s", serialize_with = "seconds")]
    #[schemars(with = "Option<(f64, Option<f64>)>")]
    pub delivered: Option<Time>,
}

/// From an instant to another that may not have come.
#[derive(Debug, Clone, Copy)]
pub struct Time(pub u64, pub Option<u64>);

impl super::seconds::InSeconds for Time {
    type Seconds = (f64, Option<f64>);

    fn in_seconds(&self) -> (f64, Option<f64>) {
        (self.0.in_seconds(), self.1.in_seconds())
    }
}

impl ExpectedAlert {
    /// How good it was: to flap holds its line, and is nothing to be glad of.
    pub fn tone(&self) -> Tone {
        match self.class {
            AlertClass::Flapping => Tone::Unsure,
            class => Badge::of(class.outcome()).tone,
        }
    }
}

impl AlertInstants {
    /// The first stage that is known of it.
    pub fn first(&self) -> Option<Time> {
        self.rule.or(self.active).or(self.delivered)
    }
}

impl Time {
    /// Of what fired in it.
    pub fn told(self) -> String {
        match self {
            Time(from, Some(to)) => format!("{}–{}", tenths(from), tenths(to)),
            Time(from, None) => format!("from {} on", tenths(from)),
        }
    }
}

impl OtherAlert {
    /// `severity="page", zone="b"`.
    pub fn labelled(&self) -> String {
        let labels: Vec<String> = self.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        labels.join(", ")
    }
}

impl Unasked {
    pub fn told(&self) -> String {
        let (from, to) = (tenths(self.range.0), tenths(self.range.1));
        format!("could not be asked from {from} to {to}: {}", self.reason)
    }
}

impl DoubtfulRule {
    pub fn told(&self) -> Vec<String> {
        let failed = self.problem.as_ref().map(|problem| format!("the rule `{}` failed: {problem}", self.name));
        let absent = (!self.absent.is_empty()).then(|| {
            format!("the rule `{}` reads `{}`, of which no series appeared", self.name, self.absent.join("`, `"))
        });
        failed.into_iter().chain(absent).collect()
    }
}

/// Where the time from its cause to its last stage went, as far as the stages are known.
#[derive(Debug, Clone, Copy, JsonSchema, Serialize)]
pub struct Spent {
    /// Until its expression held: the cause took effect, the metrics were scraped, the rule was evaluated.
    #[serde(rename = "detecting_s", serialize_with = "seconds")]
    #[schemars(with = "Option<f64>")]
    pub detecting: Option<u64>,
    /// Until its rule fired: its `for:`, in whole evaluations.
    #[serde(rename = "holding_s", serialize_with = "seconds")]
    #[schemars(with = "Option<f64>")]
    pub holding: Option<u64>,
    /// Until Alertmanager knew of it.
    #[serde(rename = "sending_s", serialize_with = "seconds")]
    #[schemars(with = "Option<f64>")]
    pub sending: Option<u64>,
    /// Until it was delivered: grouping, and the delivery.
    #[serde(rename = "delivering_s", serialize_with = "seconds")]
    #[schemars(with = "Option<f64>")]
    pub delivering: Option<u64>,
    /// What its configuration takes at the least: `for:` in whole evaluations, and grouping.
    #[serde(rename = "least_s", serialize_with = "seconds")]
    #[schemars(with = "Option<f64>")]
    pub least: Option<u64>,
    /// The part that took the longest beyond its configuration.
    pub slowest: Option<Part>,
}

/// A part of the way of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Detecting,
    Holding,
    Sending,
    Delivering,
}

impl Part {
    pub fn words(self) -> &'static str {
        match self {
            Part::Detecting => "until its expression held",
            Part::Holding => "of `for:`",
            Part::Sending => "to Alertmanager",
            Part::Delivering => "to delivery",
        }
    }
}

/// An alert that no line expects.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct OtherAlert {
    pub name: String,
    pub labels: Vec<(String, String)>,
    /// Whether a line allows it. Otherwise it is a false alarm.
    pub allowed: bool,
    #[serde(flatten)]
    pub instants: AlertInstants,
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Unasked {
    pub stage: AlertStage,
    #[serde(rename = "range_s", serialize_with = "seconds")]
    #[schemars(with = "(f64, f64)")]
    pub range: Range,
    pub reason: String,
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct DoubtfulRule {
    pub name: String,
    pub problem: Option<String>,
    pub absent: Vec<String>,
}

pub fn alerts(plan: &Plan, stats: &Stats) -> Vec<AlertTotals> {
    let of = |(index, source): (usize, &AlertSource)| AlertTotals {
        source: source.name.clone(),
        kind: source.kind.name().to_owned(),
        judged_at: alerts::judged_at(source),
        score: score(index, stats),
        expected: plan.expectations.iter().filter_map(|own| expected(own, (index, source), stats)).collect(),
        others: alerts::others(index, stats).into_iter().map(other).collect(),
        unasked: unasked((index, source), stats),
        received: received(index, stats),
        doubtful_rules: doubtful_rules(index, stats),
    };
    plan.alert_sources.iter().enumerate().map(of).collect()
}

fn score(source: usize, stats: &Stats) -> AlertScore {
    let counts = alerts::counts(source, stats);
    let delays: Vec<u64> = alerts::delays(source, stats).into_iter().map(|(ns, _)| ns).collect();
    let delivery = match delays.as_slice() {
        [] => None,
        [first, ..] => Some(vec![*first, delays[delays.len() / 2], delays[delays.len() - 1]]),
    };
    AlertScore {
        expected: counts.expected,
        in_time: counts.in_time,
        fired: counts.fired,
        unknown: counts.unknown,
        false_alarms: counts.false_alarms,
        recall: AlertShare::of(counts.in_time, counts.unknown, counts.expected),
        precision: AlertShare::of(counts.fired, counts.unknown, counts.fired + counts.false_alarms + counts.unknown),
        quiet: counts.quiet,
        delivery,
    }
}

fn expected(own: &Expectation, (index, source): (usize, &AlertSource), stats: &Stats) -> Option<ExpectedAlert> {
    let Condition::Alert(check) = &own.condition else { return None };
    let within = match &check.does {
        _ if check.source != index => return None,
        AlertDoes::Fires { within, .. } | AlertDoes::Resolves { within, .. } => *within,
        AlertDoes::StaysQuiet { .. } | AlertDoes::MayFire { .. } | AlertDoes::KeepsFiring { .. } => return None,
    };
    let found = alerts::finding(check, stats)?;
    let AlertFinding { class, of: from, ref firing, ref reason, .. } = found;
    Some(ExpectedAlert {
        name: check.name.clone().unwrap_or_default(),
        text: own.text.clone(),
        line: own.line,
        class,
        from,
        within,
        instants: firing.as_ref().map(instants).unwrap_or_default(),
        spent: match &check.does {
            AlertDoes::Fires { .. } => {
                firing.as_ref().map(|firing| spent(from, firing, facts(check, &source.facts, stats)))
            }
            _ => None,
        },
        reason: reason.clone(),
    })
}

fn instants(firing: &Firing) -> AlertInstants {
    let time = |stage: AlertStage| firing.at(stage).map(|stay| Time(stay.from, stay.to));
    AlertInstants {
        pending: firing.pending,
        rule: time(AlertStage::Rule),
        active: time(AlertStage::Active),
        delivered: time(AlertStage::Delivered),
    }
}

/// How long its rule says that it takes: evaluation, `for:` in whole evaluations, grouping.
fn facts(check: &PlannedAlert, facts: &AlertFacts, stats: &Stats) -> Option<[u64; 3]> {
    let name = check.name.as_ref()?;
    let told = stats.alert_rules.iter().filter(|told| told.source == check.source).flat_map(|told| &told.rules);
    if let Some(rule) = told.into_iter().find(|rule| rule.name == *name) {
        return Some([rule.interval, in_evaluations(rule.held, rule.interval), facts.grouping]);
    }
    let rule = facts.rules.as_ref()?.iter().find(|rule| rule.alert == *name)?;
    let interval = facts.interval(rule);
    Some([interval, in_evaluations(rule.held, interval), facts.grouping])
}

fn spent(from: u64, firing: &Firing, facts: Option<[u64; 3]>) -> Spent {
    let at = |stage: AlertStage| firing.at(stage).map(|stay| stay.from);
    let (rule, active, delivered) = (at(AlertStage::Rule), at(AlertStage::Active), at(AlertStage::Delivered));
    let between = |from: Option<u64>, to: Option<u64>| from.zip(to).map(|(from, to)| to.saturating_sub(from));
    let detecting = between(Some(from), firing.pending.or(rule));
    let holding = between(firing.pending, rule);
    let sending = between(rule, active);
    let delivering = between(active.or(rule), delivered);
    let [interval, held, grouping] = facts.unwrap_or_default();
    let beyond = [
        (Part::Detecting, detecting, interval),
        (Part::Holding, holding, held),
        (Part::Sending, sending, 0),
        (Part::Delivering, delivering, grouping),
    ];
    let beyond = beyond.into_iter().filter_map(|(part, took, due)| Some((took?.saturating_sub(due), part)));
    let slowest = beyond.max_by_key(|(over, _)| *over).map(|(_, part)| part);
    Spent { detecting, holding, sending, delivering, least: facts.map(|[_, held, grouping]| held + grouping), slowest }
}

fn other(other: alerts::Other) -> OtherAlert {
    let labels = other.firing.first().map(|stay| stay.labels.clone()).unwrap_or_default();
    let instants = instants(&other.firing);
    OtherAlert { name: other.firing.name, labels, allowed: other.allowed, instants }
}

/// When a source could not be asked. One server that tells of two stages was away once.
fn unasked((index, source): (usize, &AlertSource), stats: &Stats) -> Vec<Unasked> {
    let is_one = source.prometheus.is_none();
    let mut all: Vec<Unasked> = Vec::new();
    for gap in stats.alerts_unasked.iter().filter(|gap| gap.source == index) {
        let same = |known: &&mut Unasked| {
            is_one && known.reason == gap.reason && known.range.0 <= gap.range.1 && gap.range.0 <= known.range.1
        };
        match all.iter_mut().find(same) {
            Some(known) => {
                known.range = (known.range.0.min(gap.range.0), known.range.1.max(gap.range.1));
                known.stage = known.stage.max(gap.stage);
            }
            None => all.push(Unasked { stage: gap.stage, range: gap.range, reason: gap.reason.clone() }),
        }
    }
    all
}

fn received(source: usize, stats: &Stats) -> Option<Received> {
    let own = stats.alerts_received.iter().find(|own| own.source == source)?;
    let AlertsReceived { source: _, messages, repeated, left, refused } = *own;
    Some(Received { messages, repeated, left, refused })
}

fn doubtful_rules(source: usize, stats: &Stats) -> Vec<DoubtfulRule> {
    let own = stats.alert_rules.iter().filter(|told| told.source == source).flat_map(|told| &told.rules);
    let doubtful = own.filter(|rule| rule.problem.is_some() || !rule.absent.is_empty());
    let told = |rule: &crate::measure::AlertRule| DoubtfulRule {
        name: rule.name.clone(),
        problem: rule.problem.clone(),
        absent: rule.absent.clone(),
    };
    doubtful.map(told).collect()
}
