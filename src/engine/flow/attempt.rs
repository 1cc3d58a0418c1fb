//! One try of a request, as its driver sees it and tells of it.

use crate::engine::pace::budget::Unanswered;
use crate::engine::stream::{Broken, Opening};
use crate::engine::trace::Trace;
use crate::engine::worker::Worker;
use crate::measure::Failure;
use std::rc::Rc;
use std::time::Duration;

pub struct Attempt {
    pub worker: Rc<Worker>,
    pub load: usize,
    pub user: u64,
    pub target: usize,
    pub series: usize,
    /// How many there were before it.
    pub number: u64,
    /// It waits, connects and exchanges from then on, and until then.
    pub began: u64,
    pub due: u64,
    /// Of the request, with all its tries.
    pub trace: Trace,
    /// How often the request was handed to the network, in all its tries and in this one.
    pub sent: u64,
    pub sends: u32,
    /// The address that it goes to, by its target and number, where that may have several.
    pub address: Option<(u32, u32)>,
    /// How long the request has opened connections, where it did.
    pub connecting: Option<u64>,
    /// How long it agreed on encryption, where it did.
    pub agreeing: Option<u64>,
    /// Why it came to nothing, for a person.
    pub because: Option<String>,
    /// What stands for that among other causes, where its text has values in it.
    pub state: Option<String>,
    /// The bytes of bodies, where something asks for them, of all tries and of this one.
    pub all_bytes: u64,
    pub bytes: u64,
}

impl Attempt {
    /// None yet.
    pub fn new(worker: &Rc<Worker>, load: usize) -> Attempt {
        Attempt {
            worker: worker.clone(),
            load,
            user: 0,
            target: 0,
            series: 0,
            number: 0,
            began: 0,
            due: 0,
            trace: worker.traces.next(),
            sent: 0,
            sends: 0,
            address: None,
            connecting: None,
            agreeing: None,
            because: None,
            state: None,
            all_bytes: 0,
            bytes: 0,
        }
    }

    /// None yet of a request that carries this trace.
    pub fn prepare(&mut self, target: usize, series: usize, user: u64) {
        (self.target, self.series, self.user) = (target, series, user);
        self.trace = self.worker.traces.next();
        (self.sent, self.connecting, self.agreeing, self.all_bytes) = (0, None, None, 0);
    }

    pub fn begin(&mut self, number: u64, began: u64, timeout: u64) {
        (self.number, self.began, self.due) = (number, began, began.saturating_add(timeout));
        (self.sends, self.bytes) = (0, 0);
        (self.because, self.state, self.address) = (None, None, None);
    }

    /// Its connection leads there, whether it is open or about to be.
    pub fn goes_to(&mut self, target: usize, number: Option<u32>) {
        self.address = number.map(|number| (target as u32, number));
    }

    /// What is left of its time.
    pub fn left(&self, now: u64) -> Duration {
        Duration::from_nanos(self.due.saturating_sub(now))
    }

    /// A connection was opened, or not, and that took so long.
    pub fn connected(&mut self, took: Opening) {
        let now = self.worker.timers.clock.now();
        self.worker.recorder.borrow_mut().opened(self.series, now, took.connect, took.tls);
        self.connecting = Some(self.connecting.unwrap_or(0) + took.connect);
        if let Some(tls) = took.tls {
            self.agreeing = Some(self.agreeing.unwrap_or(0) + tls);
        }
    }

    /// It came to nothing.
    pub fn broke(&mut self, broken: Broken) -> Failure {
        self.because = broken.because;
        broken.failure
    }

    /// Takes one of the budget of the run right before something is sent, and counts it; says when that is. Each time counts: a
    /// server that was sent it twice has seen it twice. A retry belongs to its first try.
    pub fn sends(&mut self) -> Result<u64, Unanswered> {
        if !self.worker.lease.take() {
            return Err(Unanswered::Unsent);
        }
        self.sent += 1;
        self.sends += 1;
        let now = self.worker.timers.clock.now();
        let mut recorder = self.worker.recorder.borrow_mut();
        match self.number {
            0 => recorder.sent(self.series, now),
            _ => recorder.sent_again(self.series, now),
        }
        if self.sent == 1 {
            recorder.took_off(self.series, now);
        }
        Ok(now)
    }

    /// Bytes of bodies went out, or came.
    pub fn carried(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.all_bytes += bytes;
    }

    /// Tells who looks on, where somebody does, what is sent.
    pub fn tell(&self, text: impl FnOnce() -> String) {
        if let Some(tracer) = &self.worker.tracer {
            tracer.request(self.worker.request(self.series), self.number + 1, text());
        }
    }
}
