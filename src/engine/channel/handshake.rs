//! The first exchange of a connection that begins as HTTP: a request, and the head of its answer.

use super::end::End;
use crate::engine::stream::Stream;
use crate::measure::Failure;
use crate::wire::http1::{Codings, Framing, HEAD_LIMIT, head, values};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The head of an answer.
pub struct Opened {
    pub status: u16,
    /// A fault gave it.
    pub injected: bool,
    pub first_byte: u64,
    /// Its lines without the status line.
    pub headers: Vec<u8>,
    pub framing: Framing,
    pub codings: Codings,
    /// What came behind it.
    pub rest: Vec<u8>,
}

/// Sends a request without a body, and reads the head of the answer.
pub async fn ask(stream: &mut Stream, request: &[u8], now: impl Fn() -> u64) -> Result<Opened, End> {
    let broken = |error: std::io::Error| End::of_stream(&error);
    stream.write_all(request).await.map_err(broken)?;
    stream.flush().await.map_err(broken)?;
    let (mut came, mut first_byte, mut interim) = (Vec::new(), 0, 0);
    loop {
        if stream.read_buf(&mut came).await.map_err(broken)? == 0 {
            return Err(End::closed());
        }
        if first_byte == 0 {
            first_byte = now().max(1);
        }
        while let Some(found) = head::parse(&came)? {
            let rest = came.split_off(found.length);
            let whole = std::mem::replace(&mut came, rest);
            // Interim answers announce the one that counts. After 101 HTTP is not spoken any longer.
            if found.status < 200 && found.status != 101 {
                interim += found.length;
                if interim > HEAD_LIMIT {
                    return Err(Failure::Protocol.into());
                }
                continue;
            }
            return Ok(Opened {
                status: found.status,
                injected: found.injected,
                first_byte,
                headers: head::header_lines(&whole).to_vec(),
                framing: found.framing,
                codings: found.codings,
                rest: came,
            });
        }
    }
}

/// What a request says that asks for a WebSocket (RFC 6455, 4.1).
pub fn asks_for_websocket(key: &str) -> String {
    format!("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n")
}

/// The answer has another status than the one that opens a connection.
pub fn wrong_status(opened: &Opened, wanted: u16) -> Option<End> {
    let why =
        || format!("the server answered with status {} instead of {wanted}, so no connection is open", opened.status);
    (opened.status != wanted).then(|| End::new(Failure::Protocol, why()))
}

/// Whether the server speaks WebSocket from here on, and with nothing that was not asked for.
pub fn agrees(opened: &Opened, key: &str, request: &[u8]) -> Result<(), End> {
    let wrong = |why: String| Err(End::new(Failure::Protocol, why));
    let says = |name: &str, wanted: &str| {
        let mut all = values(&opened.headers, name).flat_map(head::tokens);
        all.any(|token| token.eq_ignore_ascii_case(wanted.as_bytes()))
    };
    if !says("upgrade", "websocket") || !says("connection", "upgrade") {
        return wrong("the server changed to another protocol than WebSocket".to_owned());
    }
    let accepts = values(&opened.headers, "sec-websocket-accept").next();
    if accepts != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return wrong("`Sec-WebSocket-Accept` is not the answer to the key of this connection".to_owned());
    }
    if let Some(chosen) = values(&opened.headers, "sec-websocket-protocol").next() {
        let mut offered = values(head::header_lines(request), "sec-websocket-protocol").flat_map(head::tokens);
        if !offered.any(|offer| offer == chosen) {
            return wrong("the server chose a subprotocol that was not offered".to_owned());
        }
    }
    if values(&opened.headers, "sec-websocket-extensions").any(|value| !value.is_empty()) {
        return wrong("the server uses an extension that was not asked for".to_owned());
    }
    Ok(())
}

/// Whether the answer is a stream of events (WHATWG HTML, 9.2.3).
pub fn is_stream(opened: &Opened) -> Result<(), End> {
    let wrong = |why: String| Err(End::new(Failure::Protocol, why));
    let kind = values(&opened.headers, "content-type").next().unwrap_or_default();
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if !kind.eq_ignore_ascii_case(b"text/event-stream") {
        return wrong("the answer is not a `text/event-stream`".to_owned());
    }
    match opened.codings {
        Codings::Plain => Ok(()),
        _ => wrong("the stream is compressed, and is read only as it is".to_owned()),
    }
}
