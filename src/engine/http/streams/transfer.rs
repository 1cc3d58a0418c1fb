//! One request and its answer on a stream.

use super::lease::Lease;
use super::link::failure;
use crate::engine::http::deadline::Deadline;
use crate::engine::http::exchange::decode;
use crate::engine::http::reply::{keep, refuse_unknown};
use crate::engine::http::{Ask, Now};
use crate::measure::Failure;
use crate::wire::http1::head::INJECTED;
use crate::wire::http1::{Answer, Body, Codings, Framing, leads_on};
use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, header};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// As much of a body is handed over at a time.
const PIECE: usize = 64 * 1024;

/// Why there is no whole answer.
#[derive(Debug)]
pub enum Unserved {
    /// The server says that it has not looked at the request: it refuses the stream as `Reset`, or gives up the connection as `Closed`.
    NotSeen(Failure),
    /// The connection ended meanwhile.
    Ended(Failure),
    Failed(Failure),
}

impl Unserved {
    /// What an error of the connection or the stream means for the request (RFC 9113, 5.4, 6.8 and 8.7).
    fn of(error: &h2::Error, answer: &mut Answer) -> Unserved {
        answer.because = told(error);
        match error.reason() {
            Some(Reason::REFUSED_STREAM) if error.is_remote() => Unserved::NotSeen(Failure::Reset),
            // It is told to streams above the last one that the server names.
            Some(_) if error.is_go_away() && error.is_remote() => Unserved::NotSeen(Failure::Closed),
            _ if error.is_io() => Unserved::Ended(failure(error)),
            _ => Unserved::Failed(failure(error)),
        }
    }
}

/// What there is to say beyond the kind of the failure.
pub fn told(error: &h2::Error) -> Option<String> {
    let reason = error.reason()?;
    Some(match (error.is_remote(), error.is_go_away()) {
        (true, true) => format!("the server gave up the connection: {reason:?}"),
        (true, false) => format!("the server reset the stream: {reason:?}"),
        (false, _) => format!("the server broke the rules of HTTP/2: {reason:?}"),
    })
}

/// What goes out.
pub struct Outgoing<'b> {
    pub fields: Request<()>,
    pub body: &'b [&'b [u8]],
    /// Now.
    pub sent: u64,
}

/// Sends a request and reads the whole answer, until the deadline. Where the future is dropped before its end, the stream is reset.
pub async fn transfer(
    lease: &Lease,
    Outgoing { fields, body, sent }: Outgoing<'_>,
    ask: Ask,
    clock: &impl Now,
    deadline: &mut Deadline,
    answer: &mut Answer,
) -> Result<(), Unserved> {
    answer.reset();
    answer.sent = sent;
    let link = lease.link();
    let mut send = link.send.clone();
    let left: usize = body.iter().map(|piece| piece.len()).sum();
    let mut fields = Some(fields);
    let mut open: Option<(Sending<'_>, Receiving)> = None;
    let came = poll_fn(|cx| {
        let (sending, receiving) = match &mut open {
            Some(both) => both,
            None => match send.poll_ready(cx) {
                Poll::Ready(Ok(())) => {
                    let Some(fields) = fields.take() else { return Poll::Pending };
                    match send.send_request(fields, left == 0) {
                        Ok((response, stream)) => open.insert((
                            Sending { stream, pieces: body, at: 0, left, asked: false },
                            Receiving::Head(response),
                        )),
                        Err(error) => return Poll::Ready(Err(Unserved::of(&error, answer))),
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Unserved::of(&error, answer))),
                Poll::Pending => return deadline.poll(cx, clock).map(|()| Err(Unserved::Failed(Failure::Timeout))),
            },
        };
        // A server may answer before it has read all, so what cannot be sent is no failure yet.
        if sending.left > 0 && sending.poll(cx) == Poll::Ready(false) {
            sending.left = 0;
        }
        if let Poll::Ready(came) = receiving.poll(cx, ask, clock, answer) {
            link.heard.set(clock.now());
            return Poll::Ready(came);
        }
        deadline.poll(cx, clock).map(|()| Err(Unserved::Failed(Failure::Timeout)))
    })
    .await;
    match &came {
        Ok(()) => link.used.set(true),
        // A connection on which nothing has come since carries no further stream: it may be half open.
        Err(Unserved::Failed(Failure::Timeout)) if link.heard.get() <= sent => link.retire(),
        // Nothing begins on one that the server gives up.
        Err(Unserved::Ended(_) | Unserved::NotSeen(Failure::Closed)) => link.retire(),
        Err(_) => {}
    }
    came?;
    decode(ask, answer).map_err(Unserved::Failed)
}

/// The body of a request, as flow control allows.
struct Sending<'b> {
    stream: SendStream<Bytes>,
    pieces: &'b [&'b [u8]],
    /// Bytes of the first piece that are sent.
    at: usize,
    /// Of all pieces.
    left: usize,
    /// Capacity was asked for and has not come.
    asked: bool,
}

impl Sending<'_> {
    /// Ready when all is sent, or cannot be.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        while self.left > 0 {
            let mut room = self.stream.capacity();
            if room == 0 {
                if !std::mem::replace(&mut self.asked, true) {
                    self.stream.reserve_capacity(self.left.min(PIECE));
                }
                match ready!(self.stream.poll_capacity(cx)) {
                    Some(Ok(given)) => room = given,
                    Some(Err(_)) | None => return Poll::Ready(false),
                }
                if room == 0 {
                    continue;
                }
            }
            self.asked = false;
            let Some(piece) = self.pieces.first() else { return Poll::Ready(false) };
            let next = &piece[self.at..];
            let count = next.len().min(room).min(PIECE);
            let ends = count == self.left;
            if self.stream.send_data(Bytes::copy_from_slice(&next[..count]), ends).is_err() {
                return Poll::Ready(false);
            }
            self.left -= count;
            self.at += count;
            if self.at == piece.len() {
                (self.pieces, self.at) = (&self.pieces[1..], 0);
            }
        }
        Poll::Ready(true)
    }
}

/// The answer, as far as it has come.
enum Receiving {
    Head(ResponseFuture),
    Body(RecvStream, Body),
}

impl Receiving {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        ask: Ask,
        clock: &impl Now,
        answer: &mut Answer,
    ) -> Poll<Result<(), Unserved>> {
        loop {
            match self {
                Receiving::Head(response) => {
                    let response = match ready!(Pin::new(response).poll(cx)) {
                        Ok(response) => response,
                        Err(error) => return Poll::Ready(Err(Unserved::of(&error, answer))),
                    };
                    answer.first_byte = clock.now().max(1);
                    let (head, stream) = response.into_parts();
                    let body = take_head(head.status.as_u16(), &head.headers, ask, answer);
                    *self = Receiving::Body(stream, body.map_err(Unserved::Failed)?);
                }
                Receiving::Body(stream, body) => match ready!(stream.poll_data(cx)) {
                    Some(Ok(data)) => {
                        // What is read may come again at once.
                        drop(stream.flow_control().release_capacity(data.len()));
                        body.feed(&data, answer).map_err(Unserved::Failed)?;
                    }
                    Some(Err(error)) => return Poll::Ready(Err(Unserved::of(&error, answer))),
                    None => {
                        // Trailers end the stream too.
                        if let Err(error) = ready!(stream.poll_trailers(cx)) {
                            return Poll::Ready(Err(Unserved::of(&error, answer)));
                        }
                        answer.end = clock.now();
                        answer.keep_alive = true;
                        return Poll::Ready(Ok(()));
                    }
                },
            }
        }
    }
}

/// What a head says, and how the body after it is read.
fn take_head(status: u16, headers: &HeaderMap, ask: Ask, answer: &mut Answer) -> Result<Body, Failure> {
    answer.status = status;
    answer.injected = headers.contains_key(INJECTED);
    answer.codings = Codings::Plain;
    for coding in headers.get_all(header::CONTENT_ENCODING) {
        answer.codings.add(coding.as_bytes());
    }
    if ask.keep_headers || ask.look {
        write_lines(headers, &mut answer.headers);
    }
    if (ask.note_cookies && headers.contains_key(header::SET_COOKIE)) || (ask.note_redirects && leads_on(status)) {
        write_lines(headers, &mut answer.notes);
    }
    let bodiless = ask.head_only || matches!(status, 204 | 304);
    refuse_unknown(ask, answer.codings, bodiless)?;
    // The stream says where the body ends, and holds it to its announced length.
    Body::new(Framing::UntilEof, keep(ask, status, answer.codings), answer)
}

/// As header lines of HTTP/1.1.
fn write_lines(headers: &HeaderMap, out: &mut Vec<u8>) {
    for (name, value) in headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}
