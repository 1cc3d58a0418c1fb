//! The closed model: each user begins its next iteration when the last one has ended.

use super::kept::Who;
use super::session::Session;
use super::worker::Worker;
use std::rc::Rc;

/// A user, from 0, while the level of its load is above it.
pub async fn user(worker: &Rc<Worker>, load: usize, user: u64, periods: &[(u64, u64)]) {
    let mut session = Session::new(worker, load, true);
    let alarm = worker.starter(false);
    let planned = &worker.plan.loads[load];
    let peak = planned.shape.peak();
    let mut rounds = vec![0; planned.parts.len()];
    let mut number = 0;
    for (start, end) in periods {
        if !worker.stops() {
            worker.timers.until(&alarm, *start).await;
        }
        loop {
            let now = worker.timers.clock.now();
            if now >= *end || worker.stops() {
                break;
            }
            worker.recorder.borrow_mut().started(load, now, 0);
            let part = planned.part_of_turn(user, number);
            let who = Who { user: user + 1, turn: rounds[part] * peak + user, kept: None };
            let _ = session.iterate(&who, part, user << 32 | number, now).await;
            rounds[part] += 1;
            number += 1;
            if let Some(pace) = planned.pace
                && !worker.stops()
            {
                worker.timers.until(&alarm, (now + pace).min(*end)).await;
            }
        }
    }
}
