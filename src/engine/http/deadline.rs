//! A deadline that costs the usual exchange no timer operation.
//!
//! Each request has its own deadline, but nearly none is reached. The timer armed for an earlier
//! request stays armed: when it fires too early it moves to the deadline stored by then, so a busy
//! connection touches the timer wheel once per timeout and not once per request. Instants are those
//! of the caller's clock, so that storing one takes no look at another.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Now;

/// Stands for "never" where a timeout overflows the clock.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Default)]
pub struct Deadline {
    due: u64,
    /// When the timer fires.
    armed: u64,
    /// Boxed because a timer must not move while it is armed, and connections do.
    sleep: Option<Pin<Box<Sleep>>>,
    /// The task that the armed timer wakes; a connection may move between tasks.
    waker: Option<Waker>,
}

impl Deadline {
    /// Stores the deadline of the next exchange.
    pub fn set(&mut self, due: u64) {
        self.due = due;
    }

    /// For loops that make progress without ever waiting, where the timer is not looked at.
    pub fn has_passed(&self, now: u64) -> bool {
        now >= self.due
    }

    /// Whether the task will be woken by then as it is, known without a look at the timer: it was armed for an instant
    /// after `now` that is early enough. Only before the task has waited, since the timer may have rung meanwhile.
    pub fn is_armed(&self, cx: &Context<'_>, now: u64) -> bool {
        now < self.armed && self.armed <= self.due && self.waker.as_ref().is_some_and(|own| own.will_wake(cx.waker()))
    }

    /// Ready once the deadline has passed; otherwise the task will be woken by then.
    pub fn poll(&mut self, cx: &mut Context<'_>, clock: &impl Now) -> Poll<()> {
        let known = self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if known && self.armed <= self.due && self.sleep.as_ref().is_some_and(|sleep| !sleep.is_elapsed()) {
            return Poll::Pending;
        }
        // An armed timer that fires early is moved then; one that would fire late is moved now.
        let mut moves = self.armed > self.due;
        loop {
            let Some(left) = self.due.checked_sub(clock.now()).filter(|left| *left > 0) else { return Poll::Ready(()) };
            let at = || Instant::now() + Duration::from_nanos(left).min(FAR);
            let sleep = self.sleep.get_or_insert_with(|| {
                self.armed = self.due;
                Box::pin(sleep_until(at()))
            });
            if moves || sleep.is_elapsed() {
                sleep.as_mut().reset(at());
                self.armed = self.due;
            }
            // A task out of budget is woken again at once, but the timer has not seen its waker.
            let seen = has_budget_remaining();
            if sleep.as_mut().poll(cx).is_pending() {
                self.waker = seen.then(|| cx.waker().clone());
                return Poll::Pending;
            }
            moves = true;
        }
    }
}
