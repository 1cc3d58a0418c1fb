//! Dampens outliers: a value far from its neighbours counts as one at the edge of their usual range.

use super::median;

/// As many neighbours, itself included, say what is usual where a run stands.
const NEIGHBOURS: usize = 15;
/// So many deviations off a value is cut.
const FAR: f64 = 4.0;
/// The median deviation of a normal distribution is one part of this of its standard deviation, and the mean deviation one of that.
const OF_MEDIAN: f64 = 1.4826;
const OF_MEAN: f64 = 1.2533;

/// Each value within the median of its neighbours ∓ 4 deviations, these by the median of what lies off it (Hampel, Journal of the American
/// Statistical Association 69, 1974), or by the mean where more than half are the same.
pub fn quiet(values: &[f64]) -> Vec<f64> {
    let width = NEIGHBOURS.min(values.len());
    let cut = |(at, value): (usize, &f64)| {
        let from = at.saturating_sub(width / 2).min(values.len() - width);
        let near = &values[from..from + width];
        let middle = median(near);
        let off: Vec<f64> = near.iter().map(|one| (one - middle).abs()).collect();
        let mut deviation = OF_MEDIAN * median(&off);
        if deviation == 0.0 {
            deviation = OF_MEAN * off.iter().sum::<f64>() / off.len() as f64;
        }
        value.clamp(middle - FAR * deviation, middle + FAR * deviation)
    };
    values.iter().enumerate().map(cut).collect()
}
