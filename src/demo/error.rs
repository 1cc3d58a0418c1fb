//! Why the shop cannot open, and what to do instead.

use super::database::is_postgres;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

#[derive(Debug)]
pub enum Error {
    Listen { address: SocketAddr, source: io::Error },
    Database { database: String, source: sqlx::Error },
    Option { option: &'static str, value: String, usable: &'static str },
    Orphan { parent: u32 },
    Tls(String),
    System(io::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Listen { address, source } => match source.kind() {
                ErrorKind::AddrInUse => {
                    write!(f, "{address} is already in use; choose another port with --listen, or 0 for a free one")
                }
                ErrorKind::AddrNotAvailable => {
                    write!(f, "{} is no address of this machine; listen on 127.0.0.1:{}", address.ip(), address.port())
                }
                ErrorKind::PermissionDenied => {
                    write!(f, "this user may not listen on {address}; choose a port above 1023 with --listen")
                }
                _ => write!(f, "cannot listen on {address} ({source}); choose another address with --listen"),
            },
            // The URL may hold a password.
            Error::Database { database, source } if is_postgres(database) => write!(
                f,
                "the shop cannot use the PostgreSQL database that it was given ({}); give the URL of one that answers and \
                 in which its user may make tables, with --database",
                plain(source)
            ),
            Error::Database { database, source } => write!(
                f,
                "the shop cannot use {database} as its database ({}); give a new or an earlier shop's file, in a \
                 directory that can be written, with --database",
                plain(source)
            ),
            Error::Option { option, value, usable } => {
                write!(f, "{option} is {value}; give {usable}")
            }
            Error::Tls(why) => write!(f, "the shop has no certificate to speak https with: {why}"),
            Error::Orphan { parent } => write!(
                f,
                "process {parent}, which the shop was to end with, is not its parent; start the shop \
                 directly from that process"
            ),
            Error::System(source) => {
                write!(f, "the system refused what the shop needs ({source}); free some and retry")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Listen { source, .. } | Error::System(source) => Some(source),
            Error::Database { source, .. } => Some(source),
            Error::Option { .. } | Error::Orphan { .. } | Error::Tls(_) => None,
        }
    }
}

/// The database's own words, without the library's preamble.
pub fn plain(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(database) => database.message().to_owned(),
        sqlx::Error::PoolTimedOut => "no connection became free in time".to_owned(),
        other => other.to_string(),
    }
}
