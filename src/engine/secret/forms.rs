//! The forms of a secret that a text is searched for: itself, its lines, and both as other programs code them.

use super::echo;
use crate::base::hex;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// A text of at most so many bytes is searched for as it is, a longer one in pieces of that length, each of which
/// begins so many bytes behind the one before: a part of a secret is as telling, and the search stays linear.
const PIECE: usize = 64;
const STEP: usize = 45;
/// Where a piece may begin: what was coded in Base64 twice in front of it are whole letters.
const WHOLE: usize = 9;
/// What is shorter is coded in so few letters that they could be anything; a line that is shorter is none of its secret.
const LEAST: usize = 4;
/// So many letters of what stands within Base64 could be nothing else.
const WITHIN: usize = 8;
/// Secrets of more pieces are not searched for in what was coded twice: a mask shall not take more memory than the run.
const PIECES: usize = 256;

/// A form, folded: what is compared does not tell capitals of ASCII from small letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Form {
    pub bytes: Vec<u8>,
    /// So many of its first letters in front of a cut are taken for its beginning.
    pub telling: usize,
}

/// All of a secret; an empty one hides nothing, and would hide everything.
pub fn of(secret: &str) -> Vec<Form> {
    let pieces = pieces(secret);
    let mut all: Vec<Form> = Vec::new();
    for piece in &pieces {
        all.push(Form { bytes: piece.to_ascii_lowercase(), telling: 1 });
        if piece.len() < LEAST {
            continue;
        }
        let once = coded(piece);
        let twice = once.iter().filter(|_| pieces.len() <= PIECES).flat_map(|form| coded(form));
        let all_coded = once.iter().cloned().chain(twice).chain(printed(piece));
        all.extend(all_coded.map(|form| Form { bytes: form.to_ascii_lowercase(), telling: LEAST }));
    }
    all.sort();
    all.dedup_by(|later, former| later.bytes == former.bytes);
    all
}

/// A secret and its lines, as they are and as other programs change them without any key, cut into pieces.
fn pieces(secret: &str) -> Vec<Vec<u8>> {
    let mut texts = vec![secret.as_bytes().to_vec()];
    texts.extend([secret.to_lowercase(), secret.to_uppercase()].map(String::into_bytes));
    // One that looks coded itself is read as what that means, by whoever reads an echo of it.
    let mut read = secret.as_bytes().to_vec();
    for _ in 1..echo::LAYERS {
        read = echo::read(&read);
        texts.push(read.clone());
    }
    let mut lines: Vec<Vec<u8>> = Vec::new();
    if secret.trim().contains(['\n', '\r']) {
        let own = secret.split(['\n', '\r']).map(|line| line.trim().as_bytes().to_vec());
        lines.extend(own.filter(|line| line.len() >= LEAST));
    }
    let changed = |text: &Vec<u8>| text == secret.as_bytes() || text.len() >= LEAST;
    let mut all: Vec<Vec<u8>> =
        texts.iter().filter(|text| changed(text)).chain(&lines).flat_map(|text| cut(text)).collect();
    all.sort();
    all.dedup();
    all
}

fn cut(text: &[u8]) -> Vec<Vec<u8>> {
    match text.len() {
        0 => Vec::new(),
        1..=PIECE => vec![text.to_vec()],
        length => {
            let last = (length - PIECE) / WHOLE * WHOLE;
            let pieces = (0..last).step_by(STEP).map(|start| &text[start..start + PIECE]);
            pieces.chain([&text[last..]]).map(<[u8]>::to_vec).collect()
        }
    }
}

/// In hexadecimal, in Base64, and what of it is the same wherever it stands in a text that is coded in Base64, such as
/// a name and a password.
fn coded(text: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![hex(text)];
    all.extend([&STANDARD, &URL_SAFE].map(|code| code.encode(text)));
    // Without its padding, where it does not stand within anything.
    all.extend([&STANDARD_NO_PAD, &URL_SAFE_NO_PAD].map(|code| code.encode(text)));
    for before in 0..3 {
        let whole = [&[0; 2][..before], text].concat();
        let (from, to) = ((before * 8).div_ceil(6), whole.len() * 8 / 6);
        let within = [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD].map(|code| code.encode(&whole)[from..to].to_owned());
        all.extend(within.into_iter().filter(|form| form.len() >= WITHIN));
    }
    all.sort();
    all.dedup();
    all.into_iter().map(String::into_bytes).collect()
}

/// As programs print bytes, one by one or two together, and in Base32.
fn printed(text: &[u8]) -> Vec<Vec<u8>> {
    let pairs: Vec<String> = text.iter().map(|byte| hex(&[*byte])).collect();
    let numbers: Vec<String> = text.iter().map(u8::to_string).collect();
    let mut all: Vec<String> =
        [" ", ":", "-", ",", ", ", " 0x", ",0x", ", 0x"].map(|between| pairs.join(between)).into();
    all.extend([" ", ",", ", "].map(|between| numbers.join(between)));
    for first in [1, 2] {
        let (before, rest) = pairs.split_at(first);
        let words = [before].into_iter().chain(rest.chunks(2)).map(|word| word.concat());
        all.push(words.collect::<Vec<_>>().join(" "));
    }
    let base_32 = base_32(text);
    all.push(base_32.trim_end_matches('=').to_owned());
    all.push(base_32);
    all.into_iter().map(String::into_bytes).collect()
}

/// RFC 4648, 6.
fn base_32(text: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let coded = text.chunks(5).flat_map(|five| {
        let bits = (0..5).fold(0, |bits, at| bits << 8 | u64::from(five.get(at).copied().unwrap_or(0)));
        let digits = (five.len() * 8).div_ceil(5);
        (0..8).map(move |at| match at < digits {
            true => char::from(DIGITS[(bits >> (35 - 5 * at)) as usize % 32]),
            false => '=',
        })
    });
    coded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_32_is_that_of_the_standard() {
        for (text, coded) in [
            ("", ""),
            ("f", "MY======"),
            ("fo", "MZXQ===="),
            ("foo", "MZXW6==="),
            ("foob", "MZXW6YQ="),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI======"),
        ] {
            assert_eq!(base_32(text.as_bytes()), coded);
        }
    }

    fn has(secret: &str, form: &str) -> bool {
        of(secret).iter().any(|own| own.bytes == form.to_ascii_lowercase().as_bytes())
    }

    #[test]
    fn a_short_secret_hides_only_itself() {
        assert_eq!(of("").len(), 0);
        assert_eq!(of("aB1"), [Form { bytes: b"ab1".to_vec(), telling: 1 }]);
        assert!(has("ab12", "61623132") && has("ab12", "YWIxMg=="));
    }

    #[test]
    fn each_line_is_a_secret_and_a_long_one_has_pieces_without_a_gap() {
        assert!(has("one line\n  and another  \n}", "and another") && !has("one line\n}", "}"));
        let long: String = (0..200).map(|n| format!("{n:03}")).collect();
        let all = cut(long.as_bytes());
        assert!(all.iter().all(|piece| (PIECE..PIECE + WHOLE).contains(&piece.len())));
        let starts = all.iter().map(|piece| long.find(std::str::from_utf8(piece).unwrap()).unwrap());
        assert_eq!(
            starts.collect::<Vec<_>>(),
            (0..=12).map(|n| n * STEP).take_while(|at| *at < 531).chain([531]).collect::<Vec<_>>()
        );
        assert!(long.ends_with(std::str::from_utf8(all.last().unwrap()).unwrap()));
    }
}
