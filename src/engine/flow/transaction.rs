//! Transactions of an iteration: rolled back where a step fails, and begun again where that is asked for.

use super::session::{Iteration, Session};
use super::steps::{Op, Steps};
use crate::engine::tracer::Traced;
use crate::engine::worker::Worker;
use crate::measure::Failure;

/// The transaction that an iteration is in.
pub(super) struct Open {
    /// Where it begins.
    pub at: usize,
    /// How often it was begun again.
    pub tries: u64,
    /// What the iteration held of limits then, and how much that is measured as a whole had begun.
    pub held: usize,
    pub depth: usize,
}

impl Session {
    /// A step has failed, and the transaction that it is in with it. Says from where that is tried again.
    pub(super) async fn rolls_back(
        &mut self,
        worker: &Worker,
        open: Option<Open>,
        steps: &Steps,
        failure: Failure,
        iteration: &mut Iteration,
    ) -> Option<Open> {
        let open = open?;
        self.sender.rolls_back().await;
        self.now = worker.timers.clock.now();
        let Op::Begin(begin) = &steps.ops[open.at] else { return None };
        let retry = begin.retry.as_ref()?;
        let tries = open.tries + 1;
        if tries > retry.times || !retry.apply(failure, 0) || worker.stops() || self.left_unsent() {
            return None;
        }
        self.progress.record(&worker.recorder);
        while self.progress.depth() > open.depth {
            self.progress.end(&worker.recorder, self.now, Err(failure));
        }
        begin.opens.iter().for_each(|target| self.sender.hangs_up(*target));
        let length = retry.pause(tries, iteration.frame.choices.fraction());
        if let Some(tracer) = &worker.tracer {
            tracer.tell(Traced::Pause { why: "waits before the next try", length });
        }
        worker.timers.until(&self.alarm, self.now + length).await;
        self.now = worker.timers.clock.now();
        self.sender.begins(begin.target);
        Some(Open { tries, ..open })
    }
}
