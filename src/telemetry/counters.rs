//! What the runs of this process have counted, from their events. Counters go on from one run to the next, as a Prometheus wants it, so what a
//! scrape misses of a run that ends another one still reads.

use super::buckets::{Buckets, DURATIONS, LAGS};
use super::current::Current;
use crate::measure::{Event, Failure, SeriesCounts, Slice};
use crate::plan::Plan;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

/// Names with values. Their number is bounded by the plans.
pub type Labels = Vec<(&'static str, String)>;

/// Totals, each once for what it is of, in the order in which they came.
#[derive(Debug)]
pub struct Totals<T> {
    places: HashMap<Labels, usize>,
    pub all: Vec<(Labels, T)>,
}

/// Of the requests of one step in one part of a load.
#[derive(Debug)]
pub struct Requests {
    pub sent: u64,
    pub ok: u64,
    pub failed: BTreeMap<Failure, u64>,
    pub duration: Buckets,
}

/// Of the iterations of a load.
#[derive(Debug)]
pub struct Iterations {
    pub started: u64,
    pub finished: u64,
    pub dropped: u64,
    pub unsent: u64,
    pub lag: Buckets,
}

#[derive(Default)]
pub struct Counters {
    pub requests: Totals<Requests>,
    pub iterations: Totals<Iterations>,
    /// How often each fault was put in force.
    pub injections: Totals<u64>,
    /// The run of now, or the last one.
    pub run: Option<Current>,
}

/// Which totals the parts of a plan are.
#[derive(Debug)]
pub struct Places {
    /// By series; none of what are no requests.
    series: Vec<Option<usize>>,
    loads: Vec<usize>,
    faults: Vec<usize>,
}

impl<T> Default for Totals<T> {
    fn default() -> Totals<T> {
        Totals { places: HashMap::new(), all: Vec::new() }
    }
}

impl<T: Default> Totals<T> {
    fn place(&mut self, labels: Labels) -> usize {
        let next = self.all.len();
        let place = *self.places.entry(labels.clone()).or_insert(next);
        if place == next {
            self.all.push((labels, T::default()));
        }
        place
    }
}

impl Default for Requests {
    fn default() -> Requests {
        Requests { sent: 0, ok: 0, failed: BTreeMap::new(), duration: Buckets::new(DURATIONS) }
    }
}

impl Default for Iterations {
    fn default() -> Iterations {
        Iterations { started: 0, finished: 0, dropped: 0, unsent: 0, lag: Buckets::new(LAGS) }
    }
}

/// `scenario`, `load`, `flow`, `step` of a series of requests.
pub fn of_series(plan: &Plan, series: usize) -> Labels {
    let own = &plan.series[series];
    let load = &plan.loads[own.load];
    let flow = load.parts.get(own.part).map_or("", |part| part.name.as_str());
    let step = plan.request(own).map_or("", |request| request.name.as_str());
    let mut labels = of_load(plan, own.load);
    labels.extend([("flow", flow.to_owned()), ("step", step.to_owned())]);
    labels
}

pub fn of_load(plan: &Plan, load: usize) -> Labels {
    vec![("scenario", plan.scenario.clone()), ("load", plan.loads[load].name.clone())]
}

pub fn of_fault(plan: &Plan, fault: usize) -> Labels {
    vec![("scenario", plan.scenario.clone()), ("fault", plan.faults[fault].name.clone())]
}

impl Counters {
    /// A run of a plan begins.
    pub fn begin(&mut self, plan: Arc<Plan>) {
        let requests = |series: usize| plan.series[series].is_request().then(|| of_series(&plan, series));
        let series = (0..plan.series.len()).map(|series| Some(self.requests.place(requests(series)?))).collect();
        let loads = (0..plan.loads.len()).map(|load| self.iterations.place(of_load(&plan, load))).collect();
        let faults = (0..plan.faults.len()).map(|fault| self.injections.place(of_fault(&plan, fault))).collect();
        self.run = Some(Current::new(plan, Places { series, loads, faults }));
    }

    /// What happened, and when that was seen.
    pub fn take(&mut self, event: &Event, now: SystemTime) {
        let Some(run) = &mut self.run else { return };
        run.take(event, now);
        let places = &run.places;
        match event {
            Event::Slice(slice) => {
                let Slice { series, loads, .. } = slice;
                for (series, counts) in series {
                    let place = places.series.get(*series as usize).copied().flatten();
                    if let Some((_, own)) = place.and_then(|place| self.requests.all.get_mut(place)) {
                        own.add(counts);
                    }
                }
                for (load, counts) in loads {
                    let place = places.loads.get(*load as usize);
                    if let Some((_, own)) = place.and_then(|place| self.iterations.all.get_mut(*place)) {
                        own.started += counts.started;
                        own.finished += counts.finished;
                        own.dropped += counts.dropped;
                        own.unsent += counts.unsent;
                        own.lag.add(&counts.lag);
                    }
                }
            }
            Event::FaultApplied { fault, .. } => {
                let place = places.faults.get(*fault);
                if let Some((_, times)) = place.and_then(|place| self.injections.all.get_mut(*place)) {
                    *times += 1;
                }
            }
            // How the run of now is.
            Event::Started { .. } | Event::LoadStarted | Event::LoadEnded { .. } | Event::Ended { .. } => {}
            Event::Interrupted { .. } | Event::Aborted { .. } | Event::Reached { .. } | Event::Generator(_) => {}
            Event::ServiceReady { .. } | Event::ServiceBack { .. } | Event::ServiceDied { .. } => {}
            Event::ServiceFell { .. } | Event::ServiceDisplaced { .. } | Event::ServiceStopped { .. } => {}
            Event::FaultWithdrawn { .. } | Event::FaultFailed { .. } => {}
            // Told by the report alone.
            Event::Resolved { .. } | Event::Drawn { .. } | Event::Done { .. } | Event::Tried(_) => {}
            Event::Example(_) | Event::Failed { .. } | Event::Gauges(_) | Event::Counted(_) => {}
            Event::EventBegan { .. } | Event::EventEnded { .. } => {}
            Event::Alert(_) | Event::AlertsUnasked(_) | Event::AlertHistory(_) => {}
            Event::AlertRules(_) | Event::AlertsReceived(_) => {}
            Event::Booked { .. } | Event::Verifying { .. } | Event::Verified { .. } => {}
            Event::Problem { .. } | Event::TeardownFailed { .. } => {}
        }
    }
}

impl Requests {
    fn add(&mut self, counts: &SeriesCounts) {
        self.sent += counts.sent;
        self.ok += counts.ok;
        counts.failed.iter().for_each(|(kind, count)| *self.failed.entry(*kind).or_default() += count);
        self.duration.add(&counts.latency);
        self.duration.add_unanswered(&counts.unanswered);
    }
}
