//! Messages in the bytes of a connection, whatever the protocol.

use super::end::End;
use super::events::Events;
use super::messages::Messages;
use super::websocket::WebSocket;
use std::task::{Context, Poll};

/// A message that came.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    pub bytes: Vec<u8>,
    /// What is said about it, as lines of names and values.
    pub fields: Vec<u8>,
}

/// A message that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    Text(String),
    Bytes(Vec<u8>),
}

impl Outgoing {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Outgoing::Text(text) => text.as_bytes(),
            Outgoing::Bytes(bytes) => bytes,
        }
    }
}

impl Default for Outgoing {
    fn default() -> Outgoing {
        Outgoing::Text(String::new())
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

    /// Takes a message, of which `poll_flush` says when it is with the kernel.
    pub fn send(&mut self, message: Outgoing) -> Result<(), End> {
        match self {
            Codec::WebSocket(websocket) => websocket.send(message),
            Codec::Messages(messages) => messages.send(&message),
            Codec::Events(_) => unreachable!("a check refuses to send over a stream that is only read"),
        }
    }

    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        match self {
            Codec::WebSocket(websocket) => websocket.poll_flush(cx),
            Codec::Messages(messages) => messages.poll_flush(cx),
            Codec::Events(_) => Poll::Ready(Ok(())),
        }
    }

    /// Takes leave of the other side, as the protocol wants it.
    pub async fn close(self) {
        match self {
            Codec::WebSocket(websocket) => websocket.close().await,
            Codec::Messages(messages) => messages.close().await,
            // A client just goes.
            Codec::Events(_) => {}
        }
    }
}
