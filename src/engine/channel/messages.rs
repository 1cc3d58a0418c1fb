//! Messages over TCP: each ends at a delimiter, or after the length that stands before it.

use super::MESSAGE_LIMIT;
use super::codec::{Incoming, Outgoing};
use super::end::End;
use crate::engine::stream::Stream;
use crate::measure::Failure;
use crate::plan::MessageEnd;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

/// As much as one read takes.
const PIECE: usize = 8 << 10;

pub struct Messages {
    stream: Stream,
    end: MessageEnd,
    /// What came and is no whole message yet, and how far a delimiter was looked for.
    came: Vec<u8>,
    searched: usize,
    /// What is not with the kernel yet, from here on.
    out: Vec<u8>,
    sent: usize,
}

impl Messages {
    pub fn new(stream: Stream, end: MessageEnd) -> Messages {
        Messages { stream, end, came: Vec::new(), searched: 0, out: Vec::new(), sent: 0 }
    }

    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, End>> {
        loop {
            if let Some(bytes) = self.take()? {
                return Poll::Ready(Ok(Incoming { bytes, fields: Vec::new() }));
            }
            let mut room = [MaybeUninit::uninit(); PIECE];
            let mut room = ReadBuf::uninit(&mut room);
            if let Err(error) = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room)) {
                return Poll::Ready(Err(End::of_stream(&error)));
            }
            if room.filled().is_empty() {
                return Poll::Ready(Err(match self.came.is_empty() {
                    true => End::closed(),
                    false => End::new(Failure::Closed, "the connection ended in the middle of a message"),
                }));
            }
            self.came.extend_from_slice(room.filled());
        }
    }

    /// A whole message of what came, if there is one.
    fn take(&mut self) -> Result<Option<Vec<u8>>, End> {
        let too_large = || End::new(Failure::TooLarge, "a message has more than 16 MiB");
        let (before, length, after) = match &self.end {
            MessageEnd::Delimiter(delimiter) => {
                let Some(at) = find(&self.came, delimiter.as_bytes(), self.searched) else {
                    self.searched = self.came.len().saturating_sub(delimiter.len() - 1);
                    return if self.came.len() > MESSAGE_LIMIT { Err(too_large()) } else { Ok(None) };
                };
                (0, at, delimiter.len())
            }
            MessageEnd::Prefix(width) => {
                let width = usize::from(*width);
                let Some(number) = self.came.get(..width) else { return Ok(None) };
                let length = number.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
                if length > MESSAGE_LIMIT as u64 {
                    return Err(too_large());
                }
                (width, length as usize, 0)
            }
        };
        if self.came.len() < before + length + after {
            return Ok(None);
        }
        let rest = self.came.split_off(before + length + after);
        let mut message = std::mem::replace(&mut self.came, rest);
        message.truncate(before + length);
        message.drain(..before);
        self.searched = 0;
        Ok(Some(message))
    }

    pub fn send(&mut self, message: &Outgoing) -> Result<(), End> {
        let bytes = message.bytes();
        (self.sent, self.out) = (0, Vec::with_capacity(bytes.len() + 8));
        match &self.end {
            MessageEnd::Delimiter(delimiter) => {
                self.out.extend_from_slice(bytes);
                self.out.extend_from_slice(delimiter.as_bytes());
            }
            MessageEnd::Prefix(width) => {
                let number = (bytes.len() as u64).to_be_bytes();
                let (high, low) = number.split_at(number.len() - usize::from(*width));
                if high.iter().any(|byte| *byte != 0) {
                    let why = format!("a message of {} bytes is longer than {width} bytes can say", bytes.len());
                    return Err(End::new(Failure::Data, why));
                }
                self.out.extend_from_slice(low);
                self.out.extend_from_slice(bytes);
            }
        }
        Ok(())
    }

    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        while self.sent < self.out.len() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.out[self.sent..])) {
                Ok(0) => return Poll::Ready(Err(End::closed())),
                Ok(written) => self.sent += written,
                Err(error) => return Poll::Ready(Err(End::of_stream(&error))),
            }
        }
        (self.sent, self.out) = (0, Vec::new());
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
