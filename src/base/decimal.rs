//! Numbers as RFC 8259 writes them: recognised among texts, and compared by all their digits, where a float has sixteen.

use std::cmp::Ordering;
use std::fmt::{self, Write};

/// Up to here a float holds each whole number.
pub const EACH_WHOLE: f64 = 9_007_199_254_740_992.0;

/// An exponent beyond this says no more than that.
const FARTHEST: i64 = 1 << 60;

/// A number by its digits.
struct Digits<'t> {
    is_negative: bool,
    whole: &'t str,
    fraction: &'t str,
    exponent: i64,
}

impl<'t> Digits<'t> {
    fn of(text: &'t str) -> Option<Digits<'t>> {
        let (is_negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, rest) = digits(rest)?;
        if whole.len() > 1 && whole.starts_with('0') {
            return None;
        }
        let (fraction, rest) = match rest.strip_prefix('.') {
            Some(rest) => digits(rest)?,
            None => ("", rest),
        };
        let exponent = match rest.strip_prefix(['e', 'E']) {
            Some(signed) => {
                let (size, rest) = digits(signed.strip_prefix(['+', '-']).unwrap_or(signed))?;
                let size = size.parse().unwrap_or(FARTHEST).min(FARTHEST);
                rest.is_empty().then_some(if signed.starts_with('-') { -size } else { size })?
            }
            None => rest.is_empty().then_some(0)?,
        };
        Some(Digits { is_negative, whole, fraction, exponent })
    }

    /// Where the point stands after the first digit that counts, and the digits that count; none of zero.
    fn size(&self) -> Option<(i64, impl Iterator<Item = u8>)> {
        let zeros = self.whole.bytes().chain(self.fraction.bytes()).take_while(|digit| *digit == b'0').count();
        let fraction = self.fraction.trim_end_matches('0');
        let whole = if fraction.is_empty() { self.whole.trim_end_matches('0') } else { self.whole };
        let point = self.whole.len() as i64 - zeros as i64 + self.exponent;
        (!whole.is_empty() || !fraction.is_empty()).then(|| (point, whole.bytes().chain(fraction.bytes()).skip(zeros)))
    }
}

fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Whether a text is a number; `007`, `+7`, `.5` and `1_000` are none.
pub fn is_number(text: &str) -> bool {
    Digits::of(text).is_some()
}

/// Whether a text is a whole number from 0, in digits alone.
pub fn is_count(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && is_number(text)
}

/// Which of two numbers is the larger; `None` where one is none.
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (Digits::of(a)?, Digits::of(b)?);
    let sign = |is_negative: bool| if is_negative { -1 } else { 1 };
    Some(match (a.size(), b.size()) {
        (None, None) => Ordering::Equal,
        (Some(_), None) => sign(a.is_negative).cmp(&0),
        (None, Some(_)) => 0.cmp(&sign(b.is_negative)),
        (Some(_), Some(_)) if a.is_negative != b.is_negative => b.is_negative.cmp(&a.is_negative),
        (Some((a_point, a_digits)), Some((b_point, b_digits))) => {
            let by_size = a_point.cmp(&b_point).then_with(|| a_digits.cmp(b_digits));
            if a.is_negative { by_size.reverse() } else { by_size }
        }
    })
}

/// A float in its digits: a whole one in all of them, another one in as few as lead back to it.
pub fn write(number: f64, out: &mut impl Write) -> fmt::Result {
    // Beyond that, `as` keeps to the end of the type.
    const LARGEST: f64 = i128::MAX as f64;
    if number.fract() == 0.0 && number.abs() < LARGEST {
        return match number.abs() <= EACH_WHOLE {
            true => write!(out, "{}", number as i64),
            false => write!(out, "{}", number as i128),
        };
    }
    write!(out, "{number}")
}

pub fn written(number: f64) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(number, &mut text);
    text
}

/// The float that is written just like this. `None` if there is none, since the number has more digits or is spelled
/// in another way.
pub fn float(text: &str) -> Option<f64> {
    if text.len() <= 15 && is_count(text) {
        return text.parse().ok();
    }
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && is_number(text))?;
    let mut left = Left(text);
    (write(number, &mut left).is_ok() && left.0.is_empty()).then_some(number)
}

/// What is left of a text after what was written.
struct Left<'t>(&'t str);

impl Write for Left<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(text).ok_or(fmt::Error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_other_texts() {
        for number in ["0", "-0", "7", "10.50", "1e3", "1E+400", "-1.5e-7", "123456789012345678901234567890"] {
            assert!(is_number(number), "{number}");
        }
        for none in ["", "-", "00501", "+7", ".5", "5.", "1e", "1e+", "0x1", "1_000", " 1", "1 ", "inf", "NaN", "-01"] {
            assert!(!is_number(none), "{none}");
        }
        assert!(is_count("18446744073709551616") && !is_count("-1") && !is_count("1.0") && !is_count("007"));
    }

    #[test]
    fn numbers_are_compared_by_their_digits() {
        let rising = [
            "-1e400",
            "-9007199254740993",
            "-9007199254740992",
            "-1.5",
            "-1e-400",
            "0",
            "1e-400",
            "0.1",
            "0.1000000000000000055",
            "1.10",
            "1.11",
            "9",
            "10",
            "9223372036854775806",
            "9223372036854775807",
            "12345678901234567.25",
            "12345678901234567890123",
            "1e400",
            "1e99999999999999999999",
        ];
        let mut sorted = rising;
        sorted.sort_by(|a, b| compare(a, b).unwrap());
        let place = |text: &str| sorted.iter().position(|own| *own == text);
        assert!(place("12345678901234567.25") < place("9223372036854775806"), "{sorted:?}");
        assert_eq!(sorted.first().zip(sorted.last()), Some((&"-1e400", &"1e99999999999999999999")));
        for pair in sorted.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Some(Ordering::Less), "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Some(Ordering::Greater), "{pair:?}");
        }
        for (a, b) in
            [("1.10", "1.1"), ("1e3", "1000"), ("-0", "0.00"), ("0e5", "0"), ("12.5E-1", "1.250"), ("100", "1e2")]
        {
            assert_eq!(compare(a, b), Some(Ordering::Equal), "{a} {b}");
        }
        assert_eq!(compare("007", "7"), None);
    }

    #[test]
    fn a_float_stands_for_what_it_is_written_as() {
        for same in ["0", "42", "-3", "0.5", "19.9", "9007199254740992", "10000000000000000", "-1.25"] {
            assert_eq!(float(same).map(written).as_deref(), Some(same));
        }
        for other in
            ["-0", "1.10", "1e3", "9007199254740993", "1e400", "0.10000000000000001", "12345678901234567890123"]
        {
            assert_eq!(float(other), None, "{other}");
        }
        assert_eq!(written(-0.0), "0");
        assert_eq!(written(1e16), "10000000000000000");
    }
}
