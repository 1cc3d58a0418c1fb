//! Notifications on their way to a receiver, in order, each tried again until it is there.

use super::client;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How long the receiver may take for one.
const PATIENCE: Duration = Duration::from_secs(2);
const BETWEEN_TRIES: Duration = Duration::from_millis(500);
/// So many may wait while the receiver is away.
const MOST: usize = 64;

/// Where notifications are handed in.
pub struct Pager(Sender<String>);

impl Pager {
    /// Begins to deliver to a receiver on this machine.
    pub fn start(to: SocketAddr) -> Pager {
        let (sender, messages) = channel(MOST);
        tokio::spawn(deliver(to, messages));
        Pager(sender)
    }

    pub fn tell(&self, message: String) {
        if self.0.try_send(message).is_err() {
            warn(&format!("a notification is lost: {MOST} others wait for their receiver"));
        }
    }
}

async fn deliver(to: SocketAddr, mut messages: Receiver<String>) {
    while let Some(message) = messages.recv().await {
        loop {
            match client::ask(to, "POST", "/", &message, PATIENCE).await {
                Ok(200..=299) => break,
                // A message that is refused would be refused again. Alertmanager gives up here too.
                Ok(status @ 400..=499) => {
                    warn(&format!("the receiver of alerts at {to} refused a notification with status {status}"));
                    break;
                }
                Ok(_) | Err(_) => tokio::time::sleep(BETWEEN_TRIES).await,
            }
        }
    }
}

/// What a run keeps of a service that is asked about. Nothing can be done where even that fails.
fn warn(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
