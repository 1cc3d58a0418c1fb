//! The requests that the loads of a run may still send. Workers take leases of the budget, so nothing is shared on the path of a
//! request, and the budget is never exceeded.

use crate::measure::Failure;
use crate::plan::Plan;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::Notify;

/// Requests that a worker takes at a time, where there are enough.
const LEASE: u64 = 64;

/// What is left for all workers.
pub struct Budget {
    left: AtomicU64,
    workers: u64,
    used_up: AtomicBool,
    told: Notify,
    reason: String,
}

impl Budget {
    pub fn of(plan: &Plan, workers: u64) -> Option<Arc<Budget>> {
        let (own, whole) = (plan.own_budget()?, plan.budget()?);
        let shown = |count: u64| crate::base::units::grouped(count as f64, 0);
        let part = if own == whole { String::new() } else { format!(", this share's part of {},", shown(whole)) };
        Some(Arc::new(Budget {
            left: AtomicU64::new(own),
            workers,
            used_up: AtomicBool::new(false),
            told: Notify::new(),
            reason: format!("the budget of {} requests{part} was used up", shown(own)),
        }))
    }

    /// Less where little is left, so that no worker sits on what another one lacks.
    fn lease(&self) -> u64 {
        let part = |left: u64| (left / (4 * self.workers.max(1))).clamp(1, LEASE).min(left);
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left - part(left)));
        let lease = taken.map_or(0, part);
        if lease == 0 {
            self.used_up.store(true, Ordering::Release);
            self.told.notify_one();
        }
        lease
    }

    /// Waits until a request could not be sent, and says why.
    pub async fn until_used_up(budget: Option<&Arc<Budget>>) -> String {
        match budget {
            Some(budget) => {
                budget.told.notified().await;
                budget.reason.clone()
            }
            None => std::future::pending().await,
        }
    }

    /// Why a request could not be sent, where one could not.
    pub fn reason(&self) -> Option<String> {
        self.used_up.load(Ordering::Acquire).then(|| self.reason.clone())
    }
}

/// What a worker may send before it asks again.
pub struct Lease {
    budget: Option<Arc<Budget>>,
    left: Cell<u64>,
}

impl Lease {
    pub fn of(budget: Option<Arc<Budget>>) -> Lease {
        // Without a budget as much as no run can send, so that the one look at what is left suffices.
        let left = Cell::new(if budget.is_some() { 0 } else { u64::MAX });
        Lease { budget, left }
    }

    /// Whether one more may be sent.
    pub fn take(&self) -> bool {
        if self.left.get() == 0 {
            self.left.set(self.budget.as_ref().map_or(0, |budget| budget.lease()));
        }
        let left = self.left.get().checked_sub(1);
        self.left.set(left.unwrap_or(0));
        left.is_some()
    }
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    Failed(Failure),
    /// It was not sent, since the budget is used up: the run ends over it, and it is no failure of anybody.
    Unsent,
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Unanswered {
        Unanswered::Failed(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(left: u64, workers: u64) -> Arc<Budget> {
        let (used_up, told) = (AtomicBool::new(false), Notify::new());
        Arc::new(Budget { left: AtomicU64::new(left), workers, used_up, told, reason: "why".to_owned() })
    }

    #[test]
    fn never_one_more_than_there_are_whoever_asks() {
        for (all, workers) in [(0, 1), (1, 2), (63, 1), (1_000, 1), (10_000, 4)] {
            let budget = budget(all, workers);
            let take = |budget: Arc<Budget>| {
                let lease = Lease::of(Some(budget));
                (0u64..).take_while(|_| lease.take()).count() as u64
            };
            let threads: Vec<_> = (0..workers)
                .map(|_| {
                    let budget = budget.clone();
                    std::thread::spawn(move || take(budget))
                })
                .collect();
            let sent: u64 = threads.into_iter().map(|thread| thread.join().unwrap_or(u64::MAX)).sum();
            assert_eq!(sent, all, "each of {workers} takes until there are no more");
            assert_eq!(budget.reason().as_deref(), Some("why"));
        }
    }

    #[test]
    fn what_is_just_enough_is_not_used_up() {
        let budget = budget(100, 1);
        let lease = Lease::of(Some(budget.clone()));
        assert!((0..100).all(|_| lease.take()));
        assert_eq!(budget.reason(), None);
        assert!(!lease.take());
        assert!(budget.reason().is_some());
    }

    #[test]
    fn without_a_budget_there_is_no_end() {
        let lease = Lease::of(None);
        assert!((0..10_000).all(|_| lease.take()));
    }
}
