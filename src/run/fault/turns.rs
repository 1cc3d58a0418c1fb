//! Limits processor time without a control group: a separate thread stops a service as soon as it has used more than its share,
//! and continues it after it has waited long enough.

use super::pause::signal;
use crate::guard::Process;
use crate::run::service::Running;
use crate::run::watch::processes::nanoseconds;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub struct Turns {
    over: Sender<()>,
    /// How often it was stopped, and what share of a core it used.
    thread: JoinHandle<(u64, f64)>,
}

const TURN: Duration = Duration::from_millis(10);
/// How often it is asked which processes there are, which costs more.
const LOOK: Duration = Duration::from_millis(200);
/// What was not used is not saved up for longer.
const SAVED: Duration = Duration::from_millis(50);

impl Turns {
    pub fn start(running: Arc<Running>, share: f64) -> Result<Turns, String> {
        running.processes()?;
        // One that must not be touched may have come to it since.
        Turns::over(move || running.processes().unwrap_or_default(), share)
    }

    fn over(processes: impl Fn() -> Vec<Process> + Send + 'static, share: f64) -> Result<Turns, String> {
        let (over, ended) = channel::<()>();
        let deal = move || {
            let (begun, mut at) = (Instant::now(), Instant::now());
            let (mut known, mut looked): (HashMap<Process, u64>, Option<Instant>) = (HashMap::new(), None);
            let (mut left, mut used, mut times, mut stopped) = (0.0, 0u64, 0, false);
            loop {
                if looked.is_none_or(|looked| looked.elapsed() > LOOK) {
                    looked = Some(Instant::now());
                    let now = processes();
                    // Who does not belong to it any more is not left as it stands.
                    let gone = known.keys().filter(|process| stopped && !now.contains(process));
                    gone.for_each(|process| drop(signal(*process, false)));
                    known.retain(|process, _| now.contains(process));
                    for process in now {
                        known.entry(process).or_insert_with(|| nanoseconds(process));
                    }
                }
                let mut spent = 0;
                for (process, before) in &mut known {
                    let now = nanoseconds(*process);
                    spent += now.saturating_sub(*before);
                    *before = now;
                }
                used += spent;
                left += share * at.elapsed().as_nanos() as f64 - spent as f64;
                left = f64::min(left, share * SAVED.as_nanos() as f64);
                at = Instant::now();
                let stop = left < 0.0;
                times += u64::from(stop && !stopped);
                if stop || stopped {
                    // Also those that were found since.
                    known.keys().for_each(|process| drop(signal(*process, stop)));
                }
                stopped = stop;
                if !matches!(ended.recv_timeout(TURN), Err(RecvTimeoutError::Timeout)) {
                    known.keys().for_each(|process| drop(signal(*process, false)));
                    return (times, used as f64 / begun.elapsed().as_nanos().max(1) as f64);
                }
            }
        };
        let thread = std::thread::Builder::new().name("turns".to_owned()).spawn(deal);
        Ok(Turns { over, thread: thread.map_err(|error| error.to_string())? })
    }

    pub fn end(self) -> (u64, f64) {
        drop(self.over);
        self.thread.join().unwrap_or_default()
    }
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    /// What a shell used of a core while it was dealt a fifth of one, until it had spent so many nanoseconds: how soon that is, is for the
    /// machine to say.
    fn dealt(script: &str, spends: u64) -> (u64, f64, Child) {
        let child = Command::new("sh").args(["-c", script]).spawn().unwrap();
        let process = Process::of(child.id() as i32).unwrap();
        let turns = Turns::over(move || vec![process], 0.2).unwrap();
        let began = Instant::now();
        std::thread::sleep(Duration::from_millis(1500));
        while nanoseconds(process) < spends && began.elapsed() < Duration::from_secs(9) {
            std::thread::sleep(TURN);
        }
        let (times, used) = turns.end();
        (times, used, child)
    }

    #[test]
    fn what_spins_gets_its_share_and_what_sleeps_is_left_alone() {
        // Other tests may leave it less of a core than its share, and then it is not stopped.
        let mut starved = 0;
        loop {
            let (times, used, mut child) = dealt("while :; do :; done", 200_000_000);
            assert!(!crate::run::watch::processes::is_stopped(Process::of(child.id() as i32).unwrap()));
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(used > 0.02 && used < 0.35, "{times} times, {used}");
            if times > 3 {
                break;
            }
            starved += 1;
            assert!(used <= 0.21 && starved < 10, "{times} times, {used}");
        }
        let (times, _, mut child) = dealt("exec sleep 30", 0);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(times <= 1, "{times}");
    }
}
