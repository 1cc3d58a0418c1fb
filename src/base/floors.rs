//! What faults of the machine leave free in any case: without it the machine itself fails, and with it what measures.

pub const MEMORY: u64 = 128 << 20;
pub const DISK: u64 = 128 << 20;
