//! Searches in the engine: the control plane decides what is tried next and tells it, and the workers hand over at once
//! what they measured of it. The numbers of arrivals go on from trial to trial, so everybody deals them alike.

use super::chance::Chance;
use super::worker::Worker;
use crate::base::units::{MILLISECOND, Rate, SECOND};
use crate::measure::{Event, Gauges, Slice};
use crate::metric::Finder;
use crate::plan::schedule::{Segment, Shape};
use crate::plan::{Load, Plan};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::watch;

/// So long before its start every worker knows of a trial.
const AHEAD: u64 = 100 * MILLISECOND;
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
enum Next {
    Wait,
    Try(Trial),
    Over,
}

/// What workers are told of one search.
#[derive(Clone)]
pub struct Trials {
    told: watch::Receiver<Next>,
    last: Option<u64>,
}

impl Trials {
    /// The next trial, as soon as it is known; nothing behind the last.
    pub async fn next(&mut self) -> Option<Trial> {
        loop {
            let next = *self.told.borrow_and_update();
            match next {
                Next::Over => return None,
                Next::Try(trial) if self.last != Some(trial.number) => {
                    self.last = Some(trial.number);
                    return Some(trial);
                }
                Next::Wait | Next::Try(_) => self.told.changed().await.ok()?,
            }
        }
    }
}

/// The searches of a run, as the control plane has them.
pub struct Searches<'p> {
    all: Vec<Running<'p>>,
    workers: u64,
}

struct Running<'p> {
    finder: Finder<'p>,
    load: usize,
    stage: usize,
    planned: &'p Load,
    seed: u64,
    next: watch::Sender<Next>,
    trial: Option<Trial>,
    /// How many workers have started all that is theirs of the trial.
    started: u64,
}

impl<'p> Searches<'p> {
    pub fn new(plan: &'p Plan, seed: u64, workers: u64) -> Searches<'p> {
        let all = plan.searches.iter().map(|search| {
            let planned = &plan.loads[search.load];
            let start = search.range(&plan.loads).0;
            let mut running = Running {
                finder: Finder::new(plan, search),
                load: search.load,
                stage: search.stage,
                planned,
                seed,
                next: watch::channel(Next::Wait).0,
                trial: None,
                started: 0,
            };
            let before = running.arrivals(&planned.level(), 0);
            running.begin(start, before);
            running
        });
        Searches { all: all.collect(), workers }
    }

    /// By load, what workers listen to.
    pub fn trials(&self, loads: usize) -> Vec<Option<Trials>> {
        let mut trials = vec![None; loads];
        for running in &self.all {
            trials[running.load] = Some(Trials { told: running.next.subscribe(), last: None });
        }
        trials
    }

    pub fn take(&mut self, slice: &Slice) {
        self.all.iter_mut().for_each(|running| running.finder.take(slice));
    }

    pub fn see(&mut self, look: &Gauges) {
        self.all.iter_mut().for_each(|running| running.finder.see(look));
    }

    /// A worker has started all that is its of a trial.
    pub fn started(&mut self, load: usize, number: u64) {
        let is = |running: &&mut Running| running.load == load && running.trial.is_some_and(|t| t.number == number);
        if let Some(running) = self.all.iter_mut().find(is) {
            running.started += 1;
        }
    }

    /// What has come out by now, and the next trials.
    pub fn look(&mut self, now: u64) -> Vec<Event> {
        let mut events = Vec::new();
        for running in &mut self.all {
            let Some(trial) = running.trial.filter(|trial| now >= trial.end && running.started >= self.workers) else {
                continue;
            };
            let Some(tried) = running.finder.judge(now) else { continue };
            events.push(Event::Tried(tried));
            let own = running.arrivals(&trial.shape(), trial.stream());
            running.begin(now + AHEAD, trial.first + own);
            if running.trial.is_none() {
                events.push(Event::Done { load: running.load, stage: running.stage, at: trial.end });
            }
        }
        events
    }

    /// Nothing new is tried.
    pub fn stop(&mut self) {
        self.all.iter_mut().for_each(|running| running.over());
    }
}

impl Running<'_> {
    /// Tells of the next trial, or that there is none.
    fn begin(&mut self, from: u64, first: u64) {
        let Some((number, level, start)) = self.finder.begin(from) else { return self.over() };
        let level = match self.planned.is_open() {
            // Levels lie between two that are rates.
            true => Rate::new(level, SECOND).map_or(0, Rate::raw),
            false => level as u64,
        };
        let trial = Trial { number, start, end: start + self.finder.each(), level, first };
        self.trial = Some(trial);
        self.started = 0;
        self.next.send_replace(Next::Try(trial));
    }

    fn over(&mut self) {
        self.trial = None;
        self.next.send_replace(Next::Over);
    }

    /// How many there are of a level, of a stream where they come at random. Users make none that are numbered.
    fn arrivals(&self, shape: &Shape, stream: u64) -> u64 {
        match (self.planned.is_open(), self.planned.poisson) {
            (false, _) => 0,
            (true, false) => shape.arrivals(),
            (true, true) => Chance::new(shape, self.seed, self.load, stream).count() as u64,
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
