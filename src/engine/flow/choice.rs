//! Which part of a `choose` is taken: dealt, so that every hundred iterations in a row have each part as often as its share
//! says; in loops drawn.

use crate::engine::value::Choices;
use crate::plan::Choose;

/// Iterations of which each part has its share.
const BLOCK: u64 = 100;

/// The shares of the parts, added up.
pub struct Choice {
    site: u64,
    repeats: bool,
    up_to: Vec<f64>,
}

impl Choice {
    pub fn of(choose: &Choose) -> Choice {
        let mut sum = 0.0;
        let up_to = choose.parts.iter().map(|part| {
            sum += part.share;
            sum
        });
        Choice { site: choose.site as u64, repeats: choose.repeats, up_to: up_to.collect() }
    }

    /// The part of an iteration that is the n-th of its part of the load, from 0.
    pub fn part(&self, choices: &mut Choices, turn: u64) -> usize {
        let place = match self.repeats {
            true => choices.fraction(),
            false => {
                let block = turn / BLOCK;
                let order = choices.order(self.site, block, BLOCK as usize);
                // Where a share ends within a place, that place is of one part in some blocks and of the next in the others.
                let within = (block as f64 + 0.5) * 0.618_033_988_749_894_9;
                (order[(turn % BLOCK) as usize] as f64 + within.fract()) / BLOCK as f64
            }
        };
        // A part of no share is never taken, however sums are rounded.
        let fits = self.up_to.iter().position(|up_to| place < *up_to - 1e-12);
        fits.unwrap_or_else(|| {
            let last = self.up_to.last().copied().unwrap_or(0.0);
            self.up_to.iter().position(|up_to| *up_to >= last).unwrap_or(0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(site: u64, shares: &[f64], repeats: bool) -> Choice {
        let part = |share: &f64| crate::plan::Choice { share: *share, steps: Vec::new() };
        Choice::of(&Choose { site: site as usize, repeats, parts: shares.iter().map(part).collect() })
    }

    fn dealt(choice: &Choice, seed: u64, turns: std::ops::Range<u64>) -> Vec<usize> {
        turns.map(|turn| choice.part(&mut Choices::new(seed, 0, turn, 0), turn)).collect()
    }

    fn count(dealt: &[usize], part: usize) -> usize {
        dealt.iter().filter(|own| **own == part).count()
    }

    #[test]
    fn every_hundred_in_a_row_have_their_shares() {
        let three = choice(0, &[0.7, 0.2, 0.1], false);
        for block in [0u64, 1, 77] {
            let dealt = dealt(&three, 5, block * 100..block * 100 + 100);
            assert_eq!([0, 1, 2].map(|part| count(&dealt, part)), [70, 20, 10], "block {block}");
            assert!(!dealt.is_sorted(), "in an order at random");
        }
        let uneven = dealt(&choice(0, &[0.333, 0.667], false), 5, 0..10_000);
        assert!((3325..=3335).contains(&count(&uneven, 0)), "{}", count(&uneven, 0));
        let never = dealt(&choice(0, &[0.0, 1.0, 0.0], false), 5, 0..1000);
        assert_eq!(count(&never, 1), 1000);
    }

    #[test]
    fn seed_and_site_decide_and_sites_know_nothing_of_each_other() {
        let (first, second) = (choice(0, &[0.5, 0.5], false), choice(1, &[0.5, 0.5], false));
        assert_eq!(dealt(&first, 1, 0..300), dealt(&first, 1, 0..300));
        assert_ne!(dealt(&first, 1, 0..100), dealt(&first, 2, 0..100));
        assert_ne!(dealt(&first, 1, 0..100), dealt(&first, 1, 100..200));
        let (a, b) = (dealt(&first, 1, 0..10_000), dealt(&second, 1, 0..10_000));
        let both = a.iter().zip(&b).filter(|(a, b)| a == b).count();
        assert!((4700..5300).contains(&both), "{both} of 10,000 are alike");
    }

    #[test]
    fn in_loops_each_turn_is_drawn() {
        let choice = choice(0, &[0.25, 0.75], true);
        let mut choices = Choices::new(3, 0, 0, 0);
        let drawn: Vec<usize> = (0..10_000).map(|_| choice.part(&mut choices, 0)).collect();
        assert!((2300..2700).contains(&count(&drawn, 0)), "{}", count(&drawn, 0));
    }
}
