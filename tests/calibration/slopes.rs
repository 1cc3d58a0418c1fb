//! `growth` and `drift`: a bound at what is true is missed in 2.5% to each side at most, whatever goes from reading to reading.

use super::world::{Draw, World};
use super::{Table, wanted};

/// Readings of so many seconds around 100 MB, whose noise has a standard deviation of 1 MB.
fn readings(kind: &str, seconds: usize, draw: &mut Draw) -> Vec<f64> {
    let noise = match kind {
        "a random walk" => {
            let mut at = 0.0;
            let next = |_| {
                at += draw.normal() * 0.2;
                at
            };
            (0..seconds).map(next).collect()
        }
        "a collector each 60s" => {
            let phase = draw.uniform() * 60.0;
            (0..seconds).map(|second| (second as f64 + phase) % 60.0 / 10.0 + 0.1 * draw.normal()).collect()
        }
        "independent" => draw.noise(seconds, 0.0, 1.0),
        "AR .8" => draw.noise(seconds, 0.8, 1.0),
        _ => draw.noise(seconds, 0.95, 1.0),
    };
    noise.into_iter().map(|one| 1e8 + 1e6 * one).collect()
}

#[test]
fn growth_of_what_does_not_grow() {
    let mut table =
        Table::of("growth(shop.memory) < 0MB/s at no growth, where either is false (before: 35 to 56% each)");
    for (kind, seconds, most) in [
        ("independent", 60, 4.0),
        ("AR .8", 60, 4.5),
        ("AR .95", 120, 5.0),
        ("a random walk", 120, 6.0),
        ("a collector each 60s", 150, 2.0),
    ] {
        let loads = format!("  load main of look {{\n    hold 10/s for {seconds}s\n  }}");
        let world = World::of(&loads, "    growth(shop.memory) < 0B/s");
        table.row(&format!("{kind}, {seconds}s"), 200, &wanted(0.0..=most, 0.0..=most), |seed| {
            let mut draw = Draw::new(seed);
            let mut ran = world.run();
            ran.readings("memory", &readings(kind, seconds, &mut draw));
            ran.judged(0).outcome
        });
    }
    table.holds();
}

#[test]
fn growth_that_is_there() {
    let mut table = Table::of("growth(shop.memory) < 0.1MB/s, at 0.2MB/s, and of what settles");
    let loads = "  load main of look {\n    hold 10/s for 60s\n  }";
    let world = World::of(loads, "    growth(shop.memory) < 100kB/s");
    for (what, wanted) in [
        ("independent", wanted(0.0..=0.0, 99.0..=100.0)),
        ("AR .8", wanted(0.0..=3.0, 30.0..=100.0)),
        // 20 MB come in the first half and nothing in the second.
        ("settling", wanted(0.0..=0.0, 0.0..=0.0)),
    ] {
        let (mut told, mut times) = (0, 0);
        table.row(what, 200, &wanted, |seed| {
            let mut draw = Draw::new(seed);
            let mut ran = world.run();
            let kind = if what == "settling" { "independent" } else { what };
            let settles = |second: f64| if what == "settling" { 6e5 * second.min(30.0) } else { 2e5 * second };
            let values = readings(kind, 60, &mut draw).into_iter().zip(0..);
            let values: Vec<f64> = values.map(|(value, second)| value + settles(f64::from(second))).collect();
            ran.readings("memory", &values);
            let judged = ran.judged(0);
            told += u32::from(judged.reason.is_some_and(|reason| reason.contains("it has not settled")));
            times += 1;
            judged.outcome
        });
        let as_it_is = if what == "settling" { told * 10 >= times * 8 } else { told * 100 <= times * 3 };
        assert!(as_it_is, "{what}: told to settle in {told} of {times}");
    }
    table.holds();
}

/// The bound is what is true, so each miss is one.
#[test]
fn drift_at_its_bound() {
    let mut table = Table::of("drift(p50(main)) < 100% at 100%, where either is false (before: 9.8 to 13% each)");
    let loads = "  load main of look {\n    hold 100/s for 60s\n  }";
    let world = World::of(loads, "    drift(p50(main)) < 100%");
    for (kind, phi, deviation, most) in [("no noise", 0.0, 0.0, 5.0), ("AR .8 of 10%", 0.8, 0.1, 5.0)] {
        table.row(kind, 100, &wanted(0.0..=most, 0.0..=most), |seed| {
            let mut draw = Draw::new(seed);
            let mut ran = world.run();
            let noise = draw.noise(60, phi, deviation).into_iter().zip(0..);
            let medians: Vec<f64> =
                noise.map(|(one, second)| (100.0 + 100.0 * (f64::from(second) + 0.5) / 60.0) * one.exp()).collect();
            ran.answers(0, 0, 100, &medians, &mut draw);
            ran.judged(0).outcome
        });
    }
    table.holds();
}
