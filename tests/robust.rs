//! Whatever is written, the compiler answers: no panic, no endless loop, and every span lies in the text.

#![allow(clippy::unwrap_used)] // A test may panic.

use crate::support::compile::{compile, files, root, texts};
use std::time::{Duration, Instant};

pub(crate) struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// The start of some character, or the end.
    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn range(&mut self, text: &str, longest: usize) -> std::ops::Range<usize> {
        let start = self.place(text);
        let mut end = (start + self.below(longest + 1)).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        start..end
    }
}

const SNIPPETS: [&str; 39] = [
    "\u{a0}",
    "“",
    "’",
    "`",
    "/*",
    "# ",
    "中",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "'",
    "\\",
    ";",
    "-",
    "->",
    "..",
    "==",
    "= ",
    ",",
    ":",
    "\n",
    "\r\n",
    "\t",
    "//",
    "/// a\n",
    "é",
    "→",
    "🦀",
    "\u{feff}",
    " 5 s ",
    "1e5",
    "99999999999999999999d",
    " load ",
    " as x ",
    "{a.b}",
];

pub(crate) fn mutate(text: &mut String, random: &mut Random) {
    match random.below(8) {
        0 => {
            let range = random.range(text, 12);
            text.replace_range(range, "");
        }
        1 | 2 => {
            let at = random.place(text);
            text.insert_str(at, SNIPPETS[random.below(SNIPPETS.len())]);
        }
        3 => {
            let range = random.range(text, 60);
            let part = text[range].to_owned();
            let at = random.place(text);
            text.insert_str(at, &part);
        }
        4 => {
            // Two lines change places.
            let mut lines: Vec<&str> = text.split('\n').collect();
            let (a, b) = (random.below(lines.len()), random.below(lines.len()));
            lines.swap(a, b);
            *text = lines.join("\n");
        }
        5 => {
            let at = random.place(text);
            let bracket = ["(", "{", "[", "{\n", ")", "}", "]", "not ", "a.", "- "][random.below(10)];
            text.insert_str(at, &bracket.repeat(1 + random.below(300)));
        }
        6 => {
            let at = random.place(text);
            text.insert_str(at, &SNIPPETS[random.below(SNIPPETS.len())].repeat(random.below(200)));
        }
        _ => {
            let end = random.place(text);
            text.truncate(end);
        }
    }
}

fn probe(text: &str) -> Result<(), String> {
    let started = Instant::now();
    let (sources, all) = std::panic::catch_unwind(|| compile("mutated", text)).map_err(|_| "it panics".to_owned())?;
    for d in &all {
        let spans =
            d.labels.iter().map(|label| label.span).chain(d.fixes().flat_map(|fix| &fix.edits).map(|edit| edit.span));
        for span in spans {
            let range = span.range();
            if sources.get(span.file).text.get(range.clone()).is_none() {
                return Err(format!("{} points to {range:?}, which is no part of the text", d.code));
            }
        }
    }
    match started.elapsed() > Duration::from_secs(10) {
        true => Err("it takes more than 10 s".to_owned()),
        false => Ok(()),
    }
}

/// Texts to start from.
pub(crate) fn seeds() -> Vec<String> {
    let mut seeds: Vec<String> = texts().into_iter().map(|(_, text)| text).collect();
    for folder in ["scenarios", "tests/fmt"] {
        seeds.extend(files(&root().join(folder), "stress").iter().map(|path| std::fs::read_to_string(path).unwrap()));
    }
    seeds
}

/// For how long random texts are tried: `FUZZ_SECONDS`, else what a test run can bear.
pub(crate) fn fuzzed() -> Duration {
    let asked = std::env::var("FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(asked.unwrap_or(2))
}

/// A new seed, or the one that `SEED` names.
pub(crate) fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(now.as_nanos() as u64 | 1)
}

#[test]
fn any_text_is_answered() {
    let seeds = seeds();
    let seed = seed();
    let mut random = Random(seed);
    let started = Instant::now();
    while started.elapsed() < fuzzed() {
        let mut text = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(6) {
            mutate(&mut text, &mut random);
        }
        // A stack that overflows takes the whole process with it: the text must be known from outside.
        if let Some(path) = std::env::var_os("FUZZ_TEXT") {
            std::fs::write(path, &text).unwrap();
        }
        if let Err(why) = probe(&text) {
            panic!("SEED={seed}: {why}:\n{text}");
        }
    }
}

#[test]
fn a_long_text_takes_no_longer_a_line() {
    let lines = |n: usize, line: &str| format!("{line}\n").repeat(n);
    for line in [
        "target a = http(\"http://a\")",
        "(",
        "{",
        "[",
        ")",
        "}",
        "\"",
        "'a",
        "/// a",
        "- a",
        "scenario s { load",
        "a b c",
        "flow f {",
    ] {
        if let Err(why) = probe(&lines(2_000, line)) {
            panic!("2,000 times `{line}`: {why}");
        }
        if let Err(why) = probe(&format!("{line} ").repeat(2_000)) {
            panic!("2,000 times `{line}` on one line: {why}");
        }
    }
}
