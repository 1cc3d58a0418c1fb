//! Limits of the generator itself, over all workers: rates that let steps through evenly, and places that are given back.

use super::clock::{Alarm, Timers};
use crate::base::units::SECOND;
use crate::check::program::LimitKind;
use crate::plan::{Limit, Plan, Share};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub enum Gate {
    /// Nanoseconds between two who pass, and when the next one may.
    Rate {
        every: u64,
        next: AtomicU64,
    },
    Slots(Arc<Semaphore>),
}

/// The gates of a plan. A share has its part of each.
pub fn gates(plan: &Plan) -> Arc<Vec<Gate>> {
    Arc::new(plan.limits.iter().map(|limit| gate(limit, plan.share)).collect())
}

fn gate(limit: &Limit, share: Share) -> Gate {
    match limit.kind {
        LimitKind::Rate(rate) => {
            let every = (SECOND as f64 * share.count as f64 / rate).min(u64::MAX as f64) as u64;
            // Shares take turns.
            Gate::Rate { every, next: AtomicU64::new(every / share.count * share.index) }
        }
        LimitKind::Slots(slots) => {
            let ours = share.of(slots).clamp(1, Semaphore::MAX_PERMITS as u64);
            Gate::Slots(Arc::new(Semaphore::new(ours as usize)))
        }
    }
}

impl Gate {
    /// Waits to be let through, first come, first served. What it gives is given back when it is dropped.
    pub async fn pass(&self, timers: &Timers, alarm: &Alarm) -> Option<OwnedSemaphorePermit> {
        match self {
            Gate::Slots(slots) => match slots.clone().try_acquire_owned() {
                Ok(place) => Some(place),
                // The semaphore is never closed.
                Err(_) => slots.clone().acquire_owned().await.ok(),
            },
            Gate::Rate { every, next } => {
                let now = timers.clock.now();
                // Nobody is let through for the time in which nobody asked.
                let after = |next: u64| Some(next.max(now).saturating_add(*every));
                let turn = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after).unwrap_or(now).max(now);
                timers.until(alarm, turn).await;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_the_limit() {
        let limit = |kind: LimitKind| Limit { name: String::new(), kind };
        let share = |index: u64| Share { index, count: 2 };
        for index in [0, 1] {
            let Gate::Rate { every, next } = gate(&limit(LimitKind::Rate(100.0)), share(index)) else { panic!() };
            assert_eq!((every, next.into_inner()), (SECOND / 50, index * SECOND / 100));
        }
        let slots = |index: u64| match gate(&limit(LimitKind::Slots(5)), share(index)) {
            Gate::Slots(slots) => slots.available_permits(),
            Gate::Rate { .. } => 0,
        };
        assert_eq!([slots(0), slots(1)], [3, 2]);
    }
}
