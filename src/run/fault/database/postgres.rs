//! Faults on a PostgreSQL.

use super::{Server, quoted};
use crate::base::database::Database;
use crate::engine::sql::{self, Unopened, Way};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Error};

/// What clients may have: all but what is kept for superusers and for those who are let in by name (since version 16).
const PLACES: &str = "SELECT (SELECT setting::int8 FROM pg_settings WHERE name = 'max_connections')
    - coalesce((SELECT sum(setting::int8)::int8 FROM pg_settings
        WHERE name IN ('superuser_reserved_connections', 'reserved_connections')), 0)";
const OPEN: &str = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
/// A database that has no place left even for its owner.
const FULL: &str = "53300";
/// How our sessions are called.
const NAME: &str = "stressc";
/// Of clients of this database: who comes as the owner of one that the run has started is one of ours.
const KILL_OF_OURS: &str = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname = current_database() AND usename <> current_user";
/// For another database: all sessions that do not have the name of ours.
const KILL_OF_OTHERS: &str = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname = current_database() AND application_name <> 'stressc'";
const WAITERS: &str = "SELECT count(DISTINCT waiting.pid) FROM pg_locks waiting
    WHERE NOT waiting.granted AND waiting.relation = $1::regclass
      AND waiting.database = (SELECT oid FROM pg_database WHERE datname = current_database())";

#[derive(Clone)]
pub struct Postgres {
    options: PgConnectOptions,
    way: Way,
    /// The run has started it, so nobody but the run comes as its owner.
    is_ours: bool,
}

impl Postgres {
    pub fn of(known: &Database, way: Way) -> Result<Postgres, String> {
        let options = crate::demo::options(known)?;
        Ok(Postgres { options: options.application_name(NAME), way, is_ours: false })
    }

    /// One that the run has started, by the socket of a private directory.
    pub fn ours(url: &str) -> Result<Postgres, String> {
        let (known, way) = super::way(url, None)?;
        Ok(Postgres { is_ours: true, ..Postgres::of(&known, way)? })
    }
}

impl Server for Postgres {
    type Session = PgConnection;

    async fn connect(&self) -> Result<PgConnection, Unopened> {
        sql::to_postgres(self.options.clone(), &self.way, super::PATIENCE).await
    }

    async fn places(session: &mut PgConnection) -> Result<i64, Error> {
        sqlx::query_scalar(PLACES).fetch_one(session).await
    }

    async fn open(session: &mut PgConnection) -> Result<i64, Error> {
        sqlx::query_scalar(OPEN).fetch_one(session).await
    }

    fn is_full(error: &Error) -> bool {
        matches!(error, Error::Database(refused) if refused.code().as_deref() == Some(FULL))
    }

    async fn kill(&self, session: &mut PgConnection) -> Result<u64, Error> {
        let kill = if self.is_ours { KILL_OF_OURS } else { KILL_OF_OTHERS };
        let killed: i64 = sqlx::query_scalar(kill).fetch_one(session).await?;
        Ok(killed.max(0) as u64)
    }

    async fn lock(session: &mut PgConnection, table: &str) -> Result<(), Error> {
        sqlx::query("BEGIN").execute(&mut *session).await?;
        let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", quoted(table, '"'));
        sqlx::query(AssertSqlSafe(lock)).execute(session).await.map(drop)
    }

    async fn unlock(session: &mut PgConnection) -> Result<(), Error> {
        sqlx::query("COMMIT").execute(session).await.map(drop)
    }

    async fn waiters(session: &mut PgConnection, table: &str) -> Result<i64, Error> {
        sqlx::query_scalar(WAITERS).bind(quoted(table, '"')).fetch_one(session).await
    }
}
