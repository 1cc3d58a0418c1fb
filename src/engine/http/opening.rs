//! Requests whose answers are connections: their heads are written as those of all requests, and another driver sends them.

use super::client::{Client, fate};
use super::redirect::head_end;
use super::request::Request;
use crate::engine::flow::attempt::Attempt;
use crate::engine::trace::PLACEHOLDER;
use crate::measure::Fate;

impl Client {
    /// The head of a request that was written, as it goes out: with the cookies of its user, its trace context and some more lines.
    pub fn head_of_opening(&mut self, request: &Request, lines: &str, attempt: &Attempt) -> Vec<u8> {
        let worker = self.worker.clone();
        let (host, who) = (&worker.lowered.hosts[attempt.target], (attempt.load, attempt.user));
        let own_cookies = request.bytes.written(&self.written).own_cookies;
        let mut head = Vec::new();
        match host.cookies && !own_cookies && worker.http.cookies.has(who) {
            true => self.add_cookies(who, host, &mut head),
            false => head.extend_from_slice(&self.head),
        }
        if let Some(place) = self.trace {
            attempt.trace.write(attempt.sent, &mut head[place..place + PLACEHOLDER.len()]);
        }
        let end = head_end(&head);
        head.splice(end..end, lines.bytes());
        let told = host.proxy.as_ref().and_then(|proxy| proxy.told(&[&head]).map(|pieces| pieces.concat()));
        told.unwrap_or(head)
    }
}

/// What the status of its answer says of the entries that it makes. 101 is a yes.
pub fn fate_of_opening(status: u16) -> Fate {
    if status == 101 { Fate::Acknowledged } else { fate(status) }
}
