//! TLS beneath sqlx, which connects by itself. It connects to a socket of this process, and what it says is carried on over a stream that is
//! encrypted like any other: by the same options, with the same kinds of failure, and at the address that was judged.

use super::{Unopened, upgrade};
use crate::engine::stream::{Broken, Opening, Peer, Route, Stream, broken};
use crate::engine::tls::Secured;
use crate::measure::Failure;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, copy, split};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

/// How long a server may take for the end of a stream.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where a session leads.
#[derive(Debug, Clone)]
pub struct Way {
    pub peer: Peer,
    pub secured: Option<Secured>,
    /// How long TLS took to agree on; 0: it did not begin.
    agreeing: Arc<AtomicU64>,
}

impl Way {
    pub fn new(peer: Peer, secured: Option<Secured>) -> Way {
        Way { peer, secured, agreeing: Arc::default() }
    }

    /// How long TLS took to agree on, if it was tried.
    pub fn tls(&self) -> Option<u64> {
        Some(self.agreeing.load(Ordering::Relaxed)).filter(|took| *took > 0)
    }
}

/// What is said before TLS begins.
pub enum Kind {
    Postgres,
    /// With the password, which a server may want under TLS.
    MySql(String),
}

#[derive(Default)]
struct Told {
    broken: OnceLock<Broken>,
    /// The server has ended it.
    is_over: AtomicBool,
}

/// A way to a server that one client takes. It lives as long as that client keeps its connection.
pub struct Relay {
    told: Arc<Told>,
    /// Until the client has its session.
    opening: Option<AbortHandle>,
}

impl Relay {
    /// Says at which socket it awaits the client, who puts this behind its path.
    pub fn start(
        way: &Way,
        secured: &Secured,
        kind: Kind,
        ending: &str,
        allowed: Duration,
    ) -> io::Result<(Relay, PathBuf)> {
        let meeting = Meeting::new(ending)?;
        let path = meeting.base.clone();
        let told = Arc::<Told>::default();
        let (own, way, secured) = (told.clone(), way.clone(), secured.clone());
        let task = tokio::spawn(async move {
            if let Err(broken) = carries(meeting, &way, &secured, &kind, allowed).await {
                let _ = own.broken.set(broken);
            }
            own.is_over.store(true, Ordering::Relaxed);
        });
        Ok((Relay { told, opening: Some(task.abort_handle()) }, path))
    }

    /// A client that connects to it. What broke on the way explains more than what the client makes of that.
    pub async fn client<C>(
        mut self,
        connects: impl Future<Output = Result<C, sqlx::Error>>,
    ) -> Result<(C, Option<Relay>), Unopened> {
        match connects.await {
            Ok(connection) => {
                self.opening = None;
                Ok((connection, Some(self)))
            }
            Err(error) => Err(match self.broken().filter(|_| matches!(error, sqlx::Error::Io(_))) {
                Some(broken) => Unopened::Broken(broken),
                None => Unopened::Sql(error),
            }),
        }
    }

    /// Why the client has lost its connection, or got none. It is told before the client could know.
    pub fn broken(&self) -> Option<Broken> {
        self.told.broken.get().cloned()
    }

    pub fn is_over(&self) -> bool {
        self.told.is_over.load(Ordering::Relaxed)
    }
}

/// Nobody waits for a session that is not open yet.
impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(task) = self.opening.take() {
            task.abort();
        }
    }
}

async fn carries(meeting: Meeting, way: &Way, secured: &Secured, kind: &Kind, allowed: Duration) -> Result<(), Broken> {
    let due = Instant::now() + allowed;
    let mut client = meeting.client().await.map_err(|error| broken(&error))?;
    let mut took = Opening::default();
    let mut server = match Stream::open(Route::plain(&way.peer), allowed, &mut took).await? {
        Stream::Tcp(server) => server,
        Stream::Unix(_) | Stream::Tls(_) => return Err(Failure::Connect.into()),
    };
    let begun = match kind {
        Kind::Postgres => {
            upgrade::postgres(&mut server).await?;
            None
        }
        Kind::MySql(_) => match upgrade::mysql(&mut server, &mut client).await? {
            None => return Ok(()),
            begun => begun,
        },
    };
    let agreed = Stream::encrypted(server, secured, due, &mut took).await;
    way.agreeing.store(took.tls.unwrap_or(0), Ordering::Relaxed);
    let mut server = agreed?;
    if let (Some(begun), Kind::MySql(password)) = (begun, kind) {
        begun.logs_in(&mut server, &mut client, password).await?;
    }
    both_ways(client, server).await
}

/// Until one of them ends it.
async fn both_ways(client: UnixStream, server: Stream) -> Result<(), Broken> {
    let (mut from_server, mut to_server) = split(server);
    let (mut from_client, mut to_client) = client.into_split();
    tokio::select! {
        // What the server has said last comes before that it cannot be written to.
        biased;
        down = copy(&mut from_server, &mut to_client) => down.map(drop).map_err(|error| broken(&error)),
        up = copy(&mut from_client, &mut to_server) => {
            up.map_err(|error| broken(&error))?;
            let _ = timeout(PATIENCE, to_server.shutdown()).await;
            Ok(())
        }
    }
}

/// A socket at which one client is awaited.
struct Meeting {
    listener: UnixListener,
    /// What the client is told.
    base: PathBuf,
    #[cfg(not(target_os = "linux"))]
    directory: PathBuf,
}

impl Meeting {
    /// In the abstract namespace, so that nothing is left behind.
    #[cfg(target_os = "linux")]
    fn new(ending: &str) -> io::Result<Meeting> {
        let base = PathBuf::from(format!("\0stressc-{:016x}", unique()));
        let listener = UnixListener::bind(with(&base, ending))?;
        Ok(Meeting { listener, base })
    }

    #[cfg(not(target_os = "linux"))]
    fn new(ending: &str) -> io::Result<Meeting> {
        use std::os::unix::fs::DirBuilderExt;
        let directory = std::env::temp_dir().join(format!("stressc-{:016x}", unique()));
        std::fs::DirBuilder::new().mode(0o700).create(&directory)?;
        let base = if ending.is_empty() { directory.join("client") } else { directory.clone() };
        let listener = UnixListener::bind(with(&base, ending))?;
        Ok(Meeting { listener, base, directory })
    }

    /// Everybody on this machine may know the socket: whoever is not this process is sent away.
    async fn client(self) -> io::Result<UnixStream> {
        loop {
            let (client, _) = self.listener.accept().await?;
            let other = client.peer_cred()?;
            let is_own = rustix::process::geteuid().as_raw() == other.uid();
            if is_own && other.pid().is_none_or(|pid| u32::try_from(pid) == Ok(std::process::id())) {
                return Ok(client);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Drop for Meeting {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn with(base: &Path, ending: &str) -> PathBuf {
    let mut path = base.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// The keys of `RandomState` are the standard library's only source of randomness.
fn unique() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}
