//! Faults: each applied at its instant, shown to have had an effect, and taken back at its end or at that of the run. Each has a
//! task of its own on the control plane, so that one which is slow delays no other.

mod database;
mod link;

use super::clock::Clock;
use super::known::Known;
use super::proxy::Control;
use super::service::Running;
use crate::measure::{Event, Proof};
use crate::plan::{Breakage, Element, Plan, Range};
use database::OnDatabase;
use link::OnLink;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// By what a fault is brought about.
enum Mechanism {
    Link(OnLink),
    Database(Box<OnDatabase>),
}

/// What a fault did.
struct Shown {
    proof: Proof,
    /// Where it is not counted.
    told: Option<String>,
}

impl Mechanism {
    fn of(
        plan: &Plan,
        breakage: &Breakage,
        links: &Control,
        (services, known): (&[Running], &Known),
    ) -> Result<Mechanism, String> {
        if let Element::Service(index) = breakage.element
            && let Some(running) = services.get(index)
            && let Some(database) = OnDatabase::of(breakage, running.admin(), |text| known.text(text))
        {
            return database.map(Box::new).map(Mechanism::Database);
        }
        let on_link = OnLink::of(plan, breakage, links).map(Mechanism::Link);
        on_link.ok_or_else(|| format!("this version does not know how to `{}`", breakage.action))
    }

    fn name(&self) -> &'static str {
        match self {
            Mechanism::Link(_) => "link",
            Mechanism::Database(_) => "database",
        }
    }

    /// When this returns, it is in force.
    async fn apply(&mut self) -> Result<(), String> {
        match self {
            Mechanism::Link(link) => link.apply().await,
            Mechanism::Database(database) => database.apply().await,
        }
    }

    /// When this returns, it no longer is.
    async fn withdraw(&mut self) -> Result<Shown, String> {
        match self {
            Mechanism::Link(link) => link.withdraw().await.map(|proof| Shown { proof, told: None }),
            Mechanism::Database(database) => database.withdraw().await,
        }
    }
}

/// The faults of a run that goes on.
pub struct Faults {
    told: mpsc::UnboundedReceiver<Event>,
    over: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Faults {
    pub fn start(plan: &Plan, links: &Control, around: (&[Running], &Known), clock: Clock) -> Faults {
        let (tell, told) = mpsc::unbounded_channel();
        let (over, _) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for (index, fault) in plan.faults.iter().enumerate() {
            let mechanism = Mechanism::of(plan, &fault.breakage, links, around);
            let one = One { index, clock, tell: tell.clone(), over: over.subscribe() };
            tasks.spawn(one.all(fault.windows.clone(), mechanism));
        }
        Faults { told, over, tasks }
    }

    /// What happened next; none when all is over.
    pub async fn next(&mut self) -> Option<Event> {
        self.told.recv().await
    }

    /// Takes back what is in force and begins nothing more. What comes of it is told.
    pub fn end(&self) {
        let _ = self.over.send(true);
    }

    /// Waits until all is taken back.
    pub async fn ended(mut self, mut tell: impl FnMut(Event)) {
        self.end();
        while self.tasks.join_next().await.is_some() {}
        while let Ok(event) = self.told.try_recv() {
            tell(event);
        }
    }
}

/// One fault, all its times.
struct One {
    index: usize,
    clock: Clock,
    tell: mpsc::UnboundedSender<Event>,
    over: watch::Receiver<bool>,
}

impl One {
    async fn all(mut self, windows: Vec<Range>, mechanism: Result<Mechanism, String>) {
        let fault = self.index;
        let mut mechanism = match mechanism {
            Ok(mechanism) => mechanism,
            Err(problem) => {
                let planned = windows.first().copied().unwrap_or_default();
                let _ = self.tell.send(Event::FaultFailed { fault, planned, at: 0, problem });
                return;
            }
        };
        for planned in windows {
            if self.until(planned.0).await {
                return;
            }
            let begun = self.clock.now();
            let done = mechanism.apply().await;
            let at = self.clock.now();
            if let Err(problem) = done {
                let _ = self.tell.send(Event::FaultFailed { fault, planned, at, problem });
                continue;
            }
            let (applied, name) = ((begun, at), mechanism.name().to_owned());
            let _ = self.tell.send(Event::FaultApplied { fault, planned, applied, mechanism: name });
            let is_over = self.until(planned.1).await;
            let begun = self.clock.now();
            let done = mechanism.withdraw().await;
            let at = self.clock.now();
            let _ = self.tell.send(match done {
                Ok(Shown { proof, told }) => {
                    Event::FaultWithdrawn { fault, planned, withdrawn: (begun, at), proof, shown: told }
                }
                Err(problem) => Event::FaultFailed { fault, planned, at, problem },
            });
            if is_over {
                return;
            }
        }
    }

    /// Sleeps to an instant; whether the run was over before.
    async fn until(&mut self, at: u64) -> bool {
        tokio::select! {
            biased;
            // The run is over as well where nobody is left to say so.
            _ = self.over.wait_for(|over| *over) => true,
            () = tokio::time::sleep_until(self.clock.instant(at).into()) => false,
        }
    }
}
