//! Metrics of ledgers: acknowledged entries that are missing, or present more than once.

use super::Measurement;
use crate::base::units::grouped;
use crate::check::program::LedgerFunction;
use crate::measure::{Book, Verified};

pub(super) fn apply(function: LedgerFunction, book: Option<&Book>) -> Measurement {
    let Some(book) = book else { return Measurement::of(Err("it is not of this plan".to_owned()), 0) };
    let all = book.booked.all();
    let samples = book.verified.as_ref().map_or(0, |verified| verified.asked.all());
    let value = match &book.verified {
        _ if all == 0 => Err("nothing was recorded in it".to_owned()),
        None => Err("its entries were not asked for".to_owned()),
        Some(verified) => of(function, verified, all),
    };
    let Ok(known) = value else { return Measurement::of(value, samples) };
    // Those of which nothing is known may be more of them.
    let open = match (function, &book.verified) {
        (LedgerFunction::Lost, Some(verified)) => verified.unverified.acknowledged,
        (LedgerFunction::Duplicated, Some(verified)) => verified.unverified.all(),
        (LedgerFunction::Resurrected, Some(verified)) => verified.unverified.refused,
        (LedgerFunction::Unverified, _) | (_, None) => 0,
    };
    let interval = (open > 0).then_some((known, known + open as f64));
    Measurement { interval, ..Measurement::of(Ok(known), samples) }
}

fn of(function: LedgerFunction, verified: &Verified, all: u64) -> Result<f64, String> {
    let count = |n: u64| grouped(n as f64, 0);
    let open = all.saturating_sub(verified.asked.all() + verified.not_asked);
    let (known, in_doubt) = match function {
        LedgerFunction::Lost => (verified.lost, verified.unverified.acknowledged),
        LedgerFunction::Duplicated => (verified.duplicated, open),
        LedgerFunction::Resurrected => (verified.resurrected, verified.unverified.refused),
        LedgerFunction::Unverified => return Ok(open as f64),
    };
    match (&verified.problem, known) {
        // What was found wrong stays so, whatever the rest is.
        (Some(problem), 0) => Err(problem.clone()),
        (None, 0) if verified.keyless > 0 && function == LedgerFunction::Lost => {
            let of = count(verified.keyless);
            Err(format!("{of} of its {} entries were acknowledged without a key to ask for", count(all)))
        }
        (None, 0) if verified.asked.all() == 0 && open > 0 => {
            Err(format!("none of its entries could be verified{}", why(verified)))
        }
        (None, 0) if in_doubt > 0 => {
            Err(format!("{} of its {} entries could not be verified{}", count(in_doubt), count(all), why(verified)))
        }
        _ => Ok(known as f64),
    }
}

/// The most frequent cause.
fn why(verified: &Verified) -> String {
    verified.doubts.first().map_or_else(String::new, |doubt| format!(": {}", doubt.because))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Booked, Doubt};

    fn book(asked: u64, unverified: u64, lost: u64) -> Book {
        let of = |acknowledged| Booked { acknowledged, ..Booked::default() };
        let verified = Verified { asked: of(asked), unverified: of(unverified), lost, ..Verified::default() };
        Book { booked: of(asked + unverified), verified: Some(verified) }
    }

    fn lost(book: &Book) -> Result<f64, String> {
        apply(LedgerFunction::Lost, Some(book)).value
    }

    #[test]
    fn nothing_is_lost_only_where_all_that_was_acknowledged_was_verified() {
        assert_eq!(lost(&book(10, 0, 0)), Ok(0.0));
        assert_eq!(lost(&book(10, 0, 2)), Ok(2.0));
        assert!(lost(&book(10, 1, 0)).is_err());
        assert_eq!(lost(&book(10, 1, 2)), Ok(2.0));
        assert!(lost(&book(0, 5, 0)).is_err());
        assert!(lost(&Book::default()).is_err());
        let mut refused = book(10, 0, 0);
        refused.booked.refused = 5;
        refused.verified.as_mut().unwrap().not_asked = 5;
        assert_eq!(apply(LedgerFunction::Unverified, Some(&refused)).value, Ok(0.0));
        refused.verified = Some(Verified { not_asked: 5, ..Verified::default() });
        refused.booked.acknowledged = 0;
        assert_eq!(lost(&refused), Ok(0.0), "nothing was acknowledged, so nothing can be lost");
        let mut keyless = book(10, 1, 0);
        keyless.verified.as_mut().unwrap().keyless = 1;
        assert_eq!(lost(&keyless), Err("1 of its 11 entries were acknowledged without a key to ask for".to_owned()));
    }

    #[test]
    fn what_could_not_be_verified_says_why() {
        let mut open = book(10, 3, 0);
        let doubt = |because: &str, count| Doubt { because: because.to_owned(), count, key: String::new() };
        open.verified.as_mut().unwrap().doubts = vec![doubt("status 401", 2), doubt("late", 1)];
        assert_eq!(lost(&open), Err("3 of its 13 entries could not be verified: status 401".to_owned()));
    }

    #[test]
    fn a_run_that_could_not_ask_says_so() {
        let cut = Book { verified: None, ..book(10, 0, 0) };
        assert_eq!(lost(&cut), Err("its entries were not asked for".to_owned()));
        assert_eq!(apply(LedgerFunction::Unverified, Some(&book(3, 4, 0))).value, Ok(4.0));
    }
}
