//! The guard of a run, as its tasks use it: everything is written down before it is done, on a separate thread, because that
//! waits for the disk.

use super::{RunError, Settings};
use crate::guard::{self, Guard, Undo, Whom};
use crate::plan::{Plan, ServiceKind};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Has no guard in a run that starts and hurts nothing, so that such a run does not pay for one.
#[derive(Clone, Default)]
pub struct Guarded(Arc<Mutex<Option<Guard>>>);

/// How long the guardian waits beyond the planned end of what it guards: a run that is late is no run that hangs.
pub const MARGIN: Duration = Duration::from_secs(10);

impl Guarded {
    /// Whatever else happens, the processes of the run are ended, and then its files removed.
    pub fn start(plan: &Plan, settings: &Settings) -> Result<Guarded, RunError> {
        let is_ours = |kind: &ServiceKind| !matches!(kind, ServiceKind::Attach { .. });
        if plan.faults.is_empty() && !plan.services.iter().any(|service| is_ours(&service.kind)) {
            return Ok(Guarded::default());
        }
        let refused = |error: io::Error| {
            RunError::System(io::Error::other(format!("what a run would leave behind cannot be written down: {error}")))
        };
        let directory = guard::directory().map_err(refused)?;
        let mut guard = Guard::start(&directory, &settings.id, &settings.program).map_err(refused)?;
        let files = Undo::remove(&settings.directory)?;
        guard.begin("the files of its services", files, None).map_err(refused)?;
        let processes = Undo::Kill(Whom::Marked(settings.id.clone()));
        guard.begin("the processes that it started", processes, None).map_err(refused)?;
        Ok(Guarded(Arc::new(Mutex::new(Some(guard)))))
    }

    /// When this returns, what takes it back is on the disk. The number is for [`Guarded::end`].
    pub async fn begin(&self, what: String, undo: Undo, within: Option<Duration>) -> Result<u64, String> {
        let begun = self.with(move |guard| guard.begin(&what, undo, within)).await;
        begun.map_err(|error| format!("what takes it back cannot be written down: {error}"))
    }

    /// It was taken back.
    pub async fn end(&self, id: u64) {
        // What is not written down is taken back once more, which does nothing.
        let _ = self.with(move |guard| guard.end(id)).await;
    }

    /// Starts another guardian where this one was killed.
    pub fn look_after(&self) {
        if let Some(guard) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            // It is tried again a second later.
            let _ = guard.look_after();
        }
    }

    /// The number of the process that is the guardian now.
    pub fn guardian(&self) -> Option<i32> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .and_then(Guard::process)
            .map(|process| process.pid)
    }

    /// Takes back what is open, and says what could not be.
    pub fn finish(self) -> Result<(), String> {
        let guard = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        guard.map_or(Ok(()), Guard::finish)
    }

    async fn with<T: Send + Default + 'static>(
        &self,
        what: impl FnOnce(&mut Guard) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let own = self.0.clone();
        let done =
            tokio::task::spawn_blocking(move || match own.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                Some(guard) => what(guard),
                None => Ok(T::default()),
            });
        done.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}
