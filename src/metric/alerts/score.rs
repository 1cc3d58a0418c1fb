//! The score of a source of alerts: precision, recall, false alarms, and how long deliveries took.

use super::class::{self, AlertClass, AlertFinding};
use super::{Firing, Heard, cause, ranges};
use crate::base::units::SECOND;
use crate::check::program::{AlertFunction, Function, RequestFunction, Statistic};
use crate::measure::Stats;
use crate::metric::{Known, Measurement, Quantity};
use crate::plan::{AlertDoes, Detection, PlannedAlert, Range, Type, scope};

/// An alert that fired, though no line speaks of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    pub firing: Firing,
    /// A line allows it.
    pub allowed: bool,
}

/// What a score is computed from.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AlertCounts {
    /// Alerts that a `fires within` expects.
    pub expected: u64,
    /// Those that fired in time.
    pub in_time: u64,
    /// Those that fired, in time or not.
    pub fired: u64,
    /// Those of which it is not known.
    pub unknown: u64,
    /// Times that an alert fired which nothing explains.
    pub false_alarms: u64,
    /// How long nothing was expected to fire.
    pub quiet: u64,
}

/// Each expectation of a source that an alert fires or is resolved, with what became of it.
fn findings<'s>(heard: &Heard<'s>) -> Vec<(&'s PlannedAlert, AlertFinding)> {
    heard.checks().filter_map(|check| Some((check, of_check(check, heard)?))).collect()
}

fn of_check(check: &PlannedAlert, heard: &Heard<'_>) -> Option<AlertFinding> {
    let found = match &check.does {
        AlertDoes::Fires { within, of } => class::fires(check, (*within, of), heard),
        AlertDoes::Resolves { within, of } => class::resolves(check, (*within, of), heard),
        AlertDoes::StaysQuiet { .. } | AlertDoes::MayFire { .. } | AlertDoes::KeepsFiring { .. } => return None,
    };
    Some(found.unwrap_or_else(AlertFinding::unknown))
}

/// The times at which alerts fired that no other line expects, allows or speaks of.
pub(super) fn unexplained<'h>(heard: &'h Heard<'_>) -> Vec<&'h Firing> {
    heard.firings.iter().filter(|firing| firing.is_loud() && !is_explained(firing, heard)).collect()
}

fn is_explained(firing: &Firing, heard: &Heard<'_>) -> bool {
    let Some(from) = firing.from() else { return true };
    heard.checks().any(|check| {
        let Some(name) = &check.name else { return false };
        // One whose labels were lost on its way is judged by its own line.
        let is_own = firing.was_of(name, &check.labels) || (firing.name == *name && firing.rule.is_none());
        is_own
            && match &check.does {
                AlertDoes::Fires { within, of } => match cause(of, heard.stats) {
                    Ok((begins, over)) => {
                        let lasts = over.max(begins.saturating_add(*within)).saturating_add(*within);
                        // One that fires already is premature, which its own line says.
                        from <= lasts && firing.to().is_none_or(|to| to > begins)
                    }
                    // Without its cause nobody can say what it was.
                    Err(_) => true,
                },
                AlertDoes::MayFire { scopes } => match ranges(scopes, heard) {
                    Ok(ranges) => super::overlaps(firing, &ranges),
                    Err(_) => true,
                },
                AlertDoes::KeepsFiring { .. } | AlertDoes::StaysQuiet { .. } => true,
                AlertDoes::Resolves { .. } => false,
            }
    })
}

/// The alerts that fired though no line expects them, allowed ones too.
pub fn others(source: usize, stats: &Stats) -> Vec<Other> {
    let Some(heard) = Heard::of(source, stats) else { return Vec::new() };
    let is_allowed = |firing: &Firing| {
        let allows = |check: &PlannedAlert| {
            let named = check.name.as_ref().is_some_and(|name| firing.was_of(name, &check.labels));
            named && matches!(check.does, AlertDoes::MayFire { .. } | AlertDoes::KeepsFiring { .. })
        };
        heard.checks().any(allows)
    };
    let loud = heard.firings.iter().filter(|firing| firing.is_loud());
    loud.filter_map(|firing| {
        let explained = is_explained(firing, &heard);
        let allowed = explained && is_allowed(firing);
        (allowed || !explained).then(|| Other { firing: firing.clone(), allowed })
    })
    .collect()
}

/// What became of an alert that must fire or be resolved.
pub fn finding(check: &PlannedAlert, stats: &Stats) -> Option<AlertFinding> {
    of_check(check, &Heard::of(check.source, stats)?)
}

pub fn counts(source: usize, stats: &Stats) -> AlertCounts {
    let Some(heard) = Heard::of(source, stats) else { return AlertCounts::default() };
    let mut counts = AlertCounts { false_alarms: unexplained(&heard).len() as u64, ..AlertCounts::default() };
    let mut busy: Vec<Range> = Vec::new();
    for (check, found) in findings(&heard) {
        let AlertDoes::Fires { within, of } = &check.does else { continue };
        counts.expected += 1;
        match found.class {
            AlertClass::True | AlertClass::Flapping => {
                counts.in_time += 1;
                counts.fired += 1;
            }
            AlertClass::Late | AlertClass::Premature | AlertClass::Misrouted => counts.fired += 1,
            AlertClass::Unknown => counts.unknown += 1,
            AlertClass::Missed | AlertClass::NotDelivered | AlertClass::Suppressed => {}
            AlertClass::False | AlertClass::Stuck | AlertClass::Resolved => {}
        }
        if let Ok((from, over)) = cause(of, stats) {
            let end = over.max(from.saturating_add(*within)).saturating_add(*within);
            busy = scope::union(busy, &[(from, end)]);
        }
    }
    let end = heard.until.min(heard.end());
    counts.quiet = scope::length(&scope::outside(&busy), end);
    counts
}

pub(in crate::metric) fn apply(function: Function, source: usize, stats: &Stats) -> Measurement {
    match function {
        Function::Alerts(function) => of_score(function, source, stats),
        Function::Requests(function) => of_deliveries(function, source, stats),
        _ => super::super::unmeasured(),
    }
}

fn of_score(function: AlertFunction, source: usize, stats: &Stats) -> Measurement {
    let Some(heard) = Heard::of(source, stats) else {
        return Measurement::of(Err("its source is not of this plan".to_owned()), 0);
    };
    let counts = counts(source, stats);
    let share = |part: u64, of: u64| part as f64 / of as f64;
    let AlertCounts { expected, in_time, fired, unknown, false_alarms, quiet } = counts;
    let whole = [(0, heard.until.min(heard.end()))];
    // What nobody saw may have been a false alarm.
    let unseen = heard.unasked(&whole).map(super::said);
    let cut = (heard.until < heard.end()).then(|| "the run ended before its end".to_owned());
    let (value, interval, samples) = match function {
        AlertFunction::Recall if expected == 0 => (Err("no alert is expected to fire".to_owned()), None, 0),
        AlertFunction::Recall => {
            let (low, high) = (share(in_time, expected), share(in_time + unknown, expected));
            (Ok(low), (unknown > 0).then_some((low, high)), expected)
        }
        AlertFunction::Precision if fired + false_alarms + unknown == 0 => (Err("no alert fired".to_owned()), None, 0),
        AlertFunction::Precision => {
            let (all, known) = (fired + false_alarms + unknown, fired + false_alarms);
            let (low, high) = (share(fired, all), share(fired + unknown, all));
            let value = if known == 0 { high } else { share(fired, known) };
            match unseen.or(cut).filter(|_| false_alarms == 0) {
                Some(reason) => (Err(reason), None, known),
                None => (Ok(value), (unknown > 0).then_some((low, high)), known),
            }
        }
        AlertFunction::FalseAlarmRate if quiet < SECOND => {
            (Err("there was no time in which nothing was expected to fire".to_owned()), None, 0)
        }
        AlertFunction::FalseAlarmRate => {
            let rate = false_alarms as f64 / (quiet as f64 / SECOND as f64);
            match unseen.or(cut).filter(|_| false_alarms == 0) {
                Some(reason) => (Err(reason), None, 0),
                None => (Ok(rate), None, false_alarms),
            }
        }
    };
    Measurement { interval, ..Measurement::of(value, samples) }
}

/// From when each alert fired to when it was delivered, in nanoseconds, with how much shorter it may have been.
pub fn delays(source: usize, stats: &Stats) -> Vec<(u64, u64)> {
    let Some(heard) = Heard::of(source, stats) else { return Vec::new() };
    let mut delays: Vec<(u64, u64)> = Vec::new();
    let mut told: Vec<(&str, u64)> = Vec::new();
    for firing in heard.firings {
        let (Some(fired), Some(delivered)) = (firing.rule.as_ref().or(firing.active.as_ref()), &firing.delivered)
        else {
            continue;
        };
        // One notification of an alert that fired several times is of the first.
        if told.contains(&(firing.name.as_str(), delivered.from)) {
            continue;
        }
        told.push((&firing.name, delivered.from));
        let most = delivered.from.saturating_sub(fired.after.unwrap_or(fired.from));
        delays.push((delivered.from.saturating_sub(fired.from), most));
    }
    delays.sort_unstable();
    delays
}

fn of_deliveries(function: RequestFunction, source: usize, stats: &Stats) -> Measurement {
    let delays = delays(source, stats);
    let samples = delays.len() as u64;
    let of = |mut values: Vec<u64>| -> Option<f64> {
        values.sort_unstable();
        let mean = || values.iter().map(|ns| *ns as f64).sum::<f64>() / values.len() as f64;
        match function {
            // The nearest rank: so few are not interpolated.
            RequestFunction::Quantile(share) => {
                let rank = (share * values.len() as f64).ceil().max(1.0) as usize;
                values.get(rank.min(values.len()) - 1).map(|ns| *ns as f64)
            }
            RequestFunction::Statistic(Statistic::Mean) => Some(mean()),
            RequestFunction::Statistic(Statistic::Min) => values.first().map(|ns| *ns as f64),
            RequestFunction::Statistic(Statistic::Max) => values.last().map(|ns| *ns as f64),
            RequestFunction::Statistic(Statistic::Stddev) => {
                let mean = mean();
                let squares = values.iter().map(|ns| (*ns as f64 - mean).powi(2)).sum::<f64>();
                Some((squares / values.len() as f64).sqrt())
            }
            RequestFunction::Count => Some(values.len() as f64),
            _ => None,
        }
    };
    let none = matches!(function, RequestFunction::Count);
    if delays.is_empty() && !none {
        return Measurement::of(Err("no alert was delivered whose beginning is known".to_owned()), 0);
    }
    let (least, most): (Vec<u64>, Vec<u64>) = delays.into_iter().unzip();
    let known = least == most;
    match (of(least), of(most)) {
        (Some(low), Some(high)) => {
            let interval = (!known).then_some((low, high));
            Measurement { interval, ..Measurement::of(Ok(low), samples) }
        }
        _ => Measurement::of(Err("this version does not measure it of deliveries".to_owned()), samples),
    }
}

/// The longest time from the beginning of a window to the first alert of any source after it.
pub(in crate::metric) fn detection(detection: &Detection, stats: &Stats) -> Measurement {
    let windows =
        crate::metric::actual::as_they_were(&detection.windows, (&detection.faults, &detection.events), stats);
    let windows = match windows {
        Ok(windows) => windows,
        Err(reason) => return Measurement::of(Err(reason), 0),
    };
    let heard: Vec<Heard<'_>> = (0..stats.alerting.sources.len()).filter_map(|at| Heard::of(at, stats)).collect();
    let mut longest = 0;
    for (from, _) in windows {
        let seen = heard.iter().flat_map(|heard| {
            let loud = heard.firings.iter().filter(|firing| firing.is_loud());
            loud.filter_map(|firing| Some(firing.at(heard.stage)?.from))
        });
        let Some(first) = seen.filter(|at| *at >= from).min() else {
            if let Some(gap) = heard.iter().find_map(|heard| heard.unasked(&[(from, heard.end())])) {
                return Measurement::of(Err(super::said(gap)), 0);
            }
            // Longer than anything that it is compared with.
            let observed = stats.end().saturating_sub(from) as f64;
            let shown = Some(Quantity::new(observed, Type::Duration, Known::LongerThan));
            return Measurement { shown, ..Measurement::of(Ok(f64::INFINITY), 0) };
        };
        longest = longest.max(first - from);
    }
    Measurement::of(Ok(longest as f64), 0)
}
