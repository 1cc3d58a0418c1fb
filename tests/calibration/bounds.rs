//! Bounds that are constants: what is near is told to be, and the interval beside it holds what is true in 95% and more.

use super::world::{Draw, P95, World};
use super::{Table, wanted};
use stressc::metric::Outcome;

#[test]
fn the_interval_of_a_quantile() {
    let mut table =
        Table::of("the interval beside p95(main) < 200ms holds 227.6ms: held in 95%; and a p95 of 198ms against 200ms");
    for (what, each, seconds, wanted) in [
        ("100 samples, by ranks", 10, 10, wanted(91.0..=100.0, 0.0..=9.0)),
        ("400 samples, by ranks", 10, 40, wanted(91.0..=100.0, 0.0..=9.0)),
        ("6,000 samples, by batches", 100, 60, wanted(91.0..=100.0, 0.0..=9.0)),
    ] {
        let world = World::of(
            &format!("  load main of look {{\n    hold {each}/s for {seconds}s\n  }}"),
            "    p95(main) < 200ms",
        );
        table.row(what, 100, &wanted, |seed| {
            let mut draw = Draw::new(seed);
            let mut ran = world.run();
            ran.answers(0, 0, each, &vec![100.0; seconds], &mut draw);
            let (low, high) = ran.judged(0).grounds.interval.unwrap();
            let holds = (low..=high).contains(&(100.0 * P95 * 1e6));
            if holds { Outcome::Held } else { Outcome::Failed }
        });
    }
    let world = World::of("  load main of look {\n    hold 100/s for 60s\n  }", "    p95(main) < 200ms");
    // A verdict that another run may not repeat says so.
    let bold = wanted(0.0..=40.0, 0.0..=5.0);
    table.row("198ms against 200ms: not told to be near", 60, &bold, |seed| {
        let mut draw = Draw::new(seed);
        let mut ran = world.run();
        ran.answers(0, 0, 100, &[198.0 / P95; 60], &mut draw);
        let judged = ran.judged(0);
        if judged.grounds.is_near() { Outcome::Inconclusive } else { judged.outcome }
    });
    table.holds();
}

/// What is near is inconclusive where the scenario says so, and the reason says why.
#[test]
fn strict_bounds() {
    let world = World::of(
        "  load main of look {\n    hold 100/s for 60s\n  }",
        "    p95(main) < 200ms strict\n    p95(main) < 400ms strict\n    p95(main) < 100ms strict",
    );
    let mut draw = Draw::new(3);
    let mut ran = world.run();
    ran.answers(0, 0, 100, &[199.0 / P95; 60], &mut draw);
    let verdict = ran.verdict();
    let outcomes: Vec<Outcome> = verdict.expectations.iter().take(3).map(|judged| judged.outcome).collect();
    assert_eq!(outcomes, [Outcome::Inconclusive, Outcome::Held, Outcome::Failed]);
    let reason = verdict.expectations[0].reason.clone().unwrap();
    assert!(reason.contains(", near the bound: ") && reason.contains(" at 95%, so it may be either"), "{reason}");
}
