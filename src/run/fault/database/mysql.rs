//! Faults of a MySQL or MariaDB, in sessions of this process. What others do there the user of the target sees only with the privilege
//! PROCESS, and ends only with that of KILL (`CONNECTION ADMIN`, or SUPER before there was that).

use super::What;
use crate::measure::Proof;
use crate::run::fault::Shown;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Who waits for a lock is counted so often.
const EVERY: Duration = Duration::from_millis(500);
const FOR_CLIENTS: &str = "SELECT CAST(@@GLOBAL.max_connections AS SIGNED)";
/// A variable of the server, which everybody may see; tables of it are another in each of the two and in each version.
const OPEN: &str = "SHOW GLOBAL STATUS LIKE 'Threads_connected'";
const OTHERS: &str =
    "SELECT CAST(ID AS SIGNED) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()";
const WAITERS: &str = "SELECT COUNT(*) FROM information_schema.PROCESSLIST
    WHERE DB = DATABASE() AND STATE = 'Waiting for table metadata lock' AND INFO LIKE CONCAT('%', ?, '%')";
/// There is no place left.
const FULL: u16 = 1040;
/// The session is gone.
const NO_SUCH_THREAD: u16 = 1094;

pub struct Owner(MySqlConnectOptions);

pub enum Held {
    Connections {
        /// The first of them asks; it counts as well.
        held: Vec<MySqlConnection>,
        taken: i64,
        for_clients: i64,
    },
    Killed(u64),
    Table {
        holder: MySqlConnection,
        table: String,
        /// The most that waited at a time.
        most: Arc<AtomicI64>,
        watch: tokio::task::JoinHandle<()>,
    },
}

impl Owner {
    pub fn of(url: &str) -> Result<Owner, String> {
        url.parse().map(Owner).map_err(|error| format!("{error}"))
    }

    pub async fn apply(&self, what: &What) -> Result<Held, sqlx::Error> {
        match what {
            What::Hold { share } => self.hold(*share).await,
            What::Kill => self.kill().await,
            What::Lock { table } => self.lock(table).await,
        }
    }

    /// Takes connections until as many are open as asked, those that others open meanwhile among them.
    async fn hold(&self, share: f64) -> Result<Held, sqlx::Error> {
        let mut held = vec![self.0.connect().await?];
        let for_clients = number(&mut held[0], FOR_CLIENTS).await?;
        let wanted = ((for_clients as f64 * share.clamp(0.0, 1.0)).ceil() as i64).min(for_clients);
        loop {
            let open = open(&mut held[0]).await?;
            if open >= wanted {
                break;
            }
            for _ in open..wanted {
                match self.0.connect().await {
                    Ok(connection) => held.push(connection),
                    Err(error) if number_of(&error) == Some(FULL) => {
                        return Ok(Held::Connections { taken: for_clients, held, for_clients });
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let taken = open(&mut held[0]).await?;
        Ok(Held::Connections { held, taken, for_clients })
    }

    async fn kill(&self) -> Result<Held, sqlx::Error> {
        let mut connection = self.0.connect().await?;
        let others: Vec<i64> = sqlx::query_scalar(OTHERS).fetch_all(&mut connection).await?;
        let mut killed = 0;
        for id in others {
            match sqlx::raw_sql(AssertSqlSafe(format!("KILL {id}"))).execute(&mut connection).await {
                Ok(_) => killed += 1,
                Err(error) if number_of(&error) == Some(NO_SUCH_THREAD) => {}
                Err(error) => return Err(error),
            }
        }
        connection.close().await?;
        Ok(Held::Killed(killed))
    }

    async fn lock(&self, table: &str) -> Result<Held, sqlx::Error> {
        let mut holder = self.0.connect().await?;
        let lock = format!("LOCK TABLES {} WRITE", quoted(table));
        sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut holder).await?;
        let most = Arc::new(AtomicI64::new(0));
        let table = table.rsplit('.').next().unwrap_or(table).trim_matches('`').to_owned();
        let watch = tokio::spawn(look(self.0.clone(), table.clone(), most.clone()));
        Ok(Held::Table { holder, table, most, watch })
    }
}

impl Held {
    pub async fn give_back(self) -> Result<Shown, sqlx::Error> {
        let shown = |connections: u64, told: String| Shown {
            proof: Proof { connections, ..Proof::default() },
            ..Shown::told((connections > 0).then_some(told))
        };
        match self {
            Held::Killed(killed) => Ok(shown(killed, format!("{killed} connections ended"))),
            Held::Connections { mut held, taken, for_clients } => {
                // Those that are gone by themselves held nothing at the end.
                let mut alive = 0;
                for connection in &mut held {
                    alive += u64::from(connection.ping().await.is_ok());
                }
                for connection in held {
                    let _ = connection.close().await;
                }
                Ok(shown(alive, format!("{alive} connections held, {taken} of {for_clients} for clients in use")))
            }
            Held::Table { mut holder, table, most, watch } => {
                watch.abort();
                let waiting = waiters(&mut holder, &table).await?;
                sqlx::raw_sql("UNLOCK TABLES").execute(&mut holder).await?;
                holder.close().await?;
                let waiting = most.load(Ordering::Relaxed).max(waiting) as u64;
                Ok(shown(waiting, format!("the lock was held, and {waiting} sessions waited for it at a time")))
            }
        }
    }
}

/// Looks on from a session of its own, as long as that works.
async fn look(owner: MySqlConnectOptions, table: String, most: Arc<AtomicI64>) {
    let Ok(mut connection) = owner.connect().await else { return };
    while let Ok(waiting) = waiters(&mut connection, &table).await {
        most.fetch_max(waiting, Ordering::Relaxed);
        tokio::time::sleep(EVERY).await;
    }
}

async fn waiters(connection: &mut MySqlConnection, table: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(WAITERS).bind(table).fetch_one(connection).await
}

async fn number(connection: &mut MySqlConnection, query: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(query).fetch_one(connection).await
}

async fn open(connection: &mut MySqlConnection) -> Result<i64, sqlx::Error> {
    let row: MySqlRow = sqlx::raw_sql(OPEN).fetch_one(connection).await?;
    let value: String = row.try_get(1)?;
    value.parse().map_err(|_| sqlx::Error::Protocol(format!("`{value}` is no number of connections")))
}

fn number_of(error: &sqlx::Error) -> Option<u16> {
    let sqlx::Error::Database(refused) = error else { return None };
    refused.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}

/// A name as it is written, of a database where it has one; quotes that are there already stay.
fn quoted(table: &str) -> String {
    if table.contains('`') {
        return table.to_owned();
    }
    table.split('.').map(|part| format!("`{part}`")).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_are_quoted_part_by_part() {
        assert_eq!(quoted("orders"), "`orders`");
        assert_eq!(quoted("shop.orders"), "`shop`.`orders`");
        assert_eq!(quoted("`Strange.one`"), "`Strange.one`");
    }
}
