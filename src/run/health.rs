//! How the generator itself is: what its threads did and waited for, and what it holds open.

use super::clock::Timers;
use super::worker::Worker;
use crate::base::units::MICROSECOND;
use crate::measure::Generator;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Between two looks at how late a worker gets to what is ready: some ten milliseconds, and a number of microseconds that
/// is prime, so that it keeps step with no rate.
const PROBE: u64 = 9_973 * MICROSECOND;

/// What a worker tells about itself without being asked.
#[derive(Debug, Default)]
pub struct Gauge(Mutex<Reading>);

/// What was so at an instant: nanoseconds that the thread ran, was ready without a core, and spun on purpose, and the
/// poll delay of the second before.
#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Instant,
    /// The thread, once it has begun.
    thread: Option<i32>,
    ran: u64,
    waited: u64,
    spun: u64,
    poll_delay: u64,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading { at: Instant::now(), thread: None, ran: 0, waited: 0, spun: 0, poll_delay: 0 }
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
        let reading = Reading { at: Instant::now(), thread, ran, waited, spun, poll_delay };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reading;
    }

    /// As it is now, or as the thread left it: one that is not let to a core writes nothing.
    fn read(&self) -> Reading {
        let written = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = written.thread.and_then(|thread| books(&format!("self/task/{thread}")));
        now.map_or(written, |(ran, waited)| Reading { at: Instant::now(), ran, waited, ..written })
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

pub struct Health {
    gauges: Vec<Arc<Gauge>>,
    /// Of the thread of the links, and when it was read last.
    links: Option<(Arc<Gauge>, Reading)>,
    last: Vec<Reading>,
    cpu: f64,
    at: Instant,
}

impl Health {
    pub fn new(gauges: Vec<Arc<Gauge>>, links: Option<Arc<Gauge>>) -> Health {
        let last = gauges.iter().map(|gauge| gauge.read()).collect();
        let links = links.map(|gauge| (gauge.clone(), gauge.read()));
        Health { gauges, links, last, cpu: process_cpu(), at: Instant::now() }
    }

    /// What happened since the last look.
    pub fn look(&mut self, offset: u64) -> Generator {
        let elapsed = self.at.elapsed().as_nanos().max(1) as f64;
        self.at = Instant::now();
        let now: Vec<Reading> = self.gauges.iter().map(|gauge| gauge.read()).collect();
        let pairs = || now.iter().zip(&self.last);
        // By the time of its own reading.
        let share = |(now, last): (&Reading, &Reading), of: fn(&Reading) -> u64| {
            let time = now.at.saturating_duration_since(last.at).as_nanos() as f64;
            if time > 0.0 { (of(now).saturating_sub(of(last)) as f64 / time).min(1.0) } else { 0.0 }
        };
        let busy = pairs().map(|pair| (share(pair, |r| r.ran) - share(pair, |r| r.spun)).max(0.0)).collect();
        let waiting = pairs().map(|pair| share(pair, |r| r.waited)).collect();
        let poll_delay = now.iter().map(|reading| reading.poll_delay).collect();
        self.last = now;
        let links = self.links.as_mut().map_or(0.0, |(gauge, last)| {
            let now = gauge.read();
            let used = share((&now, last), |reading| reading.ran);
            *last = now;
            used
        });
        // Without a descriptor left nothing can be read of it; what was used stays used.
        let cpu = process_cpu().max(self.cpu);
        let used = (cpu - self.cpu) * 1e9 / elapsed;
        self.cpu = cpu;
        let (descriptors, descriptors_limit) = descriptors();
        let (ports, ports_limit) = ports();
        Generator {
            at: offset,
            cpu: used,
            links,
            busy,
            waiting,
            poll_delay,
            descriptors,
            descriptors_limit,
            ports,
            ports_limit,
            memory: memory(),
            pressed: None,
        }
    }
}

/// Seconds of CPU that this process has used, ended threads included.
fn process_cpu() -> f64 {
    let stat = crate::guard::proc::Stat::own();
    // User and system ticks.
    let ticks = stat.map_or(0, |stat| [14, 15].into_iter().filter_map(|field| stat.number(field)).sum::<u64>());
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

fn descriptors() -> (u64, u64) {
    let limit = crate::inputs::descriptors();
    let open = match std::fs::read_dir("/proc/self/fd") {
        Ok(entries) => entries.count() as u64,
        // There is none left to look with.
        Err(error) if rustix::io::Errno::from_io_error(&error) == Some(rustix::io::Errno::MFILE) => limit,
        Err(_) => 0,
    };
    (open, limit)
}

/// From `/proc/net/sockstat` (`TCP: inuse N … tw M …`) and the range that the kernel deals local ports from.
fn ports() -> (u64, u64) {
    let sockets = std::fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let tcp: Vec<&str> =
        sockets.lines().find(|line| line.starts_with("TCP:")).unwrap_or("").split_whitespace().collect();
    let count = |name: &str| {
        tcp.iter().position(|word| *word == name).and_then(|at| tcp.get(at + 1)?.parse().ok()).unwrap_or(0)
    };
    (count("inuse") + count("tw"), crate::inputs::local_ports())
}

fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

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
