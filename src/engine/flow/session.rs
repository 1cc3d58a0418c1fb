//! One user: interprets the steps of iterations, one after the other, over slots that are kept between them.

use super::computed::{begin_turn, compute, items, measured, thought};
use super::missed::{Missed, name_of};
use super::progress::Progress;
use super::sender::Sender;
use super::steps::Op;
use super::transaction::Open;
use super::user::{Asker, UserState};
use crate::engine::pace::clock::Alarm;
use crate::engine::tracer::{self, Traced};
use crate::engine::value::{Choices, Frame, Rows, Unusable, Value};
use crate::engine::worker::{Recorded, Worker};
use crate::measure::{Failure, cause};
use std::ops::Range;
use std::rc::Rc;
use tokio::sync::OwnedSemaphorePermit;

/// Turns of loops between two looks at the rest of the world.
const TURNS: u32 = 64;

/// How far a loop has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Loop {
    pub made: u64,
    pub began: u64,
    pub items: Option<Rc<serde_json::Value>>,
    pub most: u64,
}

/// What an iteration of one flow works on.
pub(super) struct Iteration {
    pub flow: usize,
    pub frame: Frame,
    pub turns: Vec<Loop>,
    /// Of a session that is one user.
    pub kept: Rc<UserState>,
}

pub struct Session {
    pub(super) worker: Rc<Worker>,
    pub(super) load: usize,
    /// One for each part of a mix, made when it is first run.
    pub(super) iterations: Vec<Option<Box<Iteration>>>,
    pub(super) sender: Sender,
    pub(super) alarm: Rc<Alarm>,
    pub(super) progress: Rc<Progress>,
    /// Those who do for this one what is done together.
    pub(super) helpers: Vec<Session>,
    /// The step at which the last iteration ended early.
    pub(super) stopped: usize,
    /// Where all steps are tried: those that failed.
    pub(super) missed: Option<Vec<Missed>>,
    /// The condition between requests that did not hold last.
    pub(super) unmet: u32,
    /// Requests of the last iteration that went well, those that did not, and how many iterations in a row had none of the first.
    pub(super) went_well: u64,
    pub(super) went_wrong: u64,
    pub(super) in_vain: u64,
    /// Requests of all iterations that were sent and have ended.
    pub sent: u64,
    /// Turns that were made without waiting for anything.
    pub(super) turned: u32,
    /// The last look at the clock. Between two waits it is not looked at again, since a look costs as much as a step.
    pub now: u64,
}

/// What follows a step.
pub(super) enum Next {
    Step,
    Jump(usize),
    Failed(Failure),
    /// A value that it needs cannot be had.
    Unusable(Unusable),
    /// The iteration ends with that, unless a transaction is tried again.
    Ends(Failure),
}

impl Session {
    pub fn new(worker: &Rc<Worker>, load: usize, keeps_connections: bool) -> Session {
        let progress: Rc<Progress> = Rc::default();
        worker.progress.borrow_mut().push((load, progress.clone()));
        let alarm = worker.timers.alarm(false);
        Session {
            worker: worker.clone(),
            load,
            iterations: worker.plan.loads[load].parts.iter().map(|_| None).collect(),
            sender: Sender::new(worker, load, keeps_connections, alarm.clone()),
            alarm,
            progress,
            helpers: Vec::new(),
            stopped: 0,
            missed: None,
            unmet: 0,
            went_well: 0,
            went_wrong: 0,
            in_vain: 0,
            sent: 0,
            turned: 0,
            now: 0,
        }
    }

    fn iteration(worker: &Worker, load: usize, flow: usize) -> Box<Iteration> {
        let (planned, steps) = (&worker.plan.flows[flow], &worker.lowered.flows[flow]);
        let frame = Frame {
            slots: vec![Value::Null; steps.slots],
            answers: (0..planned.requests).map(|_| Rc::default()).collect(),
            user: 0,
            number: 0,
            turn: 0,
            choices: Choices::new(worker.seed, load as u64, 0, worker.run),
            rows: Rows::default(),
            derived: steps.derived.clone(),
        };
        Box::new(Iteration {
            flow,
            frame,
            turns: vec![Loop::default(); steps.loops],
            kept: match steps.onces {
                0 => worker.no_state.clone(),
                onces => UserState::new(onces),
            },
        })
    }

    /// Runs one iteration of a part of the load that was intended at an offset and begins now; its first failed request
    /// ends it.
    pub fn iterate(
        &mut self,
        who: Asker,
        part: usize,
        number: u64,
        (intended, now): (u64, u64),
    ) -> impl Future<Output = Result<(), Failure>> {
        self.now = now;
        let worker = self.worker.clone();
        let (mut iteration, kept) = self.begins(&worker, who, part, number);
        let recorded = &worker.series[self.load][part];
        if let Some(series) = recorded.iterations {
            worker.recorder.borrow_mut().sent(series, intended);
            self.progress.begin(series, intended);
        }
        async move {
            let ops = 0..worker.lowered.flows[iteration.flow].ops.len();
            let outcome = self.steps(&worker, part, &mut iteration, &kept, (ops, intended)).await;
            self.iterations[part] = Some(iteration);
            self.has_ended(&worker, part, intended, outcome);
            // A flow that waits for nothing must not keep the thread to itself.
            if self.turned > 0 {
                self.breathe().await;
            }
            outcome
        }
    }

    /// What an iteration works on, and what its user keeps.
    fn begins(&mut self, worker: &Worker, who: Asker, part: usize, number: u64) -> (Box<Iteration>, Rc<UserState>) {
        (self.went_well, self.went_wrong) = (0, 0);
        let planned = &worker.plan.loads[self.load];
        let flow = planned.parts[part].flow;
        let own = self.iterations[part].take();
        let mut iteration = own.unwrap_or_else(|| Session::iteration(worker, self.load, flow));
        self.sender.user = who.user;
        iteration.frame.begin(who.user, number);
        iteration.frame.turn = who.turn;
        iteration.frame.rows.begin(self.load, part, who.turn);
        let onces = worker.lowered.flows[flow].onces;
        let kept = match who.kept {
            Some(kept) => kept,
            // Nobody comes back to what was done.
            None if onces > 0 && !self.sender.is_user() => UserState::new(onces),
            None => iteration.kept.clone(),
        };
        if let Some(tracer) = &worker.tracer {
            let own = planned.parts.get(part).filter(|_| planned.parts.len() > 1);
            tracer.tell(Traced::Begins {
                load: planned.name.clone(),
                part: own.map(|part| part.name.clone()),
                flow: worker.plan.flows[flow].name.clone(),
                user: who.user,
            });
        }
        (iteration, kept)
    }

    /// An iteration that was intended at an offset has ended: told and recorded.
    fn has_ended(&mut self, worker: &Worker, part: usize, intended: u64, outcome: Result<(), Failure>) {
        if let Some(tracer) = &worker.tracer {
            let failed = outcome.err().and_then(|_| self.stopped(part)).map(|(response, _)| {
                let request = worker.request(worker.series[self.load][part].requests[response]);
                (request.name.clone(), tracer::place(request))
            });
            let took = self.now.saturating_sub(intended);
            tracer.tell(Traced::Ends { failure: outcome.err(), at: failed, took });
        }
        self.ended(outcome);
        if !self.sender.is_user() && worker.plan.loads[self.load].population.is_none() {
            self.leave();
        }
        if !self.left_unsent() {
            worker.recorder.borrow_mut().finished(self.load, intended);
        }
    }

    /// Records what is not recorded yet; of what the budget of the run ended only what had ended before.
    pub(super) fn ended(&mut self, outcome: Result<(), Failure>) {
        self.sender.ends();
        let recorder = &self.worker.recorder;
        self.progress.record(recorder);
        match self.left_unsent() {
            true => self.progress.leave(),
            false => while self.progress.end(recorder, self.now, outcome) {},
        }
    }

    /// Whether the last iteration ended where the budget of the run did.
    pub fn left_unsent(&self) -> bool {
        self.sender.left_unsent() || self.helpers.iter().any(Session::left_unsent)
    }

    /// Its user does not come back.
    fn leave(&mut self) {
        self.sender.leave();
        self.helpers.iter_mut().for_each(Session::leave);
    }

    /// Gives a value to the next iteration.
    pub fn give(&mut self, part: usize, slot: usize, value: Value) {
        let flow = self.worker.plan.loads[self.load].parts[part].flow;
        let iteration = self.iterations[part].get_or_insert_with(|| Session::iteration(&self.worker, self.load, flow));
        iteration.frame.slots[slot] = value;
    }

    /// The statuses of the answers of the last iteration, in the order of its steps.
    pub fn statuses(&self, part: usize) -> impl Iterator<Item = u16> {
        let answers = self.iterations[part].iter().flat_map(|iteration| &iteration.frame.answers);
        answers.map(|answer| answer.status).filter(|status| *status >= 100)
    }

    /// The last request of the last iteration that was answered otherwise than by a 2xx, and how.
    pub fn answered_badly(&self, part: usize) -> Option<(usize, u16)> {
        let answers = &self.iterations[part].as_ref()?.frame.answers;
        let bad = |status: u16| status >= 100 && !(200..300).contains(&status);
        answers.iter().map(|answer| answer.status).enumerate().rev().find(|(_, status)| bad(*status))
    }

    /// The values of the last iteration.
    pub fn values(&self, part: usize) -> impl Iterator<Item = &Value> {
        self.iterations[part].iter().flat_map(|iteration| &iteration.frame.slots)
    }

    /// What the last iteration has computed from secrets.
    pub fn secrets(&self, part: usize) -> Vec<String> {
        self.iterations[part].as_ref().map_or_else(Vec::new, |iteration| iteration.frame.secrets())
    }

    async fn breathe(&mut self) {
        self.turned = 0;
        tokio::task::yield_now().await;
        self.now = self.worker.timers.clock.now();
    }

    /// Records the last request, where nothing before the next one can fail it, and waits.
    async fn wait(&mut self, worker: &Worker, until: u64, keeps: bool) {
        if !keeps {
            self.progress.record(&worker.recorder);
        }
        self.turned = 0;
        worker.timers.until(&self.alarm, until).await;
        self.now = worker.timers.clock.now();
    }

    /// Runs some steps of the flow; the first is due at an offset.
    pub(super) fn steps(
        &mut self,
        worker: &Rc<Worker>,
        part: usize,
        iteration: &mut Iteration,
        kept: &Rc<UserState>,
        (ops, mut due): (Range<usize>, u64),
    ) -> impl Future<Output = Result<(), Failure>> {
        self.turned += 1;
        async move {
            let steps = &worker.lowered.flows[iteration.flow];
            let recorded = &worker.series[self.load][part];
            let mut at = ops.start;
            // Held while this iteration does what its user does once, or is within limits; given back in reverse.
            let mut held = Vec::new();
            let mut open: Option<Open> = None;
            while at < ops.end {
                if self.turned >= TURNS {
                    self.breathe().await;
                }
                let op = &steps.ops[at];
                let next = match op {
                    Op::Request(request) => {
                        self.settle(worker, iteration);
                        let (series, times) = (recorded.requests[request.response], (due, self.now));
                        let (end, ended) =
                            self.sender.request(request, &mut iteration.frame, &self.progress, series, times).await;
                        (due, self.now) = (end, end);
                        match self.answered(ended, at, request.goes_on, iteration) {
                            Ok(()) => Next::Step,
                            Err(failure) => Next::Ends(failure),
                        }
                    }
                    Op::Think { think, keeps } => {
                        due += thought(worker, think, iteration);
                        self.wait(worker, due, *keeps).await;
                        Next::Step
                    }
                    Op::Turn(turn) => {
                        let next = begin_turn(turn, iteration, &worker.lowered.paths, self.now);
                        let turns = &iteration.turns[turn.id];
                        if let (Next::Step, Some(every), true) = (&next, turn.every, turns.made > 0) {
                            due = due.max(turns.began + turns.made * every);
                            self.wait(worker, due, turn.keeps).await;
                        }
                        self.turned += 1;
                        next
                    }
                    Op::Once { id, every, keeps, to } => {
                        let turn = self.begin_once(worker, (*id, *every, *keeps), iteration, kept).await;
                        let is_done = turn.is_none();
                        held.extend(turn);
                        if is_done { Next::Jump(*to) } else { Next::Step }
                    }
                    Op::Done { id, leaves } => {
                        kept.is_done(*id, self.now, leaves, &iteration.frame);
                        iteration.frame.rows.end_once();
                        held.pop();
                        Next::Step
                    }
                    Op::Let { slot, owner: Some(id), .. } => {
                        // Another iteration of its user may have set it meanwhile.
                        kept.give_back(*id, *slot, &mut iteration.frame);
                        let next = self.at_once(op, worker, iteration, recorded, due);
                        if matches!(next, Next::Step) {
                            kept.set(*id, *slot, &iteration.frame.slots[*slot]);
                        }
                        next
                    }
                    Op::Acquire { limit, keeps } => {
                        let asked = self.now;
                        held.push(self.acquire(worker, *limit, *keeps, recorded.waits[*limit]).await);
                        // The wait is measured by itself, and is not the target's.
                        due += self.now - asked;
                        Next::Step
                    }
                    Op::Begin(begin) => {
                        self.enter(worker, begin.group, iteration.flow, recorded, due);
                        self.sender.begins(begin.target);
                        open = Some(Open { at, tries: 0, held: held.len(), depth: self.progress.depth() });
                        Next::Step
                    }
                    Op::Commit => {
                        self.settle(worker, iteration);
                        let committed = self.sender.commits().await;
                        self.now = worker.timers.clock.now();
                        due = self.now;
                        match committed {
                            Ok(()) => {
                                open = None;
                                self.progress.end(&worker.recorder, self.now, Ok(()));
                                Next::Step
                            }
                            Err(failure) => {
                                self.stopped = at;
                                Next::Ends(failure)
                            }
                        }
                    }
                    Op::Release => {
                        held.pop();
                        Next::Step
                    }
                    Op::HangUp(target) => {
                        self.sender.hangs_up(*target);
                        Next::Step
                    }
                    Op::Together { slot, list, at_most, to } => {
                        match items(list, *at_most, iteration, &worker.lowered.paths) {
                            Ok(items) => {
                                self.stopped = at;
                                let range = at + 1..*to;
                                // None begins within a transaction.
                                self.together(worker, part, iteration, kept, (*slot, &items), range).await?;
                                due = self.now;
                                Next::Jump(*to)
                            }
                            Err(failed) => failed,
                        }
                    }
                    op => self.at_once(op, worker, iteration, recorded, due),
                };
                let next = match next {
                    Next::Failed(failure) => self.fails((failure, None), at, iteration, recorded, due),
                    Next::Unusable(unusable) => {
                        self.fails((unusable.failure(), unusable.because()), at, iteration, recorded, due)
                    }
                    next => next,
                };
                at = match next {
                    Next::Step => at + 1,
                    Next::Jump(to) => to,
                    Next::Failed(failure) | Next::Ends(failure) => {
                        let again = self.rolls_back(worker, open.take(), steps, failure, iteration).await;
                        let Some(again) = again else { return Err(failure) };
                        held.truncate(again.held);
                        due = self.now;
                        let behind = again.at + 1;
                        open = Some(again);
                        behind
                    }
                    Next::Unusable(unusable) => return Err(unusable.failure()),
                };
            }
            Ok(())
        }
    }

    /// How a request ended is counted; its failure ends the iteration unless that goes on.
    fn answered(
        &mut self,
        ended: Result<(), Failure>,
        at: usize,
        goes_on: bool,
        iteration: &Iteration,
    ) -> Result<(), Failure> {
        self.turned = if has_waited(ended) { 0 } else { self.turned };
        self.sent += u64::from(ended != Err(Failure::Data));
        self.went_well += u64::from(ended.is_ok());
        self.went_wrong += u64::from(ended.is_err());
        match ended {
            Err(failure) if self.sender.left_unsent() => {
                self.stopped = at;
                Err(failure)
            }
            Err(failure) if !goes_on => self.misses(failure, at, iteration),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Nothing can fail the last request any more.
    fn settle(&mut self, worker: &Worker, iteration: &Iteration) {
        self.progress.record(&worker.recorder);
        // To look into them took time.
        if iteration.frame.answers.iter().any(|answer| answer.took_time()) {
            self.now = worker.timers.clock.now();
        }
    }

    /// Waits for its turn to do what its user does once; none where that is done.
    async fn begin_once(
        &mut self,
        worker: &Worker,
        (id, every, keeps): (usize, Option<u64>, bool),
        iteration: &mut Iteration,
        kept: &UserState,
    ) -> Option<Option<OwnedSemaphorePermit>> {
        let (times, users) = (kept.times(id), worker.plan.loads[self.load].users());
        if kept.holds(id, every, self.now, &mut iteration.frame) {
            return None;
        }
        if !keeps {
            self.progress.record(&worker.recorder);
        }
        // The semaphore is never closed.
        let turn = kept.turn.clone().acquire_owned().await.ok();
        self.now = worker.timers.clock.now();
        if kept.holds(id, every, self.now, &mut iteration.frame) {
            return None;
        }
        iteration.frame.rows.begin_once(id, times * users + self.sender.user - 1);
        Some(turn)
    }

    /// Waits to be let through by a limit, which is measured.
    async fn acquire(
        &mut self,
        worker: &Worker,
        limit: usize,
        keeps: bool,
        series: usize,
    ) -> Option<OwnedSemaphorePermit> {
        if !keeps {
            self.progress.record(&worker.recorder);
        }
        worker.recorder.borrow_mut().sent(series, self.now);
        self.progress.begin(series, self.now);
        let pass = worker.gates[limit].pass(&worker.timers, &self.alarm).await;
        self.now = worker.timers.clock.now();
        self.progress.end(&worker.recorder, self.now, Ok(()));
        pass
    }

    /// A group begins.
    fn enter(&mut self, worker: &Worker, group: usize, flow: usize, recorded: &Recorded, due: u64) {
        if let Some(tracer) = &worker.tracer {
            tracer.tell(Traced::Group(worker.plan.flows[flow].groups[group].clone()));
        }
        let series = recorded.groups[group];
        worker.recorder.borrow_mut().sent(series, self.now);
        self.progress.begin(series, due);
    }

    /// A step between requests has failed: where it goes on, or that the iteration ends.
    fn fails(
        &mut self,
        failed: (Failure, Option<String>),
        at: usize,
        iteration: &mut Iteration,
        recorded: &Recorded,
        due: u64,
    ) -> Next {
        match self.fail(failed, at, iteration, recorded, due) {
            Ok(to) => Next::Jump(to),
            Err(failure) => Next::Ends(failure),
        }
    }

    /// A step that waits for nothing.
    fn at_once(&mut self, op: &Op, worker: &Worker, iteration: &mut Iteration, recorded: &Recorded, due: u64) -> Next {
        let flow = &worker.plan.flows[iteration.flow];
        match op {
            Op::Measure { measure, value } => match iteration.frame.eval(value, &worker.lowered.paths) {
                Ok(value) => {
                    if let Some(tracer) = &worker.tracer {
                        tracer.learn(&iteration.frame);
                        tracer.value(&flow.measures[*measure].0, &value);
                    }
                    measured(worker, recorded.measures[*measure], &value, due)
                }
                Err(unusable) => Next::Unusable(unusable),
            },
            Op::Enter(group) => {
                self.enter(worker, *group, iteration.flow, recorded, due);
                Next::Step
            }
            Op::Leave => {
                self.progress.end(&worker.recorder, self.now, Ok(()));
                Next::Step
            }
            Op::Expect(checks) => match worker.unmet(checks, &mut iteration.frame) {
                None => Next::Step,
                Some((check, failure)) => {
                    self.unmet = checks.get(check).map_or(0, |check| cause::why(&check.text));
                    Next::Failed(failure)
                }
            },
            op => {
                self.turned += u32::from(matches!(op, Op::Entry { .. }));
                let next = compute(op, iteration, &worker.lowered.paths, self.now);
                if let (Some(tracer), Next::Step, Some(slot)) = (&worker.tracer, &next, op.slot()) {
                    tracer.learn(&iteration.frame);
                    tracer.value(name_of(&flow.names, slot), &iteration.frame.slots[slot]);
                }
                next
            }
        }
    }
}

/// Whether a request has let others run. One that could not be built, or got no connection, may have waited for nothing.
fn has_waited(ended: Result<(), Failure>) -> bool {
    match ended {
        Err(Failure::Data | Failure::Connect) => false,
        Err(failure) => !failure.is_generator(),
        Ok(()) => true,
    }
}
