//! What a sweep says: each constant of the law, and what is computed of both, is missed in 2.5% to each side at most.

use super::world::{Draw, Ran, World};
use super::{Table, Wanted, wanted};
use stressc::metric::Outcome;

const LEVELS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
const LADDER: &str = "  load ladder of look {\n    sweep [1, 2, 4, 8, 16, 32, 64] users for 10s each\n  }";
const SIGMA: f64 = 0.03;
/// With which the peak is at 32.
const KAPPA: f64 = 0.97 / 1024.0;

/// What so many at a time are answered in a second.
fn law(concurrency: f64) -> f64 {
    200.0 * concurrency / (1.0 + SIGMA * (concurrency - 1.0) + KAPPA * concurrency * (concurrency - 1.0))
}

/// Each level is off by noise of its own, and within it each second a little. Of the users only a part has a request in flight.
fn ladder(ran: &mut Ran<'_>, noise: f64, in_flight: f64, draw: &mut Draw) {
    let mut flying = Vec::new();
    for (place, users) in (0..).zip(LEVELS) {
        let level = law(users * in_flight) * (noise * draw.normal()).exp();
        let seconds: Vec<u64> = (0..10).map(|_| (level * (0.01 * draw.normal()).exp()).round() as u64).collect();
        ran.throughput(0, 10 * place, &seconds);
        flying.extend([users * in_flight; 10]);
    }
    ran.readings("in_flight", &flying);
}

#[test]
fn constants_of_the_law() {
    let mut table = Table::of("7 levels off by 3%, where either is false (before: 9 to 19% each)");
    let bounds = [
        ("contention", "3%".to_owned(), 4.5),
        ("coherency", format!("{}%", 100.0 * KAPPA), 4.5),
        ("peak_users", "32 users".to_owned(), 4.5),
        // What it is computed of bends, which an even interval does not.
        ("peak_throughput", format!("{}/s", law(32.0)), 8.0),
    ];
    let line = |(what, bound, _): &(&str, String, f64)| format!("    {what}(ladder) < {bound}\n");
    let expect: String = bounds.iter().map(line).collect();
    let world = World::of(LADDER, &expect);
    let misses: Vec<Wanted> = bounds.iter().map(|(.., most)| wanted(0.0..=*most, 0.0..=*most)).collect();
    let rows = bounds.iter().zip(&misses).map(|((what, ..), wanted)| (format!("{what} < what it is"), wanted));
    table.rows(200, &rows.collect::<Vec<_>>(), |seed| {
        let mut draw = Draw::new(seed);
        let mut ran = world.run();
        ladder(&mut ran, 0.03, 1.0, &mut draw);
        (0..bounds.len()).map(|index| ran.judged(index).outcome).collect()
    });
    table.holds();
}

/// 64 at a time do 64 times as much as one, were there neither contention nor coherency.
#[test]
fn the_scalability_coefficient() {
    let mut table = Table::of("scalability_coefficient(ladder), seconds off by 1%");
    let truth = 100.0 * law(64.0) / law(1.0) / 64.0;
    let expect = format!("    scalability_coefficient(ladder) < {truth}%\n    scalability_coefficient(ladder) > 20%");
    let world = World::of(LADDER, &expect);
    let outcome = |index: usize, seed: u64| {
        let mut draw = Draw::new(seed);
        let mut ran = world.run();
        ladder(&mut ran, 0.0, 1.0, &mut draw);
        ran.judged(index).outcome
    };
    let misses = wanted(0.0..=4.5, 0.0..=4.5);
    table.row("< what it is", 200, &misses, |seed| outcome(0, seed));
    // It is 14.7%.
    table.row("20% where it is 15%", 50, &wanted(0.0..=0.0, 100.0..=100.0), |seed| outcome(1, seed));
    table.holds();
}

/// Users who think have less than one request in flight, and that is what the law is of.
#[test]
fn users_who_think_are_less_than_one() {
    let world = World::of(
        LADDER,
        "    contention(ladder) < 4.2%\n    contention(ladder) > 2.2%\n    efficiency(ladder, 200 users) < 50%",
    );
    let mut draw = Draw::new(1);
    let mut ran = world.run();
    ladder(&mut ran, 0.0, 0.25, &mut draw);
    for index in 0..2 {
        let judged = ran.judged(index);
        assert_eq!(judged.outcome, Outcome::Held, "{judged:?}");
    }
    let judged = ran.judged(2);
    assert_eq!(judged.outcome, Outcome::Inconclusive);
    let reason = judged.reason.unwrap();
    assert_eq!(reason, "200 users would be extrapolated, since at most 16 were seen: sweep over more");
}

#[test]
fn a_level_at_which_the_generator_was_the_limit_is_left_out() {
    let world = World::of(LADDER, "    peak_throughput(ladder) < 3700/s\n    contention(ladder) < 90%");
    let run = |levels: u64, index: usize| {
        let mut draw = Draw::new(1);
        let mut ran = world.run();
        ladder(&mut ran, 0.0, 1.0, &mut draw);
        // The last levels were the generator's, which did no more than it could.
        (70 - 10 * levels..70).for_each(|second| ran.without_room(second));
        ran.judged(index)
    };
    let all = run(0, 0);
    assert_eq!(all.outcome, Outcome::Held, "{all:?}");
    let judged = run(4, 1);
    assert_eq!(judged.outcome, Outcome::Inconclusive);
    let reason = "the generator was the limit at 8, 16, 32, 64 users; 3 levels are left, and this needs 4";
    assert_eq!(judged.reason.as_deref(), Some(reason));
    // Without the highest the peak is not behind what was seen.
    let judged = run(1, 0);
    assert_ne!(judged.value.map(|value| value.to_string()), all.value.map(|value| value.to_string()));
}
