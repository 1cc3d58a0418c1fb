//! Run records on disk: appended to as the run goes, readable whenever it ends.

mod appender;
mod compact;
mod find;
mod format;
mod record;
mod segments;

pub use compact::Policy;
pub use find::{RunHead, Wanted, find, runs};
pub use record::{Record, RecordError, read};
