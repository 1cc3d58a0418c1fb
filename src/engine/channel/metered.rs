//! A stream that counts what is read of it, for a protocol whose library does not say how much it holds.

use crate::engine::stream::Stream;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub struct Metered {
    stream: Stream,
    read: usize,
    left: usize,
}

impl Metered {
    pub fn new(stream: Stream) -> Metered {
        Metered { stream, read: 0, left: usize::MAX }
    }

    /// Bytes since the last whole message.
    pub fn read(&self) -> usize {
        self.read
    }

    /// A message is whole.
    pub fn forget(&mut self) {
        self.read = 0;
    }

    /// So many of the bytes were of something else that is whole.
    pub fn without(&mut self, bytes: usize) {
        self.read = self.read.saturating_sub(bytes);
    }

    /// No more than so many bytes are read from now on; after them the stream seems to have ended.
    pub fn ends_after(&mut self, bytes: usize) {
        self.left = bytes;
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = room.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, room);
        let came = room.filled().len() - before;
        self.read += came;
        self.left = self.left.saturating_sub(came);
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
