//! A connection and its exchanges: one write and one read where the kernel allows it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::deadline::Deadline;
use super::reply::take;
use super::unsent::Unsent;
use super::{Ask, Now, Scratch};
use crate::engine::pool::Pooled;
use crate::engine::stream::{Broken, Opening, Route, Stream, broken};
use crate::wire::http1::{Answer, BODY_KEPT, Body, Codings, Failure};

/// A stash that grew beyond this is given back after the exchange.
const STASH_KEPT: usize = 4 * 1024;

pub struct Connection {
    stream: Stream,
    /// Nanoseconds that connecting took.
    connect_time: u64,
    used: bool,
    /// The number of the address that it leads to, where the target may have several.
    pub number: Option<u32>,
    /// The part of a head that came without its end; bodies are decoded as they come.
    stash: Vec<u8>,
    deadline: Deadline,
}

impl Connection {
    pub async fn open(route: Route<'_>, timeout: Duration, took: &mut Opening) -> Result<Connection, Broken> {
        let stream = Stream::open(route, timeout, took).await?;
        Ok(Connection {
            stream,
            connect_time: took.connect,
            used: false,
            number: None,
            stash: Vec::new(),
            deadline: Deadline::default(),
        })
    }

    /// Has completed at least one exchange.
    pub fn is_reused(&self) -> bool {
        self.used
    }

    /// The server has neither closed it nor said anything that nobody asked for: bytes from before a request must not pass
    /// for its answer. To be asked before each exchange.
    pub fn is_open(&mut self) -> bool {
        !self.used || self.stream.is_silent()
    }

    /// Sends the pieces of a complete request, one after the other, and reads the whole answer: it is `sent` now, and
    /// late when it is `due`. After a failure, or when the future is dropped before its end, the connection is of no
    /// further use.
    pub async fn exchange(
        &mut self,
        request: &[&[u8]],
        ask: Ask,
        scratch: &Scratch,
        clock: &impl Now,
        (sent, due): (u64, u64),
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        answer.reset();
        self.stash.clear();
        if !self.used {
            answer.connect_time = self.connect_time;
        }
        self.deadline.set(due);
        answer.sent = sent;
        let Connection { stream, stash, deadline, .. } = self;
        over(stream, request, ask, scratch, clock, (stash, deadline), answer).await?;
        self.used = true;
        if self.stash.capacity() > STASH_KEPT {
            self.stash = Vec::new();
        }
        Ok(())
    }
}

/// A server may leave HTTP only where it was asked to (RFC 9110, 7.8).
fn asks_to_upgrade(request: &[&[u8]]) -> bool {
    let mut head = Vec::new();
    // What stands after the head may be large.
    for piece in request {
        let from = head.len().saturating_sub(3);
        head.extend_from_slice(piece);
        if head[from..].windows(4).any(|end| end == b"\r\n\r\n") {
            break;
        }
    }
    let head = head.split(|byte| *byte == b'\n').skip(1).take_while(|line| *line != b"\r");
    head.filter_map(|line| line.get(..8)).any(|name| name.eq_ignore_ascii_case(b"upgrade:"))
}

impl Pooled for Connection {
    fn is_open(&mut self) -> bool {
        self.is_open()
    }
}

fn of_stream(error: &io::Error, answer: &mut Answer) -> Failure {
    let Broken { failure, because } = broken(error);
    answer.because = because;
    failure
}

/// One exchange over any stream, with the stash and the deadline of its connection.
pub(super) async fn over(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &[&[u8]],
    ask: Ask,
    scratch: &Scratch,
    clock: &impl Now,
    (stash, deadline): (&mut Vec<u8>, &mut Deadline),
    answer: &mut Answer,
) -> Result<(), Failure> {
    let mut unsent = Unsent::new(request);
    let mut failed = None;
    let mut flushed = false;
    let mut body = None;
    // Nothing was waited for yet.
    let mut fresh = true;
    poll_fn(|cx| {
        while !unsent.is_empty() && failed.is_none() {
            match unsent.poll_write(Pin::new(&mut *stream), cx) {
                Poll::Ready(Ok(0)) => failed = Some(Failure::Closed),
                Poll::Ready(Ok(_)) => {}
                // A server may answer early and close; what it said is still to be read.
                Poll::Ready(Err(error)) => failed = Some(of_stream(&error, answer)),
                // Also read: a server that answers before it has read all must not deadlock.
                Poll::Pending => break,
            }
        }
        // What a stream has taken it may still hold, encrypted.
        if !flushed && unsent.is_empty() && failed.is_none() {
            match Pin::new(&mut *stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => flushed = true,
                Poll::Ready(Err(error)) => failed = Some(of_stream(&error, answer)),
                Poll::Pending => {}
            }
        }
        let mut buffer = scratch.buffer.borrow_mut();
        loop {
            let mut room = ReadBuf::new(&mut buffer);
            // A read that did not fill the buffer clears the readiness, so this costs a system
            // call only when there is something to read.
            match Pin::new(&mut *stream).poll_read(cx, &mut room) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Err(failed.unwrap_or_else(|| of_stream(&error, answer))));
                }
                Poll::Pending => break,
            }
            let now = clock.now();
            let data = room.filled();
            let complete = if data.is_empty() {
                if !body.as_ref().is_some_and(Body::ends_with_stream) {
                    return Poll::Ready(Err(failed.unwrap_or(Failure::Closed)));
                }
                true
            } else {
                if answer.first_byte == 0 {
                    answer.first_byte = now.max(1);
                }
                let interim = answer.interim;
                let complete = take(data, stash, &mut body, ask, scratch, answer)?;
                // An interim answer (RFC 9110, 15.2) is none yet: the first byte is that of the one after it.
                if answer.interim != interim {
                    let begun = complete || body.is_some() || !stash.is_empty();
                    answer.first_byte = if begun { now.max(1) } else { 0 };
                }
                complete
            };
            if complete {
                answer.end = now;
                answer.keep_alive &= unsent.is_empty();
                return Poll::Ready(Ok(()));
            }
            // A server that never pauses must not outrun the deadline.
            if deadline.has_passed(now) {
                return Poll::Ready(Err(Failure::Timeout));
            }
        }
        drop(buffer);
        if std::mem::take(&mut fresh) && deadline.is_armed(cx, answer.sent) {
            return Poll::Pending;
        }
        ready!(deadline.poll(cx, clock));
        Poll::Ready(Err(Failure::Timeout))
    })
    .await?;
    if answer.status == 101 && !asks_to_upgrade(request) {
        return Err(Failure::Protocol);
    }
    decode(ask, answer)
}

/// Undoes the compression of a body that was kept.
pub(super) fn decode(ask: Ask, answer: &mut Answer) -> Result<(), Failure> {
    if ask.keep_body && answer.codings != Codings::Plain {
        answer.codings.decode(&mut answer.body)?;
        if answer.body.len() > BODY_KEPT {
            answer.room.take(answer.body.len()).map_err(|_| Failure::TooLarge)?;
        }
    } else if ask.look && answer.codings != Codings::Plain && answer.codings.decode(&mut answer.body).is_err() {
        answer.body.clear();
    }
    Ok(())
}
