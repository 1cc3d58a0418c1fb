//! Single requests recorded in full: some that failed, and the slowest that did not.

use super::{Cause, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many of the first failures of one kind in one series become examples.
const FIRST: usize = 3;
/// How many examples are drawn from all others.
const DRAWN: usize = 9;
/// How many causes a worker keeps examples of.
const MOST: usize = 1000;
/// How many of the slowest successful requests each series keeps.
const SLOWEST: usize = 5;

/// One request in full.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Example {
    pub series: u32,
    /// None if it is one of the slowest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// When it was intended.
    pub at: u64,
    pub latency: u64,
    pub service_time: u64,
    pub user: u64,
    /// 0 if there was no answer.
    pub status: u16,
    /// The condition that did not hold, or why there was no answer, and whether a fault gave one: as [`Cause`] has them.
    #[serde(default, skip_serializing_if = "says_nothing")]
    pub why: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub injected: bool,
    /// How often it was sent.
    pub sends: u64,
    /// Why it failed, if more than the kind is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Method and path, if it got that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The start of the answer's body, of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// A random number that decides whether it is drawn.
    pub draw: u32,
    /// What its iteration has computed from secrets, to mask before it is written.
    #[serde(skip)]
    pub secrets: Vec<String>,
}

fn says_nothing(why: &u32) -> bool {
    *why == 0
}

impl Example {
    pub fn cause(&self) -> Option<Cause> {
        let Example { failure, status, why, injected, .. } = *self;
        failure.map(|failure| Cause { failure, status, why, injected })
    }

    /// Its texts, which may hold anything.
    pub fn texts_mut(&mut self) -> [&mut Option<String>; 3] {
        [&mut self.because, &mut self.request, &mut self.body]
    }
}

/// What a worker asks before it makes an example, and where it leaves those that it makes.
#[derive(Debug)]
pub struct Choice {
    /// By series and cause: how many were the first, and the numbers of those that are drawn, in their order. The
    /// lowest of all are a fair draw, and the lowest of two workers are among the lowest of each.
    failed: BTreeMap<(usize, Cause), (usize, Vec<u32>)>,
    /// By series: the latencies of the slowest, the slowest first.
    slowest: Vec<[u64; SLOWEST]>,
    failures: Vec<Example>,
    slow: Vec<Example>,
    drained: u64,
}

impl Choice {
    pub fn new(series: usize) -> Choice {
        let slowest = vec![[0; SLOWEST]; series];
        Choice { failed: BTreeMap::new(), slowest, failures: Vec::new(), slow: Vec::new(), drained: 0 }
    }

    pub fn is_slow(&self, series: usize, latency: u64) -> bool {
        latency > self.slowest[series][SLOWEST - 1]
    }

    /// Whether a failure becomes an example.
    pub fn wants(&self, series: usize, cause: Cause, draw: u32) -> bool {
        match self.failed.get(&(series, cause)) {
            Some((first, drawn)) => {
                *first < FIRST || drawn.len() < DRAWN || drawn.last().is_some_and(|last| draw < *last)
            }
            // A server that answers anything shall not fill the memory.
            None => self.failed.len() < MOST,
        }
    }

    pub fn take(&mut self, example: Example) {
        let series = example.series as usize;
        let Some(cause) = example.cause() else {
            let slowest = &mut self.slowest[series];
            let place = slowest.partition_point(|latency| *latency >= example.latency);
            if place < SLOWEST {
                slowest[place..].rotate_right(1);
                slowest[place] = example.latency;
                self.slow.push(example);
                let least = slowest[SLOWEST - 1];
                self.slow.retain(|slow| slow.series as usize != series || slow.latency >= least);
            }
            return;
        };
        if !self.wants(series, cause, example.draw) {
            return;
        }
        let (first, drawn) = self.failed.entry((series, cause)).or_default();
        match *first < FIRST {
            true => *first += 1,
            false => {
                drawn.insert(drawn.partition_point(|own| *own < example.draw), example.draw);
                drawn.truncate(DRAWN);
            }
        }
        self.failures.push(example);
    }

    /// What is new, once a second. While everything gets slower, everything is among the slowest: these are handed
    /// over after 1, 2, 4, 8, … seconds and at the end.
    pub fn drain(&mut self, last: bool) -> Vec<Example> {
        self.drained += 1;
        let mut examples = std::mem::take(&mut self.failures);
        if last || self.drained.is_power_of_two() {
            examples.append(&mut self.slow);
        }
        examples
    }
}

/// The examples of a run, from all its workers.
#[derive(Debug, Clone, Default)]
pub struct Examples {
    failed: BTreeMap<(u32, Cause), (Vec<Example>, Vec<Example>)>,
    slowest: BTreeMap<u32, Vec<Example>>,
}

impl Examples {
    pub fn take(&mut self, example: Example) {
        let Some(cause) = example.cause() else {
            let slowest = self.slowest.entry(example.series).or_default();
            slowest.push(example);
            slowest.sort_by_key(|slow| (std::cmp::Reverse(slow.latency), slow.at));
            slowest.truncate(SLOWEST);
            return;
        };
        let (first, drawn) = self.failed.entry((example.series, cause)).or_default();
        first.push(example);
        first.sort_by_key(|one| (one.at, one.draw));
        if first.len() > FIRST {
            drawn.extend(first.pop());
            drawn.sort_by_key(|one| (one.draw, one.at));
            drawn.truncate(DRAWN);
        }
    }

    /// By series and cause, in the order of time.
    pub fn failed(&self) -> impl Iterator<Item = &Example> {
        self.failed.values().flat_map(|(first, drawn)| {
            let mut all: Vec<&Example> = first.iter().chain(drawn).collect();
            all.sort_by_key(|one| one.at);
            all
        })
    }

    /// By series, the slowest first.
    pub fn slowest(&self) -> impl Iterator<Item = &Example> {
        self.slowest.values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(failure: Option<Failure>, at: u64, latency: u64) -> Example {
        let draw = (at as u32).wrapping_mul(0x9e37_79b9);
        let (because, request, body, traceparent) = (None, None, None, None);
        let (series, service_time, user, status, sends) = (0, latency, 1, 500, 1);
        Example {
            series,
            failure,
            at,
            latency,
            service_time,
            user,
            status,
            why: 0,
            injected: false,
            sends,
            because,
            request,
            body,
            traceparent,
            draw,
            secrets: Vec::new(),
        }
    }

    #[test]
    fn of_many_failures_the_first_and_a_draw_are_kept_whatever_the_workers() {
        let kept = |workers: u64| {
            let mut all = Examples::default();
            for worker in 0..workers {
                let mut choice = Choice::new(1);
                let mut told = 0;
                for at in (worker..100_000).step_by(workers as usize) {
                    let one = example(Some(Failure::Status), at, 1);
                    if one.cause().is_some_and(|cause| choice.wants(0, cause, one.draw)) {
                        choice.take(one);
                    }
                    if at % 1000 < workers {
                        choice.drain(false).into_iter().for_each(|one| {
                            told += 1;
                            all.take(one);
                        });
                    }
                }
                assert!(told < 200, "{told}");
                choice.drain(true).into_iter().for_each(|one| all.take(one));
            }
            all.failed().map(|one| one.at).collect::<Vec<u64>>()
        };
        let one = kept(1);
        assert_eq!((one.len(), &one[..3]), (FIRST + DRAWN, &[0, 1, 2][..]));
        assert!(one[3..].iter().any(|at| *at > 50_000), "from all of the run: {one:?}");
        assert_eq!(kept(3)[..3], [0, 1, 2]);
    }

    #[test]
    fn the_slowest_are_few_while_everything_gets_slower() {
        let mut choice = Choice::new(1);
        let (mut all, mut told) = (Examples::default(), 0);
        for at in 0..100_000 {
            let one = example(None, at, at);
            assert!(choice.is_slow(0, at) || at == 0);
            choice.take(one);
            if at % 1000 == 999 || at == 99_999 {
                let new = choice.drain(at == 99_999);
                told += new.len();
                new.into_iter().for_each(|one| all.take(one));
            }
        }
        assert!(told <= 8 * SLOWEST, "{told}");
        assert!(!choice.is_slow(0, 99_995));
        assert_eq!(all.slowest().map(|one| one.latency).collect::<Vec<_>>(), [99_999, 99_998, 99_997, 99_996, 99_995]);
    }
}
