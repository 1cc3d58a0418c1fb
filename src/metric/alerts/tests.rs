use super::*;
use crate::check::program::{AlertFacts, AlertFunction, Function, Moment, RequestFunction};
use crate::measure::{Alert, AlertHistory, AlertState, Alerting, Event};
use crate::plan::AlertCheck;

const UNTIL: u64 = 100 * SECOND;

fn source(kind: AlertSourceKind, receiver: bool) -> AlertSource {
    AlertSource {
        name: "pager".to_owned(),
        kind,
        address: Vec::new(),
        receiver: receiver.then(Vec::new),
        prometheus: receiver.then(Vec::new),
        headers: Vec::new(),
        rules: None,
        facts: AlertFacts::default(),
    }
}

fn at(second: u64) -> Planned {
    let moment = Moment { window: Window::Run, edge: Edge::Start, plus: 0, span: crate::base::Span::default() };
    Planned { at: second * SECOND, moment }
}

fn always() -> AlertScopes {
    AlertScopes { ranges: vec![(0, u64::MAX)], impacts: Vec::new(), faults: Vec::new() }
}

fn labels(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn check(name: Option<&str>, does: AlertDoes<Planned, AlertScopes>) -> PlannedAlert {
    AlertCheck { name: name.map(str::to_owned), labels: Vec::new(), source: 0, does }
}

/// `Down` within 10s of 20s.
fn fires() -> PlannedAlert {
    check(Some("Down"), AlertDoes::Fires { within: 10 * SECOND, of: at(20) })
}

fn resolves() -> PlannedAlert {
    check(Some("Down"), AlertDoes::Resolves { within: 10 * SECOND, of: at(50) })
}

fn told(stage: AlertStage, state: AlertState, name: &str, tenths: u64) -> Alert {
    Alert {
        source: 0,
        stage,
        name: name.to_owned(),
        labels: labels(&[("severity", "page")]),
        state,
        at: tenths * SECOND / 10,
        after: None,
        receivers: Vec::new(),
    }
}

/// An alert that was at a stage from one tenth of a second to another.
fn stay(stage: AlertStage, name: &str, from: u64, to: u64) -> Vec<Alert> {
    vec![told(stage, AlertState::Firing, name, from), told(stage, AlertState::Resolved, name, to)]
}

/// It went all the way.
fn all_the_way(name: &str, from: u64, to: u64) -> Vec<Alert> {
    use AlertStage::{Active, Delivered, Rule};
    [(Rule, 0), (Active, 2), (Delivered, 5)]
        .into_iter()
        .flat_map(|(stage, late)| stay(stage, name, from + late, to + late))
        .collect()
}

fn stats(kind: AlertSourceKind, receiver: bool, checks: &[PlannedAlert], alerts: Vec<Alert>) -> Stats {
    let mut stats = Stats::bare(vec![0, UNTIL], 0);
    stats.alerting = Alerting { sources: vec![source(kind, receiver)], checks: checks.to_vec() };
    alerts.into_iter().for_each(|alert| stats.take(Event::Alert(alert)));
    stats.take(Event::LoadEnded { at: UNTIL });
    stats.take(Event::Ended { at: UNTIL });
    stats
}

/// With a receiver.
fn delivered(checks: &[PlannedAlert], alerts: Vec<Alert>) -> Stats {
    stats(AlertSourceKind::Alertmanager, true, checks, alerts)
}

fn class(check: &PlannedAlert, stats: &Stats) -> AlertClass {
    finding(check, stats).unwrap().class
}

fn reason(check: &PlannedAlert, stats: &Stats) -> (Outcome, String) {
    let judged = judge(check, stats);
    (judged.outcome, judged.reason.unwrap_or_default())
}

fn unasked(stage: AlertStage, from: u64, to: u64) -> Event {
    let range = (from * SECOND, to * SECOND);
    Event::AlertsUnasked(AlertsUnasked { source: 0, stage, range, reason: "no answer".to_owned() })
}

#[test]
fn an_alert_is_classed_by_when_it_fired() {
    let of = |from: u64, to: u64| class(&fires(), &delivered(&[fires()], all_the_way("Down", from, to)));
    assert_eq!(of(240, 500), AlertClass::True);
    assert_eq!(of(298, 500), AlertClass::Late, "its rule fired in time, its delivery did not");
    assert_eq!(of(150, 500), AlertClass::Premature);
    assert_eq!(of(100, 150), AlertClass::Missed, "a false alarm before is none of it");
    assert_eq!(class(&fires(), &delivered(&[fires()], Vec::new())), AlertClass::Missed);
    let judged = judge(&fires(), &delivered(&[fires()], all_the_way("Down", 240, 500)));
    assert_eq!(judged.outcome, Outcome::Held);
    assert_eq!(judged.value.unwrap().to_string(), "4.5s", "to the delivery");
    let late = delivered(&[fires()], all_the_way("Down", 320, 500));
    assert_eq!(reason(&fires(), &late), (Outcome::Failed, "late: it fired after 12.5s".to_owned()));
}

#[test]
fn how_far_it_came_is_told_of_one_that_is_missing() {
    let mut pending = told(AlertStage::Rule, AlertState::Pending, "Down", 220);
    let of = |alerts: Vec<Alert>| {
        let stats = delivered(&[fires()], alerts);
        (class(&fires(), &stats), reason(&fires(), &stats).1)
    };
    let (found, why) = of(vec![pending.clone(), told(AlertStage::Rule, AlertState::Resolved, "Down", 260)]);
    assert_eq!(found, AlertClass::Missed);
    assert_eq!(why, "missed: its expression held from 22s on, and not for as long as its `for:`");
    pending.at = 0;
    let (found, why) = of(stay(AlertStage::Rule, "Down", 240, 500));
    assert_eq!((found, why.as_str()), (AlertClass::NotDelivered, "fired, not delivered: its rule fired at 24s"));
    let mut elsewhere = stay(AlertStage::Rule, "Down", 240, 500);
    elsewhere.extend(stay(AlertStage::Active, "Down", 241, 500));
    elsewhere[2].receivers = vec!["team-b".to_owned()];
    let (found, why) = of(elsewhere.clone());
    assert_eq!(found, AlertClass::Misrouted);
    assert_eq!(why, "misrouted: it fired at 24s, went to `team-b`, and did not arrive here");
    elsewhere[2].state = AlertState::Suppressed;
    assert_eq!(of(elsewhere).0, AlertClass::Suppressed);
}

#[test]
fn one_without_a_label_is_misrouted() {
    let wanted = PlannedAlert { labels: labels(&[("severity", "page")]), ..fires() };
    let mut alerts = all_the_way("Down", 240, 500);
    let stats = delivered(std::slice::from_ref(&wanted), alerts.clone());
    assert_eq!(class(&wanted, &stats), AlertClass::True);
    alerts.iter_mut().filter(|alert| alert.stage != AlertStage::Rule).for_each(|alert| alert.labels.clear());
    let others = check(None, AlertDoes::StaysQuiet { scopes: always() });
    let stats = delivered(&[wanted.clone(), others.clone()], alerts.clone());
    let why = "misrouted: it arrived without the label `severity`";
    assert_eq!(reason(&wanted, &stats), (Outcome::Failed, why.to_owned()));
    assert_eq!(judge(&others, &stats).outcome, Outcome::Held, "it is judged by its own line");
    alerts.iter_mut().for_each(|alert| alert.labels = labels(&[("severity", "ticket")]));
    let stats = delivered(&[wanted.clone(), others.clone()], alerts);
    assert_eq!(reason(&wanted, &stats).1, "misrouted: it fired with another `severity`");
    assert_eq!(judge(&others, &stats).outcome, Outcome::Failed, "another alert of its name");
}

#[test]
fn it_is_resolved_or_stuck() {
    let of = |from: u64, to: u64| {
        let stats = delivered(&[fires(), resolves()], all_the_way("Down", from, to));
        (class(&resolves(), &stats), reason(&resolves(), &stats).1)
    };
    assert_eq!(of(240, 550).0, AlertClass::Resolved);
    assert_eq!(of(240, 700), (AlertClass::Stuck, "stuck: it was resolved after 20.5s".to_owned()));
    let stats = delivered(&[resolves()], Vec::new());
    assert_eq!(judge(&resolves(), &stats).outcome, Outcome::Inconclusive, "what never fired shows nothing");
    let mut again = all_the_way("Down", 240, 520);
    again.extend(all_the_way("Down", 560, 800));
    let stats = delivered(&[fires(), resolves()], again);
    assert_eq!(reason(&resolves(), &stats), (Outcome::Failed, "it fired again at 56.5s".to_owned()));
}

#[test]
fn others_are_those_that_nothing_explains() {
    let others = check(None, AlertDoes::StaysQuiet { scopes: always() });
    let of = |more: &[PlannedAlert], alerts: Vec<Alert>| {
        let checks: Vec<PlannedAlert> = [fires(), others.clone()].into_iter().chain(more.iter().cloned()).collect();
        reason(&others, &delivered(&checks, alerts))
    };
    let expected = || all_the_way("Down", 240, 500);
    let with = |alert: Vec<Alert>| expected().into_iter().chain(alert).collect::<Vec<Alert>>();
    assert_eq!(of(&[], expected()).0, Outcome::Held);
    let more = (Outcome::Failed, "`Disk` fired at 30s".to_owned());
    assert_eq!(of(&[], with(all_the_way("Disk", 300, 400))), more);
    assert_eq!(of(&[], with(stay(AlertStage::Rule, "Disk", 300, 400))), more, "a rule that fires is enough");
    assert_eq!(of(&[], with(all_the_way("Down", 50, 90))).0, Outcome::Failed, "the right alert at the wrong time");
    let may = check(Some("Disk"), AlertDoes::MayFire { scopes: always() });
    assert_eq!(of(&[may], with(all_the_way("Disk", 300, 400))).0, Outcome::Held);
    let early = AlertScopes { ranges: vec![(0, 10 * SECOND)], ..always() };
    let may = check(Some("Disk"), AlertDoes::MayFire { scopes: early });
    assert_eq!(of(&[may], with(all_the_way("Disk", 300, 400))).0, Outcome::Failed, "not then");
    let mut kept_back = stay(AlertStage::Rule, "Disk", 300, 400);
    kept_back.push(told(AlertStage::Active, AlertState::Suppressed, "Disk", 301));
    assert_eq!(of(&[], with(kept_back)).0, Outcome::Held, "nobody was disturbed");
}

#[test]
fn what_could_not_be_asked_is_not_known() {
    let others = check(None, AlertDoes::StaysQuiet { scopes: always() });
    let checks = [fires(), others.clone()];
    let with = |alerts: Vec<Alert>, event: Event| {
        let mut stats = delivered(&checks, alerts);
        stats.take(event);
        [judge(&fires(), &stats).outcome, judge(&others, &stats).outcome]
    };
    use Outcome::{Failed, Held, Inconclusive};
    // Prometheus does not answer: whether the rule fired is not known.
    assert_eq!(with(Vec::new(), unasked(AlertStage::Rule, 19, 31)), [Inconclusive; 2]);
    // It did in time all the same.
    assert_eq!(with(all_the_way("Down", 220, 500), unasked(AlertStage::Rule, 60, 80)), [Held, Inconclusive]);
    // Alertmanager does not answer, and the rule is known to fire.
    let fired = stay(AlertStage::Rule, "Down", 240, 500);
    assert_eq!(with(fired, unasked(AlertStage::Active, 19, 60))[0], Failed);
    // What both servers did not say is told by the one that knows rules.
    let both = |first: Event, second: Event| {
        let mut stats = delivered(&checks, Vec::new());
        stats.take(first);
        stats.take(second);
        judge(&fires(), &stats).outcome
    };
    let active = || unasked(AlertStage::Active, 10, 60);
    assert_eq!(both(active(), unasked(AlertStage::Rule, 19, 31)), Inconclusive);
    assert_eq!(both(active(), unasked(AlertStage::Rule, 60, 80)), Failed);
    // A look that failed is none of it.
    assert_eq!(with(Vec::new(), unasked(AlertStage::Rule, 24, 26)), [Failed, Held]);
}

#[test]
fn a_dead_mans_switch_fails_where_it_is_not_seen() {
    let keeps = check(Some("Watchdog"), AlertDoes::KeepsFiring { scopes: always() });
    let of = |alerts: Vec<Alert>| reason(&keeps, &delivered(std::slice::from_ref(&keeps), alerts));
    let on = || told(AlertStage::Delivered, AlertState::Firing, "Watchdog", 0);
    assert_eq!(of(vec![on()]).0, Outcome::Held);
    assert_eq!(of(Vec::new()), (Outcome::Failed, "it never fired".to_owned()));
    let off = told(AlertStage::Delivered, AlertState::Resolved, "Watchdog", 300);
    let again = told(AlertStage::Delivered, AlertState::Firing, "Watchdog", 400);
    let gone = (Outcome::Failed, "it did not fire from 30s to 40s".to_owned());
    assert_eq!(of(vec![on(), off.clone(), again]), gone);
    assert_eq!(of(vec![on(), off]).1, "it did not fire from 30s to the end");
    let mut stats = delivered(std::slice::from_ref(&keeps), vec![on()]);
    stats.take(unasked(AlertStage::Active, 40, 60));
    assert_eq!(judge(&keeps, &stats).outcome, Outcome::Failed);
}

#[test]
fn a_history_replaces_what_looks_saw() {
    let rule = || source(AlertSourceKind::Prometheus, false);
    let mut stats = stats(AlertSourceKind::Prometheus, false, &[fires()], stay(AlertStage::Rule, "Down", 250, 400));
    assert_eq!((stats.alerting.sources[0].clone(), class(&fires(), &stats)), (rule(), AlertClass::True));
    let flaps = [stay(AlertStage::Rule, "Down", 242, 250), stay(AlertStage::Rule, "Down", 258, 402)].concat();
    stats.take(Event::AlertHistory(AlertHistory { source: 0, range: (0, UNTIL), alerts: flaps }));
    // A cause that lasts, so that both are within it.
    let found = finding(&fires(), &stats).unwrap();
    assert_eq!((found.class, found.took), (AlertClass::True, Some(4_200_000_000)));
    assert_eq!(stats.firings(0).len(), 2);
}

#[test]
fn a_look_late_decides_nothing_that_lies_between() {
    let mut seen = told(AlertStage::Active, AlertState::Firing, "Down", 305);
    seen.after = Some(29 * SECOND);
    let own = |seen: Alert| stats(AlertSourceKind::Alertmanager, false, &[fires()], vec![seen]);
    assert_eq!(class(&fires(), &own(seen.clone())), AlertClass::Unknown);
    seen.after = Some(30 * SECOND);
    assert_eq!(class(&fires(), &own(seen)), AlertClass::Late);
}

#[test]
fn one_notification_is_of_all_times_meanwhile() {
    let mut alerts = [stay(AlertStage::Rule, "Down", 240, 260), stay(AlertStage::Rule, "Down", 280, 500)].concat();
    alerts.extend(stay(AlertStage::Active, "Down", 242, 502));
    alerts.extend(stay(AlertStage::Delivered, "Down", 245, 505));
    let stats = delivered(&[fires()], alerts);
    let firings = stats.firings(0);
    assert_eq!(firings.len(), 2);
    assert!(firings.iter().all(|firing| firing.delivered.is_some() && firing.active.is_some()));
    assert_eq!(delays(0, &stats), [(SECOND / 2, SECOND / 2)]);
}

#[test]
fn alerts_of_other_instances_are_others() {
    let of = |instance: &str, stage: AlertStage| {
        let own = labels(&[("instance", instance)]);
        let both = stay(stage, "Down", 240, 500);
        both.into_iter().map(move |alert| Alert { labels: own.clone(), ..alert }).collect::<Vec<Alert>>()
    };
    let alerts = [of("a", AlertStage::Rule), of("b", AlertStage::Rule), of("b", AlertStage::Delivered)].concat();
    let told = delivered(&[fires()], alerts);
    let firings = told.firings(0);
    let reached: Vec<bool> = firings.iter().map(|firing| firing.delivered.is_some()).collect();
    assert_eq!(reached, [false, true]);
}

#[test]
fn the_score_counts_what_was_expected_and_what_was_not() {
    let stats = delivered(
        &[fires(), check(Some("Slow"), AlertDoes::Fires { within: 10 * SECOND, of: at(20) })],
        [all_the_way("Down", 240, 500), all_the_way("Disk", 700, 720)].concat(),
    );
    let of = |function: AlertFunction| score::apply(Function::Alerts(function), 0, &stats).value;
    assert_eq!((of(AlertFunction::Precision), of(AlertFunction::Recall)), (Ok(0.5), Ok(0.5)));
    // Quiet but from 20s to 40s.
    assert_eq!(of(AlertFunction::FalseAlarmRate), Ok(1.0 / 80.0));
    let p95 = score::apply(Function::Requests(RequestFunction::Quantile(0.95)), 0, &stats);
    assert_eq!((p95.value, p95.samples), (Ok(0.5e9), 2));
    let none = delivered(&[fires()], Vec::new());
    assert!(score::apply(Function::Alerts(AlertFunction::Precision), 0, &none).value.is_err());
    assert!(score::apply(Function::Requests(RequestFunction::Quantile(0.5)), 0, &none).value.is_err());
}

#[test]
fn a_run_that_was_cut_short_passes_nothing() {
    let others = check(None, AlertDoes::StaysQuiet { scopes: always() });
    let mut stats = delivered(&[fires(), others.clone()], Vec::new());
    stats.interrupted = true;
    stats.ended = Some(25 * SECOND);
    assert_eq!(judge(&fires(), &stats).outcome, Outcome::Inconclusive);
    assert_eq!(judge(&others, &stats).outcome, Outcome::Inconclusive);
}
