//! The driver of connections that stay open from step to step: WebSockets (RFC 6455), streams of server-sent events, and messages
//! over TCP. Each has a task that reads as long as there is room, so that a message has the time of its arrival, whatever its
//! session does meanwhile, and a ping has its answer.

mod client;
mod codec;
mod end;
mod events;
mod handshake;
mod line;
mod messages;
mod metered;
mod request;
mod websocket;

pub use client::{Client, NOTHING_FITS};
pub use request::Request;

/// A message beyond this ends its connection instead of filling the memory.
pub const MESSAGE_LIMIT: usize = 16 << 20;
/// When so much of messages waits to be received over a connection, nothing more is read from it.
const HELD: usize = 1 << 20;
const HELD_MESSAGES: usize = 256;
