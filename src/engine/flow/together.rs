//! Items that a user runs at the same time, each in a helper session.

use super::session::{Iteration, Session};
use super::user::UserState;
use crate::engine::value::{Frame, from_json};
use crate::engine::worker::Worker;
use crate::measure::Failure;
use std::future::{Future, poll_fn};
use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

impl Session {
    /// Some steps for each of several items at a time, each by a helper with connections of its own. All come to their
    /// end; the first item that failed decides.
    pub(super) async fn together(
        &mut self,
        worker: &Rc<Worker>,
        part: usize,
        iteration: &mut Iteration,
        kept: &Rc<UserState>,
        (slot, items): (usize, &[serde_json::Value]),
        ops: Range<usize>,
    ) -> Result<(), Failure> {
        self.progress.record(&worker.recorder);
        let due = self.now;
        while self.helpers.len() < items.len() {
            let helper = Session::new(worker, self.load, self.sender.is_user());
            self.helpers.push(helper);
        }
        if self.missed.is_some() {
            self.helpers.iter_mut().for_each(Session::tries_all);
        }
        let branches = self.helpers.iter_mut().zip(items).enumerate().map(|(number, (helper, item))| {
            let mut iteration = iteration.branch(number as u64);
            iteration.frame.slots[slot] = from_json(item);
            helper.sender.user = self.sender.user;
            let ops = ops.clone();
            let branch = async move {
                helper.now = due;
                (helper.went_well, helper.went_wrong) = (0, 0);
                let outcome = helper.steps(worker, part, &mut iteration, kept, (ops, due)).await;
                helper.ended(outcome);
                outcome
            };
            Some(Box::pin(branch) as Pin<Box<dyn Future<Output = Result<(), Failure>>>>)
        });
        let mut branches: Vec<_> = branches.collect();
        let mut outcomes = vec![Ok(()); branches.len()];
        poll_fn(|cx| {
            for (branch, outcome) in branches.iter_mut().zip(&mut outcomes) {
                if let Some(running) = branch
                    && let Poll::Ready(ended) = running.as_mut().poll(cx)
                {
                    (*branch, *outcome) = (None, ended);
                }
            }
            if branches.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        self.turned = 0;
        self.now = worker.timers.clock.now();
        drop(branches);
        self.went_well += self.helpers.iter().map(|helper| helper.went_well).sum::<u64>();
        self.went_wrong += self.helpers.iter().map(|helper| helper.went_wrong).sum::<u64>();
        self.sent += self.helpers.iter_mut().map(|helper| std::mem::take(&mut helper.sent)).sum::<u64>();
        if let Some(missed) = &mut self.missed {
            missed.extend(self.helpers.iter_mut().flat_map(Session::missed));
        }
        outcomes.into_iter().collect()
    }
}

impl Iteration {
    /// The same for one of several that go on from here at a time.
    fn branch(&mut self, number: u64) -> Iteration {
        let Iteration { flow, frame, turns, kept } = self;
        let frame = Frame {
            slots: frame.slots.clone(),
            answers: frame.answers.clone(),
            user: frame.user,
            number: frame.number,
            turn: frame.turn,
            choices: frame.choices.branch(number),
            rows: frame.rows.shared(),
            derived: frame.derived.clone(),
        };
        Iteration { flow: *flow, frame, turns: turns.clone(), kept: kept.clone() }
    }
}
