//! Databases that are targets: where each is, and the user to connect as.

use super::resolved::Resolved;
use crate::base::database::{Database, ServerAddress};
use crate::check::program::Protocol;
use crate::engine::http::host::{self, Endpoint};
use crate::engine::sql::Login;
use crate::engine::stream::Peer;
use crate::plan::{Address, Target};
use crate::run::fault::mysql_options;
use sqlx::sqlite::SqliteConnectOptions;
use std::path::Path;
use std::time::Duration;

/// As sessions of the load are told from those of faults.
const NAME: &str = "stressc load";

/// The endpoint of a target that is a database.
pub fn endpoint(target: &Target, known: &Resolved) -> Result<Endpoint, String> {
    let url = match &target.address {
        Address::Service(service) => known.services[*service].url(),
        Address::Late(pieces) => known.text(pieces)?,
        Address::Url { .. } | Address::Unix { .. } | Address::Link(_) => return Err("its address is no URL".to_owned()),
    };
    if target.protocol == Protocol::Sqlite {
        let timeout = Duration::from_nanos(target.timeout);
        let login = SqliteConnectOptions::new().filename(&url).create_if_missing(false).busy_timeout(timeout);
        let endpoint = Endpoint::of(url.clone(), Peer::Unix(Path::new(&url).into()));
        return Ok(Endpoint { login: Some(Login::Sqlite(Box::new(login))), ..endpoint });
    }
    let database = Database::of(&url)?;
    if database.is_postgres != (target.protocol == Protocol::Postgres) {
        return Err("its address is that of another kind of database".to_owned());
    }
    if let Some(mode) = database.encryption() {
        return Err(format!("`sslmode={mode}` wants TLS, and connections to a database are not encrypted"));
    }
    // As it is said: nothing here asks for encryption.
    let plain = Database { ssl: Some("disable".to_owned()), ..database.clone() };
    let login = match target.protocol {
        Protocol::Mysql => {
            Login::MySql(Box::new(mysql_options(&Database { ssl: Some("disabled".to_owned()), ..plain })?))
        }
        _ => Login::Postgres(Box::new(crate::demo::options(&plain)?.application_name(NAME))),
    };
    let port = database.port_or_usual();
    let peer = match &database.place {
        ServerAddress::Host(host) => {
            let found = host::addresses(&host.name, port, None)?;
            host::first(&host.name, &found)?.into()
        }
        // Where the login leads.
        ServerAddress::Socket(path) => Peer::Unix(Path::new(path).into()),
        ServerAddress::Usual => Peer::Unix(Path::new("").into()),
    };
    Ok(Endpoint { login: Some(login), ..Endpoint::of(database.host().to_string(), peer) })
}
