//! How the generator is: what its threads did, and what it holds open.

use crate::engine::health::{Gauge, LagReading};
use crate::measure::Generator;
use std::sync::Arc;
use std::time::Instant;

pub struct Health {
    gauges: Vec<Arc<Gauge>>,
    /// Of the thread of the links, and when it was read last.
    links: Option<(Arc<Gauge>, LagReading)>,
    last: Vec<LagReading>,
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
        let now: Vec<LagReading> = self.gauges.iter().map(|gauge| gauge.read()).collect();
        let pairs = || now.iter().zip(&self.last);
        // By the time of its own reading.
        let share = |(now, last): (&LagReading, &LagReading), of: fn(&LagReading) -> u64| {
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
