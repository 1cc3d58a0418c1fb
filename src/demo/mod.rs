//! The demo shop: a small web service over a real database, with limits that can be reached and faults that can
//! be ordered, for scenarios to put under load.

mod alerts;
mod catalogue;
mod client;
mod database;
mod error;
mod faults;
mod limits;
mod login;
mod metrics;
mod news;
mod orders;
mod pager;
mod parent;
mod process;
mod refusal;
mod routes;
mod tls;

pub use database::options;
pub use error::Error;
pub use tls::{Authority, Made, config as https, make};

use axum::serve::ListenerExt;
use database::{Database, Storage};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpSocket;

/// How the shop is built for one experiment.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// An SQLite file, created when missing, or the URL of a PostgreSQL database.
    pub database: String,
    /// Connections of the database pool.
    pub pool: u32,
    /// Orders that may be in the checkout at once.
    pub slots: usize,
    /// Requests a second that are let in; a second's worth may come at once.
    pub rate_limit: Option<f64>,
    /// Added to every answer about one product.
    pub slow: Duration,
    /// How long each order asks the database, with its slot and a connection of the pool.
    pub slow_orders: Duration,
    /// Share (0..1) of requests for products and orders that is answered 500.
    pub error_rate: f64,
    /// Bytes kept for ever with every order.
    pub leak: usize,
    /// Bytes of memory that the shop works in from its start.
    pub cache: usize,
    /// Share (0..1) of orders that are acknowledged and never written.
    pub loses: f64,
    /// Connections to the database that break are not replaced.
    pub never_reconnects: bool,
    /// An order is written again where its key comes again.
    pub forgets_keys: bool,
    /// Where the notifications of its own alerts are delivered.
    pub alerts: Option<SocketAddr>,
    /// Above which share (0..1) of errors its `HighErrorRate` fires.
    pub alert_above: f64,
    /// A payment service that each order asks first.
    pub payments: Option<SocketAddr>,
    /// How often a price is told to all who listen.
    pub news: Duration,
    /// A certificate and its key in PEM, with which it speaks https.
    pub identity: Option<String>,
    /// The process whose end is also the shop's. It holds the other end of the shop's standard input.
    pub parent: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            database: "shop.db".to_owned(),
            pool: 10,
            slots: 50,
            rate_limit: None,
            slow: Duration::ZERO,
            slow_orders: Duration::ZERO,
            error_rate: 0.0,
            leak: 0,
            cache: 0,
            loses: 0.0,
            never_reconnects: false,
            forgets_keys: false,
            alerts: None,
            alert_above: 0.05,
            payments: None,
            news: Duration::from_millis(100),
            identity: None,
            parent: None,
        }
    }
}

impl Options {
    fn check(&self) -> Result<(), Error> {
        let unusable = |option, value: String, usable| Err(Error::Option { option, value, usable });
        if !(1..=256).contains(&self.pool) {
            return unusable("--pool", self.pool.to_string(), "a number from 1 to 256");
        }
        if !(1..=1_000_000).contains(&self.slots) {
            return unusable("--slots", self.slots.to_string(), "a number from 1 to 1000000");
        }
        if let Some(rate) = self.rate_limit.filter(|rate| !(rate.is_finite() && *rate > 0.0)) {
            return unusable("--rate-limit", rate.to_string(), "a rate above 0");
        }
        if !(0.0..=1.0).contains(&self.error_rate) {
            return unusable("--error-rate", self.error_rate.to_string(), "a share from 0 to 1");
        }
        if !(0.0..=1.0).contains(&self.loses) {
            return unusable("--loses", self.loses.to_string(), "a share from 0 to 1");
        }
        if !(0.0..=1.0).contains(&self.alert_above) {
            return unusable("--alert-above", self.alert_above.to_string(), "a share from 0 to 1");
        }
        if self.news < Duration::from_millis(1) {
            return unusable("--news", format!("{:?}", self.news), "1ms or more");
        }
        for (option, address) in [("--alerts", self.alerts), ("--payments", self.payments)] {
            if let Some(address) = address.filter(|address| !address.ip().is_loopback()) {
                return unusable(option, address.to_string(), "an address of this machine, such as 127.0.0.1:9199");
            }
        }
        Ok(())
    }
}

/// What every request shares.
struct Shop {
    database: Database,
    metrics: metrics::Metrics,
    limiter: Option<limits::RateLimiter>,
    slots: limits::Slots,
    faults: faults::Faults,
    payments: Option<SocketAddr>,
    cache: catalogue::Cache,
    secret: login::Secret,
    news: news::News,
}

/// Serves until SIGTERM, SIGINT or the end of the parent; `announce` gets the bound address once connections are
/// accepted.
pub fn serve(options: &Options, announce: impl FnOnce(SocketAddr)) -> Result<(), Error> {
    options.check()?;
    if let Some(parent) = options.parent {
        parent::end_with(parent)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::System)?;
    let served = runtime.block_on(run(options, announce));
    runtime.shutdown_background();
    served
}

async fn run(options: &Options, announce: impl FnOnce(SocketAddr)) -> Result<(), Error> {
    // More than any test opens at once; the system caps it.
    const BACKLOG: u32 = 4096;
    // Together below the two seconds a stop may take.
    const LAST_REQUESTS: Duration = Duration::from_millis(1500);
    const LAST_WRITES: Duration = Duration::from_millis(400);

    let unbound = |source| Error::Listen { address: options.listen, source };
    let socket = bind(options.listen).map_err(unbound)?;
    let place = Storage {
        database: options.database.clone(),
        connections: options.pool,
        never_reconnects: options.never_reconnects,
        forgets_keys: options.forgets_keys,
    };
    let shop = Arc::new(Shop {
        database: Database::open(&place)
            .await
            .map_err(|source| Error::Database { database: options.database.clone(), source })?,
        metrics: metrics::Metrics::default(),
        limiter: options.rate_limit.map(limits::RateLimiter::new),
        slots: limits::Slots::new(options.slots),
        faults: faults::Faults::new(options),
        payments: options.payments,
        cache: catalogue::Cache::filled(options.cache).map_err(Error::System)?,
        secret: login::Secret::fresh(),
        news: news::News::every(options.news),
    });
    let stop = stop_signal().map_err(Error::System)?;
    let listener = socket.listen(BACKLOG).map_err(unbound)?;
    let address = listener.local_addr().map_err(unbound)?;
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let stop = async {
        stop.await;
        // The receiver is gone only when serving has ended anyway.
        let _ = stopping.send(());
    };
    let router = routes::router(&shop);
    let served: Pin<Box<dyn Future<Output = std::io::Result<()>>>> = match &options.identity {
        Some(identity) => {
            let listener = tls::Encrypted::new(listener, identity)?;
            Box::pin(axum::serve(listener, router).with_graceful_shutdown(stop).into_future())
        }
        None => {
            let listener = listener.tap_io(|stream| {
                // A socket that refuses is already broken, and reading from it will say so.
                let _ = stream.set_nodelay(true);
            });
            Box::pin(axum::serve(listener, router).with_graceful_shutdown(stop).into_future())
        }
    };
    let watched = Arc::clone(&shop);
    tokio::spawn(async move { watched.database.watch().await });
    if let Some(receiver) = options.alerts {
        let scheme = if options.identity.is_some() { "https" } else { "http" };
        let (pager, own) = (pager::Pager::start(receiver), format!("{scheme}://{address}"));
        tokio::spawn(alerts::watch(Arc::clone(&shop), options.alert_above, pager, own));
    }
    announce(address);
    tokio::select! {
        served = served => served.map_err(Error::System)?,
        () = async { let _ = stopped.await; tokio::time::sleep(LAST_REQUESTS).await } => {}
    }
    // Closing folds the log into the database file; what is cut off here is folded in at the next start.
    let _ = tokio::time::timeout(LAST_WRITES, shop.database.close()).await;
    Ok(())
}

fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Elsewhere than on Unix this option would let two shops share a port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
