//! The journal of a run: a line before each thing that must be taken back, and a line after it was. A line counts once it is on
//! disk. The process that may still take back its entries holds a lock on it, which every namespace can see.

use super::origin::{Distance, Origin, Remedy};
use super::private::{self, Directory};
use super::process::Process;
use super::undo::Undo;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalLine {
    Run {
        id: String,
        process: Option<Process>,
        /// Version 0.1 does not say it.
        #[serde(default)]
        origin: Option<Origin>,
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
    /// The line before was not written to its end, so what it speaks of was not done.
    Torn {},
}

/// Where journals lie: next to the other state of the user's programs.
pub fn directory() -> io::Result<PathBuf> {
    Ok(private::state()?.join("stressc").join("journal"))
}

/// A journal that is written, in a directory of ours alone.
#[derive(Debug)]
pub struct Journal {
    directory: Directory,
    name: OsString,
    file: File,
}

impl Journal {
    pub fn create(directory: &Path, run: &str) -> io::Result<Journal> {
        let directory = Directory::make(directory)?;
        // Nobody sees it before it says whose it is: one without an owner would be taken for that of a dead run.
        let (new, name) = (OsString::from(format!(".{run}.new")), OsString::from(format!("{run}.jsonl")));
        let file = directory.create(&new)?;
        let mut journal = Journal { directory, name, file };
        let begun = journal.begin(run, &new);
        begun.inspect_err(|_| drop(journal.directory.remove(&new)))?;
        Ok(journal)
    }

    fn begin(&mut self, run: &str, new: &OsStr) -> io::Result<()> {
        self.hold()?;
        self.write(&JournalLine::Run { id: run.to_owned(), process: Process::this(), origin: Some(Origin::here()) })?;
        self.directory.rename(new, &self.name)?;
        // That there is a journal has to be known too.
        self.directory.sync()
    }

    pub fn open(path: &Path) -> io::Result<Journal> {
        let name = path.file_name().ok_or(io::ErrorKind::NotFound)?;
        let directory = path.parent().map(Directory::open).transpose()?.flatten().ok_or(io::ErrorKind::NotFound)?;
        let file = directory.file(name)?;
        Ok(Journal { directory, name: name.to_owned(), file })
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path.join(&self.name)
    }

    /// From now on it can be seen that somebody sees to it, until this journal is closed.
    pub fn hold(&self) -> io::Result<()> {
        lock::share(&self.file)
    }

    /// Takes it over where nobody holds it, or we alone do.
    fn take_over(&self) -> io::Result<bool> {
        lock::take(&self.file)
    }

    /// Gives the line as it was written.
    pub fn write(&mut self, line: &JournalLine) -> io::Result<String> {
        // In one piece: the guardian of this run writes here too.
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        if self.is_torn()? {
            let torn = serde_json::to_string(&JournalLine::Torn {})?;
            self.file.write_all(format!("\n{torn}\n{text}").as_bytes())?;
        } else {
            self.file.write_all(text.as_bytes())?;
        }
        self.file.sync_data()?;
        Ok(text)
    }

    /// Whether the last line has no end, as a full disk or a loss of power leaves it.
    fn is_torn(&mut self) -> io::Result<bool> {
        if self.file.metadata()?.len() == 0 {
            return Ok(false);
        }
        let mut last = [0];
        self.file.seek(SeekFrom::End(-1))?;
        self.file.read_exact(&mut last)?;
        Ok(last != *b"\n")
    }

    pub fn read(&mut self) -> io::Result<Read> {
        let mut text = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut text)?;
        Ok(Read::of(&text))
    }

    pub fn remove(&self) -> io::Result<()> {
        self.directory.remove(&self.name)
    }

    /// Whether it is still the one of its name.
    pub fn is_there(&self) -> bool {
        !self.directory.file(&self.name).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }
}

/// A lock on an open file, which all descriptors of it share and whose end the kernel sees to.
#[cfg(unix)]
mod lock {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;
    use std::fs::File;
    use std::io;
    use std::time::{Duration, Instant};

    /// Waits for one who takes a look.
    pub fn share(file: &File) -> io::Result<()> {
        known(flock(file, FlockOperation::LockShared)).map(|_| ())
    }

    /// Whether no one else had it. A process that was just forked holds what was open where it was forked, until it
    /// runs its own program; it is waited for.
    pub fn take(file: &File) -> io::Result<bool> {
        let over = Instant::now() + STARTING;
        loop {
            match known(flock(file, FlockOperation::NonBlockingLockExclusive)) {
                Ok(false) if Instant::now() < over => std::thread::sleep(PAUSE),
                taken => return taken,
            }
        }
    }

    /// How long a process may take from its fork to its own program.
    const STARTING: Duration = Duration::from_millis(200);
    const PAUSE: Duration = Duration::from_millis(5);

    /// Where the file system knows no locks, the number of a process and its start have to do.
    fn known(locked: rustix::io::Result<()>) -> io::Result<bool> {
        match locked {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOLCK | Errno::NOSYS | Errno::INVAL) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(not(unix))]
mod lock {
    use std::fs::{File, TryLockError};
    use std::io;

    pub fn share(file: &File) -> io::Result<()> {
        file.lock_shared()
    }

    pub fn take(file: &File) -> io::Result<bool> {
        match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// What a journal says.
#[derive(Debug, Default)]
pub struct Read {
    pub run: String,
    pub origin: Option<Origin>,
    pub owner: Option<Process>,
    /// Who may still take back what is open.
    pub by: Vec<Process>,
    pub open: BTreeMap<u64, (String, Undo)>,
    /// Lines, from 1, that may speak of something which has to be taken back, and cannot be read.
    pub damaged: Vec<usize>,
}

impl Read {
    pub fn of(text: &[u8]) -> Read {
        let mut read = Read::default();
        let mut damaged = None;
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim_ascii().is_empty()) {
            let known = serde_json::from_slice(line);
            if let (Some(before), false) = (damaged.take(), matches!(known, Ok(JournalLine::Torn {}))) {
                read.damaged.push(before);
            }
            match known {
                Ok(JournalLine::Run { id, process, origin }) => {
                    (read.run, read.origin, read.owner) = (id, origin, process);
                    read.by.extend(process);
                }
                Ok(JournalLine::Guardian { process }) => read.by.extend(process),
                Ok(JournalLine::Begin { id, what, undo, .. }) => drop(read.open.insert(id, (what, undo))),
                Ok(JournalLine::End { id }) => drop(read.open.remove(&id)),
                Ok(JournalLine::Failed { .. } | JournalLine::Torn {}) => {}
                // The last line may be torn: then what it speaks of was not done.
                Err(_) if index + 1 == lines.len() => {}
                Err(_) => damaged = Some(index + 1),
            }
        }
        read.damaged.extend(damaged);
        read
    }

    pub fn is_clean(&self) -> bool {
        self.open.is_empty() && self.damaged.is_empty()
    }

    fn place(&self) -> Distance {
        Distance::of(self.origin.as_ref())
    }

    /// What a person is told of lines that cannot be read.
    pub fn problem(&self, path: &Path) -> Option<String> {
        let (first, more) = self.damaged.split_first()?;
        let numbers: Vec<String> = more.iter().map(|line| format!(" and {line}")).collect();
        Some(format!(
            "its journal `{}` cannot be read in line {first}{}: something else may be left; look at what it says, take that back by \
             hand, and remove the file",
            path.display(),
            numbers.concat()
        ))
    }
}

/// What a run has left behind, with no process left to take it back.
#[derive(Debug)]
pub struct Dirty {
    pub run: String,
    pub path: PathBuf,
    pub place: Distance,
    /// Where it was made, in words to stand after its id.
    pub from: String,
    /// What was done, the last first.
    pub left: Vec<Left>,
    /// Why not all of it is known.
    pub problem: Option<String>,
}

/// One thing that a run has left behind.
#[derive(Debug)]
pub struct Left {
    pub what: String,
    pub undo: Undo,
    pub measure: Remedy,
}

impl Dirty {
    fn of(path: PathBuf, read: Read) -> Dirty {
        let (place, problem) = (read.place(), read.problem(&path));
        let from = place.words(read.origin.as_ref());
        let left = read.open.into_values().rev();
        let left = left.map(|(what, undo)| Left { what, measure: place.measure(&undo), undo }).collect();
        Dirty { run: read.run, path, place, from, left, problem }
    }
}

/// All journals of runs that are over, with no process left to take anything back. A clean one is removed.
pub fn dirty(directory: &Path) -> io::Result<Vec<Dirty>> {
    look(directory).map(|(left, _)| left)
}

/// What keeps a run from being started, once the guardians of dead runs had a while to do their work. What they have not done by then
/// is left as well. What was made on another machine is no matter of this one.
pub fn left_behind(directory: &Path, patience: Duration) -> io::Result<Vec<Dirty>> {
    const PAUSE: Duration = Duration::from_millis(10);
    let over = Instant::now() + patience;
    loop {
        let (mut left, at_work) = look(directory)?;
        left.retain(|run| run.place != Distance::Host);
        if !left.is_empty() || at_work.is_empty() || Instant::now() > over {
            left.extend(at_work);
            return Ok(left);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Whether a journal can be made in a directory, which is made if there is none.
pub fn usable(directory: &Path) -> io::Result<()> {
    let directory = Directory::make(directory)?;
    let name = OsString::from(format!(".probe-{:x}", super::fresh::random()));
    directory.create(&name)?.write_all(b"?")?;
    directory.remove(&name)
}

/// What dead runs left: with nobody at it, and with a guardian that is at work.
fn look(directory: &Path) -> io::Result<(Vec<Dirty>, Vec<Dirty>)> {
    let (mut found, mut at_work) = (Vec::new(), Vec::new());
    let Some(directory) = Directory::open(directory)? else { return Ok((found, at_work)) };
    // One who looks takes each lock for a moment, which another one would see as that of a run.
    let _alone = directory.lock()?;
    for name in journals(&directory)? {
        let path = directory.path.join(&name);
        let file = match directory.file(&name) {
            Ok(file) => file,
            // Its guardian has just removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let mut journal = Journal { directory: directory.again()?, name, file };
        // That of a run which is alive and seen is not waited for.
        let before = journal.read()?;
        if matches!(before.place(), Distance::Here | Distance::Unknown) && before.owner.is_some_and(Process::is_alive) {
            continue;
        }
        let is_held = !journal.take_over()?;
        let read = journal.read()?;
        let is_at_work = match read.place() {
            Distance::Here => is_held || read.by.iter().any(|process| process.is_alive()),
            // Its processes cannot be seen from here, and the lock can.
            Distance::Namespace | Distance::Boot | Distance::Host | Distance::Unknown if is_held => continue,
            Distance::Unknown => read.by.iter().any(|process| process.is_alive()),
            Distance::Namespace | Distance::Boot | Distance::Host => false,
        };
        if read.is_clean() && !is_at_work {
            // Of one that may be alive and cannot be seen nothing is removed.
            if matches!(read.place(), Distance::Here | Distance::Namespace | Distance::Boot) {
                journal.remove()?;
            }
            continue;
        }
        let dirty = Dirty::of(path, read);
        if is_at_work { at_work.push(dirty) } else { found.push(dirty) }
    }
    Ok((found, at_work))
}

fn journals(directory: &Directory) -> io::Result<Vec<OsString>> {
    let mut names = directory.names()?;
    names.retain(|name| Path::new(name).extension() == Some(OsStr::new("jsonl")));
    names.sort();
    Ok(names)
}

/// What became of one thing that was to be taken back.
#[derive(Debug)]
pub struct Recovered {
    pub what: String,
    pub how: String,
    pub problem: Option<String>,
}

/// Takes back what a journal holds, the last first, and removes it where nothing of it is left.
pub fn recover(path: &Path) -> io::Result<Vec<Recovered>> {
    take_back(&mut Journal::open(path)?)
}

/// The same, of one that is open.
pub fn take_back(journal: &mut Journal) -> io::Result<Vec<Recovered>> {
    if !journal.take_over()? {
        return Err(io::Error::other("another process holds it: its run, a guardian or another `stressc recover`"));
    }
    let read = journal.read()?;
    let (place, problem) = (read.place(), read.problem(&journal.path()));
    let mut done = Vec::new();
    for (id, (what, undo)) in read.open.into_iter().rev() {
        let (how, problem) = match place.measure(&undo) {
            Remedy::Perform => (undo.describe(), undo.perform().err()),
            Remedy::Gone(why) => (why.to_owned(), None),
            Remedy::Leave(why) => (undo.describe(), Some(format!("could not {}: {why}", undo.describe()))),
        };
        journal.write(&match &problem {
            None => JournalLine::End { id },
            Some(problem) => JournalLine::Failed { id, problem: problem.clone() },
        })?;
        done.push(Recovered { what, how, problem });
    }
    if let Some(problem) = problem {
        done.push(Recovered { what: "what else there was".to_owned(), how: String::new(), problem: Some(problem) });
    }
    if done.iter().all(|one| one.problem.is_none()) {
        journal.remove()?;
    }
    Ok(done)
}
