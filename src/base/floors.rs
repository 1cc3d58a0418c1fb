//! What faults on the machine always leave free. Without it the machine itself would fail, and the measurement with it.

pub const MEMORY: u64 = 128 << 20;
pub const DISK: u64 = 128 << 20;
