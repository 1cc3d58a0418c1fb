//! Trials of a search on a worker: it gets the next trial, and hands over its measurements at once. Arrival numbers continue from
//! trial to trial, so all workers divide them alike.

use super::worker::Worker;
use crate::plan::schedule::{Segment, Shape};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::watch;

/// How often workers hand over what they have while a trial ends.
const PACE: Duration = Duration::from_millis(100);

/// A level that is held for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    pub number: u64,
    pub start: u64,
    pub end: u64,
    /// As shapes have it: a rate as it is stored, or users.
    pub level: u64,
    /// The number of its first arrival.
    pub first: u64,
}

impl Trial {
    fn segment(&self) -> Vec<Segment> {
        vec![Segment { start: self.start, length: self.end - self.start, from: self.level, to: self.level }]
    }

    /// The level of an open load while it is tried.
    pub fn shape(&self) -> Shape {
        Shape::Open(self.segment())
    }

    /// What tells its arrivals at random from those of other trials.
    pub fn stream(&self) -> u64 {
        self.number + 1
    }
}

#[derive(Debug, Clone, Copy)]
pub enum NextTrial {
    Wait,
    Try(Trial),
    Over,
}

/// What workers are told of one search.
#[derive(Clone)]
pub struct Trials {
    told: watch::Receiver<NextTrial>,
    last: Option<u64>,
}

impl Trials {
    pub fn new(told: watch::Receiver<NextTrial>) -> Trials {
        Trials { told, last: None }
    }

    /// The next trial, as soon as it is known; nothing after the last.
    pub async fn next(&mut self) -> Option<Trial> {
        loop {
            let next = *self.told.borrow_and_update();
            match next {
                NextTrial::Over => return None,
                NextTrial::Try(trial) if self.last != Some(trial.number) => {
                    self.last = Some(trial.number);
                    return Some(trial);
                }
                NextTrial::Wait | NextTrial::Try(_) => self.told.changed().await.ok()?,
            }
        }
    }
}

/// The next trial of a load, where it searches.
pub async fn next(trials: &mut Option<Trials>) -> Option<Trial> {
    trials.as_mut()?.next().await
}

/// Hands over what a worker has when a trial is over, and goes on with it while the rest of it ends.
pub async fn hand_over(worker: &Rc<Worker>, load: usize, mut trials: Trials) {
    let alarm = worker.timers.alarm(false);
    let mut next = trials.next().await;
    while let Some(trial) = next {
        worker.timers.until(&alarm, trial.end).await;
        // Arrivals may be late, and say themselves when they are through.
        if !worker.plan.loads[load].is_open() {
            worker.trial_started(load, trial.number);
        }
        next = loop {
            worker.hands_over.notify_one();
            tokio::select! {
                next = trials.next() => break next,
                () = tokio::time::sleep(PACE) => {}
            }
        };
    }
}
