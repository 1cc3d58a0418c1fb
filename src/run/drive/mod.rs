//! Drivers: how a step talks to its target. Owned connections, so that it is known when they open and who waits.

pub mod http1;
