//! HTTP/2 (RFC 9113): exchanges as streams of connections that a worker keeps. Its requests are made as those of HTTP/1.1 are, and become
//! fields and frames here.

mod fields;
mod lease;
mod link;
mod transfer;

pub use fields::Made;
pub use lease::Links;

use super::Ask;
use super::client::Client;
use super::host::Host;
use super::request::Request;
use super::template::Encoded;
use crate::engine::flow::attempt::Attempt;
use crate::engine::pace::budget::Unanswered;
use crate::engine::pool::PoolKey;
use crate::engine::trace::PLACEHOLDER;
use crate::measure::Failure;
use crate::plan::Http2;
use transfer::{Outgoing, Unserved, transfer};

/// How often a stream is begun again that the server says it has not looked at.
const AGAIN: u32 = 3;

/// What one request takes to one target, by streams.
pub struct Streamed<'s> {
    pub http2: Http2,
    pub host: &'s Host,
    pub key: PoolKey,
    pub ask: Ask,
    pub idempotent: bool,
    /// Whether what is sent after the head is sent too, as it is of a first request and not where a redirect leads.
    pub first: bool,
    /// The head in place of the client's own, where its user has cookies for it.
    pub head: Option<&'s mut Vec<u8>>,
}

impl Client {
    /// One request and its answer, on a stream.
    pub(super) async fn streamed(
        &mut self,
        request: &Request,
        mut streamed: Streamed<'_>,
        attempt: &mut Attempt,
    ) -> Result<(), Unanswered> {
        let worker = self.worker.clone();
        let Streamed { http2, host, key, ask, idempotent, first, .. } = streamed;
        let is_same = first && streamed.head.is_none() && matches!(request.bytes, Encoded::Fixed(_));
        let mut again = 0;
        loop {
            self.answer.sent = 0;
            let is_user = self.own.is_some();
            let lease = worker.http.links.lease((key, is_user), host, http2, attempt).await?;
            let now = attempt.sends()?;
            let head = streamed.head.as_deref_mut().unwrap_or(&mut self.head);
            if let Some(place) = self.trace {
                attempt.trace.write(attempt.sent, &mut head[place..place + PLACEHOLDER.len()]);
            }
            let written = request.bytes.written(&self.written);
            let pieces = match first {
                true => written.pieces(head, &worker.lowered.paths.files),
                false => vec![head.as_slice()],
            };
            attempt.tell(|| super::client::shown(&pieces).replacen(" HTTP/1.1\r\n", " HTTP/2\r\n", 1));
            let known = request.made.get().filter(|_| is_same);
            let made = match known {
                Some(made) => {
                    let body = pieces[1..].iter().copied().filter(|piece| !piece.is_empty()).collect();
                    Ok((made.again(pieces[0], self.trace), body))
                }
                None => fields::request(&pieces, host),
            };
            let (fields, body) = made.map_err(|why| {
                attempt.because = Some(why);
                Failure::Data
            })?;
            if is_same && known.is_none() {
                // Where it is there already it is this one.
                let _ = request.made.set(Box::new(Made::of(&fields)));
            }
            let length: usize = body.iter().map(|piece| piece.len()).sum();
            let clock = &worker.timers.clock;
            let deadline = &mut Client::seldom(&mut self.seldom).deadline;
            deadline.set(attempt.due);
            let sending = Outgoing { fields, body: &body, sent: now };
            let came = transfer(&lease, sending, ask, clock, deadline, &mut self.answer).await;
            if worker.counts_bytes {
                attempt.carried(length as u64 + self.answer.body_bytes);
            }
            match came {
                Ok(()) => return Ok(()),
                // It surely was not looked at, so it does no harm twice (RFC 9113, 8.7).
                Err(Unserved::NotSeen(_)) if again < AGAIN => again += 1,
                Err(Unserved::NotSeen(failure)) => {
                    let last = self.answer.because.take().unwrap_or_default();
                    attempt.because = Some(format!("{} times: {last}", AGAIN + 1));
                    return Err(failure.into());
                }
                // The connection ended while the request was on its way, as one that was idle may.
                Err(Unserved::Ended(Failure::Closed | Failure::Reset))
                    if lease.was_used() && self.answer.says_nothing() && idempotent && again < AGAIN =>
                {
                    again += 1;
                }
                Err(Unserved::Ended(failure) | Unserved::Failed(failure)) => {
                    attempt.because = self.answer.because.take();
                    return Err(failure.into());
                }
            }
        }
    }
}
