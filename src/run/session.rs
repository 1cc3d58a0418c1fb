//! One user: interprets the steps of iterations, one after the other, over slots that are kept between them.

use super::clock::{Alarm, Clock};
use super::drive::http1::{Answer, Ask, Connection};
use super::link::{Bytes, LinkedRequest, LinkedStep};
use super::value::{Choices, Frame, Kept};
use super::worker::Worker;
use crate::measure::Failure;
use crate::plan::Think;
use std::cell::Cell;
use std::rc::Rc;

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

pub struct Session {
    worker: Rc<Worker>,
    load: usize,
    frame: Frame,
    answer: Answer,
    text: String,
    scratch: String,
    alarm: Rc<Alarm>,
    /// In a closed load a user keeps a connection to each target; in an open one they are shared.
    own: Option<Vec<Option<Connection>>>,
    pub under_way: Rc<Cell<Option<UnderWay>>>,
    pending: Option<Pending>,
}

impl Session {
    pub fn new(worker: &Rc<Worker>, load: usize, keeps_connections: bool) -> Session {
        let plan = &worker.plan;
        let flow = &plan.flows[plan.loads[load].flow()];
        let frame = Frame {
            slots: vec![super::value::Value::Null; flow.slots],
            answers: (0..flow.requests).map(|_| Kept::default()).collect(),
            user: 0,
            choices: Choices::new(0, 0, 0, 0),
        };
        let under_way = Rc::new(Cell::new(None));
        worker.under_way.borrow_mut().push(under_way.clone());
        Session {
            worker: worker.clone(),
            load,
            frame,
            answer: Answer::default(),
            text: String::new(),
            scratch: String::new(),
            alarm: worker.timers.alarm(false),
            own: keeps_connections.then(|| plan.targets.iter().map(|_| None).collect()),
            under_way,
            pending: None,
        }
    }

    /// Runs one iteration that was intended at an offset; its first failed request ends it.
    pub async fn iterate(&mut self, user: u64, number: u64, intended: u64) {
        let worker = self.worker.clone();
        self.frame.user = user;
        self.frame.choices = Choices::new(worker.seed, self.load as u64, number, worker.run);
        let mut due = intended;
        let steps = &worker.linked.flows[worker.plan.loads[self.load].flow()];
        for step in steps {
            let failed = match step {
                LinkedStep::Request(request) => {
                    self.record();
                    let ended = self.request(request, worker.series[self.load][request.response], due).await;
                    due = worker.timers.clock.now();
                    ended.err()
                }
                LinkedStep::Let { slot, value } => match self.frame.eval(value, &worker.linked.paths) {
                    Ok(value) => {
                        self.frame.slots[*slot] = value;
                        None
                    }
                    Err(_) => Some(Failure::Data),
                },
                LinkedStep::Think(think) => {
                    self.record();
                    due += self.thinking(think);
                    worker.timers.until(&self.alarm, due).await;
                    None
                }
                LinkedStep::Expect(checks) => {
                    let held = checks.iter().all(|check| self.frame.holds(&check.condition, &worker.linked.paths));
                    (!held).then_some(Failure::Expectation)
                }
            };
            if let Some(failure) = failed {
                // What fails between two requests counts against the one before.
                if let Some(pending) = &mut self.pending {
                    pending.outcome = pending.outcome.and(Err(failure));
                }
                break;
            }
        }
        self.record();
        worker.recorder.borrow_mut().finished(self.load, intended);
    }

    fn thinking(&mut self, think: &Think) -> u64 {
        let fraction = self.frame.choices.fraction();
        match think {
            Think::Uniform { least, most } => least + (fraction * (most - least) as f64) as u64,
            Think::Exponential { mean } => (-(1.0 - fraction).ln() * *mean as f64) as u64,
        }
    }

    /// Records the last request, once nothing can fail it any more.
    fn record(&mut self) {
        if let Some(Pending { series, intended, latency, service_time, outcome }) = self.pending.take() {
            self.worker.recorder.borrow_mut().sample(series, intended, latency, service_time, outcome);
        }
    }

    async fn request(&mut self, request: &LinkedRequest, series: usize, intended: u64) -> Result<(), Failure> {
        let worker = self.worker.clone();
        if let Bytes::Built(template) = &request.bytes
            && template.write(&mut self.frame, &worker.linked.paths, &mut self.text, &mut self.scratch).is_err()
        {
            worker.recorder.borrow_mut().failed_unsent(series, intended, Failure::Data);
            return Err(Failure::Data);
        }
        let clock = worker.timers.clock;
        let started = clock.now();
        self.under_way.set(Some(UnderWay { series, intended, sent: started }));
        let result = self.send(request, series, &clock).await;
        self.under_way.set(None);
        let end = if result.is_ok() { self.answer.end } else { clock.now() };
        let sent = if self.answer.sent >= started { self.answer.sent } else { started };
        let outcome = result.and_then(|()| self.judge(request, end.saturating_sub(intended)));
        let (latency, service_time) = (end.saturating_sub(intended), end.saturating_sub(sent));
        self.pending = Some(Pending { series, intended, latency, service_time, outcome });
        outcome
    }

    async fn send(&mut self, request: &LinkedRequest, series: usize, clock: &Clock) -> Result<(), Failure> {
        let worker = self.worker.clone();
        let ask =
            Ask { head_only: request.head_only, keep_body: request.keep_body, keep_headers: request.keep_headers };
        let bytes = match &request.bytes {
            Bytes::Fixed(bytes) => bytes.as_slice(),
            Bytes::Built(_) => self.text.as_bytes(),
        };
        loop {
            self.answer.sent = 0;
            let idle = match &mut self.own {
                Some(own) => own[request.target].take(),
                None => worker.idle.borrow_mut()[request.target].pop(),
            };
            let mut connection = match idle {
                Some(connection) => connection,
                None => Connection::open(request.address, request.timeout).await?,
            };
            // Each time counts: a server that was sent it twice has seen it twice.
            worker.recorder.borrow_mut().sent(series, clock.now());
            let reused = connection.is_reused();
            let result =
                connection.exchange(bytes, ask, &worker.scratch, clock, request.timeout, &mut self.answer).await;
            match result {
                Ok(()) => {
                    if self.answer.keep_alive {
                        match &mut self.own {
                            Some(own) => own[request.target] = Some(connection),
                            None => worker.idle.borrow_mut()[request.target].push(connection),
                        }
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
    fn judge(&mut self, request: &LinkedRequest, latency: u64) -> Result<(), Failure> {
        let kept = &mut self.frame.answers[request.response];
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
        match request.expects.iter().all(|check| self.frame.holds(&check.condition, &worker.linked.paths)) {
            true => Ok(()),
            false => Err(Failure::Expectation),
        }
    }
}
