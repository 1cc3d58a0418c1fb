//! Faults of a PostgreSQL that the run has started, brought about by its owner from within. All of them are sessions of this
//! process, so they end with it however it ends.

mod hold;
mod kill;
mod lock;

use super::Shown;
use crate::plan::{Breakage, Setting, Text};
use hold::Hold;
use lock::Lock;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use std::time::Duration;

/// What is not done by then has failed: a database may be as hurt by other faults as it likes.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct OnDatabase {
    what: What,
    owner: PgConnectOptions,
    held: Held,
}

enum What {
    Hold { share: f64 },
    Kill,
    Lock { table: String },
}

enum Held {
    Nothing,
    Connections(Hold),
    Killed(Shown),
    Table(Lock),
}

impl OnDatabase {
    /// `None` where a fault is none of a database.
    pub fn of(
        breakage: &Breakage,
        owner: Option<&str>,
        text: impl Fn(&Text) -> Result<String, String>,
    ) -> Option<Result<OnDatabase, String>> {
        let setting = |wanted: &str| breakage.settings.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        let what = match (breakage.action.as_str(), setting("share"), setting("table")) {
            ("hold_connections", Some(Setting::Quantity(share, _)), _) => Ok(What::Hold { share: *share }),
            ("kill_connections", ..) => Ok(What::Kill),
            ("lock_table", _, Some(Setting::Text(table))) => text(table).map(|table| What::Lock { table }),
            _ => return None,
        };
        let missing = || "it is of a PostgreSQL that the run has started itself, by `postgres()`".to_owned();
        let owner = owner.ok_or_else(missing).and_then(|url| url.parse().map_err(|error| format!("{error}")));
        Some(what.and_then(|what| {
            let owner: PgConnectOptions = owner?;
            // By the socket of a private directory.
            let owner = owner.ssl_mode(PgSslMode::Disable).application_name("stressc");
            Ok(OnDatabase { what, owner, held: Held::Nothing })
        }))
    }

    pub async fn apply(&mut self) -> Result<(), String> {
        let done = async {
            Ok::<Held, sqlx::Error>(match &self.what {
                What::Hold { share } => Held::Connections(Hold::take(&self.owner, *share).await?),
                What::Kill => Held::Killed(kill::all(&self.owner).await?),
                What::Lock { table } => Held::Table(Lock::take(&self.owner, table).await?),
            })
        };
        self.held = in_time(done).await?;
        Ok(())
    }

    pub async fn withdraw(&mut self) -> Result<Shown, String> {
        match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => Ok(Shown::told(None)),
            Held::Connections(hold) => in_time(hold.give_back()).await,
            Held::Killed(shown) => Ok(shown),
            Held::Table(lock) => in_time(lock.give_back()).await,
        }
    }
}

async fn in_time<T>(done: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, done).await {
        Ok(done) => done.map_err(|error| match error {
            sqlx::Error::Database(refused) => format!("the database refused it: {}", refused.message()),
            error => format!("the database could not be reached: {error}"),
        }),
        Err(_) => Err("the database did not do it within 10s".to_owned()),
    }
}

async fn connect(owner: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    owner.connect().await
}

/// A whole number of a query without parameters.
async fn number(connection: &mut PgConnection, query: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(query).fetch_one(connection).await
}
