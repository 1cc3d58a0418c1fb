//! `kill_connections`: the database ends the sessions of its clients.

use super::{Owner, connect};
use crate::measure::Proof;
use crate::run::fault::Shown;
use sqlx::Connection;

/// Of clients of this database: who comes as the owner of one that the run has started is one of ours.
const OF_OURS: &str = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname = current_database() AND usename <> current_user";
/// Of another database: whoever is not called as our sessions are.
const OF_OTHERS: &str = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname = current_database() AND application_name <> 'stressc'";

pub async fn all(owner: &Owner) -> Result<Shown, sqlx::Error> {
    let mut connection = connect(&owner.options).await?;
    let kill = if owner.is_ours { OF_OURS } else { OF_OTHERS };
    let killed = super::number(&mut connection, kill).await?.max(0) as u64;
    connection.close().await?;
    let told = (killed > 0).then(|| format!("{killed} connections ended"));
    Ok(Shown { proof: Proof { connections: killed, ..Proof::default() }, ..Shown::told(told) })
}
