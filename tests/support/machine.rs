//! A machine that tests plan for.

use stressc::plan::{Groups, Machine, PortReuse};

/// A machine that lacks nothing, the same wherever tests run.
pub const MACHINE: Machine = Machine {
    descriptors: 65_536,
    memory: 8 << 30,
    ports: 28_232,
    reuse: PortReuse::Loopback,
    cores: 4,
    groups: Groups::USUAL,
};
