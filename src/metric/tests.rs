//! Conditions over measurements that are made up, with what is to come out.

use super::{AbortWatch, Outcome, judge};
use crate::base::units::{MILLISECOND, SECOND};
use crate::check::program::{Edge, Moment, RecoveryFunction, RequestFunction, Statistic, Window};
use crate::measure::histogram::Sparse;
use crate::measure::{Failure, LoadCounts, SeriesCounts, Slice, Stats};
use crate::metric::Quantity;
use crate::plan::{
    Abort, Binary, Condition, Expectation, Measured, Metric, MetricKey, Planned, Range, Recovery, Requests, Samples,
    Scopes, SteadyState, Type,
};

/// Each second: how many were answered, how many failed, and how long each took in milliseconds.
type Second = (u64, u64, u64);

fn slice(second: usize, (ok, failed, ms): Second) -> Slice {
    let mut times = Sparse::new();
    (0..ok + failed).for_each(|_| times.record(ms * MILLISECOND));
    let mut counts = SeriesCounts { sent: ok + failed, ok, latency: times.drain(), ..SeriesCounts::default() };
    if failed > 0 {
        counts.failed.insert(Failure::Status, failed);
    }
    Slice { slice: second as u32, series: [(0, counts)].into(), ..Slice::default() }
}

fn stats(seconds: &[Second]) -> Stats {
    let edges = (0..=seconds.len() as u64 + 30).map(|second| second * SECOND).collect();
    let ended = Some(seconds.len() as u64 * SECOND);
    let mut stats = Stats::bare(edges, 1);
    stats.ended = ended;
    for (second, counts) in seconds.iter().enumerate().filter(|(_, counts)| counts.0 + counts.1 > 0) {
        stats.add(&slice(second, *counts));
    }
    stats
}

fn of(function: RequestFunction, ranges: &[Range], end: u64) -> Metric {
    let length = crate::plan::scope::length(ranges, end);
    Metric::Requests(Requests {
        function,
        service_time: false,
        worth: 1.0,
        samples: vec![Samples { series: 0, ranges: ranges.to_vec() }],
        chosen_of: Vec::new(),
        is_chosen: false,
        loads: Vec::new(),
        load: None,
        length,
        scopes: Scopes { end, ..Scopes::default() },
    })
}

fn compare(metric: Metric, operator: Binary, bound: f64, unit: Type) -> Condition {
    let left = Measured::Metric { metric, unit, key: MetricKey::default() };
    Condition::Compare { operator, left, right: Measured::Constant { value: bound, unit } }
}

/// Fewer errors than a share, over the whole of so many seconds.
fn few_errors(share: f64, seconds: u64) -> Condition {
    compare(of(RequestFunction::ErrorRate, &[(0, u64::MAX)], seconds * SECOND), Binary::Less, share, Type::Percent)
}

fn in_every(condition: Condition, seconds: u64, share: f64) -> Condition {
    Condition::InEvery { condition: Box::new(condition), every: seconds * SECOND, share }
}

/// The first window against the second: at most so many times as much.
fn at_most(function: RequestFunction, times: f64, windows: [Range; 2], end: u64) -> Condition {
    let unit = Type::Duration;
    let [left, right] = windows.map(|window| Measured::Metric {
        metric: of(function, &[window], end),
        unit,
        key: MetricKey::default(),
    });
    let times = Measured::Constant { value: times, unit: Type::Factor };
    let right =
        Measured::Arithmetic { operator: Binary::Multiply, left: Box::new(right), right: Box::new(times), unit };
    Condition::Compare { operator: Binary::LessEqual, left, right }
}

/// Seconds of so many requests each, whose times spread around those of their second.
fn spreading(seconds: &[f64], each: u64, draw: &mut impl FnMut() -> f64) -> Stats {
    let edges = (0..=seconds.len() as u64 + 30).map(|second| second * SECOND).collect();
    let mut stats = Stats::bare(edges, 1);
    stats.ended = Some(seconds.len() as u64 * SECOND);
    for (second, ms) in seconds.iter().enumerate() {
        let mut times = Sparse::new();
        (0..each).for_each(|_| times.record((ms * (0.5 + draw()) * MILLISECOND as f64) as u64));
        let counts = SeriesCounts { sent: each, ok: each, latency: times.drain(), ..SeriesCounts::default() };
        stats.add(&Slice { slice: second as u32, series: [(0, counts)].into(), ..Slice::default() });
    }
    stats
}

/// Uniform between 0 and 1, and the same in each run of the test.
fn draws(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

const HALVES: [Range; 2] = [(20 * SECOND, 40 * SECOND), (0, 20 * SECOND)];

fn text(value: &Option<Quantity>) -> Option<String> {
    value.as_ref().map(Quantity::to_string)
}

#[test]
fn two_measured_values_are_compared_by_their_spread() {
    let mut draw = draws(7);
    let mut outcome = |later: f64, times: f64, each: u64| {
        let seconds: Vec<f64> = (0..40).map(|second| if second < 20 { 10.0 } else { later }).collect();
        judge(
            &at_most(RequestFunction::Quantile(0.95), times, HALVES, 40 * SECOND),
            &spreading(&seconds, each, &mut draw),
        )
    };
    let same = outcome(10.0, 1.1, 200);
    assert_eq!(same.outcome, Outcome::Held, "{same:?}");
    assert!(
        same.value.unwrap().to_string().contains(" at 95%)") && same.bound.unwrap().to_string().contains(" at 95%)")
    );
    assert_eq!(outcome(12.0, 1.1, 200).outcome, Outcome::Failed);
    let near = outcome(10.0, 1.0, 200);
    assert_eq!(near.outcome, Outcome::Inconclusive);
    assert!(near.reason.unwrap().contains("hold the load longer"));
    let few = outcome(10.0, 1.1, 30);
    let reason = "600 samples, and to compare two measured values each of 4 parts of its window needs 200";
    assert_eq!((few.outcome, few.reason.as_deref()), (Outcome::Inconclusive, Some(reason)));
}

#[test]
fn what_is_the_same_is_seldom_told_to_differ() {
    let mut draw = draws(11);
    let mut failed = 0;
    for _ in 0..300 {
        // Neighbouring seconds are alike, as those of real systems are.
        let mut drift = 0.0;
        let seconds: Vec<f64> = (0..120)
            .map(|_| {
                drift = 0.5 * drift + 0.05 * (draw() - 0.5);
                10.0 * (1.0 + drift)
            })
            .collect();
        let windows = [(60 * SECOND, 120 * SECOND), (0, 60 * SECOND)];
        let measured = spreading(&seconds, 20, &mut draw);
        let judged =
            judge(&at_most(RequestFunction::Statistic(Statistic::Mean), 1.0, windows, 120 * SECOND), &measured);
        failed += u32::from(judged.outcome == Outcome::Failed);
    }
    // 2.5 % would be one side of 95 %.
    assert!(failed <= 15, "{failed} of 300");
}

#[test]
fn shares_that_are_nothing_are_compared_too() {
    let measured = stats(&[(100, 0, 1); 20]);
    let unit = Type::Percent;
    let side = |window: Range| Measured::Metric {
        metric: of(RequestFunction::ErrorRate, &[window], 20 * SECOND),
        unit,
        key: MetricKey::default(),
    };
    let allowed = |value: f64| {
        let right = Box::new(side((0, 10 * SECOND)));
        let more = Box::new(Measured::Constant { value, unit: Type::Points });
        let right = Measured::Arithmetic { operator: Binary::Add, left: right, right: more, unit };
        Condition::Compare { operator: Binary::LessEqual, left: side((10 * SECOND, 20 * SECOND)), right }
    };
    assert_eq!(judge(&allowed(0.01), &measured).outcome, Outcome::Held);
    assert_eq!(judge(&allowed(0.0001), &measured).outcome, Outcome::Inconclusive);
}

fn at(seconds: u64) -> Planned {
    let span = crate::base::Span::default();
    Planned { at: seconds * SECOND, moment: Moment { window: Window::Run, edge: Edge::Start, plus: 0, span } }
}

#[test]
fn each_slice_is_judged_and_the_worst_is_told() {
    let measured = stats(&[(90, 10, 1), (100, 0, 1), (60, 40, 1), (100, 0, 1), (100, 0, 1), (99, 1, 1), (50, 0, 1)]);
    let judged = judge(&in_every(few_errors(0.08, 7), 2, 1.0), &measured);
    assert_eq!(judged.outcome, Outcome::Failed);
    assert_eq!((text(&judged.value).as_deref(), judged.when), (Some("20%"), Some((2 * SECOND, 4 * SECOND))));
    let slices = judged.slices.unwrap();
    assert_eq!((slices.held, slices.failed, slices.inconclusive), (2, 1, 0), "what is left over joins the last");
    assert_eq!(judge(&in_every(few_errors(0.08, 7), 2, 0.66), &measured).outcome, Outcome::Held);
    let held = judge(&in_every(few_errors(0.5, 7), 2, 1.0), &measured);
    assert_eq!(
        (held.outcome, text(&held.value).as_deref()),
        (Outcome::Held, Some("20%")),
        "the worst of those that held"
    );
}

#[test]
fn a_share_is_decided_when_open_slices_cannot_change_it() {
    // Ten slices of a second: seven hold, one fails, two have nothing in them.
    let mut seconds = vec![(10, 0, 1); 7];
    seconds.extend([(0, 10, 1), (0, 0, 0), (0, 0, 0)]);
    let measured = stats(&seconds);
    let of = |share: f64| judge(&in_every(few_errors(0.1, 10), 1, share), &measured);
    assert_eq!(of(0.7).outcome, Outcome::Held, "whatever the open ones are");
    assert_eq!(of(0.9).outcome, Outcome::Inconclusive);
    assert_eq!(of(0.95).outcome, Outcome::Failed, "nine of ten are out of reach of ten of ten");
    assert_eq!(of(0.9).reason.unwrap(), "2 of 10 slices are open; 8s–9s: no samples in its window");
}

#[test]
fn throughput_of_a_slice_is_that_of_its_length() {
    let measured = stats(&[(10, 0, 1), (30, 0, 1), (20, 0, 1)]);
    let metric = of(RequestFunction::Throughput, &[(0, u64::MAX)], 3 * SECOND);
    let judged = judge(&in_every(compare(metric, Binary::GreaterEqual, 15.0, Type::Rate), 1, 1.0), &measured);
    assert_eq!((text(&judged.value).as_deref(), judged.when), (Some("10/s"), Some((0, SECOND))));
}

#[test]
fn what_becomes_true_stays_so() {
    // Bad up to second 12, looked at from second 10 on.
    let mut seconds = vec![(100, 0, 1); 10];
    seconds.extend([(0, 100, 1), (0, 100, 1)]);
    seconds.extend([(100, 0, 1); 10]);
    let by = |within: u64, measured: &Stats| {
        let condition = Box::new(few_errors(0.01, 22));
        judge(&Condition::Becomes { condition, within: within * SECOND, of: at(10) }, measured)
    };
    let judged = by(3, &stats(&seconds));
    assert_eq!((judged.outcome, text(&judged.value).as_deref()), (Outcome::Held, Some("true after 2s")));
    let judged = by(1, &stats(&seconds));
    assert_eq!((judged.outcome, text(&judged.value).as_deref()), (Outcome::Failed, Some("true after 2s")));
    seconds[21] = (0, 100, 1);
    let judged = by(3, &stats(&seconds));
    assert_eq!((judged.outcome, text(&judged.value).as_deref()), (Outcome::Failed, Some("not true at 22s (20%)")));
    let nothing = by(3, &stats(&[(100, 0, 1); 10]));
    assert_eq!(nothing.outcome, Outcome::Inconclusive);
}

fn recovery(function: RecoveryFunction, window: Range, seconds: u64) -> Measured {
    let condition = few_errors(0.01, seconds);
    let calm = Expectation { text: String::new(), line: 1, implied: false, strict: false, condition };
    let steady = SteadyState { name: None, conditions: vec![calm], window: 5 * SECOND, hold: 5 * SECOND };
    let metric = Metric::Recovery(Recovery {
        function,
        windows: vec![window],
        faults: Vec::new(),
        events: Vec::new(),
        steady,
        end: seconds * SECOND,
    });
    let unit = if function == RecoveryFunction::Recovered { Type::Bool } else { Type::Duration };
    Measured::Metric { metric, unit, key: MetricKey::default() }
}

fn shorter(function: RecoveryFunction, window: (u64, u64), than: u64, seconds: &[Second]) -> (Outcome, Option<String>) {
    let left = recovery(function, (window.0 * SECOND, window.1 * SECOND), seconds.len() as u64);
    let right = Measured::Constant { value: (than * SECOND) as f64, unit: Type::Duration };
    let judged = judge(&Condition::Compare { operator: Binary::Less, left, right }, &stats(seconds));
    (judged.outcome, text(&judged.value).or(judged.reason))
}

#[test]
fn recovery_counts_from_the_end_of_a_window_to_the_stretch_that_held() {
    // A window from 10 to 15, errors from 11 to 18.
    let mut seconds = vec![(100, 0, 1); 30];
    seconds[11..18].fill((50, 50, 1));
    let first = seconds.clone();
    let of = |function, than| shorter(function, (10, 15), than, &first);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(of(RecoveryFunction::TimeToRecover, 4), (Outcome::Held, text("3s")));
    assert_eq!(of(RecoveryFunction::TimeToRecover, 3), (Outcome::Failed, text("3s")));
    assert_eq!(of(RecoveryFunction::Mttr, 9), (Outcome::Held, text("8s")), "from the beginning of the window");
    assert_eq!(of(RecoveryFunction::TimeToDetect, 3), (Outcome::Held, text("2s")), "the look that saw it");
    assert_eq!(of(RecoveryFunction::Length, 9), (Outcome::Held, text("8s")), "of the impact");
    // A second with errors inside the stretch begins it anew.
    seconds[20] = (50, 50, 1);
    seconds.extend([(100, 0, 1); 5]);
    assert_eq!(shorter(RecoveryFunction::TimeToRecover, (10, 15), 9, &seconds), (Outcome::Held, text("6s")));
}

#[test]
fn what_was_never_lost_recovers_at_once() {
    let seconds = [(100, 0, 1); 30];
    let (outcome, value) = shorter(RecoveryFunction::TimeToRecover, (10, 15), 1, &seconds);
    assert_eq!((outcome, value.as_deref()), (Outcome::Held, Some("0ms")));
    let (outcome, value) = shorter(RecoveryFunction::TimeToDetect, (10, 15), 1, &seconds);
    assert_eq!((outcome, value.as_deref()), (Outcome::Inconclusive, Some("the steady state was never lost")));
}

#[test]
fn what_does_not_come_back_is_longer_than_was_seen() {
    let mut seconds = vec![(100, 0, 1); 30];
    seconds[11..].fill((50, 50, 1));
    let (outcome, value) = shorter(RecoveryFunction::TimeToRecover, (10, 15), 60, &seconds);
    assert_eq!((outcome, value.as_deref()), (Outcome::Failed, Some("> 15s")));
    let left = recovery(RecoveryFunction::Recovered, (10 * SECOND, 15 * SECOND), 30);
    let judged = judge(&Condition::Holds(left), &stats(&seconds));
    assert_eq!((judged.outcome, text(&judged.value).as_deref()), (Outcome::Failed, Some("not within 15s")));
    // Four seconds of it are no return.
    seconds[26..].fill((100, 0, 1));
    let (outcome, _) = shorter(RecoveryFunction::TimeToRecover, (10, 15), 60, &seconds);
    assert_eq!(outcome, Outcome::Failed);
}

#[test]
fn nothing_is_said_of_a_return_to_what_was_not_there() {
    let mut seconds = vec![(100, 0, 1); 30];
    seconds[8] = (50, 50, 1);
    let (outcome, reason) = shorter(RecoveryFunction::TimeToRecover, (10, 15), 60, &seconds);
    assert_eq!(
        (outcome, reason.as_deref()),
        (Outcome::Inconclusive, Some("the steady state did not hold before, at 10s"))
    );
    let (outcome, _) = shorter(RecoveryFunction::TimeToRecover, (10, 15), 60, &vec![(100, 0, 1); 15]);
    assert_eq!(outcome, Outcome::Inconclusive, "nothing ran behind the window");
}

#[test]
fn burn_rate_and_availability() {
    let measured = stats(&[(98, 2, 1), (0, 10, 1), (0, 0, 0), (100, 0, 1)]);
    let value = |function, unit| {
        judge(&compare(of(function, &[(0, u64::MAX)], 4 * SECOND), Binary::Less, 1e9, unit), &measured)
    };
    // 12 of 210 failed, of which 1 in 1,000 may.
    assert_eq!(text(&value(RequestFunction::BurnRate(0.999), Type::Number).value).as_deref(), Some("57.1"));
    assert_eq!(
        text(&value(RequestFunction::Availability, Type::Percent).value).as_deref(),
        Some("66.7%"),
        "two of three seconds"
    );
}

/// Looks each second at what has been handed over by then; the second at which it ends the run.
fn ends_at(seconds: &[Second], length: u64) -> Option<u64> {
    let metric = of(RequestFunction::ErrorRate, &[(0, u64::MAX)], seconds.len() as u64 * SECOND);
    let condition = compare(metric, Binary::Greater, 0.5, Type::Percent);
    let abort = Abort { text: "abort".to_owned(), condition, length: length * SECOND, patience: 10 * SECOND };
    let mut watch =
        AbortWatch::over(std::slice::from_ref(&abort), Stats::bare((0..60).map(|second| second * SECOND).collect(), 1));
    for (second, counts) in seconds.iter().enumerate() {
        if watch.look(second as u64 * SECOND).is_some() {
            return Some(second as u64);
        }
        watch.take(&slice(second, *counts));
    }
    None
}

#[test]
fn a_run_ends_when_it_was_bad_for_long_enough() {
    let mut seconds = vec![(100, 0, 1); 20];
    assert_eq!(ends_at(&seconds, 5), None);
    seconds[6..10].fill((0, 100, 1));
    assert_eq!(ends_at(&seconds, 5), None, "four of five seconds, though most of their requests");
    seconds[6..11].fill((0, 100, 1));
    assert_eq!(ends_at(&seconds, 5), Some(12), "a second after the end of the five");
    seconds[8] = (0, 0, 0);
    assert_eq!(ends_at(&seconds, 5), Some(12), "a second without requests says nothing");
    let few = vec![(0, 100, 1); 3];
    assert_eq!(ends_at(&few, 5), None, "nothing is so for longer than it runs");
}

#[test]
fn a_window_waits_for_what_is_under_way() {
    let metric = of(RequestFunction::ErrorRate, &[(0, u64::MAX)], 30 * SECOND);
    let condition = compare(metric, Binary::Greater, 0.5, Type::Percent);
    let abort = Abort { text: "abort".to_owned(), condition, length: SECOND, patience: 10 * SECOND };
    let mut watch =
        AbortWatch::over(std::slice::from_ref(&abort), Stats::bare((0..40).map(|second| second * SECOND).collect(), 1));
    // Ten were sent, and one has failed so far.
    let mut first = slice(0, (0, 1, 1));
    if let Some(counts) = first.series.get_mut(&0) {
        counts.sent = 10;
    }
    watch.take(&first);
    assert_eq!(watch.look(2 * SECOND), None);
    // The others come late, and are fine.
    let mut late = slice(0, (9, 0, 3000));
    if let Some(counts) = late.series.get_mut(&0) {
        counts.sent = 0;
    }
    watch.take(&late);
    assert_eq!(watch.look(4 * SECOND), None, "1 of 10");
    // What never ends must have failed when its time is over.
    let mut lost = slice(4, (0, 5, 1));
    if let Some(counts) = lost.series.get_mut(&0) {
        counts.sent = 100;
    }
    watch.take(&lost);
    assert_eq!(watch.look(14 * SECOND), None);
    assert!(watch.look(15 * SECOND).is_some());
}

/// Of one second: answers of so many milliseconds each, and how long each of the others was waited for, as timeouts or not.
fn some_unanswered(answers: &[u64], refused: &[u64], timeouts: &[u64]) -> Stats {
    let histogram = |times: &mut dyn Iterator<Item = &u64>| {
        let mut all = Sparse::new();
        times.for_each(|ms| all.record(ms * MILLISECOND));
        all.drain()
    };
    let of = |kind: Failure, list: &[u64]| (!list.is_empty()).then_some((kind, list.len() as u64));
    let counts = SeriesCounts {
        sent: (answers.len() + refused.len() + timeouts.len()) as u64,
        ok: answers.len() as u64,
        failed: of(Failure::Connect, refused).into_iter().chain(of(Failure::Timeout, timeouts)).collect(),
        latency: histogram(&mut answers.iter()),
        service_time: histogram(&mut answers.iter()),
        unanswered: histogram(&mut refused.iter().chain(timeouts)),
        ..SeriesCounts::default()
    };
    let mut stats = stats(&[(0, 0, 0)]);
    stats.add(&Slice { series: [(0, counts)].into(), ..Slice::default() });
    stats
}

#[test]
fn a_request_without_an_answer_meets_no_bound_of_a_time() {
    let all = [(0, u64::MAX)];
    let p90 = |operator, ms: u64, stats: &Stats| {
        let bound = (ms * MILLISECOND) as f64;
        judge(&compare(of(RequestFunction::Quantile(0.9), &all, SECOND), operator, bound, Type::Duration), stats)
    };
    let shown = |judged: &super::Judged| judged.value.as_ref().map(Quantity::to_string).unwrap_or_default();
    // Nobody listens: each was refused within a millisecond.
    let refused = some_unanswered(&[], &[1; 100], &[]);
    let judged = p90(Binary::Less, 50, &refused);
    assert_eq!((judged.outcome, shown(&judged).as_str()), (Outcome::Failed, "no answer"));
    assert_eq!(serde_json::json!(judged.value)["known"], "no_answer");
    assert_eq!(serde_json::json!(judged.value)["number"], serde_json::Value::Null);
    assert_eq!(p90(Binary::LessEqual, 50, &refused).outcome, Outcome::Failed);
    assert_eq!(p90(Binary::Equal, 1, &refused).outcome, Outcome::Failed);
    let judged = p90(Binary::Greater, 50, &refused);
    assert_eq!(judged.outcome, Outcome::Inconclusive, "how long it would have taken nobody knows");
    assert_eq!(judged.reason.unwrap(), "no answer, and how long one would have taken is not known");
    // What was waited for is longer than that.
    let timeouts = some_unanswered(&[], &[], &[1000; 100]);
    let judged = p90(Binary::Less, 2000, &timeouts);
    assert_eq!((judged.outcome, shown(&judged).as_str()), (Outcome::Failed, "no answer within 1s"));
    assert_eq!(p90(Binary::Greater, 500, &timeouts).outcome, Outcome::Held);
    assert_eq!(p90(Binary::Greater, 1500, &timeouts).outcome, Outcome::Inconclusive);
    // As long as it lies at an answer it is that.
    let some = some_unanswered(&[10; 95], &[1; 5], &[]);
    let judged = p90(Binary::Less, 50, &some);
    assert_eq!((judged.outcome, shown(&judged).as_str()), (Outcome::Held, "10ms"));
    assert_eq!(p90(Binary::Less, 50, &some_unanswered(&[10; 89], &[1; 11], &[])).outcome, Outcome::Failed);
    let most = of(RequestFunction::Statistic(Statistic::Max), &all, SECOND);
    assert_eq!(judge(&compare(most, Binary::Less, SECOND as f64, Type::Duration), &some).outcome, Outcome::Failed);
}

#[test]
fn a_mean_is_of_answers_alone_and_says_how_many_had_none() {
    let mean = |stats: &Stats| {
        let mean = of(RequestFunction::Statistic(Statistic::Mean), &[(0, u64::MAX)], SECOND);
        judge(&compare(mean, Binary::Less, (50 * MILLISECOND) as f64, Type::Duration), stats)
    };
    let judged = mean(&some_unanswered(&[10; 60], &[1; 30], &[1000; 10]));
    assert_eq!(judged.outcome, Outcome::Held);
    assert_eq!(judged.value.unwrap().to_string(), "10ms of answers, 40% got none");
    assert_eq!(mean(&some_unanswered(&[10; 60], &[], &[])).value.unwrap().to_string(), "10ms");
    let judged = mean(&some_unanswered(&[], &[1; 30], &[]));
    let reason = "none of 30 requests got an answer";
    assert_eq!((judged.outcome, judged.reason.as_deref()), (Outcome::Inconclusive, Some(reason)));
}

/// Above everything it stays so, whatever it is multiplied by; of a baseline it is none.
#[test]
fn what_is_computed_of_no_answer_is_none_either() {
    let p90 = |ranges: &[Range]| Measured::Metric {
        metric: of(RequestFunction::Quantile(0.9), ranges, 2 * SECOND),
        unit: Type::Duration,
        key: MetricKey::default(),
    };
    let mut stats = some_unanswered(&[], &[1; 100], &[]);
    stats.add(&slice(1, (100, 0, 10)));
    let twice = |measured: Measured| Measured::Arithmetic {
        operator: Binary::Multiply,
        left: Box::new(measured),
        right: Box::new(Measured::Constant { value: 2.0, unit: Type::Factor }),
        unit: Type::Duration,
    };
    let (refused, fine) = ([(0, SECOND)], [(SECOND, 2 * SECOND)]);
    let second = Measured::Constant { value: SECOND as f64, unit: Type::Duration };
    let outcome = |operator, left: Measured, right: Measured| {
        super::judge_within(&Condition::Compare { operator, left, right }, (0, 2 * SECOND), &stats).outcome
    };
    assert_eq!(outcome(Binary::Less, twice(p90(&refused)), second.clone()), Outcome::Failed);
    assert_eq!(outcome(Binary::Greater, second, twice(p90(&refused))), Outcome::Failed);
    assert_eq!(outcome(Binary::Less, p90(&refused), twice(p90(&fine))), Outcome::Failed);
    assert_eq!(outcome(Binary::LessEqual, p90(&fine), twice(p90(&refused))), Outcome::Inconclusive);
    let near = Condition::Within { left: p90(&fine), right: p90(&refused), tolerance: 0.1, relative: true };
    assert_eq!(super::judge_within(&near, (0, 2 * SECOND), &stats).outcome, Outcome::Inconclusive);
    let near = Condition::Within { left: p90(&refused), right: p90(&fine), tolerance: 0.1, relative: true };
    assert_eq!(super::judge_within(&near, (0, 2 * SECOND), &stats).outcome, Outcome::Failed);
}

/// A step that no iteration came to, of a load that ran and of one that did not.
#[test]
fn how_much_there_was_is_known_where_the_load_ran() {
    let mut stats = stats(&[(0, 0, 0), (0, 0, 0)]);
    let never = |function: RequestFunction, stats: &Stats| {
        let Metric::Requests(mut requests) = of(function, &[(SECOND, 2 * SECOND)], 2 * SECOND) else {
            unreachable!("it is of requests")
        };
        requests.loads = vec![0];
        judge(&compare(Metric::Requests(requests), Binary::Equal, 0.0, Type::Count), stats).outcome
    };
    let counts = [RequestFunction::Count, RequestFunction::Throughput, RequestFunction::Bandwidth];
    let others = [RequestFunction::ErrorRate, RequestFunction::Availability, RequestFunction::Quantile(0.5)];
    for function in counts.into_iter().chain(others) {
        assert_eq!(never(function, &stats), Outcome::Inconclusive, "{function:?}: nothing ran");
    }
    let ran = LoadCounts { started: 3, ..LoadCounts::default() };
    stats.add(&Slice { loads: [(0, ran)].into(), ..Slice::default() });
    for function in counts {
        assert_eq!(never(function, &stats), Outcome::Held, "{function:?}");
    }
    for function in others {
        assert_eq!(never(function, &stats), Outcome::Inconclusive, "{function:?}: of nothing there is no share");
    }
}

/// Where the value is just its bound, neither says which side it stands on.
#[test]
fn a_difference_is_seen_from_the_left_side_also_where_there_is_none() {
    let seconds = [(49, 1, 20)];
    let metric = || {
        let metric = of(RequestFunction::ErrorRate, &[(0, u64::MAX)], SECOND);
        Measured::Metric { metric, unit: Type::Percent, key: MetricKey::default() }
    };
    let bound = || Measured::Constant { value: 1.0 / 50.0, unit: Type::Percent };
    let ends = |left: Measured, operator: Binary, right: Measured| {
        let judged = judge(&Condition::Compare { operator, left, right }, &stats(&seconds));
        judged.grounds.difference.expect("it is estimated").ends()
    };
    let (low, high) = ends(metric(), Binary::LessEqual, bound());
    assert!(low > -high, "no share is below nothing: {low} {high}");
    assert_eq!(ends(bound(), Binary::GreaterEqual, metric()), (-high, -low));
}
