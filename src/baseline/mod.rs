//! Baselines: runs to compare with. What is kept of a run, whether two can be compared, and the verdict.

mod choice;
mod contrast;
mod entry;
mod facts;
mod regression;
mod sequential;
mod statistic;
mod words;
#[cfg(test)]
mod tests;

pub use choice::{Choice, choose, newest_set};
pub use contrast::{Contrast, Sample, Scale};
pub use entry::{BaselineRun, Entry, Recorded, SCHEMA, Signed, Unreadable, of, ranks};
pub use facts::{Difference, Facts, Said};
pub use regression::{ALPHA, Change, Question, regressions};
pub use sequential::bounds;
pub use statistic::{FEWEST_RUNS, Statistic, Within, assumed, contrast, needs_runs, scale, spread};

use crate::base::distributions::normal;

/// The chance of a false alarm that may be spent at this look, where runs from `looks.0` to `looks.1` are looked at one after the other.
pub fn alpha_at(baseline: usize, candidate: usize, looks: (usize, usize)) -> f64 {
    if looks.0 >= looks.1 || baseline == 0 {
        return ALPHA;
    }
    let bounds = bounds(ALPHA, baseline, looks.0, looks.1);
    let place = candidate.clamp(looks.0, looks.1) - looks.0;
    normal(-bounds[place])
}
