//! How the generator itself is: what its threads did and waited for, and what it holds open.

use super::worker::Gauge;
use crate::measure::Generator;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

pub struct Health {
    gauges: Vec<Arc<Gauge>>,
    last: Vec<Thread>,
    cpu: f64,
    at: Instant,
}

/// Nanoseconds that a thread ran, was ready without a core, and spun on purpose.
#[derive(Debug, Clone, Copy, Default)]
struct Thread {
    ran: u64,
    waited: u64,
    spun: u64,
}

impl Health {
    pub fn new(gauges: Vec<Arc<Gauge>>) -> Health {
        let last = gauges.iter().map(|gauge| Thread::of(gauge)).collect();
        Health { gauges, last, cpu: process_cpu(), at: Instant::now() }
    }

    /// What happened since the last look.
    pub fn look(&mut self, offset: u64) -> Generator {
        let elapsed = self.at.elapsed().as_nanos().max(1) as f64;
        self.at = Instant::now();
        let now: Vec<Thread> = self.gauges.iter().map(|gauge| Thread::of(gauge)).collect();
        let share = |new: u64, old: u64| (new.saturating_sub(old) as f64 / elapsed).min(1.0);
        let busy =
            now.iter().zip(&self.last).map(|(n, o)| (share(n.ran, o.ran) - share(n.spun, o.spun)).max(0.0)).collect();
        let waiting = now.iter().zip(&self.last).map(|(n, o)| share(n.waited, o.waited)).collect();
        self.last = now;
        // Without a descriptor left nothing can be read of it; what was used stays used.
        let cpu = process_cpu().max(self.cpu);
        let used = (cpu - self.cpu) * 1e9 / elapsed;
        self.cpu = cpu;
        let (descriptors, descriptors_limit) = descriptors();
        let (ports, ports_limit) = ports();
        Generator {
            at: offset,
            cpu: used,
            busy,
            waiting,
            descriptors,
            descriptors_limit,
            ports,
            ports_limit,
            memory: memory(),
            pressed: None,
        }
    }
}

impl Thread {
    fn of(gauge: &Gauge) -> Thread {
        let read = |value: &AtomicU64| value.load(Ordering::Relaxed);
        Thread { ran: read(&gauge.ran), waited: read(&gauge.waited), spun: read(&gauge.spun) }
    }
}

/// Seconds of CPU that this process has used, ended threads included.
fn process_cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program stands in parentheses and may hold anything; user and system ticks are the 14th and
    // 15th field, the 12th and 13th behind it.
    let behind = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 = behind.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
    ticks / rustix::param::clock_ticks_per_second() as f64
}

fn descriptors() -> (u64, u64) {
    let limit = crate::inputs::machine().descriptors;
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
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let sockets = read("/proc/net/sockstat");
    let tcp: Vec<&str> =
        sockets.lines().find(|line| line.starts_with("TCP:")).unwrap_or("").split_whitespace().collect();
    let count = |name: &str| {
        tcp.iter().position(|word| *word == name).and_then(|at| tcp.get(at + 1)?.parse().ok()).unwrap_or(0)
    };
    let range = read("/proc/sys/net/ipv4/ip_local_port_range");
    let mut ends = range.split_whitespace().filter_map(|n| n.parse::<u64>().ok());
    let (first, last) = (ends.next().unwrap_or(0), ends.next().unwrap_or(0));
    (count("inuse") + count("tw"), (last + 1).saturating_sub(first))
}

fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}
