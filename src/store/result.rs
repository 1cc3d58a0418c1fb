//! The few lines of `run.json` by which a list of runs tells them apart.

use super::RecordError;
use super::record::at;
use super::segments::content;
use crate::judge::VerdictKind;
use serde::Deserialize;
use std::path::Path;

/// A `run.json` is never larger than this.
const LARGEST: u64 = 256 << 20;

/// What came of a run or of a suite. The rest of the file is skipped.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RunResult {
    pub started: String,
    /// In seconds.
    pub duration_s: f64,
    pub verdict: VerdictKind,
    /// A suite does not say it.
    #[serde(default = "whole")]
    pub complete: bool,
}

fn whole() -> bool {
    true
}

/// `None` where there is none: the run goes on, or was killed.
pub fn result(directory: &Path) -> Result<Option<RunResult>, RecordError> {
    let path = directory.join("run.json");
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let text = content(&path, LARGEST)?;
    serde_json::from_slice(&text).map(Some).map_err(at(&path))
}
