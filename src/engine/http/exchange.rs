//! One exchange of HTTP/1.1: one write and one read where the kernel allows it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Connection;
use super::reply::take;
use super::unsent::Unsent;
use super::{Ask, Now, Scratch};
use crate::engine::stream::{Broken, broken};
use crate::wire::http1::{Answer, BODY_KEPT, Body, Codings, Failure};

/// A stash that grew beyond this is given back after the exchange.
const STASH_KEPT: usize = 4 * 1024;

/// An exchange that is under way. It is polled by hand, because each user who waits has one: an `async fn` would take
/// three times the memory.
pub struct Exchange<'e, S, C> {
    connection: &'e mut Connection<S>,
    request: &'e [&'e [u8]],
    unsent: Unsent<'e>,
    scratch: &'e Scratch,
    clock: &'e C,
    answer: &'e mut Answer,
    body: Option<Body>,
    ask: Ask,
    /// What went wrong while it was sent.
    failed: Option<Failure>,
    flushed: bool,
    /// Nothing was waited for yet.
    fresh: bool,
}

impl<'e, S, C> Exchange<'e, S, C> {
    pub fn new(
        connection: &'e mut Connection<S>,
        request: &'e [&'e [u8]],
        ask: Ask,
        (scratch, clock): (&'e Scratch, &'e C),
        answer: &'e mut Answer,
    ) -> Exchange<'e, S, C> {
        let unsent = Unsent::new(request);
        let (body, failed, flushed, fresh) = (None, None, false, true);
        Exchange { connection, request, unsent, scratch, clock, answer, body, ask, failed, flushed, fresh }
    }

    /// The whole answer is there.
    fn ends(&mut self) -> Result<(), Failure> {
        if self.answer.status == 101 && !asks_to_upgrade(self.request) {
            return Err(Failure::Protocol);
        }
        decode(self.ask, self.answer)?;
        self.connection.used = true;
        let stash = &mut self.connection.stash;
        if stash.capacity() > STASH_KEPT {
            *stash = Vec::new();
        }
        Ok(())
    }

    /// Takes in what came at an instant; true when the answer is complete.
    fn takes(&mut self, data: &[u8], now: u64) -> Result<bool, Failure> {
        if data.is_empty() {
            return match self.body.as_ref().is_some_and(Body::ends_with_stream) {
                true => Ok(true),
                false => Err(self.failed.unwrap_or(Failure::Closed)),
            };
        }
        let Exchange { answer, body, connection: Connection { stash, .. }, .. } = self;
        if answer.first_byte == 0 {
            answer.first_byte = now.max(1);
        }
        let interim = answer.interim;
        let complete = take(data, stash, body, self.ask, self.scratch, answer)?;
        // An interim answer (RFC 9110, 15.2) is none yet: the first byte is that of the one after it.
        if answer.interim != interim {
            let begun = complete || body.is_some() || !stash.is_empty();
            answer.first_byte = if begun { now.max(1) } else { 0 };
        }
        Ok(complete)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, C: Now> Exchange<'_, S, C> {
    fn sends(&mut self, cx: &mut Context<'_>) {
        let Exchange { connection: Connection { stream, .. }, unsent, answer, failed, .. } = self;
        while !unsent.is_empty() && failed.is_none() {
            match unsent.poll_write(Pin::new(&mut *stream), cx) {
                Poll::Ready(Ok(0)) => *failed = Some(Failure::Closed),
                Poll::Ready(Ok(_)) => {}
                // A server may answer early and close; what it said is still to be read.
                Poll::Ready(Err(error)) => *failed = Some(of_stream(&error, answer)),
                // Also read: a server that answers before it has read all must not deadlock.
                Poll::Pending => break,
            }
        }
        // What a stream has taken it may still hold, encrypted.
        if unsent.is_empty() && failed.is_none() {
            match Pin::new(&mut *stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.flushed = true,
                Poll::Ready(Err(error)) => *failed = Some(of_stream(&error, answer)),
                Poll::Pending => {}
            }
        }
    }

    /// Reads until the answer is complete, or nothing more is there.
    fn reads(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let scratch = self.scratch;
        let mut buffer = scratch.buffer.borrow_mut();
        loop {
            let mut room = ReadBuf::new(&mut buffer);
            // A read that did not fill the buffer clears the readiness, so this costs a system
            // call only when there is something to read.
            match ready!(Pin::new(&mut self.connection.stream).poll_read(cx, &mut room)) {
                Ok(()) => {}
                Err(error) => {
                    return Poll::Ready(Err(self.failed.unwrap_or_else(|| of_stream(&error, self.answer))));
                }
            }
            let now = self.clock.now();
            if self.takes(room.filled(), now)? {
                self.answer.end = now;
                self.answer.keep_alive &= self.unsent.is_empty();
                return Poll::Ready(self.ends());
            }
            // A server that never pauses must not outrun the deadline.
            if self.connection.deadline.has_passed(now) {
                return Poll::Ready(Err(Failure::Timeout));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, C: Now> Future for Exchange<'_, S, C> {
    type Output = Result<(), Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let exchange = self.get_mut();
        if !exchange.flushed && exchange.failed.is_none() {
            exchange.sends(cx);
        }
        if let Poll::Ready(ended) = exchange.reads(cx) {
            return Poll::Ready(ended);
        }
        let (deadline, answer) = (&mut exchange.connection.deadline, &exchange.answer);
        if std::mem::take(&mut exchange.fresh) && deadline.is_armed(cx, answer.sent) {
            return Poll::Pending;
        }
        deadline.poll(cx, exchange.clock).map(|()| Err(Failure::Timeout))
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

fn of_stream(error: &io::Error, answer: &mut Answer) -> Failure {
    let Broken { failure, because } = broken(error);
    answer.because = because;
    failure
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
