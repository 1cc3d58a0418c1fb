//! What happened in a run, in the order in which it is written to the record.

use super::Slice;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// The run began; offsets of later events count from `load_started`.
    Started {
        id: String,
        started: String,
        seed: u64,
        workers: u64,
        version: String,
    },
    ServiceReady {
        service: String,
        address: String,
    },
    /// From here on time is counted.
    LoadStarted,
    /// What one worker measured; several lines of one slice add up.
    Slice(Slice),
    Generator(Generator),
    Interrupted {
        at: u64,
    },
    /// A condition of an `abort` held for long enough: nothing new is sent from here on.
    Aborted {
        at: u64,
        reason: String,
    },
    /// A service that ended by itself while it was needed.
    ServiceDied {
        service: String,
        at: u64,
        status: String,
        output: String,
    },
    /// Something went wrong that changes nothing of what was measured, and that a person has to know of.
    Problem {
        problem: String,
    },
    LoadEnded {
        at: u64,
    },
    ServiceStopped {
        service: String,
        at: u64,
    },
    Ended {
        at: u64,
    },
}

/// How the generator itself was in the last second, or since the reading before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    pub at: u64,
    /// CPU of the process, in shares of one core.
    pub cpu: f64,
    /// For each worker the share of time that its thread ran, without what it spun waiting for an instant.
    pub busy: Vec<f64>,
    /// For each worker the share of time that its thread was ready and had no core.
    pub waiting: Vec<f64>,
    pub descriptors: u64,
    pub descriptors_limit: u64,
    /// Local TCP ports in use or still held after closing, on the whole machine, and how many there are.
    pub ports: u64,
    pub ports_limit: u64,
    pub memory: u64,
    /// The highest of [`Generator::pressed`], where several readings were joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressed: Option<f64>,
}

impl Generator {
    /// The share of time in which the busiest worker ran or had no core: one that had work and no core could do as
    /// little more as one that ran.
    pub fn pressed(&self) -> f64 {
        let now = self.busy.iter().zip(&self.waiting).map(|(busy, waiting)| (busy + waiting).min(1.0));
        self.pressed.unwrap_or_else(|| now.fold(0.0, f64::max))
    }

    /// Takes a later reading in: the highest of each.
    pub fn join(&mut self, later: &Generator) {
        self.pressed = Some(self.pressed().max(later.pressed()));
        let Generator {
            at,
            cpu,
            busy,
            waiting,
            descriptors,
            descriptors_limit,
            ports,
            ports_limit,
            memory,
            pressed: _,
        } = later;
        let highest = |ours: &mut Vec<f64>, theirs: &[f64]| {
            ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours = ours.max(*theirs));
        };
        self.at = *at;
        self.cpu = self.cpu.max(*cpu);
        highest(&mut self.busy, busy);
        highest(&mut self.waiting, waiting);
        self.descriptors = self.descriptors.max(*descriptors);
        self.descriptors_limit = *descriptors_limit;
        self.ports = self.ports.max(*ports);
        self.ports_limit = *ports_limit;
        self.memory = self.memory.max(*memory);
    }
}
