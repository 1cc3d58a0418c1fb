//! What an error of the operating system means: a failure of the target, or of the generator.

use std::io;

use rustix::io::Errno;

pub use crate::measure::Failure;

impl Failure {
    /// An error while opening a connection.
    pub fn of_connect(error: &io::Error) -> Failure {
        match Errno::from_io_error(error) {
            Some(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) => Failure::NoPorts,
            Some(errno) => resource(errno).unwrap_or(Failure::Connect),
            None => Failure::Connect,
        }
    }

    /// An error on an established connection.
    pub fn of_stream(error: &io::Error) -> Failure {
        // A stream that is encrypted was cut off.
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Failure::Closed;
        }
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
