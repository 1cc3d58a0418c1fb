//! `numeric` of PostgreSQL: groups of four decimal digits, as the server sends and reads them.

use super::rows::quoted;
use std::fmt::Write;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;
/// Larger ones the server refuses as well.
const DIGITS: usize = 16_000;
/// A number has no more digits after its point (`NUMERIC_DSCALE_MAX`), and a group of four is less than this.
const SCALE: usize = 0x3FFF;
const GROUP: u16 = 10_000;

/// Writes it as a number in all its digits; what is none as a text. None where it is broken.
pub fn read(bytes: &[u8], out: &mut String) -> Option<()> {
    let word = |at: usize| Some(u16::from_be_bytes(bytes.get(2 * at..2 * at + 2)?.try_into().ok()?));
    let (count, weight, sign, scale) = (usize::from(word(0)?), word(1)? as i16, word(2)?, usize::from(word(3)?));
    let special = match sign {
        0 | NEGATIVE => None,
        NAN => Some("NaN"),
        INFINITY => Some("Infinity"),
        MINUS_INFINITY => Some("-Infinity"),
        _ => return None,
    };
    if let Some(special) = special {
        quoted(special, out);
        return Some(());
    }
    let is_whole = bytes.len() == 8 + 2 * count && (0..count).all(|at| word(4 + at).is_some_and(|own| own < GROUP));
    if !is_whole || scale > SCALE {
        return None;
    }
    // A 0 has no groups, and as many digits as its scale says.
    let weight = if count == 0 { 0 } else { weight };
    if sign == NEGATIVE {
        out.push('-');
    }
    // The group of a power of 10000; those that are not there are 0.
    let group = |power: i32| {
        let at = i32::from(weight) - power;
        usize::try_from(at).ok().filter(|at| *at < count).and_then(|at| word(4 + at)).unwrap_or(0)
    };
    match weight {
        ..0 => out.push('0'),
        _ => {
            let _ = write!(out, "{}", group(i32::from(weight)));
            for power in (0..i32::from(weight)).rev() {
                let _ = write!(out, "{:04}", group(power));
            }
        }
    }
    if scale > 0 {
        out.push('.');
        let begun = out.len();
        let mut power = -1;
        while out.len() - begun < scale {
            let _ = write!(out, "{:04}", group(power));
            power -= 1;
        }
        out.truncate(begun + scale);
    }
    Some(())
}

/// The bytes of a decimal number, with or without an exponent. None where it is none.
pub fn write(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, exponent) = match digits.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    if all().next().is_none() || !all().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // Where the point stands among all digits.
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let after = i32::try_from(whole.len() + fraction.len()).ok()? - point;
    if point.unsigned_abs() as usize > DIGITS || after.unsigned_abs() as usize > DIGITS {
        return None;
    }
    let scale = u16::try_from(after.max(0)).ok()?;
    // Filled up so that groups of four begin at the point.
    let mut padded: Vec<u8> = vec![b'0'; (-point).rem_euclid(4) as usize];
    padded.extend(all());
    let mut weight = (point + 3).div_euclid(4) - 1;
    padded.resize(padded.len().next_multiple_of(4).max(4 * usize::try_from(weight + 1).unwrap_or(0)), b'0');
    let number = |group: &[u8]| group.iter().fold(0u16, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    let mut groups: Vec<u16> = padded.chunks(4).map(number).collect();
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let empty = groups.iter().take_while(|group| **group == 0).count();
    groups.drain(..empty);
    weight -= empty as i32;
    let sign = if negative && !groups.is_empty() { NEGATIVE } else { 0 };
    let weight = if groups.is_empty() { 0 } else { i16::try_from(weight).ok()? };
    out.extend_from_slice(&u16::try_from(groups.len()).ok()?.to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&scale.to_be_bytes());
    groups.iter().for_each(|group| out.extend_from_slice(&group.to_be_bytes()));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_in_all_its_digits() {
        for text in [
            "0",
            "1",
            "-1",
            "10",
            "12345",
            "123456789012345678901234567890",
            "0.1",
            "-0.0001",
            "0.00001234",
            "19.90",
            "1000000",
            "10000.0001",
            "0.0",
            "99999999.99999999",
            "1234.5678",
        ] {
            let (mut bytes, mut again) = (Vec::new(), String::new());
            write(text, &mut bytes).unwrap();
            read(&bytes, &mut again).unwrap();
            assert_eq!(again, text, "{bytes:?}");
        }
        for (text, plain) in [("1e3", "1000"), ("1.5e-3", "0.0015"), ("12e-1", "1.2"), ("2E+5", "200000"), ("+7", "7")]
        {
            let (mut bytes, mut again) = (Vec::new(), String::new());
            write(text, &mut bytes).unwrap();
            read(&bytes, &mut again).unwrap();
            assert_eq!(again, plain);
        }
        for text in ["", "-", "1x", "e5", ".", "1e99999999999", "1e40000"] {
            assert!(write(text, &mut Vec::new()).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let read_words = |words: &[u16]| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            let mut out = String::new();
            read(&bytes, &mut out).map(|()| out)
        };
        assert_eq!(read_words(&[0, 0x7fff, 0, 2]).as_deref(), Some("0.00"), "a 0 has no groups before its point");
        assert_eq!(read_words(&[1, 0, 0, 0x3fff, 1]).map(|text| text.len()), Some(2 + 0x3fff));
        for (words, why) in [
            (&[9, 0, 0, 0][..], "a group is missing"),
            (&[1, 0, 0, 0, 1, 1], "a group too many"),
            (&[1, 0, 0, 0, 10_000], "a group of five digits"),
            (&[1, 0, 0, 0x4000, 1], "more digits after the point than there can be"),
            (&[1, 0, 0x1234, 0, 1], "a sign that is none"),
            (&[1, 0, 0], "no scale"),
        ] {
            assert_eq!(read_words(words), None, "{why}");
        }
    }
}
