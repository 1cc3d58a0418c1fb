//! The database: one SQLite file behind a pool whose queue is measured.

use super::catalogue;
use sqlx::Sqlite;
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// How long a request waits for a connection, or for its turn to write.
const PATIENCE: Duration = Duration::from_secs(2);

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS products (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        cents INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS orders (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        product INTEGER NOT NULL REFERENCES products (id),
        qty INTEGER NOT NULL CHECK (qty > 0),
        cents INTEGER NOT NULL
    );";

pub struct Database {
    pool: SqlitePool,
    waiting: AtomicUsize,
    writing: Mutex<()>,
    up: AtomicBool,
}

impl Database {
    pub async fn open(path: &Path, connections: u32) -> Result<Database, sqlx::Error> {
        let file = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(true);
        // The first connection sets the file up alone: the others would only get in its way.
        let mut connection = sqlx::ConnectOptions::connect(&file).await?;
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
        let mut seeding = sqlx::Connection::begin_with(&mut connection, "BEGIN IMMEDIATE").await?;
        for (id, name, cents) in catalogue::seed() {
            sqlx::query("INSERT INTO products VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING")
                .bind(id)
                .bind(name)
                .bind(cents)
                .execute(&mut *seeding)
                .await?;
        }
        seeding.commit().await?;
        // Every connection is opened now and kept, so that the pool's size is a constant of the experiment.
        let pool = PoolOptions::new()
            .min_connections(connections)
            .max_connections(connections)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(file)
            .await?;
        sqlx::Connection::close(connection).await?;
        Ok(Database { pool, waiting: AtomicUsize::new(0), writing: Mutex::new(()), up: AtomicBool::new(true) })
    }

    pub async fn connection(&self) -> Result<PoolConnection<Sqlite>, sqlx::Error> {
        if let Some(connection) = self.pool.try_acquire() {
            return Ok(connection);
        }
        let _waiting = Counted::new(&self.waiting);
        self.pool.acquire().await
    }

    /// A connection that no other writer of this shop competes with. SQLite has one writer at a time; those who
    /// wait for it here wait in order, and hold no connection that a reader could use.
    pub async fn writer(&self) -> Result<Writer<'_>, sqlx::Error> {
        let turn = tokio::time::timeout(PATIENCE, self.writing.lock()).await;
        let turn = turn.map_err(|_| sqlx::Error::PoolTimedOut)?;
        Ok(Writer { connection: self.connection().await?, _turn: turn })
    }

    /// Whether a query is answered within a second.
    pub async fn answers(&self) -> bool {
        let question = async {
            let mut connection = self.connection().await?;
            sqlx::query("SELECT 1 FROM products LIMIT 1").fetch_optional(&mut *connection).await
        };
        let answer = tokio::time::timeout(Duration::from_secs(1), question).await;
        let up = matches!(answer, Ok(Ok(_)));
        self.up.store(up, Ordering::Relaxed);
        up
    }

    /// Keeps `is_up` fresh, so that a scrape never waits for a database that does not answer.
    pub async fn watch(&self) {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            self.answers().await;
        }
    }

    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    pub fn size(&self) -> u32 {
        self.pool.options().get_max_connections()
    }

    pub fn in_use(&self) -> usize {
        (self.pool.size() as usize).saturating_sub(self.pool.num_idle())
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// The connection goes back before the next writer's turn begins.
pub struct Writer<'a> {
    connection: PoolConnection<Sqlite>,
    _turn: MutexGuard<'a, ()>,
}

impl Deref for Writer<'_> {
    type Target = sqlx::SqliteConnection;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl DerefMut for Writer<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

/// Counts itself for as long as it lives, also when the waiting is given up.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Counted<'a> {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
