//! What every floor needs: positions in files, units and bytes with their printed forms, hosts, addresses of servers and
//! databases, distributions, slopes of all pairs, expressions of Prometheus and queries that only add up, names from other tools,
//! and nearest names.

pub mod annotation;
pub mod boundary;
pub mod database;
pub mod decimal;
pub mod distributions;
pub mod elsewhere;
pub mod exposition;
pub mod failure;
pub mod floors;
mod hex;
pub mod hosts;
pub mod origin;
pub mod promql;
pub mod proxy;
pub mod shown;
pub mod slopes;
pub mod socket;
pub mod source;
pub mod span;
pub mod splitmix;
pub mod suggest;
pub mod summed;
pub mod units;

pub use hex::hex;
pub use source::{Source, Sources};
pub use span::{FileId, Name, Span};
