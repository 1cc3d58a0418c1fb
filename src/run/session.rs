//! One user: interprets the steps of iterations, one after the other, over slots that are kept between them.

use super::clock::{Alarm, Clock};
use super::drive::http1::{Answer, Ask, Connection};
use super::link::{Bytes, LinkedRequest};
use super::steps::{Op, Turn};
use super::value::{Choices, Frame, Paths, Rows, Value, from_json};
use super::worker::Worker;
use crate::measure::Failure;
use crate::plan::{Bound, Connections, Think};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A request that is under way, so that it can be counted when the run ends over it.
#[derive(Debug, Clone, Copy)]
pub struct UnderWay {
    pub series: usize,
    pub intended: u64,
    pub sent: u64,
}

/// A request that has ended, while a step behind it can still fail it.
#[derive(Debug, Clone, Copy)]
struct Pending {
    series: usize,
    intended: u64,
    latency: u64,
    service_time: u64,
    outcome: Result<(), Failure>,
}

/// What a user keeps between the iterations of a flow.
pub struct Kept {
    /// One at a time does what is done once; another iteration of the same user waits for it.
    turn: Arc<Semaphore>,
    done: RefCell<Vec<Option<Done>>>,
}

/// When it was done, and the values that stay.
struct Done {
    at: u64,
    times: u64,
    slots: Vec<(usize, Value)>,
}

impl Kept {
    pub fn new(onces: usize) -> Rc<Kept> {
        let done = (0..onces).map(|_| None).collect();
        Rc::new(Kept { turn: Arc::new(Semaphore::new(1)), done: RefCell::new(done) })
    }

    fn times(&self, id: usize) -> u64 {
        self.done.borrow()[id].as_ref().map_or(0, |done| done.times)
    }

    /// Whether it was done and still holds; then its values are put back.
    fn holds(&self, id: usize, every: Option<u64>, now: u64, slots: &mut [Value]) -> bool {
        match &self.done.borrow()[id] {
            Some(done) if every.is_none_or(|every| now - done.at < every) => {
                done.slots.iter().for_each(|(slot, value)| slots[*slot] = value.clone());
                true
            }
            _ => false,
        }
    }
}

/// Who asks: the number of the user, and what the user has kept where users come back.
pub struct Who {
    pub user: u64,
    /// The number of the iteration among those of all users, from 0.
    pub turn: u64,
    pub kept: Option<Rc<Kept>>,
}

/// How far a loop has come.
#[derive(Debug, Clone, Default)]
struct Turns {
    made: u64,
    began: u64,
    items: Option<Rc<serde_json::Value>>,
    most: u64,
}

/// What an iteration of one flow works on.
struct Place {
    flow: usize,
    frame: Frame,
    turns: Vec<Turns>,
    /// Of a session that is one user.
    kept: Rc<Kept>,
}

pub struct Session {
    worker: Rc<Worker>,
    load: usize,
    /// One for each part of a mix, made when it is first run.
    places: Vec<Option<Box<Place>>>,
    answer: Answer,
    text: String,
    scratch: String,
    alarm: Rc<Alarm>,
    /// In a closed load a session is a user, who keeps a connection to each target where the target says nothing else.
    own: Own,
    user: u64,
    pub under_way: Rc<Cell<Option<UnderWay>>>,
    pending: Option<Pending>,
}

/// What follows a step.
enum Next {
    Step,
    Jump(usize),
    Failed(Failure),
}

impl Session {
    pub fn new(worker: &Rc<Worker>, load: usize, keeps_connections: bool) -> Session {
        let plan = &worker.plan;
        let under_way = Rc::new(Cell::new(None));
        worker.under_way.borrow_mut().push(under_way.clone());
        Session {
            worker: worker.clone(),
            load,
            places: plan.loads[load].parts.iter().map(|_| None).collect(),
            answer: Answer::default(),
            text: String::new(),
            scratch: String::new(),
            alarm: worker.timers.alarm(false),
            own: keeps_connections.then(|| plan.targets.iter().map(|_| None).collect()),
            user: 0,
            under_way,
            pending: None,
        }
    }

    fn place(worker: &Worker, flow: usize) -> Box<Place> {
        let (planned, steps) = (&worker.plan.flows[flow], &worker.linked.flows[flow]);
        let frame = Frame {
            slots: vec![Value::Null; planned.slots],
            answers: (0..planned.requests).map(|_| super::value::Kept::default()).collect(),
            user: 0,
            number: 0,
            choices: Choices::new(0, 0, 0, 0),
            rows: Rows::default(),
        };
        Box::new(Place { flow, frame, turns: vec![Turns::default(); steps.loops], kept: Kept::new(steps.onces) })
    }

    /// Runs one iteration of a part of the load that was intended at an offset; its first failed request ends it.
    pub async fn iterate(&mut self, who: &Who, part: usize, number: u64, intended: u64) {
        let worker = self.worker.clone();
        let flow = worker.plan.loads[self.load].parts[part].flow;
        let mut place = self.places[part].take().unwrap_or_else(|| Session::place(&worker, flow));
        self.user = who.user;
        place.frame.user = who.user;
        place.frame.number = number;
        place.frame.rows.begin(self.load, part, who.turn);
        place.frame.choices = Choices::new(worker.seed, self.load as u64, number, worker.run);
        let onces = worker.linked.flows[flow].onces;
        let kept = match (&who.kept, &self.own) {
            (Some(kept), _) => kept.clone(),
            // Nobody comes back to what was done.
            (None, None) if onces > 0 => Kept::new(onces),
            (None, _) => place.kept.clone(),
        };
        self.steps(&worker, part, &mut place, &kept, intended).await;
        self.places[part] = Some(place);
        self.record();
        if self.own.is_none() && worker.plan.loads[self.load].population.is_none() {
            worker.user_is_gone(self.load, who.user);
        }
        worker.recorder.borrow_mut().finished(self.load, intended);
    }

    async fn steps(&mut self, worker: &Rc<Worker>, part: usize, place: &mut Place, kept: &Kept, intended: u64) {
        let ops = &worker.linked.flows[place.flow].ops;
        let recorded = &worker.series[self.load][part];
        let (mut at, mut due) = (0, intended);
        // Groups that have begun: their series, and when they were due.
        let mut open: Vec<(usize, u64)> = Vec::new();
        let mut outcome = Ok(());
        if let Some(series) = recorded.iterations {
            worker.recorder.borrow_mut().sent(series, intended);
        }
        // Held while this iteration does what its user does once.
        let mut held = None;
        while let Some(op) = ops.get(at) {
            let next = match op {
                Op::Request(request) => {
                    self.record();
                    let series = recorded.requests[request.response];
                    let ended = self.request(request, &mut place.frame, series, due).await;
                    due = worker.timers.clock.now();
                    match ended {
                        Err(failure) if !request.goes_on => Next::Failed(failure),
                        _ => Next::Step,
                    }
                }
                Op::Think(think) => {
                    self.record();
                    due += thinking(think, place.frame.choices.fraction());
                    worker.timers.until(&self.alarm, due).await;
                    Next::Step
                }
                Op::Turn(turn) => {
                    let next = begin_turn(turn, place, &worker.linked.paths, worker.timers.clock.now());
                    let turns = &place.turns[turn.id];
                    if let (Next::Step, Some(every), true) = (&next, turn.every, turns.made > 0) {
                        self.record();
                        due = due.max(turns.began + turns.made * every);
                        worker.timers.until(&self.alarm, due).await;
                    }
                    // A loop that waits for nothing must not keep the thread to itself.
                    if turns.made % 64 == 63 {
                        tokio::task::yield_now().await;
                    }
                    next
                }
                Op::Once { id, every, to } => {
                    let now = worker.timers.clock.now();
                    if kept.holds(*id, *every, now, &mut place.frame.slots) {
                        Next::Jump(*to)
                    } else {
                        // The semaphore is never closed.
                        held = kept.turn.clone().acquire_owned().await.ok();
                        let now = worker.timers.clock.now();
                        match kept.holds(*id, *every, now, &mut place.frame.slots) {
                            true => {
                                held = None;
                                Next::Jump(*to)
                            }
                            false => {
                                let users = worker.plan.loads[self.load].users();
                                place.frame.rows.once = Some(kept.times(*id) * users + self.user - 1);
                                Next::Step
                            }
                        }
                    }
                }
                Op::Done { id, slots } => {
                    let slots = slots.iter().map(|slot| (*slot, place.frame.slots[*slot].clone())).collect();
                    let times = kept.times(*id) + 1;
                    kept.done.borrow_mut()[*id] = Some(Done { at: worker.timers.clock.now(), times, slots });
                    place.frame.rows.once = None;
                    held = None;
                    Next::Step
                }
                Op::Enter(group) => {
                    let series = recorded.groups[*group];
                    worker.recorder.borrow_mut().sent(series, worker.timers.clock.now());
                    open.push((series, due));
                    Next::Step
                }
                Op::Leave => {
                    if let Some((series, due)) = open.pop() {
                        whole(worker, series, due, Ok(()));
                    }
                    Next::Step
                }
                op => compute(op, place, &worker.linked.paths, worker.timers.clock.now()),
            };
            match next {
                Next::Step => at += 1,
                Next::Jump(to) => at = to,
                Next::Failed(failure) => {
                    // What fails between two requests counts against the one before.
                    if let Some(pending) = &mut self.pending {
                        pending.outcome = pending.outcome.and(Err(failure));
                    }
                    outcome = Err(failure);
                    break;
                }
            }
        }
        for (series, due) in open.into_iter().rev() {
            whole(worker, series, due, outcome);
        }
        if let Some(series) = recorded.iterations {
            whole(worker, series, intended, outcome);
        }
        drop(held);
    }

    /// Records the last request, once nothing can fail it any more.
    fn record(&mut self) {
        if let Some(Pending { series, intended, latency, service_time, outcome }) = self.pending.take() {
            self.worker.recorder.borrow_mut().sample(series, intended, latency, service_time, outcome);
        }
    }

    async fn request(
        &mut self,
        request: &LinkedRequest,
        frame: &mut Frame,
        series: usize,
        intended: u64,
    ) -> Result<(), Failure> {
        let worker = self.worker.clone();
        if let Bytes::Built(template) = &request.bytes
            && template.write(frame, &worker.linked.paths, &mut self.text, &mut self.scratch).is_err()
        {
            worker.recorder.borrow_mut().failed_unsent(series, intended, Failure::Data);
            return Err(Failure::Data);
        }
        let clock = worker.timers.clock;
        let started = clock.now();
        self.under_way.set(Some(UnderWay { series, intended, sent: started }));
        let (mut tries, mut sent) = (0, None);
        let (end, outcome) = loop {
            let tried = clock.now();
            let result = self.send(request, (tries == 0).then_some(series), &clock).await;
            let end = if result.is_ok() { self.answer.end } else { clock.now() };
            // All tries are one sample, from the first send to the last answer.
            sent.get_or_insert(if self.answer.sent >= tried { self.answer.sent } else { tried });
            let answered = result.is_ok();
            let outcome = result.and_then(|()| self.judge(request, frame, end.saturating_sub(intended)));
            let Some((failure, retry)) = outcome.err().zip(request.retry.as_ref()) else { break (end, outcome) };
            let status = if answered { self.answer.status } else { 0 };
            if tries >= retry.times || !retry.apply(failure, status) || worker.stops() {
                break (end, outcome);
            }
            tries += 1;
            let pause = retry.pause(tries, frame.choices.fraction());
            worker.timers.until(&self.alarm, end + pause).await;
        };
        self.under_way.set(None);
        let sent = sent.unwrap_or(started);
        let (latency, service_time) = (end.saturating_sub(intended), end.saturating_sub(sent));
        self.pending = Some(Pending { series, intended, latency, service_time, outcome });
        outcome
    }

    async fn send(&mut self, request: &LinkedRequest, counted: Option<usize>, clock: &Clock) -> Result<(), Failure> {
        let worker = self.worker.clone();
        let ask =
            Ask { head_only: request.head_only, keep_body: request.keep_body, keep_headers: request.keep_headers };
        let bytes = match &request.bytes {
            Bytes::Fixed(bytes) => bytes.as_slice(),
            Bytes::Built(_) => self.text.as_bytes(),
        };
        let key = (self.load, self.user, request.target);
        // A pool that is used up is waited for, as a client with such a pool would.
        let _place = match worker.pools.get(request.target) {
            Some(Some(pool)) => match tokio::time::timeout(request.timeout, pool.acquire()).await {
                Ok(place) => place.ok(),
                Err(_) => return Err(Failure::Timeout),
            },
            _ => None,
        };
        loop {
            self.answer.sent = 0;
            let idle = idle(&mut self.own, &worker, key, request.connections);
            let mut connection = match idle {
                Some(connection) => connection,
                None => Connection::open(request.address, request.timeout).await?,
            };
            // Each time counts: a server that was sent it twice has seen it twice. A retry belongs to its first try.
            if let Some(series) = counted {
                worker.recorder.borrow_mut().sent(series, clock.now());
            }
            let reused = connection.is_reused();
            let result =
                connection.exchange(bytes, ask, &worker.scratch, clock, request.timeout, &mut self.answer).await;
            match result {
                Ok(()) => {
                    if self.answer.keep_alive {
                        keep(&mut self.own, &worker, key, request.connections, connection);
                    }
                    return Ok(());
                }
                // The server closed an idle connection while the request was on its way (RFC 9112, 9.3.1).
                Err(Failure::Closed | Failure::Reset)
                    if reused && self.answer.first_byte == 0 && request.idempotent => {}
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Keeps what later steps need of the answer, and applies the step's own expectations.
    fn judge(&mut self, request: &LinkedRequest, frame: &mut Frame, latency: u64) -> Result<(), Failure> {
        let kept = &mut frame.answers[request.response];
        kept.status = self.answer.status;
        kept.latency = latency;
        if request.keep_body {
            std::mem::swap(&mut kept.body, &mut self.answer.body);
            kept.parsed.take();
        }
        if request.keep_headers {
            std::mem::swap(&mut kept.headers, &mut self.answer.headers);
        }
        if !request.judges_status && self.answer.status >= 400 {
            return Err(Failure::Status);
        }
        let worker = &self.worker;
        match request.expects.iter().all(|check| frame.holds(&check.condition, &worker.linked.paths)) {
            true => Ok(()),
            false => Err(Failure::Expectation),
        }
    }
}

/// Records what was due at an instant and has just ended: several requests, with the thinking between them.
fn whole(worker: &Worker, series: usize, due: u64, outcome: Result<(), Failure>) {
    let took = worker.timers.clock.now().saturating_sub(due);
    worker.recorder.borrow_mut().sample(series, due, took, took, outcome);
}

type Own = Option<Vec<Option<Connection>>>;

/// A connection that is there already, by how the target shares them.
fn idle(own: &mut Own, worker: &Worker, key: (usize, u64, usize), shared: Option<Connections>) -> Option<Connection> {
    match (shared, own) {
        (Some(Connections::PerRequest), _) => None,
        (None | Some(Connections::PerUser), Some(own)) => own[key.2].take(),
        (Some(Connections::PerUser), None) => worker.users.borrow_mut().remove(&key),
        (None, None) | (Some(Connections::Pool(_)), _) => worker.idle.borrow_mut()[key.2].pop(),
    }
}

fn keep(own: &mut Own, worker: &Worker, key: (usize, u64, usize), shared: Option<Connections>, kept: Connection) {
    match (shared, own) {
        (Some(Connections::PerRequest), _) => {}
        (None | Some(Connections::PerUser), Some(own)) => own[key.2] = Some(kept),
        (Some(Connections::PerUser), None) => drop(worker.users.borrow_mut().insert(key, kept)),
        (None, None) | (Some(Connections::Pool(_)), _) => worker.idle.borrow_mut()[key.2].push(kept),
    }
}

fn thinking(think: &Think, fraction: f64) -> u64 {
    match think {
        Think::Uniform { least, most } => least + (fraction * (most - least) as f64) as u64,
        Think::Exponential { mean } => (-(1.0 - fraction).ln() * *mean as f64) as u64,
    }
}

/// Whether another turn of a loop is made.
fn begin_turn(turn: &Turn, place: &mut Place, paths: &Paths, now: u64) -> Next {
    if turn.goes_on.as_ref().is_some_and(|test| !place.frame.holds(test, paths)) {
        return Next::Jump(turn.to);
    }
    let turns = &place.turns[turn.id];
    let over = match turn.bound {
        Bound::Times(most) => turns.made >= most,
        Bound::Time(most) => now.saturating_sub(turns.began) >= most,
    };
    match (over, turn.tested) {
        (false, _) => Next::Step,
        (true, false) => Next::Jump(turn.to),
        // It gave up waiting for its condition.
        (true, true) => Next::Failed(Failure::Expectation),
    }
}

/// The steps that wait for nothing.
fn compute(op: &Op, place: &mut Place, paths: &Paths, now: u64) -> Next {
    let Place { frame, turns, .. } = place;
    match op {
        Op::Let { slot, value } => match frame.eval(value, paths) {
            Ok(value) => frame.slots[*slot] = value,
            Err(_) => return Next::Failed(Failure::Data),
        },
        Op::Expect(checks) => {
            if !checks.iter().all(|check| frame.holds(&check.condition, paths)) {
                return Next::Failed(Failure::Expectation);
            }
        }
        Op::Jump(to) => return Next::Jump(*to),
        Op::Unless { condition, to } => {
            if !frame.holds(condition, paths) {
                return Next::Jump(*to);
            }
        }
        Op::Loop { id, counter } => {
            turns[*id] = Turns { began: now, ..Turns::default() };
            if let Some((slot, from)) = counter {
                match frame.eval(from, paths) {
                    Ok(value) => frame.slots[*slot] = value,
                    Err(_) => return Next::Failed(Failure::Data),
                }
            }
        }
        Op::Again { id, counter, until, to } => {
            turns[*id].made += 1;
            if until.as_ref().is_some_and(|test| frame.holds(test, paths)) {
                return Next::Step;
            }
            if let Some(Value::Number(count)) = counter.map(|slot| &mut frame.slots[slot]) {
                *count += 1.0;
            }
            return Next::Jump(*to);
        }
        Op::Each { id, list, at_most } => {
            let items = match frame.list(list, paths) {
                Ok(items) if items.is_array() => Rc::new(items),
                _ => return Next::Failed(Failure::Data),
            };
            turns[*id] = Turns { items: Some(items), most: *at_most, ..Turns::default() };
        }
        Op::Entry { id, slot, to } => {
            let turns = &mut turns[*id];
            let items = turns.items.as_ref().and_then(|items| items.as_array());
            let item = items.and_then(|items| items.get(turns.made as usize)).filter(|_| turns.made < turns.most);
            let Some(item) = item else { return Next::Jump(*to) };
            frame.slots[*slot] = from_json(item);
            turns.made += 1;
        }
        Op::Request(_) | Op::Think(_) | Op::Turn(_) | Op::Once { .. } | Op::Done { .. } | Op::Enter(_) | Op::Leave => {
            unreachable!("these wait, and are taken where they are met")
        }
    }
    Next::Step
}
