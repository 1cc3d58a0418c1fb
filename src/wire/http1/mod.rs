//! HTTP/1.1 as bytes (RFC 9112).

mod answer;
mod body;
mod coding;
mod failure;
pub mod head;

pub use answer::{Answer, BODY_KEPT};
pub use body::{Body, KEPT_LIMIT, Keep, LOOK, START};
pub use coding::Codings;
pub use failure::Failure;
pub use head::{Asked, Framing, HEAD_LIMIT, Memo, leads_on, parse, parse_request, values};

/// How a head says that the body comes in chunks.
pub const CHUNKED: &str = "chunked";
