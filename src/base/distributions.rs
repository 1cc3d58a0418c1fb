//! The normal, Student's and binomial distributions: the probability below a value, and the value at a probability.

use std::f64::consts::{E, PI};

/// So many standard errors lie on each side in an interval of 95%, where they are known.
pub const TWO_SIDED: f64 = 1.959_963_984_540_054;
/// So many more away, and what is there is told from chance four times of five.
pub const POWER: f64 = 0.841_621_233_572_914;

/// So many standard errors lie on each side in an interval of 95%, where they are estimated themselves, with degrees of freedom.
pub fn two_sided(freedom: usize) -> f64 {
    // With more it is normal to all digits that anybody sees.
    const MANY: usize = 1_000_000;
    if freedom > MANY { TWO_SIDED } else { student_quantile(0.975, freedom.max(1) as f64) }
}

/// The density of the normal distribution.
pub fn density(z: f64) -> f64 {
    (-z * z / 2.0).exp() / (2.0 * PI).sqrt()
}

/// The share of the normal distribution below `z`: the series of G. Marsaglia (Evaluating the Normal Distribution, Journal of
/// Statistical Software 11, 2004), and far out Laplace's continued fraction, where the series would cancel.
pub fn normal(z: f64) -> f64 {
    if z < -5.0 {
        return density(z) / (1..=60).rev().fold(-z, |rest, term| -z + f64::from(term) / rest);
    }
    if z > 5.0 {
        return 1.0 - normal(-z);
    }
    let (mut sum, mut term, mut n) = (z, z, 1.0);
    while term.abs() > 1e-17 {
        n += 2.0;
        term *= z * z / n;
        sum += term;
    }
    0.5 + sum * density(z)
}

/// The value below which a share of the normal distribution lies.
pub fn normal_quantile(share: f64) -> f64 {
    inverse(normal, share)
}

/// The share of Student's distribution below `t`, with any degrees of freedom (Abramowitz and Stegun, 26.7.1 and 26.5.8).
pub fn student(t: f64, freedom: f64) -> f64 {
    let tail = beta(freedom / 2.0, 0.5, freedom / (freedom + t * t)) / 2.0;
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// The value below which a share of Student's distribution lies.
pub fn student_quantile(share: f64, freedom: f64) -> f64 {
    inverse(|t| student(t, freedom), share)
}

/// The probability of at least this many successes (binomial; Abramowitz and Stegun, 26.5.24).
pub fn at_least(count: u64, all: u64, share: f64) -> f64 {
    if count == 0 || share >= 1.0 {
        return 1.0;
    }
    if share <= 0.0 {
        return 0.0;
    }
    beta(count as f64, (all - count) as f64 + 1.0, share)
}

/// The shares that so many successes speak for with 95% certainty (Clopper and Pearson, Biometrika 26, 1934); all of them where nothing was
/// tried.
pub fn share_between(count: u64, all: u64) -> (f64, f64) {
    const TAIL: f64 = 0.025;
    // The probability of as many or more grows with the share.
    let reaches = |count: u64, wanted: f64| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if at_least(count, all, middle) < wanted { low = middle } else { high = middle }
        }
        f64::midpoint(low, high)
    };
    let low = if count == 0 { 0.0 } else { reaches(count, TAIL) };
    let high = if count >= all { 1.0 } else { reaches(count + 1, 1.0 - TAIL) };
    (low, high)
}

/// Where an increasing function, symmetrical around 0, reaches a share.
fn inverse(below: impl Fn(f64) -> f64, share: f64) -> f64 {
    let (mut low, mut high) = (-1.0, 1.0);
    // Beyond this no share is asked for that an `f64` tells from 0 or 1.
    const FARTHEST: f64 = 1e9;
    while below(low) > share && low > -FARTHEST {
        low *= 2.0;
    }
    while below(high) < share && high < FARTHEST {
        high *= 2.0;
    }
    // Where the line between both ends crosses, and nearer to an end that stays (the Illinois method).
    let (mut under, mut over) = (below(low) - share, below(high) - share);
    let mut rose = None;
    for _ in 0..100 {
        let next = (low * over - high * under) / (over - under);
        let found = below(next) - share;
        if found.abs() < 1e-15 || high - low <= 1e-13 * (low.abs() + high.abs()) || under == over {
            return next;
        }
        if found < 0.0 {
            if rose == Some(true) {
                over /= 2.0;
            }
            (low, under, rose) = (next, found, Some(true));
        } else {
            if rose == Some(false) {
                under /= 2.0;
            }
            (high, over, rose) = (next, found, Some(false));
        }
    }
    (low + high) / 2.0
}

/// The regularised incomplete beta function, by its continued fraction (modified Lentz).
fn beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta(b, a, 1.0 - x);
    }
    const TINY: f64 = 1e-300;
    let kept = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut c, mut d) = (1.0, 1.0 / kept(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..1000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for step in [even, odd] {
            d = 1.0 / kept(1.0 + step * d);
            c = kept(1.0 + step / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    let log = a * x.ln() + b * (1.0 - x).ln() + log_gamma(a + b) - log_gamma(a) - log_gamma(b);
    log.exp() * fraction / a
}

/// The logarithm of the gamma function (Lanczos, with the coefficients of Pugh's thesis of 2004, table 8.5).
fn log_gamma(x: f64) -> f64 {
    const R: f64 = 10.900_511;
    const D: [f64; 11] = [
        2.485_740_891_387_535_5e-5,
        1.051_423_785_817_219_7,
        -3.456_870_972_220_162_5,
        4.512_277_094_668_948,
        -2.982_852_253_235_766_4,
        1.056_397_115_771_267,
        -1.954_287_731_916_458_7e-1,
        1.709_705_434_044_412e-2,
        -5.719_261_174_043_057e-4,
        4.633_994_733_599_057e-6,
        -2.719_949_084_886_077_2e-9,
    ];
    let x = x - 1.0;
    let sum = D.iter().enumerate().skip(1).fold(D[0], |sum, (k, d)| sum + d / (x + k as f64));
    (2.0 * (E / PI).sqrt() * sum).ln() + (x + 0.5) * ((x + 0.5 + R) / E).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By R: `binom.test(7, 10)$conf.int`, `binom.test(3, 3)$conf.int`, and the rule of three.
    #[test]
    fn the_share_behind_a_count_lies_between_bounds() {
        let near = |(low, high): (f64, f64), wanted: (f64, f64)| {
            assert!((low - wanted.0).abs() < 1e-6 && (high - wanted.1).abs() < 1e-6, "{low} {high}");
        };
        near(share_between(7, 10), (0.347_547_1, 0.933_260_5));
        near(share_between(3, 3), (0.292_401_8, 1.0));
        near(share_between(0, 3), (0.0, 0.707_598_2));
        near(share_between(0, 0), (0.0, 1.0));
        let (_, high) = share_between(0, 1000);
        assert!((high - 3.68 / 1000.0).abs() < 1e-5, "{high}");
    }

    #[test]
    fn the_normal_distribution_is_that_of_the_tables() {
        for (z, below) in
            [(0.0, 0.5), (1.0, 0.841_344_746_068_543), (-1.96, 0.024_997_895_148_220), (3.0, 0.998_650_101_968_370)]
        {
            assert!((normal(z) - below).abs() < 1e-13, "{z}: {}", normal(z));
        }
        assert!((normal(-6.0) / 9.865_876_450_376_98e-10 - 1.0).abs() < 1e-10, "{:e}", normal(-6.0));
        for (share, z) in
            [(0.95, 1.644_853_626_951_472), (0.975, 1.959_963_984_540_054), (0.005, -2.575_829_303_548_901)]
        {
            assert!((normal_quantile(share) - z).abs() < 1e-9, "{share}: {}", normal_quantile(share));
        }
        assert!((normal_quantile(0.975) - TWO_SIDED).abs() < 1e-14 && (normal_quantile(0.8) - POWER).abs() < 1e-14);
    }

    #[test]
    fn students_distribution_is_that_of_the_tables() {
        for (share, freedom, t) in [
            (0.95, 1.0, 6.313_751_514_675),
            (0.95, 2.0, 2.919_985_580_354),
            (0.95, 8.0, 1.859_548_037_531),
            (0.975, 4.0, 2.776_445_105_198),
            (0.9875, 8.0, 2.751_523_596_122),
            (0.95, 30.0, 1.697_260_886_593),
            (0.05, 8.0, -1.859_548_037_531),
        ] {
            let found = student_quantile(share, freedom);
            assert!((found - t).abs() < 1e-6, "{share} of {freedom}: {found}");
            assert!((student(found, freedom) - share).abs() < 1e-9);
        }
        // With half a degree more it lies in between, and with many it is normal.
        let [two, half, three] = [2.0, 2.5, 3.0].map(|freedom| student_quantile(0.95, freedom));
        assert!(three < half && half < two);
        assert!((student_quantile(0.975, 1e6) - normal_quantile(0.975)).abs() < 1e-5);
    }

    #[test]
    fn quantiles_of_intervals_are_those_of_the_tables() {
        for (freedom, wanted) in [(1, 12.706), (3, 3.182), (11, 2.201), (29, 2.045), (100, 1.984)] {
            assert!((two_sided(freedom) - wanted).abs() < 6e-4, "{freedom}: {}", two_sided(freedom));
        }
        assert_eq!((two_sided(0), two_sided(usize::MAX)), (two_sided(1), TWO_SIDED));
        assert_eq!(two_sided(f64::INFINITY as usize), TWO_SIDED);
    }

    #[test]
    fn tails_of_the_binomial_distribution_are_those_of_the_tables() {
        // By exact fractions.
        for (count, all, share, wanted) in
            [(3, 100, 0.01, 0.079_373), (4, 100, 0.01, 0.018_374), (1, 10, 0.5, 0.999_023), (10, 10, 0.5, 9.765_6e-4)]
        {
            let found = at_least(count, all, share);
            assert!((found / wanted - 1.0).abs() < 1e-4, "{count} of {all}: {found}");
        }
        assert_eq!((at_least(0, 10, 0.1), at_least(1, 10, 0.0), at_least(3, 10, 1.0)), (1.0, 0.0, 1.0));
        let many = at_least(10_300, 1_000_000, 0.01);
        assert!((1.2e-3..1.5e-3).contains(&many), "three deviations and a bit: {many}");
        // With so many it is normal: 1.6 deviations above its mean.
        let most = at_least(10_005_034, 1_000_000_000, 0.01);
        assert!((most / (1.0 - normal(5_033.5 / 9.9e6_f64.sqrt())) - 1.0).abs() < 1e-3, "{most}");
        assert!((log_gamma(21.0) - 42.335_616_460_753_485).abs() < 1e-9);
    }
}
