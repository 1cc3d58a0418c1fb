//! `postgres()`: a private cluster from the installed binaries, made for the run and removed after it. It listens on the
//! loopback address and on a socket in its own directory, and syncs to disk as usual: what an experiment shows of
//! lost data shall be true.

mod binaries;
#[cfg(unix)]
mod template;

use super::endpoint::Speaks;
use super::group::{self, Account, Launch, Stop};
use super::ready::Ready;
use super::{Recipe, ServiceEndpoint, Surroundings, launch, port};
use crate::base::hosts::OF_SERVICES;
use crate::guard::{Fresh, Undo, Whom, users};
use crate::plan::Service;
use crate::run::resolve::resolved::Resolved;
use binaries::Binaries;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, Connection};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Who the system under test is, and its database, which it owns. It is no superuser, so that places for those are left
/// when it has taken all the others.
const ROLE: &str = "stressc";

/// Who we are, by the socket alone.
const OWNER: &str = "postgres";

/// Nobody else gets into the directory of the socket; over the network a password of the run is needed.
const WHO_MAY: &str = "local all postgres trust\nhost stressc stressc 127.0.0.1/32 scram-sha-256\n";

pub async fn prepare(
    service: &Service,
    known: &Resolved,
    around: &Surroundings<'_>,
    directory: &Path,
) -> Result<Recipe, String> {
    let password = around.password;
    let log = directory.join("output.log");
    let user = user()?;
    let binaries = binaries::find(&log).await?;
    let private = place(directory, user, around, &service.name).await?;
    let port = port(service, known)?;
    let access = Access { socket: private.path().to_owned(), port, password: password.to_owned() };
    let data = private.path().join("data");
    let mut launch = launch(service, binaries.directory.join("postgres"), directory, known);
    launch.user = user;
    // What makes the cluster is a process of the run as well.
    launch.mark = super::mark(around.run, &service.name);
    launch.stop = Stop::Postgres;
    // Messages in the language of the person who reads them are fine; a locale that is not there is not.
    launch.env.push(("LC_ALL".to_owned(), "C".to_owned()));
    launch.directory = Some(private.path().to_owned());
    let settings = [
        "listen_addresses=127.0.0.1",
        "unix_socket_permissions=0700",
        "password_encryption=scram-sha-256",
        "logging_collector=off",
    ];
    launch.arguments = ["-D", &data.display().to_string(), "-p", &port.to_string(), "-k"].map(str::to_owned).to_vec();
    launch.arguments.push(private.path().display().to_string());
    launch.arguments.extend(settings.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]));
    template::copy_to(&private, &binaries, &launch, &access, around.guarded).await?;
    let address = SocketAddr::new(OF_SERVICES, port);
    let speaks = Speaks::Postgres { user: ROLE, password: password.to_owned(), database: ROLE };
    let admin = Some(access.admin());
    let endpoint = ServiceEndpoint { address, speaks };
    Ok(Recipe { endpoint, launch, ready: Ready::Queries(access), admin, private: Some(private) })
}

/// Of the newest that is installed.
pub async fn version() -> Result<String, String> {
    let place = Fresh::temporary("version").map_err(|error| error.to_string())?;
    let found = binaries::find(&place.path().join("log")).await;
    found.map(|binaries| binaries.version)
}

/// Whether tests have to do without.
#[cfg(test)]
pub async fn is_missing(log: &Path) -> bool {
    let missing = binaries::find(log).await.is_err();
    if missing {
        crate::left_out::left_out("PostgreSQL is not installed");
    }
    missing
}

/// How a cluster is reached by its owner, and what the others need.
#[derive(Debug, Clone)]
pub struct Access {
    socket: PathBuf,
    port: u16,
    password: String,
}

impl Access {
    /// A URL for the owner, by the socket.
    pub fn admin(&self) -> String {
        let socket: String = url::form_urlencoded::byte_serialize(self.socket.as_os_str().as_encoded_bytes()).collect();
        format!("postgres://{OWNER}@localhost:{}/{ROLE}?host={socket}", self.port)
    }

    async fn owner(&self) -> Result<PgConnection, sqlx::Error> {
        let options = PgConnectOptions::new_without_pgpass()
            .socket(&self.socket)
            .port(self.port)
            .username(OWNER)
            .database("postgres")
            .ssl_mode(PgSslMode::Disable)
            .application_name("stressc");
        PgConnection::connect_with(&options).await
    }

    /// Asks whether it answers, and lets the system under test in.
    pub async fn open(&self) -> Result<(), sqlx::Error> {
        let mut owner = self.owner().await?;
        let known = sqlx::query("SELECT 1 FROM pg_roles WHERE rolname = $1").bind(ROLE);
        if known.fetch_optional(&mut owner).await?.is_none() {
            sqlx::query(AssertSqlSafe(format!("CREATE ROLE {ROLE} LOGIN"))).execute(&mut owner).await?;
            sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {ROLE} OWNER {ROLE}"))).execute(&mut owner).await?;
        }
        // Hexadecimal, so that it needs no quoting.
        let password = format!("ALTER ROLE {ROLE} PASSWORD '{}'", self.password);
        sqlx::query(AssertSqlSafe(password)).execute(&mut owner).await?;
        owner.close().await
    }
}

/// PostgreSQL refuses to run as root: then it runs as its own user, or as nobody.
#[cfg(unix)]
fn user() -> Result<Option<Account>, String> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let found = ["postgres", "nobody"].into_iter().find_map(users::named).filter(|user| user.id != 0);
    let missing = "PostgreSQL does not run as root, and this machine has neither a user `postgres` nor `nobody`; run \
                   stressc as another user";
    found.map(|user| Some(Account { id: user.id, group: user.group })).ok_or_else(|| missing.to_owned())
}

#[cfg(not(unix))]
fn user() -> Result<Option<Account>, String> {
    Err("this version starts PostgreSQL on Linux and macOS alone".to_owned())
}

/// A directory of its own: in that of the run, or where its user gets to it and the path of the socket is short enough. It is ours
/// until all that we put into it is there: from then on its user may put anything in the place of anything.
#[cfg(unix)]
async fn place(
    directory: &Path,
    user: Option<Account>,
    around: &Surroundings<'_>,
    service: &str,
) -> Result<Fresh, String> {
    use std::os::unix::fs::MetadataExt;
    /// Of a path of a socket on every system, without the name that PostgreSQL puts after it.
    const LONGEST: usize = 80;
    let open = |path: &Path| path.metadata().is_ok_and(|found| found.mode() & 0o001 != 0);
    let own = Fresh::name(&std::process::id().to_string());
    let mut last = String::new();
    for above in [directory.parent().unwrap_or(directory), Path::new("/var/tmp"), &std::env::temp_dir()] {
        let Ok(above) = above.canonicalize() else { continue };
        let path = above.join(&own);
        if path.as_os_str().len() > LONGEST || (user.is_some() && !above.ancestors().all(open)) {
            continue;
        }
        // It is not in the directory of the run. What is taken back last is taken back first: its processes write there.
        let removed = around.guarded.begin(format!("the data of {service}"), Undo::Remove(path.clone()), None).await?;
        let ended = Undo::Kill(Whom::Marked(super::own_mark(around.run, service)));
        let ended = around.guarded.begin(format!("the processes of {service}"), ended, None).await?;
        match Fresh::make(&above, &own) {
            Ok(made) => return Ok(made),
            Err(error) => last = format!(": {}: {error}", path.display()),
        }
        around.guarded.end(ended).await;
        around.guarded.end(removed).await;
    }
    Err(format!("there is no place for its data{last}; it needs a directory that its user gets to, such as /var/tmp"))
}

#[cfg(not(unix))]
async fn place(_: &Path, _: Option<Account>, _: &Surroundings<'_>, _: &str) -> Result<Fresh, String> {
    Err("this version starts PostgreSQL on Linux and macOS alone".to_owned())
}

#[cfg(not(unix))]
mod template {
    use super::{Access, Binaries, Fresh, Launch};
    use crate::run::guarded::Guarded;

    pub async fn copy_to(_: &Fresh, _: &Binaries, _: &Launch, _: &Access, _: &Guarded) -> Result<(), String> {
        Err("this version starts PostgreSQL on Linux and macOS alone".to_owned())
    }
}
