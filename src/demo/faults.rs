//! Faults that can be ordered: a slow catalogue, orders with a slow query, answers of 500, leaked memory, and orders that are
//! lost or written twice.

use super::Options;
use super::routes::Route;
use axum::http::Method;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const MILLION: u64 = 1_000_000;

pub struct Faults {
    pub slow: Duration,
    pub slow_orders: Duration,
    failing_in_a_million: u64,
    /// Requests so far, reads and writes of every route apart: with one count for all, a scenario that repeats its
    /// steps in order could put every error on the same step.
    requests: [[AtomicU64; 2]; Route::ALL.len()],
    /// An order is written again where its key comes again.
    pub forgets_keys: bool,
    losing_in_a_million: u64,
    orders: AtomicU64,
    leak: usize,
    leaked: Mutex<Vec<Vec<u8>>>,
}

impl Faults {
    pub fn new(options: &Options) -> Faults {
        let in_a_million = |share: f64| (share * MILLION as f64).round() as u64;
        Faults {
            slow: options.slow,
            slow_orders: options.slow_orders,
            failing_in_a_million: in_a_million(options.error_rate),
            requests: Default::default(),
            forgets_keys: options.forgets_keys,
            losing_in_a_million: in_a_million(options.loses),
            orders: AtomicU64::new(0),
            leak: options.leak,
            leaked: Mutex::default(),
        }
    }

    /// Whether the next request fails.
    pub fn fails(&self, route: Route, method: &Method) -> bool {
        let writes = usize::from(method == Method::POST);
        next(&self.requests[route as usize][writes], self.failing_in_a_million)
    }

    /// Whether the next order is acknowledged and not written.
    pub fn loses(&self) -> bool {
        next(&self.orders, self.losing_in_a_million)
    }

    /// Forgets to give memory back.
    pub fn leak(&self) {
        let mut block = Vec::new();
        if self.leak > 0 && block.try_reserve_exact(self.leak).is_ok() {
            // Memory counts as resident only once it was written, and not with zeros alone.
            block.resize(self.leak, 1);
            self.leaked.lock().unwrap_or_else(PoisonError::into_inner).push(block);
        }
    }
}

/// Whether the next one is of the share. They are dealt evenly: each run of them has its exact share.
fn next(count: &AtomicU64, in_a_million: u64) -> bool {
    let before = count.fetch_add(1, Ordering::Relaxed);
    let share = |so_far: u64| so_far * in_a_million / MILLION;
    share(before + 1) > share(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_come_evenly_and_apart_for_reads_and_writes() {
        let faults = Faults::new(&Options { error_rate: 0.25, ..Options::default() });
        let fails = |method| (0..8).map(|_| faults.fails(Route::Orders, method)).collect::<Vec<_>>();
        let every_fourth = [false, false, false, true, false, false, false, true];
        assert_eq!(fails(&Method::GET), every_fourth);
        assert_eq!(fails(&Method::POST), every_fourth);
    }

    #[test]
    fn none_and_all_are_exact() {
        let count = |rate| {
            let faults = Faults::new(&Options { error_rate: rate, ..Options::default() });
            (0..1_000).filter(|_| faults.fails(Route::Products, &Method::GET)).count()
        };
        assert_eq!((count(0.0), count(0.001), count(1.0)), (0, 1, 1_000));
    }
}
