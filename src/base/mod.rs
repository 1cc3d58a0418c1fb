//! What every floor stands on: places in files, units with their printed forms, and nearest names.

pub mod source;
pub mod span;
pub mod suggest;
pub mod units;

pub use source::{Source, Sources};
pub use span::{FileId, Name, Span};
