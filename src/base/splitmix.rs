//! SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).

/// By how much a state grows from one number to the next.
pub const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The number after a state. It is one to one, and every bit of the result depends on every bit.
pub fn mix(state: u64) -> u64 {
    let value = state.wrapping_add(GOLDEN);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// The next number of a state.
pub fn next(state: &mut u64) -> u64 {
    let number = mix(*state);
    *state = state.wrapping_add(GOLDEN);
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers that the authors' own program prints for the seed 1234567.
    #[test]
    fn numbers_are_those_of_the_authors() {
        let mut state = 1_234_567;
        let numbers = [(); 3].map(|()| next(&mut state));
        assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }
}
