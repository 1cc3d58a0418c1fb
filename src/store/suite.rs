//! The record of a suite: `suite.json`, what it was to do; `members.jsonl`, what became of its scenarios, line by line; and `run.json` at
//! the end. The runs of its scenarios have records of their own next to it, which name it as their parent. The first two and
//! these are the truth; the last can always be made again.

use super::RecordError;
use super::record::{ELSEWHERE, RUNS, at};
use super::segments::{content, put};
use crate::guard;
use crate::plan::SuitePlan;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

const SUITE: &str = "suite.json";
const MEMBERS: &str = "members.jsonl";
/// More than any is.
const LARGEST: u64 = 64 << 20;
/// One more with every version that writes something which the version before would not read as what it means.
const FORMAT: u64 = 1;

/// What a suite was to do, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuiteHead {
    pub format: u64,
    /// The version that began it.
    pub stressc: String,
    pub id: String,
    pub started: String,
    pub seed: u64,
    pub asked: SuiteAsked,
    pub plan: SuitePlan,
}

/// What was set from outside, so that the rest of it can be run likewise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SuiteAsked {
    /// `FILE:SUITE`, or the directory.
    pub file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
}

/// What became of a scenario, by its number in the suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuiteEvent {
    /// The run with this id is of it.
    Begun { member: usize, run: String },
    /// That was run to its end, and has a verdict.
    Ended { member: usize },
    /// There is no verdict, and why.
    NotRun { member: usize, problem: String },
    /// The suite is taken up, with what it does now: what was left out may be run.
    Resumed { at: String, plan: SuitePlan },
}

/// What became of a scenario.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum MemberState {
    #[default]
    Waiting,
    /// It was not run to its end, and has no verdict.
    Begun(String),
    Ended(String),
    NotRun(String),
}

/// A suite as its record has it.
#[derive(Debug, Clone, PartialEq)]
pub struct SuiteRead {
    pub head: SuiteHead,
    /// By scenario.
    pub members: Vec<MemberState>,
    /// When it was taken up.
    pub resumed: Vec<String>,
}

/// A record of a suite that is being written. Nobody else writes it meanwhile.
pub struct SuiteRecord {
    pub directory: PathBuf,
    members: File,
}

impl SuiteRecord {
    pub fn create(base: &Path, head: &SuiteHead) -> Result<SuiteRecord, RecordError> {
        let directory = base.join(RUNS).join(&head.id);
        guard::lasting(base, Path::new(RUNS), &head.id).map_err(|error| match error.kind() {
            ErrorKind::Other => at(&directory)(format!("{error}; {ELSEWHERE}")),
            _ => at(&directory)(error),
        })?;
        let written = || {
            let text = serde_json::to_vec_pretty(head).expect("a suite is plain data");
            put(&directory.join(SUITE), |out| out.write_all(&text))?;
            put(&directory.join(MEMBERS), |_| Ok(()))?;
            SuiteRecord::open(&directory)
        };
        written().inspect_err(|_| {
            // A record of nothing would be found as the last one.
            let _ = std::fs::remove_dir_all(&directory);
        })
    }

    /// One that is there, to go on with it. What a killed suite has left torn is cut off.
    pub fn open(directory: &Path) -> Result<SuiteRecord, RecordError> {
        let path = directory.join(MEMBERS);
        let text = content(&path, LARGEST)?;
        let members = guard::unfollowed(OpenOptions::new().append(true)).open(&path).map_err(at(&path))?;
        match members.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(at(&path)("another process is running this suite")),
            // A file system without locks.
            Err(TryLockError::Error(_)) => {}
        }
        let whole = whole(&text);
        if whole < text.len() {
            members.set_len(whole as u64).map_err(at(&path))?;
        }
        Ok(SuiteRecord { directory: directory.to_owned(), members })
    }

    /// On the disk when this returns.
    pub fn append(&mut self, event: &SuiteEvent) -> Result<(), RecordError> {
        let mut line = serde_json::to_vec(event).expect("an event is plain data");
        line.push(b'\n');
        let path = self.directory.join(MEMBERS);
        self.members.write_all(&line).and_then(|()| self.members.sync_data()).map_err(at(&path))
    }

    pub fn finish(&self, result: &[u8]) -> Result<(), RecordError> {
        put(&self.directory.join("run.json"), |out| out.write_all(result))
    }
}

/// How many bytes of it are lines with their ends.
fn whole(lines: &[u8]) -> usize {
    lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)
}

/// Whether a process is writing the record of a suite.
pub fn suite_runs(directory: &Path) -> bool {
    let members = guard::unfollowed(OpenOptions::new().read(true)).open(directory.join(MEMBERS));
    members.is_ok_and(|members| matches!(members.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Whether a directory is the record of a suite.
pub fn is_suite(directory: &Path) -> bool {
    directory.join(SUITE).symlink_metadata().is_ok_and(|found| found.is_file())
}

/// Reads a record of a suite back, however that ended.
pub fn read_suite(directory: &Path) -> Result<SuiteRead, RecordError> {
    let path = directory.join(SUITE);
    let text = content(&path, LARGEST)?;
    #[derive(Deserialize)]
    struct Numbered {
        format: u64,
    }
    let other = |_| at(&path)("has other fields or types than a suite writes");
    let Numbered { format } = serde_json::from_slice(&text).map_err(other)?;
    if format != FORMAT {
        let why = format!("is of format {format}, and this version reads none but {FORMAT}");
        return Err(at(&path)(why));
    }
    let head: SuiteHead = serde_json::from_slice(&text).map_err(other)?;
    let mut read = SuiteRead { members: Vec::new(), resumed: Vec::new(), head };
    read.members = read.head.plan.members().map(|_| MemberState::default()).collect();
    let path = directory.join(MEMBERS);
    let lines = content(&path, LARGEST)?;
    // After the last line end stands what a killed suite has left torn.
    for (number, line) in
        lines[..whole(&lines)].split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty())
    {
        let event = serde_json::from_slice(line).ok().and_then(|event| read.take(event));
        event.ok_or_else(|| at(&path)(format!("line {} is none that a suite writes", number + 1)))?;
    }
    Ok(read)
}

impl SuiteRead {
    /// `None` where no suite writes that.
    fn take(&mut self, event: SuiteEvent) -> Option<()> {
        match event {
            SuiteEvent::Begun { member, run } => *self.members.get_mut(member)? = MemberState::Begun(plain(run)?),
            SuiteEvent::Ended { member } => {
                let state = self.members.get_mut(member)?;
                let MemberState::Begun(run) = state else { return None };
                *state = MemberState::Ended(std::mem::take(run));
            }
            SuiteEvent::NotRun { member, problem } => *self.members.get_mut(member)? = MemberState::NotRun(problem),
            SuiteEvent::Resumed { at, plan } => {
                self.head.plan.differs(&plan).is_none().then_some(())?;
                self.head.plan = plan;
                self.resumed.push(at);
            }
        }
        Some(())
    }

    /// Those that have a verdict; the others may still be run.
    pub fn is_done(&self, member: usize) -> bool {
        matches!(self.members.get(member), Some(MemberState::Ended(_)))
    }
}

/// The name of a directory next to that of the suite, and nothing that leads elsewhere.
pub(super) fn plain(run: String) -> Option<String> {
    let mut parts = Path::new(&run).components();
    let is_plain =
        matches!((parts.next(), parts.next()), (Some(Component::Normal(name)), None) if name == run.as_str());
    is_plain.then_some(run)
}

impl SuiteHead {
    pub fn new(id: &str, started: &str, seed: u64, asked: SuiteAsked, plan: SuitePlan) -> SuiteHead {
        let stressc = env!("CARGO_PKG_VERSION").to_owned();
        SuiteHead { format: FORMAT, stressc, id: id.to_owned(), started: started.to_owned(), seed, asked, plan }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{PlannedArea, PlannedMember, SUITE_SCHEMA};

    fn head(id: &str) -> SuiteHead {
        let member = |path: &str| PlannedMember {
            path: path.to_owned(),
            file: "a.stress".to_owned(),
            scenario: path.to_owned(),
            fingerprint: path.to_owned(),
            length: 1,
            alerts: Vec::new(),
            skipped: None,
        };
        let area =
            PlannedArea { name: "all".to_owned(), weight: 1.0, members: ["one", "two", "three"].map(member).to_vec() };
        let (file, suite) = ("a.stress".to_owned(), "all".to_owned());
        let plan =
            SuitePlan { schema: SUITE_SCHEMA, file, suite, profile: None, doc: None, areas: vec![area], ready: None };
        SuiteHead::new(id, "2026-01-01T00:00:00Z", 7, SuiteAsked::default(), plan)
    }

    #[test]
    fn a_suite_is_read_back_as_it_went_and_taken_up_behind_what_was_torn() {
        let place = tempfile::tempdir().unwrap();
        let head = head("20260101T000000Z-all-0001");
        let mut record = SuiteRecord::create(place.path(), &head).unwrap();
        let directory = record.directory.clone();
        assert!(is_suite(&directory) && !is_suite(place.path()));
        let refused = SuiteRecord::open(&directory).err().unwrap().to_string();
        assert!(refused.contains("another process is running this suite"), "{refused}");
        let begun = |member, run: &str| SuiteEvent::Begun { member, run: run.to_owned() };
        record.append(&begun(0, "run-0")).unwrap();
        record.append(&SuiteEvent::Ended { member: 0 }).unwrap();
        record.append(&begun(1, "run-1")).unwrap();
        drop(record);
        let members = directory.join(MEMBERS);
        let mut text = std::fs::read_to_string(&members).unwrap();
        text.push_str("{\"ended\":{\"mem");
        std::fs::write(&members, text).unwrap();
        let read = read_suite(&directory).unwrap();
        let ended = MemberState::Ended("run-0".to_owned());
        assert_eq!(read.members, [ended.clone(), MemberState::Begun("run-1".to_owned()), MemberState::Waiting]);
        assert!(read.is_done(0) && !read.is_done(1));
        let mut record = SuiteRecord::open(&directory).unwrap();
        let at = "2026-01-02T00:00:00Z".to_owned();
        record.append(&SuiteEvent::Resumed { at: at.clone(), plan: head.plan }).unwrap();
        record.append(&SuiteEvent::NotRun { member: 1, problem: "no port".to_owned() }).unwrap();
        record.append(&begun(2, "run-2")).unwrap();
        record.append(&SuiteEvent::Ended { member: 2 }).unwrap();
        let read = read_suite(&directory).unwrap();
        let last = MemberState::Ended("run-2".to_owned());
        assert_eq!(read.members, [ended, MemberState::NotRun("no port".to_owned()), last]);
        assert_eq!((read.resumed, read.head.seed), (vec![at], 7));
    }

    #[test]
    fn what_no_suite_writes_is_refused_by_its_line() {
        let place = tempfile::tempdir().unwrap();
        for (line, why) in [
            ("{\"begun\":{\"member\":9,\"run\":\"x\"}}", "line 1 is none"),
            ("{\"begun\":{\"member\":0,\"run\":\"../../etc\"}}", "line 1 is none"),
            ("{\"begun\":{\"member\":0,\"run\":\"/etc\"}}", "line 1 is none"),
            ("{\"begun\":{\"member\":0,\"run\":\"\"}}", "line 1 is none"),
            ("{\"ended\":{\"member\":0}}", "line 1 is none"),
            ("not a line", "line 1 is none"),
        ] {
            let head = head(&format!("suite-{}", crate::guard::random()));
            let record = SuiteRecord::create(place.path(), &head).unwrap();
            std::fs::write(record.directory.join(MEMBERS), format!("{line}\n")).unwrap();
            let refused = read_suite(&record.directory).unwrap_err().to_string();
            assert!(refused.contains(why), "{line}: {refused}");
        }
        let mut later = head("suite-later");
        later.format = FORMAT + 1;
        let record = SuiteRecord::create(place.path(), &later).unwrap();
        assert!(read_suite(&record.directory).unwrap_err().to_string().contains("is of format 2"));
    }
}
