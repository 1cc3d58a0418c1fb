//! Run records on disk: appended to as the run goes, readable whenever it ends; and baselines next to scenarios.

mod appender;
mod baselines;
mod compact;
mod context;
mod find;
mod format;
pub mod index;
mod record;
mod result;
mod segments;
mod source_text;
mod suite;

pub use baselines::{Baselines, Kept};
pub use compact::Policy;
pub use context::{Context, context};
pub use find::{RunHead, Wanted, find, is_same_file, run_ids, runs, suites};
pub use record::{Record, RecordError, read};
pub use result::{RunResult, result};
pub use source_text::source_text;
pub use suite::{
    MemberState, SuiteAsked, SuiteEvent, SuiteHead, SuiteRead, SuiteRecord, is_suite, read_suite, suite_runs,
};
