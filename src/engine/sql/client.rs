//! The SQL client of one session: a statement with its values, the connection that each try takes, and what came of it.

use super::Unopened;
use super::connection::Connection;
use super::relay::Way;
use super::request::Request;
use super::rows::{Rows, Trouble};
use super::state::{Said, of_session, shortened};
use crate::engine::driver::{Answer, Shown, Unwritten};
use crate::engine::flow::attempt::Attempt;
use crate::engine::pace::budget::Unanswered;
use crate::engine::pool::{self, Owned};
use crate::engine::stream::Opening;
use crate::engine::value::answered::Answered;
use crate::engine::value::{Frame, Value, explain};
use crate::engine::worker::Worker;
use crate::measure::{Failure, Fate};
use sqlx::Error;
use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

/// As much of a value is told as a person can read.
const SHOWN: usize = 200;

/// The transaction that the statements of a session are of.
struct Transaction {
    target: usize,
    /// Load and user.
    who: (usize, u64),
    /// Since its first statement.
    held: Option<(Connection, Place)>,
}

/// A place in a pool, given back when it is dropped.
struct Place(Option<(Rc<Worker>, usize)>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((worker, target)) = self.0.take() {
            worker.sql.pool.gives_back(target);
        }
    }
}

pub struct Client {
    worker: Rc<Worker>,
    own: Owned<Connection>,
    transaction: Option<Transaction>,
    text: Arc<str>,
    args: Vec<Value>,
    /// Both, for a person.
    shown: OnceCell<String>,
    rows: Rows,
    affected: u64,
    answer: Answer,
    /// What the database says of a failure.
    said: String,
}

/// Nobody waits any longer for what a connection is at. Its place in the pool is taken until it is over.
fn give_up(worker: Rc<Worker>, connection: Connection, place: Place) {
    tokio::task::spawn_local(async move {
        if let Some(known) = connection.known() {
            known.kill().await;
            worker.sql.is_over(&known);
        }
        drop((connection, place));
    });
}

impl Client {
    pub fn new(worker: &Rc<Worker>, is_user: bool) -> Client {
        Client {
            worker: worker.clone(),
            own: pool::own(worker, is_user),
            transaction: None,
            text: "".into(),
            args: Vec::new(),
            shown: OnceCell::new(),
            rows: Rows::default(),
            affected: 0,
            answer: Answer::NONE,
            said: String::new(),
        }
    }

    /// Closes the connections of a user who does not come back.
    pub fn leave(&mut self, load: usize, user: u64) {
        self.worker.sql.pool.forget(load, user);
    }

    pub fn write(&mut self, request: &Request, frame: &mut Frame) -> Result<bool, Unwritten> {
        let paths = &self.worker.lowered.paths;
        self.text = request.text(frame, paths)?;
        request.write(frame, paths, &mut self.args)?;
        self.shown = OnceCell::new();
        if let Some(tracer) = &self.worker.tracer {
            tracer.learn(frame);
        }
        Ok(false)
    }

    /// One try: a place in the pool, a connection, and the statement to its last row. Its timeout is one for all of these.
    pub async fn exchange(&mut self, request: &Request, attempt: &mut Attempt) -> Result<(), Unanswered> {
        let worker = self.worker.clone();
        let host = &worker.lowered.hosts[attempt.target];
        let pool = &worker.sql.pool;
        self.answer = Answer::NONE;
        self.said.clear();
        self.rows.begin(request.keep_rows || worker.tracer.is_some());
        let key = (attempt.load, attempt.user, attempt.target);
        let is_within = self.transaction.as_ref().is_some_and(|own| own.target == attempt.target);
        let held = self.transaction.as_mut().filter(|_| is_within).and_then(|own| own.held.take());
        let begins = is_within && held.is_none();
        let (mut connection, place) = match held {
            Some(held) => held,
            None => {
                let place = self.place(attempt).await?;
                match pool.take(&mut self.own, key, host.connections) {
                    Some(connection) => {
                        attempt.goes_to(attempt.target, connection.number);
                        (connection, place)
                    }
                    None => (self.opens(attempt).await?, place),
                }
            }
        };
        let sent = match attempt.sends() {
            Ok(sent) => sent,
            Err(unsent) => {
                // Within a transaction it is closed, which rolls that back.
                if !is_within || begins {
                    pool.keep(&mut self.own, key, host.connections, connection);
                }
                return Err(unsent);
            }
        };
        self.answer.sent = sent;
        attempt.tell(|| self.shown());
        let now = || worker.timers.clock.now();
        // Whatever cuts this off leaves the server at work.
        let known = connection.known();
        known.iter().for_each(|known| worker.sql.begins(known));
        let run = async {
            if begins {
                connection.bounds("BEGIN").await?;
            }
            connection.run(&self.text, &self.args, &mut self.rows, &now).await
        };
        let done = timeout(attempt.left(sent), run).await;
        self.rows.end();
        if worker.counts_bytes {
            attempt.carried(self.text.len() as u64 + self.rows.bytes);
        }
        let Ok(done) = done else {
            give_up(worker, connection, place);
            return Err(Failure::Timeout.into());
        };
        known.iter().for_each(|known| worker.sql.is_over(known));
        let (result, survives) = self.took(done, &connection, attempt);
        match self.transaction.as_mut().filter(|_| is_within) {
            Some(own) => own.held = survives.then_some((connection, place)),
            None if survives => pool.keep(&mut self.own, key, host.connections, connection),
            None => {}
        }
        if let (Some(tracer), Ok(())) = (&worker.tracer, result) {
            let body = if self.said.is_empty() { self.rows.text.as_bytes() } else { self.said.as_bytes() };
            tracer.answer(&self.answer, String::new(), (body, self.rows.bytes), attempt.connecting);
        }
        Ok(result?)
    }

    /// A pool that is used up is waited for.
    async fn place(&self, attempt: &mut Attempt) -> Result<Place, Failure> {
        let worker = &self.worker;
        match worker.sql.pool.place(attempt.target, attempt.left(attempt.began)).await {
            Ok(place) => Ok(Place(place.map(SemaphorePermit::forget).map(|()| (worker.clone(), attempt.target)))),
            Err(failure) => {
                attempt.because = Some("no connection of the pool became free in time".to_owned());
                Err(failure)
            }
        }
    }

    /// The statements that follow, to this target, are of one transaction.
    pub fn begins(&mut self, who: (usize, u64), target: usize) {
        self.transaction = Some(Transaction { target, who, held: None });
    }

    pub async fn commits(&mut self) -> Result<(), Failure> {
        self.ends("COMMIT").await
    }

    /// What cannot be rolled back ends with its connection.
    pub async fn rolls_back(&mut self) {
        let _ = self.ends("ROLLBACK").await;
    }

    async fn ends(&mut self, text: &'static str) -> Result<(), Failure> {
        let Some(Transaction { target, who: (load, user), held: Some((mut connection, place)) }) =
            self.transaction.take()
        else {
            return Ok(());
        };
        let worker = self.worker.clone();
        let allowed = Duration::from_nanos(worker.plan.targets[target].timeout);
        let ended = timeout(allowed, connection.bounds(text)).await;
        let host = &worker.lowered.hosts[target];
        match ended {
            Ok(Ok(())) => {
                worker.sql.pool.keep(&mut self.own, (load, user, target), host.connections, connection);
                Ok(())
            }
            Ok(Err(trouble)) => Err(match (&trouble, &host.login) {
                (Trouble::Broken(broken), _) => broken.failure,
                (Trouble::Sql(Error::Database(said)), Some(login)) => Said::of(login, said.as_ref()).failure,
                (Trouble::Sql(error), Some(login)) => of_session(login, error).0,
                _ => Failure::Connect,
            }),
            Err(_) => {
                give_up(worker, connection, place);
                Err(Failure::Timeout)
            }
        }
    }

    async fn opens(&mut self, attempt: &mut Attempt) -> Result<Connection, Unanswered> {
        let worker = self.worker.clone();
        let (clock, host) = (&worker.timers.clock, &worker.lowered.hosts[attempt.target]);
        let Some(login) = &host.login else { return Err(Failure::Connect.into()) };
        let (peer, number) = host.next();
        attempt.goes_to(attempt.target, number);
        let began = clock.now();
        let shown = host.shown_by((attempt.load, attempt.user));
        let secured = shown.as_deref().or(host.secured.as_ref()).cloned();
        let (way, left) = (Way::new(peer, secured), attempt.left(began));
        let opened = timeout(left, Connection::open(login, &way, left, number)).await;
        // Never nothing: 0 says that it was not done.
        let connect = (clock.now() - began).saturating_sub(way.tls().unwrap_or(0)).max(1);
        attempt.connected(Opening { connect, tls: way.tls() });
        match opened {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(Unopened::Broken(broken))) => Err(attempt.broke(broken).into()),
            Ok(Err(Unopened::Sql(Error::Io(error)))) => {
                attempt.because = Some(format!("no connection to the database: {}", error.kind()));
                Err(Failure::of_connect(&error).into())
            }
            Ok(Err(Unopened::Sql(error))) => {
                let (failure, because) = of_session(login, &error);
                attempt.because = because;
                Err(failure.into())
            }
            Err(_) => {
                attempt.because = Some("no session with the database was open in time".to_owned());
                Err(Failure::Timeout.into())
            }
        }
    }

    /// Takes in what came of a statement. Says whether its connection can go on as well.
    fn took(
        &mut self,
        done: Result<u64, Trouble>,
        connection: &Connection,
        attempt: &mut Attempt,
    ) -> (Result<(), Failure>, bool) {
        let worker = self.worker.clone();
        let end = worker.timers.clock.now();
        self.answer.end = end;
        self.answer.first_byte = if self.rows.first > 0 { self.rows.first } else { end };
        let trouble = match done {
            Ok(affected) => {
                self.affected = affected;
                self.answer.fate = Fate::Acknowledged;
                return (Ok(()), true);
            }
            Err(trouble) => trouble,
        };
        let Some(login) = &worker.lowered.hosts[attempt.target].login else { return (Err(Failure::Connect), false) };
        match trouble {
            Trouble::Sql(Error::Database(error)) => {
                let said = Said::of(login, error.as_ref());
                let survives = said.failure != Failure::Connection && connection.survives(&said.state);
                attempt.because = Some(said.message.clone());
                attempt.state = Some(said.state);
                if said.failure.is_unanswered() {
                    return (Err(said.failure), survives);
                }
                // A statement that fails does nothing.
                self.answer.fate = Fate::Refused;
                self.answer.failure = Some(said.failure);
                self.said = said.message;
                (Ok(()), survives)
            }
            Trouble::Sql(error) => {
                let (failure, because) = of_session(login, &error);
                attempt.because = because;
                (Err(failure), false)
            }
            Trouble::Broken(broken) => (Err(attempt.broke(broken)), false),
            Trouble::Argument(why) => {
                attempt.because = Some(shortened(&why));
                (Err(Failure::Data), true)
            }
            Trouble::Column(why) => {
                attempt.because = Some(shortened(&why));
                (Err(Failure::Data), false)
            }
            Trouble::TooMany(why) => {
                attempt.because = Some(why);
                (Err(Failure::TooLarge), false)
            }
        }
    }

    pub fn answer(&self) -> Answer {
        self.answer
    }

    pub fn keep(&mut self, request: &Request, kept: &mut Answered) {
        kept.wire_size = self.rows.bytes;
        kept.affected = self.affected;
        if request.keep_rows {
            kept.body.clear();
            std::mem::swap(&mut kept.room, &mut self.rows.room);
            kept.body = std::mem::take(&mut self.rows.text).into_bytes();
        }
    }

    /// The statement, and behind it the values for its places.
    pub fn shown(&self) -> String {
        let told = |value: &Value| explain::shown(value, SHOWN);
        match self.args.is_empty() {
            true => self.text.to_string(),
            false => {
                let values: Vec<String> = self.args.iter().map(told).collect();
                format!("{}\n-- args: {}", self.text, values.join(", "))
            }
        }
    }

    /// What an example shows.
    pub fn example<'a>(&'a self, kept: &'a [u8]) -> Shown<'a> {
        let request = self.shown.get_or_init(|| self.shown()).as_bytes();
        Shown { request, body: kept, is_whole: true }
    }
}
