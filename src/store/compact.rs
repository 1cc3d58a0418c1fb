//! Makes the closed files of a record smaller during the run: old data is merged into longer and longer cells, on a separate
//! thread. A file is replaced by a complete one or stays, so a record can be read at any instant.

use super::RecordError;
use super::record::at;
use super::segments::{KINDS, Numbers, SegmentKind, put, regular};
use crate::base::units::{DAY, HOUR, MINUTE};
use crate::measure::interval_log::{self, Encoder, Read};
use crate::measure::{Event, Generator, Layout, Sums};
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// How a record stays small.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// How long a file is appended to before it is closed and the next one begins, in nanoseconds.
    pub close_every: u64,
    /// Above this many bytes, the oldest files are joined into files with longer cells.
    pub room: u64,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { close_every: 5 * MINUTE, room: 192 << 20 }
    }
}

/// How long the cells of a file are, and how many closed files it stands for. Each span is a multiple of the one before.
const LEVELS: [(u64, u32); 4] = [(MINUTE, 1), (10 * MINUTE, 2), (HOUR, 12), (DAY, 288)];
/// More bytes than any line of a record has.
const LONGEST_LINE: u64 = 64 << 20;
/// So many of the last files are not joined.
const KEPT: u32 = 12;

/// The thread, as the record sees it.
pub struct Compactor {
    orders: Sender<u32>,
    answers: Receiver<Option<RecordError>>,
    pending: usize,
    thread: JoinHandle<()>,
}

impl Compactor {
    pub fn start(directory: &Path, layout: Arc<Layout>, header: Vec<u8>, room: u64) -> std::io::Result<Compactor> {
        let (orders, ordered) = channel::<u32>();
        let (answer, answers) = channel();
        let mut work = Work { directory: directory.to_owned(), layout, header, room, files: Vec::new() };
        let thread = std::thread::Builder::new().name("record".to_owned()).spawn(move || {
            // What is measured goes first. On Linux this is about the thread alone.
            #[cfg(target_os = "linux")]
            let _ = rustix::process::setpriority_process(None, 10);
            for number in ordered {
                let problem = work.closed(number).err();
                give_back();
                if answer.send(problem).is_err() {
                    return;
                }
            }
        })?;
        Ok(Compactor { orders, answers, pending: 0, thread })
    }

    /// A file of this number was closed.
    pub fn take(&mut self, number: u32) {
        self.pending += usize::from(self.orders.send(number).is_ok());
    }

    /// What went wrong since the last question.
    pub fn problems(&mut self) -> Vec<RecordError> {
        let answers: Vec<Option<RecordError>> = self.answers.try_iter().collect();
        self.pending -= answers.len();
        answers.into_iter().flatten().collect()
    }

    /// Waits until nothing is left to do.
    pub fn settle(&mut self) -> Vec<RecordError> {
        let answers: Vec<Option<RecordError>> = self.answers.iter().take(self.pending).collect();
        self.pending = 0;
        answers.into_iter().flatten().collect()
    }

    pub fn end(mut self) -> Vec<RecordError> {
        let problems = self.settle();
        drop(self.orders);
        // A panic has been told by its own words, and the files are as they were.
        let _ = self.thread.join();
        problems
    }
}

/// Gives free memory back to the system. The allocator of glibc keeps what many small pieces leave behind for whoever asks for as
/// much again, so that a process which adds up for hours grows, though what it holds does not.
fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes no pointer, changes nothing that is allocated, and may be called on any thread (malloc_trim(3)).
    #[expect(unsafe_code, reason = "the allocator has no other door")]
    unsafe {
        libc::malloc_trim(0);
    }
}

struct Work {
    directory: PathBuf,
    layout: Arc<Layout>,
    header: Vec<u8>,
    room: u64,
    /// The closed files, in order.
    files: Vec<Closed>,
}

#[derive(Debug, Clone, Copy)]
struct Closed {
    numbers: Numbers,
    /// The place in [`LEVELS`]; `None` where it is as it was written.
    level: Option<usize>,
    bytes: u64,
}

impl Work {
    fn closed(&mut self, number: u32) -> Result<(), RecordError> {
        self.files.push(Closed { numbers: Numbers { first: number, last: number }, level: None, bytes: 0 });
        // With what could not be done before, such as for want of room on the disk.
        for index in 0..self.files.len() {
            if self.files[index].level.is_none() {
                let numbers = self.files[index].numbers;
                self.files[index] = self.rewrite(numbers, &[numbers], 0)?;
            }
        }
        while self.files.iter().map(|file| file.bytes).sum::<u64>() > self.room
            && let Some((level, from, to)) = self.joinable()
        {
            let old: Vec<Numbers> = self.files[from..to].iter().map(|file| file.numbers).collect();
            let numbers = Numbers { first: old[0].first, last: old[old.len() - 1].last };
            let joined = self.rewrite(numbers, &old, level)?;
            self.files.splice(from..to, [joined]);
        }
        Ok(())
    }

    /// The oldest files that can be joined to the shortest cells possible: their level, the first and that after the last.
    fn joinable(&self) -> Option<(usize, usize, usize)> {
        let newest = self.files.last()?.numbers.last;
        (1..LEVELS.len()).find_map(|level| {
            let span = LEVELS[level].1;
            let mut from = 0;
            while from < self.files.len() {
                let group = self.files[from].numbers.first / span;
                let length = self.files[from..].iter().take_while(|file| file.numbers.first / span == group).count();
                let files = &self.files[from..from + length];
                let last = group * span + span - 1;
                let whole = files[0].numbers.first == group * span && files[length - 1].numbers.last == last;
                if whole && last + KEPT <= newest && files.iter().all(|file| file.level.is_some_and(|own| own < level))
                {
                    return Some((level, from, from + length));
                }
                from += length;
            }
            None
        })
    }

    /// Puts one file of each kind in the place of some that follow each other.
    fn rewrite(&self, numbers: Numbers, old: &[Numbers], level: usize) -> Result<Closed, RecordError> {
        let mut bytes = 0;
        for kind in KINDS {
            let path = kind.closed(&self.directory, numbers);
            let old: Vec<PathBuf> = old.iter().map(|numbers| kind.closed(&self.directory, *numbers)).collect();
            let existing: Vec<&PathBuf> = old.iter().filter(|path| path.exists()).collect();
            if existing.is_empty() {
                continue;
            }
            match kind {
                SegmentKind::Intervals => self.intervals(&existing, &path, LEVELS[level].0)?,
                SegmentKind::Events => self.events(&existing, &path, level)?,
            }
            bytes += std::fs::metadata(&path).map_err(at(&path))?.len();
            for gone in existing.into_iter().filter(|old| **old != path) {
                std::fs::remove_file(gone).map_err(at(gone))?;
            }
        }
        Ok(Closed { numbers, level: Some(level), bytes })
    }

    fn intervals(&self, old: &[&PathBuf], path: &Path, step: u64) -> Result<(), RecordError> {
        let mut sums = Sums::new(&self.layout, step);
        for old in old {
            lines(old, |line, _| match interval_log::read_line(line) {
                Read::Interval(line) => {
                    sums.add_line(line);
                    Ok(())
                }
                Read::Nothing => Ok(()),
                Read::Unreadable => Err("is damaged".to_owned()),
            })?;
        }
        put(path, |out| {
            out.write_all(&self.header)?;
            let (mut encoder, mut text) = (Encoder::default(), Vec::new());
            for slice in sums.slices() {
                self.layout.tags.write(&self.layout.edges, &slice, &mut encoder, &mut text);
                out.write_all(&text)?;
                text.clear();
            }
            Ok(())
        })
    }

    /// Adds up counts; where files are joined, also readings of the generator. All other events stay as they are.
    fn events(&self, old: &[&PathBuf], path: &Path, level: usize) -> Result<(), RecordError> {
        let mut sums = Sums::new(&self.layout, LEVELS[level].0);
        let mut readings: Vec<Generator> = Vec::new();
        let mut others = Vec::new();
        for old in old {
            lines(old, |line, _| {
                match serde_json::from_slice(line).map_err(|error| error.to_string())? {
                    Event::Slice(slice) => sums.add(&slice),
                    Event::Generator(reading) => readings.push(reading),
                    _ => others.extend_from_slice(line),
                }
                Ok(())
            })?;
        }
        if level > 0 {
            self.layout.join(&mut readings, u64::MAX);
        }
        put(path, |out| {
            out.write_all(&others)?;
            let readings = readings.into_iter().map(Event::Generator);
            for event in readings.chain(sums.slices().map(Event::Slice)) {
                serde_json::to_writer(&mut *out, &event)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })
    }
}

/// Each line of a file with its line break, and whether it is the last.
pub fn lines(path: &Path, mut each: impl FnMut(&[u8], bool) -> Result<(), String>) -> Result<(), RecordError> {
    let mut file = BufReader::with_capacity(1 << 16, regular(path)?);
    let mut line = Vec::new();
    let mut number = 0;
    while file.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut line).map_err(at(path))? > 0 {
        number += 1;
        if line.len() as u64 > LONGEST_LINE {
            return Err(at(path)(format!("line {number} is longer than any that a run writes")));
        }
        let last = file.fill_buf().map_err(at(path))?.is_empty();
        each(&line, last)
            .map_err(|problem| RecordError { path: path.to_owned(), problem: format!("line {number} {problem}") })?;
        line.clear();
    }
    Ok(())
}
