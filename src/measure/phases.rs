//! How long the phases of requests took: what it takes to open their connections, and what came before the first byte of answers.

use super::SeriesCounts;
use super::histogram::{Adder, Counts, Sparse};

/// What has a time by itself, of every request and whether anything asks for it or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestPhase {
    /// A connection was opened: a sample each, also where that failed.
    Connect,
    /// Encryption was agreed on, in the same way.
    Tls,
    /// From the first send of a request to the first byte of its answer.
    FirstByte,
}

impl RequestPhase {
    pub const ALL: [RequestPhase; 3] = [RequestPhase::Connect, RequestPhase::Tls, RequestPhase::FirstByte];

    /// What stands after the tag of its series; that of no derived series ends so.
    pub(super) fn tag(self) -> &'static str {
        match self {
            RequestPhase::Connect => ".phase.connect",
            RequestPhase::Tls => ".phase.tls",
            RequestPhase::FirstByte => ".phase.first_byte",
        }
    }
}

/// Of a part of the time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Phases([Counts; RequestPhase::ALL.len()]);

impl Phases {
    pub fn of(phase: RequestPhase, counts: Counts) -> Phases {
        let mut own = Phases::default();
        own.0[phase as usize] = counts;
        own
    }

    pub fn get(&self, phase: RequestPhase) -> &Counts {
        &self.0[phase as usize]
    }

    pub(super) fn merge(&mut self, other: &Phases) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, more)| own.merge(more));
    }

    pub(super) fn sum(all: &[SeriesCounts], adder: &mut Adder) -> Phases {
        Phases(RequestPhase::ALL.map(|phase| adder.sum(all.iter().map(|own| own.phases.get(phase)))))
    }

    pub(super) fn all(&self) -> &[Counts] {
        &self.0
    }
}

/// As a worker counts them.
#[derive(Debug, Default)]
pub(super) struct PhaseCells([Sparse; RequestPhase::ALL.len()]);

impl PhaseCells {
    pub fn record(&mut self, phase: RequestPhase, time: u64) {
        self.0[phase as usize].record(time);
    }

    pub fn drain(&mut self) -> Phases {
        Phases(RequestPhase::ALL.map(|phase| self.0[phase as usize].drain()))
    }
}
