//! Protocols as bytes: what is read of them and written, for the engine that sends and for the links that look on.

pub mod http1;
pub mod room;
