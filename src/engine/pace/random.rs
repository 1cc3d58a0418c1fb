//! Arrivals at random: an inhomogeneous Poisson process with the level of its load as intensity.

use crate::measure::Event;
use crate::plan::schedule::{Inverse, ONE, Shape};
use crate::plan::{Load, Plan, Share};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::iter::Peekable;

/// What tells the stream of a load's gaps from those of the choices of its iterations.
const GAPS: u64 = 1 << 63;

/// All arrivals of a load in order: number and intended offset. By the time change theorem (Çinlar, Introduction to
/// Stochastic Processes, 1975) the integral of the level up to the arrivals goes on in gaps that are exponential with mean
/// one; the k-th gap is the k-th number of a stream keyed by seed and load, so everybody who counts along finds the same.
pub struct Chance {
    inverse: Inverse,
    stream: ChaCha8Rng,
    area: u128,
    /// The gap before the next arrival has been drawn, and the level does not reach it yet.
    waits: bool,
    k: u64,
    last: u64,
}

impl Chance {
    /// The trials of a search have a stream each; it is 0 for all that is planned.
    pub fn new(shape: &Shape, seed: u64, load: usize, trial: u64) -> Chance {
        let mut key = [0u8; 32];
        for (part, value) in key.chunks_exact_mut(8).zip([seed, load as u64, trial, GAPS]) {
            part.copy_from_slice(&value.to_le_bytes());
        }
        Chance {
            inverse: Inverse::new(shape),
            stream: ChaCha8Rng::from_seed(key),
            area: 0,
            waits: false,
            k: 0,
            last: 0,
        }
    }

    /// How many there were so far.
    pub fn drawn(&self) -> u64 {
        self.k
    }
}

impl Iterator for Chance {
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        if !std::mem::replace(&mut self.waits, true) {
            // In (0, 1], so that the logarithm is finite.
            let uniform = ((self.stream.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64;
            self.area += (-uniform.ln() * ONE as f64) as u128;
        }
        // Where a level ramps its inverse is rounded, and time does not go back.
        self.last = self.inverse.reaches(self.area)?.max(self.last);
        self.waits = false;
        let k = self.k;
        self.k += 1;
        Some((k, self.last))
    }
}

/// How many arrivals of this share the seed gives to each stage of a load whose arrivals come at random.
pub struct Dealt<'p> {
    index: usize,
    load: &'p Load,
    share: Share,
    chance: Peekable<Chance>,
    stages: Vec<u64>,
    place: usize,
}

/// So many are counted before anything is sent; more of them would be waited for.
const AT_ONCE: u64 = 1_000_000;

pub fn dealt(plan: &Plan, seed: u64) -> Vec<Dealt<'_>> {
    let random = plan.loads.iter().enumerate().filter(|(_, load)| load.poisson && load.is_open());
    let of = |(index, load)| {
        let load: &Load = load;
        let chance = Chance::new(&load.level(), seed, index, 0).peekable();
        Dealt { index, load, share: plan.share, chance, stages: vec![0; load.stages.len()], place: 0 }
    };
    random.map(of).collect()
}

impl Dealt<'_> {
    pub fn is_short(&self) -> bool {
        self.load.shape.arrivals() <= AT_ONCE
    }

    /// Counts those before an instant.
    pub fn count_to(&mut self, instant: u64) {
        while let Some((k, at)) = self.chance.next_if(|(_, at)| *at < instant) {
            let stages = &self.load.stages;
            while stages.get(self.place).is_some_and(|stage| stage.end <= at) {
                self.place += 1;
            }
            if let Some(count) = self.stages.get_mut(self.place).filter(|_| self.load.is_of(k, self.share)) {
                *count += 1;
            }
        }
    }

    /// What all of them are, however long that takes.
    pub fn all(mut self) -> Event {
        self.count_to(u64::MAX);
        Event::Drawn { load: self.index, stages: self.stages }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::SECOND;
    use crate::plan::schedule::open;

    /// Of a Poisson process the counts of a window have its expectation as mean and as variance.
    #[test]
    fn counts_have_the_integral_of_the_level_as_mean_and_variance() {
        let shape = open(&[(0.0, 100.0, 4), (100.0, 100.0, 1), (0.0, 0.0, 5), (20.0, 10.0, 2)]);
        let windows = [(0, 2, 50.0), (2, 4, 150.0), (4, 5, 100.0), (5, 10, 0.0), (10, 12, 30.0)];
        const SEEDS: u64 = 2000;
        for (from, to, mean) in windows {
            let count = |seed| {
                let within = |at: u64| (from * SECOND..to * SECOND).contains(&at);
                Chance::new(&shape, seed, 0, 0).filter(|(_, at)| within(*at)).count() as f64
            };
            let counts: Vec<f64> = (0..SEEDS).map(count).collect();
            let found = counts.iter().sum::<f64>() / SEEDS as f64;
            let variance = counts.iter().map(|c| (c - found).powi(2)).sum::<f64>() / (SEEDS - 1) as f64;
            let (of_mean, of_variance) =
                ((mean / SEEDS as f64).sqrt(), mean * (2.0 / SEEDS as f64).sqrt() + 1.0 / 50.0);
            assert!((found - mean).abs() <= 5.0 * of_mean, "{from}–{to}s: {found} of {mean}");
            assert!((variance - mean).abs() <= 5.0 * of_variance, "{from}–{to}s: variance {variance} of {mean}");
        }
    }

    /// Gaps of a level that is held are exponential: as many as e⁻¹ of them are longer than the mean.
    #[test]
    fn gaps_are_exponential() {
        let all: Vec<u64> = Chance::new(&open(&[(1000.0, 1000.0, 40)]), 7, 0, 0).map(|(_, at)| at).collect();
        let gaps: Vec<u64> = all.windows(2).map(|pair| pair[1] - pair[0]).collect();
        for (times, share) in [(0.1, 0.904_837), (1.0, 0.367_879), (3.0, 0.049_787)] {
            let longer = gaps.iter().filter(|gap| **gap as f64 > times * 1e6).count() as f64 / gaps.len() as f64;
            let sigma = (share * (1.0 - share) / gaps.len() as f64).sqrt();
            assert!((longer - share).abs() < 5.0 * sigma, "{longer} are longer than {times} of the mean, not {share}");
        }
    }

    #[test]
    fn the_seed_and_the_load_decide_and_time_goes_forward() {
        let shape = open(&[(0.0, 333.0, 3), (333.0, 10.0, 4), (500.0, 500.0, 2)]);
        let of = |seed, load| Chance::new(&shape, seed, load, 0).collect::<Vec<_>>();
        let first = of(1, 0);
        assert_eq!(first, of(1, 0));
        assert_ne!(first, of(2, 0));
        assert_ne!(first, of(1, 1));
        assert!(first.is_sorted_by_key(|(_, at)| *at) && first.last().unwrap().1 < 9 * SECOND);
        assert!(first.iter().enumerate().all(|(index, (k, _))| *k == index as u64));
    }

    #[test]
    fn counting_as_time_goes_on_is_counting_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("test.stress");
        let text = "scenario test {\n  target api = http(\"http://127.0.0.1:1\")\n  flow look on api {\n    get \"/\"\n  }\n  load main of look {\n    arrivals: poisson\n    ramp 0/s -> 50/s over 10s\n    hold 50/s for 20s\n    hold 20/s for 5s\n  }\n}\n";
        std::fs::write(&file, text).unwrap();
        let loaded = crate::inputs::load(&file, &crate::inputs::Asked::default()).unwrap();
        let (program, wrong) = crate::check::check(&loaded.inputs, &loaded.sources);
        assert!(!wrong.has_errors());
        let machine = crate::inputs::machine();
        for share in [Share::WHOLE, Share { index: 1, count: 3 }] {
            let (plan, _) = crate::plan::plan(&program.scenarios[0], "test.stress", share, machine);
            let counted = |steps: &[u64]| {
                let mut dealt = dealt(&plan, 7).pop().unwrap();
                steps.iter().for_each(|step| dealt.count_to(step * SECOND));
                dealt.all()
            };
            let Event::Drawn { load: 0, stages } = counted(&[]) else { panic!("of the first load") };
            assert!(stages.len() == 3 && stages.iter().sum::<u64>() > 300, "{stages:?}");
            assert_eq!(counted(&[0, 1, 9, 10, 11, 30, 31]), Event::Drawn { load: 0, stages });
        }
    }
}
