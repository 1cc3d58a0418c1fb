//! What happened in a run as annotations of Grafana: the run, its stages, its faults and its events, each from its beginning to its end.

use crate::base::units::MILLISECOND;
use crate::measure::Event;
use crate::plan::{Plan, Range};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// As `POST /api/annotations` takes it. Instants are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotation {
    pub time: u64,
    pub time_end: u64,
    pub tags: Vec<String>,
    pub text: String,
}

/// The run of now, as far as it is told.
#[derive(Default)]
pub struct Annotations {
    run: Option<Run>,
}

struct Run {
    plan: Arc<Plan>,
    id: String,
    began: Option<SystemTime>,
    /// Stages that have ended, by load and place.
    ended: Vec<(usize, usize)>,
    /// Faults in force, by their place and what was planned of them: since when, and by which means.
    faults: Vec<(usize, Range, u64, String)>,
    events: Vec<(usize, u64)>,
    is_over: bool,
}

impl Annotations {
    pub fn begin(&mut self, plan: Arc<Plan>) {
        self.run = Some(Run {
            plan,
            id: String::new(),
            began: None,
            ended: Vec::new(),
            faults: Vec::new(),
            events: Vec::new(),
            is_over: false,
        });
    }

    /// What is over by an event, which was seen at an instant.
    pub fn take(&mut self, event: &Event, now: SystemTime) -> Vec<Annotation> {
        self.run.as_mut().map(|run| run.take(event, now)).unwrap_or_default()
    }
}

impl Run {
    fn take(&mut self, event: &Event, now: SystemTime) -> Vec<Annotation> {
        match event {
            Event::Started { id, .. } => self.id.clone_from(id),
            Event::LoadStarted => self.began = Some(now),
            Event::Generator(generator) => return self.stages(|_, end| end <= generator.at),
            Event::Done { load, stage, at } => {
                let (load, stage, at) = (*load, *stage, *at);
                return self.stage(load, stage, at).into_iter().collect();
            }
            Event::FaultApplied { fault, planned, applied, mechanism } => {
                self.faults.push((*fault, *planned, applied.1, mechanism.clone()));
            }
            Event::FaultWithdrawn { fault, planned, withdrawn, .. } => {
                return self.fault(*fault, *planned, withdrawn.1);
            }
            Event::FaultFailed { fault, planned, at, .. } => return self.fault(*fault, *planned, *at),
            Event::EventBegan { event, at } => self.events.push((*event, *at)),
            Event::EventEnded { event, at, .. } => return self.event(*event, *at),
            Event::LoadEnded { at } => return self.over(*at),
            // What a fault still holds then is told by the run's report.
            Event::Ended { at } => return self.rest(*at),
            Event::ServiceReady { .. } | Event::ServiceBack { .. } | Event::ServiceDied { .. } => {}
            Event::ServiceFell { .. } | Event::ServiceDisplaced { .. } | Event::ServiceStopped { .. } => {}
            Event::Resolved { .. } | Event::Drawn { .. } | Event::Tried(_) | Event::Slice(_) => {}
            Event::Example(_) | Event::Failed { .. } | Event::Gauges(_) | Event::Reached { .. } => {}
            Event::Interrupted { .. } | Event::Aborted { .. } | Event::Counted(_) => {}
            Event::Alert(_) | Event::AlertsUnasked(_) | Event::AlertHistory(_) => {}
            Event::AlertRules(_) | Event::AlertsReceived(_) => {}
            Event::Booked { .. } | Event::Verifying { .. } | Event::Verified { .. } => {}
            Event::Problem { .. } | Event::TeardownFailed { .. } => {}
        }
        Vec::new()
    }

    fn annotation(&self, (from, to): Range, tag: Option<String>, text: String) -> Option<Annotation> {
        let began = self.began?;
        let at = |offset: u64| {
            let instant = began + Duration::from_nanos(offset);
            let since = instant.duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_nanos() / u128::from(MILLISECOND)).unwrap_or(u64::MAX)
        };
        let own = ["stressc".to_owned(), format!("scenario:{}", self.plan.scenario), format!("run:{}", self.id)];
        let tags = own.into_iter().chain(tag).collect();
        Some(Annotation { time: at(from), time_end: at(to.max(from)), tags, text })
    }

    /// Stages that have not been told and of which something holds, by their beginning and end.
    fn stages(&mut self, holds: impl Fn(u64, u64) -> bool) -> Vec<Annotation> {
        let mut due = Vec::new();
        for (load, own) in self.plan.loads.iter().enumerate() {
            let over = own.stages.iter().enumerate().filter(|(_, stage)| holds(stage.start, stage.end));
            due.extend(over.map(|(place, stage)| (load, place, stage.end)));
        }
        due.into_iter().filter_map(|(load, place, end)| self.stage(load, place, end)).collect()
    }

    fn stage(&mut self, load: usize, place: usize, end: u64) -> Option<Annotation> {
        if self.ended.contains(&(load, place)) {
            return None;
        }
        self.ended.push((load, place));
        let own = self.plan.loads.get(load)?;
        let stage = own.stages.get(place)?;
        let name = format!("{}.{}", own.name, stage.name);
        self.annotation((stage.start, end), Some(format!("stage:{name}")), format!("stage {name}"))
    }

    fn fault(&mut self, fault: usize, planned: Range, to: u64) -> Vec<Annotation> {
        let Some(place) = self.faults.iter().position(|own| (own.0, own.1) == (fault, planned)) else {
            // It was never in force.
            return Vec::new();
        };
        let (_, _, from, mechanism) = self.faults.swap_remove(place);
        let name = self.plan.faults.get(fault).map_or("", |fault| fault.name.as_str());
        let text = format!("fault {name}: {mechanism}");
        self.annotation((from, to), Some(format!("fault:{name}")), text).into_iter().collect()
    }

    fn event(&mut self, event: usize, to: u64) -> Vec<Annotation> {
        let Some(place) = self.events.iter().position(|own| own.0 == event) else { return Vec::new() };
        let (_, from) = self.events.swap_remove(place);
        let name = self.plan.events.get(event).map_or("", |event| event.name.as_str());
        self.annotation((from, to), Some(format!("event:{name}")), format!("event {name}")).into_iter().collect()
    }

    fn over(&mut self, at: u64) -> Vec<Annotation> {
        if std::mem::replace(&mut self.is_over, true) {
            return Vec::new();
        }
        // A run that was cut short ended its stages early.
        let mut begun = Vec::new();
        for (load, own) in self.plan.loads.iter().enumerate() {
            let stages = own.stages.iter().enumerate().filter(|(_, stage)| stage.start < at);
            begun.extend(stages.map(|(place, stage)| (load, place, stage.end.min(at))));
        }
        let mut all: Vec<Annotation> =
            begun.into_iter().filter_map(|(load, place, end)| self.stage(load, place, end)).collect();
        all.extend(self.annotation((0, at), None, format!("run of {}", self.plan.scenario)));
        all
    }

    fn rest(&mut self, at: u64) -> Vec<Annotation> {
        let faults: Vec<(usize, Range)> = self.faults.iter().map(|own| (own.0, own.1)).collect();
        let events: Vec<usize> = self.events.iter().map(|own| own.0).collect();
        let mut all: Vec<Annotation> =
            faults.into_iter().flat_map(|(fault, planned)| self.fault(fault, planned, at)).collect();
        all.extend(events.into_iter().flat_map(|event| self.event(event, at)));
        all
    }
}
