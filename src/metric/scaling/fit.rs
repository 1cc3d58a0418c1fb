//! The fit of the law: nonlinear least squares by Levenberg and Marquardt (Marquardt, Journal of the Society for Industrial
//! and Applied Mathematics 11, 1963), from the law's linear form as a start. Its transformation to a parabola would weigh
//! the levels wrongly: of the data of SPEC SDM91 it finds a σ that is a third too small.

use crate::base::distributions::two_sided;

/// λ, σ and κ.
type Constants = [f64; 3];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    Sigma = 1,
    Kappa = 2,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Law {
    /// Throughput of one user.
    pub lambda: f64,
    pub sigma: f64,
    pub kappa: f64,
    /// The standard deviation of the residuals.
    pub spread: f64,
    /// Of the constants that are not held at nothing.
    covariance: [Constants; 3],
    freedom: usize,
    /// σ and κ as they are without their bounds, each with its standard error.
    unbounded: Option<([f64; 3], [f64; 3])>,
}

/// A level that decides a constant nearly alone says nothing of how far it is off.
const LEAST_OF_OTHERS: f64 = 0.05;

/// The divisor of the throughput at this many users.
pub fn cost(users: f64, sigma: f64, kappa: f64) -> f64 {
    1.0 + sigma * (users - 1.0) + kappa * users * (users - 1.0)
}

fn law(users: f64, [lambda, sigma, kappa]: Constants) -> f64 {
    lambda * users / cost(users, sigma, kappa)
}

/// The users at which throughput is highest, which are not fewer than one.
fn peak(sigma: f64, kappa: f64) -> f64 {
    ((1.0 - sigma).max(0.0) / kappa).sqrt().max(1.0)
}

/// The throughput at the peak.
pub fn highest(lambda: f64, sigma: f64, kappa: f64) -> f64 {
    law(peak(sigma, kappa), [lambda, sigma, kappa])
}

impl Law {
    pub fn at(&self, users: f64) -> f64 {
        law(users, [self.lambda, self.sigma, self.kappa])
    }

    /// Nothing where nothing makes it fall again.
    pub fn peak(&self) -> Option<f64> {
        (self.kappa > 0.0).then(|| peak(self.sigma, self.kappa))
    }

    /// Where a constant lies with 95% certainty.
    pub fn interval(&self, parameter: Parameter) -> (f64, f64) {
        let index = parameter as usize;
        let value = [self.lambda, self.sigma, self.kappa][index];
        let error = self.covariance[index][index].max(0.0).sqrt();
        let (low, high) = match (value > 0.0, &self.unbounded) {
            (true, _) => (value - self.quantile() * error, value + self.quantile() * error),
            // What is held at nothing may be as much as its free estimate can be.
            (false, Some((free, errors))) => (0.0, free[index] + two_sided(self.freedom_of_all()) * errors[index]),
            (false, None) => (0.0, 0.0),
        };
        (low.max(0.0).min(value), high.max(value))
    }

    /// Where a function of the constants lies with 95% certainty, as far as it is even around them (delta method).
    pub fn around(&self, of: impl Fn(f64, f64, f64) -> f64) -> (f64, f64) {
        let at = [self.lambda, self.sigma, self.kappa];
        let value = of(at[0], at[1], at[2]);
        let mut slope = [0.0; 3];
        for index in 0..3 {
            let step = self.covariance[index][index].max(0.0).sqrt().min(at[index].abs()) * 1e-4;
            if step > 0.0 {
                let (mut below, mut above) = (at, at);
                below[index] -= step;
                above[index] += step;
                slope[index] = (of(above[0], above[1], above[2]) - of(below[0], below[1], below[2])) / (2.0 * step);
            }
        }
        let pairs = (0..3).flat_map(|a| (0..3).map(move |b| (a, b)));
        let variance: f64 = pairs.map(|(a, b)| slope[a] * self.covariance[a][b] * slope[b]).sum();
        let room = self.quantile() * variance.max(0.0).sqrt();
        (value - room, value + room)
    }

    fn quantile(&self) -> f64 {
        two_sided(self.freedom)
    }

    fn freedom_of_all(&self) -> usize {
        let held = [self.sigma, self.kappa].into_iter().filter(|value| *value == 0.0).count();
        self.freedom.saturating_sub(held).max(1)
    }
}

/// Users and throughput of at least four levels → the law.
pub fn fit(points: &[(f64, f64)]) -> Result<Law, String> {
    let most = points.iter().map(|(_, throughput)| *throughput).fold(0.0, f64::max);
    if most <= 0.0 {
        return Err("nothing was answered at any level".to_owned());
    }
    // Throughput as a share of the highest, so that all constants are of one kind.
    let scaled: Vec<(f64, f64)> = points.iter().map(|(users, throughput)| (*users, throughput / most)).collect();
    let start = start(&scaled);
    let free = descend(&scaled, start, [true; 3]);
    let bounded = |at: &Constants| at[1] >= 0.0 && at[2] >= 0.0;
    // Where the best of all lies beyond a bound, the best that is allowed lies on one.
    let held = [[true; 3], [true, true, false], [true, false, true], [true, false, false]];
    let fits = held.into_iter().map(|of| {
        let mut from = [start[0], start[1].max(0.0), start[2].max(0.0)];
        (0..3).for_each(|index| from[index] *= f64::from(u8::from(of[index])));
        let (at, squares) = if of == [true; 3] { free } else { descend(&scaled, from, of) };
        (at, squares, of)
    });
    let allowed = fits.filter(|(at, squares, _)| bounded(at) && squares.is_finite());
    let best = allowed.reduce(|best, next| if next.1 < best.1 { next } else { best });
    let (at, squares, of) = best.ok_or("no scalability law fits its levels")?;
    let freedom = points.len().saturating_sub(of.iter().filter(|free| **free).count()).max(1);
    let scale = [most, 1.0, 1.0];
    let covariance = covariance(&scaled, at, of).ok_or("no scalability law fits its levels")?;
    let mut unscaled = covariance;
    for (a, row) in unscaled.iter_mut().enumerate() {
        row.iter_mut().enumerate().for_each(|(b, cell)| *cell *= scale[a] * scale[b]);
    }
    let unbounded = self::covariance(&scaled, free.0, [true; 3])
        .map(|of| (free.0, [0, 1, 2].map(|index| of[index][index].max(0.0).sqrt())));
    Ok(Law {
        lambda: at[0] * most,
        sigma: at[1],
        kappa: at[2],
        spread: (squares / freedom as f64).sqrt() * most,
        covariance: unscaled,
        freedom,
        unbounded,
    })
}

/// N/X = a + b(N−1) + cN(N−1), in which the constants are linear; an error of X weighs X²/N in it.
fn start(points: &[(f64, f64)]) -> Constants {
    let (mut matrix, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
    for (users, throughput) in points.iter().filter(|(_, throughput)| *throughput > 0.0) {
        let weight = (throughput * throughput / users).powi(2);
        let row = [1.0, users - 1.0, users * (users - 1.0)];
        for a in 0..3 {
            right[a] += weight * row[a] * users / throughput;
            (0..3).for_each(|b| matrix[a][b] += weight * row[a] * row[b]);
        }
    }
    let steepest = points.iter().map(|(users, throughput)| throughput / users).fold(0.0, f64::max);
    match solve(matrix, right, [true; 3]) {
        Some([a, b, c]) if a > 0.0 && points.iter().all(|(users, _)| cost(*users, b / a, c / a) > 0.0) => {
            [1.0 / a, b / a, c / a]
        }
        _ => [steepest, 0.01, 1e-4],
    }
}

/// The least sum of squared residuals from a start, moving the constants that are free; with the sum.
fn descend(points: &[(f64, f64)], start: Constants, free: [bool; 3]) -> (Constants, f64) {
    const STEPS: usize = 500;
    let squares = |at: Constants| -> f64 {
        let valid = at[0] > 0.0 && points.iter().all(|(users, _)| cost(*users, at[1], at[2]) > 0.0);
        let all = points.iter().map(|(users, throughput)| (throughput - law(*users, at)).powi(2)).sum();
        if valid { all } else { f64::INFINITY }
    };
    let (mut at, mut best, mut damping) = (start, squares(start), 1e-3);
    for _ in 0..STEPS {
        let (matrix, right) = normal(points, at);
        let mut damped = matrix;
        (0..3).for_each(|index| damped[index][index] *= 1.0 + damping);
        let Some(step) = solve(damped, right, free) else { break };
        let next = [at[0] + step[0], at[1] + step[1], at[2] + step[2]];
        let found = squares(next);
        if found <= best {
            let still = step.iter().zip(at).all(|(step, at)| step.abs() <= 1e-13 * at.abs().max(1e-9));
            (at, best, damping) = (next, found, (damping / 10.0).max(1e-15));
            if still {
                break;
            }
        } else {
            damping *= 10.0;
            if damping > 1e12 {
                break;
            }
        }
    }
    (at, best)
}

/// JᵀJ and Jᵀr of the residuals at some constants.
fn normal(points: &[(f64, f64)], at: Constants) -> ([Constants; 3], Constants) {
    let (mut matrix, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
    for (users, throughput) in points {
        let (value, slope) = (law(*users, at), slope(*users, at));
        for a in 0..3 {
            right[a] += slope[a] * (throughput - value);
            (0..3).for_each(|b| matrix[a][b] += slope[a] * slope[b]);
        }
    }
    (matrix, right)
}

/// (JᵀJ)⁻¹ (Σ jjᵀ r² ÷ (1−h)²) (JᵀJ)⁻¹ of the constants that are free, with the residual r of each level and how much it alone decides, h. High
/// levels vary more than low ones, which this leaves as it is (HC3: MacKinnon and White, Journal of Econometrics 29, 1985).
fn covariance(points: &[(f64, f64)], at: Constants, free: [bool; 3]) -> Option<[Constants; 3]> {
    let inverse = inverse(points, at, free)?;
    let through = |matrix: &[Constants; 3], slope: Constants| matrix.map(|row| (0..3).map(|a| row[a] * slope[a]).sum());
    let mut out = [[0.0; 3]; 3];
    for (users, throughput) in points {
        let slope = slope(*users, at);
        let moved: Constants = through(&inverse, slope);
        let alone: f64 = (0..3).map(|a| slope[a] * moved[a]).sum();
        let residual = (throughput - law(*users, at)) / (1.0 - alone).max(LEAST_OF_OTHERS);
        for a in 0..3 {
            (0..3).for_each(|b| out[a][b] += moved[a] * moved[b] * residual * residual);
        }
    }
    Some(out)
}

/// (JᵀJ)⁻¹ of the constants that are free, and nothing for the others.
fn inverse(points: &[(f64, f64)], at: Constants, free: [bool; 3]) -> Option<[Constants; 3]> {
    let (matrix, _) = normal(points, at);
    let mut out = [[0.0; 3]; 3];
    for column in (0..3).filter(|column| free[*column]) {
        let mut unit = [0.0; 3];
        unit[column] = 1.0;
        let found = solve(matrix, unit, free)?;
        (0..3).filter(|row| free[*row]).for_each(|row| out[row][column] = found[row]);
    }
    Some(out)
}

/// How the law changes at a level with each of its constants.
fn slope(users: f64, at: Constants) -> Constants {
    let divided = cost(users, at[1], at[2]);
    let value = law(users, at);
    [users / divided, -value * (users - 1.0) / divided, -value * users * (users - 1.0) / divided]
}

/// Solves for the constants that are free, scaled by their own size first; the others do not move.
fn solve(matrix: [Constants; 3], right: Constants, free: [bool; 3]) -> Option<Constants> {
    let scale = [0, 1, 2].map(|index| if free[index] { matrix[index][index].sqrt() } else { 1.0 });
    let mut rows = [[0.0; 4]; 3];
    for a in 0..3 {
        for b in 0..3 {
            let own = if a == b { 1.0 } else { 0.0 };
            rows[a][b] = if free[a] && free[b] { matrix[a][b] / (scale[a] * scale[b]) } else { own };
        }
        rows[a][3] = if free[a] { right[a] / scale[a] } else { 0.0 };
    }
    for column in 0..3 {
        let pivot = (column..3).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        rows.swap(column, pivot);
        let head = rows[column];
        if head[column].is_nan() || head[column].abs() <= 1e-14 {
            return None;
        }
        for row in (0..3).filter(|row| *row != column) {
            let times = rows[row][column] / head[column];
            (column..4).for_each(|cell| rows[row][cell] -= times * head[cell]);
        }
    }
    let found = [0, 1, 2].map(|index| rows[index][3] / rows[index][index] / scale[index]);
    found.iter().all(|value| value.is_finite()).then_some(found)
}
