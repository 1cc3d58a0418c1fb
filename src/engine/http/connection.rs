//! Connections of HTTP/1.1, each for one exchange at a time.

use super::deadline::Deadline;
use super::exchange::Exchange;
use super::{Ask, Now, Scratch};
use crate::engine::pool::Pooled;
use crate::engine::stream::{Broken, Opening, Route, Stream};
use crate::wire::http1::Answer;
use std::time::Duration;

pub struct Connection<S = Stream> {
    pub(super) stream: S,
    /// Nanoseconds that connecting took.
    connect_time: u64,
    pub(super) used: bool,
    /// The number of the address that it leads to, where the target may have several.
    pub number: Option<u32>,
    /// The part of a head that came without its end; bodies are decoded as they come.
    pub(super) stash: Vec<u8>,
    pub(super) deadline: Deadline,
}

impl Connection {
    pub async fn open(route: Route<'_>, timeout: Duration, took: &mut Opening) -> Result<Connection, Broken> {
        let stream = Stream::open(route, timeout, took).await?;
        Ok(Connection { connect_time: took.connect, ..Connection::over(stream) })
    }

    /// The server has neither closed it nor said anything that nobody asked for: bytes from before a request must not pass
    /// for its answer. To be asked before each exchange.
    pub fn is_open(&mut self) -> bool {
        !self.used || self.stream.is_silent()
    }
}

impl<S> Connection<S> {
    /// Over an open stream.
    pub(super) fn over(stream: S) -> Connection<S> {
        let deadline = Deadline::default();
        Connection { stream, connect_time: 0, used: false, number: None, stash: Vec::new(), deadline }
    }

    /// Has completed at least one exchange.
    pub fn is_reused(&self) -> bool {
        self.used
    }

    /// Sends the pieces of a complete request, one after the other, and reads the whole answer: it is `sent` now, and
    /// late when it is `due`. After a failure, or when the future is dropped before its end, the connection is of no
    /// further use.
    pub fn exchange<'e, C: Now>(
        &'e mut self,
        request: &'e [&'e [u8]],
        ask: Ask,
        scratch: &'e Scratch,
        clock: &'e C,
        (sent, due): (u64, u64),
        answer: &'e mut Answer,
    ) -> Exchange<'e, S, C> {
        answer.reset();
        self.stash.clear();
        if !self.used {
            answer.connect_time = self.connect_time;
        }
        self.deadline.set(due);
        answer.sent = sent;
        Exchange::new(self, request, ask, (scratch, clock), answer)
    }
}

impl Pooled for Box<Connection> {
    fn is_open(&mut self) -> bool {
        Connection::is_open(self)
    }
}
