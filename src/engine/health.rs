//! What a worker reports about itself: what its thread did and waited for, and how late it handled events.

use super::pace::clock::Timers;
use super::worker::Worker;
use crate::base::units::MICROSECOND;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Between two looks at how late a worker gets to what is ready: some ten milliseconds, and a number of microseconds that
/// is prime, so that it keeps step with no rate.
const PROBE: u64 = 9_973 * MICROSECOND;

/// What a worker tells about itself without being asked.
#[derive(Debug, Default)]
pub struct Gauge(Mutex<LagReading>);

/// What was so at an instant: nanoseconds that the thread ran, was ready without a core, and spun on purpose, and the
/// poll delay of the second before.
#[derive(Debug, Clone, Copy)]
pub struct LagReading {
    pub at: Instant,
    /// The thread, once it has begun.
    thread: Option<i32>,
    pub ran: u64,
    pub waited: u64,
    pub spun: u64,
    pub poll_delay: u64,
}

impl Default for LagReading {
    fn default() -> LagReading {
        LagReading { at: Instant::now(), thread: None, ran: 0, waited: 0, spun: 0, poll_delay: 0 }
    }
}

impl Gauge {
    pub fn begin(&self) {
        self.put(0, 0);
    }

    pub fn write(&self, timers: &Timers, delays: Vec<u64>) {
        self.put(timers.spun.get(), late(delays));
    }

    /// By the worker itself: when its thread is gone, so are the scheduler's books about it.
    fn put(&self, spun: u64, poll_delay: u64) {
        let (ran, waited) = books("thread-self").unwrap_or_default();
        #[cfg(target_os = "linux")]
        let thread = Some(rustix::thread::gettid().as_raw_nonzero().get());
        #[cfg(not(target_os = "linux"))]
        let thread = None;
        let reading = LagReading { at: Instant::now(), thread, ran, waited, spun, poll_delay };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reading;
    }

    /// As it is now, or as the thread left it: one that is not let to a core writes nothing.
    pub fn read(&self) -> LagReading {
        let written = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = written.thread.and_then(|thread| books(&format!("self/task/{thread}")));
        now.map_or(written, |(ran, waited)| LagReading { at: Instant::now(), ran, waited, ..written })
    }
}

/// What the scheduler knows of a thread (`schedstat`: ran, waited, slices).
fn books(thread: &str) -> Option<(u64, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{thread}/schedstat")).ok()?;
    let mut numbers = text.split_whitespace().map(|n| n.parse().unwrap_or(0));
    Some((numbers.next()?, numbers.next()?))
}

/// The 99th percentile, by the nearest rank.
fn late(mut delays: Vec<u64>) -> u64 {
    delays.sort_unstable();
    let rank = (delays.len() * 99).div_ceil(100);
    rank.checked_sub(1).and_then(|index| delays.get(index)).copied().unwrap_or(0)
}

/// Sleeps to instants that are spread evenly and tells how late each was noticed, forever: one task a worker. A sleep
/// ends by the same way as an answer comes: the kernel makes a descriptor ready, and the loop gets to it. What was due in a
/// long stall counts as often as it was due.
pub async fn probe(worker: &Worker) {
    let alarm = worker.timers.alarm(false);
    let mut due = PROBE;
    loop {
        worker.timers.until(&alarm, due).await;
        let now = worker.timers.clock.now();
        while due <= now {
            worker.recorder.borrow_mut().poll_delay(due, now - due);
            worker.delays.borrow_mut().push(now - due);
            due += PROBE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn the_99th_percentile_of_a_second_is_by_rank() {
        assert_eq!(late(Vec::new()), 0);
        assert_eq!(late(vec![7]), 7);
        assert_eq!(late((1..=100).rev().collect()), 99);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_is_read_while_it_is_there_and_as_it_left_itself() {
        let gauge = Arc::new(Gauge::default());
        let own = gauge.clone();
        let spin = move || {
            own.begin();
            let begun = Instant::now();
            while begun.elapsed().as_millis() < 20 {
                std::hint::spin_loop();
            }
            assert!(own.read().ran > own.0.lock().unwrap().ran, "read now, not as it was written");
            own.put(0, 5);
        };
        std::thread::spawn(spin).join().unwrap();
        let read = gauge.read();
        assert!(read.ran > 0 && read.poll_delay == 5);
    }
}
