//! `lock_table`: a transaction that holds a table for itself.

use super::connect;
use crate::measure::Proof;
use crate::run::fault::Shown;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Who waits for it is counted so often.
const EVERY: Duration = Duration::from_millis(500);
const WAITERS: &str = "SELECT count(DISTINCT waiting.pid) FROM pg_locks waiting
    WHERE NOT waiting.granted AND waiting.relation = $1::regclass
      AND waiting.database = (SELECT oid FROM pg_database WHERE datname = current_database())";

pub struct Lock {
    holder: PgConnection,
    table: String,
    /// The most that waited at a time.
    most: Arc<AtomicI64>,
    watch: tokio::task::JoinHandle<()>,
}

impl Lock {
    pub async fn take(owner: &PgConnectOptions, table: &str) -> Result<Lock, sqlx::Error> {
        let table = quoted(table);
        let mut holder = connect(owner).await?;
        sqlx::query("BEGIN").execute(&mut holder).await?;
        let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        sqlx::query(AssertSqlSafe(lock)).execute(&mut holder).await?;
        let most = Arc::new(AtomicI64::new(0));
        let watch = tokio::spawn(look(owner.clone(), table.clone(), most.clone()));
        Ok(Lock { holder, table, most, watch })
    }

    pub async fn give_back(mut self) -> Result<Shown, sqlx::Error> {
        self.watch.abort();
        let waiting = waiters(&mut self.holder, &self.table).await?;
        sqlx::query("COMMIT").execute(&mut self.holder).await?;
        self.holder.close().await?;
        let waiting = self.most.load(Ordering::Relaxed).max(waiting) as u64;
        let told = (waiting > 0).then(|| format!("the lock was held, and {waiting} sessions waited for it at a time"));
        Ok(Shown { proof: Proof { connections: waiting, ..Proof::default() }, ..Shown::told(told) })
    }
}

/// Looks on from a session of its own, as long as that works.
async fn look(owner: PgConnectOptions, table: String, most: Arc<AtomicI64>) {
    let Ok(mut connection) = connect(&owner).await else { return };
    while let Ok(waiting) = waiters(&mut connection, &table).await {
        most.fetch_max(waiting, Ordering::Relaxed);
        tokio::time::sleep(EVERY).await;
    }
}

async fn waiters(connection: &mut PgConnection, table: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(WAITERS).bind(table).fetch_one(connection).await
}

/// A name as it is written, of a schema where it has one; quotes that are there already stay.
fn quoted(table: &str) -> String {
    if table.contains('"') {
        return table.to_owned();
    }
    table.split('.').map(|part| format!("\"{part}\"")).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_are_quoted_part_by_part() {
        assert_eq!(quoted("orders"), r#""orders""#);
        assert_eq!(quoted("shop.orders"), r#""shop"."orders""#);
        assert_eq!(quoted(r#""Strange.one""#), r#""Strange.one""#);
    }
}
