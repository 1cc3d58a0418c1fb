//! Protocols as bytes, for the engine that sends and for the links that observe.

pub mod http1;
pub mod room;
