//! The forms of a secret to search for in a text: itself, its lines, and both as other programs encode them.

use super::echo;
use crate::base::hex;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// A text of at most so many bytes is searched for as it is, a longer one in pieces of that length, each of which
/// begins so many bytes after the one before: a part of a secret is as telling, and the search stays linear.
const PIECE: usize = 64;
const STEP: usize = 45;
/// Where a piece may begin: what was coded in Base64 twice in front of it are whole letters.
const WHOLE: usize = 9;
/// What is shorter is coded in so few letters that they could be anything; a line that is shorter is none of its secret.
const LEAST: usize = 4;
/// So many letters of what stands within Base64 could be nothing else.
const WITHIN: usize = 8;
/// Secrets of more pieces are not searched for in doubly encoded text: a mask must not take more memory than the run.
const PIECES: usize = 256;

/// A form, folded: what is compared does not tell capitals of ASCII from small letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Form {
    pub bytes: Vec<u8>,
    /// So many of its first letters in front of a cut are taken for its beginning.
    pub telling: usize,
}

/// All of a secret.
#[derive(Default)]
pub struct All {
    /// As a reader of the text would decode it.
    pub texts: Vec<Form>,
    /// As programs print bytes, without what they put between these.
    pub codes: Vec<Form>,
}

/// An empty secret hides nothing, and would hide everything.
pub fn of(secret: &str) -> All {
    let pieces = pieces(secret);
    let mut all = All::default();
    for piece in &pieces {
        all.texts.push(Form { bytes: piece.to_ascii_lowercase(), telling: 1 });
        if piece.len() < LEAST {
            continue;
        }
        let once = coded(piece);
        let few = pieces.len() <= PIECES;
        let twice = once.iter().filter(|_| few).flat_map(|form| coded(form));
        let changed = changed(piece).into_iter().filter(|_| few).flat_map(|text| coded(&text));
        let codes = once.iter().cloned().chain(twice).chain(printed(piece)).chain(changed);
        all.codes.extend(codes.map(|form| Form { bytes: form.to_ascii_lowercase(), telling: LEAST }));
    }
    for forms in [&mut all.texts, &mut all.codes] {
        forms.sort();
        forms.dedup_by(|later, former| later.bytes == former.bytes);
    }
    all
}

/// A text as it stands in others, which are coded as a whole: in JSON, HTML and URLs, and in two bytes for each letter.
fn changed(piece: &[u8]) -> Vec<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(piece) else { return Vec::new() };
    let json = serde_json::Value::from(text).to_string();
    let json = &json[1..json.len() - 1];
    let each = |escape: &dyn Fn(char) -> Option<String>, text: &str| {
        text.chars().map(|c| escape(c).unwrap_or_else(|| c.to_string())).collect::<String>()
    };
    let of_unicode = |c: char| {
        (!c.is_ascii()).then(|| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect())
    };
    let of_html = |c: char| {
        Some(match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&#x27;".to_owned(),
            _ => return None,
        })
    };
    let of_urls = |c: char| {
        let plain = c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
        (!plain).then(|| c.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")).collect())
    };
    let escaped = [json.to_owned(), each(&of_unicode, json), each(&of_html, text), each(&of_urls, text)];
    let mut all: Vec<Vec<u8>> = escaped.into_iter().filter(|other| other != text).map(String::into_bytes).collect();
    all.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    all.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    all
}

/// A secret and its lines, as they are and as other programs change them without any key, cut into pieces.
fn pieces(secret: &str) -> Vec<Vec<u8>> {
    let mut texts = vec![secret.as_bytes().to_vec()];
    texts.extend([secret.to_lowercase(), secret.to_uppercase()].map(String::into_bytes));
    // Quotes are doubled in CSV and SQL.
    texts.extend(['"', '\''].map(|quote| secret.replace(quote, &[quote; 2].iter().collect::<String>()).into_bytes()));
    texts.extend(of_latin_1(secret).into_iter().flatten());
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

/// With one byte for each letter, where that can be, and as what is left of that where it is taken for UTF-8.
fn of_latin_1(secret: &str) -> Option<[Vec<u8>; 2]> {
    let bytes: Vec<u8> = secret.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect::<Option<_>>()?;
    let left = secret.chars().filter(char::is_ascii).count();
    let lost = String::from_utf8_lossy(&bytes).into_owned().into_bytes();
    (left < bytes.len() && left >= LEAST).then_some([bytes, lost])
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

/// As programs print bytes in numbers of base 10 and 8, and in Base32. Between these may stand whatever a list has.
fn printed(text: &[u8]) -> Vec<Vec<u8>> {
    let base_32 = base_32(text);
    let of_numbers = |shown: &dyn Fn(&u8) -> String| text.iter().map(shown).collect::<String>();
    let all = [
        of_numbers(&u8::to_string),
        of_numbers(&|byte| format!("{byte:03o}")),
        base_32.trim_end_matches('=').to_owned(),
        base_32,
    ];
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
        let All { texts, codes } = of(secret);
        texts.iter().chain(&codes).any(|own| own.bytes == form.to_ascii_lowercase().as_bytes())
    }

    #[test]
    fn a_short_secret_hides_only_itself() {
        assert!(of("").texts.is_empty() && of("").codes.is_empty());
        assert_eq!(of("aB1").texts, [Form { bytes: b"ab1".to_vec(), telling: 1 }]);
        assert!(of("aB1").codes.is_empty());
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
