//! One user who runs one iteration of each requested part while an observer follows: the sessions of a run without its load.

use super::flow::session::Session;
use super::flow::user::Asker;
use super::phase::{Parts, alone};
use super::tracer::{Tell, Tracer};
use super::value::Plain;
use crate::plan::Plan;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What is tried, and who is told.
#[derive(Clone)]
pub struct DryRun {
    /// Loads and parts of their mixes.
    pub parts: Vec<(usize, usize)>,
    /// From 1.
    pub user: u64,
    pub tell: Tell,
}

/// The number of the first iteration of a user, and which of those of its part it is.
fn first(plan: &Plan, load: usize, part: usize, user: u64) -> (u64, u64) {
    let planned = &plan.loads[load];
    match planned.is_open() {
        // One that the part may not be dealt; its rows are those of the next that is.
        true => (user, (0..user).filter(|k| planned.part_of_arrival(*k) == part).count() as u64),
        false => (user << 32, user),
    }
}

/// Ends when all iterations have, whatever became of them; those who look on are told.
pub async fn perform(parts: &Parts, setup: Arc<Vec<Plain>>, trial: &DryRun) -> std::io::Result<()> {
    let (ended, end) = oneshot::channel();
    let (parts, trial) = (parts.clone(), trial.clone());
    std::thread::Builder::new().name("try".to_owned()).spawn(move || {
        let _ = ended.send(iterations(&parts, setup, &trial));
    })?;
    let lost =
        || Err(std::io::Error::other("a step of a flow could not be carried out, which is a mistake of stressc"));
    end.await.unwrap_or_else(|_| lost())
}

fn iterations(parts: &Parts, setup: Arc<Vec<Plain>>, trial: &DryRun) -> std::io::Result<()> {
    let plan = parts.plan.clone();
    let order = parts.order((plan.clone(), parts.lowered.flows.clone()), setup, 0);
    alone(order, async |worker| {
        for (load, part) in &trial.parts {
            let (number, turn) = first(&plan, *load, *part, trial.user - 1);
            let mut session = Session::new(&worker, *load, !plan.loads[*load].is_open());
            let who = Asker { user: trial.user, turn, kept: None };
            let now = worker.timers.clock.now();
            let _ = session.iterate(who, *part, number, (now, now)).await;
        }
    })
}

impl DryRun {
    pub fn tracer(&self, mask: &Arc<super::secret::Mask>) -> Tracer {
        Tracer { mask: mask.clone(), told: self.tell.clone() }
    }
}
