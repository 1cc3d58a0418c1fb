//! The HTTP client of the data plane. Of HTTP/1.1: one request, one write, one read, no allocation. HTTP/2 is in `streams`.
//!
//! A general client pools, follows redirects and guards against misuse on every request; the
//! generator measures with what the client costs, so this one only moves bytes. A failed
//! connection is dropped by its owner: nothing here reconnects or retries.

mod client;
mod connection;
pub mod cookies;
mod deadline;
mod elsewhere;
mod exchange;
pub mod host;
mod opening;
pub mod redirect;
pub mod reference;
mod reply;
mod streams;
mod body;
mod request;
pub mod template;
mod unsent;
#[cfg(test)]
mod tests;

pub use client::Client;
pub use connection::Connection;
pub use cookies::hidden;
pub use opening::fate_of_opening;
pub use request::Request;

use crate::engine::pool::Pool;
use crate::plan::Target;
use crate::wire::http1::Memo;
use cookies::Cookies;
use std::cell::RefCell;
use streams::Links;

/// As much as one read takes from the kernel.
const BUFFER: usize = 64 * 1024;

/// What the clients of a worker share.
pub struct Shared {
    pool: Pool<Box<Connection>>,
    links: Links,
    cookies: Cookies,
    scratch: Scratch,
}

impl Shared {
    /// For one of several workers that share what the run allows, by its place among them.
    pub fn new(targets: &[Target], place: u64, parts: u64) -> Shared {
        Shared {
            pool: Pool::new(targets, place, parts),
            links: Links::new(targets, place, parts),
            cookies: Cookies::default(),
            scratch: Scratch::new(),
        }
    }
}

/// What a worker shares between its connections: one read buffer, not one per connection, so that
/// it stays in the cache and ten thousand idle connections cost no memory.
pub struct Scratch {
    buffer: RefCell<Box<[u8]>>,
    /// The head parsed last: servers repeat theirs for as long as the `Date` stands still.
    memo: RefCell<Memo>,
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
