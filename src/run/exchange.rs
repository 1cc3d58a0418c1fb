//! One request of a user: its tries, the connection that each takes, and what later steps keep of the answer.

use super::drive::http1::{Answer, Ask, Connection, START};
use super::explain;
use super::link::{Bytes, LinkedRequest};
use super::progress::{Pending, Progress, UnderWay};
use super::trace::{PLACEHOLDER, Trace};
use super::tracer::Traced;
use super::value::{Frame, Unusable};
use super::worker::Worker;
use crate::measure::{Ended, Example, Failure};
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
    last: Last,
    text: String,
    scratch: String,
    alarm: Rc<super::clock::Alarm>,
    /// How often this try was handed to the network, and how long this request has opened connections.
    sends: u32,
    connecting: Option<u64>,
    /// The bytes of bodies, of this try and of all, where something asks for them.
    counts_bytes: bool,
    bytes: (u64, u64),
}

/// The request that was sent last.
struct Last {
    response: usize,
    /// As it was sent, maybe without its body.
    bytes: Vec<u8>,
    trace: Trace,
    /// Where in its bytes the trace context stands.
    place: Option<usize>,
    /// How often it was sent.
    sends: u64,
    /// Which of its checks did not hold.
    unmet: Option<usize>,
}

impl Sender {
    pub fn new(worker: &Rc<Worker>, load: usize, keeps_connections: bool) -> Sender {
        Sender {
            worker: worker.clone(),
            load,
            user: 0,
            own: keeps_connections.then(|| worker.plan.targets.iter().map(|_| None).collect()),
            answer: Answer::default(),
            last: Last {
                response: 0,
                bytes: Vec::new(),
                trace: worker.traces.next(),
                place: None,
                sends: 0,
                unmet: None,
            },
            text: String::new(),
            scratch: String::new(),
            alarm: worker.timers.alarm(false),
            sends: 0,
            connecting: None,
            counts_bytes: worker.counts_bytes,
            bytes: (0, 0),
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
        if self.write(request, frame).is_err() {
            let because = || "a value in it is not there, or has no form in a request".to_owned();
            if let Some(tracer) = &worker.tracer {
                tracer.tell(Traced::Missed(format!("`{}` is not sent: {}", worker.request(series).name, because())));
            }
            self.is_unsent(series, intended, because);
            return Err(Failure::Data);
        }
        let clock = worker.timers.clock;
        let started = clock.now();
        let trace = self.last.place.map(|_| self.last.trace);
        progress.under_way.set(Some(UnderWay { series, intended, sent: started, user: self.user, trace }));
        let (mut tries, mut sent) = (0, None);
        self.connecting = None;
        self.bytes = (0, 0);
        let (end, outcome) = loop {
            let tried = clock.now();
            self.sends = 0;
            self.answer.reset();
            frame.answer_mut(request.response).clear();
            self.last.unmet = None;
            let result = self.send(request, series, tries, tried).await;
            let end = if result.is_ok() { self.answer.end } else { clock.now() };
            if let (Some(tracer), Err(failure)) = (&worker.tracer, result) {
                if self.sends == 0 {
                    tracer.request(worker.request(series), tries + 1, [&self.last.bytes, request.bytes.rest()]);
                }
                tracer.tell(Traced::NoAnswer { failure, after: end.saturating_sub(tried) });
            }
            // All tries are one sample, from the first send to the last answer.
            let began = if self.answer.sent >= tried { self.answer.sent } else { tried };
            sent.get_or_insert(began);
            let answered = result.is_ok();
            let outcome = result.and_then(|()| self.judge(request, frame, end.saturating_sub(intended)));
            if self.counts_bytes {
                let body = (body(&self.last.bytes).len() + request.bytes.rest().len()) as u64;
                let both = body * u64::from(self.sends) + self.answer.body_bytes;
                self.bytes = (both, self.bytes.1 + both);
            }
            let (attempt, took) = (tries as u32 + 1, end.saturating_sub(began));
            let one = self.ended(Ended { attempt, bytes: self.bytes.0, ..Ended::plain(began, took, took, outcome) });
            worker.recorder.borrow_mut().tried(series, &one);
            let Some((failure, retry)) = outcome.err().zip(request.retry.as_ref()) else { break (end, outcome) };
            let status = if answered { self.answer.status } else { 0 };
            if tries >= retry.times || !retry.apply(failure, status) || worker.stops() {
                break (end, outcome);
            }
            tries += 1;
            let pause = retry.pause(tries, frame.choices.fraction());
            if let Some(tracer) = &worker.tracer {
                tracer.tell(Traced::Pause { why: "waits before the next try", length: pause });
            }
            worker.timers.until(&self.alarm, end + pause).await;
        };
        progress.under_way.set(None);
        let sent = sent.unwrap_or(started);
        let (latency, service_time) = (end.saturating_sub(intended), end.saturating_sub(sent));
        let attempt = tries as u32 + 1;
        let ended = self.ended(Ended {
            attempt,
            bytes: self.bytes.1,
            ..Ended::plain(intended, latency, service_time, outcome)
        });
        let pending = Pending { series, ended };
        progress.pending.set(Some(pending));
        if self.is_example(&pending) {
            let unmet = self.last.unmet.and_then(|check| request.expects.get(check));
            let because = unmet.map(|check| explain::check(check, frame, &worker.linked.paths));
            *progress.example.borrow_mut() = Some(Box::new(self.example(&pending, frame, because)));
        }
        outcome
    }

    /// With what the answer and the way to it say.
    fn ended(&self, ended: Ended) -> Ended {
        let answer = &self.answer;
        let first_byte = answer.first_byte.saturating_sub(ended.intended);
        Ended { status: answer.status, sends: self.sends, first_byte, connect: self.connecting, ..ended }
    }

    /// Makes the bytes of a request, with room for its trace context.
    fn write(&mut self, request: &LinkedRequest, frame: &mut Frame) -> Result<(), Unusable> {
        let last = &mut self.last;
        last.bytes.clear();
        match &request.bytes {
            Bytes::Fixed(fixed) => {
                last.bytes.extend_from_slice(&fixed.head);
                last.place = fixed.trace;
            }
            Bytes::Built(template) => {
                let paths = &self.worker.linked.paths;
                last.place = template.write(frame, paths, &mut self.text, &mut self.scratch)?;
                last.bytes.extend_from_slice(self.text.as_bytes());
            }
        }
        (last.response, last.sends, last.unmet) = (request.response, 0, None);
        last.trace = self.worker.traces.next();
        Ok(())
    }

    /// Whether a request that has ended is told whole.
    pub fn is_example(&self, pending: &Pending) -> bool {
        let examples = &self.worker.recorder.borrow().examples;
        match pending.ended.outcome {
            Ok(()) => examples.is_slow(pending.series, pending.ended.latency),
            Err(failure) => examples.wants(pending.series, failure, self.last.trace.draw()),
        }
    }

    /// Everything about the request that was sent last.
    pub fn example(&self, Pending { series, ended }: &Pending, frame: &Frame, because: Option<String>) -> Example {
        let Last { response, bytes, trace, place, sends, .. } = &self.last;
        let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line.strip_suffix(b" HTTP/1.1").unwrap_or(line)).into_owned();
        let failure = ended.outcome.err();
        let kept = &frame.answers[*response].body;
        let body = if kept.is_empty() { &self.answer.body } else { kept };
        let whole = self.answer.body_bytes <= START.min(body.len()) as u64;
        let body = failure.filter(|_| !body.is_empty()).map(|_| start(body, whole));
        Example {
            series: *series as u32,
            failure,
            at: ended.intended,
            latency: ended.latency,
            service_time: ended.service_time,
            user: self.user,
            status: self.answer.status,
            sends: *sends,
            because,
            request: Some(start(line.as_bytes(), line.len() <= START)),
            body,
            traceparent: place.filter(|_| *sends > 0).map(|_| trace.header(*sends)),
            draw: trace.draw(),
        }
    }

    /// A request cannot be sent.
    pub fn is_unsent(&self, series: usize, intended: u64, because: impl FnOnce() -> String) {
        let mut recorder = self.worker.recorder.borrow_mut();
        recorder.failed_unsent(series, intended);
        let draw = self.worker.traces.next().draw();
        if recorder.examples.wants(series, Failure::Data, draw) {
            recorder.examples.take(Example {
                series: series as u32,
                failure: Some(Failure::Data),
                at: intended,
                latency: 0,
                service_time: 0,
                user: self.user,
                status: 0,
                sends: 0,
                because: Some(because()),
                request: None,
                body: None,
                traceparent: None,
                draw,
            });
        }
    }

    /// One try. Its timeout is one for waiting, connecting and the exchange together.
    async fn send(&mut self, request: &LinkedRequest, series: usize, tries: u64, tried: u64) -> Result<(), Failure> {
        let worker = self.worker.clone();
        let clock = &worker.timers.clock;
        let ask = Ask {
            head_only: request.head_only,
            keep_body: request.keep_body,
            keep_headers: request.keep_headers,
            look: worker.tracer.is_some(),
        };
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
            let last = &mut self.last;
            last.sends += 1;
            if let Some(place) = last.place {
                last.trace.write(last.sends, &mut last.bytes[place..place + PLACEHOLDER.len()]);
            }
            let bytes = [last.bytes.as_slice(), request.bytes.rest()];
            if let Some(tracer) = &worker.tracer {
                tracer.request(worker.request(series), tries + 1, bytes);
            }
            match connection.exchange(bytes, ask, &worker.scratch, clock, allowed, &mut self.answer).await {
                Ok(()) => {
                    if let Some(tracer) = &worker.tracer {
                        tracer.answer(&self.answer);
                    }
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
        self.last.unmet = self.worker.unmet(&request.expects, frame);
        match self.last.unmet {
            None => Ok(()),
            Some(_) => Err(Failure::Expectation),
        }
    }
}

/// What follows the head of a request.
fn body(request: &[u8]) -> &[u8] {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n");
    end.map_or(&[], |end| &request[end + 4..])
}

/// The start of a text; a mark says that it goes on.
fn start(bytes: &[u8], whole: bool) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(START)]);
    match whole {
        true => text.into_owned(),
        // A letter that was cut in two is none.
        false => format!("{}…", text.trim_end_matches(char::REPLACEMENT_CHARACTER)),
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
