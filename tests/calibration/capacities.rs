//! What a search finds: where each trial has noise of its own, an interval holds the level at which the condition ceases to hold.

use super::world::{Draw, P95, World};
use super::{Table, wanted};
use stressc::metric::Outcome;

const SEARCH: &str = "  load main of look {\n    search 50/s .. 500/s for 5s each while p95(main) < 300ms\n  }";

/// Answers take longer in proportion to the level; at 200/s their p95 is 300 ms.
fn flat(level: f64, noise: f64, draw: &mut Draw) -> f64 {
    300.0 / P95 * level / 200.0 * (noise * draw.normal()).exp()
}

#[test]
fn a_flat_knee() {
    let mut table = Table::of("capacity(main), 200/s, each trial off by 10% (before: off by more than 10% in 43%)");
    let expect = "    capacity(main) >= 200/s\n    capacity(main) <= 200/s\n    capacity(main) >= 140/s\n    capacity(main) >= 300/s";
    let world = World::of(SEARCH, expect);
    let misses = wanted(0.0..=6.0, 0.0..=6.0);
    let (found, missed) = (wanted(80.0..=100.0, 0.0..=0.0), wanted(0.0..=0.0, 80.0..=100.0));
    let rows = [(">= 200/s", &misses), ("<= 200/s", &misses), (">= 140/s", &found), (">= 300/s", &missed)];
    let rows = rows.map(|(what, wanted)| (what.to_owned(), wanted));
    table.rows(60, &rows, |seed| {
        let mut draw = Draw::new(seed);
        let mut ran = world.run();
        ran.searched(|level, draw| flat(level, 0.1, draw), &mut draw);
        (0..4).map(|index| ran.judged(index).outcome).collect()
    });
    table.holds();
}

/// A system that answers at once up to a level and not in time from there on is known as well as levels were tried.
#[test]
fn a_cliff() {
    let world = World::of(SEARCH, "    capacity(main) >= 180/s\n    capacity(main) >= 205/s");
    let mut draw = Draw::new(1);
    let mut ran = world.run();
    ran.searched(|level, _| if level < 200.0 { 10.0 } else { 900.0 }, &mut draw);
    assert_eq!([0, 1].map(|index| ran.judged(index).outcome), [Outcome::Held, Outcome::Failed]);
    assert!(ran.stats.tried.len() <= 8, "none around it: {:?}", ran.stats.tried);
    assert!(ran.judged(0).grounds.difference.is_none());
}
