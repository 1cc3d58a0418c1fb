//! Faults: each applied at its instant, shown to have had an effect, and taken back at its end or at that of the run. Each has
//! its own task on the control plane, so that a slow one does not delay the others.

mod burden;
mod command;
mod cpu;
mod database;
mod down;
mod held;
mod link;
mod memory;
mod pause;
mod turns;

use super::Settings;
use super::guarded::Guarded;
use super::proxy::Control;
use super::resolve::resolved::Resolved;
use super::service::Running;
use crate::engine::http::host::Endpoint;
use crate::engine::pace::clock::Clock;
use crate::measure::{Event, Proof};
use crate::plan::{Action, Address, By, Database, Fault, Plan, Range, ServiceFault};
use burden::Burden;
use command::Command;
use cpu::Cpu;
use database::{Login, OnDatabase};
use down::{Down, How};
use held::Held;
use link::OnLink;
use memory::Memory;
use pause::Pause;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// What faults act on.
pub struct FaultContext<'r> {
    pub plan: &'r Plan,
    pub services: &'r [Arc<Running>],
    pub known: &'r Resolved,
    /// Of the targets.
    pub endpoints: &'r [Endpoint],
    pub links: Control,
    pub guarded: &'r Guarded,
    pub settings: &'r Settings,
}

/// By what a fault is brought about.
enum Mechanism {
    Link(OnLink),
    Database(Box<OnDatabase>),
    Down(Down),
    Pause(Pause),
    Cpu(Cpu),
    Memory(Memory),
    Burden(Burden),
    Command(Command),
}

/// What a fault did.
struct Shown {
    proof: Proof,
    /// Where it is not counted.
    told: Option<String>,
    /// Why its own proof says that it had no effect.
    unproven: Option<String>,
}

impl Shown {
    /// None where it had no effect.
    fn told(told: Option<String>) -> Shown {
        Shown { proof: Proof::default(), told, unproven: None }
    }
}

impl Mechanism {
    fn of(around: &FaultContext<'_>, fault: &Fault) -> Result<Mechanism, String> {
        let held = || Held::new(around.guarded, &fault.name);
        Ok(match &fault.action {
            Action::Link { on, fault, direction } => {
                let ways = fault.ways(*direction);
                Mechanism::Link(OnLink::of(around.plan, *on, (*fault, ways), &around.links)?)
            }
            Action::Service { on, fault: what } => {
                let running = around.services.get(*on).cloned().ok_or("it is of no service")?;
                match *what {
                    ServiceFault::Kill if fault.left => Mechanism::Down(Down::of(running, How::Left)),
                    ServiceFault::Kill => Mechanism::Down(Down::of(running, How::Kept)),
                    ServiceFault::Restart => Mechanism::Down(Down::of(running, How::Restarted)),
                    ServiceFault::Pause => Mechanism::Pause(Pause::of(running, held())),
                    ServiceFault::LimitCpu { to } => {
                        let name = format!("stressc-{}-{}", around.settings.id, fault.name);
                        Mechanism::Cpu(Cpu::of(running, to, name, held()))
                    }
                    ServiceFault::LimitMemory { to } => Mechanism::Memory(Memory::of(running, to as f64, held())),
                }
            }
            Action::Database { on, fault } => {
                let on = OnDatabase::of(fault, database(around, *on)?, |text| around.known.text(text))?;
                Mechanism::Database(Box::new(on))
            }
            Action::Host(takes) => Mechanism::Burden(Burden::of(around, takes, &fault.name)?),
            Action::Command(command) => Mechanism::Command(Command::of(around, command, fault)?),
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Mechanism::Link(_) => "link",
            Mechanism::Down(_) | Mechanism::Pause(_) => "signal",
            Mechanism::Cpu(cpu) => of(cpu.by()),
            Mechanism::Memory(memory) => of(memory.by()),
            Mechanism::Burden(_) => "helper",
            Mechanism::Command(_) => "command",
            Mechanism::Database(_) => "database",
        }
    }

    /// When this returns, it is in force. It is planned to last so long.
    async fn apply(&mut self, length: Duration) -> Result<(), String> {
        match self {
            Mechanism::Link(link) => link.apply().await,
            Mechanism::Database(database) => database.apply().await,
            Mechanism::Down(down) => down.apply().await,
            Mechanism::Pause(pause) => pause.apply(length).await,
            Mechanism::Cpu(cpu) => cpu.apply(length).await,
            Mechanism::Memory(memory) => memory.apply(length).await,
            Mechanism::Burden(burden) => burden.apply(length).await,
            Mechanism::Command(command) => command.apply(length).await,
        }
    }

    /// Returns when it has ended by itself before it is taken back. Meanwhile its effect is proved, where that takes asking.
    async fn over(&mut self) {
        match self {
            Mechanism::Down(down) => down.over().await,
            Mechanism::Command(command) => command.prove_while_it_lasts().await,
            _ => std::future::pending().await,
        }
    }

    /// When this returns, it no longer is.
    async fn withdraw(&mut self) -> Result<Shown, String> {
        match self {
            Mechanism::Link(link) => link.withdraw().await.map(|proof| Shown { proof, ..Shown::told(None) }),
            Mechanism::Down(down) => down.withdraw().await,
            Mechanism::Pause(pause) => pause.withdraw().await,
            Mechanism::Cpu(cpu) => cpu.withdraw().await,
            Mechanism::Memory(memory) => memory.withdraw().await,
            Mechanism::Burden(burden) => burden.withdraw().await,
            Mechanism::Command(command) => command.withdraw().await,
            Mechanism::Database(database) => database.withdraw().await,
        }
    }

    /// What one that was over at once did, where that can only be asked for after it; `enough` returns when nobody waits any
    /// longer.
    async fn shown_behind(&mut self, enough: impl Future<Output = ()>) -> Option<Shown> {
        match self {
            Mechanism::Command(command) => command.shown_behind(enough).await,
            _ => None,
        }
    }
}

pub(super) use database::mysql::login as mysql_login;

/// How the database is reached that a fault hurts from within.
fn database<'a>(around: &'a FaultContext<'_>, on: Database) -> Result<Login<'a>, String> {
    let ours = |service: usize| Login::Service(around.services.get(service).and_then(|own| own.admin()));
    match on {
        Database::Service(index) => Ok(ours(index)),
        Database::Target(index) => {
            let target = around.plan.targets.get(index).ok_or("it is of no target")?;
            Ok(match &target.address {
                Address::Service(service) => ours(*service),
                Address::Late(url) => {
                    let secured = around.endpoints.get(index).and_then(|endpoint| endpoint.secured.as_ref());
                    Login::Target(target.protocol, around.known.url(url), secured)
                }
                Address::Url { .. } | Address::Unix { .. } | Address::Link(_) => {
                    Login::Target(target.protocol, Err("its address is no URL".to_owned()), None)
                }
            })
        }
    }
}

/// The services whose memory is limited at some time.
pub fn counted(plan: &Plan) -> Vec<&str> {
    let services = plan.faults.iter().filter_map(|fault| match fault.action {
        Action::Service { on, fault: ServiceFault::LimitMemory { .. } } => plan.services.get(on),
        _ => None,
    });
    services.map(|service| service.name.as_str()).collect()
}

/// The first fault that would act on processes which must never be touched, of services as they are now, and why.
pub fn refused(plan: &Plan, services: &[Arc<Running>]) -> Option<(String, String)> {
    plan.faults.iter().find_map(|fault| {
        let Action::Service { on, .. } = fault.action else { return None };
        let why = services.get(on)?.processes().err()?;
        Some((fault.name.clone(), why))
    })
}

fn of(by: By) -> &'static str {
    match by {
        By::CgroupV1 => "cgroup v1",
        By::CgroupV2 => "cgroup v2",
        By::Turns => "turns",
    }
}

/// The faults of a run that goes on.
pub struct Faults {
    told: mpsc::UnboundedReceiver<Event>,
    over: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Faults {
    pub fn start(around: &FaultContext<'_>, clock: Clock) -> Faults {
        let (tell, told) = mpsc::unbounded_channel();
        let (over, _) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for (index, fault) in around.plan.faults.iter().enumerate() {
            let mechanism = Mechanism::of(around, fault);
            let one = FaultTask { index, clock, tell: tell.clone(), over: over.subscribe() };
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
struct FaultTask {
    index: usize,
    clock: Clock,
    tell: mpsc::UnboundedSender<Event>,
    over: watch::Receiver<bool>,
}

impl FaultTask {
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
            let done = mechanism.apply(Duration::from_nanos(planned.1 - planned.0)).await;
            let at = self.clock.now();
            if let Err(problem) = done {
                let _ = self.tell.send(Event::FaultFailed { fault, planned, at, problem });
                // What was done of it.
                let _ = mechanism.withdraw().await;
                continue;
            }
            let (applied, name) = ((begun, at), mechanism.name().to_owned());
            let _ = self.tell.send(Event::FaultApplied { fault, planned, applied, mechanism: name });
            let is_over = tokio::select! {
                is_over = self.until(planned.1) => is_over,
                () = mechanism.over() => false,
            };
            let begun = self.clock.now();
            let done = mechanism.withdraw().await;
            let at = self.clock.now();
            let done = match done {
                // It was over at the instant above, however long the proof takes.
                Ok(shown) => Ok(mechanism.shown_behind(self.is_over()).await.unwrap_or(shown)),
                failed => failed,
            };
            let _ = self.tell.send(match done {
                Ok(Shown { proof, told, unproven }) => {
                    let withdrawn = (begun, at);
                    Event::FaultWithdrawn { fault, planned, withdrawn, proof, shown: told, unproven }
                }
                Err(problem) => Event::FaultFailed { fault, planned, at, problem },
            });
            if is_over {
                return;
            }
        }
    }

    /// Returns when the run is over.
    async fn is_over(&mut self) {
        // It is as well where nobody is left to say so.
        let _ = self.over.wait_for(|over| *over).await;
    }

    /// Sleeps to an instant; whether the run was over before.
    async fn until(&mut self, at: u64) -> bool {
        let at = self.clock.instant(at);
        tokio::select! {
            biased;
            () = self.is_over() => true,
            () = tokio::time::sleep_until(at.into()) => false,
        }
    }
}
