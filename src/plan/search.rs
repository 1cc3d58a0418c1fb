//! What a plan knows about searches: when trials may start, and what of each is judged. Only the run knows how long the system
//! takes to drain between two, so they start at instants on a grid at which measurements are cut.

use super::{Load, Range, Search, StageKind, SweepFunction};
use crate::base::units::SECOND;

impl Search {
    /// How long the system settles at the beginning of each trial, which is not judged: a fifth of it.
    pub fn settles(&self) -> u64 {
        self.each / 5
    }

    /// What of a trial that starts at an instant is judged.
    pub fn judged(&self, start: u64) -> Range {
        (start + self.settles(), start + self.each)
    }

    /// The instants from a start on at which trials can start, not more than a second apart. What settles is a whole
    /// number of steps, so that the windows of every trial begin and end at such instants too.
    pub fn instants(&self, (start, end): Range) -> impl Iterator<Item = u64> + use<> {
        let settles = self.settles().max(1);
        let steps = u128::from(settles.div_ceil(SECOND));
        (0..)
            .map(move |step: u64| start + (u128::from(step) * u128::from(settles) / steps) as u64)
            .take_while(move |at| *at <= end)
    }

    /// Where its stage lies, in full.
    pub fn range(&self, loads: &[Load]) -> Range {
        loads
            .get(self.load)
            .and_then(|load| load.stages.get(self.stage))
            .map_or((0, 0), |stage| (stage.start, stage.end))
    }
}

/// So many levels it takes: two to compare, and for a law of three constants four.
pub fn needed_levels(function: SweepFunction) -> usize {
    match function {
        SweepFunction::ScalabilityCoefficient => 2,
        SweepFunction::Contention | SweepFunction::Coherency | SweepFunction::Efficiency(_) => 4,
        SweepFunction::PeakUsers | SweepFunction::PeakThroughput => 4,
    }
}

/// How many different levels there are.
pub fn distinct(levels: &[(f64, Range)]) -> usize {
    let mut levels: Vec<f64> = levels.iter().map(|(level, _)| *level).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    levels.len()
}

impl Load {
    /// The stage that searches, which is the last where there is one.
    pub fn search(&self) -> Option<usize> {
        self.stages.iter().position(|stage| stage.kind == StageKind::Search)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::MILLISECOND;
    use crate::plan::{Condition, Measured, Type};

    #[test]
    fn every_window_of_every_trial_lies_on_the_grid() {
        let condition = Condition::Holds(Measured::Constant { value: 1.0, unit: Type::Bool });
        let mut search =
            Search { load: 0, stage: 0, least: 1.0, most: 2.0, resolution: 0.04, each: 0, trials: 3, condition };
        for each in [300 * MILLISECOND, SECOND, 7 * SECOND, 10 * SECOND, 61 * SECOND] {
            search.each = each;
            let range = (3 * SECOND + 7, 3 * SECOND + 7 + 4 * each);
            let instants: Vec<u64> = search.instants(range).collect();
            assert!(instants.windows(2).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] <= SECOND));
            for start in instants.iter().filter(|start| *start + each <= range.1) {
                let (from, to) = search.judged(*start);
                assert!(
                    instants.binary_search(&from).is_ok() && instants.binary_search(&to).is_ok(),
                    "{each} at {start}"
                );
            }
        }
    }
}
