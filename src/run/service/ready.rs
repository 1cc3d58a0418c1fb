//! When a service that was started is ready.

use super::postgres;
use crate::base::units;
use crate::run::ask::{ControlClient, Trust};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// What is waited for.
#[derive(Debug, Clone)]
pub enum Ready {
    /// Nothing but that it does not end at once.
    Lives,
    /// Its port accepts a connection.
    Accepts(SocketAddr),
    /// A 2xx of a URL.
    Answers { url: String, trust: Trust },
    /// A PostgreSQL answers a query; it is also told who may come.
    Queries(postgres::Access),
}

/// Waits until it is ready or the time is over; then says what the last try gave.
pub async fn wait(ready: Ready, within: Duration) -> Result<(), String> {
    /// How long one try may take.
    const TRY: Duration = Duration::from_secs(2);
    /// One that has nothing to show for itself is given as long to fail.
    const AT_ONCE: Duration = Duration::from_millis(100);
    let deadline = Instant::now() + within;
    let trust = match &ready {
        Ready::Answers { url, trust } => Some(trust).filter(|_| url.starts_with("https://")),
        Ready::Lives | Ready::Accepts(_) | Ready::Queries(_) => None,
    };
    let client = ControlClient::new(TRY, trust)?;
    let what = match &ready {
        Ready::Lives => {
            sleep(AT_ONCE.min(within)).await;
            return Ok(());
        }
        Ready::Accepts(address) => address.to_string(),
        Ready::Answers { url, .. } => url.clone(),
        Ready::Queries(_) => "the database".to_owned(),
    };
    let mut last = "no answer".to_owned();
    loop {
        let tried = async {
            match &ready {
                Ready::Lives => Ok(()),
                Ready::Accepts(address) => accepts(*address).await,
                Ready::Answers { url, .. } => client.answers(url).await,
                Ready::Queries(access) => access.open().await.map_err(|error| error.to_string()),
            }
        };
        match timeout_at(deadline, tokio::time::timeout(TRY, tried)).await {
            Ok(Ok(Ok(()))) => return Ok(()),
            Ok(Ok(Err(problem))) => last = problem,
            Ok(Err(_)) => last = "no answer within 2s".to_owned(),
            Err(_) => {}
        }
        if timeout_at(deadline, sleep(Duration::from_millis(50))).await.is_err() {
            let within = units::duration(within.as_nanos() as u64);
            return Err(format!("{what} did not become ready within {within}; the last try gave: {last}"));
        }
    }
}

/// Whether somebody listens, or why not.
pub async fn accepts(address: SocketAddr) -> Result<(), String> {
    match tokio::net::TcpStream::connect(address).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Err("connection refused".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
