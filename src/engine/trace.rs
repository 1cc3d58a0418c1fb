//! Trace contexts of requests (W3C, <https://www.w3.org/TR/trace-context/>): ids that are unique in the run, made without
//! coordination.

use crate::base::splitmix::{GOLDEN, mix};
use std::cell::Cell;

/// What stands in a request until it is sent: version 00, and the flag that says it is sampled.
pub const PLACEHOLDER: &str = "00-00000000000000000000000000000000-0000000000000000-01";

/// The ids of one worker.
pub struct Traces {
    run: u64,
    lane: u64,
    made: Cell<u64>,
}

/// The id of one request; each time that it is sent has one of its own next to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    high: u64,
    low: u64,
}

impl Traces {
    /// No two workers of a run may be on the same lane.
    pub fn new(run: u64, lane: u64) -> Traces {
        Traces { run, lane, made: Cell::new(0) }
    }

    /// Four rounds of a Feistel network give each pair of lane and number another id, and the run chooses which; all
    /// bits of an id depend on all of these.
    pub fn next(&self) -> Trace {
        let made = self.made.get();
        self.made.set(made + 1);
        let (mut high, mut low) = (self.lane, made);
        for round in 0..4 {
            let mixed = mix(low ^ mix(self.run.wrapping_add(round)));
            (high, low) = (low, high ^ mixed);
        }
        Trace { high, low }
    }
}

impl Trace {
    /// Uniform, and the same for the same request.
    pub fn draw(self) -> u32 {
        (self.high >> 32) as u32
    }

    /// Writes the value of the header for the `n`th time that the request is sent.
    pub fn write(self, n: u64, out: &mut [u8]) {
        // An id of nothing but zeros is none.
        let span = mix(self.low.wrapping_add(n.wrapping_mul(GOLDEN))).max(1);
        hex(self.high, &mut out[3..19]);
        hex(self.low, &mut out[19..35]);
        hex(span, &mut out[36..52]);
    }

    pub fn header(self, n: u64) -> String {
        let mut value = PLACEHOLDER.as_bytes().to_vec();
        self.write(n, &mut value);
        String::from_utf8_lossy(&value).into_owned()
    }
}

fn hex(value: u64, out: &mut [u8]) {
    for (pair, byte) in out.chunks_exact_mut(2).zip(value.to_be_bytes()) {
        pair.copy_from_slice(&PAIRS[usize::from(byte)]);
    }
}

/// The digits of each byte.
const PAIRS: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_requests_of_a_run_have_the_same_ids() {
        let mut traces = HashSet::new();
        let mut spans = HashSet::new();
        for lane in 0..4 {
            let own = Traces::new(7, lane);
            for _ in 0..5000 {
                let trace = own.next();
                for n in 1..3 {
                    let value = trace.header(n);
                    let parts: Vec<&str> = value.split('-').collect();
                    assert_eq!(
                        (value.len(), parts[0], parts[1].len(), parts[2].len(), parts[3]),
                        (55, "00", 32, 16, "01")
                    );
                    assert!(value.bytes().all(|byte| byte == b'-' || matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
                    traces.insert(parts[1].to_owned());
                    spans.insert(parts[2].to_owned());
                }
            }
        }
        assert_eq!((traces.len(), spans.len()), (20_000, 40_000));
        assert_ne!(Traces::new(8, 0).next(), Traces::new(7, 0).next());
    }
}
