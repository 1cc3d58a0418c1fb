//! The result of an exchange.

use super::{Codings, values};
use crate::wire::room::Room;

/// The room of a body that stays with its answer for the next one; beyond it the worker keeps count.
pub const BODY_KEPT: usize = 1 << 20;

/// An answer. Reused by the caller between requests, so its buffers stay.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    /// A fault gave it.
    pub injected: bool,
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
    /// When the first byte came that is of no interim answer; 0 while none has.
    pub first_byte: u64,
    /// When the last byte came.
    pub end: u64,
    /// The connection can carry another exchange.
    pub keep_alive: bool,
    pub codings: Codings,
    /// Bytes of interim answers so far.
    pub interim: usize,
    /// Where it came to nothing, why, where there is something to say.
    pub because: Option<String>,
}

impl Answer {
    /// The value of the first header of that name, in any case. Needs `keep_headers`.
    pub fn header(&self, name: &str) -> Option<&str> {
        values(&self.headers, name).find_map(|value| std::str::from_utf8(value).ok())
    }

    /// Not a byte came, so after a failure on a reused connection the server may never have seen the request.
    pub fn says_nothing(&self) -> bool {
        self.first_byte == 0 && self.interim == 0
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
        self.codings = Codings::Plain;
        self.interim = 0;
        self.because = None;
    }
}
