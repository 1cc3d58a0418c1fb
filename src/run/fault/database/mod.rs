//! Faults on a database from within: on a PostgreSQL of the run as its owner; on another PostgreSQL, a MySQL or a MariaDB as the
//! user of its target. All of them are sessions of this process, so they end with it, however it ends.

mod hold;
mod lock;
pub(in crate::run) mod mysql;
mod postgres;

use super::Shown;
use crate::base::database::{Database, ServerAddress};
use crate::check::program::Protocol;
use crate::engine::http::host;
use crate::engine::sql::{Unopened, Way};
use crate::engine::stream::{Broken, Peer};
use crate::engine::tls::Secured;
use crate::measure::Proof;
use crate::plan::{DatabaseFault, Text};
use hold::Hold;
use lock::Lock;
use mysql::MySql;
use postgres::Postgres;
use sqlx::{Connection, Error};
use std::path::Path;
use std::time::Duration;

/// What is not done by then has failed: a database may be as hurt by other faults as it likes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What faults ask of a kind of database.
trait Server: Clone + Send + Sync + 'static {
    type Session: Connection + Send + 'static;

    fn connect(&self) -> impl Future<Output = Result<Self::Session, Unopened>> + Send;
    /// How many connections clients may have.
    fn places(session: &mut Self::Session) -> impl Future<Output = Result<i64, Error>> + Send;
    /// How many of them are in use.
    fn open(session: &mut Self::Session) -> impl Future<Output = Result<i64, Error>> + Send;
    /// Whether there is no place left.
    fn is_full(error: &Error) -> bool;
    /// Ends the sessions of all clients but ours, and counts them.
    fn kill(&self, session: &mut Self::Session) -> impl Future<Output = Result<u64, Error>> + Send;
    fn lock(session: &mut Self::Session, table: &str) -> impl Future<Output = Result<(), Error>> + Send;
    fn unlock(session: &mut Self::Session) -> impl Future<Output = Result<(), Error>> + Send;
    /// How many wait for the lock.
    fn waiters(session: &mut Self::Session, table: &str) -> impl Future<Output = Result<i64, Error>> + Send;
}

pub struct OnDatabase {
    what: What,
    on: On,
}

enum What {
    Hold { share: f64 },
    Kill,
    Lock { table: String },
}

enum On {
    Postgres(Hurt<Postgres>),
    MySql(Hurt<MySql>),
}

/// A database, and what is in force there.
struct Hurt<S: Server> {
    server: S,
    held: Option<InForce<S>>,
}

enum InForce<S: Server> {
    Connections(Hold<S>),
    Killed(u64),
    Table(Lock<S>),
}

/// Where a database is, and the user to connect as.
pub enum Login<'a> {
    /// One of the run's own.
    Service(Option<&'a str>),
    /// By its URL, and encrypted as its target says.
    Target(Protocol, Result<String, String>, Option<&'a Secured>),
}

impl OnDatabase {
    pub fn of(
        fault: &DatabaseFault,
        at: Login<'_>,
        text: impl Fn(&Text) -> Result<String, String>,
    ) -> Result<OnDatabase, String> {
        let what = match fault {
            DatabaseFault::HoldConnections { share } => What::Hold { share: *share },
            DatabaseFault::KillConnections => What::Kill,
            DatabaseFault::LockTable { table } => What::Lock { table: text(table)? },
        };
        Ok(OnDatabase { what, on: On::of(at)? })
    }

    pub async fn apply(&mut self) -> Result<(), String> {
        match &mut self.on {
            On::Postgres(hurt) => in_time(hurt.apply(&self.what)).await,
            On::MySql(hurt) => in_time(hurt.apply(&self.what)).await,
        }
    }

    pub async fn withdraw(&mut self) -> Result<Shown, String> {
        match &mut self.on {
            On::Postgres(hurt) => in_time(hurt.withdraw()).await,
            On::MySql(hurt) => in_time(hurt.withdraw()).await,
        }
    }
}

impl On {
    fn of(at: Login<'_>) -> Result<On, String> {
        match at {
            Login::Service(Some(url)) => Postgres::ours(url).map(|server| On::Postgres(Hurt::new(server))),
            Login::Service(None) => Err("it is of a database, and this service is no `postgres()`".to_owned()),
            Login::Target(Protocol::Postgres, url, secured) => {
                let (known, way) = way(&url?, secured)?;
                Postgres::of(&known, way).map(|server| On::Postgres(Hurt::new(server)))
            }
            Login::Target(Protocol::Mysql, url, secured) => {
                let (known, way) = way(&url?, secured)?;
                Ok(On::MySql(Hurt::new(MySql::of(&known, way))))
            }
            Login::Target(..) => Err("it is of a PostgreSQL, a MySQL or a MariaDB".to_owned()),
        }
    }
}

impl<S: Server> Hurt<S> {
    fn new(server: S) -> Hurt<S> {
        Hurt { server, held: None }
    }

    async fn apply(&mut self, what: &What) -> Result<(), Unopened> {
        self.held = Some(match what {
            What::Hold { share } => InForce::Connections(Hold::take(&self.server, *share).await?),
            What::Kill => {
                let mut session = self.server.connect().await?;
                let killed = self.server.kill(&mut session).await?;
                session.close().await?;
                InForce::Killed(killed)
            }
            What::Lock { table } => InForce::Table(Lock::take(&self.server, table).await?),
        });
        Ok(())
    }

    async fn withdraw(&mut self) -> Result<Shown, Unopened> {
        match self.held.take() {
            None => Ok(Shown::told(None)),
            Some(InForce::Connections(hold)) => Ok(hold.give_back().await?),
            Some(InForce::Killed(killed)) => Ok(counted(killed, format!("{killed} connections ended"))),
            Some(InForce::Table(lock)) => Ok(lock.give_back().await?),
        }
    }
}

/// What a URL says, and the address that its host has now: a name may have another one at the next connection.
fn way(url: &str, secured: Option<&Secured>) -> Result<(Database, Way), String> {
    let known = Database::of(url)?;
    let peer = match &known.place {
        ServerAddress::Host(host) => {
            let found = host::addresses(&host.name, known.port_or_usual(), None)?;
            Peer::Tcp(host::first(&host.name, &found)?)
        }
        // Where the login leads.
        ServerAddress::Socket(path) => Peer::Unix(Path::new(path).into()),
        ServerAddress::Usual => Peer::Unix(Path::new("").into()),
    };
    // The driver itself encrypts nothing.
    let known = Database { ssl: Some("disable".to_owned()), ..known };
    Ok((known, Way::new(peer, secured.cloned())))
}

/// The effect on this many connections, if there are any.
fn counted(connections: u64, told: String) -> Shown {
    let proof = Proof { connections, ..Proof::default() };
    Shown { proof, ..Shown::told((connections > 0).then_some(told)) }
}

/// A name as it is written, of a schema where it has one; quotes that are there already stay.
fn quoted(table: &str, quote: char) -> String {
    if table.contains(quote) {
        return table.to_owned();
    }
    table.split('.').map(|part| format!("{quote}{part}{quote}")).collect::<Vec<_>>().join(".")
}

async fn in_time<T>(done: impl Future<Output = Result<T, Unopened>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, done).await {
        Ok(done) => done.map_err(|error| match error {
            Unopened::Sql(Error::Database(refused)) => format!("the database refused it: {}", refused.message()),
            Unopened::Sql(error) => format!("the database could not be reached: {error}"),
            Unopened::Broken(Broken { failure, because }) => {
                let why = because.unwrap_or_else(|| failure.as_str().to_owned());
                format!("the database could not be reached: {why}")
            }
        }),
        Err(_) => Err("the database did not do it within 10s".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_are_quoted_part_by_part() {
        assert_eq!(quoted("orders", '"'), r#""orders""#);
        assert_eq!(quoted("shop.orders", '"'), r#""shop"."orders""#);
        assert_eq!(quoted(r#""Strange.one""#, '"'), r#""Strange.one""#);
        assert_eq!(quoted("orders", '`'), "`orders`");
        assert_eq!(quoted("shop.orders", '`'), "`shop`.`orders`");
        assert_eq!(quoted("`Strange.one`", '`'), "`Strange.one`");
    }
}
