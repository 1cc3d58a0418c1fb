//! The index of runs, for the commands: where it is, and what a run adds to it. It never changes what comes of a run.

use crate::base::database::Database;
use crate::cli::args::HowArgs;
use crate::cli::output::Terminal;
use crate::demo::options;
use crate::store::index::{Index, IndexError, IndexedRun, Place, indexed};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A run waits at most this long until it is in the index.
const OF_A_RUN: Duration = Duration::from_secs(15);
/// And a command of a person until all records are in it.
pub const OF_ALL: Duration = Duration::from_secs(600);
const FILE: &str = ".stress/history.db";

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Where the runs of a command are indexed.
pub struct RunIndex {
    place: Result<Place, String>,
    shown: String,
}

impl RunIndex {
    pub fn new(args: &HowArgs) -> RunIndex {
        RunIndex::of(&args.record, args.store.as_deref())
    }

    pub fn of(record: &Path, store: Option<&str>) -> RunIndex {
        RunIndex { place: place(record, store), shown: shown(record, store) }
    }

    /// Its place, for a person.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The newest runs of a scenario, the oldest of them first. There are none where nothing was indexed yet.
    pub fn newest(&self, of: (&str, &str), most: usize) -> Result<Vec<IndexedRun>, String> {
        let place = self.place.as_ref().map_err(Clone::clone)?;
        if file(place).is_some_and(|path| !path.exists()) {
            return Ok(Vec::new());
        }
        let read = async {
            let index = Index::open(place).await?;
            let runs = index.newest(of, most).await;
            index.close().await;
            runs
        };
        block(read, OF_A_RUN).map_err(|error| error.to_string())
    }

    /// Adds the run of a record. What keeps it from that is said, and changes nothing else.
    pub fn add(&self, directory: &Path, terminal: &Terminal) {
        let added = self.place.as_ref().map_err(Clone::clone).and_then(|place| {
            let Some(run) = indexed(directory).map_err(|error| error.to_string())? else { return Ok(()) };
            let put = async {
                let index = Index::open(place).await?;
                let put = index.put(&[run]).await;
                index.close().await;
                put
            };
            block(put, OF_A_RUN).map_err(|error| error.to_string())
        });
        if let Err(problem) = added {
            terminal.err(&format!(
                "warning: the run is recorded, but it is not in the history in {}: {problem}; `stressc history` adds it later\n",
                self.shown
            ));
        }
    }
}

/// Where an index is by its URL, or next to the records.
pub fn place(base: &Path, url: Option<&str>) -> Result<Place, String> {
    let Some(url) = url else { return Ok(Place::File(base.join(FILE))) };
    if !is_postgres(url) {
        return Err("`--store` takes the URL of a PostgreSQL, such as `postgres://user@host/name`".to_owned());
    }
    Ok(Place::Server(Box::new(options(&Database::of(url)?)?.application_name("stressc"))))
}

/// The place of an index for a person: a URL without what could be a password.
pub fn shown(base: &Path, url: Option<&str>) -> String {
    match url.map(url::Url::parse) {
        None => format!("`{}`", base.join(FILE).display()),
        Some(Ok(url)) if is_postgres(url.as_str()) => {
            let host = url.host_str().filter(|host| !host.is_empty()).unwrap_or("this machine");
            let name = url.path().trim_start_matches('/');
            format!(
                "the PostgreSQL at `{host}`{}",
                if name.is_empty() { String::new() } else { format!(", database `{name}`") }
            )
        }
        Some(_) => "the store".to_owned(),
    }
}

/// The file of an index, if it is one.
pub fn file(place: &Place) -> Option<PathBuf> {
    match place {
        Place::File(path) => Some(path.clone()),
        Place::Server(_) => None,
    }
}

/// Waits for what is done with an index, on this thread.
pub fn block<T>(work: impl Future<Output = Result<T, IndexError>>, patience: Duration) -> Result<T, IndexError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| IndexError::Other(error.to_string()))?;
    let late = || Err(IndexError::Other(format!("it did not answer within {}s", patience.as_secs())));
    runtime.block_on(async { tokio::time::timeout(patience, work).await.unwrap_or_else(|_| late()) })
}
