//! The index of runs: one row per run, in an SQLite file next to the records or in a PostgreSQL that several machines share.
//! The records are the truth; the index can always be made again from them.

mod run;

pub use run::{IndexedRun, Metric, indexed, metric_name};

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteError, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Postgres, Row, Sqlite, Transaction};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The number of the tables' form, which is one more with each migration.
const SCHEMA: i64 = 1;

/// What makes each form from the one before; the first makes everything. Both databases take the same statements.
const MIGRATIONS: [&[&str]; SCHEMA as usize] = [&[
    "CREATE TABLE stressc_runs (
        id TEXT PRIMARY KEY,
        file TEXT NOT NULL,
        scenario TEXT NOT NULL,
        profile TEXT,
        started TEXT NOT NULL,
        plan TEXT NOT NULL,
        trusted BIGINT NOT NULL,
        verdict TEXT NOT NULL,
        commit_id TEXT,
        metrics TEXT NOT NULL
    )",
    "CREATE INDEX stressc_runs_of ON stressc_runs (scenario, file, started)",
]];

/// How long another process may hold the database.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where an index is kept.
#[derive(Debug, Clone)]
pub enum Place {
    File(PathBuf),
    Server(Box<PgConnectOptions>),
}

/// Why the index cannot be used.
#[derive(Debug)]
pub enum IndexError {
    /// A later version made it.
    Newer(i64),
    /// It is no database, or not whole.
    Damaged(String),
    Other(String),
}

impl std::fmt::Display for IndexError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            IndexError::Newer(schema) => write!(
                f,
                "it has schema {schema}, and this version knows schemas up to {SCHEMA}: use the stressc that wrote it, or a later one"
            ),
            IndexError::Damaged(problem) => write!(f, "it is damaged ({problem})"),
            IndexError::Other(problem) => f.write_str(problem),
        }
    }
}

impl From<sqlx::Error> for IndexError {
    fn from(error: sqlx::Error) -> IndexError {
        // SQLITE_CORRUPT and SQLITE_NOTADB, whose extended codes have more bits above these.
        const DAMAGED: [u32; 2] = [11, 26];
        let is_damaged = |code: &str| code.parse::<u32>().is_ok_and(|code| DAMAGED.contains(&(code & 0xff)));
        match &error {
            sqlx::Error::Database(own)
                if own.try_downcast_ref::<SqliteError>().is_some()
                    && own.code().is_some_and(|code| is_damaged(&code)) =>
            {
                IndexError::Damaged(own.message().to_owned())
            }
            sqlx::Error::Database(own) => IndexError::Other(own.message().to_owned()),
            sqlx::Error::PoolTimedOut => IndexError::Other(format!("no connection within {}s", PATIENCE.as_secs())),
            other => IndexError::Other(other.to_string()),
        }
    }
}

pub enum Index {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// The same statements with either database.
macro_rules! on {
    ($index:expr, $it:ident => $body:expr) => {
        match $index {
            Index::Sqlite($it) => $body,
            Index::Postgres($it) => $body,
        }
    };
}

const PUT: &str =
    "INSERT INTO stressc_runs (id, file, scenario, profile, started, plan, trusted, verdict, commit_id, metrics)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (id) DO UPDATE SET metrics = excluded.metrics, trusted = excluded.trusted, verdict = excluded.verdict,
        commit_id = excluded.commit_id";
const NEWEST: &str =
    "SELECT id, file, scenario, profile, started, plan, trusted, verdict, commit_id, metrics FROM stressc_runs
    WHERE scenario = $1 AND file = $2 ORDER BY started DESC, id DESC LIMIT $3";

impl Index {
    /// Opens it, and makes its tables or brings them to this version's form.
    pub async fn open(place: &Place) -> Result<Index, IndexError> {
        match place {
            Place::File(path) => sqlite(path).await,
            Place::Server(options) => postgres(options).await,
        }
    }

    /// Adds runs, or replaces those that are there.
    pub async fn put(&self, runs: &[IndexedRun]) -> Result<(), IndexError> {
        on!(self, pool => {
            let mut all = pool.begin().await?;
            for run in runs {
                let metrics = serde_json::to_string(&run.metrics).expect("metrics are plain data");
                sqlx::query(PUT)
                    .bind(&run.id)
                    .bind(&run.file)
                    .bind(&run.scenario)
                    .bind(&run.profile)
                    .bind(&run.started)
                    .bind(&run.plan)
                    .bind(i64::from(run.trusted))
                    .bind(&run.verdict)
                    .bind(&run.commit)
                    .bind(metrics)
                    .execute(&mut *all)
                    .await?;
            }
            all.commit().await?;
        });
        Ok(())
    }

    /// Forgets runs whose records are gone.
    pub async fn forget(&self, ids: &[String]) -> Result<(), IndexError> {
        on!(self, pool => {
            let mut all = pool.begin().await?;
            for id in ids {
                sqlx::query("DELETE FROM stressc_runs WHERE id = $1").bind(id).execute(&mut *all).await?;
            }
            all.commit().await?;
        });
        Ok(())
    }

    pub async fn ids(&self) -> Result<BTreeSet<String>, IndexError> {
        let ids: Vec<String> =
            on!(self, pool => sqlx::query_scalar("SELECT id FROM stressc_runs").fetch_all(pool).await?);
        Ok(ids.into_iter().collect())
    }

    /// The scenarios of which there are runs, each with its file.
    pub async fn scenarios(&self) -> Result<Vec<(String, String)>, IndexError> {
        const ALL: &str = "SELECT DISTINCT file, scenario FROM stressc_runs ORDER BY file, scenario";
        Ok(on!(self, pool => sqlx::query_as(ALL).fetch_all(pool).await?))
    }

    /// The newest runs of a scenario, the oldest of them first.
    pub async fn newest(&self, (file, scenario): (&str, &str), most: usize) -> Result<Vec<IndexedRun>, IndexError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut runs: Vec<IndexedRun> = on!(self, pool => {
            let rows = sqlx::query(NEWEST).bind(scenario).bind(file).bind(most).fetch_all(pool).await?;
            rows.iter().map(Read::read).collect::<Result<_, IndexError>>()?
        });
        runs.reverse();
        Ok(runs)
    }

    pub async fn close(self) {
        on!(self, pool => pool.close().await);
    }
}

/// A row of either database.
trait Read {
    fn read(&self) -> Result<IndexedRun, IndexError>;
}

macro_rules! read {
    ($row:ty) => {
        impl Read for $row {
            fn read(&self) -> Result<IndexedRun, IndexError> {
                let metrics: String = self.try_get("metrics")?;
                let damaged = |error: serde_json::Error| IndexError::Damaged(error.to_string());
                Ok(IndexedRun {
                    id: self.try_get("id")?,
                    file: self.try_get("file")?,
                    scenario: self.try_get("scenario")?,
                    profile: self.try_get("profile")?,
                    started: self.try_get("started")?,
                    plan: self.try_get("plan")?,
                    trusted: self.try_get::<i64, _>("trusted")? != 0,
                    verdict: self.try_get("verdict")?,
                    commit: self.try_get("commit_id")?,
                    metrics: serde_json::from_str(&metrics).map_err(damaged)?,
                })
            }
        }
    };
}

read!(SqliteRow);
read!(PgRow);

/// The file of an index and those that SQLite keeps next to it.
pub fn files(path: &Path) -> [PathBuf; 4] {
    ["", "-wal", "-shm", "-journal"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

async fn sqlite(path: &Path) -> Result<Index, IndexError> {
    // A repository could bring a link that leads the database elsewhere.
    for own in files(path) {
        match own.symlink_metadata() {
            Ok(found) if !found.is_file() => {
                return Err(IndexError::Other(format!("`{}` is no regular file", own.display())));
            }
            Ok(_) | Err(_) => {}
        }
    }
    make_private(path).map_err(|error| IndexError::Other(error.to_string()))?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(PATIENCE);
    let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(2 * PATIENCE).connect_with(options).await?;
    // One process migrates, and the others wait for it.
    let mut all = pool.begin_with("BEGIN IMMEDIATE").await?;
    migrate_sqlite(&mut all).await?;
    all.commit().await?;
    Ok(Index::Sqlite(pool))
}

/// Makes an empty file for its user alone. SQLite gives the files next to it the same rights.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn postgres(options: &PgConnectOptions) -> Result<Index, IndexError> {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE).connect_with(options.clone()).await?;
    let mut all = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock(7368)").execute(&mut *all).await?;
    migrate_postgres(&mut all).await?;
    all.commit().await?;
    Ok(Index::Postgres(pool))
}

/// The same steps for the transactions of both.
macro_rules! migrate {
    ($name:ident, $database:ty) => {
        async fn $name(all: &mut Transaction<'_, $database>) -> Result<(), IndexError> {
            let made = "CREATE TABLE IF NOT EXISTS stressc_schema (version BIGINT NOT NULL)";
            sqlx::query(made).execute(&mut **all).await?;
            let found: Option<i64> =
                sqlx::query_scalar("SELECT MAX(version) FROM stressc_schema").fetch_one(&mut **all).await?;
            let found = found.unwrap_or(0);
            if found > SCHEMA {
                return Err(IndexError::Newer(found));
            }
            for (version, steps) in (1_i64..).zip(MIGRATIONS).skip(found.max(0) as usize) {
                for step in steps {
                    sqlx::query(*step).execute(&mut **all).await?;
                }
                sqlx::query("INSERT INTO stressc_schema (version) VALUES ($1)")
                    .bind(version)
                    .execute(&mut **all)
                    .await?;
            }
            Ok(())
        }
    };
}

migrate!(migrate_sqlite, Sqlite);
migrate!(migrate_postgres, Postgres);
