//! A PostgreSQL in a directory of its own, that no run has started.

use super::left_out::left_out;
use super::{signal, succeeds, wait_until};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct Postgres {
    child: Child,
    pub port: u16,
    directory: tempfile::TempDir,
    user: Option<(u32, u32)>,
}

impl Postgres {
    /// With these lines in `postgresql.conf` and in `pg_hba.conf`, and files in its directory of data. Its superuser is `postgres`.
    pub fn start(settings: &str, who_may: &str, files: &[(&str, &str)]) -> Option<Postgres> {
        if postgres_is_missing() {
            return None;
        }
        let binaries = binaries();
        let directory = tempfile::tempdir().unwrap();
        // It does not run as root.
        let user = rustix::process::geteuid().is_root().then(account);
        own(directory.path(), user);
        let data = directory.path().join("data");
        let initdb = binaries.join("initdb");
        let mut made = as_user(initdb, user, directory.path());
        succeeds(made.args(["-A", "trust", "-U", "postgres", "-N", "--locale=C", "-E", "UTF8", "-D"]).arg(&data));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::write(data.join("pg_hba.conf"), who_may).unwrap();
        let conf = data.join("postgresql.conf");
        let fixed =
            format!("port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n");
        std::fs::write(conf, format!("{fixed}{settings}")).unwrap();
        files.iter().for_each(|(name, text)| file(&data.join(name), text, user));
        let child = as_user(binaries.join("postgres"), user, directory.path())
            .arg("-D")
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(directory.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Postgres { child, port, directory, user };
        wait_until("PostgreSQL answers", Duration::from_secs(30), || server.log().contains("ready to accept"));
        Some(server)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// Other settings and files, which it reads again.
    pub fn becomes(&self, settings: &str, files: &[(&str, &str)]) {
        let data = self.directory.path().join("data");
        files.iter().for_each(|(name, text)| file(&data.join(name), text, self.user));
        file(&data.join("postgresql.auto.conf"), settings, self.user);
        signal(&self.child, "HUP");
        wait_until("PostgreSQL has read it", Duration::from_secs(10), || {
            self.log().contains("reloading configuration")
        });
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        signal(&self.child, "QUIT");
        let _ = self.child.wait();
    }
}

fn as_user(program: PathBuf, user: Option<(u32, u32)>, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).env("LC_ALL", "C");
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

fn own(path: &Path, user: Option<(u32, u32)>) {
    if let Some((user, group)) = user {
        chown(path, Some(user), Some(group)).unwrap();
    }
}

/// Keys are for its user alone.
fn file(path: &Path, text: &str, user: Option<(u32, u32)>) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    own(path, user);
}

fn account() -> (u32, u32) {
    let all = std::fs::read_to_string("/etc/passwd").unwrap();
    let of = |name: &str| {
        let line = all.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2).map(|field| field.parse().unwrap());
        Some((fields.next()?, fields.next()?))
    };
    of("postgres").or_else(|| of("nobody")).unwrap()
}

/// Where `initdb` and `postgres` are, of the newest version.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let places = versions.map(|entry| entry.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all: Vec<PathBuf> = std::env::split_paths(&path).chain(places).collect();
    all.retain(|place| place.join("initdb").is_file() && place.join("postgres").is_file());
    all.sort();
    all.pop().unwrap()
}

/// Whether there is a PostgreSQL to start, as a run finds it.
pub fn postgres_is_missing() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = ["/usr/lib/postgresql", "/usr", "/opt/homebrew/opt", "/usr/local/opt"];
    let versions = versions.iter().flat_map(|above| std::fs::read_dir(above).into_iter().flatten().flatten());
    let places = std::env::split_paths(&path).chain(versions.map(|entry| entry.path().join("bin")));
    let missing = !places.into_iter().any(|place| place.join("initdb").is_file() && place.join("postgres").is_file());
    if missing {
        left_out("PostgreSQL is not installed");
    }
    missing
}
