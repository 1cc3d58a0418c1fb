//! What many runs of one kind say of a number: since when it is another, and whether it creeps. It is a function of the numbers alone: the
//! permutations that it needs are drawn with a seed that the numbers give, so the same runs give the same answer each time.

mod changes;
mod divisive;
mod quiet;
mod series;
mod shuffle;
mod trend;
#[cfg(test)]
mod tests;

pub use changes::{Change, Shift};
pub use series::{Segment, Series, Shape};
pub use trend::Creep;

/// Fewer runs than this on a side of a change say too little: none is called within so many of either end.
pub const LEAST: usize = 3;
/// Below so many runs there is no test that could call anything.
pub const FEWEST: usize = 8;
/// A change that is smaller than this share of what was before is not told, however sure it is.
pub const MAGNITUDE: f64 = 0.05;
/// As many runs at each side of a change say how large it is: what lies farther off may have crept.
const REACH: usize = 20;
/// The chance with which a change is called if there is none.
const ALPHA: f64 = 0.015;

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 0 => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
        n => sorted[n / 2],
    }
}
