//! Messages over TCP: each ends at a delimiter, or after the length that stands before it.

use super::MESSAGE_LIMIT;
use super::codec::{Incoming, Outgoing, poll_some};
use super::end::End;
use crate::engine::stream::Stream;
use crate::measure::Failure;
use crate::plan::MessageEnd;
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncWrite, AsyncWriteExt};

pub struct Messages {
    stream: Stream,
    end: MessageEnd,
    /// What came, from where on it is no message yet, and from where on a delimiter may be.
    came: Vec<u8>,
    start: usize,
    searched: usize,
    /// What is not with the kernel yet.
    out: VecDeque<Bytes>,
}

/// Where a message is in what came, and where the next one begins.
struct Found {
    from: usize,
    to: usize,
    next: usize,
}

impl Messages {
    pub fn new(stream: Stream, end: MessageEnd) -> Messages {
        Messages { stream, end, came: Vec::new(), start: 0, searched: 0, out: VecDeque::new() }
    }

    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, End>> {
        loop {
            if let Some(Found { from, to, next }) = self.find()? {
                let bytes = self.came[from..to].to_vec();
                (self.start, self.searched) = (next, next);
                return Poll::Ready(Ok(Incoming { bytes, fields: Vec::new() }));
            }
            self.came.drain(..self.start);
            (self.searched, self.start) = (self.searched - self.start, 0);
            if ready!(poll_some(&mut self.stream, cx, &mut self.came))? == 0 {
                return Poll::Ready(Err(match self.came.is_empty() {
                    true => End::closed(),
                    false => End::new(Failure::Closed, "the connection ended in the middle of a message"),
                }));
            }
        }
    }

    /// Bytes that were read and are not a whole message yet.
    pub fn held(&self) -> usize {
        self.came.len() - self.start
    }

    /// The next whole message, if there is one.
    fn find(&mut self) -> Result<Option<Found>, End> {
        let too_large = || End::too_large("a message");
        match &self.end {
            MessageEnd::Delimiter(delimiter) => {
                let Some(to) = find(&self.came, delimiter.as_bytes(), self.searched) else {
                    self.searched = self.start.max(self.came.len().saturating_sub(delimiter.len() - 1));
                    return if self.held() > MESSAGE_LIMIT { Err(too_large()) } else { Ok(None) };
                };
                Ok(Some(Found { from: self.start, to, next: to + delimiter.len() }))
            }
            MessageEnd::Prefix(width) => {
                let from = self.start + usize::from(*width);
                let Some(number) = self.came.get(self.start..from) else { return Ok(None) };
                let length = number.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
                if length > MESSAGE_LIMIT as u64 {
                    return Err(too_large());
                }
                let to = from + length as usize;
                Ok((to <= self.came.len()).then_some(Found { from, to, next: to }))
            }
        }
    }

    /// A message is not longer than its prefix can say: that was looked at before.
    pub fn send(&mut self, message: Outgoing) {
        let bytes = message.into_bytes();
        match &self.end {
            MessageEnd::Delimiter(delimiter) => {
                let delimiter = Bytes::copy_from_slice(delimiter.as_bytes());
                self.out.extend([bytes, delimiter]);
            }
            MessageEnd::Prefix(width) => {
                let number = (bytes.len() as u64).to_be_bytes();
                let low = Bytes::copy_from_slice(&number[number.len() - usize::from(*width)..]);
                self.out.extend([low, bytes]);
            }
        }
    }

    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        while let Some(piece) = self.out.front_mut() {
            if piece.is_empty() {
                self.out.pop_front();
                continue;
            }
            match ready!(Pin::new(&mut self.stream).poll_write(cx, piece)) {
                Ok(0) => return Poll::Ready(Err(End::closed())),
                Ok(written) => piece.advance(written),
                Err(error) => return Poll::Ready(Err(End::of_stream(&error))),
            }
        }
        Pin::new(&mut self.stream).poll_flush(cx).map_err(|error| End::of_stream(&error))
    }

    pub async fn close(mut self) {
        // The other side may have gone.
        let _ = self.stream.shutdown().await;
    }
}

fn find(bytes: &[u8], delimiter: &[u8], from: usize) -> Option<usize> {
    let first = *delimiter.first()?;
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == first)?;
        if bytes[at..].starts_with(delimiter) {
            return Some(at);
        }
        at += 1;
    }
}
