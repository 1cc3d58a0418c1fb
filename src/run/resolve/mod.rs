//! What a plan leaves open until a run knows it: secrets, ports, addresses.

pub mod resolved;
pub mod endpoints;
