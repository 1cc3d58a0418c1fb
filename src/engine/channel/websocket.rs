//! WebSockets as a client speaks them.

use super::MESSAGE_LIMIT;
use super::codec::{Incoming, Outgoing};
use super::end::End;
use super::metered::Metered;
use crate::engine::stream::Stream;
use crate::measure::Failure;
use futures_util::{SinkExt, StreamExt};
use std::task::{Context, Poll, ready};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Many connections wait, and few are read at a time.
const READ_BUFFER: usize = 4 << 10;
/// So many answers to pings may wait to be sent. A server that takes none and goes on asking is read no further.
const PONGS: u32 = 16;

/// What stands before the bytes of a ping or a pong, which are at most 125 (RFC 6455, 5.5).
const HEADER: usize = 2;
/// So much is read after our goodbye to find that of the server.
const GOODBYE: usize = 64 << 10;

pub struct WebSocket {
    socket: Box<WebSocketStream<Metered>>,
    /// Answers to pings since everything was sent.
    pongs: u32,
}

impl WebSocket {
    /// After the handshake, with what the server has sent behind it.
    pub async fn new(stream: Stream, came: Vec<u8>) -> WebSocket {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(MESSAGE_LIMIT))
            .max_frame_size(Some(MESSAGE_LIMIT));
        let stream = Metered::new(stream);
        let socket = WebSocketStream::from_partially_read(stream, came, Role::Client, Some(config)).await;
        WebSocket { socket: Box::new(socket), pongs: 0 }
    }

    /// The next message. Pings are answered on the way.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, End>> {
        loop {
            if self.pongs >= PONGS {
                ready!(self.poll_flush(cx))?;
            }
            let message = match ready!(self.socket.poll_next_unpin(cx)) {
                None => return Poll::Ready(Err(End::closed())),
                Some(Err(error)) => return Poll::Ready(Err(end(&error))),
                Some(Ok(message)) => message,
            };
            let bytes = match message {
                Message::Text(text) => text.as_bytes().to_vec(),
                Message::Binary(bytes) => bytes.to_vec(),
                Message::Close(frame) => return Poll::Ready(Err(closed(frame.as_ref()))),
                Message::Ping(bytes) => {
                    self.socket.get_mut().without(HEADER + bytes.len());
                    self.pongs += 1;
                    continue;
                }
                Message::Pong(bytes) => {
                    self.socket.get_mut().without(HEADER + bytes.len());
                    continue;
                }
                Message::Frame(_) => continue,
            };
            self.socket.get_mut().forget();
            return Poll::Ready(Ok(Incoming { bytes, fields: Vec::new() }));
        }
    }

    /// Bytes that were read and are not a whole message yet.
    pub fn held(&self) -> usize {
        self.socket.get_ref().read()
    }

    pub fn send(&mut self, message: Outgoing) -> Result<(), End> {
        let message = match message {
            Outgoing::Text(text) => Message::Text(text),
            Outgoing::Bytes(bytes) => Message::Binary(bytes),
        };
        self.socket.start_send_unpin(message).map_err(|error| end(&error))
    }

    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        ready!(self.socket.poll_flush_unpin(cx)).map_err(|error| end(&error))?;
        self.pongs = 0;
        Poll::Ready(Ok(()))
    }

    /// Says goodbye, and waits for the server to close the connection (RFC 6455, 7.1.1).
    pub async fn close(mut self) {
        let goodbye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        if WebSocketStream::close(&mut self.socket, Some(goodbye)).await.is_err() {
            return;
        }
        // What else it sends is of no use to anyone.
        self.socket.get_mut().ends_after(GOODBYE);
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

/// The cause is the code alone, because the reason is a text of the server.
fn closed(frame: Option<&CloseFrame>) -> End {
    let Some(CloseFrame { code, reason }) = frame else {
        return End::new(Failure::Closed, "the server closed the connection without a code");
    };
    let code = u16::from(*code);
    let means = meaning(code).map_or_else(String::new, |means| format!(", {means}"));
    let state = format!("the server closed the connection with code {code}{means}");
    let because = match reason.is_empty() {
        true => state.clone(),
        false => format!("{state}: {}", crate::base::shown::escaped_line(reason)),
    };
    End { failure: Failure::Closed, because: Some(because), state: Some(state) }
}

/// RFC 6455, 7.4.1, and what IANA has registered since.
fn meaning(code: u16) -> Option<&'static str> {
    Some(match code {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1007 => "invalid data",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "an extension is missing",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        _ => return None,
    })
}

fn end(error: &Error) -> End {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => End::closed(),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            End::new(Failure::Closed, "the connection ended without a closing handshake")
        }
        Error::Io(error) => End::of_stream(error),
        Error::Capacity(_) => End::too_large("a message"),
        Error::Utf8(_) => End::new(Failure::Protocol, "a text message is not UTF-8"),
        error => End::new(Failure::Protocol, error.to_string()),
    }
}
