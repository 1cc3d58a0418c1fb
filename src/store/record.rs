//! `.stress/runs/<id>/`: `plan.json`, then `intervals.hlog` and `events.jsonl` line by line, and `run.json` at the
//! end, renamed into place. The first three are the truth; the last can always be made again.

use super::appender::Appender;
use crate::measure::{Event, Stats, Tags, interval_log};
use crate::plan::Plan;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

const RUNS: &str = ".stress/runs";

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

fn at<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> RecordError + use<'_, E> {
    move |error| RecordError { path: path.to_owned(), problem: error.to_string() }
}

/// A record that is being written.
pub struct Record {
    pub directory: PathBuf,
    intervals: Appender,
    events: Appender,
    edges: Vec<u64>,
    tags: Tags,
    encoder: interval_log::Encoder,
    /// Why the record cannot be written now; the run goes on, and what is measured waits.
    pub broken: Option<RecordError>,
}

impl Record {
    pub fn create(base: &Path, id: &str, plan: &Plan, epoch_seconds: f64) -> Result<Record, RecordError> {
        let directory = base.join(RUNS).join(id);
        std::fs::create_dir_all(base.join(RUNS))
            .and_then(|()| std::fs::create_dir(&directory))
            .map_err(at(&directory))?;
        Record::in_directory(&directory, plan, epoch_seconds).inspect_err(|_| {
            // A record of nothing would be found as the last one.
            let _ = std::fs::remove_dir_all(&directory);
        })
    }

    fn in_directory(directory: &Path, plan: &Plan, epoch_seconds: f64) -> Result<Record, RecordError> {
        let path = directory.join("plan.json");
        let text = serde_json::to_vec_pretty(plan).expect("a plan is plain data");
        std::fs::write(&path, text).map_err(at(&path))?;
        let open = |name: &str| {
            let path = directory.join(name);
            Appender::open(&path).map_err(at(&path))
        };
        let (mut intervals, events) = (open("intervals.hlog")?, open("events.jsonl")?);
        let comments = [format!("stressc {} of {}", plan.scenario, plan.file)];
        let comments: Vec<&str> = comments.iter().map(String::as_str).collect();
        intervals.add(&interval_log::header(epoch_seconds, &comments));
        intervals.flush().map_err(at(directory))?;
        let (edges, tags, encoder) = (plan.edges(), Tags::new(plan), interval_log::Encoder::default());
        Ok(Record { directory: directory.to_owned(), intervals, events, edges, tags, encoder, broken: None })
    }

    /// Appends an event; histograms go to the interval log, counts and everything else to the events.
    pub fn append(&mut self, event: &Event) {
        let mut line = serde_json::to_vec(event).expect("an event is plain data");
        line.push(b'\n');
        if let Event::Slice(slice) = event {
            let mut lines = Vec::new();
            self.tags.write(&self.edges, slice, &mut self.encoder, &mut lines);
            self.intervals.add(&lines);
        }
        self.events.add(&line);
        self.flush();
    }

    /// The times first: counts without them would look like a damaged record.
    fn flush(&mut self) {
        let written = self.intervals.flush().and_then(|()| self.events.flush());
        self.broken = written.err().map(at(&self.directory));
    }

    /// Writes what waits, and puts the result in place, whole or not at all.
    pub fn finish(&mut self, result: &[u8]) -> Result<(), RecordError> {
        self.flush();
        let put = write_result(&self.directory, result);
        self.broken.take().map_or(put, Err)
    }
}

fn write_result(directory: &Path, result: &[u8]) -> Result<(), RecordError> {
    let (path, unfinished) = (directory.join("run.json"), directory.join("run.json.part"));
    let written = File::create(&unfinished)
        .and_then(|mut file| file.write_all(result).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&unfinished, &path));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&unfinished);
        at(&path)(error)
    })
}

/// The directory of a run: a path to it, its id, the start of its id while that is unique, or `last`.
pub fn find(base: &Path, name: &str) -> Result<PathBuf, RecordError> {
    let given = PathBuf::from(name);
    if given.join("plan.json").is_file() {
        return Ok(given);
    }
    if given.is_dir() {
        return Err(RecordError {
            path: given,
            problem: "is a directory without a `plan.json`, so no record".to_owned(),
        });
    }
    let runs = base.join(RUNS);
    let mut ids: Vec<String> = match std::fs::read_dir(&runs) {
        Ok(entries) => entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect(),
        Err(_) => Vec::new(),
    };
    ids.sort();
    let missing = |problem: String| RecordError { path: runs.clone(), problem };
    if name == "last" {
        return ids.last().map(|id| runs.join(id)).ok_or_else(|| missing("no run is recorded here".to_owned()));
    }
    let matching: Vec<&String> = ids.iter().filter(|id| id.starts_with(name)).collect();
    match matching.as_slice() {
        [one] => Ok(runs.join(one)),
        [] => Err(missing(match crate::base::suggest::similar(name, ids.iter().map(String::as_str)) {
            Some(near) => format!("no run is called `{name}`; did you mean `{near}`?"),
            None => format!("no run is called `{name}`; `last` is the newest"),
        })),
        many => Err(missing(format!("{} runs start with `{name}`; write more of the id", many.len()))),
    }
}

/// Reads a record back, however its run ended. Torn lines at the end are what a killed run leaves.
pub fn read(directory: &Path) -> Result<(Plan, Stats), RecordError> {
    let path = directory.join("plan.json");
    let text = std::fs::read(&path).map_err(at(&path))?;
    let plan: Plan = serde_json::from_slice(&text).map_err(at(&path))?;
    let mut stats = Stats::new(&plan);
    let path = directory.join("intervals.hlog");
    let log = std::fs::read(&path).map_err(at(&path))?;
    let (lines, unreadable) = interval_log::read(&log);
    // The last line of a killed run may be torn; more than that is damage.
    if unreadable > 1 {
        return Err(RecordError { path, problem: format!("{unreadable} lines cannot be read") });
    }
    lines.into_iter().for_each(|line| stats.add_line(line));
    let path = directory.join("events.jsonl");
    let events = std::fs::read(&path).map_err(at(&path))?;
    let lines: Vec<&[u8]> = events.split(|byte| *byte == b'\n').collect();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        match serde_json::from_slice::<Event>(line) {
            Ok(event) => stats.take(event),
            Err(_) if index + 1 == lines.len() => {}
            Err(error) => {
                return Err(RecordError { path, problem: format!("line {} cannot be read: {error}", index + 1) });
            }
        }
    }
    Ok((plan, stats))
}
