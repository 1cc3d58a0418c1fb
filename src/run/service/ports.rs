//! Free ports of the loopback address, held until the process that will listen there is started.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};

/// The ports of a run. They lie below those that the kernel deals to connections: a service that is down for a while
/// finds its port free again, and no connection of the load can have taken it.
#[derive(Default)]
pub struct Ports {
    /// Those of `port()`, by their number in the plan.
    dealt: RefCell<HashMap<usize, u16>>,
    held: RefCell<HashMap<u16, TcpListener>>,
}

impl Ports {
    /// The port of a `port()`, the same each time; `None` where this machine has none left.
    pub fn number(&self, port: usize) -> Option<u16> {
        if let Some(number) = self.dealt.borrow().get(&port) {
            return Some(*number);
        }
        let number = self.fresh()?;
        self.dealt.borrow_mut().insert(port, number);
        Some(number)
    }

    /// One more, for a service that takes whichever is free.
    pub fn fresh(&self) -> Option<u16> {
        let listener = free()?;
        let number = listener.local_addr().ok()?.port();
        self.held.borrow_mut().insert(number, listener);
        Some(number)
    }

    /// Releases a port for the process that will listen there.
    pub fn release(&self, number: u16) {
        self.held.borrow_mut().remove(&number);
    }
}

fn free() -> Option<TcpListener> {
    const TRIES: usize = 100;
    let (least, most) = range();
    let of = |number: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok();
    let mut state =
        u64::from(std::process::id()) ^ u64::from(std::time::UNIX_EPOCH.elapsed().map_or(0, |t| t.subsec_nanos()));
    // Runs at the same time begin at other places, so that they do not try the same ports one after the other.
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        least + ((state >> 33) % u64::from(most - least)) as u16
    };
    std::iter::repeat_with(next).take(TRIES).find_map(of).or_else(|| of(0))
}

/// From where to where is looked for ports, without the end.
fn range() -> (u16, u16) {
    const LEAST: u16 = 15_000;
    let dealt = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = dealt.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(32_768);
    if first > LEAST + 1_000 { (LEAST, first) } else { (LEAST, 32_768) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_nobody_elses_until_it_is_released() {
        let ports = Ports::default();
        let (one, other) = (ports.number(0).unwrap(), ports.number(1).unwrap());
        assert!(one != other && ports.number(0) == Some(one));
        assert!(TcpListener::bind(("127.0.0.1", one)).is_err());
        ports.release(one);
        assert!(TcpListener::bind(("127.0.0.1", one)).is_ok());
    }
}
