//! Requests and answers on an HTTP link: where each begins and ends, and what happens to it. Anything that is not HTTP/1 passes
//! as bytes.

use super::effect::{Draws, Effect, Hold, Mine};
use crate::wire::http1::head::INJECTED;
use crate::wire::http1::{Answer, Asked, Body, Framing, HEAD_LIMIT, Keep, parse, parse_request};
use std::collections::VecDeque;

/// Where in a stream the next byte belongs.
enum Position {
    /// What of a head has come, and how much of that went on already.
    Head {
        seen: Vec<u8>,
        passed: usize,
    },
    Body(Body),
    /// Not HTTP, or no longer.
    Raw,
    /// What still comes was answered already, and goes nowhere.
    Over,
}

impl Position {
    const START: Position = Position::Head { seen: Vec::new(), passed: 0 };
}

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// It goes on, held by what may be there.
    Pass(Option<Hold>),
    /// It goes nowhere and is answered here.
    Answer,
}

/// A request whose answer has not ended.
enum OpenRequest {
    /// The server answers it.
    Sent { head_only: bool, is_connect: bool },
    /// It is answered here, once it has been read and those before it are answered.
    Ours { answer: Vec<u8>, whole: bool, closes: bool },
}

/// All that is known of one connection.
pub struct Exchanges {
    up: Position,
    down: Position,
    fate: Fate,
    open: VecDeque<OpenRequest>,
    /// Where bodies are counted that nobody keeps.
    counted: Answer,
}

/// What to send.
pub enum Out {
    /// To the server, held by what may be there.
    Up(Vec<u8>, Option<Hold>),
    /// To the client, as if from the server.
    Down(Vec<u8>),
    /// Nothing more comes for the client.
    Close,
}

impl Exchanges {
    pub fn new() -> Exchanges {
        Exchanges {
            up: Position::START,
            down: Position::START,
            fate: Fate::Pass(None),
            open: VecDeque::new(),
            counted: Answer::default(),
        }
    }

    /// How many of the next bytes pass as they are, whatever they say.
    pub fn plain(&self, is_up: bool) -> u64 {
        match if is_up { &self.up } else { &self.down } {
            Position::Raw => u64::MAX,
            Position::Body(body) if !is_up || self.fate == Fate::Pass(None) => body.plain(),
            Position::Body(_) | Position::Head { .. } | Position::Over => 0,
        }
    }

    /// So many of these have passed.
    pub fn passed(&mut self, bytes: u64, is_up: bool, out: &mut Vec<Out>) {
        let Position::Body(body) = (if is_up { &mut self.up } else { &mut self.down }) else { return };
        match (body.skip(bytes), is_up) {
            (true, true) => self.ended(out),
            (true, false) => {
                self.done();
                self.answer(out);
            }
            (false, _) => {}
        }
    }

    /// What a client sent.
    pub fn asked(&mut self, mut data: &[u8], mine: &[Mine], draws: &Draws, out: &mut Vec<Out>) {
        while !data.is_empty() {
            match &mut self.up {
                Position::Over => return,
                Position::Raw => {
                    out.push(Out::Up(data.to_vec(), None));
                    return;
                }
                Position::Head { seen, passed } => {
                    let before = seen.len();
                    seen.extend_from_slice(data);
                    match parse_request(seen) {
                        Ok(None) if seen.len() < HEAD_LIMIT => {
                            // A request of which a part is gone can no longer be kept from the server.
                            if !mine.iter().any(|own| own.active.effect.is_of_requests()) {
                                out.push(Out::Up(seen[*passed..].to_vec(), None));
                                *passed = seen.len();
                            }
                            return;
                        }
                        Ok(Some(asked)) => {
                            let fresh = *passed == 0;
                            let rest = seen[*passed..asked.length].to_vec();
                            data = &data[asked.length - before..];
                            self.begin(asked, fresh, rest, mine, draws, out);
                        }
                        Ok(None) | Err(_) => {
                            out.push(Out::Up(seen[*passed..].to_vec(), None));
                            self.give_up();
                            return;
                        }
                    }
                }
                Position::Body(body) => {
                    let (used, ended) = match body.feed(data, &mut self.counted) {
                        Ok(Some(used)) => (used, true),
                        Ok(None) => (data.len(), false),
                        Err(_) => {
                            self.body(data, out);
                            self.give_up();
                            return;
                        }
                    };
                    self.body(&data[..used], out);
                    data = &data[used..];
                    if ended {
                        self.ended(out);
                    }
                }
            }
        }
    }

    /// A head is complete: its fate is drawn.
    fn begin(&mut self, asked: Asked, fresh: bool, head: Vec<u8>, mine: &[Mine], draws: &Draws, out: &mut Vec<Out>) {
        self.fate = Fate::Pass(None);
        let mut open = OpenRequest::Sent { head_only: asked.head_only, is_connect: asked.is_connect };
        for own in mine.iter().filter(|_| fresh) {
            match (own.active.effect, self.fate) {
                (Effect::HttpDelay { by, share }, Fate::Pass(_)) if draws.hits(share) => {
                    own.touch_request();
                    self.fate = Fate::Pass(Some(Hold { of: own.active.id, by }));
                }
                (Effect::HttpError { status, share }, Fate::Pass(_)) if draws.hits(share) => {
                    own.touch_request();
                    self.fate = Fate::Answer;
                    // A client that waits for a word before it sends the body may send none after this one.
                    let closes = asked.waits || !asked.keep_alive;
                    let answer = answer(status, asked.head_only, closes);
                    open = OpenRequest::Ours { answer, whole: asked.waits, closes };
                }
                _ => {}
            }
        }
        self.open.push_back(open);
        if let Fate::Pass(held) = self.fate {
            out.push(Out::Up(head, held));
        }
        match Body::new(asked.framing, Keep::Nothing, &mut self.counted) {
            Ok(_) if asked.framing == Framing::Length(0) => self.ended(out),
            Ok(body) => {
                self.up = Position::Body(body);
                if asked.waits {
                    self.answer(out);
                }
            }
            Err(_) => self.give_up(),
        }
    }

    fn body(&self, data: &[u8], out: &mut Vec<Out>) {
        if let Fate::Pass(held) = self.fate {
            out.push(Out::Up(data.to_vec(), held));
        }
    }

    /// A request is whole.
    fn ended(&mut self, out: &mut Vec<Out>) {
        self.up = Position::START;
        if let (Fate::Answer, Some(OpenRequest::Ours { whole, .. })) = (self.fate, self.open.back_mut()) {
            *whole = true;
        }
        self.answer(out);
    }

    /// Answers what is ours and next.
    fn answer(&mut self, out: &mut Vec<Out>) {
        // Between two answers alone, or one would stand in the midst of the other.
        let between = matches!(&self.down, Position::Head { seen, .. } if seen.is_empty());
        while between && matches!(self.open.front(), Some(OpenRequest::Ours { whole: true, .. })) {
            if let Some(OpenRequest::Ours { answer, closes, .. }) = self.open.pop_front() {
                out.push(Out::Down(answer));
                if closes {
                    out.push(Out::Close);
                    self.give_up();
                    self.up = Position::Over;
                    return;
                }
            }
        }
    }

    /// What a server sent: it goes on as it is, and what is ours after it.
    pub fn answered(&mut self, mut data: &[u8], out: &mut Vec<Out>) {
        let mut from = data;
        while !data.is_empty() {
            match &mut self.down {
                Position::Raw | Position::Over => data = &[],
                Position::Head { seen, .. } => {
                    let before = seen.len();
                    seen.extend_from_slice(data);
                    match parse(seen) {
                        Ok(Some(head)) => {
                            data = &data[head.length - before..];
                            self.head(head.status, head.framing);
                        }
                        Ok(None) if seen.len() < HEAD_LIMIT => data = &[],
                        Ok(None) | Err(_) => {
                            self.give_up();
                            data = &[];
                        }
                    }
                }
                Position::Body(body) => match body.feed(data, &mut self.counted) {
                    Ok(Some(used)) => {
                        data = &data[used..];
                        self.done();
                    }
                    Ok(None) => data = &[],
                    Err(_) => {
                        self.give_up();
                        data = &[];
                    }
                },
            }
            if matches!(self.open.front(), Some(OpenRequest::Ours { whole: true, .. })) {
                out.push(Out::Down(from[..from.len() - data.len()].to_vec()));
                from = data;
                self.answer(out);
            }
        }
        if !from.is_empty() {
            out.push(Out::Down(from.to_vec()));
        }
    }

    fn head(&mut self, status: u16, framing: Framing) {
        let (head_only, is_connect) = match self.open.front() {
            Some(OpenRequest::Sent { head_only, is_connect }) => (*head_only, *is_connect),
            Some(OpenRequest::Ours { .. }) | None => (false, false),
        };
        let bodiless = head_only || matches!(status, 204 | 304) || framing == Framing::Length(0);
        match status {
            // Another protocol begins.
            101 => self.give_up(),
            200..=299 if is_connect => self.give_up(),
            // A word before the answer.
            100..=199 => self.down = Position::START,
            _ if bodiless => self.done(),
            _ => match Body::new(framing, Keep::Nothing, &mut self.counted) {
                Ok(body) => self.down = Position::Body(body),
                Err(_) => self.give_up(),
            },
        }
    }

    /// An answer of the server is whole.
    fn done(&mut self) {
        self.down = Position::START;
        if matches!(self.open.front(), Some(OpenRequest::Sent { .. })) {
            self.open.pop_front();
        }
    }

    /// The client sends nothing more: what of a head was held goes on.
    pub fn no_more(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.up, Position::Raw) {
            Position::Head { mut seen, passed } => seen.split_off(passed),
            Position::Body(_) | Position::Raw | Position::Over => Vec::new(),
        }
    }

    fn give_up(&mut self) {
        (self.up, self.down) = (Position::Raw, Position::Raw);
        self.open.clear();
    }
}

fn answer(status: u16, head_only: bool, closes: bool) -> Vec<u8> {
    let body = "answered by a fault of stressc\n";
    let connection = if closes { "connection: close\r\n" } else { "" };
    let mut out = format!("HTTP/1.1 {status} Fault\r\n{INJECTED}: 1\r\n{connection}");
    // These have no body by their meaning (RFC 9110, 6.4.1).
    let bodiless = status < 200 || matches!(status, 204 | 304);
    if !bodiless {
        out.push_str(&format!("content-type: text/plain\r\ncontent-length: {}\r\n", body.len()));
    }
    out.push_str("\r\n");
    if !bodiless && !head_only {
        out.push_str(body);
    }
    out.into_bytes()
}
