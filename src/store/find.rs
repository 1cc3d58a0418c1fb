//! Finds recorded runs: one by its name, or those of a scenario or a plan, without reading the measurements.

use super::RecordError;
use super::format;
use super::record::{RUNS, at, plan_text};
use super::suite::{is_suite, plain};
use crate::plan::Share;
use std::path::{Path, PathBuf};

/// The directory of a run: a path to it, its id, the start of its id while that is unique, or `last`.
pub fn find(base: &Path, name: &str) -> Result<PathBuf, RecordError> {
    let given = PathBuf::from(name);
    if !name.is_empty() && (given.join("plan.json").is_file() || is_suite(&given)) {
        return Ok(given);
    }
    if given.is_dir() {
        return Err(RecordError {
            path: given,
            problem: "is a directory without a `plan.json`, so no record".to_owned(),
        });
    }
    let runs = base.join(RUNS);
    let ids = ids(&runs);
    let missing = |problem: String| RecordError { path: runs.clone(), problem };
    if name == "last" {
        let last = ids.last().ok_or_else(|| missing("no run is recorded here".to_owned()))?;
        return Ok(whole(&runs, runs.join(last)));
    }
    let matching: Vec<&String> = ids.iter().filter(|id| !name.is_empty() && id.starts_with(name)).collect();
    match matching.as_slice() {
        [one] => Ok(runs.join(one)),
        [] => Err(missing(match crate::base::suggest::similar(name, ids.iter().map(String::as_str)) {
            Some(near) => format!("no run is called `{name}`{}", crate::base::suggest::hint(near)),
            None => format!("no run is called `{name}`; `last` is the newest"),
        })),
        many => Err(missing(format!("{} runs start with `{name}`; write more of the id", many.len()))),
    }
}

/// The suite that a run is a part of, or the run.
fn whole(runs: &Path, run: PathBuf) -> PathBuf {
    let parent = head(run.clone(), String::new()).ok().and_then(|head| head.parent).and_then(plain);
    parent.map(|parent| runs.join(parent)).filter(|suite| is_suite(suite)).unwrap_or(run)
}

/// The records of suites beneath a directory, the newest first.
pub fn suites(base: &Path) -> Vec<PathBuf> {
    let runs = base.join(RUNS);
    ids(&runs).into_iter().rev().map(|id| runs.join(id)).filter(|directory| is_suite(directory)).collect()
}

/// The runs beneath a directory, the oldest first.
fn ids(runs: &Path) -> Vec<String> {
    let mut ids: Vec<String> = match std::fs::read_dir(runs) {
        Ok(entries) => entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect(),
        Err(_) => Vec::new(),
    };
    ids.sort();
    ids
}

/// The directories beneath a directory that may be records, by their names, the oldest first.
pub fn run_ids(base: &Path) -> Vec<(String, PathBuf)> {
    let runs = base.join(RUNS);
    ids(&runs).into_iter().map(|id| (id.clone(), runs.join(id))).filter(|(_, path)| path.is_dir()).collect()
}

/// What is known of a run without reading what was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHead {
    pub id: String,
    pub directory: PathBuf,
    /// The id of the run that it is a part of.
    pub parent: Option<String>,
    /// The file as it was named when it ran.
    pub file: String,
    pub scenario: String,
    pub profile: Option<String>,
    pub fingerprint: String,
    pub share: Share,
}

/// Which runs are looked for.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'w> {
    All,
    /// Of a scenario, in whichever file where none is named.
    Scenario {
        file: Option<&'w str>,
        name: &'w str,
    },
    /// That did the same.
    Fingerprint(&'w str),
}

/// Whether two texts name one file, as far as they alone say it.
pub fn is_same_file(a: &str, b: &str) -> bool {
    let plain = |file| str::strip_prefix(file, "./").unwrap_or(file);
    plain(a) == plain(b)
}

impl Wanted<'_> {
    fn is(self, head: &RunHead) -> bool {
        match self {
            Wanted::All => true,
            Wanted::Scenario { file, name } => {
                head.scenario == name && file.is_none_or(|file| is_same_file(file, &head.file))
            }
            Wanted::Fingerprint(fingerprint) => head.fingerprint == fingerprint,
        }
    }
}

/// The runs beneath a directory that are wanted, the newest first, and why others could not be looked at.
pub fn runs(base: &Path, wanted: Wanted<'_>) -> (Vec<RunHead>, Vec<RecordError>) {
    let runs = base.join(RUNS);
    let (mut found, mut broken) = (Vec::new(), Vec::new());
    let directories = ids(&runs).into_iter().rev().map(|id| (runs.join(&id), id));
    for (directory, id) in directories.filter(|(directory, _)| directory.is_dir() && !is_suite(directory)) {
        match head(directory, id) {
            Ok(head) if wanted.is(&head) => found.push(head),
            Ok(_) => {}
            Err(error) => broken.push(error),
        }
    }
    (found, broken)
}

fn head(directory: PathBuf, id: String) -> Result<RunHead, RecordError> {
    let (path, text) = plan_text(&directory)?;
    let format::Summary { parent, file, scenario, profile, fingerprint, share, .. } =
        format::read_told(&text).map_err(at(&path))?;
    Ok(RunHead { id, directory, parent, file, scenario, profile, fingerprint, share })
}
