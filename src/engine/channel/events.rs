//! Streams of server-sent events, as browsers read them (WHATWG HTML, 9.2.6).

use super::MESSAGE_LIMIT;
use super::codec::Incoming;
use super::end::End;
use super::handshake::Opened;
use crate::engine::stream::Stream;
use crate::measure::Failure;
use crate::wire::http1::{Answer, Body, Keep};
use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// As much as one read takes.
const PIECE: usize = 8 << 10;

pub struct Events {
    stream: Stream,
    body: Body,
    /// What of the body came last.
    answer: Answer,
    /// What came with the head of the answer.
    came: Vec<u8>,
    reader: Reader,
    /// The server has said that there is no more.
    is_over: bool,
}

impl Events {
    pub fn new(stream: Stream, opened: Opened) -> Result<Events, End> {
        let mut answer = Answer::default();
        let body = Body::new(opened.framing, Keep::All, &mut answer)?;
        Ok(Events { stream, body, answer, came: opened.rest, reader: Reader::default(), is_over: false })
    }

    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, End>> {
        loop {
            if let Some(event) = self.reader.read.pop_front() {
                return Poll::Ready(Ok(event));
            }
            if self.is_over {
                return Poll::Ready(Err(End::new(Failure::Closed, "the server ended the stream of events")));
            }
            if !self.came.is_empty() {
                let came = std::mem::take(&mut self.came);
                self.feed(&came)?;
                continue;
            }
            let mut room = [MaybeUninit::uninit(); PIECE];
            let mut room = ReadBuf::uninit(&mut room);
            if let Err(error) = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room)) {
                return Poll::Ready(Err(End::of_stream(&error)));
            }
            match room.filled() {
                [] if self.body.ends_with_stream() => self.is_over = true,
                [] => return Poll::Ready(Err(End::new(Failure::Closed, "the connection ended before the stream did"))),
                came => self.feed(came)?,
            }
        }
    }

    fn feed(&mut self, came: &[u8]) -> Result<(), End> {
        self.is_over = self.body.feed(came, &mut self.answer)?.is_some();
        // The stream has no length: only what is no whole event yet is held.
        self.answer.body_bytes = 0;
        let body = std::mem::take(&mut self.answer.body);
        self.reader.feed(&body)
    }
}

/// What of a stream was read so far.
#[derive(Default)]
pub struct Reader {
    read: VecDeque<Incoming>,
    line: Vec<u8>,
    /// The last byte was a carriage return, so that a line feed belongs to it.
    after_cr: bool,
    /// A line was read.
    is_begun: bool,
    data: Vec<u8>,
    event: Vec<u8>,
    id: Vec<u8>,
}

impl Reader {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), End> {
        for byte in bytes {
            match (byte, std::mem::replace(&mut self.after_cr, *byte == b'\r')) {
                (b'\n', true) => {}
                (b'\n' | b'\r', _) => self.ends_line(),
                (byte, _) => self.line.push(*byte),
            }
        }
        if self.line.len() + self.data.len() > MESSAGE_LIMIT {
            return Err(End::new(Failure::TooLarge, "an event has more than 16 MiB"));
        }
        Ok(())
    }

    fn ends_line(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        let mark = match std::mem::replace(&mut self.is_begun, true) {
            false if line.starts_with(b"\xef\xbb\xbf") => 3,
            _ => 0,
        };
        let text = &line[mark..];
        if text.is_empty() {
            self.dispatch();
        } else {
            let (name, value) = match text.iter().position(|byte| *byte == b':') {
                Some(colon) => (&text[..colon], text[colon + 1..].strip_prefix(b" ").unwrap_or(&text[colon + 1..])),
                None => (text, &b""[..]),
            };
            match name {
                b"data" => {
                    self.data.extend_from_slice(value);
                    self.data.push(b'\n');
                }
                b"event" => self.event = value.to_vec(),
                b"id" if !value.contains(&0) => self.id = value.to_vec(),
                // A comment, how long to wait before the next connection, or what is not known.
                _ => {}
            }
        }
        line.clear();
        self.line = line;
    }

    /// An empty line ends an event. One without data is none.
    fn dispatch(&mut self) {
        let event = std::mem::take(&mut self.event);
        let mut bytes = std::mem::take(&mut self.data);
        if bytes.pop().is_none() {
            return;
        }
        let kind = if event.is_empty() { b"message".as_slice() } else { &event };
        let mut fields = [b"event:".as_slice(), kind, b"\n"].concat();
        if !self.id.is_empty() {
            fields.extend([b"id:".as_slice(), &self.id, b"\n"].concat());
        }
        self.read.push_back(Incoming { bytes, fields });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events as type, id and data, of a stream that comes in pieces of a size.
    fn read(stream: &str, size: usize) -> Vec<(String, String)> {
        let mut reader = Reader::default();
        for piece in stream.as_bytes().chunks(size) {
            assert_eq!(reader.feed(piece), Ok(()));
        }
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        reader.read.into_iter().map(|event| (text(event.fields), text(event.bytes))).collect()
    }

    #[test]
    fn events_are_read_as_browsers_read_them() {
        let stream = "\u{feff}: a comment\n\ndata: one\r\n\r\nevent: price\rid: 7\rdata:two\rdata:  three\r\rretry: 5\ndata\n\nid\n\ndata:x\n\nevent: none\n\ndata: unfinished\n";
        let all = [
            ("event:message\n", "one"),
            ("event:price\nid:7\n", "two\n three"),
            ("event:message\nid:7\n", ""),
            ("event:message\n", "x"),
        ];
        let all: Vec<_> = all.map(|(fields, data)| (fields.to_owned(), data.to_owned())).into();
        for size in [1, 2, 3, 7, 1000] {
            assert_eq!(read(stream, size), all, "in pieces of {size}");
        }
    }

    #[test]
    fn an_event_without_an_end_is_too_large_at_some_time() {
        let mut reader = Reader::default();
        let line = [b"data: ".as_slice(), &[b'x'; 1 << 20], b"\n"].concat();
        let fed = (0..20).try_for_each(|_| reader.feed(&line));
        assert_eq!(fed.map_err(|end| end.failure), Err(Failure::TooLarge));
    }
}
