//! Keeps one service: starts its process, waits until it is ready, notices its end, restarts it, stops it. Everything that hurts
//! or stops a service asks its keeper, so an intended end is never mistaken for a crash.

use super::claim::Claim;
use super::group::{self, Launch, ProcessGroup};
use super::ready::{self, Ready};
use crate::guard::Process;
use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// What a service is now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct State {
    /// Its main process, while there is one.
    pub main: Option<Process>,
    /// Whether it was found ready since that was started.
    pub ready: bool,
}

/// Why a service is not ready, with its last words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub problem: String,
    pub log: String,
}

/// How a service is taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Down {
    /// As at the end of a run.
    Stop,
    /// SIGKILL, for it and all that it started.
    Kill,
}

pub enum KeeperCommand {
    /// Answered when it is ready, or when it is sure that it will not be.
    Up(oneshot::Sender<Result<(), Failed>>),
    /// It stays down until it is ordered up.
    Down(Down, oneshot::Sender<()>),
}

/// What happens to a service by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// It is not brought back. Whether it had been ready is told with it.
    Died { service: String, ready: bool, status: String, output: String },
    /// It is brought back.
    Fell { service: String, ready: bool, status: String, output: String },
    /// It is ready again after it fell.
    Back { service: String },
    /// Somebody else listens at its port.
    Displaced { service: String, problem: String },
    /// It cannot be told who listens there.
    Unknown { service: String, problem: String },
}

pub struct Keeper {
    pub name: String,
    pub launch: Launch,
    /// Where it has a port.
    pub claim: Option<Claim>,
    pub ready: Ready,
    pub ready_within: Duration,
    /// Whether it is started again when it ends by itself.
    pub restart: bool,
    pub state: watch::Sender<State>,
    pub told: mpsc::UnboundedSender<Happened>,
}

/// The pause before a service is started again; doubled each time, and the shortest again once it has lived for a while.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
const LIVED: Duration = Duration::from_secs(10);
/// How often it is looked at who else has come to its port.
const LOOK: Duration = Duration::from_secs(1);

/// A service that was started and is not ready yet.
struct Becoming {
    ready: Pin<Box<dyn Future<Output = Result<(), String>> + Send>>,
    /// Who ordered it up; nobody where it is brought back.
    asked: Option<oneshot::Sender<Result<(), Failed>>>,
}

struct Now {
    group: Option<ProcessGroup>,
    becoming: Option<Becoming>,
    /// When it is started again.
    due: Option<Instant>,
    pause: Duration,
    started: Instant,
    /// It was ready once, so that others rest on it.
    needed: bool,
    /// When its port is looked at again, which sockets there are known, and what was told of others.
    look: Option<Instant>,
    known: HashSet<u64>,
    told: HashSet<String>,
}

enum Next {
    Order(Option<KeeperCommand>),
    Ended(String),
    Became(Result<(), String>),
    Due,
    Look,
}

impl Keeper {
    /// Until nobody can ask for anything; then it is stopped.
    pub async fn keep(self, mut orders: mpsc::UnboundedReceiver<KeeperCommand>) {
        let mut now = Now {
            group: None,
            becoming: None,
            due: None,
            pause: SHORTEST,
            started: Instant::now(),
            needed: false,
            look: None,
            known: HashSet::new(),
            told: HashSet::new(),
        };
        loop {
            match next(&mut orders, &mut now).await {
                Next::Order(None) => {
                    self.take_down(&mut now, Down::Stop).await;
                    return;
                }
                Next::Order(Some(KeeperCommand::Up(asked))) if now.group.is_some() => {
                    let _ = asked.send(Ok(()));
                }
                Next::Order(Some(KeeperCommand::Up(asked))) => self.bring_up(&mut now, Some(asked)).await,
                Next::Order(Some(KeeperCommand::Down(how, done))) => {
                    self.take_down(&mut now, how).await;
                    let _ = done.send(());
                }
                Next::Ended(status) => self.ended(&mut now, status).await,
                Next::Became(result) => self.became(&mut now, result).await,
                Next::Due => self.bring_up(&mut now, None).await,
                Next::Look => self.look(&mut now).await,
            }
        }
    }

    async fn bring_up(&self, now: &mut Now, asked: Option<oneshot::Sender<Result<(), Failed>>>) {
        now.due = None;
        now.started = Instant::now();
        if let Some(claim) = &self.claim
            && let Err(problem) = claim.is_free().await
        {
            return self.displaced(now, asked, problem);
        }
        match group::start(&self.launch) {
            Ok(group) => {
                self.state.send_replace(State { main: Some(group.main), ready: false });
                now.group = Some(group);
                let ready = Box::pin(ready::wait(self.ready.clone(), self.ready_within));
                now.becoming = Some(Becoming { ready, asked });
            }
            Err(problem) => match asked {
                Some(asked) => drop(asked.send(Err(Failed { problem, log: String::new() }))),
                None => self.again(now),
            },
        }
    }

    async fn take_down(&self, now: &mut Now, how: Down) {
        (now.due, now.look) = (None, None);
        if let Some(asked) = now.becoming.take().and_then(|becoming| becoming.asked) {
            let _ = asked.send(Err(self.failed("it was taken down before it was ready".to_owned())));
        }
        if let Some(group) = now.group.take() {
            match how {
                Down::Stop => group.stop().await,
                Down::Kill => group.kill().await,
            }
        }
        self.state.send_replace(State::default());
    }

    /// It ended by itself.
    async fn ended(&self, now: &mut Now, status: String) {
        if let Some(group) = now.group.take() {
            group.kill().await;
        }
        now.look = None;
        let ready = self.state.send_replace(State::default()).ready;
        match now.becoming.take() {
            Some(Becoming { asked: Some(asked), .. }) => {
                let _ = asked.send(Err(self.ran(&format!("it ended before it was ready: {status}"))));
            }
            _ => {
                let (service, output) = (self.name.clone(), self.launch.log.last_lines());
                let _ = self.told.send(match self.restart {
                    true => Happened::Fell { service, ready, status, output },
                    false => Happened::Died { service, ready, status, output },
                });
            }
        }
        if self.restart {
            self.again(now);
        }
    }

    async fn became(&self, now: &mut Now, result: Result<(), String>) {
        let asked = now.becoming.take().and_then(|becoming| becoming.asked);
        if result.is_ok()
            && let Err(problem) = self.is_its_own(now, HashSet::new()).await
        {
            self.take_down(now, Down::Kill).await;
            return self.displaced(now, asked, problem);
        }
        self.state.send_modify(|state| state.ready = result.is_ok());
        now.needed |= result.is_ok();
        now.look = (result.is_ok() && self.claim.is_some()).then(|| Instant::now() + LOOK);
        match (asked, result) {
            (Some(asked), result) => {
                let _ = asked.send(result.map_err(|problem| self.ran(&problem)));
            }
            (None, Ok(())) => {
                let _ = self.told.send(Happened::Back { service: self.name.clone() });
            }
            // One that hangs is started anew.
            (None, Err(_)) => {
                self.take_down(now, Down::Kill).await;
                self.again(now);
            }
        }
    }

    /// Somebody may come to the port of a service that goes on, where both say that they share it.
    async fn look(&self, now: &mut Now) {
        now.look = Some(Instant::now() + LOOK);
        let known = std::mem::take(&mut now.known);
        if let Err(problem) = self.is_its_own(now, known).await {
            now.look = None;
            self.displaced(now, None, problem);
        }
    }

    /// Whether all listeners at its port belong to it. An unknown owner is reported once.
    async fn is_its_own(&self, now: &mut Now, known: HashSet<u64>) -> Result<(), String> {
        let (Some(claim), Some(group)) = (&self.claim, &now.group) else { return Ok(()) };
        let seen = claim.seen(group.main, known).await;
        now.known = seen.known;
        if let Some(problem) = seen.unknown.filter(|problem| now.told.insert(problem.clone())) {
            let _ = self.told.send(Happened::Unknown { service: self.name.clone(), problem });
        }
        seen.foreign.map_or(Ok(()), Err)
    }

    /// Notifies the one who started it, and, if it was ready before, the whole run, because other parts depend on it.
    fn displaced(&self, now: &Now, asked: Option<oneshot::Sender<Result<(), Failed>>>, problem: String) {
        if now.needed {
            let _ = self.told.send(Happened::Displaced { service: self.name.clone(), problem: problem.clone() });
        }
        if let Some(asked) = asked {
            let _ = asked.send(Err(self.failed(problem)));
        }
    }

    fn again(&self, now: &mut Now) {
        if now.started.elapsed() > LIVED {
            now.pause = SHORTEST;
        }
        now.due = Some(Instant::now() + now.pause);
        now.pause = (now.pause * 2).min(LONGEST);
    }

    fn failed(&self, problem: String) -> Failed {
        Failed { problem, log: self.launch.log.last_lines() }
    }

    /// As [`failed`](Self::failed), of one that has run.
    fn ran(&self, problem: &str) -> Failed {
        let place = self.launch.runs_in.as_ref().map_or(String::new(), |place| format!("; {place}"));
        self.failed(format!("{problem}{place}"))
    }
}

/// What comes first. An end counts before a readiness: somebody else may listen at the port.
async fn next(orders: &mut mpsc::UnboundedReceiver<KeeperCommand>, now: &mut Now) -> Next {
    let Now { group, becoming, due, look, .. } = now;
    let ended = async {
        match group {
            Some(group) => group.ended().await,
            None => std::future::pending().await,
        }
    };
    let became = async {
        match becoming {
            Some(becoming) => becoming.ready.as_mut().await,
            None => std::future::pending().await,
        }
    };
    let due = async {
        match due {
            Some(due) => tokio::time::sleep_until(*due).await,
            None => std::future::pending().await,
        }
    };
    let look = async {
        match look {
            Some(look) => tokio::time::sleep_until(*look).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        order = orders.recv() => Next::Order(order),
        status = ended => Next::Ended(status.to_string()),
        result = became => Next::Became(result),
        () = due => Next::Due,
        () = look => Next::Look,
    }
}
