//! Which part of a `choose` runs: dealt, so that in every hundred iterations each part comes as often as its share says; in
//! loops, drawn at random.

use crate::engine::value::Choices;
use crate::plan::Choose;
use std::sync::Arc;

/// The block of iterations in which each part gets its exact share.
const BLOCK: u64 = 100;

/// The shares of the parts, added up.
pub struct Choice {
    site: u64,
    repeats: bool,
    up_to: Vec<f64>,
    /// The choice that contains it in one of its parts.
    around: Option<(Arc<Choice>, usize)>,
}

impl Choice {
    pub fn of(choose: &Choose, around: Option<(Arc<Choice>, usize)>) -> Choice {
        let mut sum = 0.0;
        let up_to = choose.parts.iter().map(|part| {
            sum += part.share;
            sum
        });
        Choice { site: choose.site as u64, repeats: choose.repeats, up_to: up_to.collect(), around }
    }

    /// The part of an iteration that is the n-th of its part of the load, from 0.
    pub fn part(&self, choices: &mut Choices, turn: u64) -> usize {
        match self.repeats {
            true => {
                let place = choices.fraction();
                self.at(place)
            }
            false => {
                let number = self.number(choices, turn);
                let order = choices.order(self.site, number / BLOCK, BLOCK as usize);
                self.dealt(number / BLOCK, order[(number % BLOCK) as usize])
            }
        }
    }

    /// Which of those it is that come to this choice. Within a part they are counted by themselves, so that of a hundred of
    /// them in a row each part of this one has its share as well.
    fn number(&self, choices: &mut Choices, turn: u64) -> u64 {
        let Some((outer, part)) = &self.around else { return turn };
        let number = outer.number(choices, turn);
        let (block, at) = (number / BLOCK, (number % BLOCK) as usize);
        let order = choices.order(outer.site, block, BLOCK as usize);
        let before = order[..at].iter().filter(|place| outer.dealt(block, **place) == *part).count() as u64;
        block * outer.most(*part) + before
    }

    /// How many of a block a part has at most.
    fn most(&self, part: usize) -> u64 {
        let before = part.checked_sub(1).map_or(0.0, |before| self.up_to[before]);
        ((self.up_to[part] - before) * BLOCK as f64 - 1e-9).ceil() as u64
    }

    /// The part of a place in a block.
    fn dealt(&self, block: u64, place: u8) -> usize {
        // Where a share ends within a place, that place is of one part in some blocks and of the next in the others.
        let within = (block as f64 + 0.5) * 0.618_033_988_749_894_9;
        self.at((f64::from(place) + within.fract()) / BLOCK as f64)
    }

    fn at(&self, place: f64) -> usize {
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
    use std::rc::Rc;

    fn choice(site: u64, shares: &[f64], repeats: bool) -> Choice {
        let part = |share: &f64| crate::plan::Choice { share: *share, steps: Vec::new() };
        Choice::of(&Choose { site: site as usize, repeats, parts: shares.iter().map(part).collect() }, None)
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

    /// An inner choice is dealt among those that come to it: dealt by the iterations, it would have had 50 give or take 5 of a
    /// hundred.
    #[test]
    fn within_a_part_a_hundred_in_a_row_have_their_shares() {
        let outer = Arc::new(choice(0, &[0.3, 0.7], false));
        let part = |share: &f64| crate::plan::Choice { share: *share, steps: Vec::new() };
        let inner = Choose { site: 1, repeats: false, parts: [0.5, 0.2, 0.3].iter().map(part).collect() };
        let inner = Arc::new(Choice::of(&inner, Some((outer.clone(), 1))));
        let innermost = Choose { site: 2, repeats: false, parts: [0.1, 0.9].iter().map(part).collect() };
        let innermost = Choice::of(&innermost, Some((inner.clone(), 0)));
        let mut found: [Vec<usize>; 2] = [Vec::new(), Vec::new()];
        for turn in 0..2000 {
            let mut choices = Choices::new(9, 0, turn, 0);
            if outer.part(&mut choices, turn) == 1 {
                found[0].push(inner.part(&mut choices, turn));
                if found[0].last() == Some(&0) {
                    found[1].push(innermost.part(&mut choices, turn));
                    assert_eq!(choices.orders(), 3, "one for each choice, however many stand in it");
                }
            }
        }
        assert_eq!((found[0].len(), found[1].len()), (1400, 700));
        for hundred in found[0].chunks(100) {
            assert_eq!([0, 1, 2].map(|part| count(hundred, part)), [50, 20, 30]);
        }
        assert!(found[1].chunks(100).all(|hundred| count(hundred, 0) == 10));
    }

    #[test]
    fn a_block_is_dealt_once_and_alike_whoever_comes_to_it() {
        let three = choice(4, &[0.7, 0.2, 0.1], false);
        let mut kept = Choices::new(5, 2, 0, 0);
        let next = |turn: u64, kept: &mut Choices| {
            let mut new = Choices::new(5, 2, turn, 0);
            kept.begin(turn);
            assert_eq!(three.part(kept, turn), three.part(&mut new, turn), "turn {turn}");
            assert_eq!(kept.fraction(), new.fraction(), "turn {turn}");
            kept.order(4, turn / BLOCK, BLOCK as usize)
        };
        let first = next(0, &mut kept);
        assert!((1..100).all(|turn| Rc::ptr_eq(&first, &next(turn, &mut kept))));
        [100, 730, 5].into_iter().for_each(|turn| drop(next(turn, &mut kept)));
        assert_eq!(kept.orders(), 1, "one for each site, however many blocks there were");
    }

    #[test]
    fn in_loops_each_turn_is_drawn() {
        let choice = choice(0, &[0.25, 0.75], true);
        let mut choices = Choices::new(3, 0, 0, 0);
        let drawn: Vec<usize> = (0..10_000).map(|_| choice.part(&mut choices, 0)).collect();
        assert!((2300..2700).contains(&count(&drawn, 0)), "{}", count(&drawn, 0));
    }
}
