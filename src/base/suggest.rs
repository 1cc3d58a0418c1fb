//! The nearest known name to one that is not known.

/// So many candidates are compared: there may be a million.
pub const MOST: usize = 2_000;

/// The candidate most like `name` by Jaro similarity, when it is alike enough to be worth saying.
pub fn similar<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.7;
    // Comparing takes the product of both lengths, so a name that nobody typed is not compared, and of long ones fewer are.
    const LONGEST: usize = 100;
    const PAIRS: usize = 1_000_000;
    if name.len() > LONGEST {
        return None;
    }
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .take(MOST)
        .scan(0, |pairs, candidate| {
            *pairs += name.len() * candidate.len();
            (*pairs <= PAIRS).then_some(candidate)
        })
        .map(|candidate| (likeness(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// One slip of the finger in a short name is little to Jaro, and most of what people write wrong.
fn likeness(name: &str, candidate: &str) -> f64 {
    let slip = name.len() > 2 && candidate.len() > 2 && is_slip(name, candidate);
    strsim::jaro(name, candidate).max(if slip { 0.9 } else { 0.0 })
}

/// Whether one letter is another, missing or too much, or two are swapped.
fn is_slip(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let first = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[first..], &b[first..]);
    let last = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    match (&a[..a.len() - last], &b[..b.len() - last]) {
        ([], [_]) | ([_], [] | [_]) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::similar;

    #[test]
    fn suggests_what_is_alike_and_nothing_else() {
        assert_eq!(similar("brwose", ["checkout", "browse"]), Some("browse"));
        assert_eq!(similar("ulr", ["url", "port"]), Some("url"));
        assert_eq!(similar("hodl", ["hold", "ramp", "spike"]), Some("hold"));
        assert_eq!(
            ["abc", "abcd", "acb", "ab", "aabc", "bca"].map(|b| super::is_slip("abc", b)),
            [false, true, true, true, true, false]
        );
        // Of long names only the first are compared, however many there are.
        let long = "x".repeat(100);
        let mut asked = 0;
        let many = std::iter::repeat_n(long.as_str(), 1_000_000).inspect(|_| asked += 1);
        assert_eq!((similar(&"y".repeat(100), many), asked <= 101), (None, true));
        assert_eq!(similar("xyz", ["checkout", "browse"]), None);
    }
}
