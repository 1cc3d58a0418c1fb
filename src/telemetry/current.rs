//! How the run of now is: what is in force, how much is intended and under way, how the generator fares.

use super::counters::Places;
use crate::base::units::SECOND;
use crate::measure::{Event, Generator, Slice};
use crate::plan::draw::{Track, picture};
use crate::plan::{Load, Plan, Stage, StageKind};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

pub struct Current {
    pub plan: Arc<Plan>,
    pub id: String,
    pub seed: u64,
    pub(super) places: Places,
    /// By load, the level over time.
    tracks: Vec<Track>,
    /// When the load began.
    pub began: Option<SystemTime>,
    /// Since then, by the last reading of the generator.
    pub at: u64,
    pub load_is_active: bool,
    /// Nothing new is started.
    ends: bool,
    /// By fault of the plan, whether it is in force.
    pub in_force: Vec<bool>,
    /// By service of the plan.
    pub ready: Vec<bool>,
    pub generator: Option<Generator>,
    recent: Recent,
}

/// The last second that all workers have counted, and what came in since.
#[derive(Debug, Default)]
struct Recent {
    edges: Vec<u64>,
    /// By slice and load.
    started: BTreeMap<u32, BTreeMap<u32, u64>>,
    /// By slice and series.
    in_flight: BTreeMap<u32, BTreeMap<u32, f64>>,
    /// The last slice that is whole.
    whole: Option<u32>,
}

impl Current {
    pub(super) fn new(plan: Arc<Plan>, places: Places) -> Current {
        Current {
            places,
            id: String::new(),
            seed: 0,
            tracks: picture(&plan).loads,
            began: None,
            at: 0,
            load_is_active: false,
            ends: false,
            in_force: vec![false; plan.faults.len()],
            ready: vec![false; plan.services.len()],
            generator: None,
            recent: Recent { edges: plan.edges(), ..Recent::default() },
            plan,
        }
    }

    pub(super) fn take(&mut self, event: &Event, now: SystemTime) {
        match event {
            Event::Started { id, seed, .. } => (self.id, self.seed) = (id.clone(), *seed),
            Event::LoadStarted => (self.began, self.load_is_active) = (Some(now), true),
            Event::LoadEnded { at } => (self.at, self.load_is_active) = (*at, false),
            Event::Interrupted { .. } | Event::Aborted { .. } => self.ends = true,
            Event::Slice(slice) => self.recent.take(slice),
            Event::Reached { slice, in_flight } => self.recent.counted(*slice, in_flight),
            Event::Generator(generator) => {
                self.at = generator.at;
                self.generator = Some(generator.clone());
            }
            Event::FaultApplied { fault, .. } => set(&mut self.in_force, Some(*fault), true),
            Event::FaultWithdrawn { fault, .. } => set(&mut self.in_force, Some(*fault), false),
            Event::ServiceReady { service, .. } | Event::ServiceBack { service, .. } => self.service(service, true),
            Event::ServiceDied { service, .. }
            | Event::ServiceFell { service, .. }
            | Event::ServiceDisplaced { service, .. }
            | Event::ServiceStopped { service, .. } => self.service(service, false),
            // Not applied, it is not in force; not taken back, it still is.
            Event::FaultFailed { .. } => {}
            // Told by the report alone.
            Event::Resolved { .. } | Event::Drawn { .. } | Event::Done { .. } | Event::Tried(_) => {}
            Event::Example(_) | Event::Failed { .. } | Event::Gauges(_) | Event::Counted(_) => {}
            Event::EventBegan { .. } | Event::EventEnded { .. } => {}
            Event::Alert(_) | Event::AlertsUnasked(_) | Event::AlertHistory(_) => {}
            Event::AlertRules(_) | Event::AlertsReceived(_) => {}
            Event::Booked { .. } | Event::Verifying { .. } | Event::Verified { .. } => {}
            Event::Problem { .. } | Event::TeardownFailed { .. } | Event::Ended { .. } => {}
        }
    }

    fn service(&mut self, name: &str, ready: bool) {
        let place = self.plan.services.iter().position(|service| service.name == name);
        set(&mut self.ready, place, ready);
    }

    fn starts_something(&self) -> bool {
        self.load_is_active && !self.ends
    }

    /// Whether a stage goes on.
    pub fn is_in(&self, stage: &Stage) -> bool {
        self.starts_something() && stage.start <= self.at && self.at < stage.end
    }

    /// Arrivals a second or users of this share, as planned for now; nothing where only the run or its data decide.
    pub fn intended(&self, load: usize) -> Option<f64> {
        let of: &Load = &self.plan.loads[load];
        let unknown = |stage: &&Stage| matches!(stage.kind, StageKind::Search | StageKind::Replay);
        if of.stages.iter().filter(unknown).any(|stage| self.is_in(stage)) {
            return None;
        }
        let level = self.tracks.get(load).map_or(0.0, |track| track.level(self.at));
        Some(if self.starts_something() { level / self.plan.share.count as f64 } else { 0.0 })
    }

    /// The last slice that all workers have counted.
    #[cfg(test)]
    pub fn whole(&self) -> Option<u32> {
        self.recent.whole
    }

    /// Iterations that were started in the last whole second.
    pub fn offered(&self, load: usize) -> f64 {
        let (from, to) = self.recent.second();
        let slices = self.recent.started.range(..=self.recent.whole.unwrap_or(0)).map(|(_, loads)| loads);
        let started: u64 = slices.filter_map(|loads| loads.get(&(load as u32))).sum();
        if self.load_is_active && to > from { started as f64 * SECOND as f64 / (to - from) as f64 } else { 0.0 }
    }

    /// How many requests were in flight in the last whole second, on average.
    pub fn in_flight(&self, series: usize) -> f64 {
        let (from, to) = self.recent.second();
        let slices = self.recent.in_flight.iter();
        let lengths = slices.map(|(slice, own)| {
            let (from, to) = self.recent.range(*slice);
            own.get(&(series as u32)).copied().unwrap_or(0.0) * (to - from) as f64
        });
        if self.load_is_active && to > from { lengths.sum::<f64>() / (to - from) as f64 } else { 0.0 }
    }
}

fn set(all: &mut [bool], place: Option<usize>, value: bool) {
    if let Some(own) = place.and_then(|place| all.get_mut(place)) {
        *own = value;
    }
}

impl Recent {
    fn range(&self, slice: u32) -> (u64, u64) {
        let from = self.edges.get(slice as usize).copied().unwrap_or(0);
        (from, self.edges.get(slice as usize + 1).copied().unwrap_or(from))
    }

    fn take(&mut self, slice: &Slice) {
        // What comes too late for it changes the counters alone.
        if slice.slice < self.first() {
            return;
        }
        for (load, counts) in &slice.loads {
            *self.started.entry(slice.slice).or_default().entry(*load).or_default() += counts.started;
        }
    }

    fn counted(&mut self, slice: u32, in_flight: &BTreeMap<u32, f64>) {
        self.in_flight.insert(slice, in_flight.clone());
        self.whole = Some(slice);
        let first = self.first();
        self.started = self.started.split_off(&first);
        self.in_flight = self.in_flight.split_off(&first);
    }

    /// The first slice of the last second that is whole.
    fn first(&self) -> u32 {
        let Some(whole) = self.whole else { return 0 };
        let from = self.range(whole).1.saturating_sub(SECOND);
        self.edges.partition_point(|edge| *edge < from) as u32
    }

    /// From where to where that second is.
    fn second(&self) -> (u64, u64) {
        self.whole.map_or((0, 0), |whole| (self.range(self.first()).0, self.range(whole).1))
    }
}
