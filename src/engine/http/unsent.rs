//! The part of a request that is not sent yet.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

/// Pieces that one write hands over at most.
const MOST: usize = 16;

/// Pieces that follow one another, so that nobody need copy a large file after a head.
pub struct Unsent<'r> {
    pieces: &'r [&'r [u8]],
    /// How much of the first is sent.
    at: usize,
}

impl<'r> Unsent<'r> {
    pub fn new(mut pieces: &'r [&'r [u8]]) -> Unsent<'r> {
        // Of one piece a plain write is made.
        while let [before @ .., []] = pieces {
            pieces = before;
        }
        let mut unsent = Unsent { pieces, at: 0 };
        unsent.advance(0);
        unsent
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Hands over what the stream takes.
    pub fn poll_write(&mut self, stream: Pin<&mut impl AsyncWrite>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let count = match self.pieces {
            [only] => ready!(stream.poll_write(cx, &only[self.at..]))?,
            several => {
                let mut slices = [IoSlice::new(&[]); MOST];
                let filled = slices.iter_mut().zip(several).map(|(slice, piece)| *slice = IoSlice::new(piece)).count();
                if let [first, ..] = several {
                    slices[0] = IoSlice::new(&first[self.at..]);
                }
                ready!(stream.poll_write_vectored(cx, &slices[..filled]))?
            }
        };
        self.advance(count);
        Poll::Ready(Ok(count))
    }

    fn advance(&mut self, count: usize) {
        self.at += count;
        while let [first, rest @ ..] = self.pieces
            && self.at >= first.len()
        {
            self.at -= first.len();
            self.pieces = rest;
        }
    }
}
