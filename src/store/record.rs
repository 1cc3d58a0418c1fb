//! `.stress/runs/<id>/`: `plan.json`, then `intervals.hlog` and `events.jsonl` line by line, and `run.json` at the
//! end, renamed into place. The first three are the truth; the last can always be made again.

use super::appender::Appender;
use super::compact::{Compactor, Policy, lines};
use super::format;
use super::segments::{KINDS, Numbers, SegmentKind, content, put, unfinished};
use super::suite::is_suite;
use crate::guard;
use crate::measure::interval_log::{self, Encoder, Read};
use crate::measure::{Event, Layout, Stats};
use crate::plan::Plan;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) const RUNS: &str = ".stress/runs";

/// What to do where others may change what is on the way to a record.
pub(super) const ELSEWHERE: &str = "what a run writes there could be led elsewhere, so keep its record in a directory of your own, such as with \
                         `--record ~/.local/state/stressc`, or run as the user to whom that belongs";

/// More than any plan has.
const LARGEST_PLAN: u64 = 64 << 20;

/// What went wrong with which file.
#[derive(Debug)]
pub struct RecordError {
    pub path: PathBuf,
    pub problem: String,
}

impl std::fmt::Display for RecordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`: {}", self.path.display(), self.problem)
    }
}

pub(super) fn at<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> RecordError + use<'_, E> {
    move |error| RecordError { path: path.to_owned(), problem: error.to_string() }
}

/// A record that is being written.
pub struct Record {
    pub directory: PathBuf,
    intervals: Appender,
    events: Appender,
    layout: Arc<Layout>,
    header: Vec<u8>,
    encoder: Encoder,
    policy: Policy,
    /// The number of the files that are closed next, and when in the run.
    number: u32,
    close_at: u64,
    compactor: Option<Compactor>,
    /// Why the record could not be made smaller, where that has not been told.
    problems: Vec<RecordError>,
    /// Why the record cannot be written now; the run goes on, and what is measured waits.
    pub broken: Option<RecordError>,
}

impl Record {
    /// A new record beneath `base`; `parent` is the id of the run that this one is a part of.
    pub fn create(
        base: &Path,
        id: &str,
        parent: Option<&str>,
        plan: &Plan,
        epoch_seconds: f64,
    ) -> Result<Record, RecordError> {
        let directory = base.join(RUNS).join(id);
        // What is there already stays as it is: a run is private whatever is above it.
        guard::lasting(base, Path::new(RUNS), id).map_err(|error| match error.kind() {
            ErrorKind::Other => at(&directory)(format!("{error}; {ELSEWHERE}")),
            _ => at(&directory)(error),
        })?;
        Record::in_directory(&directory, parent, plan, epoch_seconds, Policy::default()).inspect_err(|_| {
            // A record of nothing would be found as the last one.
            let _ = std::fs::remove_dir_all(&directory);
        })
    }

    /// A record in a directory that is there.
    pub fn in_directory(
        directory: &Path,
        parent: Option<&str>,
        plan: &Plan,
        epoch_seconds: f64,
        policy: Policy,
    ) -> Result<Record, RecordError> {
        let path = directory.join("plan.json");
        let text = format::plan(plan, parent);
        put(&path, |out| out.write_all(&text))?;
        let header = interval_log::header(epoch_seconds, &[&format!("stressc {} of {}", plan.scenario, plan.file)]);
        let open = |kind: SegmentKind| append(&kind.open(directory), kind, &header);
        Ok(Record {
            directory: directory.to_owned(),
            intervals: open(SegmentKind::Intervals)?,
            events: open(SegmentKind::Events)?,
            layout: Arc::new(Layout::new(plan)),
            header,
            encoder: Encoder::default(),
            policy,
            number: 0,
            close_at: policy.close_every,
            compactor: None,
            problems: Vec::new(),
            broken: None,
        })
    }

    /// Appends an event; histograms go to the interval log, counts and everything else to the events.
    pub fn append(&mut self, event: &Event) {
        if matches!(event, Event::Verifying { .. } | Event::Reached { .. }) {
            return;
        }
        let mut line = serde_json::to_vec(event).expect("an event is plain data");
        line.push(b'\n');
        if let Event::Slice(slice) = event {
            let mut lines = Vec::new();
            self.layout.tags.write(&self.layout.edges, slice, &mut self.encoder, &mut lines);
            self.intervals.add(&lines);
        }
        self.events.add(&line);
        self.flush();
        if let Event::Generator(reading) = event
            && reading.at >= self.close_at
            && self.broken.is_none()
        {
            self.close_at = reading.at - reading.at % self.policy.close_every + self.policy.close_every;
            self.close();
        }
    }

    /// The times first: counts without them would look like a damaged record.
    fn flush(&mut self) {
        let written = self.intervals.flush().and_then(|()| self.events.flush());
        self.broken = written.err().map(at(&self.directory));
    }

    /// Begins new files, and has those that were appended to until now made smaller.
    fn close(&mut self) {
        let number = self.number;
        self.number += 1;
        let begun = KINDS.into_iter().try_for_each(|kind| self.begin(kind, Numbers { first: number, last: number }));
        let taken = begun.and_then(|()| {
            let (layout, header) = (self.layout.clone(), self.header.clone());
            let compactor = match &mut self.compactor {
                Some(compactor) => compactor,
                none => none.insert(
                    Compactor::start(&self.directory, layout, header, self.policy.room).map_err(at(&self.directory))?,
                ),
            };
            compactor.take(number);
            Ok(())
        });
        self.problems.extend(taken.err());
    }

    /// Gives what was appended to its number, and begins a new file in its place. The new one exists before the old one
    /// goes, so that there is always one to append to.
    fn begin(&mut self, kind: SegmentKind, numbers: Numbers) -> Result<(), RecordError> {
        let (open, closed) = (kind.open(&self.directory), kind.closed(&self.directory, numbers));
        let next = unfinished(&open);
        let _ = std::fs::remove_file(&next);
        let appender = append(&next, kind, &self.header)?;
        std::fs::rename(&open, &closed).map_err(at(&open))?;
        if let Err(error) = std::fs::rename(&next, &open) {
            // What follows is appended to the closed file, wherever it is now.
            let _ = std::fs::rename(&closed, &open);
            return Err(at(&open)(error));
        }
        match kind {
            SegmentKind::Intervals => self.intervals = appender,
            SegmentKind::Events => self.events = appender,
        }
        Ok(())
    }

    /// Why the record could not be made smaller; it is whole, and the run goes on.
    pub fn problems(&mut self) -> Vec<RecordError> {
        self.problems.extend(self.compactor.iter_mut().flat_map(Compactor::problems));
        std::mem::take(&mut self.problems)
    }

    /// Waits until closed files are as small as they become.
    pub fn settle(&mut self) {
        self.problems.extend(self.compactor.iter_mut().flat_map(Compactor::settle));
    }

    /// Writes what waits, and puts the result in place, whole or not at all.
    pub fn finish(&mut self, result: &[u8]) -> Result<(), RecordError> {
        self.flush();
        self.problems.extend(self.compactor.take().into_iter().flat_map(Compactor::end));
        let put = put(&self.directory.join("run.json"), |out| out.write_all(result));
        self.broken.take().map_or(put, Err)
    }
}

/// A new file that is appended to.
fn append(path: &Path, kind: SegmentKind, header: &[u8]) -> Result<Appender, RecordError> {
    let mut appender = Appender::create(path).map_err(at(path))?;
    if kind == SegmentKind::Intervals {
        appender.add(header);
    }
    appender.flush().map_err(at(path))?;
    Ok(appender)
}

/// What stands in `plan.json`.
pub(super) fn plan_text(directory: &Path) -> Result<(PathBuf, Vec<u8>), RecordError> {
    let path = directory.join("plan.json");
    if is_suite(directory) {
        return Err(at(directory)("is the record of a suite; name one of its runs, which `stressc report` lists"));
    }
    let text = content(&path, LARGEST_PLAN + 1)?;
    match text.len() as u64 > LARGEST_PLAN {
        true => Err(at(&path)("is larger than any plan that a run writes")),
        false => Ok((path, text)),
    }
}

/// Reads a record back, however its run ended. Torn lines at the end are what a killed run leaves.
pub fn read(directory: &Path) -> Result<(Plan, Stats), RecordError> {
    let (path, text) = plan_text(directory)?;
    let (plan, format) = format::read_plan(&text).map_err(at(&path))?;
    let mut stats = Stats::new(&plan);
    // The last line of a killed run may be torn; more than that is damage.
    let mut unreadable = 0;
    for path in SegmentKind::Intervals.files(directory)? {
        lines(&path, |line, _| {
            match interval_log::read_line(line) {
                Read::Interval(line) => stats.add_line(line),
                Read::Nothing => {}
                Read::Unreadable => unreadable += 1,
            }
            if unreadable > 1 { Err("cannot be read, nor can one before it".to_owned()) } else { Ok(()) }
        })?;
    }
    stats.settle();
    let files = SegmentKind::Events.files(directory)?;
    for (index, path) in files.iter().enumerate() {
        lines(path, |line, last| match format.event(line) {
            _ if line.trim_ascii().is_empty() => Ok(()),
            Ok(event) => {
                stats.take(event);
                Ok(())
            }
            Err(_) if last && index + 1 == files.len() => Ok(()),
            Err(problem) => Err(problem),
        })?;
    }
    Ok((plan, stats))
}
