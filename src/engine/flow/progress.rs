//! The part of an iteration that is not recorded yet, kept where its worker finds it if the run ends meanwhile.

use crate::engine::ledger::OpenEntries;
use crate::engine::trace::Trace;
use crate::measure::{Cause, Ended, Example, Failure, Recorder};
use std::cell::{Cell, RefCell};

/// A request that is under way.
#[derive(Debug, Clone, Copy)]
pub struct UnderWay {
    pub series: usize,
    pub intended: u64,
    pub sent: u64,
    pub user: u64,
    /// Where its requests carry one.
    pub trace: Option<Trace>,
}

/// A request that has ended, while a step after it can still fail it.
#[derive(Debug, Clone, Copy)]
pub struct Pending {
    pub series: usize,
    /// Where its answer is.
    pub response: usize,
    pub ended: Ended,
}

#[derive(Debug, Default)]
pub struct Progress {
    pub under_way: Cell<Option<UnderWay>>,
    pub pending: Cell<Option<Pending>>,
    /// What is told of that one, where it is an example.
    pub example: RefCell<Option<Box<Example>>>,
    /// The entries of ledgers that the request which is under way has opened.
    pub opened: OpenEntries,
    /// What has begun and is measured as a whole, the iteration and its groups: their series, and when they were due.
    open: RefCell<Vec<(usize, u64)>>,
}

impl Progress {
    /// Records the last request, once nothing can fail it any more.
    pub fn record(&self, recorder: &RefCell<Recorder>) {
        if let Some(Pending { series, ended, .. }) = self.pending.take() {
            let mut recorder = recorder.borrow_mut();
            recorder.ended(series, &ended);
            if let Some(example) = self.example.borrow_mut().take() {
                recorder.examples.take(*example);
            }
        }
    }

    /// Fails the request that has ended last, if it is not recorded yet.
    pub fn fail(&self, failure: Failure, why: u32) -> bool {
        let Some(pending) = self.pending.get() else { return false };
        if pending.ended.outcome.is_ok() {
            self.pending.set(Some(Pending { ended: Ended { outcome: Err(failure), why, ..pending.ended }, ..pending }));
        }
        true
    }

    pub fn begin(&self, series: usize, due: u64) {
        self.open.borrow_mut().push((series, due));
    }

    /// How much has begun and is not over.
    pub fn depth(&self) -> usize {
        self.open.borrow().len()
    }

    /// Records what began last.
    pub fn end(&self, recorder: &RefCell<Recorder>, now: u64, outcome: Result<(), Failure>) -> bool {
        let Some((series, due)) = self.open.borrow_mut().pop() else { return false };
        let took = now.saturating_sub(due);
        recorder.borrow_mut().sample(series, due, took, took, outcome);
        true
    }

    /// Nobody knows how what has begun would have ended.
    pub fn leave(&self) {
        self.open.borrow_mut().clear();
    }

    /// Its load or the run ends over it: what had ended counts as it did, and what is under way has timed out where a
    /// reason is given.
    pub fn cut_off(&self, recorder: &RefCell<Recorder>, now: u64, because: Option<&str>) {
        self.record(recorder);
        let Some(because) = because else { return };
        if let Some(request) = self.under_way.take() {
            let (latency, service) = (now.saturating_sub(request.intended), now.saturating_sub(request.sent));
            let mut recorder = recorder.borrow_mut();
            recorder.sample(request.series, request.intended, latency, service, Err(Failure::Timeout));
            let draw = request.trace.map_or(request.user as u32, Trace::draw);
            let cause = Cause { failure: Failure::Timeout, status: 0, why: 0, injected: false };
            if recorder.examples.wants(request.series, cause, draw) {
                recorder.examples.take(Example {
                    series: request.series as u32,
                    failure: Some(Failure::Timeout),
                    at: request.intended,
                    latency,
                    service_time: service,
                    user: request.user,
                    status: 0,
                    why: 0,
                    injected: false,
                    sends: 1,
                    because: Some(because.to_owned()),
                    request: None,
                    body: None,
                    traceparent: request.trace.map(|trace| trace.header(1)),
                    draw,
                    secrets: Vec::new(),
                });
            }
        }
        while self.end(recorder, now, Err(Failure::Timeout)) {}
    }
}
