//! The HTTP client of one session: what a request becomes on the wire, the connection that each try takes, redirects, cookies.

use super::cookies;
use super::deadline::Deadline;
use super::elsewhere::Secrets;
use super::host::Host;
use super::redirect::{self, Sent};
use super::request::{Method, Request};
use super::streams::Streamed;
use super::template::{Encoded, Written};
use super::{Ask, Connection};
use crate::engine::driver::{self, Unwritten};
use crate::engine::flow::attempt::Attempt;
use crate::engine::pace::budget::Unanswered;
use crate::engine::pool::{self, Owned};
use crate::engine::stream::Opening;
use crate::engine::trace::PLACEHOLDER;
use crate::engine::tracer;
use crate::engine::value::Frame;
use crate::engine::value::answered::Answered;
use crate::engine::worker::Worker;
use crate::measure::{Failure, Fate};
use crate::wire::http1::{Answer, START, leads_on, values};
use std::rc::Rc;
use url::Url;

/// Where a request goes, and what is known of it.
#[derive(Clone, Copy)]
struct Hop {
    target: usize,
    head_only: bool,
    /// Sending it twice does no more than sending it once.
    idempotent: bool,
}

pub struct Client {
    pub(super) worker: Rc<Worker>,
    pub(super) own: Owned<Box<Connection>>,
    pub(super) answer: Answer,
    /// The head of the request that was sent last, as it was sent, and where in it the trace context stands.
    pub(super) head: Vec<u8>,
    pub(super) trace: Option<usize>,
    pub(super) written: Written,
    scratch: String,
    /// The last target that was asked.
    asked: usize,
    pub(super) seldom: Option<Box<Seldom>>,
}

/// What most clients never need, and each user has one.
#[derive(Default)]
pub(super) struct Seldom {
    /// Of what is sent on streams; a connection of HTTP/1.1 has its own.
    pub deadline: Deadline,
    /// The last request that went with cookies.
    with_cookies: Vec<u8>,
    /// What the iteration has computed from secrets, where another target may be told of them.
    secrets: Vec<String>,
    /// What was asked last, where a later step resolves links against that.
    url: Option<Box<Url>>,
}

impl Client {
    pub fn new(worker: &Rc<Worker>, is_user: bool) -> Client {
        Client {
            worker: worker.clone(),
            own: pool::own(worker, is_user),
            answer: Answer::default(),
            head: Vec::new(),
            trace: None,
            written: Written::default(),
            scratch: String::new(),
            asked: 0,
            seldom: None,
        }
    }

    pub(super) fn seldom(seldom: &mut Option<Box<Seldom>>) -> &mut Seldom {
        seldom.get_or_insert_default()
    }

    fn secrets(&self) -> &[String] {
        self.seldom.as_ref().map_or(&[], |seldom| &seldom.secrets)
    }

    /// Closes the connections of a user who does not come back, and forgets their cookies.
    pub fn leave(&mut self, load: usize, user: u64) {
        self.worker.http.cookies.forget((load, user));
        self.worker.http.pool.forget(load, user);
        self.worker.http.links.forget(load, user);
        self.worker.lowered.hosts.iter().for_each(|host| host.forget((load, user)));
    }

    /// Makes the bytes of a request, with room for its trace context where it carries one, and tells to which target it goes.
    pub fn write(&mut self, request: &Request, frame: &mut Frame, attempt: &mut Attempt) -> Result<bool, Unwritten> {
        if let Encoded::Built(template) = &request.bytes {
            template.write(frame, &self.worker.lowered.paths, &mut self.written, &mut self.scratch)?;
            if let Some(tracer) = &self.worker.tracer {
                tracer.learn(frame);
            }
        }
        let written = request.bytes.written(&self.written);
        self.head.clear();
        written.write_head(&mut self.head);
        let hosts = &self.worker.lowered.hosts;
        if written.led_elsewhere || (hosts.len() > 1 && hosts[written.target].redirects > 0) {
            let secrets = frame.secrets();
            if !secrets.is_empty() || self.seldom.is_some() {
                Client::seldom(&mut self.seldom).secrets = secrets;
            }
        }
        self.trace = written.trace;
        if written.led_elsewhere {
            let secrets = Secrets::new(&self.worker.mask, self.secrets());
            let (authority, body) = (&hosts[written.target].authority, written.body().as_bytes());
            self.trace = secrets.leave_out(&mut self.head, self.trace, authority, body).map_err(Unwritten::Path)?;
        }
        attempt.target = written.target;
        Ok(self.trace.is_some())
    }

    /// One try, from the first send to the last answer where that leads elsewhere. Its timeout is one for waiting,
    /// connecting and all exchanges together.
    pub fn exchange(
        &mut self,
        request: &Request,
        attempt: &mut Attempt,
    ) -> impl Future<Output = Result<(), Unanswered>> {
        self.answer.reset();
        async move {
            let method = self.method(request);
            let first = Hop { target: attempt.target, head_only: method.head_only, idempotent: method.idempotent };
            let mut result = self.hop(request, (first, true), attempt).await;
            let most = self.worker.lowered.hosts[attempt.target].redirects;
            if most > 0 && result.is_ok() && leads_on(self.answer.status) {
                let (began, head, trace) = (self.answer.sent, self.head.clone(), self.trace);
                // Seldom, and larger than the usual way.
                result = Box::pin(self.follow(request, most, attempt)).await;
                self.notes_url(request);
                self.answer.sent = began;
                // Another try starts where this one did.
                (self.head, self.trace) = (head, trace);
            } else {
                self.notes_url(request);
            }
            result
        }
    }

    fn notes_url(&mut self, request: &Request) {
        if request.keep_url {
            let url = redirect::url(&self.worker.lowered.hosts[self.asked], &self.head).map(Box::new);
            Client::seldom(&mut self.seldom).url = url;
        }
    }

    fn method(&self, request: &Request) -> Method {
        request.method.unwrap_or_else(|| Method::of(request.bytes.written(&self.written).method()))
    }

    /// The request as it was sent, one piece after the other.
    fn pieces<'c>(&'c self, request: &'c Request) -> Vec<&'c [u8]> {
        request.bytes.written(&self.written).pieces(&self.head, &self.worker.lowered.paths.files)
    }

    /// Follows redirects, at most this many times.
    async fn follow(&mut self, request: &Request, most: u64, attempt: &mut Attempt) -> Result<(), Unanswered> {
        let worker = self.worker.clone();
        let traced = self.trace.is_some();
        let mut sent = Sent { target: attempt.target, bytes: self.pieces(request).concat() };
        let mut left = most;
        loop {
            let next = redirect::next(&worker.lowered.hosts, &sent, self.answer.status, &self.answer.notes);
            let next = next.and_then(|next| next.map(|next| self.kept(next, sent.target)).transpose());
            sent = match next {
                Ok(Some(next)) => next,
                Ok(None) => return Ok(()),
                Err(why) => {
                    attempt.because = Some(why);
                    return Err(Failure::Protocol.into());
                }
            };
            left = left.checked_sub(1).ok_or(Failure::Protocol)?;
            self.head.clone_from(&sent.bytes);
            self.trace = redirect::trace_place(&sent.bytes).filter(|_| traced);
            let hop = Hop {
                target: sent.target,
                head_only: sent.method() == b"HEAD",
                idempotent: self.method(request).idempotent || sent.method() == b"GET",
            };
            self.hop(request, (hop, false), attempt).await?;
        }
    }

    /// A request that a redirect leads on with, as it may go there.
    fn kept(&self, mut next: Sent, from: usize) -> Result<Sent, String> {
        if next.target != from {
            let secrets = Secrets::new(&self.worker.mask, self.secrets());
            let trace = redirect::trace_place(&next.bytes).filter(|_| self.trace.is_some());
            let authority = &self.worker.lowered.hosts[next.target].authority;
            secrets.leave_out(&mut next.bytes, trace, authority, b"")?;
        }
        Ok(next)
    }

    /// One request to one target, and its answer: its head and, the first time, what is sent after that.
    fn hop(
        &mut self,
        request: &Request,
        (hop, first): (Hop, bool),
        attempt: &mut Attempt,
    ) -> impl Future<Output = Result<(), Unanswered>> {
        let worker = self.worker.clone();
        let key = (attempt.load, attempt.user, hop.target);
        self.asked = hop.target;
        async move {
            let (clock, host, pool) = (&worker.timers.clock, &worker.lowered.hosts[hop.target], &worker.http.pool);
            let ask = Ask {
                head_only: hop.head_only,
                keep_body: request.keep_body,
                keep_headers: request.keep_headers,
                look: worker.tracer.is_some(),
                note_cookies: host.cookies,
                note_redirects: worker.lowered.hosts[attempt.target].redirects > 0,
            };
            let who = (key.0, key.1);
            let _place = match host.http2 {
                None => pool.place(hop.target, attempt.left(attempt.began)).await?,
                // Its streams share the connections of the pool.
                Some(_) => None,
            };
            let mut with_cookies = Vec::new();
            // What the first target is told does not go to another one.
            let own_cookies = request.bytes.written(&self.written).own_cookies && hop.target == attempt.target;
            if host.cookies && !own_cookies && worker.http.cookies.has(who) {
                with_cookies = std::mem::take(&mut Client::seldom(&mut self.seldom).with_cookies);
                self.add_cookies(who, host, &mut with_cookies);
            }
            if let Some(http2) = host.http2 {
                let head = if with_cookies.is_empty() { None } else { Some(&mut with_cookies) };
                let streamed = Streamed { http2, host, key, ask, idempotent: hop.idempotent, first, head };
                // Larger than the usual way.
                Box::pin(self.streamed(request, streamed, attempt)).await?;
                self.took(request, (who, hop.target), with_cookies, attempt);
                return Ok(());
            }
            loop {
                self.answer.sent = 0;
                let mut connection = match pool.take(&mut self.own, key, host.connections) {
                    Some(connection) => {
                        attempt.goes_to(hop.target, connection.number);
                        connection
                    }
                    None => {
                        let (peer, number) = host.next();
                        attempt.goes_to(hop.target, number);
                        let mut took = Opening::default();
                        let left = attempt.left(clock.now());
                        let shown = host.shown_by(who);
                        let route = host.route(&peer, shown.as_deref());
                        // Seldom, and larger than what a request needs.
                        let opened = Box::pin(Connection::open(route, left, &mut took)).await;
                        attempt.connected(took);
                        let mut connection = Box::new(opened.map_err(|broken| attempt.broke(broken))?);
                        connection.number = number;
                        connection
                    }
                };
                let now = match attempt.sends() {
                    Ok(now) => now,
                    Err(unsent) => {
                        pool.keep(&mut self.own, key, host.connections, connection);
                        return Err(unsent);
                    }
                };
                let reused = connection.is_reused();
                let own = if with_cookies.is_empty() { &mut self.head } else { &mut with_cookies };
                if let Some(place) = self.trace {
                    attempt.trace.write(attempt.sent, &mut own[place..place + PLACEHOLDER.len()]);
                }
                let written = request.bytes.written(&self.written);
                let (head, body) = (own.as_slice(), if first { written.body().as_bytes() } else { &[] });
                let (both, with_files) = ([head, body], first && written.has_files());
                let pieces = with_files.then(|| written.pieces(head, &worker.lowered.paths.files));
                let bytes = pieces.as_deref().unwrap_or(&both);
                attempt.tell(|| shown(bytes));
                let told = host.proxy.as_ref().and_then(|proxy| proxy.told(bytes));
                let pieces = told.or(pieces);
                let bytes = pieces.as_deref().unwrap_or(&both);
                let due = attempt.due;
                let exchanged =
                    connection.exchange(bytes, ask, &worker.http.scratch, clock, (now, due), &mut self.answer).await;
                if worker.counts_bytes {
                    let sent = match first {
                        true => written.body_length(),
                        false => redirect::body(head).len(),
                    };
                    attempt.carried(sent as u64 + self.answer.body_bytes);
                }
                match exchanged {
                    Ok(()) => {
                        if self.answer.keep_alive {
                            pool.keep(&mut self.own, key, host.connections, connection);
                        }
                        self.took(request, (who, hop.target), with_cookies, attempt);
                        return Ok(());
                    }
                    // The server closed an idle connection while the request was on its way (RFC 9112, 9.3.1).
                    Err(Failure::Closed | Failure::Reset) if reused && self.answer.says_nothing() && hop.idempotent => {
                    }
                    Err(failure) => {
                        attempt.because = self.answer.because.take();
                        return Err(failure.into());
                    }
                }
            }
        }
    }

    /// Tells of the answer of a target who looks on, and keeps the cookies that it brought.
    fn took(
        &mut self,
        request: &Request,
        (who, target): ((usize, u64), usize),
        with_cookies: Vec<u8>,
        attempt: &Attempt,
    ) {
        let worker = &self.worker;
        if let Some(tracer) = &worker.tracer {
            let headers = cookies::hidden(&String::from_utf8_lossy(&self.answer.headers));
            let body = (self.answer.body.as_slice(), self.answer.body_bytes);
            tracer.answer(&self.answer(request), headers, body, attempt.connecting);
        }
        if !self.answer.notes.is_empty() {
            self.keeps_cookies(who, target, &self.answer.notes);
        }
        if !with_cookies.is_empty() {
            Client::seldom(&mut self.seldom).with_cookies = with_cookies;
        }
    }

    /// Keeps the cookies that the header lines of an answer to the last request bring.
    pub fn keeps_cookies(&self, who: (usize, u64), target: usize, lines: &[u8]) {
        let host = &self.worker.lowered.hosts[target];
        if host.cookies {
            for header in values(lines, "set-cookie") {
                self.worker.http.cookies.take(who, host.site(), redirect::path(&self.head), header);
            }
        }
    }

    /// The request with the cookies that its user has for it, as the last of its header lines.
    pub(super) fn add_cookies(&self, who: (usize, u64), host: &Host, out: &mut Vec<u8>) {
        let bytes = &self.head;
        let (head, rest) = bytes.split_at(redirect::head_end(bytes));
        out.clear();
        out.extend_from_slice(head);
        let begun = out.len();
        self.worker.http.cookies.write(who, host.site(), redirect::path(bytes), out);
        if host.carries_cookie {
            cookies::join(out, begun);
        }
        out.extend_from_slice(rest);
    }

    pub fn answer(&self, request: &Request) -> driver::Answer {
        let Answer { status, injected, sent, first_byte, end, .. } = self.answer;
        let failure = (status >= 400 && !request.judges_status).then_some(Failure::Status);
        driver::Answer { status, injected, sent, first_byte, end, fate: fate(status), failure }
    }

    pub fn keep(&mut self, request: &Request, kept: &mut Answered) {
        kept.wire_size = self.answer.body_bytes;
        if request.keep_body {
            std::mem::swap(&mut kept.body, &mut self.answer.body);
            std::mem::swap(&mut kept.room, &mut self.answer.room);
        }
        if request.keep_headers {
            std::mem::swap(&mut kept.headers, &mut self.answer.headers);
        }
        if request.keep_url {
            kept.url = self.seldom.as_mut().and_then(|seldom| seldom.url.take());
        }
    }

    pub fn text(&self, request: &Request) -> String {
        shown(&self.pieces(request))
    }

    /// Method and path, and the body of the answer.
    pub fn shown<'a>(&'a self, kept: &'a [u8]) -> driver::Shown<'a> {
        let line = self.head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let request = line.strip_suffix(b" HTTP/1.1").unwrap_or(line);
        let body = if kept.is_empty() { &self.answer.body } else { kept };
        // Decoded, it is longer than what came.
        let is_whole = !kept.is_empty() || self.answer.body_bytes <= START as u64;
        driver::Shown { request, body, is_whole }
    }
}

/// A request in its pieces, without the values of cookies.
pub(super) fn shown(pieces: &[&[u8]]) -> String {
    cookies::hidden(&tracer::text_of(pieces))
}

/// What a status says of the entries that its request makes.
pub(super) fn fate(status: u16) -> Fate {
    match status {
        200..300 => Fate::Acknowledged,
        400..500 => Fate::Refused,
        _ => Fate::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_2xx_acknowledges_and_a_4xx_surely_did_nothing() {
        assert_eq!(fate(201), Fate::Acknowledged);
        assert_eq!(fate(409), Fate::Refused);
        assert_eq!([503, 302, 0].map(fate), [Fate::Unknown; 3]);
    }
}
