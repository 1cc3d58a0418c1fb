//! The workers of a load, each on its own thread, all started at the same instant.

use super::Settings;
use crate::engine::health::Gauge;
use crate::engine::pace::budget::Budget;
use crate::engine::pace::clock::Clock;
use crate::engine::pace::{due, limit};
use crate::engine::trials::Trials;
use crate::engine::value::Plain;
use crate::engine::worker::{self, Assignment, Barrier, Batch};
use crate::engine::{Phase, phase};
use crate::plan::Plan;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

pub struct Crew {
    pub threads: Vec<JoinHandle<io::Result<()>>>,
    /// They stand ready, and start when they are told.
    pub waiting: Vec<Waiting>,
    pub measured: mpsc::UnboundedReceiver<Batch>,
    pub gauges: Vec<Arc<Gauge>>,
    pub budget: Option<Arc<Budget>>,
}

type Waiting = (oneshot::Receiver<()>, std::sync::mpsc::Sender<Clock>);

impl Crew {
    pub fn hire(
        plan: &Plan,
        settings: &Settings,
        (parts, setup): (&phase::Parts, Arc<Vec<Plain>>),
        trials: &[Option<Trials>],
        phase: &watch::Receiver<Phase>,
    ) -> io::Result<Crew> {
        let replays: Arc<Vec<_>> = Arc::new(plan.loads.iter().map(|load| due::replayed(load, &parts.tables)).collect());
        let (told, measured) = mpsc::unbounded_channel::<Batch>();
        let (gates, budget) = (limit::gates(plan), Budget::of(plan, settings.workers));
        let edges: Arc<[u64]> = plan.edges().into();
        let gauges: Vec<Arc<Gauge>> = (0..settings.workers).map(|_| Arc::default()).collect();
        let (mut threads, mut waiting) = (Vec::new(), Vec::new());
        for (index, gauge) in gauges.iter().enumerate() {
            let order = Assignment {
                plan: parts.plan.clone(),
                flows: parts.lowered.flows.clone(),
                sought: parts.lowered.sought.clone(),
                endpoints: parts.endpoints.clone(),
                tables: parts.tables.clone(),
                replays: replays.clone(),
                trials: trials.to_vec(),
                files: parts.files.clone(),
                gates: gates.clone(),
                budget: budget.clone(),
                setup: setup.clone(),
                edges: edges.clone(),
                seed: settings.seed,
                run: parts.run,
                lane: plan.share.index + index as u64 * plan.share.count,
                index: index as u64,
                workers: settings.workers,
                phase: phase.clone(),
                measured: told.clone(),
                gauge: gauge.clone(),
                tracer: None,
                mask: parts.mask.clone(),
            };
            let ((ready, stands), (go, start)) = (oneshot::channel(), std::sync::mpsc::channel());
            let work = move || worker::run(order, Barrier { ready, start });
            let thread = std::thread::Builder::new().name(format!("worker-{index}")).stack_size(STACK);
            threads.push(thread.spawn(work)?);
            waiting.push((stands, go));
        }
        Ok(Crew { threads, waiting, measured, gauges, budget })
    }
}

/// Of a worker: only what is used of it is memory. Drivers take apart what servers nest, one call for each level.
const STACK: usize = 64 << 20;

/// Waits until every worker stands ready, and starts them all at one instant.
pub async fn start(waiting: Vec<Waiting>) -> Clock {
    let mut ready = Vec::new();
    for (stands, go) in waiting {
        // One that could not be made says why when its thread is joined.
        if stands.await.is_ok() {
            ready.push(go);
        }
    }
    // What it takes to wake them.
    let clock = Clock::starting_at(Instant::now() + Duration::from_millis(1));
    for go in ready {
        let _ = go.send(clock);
    }
    clock
}
