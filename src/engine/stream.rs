//! Byte streams that protocols use, whatever the transport.

use super::proxy::Proxy;
use super::tls::{self, Secured};
use crate::measure::Failure;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio::time::timeout_at;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where a stream leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    Tcp(SocketAddr),
    /// A socket of this machine, by its path.
    Unix(Arc<Path>),
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Peer {
        Peer::Tcp(address)
    }
}

/// How a stream is opened.
#[derive(Debug, Clone, Copy)]
pub struct Route<'r> {
    pub peer: &'r Peer,
    /// The address of this machine that it comes from; none: whichever fits.
    pub source: Option<IpAddr>,
    pub proxy: Option<&'r Proxy>,
    pub secured: Option<&'r Secured>,
}

impl<'r> Route<'r> {
    /// As it is, without a proxy and encryption.
    pub fn plain(peer: &'r Peer) -> Route<'r> {
        Route { peer, source: None, proxy: None, secured: None }
    }
}

/// An open stream. No driver knows which one it has.
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Connects without Nagle's delay, has a tunnel opened and agrees on encryption where that is wanted.
    pub async fn open(route: Route<'_>, timeout: Duration, took: &mut Opening) -> Result<Stream, Broken> {
        let began = Instant::now();
        let due = tokio::time::Instant::now() + timeout;
        let address = match route.peer {
            Peer::Tcp(address) => *address,
            Peer::Unix(file) => {
                // Seldom, and larger than the usual way.
                let connected = Box::pin(timeout_at(due, unix(file))).await;
                took.connect = nanoseconds(began);
                return connected.unwrap_or_else(|_| Err(Failure::Timeout.into()));
            }
        };
        let connected = match route.source {
            None => timeout_at(due, TcpStream::connect(address)).await,
            // Seldom, and larger than the usual way.
            Some(source) => Box::pin(timeout_at(due, connect(source, address))).await,
        };
        took.connect = nanoseconds(began);
        let unreached = |failure: Failure| route.proxy.map_or_else(|| failure.into(), |proxy| proxy.unreached(failure));
        let mut stream = match connected {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                let failure = Failure::of_connect(&error);
                return Err(match failure == Failure::Connect && route.proxy.is_none() {
                    true => Broken { failure, because: Some(format!("{address}: {}", error.kind())) },
                    false => unreached(failure),
                });
            }
            Err(_) => return Err(unreached(Failure::Timeout)),
        };
        stream.set_nodelay(true).map_err(|error| Failure::of_connect(&error))?;
        if let Some(proxy) = route.proxy {
            let opened = Box::pin(timeout_at(due, proxy.opens(&mut stream))).await;
            took.connect = nanoseconds(began);
            opened.unwrap_or_else(|_| Err(unreached(Failure::Timeout)))?;
        }
        match route.secured {
            None => Ok(Stream::Tcp(stream)),
            // Seldom, and larger than the usual way.
            Some(secured) => Box::pin(Stream::encrypted(stream, secured, due, took)).await,
        }
    }

    /// Agrees on encryption with a server that expects it now.
    pub async fn encrypted(
        stream: TcpStream,
        Secured { config, name, .. }: &Secured,
        due: tokio::time::Instant,
        took: &mut Opening,
    ) -> Result<Stream, Broken> {
        let began = Instant::now();
        let agreed = timeout_at(due, TlsConnector::from(config.clone()).connect(name.clone(), stream)).await;
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
            Stream::Unix(unix) => unix.try_read(&mut [0]).is_err_and(nothing),
            // What is of TLS alone, such as tickets for later sessions, is read and is no word of the protocol above.
            Stream::Tls(tls) => {
                let mut byte = [0];
                let mut room = ReadBuf::new(&mut byte);
                Pin::new(tls).poll_read(&mut Context::from_waker(Waker::noop()), &mut room).is_pending()
            }
        }
    }
}

async fn connect(source: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(to).await
}

/// Connects to a Unix socket. Where its queue is full the kernel says so at once, of TCP it lets a client wait; so here it waits too.
async fn unix(file: &Path) -> Result<Stream, Broken> {
    const AGAIN: Duration = Duration::from_millis(1);
    loop {
        let error = match UnixStream::connect(file).await {
            Ok(stream) => return Ok(Stream::Unix(stream)),
            Err(error) => error,
        };
        let because = match error.kind() {
            io::ErrorKind::WouldBlock => {
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            io::ErrorKind::NotFound => Some("is not there"),
            io::ErrorKind::PermissionDenied => Some("is not for this user to connect to"),
            io::ErrorKind::ConnectionRefused => Some("is no socket at which anybody listens"),
            _ => None,
        };
        let because = because.map(|why| format!("`{}` {why}", file.display()));
        return Err(Broken { failure: Failure::of_connect(&error), because });
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
            Stream::Unix(unix) => Pin::new(unix).poll_read(cx, room),
            Stream::Tls(tls) => Pin::new(tls).poll_read(cx, room),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Stream::Unix(unix) => Pin::new(unix).poll_write(cx, bytes),
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
            Stream::Unix(unix) => Pin::new(unix).poll_write_vectored(cx, pieces),
            Stream::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Tcp(tcp) => tcp.is_write_vectored(),
            Stream::Unix(unix) => unix.is_write_vectored(),
            Stream::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Stream::Unix(unix) => Pin::new(unix).poll_flush(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Stream::Unix(unix) => Pin::new(unix).poll_shutdown(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
