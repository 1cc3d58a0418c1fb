//! The HTTP/1.1 client of the data plane: one request, one write, one read, no allocation.
//!
//! A general client pools, follows redirects and guards against misuse on every request; the
//! generator measures with what the client costs, so this one only moves bytes. A failed
//! connection is dropped by its owner: nothing here reconnects or retries.

mod body;
mod coding;
mod connection;
mod deadline;
mod failure;
mod head;
mod reply;
mod unsent;
#[cfg(test)]
mod tests;

use crate::run::room::Room;
use std::cell::RefCell;

pub use body::{Body, Keep, LOOK, START};
pub use connection::Connection;
pub use failure::Failure;
pub use head::{Asked, Framing, HEAD_LIMIT, leads_on, parse, parse_request, values};

/// As much as one read takes from the kernel.
const BUFFER: usize = 64 * 1024;
/// The room of a body that stays with its answer for the next one; beyond it the worker keeps count.
pub const BODY_KEPT: usize = 1 << 20;

/// What a worker shares between its connections: one read buffer, not one per connection, so that
/// it stays in the cache and ten thousand idle connections cost no memory.
pub struct Scratch {
    buffer: RefCell<Box<[u8]>>,
    /// The head parsed last: servers repeat theirs for as long as the `Date` stands still.
    memo: RefCell<head::Memo>,
}

impl Scratch {
    pub fn new() -> Scratch {
        Scratch { buffer: RefCell::new(vec![0; BUFFER].into_boxed_slice()), memo: RefCell::default() }
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch::new()
    }
}

/// Nanoseconds since the start of the run; the caller's clock.
pub trait Now {
    fn now(&self) -> u64;
}

/// What the caller wants to know of an answer; what it does not ask for is only counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ask {
    /// The request is a HEAD: no body follows, whatever the headers announce.
    pub head_only: bool,
    pub keep_body: bool,
    pub keep_headers: bool,
    /// Somebody looks on: as much of the answer is kept as a person can read, which changes nothing else.
    pub look: bool,
    /// The header lines are noted of an answer that sets cookies, or leads elsewhere.
    pub note_cookies: bool,
    pub note_redirects: bool,
}

/// An answer. Reused by the caller between requests, so its buffers stay.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    /// The body as it was before it was compressed and cut into chunks: the whole with `keep_body`, else the start of a
    /// plain one that comes with a status of 300 or above.
    pub body: Vec<u8>,
    /// What a large body takes of the memory for all that are kept.
    pub room: Room,
    /// The header lines without the status line, only with `keep_headers`.
    pub headers: Vec<u8>,
    /// The header lines, where there is something in them that was to be noted.
    pub notes: Vec<u8>,
    /// Bytes of the body as they came, without the framing of chunks.
    pub body_bytes: u64,
    /// Nanoseconds that connecting took; 0 where the connection was there already.
    pub connect_time: u64,
    /// When the request was handed to the kernel.
    pub sent: u64,
    /// When the first byte came; 0 while none has. After a failure on a reused connection 0 says
    /// that the server may never have seen the request.
    pub first_byte: u64,
    /// When the last byte came.
    pub end: u64,
    /// The connection can carry another exchange.
    pub keep_alive: bool,
    codings: coding::Codings,
    /// Bytes of interim answers so far.
    interim: usize,
}

impl Answer {
    /// The value of the first header of that name, in any case. Needs `keep_headers`.
    pub fn header(&self, name: &str) -> Option<&str> {
        head::values(&self.headers, name).find_map(|value| std::str::from_utf8(value).ok())
    }

    /// So that nothing of the last exchange passes for this one where this one does not come about.
    pub fn reset(&mut self) {
        self.status = 0;
        match self.body.capacity() <= BODY_KEPT {
            true => self.body.clear(),
            false => self.body = Vec::new(),
        }
        self.room = Room::default();
        self.headers.clear();
        self.notes.clear();
        self.body_bytes = 0;
        self.connect_time = 0;
        self.sent = 0;
        self.first_byte = 0;
        self.end = 0;
        self.keep_alive = false;
        self.codings = coding::Codings::Plain;
        self.interim = 0;
    }
}
