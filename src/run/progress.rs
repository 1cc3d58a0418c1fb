//! What is not recorded yet of an iteration, where its worker sees it when the run ends over it.

use crate::measure::{Ended, Failure, Recorder};
use std::cell::{Cell, RefCell};

/// A request that is under way.
#[derive(Debug, Clone, Copy)]
pub struct UnderWay {
    pub series: usize,
    pub intended: u64,
    pub sent: u64,
}

/// A request that has ended, while a step behind it can still fail it.
#[derive(Debug, Clone, Copy)]
pub struct Pending {
    pub series: usize,
    pub ended: Ended,
}

#[derive(Debug, Default)]
pub struct Progress {
    pub under_way: Cell<Option<UnderWay>>,
    pub pending: Cell<Option<Pending>>,
    /// What has begun and is measured as a whole, the iteration and its groups: their series, and when they were due.
    open: RefCell<Vec<(usize, u64)>>,
}

impl Progress {
    /// Records the last request, once nothing can fail it any more.
    pub fn record(&self, recorder: &RefCell<Recorder>) {
        if let Some(Pending { series, ended }) = self.pending.take() {
            recorder.borrow_mut().ended(series, &ended);
        }
    }

    /// Fails the request that has ended last, if it is not recorded yet.
    pub fn fail(&self, failure: Failure) -> bool {
        let Some(Pending { series, ended }) = self.pending.get() else { return false };
        self.pending.set(Some(Pending { series, ended: Ended { outcome: ended.outcome.and(Err(failure)), ..ended } }));
        true
    }

    pub fn begin(&self, series: usize, due: u64) {
        self.open.borrow_mut().push((series, due));
    }

    /// Records what began last.
    pub fn end(&self, recorder: &RefCell<Recorder>, now: u64, outcome: Result<(), Failure>) -> bool {
        let Some((series, due)) = self.open.borrow_mut().pop() else { return false };
        let took = now.saturating_sub(due);
        recorder.borrow_mut().sample(series, due, took, took, outcome);
        true
    }

    /// The run ends over it: what had ended counts as it did, and what is under way has timed out where that is
    /// counted.
    pub fn cut_off(&self, recorder: &RefCell<Recorder>, now: u64, count: bool) {
        self.record(recorder);
        if !count {
            return;
        }
        if let Some(request) = self.under_way.take() {
            let (latency, service) = (now.saturating_sub(request.intended), now.saturating_sub(request.sent));
            recorder.borrow_mut().sample(request.series, request.intended, latency, service, Err(Failure::Timeout));
        }
        while self.end(recorder, now, Err(Failure::Timeout)) {}
    }
}
