//! Searches: decides the next trial and sends it to the workers.

use crate::base::units::{MILLISECOND, Rate, SECOND};
use crate::engine::pace::random::Chance;
use crate::engine::trials::{NextTrial, Trial, Trials};
use crate::measure::{Event, Gauges, Slice};
use crate::metric::Finder;
use crate::plan::schedule::Shape;
use crate::plan::{Load, Plan};
use tokio::sync::watch;

/// So long before its start every worker knows of a trial.
const AHEAD: u64 = 100 * MILLISECOND;

/// The searches of a run, as the control plane has them.
pub struct Searches<'p> {
    all: Vec<RunningTrial<'p>>,
    workers: u64,
}

struct RunningTrial<'p> {
    finder: Finder<'p>,
    load: usize,
    stage: usize,
    planned: &'p Load,
    seed: u64,
    next: watch::Sender<NextTrial>,
    trial: Option<Trial>,
    /// How many workers have started all that is theirs of the trial.
    started: u64,
}

impl<'p> Searches<'p> {
    pub fn new(plan: &'p Plan, seed: u64, workers: u64) -> Searches<'p> {
        let all = plan.searches.iter().map(|search| {
            let planned = &plan.loads[search.load];
            let start = search.range(&plan.loads).0;
            let mut running = RunningTrial {
                finder: Finder::new(plan, search),
                load: search.load,
                stage: search.stage,
                planned,
                seed,
                next: watch::channel(NextTrial::Wait).0,
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
            trials[running.load] = Some(Trials::new(running.next.subscribe()));
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
        let is =
            |running: &&mut RunningTrial| running.load == load && running.trial.is_some_and(|t| t.number == number);
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

impl RunningTrial<'_> {
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
        self.next.send_replace(NextTrial::Try(trial));
    }

    fn over(&mut self) {
        self.trial = None;
        self.next.send_replace(NextTrial::Over);
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
