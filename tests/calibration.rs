//! Whether a verdict errs as seldom as it says. Each table simulates a system many times, judges what the plan of a scenario asks of it by
//! the library's own functions, and holds how often each outcome came beside how often it may.
//!
//! The seeds are fixed, so that a table is the same each time. `CALIBRATION_TIMES=20` draws twenty times as many, `SEED=7` others, and
//! either prints the tables.

mod bounds;
mod capacities;
mod comparisons;
mod laws;
mod shares;
mod slopes;
mod world;

use std::fmt::Write;
use std::ops::RangeInclusive;
use stressc::metric::Outcome;

/// How often each outcome may come, in percent.
struct Wanted {
    held: RangeInclusive<f64>,
    failed: RangeInclusive<f64>,
}

/// What is true, and what then may come out.
fn wanted(held: RangeInclusive<f64>, failed: RangeInclusive<f64>) -> Wanted {
    Wanted { held, failed }
}

struct Table {
    text: String,
    is_wrong: bool,
}

impl Table {
    fn of(title: &str) -> Table {
        let text = format!("{title}\n{:44} {:>6} {:>15} {:>15} {:>6}\n", "", "times", "held", "failed", "open");
        Table { text, is_wrong: false }
    }

    fn row(&mut self, what: &str, times: usize, wanted: &Wanted, mut each: impl FnMut(u64) -> Outcome) {
        self.rows(times, &[(what.to_owned(), wanted)], |seed| vec![each(seed)]);
    }

    /// Draws so many times, or more where that is asked for, and judges each for all of some rows.
    fn rows(&mut self, times: usize, rows: &[(String, &Wanted)], mut each: impl FnMut(u64) -> Vec<Outcome>) {
        let times = times * asked("CALIBRATION_TIMES").unwrap_or(1) as usize;
        let seed = asked("SEED").unwrap_or(1);
        let mut counts = vec![(0, 0); rows.len()];
        for time in 0..times {
            let outcomes = each(seed.wrapping_mul(1_000_003).wrapping_add(time as u64));
            for ((held, failed), outcome) in counts.iter_mut().zip(outcomes) {
                match outcome {
                    Outcome::Held => *held += 1,
                    Outcome::Failed => *failed += 1,
                    Outcome::Inconclusive => {}
                }
            }
        }
        let share = |count: usize| 100.0 * count as f64 / times as f64;
        for ((what, wanted), (held, failed)) in rows.iter().zip(counts) {
            let mut told = |count: usize, wanted: &RangeInclusive<f64>| {
                let found = share(count);
                let is_right = wanted.contains(&found);
                self.is_wrong |= !is_right;
                let mark = if is_right { " " } else { "!" };
                format!("{found:.1}{mark}({}–{})", wanted.start(), wanted.end())
            };
            let (of_held, of_failed) = (told(held, &wanted.held), told(failed, &wanted.failed));
            let open = share(times - held - failed);
            let _ = writeln!(self.text, "{what:44} {times:>6} {of_held:>15} {of_failed:>15} {open:>6.1}");
        }
    }

    #[allow(clippy::print_stdout, reason = "who asks for more is shown what came")]
    fn holds(self) {
        if asked("CALIBRATION_TIMES").or(asked("SEED")).is_some() {
            println!("{}", self.text);
        }
        assert!(!self.is_wrong, "{}", self.text);
    }
}

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}
