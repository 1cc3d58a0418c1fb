//! `context.json` of a record: what a verdict uses in addition to the plan and the measurements.

use super::record::at;
use super::segments::{content, put};
use super::{Record, RecordError};
use crate::judge::Others;
use crate::plan::Host;
use serde::{Deserialize, Serialize};
use std::path::Path;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The version that made the run.
    pub stressc: String,
    pub machine: Host,
    /// The commit of the repository that the scenario lay in when the run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What the runs of a baseline said.
    #[serde(default, skip_serializing_if = "Others::are_none")]
    pub others: Others,
}

const NAME: &str = "context.json";
/// More than any is.
const LARGEST: u64 = 16 << 20;

impl Record {
    pub fn put_context(&self, context: &Context) -> Result<(), RecordError> {
        let text = serde_json::to_vec_pretty(context).expect("a context is plain data");
        put(&self.directory.join(NAME), |out| out.write_all(&text))
    }
}

/// That of a record; nothing where the run ended before it was known, or an earlier version made it.
pub fn context(directory: &Path) -> Result<Option<Context>, RecordError> {
    let path = directory.join(NAME);
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let text = content(&path, LARGEST)?;
    serde_json::from_slice(&text).map(Some).map_err(at(&path))
}
