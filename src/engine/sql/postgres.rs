//! A session with a PostgreSQL. The server says of which types the values for the places of a statement are, and of which its columns.

mod kind;

use super::relay::{self, Relay, Way};
use super::rows::{Rows, Trouble, each, places_are, take};
use super::{PREPARED, Unopened};
use crate::engine::stream::Peer;
use crate::engine::value::Value;
use kind::{Argument, Kind, Unread};
use sqlx::postgres::{PgArguments, PgColumn, PgConnectOptions, PgConnection, PgQueryResult, PgValueRef};
use sqlx::{Arguments, AssertSqlSafe, Column, ConnectOptions, Either, Error, Executor, SqlSafeStr, Statement};
use std::collections::HashMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A server that looks now and then ends the statement of a client that has gone. Versions before 14 do not know it.
const LOOKS_FOR_ITS_CLIENT: &str = "SET client_connection_check_interval = '500ms'";
/// What was prepared is of no use any more, since its tables have changed.
const STALE: &str = "0A000";

pub struct Session {
    connection: PgConnection,
    known: HashMap<Arc<str>, Rc<Known>>,
}

/// What the server says of a statement.
struct Known {
    places: Vec<Kind>,
    columns: Vec<Kind>,
}

impl Session {
    pub async fn open(
        login: &PgConnectOptions,
        way: &Way,
        within: Duration,
    ) -> Result<(Session, Option<Relay>), Unopened> {
        let options = login.clone().statement_cache_capacity(PREPARED).disable_statement_logging();
        let (mut connection, relay) = connected(options, way, within).await?;
        match connection.execute(LOOKS_FOR_ITS_CLIENT).await {
            Ok(_) | Err(Error::Database(_)) => Ok((Session { connection, known: HashMap::new() }, relay)),
            Err(error) => Err(error.into()),
        }
    }

    pub async fn bounds(&mut self, text: &'static str) -> Result<(), Error> {
        sqlx::raw_sql(text).execute(&mut self.connection).await.map(drop)
    }

    /// Says how many rows it has changed, or found.
    pub async fn run(
        &mut self,
        text: &Arc<str>,
        args: &[Value],
        rows: &mut Rows,
        now: &dyn Fn() -> u64,
    ) -> Result<u64, Trouble> {
        let known = self.known(text).await?;
        places_are(known.places.len(), args.len())?;
        let mut arguments = PgArguments::default();
        for (index, (kind, value)) in known.places.iter().zip(args).enumerate() {
            let added = arguments.add(Argument { kind, value });
            added.map_err(|why| Trouble::Argument(format!("`${}` is {}: {why}", index + 1, kind.name())))?;
        }
        let query = sqlx::query_with(AssertSqlSafe(text.clone()), arguments);
        let mut found = self.connection.fetch_many(query);
        let next = async || poll_fn(|cx| found.as_mut().poll_next(cx)).await;
        let read =
            |column: &_, value: PgValueRef<'_>, out: Option<&mut String>| read(column, &known.columns, &value, out);
        each(next, PgQueryResult::rows_affected, (rows, now), |row, rows| take(row, rows, read)).await
    }

    async fn known(&mut self, text: &Arc<str>) -> Result<Rc<Known>, Error> {
        if let Some(known) = self.known.get(text) {
            return Ok(known.clone());
        }
        let statement = (&mut self.connection).prepare(AssertSqlSafe(text.clone()).into_sql_str()).await?;
        let places = match statement.parameters() {
            Some(Either::Left(places)) => places.iter().map(Kind::of).collect(),
            Some(Either::Right(_)) | None => Vec::new(),
        };
        let columns = statement.columns().iter().map(|column| Kind::of(column.type_info()));
        let known = Rc::new(Known { places, columns: columns.collect() });
        // As many as the connection keeps, of those that are made anew each time.
        if self.known.len() >= PREPARED {
            self.known.clear();
        }
        self.known.insert(text.clone(), known.clone());
        Ok(known)
    }

    /// Whether it can go on after an error that the server has told.
    pub fn survives(state: &str) -> bool {
        state != STALE
    }
}

/// At its address, through TLS where that is so, or at the socket that the login names.
pub async fn connected(
    options: PgConnectOptions,
    way: &Way,
    within: Duration,
) -> Result<(PgConnection, Option<Relay>), Unopened> {
    /// As it is there that sqlx looks for a socket.
    const ENDING: &str = "/.s.PGSQL.5432";
    match (&way.peer, &way.secured) {
        (Peer::Tcp(at), None) => Ok((options.host(&at.ip().to_string()).port(at.port()).connect().await?, None)),
        (Peer::Unix(_), None) => Ok((options.connect().await?, None)),
        (_, Some(secured)) => {
            let (relay, path) = Relay::start(way, secured, relay::Kind::Postgres, ENDING, within).map_err(Error::Io)?;
            relay.client(options.socket(path).port(5432).connect()).await
        }
    }
}

fn read(column: &PgColumn, kinds: &[Kind], value: &PgValueRef<'_>, out: Option<&mut String>) -> Result<u64, Trouble> {
    let bytes = value.as_bytes().map_err(Error::Decode)?;
    let kind = &kinds[column.ordinal()];
    let written = out.map_or(Ok(()), |out| kind.read(bytes, out));
    written.map(|()| bytes.len() as u64).map_err(|unread| {
        let (name, kind) = (column.name(), kind.name());
        match unread {
            Unread::Type => {
                Trouble::Column(format!("the column `{name}` is {kind}, which is read as a text: write `{name}::text`"))
            }
            Unread::Broken => Error::Protocol(format!("the value of the column `{name}` is no {kind}")).into(),
        }
    })
}
