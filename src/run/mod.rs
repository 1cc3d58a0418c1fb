//! A run and its control: services in order, workers at the load, faults and events at their instants. The caller keeps what it is
//! told.

mod ask;
mod command;
mod event;
mod fault;
mod guarded;
mod health;
mod interrupt;
mod ledger;
pub mod proxy;
mod resolve;
mod search;
mod service;
mod watch;

use crate::base::units::SECOND;
use crate::engine::health::Gauge;
use crate::engine::pace::budget::Budget;
use crate::engine::pace::clock::Clock;
use crate::engine::pace::{due, limit, random};
use crate::engine::secret::Mask;
use crate::engine::value::{Plain, files, rows};
use crate::engine::worker::{self, Measured, Order};
use crate::engine::{Phase, phase, tracer, trial};
use crate::measure::Event;
use crate::metric;
use crate::plan::{Load, Plan, StageKind};
use guarded::Guarded;
use interrupt::Interrupt;
use resolve::known::{self, Known};
use resolve::places::places;
use service::{Down, Happened, Running};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch as channel};

pub use crate::engine::tracer::Traced;
pub use crate::engine::trial::Trial;

/// What a run needs beside its plan.
#[derive(Clone)]
pub struct Settings {
    pub id: String,
    pub started: String,
    pub seed: u64,
    pub workers: u64,
    /// The limit of descriptors as it was, and as it was raised to.
    pub raised: Option<(u64, u64)>,
    /// The program that `demo()` starts.
    pub program: PathBuf,
    /// The values of secrets, which stand in no plan.
    pub secrets: HashMap<String, String>,
    /// A private directory for services, removed at the end.
    pub directory: PathBuf,
    /// Where faults keep what they need to be taken back. It is no part of the directory above: what could not be taken back
    /// by the run finds it later.
    pub kept: PathBuf,
    /// What is done instead of the load.
    pub trial: Option<Trial>,
}

/// Why a run could not be made.
#[derive(Debug)]
pub enum RunError {
    Service {
        service: String,
        problem: String,
        log: String,
    },
    Address(String),
    /// Rows or files that the plan speaks of cannot be read.
    Data(String),
    System(std::io::Error),
    /// What is done before the load could not be.
    Setup(String),
    /// It would act on what must never be touched.
    Fault {
        fault: String,
        problem: String,
    },
    /// Interrupted before anything was sent.
    Interrupted,
    /// It was made, and something that it did could not be taken back.
    Left(String),
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RunError::Service { service, problem, log } => {
                write!(f, "the service `{service}` is not ready: {problem}")?;
                if !log.is_empty() {
                    write!(f, "\nits last output was:\n{log}")?;
                }
                Ok(())
            }
            RunError::Address(problem) | RunError::Data(problem) | RunError::Setup(problem) => f.write_str(problem),
            RunError::Fault { fault, problem } => write!(f, "the fault `{fault}` is refused: {problem}"),
            RunError::System(error) => write!(f, "the machine refused what the run needs: {error}"),
            RunError::Left(problem) => {
                write!(f, "something could not be taken back: {problem}\n`stressc recover` tries it again")
            }
            RunError::Interrupted => f.write_str("interrupted before the load started"),
        }
    }
}

impl std::error::Error for RunError {}

impl RunError {
    /// Without secrets.
    fn masked(self, mask: &Mask) -> RunError {
        match self {
            RunError::Service { service, problem, log } => {
                RunError::Service { service, problem: mask.text(problem), log: mask.text(log) }
            }
            RunError::Address(problem) => RunError::Address(mask.text(problem)),
            RunError::Data(problem) => RunError::Data(mask.text(problem)),
            RunError::Setup(problem) => RunError::Setup(mask.text(problem)),
            RunError::Left(problem) => RunError::Left(mask.text(problem)),
            RunError::Fault { fault, problem } => RunError::Fault { fault, problem: mask.text(problem) },
            RunError::System(error) => {
                RunError::System(std::io::Error::new(error.kind(), mask.text(error.to_string())))
            }
            RunError::Interrupted => RunError::Interrupted,
        }
    }
}

impl From<std::io::Error> for RunError {
    fn from(error: std::io::Error) -> RunError {
        RunError::System(error)
    }
}

/// The newest PostgreSQL that is installed, as it names itself, or why none is found.
pub fn postgres() -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(service::postgres_version())
}

/// Runs a plan to its end, telling each event as it happens. Must be called from a thread that outlives the run:
/// services die with the thread that started them.
pub fn run(plan: &Arc<Plan>, settings: &Settings, tell: &mut dyn FnMut(Event)) -> Result<(), RunError> {
    enough_descriptors(crate::inputs::descriptors(), settings.workers)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // What a service says may hold what it was told.
    let password = format!("{:032x}", crate::guard::random());
    let mask = Arc::new(Mask::new(settings.secrets.values().chain([&password])));
    let mut tell = |event: Event| tell(mask.event(event));
    let tracer = settings.trial.as_ref().map(|trial| trial.tracer(&mask));
    let guarded = Guarded::start(plan, settings)?;
    interrupt::a_second_ends(&guarded)?;
    let result = runtime
        .block_on(control(plan, settings, (&password, &mask), tracer, &guarded, &mut tell))
        .map_err(|error| error.masked(&mask));
    // Nothing of it goes on where everything is taken back.
    drop(runtime);
    // Whatever a service left behind is private to this run.
    if let Ok(files) = crate::guard::Undo::remove(&settings.directory) {
        let _ = files.perform();
    }
    match (result, guarded.finish().map_err(|problem| mask.text(problem))) {
        (result, Ok(())) => result,
        (Ok(()), Err(problem)) => Err(RunError::Left(problem)),
        (Err(error), Err(problem)) => Err(RunError::System(std::io::Error::other(format!("{error}; {problem}")))),
    }
}

async fn control(
    plan: &Arc<Plan>,
    settings: &Settings,
    (password, mask): (&str, &Arc<Mask>),
    tracer: Option<tracer::Tracer>,
    guarded: &Guarded,
    tell: &mut dyn FnMut(Event),
) -> Result<(), RunError> {
    tell(Event::Started {
        id: settings.id.clone(),
        started: settings.started.clone(),
        seed: settings.seed,
        workers: settings.workers,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        raised: settings.raised,
    });
    let mut services: Vec<Arc<Running>> = Vec::new();
    let mut interrupt = Interrupt::new()?;
    let (told, mut happened) = mpsc::unbounded_channel();
    // What is only tried is not hurt.
    let counted = if settings.trial.is_some() { Vec::new() } else { fault::counted(plan) };
    let around = service::Surroundings {
        run: &settings.id,
        program: &settings.program,
        directory: &settings.directory,
        told,
        password,
        guarded,
        counted: &counted,
    };
    // They listen before anything that is told of them starts, and lead on as soon as what they lead to has an address.
    let links = proxy::Links::start(&plan.links.iter().map(|link| link.http).collect::<Vec<_>>(), settings.seed)?;
    let mut known = Known {
        secrets: settings.secrets.clone(),
        mask: mask.clone(),
        services: Vec::new(),
        links: links.addresses().to_vec(),
        ports: service::Ports::default(),
    };
    for service in &plan.services {
        let started = tokio::select! {
            started = start_service((plan, &links), service, &mut known, &around, &mut services) => started,
            () = interrupt.wait() => Err(RunError::Interrupted),
        };
        if let Err(error) = started {
            stop(&services, 0, tell).await;
            return Err(error);
        }
        let running = services.last().expect("it was started");
        tell(Event::ServiceReady { service: running.name.clone(), address: running.told_address() });
    }
    // What is only tried is not hurt.
    let refused = if settings.trial.is_some() { None } else { fault::refused(plan, &services) };
    let ready = refused
        .map_or(Ok(()), |(fault, problem)| Err(RunError::Fault { fault, problem }))
        .and_then(|()| lead(plan, &links, &known))
        .and_then(|left| left.map_or(Ok(()), |left| Err(RunError::Address(left))))
        .and_then(|()| places(plan, &known.services, links.addresses()).map_err(RunError::Address));
    let result = match ready.and_then(|places| Ok((places, tables(plan)?, contents(plan)?))) {
        Ok((places, tables, files)) => {
            let revealed = Arc::new(known::revealed(plan, &known));
            let (places, run) = (Arc::new(places), run_key(&settings.id));
            let parts = phase::Parts {
                plan: revealed,
                places,
                tables,
                files,
                seed: settings.seed,
                run,
                tracer,
                mask: mask.clone(),
            };
            let started = Services { all: &services, known: &known, links: &links, guarded, happened: &mut happened };
            let result = around_load(plan, settings, parts, started, &mut interrupt, tell).await;
            result.map_err(|error| with_the_dead(error, &mut happened))
        }
        Err(problem) => Err(problem),
    };
    let at = *result.as_ref().unwrap_or(&0);
    stop(&services, at, tell).await;
    tell(Event::Ended { at });
    result.map(|_| ())
}

/// The load with its setup before it and its teardown after it, which is done even where only a part of the setup was.
async fn around_load(
    plan: &Arc<Plan>,
    settings: &Settings,
    parts: phase::Parts,
    services: Services<'_>,
    interrupt: &mut Interrupt,
    tell: &mut dyn FnMut(Event),
) -> Result<u64, RunError> {
    let flows = parts.plan.setup.clone();
    let done = tokio::select! {
        done = phase::perform("setup", flows, parts.clone(), Vec::new()) => done.map_err(RunError::Setup),
        () = interrupt.wait() => Err(RunError::Interrupted),
    };
    let mut ledgers = ledger::Ledgers::new(plan, settings.directory.clone());
    let (named, result) = match done {
        Ok(named) => {
            let setup = Arc::new(named.clone());
            let result = match &settings.trial {
                None => {
                    let ended =
                        load(plan, settings, (&parts, setup.clone()), services, &mut ledgers, interrupt, tell).await;
                    if ended.is_ok() {
                        ledgers.verify(&parts, &setup, interrupt, tell).await;
                    }
                    ended
                }
                Some(trial) => tokio::select! {
                    tried = trial::perform(&parts, setup, trial) => Ok(tried.map(|()| 0)?),
                    () = interrupt.wait() => Err(RunError::Interrupted),
                },
            };
            (named, result)
        }
        Err(error) => (Vec::new(), Err(error)),
    };
    let flows = parts.plan.teardown.clone();
    let undone = tokio::select! {
        biased;
        undone = phase::perform("teardown", flows, parts, named) => undone.map(|_| ()),
        () = interrupt.wait() => Err("the teardown was interrupted".to_owned()),
    };
    if let Err(problem) = undone {
        tell(Event::Problem { problem });
    }
    result
}

/// Tells links where they lead, as far as that is known, and gives a word about one of which it is not.
fn lead(plan: &Plan, links: &proxy::Links, known: &Known) -> Result<Option<String>, RunError> {
    let mut left = None;
    for (index, link) in plan.links.iter().enumerate() {
        match known.address(&link.to) {
            Some(to) => links.lead(index, to.map_err(RunError::Address)?),
            None => left = Some(format!("where the link `{}` leads is not known to this version", link.name)),
        }
    }
    Ok(left)
}

/// The rows that flows take, read before anything is sent.
fn tables(plan: &Plan) -> Result<Arc<Vec<rows::Table>>, RunError> {
    let read: Result<Vec<rows::Table>, String> = plan.data.iter().map(rows::Table::load).collect();
    Ok(Arc::new(read.map_err(RunError::Data)?))
}

/// The files that are sent.
fn contents(plan: &Plan) -> Result<Arc<files::Files>, RunError> {
    files::Files::load(&plan.files).map(Arc::new).map_err(RunError::Data)
}

/// What is started, and what is known of it.
struct Services<'s> {
    all: &'s [Arc<Running>],
    known: &'s Known,
    links: &'s proxy::Links,
    guarded: &'s Guarded,
    /// What happens to them by themselves.
    happened: &'s mut mpsc::UnboundedReceiver<Happened>,
}

/// Starts a service and waits until it is ready. It is among the others as soon as there is something to stop.
async fn start_service(
    (plan, links): (&Plan, &proxy::Links),
    service: &crate::plan::Service,
    known: &mut Known,
    around: &service::Surroundings<'_>,
    services: &mut Vec<Arc<Running>>,
) -> Result<(), RunError> {
    let failed = |failed: service::Failed| RunError::Service {
        service: service.name.clone(),
        problem: failed.problem,
        log: failed.log,
    };
    let running = service::prepare(service, known, around).await.map_err(failed)?;
    known.services.push(running.endpoint.clone());
    services.push(Arc::new(running));
    lead(plan, links, known)?;
    services.last().expect("it was put there").up().await.map_err(failed)
}

/// A setup that fails because a service has ended says so.
fn with_the_dead(error: RunError, happened: &mut mpsc::UnboundedReceiver<Happened>) -> RunError {
    let RunError::Setup(problem) = error else { return error };
    let why = std::iter::from_fn(|| happened.try_recv().ok()).find_map(|what| match what {
        Happened::Died { service, status, output, .. } => {
            Some(format!("the service `{service}` had ended ({status}); its last output was:\n{output}"))
        }
        Happened::Displaced { service, problem } => Some(format!("the service `{service}` was not alone: {problem}")),
        Happened::Fell { .. } | Happened::Back { .. } | Happened::Unknown { .. } => None,
    });
    RunError::Setup(why.map_or_else(|| problem.clone(), |why| format!("{problem}\n{why}")))
}

/// What happened to a service, as an event of the record.
fn as_event(what: Happened, at: u64) -> Event {
    match what {
        Happened::Fell { service, ready, status, output } => Event::ServiceFell { service, at, ready, status, output },
        Happened::Died { service, ready, status, output } => Event::ServiceDied { service, at, ready, status, output },
        Happened::Back { service } => Event::ServiceBack { service, at },
        Happened::Displaced { service, problem } => Event::ServiceDisplaced { service, at, problem },
        Happened::Unknown { service, problem } => {
            Event::Problem { problem: format!("the service `{service}`: {problem}") }
        }
    }
}

async fn stop(services: &[Arc<Running>], at: u64, tell: &mut dyn FnMut(Event)) {
    for running in services.iter().rev() {
        running.down(Down::Stop).await;
        tell(Event::ServiceStopped { service: running.name.clone(), at });
    }
}

/// The load itself. Returns the offset at which everything had ended.
async fn load(
    plan: &Arc<Plan>,
    settings: &Settings,
    (parts, setup): (&phase::Parts, Arc<Vec<Plain>>),
    services: Services<'_>,
    ledgers: &mut ledger::Ledgers,
    interrupt: &mut Interrupt,
    tell: &mut dyn FnMut(Event),
) -> Result<u64, RunError> {
    let replays: Arc<Vec<_>> = Arc::new(plan.loads.iter().map(|load| due::replayed(load, &parts.tables)).collect());
    let (short, mut long): (Vec<_>, Vec<_>) =
        random::dealt(plan, settings.seed).into_iter().partition(random::Dealt::is_short);
    let drawn: Vec<Event> = short.into_iter().map(random::Dealt::all).collect();
    let Services { all, known, links, guarded, happened } = services;
    let found: Vec<_> = all.iter().map(|running| running.who()).collect();
    let mut watcher = watch::Watcher::new(plan, &found, known).map_err(RunError::Address)?;
    // What was before anything is sent.
    let before = watcher.look(0).await;
    let (phase, watched) = channel::channel(Phase::Run);
    let (told, mut measured) = mpsc::unbounded_channel::<Measured>();
    let gates = limit::gates(plan);
    let budget = Budget::of(plan, settings.workers);
    let mut searches = search::Searches::new(plan, settings.seed, settings.workers);
    let trials = searches.trials(plan.loads.len());
    let edges: Arc<[u64]> = plan.edges().into();
    let gauges: Vec<Arc<Gauge>> = (0..settings.workers).map(|_| Arc::default()).collect();
    let (mut threads, mut waiting) = (Vec::new(), Vec::new());
    for (index, gauge) in gauges.iter().enumerate() {
        let order = Order {
            plan: parts.plan.clone(),
            places: parts.places.clone(),
            tables: parts.tables.clone(),
            replays: replays.clone(),
            trials: trials.clone(),
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
            phase: watched.clone(),
            measured: told.clone(),
            gauge: gauge.clone(),
            tracer: None,
        };
        let ((ready, stands), (go, start)) = (oneshot::channel(), std::sync::mpsc::channel());
        let work = move || worker::run(order, worker::Line { ready, start });
        threads.push(std::thread::Builder::new().name(format!("worker-{index}")).spawn(work)?);
        waiting.push((stands, go));
    }
    drop(told);
    let clock = start(waiting).await;
    tell(Event::LoadStarted);
    drawn.into_iter().for_each(&mut *tell);
    if let Some(before) = before {
        tell(Event::Gauges(before));
    }
    let mut watch = watcher.start(clock);
    let around = fault::Around { plan, services: all, known, links: links.control(), guarded, settings };
    let mut faults = fault::Faults::start(&around, clock);
    let mut events = event::Events::start(plan, settings, known, clock);
    let mut health = health::Health::new(gauges, links.gauge());
    let mut second = tokio::time::interval_at(clock.instant(SECOND).into(), Duration::from_secs(1));
    let mut limit = clock.instant(plan.length + plan.grace()).into();
    // By somebody, or by an `abort`.
    let mut interrupted = false;
    // All workers were told to stop at once, and one does not.
    let (mut told_to_stop, mut stuck) = (false, false);
    let mut aborts = metric::Watch::new(plan);
    // How many workers have done their part of a `once`, and when the last of them had.
    let mut done: HashMap<(usize, usize), (u64, u64)> = HashMap::new();
    let mut watching = true;
    // The last arrival is due before the end, and an idle stage has none: what is measured of the time belongs to the
    // whole of it.
    let end = clock.instant(planned_end(plan)).into();
    let mut sending = true;
    while sending || (!interrupted && watching) {
        // Why the run ends itself, where it does now.
        let mut over = None;
        tokio::select! {
            received = measured.recv(), if sending => match received {
                Some(Measured { slices, examples, done: ours, started, booked }) => {
                    ledgers.take(booked);
                    for slice in slices {
                        if let Some(aborts) = &mut aborts {
                            aborts.take(&slice);
                        }
                        searches.take(&slice);
                        tell(Event::Slice(slice));
                    }
                    for (load, stage, at) in ours {
                        let (workers, last) = done.entry((load, stage)).or_insert((0, 0));
                        (*workers, *last) = (*workers + 1, at.max(*last));
                        if *workers == settings.workers {
                            tell(Event::Done { load, stage, at: *last });
                        }
                    }
                    examples.into_iter().for_each(|example| tell(Event::Example(Box::new(example))));
                    started.into_iter().for_each(|(load, number)| searches.started(load, number));
                    searches.look(clock.now()).into_iter().for_each(&mut *tell);
                }
                None => sending = false,
            },
            () = tokio::time::sleep_until(end), if !sending => break,
            Some(look) = watch.looks.recv() => {
                if let Some(aborts) = &mut aborts {
                    aborts.see(&look);
                }
                searches.see(&look);
                tell(Event::Gauges(look));
            }
            Some(event) = faults.next() => tell(event),
            Some(event) = events.next() => tell(event),
            _ = second.tick() => {
                guarded.look_after();
                let at = clock.now();
                tell(Event::Generator(health.look(at)));
                long.iter_mut().for_each(|dealt| dealt.count_to(at));
                ledgers.news(at).into_iter().for_each(&mut *tell);
                // Behind the last arrival there is nothing left to stop.
                over = aborts.as_mut().filter(|_| !interrupted && at < plan.length).and_then(|own| own.look(at));
            }
            reason = Budget::until_used_up(budget.as_ref()), if !interrupted => over = Some(reason),
            () = interrupt.wait() => {
                if std::mem::replace(&mut interrupted, true) {
                    let _ = phase.send(Phase::Stop { count_timeouts: false });
                    continue;
                }
                searches.stop();
                tell(Event::Interrupted { at: clock.now() });
                faults.end();
                events.end();
                let _ = phase.send(Phase::NothingNew);
                limit = tokio::time::Instant::now() + drain(plan);
            }
            Some(what) = happened.recv(), if watching => {
                let at = clock.now();
                // Nothing more can be learnt without it.
                if matches!(what, Happened::Died { .. } | Happened::Displaced { .. }) {
                    watching = false;
                    faults.end();
                    events.end();
                    let _ = phase.send(Phase::Stop { count_timeouts: false });
                }
                tell(as_event(what, at));
            }
            () = tokio::time::sleep_until(limit), if sending => {
                if std::mem::replace(&mut told_to_stop, true) {
                    stuck = true;
                    break;
                }
                searches.stop();
                let _ = phase.send(Phase::Stop { count_timeouts: !interrupted });
                limit = tokio::time::Instant::now() + TO_STOP;
            }
        }
        // The workers may all have ended over it before it was heard.
        let over = over.or_else(|| budget.as_ref().filter(|_| !sending && !interrupted)?.reason());
        if let Some(reason) = over {
            interrupted = true;
            aborts = None;
            searches.stop();
            tell(Event::Aborted { at: clock.now(), reason });
            faults.end();
            events.end();
            let _ = phase.send(Phase::NothingNew);
            limit = tokio::time::Instant::now() + drain(plan);
        }
    }
    // Before anything else is done, and before anybody is told that the load has ended.
    faults.ended(&mut *tell).await;
    events.ended(interrupted || !watching, interrupt, &mut *tell).await;
    let at = clock.now();
    tell(Event::Generator(health.look(at)));
    match interrupted || !watching {
        true => watch.abort(),
        false => watch.finish(|look| tell(Event::Gauges(look))).await,
    }
    if !interrupted && watching {
        long.into_iter().map(random::Dealt::all).for_each(&mut *tell);
    }
    tell(Event::LoadEnded { at });
    if interrupted || !watching {
        ledgers.leave();
    }
    if stuck {
        let problem = format!(
            "a worker did not stop within {} s of being told to: it is still computing something of an answer",
            TO_STOP.as_secs()
        );
        return Err(RunError::System(std::io::Error::other(problem)));
    }
    for thread in threads {
        match thread.join() {
            Ok(result) => result?,
            Err(_) => return Err(RunError::System(std::io::Error::other("a worker ended before its work did"))),
        }
    }
    Ok(at)
}

/// How long a worker may take to stop. It does so at once, unless it computes.
const TO_STOP: Duration = Duration::from_secs(30);

/// Waits until every worker stands ready, and starts them all at one instant.
async fn start(waiting: Vec<(oneshot::Receiver<()>, std::sync::mpsc::Sender<Clock>)>) -> Clock {
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

/// Those of the runtimes, clocks, signals and records; below that nothing can even be refused in good order.
fn enough_descriptors(limit: u64, workers: u64) -> Result<(), RunError> {
    let needed = 16 + 4 * workers;
    if limit >= needed {
        return Ok(());
    }
    Err(RunError::System(std::io::Error::other(format!(
        "it opens {needed} files and more for its connections, and this process may have {limit} open; raise the limit \
         (`ulimit -n`)"
    ))))
}

/// How long what is under way may still take when a run is ended early.
fn drain(plan: &Plan) -> Duration {
    Duration::from_nanos(plan.grace()).min(Duration::from_secs(10))
}

/// When the last load ends that ends at a planned instant.
fn planned_end(plan: &Plan) -> u64 {
    let as_planned = |load: &&Load| {
        load.stages.last().is_some_and(|stage| stage.kind.ends_as_planned() && stage.kind != StageKind::Once)
    };
    plan.loads.iter().filter(as_planned).map(|load| load.shape.end()).max().unwrap_or(0)
}

/// The id of a run as a number: FNV-1a, whose values never change.
fn run_key(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
