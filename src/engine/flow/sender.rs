//! Sends the requests of a session over any protocol: the tries and the pauses between them, what is measured and reported, and
//! what later steps find of the answers.

use super::attempt::Attempt;
use super::lowered::LoweredRequest;
use super::progress::{Pending, Progress, UnderWay};
use crate::engine::channel;
use crate::engine::driver::{Answer, Clients, Exchange, Unwritten};
use crate::engine::ledger;
use crate::engine::pace::budget::Unanswered;
use crate::engine::pace::clock::Alarm;
use crate::engine::tracer::Traced;
use crate::engine::value::{Frame, explain};
use crate::engine::worker::Worker;
use crate::measure::{Cause, Ended, Example, Failure, Fate, cause};
use crate::wire::http1::START;
use std::rc::Rc;
use std::time::Duration;

/// What sends the requests of one session, one after the other.
pub struct Sender {
    worker: Rc<Worker>,
    pub user: u64,
    is_user: bool,
    clients: Clients,
    /// The last try.
    attempt: Attempt,
    /// Whether the last request carries its trace context.
    is_traced: bool,
    /// Which check of the last request did not hold.
    unmet: Option<usize>,
    /// That of its session: one of both waits at a time.
    alarm: Rc<Alarm>,
    /// The last request was not sent to its end, since the budget of the run is used up.
    unsent: bool,
}

/// A request from its first try to its last.
struct Whole {
    series: usize,
    intended: u64,
    /// From the first send to the last answer all tries are one sample.
    sent: Option<u64>,
    fate: Fate,
}

/// How a try ended, and when.
struct Tried {
    end: u64,
    answer: Answer,
    outcome: Result<(), Failure>,
}

impl Sender {
    pub fn new(worker: &Rc<Worker>, load: usize, is_user: bool, alarm: Rc<Alarm>) -> Sender {
        Sender {
            worker: worker.clone(),
            user: 0,
            is_user,
            clients: Clients::new(worker, is_user),
            attempt: Attempt::new(worker, load),
            is_traced: false,
            unmet: None,
            alarm,
            unsent: false,
        }
    }

    pub fn is_user(&self) -> bool {
        self.is_user
    }

    /// Its user does not come back.
    pub fn leave(&mut self) {
        self.clients.leave(self.attempt.load, self.user);
    }

    /// A block ends that opened a connection, or the iteration does.
    pub fn hangs_up(&mut self, target: usize) {
        self.clients.hangs_up(target);
    }

    pub fn ends(&mut self) {
        self.clients.ends();
    }

    /// The statements that follow, to a database, are of one transaction.
    pub fn begins(&mut self, target: usize) {
        let who = (self.attempt.load, self.user);
        self.clients.sql().begins(who, target);
    }

    pub async fn commits(&mut self) -> Result<(), Failure> {
        // Seldom, and larger than the usual way.
        Box::pin(self.clients.sql().commits()).await
    }

    pub async fn rolls_back(&mut self) {
        Box::pin(self.clients.sql().rolls_back()).await;
    }

    /// Whether the budget of the run was used up over the last request: nothing is told of that, whatever it ended with.
    pub fn left_unsent(&self) -> bool {
        self.unsent
    }

    /// Sends a request that is intended at an offset, until it is answered or tried often enough. Says when that was.
    pub fn request(
        &mut self,
        request: &LoweredRequest,
        frame: &mut Frame,
        progress: &Progress,
        series: usize,
        (intended, started): (u64, u64),
    ) -> impl Future<Output = (u64, Result<(), Failure>)> {
        let worker = self.worker.clone();
        async move {
            if let Err(unusable) = self.write(request, frame, progress, series, started) {
                self.cannot_be_sent(series, intended, frame, &unusable);
                return (started, Err(Failure::Data));
            }
            let trace = self.is_traced.then_some(self.attempt.trace);
            progress.under_way.set(Some(UnderWay { series, intended, sent: started, user: self.user, trace }));
            let mut whole = Whole { series, intended, sent: None, fate: Fate::Refused };
            let (mut tries, mut began) = (0, started);
            let timeout = request.timeout.unwrap_or(worker.plan.targets[self.attempt.target].timeout);
            let last = loop {
                self.attempt.begin(tries, began, timeout);
                frame.forget(request.response);
                self.unmet = None;
                let result = match self.exchange(request, frame).await {
                    Ok(()) => Ok(()),
                    Err(Unanswered::Failed(failure)) => Err(failure),
                    Err(Unanswered::Unsent) => return self.stop(request, progress, whole.fate),
                };
                let tried = self.tried(request, frame, progress, &mut whole, result);
                let Some(pause) = self.pause(request, frame, &tried, tries + 1, result.is_ok()) else { break tried };
                tries += 1;
                worker.timers.until(&self.alarm, tried.end + pause).await;
                began = worker.timers.clock.now();
            };
            self.finish(request, frame, progress, &whole, &last, started);
            (last.end, last.outcome)
        }
    }

    /// One try. What comes unasked is skipped until it is what the step waits for.
    fn exchange(
        &mut self,
        request: &LoweredRequest,
        frame: &mut Frame,
    ) -> impl Future<Output = Result<(), Unanswered>> {
        let exchange = &request.exchange;
        async move {
            loop {
                self.clients.driver(exchange).exchange(&mut self.attempt).await?;
                let Exchange::Channel(channel) = exchange else { return Ok(()) };
                let Some(matching) = channel.matching() else { return Ok(()) };
                let left = self.attempt.left(self.worker.timers.clock.now());
                let kept = frame.answer_mut(request.response);
                // It is there, whatever it says.
                kept.status = 1;
                kept.may_take(left);
                self.clients.driver(exchange).keep(kept);
                if frame.holds(matching, &self.worker.lowered.paths) == Ok(true) {
                    return Ok(());
                }
                frame.forget(request.response);
                // A server that never stops must not outrun the deadline.
                if self.attempt.left(self.worker.timers.clock.now()).is_zero() {
                    self.attempt.because = Some(channel::NOTHING_FITS.to_owned());
                    return Err(Failure::Timeout.into());
                }
            }
        }
    }

    /// Makes ready what is sent, and opens the entries that it makes.
    fn write(
        &mut self,
        request: &LoweredRequest,
        frame: &mut Frame,
        progress: &Progress,
        series: usize,
        started: u64,
    ) -> Result<(), Unwritten> {
        self.attempt.prepare(request.target, series, self.user);
        self.is_traced = self.clients.driver(&request.exchange).write(frame, &mut self.attempt)?;
        if !request.records.is_empty() {
            request.records.open(frame, &self.worker.lowered.paths, started, &progress.opened)?;
        }
        Ok(())
    }

    fn cannot_be_sent(&self, series: usize, intended: u64, frame: &Frame, why: &Unwritten) {
        let missing = || "a value in it is not there, or has no form in a request".to_owned();
        let because = || match why {
            Unwritten::Value(unusable) => unusable.because().unwrap_or_else(missing),
            Unwritten::Path(why) | Unwritten::Message(why) => why.clone(),
        };
        if let Some(tracer) = &self.worker.tracer {
            let name = &self.worker.request(series).name;
            tracer.tell(Traced::Missed(format!("`{name}` is not sent: {}", because())));
        }
        self.is_unsent(series, intended, || (because(), frame.secrets()));
    }

    /// What came of a try: told, counted and judged.
    fn tried(
        &mut self,
        request: &LoweredRequest,
        frame: &mut Frame,
        progress: &Progress,
        whole: &mut Whole,
        result: Result<(), Failure>,
    ) -> Tried {
        let driver = self.clients.driver(&request.exchange);
        let (answer, began, due) = (driver.answer(), self.attempt.began, self.attempt.due);
        let end = if result.is_ok() { answer.end } else { self.worker.timers.clock.now() };
        if let (Some(tracer), Err(failure)) = (&self.worker.tracer, result) {
            if self.attempt.sends == 0 {
                self.attempt.tell(|| driver.text());
            }
            let because = self.attempt.because.clone();
            tracer.tell(Traced::NoAnswer { failure, because, after: end.saturating_sub(began) });
        }
        let began = answer.sent.max(began);
        whole.sent.get_or_insert(began);
        let fate = ledger::fate(result, answer.fate, self.attempt.sends);
        if !request.records.is_empty() {
            whole.fate = whole.fate.max(fate);
            progress.opened.tried(whole.fate, end);
        }
        let times = (end.saturating_sub(whole.intended), due.saturating_sub(end));
        let outcome = result.and_then(|()| self.judge(request, frame, &answer, times));
        if !request.records.is_empty() && fate == Fate::Acknowledged {
            request.records.acknowledged(frame, &self.worker.lowered.paths, end, &progress.opened);
        }
        if self.worker.counts_tries || self.attempt.address.is_some() {
            let took = end.saturating_sub(began);
            let one = self.ended(&answer, Ended::plain(began, took, took, outcome));
            let one = Ended { bytes: self.attempt.bytes, ..one };
            let mut recorder = self.worker.recorder.borrow_mut();
            if self.worker.counts_tries {
                recorder.tried(whole.series, &one);
            }
            if let Some(address) = self.attempt.address {
                recorder.tried_at(address, &one);
            }
        }
        Tried { end, answer, outcome }
    }

    /// How long the next try is waited for, where there is one.
    fn pause(
        &self,
        request: &LoweredRequest,
        frame: &mut Frame,
        tried: &Tried,
        next: u64,
        is_answered: bool,
    ) -> Option<u64> {
        let (failure, retry) = tried.outcome.err().zip(request.retry.as_ref())?;
        let status = if is_answered { tried.answer.status } else { 0 };
        if next > retry.times || !retry.apply(failure, status) || self.worker.stops() {
            return None;
        }
        let length = retry.pause(next, frame.choices.fraction());
        if let Some(tracer) = &self.worker.tracer {
            tracer.tell(Traced::Pause { why: "waits before the next try", length });
        }
        Some(length)
    }

    /// After the last try: what is measured, with an example where it is one.
    fn finish(
        &mut self,
        request: &LoweredRequest,
        frame: &mut Frame,
        progress: &Progress,
        whole: &Whole,
        last: &Tried,
        started: u64,
    ) {
        progress.under_way.set(None);
        self.landed(last.end);
        if !request.records.is_empty() {
            progress.opened.close(whole.fate, last.end, &self.worker.booked);
            self.worker.books();
        }
        let latency = last.end.saturating_sub(whole.intended);
        let service_time = last.end.saturating_sub(whole.sent.unwrap_or(started));
        let ended = self.ended(&last.answer, Ended::plain(whole.intended, latency, service_time, last.outcome));
        let unmet = self.unmet.and_then(|check| request.expects.get(check));
        let told = self.attempt.state.as_deref().or(self.attempt.because.as_deref());
        let why = unmet.map(|check| check.text.as_str()).or(told).map_or(0, cause::why);
        let pending = Pending {
            series: whole.series,
            response: request.response,
            ended: Ended { bytes: self.attempt.all_bytes, why, ..ended },
        };
        progress.pending.set(Some(pending));
        if self.is_example(&pending) {
            let because = unmet.map(|check| explain::check(check, frame, &self.worker.lowered.paths));
            let because = because.or_else(|| self.attempt.because.take());
            let example = self.example(request, &pending, frame, because);
            *progress.example.borrow_mut() = Some(Box::new(example));
        }
    }

    /// The budget is used up: what was sent of the request counts as what an early end of the run cuts off.
    fn stop(&mut self, request: &LoweredRequest, progress: &Progress, fate: Fate) -> (u64, Result<(), Failure>) {
        let worker = self.worker.clone();
        let now = worker.timers.clock.now();
        progress.under_way.set(None);
        self.landed(now);
        if !request.records.is_empty() {
            // A part of this try may have done what it should.
            let sent = ledger::fate(Err(Failure::Closed), Fate::Unknown, self.attempt.sends);
            progress.opened.close(fate.max(sent), now, &worker.booked);
            worker.books();
        }
        self.unsent = true;
        // Others may have some left, and are told by the control plane.
        worker.start_nothing_new();
        (now, Err(Failure::Closed))
    }

    /// What was sent is in flight no longer.
    fn landed(&self, at: u64) {
        if self.attempt.sent > 0 {
            self.worker.recorder.borrow_mut().landed(self.attempt.series, at);
        }
    }

    /// With what the answer and the way to it say.
    fn ended(&self, answer: &Answer, ended: Ended) -> Ended {
        let Attempt { number, sends, connecting, agreeing, .. } = self.attempt;
        let first_byte = answer.first_byte.saturating_sub(ended.intended);
        Ended {
            attempt: number as u32 + 1,
            status: answer.status,
            injected: answer.injected,
            sends,
            first_byte,
            connect: connecting,
            tls: agreeing,
            ..ended
        }
    }

    /// Keeps what later steps need of the answer, and applies the step's own expectations. So much is left of its timeout.
    fn judge(
        &mut self,
        request: &LoweredRequest,
        frame: &mut Frame,
        answer: &Answer,
        (latency, left): (u64, u64),
    ) -> Result<(), Failure> {
        let kept = frame.answer_mut(request.response);
        // One without a status is there all the same.
        kept.status = answer.status.max(1);
        kept.latency = latency;
        kept.may_take(Duration::from_nanos(left));
        self.clients.driver(&request.exchange).keep(kept);
        if let Some(failure) = answer.failure {
            return Err(failure);
        }
        match self.worker.unmet(&request.expects, frame) {
            None => Ok(()),
            Some((check, failure)) => {
                self.unmet = Some(check);
                Err(failure)
            }
        }
    }

    /// Whether a request that has ended is told whole.
    pub fn is_example(&self, pending: &Pending) -> bool {
        let examples = &self.worker.recorder.borrow().examples;
        match pending.ended.outcome {
            Ok(()) => examples.is_slow(pending.series, pending.ended.latency),
            Err(failure) => {
                let cause = Cause::of(&pending.ended, failure);
                examples.wants(pending.series, cause, self.attempt.trace.draw())
            }
        }
    }

    /// Everything about the request that was sent last.
    pub fn example(
        &mut self,
        request: &LoweredRequest,
        Pending { series, ended, .. }: &Pending,
        frame: &Frame,
        because: Option<String>,
    ) -> Example {
        let Attempt { trace, sent, .. } = self.attempt;
        let driver = self.clients.driver(&request.exchange);
        let shown = driver.shown(&frame.answers[request.response].body);
        let failure = ended.outcome.err();
        let cause = failure.map(|failure| Cause::of(ended, failure));
        let body = failure.filter(|_| !shown.body.is_empty());
        Example {
            series: *series as u32,
            failure,
            at: ended.intended,
            latency: ended.latency,
            service_time: ended.service_time,
            user: self.user,
            status: cause.map_or(ended.status, |cause| cause.status),
            why: cause.map_or(0, |cause| cause.why),
            injected: cause.is_some_and(|cause| cause.injected),
            sends: sent,
            because,
            request: Some(start(shown.request, true)),
            body: body.map(|_| start(shown.body, shown.is_whole)),
            traceparent: (self.is_traced && sent > 0).then(|| trace.header(sent)),
            draw: trace.draw(),
            secrets: frame.secrets(),
        }
    }

    /// A request cannot be sent.
    pub fn is_unsent(&self, series: usize, intended: u64, because: impl FnOnce() -> (String, Vec<String>)) {
        let mut recorder = self.worker.recorder.borrow_mut();
        recorder.failed_unsent(series, intended);
        let draw = self.worker.traces.next().draw();
        let cause = Cause { failure: Failure::Data, status: 0, why: 0, injected: false };
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
                why: 0,
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
}

/// The start of a text that is all there is, or not; a mark says that it goes on.
fn start(bytes: &[u8], is_whole: bool) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(START)]);
    match is_whole && bytes.len() <= START {
        true => text.into_owned(),
        // A letter that was cut in two is none.
        false => format!("{}…", text.trim_end_matches(char::REPLACEMENT_CHARACTER)),
    }
}
