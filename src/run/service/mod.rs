//! Services: started before the load, awaited, watched, stopped after it; and what may be done to them in between.

mod claim;
mod endpoint;
mod family;
pub mod group;
mod keeper;
mod ports;
mod postgres;
mod process;
mod ready;
#[cfg(unix)]
mod session;
mod shop;
#[cfg(all(test, target_os = "linux"))]
mod tests;

pub use endpoint::{ServiceEndpoint, Speaks};
pub use group::Account;
pub use keeper::{Down, Failed, Happened, State};
pub use ports::Ports;
pub use postgres::version as postgres_version;
pub use process::missing as missing_program;
#[cfg(unix)]
pub use session::become_program;

use super::command::variables;
use super::guarded::Guarded;
use super::resolve::resolved::Resolved;
use super::watch::{Watched, listeners};
use crate::base::hosts::OF_SERVICES;
use crate::guard::{Fresh, Process, Undo};
use crate::inputs::groups::{self, Cgroup};
use crate::inputs::make_private;
use crate::plan::{Service, ServiceKind};
use claim::Claim;
use group::{Launch, Log};
use keeper::{Keeper, KeeperCommand};
use ready::Ready;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch as channel};

/// What starting a service needs in addition to what is known of those before it.
pub struct Surroundings<'s> {
    /// The id of the run.
    pub run: &'s str,
    /// What `demo()` runs.
    pub program: &'s Path,
    /// Private to the services of this run.
    pub directory: &'s Path,
    /// Where the file of the plan lies.
    pub beside: &'s Path,
    /// Where is told what happens to services by themselves.
    pub told: mpsc::UnboundedSender<Happened>,
    /// Known to this run alone.
    pub password: &'s str,
    pub guarded: &'s Guarded,
    /// The services whose memory is counted apart, since it will be limited.
    pub counted: &'s [&'s str],
}

/// All that it takes to start a service, again and again.
struct Recipe {
    endpoint: ServiceEndpoint,
    launch: Launch,
    ready: Ready,
    /// Of a database: how its owner reaches it, also when it has no room for others.
    admin: Option<String>,
    /// Outside of the directory of the run.
    private: Option<Fresh>,
}

/// A service of a run: ours to stop, or somebody's that we only talk to.
pub struct Running {
    pub name: String,
    pub endpoint: ServiceEndpoint,
    kind: Ownership,
    /// Whether it has a port at all.
    listens: bool,
    /// Where its memory is counted apart.
    group: Option<Cgroup>,
    /// Of whose own processes none may be touched.
    guarded: Guarded,
    _private: Option<Fresh>,
}

enum Ownership {
    Ours {
        orders: mpsc::UnboundedSender<KeeperCommand>,
        state: channel::Receiver<State>,
        log: Log,
        admin: Option<String>,
        /// That of this service alone.
        mark: String,
    },
    Attached {
        ready: Ready,
        within: Duration,
        may_be_down: bool,
    },
}

/// Makes a service ready to be started, with a keeper; what it rests on has been started.
pub async fn prepare(service: &Service, known: &Resolved, around: &Surroundings<'_>) -> Result<Running, Failed> {
    let within = Duration::from_nanos(service.ready_within);
    let failed = |problem: String| Failed { problem, log: String::new() };
    if let ServiceKind::Attach { port } = service.kind {
        let endpoint = ServiceEndpoint::http(SocketAddr::new(OF_SERVICES, port));
        let ready = asked_for(service, known, &endpoint, Ready::Accepts(endpoint.address)).map_err(failed)?;
        let kind = Ownership::Attached { ready, within, may_be_down: service.may_be_down };
        let (name, guarded) = (service.name.clone(), around.guarded.clone());
        return Ok(Running { name, endpoint, kind, listens: true, group: None, guarded, _private: None });
    }
    let directory = directory(around.directory, &service.name).map_err(failed)?;
    let prepared = match &service.kind {
        ServiceKind::Demo(demo) => shop::prepare(service, demo, known, around.program, &directory),
        ServiceKind::Process { program, arguments } => {
            process::prepare(service, (program, arguments), known, (&directory, around.beside))
        }
        ServiceKind::Postgres => postgres::prepare(service, known, around, &directory).await,
        ServiceKind::Attach { .. } => unreachable!("done above"),
    };
    let Recipe { endpoint, mut launch, ready, admin, private } = prepared.map_err(failed)?;
    launch.mark = mark(around.run, &service.name);
    if around.counted.contains(&service.name.as_str()) {
        launch.group = Some(apart(around, &service.name).await.map_err(failed)?);
    }
    let group = launch.group.clone();
    launch.env.extend(variables(&service.env, known).map_err(|why| failed(format!("the variable {why}")))?);
    let listens = endpoint.address.port() != 0;
    let ready = asked_for(service, known, &endpoint, ready).map_err(failed)?;
    let (state, now) = channel::channel(State::default());
    let (orders, ordered) = mpsc::unbounded_channel();
    let log = launch.log.clone();
    let own = own_mark(around.run, &service.name);
    let claim = listens.then(|| Claim { address: endpoint.address, mark: own.clone(), group: group.clone() });
    let keeper = Keeper {
        name: service.name.clone(),
        launch,
        claim,
        ready,
        ready_within: within,
        restart: service.restart,
        state,
        told: around.told.clone(),
    };
    tokio::spawn(keeper.keep(ordered));
    let kind = Ownership::Ours { orders, state: now, log, admin, mark: own };
    let guarded = around.guarded.clone();
    Ok(Running { name: service.name.clone(), endpoint, kind, listens, group, guarded, _private: private })
}

/// What the processes of a service carry, next to the id of the run.
pub fn mark(run: &str, service: &str) -> String {
    format!("{run} {}", own_mark(run, service))
}

/// A control group in which a service is started: memory is counted where it is taken, and stays so.
async fn apart(around: &Surroundings<'_>, service: &str) -> Result<Cgroup, String> {
    let place = groups::place("memory", "self");
    let place = place.map_err(|why| format!("its memory cannot be limited on this machine: {why}"))?;
    let group = place.group(&format!("stressc-{}-{service}", around.run));
    let undo = Undo::Group { group: group.path.clone(), back: group.back.clone() };
    around.guarded.begin(format!("the control group of {service}"), undo, None).await?;
    group.make().map_err(|error| format!("its control group {}: {error}", group.path.display()))?;
    Ok(group)
}

fn own_mark(run: &str, service: &str) -> String {
    format!("{run}/{service}")
}

/// What is written as `ready:`, or what a service of its kind shows.
fn asked_for(service: &Service, known: &Resolved, endpoint: &ServiceEndpoint, usual: Ready) -> Result<Ready, String> {
    let Some(written) = &service.ready else { return Ok(usual) };
    let written = known.text(written).map_err(|why| format!("`ready`: {why}"))?;
    let url = match (written.starts_with('/'), endpoint.ca().is_some()) {
        (true, true) => format!("https://{}{written}", endpoint.address),
        (true, false) => format!("http://{}{written}", endpoint.address),
        (false, _) => written,
    };
    Ok(Ready::Answers { url, trust: known.trust(Some(endpoint)) })
}

/// A directory that no one else may look into, since what is written there may hold secrets.
fn directory(of_run: &Path, service: &str) -> Result<PathBuf, String> {
    let made = || {
        make_private(of_run)?;
        let directory = std::path::absolute(of_run)?.join(service);
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&directory)?;
        Ok(directory)
    };
    made().map_err(|error: std::io::Error| format!("its directory cannot be made: {error}"))
}

/// The port that is written, or a free one; from now on it is for the service to take.
fn port(service: &Service, known: &Resolved) -> Result<u16, String> {
    let port = match &service.port {
        Some(written) => known.port(written),
        None => known.ports.fresh(),
    };
    let port = port.ok_or("this machine has no free port for it")?;
    known.ports.release(port);
    Ok(port)
}

fn launch(service: &Service, program: PathBuf, directory: &Path, known: &Resolved) -> Launch {
    Launch {
        program,
        arguments: Vec::new(),
        env: Vec::new(),
        directory: service.dir.as_ref().map(PathBuf::from),
        runs_in: None,
        log: Log { path: directory.join("output.log"), mask: known.mask.clone() },
        mark: String::new(),
        group: None,
        user: None,
        lifeline: false,
        stop: group::Stop::Terminate,
        stop_within: Duration::from_nanos(service.stop_within),
    }
}

impl Running {
    /// Whose use of the machine is that of the service.
    pub fn who(&self) -> Watched {
        match &self.kind {
            Ownership::Ours { state, .. } => Watched::Ours(state.clone()),
            Ownership::Attached { .. } => Watched::Port(self.endpoint.address.port()),
        }
    }

    /// Where it listens, as it is told; nothing of a process that has no port.
    pub fn told_address(&self) -> String {
        if self.listens { self.endpoint.address.to_string() } else { String::new() }
    }

    /// The last lines that it wrote.
    pub fn output(&self) -> String {
        match &self.kind {
            Ownership::Ours { log, .. } => log.last_lines(),
            Ownership::Attached { .. } => String::new(),
        }
    }

    /// Starts it where it is down, and waits until it is ready.
    pub async fn up(&self) -> Result<(), Failed> {
        match &self.kind {
            Ownership::Ours { orders, .. } => {
                let (asked, answer) = oneshot::channel();
                let _ = orders.send(KeeperCommand::Up(asked));
                answer.await.unwrap_or_else(|_| Err(self.lost()))
            }
            Ownership::Attached { may_be_down: true, .. } => Ok(()),
            Ownership::Attached { ready, within, .. } => {
                let awaited = ready::wait(ready.clone(), *within).await;
                awaited.map_err(|problem| Failed {
                    problem: format!("{problem}; start it first, or write `may_be_down: true` where that is meant"),
                    log: String::new(),
                })
            }
        }
    }

    /// Nobody listens at its port, which the scenario allows.
    pub async fn is_down(&self) -> bool {
        let may_be = matches!(self.kind, Ownership::Attached { may_be_down: true, .. });
        may_be && ready::accepts(self.endpoint.address).await.is_err()
    }

    /// Takes it down with all that it started. It stays down until `up`, and nobody takes that for its own end. What we
    /// did not start stays as it is.
    pub async fn down(&self, how: Down) {
        if let Ownership::Ours { orders, .. } = &self.kind {
            let (asked, done) = oneshot::channel();
            let _ = orders.send(KeeperCommand::Down(how, asked));
            let _ = done.await;
        }
    }

    fn lost(&self) -> Failed {
        Failed { problem: "its keeper has ended".to_owned(), log: self.output() }
    }
}

/// What faults do to a service.
impl Running {
    /// Its main process now, by number and start.
    pub fn main(&self) -> Option<Process> {
        match &self.kind {
            Ownership::Ours { state, .. } => state.borrow().main,
            Ownership::Attached { .. } => listeners::listening(self.endpoint.address.port()).ok(),
        }
    }

    /// The main process and all that it started; of what we did not start the one that listens and its own. Refused where one of
    /// them must never be touched.
    pub fn processes(&self) -> Result<Vec<Process>, String> {
        self.main().map_or(Ok(Vec::new()), |main| family::of(main, self.guarded.guardian()))
    }

    /// Sends a signal to all of its processes, such as the one that stops them for a while; those of another user get it
    /// where the kernel lets us.
    #[cfg(unix)]
    pub fn signal(&self, signal: rustix::process::Signal) -> Result<(), String> {
        self.processes()?.into_iter().for_each(|process| drop(process.signal(signal)));
        Ok(())
    }

    pub fn group(&self) -> Option<&Cgroup> {
        self.group.as_ref()
    }

    /// The word that all of its processes carry; `None` of what we did not start.
    pub fn mark(&self) -> Option<&str> {
        match &self.kind {
            Ownership::Ours { mark, .. } => Some(mark),
            Ownership::Attached { .. } => None,
        }
    }

    /// Starts it where it is down. When this returns its process is there, which is not to say that it is ready.
    pub async fn start(&self) -> Result<(), Failed> {
        let Ownership::Ours { state, .. } = &self.kind else { return Ok(()) };
        let mut state = state.clone();
        tokio::select! {
            biased;
            done = self.up() => done,
            _ = state.wait_for(|state| state.main.is_some()) => Ok(()),
        }
    }

    /// Returns when it has a main process that lives.
    pub async fn is_there(&self) {
        if let Ownership::Ours { state, .. } = &self.kind {
            // Where its keeper has ended, it does not come back.
            if state.clone().wait_for(|state| state.main.is_some_and(Process::is_alive)).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Of a database: a URL with which its owner connects, whatever its clients do.
    pub fn admin(&self) -> Option<&str> {
        match &self.kind {
            Ownership::Ours { admin, .. } => admin.as_deref(),
            Ownership::Attached { .. } => None,
        }
    }
}
