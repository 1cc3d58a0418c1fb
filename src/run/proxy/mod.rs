//! Links: paths on which faults act. They run in the run's own process on a separate thread, so that their traffic does not delay
//! a worker; the processor time of that thread is measured separately.

mod connection;
mod effect;
mod http;
mod lane;
mod path;
mod side;
mod splice;

pub use crate::measure::Proof;
pub use effect::{After, Effect, EffectId};
pub use side::Ends;

use crate::engine::health::Gauge;
use path::Way;
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

/// How many clients may wait to be taken in.
const BACKLOG: i32 = 4096;

/// The links of a run. Dropping them closes all that goes through.
pub struct Links {
    orders: Option<mpsc::UnboundedSender<ProxyCommand>>,
    addresses: Vec<SocketAddr>,
    thread: Option<JoinHandle<()>>,
    gauge: Arc<Gauge>,
}

/// What hurts links, from any thread.
#[derive(Clone)]
pub struct Control {
    orders: Option<mpsc::UnboundedSender<ProxyCommand>>,
}

enum ProxyCommand {
    Lead { link: usize, to: Vec<SocketAddr> },
    Terminate { link: usize, ends: Box<Ends> },
    Apply { link: usize, effect: Effect, ways: [bool; 2], told: oneshot::Sender<EffectId> },
    Withdraw { id: EffectId, told: oneshot::Sender<Option<Proof>> },
    Proof { id: EffectId, told: oneshot::Sender<Option<Proof>> },
    End,
}

impl Links {
    /// Starts a link for each that is asked for, of requests (`true`) or of bytes. All of them listen when this returns;
    /// they lead nowhere yet.
    pub fn start(asked: &[bool], seed: u64) -> io::Result<Links> {
        let gauge = Arc::new(Gauge::default());
        if asked.is_empty() {
            return Ok(Links { orders: None, addresses: Vec::new(), thread: None, gauge });
        }
        let listeners: Vec<std::net::TcpListener> = asked.iter().map(|_| listener()).collect::<io::Result<_>>()?;
        let addresses = listeners.iter().map(std::net::TcpListener::local_addr).collect::<io::Result<_>>()?;
        let (orders, ordered) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (asked, own) = (asked.to_vec(), gauge.clone());
        let thread = std::thread::Builder::new().name("links".to_owned()).spawn(move || {
            own.begin();
            LocalSet::new().block_on(&runtime, all(listeners, asked, seed, ordered));
        })?;
        Ok(Links { orders: Some(orders), addresses, thread: Some(thread), gauge })
    }

    /// Where each of them listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What their thread uses; none where there are none.
    pub fn gauge(&self) -> Option<Arc<Gauge>> {
        self.orders.is_some().then(|| self.gauge.clone())
    }

    /// From now on a link leads to these in turn.
    pub fn lead(&self, link: usize, to: Vec<SocketAddr>) {
        self.control().lead(link, to);
    }

    /// From now on a link ends the TLS of new connections, and speaks its own to the server.
    pub fn terminate(&self, link: usize, ends: Ends) {
        if let Some(orders) = &self.orders {
            let _ = orders.send(ProxyCommand::Terminate { link, ends: Box::new(ends) });
        }
    }

    pub fn control(&self) -> Control {
        Control { orders: self.orders.clone() }
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        // Somebody may still hold a control.
        if let Some(orders) = &self.orders {
            let _ = orders.send(ProxyCommand::End);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Control {
    /// From now on a link leads to these in turn.
    pub fn lead(&self, link: usize, to: Vec<SocketAddr>) {
        if let Some(orders) = &self.orders {
            let _ = orders.send(ProxyCommand::Lead { link, to });
        }
    }

    /// Puts an effect in force, on what goes up and on what comes down as is said: when this returns, no byte passes without it.
    pub async fn apply(&self, link: usize, effect: Effect, ways: [bool; 2]) -> Option<EffectId> {
        self.ask(|told| ProxyCommand::Apply { link, effect, ways, told }).await
    }

    /// Takes an effect back, and tells what it touched.
    pub async fn withdraw(&self, id: EffectId) -> Option<Proof> {
        self.ask(|told| ProxyCommand::Withdraw { id, told }).await.flatten()
    }

    /// What an effect has touched so far.
    pub async fn proof(&self, id: EffectId) -> Option<Proof> {
        self.ask(|told| ProxyCommand::Proof { id, told }).await.flatten()
    }

    /// `None` where the links are gone.
    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> ProxyCommand) -> Option<T> {
        let (told, answer) = oneshot::channel();
        self.orders.as_ref()?.send(order(told)).ok()?;
        answer.await.ok()
    }
}

fn listener() -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    #[cfg(unix)]
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

/// The thread of the links, until nobody can order anything any more.
async fn all(
    listeners: Vec<std::net::TcpListener>,
    asked: Vec<bool>,
    seed: u64,
    mut ordered: mpsc::UnboundedReceiver<ProxyCommand>,
) {
    let buffer = Rc::new(RefCell::new(vec![0; path::BUFFER].into_boxed_slice()));
    let mut paths = Vec::new();
    for (index, (listener, http)) in listeners.into_iter().zip(asked).enumerate() {
        let path = Rc::new(Way::new(index, seed, http, buffer.clone()));
        paths.push(path.clone());
        if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
            tokio::task::spawn_local(path.listen(listener));
        }
    }
    let mut last = 0;
    while let Some(order) = ordered.recv().await {
        match order {
            ProxyCommand::Lead { link, to } => paths[link].lead(to),
            ProxyCommand::Terminate { link, ends } => paths[link].terminate(*ends),
            ProxyCommand::Apply { link, effect, ways, told } => {
                last += 1;
                paths[link].apply(EffectId(last), effect, ways);
                let _ = told.send(EffectId(last));
            }
            ProxyCommand::Withdraw { id, told } => {
                let _ = told.send(paths.iter().find_map(|path| path.withdraw(id)));
            }
            ProxyCommand::Proof { id, told } => {
                let _ = told.send(paths.iter().find_map(|path| path.proof(id)));
            }
            ProxyCommand::End => return,
        }
    }
}
