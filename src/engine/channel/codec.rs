//! Messages in the bytes of a connection, whatever the protocol.

use super::end::End;
use super::events::Events;
use super::messages::Messages;
use super::websocket::WebSocket;
use crate::engine::stream::Stream;
use bytes::Bytes;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// As much as one read takes.
const PIECE: usize = 8 << 10;

/// A message that came.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    pub bytes: Vec<u8>,
    /// What is said about it, as lines of names and values.
    pub fields: Vec<u8>,
}

impl Incoming {
    pub fn size(&self) -> usize {
        self.bytes.len() + self.fields.len()
    }
}

/// A message that is sent. Its bytes are shared and not copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    Text(Utf8Bytes),
    Bytes(Bytes),
}

impl Outgoing {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Outgoing::Text(text) => text.as_bytes(),
            Outgoing::Bytes(bytes) => bytes,
        }
    }

    pub fn into_bytes(self) -> Bytes {
        match self {
            Outgoing::Text(text) => text.into(),
            Outgoing::Bytes(bytes) => bytes,
        }
    }
}

impl Default for Outgoing {
    fn default() -> Outgoing {
        Outgoing::Bytes(Bytes::new())
    }
}

pub enum Codec {
    WebSocket(WebSocket),
    Events(Box<Events>),
    Messages(Messages),
}

impl Codec {
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, End>> {
        match self {
            Codec::WebSocket(websocket) => websocket.poll_next(cx),
            Codec::Events(events) => events.poll_next(cx),
            Codec::Messages(messages) => messages.poll_next(cx),
        }
    }

    /// Bytes that were read and are not a whole message yet.
    pub fn held(&self) -> usize {
        match self {
            Codec::WebSocket(websocket) => websocket.held(),
            Codec::Events(events) => events.held(),
            Codec::Messages(messages) => messages.held(),
        }
    }

    /// Takes a message; `poll_flush` says when it is with the kernel.
    pub fn send(&mut self, message: Outgoing) -> Result<(), End> {
        match self {
            Codec::WebSocket(websocket) => websocket.send(message),
            Codec::Messages(messages) => {
                messages.send(message);
                Ok(())
            }
            Codec::Events(_) => unreachable!("the check refuses to send over a stream that is only read"),
        }
    }

    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        match self {
            Codec::WebSocket(websocket) => websocket.poll_flush(cx),
            Codec::Messages(messages) => messages.poll_flush(cx),
            Codec::Events(_) => Poll::Ready(Ok(())),
        }
    }

    /// Closes the connection as its protocol wants it.
    pub async fn close(self) {
        match self {
            Codec::WebSocket(websocket) => websocket.close().await,
            Codec::Messages(messages) => messages.close().await,
            // HTTP has no goodbye.
            Codec::Events(_) => {}
        }
    }
}

/// Adds what one read brings. How many bytes that were; 0 at the end.
pub fn poll_some(stream: &mut Stream, cx: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Result<usize, End>> {
    let mut room = [MaybeUninit::uninit(); PIECE];
    let mut room = ReadBuf::uninit(&mut room);
    if let Err(error) = ready!(Pin::new(stream).poll_read(cx, &mut room)) {
        return Poll::Ready(Err(End::of_stream(&error)));
    }
    into.extend_from_slice(room.filled());
    Poll::Ready(Ok(room.filled().len()))
}
