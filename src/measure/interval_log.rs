//! HdrHistogram's interval log, the text that `HistogramLogProcessor` and the tools around it read: one line for each
//! interval and tag, with the histogram as a base64 payload. Files are built by appending what this module returns.
//!
//! Payloads are written and read here. hdrhistogram's serializer wants a whole histogram for each of the hundreds of
//! lines a second, where packed counts are what it would write of it. Its deserializer allocates whatever length a
//! payload claims, while a file that a crash left behind has to be read without such surprises.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, FlushCompress};
use std::io::Read as _;

use super::histogram::{self, Counts, Packer, varint};

const LEGEND: &str = "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"";
/// The column Interval_Max is for people and is written in milliseconds.
const MAX_DIVISOR: f64 = 1_000_000.0;

/// One interval of one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// Empty when the line carries none.
    pub tag: String,
    pub start_ns: u64,
    pub length_ns: u64,
    pub counts: Counts,
}

/// The head of a file. Line breaks inside a comment continue it as a further comment.
pub fn header(started_epoch_seconds: f64, comments: &[&str]) -> Vec<u8> {
    let mut text = String::new();
    for comment in comments.iter().flat_map(|comment| comment.split(['\n', '\r'])) {
        text.push('#');
        text.push_str(comment);
        text.push('\n');
    }
    // Readers know no instant before the epoch.
    let started = if started_epoch_seconds.is_finite() { started_epoch_seconds.max(0.0) } else { 0.0 };
    text.push_str("#[Histogram log format version 1.3]\n");
    text.push_str(&format!("#[StartTime: {started:.6} (seconds since epoch)]\n"));
    text.push_str(LEGEND);
    text.push('\n');
    text.into_bytes()
}

/// Writes lines, one after the other with the same compressor.
pub struct Encoder {
    deflate: Compress,
    plain: Vec<u8>,
    payload: Vec<u8>,
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder { deflate: Compress::new(Compression::default(), true), plain: Vec::new(), payload: Vec::new() }
    }
}

impl Encoder {
    /// Appends one line with its line break. Start and length are kept to the microsecond. A tag may not contain commas,
    /// spaces or line breaks, which the format has no way to write; an empty one is left out.
    pub fn line(&mut self, tag: &str, start_ns: u64, length_ns: u64, counts: &Counts, out: &mut Vec<u8>) {
        debug_assert!(!tag.contains([',', ' ', '\n', '\r']), "a tag that an interval log cannot carry: {tag:?}");
        self.pack(counts);
        let tag = if tag.is_empty() { String::new() } else { format!("Tag={tag},") };
        let max = counts.max().unwrap_or(0) as f64 / MAX_DIVISOR;
        let (start, length) = (seconds(start_ns), seconds(length_ns));
        out.extend(format!("{tag}{start},{length},{max:.3},").into_bytes());
        let at = out.len();
        out.resize(at + self.payload.len().div_ceil(3) * 4, 0);
        let written = STANDARD.encode_slice(&self.payload, &mut out[at..]).expect("4 bytes for each 3");
        debug_assert_eq!(at + written, out.len());
        out.push(b'\n');
    }

    /// The payload: a V2 histogram, deflated.
    fn pack(&mut self, counts: &Counts) {
        self.plain.clear();
        self.plain.extend(V2_COOKIE.to_be_bytes());
        // The length of the counts, the normalizing offset, and the digits.
        for word in [counts.packed().len() as u32, 0, u32::from(histogram::DIGITS)] {
            self.plain.extend(word.to_be_bytes());
        }
        for word in [histogram::LOWEST, histogram::HIGHEST, 1.0_f64.to_bits()] {
            self.plain.extend(word.to_be_bytes());
        }
        self.plain.extend(counts.packed());
        self.payload.clear();
        // Room for what cannot be compressed: zlib's head and sum, and 5 bytes for each stored block.
        self.payload.reserve(64 + self.plain.len() + self.plain.len() / 1_000);
        self.payload.extend(V2_COMPRESSED_COOKIE.to_be_bytes());
        self.payload.extend([0; 4]);
        self.deflate.reset();
        let done = self.deflate.compress_vec(&self.plain, &mut self.payload, FlushCompress::Finish);
        debug_assert!(matches!(done, Ok(flate2::Status::StreamEnd)), "there was room for all of it");
        let length = self.payload.len() as u32 - 8;
        self.payload[4..8].copy_from_slice(&length.to_be_bytes());
    }
}

/// One line, as [`Encoder::line`] writes it.
pub fn line(tag: &str, start_ns: u64, length_ns: u64, counts: &Counts) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::default().line(tag, start_ns, length_ns, counts, &mut out);
    out
}

/// The histogram of a line alone: V2, deflated, base64.
pub fn payload(counts: &Counts) -> String {
    let mut encoder = Encoder::default();
    encoder.pack(counts);
    STANDARD.encode(&encoder.payload)
}

/// What a payload holds, where it is one.
pub fn read_payload(text: &str) -> Option<Counts> {
    decode(&STANDARD.decode(text).ok()?)
}

/// Nanoseconds as seconds with 6 decimals, rounded.
fn seconds(ns: u64) -> String {
    let us = ns / 1_000 + u64::from(ns % 1_000 >= 500);
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

/// What a line of an interval log says.
pub enum Read {
    Interval(Interval),
    /// A comment, the legend or a blank line.
    Nothing,
    /// Torn, damaged or foreign.
    Unreadable,
}

/// Reads one line, with or without its line break. Payloads carry checksums, so a torn line is noticed wherever it is
/// torn.
pub fn read_line(line: &[u8]) -> Read {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"\"StartTimestamp\"") {
        return Read::Nothing;
    }
    parse(line).map_or(Read::Unreadable, Read::Interval)
}

/// All lines that can be read, and how many could not. A last line that lacks nothing but its line break is read.
pub fn read(text: &[u8]) -> (Vec<Interval>, usize) {
    let (mut lines, mut unreadable) = (Vec::new(), 0);
    for line in text.split(|byte| *byte == b'\n') {
        match read_line(line) {
            Read::Interval(line) => lines.push(line),
            Read::Nothing => {}
            Read::Unreadable => unreadable += 1,
        }
    }
    (lines, unreadable)
}

fn parse(line: &[u8]) -> Option<Interval> {
    let line = std::str::from_utf8(line).ok()?;
    let (tag, fields) = match line.strip_prefix("Tag=") {
        Some(tagged) => tagged.split_once(',')?,
        None => ("", line),
    };
    let mut fields = fields.split(',');
    let (start_ns, length_ns) = (nanoseconds(fields.next()?)?, nanoseconds(fields.next()?)?);
    let _max: f64 = fields.next()?.parse().ok()?;
    let payload = STANDARD.decode(fields.next()?).ok()?;
    let counts = decode(&payload)?;
    fields.next().is_none().then(|| Interval { tag: tag.to_owned(), start_ns, length_ns, counts })
}

/// Decimal seconds; digits after the ninth decimal are dropped.
fn nanoseconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<9.9}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000_000)?.checked_add(fraction)
}

const V2_COOKIE: u32 = 0x1c84_9313;
const V2_COMPRESSED_COOKIE: u32 = 0x1c84_9314;
/// How many buckets a histogram over all of `u64` has in our layout, and so the most that a payload can name.
const MAX_BUCKETS: u64 = 54 * 1024 + 1024;
/// Nothing that is longer when inflated can be a histogram of ours.
const MAX_PLAIN: usize = 40 + MAX_BUCKETS as usize * histogram::MAX_VARINT;

/// The counts of a V2 histogram, deflated or not. Its layout has to be ours, only its highest value may differ: what
/// lies above our own is counted as the highest.
fn decode(payload: &[u8]) -> Option<Counts> {
    let mut rest = payload;
    match be_u32(&mut rest)? {
        V2_COOKIE => decode_plain(rest),
        V2_COMPRESSED_COOKIE => {
            let length = be_u32(&mut rest)? as usize;
            let plain = inflate(rest.get(..length)?, MAX_PLAIN)?;
            let mut rest = plain.as_slice();
            (be_u32(&mut rest)? == V2_COOKIE).then(|| decode_plain(rest))?
        }
        _ => None,
    }
}

/// What follows the cookie.
fn decode_plain(mut rest: &[u8]) -> Option<Counts> {
    let length = be_u32(&mut rest)? as usize;
    let normalizing_offset = be_u32(&mut rest)?;
    let digits = be_u32(&mut rest)?;
    let (lowest, _highest, ratio) = (be_u64(&mut rest)?, be_u64(&mut rest)?, f64::from_bits(be_u64(&mut rest)?));
    let ours = (0, u32::from(histogram::DIGITS), histogram::LOWEST, 1.0);
    if (normalizing_offset, digits, lowest, ratio) != ours {
        return None;
    }
    let mut rest = rest.get(..length)?;
    let (mut counts, mut index) = (Packer::default(), 0_u64);
    while !rest.is_empty() {
        // Zigzag: odd numbers are negative and skip that many empty buckets, even ones are the count of one bucket.
        let number = varint(&mut rest)?;
        if number & 1 == 1 {
            index = index.saturating_add((number >> 1).saturating_add(1));
        } else {
            if index >= MAX_BUCKETS {
                return None;
            }
            counts.push(index as u32, number >> 1);
            index += 1;
        }
    }
    Some(counts.finish())
}

fn be_u32(rest: &mut &[u8]) -> Option<u32> {
    let (bytes, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(u32::from_be_bytes(*bytes))
}

fn be_u64(rest: &mut &[u8]) -> Option<u64> {
    let (bytes, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(u64::from_be_bytes(*bytes))
}

/// The plain bytes of a zlib stream, unless they are more than `limit` or the stream is damaged.
fn inflate(stream: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    // One byte beyond the limit tells a stream that is too long from one that just fits.
    flate2::read::ZlibDecoder::new(stream).take(limit as u64 + 1).read_to_end(&mut plain).ok()?;
    (plain.len() <= limit).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer, V2Serializer};
    use std::time::Duration;

    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *state >> 16
    }

    /// Histograms from empty to thousands of buckets, of all magnitudes and several shapes.
    fn samples() -> Vec<Counts> {
        let mut state = 11;
        let mut samples = vec![Counts::default()];
        for size in [1, 2, 3, 10, 100, 1_000, 20_000] {
            for shape in 0..4 {
                let mut recorder = histogram::Sparse::new();
                for _ in 0..size {
                    let number = random(&mut state);
                    recorder.record(match shape {
                        0 => number >> (number % 48),
                        1 => 2_000_000 + number % 3_000_000,
                        2 => number % 1_500,
                        _ => 7_000_000,
                    });
                }
                samples.push(recorder.drain());
            }
        }
        let mut large = Packer::default();
        large.push(5, u64::from(u32::MAX) * 1_000);
        large.push(u32::MAX, 70_000);
        samples.push(large.finish());
        samples
    }

    fn log() -> (Vec<u8>, Vec<Interval>) {
        let mut text = header(1_700_000_000.123_456, &["made by a test", "two\nlines"]);
        let mut lines = Vec::new();
        for (number, counts) in (0_u64..).zip(samples()) {
            let tag = ["checkout", "", "step:búsqueda"][number as usize % 3].to_owned();
            let line =
                Interval { tag, start_ns: number * 1_000_001_000, length_ns: 999_999_000 + number * 1_000, counts };
            text.extend(super::line(&line.tag, line.start_ns, line.length_ns, &line.counts));
            lines.push(line);
        }
        (text, lines)
    }

    fn of_payload(payload: &[u8]) -> Vec<u8> {
        format!("Tag=t,1.0,1.0,0.1,{}\n", STANDARD.encode(payload)).into_bytes()
    }

    fn plain_header(length: u32, digits: u32, lowest: u64, highest: u64) -> Vec<u8> {
        let mut plain = V2_COOKIE.to_be_bytes().to_vec();
        for word in [length, 0, digits] {
            plain.extend(word.to_be_bytes());
        }
        for word in [lowest, highest, 1.0_f64.to_bits()] {
            plain.extend(word.to_be_bytes());
        }
        plain
    }

    #[test]
    fn the_header() {
        let text = String::from_utf8(header(1_700_000_000.5, &["one", "two\r\nthree"])).unwrap();
        let expected = "#one\n#two\n#\n#three\n#[Histogram log format version 1.3]\n\
            #[StartTime: 1700000000.500000 (seconds since epoch)]\n\
            \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";
        assert_eq!(text, expected);
        assert!(String::from_utf8(header(f64::NAN, &[])).unwrap().contains("StartTime: 0.000000 "));
        assert_eq!(read(expected.as_bytes()), (vec![], 0));
    }

    #[test]
    fn the_columns_of_a_line() {
        let mut recorder = histogram::Sparse::new();
        recorder.record(1_500);
        recorder.record(2_000_000);
        let counts = recorder.drain();
        let text = String::from_utf8(line("browse", 12_000_345_678, 1_000_000_499, &counts)).unwrap();
        let max = counts.max().unwrap() as f64 / 1_000_000.0;
        assert!(text.starts_with(&format!("Tag=browse,12.000346,1.000000,{max:.3},HISTFAAA")), "{text}");
        assert!(text.ends_with('\n') && text.matches('\n').count() == 1);
        let untagged = String::from_utf8(line("", 0, 1, &Counts::default())).unwrap();
        assert!(untagged.starts_with("0.000000,0.000000,0.000,HISTFAAA"), "{untagged}");
    }

    #[test]
    fn lines_round_trip() {
        let (text, lines) = log();
        assert_eq!(read(&text), (lines.clone(), 0));
        let windows = String::from_utf8(text).unwrap().replace('\n', "\r\n");
        assert_eq!(read(windows.as_bytes()), (lines, 0));
    }

    #[test]
    fn times_keep_their_microseconds() {
        for ns in [0, 1_000, 999_999_000, 1_000_000_000, 1_700_000_000_123_456_000, u64::MAX / 1_000_000 * 1_000] {
            assert_eq!(nanoseconds(&seconds(ns)), Some(ns));
        }
        assert_eq!((seconds(1_499), seconds(1_500)), ("0.000001".to_owned(), "0.000002".to_owned()));
        assert_eq!(nanoseconds("3.0000000019"), Some(3_000_000_001));
        assert_eq!(nanoseconds("7"), Some(7_000_000_000));
        for bad in ["", ".", "1.", ".5", "-1.0", "+1.0", "1.+5", "1e3", "99999999999.0", "1.0.0", "NaN"] {
            assert_eq!(nanoseconds(bad), None, "{bad}");
        }
        // The latest instant there is rounds up without overflowing.
        assert_eq!(seconds(u64::MAX), "18446744073.709552");
    }

    #[test]
    fn hdrhistogram_reads_what_we_write() {
        let (text, lines) = log();
        let mut read = Vec::new();
        let mut started = None;
        for entry in IntervalLogIterator::new(&text) {
            match entry.unwrap() {
                LogEntry::StartTime(time) => started = Some(time),
                LogEntry::BaseTime(time) => panic!("a base time: {time:?}"),
                LogEntry::Interval(interval) => {
                    let payload = STANDARD.decode(interval.encoded_histogram()).unwrap();
                    let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut payload.as_slice()).unwrap();
                    assert!((interval.max() - histogram.max() as f64 / 1_000_000.0).abs() < 0.001);
                    read.push(Interval {
                        tag: interval.tag().map_or("", |tag| tag.as_str()).to_owned(),
                        start_ns: interval.start_timestamp().as_nanos() as u64,
                        length_ns: interval.duration().as_nanos() as u64,
                        counts: Counts::from_histogram(&histogram),
                    });
                }
            }
        }
        assert_eq!(started, Some(Duration::from_micros(1_700_000_000_123_456)));
        assert_eq!(read, lines);
    }

    #[test]
    fn payloads_are_those_of_hdrhistogram() {
        let mut encoder = Encoder::default();
        // Of none at all it writes a single empty bucket.
        for counts in samples().into_iter().filter(|counts| !counts.is_empty()) {
            let (mut plain, mut inflated) = (Vec::new(), Vec::new());
            V2Serializer::new().serialize(&counts.to_histogram(), &mut plain).unwrap();
            encoder.pack(&counts);
            assert_eq!(encoder.plain, plain);
            flate2::read::ZlibDecoder::new(&encoder.payload[8..]).read_to_end(&mut inflated).unwrap();
            assert_eq!(inflated, plain);
        }
    }

    #[test]
    fn a_torn_last_line_costs_only_itself() {
        let mut recorder = histogram::Sparse::new();
        (1..300).for_each(|step| recorder.record(step * 31_337));
        let counts = recorder.drain();
        let mut text = header(0.0, &[]);
        text.extend(line("a", 0, 1_000_000_000, &counts));
        text.extend(line("b", 0, 1_000_000_000, &samples()[0]));
        let (whole, unreadable) = read(&text);
        assert_eq!((whole.len(), unreadable), (2, 0));
        let last = line("c", 1_000_000_000, 1_000_000_000, &counts);
        for cut in 0..last.len() - 1 {
            let torn = [text.as_slice(), &last[..cut]].concat();
            assert_eq!(read(&torn), (whole.clone(), usize::from(cut > 0)), "cut at {cut}");
        }
        let unbroken = [text.as_slice(), &last[..last.len() - 1]].concat();
        assert_eq!(read(&unbroken), read(&[text.as_slice(), &last].concat()));
        assert_eq!(read(&unbroken).0.len(), 3);
    }

    #[test]
    fn garbage_is_counted_and_skipped() {
        let good = line("good", 1_000_000, 2_000_000, &samples()[9]);
        let garbage: [&[u8]; 9] = [
            b"Tag=",
            b"Tag=a",
            b"Tag=a,b,c,d,e",
            b",,,,",
            b"1.0,1.0,1.0,",
            b"1.0,1.0,1.0,AAAA",
            b"1.0,1.0,1.0,!!!!",
            b"Tag=\xff\xfe,1.0,1.0,1.0,HISTFAAA",
            b"\0\0\0\0",
        ];
        let mut text = good.clone();
        for line in garbage {
            text.extend(line);
            text.push(b'\n');
            text.extend(&good);
        }
        let (lines, unreadable) = read(&text);
        assert_eq!((lines.len(), unreadable), (10, 9));
        assert!(lines.iter().all(|line| line.tag == "good"));
        let with_more = [&good[..good.len() - 1], b",more\n"].concat();
        assert_eq!(read(&with_more), (vec![], 1));
    }

    #[test]
    fn damaged_bytes_never_panic() {
        let mut state = 5;
        let original = line("t", 0, 1_000_000_000, &samples()[14]);
        for _ in 0..3_000 {
            let mut text = original.clone();
            for _ in 0..=random(&mut state) % 3 {
                let at = random(&mut state) as usize % text.len();
                text[at] = random(&mut state) as u8;
            }
            read(&text);
            let noise: Vec<u8> = (0..random(&mut state) % 200).map(|_| random(&mut state) as u8).collect();
            decode(&noise);
            inflate(&[&[0x78, 0x9c], noise.as_slice()].concat(), 1_000);
            decode_plain(&[&plain_header(noise.len() as u32, 3, 1, u64::MAX)[4..], &noise].concat());
        }
    }

    #[test]
    fn a_flipped_bit_in_a_payload_is_noticed() {
        let mut payload = Vec::new();
        V2DeflateSerializer::new().serialize(&samples()[14].to_histogram(), &mut payload).unwrap();
        assert_eq!(decode(&payload).as_ref(), Some(&samples()[14]));
        // After the lengths and the two bytes of zlib's own head, of which some bits are only informative.
        for at in 10..payload.len() {
            let mut damaged = payload.clone();
            damaged[at] ^= 1 << (at % 8);
            assert!(decode(&damaged).is_none_or(|counts| counts == samples()[14]), "bit in byte {at}");
        }
    }

    #[test]
    fn absurd_claims_are_refused() {
        let absurd = [
            plain_header(u32::MAX, 3, 1, u64::MAX),
            plain_header(0, 5, 1, u64::MAX),
            plain_header(0, 3, 0, u64::MAX),
            [V2_COMPRESSED_COOKIE.to_be_bytes(), u32::MAX.to_be_bytes()].concat(),
            // A count in a bucket that no histogram has: a skip of 2^63, then a 1.
            [plain_header(10, 3, 1, u64::MAX), vec![0xff; 9], vec![2]].concat(),
        ];
        for payload in absurd {
            assert_eq!(read(&of_payload(&payload)), (vec![], 1));
        }
        // A skip to nowhere with nothing after it says nothing.
        let skip = [plain_header(9, 3, 1, u64::MAX), vec![0xff; 9]].concat();
        assert_eq!(decode(&skip), Some(Counts::default()));
        let huge = [plain_header(18, 3, 1, 2), vec![0xfe; 18]].concat();
        assert_eq!(decode(&huge).map(|counts| counts.total()), Some(0xfefd_fbf7_efdf_bf7e));
    }

    #[test]
    fn a_decompression_bomb_is_stopped_at_the_limit() {
        // One fixed block: a zero byte, then copies of 258 bytes from distance 1, each of 13 bits.
        let mut bits: Vec<bool> = vec![true, true, false];
        bits.extend([false, false, true, true, false, false, false, false]);
        for _ in 0..100_000 {
            bits.extend([true, true, false, false, false, true, false, true]);
            bits.extend([false; 5]);
        }
        let mut stream = vec![0x78, 0x9c];
        stream.extend(bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | u8::from(*bit))));
        let mut payload = V2_COMPRESSED_COOKIE.to_be_bytes().to_vec();
        payload.extend((stream.len() as u32).to_be_bytes());
        payload.extend(&stream);
        assert_eq!(read(&of_payload(&payload)), (vec![], 1));
    }

    #[test]
    fn other_ranges_and_undeflated_payloads_are_read() {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, u64::MAX / 2, 3).unwrap();
        for value in [0, 1, 2_047, 2_048, 5_000_000, histogram::HIGHEST, u64::MAX / 2] {
            histogram.record_n(value, 3).unwrap();
        }
        let expected = Counts::from_histogram(&histogram);
        assert_eq!(expected.total(), 21);
        let (mut plain, mut deflated) = (Vec::new(), Vec::new());
        V2Serializer::new().serialize(&histogram, &mut plain).unwrap();
        V2DeflateSerializer::new().serialize(&histogram, &mut deflated).unwrap();
        assert_eq!(decode(&plain), Some(expected.clone()));
        assert_eq!(decode(&deflated), Some(expected));
    }

    #[test]
    #[should_panic(expected = "a tag that an interval log cannot carry")]
    #[cfg(debug_assertions)]
    fn tags_without_commas() {
        line("a,b", 0, 0, &Counts::default());
    }
}
