//! The driver of SQL: statements sent to PostgreSQL, MySQL or MariaDB, and SQLite through the connections of a pool, each prepared once
//! per connection. Rows become a JSON text, which steps look into as into any other answer.

mod client;
mod connection;
mod date;
mod mysql;
mod numeric;
mod postgres;
mod request;
mod rows;
mod sqlite;
mod state;

pub use client::Client;
pub use request::Request;

use super::pool::Pool;
use crate::plan::Target;
use connection::Connection;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use std::fmt;

/// What the clients of a worker share.
pub struct Shared {
    pool: Pool<Connection>,
}

impl Shared {
    /// For one of several workers that share what the run allows, by its place among them.
    pub fn new(targets: &[Target], place: u64, parts: u64) -> Shared {
        Shared { pool: Pool::new(targets, place, parts) }
    }
}

/// A database, and the user to connect as. Where it listens says the endpoint.
#[derive(Clone)]
pub enum Login {
    Postgres(Box<PgConnectOptions>),
    MySql(Box<MySqlConnectOptions>),
    /// A file.
    Sqlite(Box<SqliteConnectOptions>),
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
