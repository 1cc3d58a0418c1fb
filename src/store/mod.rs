//! Run records on disk: appended to as the run goes, readable whenever it ends.

mod appender;
mod record;

pub use record::{Record, RecordError, find, read};
