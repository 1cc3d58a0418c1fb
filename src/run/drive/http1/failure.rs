//! Why an exchange failed, and whether the target or the generator is to blame.

use std::io;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// Why an exchange failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// No connection: refused, unreachable.
    Connect,
    /// The peer reset an established connection.
    Reset,
    /// The stream ended before or within the answer.
    Closed,
    /// The deadline passed.
    Timeout,
    /// The answer is not HTTP/1.1 or exceeds a limit.
    Protocol,
    /// The generator has no local port left.
    NoPorts,
    /// The generator has no file descriptor left.
    NoDescriptors,
    /// The generator's kernel has no memory left for sockets.
    NoMemory,
}

impl Failure {
    /// The generator's own limits: such a failure says nothing about the target.
    pub fn is_generator(self) -> bool {
        matches!(self, Failure::NoPorts | Failure::NoDescriptors | Failure::NoMemory)
    }

    /// The kind as scenarios and reports spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Failure::Connect => "connect",
            Failure::Reset => "reset",
            Failure::Closed => "closed",
            Failure::Timeout => "timeout",
            Failure::Protocol => "protocol",
            Failure::NoPorts => "no_ports",
            Failure::NoDescriptors => "no_descriptors",
            Failure::NoMemory => "no_memory",
        }
    }

    /// An error while opening a connection.
    pub(super) fn of_connect(error: &io::Error) -> Failure {
        match Errno::from_io_error(error) {
            Some(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) => Failure::NoPorts,
            Some(errno) => resource(errno).unwrap_or(Failure::Connect),
            None => Failure::Connect,
        }
    }

    /// An error on an established connection.
    pub(super) fn of_stream(error: &io::Error) -> Failure {
        // Unreachable routes and the like also end an established connection from outside.
        Errno::from_io_error(error).and_then(resource).unwrap_or(Failure::Reset)
    }
}

fn resource(errno: Errno) -> Option<Failure> {
    match errno {
        Errno::MFILE | Errno::NFILE => Some(Failure::NoDescriptors),
        Errno::NOBUFS | Errno::NOMEM => Some(Failure::NoMemory),
        // The kernel gave up before our deadline did.
        Errno::TIMEDOUT => Some(Failure::Timeout),
        _ => None,
    }
}
