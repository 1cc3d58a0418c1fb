//! Byte streams, whatever carries them: what a protocol is spoken over.

use super::tls::{self, Secured};
use crate::measure::Failure;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An open stream. No driver knows which one it has.
pub enum Stream {
    Tcp(TcpStream),
    // Much larger, and most runs have none.
    Tls(Box<TlsStream<TcpStream>>),
}

/// How long the parts of opening a stream took, in nanoseconds, as far as it came.
#[derive(Debug, Clone, Copy, Default)]
pub struct Opening {
    pub connect: u64,
    pub tls: Option<u64>,
}

/// Why a stream is none, for a person where there is something to say.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken {
    pub failure: Failure,
    pub because: Option<String>,
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Broken {
        Broken { failure, because: None }
    }
}

impl Stream {
    /// Connects without Nagle's delay, and agrees on encryption where that is wanted.
    pub async fn open(
        address: SocketAddr,
        secured: Option<&Secured>,
        timeout: Duration,
        took: &mut Opening,
    ) -> Result<Stream, Broken> {
        let began = Instant::now();
        let due = tokio::time::Instant::now() + timeout;
        let connected = timeout_at(due, TcpStream::connect(address)).await;
        took.connect = nanoseconds(began);
        let stream = match connected {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(Failure::of_connect(&error).into()),
            Err(_) => return Err(Failure::Timeout.into()),
        };
        stream.set_nodelay(true).map_err(|error| Failure::of_connect(&error))?;
        let Some(Secured { config, name, .. }) = secured else { return Ok(Stream::Tcp(stream)) };
        let began = Instant::now();
        // Seldom, and larger than the usual way.
        let agreed = Box::pin(TlsConnector::from(config.clone()).connect(name.clone(), stream));
        let agreed = timeout_at(due, agreed).await;
        took.tls = Some(nanoseconds(began));
        match agreed {
            Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream))),
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(Failure::Timeout.into()),
        }
    }

    /// The other side has neither closed it nor said anything that was not read. Without news from the runtime's poll it is
    /// one atomic load and no system call.
    pub fn is_silent(&mut self) -> bool {
        let nothing = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
        match self {
            Stream::Tcp(tcp) => tcp.try_read(&mut [0]).is_err_and(nothing),
            // What is of TLS alone, such as tickets for later sessions, is read and is no word of the protocol above.
            Stream::Tls(tls) => {
                let mut byte = [0];
                let mut room = ReadBuf::new(&mut byte);
                Pin::new(tls).poll_read(&mut Context::from_waker(Waker::noop()), &mut room).is_pending()
            }
        }
    }
}

/// An error on an open stream, or in its handshake.
pub fn broken(error: &io::Error) -> Broken {
    match tls::why(error) {
        Some((failure, because)) => Broken { failure, because: Some(because) },
        None => Failure::of_stream(error).into(),
    }
}

/// Never nothing: 0 says that it was not done.
fn nanoseconds(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_read(cx, room),
            Stream::Tls(tls) => Pin::new(tls).poll_read(cx, room),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Stream::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_write_vectored(cx, pieces),
            Stream::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Tcp(tcp) => tcp.is_write_vectored(),
            Stream::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
