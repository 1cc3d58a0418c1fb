//! One request of a user: its tries, the connection that each takes, and what later steps keep of the answer.

use super::redirect::{self, Sent};
use super::template::{Bytes, Written};
use super::trace::{PLACEHOLDER, Trace};
use super::{Ask, Connection};
use crate::engine::flow::linked::{LinkedRequest, Method};
use crate::engine::flow::progress::{Pending, Progress, UnderWay};
use crate::engine::ledger;
use crate::engine::pace::budget::Unanswered;
use crate::engine::pace::clock::Alarm;
use crate::engine::tracer::Traced;
use crate::engine::value::{Frame, Unusable, explain};
use crate::engine::worker::Worker;
use crate::measure::{Cause, Ended, Example, Failure, Fate, cause};
use crate::plan::Connections;
use crate::wire::http1::{Answer, START, leads_on, values};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::SemaphorePermit;

/// Where a request goes, and what is known of it.
#[derive(Clone, Copy)]
struct Hop {
    target: usize,
    head_only: bool,
    /// Sending it twice does no more than sending it once.
    idempotent: bool,
}

/// What sends the requests of one session, one after the other.
pub struct Sender {
    worker: Rc<Worker>,
    load: usize,
    pub user: u64,
    /// In a closed load a session is a user, who keeps a connection to each target where the target says nothing else.
    own: Option<Vec<Option<Connection>>>,
    answer: Answer,
    last: Last,
    written: Written,
    /// The last request that went with cookies.
    with_cookies: Vec<u8>,
    scratch: String,
    /// That of its session: one of both waits at a time.
    alarm: Rc<Alarm>,
    /// How often this try was handed to the network, and how long this request has opened connections.
    sends: u32,
    connecting: Option<u64>,
    /// The bytes of bodies, of this try and of all, where something asks for them.
    bytes: (u64, u64),
    /// The last request was not sent to its end, since the budget of the run is used up.
    unsent: bool,
}

/// The request that was sent last.
struct Last {
    response: usize,
    /// Its head as it was sent.
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
    pub fn new(worker: &Rc<Worker>, load: usize, keeps_connections: bool, alarm: Rc<Alarm>) -> Sender {
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
            written: Written::default(),
            with_cookies: Vec::new(),
            scratch: String::new(),
            alarm,
            sends: 0,
            connecting: None,
            bytes: (0, 0),
            unsent: false,
        }
    }

    pub fn is_user(&self) -> bool {
        self.own.is_some()
    }

    /// Whether the budget of the run was used up over the last request: nothing is told of that, whatever it ended with.
    pub fn left_unsent(&self) -> bool {
        self.unsent
    }

    /// Sends a request that is intended at an offset, until it is answered or tried often enough. Says when that was.
    pub async fn request(
        &mut self,
        request: &LinkedRequest,
        frame: &mut Frame,
        progress: &Progress,
        series: usize,
        (intended, started): (u64, u64),
    ) -> (u64, Result<(), Failure>) {
        let worker = self.worker.clone();
        let records = !request.records.is_empty();
        let written = self.write(request, frame).and_then(|()| match records {
            true => request.records.open(frame, &worker.linked.paths, started, &progress.opened),
            false => Ok(()),
        });
        if let Err(unusable) = written {
            let missing = || "a value in it is not there, or has no form in a request".to_owned();
            let because = || unusable.because().unwrap_or_else(missing);
            if let Some(tracer) = &worker.tracer {
                tracer.tell(Traced::Missed(format!("`{}` is not sent: {}", worker.request(series).name, because())));
            }
            self.is_unsent(series, intended, || (because(), Vec::new()));
            return (started, Err(Failure::Data));
        }
        let clock = worker.timers.clock;
        let trace = self.last.place.map(|_| self.last.trace);
        progress.under_way.set(Some(UnderWay { series, intended, sent: started, user: self.user, trace }));
        let (mut tries, mut tried, mut sent) = (0, started, None);
        let mut fate = Fate::Refused;
        self.connecting = None;
        self.bytes = (0, 0);
        let (end, outcome) = loop {
            (self.sends, self.bytes.0) = (0, 0);
            self.answer.reset();
            frame.forget(request.response);
            self.last.unmet = None;
            let result = match self.send(request, series, tries, tried).await {
                Ok(()) => Ok(()),
                Err(Unanswered::Failed(failure)) => Err(failure),
                Err(Unanswered::Unsent) => return self.leave(request, progress, fate),
            };
            let end = if result.is_ok() { self.answer.end } else { clock.now() };
            if let (Some(tracer), Err(failure)) = (&worker.tracer, result) {
                if self.sends == 0 {
                    let pieces =
                        request.bytes.written(&self.written).pieces(&self.last.bytes, &worker.linked.paths.files);
                    tracer.request(worker.request(series), tries + 1, &pieces);
                }
                tracer.tell(Traced::NoAnswer { failure, after: end.saturating_sub(tried) });
            }
            // All tries are one sample, from the first send to the last answer.
            let began = if self.answer.sent >= tried { self.answer.sent } else { tried };
            sent.get_or_insert(began);
            let answered = result.is_ok();
            if records {
                fate = fate.max(ledger::fate(result, self.answer.status, self.sends));
                progress.opened.tried(fate, end);
            }
            let left = tried.saturating_add(request.timeout).saturating_sub(end);
            let outcome = result.and_then(|()| self.judge(request, frame, end.saturating_sub(intended), left));
            self.bytes.1 += self.bytes.0;
            if worker.counts_tries {
                let (attempt, took) = (tries as u32 + 1, end.saturating_sub(began));
                let plain = Ended::plain(began, took, took, outcome);
                let one = self.ended(Ended { attempt, bytes: self.bytes.0, ..plain });
                worker.recorder.borrow_mut().tried(series, &one);
            }
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
            tried = clock.now();
        };
        progress.under_way.set(None);
        if records {
            progress.opened.close(fate, end, &worker.booked);
            worker.books();
        }
        let sent = sent.unwrap_or(started);
        let (latency, service_time) = (end.saturating_sub(intended), end.saturating_sub(sent));
        let attempt = tries as u32 + 1;
        let ended = self.ended(Ended {
            attempt,
            bytes: self.bytes.1,
            ..Ended::plain(intended, latency, service_time, outcome)
        });
        let unmet = self.last.unmet.and_then(|check| request.expects.get(check));
        let check = unmet.map_or(0, |check| cause::check(&check.text));
        let pending = Pending { series, ended: Ended { check, ..ended } };
        progress.pending.set(Some(pending));
        if self.is_example(&pending) {
            let because = unmet.map(|check| explain::check(check, frame, &worker.linked.paths));
            *progress.example.borrow_mut() = Some(Box::new(self.example(&pending, frame, because)));
        }
        (end, outcome)
    }

    /// The budget is used up: what was sent of the request counts as what an early end of the run cuts off.
    fn leave(&mut self, request: &LinkedRequest, progress: &Progress, fate: Fate) -> (u64, Result<(), Failure>) {
        let worker = self.worker.clone();
        let now = worker.timers.clock.now();
        progress.under_way.set(None);
        if !request.records.is_empty() {
            // A redirect of this try may have done what it should.
            let sent = ledger::fate(Err(Failure::Closed), 0, self.sends);
            progress.opened.close(fate.max(sent), now, &worker.booked);
            worker.books();
        }
        self.unsent = true;
        // Others may have some left, and are told by the control plane.
        worker.start_nothing_new();
        (now, Err(Failure::Closed))
    }

    /// With what the answer and the way to it say.
    fn ended(&self, ended: Ended) -> Ended {
        let answer = &self.answer;
        let first_byte = answer.first_byte.saturating_sub(ended.intended);
        let (status, injected) = (answer.status, answer.injected);
        Ended { status, injected, sends: self.sends, first_byte, connect: self.connecting, ..ended }
    }

    /// Makes the bytes of a request, with room for its trace context.
    fn write(&mut self, request: &LinkedRequest, frame: &mut Frame) -> Result<(), Unusable> {
        if let Bytes::Built(template) = &request.bytes {
            template.write(frame, &self.worker.linked.paths, &mut self.written, &mut self.scratch)?;
            if let Some(tracer) = &self.worker.tracer {
                tracer.learn(frame);
            }
        }
        let written = request.bytes.written(&self.written);
        let last = &mut self.last;
        last.bytes.clear();
        last.bytes.extend_from_slice(written.head().as_bytes());
        last.place = written.trace;
        (last.response, last.sends, last.unmet) = (request.response, 0, None);
        last.trace = self.worker.traces.next();
        Ok(())
    }

    /// Whether a request that has ended is told whole.
    pub fn is_example(&self, pending: &Pending) -> bool {
        let examples = &self.worker.recorder.borrow().examples;
        match pending.ended.outcome {
            Ok(()) => examples.is_slow(pending.series, pending.ended.latency),
            Err(failure) => examples.wants(pending.series, Cause::of(&pending.ended, failure), self.last.trace.draw()),
        }
    }

    /// Everything about the request that was sent last.
    pub fn example(&self, Pending { series, ended }: &Pending, frame: &Frame, because: Option<String>) -> Example {
        let Last { response, bytes, trace, place, sends, .. } = &self.last;
        let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line.strip_suffix(b" HTTP/1.1").unwrap_or(line)).into_owned();
        let failure = ended.outcome.err();
        let cause = failure.map(|failure| Cause::of(ended, failure));
        let kept = &frame.answers[*response].body;
        let body = if kept.is_empty() { &self.answer.body } else { kept };
        // Decoded, it is longer than what came.
        let whole = body.len() <= START && (!kept.is_empty() || self.answer.body_bytes <= START as u64);
        let body = failure.filter(|_| !body.is_empty()).map(|_| start(body, whole));
        Example {
            series: *series as u32,
            failure,
            at: ended.intended,
            latency: ended.latency,
            service_time: ended.service_time,
            user: self.user,
            status: cause.map_or(self.answer.status, |cause| cause.status),
            check: cause.map_or(0, |cause| cause.check),
            injected: cause.is_some_and(|cause| cause.injected),
            sends: *sends,
            because,
            request: Some(start(line.as_bytes(), line.len() <= START)),
            body,
            traceparent: place.filter(|_| *sends > 0).map(|_| trace.header(*sends)),
            draw: trace.draw(),
            secrets: frame.secrets(),
        }
    }

    /// A request cannot be sent.
    pub fn is_unsent(&self, series: usize, intended: u64, because: impl FnOnce() -> (String, Vec<String>)) {
        let mut recorder = self.worker.recorder.borrow_mut();
        recorder.failed_unsent(series, intended);
        let draw = self.worker.traces.next().draw();
        let cause = Cause { failure: Failure::Data, status: 0, check: 0, injected: false };
        if recorder.examples.wants(series, cause, draw) {
            let (because, secrets) = because();
            recorder.examples.take(Example {
                series: series as u32,
                failure: Some(Failure::Data),
                at: intended,
                latency: 0,
                service_time: 0,
                user: self.user,
                status: 0,
                check: 0,
                injected: false,
                sends: 0,
                because: Some(because),
                request: None,
                body: None,
                traceparent: None,
                draw,
                secrets,
            });
        }
    }

    /// One try, from the first send to the last answer where that leads elsewhere. Its timeout is one for waiting,
    /// connecting and all exchanges together.
    async fn send(&mut self, request: &LinkedRequest, series: usize, tries: u64, tried: u64) -> Result<(), Unanswered> {
        let method = self.method(request);
        let first = Hop { target: request.target, head_only: method.head_only, idempotent: method.idempotent };
        let mut result = self.hop(request, (first, true), series, tries, tried).await;
        let most = self.worker.linked.hosts[request.target].redirects;
        if most > 0 && result.is_ok() && leads_on(self.answer.status) {
            let (began, bytes, place) = (self.answer.sent, self.last.bytes.clone(), self.last.place);
            // Seldom, and larger than the usual way.
            result = Box::pin(self.follow(request, most, series, tries, tried)).await;
            self.answer.sent = began;
            // Another try starts where this one did.
            (self.last.bytes, self.last.place) = (bytes, place);
        }
        result
    }

    fn method(&self, request: &LinkedRequest) -> Method {
        request.method.unwrap_or_else(|| Method::of(request.bytes.written(&self.written).method()))
    }

    /// The request as it was sent, in one piece.
    fn whole(&self, request: &LinkedRequest) -> Vec<u8> {
        request.bytes.written(&self.written).pieces(&self.last.bytes, &self.worker.linked.paths.files).concat()
    }

    /// Goes where the answer leads, so many times at most.
    async fn follow(
        &mut self,
        request: &LinkedRequest,
        most: u64,
        series: usize,
        tries: u64,
        tried: u64,
    ) -> Result<(), Unanswered> {
        let worker = self.worker.clone();
        let traced = self.last.place.is_some();
        let mut sent = Sent { target: request.target, bytes: self.whole(request) };
        let mut left = most;
        while let Some(next) = redirect::next(&worker.linked.hosts, &sent, self.answer.status, &self.answer.notes)? {
            left = left.checked_sub(1).ok_or(Failure::Protocol)?;
            sent = next;
            self.last.bytes.clone_from(&sent.bytes);
            self.last.place = redirect::trace_place(&sent.bytes).filter(|_| traced);
            let hop = Hop {
                target: sent.target,
                head_only: sent.method() == b"HEAD",
                idempotent: self.method(request).idempotent || sent.method() == b"GET",
            };
            self.hop(request, (hop, false), series, tries, tried).await?;
        }
        Ok(())
    }

    /// One request to one target, and its answer: the bytes of the last one and, the first time, what is sent behind them.
    async fn hop(
        &mut self,
        request: &LinkedRequest,
        (hop, first): (Hop, bool),
        series: usize,
        tries: u64,
        tried: u64,
    ) -> Result<(), Unanswered> {
        let worker = self.worker.clone();
        let (clock, host) = (&worker.timers.clock, &worker.linked.hosts[hop.target]);
        let ask = Ask {
            head_only: hop.head_only,
            keep_body: request.keep_body,
            keep_headers: request.keep_headers,
            look: worker.tracer.is_some(),
            note_cookies: host.cookies,
            note_redirects: worker.linked.hosts[request.target].redirects > 0,
        };
        let key = (self.load, self.user, hop.target);
        let due = tried.saturating_add(request.timeout);
        let left = |now: u64| Duration::from_nanos(due.saturating_sub(now));
        let _place = place(&worker, hop.target, left(tried)).await?;
        let mut with_cookies = Vec::new();
        // What the first target is told does not go to another one.
        let own_cookies = request.own_cookies && hop.target == request.target;
        if host.cookies && !own_cookies && worker.cookies.has((self.load, self.user)) {
            with_cookies = std::mem::take(&mut self.with_cookies);
            self.add_cookies(host.name(), &mut with_cookies);
        }
        loop {
            self.answer.sent = 0;
            let mut connection = match self.idle(key, host.connections) {
                Some(connection) => connection,
                None => {
                    let began = clock.now();
                    let opened = Connection::open(host.address, left(began)).await;
                    self.connecting = Some(self.connecting.unwrap_or(0) + (clock.now() - began));
                    opened?
                }
            };
            if !worker.lease.take() {
                self.keep(key, host.connections, connection);
                return Err(Unanswered::Unsent);
            }
            // Each time counts: a server that was sent it twice has seen it twice. A retry belongs to its first try.
            self.sends += 1;
            let now = clock.now();
            match tries {
                0 => worker.recorder.borrow_mut().sent(series, now),
                _ => worker.recorder.borrow_mut().sent_again(series, now),
            }
            let reused = connection.is_reused();
            let Last { bytes, trace, place, sends, .. } = &mut self.last;
            *sends += 1;
            let own = if with_cookies.is_empty() { bytes } else { &mut with_cookies };
            if let Some(place) = *place {
                trace.write(*sends, &mut own[place..place + PLACEHOLDER.len()]);
            }
            let written = request.bytes.written(&self.written);
            let (head, body) = (own.as_slice(), if first { written.body().as_bytes() } else { &[] });
            let (both, with_files) = ([head, body], first && written.has_files());
            let pieces = with_files.then(|| written.pieces(head, &worker.linked.paths.files));
            let bytes = pieces.as_deref().unwrap_or(&both);
            if let Some(tracer) = &worker.tracer {
                tracer.request(worker.request(series), tries + 1, bytes);
            }
            let exchanged = connection.exchange(bytes, ask, &worker.scratch, clock, (now, due), &mut self.answer).await;
            if worker.counts_bytes {
                let sent = match first {
                    true => written.body_length(&worker.linked.paths.files),
                    false => redirect::body(head).len(),
                };
                self.bytes.0 += sent as u64 + self.answer.body_bytes;
            }
            match exchanged {
                Ok(()) => {
                    if let Some(tracer) = &worker.tracer {
                        tracer.answer(&self.answer, self.connecting);
                    }
                    if self.answer.keep_alive {
                        self.keep(key, host.connections, connection);
                    }
                    if host.cookies && !self.answer.notes.is_empty() {
                        for header in values(&self.answer.notes, "set-cookie") {
                            let path = redirect::path(&self.last.bytes);
                            worker.cookies.take((self.load, self.user), host.name(), path, header);
                        }
                    }
                    if !with_cookies.is_empty() {
                        self.with_cookies = with_cookies;
                    }
                    return Ok(());
                }
                // The server closed an idle connection while the request was on its way (RFC 9112, 9.3.1).
                Err(Failure::Closed | Failure::Reset) if reused && self.answer.first_byte == 0 && hop.idempotent => {}
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    /// The request with the cookies that its user has for it, as the last of its header lines.
    fn add_cookies(&self, host: &str, out: &mut Vec<u8>) {
        let bytes = &self.last.bytes;
        let (head, rest) = bytes.split_at(redirect::head_end(bytes));
        out.clear();
        out.extend_from_slice(head);
        self.worker.cookies.write((self.load, self.user), host, redirect::path(bytes), out);
        out.extend_from_slice(rest);
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

    /// Keeps what later steps need of the answer, and applies the step's own expectations. So much is left of its timeout.
    fn judge(&mut self, request: &LinkedRequest, frame: &mut Frame, latency: u64, left: u64) -> Result<(), Failure> {
        let kept = frame.answer_mut(request.response);
        kept.status = self.answer.status;
        kept.latency = latency;
        kept.may_take(Duration::from_nanos(left));
        if request.keep_body {
            std::mem::swap(&mut kept.body, &mut self.answer.body);
            std::mem::swap(&mut kept.room, &mut self.answer.room);
        }
        if request.keep_headers {
            std::mem::swap(&mut kept.headers, &mut self.answer.headers);
        }
        if !request.judges_status && self.answer.status >= 400 {
            return Err(Failure::Status);
        }
        match self.worker.unmet(&request.expects, frame) {
            None => Ok(()),
            Some((check, failure)) => {
                self.last.unmet = Some(check);
                Err(failure)
            }
        }
    }
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
