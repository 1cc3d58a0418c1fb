//! The history of the faults and events of a plan: when each was in force, and the proof of that. Also which services ended.

use crate::plan::Range;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a fault of a link has touched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Proof {
    /// Connections of which something was held, changed or ended.
    pub connections: u64,
    /// Requests that the link answered or held.
    pub requests: u64,
    /// Bytes that were held, slowed down, cut or changed.
    pub bytes: u64,
}

impl Proof {
    pub fn is_effective(&self) -> bool {
        self.connections > 0
    }
}

/// One time that a fault was in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Injected {
    /// Its index in the plan.
    pub fault: usize,
    pub planned: Range,
    /// From the instant at which its start began to the instant at which it was in force.
    pub applied: Range,
    /// The same for its end; none if the run was cut off before.
    pub withdrawn: Option<Range>,
    pub mechanism: String,
    pub proof: Proof,
    /// The proof of its effect, if the effect is not counted.
    pub shown: Option<String>,
    /// Why it counts as ineffective, if its proof says so.
    pub unproven: Option<String>,
    /// Why it could not be applied or taken back.
    pub problem: Option<String>,
}

impl Injected {
    pub fn is_effective(&self) -> bool {
        self.problem.is_none() && (self.proof.is_effective() || self.shown.is_some())
    }
}

/// A service that ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub service: String,
    pub at: u64,
    /// Whether it had been ready since it was started.
    pub ready: bool,
}

/// An event, from its beginning on.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// Its index in the plan.
    pub event: usize,
    pub began: u64,
    /// None if the run was cut off before.
    pub ended: Option<u64>,
    pub problem: Option<String>,
    pub output: Option<String>,
}
