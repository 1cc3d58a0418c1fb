//! One connection that carries several streams.

use super::transfer::told;
use crate::engine::http::Now;
use crate::engine::http::host::Host;
use crate::engine::stream::{Broken, Opening, Stream};
use crate::measure::Failure;
use crate::wire::http1::HEAD_LIMIT;
use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// What a stream, and a connection, may send us ahead. Every stream is read as it comes, so no window stays closed.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// What waits of bodies to be sent.
const SEND_BUFFER: usize = 1 << 20;
/// The protocol as ALPN names it.
pub const ALPN: &[u8] = b"h2";

/// A connection, as long as something holds it or a stream of it is open.
pub struct Link {
    pub send: SendRequest<Bytes>,
    /// The number of the address that it leads to, where the target may have several.
    pub number: Option<u32>,
    /// Streams that are leased.
    pub taken: Cell<u64>,
    /// It has carried an answer.
    pub used: Cell<bool>,
    /// When something came on it last.
    pub heard: Cell<u64>,
    /// No stream begins on it any more.
    gone: Rc<Cell<bool>>,
}

impl Link {
    /// Connects and agrees on the protocol. `ended` is called once no stream can begin on it any more.
    pub async fn open(
        host: &Host,
        who: (usize, u64),
        (left, clock): (Duration, &impl Now),
        took: &mut Opening,
        ended: impl FnOnce() + 'static,
    ) -> Result<Link, Broken> {
        let (peer, number) = host.next();
        let shown = host.shown_by(who);
        let route = host.route(&peer, shown.as_deref());
        let until = tokio::time::Instant::now() + left;
        let stream = Stream::open(route, left, took).await?;
        if let Stream::Tls(tls) = &stream
            && tls.get_ref().1.alpn_protocol() != Some(ALPN)
        {
            let because = Some("the server does not speak HTTP/2: it did not choose `h2` (ALPN)".to_owned());
            return Err(Broken { failure: Failure::Handshake, because });
        }
        let mut builder = Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEAD_LIMIT as u32)
            .max_send_buffer_size(SEND_BUFFER);
        let (send, connection) = tokio::time::timeout_at(until, builder.handshake::<_, Bytes>(stream))
            .await
            .map_err(|_| Broken::from(Failure::Timeout))?
            .map_err(|error| Broken { failure: failure(&error), because: told(&error) })?;
        let gone: Rc<Cell<bool>> = Rc::default();
        let told = gone.clone();
        // It lives as long as its streams and those who may begin one.
        tokio::task::spawn_local(async move {
            // What broke it is told to each of its streams.
            drop(connection.await);
            told.set(true);
            ended();
        });
        Ok(Link { send, number, taken: Cell::new(0), used: Cell::new(false), heard: Cell::new(clock.now()), gone })
    }

    pub fn is_gone(&self) -> bool {
        self.gone.get()
    }

    /// No further stream begins on it; those that are open go on.
    pub fn retire(&self) {
        self.gone.set(true);
    }

    /// Whether one more stream may begin: as the server and the target allow.
    pub fn has_room(&self, most: u64) -> bool {
        !self.is_gone() && self.taken.get() < most.min(self.send.current_max_send_streams() as u64)
    }
}

/// What an error of a connection or a stream is to the run.
pub fn failure(error: &h2::Error) -> Failure {
    match error.get_io() {
        // What it says of a stream whose connection has ended.
        Some(io) if io.kind() == std::io::ErrorKind::BrokenPipe => return Failure::Closed,
        Some(io) => return Failure::of_stream(io),
        None => {}
    }
    match (error.is_remote(), error.is_go_away()) {
        // The server gave up the connection.
        (true, true) => Failure::Closed,
        // Or the stream.
        (true, false) => Failure::Reset,
        (false, _) => Failure::Protocol,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::engine::stream::Peer;
    use std::sync::Arc;

    /// A target without anything of its own.
    pub fn host_at(peer: Peer) -> Host {
        Host {
            root: None,
            authority: "127.0.0.1:80".to_owned(),
            peer,
            found: None,
            turn: Cell::new(0),
            from: Arc::default(),
            source_turn: Cell::new(0),
            proxy: None,
            secured: None,
            login: None,
            users: Default::default(),
            connections: None,
            http2: None,
            redirects: 0,
            cookies: true,
            carries_cookie: false,
            own: Vec::new(),
        }
    }
}
