//! The nearest known name to one that is not known.

/// The candidate most like `name` by Jaro similarity, when it is alike enough to be worth saying.
pub fn similar<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.7;
    // Comparing takes the product of both lengths, so neither a name that nobody typed nor each of a million is compared.
    const LONGEST: usize = 100;
    const MOST: usize = 2_000;
    if name.len() > LONGEST {
        return None;
    }
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .take(MOST)
        .map(|candidate| (likeness(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// One slip of the finger in a short name is little to Jaro, and most of what people write wrong.
fn likeness(name: &str, candidate: &str) -> f64 {
    let near = name.chars().count().abs_diff(candidate.chars().count()) <= 1;
    let slip = near && name.len() > 2 && candidate.len() > 2 && strsim::osa_distance(name, candidate) == 1;
    strsim::jaro(name, candidate).max(if slip { 0.9 } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::similar;

    #[test]
    fn suggests_what_is_alike_and_nothing_else() {
        assert_eq!(similar("brwose", ["checkout", "browse"]), Some("browse"));
        assert_eq!(similar("ulr", ["url", "port"]), Some("url"));
        assert_eq!(similar("hodl", ["hold", "ramp", "spike"]), Some("hold"));
        assert_eq!(similar("xyz", ["checkout", "browse"]), None);
    }
}
