//! What became of an alert that was expected: the classes of alert scoring.

use super::{Firing, Heard, Outcome, Stay, cause, said, since};
use crate::base::units::tenths;
use crate::measure::AlertStage;
use crate::plan::{Planned, PlannedAlert};
use schemars::JsonSchema;
use serde::Serialize;

/// A class of the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertClass {
    /// It fired in time.
    True,
    /// It fired in time, and again while its cause lasted.
    Flapping,
    /// It fired after its time.
    Late,
    /// It did not fire.
    Missed,
    /// It fired before its cause.
    Premature,
    /// It fired after its cause was over, or without one.
    False,
    /// It fired, and came to somebody else or without a label that was expected.
    Misrouted,
    /// It fired, and nobody was told.
    NotDelivered,
    /// It fired, and a silence or another alert kept it back.
    Suppressed,
    /// It was not resolved in time.
    Stuck,
    /// It was resolved in time.
    Resolved,
    Unknown,
}

impl AlertClass {
    pub fn word(self) -> &'static str {
        match self {
            AlertClass::True => "true",
            AlertClass::Flapping => "flapping",
            AlertClass::Late => "late",
            AlertClass::Missed => "missed",
            AlertClass::Premature => "premature",
            AlertClass::False => "false",
            AlertClass::Misrouted => "misrouted",
            AlertClass::NotDelivered => "fired, not delivered",
            AlertClass::Suppressed => "suppressed",
            AlertClass::Stuck => "stuck",
            AlertClass::Resolved => "resolved",
            AlertClass::Unknown => "not known",
        }
    }

    /// What it makes of the line that expects the alert.
    pub fn outcome(self) -> Outcome {
        match self {
            AlertClass::True | AlertClass::Flapping | AlertClass::Resolved => Outcome::Held,
            AlertClass::Unknown => Outcome::Inconclusive,
            AlertClass::Late
            | AlertClass::Missed
            | AlertClass::Premature
            | AlertClass::False
            | AlertClass::Misrouted
            | AlertClass::NotDelivered
            | AlertClass::Suppressed
            | AlertClass::Stuck => Outcome::Failed,
        }
    }
}

/// What became of one expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertFinding {
    pub class: AlertClass,
    pub outcome: Outcome,
    /// From the instant that it is measured from.
    pub took: Option<u64>,
    pub reason: Option<String>,
    pub firing: Option<Firing>,
    /// From when it was expected.
    pub of: u64,
}

fn found(class: AlertClass, of: u64) -> AlertFinding {
    let outcome = class.outcome();
    AlertFinding { class, outcome, took: None, reason: None, firing: None, of }
}

impl AlertFinding {
    /// Of one whose cause is not known.
    pub(super) fn unknown(reason: String) -> AlertFinding {
        found(AlertClass::Unknown, 0).because(reason)
    }

    fn by(self, firing: &Firing) -> AlertFinding {
        AlertFinding { firing: Some(firing.clone()), ..self }
    }

    fn because(self, reason: impl Into<String>) -> AlertFinding {
        AlertFinding { reason: Some(reason.into()), ..self }
    }

    fn after(self, ns: u64) -> AlertFinding {
        AlertFinding { took: Some(ns), ..self }
    }
}

type Expected<'e> = (u64, &'e Planned);

/// Whether an alert fired within its time of its cause.
pub fn fires(check: &PlannedAlert, (within, of): Expected<'_>, heard: &Heard<'_>) -> Result<AlertFinding, String> {
    let (from, over) = cause(of, heard.stats)?;
    let deadline = from.saturating_add(within);
    let name = check.name.as_deref().unwrap_or_default();
    let own = || heard.firings.iter().filter(|firing| firing.is_of(heard.stage, name, &check.labels));
    let stay = |firing: &Firing| firing.at(heard.stage).filter(|stay| !stay.suppressed).cloned();
    let stays: Vec<(&Firing, Stay)> = own().filter_map(|firing| Some((firing, stay(firing)?))).collect();
    if let Some((firing, before)) = stays.iter().find(|(_, stay)| stay.from < from && stay.covers(from)) {
        let reason = format!("premature: it fired {} before", since(before.from, from));
        return Ok(found(AlertClass::Premature, from).by(firing).because(reason));
    }
    let after = || stays.iter().filter(|(_, stay)| stay.from >= from);
    if let Some((firing, first)) = after().min_by_key(|(_, stay)| stay.from) {
        let took = first.from - from;
        let doubtful = first.from > deadline && first.after.is_some_and(|after| after < deadline);
        return Ok(if first.from <= deadline {
            // Stages that several of its times have in common begin once.
            let mut begun: Vec<u64> = after().filter(|(_, stay)| stay.from < over).map(|(_, stay)| stay.from).collect();
            begun.dedup();
            let class = if begun.len() > 1 { AlertClass::Flapping } else { AlertClass::True };
            found(class, from).by(firing).after(took)
        } else if doubtful {
            let reason = format!("it was first seen after {}, and may have fired in time", since(first.from, from));
            found(AlertClass::Unknown, from).by(firing).because(reason)
        } else {
            let reason = format!("late: it fired after {}", since(first.from, from));
            found(AlertClass::Late, from).by(firing).after(took).because(reason)
        });
    }
    Ok(not_there(check, (from, deadline), heard))
}

/// Why it was never seen where it should have been: how far it came.
fn not_there(check: &PlannedAlert, (from, deadline): (u64, u64), heard: &Heard<'_>) -> AlertFinding {
    let name = check.name.as_deref().unwrap_or_default();
    let goes_on = |firing: &&Firing| match firing.first() {
        Some(_) => firing.to().is_none_or(|to| to > from),
        None => firing.pending.is_some_and(|pending| pending >= from),
    };
    let mut near = heard.firings.iter().filter(|firing| firing.name == name).filter(goes_on);
    let known = near.clone().filter(|firing| firing.first().is_some());
    // One that had the labels at first says more than one that never had.
    let mut known: Vec<&Firing> = known.collect();
    known.sort_by_key(|firing| !firing.was_of(name, &check.labels));
    if let Some(firing) = known.first() {
        let lacks = firing.lacks(heard.stage, &check.labels);
        let unknown = |reason: String| found(AlertClass::Unknown, from).by(firing).because(reason);
        if firing.at(heard.stage).is_some_and(|stay| !stay.suppressed) && !lacks.is_empty() {
            let labels = lacks.join("`, `");
            let reason = match firing.was_of(name, &check.labels) {
                true => format!("misrouted: it arrived without the label `{labels}`"),
                false => format!("misrouted: it fired with another `{labels}`"),
            };
            return found(AlertClass::Misrouted, from).by(firing).because(reason);
        }
        if firing.at(AlertStage::Active).is_some_and(|stay| stay.suppressed) {
            let reason = "suppressed: it fired, and a silence or another alert kept it back";
            return found(AlertClass::Suppressed, from).by(firing).because(reason);
        }
        let fired = tenths(firing.from().unwrap_or_default());
        if heard.until < deadline {
            return unknown(format!("it fired at {fired}, and the run ended before it was delivered"));
        }
        let active = firing.active.as_ref().filter(|stay| !stay.receivers.is_empty());
        return match active {
            Some(stay) => {
                let to = stay.receivers.join("`, `");
                let reason = format!("misrouted: it fired at {fired}, went to `{to}`, and did not arrive here");
                found(AlertClass::Misrouted, from).by(firing).because(reason)
            }
            None => {
                let reason = format!("fired, not delivered: its rule fired at {fired}");
                found(AlertClass::NotDelivered, from).by(firing).because(reason)
            }
        };
    }
    if let Some(gap) = heard.rule_unasked((from, deadline)) {
        return found(AlertClass::Unknown, from).because(said(gap));
    }
    if heard.until < deadline {
        let reason = format!("it had not fired when the run ended at {}", tenths(heard.until));
        return found(AlertClass::Unknown, from).because(reason);
    }
    let pending = near.find(|firing| firing.pending.is_some());
    match pending {
        Some(firing) => {
            let at = tenths(firing.pending.unwrap_or_default());
            let reason = format!("missed: its expression held from {at} on, and not for as long as its `for:`");
            found(AlertClass::Missed, from).by(firing).because(reason)
        }
        None => {
            let lacking =
                heard.lacking(name).map(|all| format!(", and its rule reads `{all}`, of which no series appeared"));
            found(AlertClass::Missed, from).because(format!("missed: it did not fire{}", lacking.unwrap_or_default()))
        }
    }
}

/// Whether an alert that had fired was resolved within its time.
pub fn resolves(check: &PlannedAlert, (within, of): Expected<'_>, heard: &Heard<'_>) -> Result<AlertFinding, String> {
    let (from, _) = cause(of, heard.stats)?;
    let deadline = from.saturating_add(within);
    let name = check.name.as_deref().unwrap_or_default();
    let own = heard.firings.iter().filter(|firing| firing.is_of(heard.stage, name, &check.labels));
    let begun =
        own.filter_map(|firing| Some((firing, firing.at(heard.stage)?))).filter(|(_, stay)| stay.from < deadline);
    // The one that is there at that instant, else the first that comes.
    let Some((firing, last)) = begun
        .max_by_key(|(_, stay)| (stay.from <= from, if stay.from <= from { stay.from } else { u64::MAX - stay.from }))
    else {
        return Ok(found(AlertClass::Unknown, from).because("it never fired, so nothing could be resolved"));
    };
    let finding = |class: AlertClass| found(class, from).by(firing);
    Ok(match last.to {
        Some(to) if to <= deadline => {
            let again = heard.firings.iter().filter(|firing| firing.is_of(heard.stage, name, &check.labels));
            let again =
                again.filter_map(|firing| firing.at(heard.stage)).find(|stay| stay.from >= to && stay.covers(deadline));
            match again {
                Some(again) => finding(AlertClass::Stuck).because(format!("it fired again at {}", tenths(again.from))),
                None => finding(AlertClass::Resolved).after(to.saturating_sub(from)),
            }
        }
        to => match heard.unasked(&[(from, deadline)]).filter(|gap| gap.stage == heard.stage || to.is_none()) {
            Some(gap) => finding(AlertClass::Unknown).because(said(gap)),
            None if heard.until < deadline => {
                let reason = format!("it was not resolved when the run ended at {}", tenths(heard.until));
                finding(AlertClass::Unknown).because(reason)
            }
            None => {
                let finding = finding(AlertClass::Stuck);
                match to {
                    Some(to) => {
                        let reason = format!("stuck: it was resolved after {}", since(to, from));
                        finding.after(to - from).because(reason)
                    }
                    None => finding.because("stuck: it was not resolved"),
                }
            }
        },
    })
}
