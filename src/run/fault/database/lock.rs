//! `lock_table`: a session that locks a table.

use super::{Server, counted};
use crate::engine::sql::Unopened;
use crate::run::fault::Shown;
use sqlx::{Connection, Error};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Who waits for it is counted so often.
const EVERY: Duration = Duration::from_millis(500);

pub struct Lock<S: Server> {
    holder: S::Session,
    table: String,
    /// The most that waited at a time.
    most: Arc<AtomicI64>,
    watch: tokio::task::JoinHandle<()>,
}

impl<S: Server> Lock<S> {
    pub async fn take(server: &S, table: &str) -> Result<Lock<S>, Unopened> {
        let mut holder = server.connect().await?;
        S::lock(&mut holder, table).await?;
        let most = Arc::new(AtomicI64::new(0));
        let watch = tokio::spawn(look(server.clone(), table.to_owned(), most.clone()));
        Ok(Lock { holder, table: table.to_owned(), most, watch })
    }

    pub async fn give_back(mut self) -> Result<Shown, Error> {
        self.watch.abort();
        let waiting = S::waiters(&mut self.holder, &self.table).await?;
        S::unlock(&mut self.holder).await?;
        self.holder.close().await?;
        let waiting = self.most.load(Ordering::Relaxed).max(waiting) as u64;
        Ok(counted(waiting, format!("the lock was held, and {waiting} sessions waited for it at a time")))
    }
}

/// Looks on from a session of its own, as long as that works.
async fn look<S: Server>(server: S, table: String, most: Arc<AtomicI64>) {
    let Ok(mut session) = server.connect().await else { return };
    while let Ok(waiting) = S::waiters(&mut session, &table).await {
        most.fetch_max(waiting, Ordering::Relaxed);
        tokio::time::sleep(EVERY).await;
    }
}
