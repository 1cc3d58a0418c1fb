//! A deadline that costs the usual exchange no timer operation.
//!
//! Each request has its own deadline, but nearly none is reached. The timer armed for an earlier
//! request stays armed: when it fires too early it moves to the deadline stored by then, so a busy
//! connection touches the timer wheel once per timeout and not once per request.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep, sleep_until};

/// Stands for "never" where a timeout overflows the clock.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

pub struct Deadline {
    due: Instant,
    /// Boxed because a timer must not move while it is armed, and connections do.
    sleep: Option<Pin<Box<Sleep>>>,
    /// Whom the armed timer wakes; a connection may move between tasks.
    waker: Option<Waker>,
}

impl Deadline {
    pub fn new() -> Deadline {
        Deadline { due: Instant::now(), sleep: None, waker: None }
    }

    /// Stores the deadline of the next exchange.
    pub fn set(&mut self, timeout: Duration) {
        let now = Instant::now();
        self.due = now.checked_add(timeout).unwrap_or(now + FAR);
    }

    /// For loops that make progress without ever waiting, where the timer is not looked at.
    pub fn has_passed(&self) -> bool {
        Instant::now() >= self.due
    }

    /// Ready once the deadline has passed; otherwise the task will be woken by then.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let due = self.due;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
        let known = self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if known && !sleep.is_elapsed() && sleep.deadline() <= due {
            return Poll::Pending;
        }
        if Instant::now() >= due {
            return Poll::Ready(());
        }
        // An armed timer that fires early is moved then; one that would fire late is moved now.
        if sleep.is_elapsed() || sleep.deadline() > due {
            sleep.as_mut().reset(due);
        }
        self.waker = None;
        // A task out of budget is woken again at once, but the timer has not seen its waker.
        let seen = has_budget_remaining();
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
        if seen {
            self.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}
