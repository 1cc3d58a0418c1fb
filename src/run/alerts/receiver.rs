//! A receiver of notifications: an HTTP server to which an Alertmanager, a Grafana or something that speaks to PagerDuty delivers. Anybody who
//! reaches it may send anything, so all that it holds has a bound, and what is no notification is refused and counted.

use super::message::{self, Incident, Message};
use super::seen::{Key, Seen};
use super::times::Times;
use crate::base::shown::escaped_start;
use crate::engine::pace::clock::Clock;
use crate::measure::{AlertStage, AlertState, AlertsReceived, Event};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep};

/// Bytes of a message.
const LONGEST: usize = 1 << 20;
/// Connections at a time; more wait.
const CONNECTIONS: usize = 64;
/// How long one may last. It takes one message.
const PATIENCE: Duration = Duration::from_secs(10);
/// Different alerts that are known.
const MOST_KNOWN: usize = 10_000;
/// Changes that are told in one run.
const MOST_TOLD: u64 = 100_000;
/// Characters of a reason that are shown.
const SHOWN: usize = 200;

/// One that listens, until it is dropped.
pub struct Receiver {
    pub source: usize,
    inbox: Arc<Mutex<Inbox>>,
    _servers: JoinSet<()>,
}

/// What it was told.
struct Inbox {
    name: String,
    times: Times,
    seen: Seen,
    /// What events of PagerDuty have opened, by their key.
    open: BTreeMap<String, Vec<Key>>,
    told: u64,
    received: AlertsReceived,
    is_full: bool,
    tell: mpsc::UnboundedSender<Event>,
}

impl Receiver {
    /// Listens at all of these addresses.
    pub fn bind(
        (source, name): (usize, &str),
        addresses: &[SocketAddr],
        tell: &mpsc::UnboundedSender<Event>,
    ) -> Result<Receiver, String> {
        let inbox = Arc::new(Mutex::new(Inbox {
            name: name.to_owned(),
            times: Times::default(),
            seen: Seen::new(source, AlertStage::Delivered),
            open: BTreeMap::new(),
            told: 0,
            received: AlertsReceived { source, ..AlertsReceived::default() },
            is_full: false,
            tell: tell.clone(),
        }));
        let mut servers = JoinSet::new();
        for address in addresses {
            let listener = listen(*address).map_err(|error| {
                let more = match error.kind() {
                    io::ErrorKind::AddrInUse => "; another process listens there, or another source of this scenario",
                    _ => "",
                };
                format!("`{name}` cannot listen for notifications at {address}: {error}{more}")
            })?;
            let router = Router::new().fallback(answer).with_state(inbox.clone());
            let listener = Bounded { listener, free: Arc::new(Semaphore::new(CONNECTIONS)) };
            servers.spawn(async move {
                // It goes on until it is dropped.
                let _ = axum::serve(listener, router).await;
            });
        }
        Ok(Receiver { source, inbox, _servers: servers })
    }

    fn inbox(&self) -> std::sync::MutexGuard<'_, Inbox> {
        lock(&self.inbox)
    }

    /// What has been delivered and not been resolved.
    pub fn firing(&self) -> Vec<Key> {
        let inbox = self.inbox();
        let firing = inbox.seen.known().filter(|(_, known)| known.state == AlertState::Firing);
        firing.map(|(key, _)| key.clone()).collect()
    }

    /// From now on what is delivered is told. What had been before is told at the beginning.
    pub fn begins(&self, clock: Clock) {
        let mut inbox = self.inbox();
        inbox.times = Times::of_load(clock);
        let before = inbox.seen.before();
        before.into_iter().for_each(|alert| inbox.tell(Event::Alert(alert)));
    }

    /// How much came in all.
    pub fn received(&self) -> Event {
        Event::AlertsReceived(self.inbox().received.clone())
    }
}

fn lock(inbox: &Mutex<Inbox>) -> std::sync::MutexGuard<'_, Inbox> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an earlier run left in the kernel's list of closed connections is no reason to refuse.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    const BACKLOG: u32 = 128;
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    // Elsewhere than on Unix this option would let two share a port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn answer(State(inbox): State<Arc<Mutex<Inbox>>>, request: Request) -> Response {
    let (status, said) = match read(request).await {
        Ok(message) => {
            let is_event = message.incident.is_some();
            lock(&inbox).take(message);
            match is_event {
                true => (StatusCode::ACCEPTED, "{\"status\":\"success\"}".to_owned()),
                false => (StatusCode::OK, "{}".to_owned()),
            }
        }
        Err((status, why)) => {
            lock(&inbox).refuse(&why);
            (status, format!("{why}\n"))
        }
    };
    let mut answer = (status, said).into_response();
    // Each connection takes one message, so that none is held for longer than that needs.
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    answer
}

async fn read(request: Request<Body>) -> Result<Message, (StatusCode, String)> {
    if request.method() != Method::POST {
        let why = format!("notifications come by POST, and this is a {}", escaped_start(request.method().as_str(), 20));
        return Err((StatusCode::METHOD_NOT_ALLOWED, why));
    }
    let too_long = "its body is longer than 1 MiB";
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > LONGEST as u64) {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, too_long.to_owned()));
    }
    let body = to_bytes(request.into_body(), LONGEST).await.map_err(|error| {
        let why = format!("{too_long}, or did not come whole: {error}");
        (StatusCode::PAYLOAD_TOO_LARGE, why)
    })?;
    message::read(&body).map_err(|why| (StatusCode::BAD_REQUEST, escaped_start(&why, SHOWN)))
}

impl Inbox {
    fn tell(&mut self, event: Event) {
        if self.told == MOST_TOLD {
            self.full("more changes were delivered than a run records");
            return;
        }
        self.told += 1;
        // Nobody listens behind the end of a run.
        let _ = self.tell.send(event);
    }

    fn problem(&self, problem: String) {
        let _ = self.tell.send(Event::Problem { problem });
    }

    fn full(&mut self, why: &str) {
        if !std::mem::replace(&mut self.is_full, true) {
            self.problem(format!("`{}`: {why}; the rest is only counted", self.name));
        }
    }

    /// What is junk once may be again: one reason is told.
    fn refuse(&mut self, why: &str) {
        self.received.refused += 1;
        if self.received.refused == 1 {
            self.problem(format!("`{}` was sent something that it did not take: {why}", self.name));
        }
    }

    fn take(&mut self, message: Message) {
        let Message { receiver: _, alerts, incident, left } = message;
        self.received.messages += 1;
        self.received.left += left as u64;
        let at = self.times.now();
        let mut known: Vec<Key> = alerts.iter().map(|(key, _)| key.clone()).collect();
        alerts.into_iter().for_each(|(key, state)| self.hear(key, state, at));
        match incident {
            Some(Incident { key, is_over: true }) => {
                let all = self.open.remove(&key).unwrap_or_default();
                all.into_iter().for_each(|key| self.hear(key, AlertState::Resolved, at));
            }
            Some(Incident { key, is_over: false }) if self.open.len() < MOST_KNOWN => {
                let open = self.open.entry(key).or_default();
                known.retain(|key| !open.contains(key));
                open.extend(known);
                open.truncate(message::MOST_ALERTS);
            }
            Some(_) | None => {}
        }
    }

    fn hear(&mut self, key: Key, state: AlertState, at: u64) {
        if self.seen.len() >= MOST_KNOWN && !self.seen.knows(&key) {
            self.received.left += 1;
            return self.full("more different alerts were delivered than a run knows");
        }
        match self.seen.hear(key, state, at) {
            Some(alert) if self.times.has_begun() => self.tell(Event::Alert(alert)),
            Some(_) => {}
            None => self.received.repeated += 1,
        }
    }
}

/// Accepts so many connections at a time, each for a while.
struct Bounded {
    listener: TcpListener,
    free: Arc<Semaphore>,
}

impl Listener for Bounded {
    type Io = Brief;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Brief, SocketAddr) {
        let Ok(permit) = self.free.clone().acquire_owned().await else { return std::future::pending().await };
        let (stream, from) = Listener::accept(&mut self.listener).await;
        // A socket that refuses is already broken, and reading from it will say so.
        let _ = stream.set_nodelay(true);
        (Brief { stream, until: Box::pin(sleep(PATIENCE)), _permit: permit }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends in time.
struct Brief {
    stream: TcpStream,
    until: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl Brief {
    fn is_over(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.until.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Brief {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.is_over(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Brief {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.is_over(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
