//! What a failed step means: for the iteration, for the request that it concerns, and in words.

use super::progress::Pending;
use super::session::{Iteration, Session};
use super::steps::Op;
use crate::engine::tracer::Traced;
use crate::engine::value::explain;
use crate::engine::worker::Recorded;
use crate::measure::{Ended, Failure};

/// A step that failed where all are tried: why, and the request that it speaks of with the status of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    pub failure: Failure,
    pub at: Option<(usize, u16)>,
}

impl Session {
    /// From now on a step that fails does not end the iteration, so that all of them are tried.
    pub fn tries_all(&mut self) {
        self.missed = Some(Vec::new());
    }

    /// What failed meanwhile.
    pub fn missed(&mut self) -> Vec<Missed> {
        self.missed.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// A step has failed: with it the iteration, unless all steps are tried.
    pub(super) fn misses(&mut self, failure: Failure, at: usize, iteration: &Iteration) -> Result<(), Failure> {
        self.stopped = at;
        let at = self.stopped_in(iteration);
        match &mut self.missed {
            Some(missed) => missed.push(Missed { failure, at }),
            None => return Err(failure),
        }
        Ok(())
    }

    /// The request at which the last iteration ended early, and the status of its answer; 0 where there was none.
    pub fn stopped(&self, part: usize) -> Option<(usize, u16)> {
        self.stopped_in(self.iterations[part].as_ref()?)
    }

    fn stopped_in(&self, iteration: &Iteration) -> Option<(usize, u16)> {
        let response = self.worker.lowered.flows[iteration.flow].nearest_request(self.stopped)?;
        Some((response, iteration.frame.answers[response].status))
    }

    /// A step between two requests has failed, and with it the iteration; where all steps are tried, it says with which it goes on.
    pub(super) fn fail(
        &mut self,
        (failure, because): (Failure, Option<String>),
        at: usize,
        iteration: &mut Iteration,
        recorded: &Recorded,
        due: u64,
    ) -> Result<usize, Failure> {
        let spoilt = self.blame((failure, because), at, iteration, recorded, due);
        self.went_well -= u64::from(spoilt).min(self.went_well);
        self.misses(failure, at, iteration)?;
        Ok(self.worker.lowered.flows[iteration.flow].behind(at))
    }

    /// What fails between two requests counts against the one that it reads, or keeps from being sent. Says whether that one went well until
    /// now.
    fn blame(
        &mut self,
        (failure, because): (Failure, Option<String>),
        at: usize,
        iteration: &mut Iteration,
        recorded: &Recorded,
        due: u64,
    ) -> bool {
        let because = |iteration: &mut Iteration| because.clone().unwrap_or_else(|| self.why(at, iteration));
        let steps = &self.worker.lowered.flows[iteration.flow];
        // Of checks their own values are told.
        if let Some(tracer) = self.worker.tracer.as_ref().filter(|_| !matches!(steps.ops[at], Op::Expect(_))) {
            tracer.tell(Traced::Missed(because(iteration)));
        }
        if !steps.reads_rows(at)
            && let Some(pending) = self.progress.pending.get()
        {
            let why = if matches!(steps.ops[at], Op::Expect(_)) { self.unmet } else { 0 };
            self.progress.fail(failure, why);
            let failed = Pending { ended: Ended { outcome: Err(failure), why, ..pending.ended }, ..pending };
            let spoilt = pending.ended.outcome.is_ok();
            // One that has failed already stays the example that it is.
            if spoilt {
                let request = steps.request(pending.response).filter(|_| self.sender.is_example(&failed));
                let because = request.map(|_| because(iteration));
                let example = request.map(|request| self.sender.example(request, &failed, &iteration.frame, because));
                *self.progress.example.borrow_mut() = example.map(Box::new);
            }
            return spoilt;
        }
        match steps.next_request(at) {
            Some(response) => self.sender.is_unsent(recorded.requests[response], due, || {
                let because = because(iteration);
                (because, iteration.frame.secrets())
            }),
            None => drop(self.progress.fail(failure, 0)),
        }
        false
    }

    /// Why a step between requests failed, in words.
    fn why(&self, at: usize, iteration: &mut Iteration) -> String {
        let (lowered, flow) = (&self.worker.lowered, &self.worker.plan.flows[iteration.flow]);
        let steps = &lowered.flows[iteration.flow];
        let named = |slot: usize| name_of(&flow.names, slot);
        match &steps.ops[at] {
            Op::Expect(checks) => {
                let unmet =
                    checks.iter().find(|check| iteration.frame.holds(&check.condition, &lowered.paths) != Ok(true));
                unmet.map_or_else(String::new, |check| explain::check(check, &mut iteration.frame, &lowered.paths))
            }
            Op::Let { slot, .. } | Op::Loop { counter: Some((slot, _)), .. } if steps.reads_rows(at) => {
                format!("no row is left for `{}`", named(*slot))
            }
            Op::Let { slot, .. } | Op::Loop { counter: Some((slot, _)), .. } => {
                format!("`{}` could not be worked out", named(*slot))
            }
            Op::Measure { measure, .. } => {
                let name = flow.measures.get(*measure).map_or("", |(name, _)| name.as_str());
                format!("`{name}` is not a number that can be measured")
            }
            Op::Turn(_) => "a loop made all its turns, and what it waits for did not come".to_owned(),
            _ => "what is gone through is no list".to_owned(),
        }
    }
}

/// What the scenario calls a value. A plan that was read from a record does not know it.
pub(super) fn name_of(names: &[String], slot: usize) -> &str {
    names.get(slot).map_or("a value", String::as_str)
}
