//! What every floor stands on: places in files, units and bytes with their printed forms, hosts, addresses of servers and databases, and nearest names.

pub mod database;
pub mod decimal;
pub mod exposition;
pub mod floors;
mod hex;
pub mod hosts;
pub mod origin;
pub mod proxy;
pub mod shown;
pub mod socket;
pub mod source;
pub mod span;
pub mod suggest;
pub mod elsewhere;
pub mod units;

pub use hex::hex;
pub use source::{Source, Sources};
pub use span::{FileId, Name, Span};
