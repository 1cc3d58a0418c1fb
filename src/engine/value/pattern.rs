//! Regular expressions on long texts. Their time is linear in the text, but the factor is the size of the expression: one that
//! counts to 200 may take 10 µs for each byte that a server chooses well. A search cannot be interrupted, so a long one is first
//! rehearsed byte by byte, and run only if the rehearsal ended in time.

use super::Unusable;
use regex::{Captures, Regex};
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::{Input, nfa::thompson};
use std::cell::RefCell;

/// Bytes between two looks at how late it is.
const BETWEEN_LOOKS: usize = 1024;
/// To search takes no time that anybody could tell where the length of the text times the size of the expression is less.
const QUICK: usize = 1 << 20;
/// A longer text is not searched where no rehearsal can be made.
const UNREHEARSED: usize = 1 << 20;
pub const TOO_LONG: &str =
    "its pattern asks for the borders of words, and it is a text of more than 1 MiB with other letters than a to z";
/// As much as the engine lets an expression have.
const LARGEST: usize = 10 << 20;

pub struct Pattern {
    regex: Regex,
    rehearsal: Option<Rehearsal>,
}

struct Rehearsal {
    steps: DFA,
    cache: RefCell<Cache>,
}

/// How a rehearsal ended.
#[derive(Debug, PartialEq, Eq)]
enum Rehearsed {
    Matches,
    Nothing,
    /// It cannot be made of this text.
    Not,
}

impl Pattern {
    /// `None` for what is no expression.
    pub fn new(text: &str) -> Option<Pattern> {
        let regex = Regex::new(text).ok()?;
        let config = DFA::config().unicode_word_boundary(true).skip_cache_capacity_check(true);
        let size = thompson::Config::new().nfa_size_limit(Some(LARGEST));
        let steps = DFA::builder().configure(config).thompson(size).build(text).ok();
        let rehearsal = steps.map(|steps| Rehearsal { cache: RefCell::new(steps.create_cache()), steps });
        Some(Pattern { regex, rehearsal })
    }

    /// Whether a text of so many bytes needs no rehearsal.
    pub fn is_quick(&self, length: usize) -> bool {
        let size = self.rehearsal.as_ref().map_or(LARGEST, |rehearsal| rehearsal.steps.get_nfa().states().len());
        length.saturating_mul(size) < QUICK
    }

    /// Whether it has groups in addition to the whole.
    pub fn has_groups(&self) -> bool {
        self.regex.captures_len() > 1
    }

    /// The first match of any text, with its groups.
    pub fn search<'t>(&self, text: &'t str, late: &dyn Fn() -> bool) -> Result<Option<Captures<'t>>, Unusable> {
        let rehearsed = match &self.rehearsal {
            Some(rehearsal) => rehearsal.make(text, late)?,
            None => Rehearsed::Not,
        };
        match rehearsed {
            Rehearsed::Nothing => Ok(None),
            Rehearsed::Not if text.len() > UNREHEARSED => Err(Unusable::TooLarge(TOO_LONG)),
            Rehearsed::Matches | Rehearsed::Not => Ok(self.regex.captures(text)),
        }
    }

    /// Whether something of any text matches.
    pub fn is_in(&self, text: &str, late: &dyn Fn() -> bool) -> Result<bool, Unusable> {
        match self.is_quick(text.len()) {
            true => Ok(self.regex.is_match(text)),
            false => Ok(self.search(text, late)?.is_some()),
        }
    }

    /// The first match of one that needs no rehearsal.
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self.has_groups() {
            true => self.regex.captures(text)?.get(1).map(|found| found.as_str()),
            false => self.regex.find(text).map(|found| found.as_str()),
        }
    }
}

impl Rehearsal {
    fn make(&self, text: &str, late: &dyn Fn() -> bool) -> Result<Rehearsed, Unusable> {
        let cache = &mut *self.cache.borrow_mut();
        let Ok(mut state) = self.steps.start_state_forward(cache, &Input::new(text)) else { return Ok(Rehearsed::Not) };
        let mut rehearsed = Rehearsed::Nothing;
        for (at, byte) in text.bytes().enumerate() {
            let Ok(next) = self.steps.next_state(cache, state, byte) else { return Ok(Rehearsed::Not) };
            state = next;
            if state.is_tagged() {
                if state.is_match() {
                    rehearsed = Rehearsed::Matches;
                } else if state.is_dead() {
                    return Ok(rehearsed);
                } else if state.is_quit() {
                    return Ok(Rehearsed::Not);
                }
            }
            if at % BETWEEN_LOOKS == 0 && late() {
                return Err(Unusable::Late);
            }
        }
        let Ok(last) = self.steps.next_eoi_state(cache, state) else { return Ok(Rehearsed::Not) };
        Ok(if last.is_match() { Rehearsed::Matches } else { rehearsed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};
    use std::time::{Duration, Instant};

    fn random(parts: &[&str], count: usize, seed: u64) -> String {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| parts[random.next_u64() as usize % parts.len()]).collect()
    }

    #[test]
    fn a_rehearsal_finds_what_the_engine_finds() {
        let patterns = [
            "a",
            "ab+c",
            "(a|b)*c$",
            "^a",
            "(?m)^b",
            "a{2,3}b",
            r"\bab\b",
            r"\d+",
            "(?i)AB",
            "\u{e9}+",
            r"[^a]b",
            "",
            r"\Ba",
            "(?s)a.*b",
            r"\w+\s\w+",
            "a??b",
            "(a)(b)?",
        ];
        let mut found = 0;
        for (seed, pattern) in (0..40).flat_map(|seed| patterns.map(|pattern| (seed, pattern))) {
            let text =
                random(&["a", "b", "c", "ab", " ", "\n", "1", "\u{e9}", "\u{20ac}"], 1 + seed as usize / 3, seed);
            let own = Pattern::new(pattern).unwrap();
            let matches = own.regex.is_match(&text);
            found += usize::from(matches);
            match own.rehearsal.as_ref().unwrap().make(&text, &|| false).unwrap() {
                Rehearsed::Not => assert!(pattern.contains(r"\b") || pattern.contains(r"\B"), "{pattern}"),
                made => assert_eq!(made == Rehearsed::Matches, matches, "{pattern} in {text:?}"),
            }
            let whole = own.search(&text, &|| false).unwrap().map(|found| found.get(0).unwrap().range());
            assert_eq!(whole, own.regex.find(&text).map(|found| found.range()));
        }
        assert!(found > 200, "{found}");
    }

    /// Where the engine would go on for seconds: at each byte it is in another of very many states.
    #[test]
    fn a_search_that_takes_too_long_is_given_up() {
        let text = random(&["x", "z"], 8 << 20, 3);
        let began = Instant::now();
        let late = || began.elapsed() > Duration::from_millis(50);
        let heavy = Pattern::new("x[xz]{200}[^xz]").unwrap();
        assert_eq!(heavy.search(&text, &late).err(), Some(Unusable::Late));
        assert!(!heavy.is_quick(8 << 10) && heavy.is_quick(1 << 10));
        assert!(Pattern::new(r#"name="csrf" value="([^"]+)""#).unwrap().is_quick(16 << 10));
        let words = Pattern::new(r"\bq\b").unwrap();
        assert_eq!(words.search(&format!("\u{e9}{text}"), &|| false).err(), Some(Unusable::TooLarge(TOO_LONG)));
        assert!(words.search(&text, &|| false).unwrap().is_none());
    }
}
