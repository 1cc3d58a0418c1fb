//! Faults of a PostgreSQL, in sessions of this process.

mod hold;
mod kill;
mod lock;

use super::What;
use crate::run::fault::Shown;
use hold::Hold;
use lock::Lock;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};

/// How our sessions are called.
const NAME: &str = "stressc";

pub struct Owner {
    options: PgConnectOptions,
    /// The run has started it, so nobody but the run comes as its owner.
    is_ours: bool,
}

pub enum Held {
    Connections(Hold),
    Killed(Shown),
    Table(Lock),
}

impl Owner {
    /// By the socket of a private directory, of one that the run has started.
    pub fn of(url: &str, is_ours: bool) -> Result<Owner, String> {
        let options: PgConnectOptions = url.parse().map_err(|error| format!("{error}"))?;
        let options = if is_ours { options.ssl_mode(PgSslMode::Disable) } else { options };
        Ok(Owner { options: options.application_name(NAME), is_ours })
    }

    pub async fn apply(&self, what: &What) -> Result<Held, sqlx::Error> {
        Ok(match what {
            What::Hold { share } => Held::Connections(Hold::take(&self.options, *share).await?),
            What::Kill => Held::Killed(kill::all(self).await?),
            What::Lock { table } => Held::Table(Lock::take(&self.options, table).await?),
        })
    }
}

impl Held {
    pub async fn give_back(self) -> Result<Shown, sqlx::Error> {
        match self {
            Held::Connections(hold) => hold.give_back().await,
            Held::Killed(shown) => Ok(shown),
            Held::Table(lock) => lock.give_back().await,
        }
    }
}

async fn connect(owner: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    owner.connect().await
}

/// A whole number of a query without parameters.
async fn number(connection: &mut PgConnection, query: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(query).fetch_one(connection).await
}
