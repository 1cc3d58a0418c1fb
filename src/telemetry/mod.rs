//! A run as a stream of metrics while it goes on, for the tools that already watch the system. Everything comes from what workers hand to the
//! control plane anyway, and happens on a thread of its own: nothing here is on the path of a request, and the run waits for none of it.

mod annotations;
mod buckets;
mod collector;
mod counters;
mod current;
mod endpoint;
mod families;
mod otlp;
mod place;
mod pushed;
#[cfg(test)]
mod tests;
mod text;

pub use place::Stream;

use crate::measure::Event;
use crate::plan::Plan;
use endpoint::{Sharing, locked};
use pushed::Pushed;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The streams of all runs of this process.
pub struct Telemetry {
    send: UnboundedSender<Told>,
    shared: Sharing,
    /// Where the pages are.
    pages: Vec<SocketAddr>,
    thread: Option<JoinHandle<()>>,
}

enum Told {
    Begun(Arc<Plan>),
    Happened(Box<Event>, SystemTime),
    /// Nothing more is told; the answer says that all of it is counted and sent, and what did not arrive within some time.
    Over(Duration, std::sync::mpsc::Sender<Vec<String>>),
}

/// What collectors want to see of whoever sends: headers, which hold credentials.
#[derive(Default)]
pub struct Credentials {
    pub otlp: Vec<(String, String)>,
    pub grafana: Vec<(String, String)>,
}

impl Telemetry {
    /// Listens where the streams say. Whatever is in the way of that is told before anything is sent. Collectors are asked for nothing: a run
    /// goes on without them.
    pub fn start(streams: &[Stream], credentials: &Credentials) -> Result<Telemetry, String> {
        let (mut listeners, mut pushed) = (Vec::new(), Pushed::new(SystemTime::now()));
        for stream in streams {
            match stream {
                Stream::OpenMetrics(address) => {
                    let listener = listening(*address).map_err(|error| format!("`{stream}`: {error}"))?;
                    listeners.push(listener);
                }
                Stream::Otlp(url) => pushed.otlp(url, credentials).map_err(|error| format!("`{stream}`: {error}"))?,
                Stream::Grafana(url) => {
                    pushed.grafana(url, credentials).map_err(|error| format!("`{stream}`: {error}"))?;
                }
            }
        }
        let wrong = |error: std::io::Error| format!("the streams cannot be started: {error}");
        let pages = listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>().map_err(wrong)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(wrong)?;
        let (send, told) = unbounded_channel();
        let shared = Sharing::default();
        let own = shared.clone();
        let work = move || runtime.block_on(stream(listeners, pushed, own, told));
        let thread = std::thread::Builder::new().name("streams".to_owned()).spawn(work).map_err(wrong)?;
        Ok(Telemetry { send, shared, pages, thread: Some(thread) })
    }

    /// Where the pages of metrics are.
    pub fn pages(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.pages.iter().copied()
    }

    /// A run of a plan begins.
    pub fn begin(&self, plan: &Arc<Plan>) {
        // Where nobody hears it, there is nobody to tell of it.
        let _ = self.send.send(Told::Begun(plan.clone()));
    }

    pub fn see(&self, event: &Event) {
        let is_kept =
            !matches!(event, Event::Example(_) | Event::Failed { .. } | Event::Gauges(_) | Event::Verifying { .. });
        if is_kept {
            let _ = self.send.send(Told::Happened(Box::new(event.clone()), SystemTime::now()));
        }
    }

    /// All runs are over. From here on the pages show their last numbers, and collectors have them, if they take them within some time. What they
    /// did not get is returned in words.
    pub fn finish(&self, within: Duration) -> Vec<String> {
        let (done, is_done) = std::sync::mpsc::channel();
        match self.send.send(Told::Over(within, done)) {
            Ok(()) => is_done.recv().unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    /// How long it may take until everybody who scrapes regularly has read the last numbers.
    pub fn awaits(&self) -> Option<Duration> {
        locked(&self.shared).awaits(Instant::now())
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        // What it hears of ends with this, and with that the thread.
        let (nobody, _) = unbounded_channel();
        self.send = nobody;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listening(address: SocketAddr) -> Result<TcpListener, String> {
    let listener = TcpListener::bind(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("port {} is in use; end what listens there, or name another port", address.port())
        }
        std::io::ErrorKind::AddrNotAvailable => format!("{} is no address of this machine", address.ip()),
        _ => error.to_string(),
    })?;
    listener.set_nonblocking(true).map_err(|error| error.to_string())?;
    Ok(listener)
}

/// The work of the thread, for as long as somebody may tell it something.
async fn stream(listeners: Vec<TcpListener>, mut pushed: Pushed, shared: Sharing, mut told: UnboundedReceiver<Told>) {
    for listener in listeners.into_iter().filter_map(|listener| tokio::net::TcpListener::from_std(listener).ok()) {
        tokio::spawn(endpoint::serve(listener, shared.clone()));
    }
    pushed.start(&shared);
    while let Some(told) = told.recv().await {
        match told {
            Told::Begun(plan) => {
                pushed.begin(plan.clone());
                locked(&shared).counters.begin(plan);
            }
            Told::Happened(event, now) => {
                pushed.take(&event, now);
                locked(&shared).counters.take(&event, now);
            }
            Told::Over(within, done) => {
                locked(&shared).finish();
                // Somebody may wait no longer.
                let _ = done.send(pushed.finish(&shared, within).await);
            }
        }
    }
}
