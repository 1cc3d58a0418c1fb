//! Two measured values against each other: two loads of one run, with noise that both have, or each its own; two windows; and `within`.

use super::world::{Draw, World};
use super::{Table, wanted};
use stressc::metric::Outcome;

const CANARY: &str =
    "  load stable of look {\n    hold 100/s for 60s\n  }\n  load canary of look {\n    hold 100/s for 60s\n  }";

/// The medians of both loads in each second.
fn both(shared: bool, deviation: f64, more: f64, draw: &mut Draw) -> [Vec<f64>; 2] {
    let first = draw.noise(60, 0.8, deviation);
    let second = if shared { first.clone() } else { draw.noise(60, 0.8, deviation) };
    let of = |noise: Vec<f64>, times: f64| noise.into_iter().map(|one| 100.0 * times * one.exp()).collect();
    [of(first, 1.0), of(second, 1.0 + more)]
}

#[test]
fn a_canary_beside_the_stable_version() {
    let mut table = Table::of(
        "p95(canary) <= p95(stable) + 10%, 60s at 100/s (before: +20% found in 30 to 35% under shared noise)",
    );
    let world = World::of(CANARY, "    p95(canary) <= p95(stable) + 10%");
    let outcome = |shared: bool, deviation: f64, more: f64, seed: u64| -> Outcome {
        let mut draw = Draw::new(seed);
        let mut ran = world.run();
        let [stable, canary] = both(shared, deviation, more, &mut draw);
        ran.answers(0, 0, 100, &stable, &mut draw);
        ran.answers(1, 0, 100, &canary, &mut draw);
        ran.judged(0).outcome
    };
    let same = wanted(90.0..=100.0, 0.0..=0.0);
    table.row("the same, no noise", 40, &same, |seed| outcome(true, 0.0, 0.0, seed));
    table.row("the same, they share noise of 20%", 40, &same, |seed| outcome(true, 0.2, 0.0, seed));
    let slower = wanted(0.0..=0.0, 84.0..=100.0);
    table.row("+20%, no noise", 40, &slower, |seed| outcome(true, 0.0, 0.2, seed));
    table.row("+20%, they share noise of 20%", 40, &slower, |seed| outcome(true, 0.2, 0.2, seed));
    let apart = wanted(0.0..=100.0, 0.0..=5.0);
    table.row("the same, each its own noise of 20%", 40, &apart, |seed| outcome(false, 0.2, 0.0, seed));
    let apart = wanted(0.0..=12.0, 0.0..=12.0);
    table.row("+10%, each its own noise of 20%", 40, &apart, |seed| outcome(false, 0.2, 0.1, seed));
    let at_the_bound = wanted(0.0..=9.0, 0.0..=9.0);
    table.row("+10%, they share noise of 20%", 40, &at_the_bound, |seed| outcome(true, 0.2, 0.1, seed));
    table.holds();
}

/// A window after another one has noise of its own.
#[test]
fn a_window_after_another() {
    let mut table = Table::of("p95(main during later) <= p95(main during calm) + 10%, 30s each at 100/s");
    let loads = "  load main of look {\n    hold 100/s for 30s as calm\n    hold 100/s for 30s as later\n  }";
    let world = World::of(loads, "    p95(main during later) <= p95(main during calm) + 10%");
    for (what, more, wanted) in [
        ("the same", 0.0, wanted(30.0..=100.0, 0.0..=1.0)),
        ("+10%", 0.1, wanted(0.0..=7.0, 0.0..=7.0)),
        ("+30%", 0.3, wanted(0.0..=0.0, 90.0..=100.0)),
    ] {
        table.row(what, 40, &wanted, |seed| {
            let mut draw = Draw::new(seed);
            let mut ran = world.run();
            let noise = draw.noise(60, 0.5, 0.05).into_iter().enumerate();
            let of = |second: usize| if second < 30 { 100.0 } else { 100.0 * (1.0 + more) };
            let medians: Vec<f64> = noise.map(|(second, one)| of(second) * one.exp()).collect();
            ran.answers(0, 0, 100, &medians, &mut draw);
            ran.judged(0).outcome
        });
    }
    table.holds();
}

/// Parts of both sides are kept, so that it can be told.
#[test]
fn as_much_as_the_other() {
    let mut table = Table::of("p95(canary) within 20% of p95(stable), 60s at 100/s (before: always open)");
    let world = World::of(CANARY, "    p95(canary) within 20% of p95(stable)");
    for (what, more, wanted) in [
        ("the same", 0.0, wanted(97.0..=100.0, 0.0..=0.0)),
        ("+50%", 0.5, wanted(0.0..=0.0, 97.0..=100.0)),
        ("+20%", 0.2, wanted(0.0..=8.0, 0.0..=8.0)),
    ] {
        table.row(what, 40, &wanted, |seed| {
            let mut draw = Draw::new(seed);
            let mut ran = world.run();
            let [stable, canary] = both(true, 0.1, more, &mut draw);
            ran.answers(0, 0, 100, &stable, &mut draw);
            ran.answers(1, 0, 100, &canary, &mut draw);
            ran.judged(0).outcome
        });
    }
    table.holds();
}

/// A window is cut into parts of its own, however long another load may take to end.
#[test]
fn a_short_load_beside_a_long_grace() {
    let loads = "  load main of look {\n    hold 100/s for 6s as calm\n    hold 100/s for 6s as later\n  }\n  load slow of look {\n    hold 1/s for 1s\n    grace: 5m\n  }";
    let world = World::of(loads, "    p50(main after calm) <= 1.5 * p50(main during calm)");
    let mut draw = Draw::new(1);
    let mut ran = world.run();
    ran.answers(0, 0, 100, &[100.0; 12], &mut draw);
    let judged = ran.judged(0);
    assert_eq!(judged.outcome, Outcome::Held, "{:?}", judged.reason);
}
