//! Faults of a database, brought about from within: of a PostgreSQL that the run has started by its owner, of another one, or of a
//! MySQL or MariaDB, by the user of its target. All of them are sessions of this process, so they end with it however it ends.

mod mysql;
mod postgres;

use super::Shown;
use crate::check::program::Protocol;
use crate::plan::{Breakage, Setting, Text};
use std::time::Duration;

/// What is not done by then has failed: a database may be as hurt by other faults as it likes.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct OnDatabase {
    what: What,
    owner: Owner,
    held: Option<Held>,
}

pub enum What {
    Hold { share: f64 },
    Kill,
    Lock { table: String },
}

enum Owner {
    Postgres(postgres::Owner),
    MySql(mysql::Owner),
}

enum Held {
    Postgres(postgres::Held),
    MySql(mysql::Held),
}

/// Where a database is, and as whom it is asked.
pub enum At<'a> {
    /// One of the run's own.
    Service(Option<&'a str>),
    Target(Protocol, Result<String, String>),
}

impl OnDatabase {
    /// `None` where a fault is none of a database.
    pub fn of(
        breakage: &Breakage,
        at: At<'_>,
        text: impl Fn(&Text) -> Result<String, String>,
    ) -> Option<Result<OnDatabase, String>> {
        let setting = |wanted: &str| breakage.settings.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        let what = match (breakage.action.as_str(), setting("share"), setting("table")) {
            ("hold_connections", Some(Setting::Quantity(share, _)), _) => Ok(What::Hold { share: *share }),
            ("kill_connections", ..) => Ok(What::Kill),
            ("lock_table", _, Some(Setting::Text(table))) => text(table).map(|table| What::Lock { table }),
            _ => return None,
        };
        Some(what.and_then(|what| Ok(OnDatabase { what, owner: Owner::of(at)?, held: None })))
    }

    pub async fn apply(&mut self) -> Result<(), String> {
        let what = &self.what;
        self.held = Some(match &self.owner {
            Owner::Postgres(owner) => in_time(owner.apply(what)).await.map(Held::Postgres)?,
            Owner::MySql(owner) => in_time(owner.apply(what)).await.map(Held::MySql)?,
        });
        Ok(())
    }

    pub async fn withdraw(&mut self) -> Result<Shown, String> {
        match self.held.take() {
            None => Ok(Shown::told(None)),
            Some(Held::Postgres(held)) => in_time(held.give_back()).await,
            Some(Held::MySql(held)) => in_time(held.give_back()).await,
        }
    }
}

impl Owner {
    fn of(at: At<'_>) -> Result<Owner, String> {
        match at {
            At::Service(Some(url)) => postgres::Owner::of(url, true).map(Owner::Postgres),
            At::Service(None) => Err("it is of a database, and this service is no `postgres()`".to_owned()),
            At::Target(Protocol::Postgres, url) => postgres::Owner::of(&url?, false).map(Owner::Postgres),
            At::Target(Protocol::Mysql, url) => mysql::Owner::of(&url?).map(Owner::MySql),
            At::Target(..) => Err("it is of a PostgreSQL, a MySQL or a MariaDB".to_owned()),
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
