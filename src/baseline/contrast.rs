//! Compares runs with those of a baseline: how far apart their means are, and how certain that is.

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// By their ratio, as what is a multiple of something is: times, rates, sizes. Values are their logarithms.
    Ratio,
    /// By their difference, as shares are, and whatever may be nothing.
    Difference,
}

impl Scale {
    /// A value as it is compared.
    pub fn of(self, value: f64) -> f64 {
        match self {
            Scale::Ratio => value.ln(),
            Scale::Difference => value,
        }
    }

    /// And back.
    pub fn value(self, compared: f64) -> f64 {
        match self {
            Scale::Ratio => compared.exp(),
            Scale::Difference => compared,
        }
    }

    /// A difference of two that are compared, as it is told: a share of what it was, or as it is.
    pub fn change(self, away: f64) -> f64 {
        match self {
            Scale::Ratio => away.exp_m1(),
            Scale::Difference => away,
        }
    }
}

/// One run: the value on its scale, and the variance that it has within the run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub value: f64,
    pub within: f64,
}

/// The mean of the candidate's runs less that of the baseline's, on their scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    pub scale: Scale,
    /// The mean of the baseline, on the scale.
    pub baseline: f64,
    pub difference: f64,
    /// The standard error of that, and its degrees of freedom.
    pub error: f64,
    pub freedom: f64,
    /// How many runs there are of each.
    pub runs: (usize, usize),
}

/// What is assumed of runs before any is seen weighs as much as this many of them.
const PRIOR_FREEDOM: f64 = 2.0;

impl Contrast {
    /// With the spread between runs that is assumed as long as few are seen; nothing where one side has no run.
    ///
    /// The variance between runs is pooled over both sides, with a weak prior, and is never less than what a run has within itself: so
    /// few runs that happen to agree are not taken for quiet ones.
    pub fn of(scale: Scale, spread: f64, baseline: &[Sample], candidate: &[Sample]) -> Option<Contrast> {
        let (k, m) = (baseline.len() as f64, candidate.len() as f64);
        if k == 0.0 || m == 0.0 {
            return None;
        }
        let (base, now) = (mean(baseline), mean(candidate));
        let within = baseline.iter().chain(candidate).map(|sample| sample.within).sum::<f64>() / (k + m);
        let squares = squares(baseline, base) + squares(candidate, now);
        let freedom = PRIOR_FREEDOM + k + m - 2.0;
        let between = (PRIOR_FREEDOM * (spread * spread + within) + squares) / freedom;
        let error = (between.max(within) * (1.0 / k + 1.0 / m)).sqrt();
        let runs = (baseline.len(), candidate.len());
        Some(Contrast { scale, baseline: base, difference: now - base, error, freedom, runs })
    }
}

impl Contrast {
    /// Pairs of runs that met the same minutes: the mean of their differences, by how far these lie apart alone.
    pub fn of_pairs(scale: Scale, spread: f64, pairs: &[(Sample, Sample)]) -> Option<Contrast> {
        let n = pairs.len() as f64;
        if n == 0.0 {
            return None;
        }
        let differences: Vec<Sample> =
            pairs.iter().map(|(a, b)| Sample { value: b.value - a.value, within: a.within + b.within }).collect();
        let difference = mean(&differences);
        let within = differences.iter().map(|one| one.within).sum::<f64>() / n;
        let freedom = PRIOR_FREEDOM + n - 1.0;
        let between = (PRIOR_FREEDOM * (2.0 * spread * spread + within) + squares(&differences, difference)) / freedom;
        let baseline = pairs.iter().map(|(a, _)| a.value).sum::<f64>() / n;
        let error = (between.max(within) / n).sqrt();
        Some(Contrast { scale, baseline, difference, error, freedom, runs: (pairs.len(), pairs.len()) })
    }
}

fn mean(samples: &[Sample]) -> f64 {
    samples.iter().map(|sample| sample.value).sum::<f64>() / samples.len() as f64
}

fn squares(samples: &[Sample], mean: f64) -> f64 {
    samples.iter().map(|sample| (sample.value - mean).powi(2)).sum()
}
