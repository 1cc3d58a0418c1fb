//! `kill_connections`: the database ends the sessions of its clients.

use super::super::Shown;
use super::connect;
use crate::measure::Proof;
use sqlx::Connection;
use sqlx::postgres::PgConnectOptions;

/// Of clients of this database: who comes as its owner is one of ours.
const KILL: &str = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname = current_database() AND usename <> current_user";

pub async fn all(owner: &PgConnectOptions) -> Result<Shown, sqlx::Error> {
    let mut connection = connect(owner).await?;
    let killed = super::number(&mut connection, KILL).await?.max(0) as u64;
    connection.close().await?;
    let told = (killed > 0).then(|| format!("{killed} connections ended"));
    Ok(Shown { proof: Proof { connections: killed, ..Proof::default() }, ..Shown::told(told) })
}
