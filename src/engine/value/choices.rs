//! The random choices of an iteration: those that the seed gives, and those that are new in every run.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::rc::Rc;

/// The order of a block, by the site that deals it.
#[derive(Debug)]
struct Dealt {
    site: u64,
    block: u64,
    order: Rc<[u8]>,
}

/// Random numbers of one iteration. Few flows ask for any and the generator is large, so it is made for the first of them and kept for
/// later iterations.
#[derive(Debug, Default)]
struct Stream {
    made: Option<Box<ChaCha8Rng>>,
    /// Its key is that of this iteration.
    is_keyed: bool,
}

impl Stream {
    fn next(&mut self, parts: [u64; 4]) -> u64 {
        let made = match &mut self.made {
            Some(made) => {
                if !self.is_keyed {
                    **made = keyed(parts);
                }
                made
            }
            none => none.insert(Box::new(keyed(parts))),
        };
        self.is_keyed = true;
        made.next_u64()
    }
}

fn keyed(parts: [u64; 4]) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    for (part, value) in key.chunks_exact_mut(8).zip(parts) {
        part.copy_from_slice(&value.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// Random choices of one iteration, keyed by seed, load and number, whatever happened before and elsewhere.
#[derive(Debug)]
pub struct Choices {
    seed: u64,
    load: u64,
    number: u64,
    /// Keys of what must be new in every run, though the seed is an old one.
    run: u64,
    stream: Stream,
    fresh: Stream,
    /// What each site dealt last: who chooses within a choice asks for that as well, and so do the iterations that follow.
    dealt: Vec<Dealt>,
}

impl Choices {
    pub fn new(seed: u64, load: u64, number: u64, run: u64) -> Choices {
        Choices { seed, load, number, run, stream: Stream::default(), fresh: Stream::default(), dealt: Vec::new() }
    }

    /// Those of another iteration of the same load.
    pub fn begin(&mut self, number: u64) {
        self.number = number;
        (self.stream.is_keyed, self.fresh.is_keyed) = (false, false);
    }

    /// Those of one of several that happen at a time, from 0.
    pub fn branch(&self, number: u64) -> Choices {
        // Loads are few, so the upper half is free.
        let load = (self.load & u64::from(u32::MAX)) ^ (number + 1) << 32 ^ (self.load >> 32).rotate_left(48);
        Choices::new(self.seed, load, self.number, self.run)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.stream.next([self.seed, self.load, self.number, 0])
    }

    /// Uniform in [0, 1).
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A whole number below another, or 0.
    pub(super) fn below(&mut self, count: usize) -> usize {
        (self.fraction() * count as f64) as usize
    }

    /// The numbers below `count` in an order that the seed gives to a block of iterations, whatever these do otherwise.
    pub fn order(&mut self, site: u64, block: u64, count: usize) -> Rc<[u8]> {
        let own = self.dealt.iter().position(|dealt| dealt.site == site);
        if let Some(dealt) = own.map(|own| &self.dealt[own]).filter(|dealt| dealt.block == block) {
            return dealt.order.clone();
        }
        // What is dealt has a key of its own next to the numbers of iterations.
        let mut stream = keyed([self.seed, self.load, block, !site]);
        let mut order: Vec<u8> = (0..count as u8).collect();
        // Fisher and Yates; of 64 bits the remainder by so few is even enough.
        (1..count).rev().for_each(|last| order.swap(last, (stream.next_u64() % (last as u64 + 1)) as usize));
        let order: Rc<[u8]> = order.into();
        let dealt = Dealt { site, block, order: order.clone() };
        match own {
            Some(own) => self.dealt[own] = dealt,
            None => self.dealt.push(dealt),
        }
        order
    }

    /// How many orders are kept.
    #[cfg(test)]
    pub fn orders(&self) -> usize {
        self.dealt.len()
    }

    pub(super) fn uuid(&mut self) -> String {
        let parts = [self.seed, self.load, self.number, self.run | 1];
        let (high, low) = (self.fresh.next(parts), self.fresh.next(parts));
        // Version 4, variant 1 (RFC 9562).
        let high = high & !0xf000 | 0x4000;
        let low = low & !(0b11 << 62) | 1 << 63;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }
}
