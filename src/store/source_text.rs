//! `scenario.txt` of a record: the text of the file that was run, for those who read the report.

use super::record::at;
use super::segments::{content, put};
use super::{Record, RecordError};
use std::path::Path;

const NAME: &str = "scenario.txt";
/// More than any run writes.
const LARGEST: u64 = 1 << 20;

impl Record {
    pub fn put_source(&self, text: &str) -> Result<(), RecordError> {
        put(&self.directory.join(NAME), |out| out.write_all(text.as_bytes()))
    }
}

/// That of a record; nothing where an earlier version made it.
pub fn source_text(directory: &Path) -> Result<Option<String>, RecordError> {
    let path = directory.join(NAME);
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let text = content(&path, LARGEST + 1)?;
    match text.len() as u64 > LARGEST {
        true => Err(at(&path)("is larger than any text that a run keeps")),
        false => Ok(Some(String::from_utf8_lossy(&text).into_owned())),
    }
}
