//! A stream that counts what is read of it, for a protocol whose library does not say how much it holds.

use crate::engine::stream::Stream;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub struct Metered {
    stream: Stream,
    read: usize,
}

impl Metered {
    pub fn new(stream: Stream) -> Metered {
        Metered { stream, read: 0 }
    }

    /// Bytes since the last whole message.
    pub fn read(&self) -> usize {
        self.read
    }

    /// A message is whole.
    pub fn forget(&mut self) {
        self.read = 0;
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = room.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, room);
        self.read += room.filled().len() - before;
        polled
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
