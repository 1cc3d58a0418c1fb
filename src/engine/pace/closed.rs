//! The closed model: each user begins its next iteration when the last one has ended. Users of a `once` do so until their share
//! of its iterations is done.

use super::clock::Alarm;
use crate::engine::flow::rest::After;
use crate::engine::flow::session::Session;
use crate::engine::flow::user::Asker;
use crate::engine::trials;
use crate::engine::worker::{Active, Worker};
use crate::plan::{Activity, StageKind};
use std::cell::Cell;
use std::rc::Rc;

/// What our users have to do of a `once`.
struct Work {
    load: usize,
    stage: usize,
    end: u64,
    unstarted: Cell<u64>,
    unfinished: Cell<u64>,
    /// Rings when nothing is left to start.
    started: Rc<Alarm>,
}

impl Work {
    fn start(&self, worker: &Worker) {
        self.unstarted.set(self.unstarted.get() - 1);
        if self.unstarted.get() == 0 {
            worker.timers.ring(&self.started);
        }
    }

    fn finish(&self, worker: &Worker) {
        self.unfinished.set(self.unfinished.get() - 1);
        if self.unfinished.get() == 0 {
            self.told(worker, worker.timers.clock.now());
        }
    }

    fn told(&self, worker: &Worker, at: u64) {
        worker.finished.borrow_mut().push((self.load, self.stage, at));
    }

    /// At its end counts what no user came to.
    async fn ends(&self, worker: &Worker) {
        if self.unstarted.get() > 0 {
            worker.timers.until(&self.started, self.end).await;
        }
        if !worker.stops() {
            for _ in 0..self.unstarted.get() {
                worker.recorder.borrow_mut().dropped(self.load, self.end - 1);
            }
        }
    }
}

/// Starts our users of a load.
pub fn start(worker: &Rc<Worker>, load: usize) {
    let planned = &worker.plan.loads[load];
    let share = worker.plan.share;
    let (first, step) = (share.index + worker.index * share.count, share.count * worker.workers);
    let ours = || (first..planned.shape.peak()).step_by(step as usize);
    let works = planned.stages.iter().enumerate().map(|(place, stage)| {
        if stage.kind != StageKind::Once {
            return None;
        }
        let of_stage = |(own, count): (usize, u64)| if own == place { count } else { 0 };
        let turns = |user| planned.turns_of(user).into_iter().filter_map(|turns| turns.of).map(of_stage).sum::<u64>();
        let count = Cell::new(ours().map(turns).sum());
        let started = worker.starter(false);
        let work =
            Rc::new(Work { load, stage: place, end: stage.end, unfinished: count.clone(), unstarted: count, started });
        if work.unfinished.get() == 0 {
            work.told(worker, stage.start);
        }
        let (active, own) = (Active::new(worker), work.clone());
        tokio::task::spawn_local(async move { own.ends(&active.0).await });
        Some(work)
    });
    let works: Rc<[Option<Rc<Work>>]> = works.collect();
    for number in ours() {
        let user = ClosedUser::new(Active::new(worker), load, number);
        let maker = tokio::task::spawn_local(user.lives(works.clone()));
        worker.makers.borrow_mut().push((load, maker.abort_handle()));
    }
}

/// A user, from 0, while the level of its load is above it.
struct ClosedUser {
    active: Active,
    load: usize,
    number: u64,
    session: Session,
    alarm: Rc<Alarm>,
    /// Iterations so far, of each part and together.
    rounds: Vec<u64>,
    done: u64,
    /// For want of rows.
    left: bool,
}

impl ClosedUser {
    fn new(active: Active, load: usize, number: u64) -> ClosedUser {
        let worker = &active.0;
        let (session, alarm) = (Session::new(worker, load, true), worker.starter(false));
        let rounds = vec![0; worker.plan.loads[load].parts.len()];
        ClosedUser { active, load, number, session, alarm, rounds, done: 0, left: false }
    }

    /// All that it does. Here and below a function returns its future: one that is `async` would keep its arguments twice, and a user
    /// may cost little memory.
    fn lives(mut self, works: Rc<[Option<Rc<Work>>]>) -> impl Future<Output = ()> {
        let planned = self.active.0.plan.loads[self.load].turns_of(self.number).into_iter();
        async move {
            for turns in planned {
                if !self.left {
                    self.turns(turns, &works).await;
                }
            }
            let mut trials = self.active.0.trials(self.load);
            while let Some(trial) = trials::next(&mut trials).await {
                if self.number < trial.level && !self.left {
                    self.turns(Activity { start: trial.start, end: trial.end, of: None }, &works).await;
                }
            }
        }
    }

    fn turns(&mut self, turns: Activity, works: &[Option<Rc<Work>>]) -> impl Future<Output = ()> {
        let (worker, load) = (self.active.0.clone(), self.load);
        let work = turns.of.and_then(|(stage, count)| Some((works[stage].as_ref()?, self.done + count)));
        async move {
            let planned = &worker.plan.loads[load];
            if !worker.stops() {
                worker.timers.until(&self.alarm, turns.start).await;
            }
            self.session.now = worker.timers.clock.now();
            loop {
                let now = self.session.now;
                if now >= turns.end || worker.stops() || work.is_some_and(|(_, last)| self.done == last) {
                    break;
                }
                if let Some((work, _)) = work {
                    work.start(&worker);
                }
                worker.recorder.borrow_mut().started(load, now, 0);
                let part = planned.part_of_turn(self.number, self.done);
                let turn = self.rounds[part] * planned.shape.peak() + self.number;
                let who = Asker { user: self.number + 1, turn, kept: None };
                let outcome = self.session.iterate(who, part, self.number << 32 | self.done, (now, now)).await;
                self.rounds[part] += 1;
                self.done += 1;
                let after = match outcome {
                    Err(failure) => Some(self.session.after(part, failure)),
                    Ok(()) => self.session.after_nothing_else(part),
                };
                if let Some((work, _)) = work
                    && !self.session.left_unsent()
                {
                    work.finish(&worker);
                }
                match after {
                    Some(After::Leave) => {
                        worker.recorder.borrow_mut().without_rows(load, self.session.now);
                        self.left = true;
                        return;
                    }
                    Some(After::Rest { from_now, from_start }) => {
                        self.rest((self.session.now + from_now).max(now + from_start).min(turns.end)).await;
                    }
                    None => {}
                }
                if let Some(pace) = planned.pace
                    && !worker.stops()
                {
                    worker.timers.until(&self.alarm, (now + pace).min(turns.end)).await;
                    self.session.now = worker.timers.clock.now();
                }
            }
        }
    }

    /// Waits after a failure, which is in no sample, and ends with the stage.
    async fn rest(&mut self, until: u64) {
        let (worker, began) = (&self.active.0, self.session.now);
        if until <= began || worker.stops() {
            return;
        }
        worker.timers.until(&self.alarm, until).await;
        self.session.now = worker.timers.clock.now();
        worker.recorder.borrow_mut().rested(self.load, began, self.session.now - began);
    }
}

#[cfg(test)]
mod tests {
    use super::ClosedUser;
    use crate::engine::flow::progress::Progress;
    use crate::engine::http::Connection;
    use crate::engine::value::Frame;
    use crate::engine::value::answered::Answered;
    use std::mem::size_of;

    fn of_future<A, B, F>(_: fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    /// Ten thousand users are usual. What a new field needs here each of them pays; what few flows use is boxed and made when it is
    /// first used.
    #[test]
    fn a_user_takes_little_memory() {
        let task = of_future(ClosedUser::lives);
        let rest = [size_of::<Frame>(), size_of::<Answered>(), size_of::<Progress>(), size_of::<Connection>()];
        let all = task + rest.iter().sum::<usize>();
        assert!(all <= 3250, "{all} bytes: a task of {task}, and {rest:?}");
    }
}
