//! Finds secrets in a text, however its letters are coded there. At each place a letter is itself or what an escape says
//! there: of HTML, CSS, JSON, JavaScript, C, URLs, mails. What cannot be seen may stand between letters, and in codes also blanks and
//! punctuation. What that gives is read once more, since an echo is often coded for more
//! than one reader. A form is at most as long as a piece of a secret coded twice, so the work is linear in the text.

use super::forms::{self, Form};
use crate::base::boundary;
use std::ops::Range;

/// How often a text is decoded: the number of nested layers of escapes.
pub const LAYERS: usize = 3;

/// A mark that a text goes on, before which a secret may have been cut.
const MARK: &[u8] = "…".as_bytes();

/// So many letters of a name or a number are read, and zeros before it.
const ESCAPE: usize = 40;

/// So many of what is not looked at may stand between two letters.
const BETWEEN: u8 = 32;

/// The forms of all secrets.
#[derive(Default)]
pub struct Forms([Alike; 2]);

/// Forms in their order, so that those that begin alike stand together.
#[derive(Default)]
struct Alike {
    sorted: Vec<Form>,
    /// The letters with which one begins.
    begins: Box<[bool]>,
    /// Blanks and punctuation between their letters are not looked at.
    are_codes: bool,
}

/// A place in the text up to which the first letters of some forms were found.
#[derive(Debug, Clone, Copy)]
struct Way {
    at: usize,
    depth: usize,
    low: usize,
    high: usize,
    /// How much lies between the last letter and the place.
    over: u8,
}

impl Way {
    fn is_as_far(&self, other: &Way) -> bool {
        (self.at, self.depth, self.low, self.high) == (other.at, other.depth, other.low, other.high)
    }
}

/// A text as it is, or as it was read, with the place of each byte in the text.
struct Layer {
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Forms {
    pub fn of<'s>(secrets: impl IntoIterator<Item = &'s String>) -> Forms {
        let (mut texts, mut codes) = (Vec::new(), Vec::new());
        for all in secrets.into_iter().map(|secret| forms::of(secret)) {
            texts.extend(all.texts);
            codes.extend(all.codes);
        }
        Forms([Alike::new(texts, false), Alike::new(codes, true)])
    }
}

impl Alike {
    fn new(mut sorted: Vec<Form>, are_codes: bool) -> Alike {
        sorted.sort();
        sorted.dedup_by(|later, former| later.bytes == former.bytes);
        let mut begins = vec![false; 256];
        sorted.iter().for_each(|form| begins[usize::from(form.bytes[0])] = true);
        Alike { sorted, begins: begins.into(), are_codes }
    }

    fn find_in(&self, layer: &Layer, found: &mut Vec<Range<usize>>) {
        let mut ways = Vec::new();
        for start in 0..layer.bytes.len() {
            let byte = layer.bytes[start].to_ascii_lowercase();
            if (self.begins[usize::from(byte)] || b"%\\&+=".contains(&byte))
                && let Some(end) = self.longest(&layer.bytes, start, &mut ways)
            {
                found.push(layer.places[start].start..layer.places[end - 1].end);
            }
        }
    }

    /// The end of the longest form that begins there, or of the beginning of one that was cut.
    fn longest(&self, text: &[u8], start: usize, ways: &mut Vec<Way>) -> Option<usize> {
        let mut end = None;
        ways.clear();
        ways.push(Way { at: start, depth: 0, low: 0, high: self.sorted.len(), over: 0 });
        // The first place first: what leads there has all been seen, so each way is gone once.
        while let Some(next) = (0..ways.len()).min_by_key(|way| ways[*way].at) {
            let way = ways.swap_remove(next);
            if way.depth > 0 && (self.sorted[way.low].bytes.len() == way.depth || self.is_begun(&way, &text[way.at..]))
            {
                end = end.max(Some(way.at));
            }
            each_letter(&text[way.at..], |length, letters| {
                let here = Way { at: way.at + length, ..way };
                let further = letters.iter().try_fold(here, |way, letter| self.further(way, *letter));
                // Base64 and keys are printed on lines of any length, and UTF-16 has a zero next to each letter.
                let unseen = is_unseen(letters) || self.are_codes && is_between(letters);
                let over = unseen.then(|| self.unfinished(here)).flatten();
                for way in further.into_iter().chain(over) {
                    match ways.iter_mut().find(|other| other.is_as_far(&way)) {
                        Some(other) => other.over = other.over.min(way.over),
                        None => ways.push(way),
                    }
                }
            });
        }
        end
    }

    /// One letter on.
    fn further(&self, way: Way, letter: u8) -> Option<Way> {
        let letter = letter.to_ascii_lowercase();
        let among = &self.sorted[way.low..way.high];
        let at = |form: &Form| form.bytes.get(way.depth).copied();
        let low = way.low + among.partition_point(|form| at(form) < Some(letter));
        let high = way.low + among.partition_point(|form| at(form) <= Some(letter));
        (low < high).then_some(Way { depth: way.depth + 1, low, high, over: 0, ..way })
    }

    /// With only the forms of which one part is found and another is not.
    fn unfinished(&self, way: Way) -> Option<Way> {
        let whole = self.sorted[way.low].bytes.len() == way.depth;
        let low = way.low + usize::from(whole);
        (way.depth > 0 && low < way.high && way.over < BETWEEN).then_some(Way { low, over: way.over + 1, ..way })
    }

    /// Whether the text is cut there, maybe within an escape, after enough letters of a form.
    fn is_begun(&self, way: &Way, rest: &[u8]) -> bool {
        let cut = match rest {
            [b'%' | b'\\' | b'&' | b'=', more @ ..] => {
                let within = |byte: &&u8| byte.is_ascii_alphanumeric() || b"#{".contains(byte);
                &more[more.iter().take(ESCAPE).take_while(within).count()..]
            }
            rest => rest,
        };
        cut.starts_with(MARK) && self.sorted[way.low..way.high].iter().any(|form| form.telling <= way.depth)
    }
}

impl Layer {
    fn of(text: &[u8]) -> Layer {
        Layer { bytes: text.to_vec(), places: (0..text.len()).map(|at| at..at + 1).collect() }
    }

    /// Its decoded text; none if it has no escapes.
    fn read(&self) -> Option<Layer> {
        let mut next =
            Layer { bytes: Vec::with_capacity(self.bytes.len()), places: Vec::with_capacity(self.bytes.len()) };
        let (mut at, mut changed) = (0, false);
        while at < self.bytes.len() {
            let (length, letters) = first_escape(&self.bytes[at..]).unwrap_or((1, vec![self.bytes[at]]));
            changed |= length > 1;
            let place = self.places[at].start..self.places[at + length - 1].end;
            next.places.extend(letters.iter().map(|_| place.clone()));
            next.bytes.extend(letters);
            at += length;
        }
        changed.then_some(next)
    }
}

/// A text as it is read once.
pub fn read(text: &[u8]) -> Vec<u8> {
    Layer::of(text).read().map_or_else(|| text.to_vec(), |next| next.bytes)
}

fn first_escape(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    let mut first = None;
    each_escape(text, &mut |length, letters| {
        first.get_or_insert_with(|| (length, letters.to_vec()));
    });
    first
}

/// Breaks of lines with what indents the next, controls, and the characters of Unicode that have no width.
fn is_unseen(letters: &[u8]) -> bool {
    match letters {
        [b'\n' | b'\r', blanks @ ..] if blanks.iter().all(|byte| matches!(byte, b' ' | b'\t')) => true,
        [0..=0x1f | 0x7f]
        // Controls of Latin-1, soft hyphens, joiners and fillers.
        | [0xc2, 0x80..=0x9f | 0xad]
        | [0xcd, 0x8f]
        | [0xe1, 0x85, 0x9f | 0xa0]
        | [0xe1, 0xa0, 0x8b..=0x8f]
        | [0xe2, 0x80, 0x8b..=0x8f | 0xa8..=0xae]
        | [0xe2, 0x81, 0xa0..=0xaf]
        | [0xe3, 0x85, 0xa4]
        // Which variant of a letter is meant.
        | [0xef, 0xb8, 0x80..=0x8f]
        | [0xef, 0xbb, 0xbf]
        | [0xf3, 0xa0, 0x80..=0x87, _] => true,
        _ => false,
    }
}

/// What stands between the bytes of a list.
fn is_between(letters: &[u8]) -> bool {
    match letters {
        [b'0', b'x'] => true,
        [letter] => *letter == b' ' || letter.is_ascii_punctuation(),
        _ => false,
    }
}

/// Everything that the first letter of a text can be: itself, a blank of a form, what an escape says.
fn each_letter(text: &[u8], mut each: impl FnMut(usize, &[u8])) {
    let Some(first) = text.first() else { return };
    each(1, &[*first]);
    match first {
        b'+' => each(1, b" "),
        b'=' => of_mail(&text[1..], &mut each),
        b'\\' => {
            each_escape(text, &mut each);
            short(&text[1..], &mut each);
        }
        b'\n' | b'\r' => {
            let blanks = text[1..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).take(usize::from(BETWEEN));
            let length = 1 + blanks.count();
            each(length, &text[..length]);
        }
        b'0' if text.get(1) == Some(&b'x') => each(2, b"0x"),
        0xc2 | 0xcd | 0xe1 | 0xe2 | 0xe3 | 0xef | 0xf3 => {
            let unseen = [2, 3, 4].into_iter().filter_map(|length| text.get(..length)).find(|letter| is_unseen(letter));
            let _ = unseen.map(|letter| each(letter.len(), letter));
        }
        _ => each_escape(text, &mut each),
    }
}

/// Quoted-printable (RFC 2045, 6.7). A `=` in front of two digits mostly is none of it, so texts are not read by it.
fn of_mail(text: &[u8], each: &mut impl FnMut(usize, &[u8])) {
    match text {
        [b'\n', ..] => each(2, b"\n"),
        [b'\r', b'\n', ..] => each(3, b"\n"),
        _ => {
            let _ = number(text, 16, 2..=2).map(|(length, code)| each(1 + length, &[code as u8]));
        }
    }
}

/// After a backslash, what has as few digits as it needs: in C of base 8, in CSS of base 16 with maybe a blank after them.
/// Mostly it is neither, so texts are not read by it.
fn short(text: &[u8], each: &mut impl FnMut(usize, &[u8])) {
    if let Some((length, code)) = number(text, 8, 1..=2) {
        each(1 + length, &[code as u8]);
    }
    if let Some((length, code)) = number(text, 16, 1..=6) {
        letter(1 + length, code, each);
        if text.get(length).is_some_and(u8::is_ascii_whitespace) {
            letter(2 + length, code, each);
        }
    }
}

/// Everything that an escape at the beginning of a text can say.
fn each_escape(text: &[u8], each: &mut impl FnMut(usize, &[u8])) {
    match text {
        [b'%', b'u' | b'U', rest @ ..] => {
            let _ = number(rest, 16, 4..=4).map(|(length, code)| letter(2 + length, code, each));
        }
        [b'%', rest @ ..] => {
            let _ = number(rest, 16, 2..=2).map(|(length, code)| each(1 + length, &[code as u8]));
        }
        [b'&', b'#', b'x' | b'X', rest @ ..] => of_html(3, rest, 16, each),
        [b'&', b'#', rest @ ..] => of_html(2, rest, 10, each),
        [b'&', rest @ ..] => named(rest, each),
        [b'\\', rest @ ..] => backslash(rest, each),
        _ => {}
    }
}

fn of_html(before: usize, text: &[u8], radix: u32, each: &mut impl FnMut(usize, &[u8])) {
    let zeros = text.iter().take(ESCAPE).take_while(|byte| **byte == b'0').count();
    if let Some((length, code)) = number(&text[zeros..], radix, 1..=7) {
        let end = zeros + length;
        letter(before + end + usize::from(text.get(end) == Some(&b';')), code, each);
    }
}

fn named(text: &[u8], each: &mut impl FnMut(usize, &[u8])) {
    let length = text.iter().take(ESCAPE).take_while(|byte| byte.is_ascii_alphanumeric()).count() + 1;
    let name = text.get(..length).and_then(|name| std::str::from_utf8(name).ok());
    if let Some((first, second)) = name.and_then(|name| web_atoms::NAMED_ENTITIES.get(name)) {
        let letters = [*first, *second].into_iter().filter(|code| *code != 0).filter_map(char::from_u32);
        each(1 + length, letters.collect::<String>().as_bytes());
    }
}

fn backslash(text: &[u8], each: &mut impl FnMut(usize, &[u8])) {
    match text {
        [b'u', b'{', rest @ ..] => {
            if let Some((length, code)) = number(rest, 16, 1..=6).filter(|(end, _)| rest.get(*end) == Some(&b'}')) {
                letter(4 + length, code, each);
            }
        }
        [b'u', rest @ ..] => utf_16(rest, each),
        [b'U', rest @ ..] => {
            let _ = number(rest, 16, 8..=8).map(|(length, code)| letter(2 + length, code, each));
        }
        [b'x', rest @ ..] => {
            if let Some((length, code)) = number(rest, 16, 2..=2) {
                each(2 + length, &[code as u8]);
                // In JavaScript a letter of Latin-1, in C a byte.
                letter(2 + length, code, each);
            }
        }
        [digit @ b'0'..=b'7', rest @ ..] => {
            if let Some((length, code)) = number(text, 8, 3..=3).filter(|(_, code)| *code < 256) {
                each(1 + length, &[code as u8]);
            } else if *digit == b'0' && !rest.first().is_some_and(u8::is_ascii_digit) {
                each(2, &[0]);
            }
        }
        [letter, ..] if letter.is_ascii_alphabetic() => {
            let known = [(b'n', b'\n'), (b'r', b'\r'), (b't', b'\t'), (b'b', 8), (b'f', 12), (b'v', 11), (b'a', 7)];
            let _ = known.iter().find(|(name, _)| name == letter).map(|(_, control)| each(2, &[*control]));
        }
        [other, ..] if other.is_ascii() => each(2, &[*other]),
        _ => {}
    }
}

/// `00fc`, or two of them with `\u` between, as JSON writes what lies outside of the first plane.
fn utf_16(text: &[u8], each: &mut impl FnMut(usize, &[u8])) {
    let Some((_, high)) = number(text, 16, 4..=4) else { return };
    let low = text.get(4..6).filter(|between| *between == b"\\u").and_then(|_| number(&text[6..], 16, 4..=4));
    match (high, low) {
        (0xd800..=0xdbff, Some((_, low @ 0xdc00..=0xdfff))) => {
            letter(12, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), each);
        }
        _ => letter(6, high, each),
    }
}

fn letter(length: usize, code: u32, each: &mut impl FnMut(usize, &[u8])) {
    if let Some(letter) = char::from_u32(code) {
        each(length, letter.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// As many digits as may be, and their value.
fn number(text: &[u8], radix: u32, digits: std::ops::RangeInclusive<usize>) -> Option<(usize, u32)> {
    let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
    let length = text.iter().take(*digits.end()).take_while(is_digit).count();
    let text = std::str::from_utf8(&text[..length]).ok().filter(|_| digits.contains(&length))?;
    Some((length, u32::from_str_radix(text, radix).ok()?))
}

/// Where secrets stand, in order and apart from each other. All of them are looked for in the same text: what is taken out of
/// it would hide from a second look what it was a part of.
pub fn find(text: &str, forms: &[&Forms]) -> Vec<Range<usize>> {
    let forms: Vec<&Alike> = forms.iter().flat_map(|forms| &forms.0).filter(|alike| !alike.sorted.is_empty()).collect();
    let mut found = Vec::new();
    let mut layer = Layer::of(text.as_bytes());
    for _ in 0..if forms.is_empty() { 0 } else { LAYERS } {
        forms.iter().for_each(|forms| forms.find_in(&layer, &mut found));
        match layer.read() {
            Some(next) => layer = next,
            None => break,
        }
    }
    joined(found, text)
}

/// Those that touch are one. A letter of the text is hidden whole.
fn joined(mut found: Vec<Range<usize>>, text: &str) -> Vec<Range<usize>> {
    found.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<usize>> = Vec::new();
    for mut range in found {
        range = boundary::floor(text, range.start)..boundary::ceil(text, range.end);
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}
