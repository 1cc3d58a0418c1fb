//! The driver of SQL: statements sent to PostgreSQL, MySQL or MariaDB, and SQLite through the connections of a pool, each prepared once
//! per connection. Rows become a JSON text, which steps look into as into any other answer.

mod caught;
mod client;
mod connection;
mod date;
mod mysql;
mod numeric;
mod postgres;
mod relay;
mod request;
mod rows;
mod sqlite;
mod state;
mod upgrade;

pub use client::Client;
pub use relay::Way;
pub use request::Request;

use super::pool::Pool;
use super::stream::Broken;
use crate::plan::Target;
use connection::Connection;
use mysql::Known;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::SqliteConnectOptions;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinSet;

/// What the clients of a worker share.
pub struct Shared {
    pool: Pool<Connection>,
    under_way: RefCell<HashMap<usize, Rc<Known>>>,
}

/// Statements that their servers do not miss the client of.
pub struct UnderWay(Vec<Rc<Known>>);

impl Shared {
    /// For one of several workers that share what the run allows, by its place among them.
    pub fn new(targets: &[Target], place: u64, parts: u64) -> Shared {
        Shared { pool: Pool::new(targets, place, parts), under_way: RefCell::default() }
    }

    /// A statement begins; its session is ended with the run, unless it is over before.
    fn begins(&self, known: &Rc<Known>) {
        self.under_way.borrow_mut().insert(Rc::as_ptr(known).addr(), known.clone());
    }

    fn is_over(&self, known: &Rc<Known>) {
        self.under_way.borrow_mut().remove(&Rc::as_ptr(known).addr());
    }

    pub fn under_way(&self) -> UnderWay {
        UnderWay(self.under_way.take().into_values().collect())
    }
}

impl UnderWay {
    /// All at a time, when nothing else is done any more.
    pub async fn end(self) {
        let mut all = JoinSet::new();
        for known in self.0 {
            all.spawn_local(async move { known.kill().await });
        }
        all.join_all().await;
    }
}

/// A database, and the user to connect as. Where it listens says the endpoint.
#[derive(Clone)]
pub enum Login {
    Postgres(Box<PgConnectOptions>),
    MySql(Box<MySqlLogin>),
    /// A file.
    Sqlite(Box<SqliteConnectOptions>),
}

#[derive(Clone)]
pub struct MySqlLogin {
    pub options: MySqlConnectOptions,
    /// Which the options keep for themselves.
    pub password: String,
}

/// Why there is no session.
pub enum Unopened {
    Sql(sqlx::Error),
    /// On the way to the server.
    Broken(Broken),
}

/// A session of those who are no driver, such as faults.
pub async fn to_postgres(options: PgConnectOptions, way: &Way, within: Duration) -> Result<PgConnection, Unopened> {
    let connected = caught::caught(postgres::connected(options, way, within)).await;
    Ok(connected.map_err(Unopened::Broken)??.0)
}

pub async fn to_mysql(login: &MySqlLogin, way: &Way, within: Duration) -> Result<MySqlConnection, Unopened> {
    let connected = caught::caught(mysql::connected(login, way, within)).await;
    Ok(connected.map_err(Unopened::Broken)??.0)
}

impl From<sqlx::Error> for Unopened {
    fn from(error: sqlx::Error) -> Unopened {
        Unopened::Sql(error)
    }
}

/// Without what it says of a password.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Login::Postgres(_) => "Postgres",
            Login::MySql(_) => "MySql",
            Login::Sqlite(_) => "Sqlite",
        })
    }
}

/// So many statements stay prepared on a connection.
const PREPARED: usize = 1000;
