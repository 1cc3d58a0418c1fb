//! Bounds on shares in looks and slices of few samples: one failure is no loss.

use super::world::{Draw, World};
use super::{Table, wanted};
use stressc::metric::Outcome;

fn failures(seconds: usize, each: u64, share: f64, draw: &mut Draw) -> Vec<u64> {
    (0..seconds).map(|_| draw.of(each, share)).collect()
}

#[test]
fn slices() {
    let mut table = Table::of("error_rate(main) < 1% in every 10s, 10 minutes at 20/s (before: failed in 99% at 0.2%)");
    let loads = "  load main of look {\n    hold 20/s for 10m\n  }";
    let world = World::of(loads, "    error_rate(main) < 1% in every 10s");
    for (what, share, burst, wanted) in [
        ("0.2% fail", 0.002, 0.002, wanted(99.0..=100.0, 0.0..=1.0)),
        ("none fail", 0.0, 0.0, wanted(100.0..=100.0, 0.0..=0.0)),
        ("0.2%, and 10% in one slice", 0.002, 0.1, wanted(0.0..=2.0, 98.0..=100.0)),
        ("2% fail throughout", 0.02, 0.02, wanted(0.0..=0.0, 99.0..=100.0)),
    ] {
        table.row(what, 100, &wanted, |seed| {
            let mut draw = Draw::new(seed);
            let mut ran = world.run();
            let mut failed = failures(600, 20, share, &mut draw);
            failed[300..310].copy_from_slice(&failures(10, 20, burst, &mut draw));
            ran.failures(0, 0, 20, &failed);
            ran.judged(0).outcome
        });
    }
    table.holds();
}

/// Around a stage in which nothing changes, and one in which a tenth fails.
#[test]
fn steady_states() {
    let mut table =
        Table::of("steady_state error_rate(main) < 1%, 20/s, looks of 100 (before: lost in 18 to 22% of looks)");
    let loads = "  load main of look {\n    hold 20/s for 30s as calm\n    hold 20/s for 10s as burst\n    hold 20/s for 40s as rest\n  }\n  steady_state {\n    error_rate(main) < 1%\n  }";
    let expect = "    burst.impact.length < 1ms\n    time_to_recover(burst) < 10s\n    time_to_detect(burst) < 9s";
    let world = World::of(loads, expect);
    let run = |share: f64, index: usize, seed: u64| {
        let mut draw = Draw::new(seed);
        let mut ran = world.run();
        let mut failed = failures(80, 20, 0.002, &mut draw);
        failed[30..40].copy_from_slice(&failures(10, 20, share, &mut draw));
        ran.failures(0, 0, 20, &failed);
        ran.judged(index).outcome
    };
    let calm = wanted(98.0..=100.0, 0.0..=1.0);
    table.row("0.2% fail: it was never lost", 200, &calm, |seed| run(0.002, 0, seed));
    table.row("0.2% fail: it is back within 10s", 200, &calm, |seed| run(0.002, 1, seed));
    let never = wanted(0.0..=1.0, 0.0..=1.0);
    table.row("0.2% fail: nothing to detect", 200, &never, |seed| run(0.002, 2, seed));
    let lost = wanted(0.0..=2.0, 97.0..=100.0);
    table.row("10% fail in the stage: it was lost", 200, &lost, |seed| run(0.1, 0, seed));
    let seen = wanted(95.0..=100.0, 0.0..=3.0);
    table.row("10% fail in the stage: detected in 9s", 200, &seen, |seed| run(0.1, 2, seed));
    table.row("10% fail in the stage: back within 10s", 200, &seen, |seed| run(0.1, 1, seed));
    table.holds();
}

/// A look at one failure of a hundred shows neither a loss nor a return.
#[test]
fn one_of_a_hundred_is_open() {
    let world = World::of(
        "  load main of look {\n    hold 20/s for 10s\n  }",
        "    error_rate(main) < 1% in every 5s\n    error_rate(main) > 99% in every 5s",
    );
    let outcome = |failed: &[u64], index: usize| {
        let mut ran = world.run();
        ran.failures(0, 0, 20, failed);
        let judged = ran.judged(index);
        (judged.outcome, judged.slices.map(|slices| (slices.held, slices.near, slices.failed)))
    };
    // 1 of 100, and 0.5% of all 200.
    assert_eq!(outcome(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0), (Outcome::Held, Some((1, 1, 0))));
    assert_eq!(outcome(&[1, 0, 0, 0, 0, 1, 0, 0, 0, 0], 0), (Outcome::Inconclusive, Some((0, 2, 0))));
    assert_eq!(outcome(&[4, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0), (Outcome::Failed, Some((1, 0, 1))));
    assert_eq!(outcome(&[20, 20, 20, 20, 19, 20, 20, 20, 20, 20], 1), (Outcome::Held, Some((1, 1, 0))));
}
