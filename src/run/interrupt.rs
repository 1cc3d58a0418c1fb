//! What ends a run from outside.

use super::guarded::Guarded;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// As a shell has it of what a signal has ended.
const INTERRUPTED: i32 = 130;
/// How long a run may still take when it was told twice to end.
const TO_END: Duration = Duration::from_secs(10);
/// And its guardian to take back what the run could not.
const TO_TAKE_BACK: Duration = Duration::from_secs(60);
/// And somebody to hear of it.
const TO_SAY: Duration = Duration::from_secs(1);

/// What the run of now has injected; one process may make several, one after the other.
static NOW: Mutex<Option<Guarded>> = Mutex::new(None);
/// Whether somebody wants this process to end.
static CAME: AtomicBool = AtomicBool::new(false);

/// Whether it was interrupted since its first run began: none follows then.
pub fn came() -> bool {
    CAME.load(Ordering::SeqCst)
}

/// From now on a second signal ends this process whatever it does: a worker that computes, a disk that does not answer, an
/// output that nobody reads. What the run has injected is taken back first, by its guardian where the run itself does not
/// come to it. A third signal does not wait for the run.
pub fn a_second_ends(guarded: &Guarded) -> std::io::Result<()> {
    let mut now = NOW.lock().unwrap_or_else(PoisonError::into_inner);
    if now.is_none() {
        listen()?;
    }
    *now = Some(guarded.clone());
    Ok(())
}

/// One thread for all runs of this process.
fn listen() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut interrupt = runtime.block_on(async { Interrupt::new() })?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            interrupt.wait().await;
            CAME.store(true, Ordering::SeqCst);
            interrupt.wait().await;
            // A third.
            let _ = tokio::time::timeout(TO_END, interrupt.wait()).await;
        });
        let guarded = NOW.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let left = within(TO_TAKE_BACK, move || guarded.map_or(Ok(()), |guarded| guarded.finish()));
        let said = match left {
            Some(Ok(())) => "what it had injected and started was taken back".to_owned(),
            Some(Err(problem)) => format!("something could not be taken back: {problem}"),
            None => "its guardian still takes back what it had injected".to_owned(),
        };
        let text = format!("error: the run did not end when it was told to, so it is broken off; {said}\n");
        within(TO_SAY, move || std::io::stderr().lock().write_all(text.as_bytes()));
        std::process::exit(INTERRUPTED);
    })?;
    Ok(())
}

/// What comes of something that may never end; it is left to itself then.
fn within<T: Send + 'static>(time: Duration, what: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (send, done) = channel();
    std::thread::spawn(move || {
        let _ = send.send(what());
    });
    done.recv_timeout(time).ok()
}

/// Ctrl-C, and the signal with which supervisors end a process. Both are heard from the start on, so that none is lost
/// while something else is done.
pub struct Interrupt {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Interrupt {
    pub fn new() -> std::io::Result<Interrupt> {
        #[cfg(unix)]
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Interrupt {
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub async fn wait(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
