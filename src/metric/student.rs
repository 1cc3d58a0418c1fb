//! How far the mean of a few samples may lie from what it estimates.

/// The quantile of Student's distribution for an interval of 95%, by degrees of freedom. Many come near to the normal one
/// (Hill, Communications of the ACM 13, 1970).
pub fn student(freedom: usize) -> f64 {
    const FEW: [f64; 10] = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281];
    const Z: f64 = 1.959_963_984_540_054;
    let n = freedom as f64;
    FEW.get(freedom.saturating_sub(1)).copied().unwrap_or_else(|| {
        let first = (Z.powi(3) + Z) / (4.0 * n);
        let second = (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / (96.0 * n * n);
        Z + first + second
    })
}

#[cfg(test)]
mod tests {
    use super::student;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (freedom, wanted) in [(3, 3.182), (11, 2.201), (29, 2.045), (100, 1.984)] {
            assert!((student(freedom) - wanted).abs() < wanted * 1e-3, "{freedom}: {}", student(freedom));
        }
    }
}
