//! Reports the steps of an iteration to an observer. A run has none.

use super::driver::Answer;
use super::secret::Mask;
use super::value::code::Check;
use super::value::{Frame, Paths, Value, explain};
use crate::measure::Failure;
use crate::plan::Request;
use crate::wire::http1::LOOK;
use std::sync::Arc;

/// Something that an iteration did. Secrets are taken out of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Traced {
    Begins {
        load: String,
        /// Of a mix.
        part: Option<String>,
        flow: String,
        user: u64,
    },
    Group(String),
    Request {
        step: String,
        /// File and line.
        place: String,
        /// From 1.
        attempt: u64,
        text: String,
    },
    Answer {
        status: u16,
        headers: String,
        body: String,
        /// As many as came, maybe compressed.
        bytes: u64,
        /// How long a connection was opened, from the send to the first byte, and from that to the last.
        connect: Option<u64>,
        first_byte: u64,
        rest: u64,
    },
    NoAnswer {
        because: Option<String>,
        failure: Failure,
        after: u64,
    },
    Check {
        text: String,
        held: bool,
        found: Option<String>,
    },
    Value {
        name: String,
        value: String,
    },
    /// Nothing is done for so long.
    Pause {
        why: &'static str,
        length: u64,
    },
    /// What a step between requests could not do.
    Missed(String),
    Ends {
        failure: Option<Failure>,
        /// The request that failed, or that a step after it speaks of, with its file and line.
        at: Option<(String, String)>,
        took: u64,
    },
}

/// What is sent, one piece after the other. What is no text or too long to be looked at is told by its size.
pub fn text_of(pieces: &[&[u8]]) -> String {
    let shown = |piece: &&[u8]| match std::str::from_utf8(piece) {
        Ok(text) if text.len() <= LOOK => text.to_owned(),
        _ => format!("<{} bytes>", piece.len()),
    };
    pieces.iter().map(shown).collect()
}

/// Where a request is written.
pub fn place(request: &Request) -> String {
    format!("{}:{}", request.file, request.line)
}

pub type Tell = Arc<dyn Fn(Traced) + Send + Sync>;

#[derive(Clone)]
pub struct Tracer {
    pub mask: Arc<Mask>,
    pub told: Tell,
}

impl Tracer {
    pub fn tell(&self, traced: Traced) {
        (self.told)(self.masked(traced));
    }

    /// What an iteration has computed from secrets so far. Nobody looks on at more than a few iterations.
    pub fn learn(&self, frame: &Frame) {
        self.mask.learn(frame.secrets());
    }

    pub fn request(&self, request: &Request, attempt: u64, text: String) {
        self.tell(Traced::Request { step: request.name.clone(), place: place(request), attempt, text });
    }

    /// With its headers, its body, and of how many bytes that was, and how long a connection was opened for it.
    pub fn answer(&self, answer: &Answer, headers: String, (whole, bytes): (&[u8], u64), connect: Option<u64>) {
        // One that is kept may be much longer than anybody looks at, and to search it for secrets takes time.
        let mut body = String::from_utf8_lossy(&whole[..whole.len().min(LOOK)]).into_owned();
        if whole.len() >= LOOK {
            // Half a letter of a secret would not be known as its.
            body.truncate(body.trim_end_matches(char::REPLACEMENT_CHARACTER).len());
            body.push('…');
        }
        self.tell(Traced::Answer {
            status: answer.status,
            headers,
            body,
            bytes,
            connect,
            first_byte: answer.first_byte.saturating_sub(answer.sent),
            rest: answer.end.saturating_sub(answer.first_byte),
        });
    }

    pub fn check(&self, check: &Check, held: bool, frame: &mut Frame, paths: &Paths) {
        let found = explain::found(&check.condition, frame, paths);
        self.learn(frame);
        self.tell(Traced::Check { text: check.text.clone(), held, found });
    }

    pub fn value(&self, name: &str, value: &Value) {
        self.tell(Traced::Value { name: name.to_owned(), value: explain::shown(value, LOOK) });
    }

    fn masked(&self, traced: Traced) -> Traced {
        let text = |text: String| self.mask.text(text);
        match traced {
            Traced::Request { step, place, attempt, text: own } => {
                Traced::Request { step, place, attempt, text: text(own) }
            }
            Traced::Answer { status, headers, body, bytes, connect, first_byte, rest } => {
                let (headers, body) = (text(headers), text(body));
                Traced::Answer { status, headers, body, bytes, connect, first_byte, rest }
            }
            Traced::Check { text: own, held, found } => Traced::Check { text: own, held, found: found.map(text) },
            Traced::Value { name, value } => Traced::Value { name, value: text(value) },
            Traced::Missed(because) => Traced::Missed(text(because)),
            Traced::NoAnswer { because, failure, after } => {
                Traced::NoAnswer { because: because.map(text), failure, after }
            }
            other @ (Traced::Begins { .. } | Traced::Group(_) | Traced::Pause { .. } | Traced::Ends { .. }) => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn of_a_long_body_that_is_kept_the_start_is_shown() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let into = told.clone();
        let tell: Tell = Arc::new(move |traced| into.lock().unwrap().push(traced));
        let tracer = Tracer { mask: Arc::new(Mask::new([&"hunté2".to_owned()])), told: tell };
        let body = format!("{}hunté2{}", "x".repeat(LOOK - 5), "x".repeat(3 * LOOK)).into_bytes();
        tracer.answer(&Answer::NONE, String::new(), (&body, body.len() as u64), None);
        match told.lock().unwrap().as_slice() {
            [Traced::Answer { body, .. }] => {
                assert_eq!(body.len(), LOOK - 5 + "***…".len());
                assert!(body.ends_with("x***…"));
            }
            other => panic!("{other:?}"),
        };
    }
}
