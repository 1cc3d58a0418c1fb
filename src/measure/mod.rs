//! What was measured: recorded per worker without locks, cut into slices of at most a second, merged by adding.

mod addresses;
mod alert;
pub mod cause;
mod counter;
mod course;
mod ended;
pub mod event;
mod example;
mod fault;
mod firing;
mod gauges;
mod in_flight;
pub mod histogram;
pub mod interval_log;
mod layout;
mod ledger;
mod phases;
mod recorder;
mod stats;
mod sums;
mod tags;
mod times;

pub use crate::base::failure::Failure;
pub use addresses::{Addresses, Numbered};
pub use alert::{
    Alert, AlertHistory, AlertRule, AlertRules, AlertStage, AlertState, Alerting, AlertsReceived, AlertsUnasked,
};
pub use cause::{Cause, Causes, Failed, Tally};
pub use counter::{Counted, CounterSeries, ScrapeTarget, interval as scrape_interval};
pub use ended::Ended;
pub use event::{Event, Found, Generator, Tried};
pub use example::{Choice, Example, Examples};
pub use fault::{End, Happened, Injected, Proof};
pub use firing::{Firing, Stay};
pub use gauges::{Gap, Gauge, Gauges};
pub use in_flight::{InFlight, Whole};
pub use layout::Layout;
pub use ledger::{Book, Booked, Doubt, Entry, Fate, Verified, Violation, Wrong};
pub use phases::{Phases, RequestPhase};
pub use recorder::Recorder;
pub use stats::Stats;
pub use sums::Sums;
pub use tags::Tags;
pub use times::{Ranked, Times};

use histogram::Counts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many of these the target caused, not the generator.
pub fn of_target(failed: &BTreeMap<Failure, u64>) -> u64 {
    failed.iter().filter(|(kind, _)| !kind.is_generator()).map(|(_, count)| count).sum()
}

/// What one slice of time adds, or several that follow each other.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Slice {
    pub slice: u32,
    /// The slice after the last, where several were added up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub series: BTreeMap<u32, SeriesCounts>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub loads: BTreeMap<u32, LoadCounts>,
    /// Of targets whose addresses may be several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addresses: Addresses,
    /// By series: how long its requests were in flight, together. It is added up as readings, not here.
    #[serde(skip)]
    pub in_flight: BTreeMap<u32, u64>,
    /// How late workers got to what was ready, at instants that are spread evenly over the slice.
    #[serde(skip)]
    pub poll_delay: Counts,
}

/// Of one series: what was sent in the slice, and what became of what was intended in it. The histograms are
/// stored in the interval log, not here.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct SeriesCounts {
    /// Requests handed to the network in this slice.
    pub sent: u64,
    /// Requests intended in this slice that were answered as expected.
    pub ok: u64,
    /// Requests intended in this slice that failed, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<Failure, u64>,
    /// Of their bodies and those of their answers, where something asks for it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes: u64,
    /// How long answers took.
    #[serde(skip)]
    pub latency: Counts,
    #[serde(skip)]
    pub service_time: Counts,
    /// How long those that got no answer were waited for since they were sent.
    #[serde(skip)]
    pub unanswered: Counts,
    /// Of connections by the slice in which they were opened.
    #[serde(skip)]
    pub phases: Phases,
}

/// Larger than any real count, and small enough that a few sums do not overflow, whatever a file contains.
const MOST: u64 = 1 << 59;

fn plus(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more).min(MOST);
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Slice {
    /// Whether something is left of it.
    pub fn is_empty(&self) -> bool {
        let nothing = self.series.is_empty() && self.loads.is_empty() && self.addresses.is_empty();
        nothing && self.in_flight.is_empty() && self.poll_delay.is_empty()
    }

    /// Its first slice, and that after its last.
    pub fn range(&self) -> (u32, u32) {
        (self.slice, self.until.unwrap_or(self.slice.saturating_add(1)))
    }
}

impl SeriesCounts {
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Failures that are the generator's own, and say nothing about the target.
    pub fn own_failures(&self) -> u64 {
        self.failed.iter().filter(|(kind, _)| kind.is_generator()).map(|(_, count)| count).sum()
    }

    /// Failures of the target.
    pub fn target_failures(&self) -> u64 {
        self.failures() - self.own_failures()
    }

    /// Adds everything but the histograms.
    pub fn add_numbers(&mut self, other: &SeriesCounts) {
        let SeriesCounts { sent, ok, failed, bytes, latency: _, service_time: _, unanswered: _, phases: _ } = other;
        plus(&mut self.sent, *sent);
        plus(&mut self.ok, *ok);
        plus(&mut self.bytes, *bytes);
        failed.iter().for_each(|(kind, count)| plus(self.failed.entry(*kind).or_default(), *count));
    }

    pub fn add(&mut self, other: &SeriesCounts) {
        self.add_numbers(other);
        self.latency.merge(&other.latency);
        self.service_time.merge(&other.service_time);
        self.unanswered.merge(&other.unanswered);
        self.phases.merge(&other.phases);
    }
}

/// Of one load: its iterations, by the slice in which they were intended.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct LoadCounts {
    pub started: u64,
    pub dropped: u64,
    /// Intended and never started: the generator was behind when the load ended.
    pub unsent: u64,
    pub finished: u64,
    /// How long users waited after iterations that failed, together.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rested: u64,
    /// Users who left, since no row was left for them.
    #[serde(default, skip_serializing_if = "Since::is_nothing")]
    pub without_rows: Since,
    #[serde(skip)]
    pub lag: Counts,
}

/// How often something was so, and when first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Since {
    pub count: u64,
    pub first: u64,
}

impl Since {
    fn is_nothing(&self) -> bool {
        self.count == 0
    }

    pub fn add(&mut self, other: &Since) {
        match (self.count, other.count) {
            (_, 0) => {}
            (0, _) => *self = *other,
            (own, more) => {
                *self = Since { count: own.saturating_add(more).min(MOST), first: self.first.min(other.first) }
            }
        }
    }
}

impl LoadCounts {
    /// Adds everything but the histogram.
    pub fn add_numbers(&mut self, other: &LoadCounts) {
        let LoadCounts { started, dropped, unsent, finished, rested, without_rows, lag: _ } = other;
        plus(&mut self.started, *started);
        plus(&mut self.dropped, *dropped);
        plus(&mut self.unsent, *unsent);
        plus(&mut self.finished, *finished);
        plus(&mut self.rested, *rested);
        self.without_rows.add(without_rows);
    }

    pub fn add(&mut self, other: &LoadCounts) {
        self.add_numbers(other);
        self.lag.merge(&other.lag);
    }
}
