//! Processes: the one place where a child is started, and the one where it is ended.
//!
//! Each child leads a session of its own, and so a process group, with which what it starts in turn ends. All of them are started from
//! the thread that controls the run, which lives as long as the process: the kernel ties the end of a child to the
//! end of the thread that started it.

use crate::engine::secret::Mask;
use crate::guard::{self, Process};
use crate::inputs::groups;
use crate::run::watch::processes;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, sleep, timeout};

#[cfg(unix)]
use super::session;
#[cfg(unix)]
pub use rustix::process::Signal;
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt;

/// How a process is started, each time the same.
#[derive(Debug, Clone)]
pub struct Launch {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Its working directory; that of the run if there is none.
    pub directory: Option<PathBuf>,
    /// Where it runs, in words for an error message.
    pub runs_in: Option<String>,
    /// What it writes is appended there.
    pub log: Log,
    /// The words that it and all that it starts carry in their environment; the last of them is of this service alone.
    pub mark: String,
    /// The control group in which it lives.
    pub group: Option<groups::Cgroup>,
    /// Another user than ours, by numbers; of our environment it gets next to nothing.
    pub user: Option<Account>,
    /// It ends when its standard input does, and so with us however we end.
    pub lifeline: bool,
    pub stop: Stop,
    pub stop_within: Duration,
}

/// The log of a process: what is told of it holds no secret.
#[derive(Debug, Clone)]
pub struct Log {
    pub path: PathBuf,
    pub mask: Arc<Mask>,
}

/// How a process is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// SIGTERM, to the process and what it started.
    Terminate,
    /// As PostgreSQL is: SIGINT to its first process, which then does not wait for clients; SIGQUIT where that takes too
    /// long.
    Postgres,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub id: u32,
    pub group: u32,
}

/// The variables that another user's process gets of ours.
const HARMLESS: [&str; 4] = ["PATH", "LC_ALL", "LANG", "TZ"];

/// A process that was started, with all that it starts.
pub struct ProcessGroup {
    child: Child,
    pub main: Process,
    mark: String,
    stop: Stop,
    stop_within: Duration,
    /// Nothing of it is left.
    finished: bool,
    /// Held open: a child whose standard input ends knows that we are gone. Waiting for a child would close it.
    _lifeline: Option<ChildStdin>,
}

/// Starts a process in a session of its own. Must be called from the thread that controls the run.
pub fn start(launch: &Launch) -> Result<ProcessGroup, String> {
    let output = appended(&launch.log.path);
    let output =
        output.map_err(|error| format!("its log `{}` cannot be written: {error}", launch.log.path.display()))?;
    let errors = output.try_clone().map_err(|error| format!("its log cannot be written: {error}"))?;
    let mut command = command(launch);
    if launch.user.is_some() {
        // Whoever that user is can read it: what ours holds is not theirs to know.
        command.env_clear().envs(HARMLESS.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    }
    command.envs(launch.env.iter().map(|(name, value)| (variable(name), value)));
    command.env(guard::MARK, guard::mark(&launch.mark));
    command.stdin(if launch.lifeline { Stdio::piped() } else { Stdio::null() }).stdout(output);
    if let Some(directory) = &launch.directory {
        command.current_dir(directory);
    }
    let mut child = spawned(command, errors).map_err(|error| not_started(launch, &error))?;
    let pid = child.id().expect("it has not been waited for") as i32;
    if let Some(group) = &launch.group
        && let Err(error) = group.take(pid)
    {
        let _ = child.start_kill();
        return Err(format!("it does not get into its control group {}: {error}", group.path.display()));
    }
    // One that has ended already is found out when it is waited for.
    let main = Process::of(pid).unwrap_or(Process { pid, started: 0 });
    let mark = launch.mark.rsplit(' ').next().unwrap_or_default().to_owned();
    let lifeline = child.stdin.take();
    Ok(ProcessGroup {
        child,
        main,
        mark,
        stop: launch.stop,
        stop_within: launch.stop_within,
        finished: false,
        _lifeline: lifeline,
    })
}

/// This program, which becomes the other one when it has left the session of the run. Unit tests are another program, of which what is
/// started leads a group alone.
#[cfg(unix)]
fn this_program() -> Option<PathBuf> {
    match (cfg!(test), cfg!(target_os = "linux")) {
        (true, _) => None,
        // Also where another file has come to have its name meanwhile.
        (false, true) => Some(PathBuf::from("/proc/self/exe")),
        (false, false) => std::env::current_exe().ok(),
    }
}

#[cfg(unix)]
fn command(launch: &Launch) -> Command {
    let Some(own) = this_program() else {
        let mut command = Command::new(&launch.program);
        command.args(&launch.arguments).process_group(0);
        if let Some(user) = launch.user {
            command.uid(user.id).gid(user.group);
        }
        return command;
    };
    let mut command = Command::new(own);
    command.arg0("stressc").arg("start");
    if let Some(user) = launch.user {
        command.arg(format!("--user={}:{}", user.id, user.group));
    }
    command.arg("--").arg(&launch.program).args(&launch.arguments);
    command
}

/// By the name that the program's variable has until it is the program that runs.
fn variable(name: &str) -> String {
    #[cfg(unix)]
    if this_program().is_some() {
        return session::of_program(name);
    }
    name.to_owned()
}

/// Returns when it has become its program.
#[cfg(unix)]
fn spawned(mut command: Command, errors: File) -> io::Result<Child> {
    if this_program().is_none() {
        return command.stderr(errors).spawn();
    }
    let (told, theirs) = io::pipe()?;
    let mut child = command.stderr(theirs).spawn()?;
    // With it goes our copy of what the other end has.
    drop(command);
    session::became(session::Told::new(told), errors).inspect_err(|_| {
        let _ = child.start_kill();
    })?;
    Ok(child)
}

#[cfg(not(unix))]
fn command(launch: &Launch) -> Command {
    let mut command = Command::new(&launch.program);
    command.args(&launch.arguments);
    command
}

#[cfg(not(unix))]
fn spawned(mut command: Command, errors: File) -> io::Result<Child> {
    command.stderr(errors).spawn()
}

/// The log, also of a service that was started before.
fn appended(path: &Path) -> io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    options.mode(0o600);
    guard::unfollowed(options.create(true).append(true)).open(path)
}

fn not_started(launch: &Launch, error: &io::Error) -> String {
    let program = launch.program.display();
    match (error.kind(), &launch.directory) {
        (io::ErrorKind::NotFound, Some(directory)) if !directory.is_dir() => {
            format!("its directory `{}` does not exist", directory.display())
        }
        (io::ErrorKind::PermissionDenied, _) => {
            format!("`{program}` may not be executed; `chmod +x` makes a file a program")
        }
        _ => format!("`{program}` cannot be started: {error}"),
    }
}

/// Runs a process to its end, which must be a success; otherwise the last lines of its log are the reason.
pub async fn done(launch: &Launch) -> Result<(), String> {
    let mut group = start(launch)?;
    let status = group.ended().await;
    group.finish().await;
    match status.success() {
        true => Ok(()),
        false => Err(format!("`{}` failed: {status}\n{}", launch.program.display(), launch.log.last_lines())),
    }
}

impl Log {
    /// Its last lines. Secrets are taken out before anything is cut: what is left of one is not known for what it is.
    pub fn last_lines(&self) -> String {
        const LINES: usize = 10;
        const BYTES: usize = 16 << 10;
        let bytes = end_of(&self.path, BYTES + Mask::LONGEST).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let cut = text.len().saturating_sub(BYTES);
        let text = self.mask.behind(text, cut);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }
}

/// The last bytes of a file that may be larger than memory.
fn end_of(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most as u64)))?;
    let mut bytes = Vec::new();
    // It may grow while it is read.
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl ProcessGroup {
    /// Waits for the process to end.
    pub async fn ended(&mut self) -> ExitStatus {
        // Where there is no child that can be waited for, it has ended.
        self.child.wait().await.unwrap_or_default()
    }

    /// Asks it to end, and ends it where it does not within its time; then all that it started.
    pub async fn stop(mut self) {
        let grace = self.stop_within.max(Duration::from_millis(500));
        #[cfg(unix)]
        let asked: &[(bool, Signal, Duration)] = match self.stop {
            Stop::Terminate => &[(true, Signal::TERM, grace)],
            Stop::Postgres => &[(false, Signal::INT, grace), (false, Signal::QUIT, Duration::from_secs(2))],
        };
        #[cfg(unix)]
        for (whole, signal, grace) in asked {
            match whole {
                true => processes::family(self.main).into_iter().for_each(|process| drop(process.signal(*signal))),
                false => drop(self.main.signal(*signal)),
            }
            let until = Instant::now() + *grace;
            if timeout(*grace, self.child.wait()).await.is_ok() {
                // Those that it started were asked too, and have the rest of the time.
                while *whole && Instant::now() < until && !processes::family(self.main).is_empty() {
                    sleep(Duration::from_millis(10)).await;
                }
                break;
            }
        }
        self.finish().await;
    }

    /// It has ended, and what it started and left running goes on.
    pub fn leave(mut self) {
        self.finished = true;
    }

    /// Ends it and all that it started, at once.
    pub async fn kill(mut self) {
        self.finish().await;
    }

    async fn finish(&mut self) {
        const PATIENCE: Duration = Duration::from_secs(2);
        let mut all = self.kill_all();
        let _ = timeout(PATIENCE, self.child.wait()).await;
        let until = Instant::now() + PATIENCE;
        // What it started while it was killed, and what descends from it no more since it has ended.
        while Instant::now() < until {
            all.retain(|process| process.is_alive());
            all.extend(self.kill_all());
            if all.is_empty() {
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
        self.finished = true;
    }

    /// Says who was killed.
    fn kill_all(&mut self) -> Vec<Process> {
        let mut all = processes::family(self.main);
        if !self.mark.is_empty() {
            // Also those that lead groups of their own and whose parents have ended.
            all.extend(guard::marked(&self.mark));
        }
        #[cfg(unix)]
        {
            if let Some(group) = rustix::process::Pid::from_raw(self.main.pid) {
                // A number is not used again while a group has it, and an empty group is no error that concerns us.
                let _ = rustix::process::kill_process_group(group, Signal::KILL);
            }
            all.iter().for_each(|process| drop(process.signal(Signal::KILL)));
        }
        #[cfg(not(unix))]
        let _ = self.child.start_kill();
        all
    }
}

impl Drop for ProcessGroup {
    /// Also where a run is given up in the middle.
    fn drop(&mut self) {
        if !self.finished {
            self.kill_all();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
    use super::*;
    use std::io::Write;

    #[test]
    fn a_log_is_appended_to_and_no_link_is_followed() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for line in ["one\n", "two\n"] {
            appended(&at("output.log")).unwrap().write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read(at("output.log")).unwrap(), b"one\ntwo\n");
        std::os::unix::fs::symlink(at("victim"), at("link")).unwrap();
        assert!(appended(&at("link")).is_err() && !at("victim").exists());
    }
}
