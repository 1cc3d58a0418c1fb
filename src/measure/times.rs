//! The times of requests in one order: all answers, and above them all requests without one.

use super::histogram::{self, Counts};
use super::{Failure, SeriesCounts};
use hdrhistogram::Histogram;

#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    /// Of answers.
    pub answered: Histogram<u64>,
    /// How long the others were waited for.
    pub unanswered: Histogram<u64>,
    /// How many of those were given up because that was too long.
    pub timeouts: u64,
}

/// What stands at a place of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ranked {
    /// There is nothing.
    Nothing,
    Time(u64),
    /// A request without an answer, with how long it was waited for where it ended as a timeout.
    NoAnswer(Option<u64>),
}

impl Default for Times {
    fn default() -> Times {
        Times { answered: histogram::empty(), unanswered: histogram::empty(), timeouts: 0 }
    }
}

impl Times {
    /// Adds those of some counts, from the intended instant or from the sending.
    pub fn add(&mut self, counts: &SeriesCounts, service_time: bool) {
        if service_time { &counts.service_time } else { &counts.latency }.add_to(&mut self.answered);
        self.timed_out(&counts.unanswered, counts.failed.get(&Failure::Timeout).copied().unwrap_or(0));
    }

    /// Adds what got no answer, some of it as timeouts.
    pub fn timed_out(&mut self, unanswered: &Counts, timeouts: u64) {
        // Of a time that is known without an answer, such as that of connecting, a timeout is no end.
        self.timeouts += timeouts.min(unanswered.total());
        unanswered.add_to(&mut self.unanswered);
    }

    pub fn len(&self) -> u64 {
        self.answered.len() + self.unanswered.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The share that got no answer.
    pub fn without(&self) -> f64 {
        self.unanswered.len() as f64 / self.len().max(1) as f64
    }

    /// What so many of all were at most: timeouts rank above all answers in the order in which they were given up, and whatever
    /// else got no answer above these.
    pub fn quantile(&self, share: f64) -> Ranked {
        let answered = self.answered.len();
        match (answered, self.unanswered.len()) {
            (0, 0) => Ranked::Nothing,
            (_, 0) => Ranked::Time(self.answered.value_at_quantile(share)),
            (_, _) => {
                // A share such as 0.95 is a hair above or below what was written.
                let place = ((share * self.len() as f64 - 1e-6).ceil() as u64).max(1);
                match place.checked_sub(answered).filter(|above| *above > 0) {
                    None => Ranked::Time(at(&self.answered, place)),
                    Some(above) if above <= self.timeouts => Ranked::NoAnswer(Some(at(&self.unanswered, above))),
                    Some(_) => Ranked::NoAnswer(None),
                }
            }
        }
    }
}

/// The value at an index.
fn at(times: &Histogram<u64>, place: u64) -> u64 {
    times.value_at_quantile((place as f64 - 0.5) / times.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(answered: &[u64], waited: &[u64], timeouts: u64) -> Times {
        let mut times = Times { timeouts, ..Times::default() };
        answered.iter().for_each(|time| times.answered.record(*time).unwrap());
        waited.iter().for_each(|time| times.unanswered.record(*time).unwrap());
        times
    }

    #[test]
    fn what_got_no_answer_ranks_above_all_answers() {
        // Refused at once, and still slower than the slowest answer.
        let refused = times(&[100, 200, 300, 400, 500, 600], &[1, 1, 1, 1], 0);
        assert_eq!(refused.quantile(0.5), Ranked::Time(500));
        assert_eq!(refused.quantile(0.6), Ranked::Time(600));
        assert_eq!(refused.quantile(0.61), Ranked::NoAnswer(None));
        assert_eq!((refused.quantile(1.0), refused.without()), (Ranked::NoAnswer(None), 0.4));
        assert_eq!(times(&[], &[1], 0).quantile(0.01), Ranked::NoAnswer(None));
        assert_eq!(Times::default().quantile(0.5), Ranked::Nothing);
        assert_eq!(times(&[7, 8], &[], 0).quantile(0.5), Ranked::Time(7));
    }

    #[test]
    fn timeouts_rank_at_their_time_and_beneath_what_says_nothing() {
        let mixed = times(&[100, 200], &[1000, 1001, 1002, 1003], 4);
        assert_eq!(mixed.quantile(0.5), Ranked::NoAnswer(Some(1000)));
        assert_eq!(mixed.quantile(1.0), Ranked::NoAnswer(Some(1003)));
        let also_refused = times(&[100, 200], &[1, 1000], 1);
        assert_eq!(also_refused.quantile(0.75), Ranked::NoAnswer(Some(1)), "no more than that is sure");
        assert_eq!(also_refused.quantile(1.0), Ranked::NoAnswer(None));
    }
}
