//! One request of a user: its tries, the connection that each takes, and what later steps keep of the answer.

use super::drive::http1::{Answer, Ask, Connection};
use super::link::{Bytes, LinkedRequest};
use super::progress::{Pending, Progress, UnderWay};
use super::value::Frame;
use super::worker::Worker;
use crate::measure::{Ended, Failure};
use crate::plan::Connections;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::SemaphorePermit;

/// What sends the requests of one session, one after the other.
pub struct Sender {
    worker: Rc<Worker>,
    load: usize,
    pub user: u64,
    /// In a closed load a session is a user, who keeps a connection to each target where the target says nothing else.
    own: Option<Vec<Option<Connection>>>,
    answer: Answer,
    text: String,
    scratch: String,
    alarm: Rc<super::clock::Alarm>,
    /// How often this try was handed to the network, and how long this request has opened connections.
    sends: u32,
    connecting: Option<u64>,
}

impl Sender {
    pub fn new(worker: &Rc<Worker>, load: usize, keeps_connections: bool) -> Sender {
        Sender {
            worker: worker.clone(),
            load,
            user: 0,
            own: keeps_connections.then(|| worker.plan.targets.iter().map(|_| None).collect()),
            answer: Answer::default(),
            text: String::new(),
            scratch: String::new(),
            alarm: worker.timers.alarm(false),
            sends: 0,
            connecting: None,
        }
    }

    pub fn is_user(&self) -> bool {
        self.own.is_some()
    }

    /// Sends a request that is intended at an offset, until it is answered or tried often enough.
    pub async fn request(
        &mut self,
        request: &LinkedRequest,
        frame: &mut Frame,
        progress: &Progress,
        series: usize,
        intended: u64,
    ) -> Result<(), Failure> {
        let worker = self.worker.clone();
        if let Bytes::Built(template) = &request.bytes
            && template.write(frame, &worker.linked.paths, &mut self.text, &mut self.scratch).is_err()
        {
            worker.recorder.borrow_mut().failed_unsent(series, intended);
            return Err(Failure::Data);
        }
        let clock = worker.timers.clock;
        let started = clock.now();
        progress.under_way.set(Some(UnderWay { series, intended, sent: started }));
        let (mut tries, mut sent) = (0, None);
        self.connecting = None;
        let (end, outcome) = loop {
            let tried = clock.now();
            self.sends = 0;
            self.answer.reset();
            frame.answer_mut(request.response).clear();
            let result = self.send(request, series, tries, tried).await;
            let end = if result.is_ok() { self.answer.end } else { clock.now() };
            // All tries are one sample, from the first send to the last answer.
            let began = if self.answer.sent >= tried { self.answer.sent } else { tried };
            sent.get_or_insert(began);
            let answered = result.is_ok();
            let outcome = result.and_then(|()| self.judge(request, frame, end.saturating_sub(intended)));
            let (attempt, took) = (tries as u32 + 1, end.saturating_sub(began));
            let one = self.ended(Ended { attempt, ..Ended::plain(began, took, took, outcome) });
            worker.recorder.borrow_mut().tried(series, &one);
            let Some((failure, retry)) = outcome.err().zip(request.retry.as_ref()) else { break (end, outcome) };
            let status = if answered { self.answer.status } else { 0 };
            if tries >= retry.times || !retry.apply(failure, status) || worker.stops() {
                break (end, outcome);
            }
            tries += 1;
            let pause = retry.pause(tries, frame.choices.fraction());
            worker.timers.until(&self.alarm, end + pause).await;
        };
        progress.under_way.set(None);
        let sent = sent.unwrap_or(started);
        let (latency, service_time) = (end.saturating_sub(intended), end.saturating_sub(sent));
        let attempt = tries as u32 + 1;
        let ended = self.ended(Ended { attempt, ..Ended::plain(intended, latency, service_time, outcome) });
        progress.pending.set(Some(Pending { series, ended }));
        outcome
    }

    /// With what the answer and the way to it say.
    fn ended(&self, ended: Ended) -> Ended {
        let answer = &self.answer;
        let first_byte = answer.first_byte.saturating_sub(ended.intended);
        Ended { status: answer.status, sends: self.sends, first_byte, connect: self.connecting, ..ended }
    }

    /// One try. Its timeout is one for waiting, connecting and the exchange together.
    async fn send(&mut self, request: &LinkedRequest, series: usize, tries: u64, tried: u64) -> Result<(), Failure> {
        let worker = self.worker.clone();
        let clock = &worker.timers.clock;
        let ask =
            Ask { head_only: request.head_only, keep_body: request.keep_body, keep_headers: request.keep_headers };
        let key = (self.load, self.user, request.target);
        let timeout = request.timeout;
        let left = |now: u64| Duration::from_nanos((tried + timeout).saturating_sub(now));
        let _place = place(&worker, request.target, left(tried)).await?;
        // Only what took time before it leaves less for the rest.
        let mut allowed = if _place.is_some() { left(clock.now()) } else { Duration::from_nanos(timeout) };
        loop {
            self.answer.sent = 0;
            let mut connection = match self.idle(key, request.connections) {
                Some(connection) => connection,
                None => {
                    let began = clock.now();
                    let opened = Connection::open(request.address, allowed).await;
                    let now = clock.now();
                    self.connecting = Some(self.connecting.unwrap_or(0) + (now - began));
                    allowed = left(now);
                    opened?
                }
            };
            // Each time counts: a server that was sent it twice has seen it twice. A retry belongs to its first try.
            self.sends += 1;
            match tries {
                0 => worker.recorder.borrow_mut().sent(series, clock.now()),
                _ => worker.recorder.borrow_mut().sent_again(series, clock.now()),
            }
            let reused = connection.is_reused();
            let bytes = match &request.bytes {
                Bytes::Fixed(bytes) => bytes.as_slice(),
                Bytes::Built(_) => self.text.as_bytes(),
            };
            match connection.exchange(bytes, ask, &worker.scratch, clock, allowed, &mut self.answer).await {
                Ok(()) => {
                    if self.answer.keep_alive {
                        self.keep(key, request.connections, connection);
                    }
                    return Ok(());
                }
                // The server closed an idle connection while the request was on its way (RFC 9112, 9.3.1).
                Err(Failure::Closed | Failure::Reset)
                    if reused && self.answer.first_byte == 0 && request.idempotent =>
                {
                    allowed = left(clock.now());
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// A connection that is there already, by how the target shares them. What the server has closed meanwhile is
    /// no connection any more.
    fn idle(&mut self, key: (usize, u64, usize), shared: Option<Connections>) -> Option<Connection> {
        let worker = &self.worker;
        loop {
            let found = match (shared, &mut self.own) {
                (Some(Connections::PerRequest), _) => None,
                (None | Some(Connections::PerUser), Some(own)) => own[key.2].take(),
                (Some(Connections::PerUser), None) => worker.users.borrow_mut().remove(&key),
                (None, None) | (Some(Connections::Pool(_)), _) => worker.idle.borrow_mut()[key.2].pop(),
            };
            match found {
                Some(connection) if !connection.is_open() => {}
                found => return found,
            }
        }
    }

    fn keep(&mut self, key: (usize, u64, usize), shared: Option<Connections>, kept: Connection) {
        match (shared, &mut self.own) {
            (Some(Connections::PerRequest), _) => {}
            (None | Some(Connections::PerUser), Some(own)) => own[key.2] = Some(kept),
            (Some(Connections::PerUser), None) => drop(self.worker.users.borrow_mut().insert(key, kept)),
            (None, None) | (Some(Connections::Pool(_)), _) => self.worker.idle.borrow_mut()[key.2].push(kept),
        }
    }

    /// Keeps what later steps need of the answer, and applies the step's own expectations.
    fn judge(&mut self, request: &LinkedRequest, frame: &mut Frame, latency: u64) -> Result<(), Failure> {
        let kept = frame.answer_mut(request.response);
        kept.status = self.answer.status;
        kept.latency = latency;
        if request.keep_body {
            std::mem::swap(&mut kept.body, &mut self.answer.body);
        }
        if request.keep_headers {
            std::mem::swap(&mut kept.headers, &mut self.answer.headers);
        }
        if !request.judges_status && self.answer.status >= 400 {
            return Err(Failure::Status);
        }
        match request.expects.iter().all(|check| frame.holds(&check.condition, &self.worker.linked.paths)) {
            true => Ok(()),
            false => Err(Failure::Expectation),
        }
    }
}

/// A pool that is used up is waited for, as a client with such a pool would.
async fn place(worker: &Worker, target: usize, allowed: Duration) -> Result<Option<SemaphorePermit<'_>>, Failure> {
    let Some(Some(pool)) = worker.pools.get(target) else { return Ok(None) };
    if let Ok(place) = pool.try_acquire() {
        return Ok(Some(place));
    }
    match tokio::time::timeout(allowed, pool.acquire()).await {
        // The semaphore is never closed.
        Ok(place) => Ok(place.ok()),
        Err(_) => Err(Failure::Timeout),
    }
}
