//! Databases that are targets: where each is, and the user to connect as.

use super::resolved::Resolved;
use crate::base::database::{Database, Encryption, ServerAddress};
use crate::check::program::Protocol;
use crate::engine::http::host::{self, Endpoint};
use crate::engine::sql::Login;
use crate::engine::stream::Peer;
use crate::engine::tls::{Material, Secured};
use crate::plan::{Address, Target, Tls};
use crate::run::fault::mysql_login;
use sqlx::sqlite::SqliteConnectOptions;
use std::path::Path;
use std::time::Duration;

/// As sessions of the load are told from those of faults.
const NAME: &str = "stressc load";

/// The endpoint of a target that is a database.
pub fn endpoint(target: &Target, known: &Resolved, given: &Material<'_>) -> Result<Endpoint, String> {
    let url = match &target.address {
        Address::Service(service) => known.services[*service].url(),
        Address::Late(pieces) => known.url(pieces)?,
        Address::Url { .. } | Address::Unix { .. } | Address::Link(_) => return Err("its address is no URL".to_owned()),
    };
    if target.protocol == Protocol::Sqlite {
        // The database is to say what it waits for, before the timeout of the step is over.
        let timeout = Duration::from_nanos(target.timeout / 10 * 9);
        let login = SqliteConnectOptions::new().filename(&url).create_if_missing(false).busy_timeout(timeout);
        let endpoint = Endpoint::of(url.clone(), Peer::Unix(Path::new(&url).into()));
        return Ok(Endpoint { login: Some(Login::Sqlite(Box::new(login))), ..endpoint });
    }
    let database = Database::of(&url)?;
    if database.is_postgres != (target.protocol == Protocol::Postgres) {
        return Err("its address is that of another kind of database".to_owned());
    }
    let secured = secured(target, &database, given)?;
    // sqlx itself encrypts nothing.
    let plain = Database { ssl: Some("disable".to_owned()), ..database.clone() };
    let login = match target.protocol {
        Protocol::Mysql => Login::MySql(Box::new(mysql_login(&plain))),
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
    if secured.is_some() && matches!(peer, Peer::Unix(_)) {
        return Err(
            "its address is a Unix socket, on the way to which nothing is encrypted; leave `tls:` out".to_owned()
        );
    }
    Ok(Endpoint { login: Some(login), secured, ..Endpoint::of(database.host().to_string(), peer) })
}

/// What the file says of encryption, and the URL where the file says nothing. A certificate that nobody looks at is a thing to say in
/// the file, where plans and reports tell of it.
fn secured(target: &Target, database: &Database, given: &Material<'_>) -> Result<Option<Secured>, String> {
    let usual = Tls::default();
    let tls = match (database.encryption()?, target.tls.as_deref()) {
        (Encryption::Off, Some(_)) => return Err("its address wants no encryption, and its `tls:` does".to_owned()),
        (Encryption::Verified, Some(tls)) if !tls.verify => {
            return Err("its address wants the certificate checked, and its `tls:` does not".to_owned());
        }
        (_, Some(tls)) => tls,
        (Encryption::Verified, None) => &usual,
        (Encryption::Unverified, None) => {
            return Err("its address wants encryption and does not say whom to trust: write `tls: { ca: … }`, or \
                        `tls: { verify: false }` for any certificate"
                .to_owned());
        }
        (Encryption::Off | Encryption::NotSaid, None) => return Ok(None),
    };
    let name = database.host().name;
    Secured::new(tls, &name, given).map(Some).map_err(|why| format!("`tls:` of `{}`: {why}", target.name))
}
