//! Streams of server-sent events, as browsers read them (WHATWG HTML, 9.2.6).

use super::MESSAGE_LIMIT;
use super::codec::{Incoming, poll_some};
use super::end::End;
use super::handshake::Opened;
use crate::engine::stream::Stream;
use crate::measure::Failure;
use crate::wire::http1::{Answer, Body, Framing, Keep};
use std::task::{Context, Poll, ready};

/// The type and the id of an event are short; an id stays for the events after it.
const FIELD_LIMIT: usize = 4 << 10;

pub struct Events {
    stream: Stream,
    body: Body,
    /// What of the body came last.
    answer: Answer,
    /// What came as it came, and decoded, from where on it was not read yet.
    came: Vec<u8>,
    decoded: Vec<u8>,
    read: usize,
    reader: Reader,
    /// The server has said that there is no more.
    is_over: bool,
}

impl Events {
    pub fn new(stream: Stream, opened: Opened) -> Result<Events, End> {
        let mut answer = Answer::default();
        let body = Body::new(opened.framing, Keep::All, &mut answer)?;
        Ok(Events {
            stream,
            body,
            answer,
            came: opened.rest,
            decoded: Vec::new(),
            read: 0,
            reader: Reader::default(),
            is_over: opened.framing == Framing::Length(0),
        })
    }

    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, End>> {
        loop {
            while let Some(byte) = self.decoded.get(self.read) {
                self.read += 1;
                if let Some(event) = self.reader.take(*byte)? {
                    return Poll::Ready(Ok(event));
                }
            }
            if self.is_over {
                return Poll::Ready(Err(End::new(Failure::Closed, "the server ended the stream of events")));
            }
            if self.came.is_empty() && ready!(poll_some(&mut self.stream, cx, &mut self.came))? == 0 {
                if self.body.ends_with_stream() {
                    self.is_over = true;
                    continue;
                }
                return Poll::Ready(Err(End::new(Failure::Closed, "the connection ended before the stream did")));
            }
            self.decode()?;
        }
    }

    /// Bytes of an event that is not whole yet.
    pub fn held(&self) -> usize {
        self.reader.line.len() + self.reader.data.len()
    }

    fn decode(&mut self) -> Result<(), End> {
        self.answer.body = std::mem::take(&mut self.decoded);
        self.answer.body.clear();
        self.is_over = self.body.feed(&self.came, &mut self.answer)?.is_some();
        self.came.clear();
        // The stream has no length.
        self.answer.body_bytes = 0;
        (self.decoded, self.read) = (std::mem::take(&mut self.answer.body), 0);
        Ok(())
    }
}

/// What of a stream was read so far.
#[derive(Default)]
pub struct Reader {
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
    /// Takes the next byte; gives an event that ends with it.
    fn take(&mut self, byte: u8) -> Result<Option<Incoming>, End> {
        match (byte, std::mem::replace(&mut self.after_cr, byte == b'\r')) {
            (b'\n', true) => Ok(None),
            (b'\n' | b'\r', _) => self.ends_line(),
            _ if self.line.len() + self.data.len() >= MESSAGE_LIMIT => Err(End::too_large("an event")),
            _ => {
                self.line.push(byte);
                Ok(None)
            }
        }
    }

    fn ends_line(&mut self) -> Result<Option<Incoming>, End> {
        let mut line = std::mem::take(&mut self.line);
        let mark = match std::mem::replace(&mut self.is_begun, true) {
            false if line.starts_with(b"\xef\xbb\xbf") => 3,
            _ => 0,
        };
        let text = &line[mark..];
        if text.is_empty() {
            return Ok(self.dispatch());
        }
        let (name, value) = match text.iter().position(|byte| *byte == b':') {
            Some(colon) => (&text[..colon], text[colon + 1..].strip_prefix(b" ").unwrap_or(&text[colon + 1..])),
            None => (text, &b""[..]),
        };
        if matches!(name, b"event" | b"id") && value.len() > FIELD_LIMIT {
            return Err(End::new(Failure::TooLarge, "the type or the id of an event has more than 4 KiB"));
        }
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
        line.clear();
        self.line = line;
        Ok(None)
    }

    /// An empty line ends an event. One without data is none.
    fn dispatch(&mut self) -> Option<Incoming> {
        let event = std::mem::take(&mut self.event);
        let mut bytes = std::mem::take(&mut self.data);
        bytes.pop()?;
        let kind = if event.is_empty() { b"message".as_slice() } else { &event };
        let mut fields = [b"event:".as_slice(), kind, b"\n"].concat();
        if !self.id.is_empty() {
            fields.extend([b"id:".as_slice(), &self.id, b"\n"].concat());
        }
        Some(Incoming { bytes, fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events as fields and data.
    fn read(stream: &[u8]) -> Result<Vec<(String, String)>, Failure> {
        let mut reader = Reader::default();
        let mut events = Vec::new();
        for byte in stream {
            events.extend(reader.take(*byte).map_err(|end| end.failure)?);
        }
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(events.into_iter().map(|event| (text(event.fields), text(event.bytes))).collect())
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
        assert_eq!(read(stream.as_bytes()), Ok(all));
    }

    #[test]
    fn an_event_without_an_end_and_a_long_id_are_too_large() {
        let line = [b"data: ".as_slice(), &[b'x'; 1 << 20], b"\n"].concat();
        assert_eq!(read(&line.repeat(17)), Err(Failure::TooLarge));
        assert_eq!(read(&[b'x'; (16 << 20) + 1]), Err(Failure::TooLarge));
        let id = [b"id: ".as_slice(), &[b'x'; FIELD_LIMIT + 1], b"\n"].concat();
        assert_eq!(read(&id), Err(Failure::TooLarge));
    }
}
