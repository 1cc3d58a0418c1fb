//! Actions that take something back. Doing one twice has the same effect as doing it once.

use super::process::{Process, Whom};
use crate::base::shown::escaped;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// They are killed.
    Kill(Whom),
    /// They go on after they were stopped.
    Continue(Whom),
    /// A control group is emptied into another one, by its file, and removed. One whose processes come from several has one below
    /// it for each of these, which is taken back by itself.
    Group { group: PathBuf, back: PathBuf },
    /// A file or a directory, with all that is in it, is removed.
    Remove(PathBuf),
    /// A program is run, in a directory, with these variables in addition to its own.
    Run {
        program: String,
        arguments: Vec<String>,
        #[serde(default)]
        variables: Vec<(String, String)>,
        directory: PathBuf,
        within_ms: u64,
    },
}

/// How long processes may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

impl Undo {
    /// Removes what is at a path now, whatever becomes of the links on the way there.
    pub fn remove(path: &Path) -> std::io::Result<Undo> {
        let path = std::path::absolute(path)?;
        let real = path.parent().and_then(|above| above.canonicalize().ok());
        Ok(Undo::Remove(match (real, path.file_name()) {
            (Some(above), Some(name)) => above.join(name),
            _ => path,
        }))
    }

    /// In the words that a person reads.
    pub fn describe(&self) -> String {
        let of = |whom: &Whom| match whom {
            Whom::Marked(mark) => format!("the processes of {mark}"),
            Whom::These(processes) => {
                let pids: Vec<String> = processes.iter().map(|process| process.pid.to_string()).collect();
                format!("process {}", pids.join(", "))
            }
        };
        match self {
            Undo::Kill(whom) => format!("kill {}", of(whom)),
            Undo::Continue(whom) => format!("let {} go on", of(whom)),
            Undo::Group { group, .. } => format!("remove the control group {}", group.display()),
            Undo::Remove(path) => format!("remove {}", path.display()),
            Undo::Run { program, arguments, variables, .. } => {
                let given = variables.iter().map(|(name, value)| format!("{name}={value}"));
                let words: Vec<String> = given.chain([program.clone()]).chain(arguments.iter().cloned()).collect();
                let words = words.join(" ");
                // Of a script its beginning is enough for a line; the journal has it whole.
                let mut lines = words.lines().map(str::trim).filter(|line| !line.is_empty());
                let (first, second) = (lines.next().unwrap_or_default(), lines.next());
                match second {
                    Some(second) if first.ends_with(" -c") => format!("run `{first} {second} …`"),
                    Some(_) => format!("run `{first} …`"),
                    None => format!("run `{first}`"),
                }
            }
        }
    }

    /// All of it, for a person who has to agree. Control characters are written out.
    pub fn told(&self) -> String {
        let whole = match self {
            Undo::Run { program, arguments, variables, directory, .. } => {
                let given = variables.iter().map(|(name, value)| format!("{name}={value}"));
                let words: Vec<String> = given.chain([program.clone()]).chain(arguments.iter().cloned()).collect();
                format!("run in {}: {}", directory.display(), words.join(" "))
            }
            Undo::Kill(_) | Undo::Continue(_) | Undo::Group { .. } | Undo::Remove(_) => self.describe(),
        };
        escaped(&whole).into_owned()
    }

    /// What could not be taken back is told in one line.
    pub fn perform(&self) -> Result<(), String> {
        let done = match self {
            Undo::Kill(whom) => kill(whom),
            Undo::Continue(whom) => go_on(whom),
            Undo::Group { group, back } => leave(group, back),
            Undo::Remove(path) => super::tree::remove(path).map_err(|error| error.to_string()),
            Undo::Run { program, arguments, variables, directory, within_ms } => {
                let mut command = Command::new(program);
                command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
                run(command.current_dir(directory), Duration::from_millis(*within_ms))
            }
        };
        done.map_err(|problem| format!("could not {}: {problem}", self.describe()))
    }
}

/// Until none is left: one may start another while the rest is killed.
fn kill(whom: &Whom) -> Result<(), String> {
    let over = Instant::now() + GONE_WITHIN;
    loop {
        let left = whom.processes();
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > over {
            return Err(format!("{} still there", left.len()));
        }
        for process in left {
            signal(process, KILL)?;
        }
        std::thread::sleep(PAUSE);
    }
}

fn go_on(whom: &Whom) -> Result<(), String> {
    whom.processes().into_iter().try_for_each(|process| signal(process, CONTINUE))
}

#[cfg(unix)]
use rustix::process::Signal;
#[cfg(unix)]
const KILL: Signal = Signal::KILL;
#[cfg(unix)]
const CONTINUE: Signal = Signal::CONT;

#[cfg(unix)]
fn signal(process: Process, signal: Signal) -> Result<(), String> {
    process.signal(signal).map(|_| ()).map_err(|error| error.to_string())
}

#[cfg(not(unix))]
const KILL: () = ();
#[cfg(not(unix))]
const CONTINUE: () = ();

#[cfg(not(unix))]
fn signal(_: Process, (): ()) -> Result<(), String> {
    Err("this system has no signals".to_owned())
}

fn leave(group: &Path, back: &Path) -> Result<(), String> {
    let over = Instant::now() + GONE_WITHIN;
    loop {
        let members = match std::fs::read_to_string(group.join("cgroup.procs")) {
            Ok(members) => members,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(at(group, &error)),
        };
        for member in members.lines() {
            put_back(member, back)?;
        }
        match std::fs::remove_dir(group) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            // What has just ended may be counted for a moment longer.
            Err(_) if Instant::now() < over => std::thread::sleep(PAUSE),
            Err(error) => return Err(at(group, &error)),
        }
    }
}

/// A process goes back to its group. Where that is gone, since the last of its processes was taken out of it, it goes to the nearest
/// one above.
fn put_back(process: &str, back: &Path) -> Result<(), String> {
    use std::io::Write;
    let mut file = back.to_owned();
    loop {
        let put =
            std::fs::OpenOptions::new().write(true).open(&file).and_then(|mut file| file.write_all(process.as_bytes()));
        let is =
            |error: &std::io::Error, wanted: rustix::io::Errno| error.raw_os_error() == Some(wanted.raw_os_error());
        let Err(error) = put else { return Ok(()) };
        match &error {
            // It has ended.
            error if is(error, rustix::io::Errno::SRCH) => return Ok(()),
            error if is(error, rustix::io::Errno::NOENT) || is(error, rustix::io::Errno::NODEV) => {}
            // A group above that has others with controllers below it takes none itself.
            error if file != back && is(error, rustix::io::Errno::BUSY) => {}
            error => return Err(at(back, error)),
        }
        let above = file.parent().and_then(Path::parent).map(|above| above.join("cgroup.procs"));
        file = above.ok_or_else(|| at(back, &error))?;
    }
}

fn at(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn run(command: &mut Command, within: Duration) -> Result<(), String> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let over = Instant::now() + within;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(status.to_string()),
            Ok(None) if Instant::now() < over => std::thread::sleep(PAUSE),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it took longer than {} s", within.as_secs_f64()));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}
