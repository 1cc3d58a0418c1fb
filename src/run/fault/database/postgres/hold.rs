//! `hold_connections`: sessions that do nothing but be there.

use super::{connect, number};
use crate::measure::Proof;
use crate::run::fault::Shown;
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};

/// What clients may have: all but what is kept for superusers and for those who are let in by name (since version 16).
const FOR_CLIENTS: &str = "SELECT (SELECT setting::int8 FROM pg_settings WHERE name = 'max_connections')
    - coalesce((SELECT sum(setting::int8)::int8 FROM pg_settings
        WHERE name IN ('superuser_reserved_connections', 'reserved_connections')), 0)";
const OPEN: &str = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
/// A database that has no place left even for its owner.
const FULL: &str = "53300";

pub struct Hold {
    /// The first of them asks; it counts as well.
    held: Vec<PgConnection>,
    taken: i64,
    for_clients: i64,
}

impl Hold {
    /// Takes connections until as many are open as asked, those that others open meanwhile among them.
    pub async fn take(owner: &PgConnectOptions, share: f64) -> Result<Hold, sqlx::Error> {
        let mut held = vec![connect(owner).await?];
        let for_clients = number(&mut held[0], FOR_CLIENTS).await?;
        let wanted = ((for_clients as f64 * share.clamp(0.0, 1.0)).ceil() as i64).min(for_clients);
        loop {
            let open = number(&mut held[0], OPEN).await?;
            if open >= wanted {
                break;
            }
            for _ in open..wanted {
                match connect(owner).await {
                    Ok(connection) => held.push(connection),
                    Err(sqlx::Error::Database(refused)) if refused.code().as_deref() == Some(FULL) => {
                        return Ok(Hold { taken: for_clients, held, for_clients });
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let taken = number(&mut held[0], OPEN).await?;
        Ok(Hold { held, taken, for_clients })
    }

    pub async fn give_back(mut self) -> Result<Shown, sqlx::Error> {
        // Those that are gone by themselves held nothing at the end.
        let mut alive = 0;
        for connection in &mut self.held {
            alive += u64::from(connection.ping().await.is_ok());
        }
        for connection in self.held {
            let _ = connection.close().await;
        }
        let told = format!("{alive} connections held, {} of {} for clients in use", self.taken, self.for_clients);
        let told = (alive > 0).then_some(told);
        Ok(Shown { proof: Proof { connections: alive, ..Proof::default() }, ..Shown::told(told) })
    }
}
