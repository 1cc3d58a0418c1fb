//! Which faults and events are there while a run goes on, and which come next.

use crate::base::units::{SECOND, duration};
use crate::measure::Event;
use crate::plan::Plan;

/// By fault and event of the plan, whether it is there.
pub struct Injections {
    faults: Vec<bool>,
    events: Vec<bool>,
}

/// In words, with how long that lasts or takes.
pub enum Now {
    There(String),
    Later(String),
}

impl Injections {
    pub fn new(plan: &Plan) -> Injections {
        Injections { faults: vec![false; plan.faults.len()], events: vec![false; plan.events.len()] }
    }

    pub fn take(&mut self, event: &Event) {
        match event {
            Event::FaultApplied { fault, .. } => set(&mut self.faults, *fault, true),
            Event::FaultWithdrawn { fault, .. } => set(&mut self.faults, *fault, false),
            Event::EventBegan { event, .. } => set(&mut self.events, *event, true),
            Event::EventEnded { event, .. } => set(&mut self.events, *event, false),
            _ => {}
        }
    }

    /// What is there at an instant; else what comes next; else that nothing does.
    pub fn now(&self, plan: &Plan, at: u64) -> Now {
        let left = |to: u64| format!("{} left", duration(to.saturating_sub(at).div_ceil(SECOND) * SECOND));
        let mut there = Vec::new();
        for (fault, _) in plan.faults.iter().zip(&self.faults).filter(|(_, is_there)| **is_there) {
            let window = fault.windows.iter().find(|(from, to)| *from <= at && at < *to);
            // Behind its window it is being taken back, or its own end was not in our hands.
            let rest = window.map_or_else(|| "ends".to_owned(), |(_, to)| left(*to));
            there.push(format!("{}, {rest}", fault.name));
        }
        there.extend(
            plan.events
                .iter()
                .zip(&self.events)
                .filter(|(_, is_there)| **is_there)
                .map(|(event, _)| event.name.clone()),
        );
        if !there.is_empty() {
            return Now::There(there.join("; "));
        }
        let faults = plan.faults.iter().flat_map(|fault| fault.windows.iter().map(|(from, _)| (*from, &fault.name)));
        let events = plan.events.iter().map(|event| (event.at, &event.name));
        let next = faults.chain(events).filter(|(from, _)| *from > at).min_by_key(|(from, _)| *from);
        Now::Later(match next {
            Some((from, name)) => format!("{name} in {}", duration((from - at).div_ceil(SECOND) * SECOND)),
            None => "none to come".to_owned(),
        })
    }
}

fn set(all: &mut [bool], place: usize, value: bool) {
    if let Some(own) = all.get_mut(place) {
        *own = value;
    }
}
