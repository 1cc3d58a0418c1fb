//! The order of verdicts, and who is said to be slow for measurements that were made up.

use super::*;
use crate::base::units::{MILLISECOND, SECOND};
use crate::baseline::Statistic;
use crate::measure::{Failure, Generator, Recorder};
use crate::plan::{Condition, MetricKey, Plan, Regression, Type};
use serde_json::json;
use std::sync::Arc;

fn judged(outcome: Outcome) -> Judged {
    Judged { outcome, samples: 1, ..Judged::default() }
}

#[test]
fn the_order_of_verdicts_is_the_languages() {
    let mut stats = Stats::default();
    stats.complete = true;
    let trusted = Trust { state: TrustState::Trusted, reasons: Vec::new(), limits: Vec::new() };
    let untrusted = Trust { state: TrustState::Untrusted, reasons: vec!["late".into()], limits: Vec::new() };
    let of = |list: &[(Outcome, Standing)], trust: &Trust| {
        let expectations: Vec<Judged> = list.iter().map(|(outcome, _)| judged(*outcome)).collect();
        let standings: Vec<Standing> = list.iter().map(|(_, standing)| *standing).collect();
        first(&stats, (&expectations, true), &standings, trust).0.kind()
    };
    use Outcome::{Failed, Held, Inconclusive};
    use Standing::{InDoubt, Stands};
    assert_eq!(of(&[(Failed, Stands)], &untrusted), VerdictKind::Failed);
    assert_eq!(of(&[(Failed, InDoubt)], &untrusted), VerdictKind::Untrusted);
    assert_eq!(of(&[(Held, InDoubt)], &untrusted), VerdictKind::Untrusted);
    assert_eq!(of(&[(Failed, Stands), (Inconclusive, Stands)], &trusted), VerdictKind::Failed);
    assert_eq!(of(&[(Held, Stands), (Inconclusive, Stands)], &trusted), VerdictKind::Inconclusive);
    assert_eq!(of(&[], &trusted), VerdictKind::Inconclusive, "nothing was sent");
}

/// What a target failed counts though nothing could be sent to it; what was not sent for want of a value does not.
#[test]
fn what_could_not_connect_was_asked_for() {
    let plan = plan("open", 1000, &[]);
    let trusted = Trust { state: TrustState::Trusted, reasons: Vec::new(), limits: Vec::new() };
    let of = |record: &dyn Fn(&mut Recorder)| {
        let mut recorder = Recorder::new(Arc::from(plan.edges()), &plan.series, 1);
        record(&mut recorder);
        let mut stats = Stats::new(&plan);
        recorder.drain().iter().for_each(|slice| stats.add(slice));
        stats.complete = true;
        first(&stats, (&[judged(Outcome::Held)], true), &[Standing::Stands], &trusted).0.kind()
    };
    for failure in [Failure::Connect, Failure::Certificate, Failure::Handshake, Failure::Proxy] {
        assert_eq!(of(&|recorder| recorder.sample(0, 0, 5, 5, Err(failure))), VerdictKind::Passed, "{failure:?}");
    }
    assert_eq!(of(&|recorder| recorder.failed_unsent(0, 0)), VerdictKind::Inconclusive);
    assert_eq!(of(&|recorder| recorder.sample(0, 0, 5, 5, Err(Failure::NoPorts))), VerdictKind::Inconclusive);
}

/// A plan of one load of one request over two seconds, and what is expected of it.
fn plan(shape: &str, ceiling: u64, expectations: &[serde_json::Value]) -> Plan {
    let open = shape == "open";
    let level = if open { 100 * 1_000_000 * 86_400u64 } else { ceiling };
    let leg = json!([{ "start": 0, "length": 2 * SECOND, "from": level, "to": level }]);
    let stage = json!({ "name": "hold", "named": false, "kind": "hold", "start": 0, "end": 2 * SECOND, "from": 100.0, "to": 100.0 });
    serde_json::from_value(json!({
        "schema": 1, "file": "", "scenario": "", "doc": null, "fingerprint": "",
        "share": { "index": 0, "count": 1 }, "services": [],
        "targets": [{ "name": "api", "protocol": "http", "address": { "url": { "host": "127.0.0.1", "port": 9 } }, "timeout": 2 * SECOND }],
        "flows": [{ "name": "browse", "steps": [], "requests": 1, "slots": 0 }],
        "loads": [{
            "name": "main", "parts": [{ "name": "browse", "weight": 1.0, "flow": 0 }], "start": 0,
            "shape": { shape: leg }, "stages": [stage],
            "ceiling": { "in_flight": ceiling, "from": "scenario" }, "grace": 30 * SECOND,
        }],
        "series": [{ "name": "main.browse.home", "tag": "main.browse.home", "load": 0, "part": 0, "flow": 0, "member": { "request": 0 } }],
        "expectations": expectations.iter().map(|condition| json!({ "text": "", "line": 1, "condition": condition })).collect::<Vec<_>>(),
        "length": 2 * SECOND,
    }))
    .expect("a plan")
}

fn expect(function: &serde_json::Value, unit: &str, operator: &str, bound: f64) -> serde_json::Value {
    let metric = json!({
        "function": function, "service_time": false, "samples": [{ "series": 0, "ranges": [[0, u64::MAX]] }],
        "load": [0, [[0, u64::MAX]]], "length": 2 * SECOND, "end": 2 * SECOND,
    });
    json!({ "compare": {
        "operator": operator,
        "left": { "metric": { "metric": { "requests": metric }, "unit": unit } },
        "right": { "constant": { "value": bound, "unit": unit } },
    } })
}

fn p95_below(bound: u64) -> serde_json::Value {
    expect(&json!({ "quantile": 0.95 }), "duration", "less", bound as f64)
}

/// What the one worker did in each of the two seconds.
#[derive(Clone, Copy)]
struct Run {
    /// Arrivals of a second that were started, dropped, and not started.
    arrivals: (u64, u64, u64),
    answer: u64,
    lag: u64,
    poll: u64,
    busy: f64,
    waiting: f64,
    failed: Option<Failure>,
}

const CALM: Run = Run {
    arrivals: (100, 0, 0),
    answer: 20 * MILLISECOND,
    lag: MILLISECOND / 20,
    poll: MILLISECOND / 20,
    busy: 0.1,
    waiting: 0.01,
    failed: None,
};

impl Run {
    fn stats(self, plan: &Plan) -> Stats {
        let mut stats = Stats::new(plan);
        self.add_to(&mut stats, plan);
        stats
    }

    fn add_to(self, stats: &mut Stats, plan: &Plan) {
        let mut recorder = Recorder::new(Arc::from(plan.edges()), &plan.series, 1);
        for second in 0..2 {
            let at = second * SECOND;
            for _ in 0..self.arrivals.0 {
                recorder.started(0, at, self.lag);
                recorder.sent(0, at);
                let service = self.answer + self.poll;
                recorder.sample(0, at, service + self.lag, service, self.failed.map_or(Ok(()), Err));
            }
            (0..self.arrivals.1).for_each(|_| recorder.dropped(0, at));
            (0..self.arrivals.2).for_each(|_| recorder.unsent(0, at));
            (0..100).for_each(|_| recorder.poll_delay(at, self.poll));
            let (busy, waiting) = (vec![self.busy], vec![self.waiting]);
            stats.generator.push(Generator { at: at + SECOND, busy, waiting, ..Generator::default() });
        }
        recorder.drain().iter().for_each(|slice| stats.add(slice));
        (stats.complete, stats.ended) = (true, Some(2 * SECOND));
    }
}

/// The verdict, how the expectations stand, and who was slow.
fn verdict(
    shape: &str,
    ceiling: u64,
    run: Run,
    expectations: &[serde_json::Value],
) -> (VerdictKind, Vec<Standing>, Option<Subject>) {
    let plan = plan(shape, ceiling, expectations);
    let verdict = judge(&plan, &run.stats(&plan), &Others::default());
    let limit = verdict.trust.limits.first();
    if let Some(limit) = limit {
        assert!(limit.text.starts_with("`main`: ") && !limit.text.contains("NaN"), "{}", limit.text);
    }
    (verdict.kind, verdict.standings, limit.map(|limit| limit.who))
}

#[test]
fn a_calm_run_says_nothing() {
    let all = [p95_below(100 * MILLISECOND), expect(&json!("throughput"), "rate", "greater_equal", 90.0)];
    let stands = vec![Standing::Stands; 2];
    assert_eq!(verdict("open", 1000, CALM, &all), (VerdictKind::Passed, stands.clone(), None));
    assert_eq!(verdict("closed", 2, CALM, &all), (VerdictKind::Passed, stands, None));
}

#[test]
fn a_target_that_is_slow_is_told_by_what_is_left_without_the_generators_delay() {
    let slow = Run { answer: 300 * MILLISECOND, ..CALM };
    let found = verdict("open", 1000, slow, &[p95_below(200 * MILLISECOND)]);
    assert_eq!(found, (VerdictKind::Failed, vec![Standing::Stands], Some(Subject::Target)));
    // Also where the generator was late, as long as that explains only a part.
    let both = Run { lag: 60 * MILLISECOND, ..slow };
    let found = verdict("open", 1000, both, &[p95_below(200 * MILLISECOND)]);
    assert_eq!(found, (VerdictKind::Failed, vec![Standing::Stands], Some(Subject::Target)));
}

#[test]
fn what_the_generators_delay_explains_cannot_be_told() {
    let close = Run { answer: 180 * MILLISECOND, lag: 30 * MILLISECOND, ..CALM };
    let found = verdict("open", 1000, close, &[p95_below(200 * MILLISECOND)]);
    assert_eq!(found, (VerdictKind::Untrusted, vec![Standing::InDoubt], Some(Subject::Either)));
    let own = Run { lag: 300 * MILLISECOND, ..CALM };
    let found = verdict("open", 1000, own, &[p95_below(200 * MILLISECOND)]);
    assert_eq!(found, (VerdictKind::Untrusted, vec![Standing::InDoubt], Some(Subject::Generator)));
    // The time from the sending has no lag in it.
    let mut service = p95_below(10 * MILLISECOND);
    service["compare"]["left"]["metric"]["metric"]["requests"]["service_time"] = json!(true);
    let found = verdict("open", 1000, own, &[service]);
    assert_eq!(found, (VerdictKind::Failed, vec![Standing::Stands], Some(Subject::Target)));
}

#[test]
fn delay_matters_to_times_and_not_to_counts() {
    let late = Run { poll: 30 * MILLISECOND, busy: 0.7, ..CALM };
    let rate = expect(&json!("error_rate"), "percent", "less", 0.01);
    let sent = expect(&json!("count"), "count", "equal", 200.0);
    let found = verdict("open", 1000, late, &[rate.clone(), sent.clone()]);
    assert_eq!(found, (VerdictKind::Passed, vec![Standing::Stands; 2], None));
    let found = verdict("open", 1000, late, &[rate, sent, p95_below(100 * MILLISECOND)]);
    assert_eq!(
        found,
        (VerdictKind::Untrusted, vec![Standing::Stands, Standing::Stands, Standing::InDoubt], Some(Subject::Generator))
    );
    // Far from its bound it does not matter.
    let found = verdict("open", 1000, late, &[p95_below(SECOND)]);
    assert_eq!(found, (VerdictKind::Passed, vec![Standing::Stands], None));
}

#[test]
fn a_rate_that_was_not_sent_is_not_trusted_but_for_what_it_proves() {
    let few = Run { arrivals: (60, 0, 40), lag: SECOND, busy: 0.99, ..CALM };
    let least = expect(&json!("throughput"), "rate", "greater_equal", 50.0);
    assert_eq!(verdict("open", 1000, few, &[]), (VerdictKind::Untrusted, vec![], Some(Subject::Generator)));
    let found = verdict("open", 1000, few, std::slice::from_ref(&least));
    assert_eq!(found, (VerdictKind::Passed, vec![Standing::AtLeast], Some(Subject::Generator)));
    let held = expect(&json!("error_rate"), "percent", "less", 0.01);
    let found = verdict("open", 1000, few, &[least.clone(), held.clone()]);
    assert_eq!(found, (VerdictKind::Untrusted, vec![Standing::AtLeast, Standing::InDoubt], Some(Subject::Generator)));
    let more = expect(&json!("throughput"), "rate", "greater_equal", 90.0);
    let found = verdict("open", 1000, few, &[more]);
    assert_eq!(found, (VerdictKind::Untrusted, vec![Standing::InDoubt], Some(Subject::Generator)));
    // What fails with less than was planned fails with all of it.
    let failing = Run { failed: Some(Failure::Status), ..few };
    assert_eq!(
        verdict("open", 1000, failing, std::slice::from_ref(&held)),
        (VerdictKind::Failed, vec![Standing::Stands], Some(Subject::Generator))
    );
    // In an `and` the one that fails and stands is enough, in an `or` the other counts too.
    let both = |word: &str| json!({ word: [held.clone(), least.clone()] });
    assert_eq!(verdict("open", 1000, failing, &[both("and")]).0, VerdictKind::Failed);
    assert_eq!(verdict("open", 1000, few, &[both("or")]).1, [Standing::AtLeast]);
}

#[test]
fn who_filled_the_ceiling_is_told_by_the_time_of_an_answer() {
    let none = expect(&json!("dropped"), "number", "equal", 0.0);
    let drops = Run { arrivals: (20, 80, 0), answer: 250 * MILLISECOND, ..CALM };
    let found = verdict("open", 5, drops, std::slice::from_ref(&none));
    assert_eq!(found, (VerdictKind::Failed, vec![Standing::Stands], Some(Subject::Target)));
    let starved = Run { answer: 5 * MILLISECOND, poll: 200 * MILLISECOND, busy: 0.5, waiting: 0.49, ..drops };
    let found = verdict("open", 5, starved, std::slice::from_ref(&none));
    assert_eq!(found, (VerdictKind::Untrusted, vec![Standing::InDoubt], Some(Subject::Generator)));
    let both = Run { busy: 0.98, ..drops };
    let found = verdict("open", 5, both, std::slice::from_ref(&none));
    assert_eq!(found, (VerdictKind::Untrusted, vec![Standing::InDoubt], Some(Subject::Either)));
    // Answers are quick, and a stall brought many at once.
    let stalled = Run { answer: 5 * MILLISECOND, lag: 100 * MILLISECOND, ..drops };
    let found = verdict("open", 5, stalled, &[none]);
    assert_eq!(found, (VerdictKind::Untrusted, vec![Standing::InDoubt], Some(Subject::Generator)));
}

#[test]
fn users_of_a_closed_load_wait_for_the_target_or_for_the_generator() {
    let more = [expect(&json!("throughput"), "rate", "greater_equal", 500.0)];
    let found = verdict("closed", 2, CALM, &more);
    assert_eq!(found, (VerdictKind::Failed, vec![Standing::Stands], Some(Subject::Target)));
    let full = Run { answer: MILLISECOND, poll: 9 * MILLISECOND, busy: 0.97, ..CALM };
    let found = verdict("closed", 2, full, &more);
    assert_eq!(found, (VerdictKind::Untrusted, vec![Standing::InDoubt], Some(Subject::Generator)));
    let least = [expect(&json!("throughput"), "rate", "greater_equal", 50.0)];
    assert_eq!(verdict("closed", 2, full, &least), (VerdictKind::Passed, vec![Standing::AtLeast], None));
    let half = Run { answer: 9 * MILLISECOND, ..full };
    assert_eq!(verdict("closed", 2, half, &more).2, Some(Subject::Either));
    // Of answers that are as short as the generator's own delay nothing is missing as long as a worker has room.
    let most = [expect(&json!("count"), "count", "less", 1000.0), expect(&json!("throughput"), "rate", "less", 500.0)];
    let quick = Run { answer: MILLISECOND / 20, busy: 0.01, ..CALM };
    assert_eq!(verdict("closed", 2, quick, &most), (VerdictKind::Passed, vec![Standing::Stands; 2], None));
    let found = verdict("closed", 2, quick, &more);
    assert_eq!(
        found,
        (VerdictKind::Failed, vec![Standing::Stands], None),
        "whose the time of an answer was is not said"
    );
    let full = Run { busy: 0.6, waiting: 0.35, ..quick };
    let found = verdict("closed", 2, full, &most);
    assert_eq!(found, (VerdictKind::Untrusted, vec![Standing::InDoubt; 2], Some(Subject::Either)));
}

#[test]
fn what_the_generator_fails_at_is_no_error_of_the_target() {
    let rate = expect(&json!("error_rate"), "percent", "less_equal", 0.0);
    let ports = Run { failed: Some(Failure::NoPorts), ..CALM };
    let plan = plan("open", 1000, &[rate]);
    let mut stats = ports.stats(&plan);
    let own = judge(&plan, &stats, &Others::default());
    assert_eq!((own.kind, own.expectations[0].outcome), (VerdictKind::Untrusted, Outcome::Inconclusive));
    assert!(own.trust.reasons[0].starts_with("200 of 200 requests failed for want of ports"), "{:?}", own.trust);
    CALM.add_to(&mut stats, &plan);
    let mixed = judge(&plan, &stats, &Others::default());
    assert_eq!((mixed.kind, mixed.expectations[0].outcome), (VerdictKind::Untrusted, Outcome::Held));
    assert_eq!(mixed.expectations[0].samples, 200);
}

#[test]
fn timeouts_that_the_generator_can_have_made_are_no_failure() {
    let rate = expect(&json!("error_rate"), "percent", "less", 0.01);
    let late = Run { answer: 2 * SECOND, failed: Some(Failure::Timeout), poll: SECOND, ..CALM };
    let found = verdict("open", 1000, late, std::slice::from_ref(&rate));
    assert_eq!(found, (VerdictKind::Untrusted, vec![Standing::InDoubt], Some(Subject::Generator)));
    let found = verdict("open", 1000, Run { poll: MILLISECOND, ..late }, &[rate]);
    assert_eq!(found, (VerdictKind::Failed, vec![Standing::Stands], None));
    // Whatever else is computed of failures is no surer than their share.
    let burnt = expect(&json!({ "burn_rate": 0.99 }), "factor", "less", 2.0);
    let up = expect(&json!("availability"), "percent", "greater", 0.5);
    for failing in [burnt, up] {
        let found = verdict("open", 1000, late, std::slice::from_ref(&failing));
        assert_eq!(found, (VerdictKind::Untrusted, vec![Standing::InDoubt], Some(Subject::Generator)), "{failing}");
        let refused = Run { failed: Some(Failure::Status), ..late };
        let found = verdict("open", 1000, refused, std::slice::from_ref(&failing));
        assert_eq!((found.0, found.1), (VerdictKind::Failed, vec![Standing::Stands]), "{failing}");
    }
}

/// A latency that failed since nobody answered: in doubt only where the generator can have made its timeouts.
#[test]
fn no_answer_is_the_targets_where_the_generator_was_not_late() {
    let bound = [p95_below(100 * MILLISECOND)];
    let refused = Run { answer: MILLISECOND / 10, failed: Some(Failure::Connect), ..CALM };
    assert_eq!(verdict("open", 1000, refused, &bound), (VerdictKind::Failed, vec![Standing::Stands], None));
    assert_eq!(verdict("closed", 2, refused, &bound), (VerdictKind::Failed, vec![Standing::Stands], None));
    let late = Run { answer: 2 * SECOND, failed: Some(Failure::Timeout), poll: SECOND, ..CALM };
    let found = verdict("open", 1000, late, &bound);
    assert_eq!(found, (VerdictKind::Untrusted, vec![Standing::InDoubt], Some(Subject::Generator)));
    let found = verdict("open", 1000, Run { poll: MILLISECOND, ..late }, &bound);
    assert_eq!(found, (VerdictKind::Failed, vec![Standing::Stands], None));
    let found = verdict("open", 1000, Run { poll: SECOND, ..refused }, &bound);
    assert_eq!((found.0, found.1), (VerdictKind::Failed, vec![Standing::Stands]));
}

#[test]
fn bytes_that_were_not_sent_are_missing_in_a_bandwidth() {
    let few = Run { arrivals: (60, 0, 40), lag: SECOND, busy: 0.99, ..CALM };
    let most = expect(&json!("bandwidth"), "bandwidth", "less", 1e9);
    let found = verdict("open", 1000, few, std::slice::from_ref(&most));
    assert_eq!(found, (VerdictKind::Untrusted, vec![Standing::InDoubt], Some(Subject::Generator)));
    assert_eq!(verdict("open", 1000, CALM, &[most]), (VerdictKind::Passed, vec![Standing::Stands], None));
    let least = expect(&json!("bandwidth"), "bandwidth", "greater_equal", 0.0);
    assert_eq!(verdict("open", 1000, few, &[least]).1, [Standing::AtLeast]);
}

/// A slice is judged by its value. Weighed by how far it spreads, which would need many more samples, it would seem open, and firm.
#[test]
fn what_failed_in_a_slice_is_weighed_as_it_was_judged() {
    let of = |quantile: f64| {
        json!({ "metric": { "metric": { "requests": {
            "function": { "quantile": quantile }, "service_time": false,
            "samples": [{ "series": 0, "ranges": [[0, u64::MAX]] }], "load": null, "length": 2 * SECOND, "end": 2 * SECOND,
        } }, "unit": "duration" } })
    };
    let compare = json!({ "compare": { "operator": "less", "left": of(0.95), "right": of(0.5) } });
    let slices = json!({ "in_every": { "condition": compare, "every": SECOND, "share": 1.0 } });
    let plan = plan("open", 1000, std::slice::from_ref(&slices));
    let late = Run { lag: 300 * MILLISECOND, ..CALM };
    let verdict = judge(&plan, &late.stats(&plan), &Others::default());
    assert_eq!(verdict.expectations[0].outcome, Outcome::Failed);
    let slice = plan.expectations[0].condition.within((0, SECOND));
    let Condition::InEvery { condition: inner, .. } = &slice else { panic!("{slice:?}") };
    assert_eq!(metric::judge(inner, &late.stats(&plan)).outcome, Outcome::Inconclusive);
    assert_eq!((verdict.kind, verdict.standings), (VerdictKind::Untrusted, vec![Standing::InDoubt]));
}

#[test]
fn a_baseline_is_what_the_metric_of_that_key_was_in_another_run() {
    let key = MetricKey { function: "throughput".to_owned(), of: "main".to_owned(), ..MetricKey::default() };
    let mut least = expect(&json!("throughput"), "rate", "greater_equal", 0.0);
    let baseline = |name: Option<&str>| json!({ "baseline": { "name": name, "unit": "rate", "of": key } });
    let share = json!({ "constant": { "value": 0.05, "unit": "percent" } });
    let allowed =
        json!({ "arithmetic": { "operator": "subtract", "left": baseline(None), "right": share, "unit": "rate" } });
    least["compare"]["right"] = allowed;
    least["compare"]["left"]["metric"]["key"] = json!(key);
    let mut named = least.clone();
    named["compare"]["right"] = baseline(Some("v1"));
    let plan = plan("open", 1000, &[least, named]);
    let stats = CALM.stats(&plan);
    let outcomes = |others: &Others| {
        let verdict = judge(&plan, &stats, others);
        let shown = |judged: &Judged| (judged.outcome, judged.bound.as_ref().map(ToString::to_string));
        verdict.expectations.iter().map(shown).collect::<Vec<_>>()
    };
    let unknown = (Outcome::Inconclusive, None);
    assert_eq!(outcomes(&Others::default()), [unknown.clone(), unknown.clone()]);
    let run = metric::statistics(&plan, &stats);
    assert_eq!(run.iter().map(|statistic| &statistic.metric).collect::<Vec<_>>(), [&key, &key][..1]);
    let others = |name: Option<&str>, value: f64, runs: usize| {
        Others::of(
            &plan,
            std::slice::from_ref(&run),
            &mut |asked, metric, _| {
                assert_eq!(*metric, key);
                let statistic = Statistic { value, batches: Vec::new(), ..run[0].clone() };
                if asked == name { Ok(vec![statistic; runs]) } else { Err("there is none".to_owned()) }
            },
            &|_, _| 0.05,
        )
    };
    // 100 a second were answered: as many as were, or more, but for 5%.
    for (value, outcome, bound, told) in [
        (100.0, Outcome::Held, "95/s", Regression::Unchanged),
        (104.0, Outcome::Inconclusive, "98.8/s", Regression::Inconclusive),
        (106.0, Outcome::Failed, "101/s", Regression::Regressed),
        (120.0, Outcome::Failed, "114/s", Regression::Regressed),
        (80.0, Outcome::Held, "76/s", Regression::Improved),
    ] {
        let others = others(None, value, 5);
        assert_eq!(outcomes(&others), [(outcome, Some(bound.to_owned())), unknown.clone()], "{value}");
        let across = judge(&plan, &stats, &others).expectations[0].across.expect("it was compared");
        assert_eq!((across.verdict, across.runs, across.is_advisory), (told, (5, 1), false));
        assert_eq!(others.are_open(), told == Regression::Inconclusive);
        // What is kept of it is all that it takes to judge once more.
        let text = serde_json::to_string(&others).expect("plain data");
        assert_eq!(serde_json::from_str::<Others>(&text).expect("as it was written"), others);
    }
    let reason = |others: &Others, index: usize| judge(&plan, &stats, others).expectations[index].reason.clone();
    assert_eq!(reason(&others(None, 100.0, 5), 1), Some("there is none".to_owned()));
    // One run may be the odd one.
    let advice = others(None, 120.0, 1);
    assert_eq!(outcomes(&advice)[0].0, Outcome::Inconclusive);
    assert!(reason(&advice, 0).is_some_and(|reason| reason.contains("advice alone")), "{:?}", reason(&advice, 0));
    let [newest, named] = &outcomes(&others(Some("v1"), 90.0, 5))[..] else { panic!("two") };
    assert_eq!((newest, named.0), (&unknown, Outcome::Held));
}

/// Where an earlier run has no value, or nothing to be held against, the last one is not judged as though it were all.
#[test]
fn runs_that_cannot_be_compared_are_told_and_none_stands_for_all() {
    let key = MetricKey { function: "throughput".to_owned(), of: "main".to_owned(), ..MetricKey::default() };
    let told = |less: f64, runs: &[bool], before: usize| {
        let mut least = expect(&json!("throughput"), "rate", "greater_equal", 0.0);
        let (baseline, less) = (
            json!({ "baseline": { "name": null, "unit": "rate", "of": key } }),
            json!({ "constant": { "value": less, "unit": "rate" } }),
        );
        least["compare"]["right"] =
            json!({ "arithmetic": { "operator": "subtract", "left": baseline, "right": less, "unit": "rate" } });
        least["compare"]["left"]["metric"]["key"] = json!(key);
        let plan = plan("open", 1000, &[least]);
        let stats = CALM.stats(&plan);
        let run = metric::statistics(&plan, &stats);
        let runs: Vec<_> = runs.iter().map(|has| if *has { run.clone() } else { Vec::new() }).collect();
        let mut baselines = |_: Option<&str>, _: &MetricKey, _| Ok(vec![run[0].clone(); before]);
        let others = Others::of(&plan, &runs, &mut baselines, &|_, _| 0.05);
        let judged = judge(&plan, &stats, &others).expectations[0].clone();
        (judged.outcome, judged.reason.unwrap_or_default(), others.are_open())
    };
    let open = |reason: &str| (Outcome::Inconclusive, reason.to_owned(), false);
    assert_eq!(told(5.0, &[true, true], 5).0, Outcome::Held);
    let missing = "1 of 3 runs has no value of `throughput(main)`, so they cannot be compared";
    assert_eq!(told(5.0, &[true, false, true], 5), open(missing));
    let missing = "2 of 3 runs have no value of `throughput(main)`, so they cannot be compared";
    assert_eq!(told(5.0, &[false, false, true], 5), open(missing));
    assert_eq!(told(5.0, &[true], 0), open("no run of the baseline has a value of `throughput(main)`"));
    let beyond =
        "its bound is -20/s, and runs are compared by their ratio, which takes one above 0: allow less, such as `5%`";
    assert_eq!(told(120.0, &[true, true], 5), open(beyond));
    // What the last has no value of is told of itself.
    assert!(!told(5.0, &[true, false], 5).1.contains("no value of"));
}

#[test]
fn what_still_has_time_to_come_back_does_not_fail_yet() {
    let away = |seconds: f64, known: Known| Judged {
        value: Some(Quantity::new(seconds * 1e9, Type::Duration, known)),
        bound: Some(Quantity::new(5e9, Type::Duration, Known::Exactly)),
        outcome: Outcome::Failed,
        ..Judged::default()
    };
    assert!(has_time(&away(2.0, Known::NotBackWithin)) && has_time(&away(2.0, Known::LongerThan)));
    assert!(!has_time(&away(6.0, Known::NotBackWithin)) && !has_time(&away(6.0, Known::BackAfter)));
    assert!(!has_time(&away(2.0, Known::Value)));
}
