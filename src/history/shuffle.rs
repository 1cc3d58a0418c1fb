//! Permutations that a seed decides.

use crate::base::splitmix;

#[derive(Debug, Clone)]
pub struct Shuffle(u64);

impl Shuffle {
    /// With the seed that numbers give: FNV-1a over their bits.
    pub fn of(values: &[f64]) -> Shuffle {
        let bytes = values.iter().flat_map(|value| value.to_bits().to_le_bytes());
        Shuffle(
            bytes
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)),
        )
    }

    #[cfg(test)]
    pub fn seeded(seed: u64) -> Shuffle {
        Shuffle(seed)
    }

    pub fn next(&mut self) -> u64 {
        splitmix::next(&mut self.0)
    }

    /// Below a number, each as likely as the others to within what 64 bits tell.
    fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next()) * count as u128) >> 64) as usize
    }

    /// Fisher and Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
