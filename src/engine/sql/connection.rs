//! A session with a database, whichever it is.

use super::rows::{Rows, Trouble};
use super::{Login, mysql, postgres, sqlite};
use crate::engine::pool::Pooled;
use crate::engine::stream::Peer;
use crate::engine::value::Value;
use sqlx::Error;
use std::sync::Arc;

pub struct Connection {
    session: Session,
    /// The number of the address that it leads to, where there are several.
    pub number: Option<u32>,
}

enum Session {
    Postgres(Box<postgres::Session>),
    MySql(Box<mysql::Session>),
    Sqlite(Box<sqlite::Session>),
}

impl Connection {
    pub async fn open(login: &Login, peer: &Peer, number: Option<u32>) -> Result<Connection, Error> {
        let at = match peer {
            Peer::Tcp(at) => Some(*at),
            Peer::Unix(_) => None,
        };
        let session = match login {
            Login::Postgres(login) => Session::Postgres(Box::new(postgres::Session::open(login, at).await?)),
            Login::MySql(login) => Session::MySql(Box::new(mysql::Session::open(login, at).await?)),
            Login::Sqlite(login) => Session::Sqlite(Box::new(sqlite::Session::open(login).await?)),
        };
        Ok(Connection { session, number })
    }

    /// Says how many rows a statement has changed.
    pub async fn run(
        &mut self,
        text: &Arc<str>,
        args: &[Value],
        rows: &mut Rows,
        now: &dyn Fn() -> u64,
    ) -> Result<u64, Trouble> {
        match &mut self.session {
            Session::Postgres(session) => session.run(text, args, rows, now).await,
            Session::MySql(session) => session.run(text, args, rows, now).await,
            Session::Sqlite(session) => session.run(text, args, rows, now).await,
        }
    }

    /// A statement without values and rows that bounds a transaction.
    pub async fn bounds(&mut self, text: &'static str) -> Result<(), Error> {
        match &mut self.session {
            Session::Postgres(session) => session.bounds(text).await,
            Session::MySql(session) => session.bounds(text).await,
            Session::Sqlite(session) => session.bounds(text).await,
        }
    }

    /// Whether it is in a known state after an error that the database has told.
    pub fn survives(&self, state: &str) -> bool {
        match self.session {
            Session::Postgres(_) => postgres::Session::survives(state),
            Session::MySql(_) | Session::Sqlite(_) => true,
        }
    }

    /// Nobody waits any longer for what it is at.
    pub async fn give_up(self) {
        match self.session {
            Session::MySql(session) => session.kill().await,
            // A server that misses its client, and a thread that is told.
            Session::Postgres(_) | Session::Sqlite(_) => {}
        }
    }
}

impl Pooled for Connection {
    /// Only an exchange could tell.
    fn is_open(&mut self) -> bool {
        true
    }
}
