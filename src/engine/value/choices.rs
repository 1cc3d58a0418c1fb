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

/// Random choices of one iteration, keyed by seed, load and number, whatever happened before and elsewhere.
#[derive(Debug)]
pub struct Choices {
    seed: u64,
    load: u64,
    number: u64,
    /// Keys of what must be new in every run, though the seed is an old one.
    run: u64,
    stream: Option<ChaCha8Rng>,
    fresh: Option<ChaCha8Rng>,
    /// What each site dealt last: who chooses within a choice asks for that as well, and so do the iterations that follow.
    dealt: Vec<Dealt>,
}

impl Choices {
    pub fn new(seed: u64, load: u64, number: u64, run: u64) -> Choices {
        Choices { seed, load, number, run, stream: None, fresh: None, dealt: Vec::new() }
    }

    /// Those of another iteration of the same load.
    pub fn begin(&mut self, number: u64) {
        self.number = number;
        (self.stream, self.fresh) = (None, None);
    }

    /// Those of one of several that happen at a time, from 0.
    pub fn branch(&self, number: u64) -> Choices {
        // Loads are few, so the upper half is free.
        let load = (self.load & u64::from(u32::MAX)) ^ (number + 1) << 32 ^ (self.load >> 32).rotate_left(48);
        Choices::new(self.seed, load, self.number, self.run)
    }

    fn keyed(parts: [u64; 4]) -> ChaCha8Rng {
        let mut key = [0u8; 32];
        for (part, value) in key.chunks_exact_mut(8).zip(parts) {
            part.copy_from_slice(&value.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }

    pub(super) fn next(&mut self) -> u64 {
        let parts = [self.seed, self.load, self.number, 0];
        let stream = self.stream.get_or_insert_with(|| Choices::keyed(parts));
        stream.next_u64()
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
        let mut stream = Choices::keyed([self.seed, self.load, block, !site]);
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
        let fresh = self.fresh.get_or_insert_with(|| Choices::keyed(parts));
        let (high, low) = (fresh.next_u64(), fresh.next_u64());
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
