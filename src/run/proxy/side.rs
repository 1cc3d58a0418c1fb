//! One side of a connection through a link, as it is or encrypted, and how both sides of a link that ends TLS agree on that.

use crate::engine::tls::{self, Secured};
use rustls::ServerConfig;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

pub enum Side {
    Plain(TcpStream),
    // Much larger, and most links have none.
    Tls(Box<TlsStream<TcpStream>>),
}

/// What a link that ends TLS shows its clients, and how it speaks to the server.
pub struct Ends {
    pub shows: Arc<ServerConfig>,
    pub server: Secured,
}

impl Ends {
    /// Both sides encrypted, the server first: a client learns in its own handshake why there is none. `None` where the
    /// connection is over.
    pub async fn agree(&self, mut client: TcpStream, server: TcpStream) -> Option<(Side, Side)> {
        let Secured { config, name, .. } = &self.server;
        let agreed = Box::pin(TlsConnector::from(config.clone()).connect(name.clone(), server));
        let server = match agreed.await {
            Ok(server) => server,
            Err(error) => {
                // What nobody has read would make a reset of what is said.
                let begun = client.read(&mut [0; 16 << 10]).await;
                let is_closed = error.kind() == io::ErrorKind::UnexpectedEof;
                let _ = match tls::told_behind(&error) {
                    Some(alert) if begun.is_ok() => client.write_all(&alert).await,
                    _ if is_closed => Ok(()),
                    _ => client.set_zero_linger(),
                };
                return None;
            }
        };
        let agreed = Box::pin(TlsAcceptor::from(self.shows.clone()).accept(client));
        let client = agreed.await.ok()?;
        Some((Side::Tls(Box::new(client.into())), Side::Tls(Box::new(server.into()))))
    }
}

impl Side {
    /// What carries it.
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Side::Plain(tcp) => tcp,
            Side::Tls(tls) => tls.get_ref().0,
        }
    }

    pub fn is_plain(&self) -> bool {
        matches!(self, Side::Plain(_))
    }
}

impl AsyncRead for Side {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Side::Plain(tcp) => Pin::new(tcp).poll_read(cx, room),
            Side::Tls(tls) => match Pin::new(tls).poll_read(cx, room) {
                // Who closes without a word of TLS has closed all the same, and HTTP says whether that was its end.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
                read => read,
            },
        }
    }
}

impl AsyncWrite for Side {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Side::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Side::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Side::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Side::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Side::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Side::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
