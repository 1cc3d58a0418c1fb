//! What a long run keeps: sums that stay exact while slices are added up, in little memory.

use crate::support::day::{Day, Numbers, planned, scenario};
use stressc::base::units::{MINUTE, SECOND};
use stressc::measure::{Event, RequestPhase, Stats, Times};
use stressc::metric::{Back, Judged, Outcome, Recovered, judge, recovered};
use stressc::plan::{Metric, Plan, Range};

pub const STAGES: &str = "    warmup 20/s for 37500ms\n    ramp 20/s -> 40/s over 4m as rise\n    hold 40/s for 11m as plateau\n    spike 2x for 20s\n    hold 20/s for 4m as settled";

pub const CONDITIONS: &str = "
  expect {
    p95(l0) < 1s during l0.plateau
    p95(l0.r0) < 1s during l0.plateau + 1500ms .. l0.plateau + 62s
    error_rate(l1) < 5% outside l1.plateau
    dropped(l1 during l1.rise) == 0
    p50(l1.r2) < 1s in every 10s during l1.plateau
    throughput(l0) > 1/s after l0.settled + 250ms
    drift(p95(l0.r1)) < 20% during l0.plateau + 333ms .. l0.plateau + 5m
  }";

/// Every range that a condition, the report or a person who reads the plan could ask for.
fn windows(plan: &Plan) -> Vec<(Option<usize>, Vec<Range>)> {
    let mut windows = vec![(None, vec![(0, u64::MAX)])];
    for load in &plan.loads {
        windows.extend(load.stages.iter().map(|stage| (None, vec![(stage.start, stage.end)])));
    }
    windows.extend(plan.faults.iter().map(|fault| (None, fault.windows.clone())));
    for expectation in &plan.expectations {
        expectation.condition.metrics(&mut |metric| match metric {
            Metric::Requests(requests) => {
                windows.extend(requests.samples.iter().map(|s| (Some(s.series), s.ranges.clone())));
            }
            Metric::Recovery(recovery) => windows.push((None, recovery.windows.clone())),
            Metric::Other { ranges, .. } => windows.push((None, ranges.clone())),
            Metric::Drift { fine, coarse } => {
                for part in fine.iter().chain(coarse) {
                    let Metric::Requests(requests) = part else { panic!("the drift of requests") };
                    windows.extend(requests.samples.iter().map(|s| (Some(s.series), s.ranges.clone())));
                }
            }
            Metric::Scaling(scaling) => {
                windows.extend(scaling.levels.iter().map(|(_, range)| (None, vec![*range])));
            }
            Metric::Series(_) | Metric::Counter(_) | Metric::Buckets(_) | Metric::Capacity(_) => {}
            Metric::Crashes(_) | Metric::Ledger { .. } => {}
            Metric::Alerts { .. } | Metric::Detection(_) => {}
        });
    }
    windows
}

pub fn same(plan: &Plan, rolled: &Stats, whole: &Stats) {
    let (mut compared, mut unanswered) = (0, 0);
    for series in 0..plan.series.len() {
        for phase in RequestPhase::ALL {
            assert!(rolled.phase(series, phase) == whole.phase(series, phase), "{phase:?} of {series}");
        }
        assert!(!whole.phase(series, RequestPhase::Connect).is_empty());
    }
    for number in 0..3 {
        let ((rolled, a), (whole, b)) = (rolled.at_address(0, number), whole.at_address(0, number));
        assert!(rolled == whole && a == b && !b.is_empty(), "{rolled:?}\n{whole:?}");
    }
    for (only, ranges) in windows(plan) {
        for series in (0..plan.series.len()).filter(|series| only.is_none_or(|only| only == *series)) {
            assert_eq!(rolled.counts(series, &ranges), whole.counts(series, &ranges), "{ranges:?}");
            for service_time in [false, true] {
                let (mut a, mut b) = (Times::default(), Times::default());
                rolled.times(series, &ranges, service_time, &mut a);
                whole.times(series, &ranges, service_time, &mut b);
                assert!(a == b, "{} in {ranges:?}", plan.series[series].name);
                compared += a.len();
                unanswered += a.unanswered.len();
            }
        }
        for load in (0..plan.loads.len()).filter(|_| only.is_none()) {
            assert_eq!(rolled.load(load, &ranges), whole.load(load, &ranges), "{ranges:?}");
        }
    }
    assert!(compared > 10_000, "only {compared} samples were compared");
    assert!(unanswered > 0, "none of them was without an answer");
    assert_eq!(rolled.numbers().collect::<Vec<_>>(), whole.numbers().collect::<Vec<_>>());
}

#[test]
fn sums_over_windows_stay_exact() {
    let plan = planned(&scenario(2, 3, STAGES, CONDITIONS));
    for (seed, memory) in [(1, usize::MAX), (2, 200_000), (3, 0)] {
        let (mut whole, mut rolled) = (Stats::new(&plan), Stats::with_memory(&plan, memory));
        let mut day = Day::new(&plan, 4, seed);
        let mut numbers = Numbers::new(seed);
        for second in 0..plan.length / SECOND + 30 {
            // Workers are heard at different times, some of them late.
            for slice in day.second(second) {
                whole.add(&slice);
                rolled.add(&slice);
            }
            if numbers.below(10) > 0 {
                rolled.take(day.reading(second));
            }
        }
        same(&plan, &rolled, &whole);
        assert_eq!(rolled.last(), whole.last());
        assert!(rolled.size() * 2 < whole.size(), "{} of {} bytes", rolled.size(), whole.size());
    }
}

/// Two measured values are compared in parts of their windows, so the verdict is the same however old they are.
#[test]
fn comparisons_see_the_same_spread_long_after() {
    let stages = "    hold 20/s for 30s as calm\n    hold 20/s for 3m as long\n    hold 20/s for 1h as settled";
    let conditions = "
  expect {
    p50(l0 during l0.long) <= p50(l0 during l0.calm) + 10%
    p50(l0 during l0.settled) <= p50(l0 during l0.long) + 10%
  }";
    let plan = planned(&scenario(1, 2, stages, conditions));
    let (mut whole, mut rolled) = (Stats::with_memory(&plan, usize::MAX), Stats::with_memory(&plan, 0));
    let mut day = Day::new(&plan, 20, 5);
    for second in 0..plan.length / SECOND {
        for slice in day.second(second) {
            whole.add(&slice);
            rolled.add(&slice);
        }
        rolled.take(day.reading(second));
    }
    assert!(rolled.size() * 4 < whole.size(), "{} of {} bytes", rolled.size(), whole.size());
    for expectation in &plan.expectations {
        let (one, other) = (judge(&expectation.condition, &whole), judge(&expectation.condition, &rolled));
        assert_eq!((one.outcome, &one.value, &one.reason), (other.outcome, &other.value, &other.reason));
        assert!(one.reason.is_none(), "{:?}", one.reason);
    }
}

#[test]
fn slices_of_a_sliced_condition_stay_apart() {
    let plan = planned(&scenario(2, 3, STAGES, CONDITIONS));
    let plateau = (277_500, 937_500);
    let edges = plan.window_edges();
    let of = |name: &str| plan.series.iter().position(|series| series.name == name).unwrap();
    let tens = (0..66).map(|slice| (plateau.0 + slice * 10_000) * 1_000_000);
    assert!(tens.clone().all(|edge| edges.series[of("l1.f1.r2")].contains(&edge)));
    assert!(!tens.clone().any(|edge| edge != plateau.0 * 1_000_000 && edges.series[of("l1.f1.r1")].contains(&edge)));
    assert!(tens.clone().all(|edge| plan.edges().contains(&edge)));
    let mut stats = Stats::with_memory(&plan, 0);
    let mut day = Day::new(&plan, 2, 9);
    for second in 0..plan.length / SECOND {
        day.second(second).iter().for_each(|slice| stats.add(slice));
        stats.take(day.reading(second));
    }
    for from in tens.skip(1).take(20) {
        let counts = stats.counts(of("l1.f1.r2"), &[(from, from + 10 * SECOND)]);
        assert!(counts.ok + counts.failures() > 10, "{counts:?}");
    }
}

#[test]
fn recovery_is_seen_to_the_second_long_after() {
    let steady = "
  steady_state {
    error_rate(l0) < 5%
  }
  expect {
    time_to_recover(l0.burst) < 2m
    error_rate(l0.r1) < 5% within 3m of l0.burst + 30s
  }";
    let stages = "    hold 20/s for 10m\n    spike 2x for 1m as burst\n    hold 20/s for 2h as settled";
    let plan = planned(&scenario(1, 2, stages, steady));
    // Broken within the burst, and for so long that only sums are left of when it came back.
    for (broken, exact) in [(630..675, true), (630..3_000, false)] {
        let (mut whole, mut rolled) = (Stats::new(&plan), Stats::with_memory(&plan, 0));
        let mut day = Day::new(&plan, 20, 5);
        day.broken = broken;
        for second in 0..plan.length / SECOND {
            for slice in day.second(second) {
                whole.add(&slice);
                rolled.add(&slice);
            }
            rolled.take(day.reading(second));
        }
        [&mut whole, &mut rolled].into_iter().for_each(|stats| stats.take(Event::LoadEnded { at: plan.length }));
        let window = (600 * SECOND, 660 * SECOND);
        let of = |stats: &Stats| recovered(&plan.steady_states[0], window, plan.length, stats).unwrap();
        match (of(&whole), of(&rolled)) {
            (one, other) if exact => assert_eq!(one, other),
            (one, other) => {
                assert_eq!(one.lost, other.lost);
                let Recovered { back: Back::At(at), .. } = one else { panic!("{one:?}") };
                assert!(matches!(other.back, Back::At(later) if later >= at), "{at} {other:?}");
            }
        }
        let judged = |stats: &Stats| plan.expectations.iter().map(|e| judge(&e.condition, stats)).collect::<Vec<_>>();
        let (one, other) = (judged(&whole), judged(&rolled));
        assert_eq!(one[0].outcome, if exact { Outcome::Held } else { Outcome::Failed });
        let outcomes = |judged: &[Judged]| judged.iter().map(|judged| judged.outcome).collect::<Vec<_>>();
        assert_eq!(outcomes(&one), outcomes(&other), "{one:?} {other:?}");
        if exact {
            // The widest look sees more samples.
            let told = |judged: &[Judged]| judged.iter().map(|one| (one.value.clone(), one.when)).collect::<Vec<_>>();
            assert_eq!(told(&one), told(&other));
        }
    }
}

#[test]
fn the_last_minute_stays_in_slices() {
    let plan = planned(&scenario(1, 1, "    hold 10/s for 20m", ""));
    let mut stats = Stats::with_memory(&plan, 0);
    let mut day = Day::new(&plan, 3, 4);
    for second in 0..plan.length / SECOND {
        day.second(second).iter().for_each(|slice| stats.add(slice));
        stats.take(day.reading(second));
        for back in (0..60.min(second)).step_by(7) {
            let at = (second - back) * SECOND;
            assert_eq!(stats.counts(0, &[(at, at + SECOND)]).sent, 3, "{back} s before {second}");
        }
    }
}

#[test]
fn readings_of_the_generator_keep_their_peaks() {
    let plan = planned(&scenario(1, 1, "    hold 10/s for 3h", ""));
    let mut stats = Stats::new(&plan);
    let mut day = Day::new(&plan, 1, 4);
    let (mut busy, mut cpu) = (0f64, 0f64);
    for second in 0..plan.length / SECOND {
        let Event::Generator(reading) = day.reading(second) else { unreachable!() };
        (busy, cpu) = (busy + reading.pressed().0, cpu.max(reading.cpu));
        stats.take(Event::Generator(reading));
    }
    assert!(stats.generator.len() < 900, "{} readings", stats.generator.len());
    let pressed = || stats.generator.iter().map(stressc::measure::Generator::pressed);
    assert_eq!(pressed().map(|(_, _, seconds)| seconds).sum::<f64>(), (plan.length / SECOND) as f64);
    assert!((pressed().map(|(ran, ..)| ran).sum::<f64>() - busy).abs() < 1e-6);
    assert_eq!(stats.peak(|reading| reading.cpu), cpu);
    let ats: Vec<u64> = stats.generator.iter().map(|reading| reading.at).collect();
    assert!(ats.is_sorted() && ats.last() == Some(&(180 * MINUTE)));
}
