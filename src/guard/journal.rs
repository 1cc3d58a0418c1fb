//! The journal of a run: a line before each thing that has to be taken back, and one when it was. A line counts once
//! it is on the disk.

use super::process::Process;
use super::undo::Undo;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    Run {
        id: String,
        process: Option<Process>,
    },
    Guardian {
        process: Option<Process>,
    },
    /// What is about to be done, what takes it back, and after which time that is done whatever happens.
    Begin {
        id: u64,
        what: String,
        undo: Undo,
        within_ms: Option<u64>,
    },
    End {
        id: u64,
    },
    /// It could not be taken back.
    Failed {
        id: u64,
        problem: String,
    },
}

/// Where journals lie: beside the other state of the user's programs.
pub fn directory() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local").join("state")));
    state.unwrap_or_else(std::env::temp_dir).join("stressc").join("journal")
}

/// A journal that is written.
#[derive(Debug)]
pub struct Journal {
    file: File,
    pub path: PathBuf,
}

impl Journal {
    pub fn create(directory: &Path, run: &str) -> std::io::Result<Journal> {
        std::fs::create_dir_all(directory)?;
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let path = directory.join(format!("{run}.jsonl"));
        // Nobody sees it before it says whose it is: one without an owner would be taken for that of a dead run.
        let new = directory.join(format!(".{run}.new"));
        let mut journal = Journal { file: options.open(&new)?, path };
        journal.write(&Line::Run { id: run.to_owned(), process: Process::this() })?;
        std::fs::rename(&new, &journal.path)?;
        // That there is a journal has to be known too.
        #[cfg(unix)]
        File::open(directory)?.sync_all()?;
        Ok(journal)
    }

    pub fn append_to(path: &Path) -> std::io::Result<Journal> {
        Ok(Journal { file: OpenOptions::new().append(true).open(path)?, path: path.to_owned() })
    }

    /// Gives the line as it was written.
    pub fn write(&mut self, line: &Line) -> std::io::Result<String> {
        // In one piece: the guardian of this run writes here too.
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.file.write_all(text.as_bytes())?;
        self.file.sync_data()?;
        Ok(text)
    }
}

/// What a journal says.
#[derive(Debug, Default)]
pub struct Read {
    pub run: String,
    pub owner: Option<Process>,
    /// Who may still take back what is open.
    pub by: Vec<Process>,
    pub open: BTreeMap<u64, (String, Undo)>,
}

impl Read {
    pub fn of(path: &Path) -> std::io::Result<Read> {
        let text = std::fs::read(path)?;
        let mut read = Read::default();
        // The last line may be torn: then what it speaks of was not done.
        for line in text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()) {
            match line {
                Line::Run { id, process } => {
                    read.run = id;
                    read.owner = process;
                    read.by.extend(process);
                }
                Line::Guardian { process } => read.by.extend(process),
                Line::Begin { id, what, undo, .. } => drop(read.open.insert(id, (what, undo))),
                Line::End { id } => drop(read.open.remove(&id)),
                Line::Failed { .. } => {}
            }
        }
        Ok(read)
    }
}

/// What a run has left behind, of which nobody is left who would take it back.
#[derive(Debug)]
pub struct Dirty {
    pub run: String,
    pub path: PathBuf,
    /// What was done, the last first.
    pub left: Vec<String>,
}

/// All journals of runs that are over, and of which nobody is left who would take anything back. A clean one is removed.
pub fn dirty(directory: &Path) -> std::io::Result<Vec<Dirty>> {
    look(directory).map(|(left, _)| left)
}

/// The same, once the guardians of dead runs had a while to do their work. What they have not done by then is left as well.
pub fn left_behind(directory: &Path, patience: Duration) -> std::io::Result<Vec<Dirty>> {
    const PAUSE: Duration = Duration::from_millis(10);
    let over = Instant::now() + patience;
    loop {
        let (mut left, at_work) = look(directory)?;
        if !left.is_empty() || at_work.is_empty() || Instant::now() > over {
            left.extend(at_work);
            return Ok(left);
        }
        std::thread::sleep(PAUSE);
    }
}

/// What dead runs left: with nobody at it, and with a guardian that is at work.
fn look(directory: &Path) -> std::io::Result<(Vec<Dirty>, Vec<Dirty>)> {
    let (mut found, mut at_work) = (Vec::new(), Vec::new());
    for path in journals(directory)? {
        let read = match Read::of(&path) {
            Ok(read) => read,
            // Its guardian has just removed it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if read.owner.is_some_and(Process::is_alive) {
            continue;
        }
        let is_at_work = read.by.iter().any(|process| process.is_alive());
        if read.open.is_empty() && !is_at_work {
            remove(&path)?;
            continue;
        }
        let left = read.open.into_values().rev().map(|(what, _)| what).collect();
        let dirty = Dirty { run: read.run, path, left };
        if is_at_work { at_work.push(dirty) } else { found.push(dirty) }
    }
    Ok((found, at_work))
}

/// Removes a journal that says nothing any more, which somebody else may have found out too.
pub fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn journals(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).collect();
    paths.sort();
    Ok(paths)
}

/// What became of one thing that was to be taken back.
#[derive(Debug)]
pub struct Recovered {
    pub what: String,
    pub how: String,
    pub problem: Option<String>,
}

/// Takes back what a journal holds, the last first, and removes it where all of it was.
pub fn recover(path: &Path) -> std::io::Result<Vec<Recovered>> {
    let read = Read::of(path)?;
    let mut journal = Journal::append_to(path)?;
    let mut done = Vec::new();
    for (id, (what, undo)) in read.open.into_iter().rev() {
        let problem = undo.perform().err();
        journal.write(&match &problem {
            None => Line::End { id },
            Some(problem) => Line::Failed { id, problem: problem.clone() },
        })?;
        done.push(Recovered { what, how: undo.describe(), problem });
    }
    if done.iter().all(|one| one.problem.is_none()) {
        remove(path)?;
    }
    Ok(done)
}
