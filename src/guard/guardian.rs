//! The guardian: a process next to the run that takes everything back if the run was killed or hangs.

use super::journal::{self, Journal, JournalLine};
use super::process::Process;
use super::undo::Undo;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The end of a run with its guardian: what is begun is on the disk and known to it before it is done.
#[derive(Debug)]
pub struct Guard {
    journal: Journal,
    program: PathBuf,
    child: Child,
    pipe: Option<ChildStdin>,
    next: u64,
}

impl Guard {
    /// `program` is this program.
    pub fn start(directory: &Path, run: &str, program: &Path) -> io::Result<Guard> {
        let journal = Journal::create(directory, run)?;
        let (child, pipe) = spawn(program, &journal.path())?;
        Ok(Guard { journal, program: program.to_owned(), child, pipe, next: 1 })
    }

    /// Must return before what it speaks of is done. After `within` it is taken back by the guardian, should the run not
    /// have done so.
    pub fn begin(&mut self, what: &str, undo: Undo, within: Option<Duration>) -> io::Result<u64> {
        let id = self.next;
        self.next += 1;
        let within_ms = within.map(|within| within.as_millis() as u64);
        self.tell(&JournalLine::Begin { id, what: what.to_owned(), undo, within_ms })?;
        Ok(id)
    }

    /// It was taken back.
    pub fn end(&mut self, id: u64) -> io::Result<()> {
        self.tell(&JournalLine::End { id })
    }

    fn tell(&mut self, line: &JournalLine) -> io::Result<()> {
        let text = self.journal.write(line)?;
        let told = self.pipe.as_mut().map(|pipe| pipe.write_all(text.as_bytes()));
        if matches!(told, Some(Ok(()))) {
            return Ok(());
        }
        // It was killed. The next one reads in the journal what is open.
        let _ = self.child.wait();
        (self.child, self.pipe) = spawn(&self.program, &self.journal.path())?;
        Ok(())
    }

    /// Starts another guardian where this one was killed.
    pub fn look_after(&mut self) -> io::Result<()> {
        if self.child.try_wait()?.is_some() {
            (self.child, self.pipe) = spawn(&self.program, &self.journal.path())?;
        }
        Ok(())
    }

    pub fn process(&self) -> Option<Process> {
        Process::of(self.child.id() as i32)
    }

    /// Lets the guardian take back what is still open, and says what could not be.
    pub fn finish(mut self) -> Result<(), String> {
        drop(self.pipe.take());
        let ended = self.child.wait().map_err(|error| error.to_string());
        if self.journal.is_there() {
            // It was killed, or something could not be taken back.
            let done = journal::take_back(&mut self.journal).map_err(|error| error.to_string())?;
            let problems: Vec<String> = done.into_iter().filter_map(|one| one.problem).collect();
            if !problems.is_empty() {
                return Err(problems.join("; "));
            }
        }
        ended.map(|_| ())
    }
}

fn spawn(program: &Path, journal: &Path) -> io::Result<(Child, Option<ChildStdin>)> {
    let mut command = Command::new(program);
    command.arg("guardian").arg(journal).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn()?;
    let pipe = child.stdin.take();
    Ok((child, pipe))
}

/// What the guardian keeps in mind of something that has begun.
struct Begun {
    what: String,
    undo: Undo,
    due: Option<Instant>,
}

/// Is the guardian of a journal until its run ends. Gives what could not be taken back.
pub fn guardian(path: &Path) -> io::Result<Vec<String>> {
    let mut journal = Journal::open(path)?;
    journal.hold()?;
    journal.write(&JournalLine::Guardian { process: Process::this() })?;
    let known = journal.read()?;
    let mut problems: Vec<String> = known.problem(path).into_iter().collect();
    let mut open: BTreeMap<u64, Begun> =
        known.open.into_iter().map(|(id, (what, undo))| (id, Begun { what, undo, due: None })).collect();
    let (send, lines) = channel();
    std::thread::Builder::new().name("run".to_owned()).spawn(move || {
        for line in io::stdin().lock().lines() {
            let Some(line) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else { break };
            if send.send(line).is_err() {
                break;
            }
        }
    })?;
    loop {
        let due = open.values().filter_map(|one| one.due).min();
        let line = match due {
            Some(due) => lines.recv_timeout(due.saturating_duration_since(Instant::now())),
            None => lines.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match line {
            Ok(JournalLine::Begin { id, what, undo, within_ms }) => {
                let due = within_ms.map(|within| Instant::now() + Duration::from_millis(within));
                open.insert(id, Begun { what, undo, due });
            }
            Ok(JournalLine::End { id }) => drop(open.remove(&id)),
            Ok(
                JournalLine::Run { .. }
                | JournalLine::Guardian { .. }
                | JournalLine::Failed { .. }
                | JournalLine::Torn {},
            ) => {}
            Err(RecvTimeoutError::Timeout) => {
                let now = Instant::now();
                let late: Vec<u64> =
                    open.iter().filter(|(_, one)| one.due.is_some_and(|due| due <= now)).map(|(id, _)| *id).collect();
                for id in late.into_iter().rev() {
                    if let Some(one) = open.remove(&id) {
                        take_back(id, &one, &mut journal, &mut problems);
                    }
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    while let Some((id, one)) = open.pop_last() {
        take_back(id, &one, &mut journal, &mut problems);
    }
    if problems.is_empty() {
        journal.remove()?;
    }
    Ok(problems)
}

fn take_back(id: u64, one: &Begun, journal: &mut Journal, problems: &mut Vec<String>) {
    let line = match one.undo.perform() {
        Ok(()) => JournalLine::End { id },
        Err(problem) => {
            problems.push(format!("{}: {problem}", one.what));
            JournalLine::Failed { id, problem }
        }
    };
    // What cannot be written down was done all the same, and is done again by who reads the journal.
    let _ = journal.write(&line);
}
