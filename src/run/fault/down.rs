//! `kill` and `restart`: a service that is gone for a while. Its processes are remembered, to prove that all of them have ended.

use super::Shown;
use crate::guard::Process;
use crate::run::service::{self, Running};
use std::sync::Arc;
use std::time::Duration;

pub struct Down {
    running: Arc<Running>,
    how: How,
    /// Who was there when it was applied.
    before: Vec<Process>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Killed, and kept down until it is taken back.
    Kept,
    /// Killed; its own supervisor restarts it.
    Left,
    /// Stopped as at the end of a run, and started again.
    Restarted,
}

impl Down {
    pub fn of(running: Arc<Running>, how: How) -> Down {
        Down { running, how, before: Vec::new() }
    }

    pub async fn apply(&mut self) -> Result<(), String> {
        self.before = self.running.processes()?;
        match self.how {
            How::Kept => self.running.down(service::Down::Kill).await,
            How::Restarted => self.running.down(service::Down::Stop).await,
            #[cfg(unix)]
            How::Left => self.running.signal(rustix::process::Signal::KILL)?,
            #[cfg(not(unix))]
            How::Left => return Err("this system has no signals".to_owned()),
        }
        for _ in 0..200 {
            if self.left().is_empty() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(format!("{} of its processes could not be ended", self.left().len()))
    }

    fn left(&self) -> Vec<Process> {
        self.before.iter().copied().filter(|process| process.is_alive()).collect()
    }

    /// Somebody has brought it back.
    pub async fn over(&self) {
        match self.how {
            How::Left => self.running.is_there().await,
            How::Kept | How::Restarted => std::future::pending().await,
        }
    }

    /// A killed one is mended as soon as its process is there: what it takes to be ready is a part of its recovery.
    pub async fn withdraw(&mut self) -> Result<Shown, String> {
        let done = match self.how {
            How::Kept => self.running.start().await,
            How::Restarted => self.running.up().await,
            How::Left => Ok(()),
        };
        done.map_err(|failed| match failed.log.as_str() {
            "" => format!("it did not come back: {}", failed.problem),
            log => format!("it did not come back: {}; it wrote:\n{log}", failed.problem),
        })?;
        let gone = !self.before.is_empty() && self.left().is_empty();
        let how = if self.how == How::Restarted { "stopped" } else { "killed" };
        Ok(Shown::told(gone.then(|| format!("{how} {}", count(self.before.len())))))
    }
}

pub fn count(processes: usize) -> String {
    if processes == 1 { "1 process".to_owned() } else { format!("{processes} processes") }
}
