//! What happened in a run, in the order in which it is written to the record.

use super::{
    Alert, AlertHistory, AlertRules, AlertsReceived, AlertsUnasked, Booked, Counted, Example, Failed, Gauges,
    LoadCounts, Proof, SeriesCounts, Slice, Verified,
};
use crate::plan::{COUNTLESS, LONGEST, Range, is_range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
// Of core, which opens nothing.
use core::net::SocketAddr;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// The run began; offsets of later events count from `load_started`.
    Started {
        id: String,
        started: String,
        seed: u64,
        workers: u64,
        version: String,
        /// How many descriptors the process could open, and how many it may since it asked for more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        raised: Option<(u64, u64)>,
        /// How many cores the process and what it starts may use.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cores: Option<f64>,
    },
    ServiceReady {
        service: String,
        address: String,
    },
    /// From here on time is counted.
    LoadStarted,
    /// Where a target is from then on, of one that says how its name is looked up.
    Resolved {
        target: usize,
        at: u64,
        addresses: Vec<SocketAddr>,
    },
    /// How many arrivals of a load at random the seed gives to this share, by stage.
    Drawn {
        load: usize,
        stages: Vec<u64>,
    },
    /// All iterations of a `once` had ended, or the last trial of a `search`.
    Done {
        load: usize,
        stage: usize,
        at: u64,
    },
    /// A trial of a `search` had ended, and what came out.
    Tried(Tried),
    /// What one worker measured; several lines of one slice add up.
    Slice(Slice),
    Example(Box<Example>),
    /// Why requests failed since the worker told it last.
    Failed {
        causes: Vec<Failed>,
    },
    Generator(Generator),
    /// What is watched next to the requests, once a second.
    Gauges(Gauges),
    /// All workers have counted up to the end of a slice: by series, how many requests were in flight in it, on average. It is told while the
    /// run goes on, and in no record.
    Reached {
        slice: u32,
        in_flight: BTreeMap<u32, f64>,
    },
    Interrupted {
        at: u64,
    },
    /// A condition of an `abort` held for long enough: nothing new is sent from here on.
    Aborted {
        at: u64,
        reason: String,
    },
    /// A service that ended by itself while it was needed, and whether it had been ready since it was started.
    ServiceDied {
        service: String,
        at: u64,
        ready: bool,
        status: String,
        output: String,
    },
    /// A service that ended by itself and is started again.
    ServiceFell {
        service: String,
        at: u64,
        ready: bool,
        status: String,
        output: String,
    },
    /// It is ready again.
    ServiceBack {
        service: String,
        at: u64,
    },
    /// Somebody else listens at its port, who would be tested in its place.
    ServiceDisplaced {
        service: String,
        at: u64,
        problem: String,
    },
    /// A fault of the plan is in force, since some instant between the two.
    FaultApplied {
        fault: usize,
        planned: Range,
        applied: Range,
        mechanism: String,
    },
    /// It was taken back between two instants, with what it had touched.
    FaultWithdrawn {
        fault: usize,
        planned: Range,
        withdrawn: Range,
        proof: Proof,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shown: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unproven: Option<String>,
    },
    /// It could not be applied, or not be taken back.
    FaultFailed {
        fault: usize,
        planned: Range,
        at: u64,
        problem: String,
    },
    /// The command of an event of the plan was started.
    EventBegan {
        event: usize,
        at: u64,
    },
    /// It had ended, or was ended; with the reason and its last output where that counts as failed.
    EventEnded {
        event: usize,
        at: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        problem: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    },
    /// An alert of the system under test came into a state.
    Alert(Alert),
    AlertsUnasked(AlertsUnasked),
    AlertHistory(AlertHistory),
    AlertRules(AlertRules),
    /// What a Prometheus knew of a counter after the load.
    Counted(Box<Counted>),
    AlertsReceived(AlertsReceived),
    /// Requests have made entries of a ledger, since the last time that this was told.
    Booked {
        ledger: usize,
        booked: Booked,
    },
    /// So many of its entries have been asked for. It is told while that goes on, and in no record.
    Verifying {
        ledger: usize,
        done: u64,
        all: u64,
    },
    /// The system was asked for each of them.
    Verified {
        ledger: usize,
        verified: Box<Verified>,
    },
    /// Something went wrong that changes nothing of what was measured, and that a person has to know of.
    Problem {
        problem: String,
    },
    /// A step of the teardown failed, so something may have been left behind.
    TeardownFailed {
        problem: String,
    },
    LoadEnded {
        at: u64,
    },
    ServiceStopped {
        service: String,
        at: u64,
        /// The last lines that it wrote.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        output: String,
    },
    Ended {
        at: u64,
    },
}

impl Event {
    /// Whether a run can have written it: its instants lie within a run, and what it counts is of this world.
    pub fn is_possible(&self) -> bool {
        // A run may go on for a while after its load.
        let within = |at: u64| at <= 2 * LONGEST;
        let both = |(from, to): Range| from <= to && within(to);
        let few = |all: &[u64]| all.iter().all(|count| *count <= COUNTLESS);
        let booked = |booked: &Booked| few(&[booked.acknowledged, booked.unknown, booked.refused]);
        match self {
            Event::Started { .. } | Event::ServiceReady { .. } | Event::LoadStarted | Event::Problem { .. } => true,
            Event::TeardownFailed { .. } | Event::Reached { .. } => true,
            Event::Drawn { stages, .. } => {
                stages.iter().fold(0, |sum: u64, count| sum.saturating_add(*count)) <= COUNTLESS
            }
            Event::Tried(tried) => within(tried.start) && both(tried.judged) && few(&[tried.number]),
            Event::Slice(slice) => {
                let (first, end) = slice.range();
                let series = |of: &SeriesCounts| {
                    few(&[of.sent, of.ok, of.bytes]) && of.failed.values().all(|count| *count <= COUNTLESS)
                };
                let load = |of: &LoadCounts| {
                    few(&[of.started, of.dropped, of.unsent, of.finished, of.rested, of.without_rows.count])
                        && within(of.without_rows.first)
                };
                let mut addresses = slice.addresses.values().flat_map(|own| own.values());
                let all = slice.series.values().all(series) && slice.loads.values().all(load);
                first < end && all && addresses.all(series)
            }
            Event::Example(example) => {
                within(example.at) && few(&[example.latency, example.service_time, example.user, example.sends])
            }
            Event::Failed { causes } => causes
                .iter()
                .all(|Failed { tally, .. }| few(&[tally.count]) && tally.first <= tally.last && within(tally.last)),
            Event::Generator(Generator { at, .. }) | Event::Gauges(Gauges { at, .. }) => within(*at),
            Event::Resolved { at, .. } => within(*at),
            Event::Done { at, .. } | Event::Interrupted { at } | Event::Aborted { at, .. } => within(*at),
            Event::ServiceDied { at, .. } | Event::ServiceFell { at, .. } | Event::ServiceBack { at, .. } => {
                within(*at)
            }
            Event::ServiceDisplaced { at, .. } | Event::ServiceStopped { at, .. } => within(*at),
            Event::FaultFailed { at, planned, .. } => within(*at) && is_range(*planned),
            Event::FaultApplied { planned, applied: actual, .. } => is_range(*planned) && both(*actual),
            Event::FaultWithdrawn { planned, withdrawn, proof, .. } => {
                is_range(*planned) && both(*withdrawn) && few(&[proof.connections, proof.requests, proof.bytes])
            }
            Event::EventBegan { at, .. } | Event::EventEnded { at, .. } => within(*at),
            Event::LoadEnded { at } | Event::Ended { at } => within(*at),
            Event::Alert(alert) => within(alert.at),
            Event::AlertsUnasked(unasked) => both(unasked.range),
            Event::AlertHistory(history) => both(history.range) && history.alerts.iter().all(|alert| within(alert.at)),
            Event::AlertRules(_) => true,
            Event::Counted(counted) => counted.is_possible(),
            Event::AlertsReceived(AlertsReceived { source: _, messages, repeated, left, refused }) => {
                few(&[*messages, *repeated, *left, *refused])
            }
            Event::Booked { booked: counts, .. } => booked(counts),
            Event::Verifying { done, all, .. } => few(&[*done, *all]),
            Event::Verified { verified, .. } => {
                let Verified {
                    asked,
                    found,
                    lost,
                    duplicated,
                    resurrected,
                    unverified,
                    keyless,
                    not_asked,
                    violations,
                    doubts,
                    requests,
                    took,
                    problem: _,
                } = verified.as_ref();
                [asked, found, unverified].into_iter().all(booked)
                    && few(&[*lost, *duplicated, *resurrected, *keyless, *not_asked, *requests])
                    && doubts.iter().all(|doubt| few(&[doubt.count]))
                    && within(*took)
                    && violations.iter().all(|one| within(one.at))
            }
        }
    }
}

/// A level that a search held for a while.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Tried {
    pub load: usize,
    pub stage: usize,
    /// From 0.
    pub number: u64,
    /// Arrivals a second, or users.
    pub level: f64,
    pub start: u64,
    /// What was judged of it.
    pub judged: Range,
    /// Whether the condition held; nothing where that cannot be said.
    pub held: Option<bool>,
    /// What decided: a value, or why there is none.
    pub said: String,
    /// As numbers, of a time that was held against a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
}

/// What was measured of a level, with where it lies with 95% certainty; nothing bounds it above where that is missing.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Found {
    pub value: f64,
    pub bound: f64,
    pub low: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

impl Found {
    /// Whether another trial of the same level would most surely come out the same: it was far from its bound, and surely on one side. What
    /// one trial is slower than the next no trial knows of itself.
    pub fn is_sure(&self) -> bool {
        const FAR: f64 = 1.3;
        let is_below = self.value * FAR < self.bound && self.high.is_some_and(|high| high < self.bound);
        is_below || (self.value > self.bound * FAR && self.low > self.bound)
    }
}

impl Tried {
    /// Where nothing else was measured of it, it comes out as it did.
    pub fn is_sure(&self) -> bool {
        self.found.is_none_or(|found| found.is_sure())
    }

    pub fn word(&self) -> &'static str {
        match self.held {
            Some(true) => "held",
            Some(false) => "not held",
            None => "inconclusive",
        }
    }
}

/// How the generator itself was in the last second, or since the reading before.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Generator {
    pub at: u64,
    /// CPU of the process, in shares of one core.
    pub cpu: f64,
    /// What of it the thread of the links used.
    pub links: f64,
    /// For each worker the share of time that its thread ran, without what it spun waiting for an instant.
    pub busy: Vec<f64>,
    /// For each worker the share of time that its thread was ready and had no core.
    pub waiting: Vec<f64>,
    /// For each worker how late it got to what was ready: the 99th percentile in nanoseconds.
    pub poll_delay: Vec<u64>,
    pub descriptors: u64,
    pub descriptors_limit: u64,
    /// Local TCP ports in use or still held after closing, on the whole machine, and how many there are.
    pub ports: u64,
    pub ports_limit: u64,
    pub memory: u64,
    /// Of several readings that were joined the sums of [`Generator::pressed`], and how many there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressed: Option<(f64, f64, f64)>,
}

impl Generator {
    /// How long the worker with the least room ran, and had no core, in seconds, and of how many: one that had work and
    /// no core could do as little more as one that ran.
    pub fn pressed(&self) -> (f64, f64, f64) {
        let workers = self.busy.iter().zip(&self.waiting).map(|(busy, waiting)| (*busy, *waiting));
        let fullest = workers.max_by(|a, b| (a.0 + a.1).total_cmp(&(b.0 + b.1)));
        self.pressed.unwrap_or_else(|| fullest.map_or((0.0, 0.0, 0.0), |(busy, waiting)| (busy, waiting, 1.0)))
    }

    /// Takes a later reading in: the highest of each.
    pub fn join(&mut self, later: &Generator) {
        let (ours, theirs) = (self.pressed(), later.pressed());
        self.pressed = Some((ours.0 + theirs.0, ours.1 + theirs.1, ours.2 + theirs.2));
        let Generator {
            at,
            cpu,
            links,
            busy,
            waiting,
            poll_delay,
            descriptors,
            descriptors_limit,
            ports,
            ports_limit,
            memory,
            pressed: _,
        } = later;
        self.poll_delay.iter_mut().zip(poll_delay).for_each(|(ours, theirs)| *ours = (*ours).max(*theirs));
        let highest = |ours: &mut Vec<f64>, theirs: &[f64]| {
            ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours = ours.max(*theirs));
        };
        self.at = *at;
        self.cpu = self.cpu.max(*cpu);
        self.links = self.links.max(*links);
        highest(&mut self.busy, busy);
        highest(&mut self.waiting, waiting);
        self.descriptors = self.descriptors.max(*descriptors);
        self.descriptors_limit = *descriptors_limit;
        self.ports = self.ports.max(*ports);
        self.ports_limit = *ports_limit;
        self.memory = self.memory.max(*memory);
    }
}
