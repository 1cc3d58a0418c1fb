//! `pause`: stops all processes of a service. A process that was already stopped does not count as paused.

use super::{Held, Shown, down};
use crate::guard::{Process, Undo, Whom};
use crate::run::service::Running;
use crate::run::watch::processes::is_stopped;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub struct Pause {
    running: Arc<Running>,
    held: Held,
    /// Who was stopped by us.
    stopped: BTreeSet<Process>,
}

impl Pause {
    pub fn of(running: Arc<Running>, held: Held) -> Pause {
        Pause { running, held, stopped: BTreeSet::new() }
    }

    pub async fn apply(&mut self, length: Duration) -> Result<(), String> {
        self.stopped.clear();
        self.held.begin(Undo::Continue(whom(&self.running)?), length).await?;
        // One may be started while others are stopped; those that stand start none.
        for _ in 0..200 {
            let going: Vec<Process> =
                self.running.processes()?.into_iter().filter(|process| !is_stopped(*process)).collect();
            if going.is_empty() {
                return Ok(());
            }
            for process in going {
                signal(process, true)?;
                self.stopped.insert(process);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err("some of its processes could not be stopped".to_owned())
    }

    pub async fn withdraw(&mut self) -> Result<Shown, String> {
        let stood = self.stopped.iter().filter(|process| is_stopped(**process)).count();
        for process in std::mem::take(&mut self.stopped) {
            signal(process, false)?;
        }
        self.held.end().await;
        Ok(Shown::told((stood > 0).then(|| format!("{} stood still", down::count(stood)))))
    }
}

/// The processes that the guardian resumes: for our own services, also those that start later.
pub fn whom(running: &Running) -> Result<Whom, String> {
    let now = running.processes()?;
    Ok(match running.mark() {
        Some(mark) => Whom::Marked(mark.to_owned()),
        None => Whom::These(now),
    })
}

#[cfg(unix)]
pub fn signal(process: Process, stop: bool) -> Result<(), String> {
    let signal = if stop { rustix::process::Signal::STOP } else { rustix::process::Signal::CONT };
    process.signal(signal).map(|_| ()).map_err(|error| format!("process {}: {error}", process.pid))
}

#[cfg(not(unix))]
pub fn signal(_: Process, _: bool) -> Result<(), String> {
    Err("this system has no signals".to_owned())
}
