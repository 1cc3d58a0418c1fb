//! The client of one session: its open connections by target, and what came of the last step.

use super::codec::{Codec, Incoming, Outgoing};
use super::end::End;
use super::events::Events;
use super::handshake::{self, Opened};
use super::line::{Line, Message};
use super::messages::Messages;
use super::request::{Opener, Request};
use super::websocket::WebSocket;
use crate::engine::driver::{Answer, Shown, Unwritten};
use crate::engine::flow::attempt::Attempt;
use crate::engine::http;
use crate::engine::pace::budget::Unanswered;
use crate::engine::stream::{Opening, Stream};
use crate::engine::tracer::text_of;
use crate::engine::value::Frame;
use crate::engine::value::answered::Answered;
use crate::engine::worker::Worker;
use crate::measure::{Failure, Fate};
use crate::wire::room::Room;
use std::rc::Rc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;

/// What steps do that send no bytes of their own, for a person.
const CONNECTS: &[u8] = b"opens a connection";
const WAITS: &[u8] = b"waits for a message";

pub const NOTHING_FITS: &str = "no message that it waits for came in time";

pub struct Client {
    worker: Rc<Worker>,
    /// By target.
    open: Vec<(usize, Line)>,
    answer: Answer,
    outgoing: Outgoing,
    /// The message that came last, until a step has it.
    came: Option<(Incoming, Room)>,
    bytes: u64,
    /// Of the answer that opened a connection.
    headers: Vec<u8>,
    /// What the last step opened or waited for, for a person.
    shown: Vec<u8>,
}

impl Client {
    pub fn new(worker: &Rc<Worker>) -> Client {
        Client {
            worker: worker.clone(),
            open: Vec::new(),
            answer: Answer::NONE,
            outgoing: Outgoing::default(),
            came: None,
            bytes: 0,
            headers: Vec::new(),
            shown: Vec::new(),
        }
    }

    /// Closes the connection to a target.
    pub fn hang_up(&mut self, target: usize) {
        self.open.retain(|(own, _)| *own != target);
    }

    /// Closes all connections.
    pub fn leave(&mut self) {
        self.open.clear();
    }

    pub fn write(
        &mut self,
        request: &Request,
        http: &mut http::Client,
        frame: &mut Frame,
        attempt: &mut Attempt,
    ) -> Result<bool, Unwritten> {
        self.shown.clear();
        match request {
            Request::Open(Opener::WebSocket(request) | Opener::Events(request)) => {
                let is_traced = http.write(request, frame, attempt)?;
                self.shown.extend_from_slice(http.shown(&[]).request);
                return Ok(is_traced);
            }
            Request::Open(Opener::Tcp(_)) => self.shown.extend_from_slice(CONNECTS),
            Request::Send { message, most } => {
                self.outgoing = message.write(frame, &self.worker.lowered.paths)?;
                let length = self.outgoing.bytes().len();
                if length > *most {
                    return Err(Unwritten::Message(format!("a message of {length} bytes, where {most} are the most")));
                }
                if let Some(tracer) = &self.worker.tracer {
                    tracer.learn(frame);
                }
            }
            Request::Receive { .. } => self.shown.extend_from_slice(WAITS),
        }
        Ok(false)
    }

    pub async fn exchange(
        &mut self,
        request: &Request,
        http: &mut http::Client,
        attempt: &mut Attempt,
    ) -> Result<(), Unanswered> {
        self.answer = Answer::NONE;
        (self.came, self.bytes) = (None, 0);
        self.headers.clear();
        match request {
            Request::Open(opener) => self.opens(opener, http, attempt).await?,
            Request::Send { .. } => self.sends(attempt).await?,
            Request::Receive { .. } => self.receives(attempt).await?,
        }
        if self.worker.counts_bytes {
            attempt.carried(self.bytes);
        }
        if let Some(tracer) = &self.worker.tracer {
            let headers = http::hidden(&String::from_utf8_lossy(&self.headers));
            let body = self.came.as_ref().map_or(&[][..], |(message, _)| &message.bytes);
            tracer.answer(&self.answer, headers, (body, body.len() as u64), attempt.connecting);
        }
        Ok(())
    }

    async fn opens(
        &mut self,
        opener: &Opener,
        http: &mut http::Client,
        attempt: &mut Attempt,
    ) -> Result<(), Unanswered> {
        let worker = self.worker.clone();
        let (clock, host) = (&worker.timers.clock, &worker.lowered.hosts[attempt.target]);
        self.hang_up(attempt.target);
        let (peer, number) = host.next();
        attempt.goes_to(attempt.target, number);
        let (mut took, shown) = (Opening::default(), host.shown_by((attempt.load, attempt.user)));
        let left = attempt.left(clock.now());
        let opened = Stream::open(host.route(&peer, shown.as_deref()), left, &mut took).await;
        attempt.connected(took);
        let stream = opened.map_err(|broken| attempt.broke(broken))?;
        let sent = attempt.sends()?;
        self.answer.sent = sent;
        let codec = match opener {
            Opener::Tcp(end) => {
                attempt.tell(|| text_of(&[CONNECTS]));
                self.answer.fate = Fate::Acknowledged;
                Some(Codec::Messages(Messages::new(stream, end.clone())))
            }
            Opener::WebSocket(request) => {
                let key = generate_key();
                let head = http.head_of_opening(request, &handshake::asks_for_websocket(&key), attempt);
                let (stream, opened) = self.asks(stream, &head, request, http, attempt).await?;
                match handshake::wrong_status(&opened, 101) {
                    Some(end) => self.refused(end, request, attempt)?,
                    None => {
                        handshake::agrees(&opened, &key, &head).map_err(|end| end.tell(attempt))?;
                        Some(Codec::WebSocket(WebSocket::new(stream, opened.rest).await))
                    }
                }
            }
            Opener::Events(request) => {
                let head = http.head_of_opening(request, "", attempt);
                let (stream, opened) = self.asks(stream, &head, request, http, attempt).await?;
                match handshake::wrong_status(&opened, 200) {
                    Some(end) => self.refused(end, request, attempt)?,
                    None => {
                        let events = handshake::is_stream(&opened).and_then(|()| Events::new(stream, opened));
                        Some(Codec::Events(Box::new(events.map_err(|end| end.tell(attempt))?)))
                    }
                }
            }
        };
        self.answer.end = clock.now();
        self.answer.first_byte = if self.answer.first_byte == 0 { self.answer.end } else { self.answer.first_byte };
        self.open.extend(codec.map(|codec| (attempt.target, Line::start(codec, &worker))));
        Ok(())
    }

    /// What begins as HTTP.
    async fn asks(
        &mut self,
        mut stream: Stream,
        head: &[u8],
        request: &http::Request,
        http: &http::Client,
        attempt: &mut Attempt,
    ) -> Result<(Stream, Opened), Failure> {
        let worker = self.worker.clone();
        let clock = &worker.timers.clock;
        attempt.tell(|| http::hidden(&text_of(&[head])));
        let asked = handshake::ask(&mut stream, head, || clock.now());
        let opened = match timeout(attempt.left(self.answer.sent), asked).await {
            Ok(opened) => opened.map_err(|end| end.tell(attempt))?,
            Err(_) => {
                attempt.because = Some("the server did not answer the request for the connection in time".to_owned());
                return Err(Failure::Timeout);
            }
        };
        http.keeps_cookies((attempt.load, attempt.user), attempt.target, &opened.headers);
        (self.answer.status, self.answer.injected, self.answer.first_byte) =
            (opened.status, opened.injected, opened.first_byte);
        self.answer.fate = http::fate_of_opening(opened.status);
        self.answer.failure = (opened.status >= 400 && !request.judges_status).then_some(Failure::Status);
        self.headers.clone_from(&opened.headers);
        Ok((stream, opened))
    }

    /// The status opens no connection. That is a failure, unless a check says which status it should be.
    fn refused(&self, end: End, request: &http::Request, attempt: &mut Attempt) -> Result<Option<Codec>, Failure> {
        match request.judges_status || self.answer.failure.is_some() {
            true => Ok(None),
            false => Err(end.tell(attempt)),
        }
    }

    /// The connection, if it is open. A step that fails at once lets others work, because a loop may repeat it.
    async fn line(&self, attempt: &mut Attempt) -> Result<&Line, Failure> {
        let end = match self.open.iter().find(|(target, _)| *target == attempt.target) {
            Some((_, line)) => match line.ended() {
                None => return Ok(line),
                Some(end) => end,
            },
            None => End::new(Failure::Closed, "no connection is open: the step that opens it failed"),
        };
        tokio::task::yield_now().await;
        Err(end.tell(attempt))
    }

    async fn sends(&mut self, attempt: &mut Attempt) -> Result<(), Unanswered> {
        let line = self.line(attempt).await?;
        let sent = attempt.sends()?;
        attempt.tell(|| text_of(&[self.outgoing.bytes()]));
        let done = timeout(attempt.left(sent), line.send(self.outgoing.clone())).await;
        if done.is_err() {
            // A part of the message may be on its way.
            line.give_up(End::new(Failure::Closed, "it was closed here, because a message was not taken in time"));
        }
        self.answer.sent = sent;
        match done {
            Ok(Ok(at)) => {
                (self.answer.first_byte, self.answer.end) = (at, at);
                self.bytes = self.outgoing.bytes().len() as u64;
                Ok(())
            }
            Ok(Err(end)) => Err(end.tell(attempt).into()),
            Err(_) => {
                attempt.because = Some("the server did not take the message in time".to_owned());
                Err(Failure::Timeout.into())
            }
        }
    }

    /// Waits for the next message. One that was there already took no time.
    async fn receives(&mut self, attempt: &mut Attempt) -> Result<(), Unanswered> {
        let worker = self.worker.clone();
        let clock = &worker.timers.clock;
        let line = self.line(attempt).await?;
        // What is skipped belongs to the same step.
        let began = match attempt.sends {
            0 => {
                let began = attempt.sends()?;
                attempt.tell(|| text_of(&[WAITS]));
                began
            }
            _ => attempt.began,
        };
        let came = timeout(attempt.left(clock.now()), line.next()).await;
        self.answer.sent = began;
        match came {
            Ok(Ok(Message { incoming, at, room })) => {
                let at = at.max(began);
                (self.answer.first_byte, self.answer.end, self.answer.fate) = (at, at, Fate::Acknowledged);
                self.bytes = incoming.bytes.len() as u64;
                self.headers.clone_from(&incoming.fields);
                self.came = Some((incoming, room));
                Ok(())
            }
            Ok(Err(end)) => Err(end.tell(attempt).into()),
            Err(_) => {
                attempt.because = Some(NOTHING_FITS.to_owned());
                Err(Failure::Timeout.into())
            }
        }
    }

    pub fn answer(&self) -> Answer {
        self.answer
    }

    /// Moves the message away, so it is there once.
    pub fn keep(&mut self, request: &Request, kept: &mut Answered) {
        kept.wire_size = self.bytes;
        if let (Some((message, room)), Request::Receive { keep_body: true, .. }) = (self.came.take(), request) {
            (kept.body, kept.room) = (message.bytes, room);
        }
        let keeps_headers = match request {
            Request::Open(Opener::WebSocket(request) | Opener::Events(request)) => request.keep_headers,
            Request::Open(Opener::Tcp(_)) | Request::Send { .. } => false,
            Request::Receive { .. } => true,
        };
        if keeps_headers && !self.headers.is_empty() {
            std::mem::swap(&mut kept.headers, &mut self.headers);
        }
    }

    pub fn text(&self, request: &Request) -> String {
        text_of(&[self.example(request, &[]).request])
    }

    pub fn example<'a>(&'a self, request: &Request, kept: &'a [u8]) -> Shown<'a> {
        let request = match request {
            Request::Send { .. } => self.outgoing.bytes(),
            Request::Open(_) | Request::Receive { .. } => &self.shown,
        };
        Shown { request, body: kept, is_whole: true }
    }
}
