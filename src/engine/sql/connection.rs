//! A session with a database, whichever it is.

use super::caught::caught;
use super::relay::{Relay, Way};
use super::rows::{Rows, Trouble};
use super::{Login, Unopened, mysql, postgres, sqlite};
use crate::engine::pool::Pooled;
use crate::engine::value::Value;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub struct Connection {
    session: Session,
    /// What it goes through, where that is encrypted.
    relay: Option<Relay>,
    /// The number of the address that it leads to, where there are several.
    pub number: Option<u32>,
}

enum Session {
    Postgres(Box<postgres::Session>),
    MySql(Box<mysql::Session>),
    Sqlite(Box<sqlite::Session>),
}

impl Connection {
    pub async fn open(login: &Login, way: &Way, within: Duration, number: Option<u32>) -> Result<Connection, Unopened> {
        caught(Connection::opened(login, way, within, number)).await.map_err(Unopened::Broken)?
    }

    async fn opened(login: &Login, way: &Way, within: Duration, number: Option<u32>) -> Result<Connection, Unopened> {
        let (session, relay) = match login {
            Login::Postgres(login) => {
                let (session, relay) = postgres::Session::open(login, way, within).await?;
                (Session::Postgres(Box::new(session)), relay)
            }
            Login::MySql(login) => {
                let (session, relay) = mysql::Session::open(login, way, within).await?;
                (Session::MySql(Box::new(session)), relay)
            }
            Login::Sqlite(login) => (Session::Sqlite(Box::new(sqlite::Session::open(login).await?)), None),
        };
        Ok(Connection { session, relay, number })
    }

    /// Says how many rows a statement has changed.
    pub async fn run(
        &mut self,
        text: &Arc<str>,
        args: &[Value],
        rows: &mut Rows,
        now: &dyn Fn() -> u64,
    ) -> Result<u64, Trouble> {
        let done = match &mut self.session {
            Session::Postgres(session) => caught(session.run(text, args, rows, now)).await,
            Session::MySql(session) => caught(session.run(text, args, rows, now)).await,
            Session::Sqlite(session) => Ok(session.run(text, args, rows, now).await),
        };
        done.map_err(Trouble::Broken)?.map_err(|trouble| self.on_the_way(trouble))
    }

    /// A statement without values and rows that bounds a transaction.
    pub async fn bounds(&mut self, text: &'static str) -> Result<(), Trouble> {
        let done = match &mut self.session {
            Session::Postgres(session) => caught(session.bounds(text)).await,
            Session::MySql(session) => caught(session.bounds(text)).await,
            Session::Sqlite(session) => Ok(session.bounds(text).await),
        };
        done.map_err(Trouble::Broken)?.map_err(|error| self.on_the_way(error.into()))
    }

    /// What broke on the way explains more than that the end of the way is closed.
    fn on_the_way(&self, trouble: Trouble) -> Trouble {
        match (&trouble, self.relay.as_ref().and_then(Relay::broken)) {
            (Trouble::Sql(sqlx::Error::Io(_)), Some(broken)) => Trouble::Broken(broken),
            _ => trouble,
        }
    }

    /// Whether it is in a known state after an error that the database has told.
    pub fn survives(&self, state: &str) -> bool {
        match self.session {
            Session::Postgres(_) => postgres::Session::survives(state),
            Session::MySql(_) | Session::Sqlite(_) => true,
        }
    }

    /// What must be ended on the server when nobody waits for it any longer.
    pub fn known(&self) -> Option<Rc<mysql::Known>> {
        match &self.session {
            Session::MySql(session) => Some(session.known.clone()),
            // A server that misses its client, and a thread that is told.
            Session::Postgres(_) | Session::Sqlite(_) => None,
        }
    }
}

impl Pooled for Connection {
    /// sqlx keeps its stream for itself, so only an exchange could tell, or what the stream goes through.
    fn is_open(&mut self) -> bool {
        !self.relay.as_ref().is_some_and(Relay::is_over)
    }
}
