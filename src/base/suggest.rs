//! The nearest known name to one that is not known.

/// So many candidates are compared: there may be a million.
pub const MOST: usize = 2_000;

/// The candidate most like `name` by Jaro similarity, when it is alike enough to be worth saying.
pub fn similar<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.75;
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

/// The end of a message that names what is nearly so.
pub fn hint(near: &str) -> String {
    format!("; did you mean `{near}`?")
}

/// A message without its hint, and what that names.
pub fn hinted(message: &str) -> Option<(&str, &str)> {
    let (message, near) = message.split_once("; did you mean `")?;
    Some((message, near.strip_suffix("`?")?))
}

/// The candidate that is a name and written as `name` is but for one slip, capitals and `_` or `-`: of what nobody may be told,
/// whoever wrote nearly the same learns hardly more than that it is there.
pub fn slip<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 60;
    let letters = |text: &str| text.chars().filter(|c| !matches!(c, '_' | '-')).collect::<String>().to_lowercase();
    let is_name = |text: &str| {
        text.len() <= LONGEST
            && text.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
    };
    let wanted = letters(name);
    candidates.into_iter().filter(|candidate| is_name(candidate)).find(|candidate| {
        let own = letters(candidate);
        own == wanted || (wanted.len() > 1 && own.len() > 1 && is_slip(&wanted, &own))
    })
}

/// One slip of the finger in a short name is little to Jaro, and most of what people write wrong.
fn likeness(name: &str, candidate: &str) -> f64 {
    let slip = name.len() > 2 && candidate.len() > 2 && is_slip(name, candidate);
    // Fingers swap letters more often than they miss one.
    let swapped = slip && name.len() == candidate.len() && is_swap(name, candidate);
    strsim::jaro(name, candidate).max(if swapped {
        0.95
    } else if slip {
        0.9
    } else {
        0.0
    })
}

/// Whether both have the same letters in another order.
fn is_swap(a: &str, b: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(a) == sorted(b)
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
    use super::{similar, slip};

    #[test]
    fn of_what_may_not_be_told_a_slip_alone_is_mended() {
        for (written, there, told) in [
            ("idd", "id", true),
            ("naem", "name", true),
            ("userId", "user_id", true),
            ("prices", "price", true),
            ("token", "hunter2", false),
            ("AWS_KEY", "AWS_KEY=hunter2", false),
            ("secret", "secrets of mine", false),
            ("hunte", "hunter2", false),
            ("a", "b", false),
        ] {
            assert_eq!(slip(written, [there]), told.then_some(there), "{written}");
        }
    }

    #[test]
    fn suggests_what_is_alike_and_nothing_else() {
        assert_eq!(similar("brwose", ["checkout", "browse"]), Some("browse"));
        assert_eq!(similar("ulr", ["url", "port"]), Some("url"));
        assert_eq!(similar("p59", ["p95", "p99"]), Some("p95"));
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
