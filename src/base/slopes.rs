//! The slopes between all pairs of points: their median, how sure it is, and whether there is a trend at all.

use super::distributions::normal;

/// However much neighbours are alike, they are not the same.
const ALIKE: f64 = 0.99;

/// The slopes of all pairs of points (Theil 1950; Sen, Journal of the American Statistical Association 63, 1968), whose median up to 29% of
/// wild points do not move.
#[derive(Debug, Clone)]
pub struct Slopes {
    /// From the least to the greatest.
    sorted: Vec<f64>,
    variance: f64,
}

impl Slopes {
    /// Of at least two points, each later than the one before.
    pub fn of(points: &[(f64, f64)]) -> Slopes {
        let n = points.len();
        let mut sorted = Vec::with_capacity(n * n.saturating_sub(1) / 2);
        for (at, (time, value)) in points.iter().enumerate() {
            sorted.extend(points[at + 1..].iter().map(|(later, other)| (other - value) / (later - time)));
        }
        sorted.sort_unstable_by(f64::total_cmp);
        let term = |count: usize| (count * (count - 1) * (2 * count + 5)) as f64;
        let mut values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
        values.sort_unstable_by(f64::total_cmp);
        let ties: f64 = values.chunk_by(|a, b| a == b).map(|equal| term(equal.len())).sum();
        Slopes { sorted, variance: (term(n) - ties) / 18.0 }
    }

    /// The median.
    pub fn estimate(&self) -> f64 {
        let middle = self.sorted.len() / 2;
        match self.sorted.len() % 2 {
            0 => (self.sorted[middle - 1] + self.sorted[middle]) / 2.0,
            _ => self.sorted[middle],
        }
    }

    /// The variance of Mann and Kendall's statistic where nothing rises or falls: (n(n−1)(2n+5) − Σ t(t−1)(2t+5)) ÷ 18, where t counts points
    /// of one value (Kendall, Rank Correlation Methods, 1970).
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// The slopes of rank (N ∓ C)/2 of all N (Gilbert, Statistical Methods for Environmental Pollution Monitoring, 1987, 16.5).
    pub fn interval(&self, c: f64) -> (f64, f64) {
        let all = self.sorted.len() as f64;
        let (last, middle) = (self.sorted.len() - 1, self.sorted.len() / 2);
        let low = (((all - c) / 2.0).round().max(0.0) as usize).saturating_sub(1).min(last);
        let high = (((all + c) / 2.0).round() as usize).min(last);
        (self.sorted[low.min(middle)], self.sorted[high.max(middle)])
    }

    /// The chance that points in any order show as much of a trend, up or down, whose statistic varies `inflated` times as much as that of
    /// independent ones (Mann, Econometrica 13, 1945; Kendall 1970, with the correction for continuity).
    pub fn chance(&self, inflated: f64) -> f64 {
        let falling = self.sorted.partition_point(|slope| *slope < 0.0);
        let rising = self.sorted.len() - self.sorted.partition_point(|slope| *slope <= 0.0);
        let score = (rising as f64 - falling as f64).abs();
        let deviation = (self.variance * inflated).sqrt();
        if deviation > 0.0 { (2.0 * normal((1.0 - score).min(0.0) / deviation)).min(1.0) } else { 1.0 }
    }
}

/// By how much what is left of neighbours is alike when the slope is taken off: the correlation ρ of each with the next, not below
/// nothing. Of few points around a line it comes out too small, by about (1+4ρ)/n (Kendall, Biometrika 41, 1954), which is put back.
pub fn alike(points: &[(f64, f64)], slope: f64) -> f64 {
    let n = points.len() as f64;
    let left: Vec<f64> = points.iter().map(|(time, value)| value - slope * time).collect();
    let mean = left.iter().sum::<f64>() / n;
    let squares: f64 = left.iter().map(|one| (one - mean).powi(2)).sum();
    if squares <= 0.0 {
        return 0.0;
    }
    let products: f64 = left.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    let found = products / squares;
    (found + (1.0 + 4.0 * found) / n).clamp(0.0, ALIKE)
}

/// How many times the variance of independent points that of alike ones is: (1+ρ)/(1−ρ) (Hamed and Rao, Journal of Hydrology 204, 1998,
/// for points of which each is like the one before).
pub fn inflated(alike: f64) -> f64 {
    (1.0 + alike) / (1.0 - alike)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[f64]) -> Vec<(f64, f64)> {
        values.iter().enumerate().map(|(at, value)| (at as f64, *value)).collect()
    }

    #[test]
    fn the_trend_is_that_of_mann_and_kendall() {
        let rising = Slopes::of(&points(&[1.0, 3.0, 2.0, 4.0, 5.0, 8.0, 6.0, 7.0, 9.0, 10.0]));
        // 45 pairs, of which 3 fall: S = 39, and 125 is n(n−1)(2n+5)/18.
        assert!((rising.variance() - 125.0).abs() < 1e-12);
        assert!((rising.chance(1.0) - 2.0 * normal(-38.0 / 125.0_f64.sqrt())).abs() < 1e-15);
        assert!(rising.chance(4.0) > rising.chance(1.0));
        let tied = Slopes::of(&points(&[1.0, 1.0, 2.0, 2.0, 2.0, 3.0]));
        // 6·5·17 less 2·1·9 and 3·2·11, by 18; of 15 pairs eleven rise and four are equal.
        assert!((tied.variance() - (510.0 - 18.0 - 66.0) / 18.0).abs() < 1e-12);
        assert!((tied.chance(1.0) - 2.0 * normal(-10.0 / (426.0_f64 / 18.0).sqrt())).abs() < 1e-15);
        let level = Slopes::of(&points(&[2.0; 6]));
        assert_eq!((level.chance(1.0), level.estimate()), (1.0, 0.0));
    }
}
