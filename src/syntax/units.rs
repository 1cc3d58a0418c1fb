//! Units of other languages, and what each is here.

use crate::base::units::{BYTES, DURATIONS, RATES};

/// A unit of several words, or of a sign and a word, is one.
const FOREIGN: &[(&str, &str)] = &[
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("msec", "ms"),
    ("msecs", "ms"),
    ("millisecond", "ms"),
    ("milliseconds", "ms"),
    ("microsecond", "us"),
    ("microseconds", "us"),
    ("usec", "us"),
    ("millis", "ms"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("hr", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("day", "d"),
    ("days", "d"),
    ("ns", "us"),
    ("requests per second", "/s"),
    ("requests per minute", "/min"),
    ("per second", "/s"),
    ("per minute", "/min"),
    ("per hour", "/h"),
    ("iterations/s", "/s"),
    ("requests/s", "/s"),
    ("iters/s", "/s"),
    ("req/sec", "/s"),
    ("req/min", "/min"),
    ("req/s", "/s"),
    ("r/s", "/s"),
    ("rps", "/s"),
    ("qps", "/s"),
    ("tps", "/s"),
    ("rpm", "/min"),
    ("/second", "/s"),
    ("/sec", "/s"),
    ("/m", "/min"),
    ("/hour", "/h"),
    ("concurrent users", " users"),
    ("virtual users", " users"),
    ("connections", " users"),
    ("clients", " users"),
    ("threads", " users"),
    ("users", " users"),
    ("VUs", " users"),
    ("vus", " users"),
    ("VU", " users"),
    ("vu", " users"),
    ("percent", "%"),
    ("pct", "%"),
    ("times", "x"),
    ("X", "x"),
    ("KB", "kB"),
    ("K", "KiB"),
    ("G", "GiB"),
    ("kb", "kB"),
    ("mb", "MB"),
    ("gb", "GB"),
];

pub fn foreign(unit: &str) -> Option<&'static str> {
    FOREIGN.iter().find(|(theirs, _)| *theirs == unit).map(|(_, ours)| *ours)
}

/// Everything that a number has after it, as it is written here.
fn known() -> impl Iterator<Item = String> {
    let lengths = DURATIONS.iter().map(|(name, _)| (*name).to_owned());
    let rates = RATES.iter().map(|(name, _)| format!("/{name}"));
    let sizes = BYTES.iter().rev().map(|(name, _)| (*name).to_owned());
    let others = ["%", "pp", "x", "bps", "kbps", "Mbps", "Gbps"].into_iter().map(str::to_owned);
    lengths.chain(rates).chain(others).chain(sizes)
}

/// The unit that was meant where the case is another one or a letter was typed twice.
pub fn nearest(unit: &str) -> Option<String> {
    let mut once: Vec<char> = unit.chars().collect();
    once.dedup();
    let once: String = once.into_iter().collect();
    known().find(|known| known.eq_ignore_ascii_case(unit) || known.eq_ignore_ascii_case(&once))
}

/// The unit at the start of a text, how long it is there, and what it is here: of those that fit, the longest.
pub fn leading(text: &str) -> Option<(usize, String)> {
    let foreign = FOREIGN.iter().map(|(theirs, ours)| ((*theirs).to_owned(), (*ours).to_owned()));
    let own = known().map(|unit| (unit.clone(), unit));
    let fits = foreign.chain(own).filter(|(theirs, _)| super::tokens::starts_with_words(text, theirs));
    fits.map(|(theirs, ours)| (theirs.len(), ours)).max_by_key(|(length, _)| *length)
}
