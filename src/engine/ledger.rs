//! The ledger entries of one request, opened before it is sent, so that a request of unknown outcome has an entry too.

use super::value::code::{Code, Piece, values};
use super::value::lower::Lowerer;
use super::value::{Frame, Paths, Unusable};
use crate::measure::{Entry, Failure, Fate};
use crate::plan::{Record, Request};
use std::cell::RefCell;

/// Which entries a request makes.
#[derive(Debug, Default)]
pub struct Records(Vec<RecordCode>);

#[derive(Debug)]
struct RecordCode {
    key: Vec<Piece>,
    ledger: usize,
    /// The answer gives the key.
    given: bool,
}

impl Records {
    pub fn of(request: &Request, lowerer: &mut Lowerer<'_>) -> Records {
        let of = |record: &Record| RecordCode {
            key: vec![Piece::Value(lowerer.key(record))],
            ledger: record.ledger,
            given: record.given,
        };
        Records(request.records.iter().map(of).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys of a ledger.
    pub fn keys(&self, ledger: usize) -> impl Iterator<Item = &Code> {
        self.0.iter().filter(move |record| record.ledger == ledger).flat_map(|record| values(&record.key))
    }

    /// Opens those that have keys of their own; nothing is known of their outcome.
    pub fn open(&self, frame: &mut Frame, paths: &Paths, at: u64, into: &OpenEntries) -> Result<(), Unusable> {
        let mut opened = Vec::with_capacity(self.0.len());
        for record in self.0.iter().filter(|record| !record.given) {
            let mut key = String::new();
            frame.write(&record.key, paths, &mut key)?;
            opened.push(Entry { ledger: record.ledger, key, fate: Fate::Unknown, at, keyless: false });
        }
        *into.0.borrow_mut() = opened;
        Ok(())
    }

    /// Opens those to which an answer gives the keys, where it acknowledges them. One without a key cannot be asked for.
    pub fn acknowledged(&self, frame: &mut Frame, paths: &Paths, at: u64, into: &OpenEntries) {
        for record in self.0.iter().filter(|record| record.given) {
            let mut key = String::new();
            let keyless = frame.write(&record.key, paths, &mut key).is_err() || key.is_empty();
            let key = if keyless { String::new() } else { key };
            let entry = Entry { ledger: record.ledger, key, fate: Fate::Acknowledged, at, keyless };
            into.0.borrow_mut().push(entry);
        }
    }
}

/// The open entries of a session, where its worker sees them when the run ends over them.
#[derive(Debug, Default)]
pub struct OpenEntries(RefCell<Vec<Entry>>);

impl OpenEntries {
    /// A try has ended, and another follows.
    pub fn tried(&self, fate: Fate, at: u64) {
        for entry in self.0.borrow_mut().iter_mut() {
            // What comes next can do no more than acknowledge them.
            (entry.fate, entry.at) = (fate.max(Fate::Unknown), at);
        }
    }

    /// The request has ended: with the fates of all its tries.
    pub fn close(&self, fate: Fate, at: u64, into: &RefCell<Vec<Entry>>) {
        let closed = self.0.take().into_iter().map(|entry| Entry { fate, at, ..entry });
        into.borrow_mut().extend(closed);
    }

    /// The run ends over it.
    pub fn cut_off(&self, into: &RefCell<Vec<Entry>>) {
        into.borrow_mut().append(&mut self.0.borrow_mut());
    }
}

/// What one try says, whatever else was expected of its answer: where there is one, that says it.
pub fn fate(answered: Result<(), Failure>, said: Fate, sends: u32) -> Fate {
    match answered {
        Ok(()) => said,
        // Not a byte was sent.
        Err(_) if sends == 0 => Fate::Refused,
        Err(_) => Fate::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_it_and_without_one_only_what_was_surely_not_done_is_refused() {
        for said in [Fate::Acknowledged, Fate::Refused, Fate::Unknown] {
            assert_eq!(fate(Ok(()), said, 1), said);
        }
        assert_eq!(fate(Err(Failure::Connect), Fate::Unknown, 0), Fate::Refused);
        assert_eq!(fate(Err(Failure::Reset), Fate::Acknowledged, 1), Fate::Unknown);
        assert_eq!(fate(Err(Failure::Timeout), Fate::Unknown, 1), Fate::Unknown);
    }

    #[test]
    fn of_several_tries_an_unknown_one_outweighs_a_refusal_and_an_acknowledgement_both() {
        assert_eq!(Fate::Refused.max(Fate::Unknown), Fate::Unknown);
        assert_eq!(Fate::Unknown.max(Fate::Acknowledged), Fate::Acknowledged);
    }
}
