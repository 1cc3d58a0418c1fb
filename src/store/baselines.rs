//! `baselines/FILE/SCENARIO/RUN.json` next to a scenario: one file per run, so that branches merge. A file is written completely
//! or not at all, and never overwritten.

use super::RecordError;
use super::record::at;
use super::segments::regular;
use crate::baseline::Entry;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// More than any entry has.
const LARGEST: u64 = 4 << 20;
/// More than anybody keeps.
const MOST: usize = 1_000;
const BASELINES: &str = "baselines";

/// Where the runs of a scenario are kept.
#[derive(Debug, Clone)]
pub struct Baselines {
    /// Directories below that of the scenario's file; each may be missing.
    steps: [PathBuf; 3],
}

/// What is there: the oldest first, and what could not be read.
#[derive(Debug, Default)]
pub struct Kept {
    pub entries: Vec<Entry>,
    pub problems: Vec<RecordError>,
}

impl Baselines {
    pub fn of(file: &Path, scenario: &str) -> Baselines {
        let beside = file.with_file_name(BASELINES);
        let of_file = beside.join(file.file_stem().unwrap_or_default());
        let of_scenario = of_file.join(scenario);
        Baselines { steps: [beside, of_file, of_scenario] }
    }

    /// The scenarios of a file that have kept runs.
    pub fn scenarios(file: &Path) -> Vec<String> {
        let of_file = Baselines::of(file, "").steps[1].clone();
        let listed = fs::read_dir(of_file).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
        let directories = listed.into_iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut names: Vec<String> =
            directories.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub fn directory(&self) -> &Path {
        &self.steps[2]
    }

    pub fn file(&self, run: &str) -> PathBuf {
        self.directory().join(format!("{run}.json"))
    }

    /// The author of a repository may have made one of these a link.
    fn lead_nowhere_else(&self) -> Result<(), RecordError> {
        for step in &self.steps {
            match step.symlink_metadata() {
                Ok(found) if !found.is_dir() => {
                    return Err(at(step)("is no directory of its own, and baselines are kept in no other; remove it"));
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(at(step)(error)),
            }
        }
        Ok(())
    }

    /// What is written or removed by a path is what lies there, where no one else can lead that path elsewhere in between.
    #[cfg(unix)]
    fn can_be_changed_by_nobody_else(&self) -> Result<(), RecordError> {
        let above = self.steps[0].parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let there = self.steps.iter().rev().find(|step| step.is_dir()).map_or(above, PathBuf::as_path);
        let whole = std::path::absolute(there).map_err(at(there))?;
        crate::guard::trusted(&whole)
            .map_err(|error| at(there)(format!("baselines are kept where no other user can change the path: {error}")))
    }

    #[cfg(not(unix))]
    fn can_be_changed_by_nobody_else(&self) -> Result<(), RecordError> {
        Ok(())
    }

    /// All runs, the oldest first, by their numbers: a clock may have been set back. One that cannot be read hides no other.
    pub fn read(&self) -> Result<Kept, RecordError> {
        self.lead_nowhere_else()?;
        let listed = match fs::read_dir(self.directory()) {
            Ok(listed) => listed,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Kept::default()),
            Err(error) => return Err(at(self.directory())(error)),
        };
        let mut paths: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        if paths.len() > MOST {
            return Err(at(self.directory())(format!("holds {} files, and at most {MOST} are read", paths.len())));
        }
        let mut kept = Kept::default();
        for path in paths {
            match read(&path) {
                Ok(entry) => kept.entries.push(entry),
                Err(problem) => kept.problems.push(problem),
            }
        }
        kept.entries.sort_by(|a, b| (a.number, &a.run).cmp(&(b.number, &b.run)));
        Ok(kept)
    }

    /// Puts a run there. Another of the same name stays as it is.
    pub fn add(&self, entry: &Entry) -> Result<PathBuf, RecordError> {
        self.can_be_changed_by_nobody_else()?;
        self.lead_nowhere_else()?;
        fs::create_dir_all(self.directory()).map_err(at(self.directory()))?;
        self.lead_nowhere_else()?;
        let path = self.file(&entry.run);
        // A name of its own for each writer, and none that is read.
        let part = self.directory().join(format!(".{}.{}.part", entry.run, std::process::id()));
        let placed = written(&part, entry.text().as_bytes()).and_then(|()| place(&part, &path));
        let _ = fs::remove_file(&part);
        placed.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => at(&path)("is there already, and no run is written over"),
            _ => at(&path)(format!("cannot be written, and nothing else was touched: {error}")),
        })?;
        if let Ok(directory) = File::open(self.directory()) {
            // Not every system lets directories be synced.
            let _ = directory.sync_all();
        }
        Ok(path)
    }

    pub fn remove(&self, run: &str) -> Result<(), RecordError> {
        self.can_be_changed_by_nobody_else()?;
        self.lead_nowhere_else()?;
        let path = self.file(run);
        fs::remove_file(&path).map_err(at(&path))
    }
}

fn read(path: &Path) -> Result<Entry, RecordError> {
    let mut text = String::new();
    regular(path)?.take(LARGEST + 1).read_to_string(&mut text).map_err(at(path))?;
    if text.len() as u64 > LARGEST {
        return Err(at(path)("is larger than any run of a baseline"));
    }
    let entry = Entry::read(&text).map_err(at(path))?;
    match path.file_stem().is_some_and(|stem| stem == entry.run.as_str()) {
        true => Ok(entry),
        false => Err(at(path)(format!("holds the run `{}`, and is not called so", entry.run))),
    }
}

fn written(part: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let _ = fs::remove_file(part);
    let mut file = OpenOptions::new().write(true).create_new(true).open(part)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Gives a file its name, unless there is one of that name.
fn place(part: &Path, path: &Path) -> std::io::Result<()> {
    match fs::hard_link(part, path) {
        // A file system without links.
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied) => {
            if path.symlink_metadata().is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            fs::rename(part, path)
        }
        linked => linked,
    }
}
