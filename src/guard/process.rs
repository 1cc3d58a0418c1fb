//! Identifies processes without mistakes: by number and start time, or by a mark in their environment.

use serde::{Deserialize, Serialize};

/// The variable that all processes of a run carry, and whatever they start. Its words are the marks, of which a run inside of
/// another adds its own.
pub const MARK: &str = "STRESSC_RUN";

/// A process that cannot be taken for a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Process {
    pub pid: i32,
    /// In ticks since the machine was started on Linux, elsewhere in seconds of the epoch.
    pub started: u64,
}

/// The processes that are acted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    /// All that carry a mark, whenever they were started.
    Marked(String),
    These(Vec<Process>),
}

/// What [`MARK`] holds in the environment of a child: the marks that this process has itself, and one more.
pub fn mark(own: &str) -> String {
    match std::env::var(MARK) {
        Ok(outer) => format!("{outer} {own}"),
        Err(_) => own.to_owned(),
    }
}

impl Process {
    /// `None` if there is none of that number, or it has ended and only waits to be noticed.
    pub fn of(pid: i32) -> Option<Process> {
        system::started(pid).map(|started| Process { pid, started })
    }

    pub fn this() -> Option<Process> {
        i32::try_from(std::process::id()).ok().and_then(Process::of)
    }

    pub fn is_alive(self) -> bool {
        Process::of(self.pid) == Some(self)
    }

    /// Whether it carries a mark, as far as its environment is shown.
    pub fn carries(self, mark: &str) -> bool {
        system::carries(self.pid, mark)
    }

    /// Whether it was still there to be told.
    #[cfg(unix)]
    pub fn signal(self, signal: rustix::process::Signal) -> std::io::Result<bool> {
        let told = system::signal(self, signal);
        match told {
            Err(rustix::io::Errno::SRCH) => Ok(false),
            other => Ok(other?),
        }
    }
}

impl Whom {
    /// Whose name would be that of another one in another namespace or after another start of the machine.
    pub fn is_by_number(&self) -> bool {
        match self {
            Whom::Marked(_) => false,
            Whom::These(_) => true,
        }
    }

    pub fn processes(&self) -> Vec<Process> {
        match self {
            Whom::Marked(mark) => marked(mark),
            Whom::These(processes) => processes.iter().copied().filter(|process| process.is_alive()).collect(),
        }
    }
}

/// All processes that carry a mark and may be looked at.
pub fn marked(mark: &str) -> Vec<Process> {
    let this = std::process::id() as i32;
    system::all()
        .into_iter()
        .filter(|pid| *pid != this && system::carries(*pid, mark))
        .filter_map(Process::of)
        .collect()
}

fn has_word(words: &str, mark: &str) -> bool {
    words.split_ascii_whitespace().any(|word| word == mark)
}

#[cfg(target_os = "linux")]
mod system {
    use super::super::proc;
    use super::{MARK, Process, has_word};
    use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

    pub fn all() -> Vec<i32> {
        proc::numbers().collect()
    }

    /// Where it is no zombie.
    pub fn started(pid: i32) -> Option<u64> {
        proc::Stat::of(pid).filter(|stat| !stat.has_ended())?.started()
    }

    pub fn carries(pid: i32, mark: &str) -> bool {
        let Ok(environment) = std::fs::read(format!("/proc/{pid}/environ")) else { return false };
        environment.split(|byte| *byte == 0).any(|variable| {
            let text = String::from_utf8_lossy(variable);
            text.strip_prefix(MARK).and_then(|rest| rest.strip_prefix('=')).is_some_and(|words| has_word(words, mark))
        })
    }

    /// Through a descriptor of the process, so that its number cannot pass to another one between the look and the signal.
    pub fn signal(process: Process, signal: Signal) -> rustix::io::Result<bool> {
        let Some(pid) = Pid::from_raw(process.pid) else { return Ok(false) };
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(held) if process.is_alive() => pidfd_send_signal(held, signal).map(|()| true),
            Err(rustix::io::Errno::NOSYS) if process.is_alive() => kill_process(pid, signal).map(|()| true),
            Ok(_) | Err(rustix::io::Errno::NOSYS) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{MARK, Process, has_word};
    use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

    fn look(which: ProcessesToUpdate, kind: ProcessRefreshKind) -> Option<System> {
        let mut system = System::new().ok()?;
        system.refresh_processes_specifics(which, true, kind);
        Some(system)
    }

    pub fn all() -> Vec<i32> {
        let Some(system) = look(ProcessesToUpdate::All, ProcessRefreshKind::nothing()) else { return Vec::new() };
        system.processes().keys().filter_map(|pid| i32::try_from(pid.as_u32()).ok()).collect()
    }

    pub fn started(pid: i32) -> Option<u64> {
        let pid = Pid::from_u32(u32::try_from(pid).ok()?);
        let system = look(ProcessesToUpdate::Some(&[pid]), ProcessRefreshKind::nothing())?;
        let process = system.process(pid)?;
        (process.status() != sysinfo::ProcessStatus::Zombie).then(|| process.start_time())
    }

    pub fn carries(pid: i32, mark: &str) -> bool {
        let Ok(pid) = u32::try_from(pid) else { return false };
        let kind = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always);
        let Some(system) = look(ProcessesToUpdate::Some(&[Pid::from_u32(pid)]), kind) else { return false };
        let environment = system.process(Pid::from_u32(pid)).into_iter().flat_map(|process| process.environ());
        let mut variables = environment.map(|variable| variable.to_string_lossy());
        variables.any(|text| {
            text.strip_prefix(MARK).and_then(|rest| rest.strip_prefix('=')).is_some_and(|words| has_word(words, mark))
        })
    }

    #[cfg(unix)]
    pub fn signal(process: Process, signal: rustix::process::Signal) -> rustix::io::Result<bool> {
        match rustix::process::Pid::from_raw(process.pid).filter(|_| process.is_alive()) {
            Some(pid) => rustix::process::kill_process(pid, signal).map(|()| true),
            None => Ok(false),
        }
    }
}
