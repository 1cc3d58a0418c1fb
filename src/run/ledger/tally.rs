//! Adds up what the system says of the entries of a ledger.

use crate::measure::{Doubt, Entry, Fate, Verified, Violation, Wrong};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

/// So many of each kind are told by their keys.
const TOLD: usize = 20;
/// Causes that are told apart: what an answer holds may be another thing each time.
const CAUSES: usize = 100;

#[derive(Default)]
pub struct Tally {
    pub verified: Verified,
    keys: RandomState,
    /// Keys with which something is wrong: two requests with one key made one entry.
    wrong: HashSet<(u8, u64)>,
    /// Refused and there all the same, unless another request with the same key made the entry.
    resurrected: HashMap<String, Violation>,
}

impl Tally {
    /// How often an entry was found; or why that is not known.
    pub fn take(&mut self, entry: Entry, found: Result<u64, String>) {
        let found = found.map_err(|because| self.doubt(&entry, because)).ok();
        let verified = &mut self.verified;
        match found {
            None => verified.unverified.count(entry.fate),
            Some(count) => {
                verified.asked.count(entry.fate);
                if count > 0 {
                    verified.found.count(entry.fate);
                }
            }
        }
        let kind = match (found, entry.fate) {
            (None, _) => Wrong::Unverified,
            (Some(0), Fate::Acknowledged) => Wrong::Lost,
            (Some(count), _) if count > 1 => Wrong::Duplicated,
            (Some(1), Fate::Refused) => {
                let kind = Wrong::Resurrected;
                let violation = Violation { kind, key: entry.key.clone(), fate: entry.fate, at: entry.at, found };
                self.resurrected.entry(entry.key).or_insert(violation);
                return;
            }
            _ => return,
        };
        if kind != Wrong::Unverified && !self.wrong.insert((kind as u8, self.keys.hash_one(&entry.key))) {
            return;
        }
        match kind {
            Wrong::Lost => verified.lost += 1,
            Wrong::Duplicated => verified.duplicated += 1,
            Wrong::Resurrected | Wrong::Unverified => {}
        }
        if verified.violations.iter().filter(|own| own.kind == kind).count() < TOLD {
            verified.violations.push(Violation { kind, key: entry.key, fate: entry.fate, at: entry.at, found });
        }
    }

    fn doubt(&mut self, entry: &Entry, because: String) {
        let doubts = &mut self.verified.doubts;
        let is_known = doubts.iter().any(|doubt| doubt.because == because);
        let because = if is_known || doubts.len() < CAUSES { because } else { "other causes".to_owned() };
        match doubts.iter_mut().find(|doubt| doubt.because == because) {
            Some(doubt) => doubt.count += 1,
            None => doubts.push(Doubt { because, count: 1, key: entry.key.clone() }),
        }
    }

    /// Whether all entries have to be looked at once more.
    pub fn doubts(&self) -> bool {
        !self.resurrected.is_empty()
    }

    /// One of all entries, looked at once more.
    pub fn look_again(&mut self, entry: &Entry) {
        if entry.fate != Fate::Refused {
            self.resurrected.remove(&entry.key);
        }
    }

    pub fn done(mut self) -> Verified {
        self.verified.resurrected = self.resurrected.len() as u64;
        let mut resurrected: Vec<Violation> = self.resurrected.into_values().collect();
        resurrected.sort_by_key(|violation| violation.at);
        self.verified.violations.extend(resurrected.into_iter().take(TOLD));
        self.verified.violations.sort_by_key(|violation| (violation.kind as u8, violation.at));
        self.verified.doubts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.because.cmp(&b.because)));
        self.verified
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, fate: Fate) -> Entry {
        Entry { ledger: 0, key: key.to_owned(), fate, at: 1, keyless: false }
    }

    #[test]
    fn only_what_was_acknowledged_can_be_lost_and_only_where_it_is_surely_absent() {
        let mut tally = Tally::default();
        tally.take(entry("a", Fate::Acknowledged), Ok(1));
        tally.take(entry("b", Fate::Acknowledged), Ok(0));
        tally.take(entry("c", Fate::Unknown), Ok(0));
        tally.take(entry("d", Fate::Refused), Ok(0));
        tally.take(entry("e", Fate::Acknowledged), Err("late".to_owned()));
        let verified = tally.done();
        assert_eq!((verified.lost, verified.duplicated, verified.unverified.all()), (1, 0, 1));
        assert_eq!(verified.violations[0].key, "b");
    }

    #[test]
    fn what_was_refused_and_is_there_rose_again_unless_another_request_made_it() {
        let mut tally = Tally::default();
        let all = [("a", Fate::Refused), ("b", Fate::Refused), ("b", Fate::Unknown), ("c", Fate::Acknowledged)];
        for (key, fate) in all.iter().chain(&[("a", Fate::Refused)]) {
            tally.take(entry(key, *fate), Ok(1));
        }
        assert!(tally.doubts());
        all.iter().for_each(|(key, fate)| tally.look_again(&entry(key, *fate)));
        let verified = tally.done();
        assert_eq!((verified.resurrected, verified.violations.len()), (1, 1));
        assert_eq!((verified.violations[0].kind, verified.violations[0].key.as_str()), (Wrong::Resurrected, "a"));
    }

    #[test]
    fn causes_are_counted_the_most_frequent_first() {
        let mut tally = Tally::default();
        for (key, because) in [("a", "late"), ("b", "401"), ("c", "401")] {
            tally.take(entry(key, Fate::Acknowledged), Err(because.to_owned()));
        }
        let doubts = tally.done().doubts;
        let told: Vec<_> =
            doubts.iter().map(|doubt| (doubt.because.as_str(), doubt.count, doubt.key.as_str())).collect();
        assert_eq!(told, [("401", 2, "b"), ("late", 1, "a")]);
    }

    #[test]
    fn a_cause_that_is_known_stays_itself_however_many_there_are() {
        let mut tally = Tally::default();
        for number in 0..CAUSES + 5 {
            tally.take(entry("a", Fate::Acknowledged), Err(number.to_string()));
        }
        tally.take(entry("b", Fate::Acknowledged), Err("7".to_owned()));
        let doubts = tally.done().doubts;
        let told: Vec<_> = doubts.iter().map(|doubt| (doubt.because.as_str(), doubt.count)).take(3).collect();
        assert_eq!((told, doubts.len()), (vec![("other causes", 5), ("7", 2), ("0", 1)], CAUSES + 1));
    }

    #[test]
    fn one_key_is_one_entry_however_many_requests_had_it() {
        let mut tally = Tally::default();
        tally.take(entry("a", Fate::Acknowledged), Ok(2));
        tally.take(entry("a", Fate::Unknown), Ok(2));
        tally.take(entry("b", Fate::Unknown), Ok(3));
        assert_eq!(tally.done().duplicated, 2);
    }
}
