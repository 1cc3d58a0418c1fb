//! Drivers: each speaks one protocol for a session. What they share (tries, pauses, progress, ledgers, examples, trace contexts,
//! budget, deadlines, records) is in `flow/sender.rs`.

use super::channel;
use super::flow::attempt::Attempt;
use super::http;
use super::pace::budget::Unanswered;
use super::sql;
use super::value::answered::Answered;
use super::value::{Frame, Unusable};
use super::worker::Worker;
use crate::measure::{Failure, Fate};
use std::rc::Rc;

#[cfg(test)]
pub mod tests;

/// What a step sends, ready for its protocol.
pub enum Exchange {
    Http(http::Request),
    Sql(sql::Request),
    Channel(channel::Request),
    #[cfg(test)]
    Line(tests::Message),
}

/// The clients of one session, one for each protocol that a step may speak.
pub struct Clients {
    http: http::Client,
    /// Made for the first statement: few flows have one.
    sql: Option<Box<sql::Client>>,
    /// The same of connections that stay open.
    channel: Option<Box<channel::Client>>,
    worker: Rc<Worker>,
    is_user: bool,
    #[cfg(test)]
    line: tests::Client,
}

/// A client of a session, with what it sends next. The two come together here and nowhere else, so none is ever asked for what is
/// not of its protocol.
///
/// A client holds its connections in one of three ways:
/// - exclusively, where a connection carries one exchange at a time (HTTP/1.1, SQL): it takes one for an exchange, and gives it back
///   to a pool of its session or of its worker when the answer is whole;
/// - by streams, where a connection carries several at a time (HTTP/2, gRPC): the worker keeps the connections, with a task for each
///   that deals out what comes, and the client holds a lease on a stream for an exchange;
/// - as its own, where a connection lasts from one step to the next (WebSocket, events, TCP): it keeps it until the block ends that has
///   opened it ([`Clients::hangs_up`]), or the iteration ([`Clients::ends`]).
///
/// Where the run ends over an exchange its future is dropped: what it holds closes itself then.
pub enum Driver<'s> {
    Http(&'s mut http::Client, &'s http::Request),
    Sql(&'s mut sql::Client, &'s sql::Request),
    /// What begins as HTTP is written by the client of that.
    Channel(&'s mut channel::Client, &'s mut http::Client, &'s channel::Request),
    #[cfg(test)]
    Line(&'s mut tests::Client, &'s tests::Message),
}

/// Why a request cannot be made ready.
#[derive(Debug)]
pub enum Unwritten {
    /// A value in it cannot be had.
    Value(Unusable),
    /// What it goes to is no place of the scenario, and why.
    Path(String),
    /// It is longer than it may be.
    Message(String),
}

impl From<Unusable> for Unwritten {
    fn from(unusable: Unusable) -> Unwritten {
        Unwritten::Value(unusable)
    }
}

/// What came of one try, in every protocol.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// 0 if there is none.
    pub status: u16,
    /// A fault gave it.
    pub injected: bool,
    /// When it was handed to the kernel, when the first byte came, and when the last: 0 where that was not.
    pub sent: u64,
    pub first_byte: u64,
    pub end: u64,
    /// What it says of the entries that the step makes.
    pub fate: Fate,
    /// It says itself that it failed.
    pub failure: Option<Failure>,
}

impl Answer {
    /// Of a try that nothing came of yet.
    pub const NONE: Answer =
        Answer { status: 0, injected: false, sent: 0, first_byte: 0, end: 0, fate: Fate::Unknown, failure: None };
}

/// What an example shows of an exchange.
pub struct Shown<'a> {
    pub request: &'a [u8],
    /// Of the answer, and whether that is all of it.
    pub body: &'a [u8],
    pub is_whole: bool,
}

impl Clients {
    /// A session that is a user may keep connections to itself.
    pub fn new(worker: &Rc<Worker>, is_user: bool) -> Clients {
        Clients {
            http: http::Client::new(worker, is_user),
            sql: None,
            channel: None,
            worker: worker.clone(),
            is_user,
            #[cfg(test)]
            line: tests::Client::default(),
        }
    }

    pub fn driver<'s>(&'s mut self, exchange: &'s Exchange) -> Driver<'s> {
        match exchange {
            Exchange::Http(request) => Driver::Http(&mut self.http, request),
            Exchange::Sql(request) => Driver::Sql(self.sql(), request),
            Exchange::Channel(request) => {
                let worker = &self.worker;
                let channel = self.channel.get_or_insert_with(|| Box::new(channel::Client::new(worker)));
                Driver::Channel(channel, &mut self.http, request)
            }
            #[cfg(test)]
            Exchange::Line(line) => Driver::Line(&mut self.line, line),
        }
    }

    pub fn sql(&mut self) -> &mut sql::Client {
        let (worker, is_user) = (&self.worker, self.is_user);
        self.sql.get_or_insert_with(|| Box::new(sql::Client::new(worker, is_user)))
    }

    /// Closes the connection to a target that stays open from step to step.
    pub fn hangs_up(&mut self, target: usize) {
        if let Some(channel) = &mut self.channel {
            channel.hang_up(target);
        }
    }

    /// Closes all that stay open from step to step: they end with the iteration.
    pub fn ends(&mut self) {
        if let Some(channel) = &mut self.channel {
            channel.leave();
        }
    }

    /// A user of a load does not come back: closes what was theirs.
    pub fn leave(&mut self, load: usize, user: u64) {
        self.http.leave(load, user);
        if let Some(sql) = &mut self.sql {
            sql.leave(load, user);
        }
        #[cfg(test)]
        self.line.leave();
    }
}

impl Driver<'_> {
    /// Makes ready what is sent, the same for all tries, and tells the attempt where that goes. Says whether it carries a
    /// trace context.
    pub fn write(&mut self, frame: &mut Frame, attempt: &mut Attempt) -> Result<bool, Unwritten> {
        match self {
            Driver::Http(client, request) => client.write(request, frame, attempt),
            Driver::Sql(client, request) => client.write(request, frame),
            Driver::Channel(client, http, request) => client.write(request, http, frame, attempt),
            #[cfg(test)]
            Driver::Line(..) => Ok(false),
        }
    }

    /// One try, from a connection to the last byte of the answer, until it is due. It tells the attempt of each time that it
    /// sends, before it does.
    pub async fn exchange(&mut self, attempt: &mut Attempt) -> Result<(), Unanswered> {
        match self {
            Driver::Http(client, request) => client.exchange(request, attempt).await,
            // Larger than what a request of HTTP needs.
            Driver::Sql(client, request) => Box::pin(client.exchange(request, attempt)).await,
            Driver::Channel(client, http, request) => Box::pin(client.exchange(request, http, attempt)).await,
            #[cfg(test)]
            Driver::Line(client, line) => client.exchange(line, attempt).await,
        }
    }

    /// What came of the last try.
    pub fn answer(&self) -> Answer {
        match self {
            Driver::Http(client, request) => client.answer(request),
            Driver::Sql(client, _) => client.answer(),
            Driver::Channel(client, ..) => client.answer(),
            #[cfg(test)]
            Driver::Line(client, _) => client.answer(),
        }
    }

    /// Moves what later steps need of the answer to where they find it.
    pub fn keep(&mut self, kept: &mut Answered) {
        match self {
            Driver::Http(client, request) => client.keep(request, kept),
            Driver::Sql(client, request) => client.keep(request, kept),
            Driver::Channel(client, _, request) => client.keep(request, kept),
            #[cfg(test)]
            Driver::Line(client, _) => client.keep(kept),
        }
    }

    /// What is sent, for who looks on.
    pub fn text(&self) -> String {
        match self {
            Driver::Http(client, request) => client.text(request),
            Driver::Sql(client, _) => client.shown(),
            Driver::Channel(client, _, request) => client.text(request),
            #[cfg(test)]
            Driver::Line(_, line) => line.text(),
        }
    }

    /// What an example shows, where later steps have taken that body.
    pub fn shown<'a>(&'a self, kept: &'a [u8]) -> Shown<'a> {
        match self {
            Driver::Http(client, _) => client.shown(kept),
            Driver::Sql(client, _) => client.example(kept),
            Driver::Channel(client, _, request) => client.example(request, kept),
            #[cfg(test)]
            Driver::Line(_, line) => line.shown(kept),
        }
    }
}
