//! What a plan leaves open until a run knows it: secrets, ports, addresses.

pub mod again;
pub mod resolved;
pub mod endpoints;
pub mod identities;
mod databases;
mod proxied;
pub mod terminated;
