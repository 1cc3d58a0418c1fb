//! Where PostgreSQL is installed.

use crate::run::service::group::{self, Launch, Stop};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// Holds `initdb` and `postgres`.
    pub directory: PathBuf,
    /// As it says itself: `postgres (PostgreSQL) 17.2`.
    pub version: String,
}

/// Directories of distributions whose second-to-last part is a version.
const VERSIONED: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql"),
    ("/usr/local/opt", "postgresql"),
];

/// The newest that is installed.
pub async fn find(log: &Path) -> Result<Binaries, String> {
    let mut found: Vec<Binaries> = Vec::new();
    let mut seen = HashSet::new();
    for directory in directories() {
        let program = directory.join("postgres");
        // It may be a link to where the other programs and its files are.
        let Ok(program) = program.canonicalize() else { continue };
        let Some(directory) = program.parent().filter(|directory| directory.join("initdb").is_file()) else { continue };
        if seen.insert(program.clone())
            && let Ok(version) = version(&program, log).await
        {
            found.push(Binaries { directory: directory.to_owned(), version });
        }
    }
    found.sort_by_key(|binaries| number(&binaries.version));
    found.pop().ok_or_else(|| {
        "PostgreSQL is not installed: `postgres` and `initdb` are neither in a directory of PATH nor in \
         /usr/lib/postgresql/*/bin, /usr/pgsql-*/bin or Homebrew's; on Debian and Ubuntu `apt-get install postgresql` \
         brings it, on Fedora `dnf install postgresql-server`, on macOS `brew install postgresql`"
            .to_owned()
    })
}

fn directories() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    for (above, begin) in VERSIONED {
        let entries = std::fs::read_dir(above).into_iter().flatten().flatten();
        let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(begin));
        all.extend(ours.map(|entry| entry.path().join("bin")));
    }
    all.extend(["/opt/homebrew/bin", "/usr/local/pgsql/bin"].map(PathBuf::from));
    all
}

async fn version(program: &Path, log: &Path) -> Result<String, String> {
    let log = log.with_file_name("version.log");
    let _ = std::fs::remove_file(&log);
    let launch = Launch {
        runs_in: None,
        group: None,
        program: program.to_owned(),
        arguments: vec!["--version".to_owned()],
        env: Vec::new(),
        directory: None,
        log: group::Log { path: log.clone(), mask: Arc::default() },
        mark: String::new(),
        user: None,
        lifeline: false,
        stop: Stop::Terminate,
        stop_within: Duration::from_secs(1),
    };
    group::done(&launch).await?;
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    said.lines().next().map(str::to_owned).ok_or_else(|| "it does not say its version".to_owned())
}

/// `17.2` of `postgres (PostgreSQL) 17.2 (Debian 17.2-1)`, to be compared.
fn number(version: &str) -> Vec<u64> {
    let word = version.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let parts = word.unwrap_or("0").split(|c: char| !c.is_ascii_digit());
    parts.map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(number("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), [15, 14]);
        assert!(number("postgres (PostgreSQL) 9.6.24") < number("postgres (PostgreSQL) 17.2"));
        assert_eq!(number("postgres (PostgreSQL) 18beta1"), [18]);
    }
}
