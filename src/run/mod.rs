//! A run and its control: services in order, workers on the load, faults and events at their instants. The caller keeps the
//! records.

mod alerts;
mod ask;
mod command;
mod control;
mod crew;
mod error;
mod event;
mod fault;
mod guarded;
mod health;
mod interrupt;
mod ledger;
mod prometheus;
pub mod proxy;
mod resolve;
mod search;
mod service;
mod wall;
mod watch;

use crate::demo::Authority;
use crate::engine::flow::lowered::LoweredPlan;
use crate::engine::pace::random;
use crate::engine::phase::Errand;
use crate::engine::secret::Mask;
use crate::engine::value::{files, rows};
use crate::engine::{dry_run, phase, tracer};
use crate::measure::Event;
use crate::plan::Plan;
use guarded::Guarded;
use interrupt::Interrupt;
use resolve::again::TargetName;
use resolve::endpoints::{authorities, endpoints};
use resolve::identities;
use resolve::resolved::Resolved;
use resolve::terminated;
use service::{Down, Happened, Running};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;
use watch::counters::Counters;

pub use crate::engine::dry_run::DryRun;
pub use crate::engine::tracer::Traced;
pub use error::RunError;
pub use interrupt::came as was_interrupted;
#[cfg(unix)]
pub use service::become_program;
pub use service::{Account, missing_program};

/// What a run needs in addition to its plan.
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
    pub trial: Option<DryRun>,
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
        cores: Some(crate::inputs::cores() as f64),
    });
    let mut services: Vec<Arc<Running>> = Vec::new();
    let mut interrupt = Interrupt::new()?;
    // Between two runs of one process nobody but the thread for a second signal hears of a first.
    if interrupt::came() {
        return Err(RunError::Interrupted);
    }
    let (told, mut happened) = mpsc::unbounded_channel();
    // What is only tried is not hurt.
    let counted = if settings.trial.is_some() { Vec::new() } else { fault::counted(plan) };
    let around = service::Surroundings {
        run: &settings.id,
        program: &settings.program,
        directory: &settings.directory,
        beside: beside(plan),
        told,
        password,
        guarded,
        counted: &counted,
    };
    // They listen before anything that is told of them starts, and lead on as soon as what they lead to has an address.
    let links = proxy::Links::start(&plan.links.iter().map(|link| link.http).collect::<Vec<_>>(), settings.seed)?;
    let files = contents(plan)?;
    let authority = terminated::authority(plan).map_err(RunError::Address)?;
    let leading =
        Leading { plan, links: &links, files: &files, authority: authority.as_ref(), ended: RefCell::default() };
    let mut known = Resolved {
        authorities: authorities(plan, &files).map_err(RunError::Address)?,
        secrets: settings.secrets.clone(),
        mask: mask.clone(),
        services: Vec::new(),
        links: terminated::links(plan, links.addresses(), authority.as_ref()),
        ports: service::Ports::default(),
    };
    // What is only tried asks nobody.
    let mut alerts = match settings.trial {
        Some(_) => alerts::Sources::none(),
        None => alerts::Sources::listen(plan, &known).map_err(RunError::Address)?,
    };
    for service in &plan.services {
        let started = tokio::select! {
            started = start_service(&leading, service, &mut known, &around, &mut services) => started,
            () = interrupt.wait() => Err(RunError::Interrupted),
        };
        if let Err(error) = started {
            stop(&services, 0, tell).await;
            return Err(error);
        }
        let running = services.last().expect("it was started");
        if !running.is_down().await {
            tell(Event::ServiceReady { service: running.name.clone(), address: running.told_address() });
        }
    }
    // What is only tried is not hurt.
    let refused = if settings.trial.is_some() { None } else { fault::refused(plan, &services) };
    let ready = refused
        .map_or(Ok(()), |(fault, problem)| Err(RunError::Fault { fault, problem }))
        .and_then(|()| leading.lead(&known))
        .and_then(|left| left.map_or(Ok(()), |left| Err(RunError::Address(left))))
        .and_then(|()| match settings.trial {
            Some(_) => Ok(()),
            None => alerts.find(plan, &known).map_err(RunError::Address),
        })
        .and_then(|()| tables(plan))
        .and_then(|tables| {
            let cells = identities::Cells { plan, tables: &tables };
            let endpoints = endpoints(plan, &known, &files, &cells).map_err(RunError::Address)?;
            Ok((endpoints, tables))
        });
    let result = match ready {
        Ok(((endpoints, named), tables)) => {
            let lowered = Arc::new(LoweredPlan::of(plan, &endpoints, files.clone(), (&known, mask), &settings.id));
            let (endpoints, run) = (Arc::new(endpoints), run_key(&settings.id));
            let parts = phase::Parts {
                plan: plan.clone(),
                lowered,
                endpoints,
                tables,
                files,
                seed: settings.seed,
                run,
                tracer,
                mask: mask.clone(),
            };
            let happened = &mut happened;
            let started = Services { all: &services, known: &known, links: &links, named, guarded, happened, alerts };
            let result = around_load(plan, settings, parts, started, &mut interrupt, tell).await;
            result.map_err(|error| with_the_dead(error, happened))
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
    mut services: Services<'_>,
    interrupt: &mut Interrupt,
    tell: &mut dyn FnMut(Event),
) -> Result<u64, RunError> {
    let (named, ready) = tokio::select! {
        done = phase::perform(Errand::Setup, parts.clone(), Vec::new()) => {
            let problem = done.problems.into_iter().next();
            (done.named, problem.map_or(Ok(()), |problem| Err(RunError::Setup(problem))))
        }
        () = interrupt.wait() => (Vec::new(), Err(RunError::Interrupted)),
    };
    // The last thing before the load, since the setup may set off alerts too.
    let ready = match ready {
        Ok(()) => tokio::select! {
            quiet = services.alerts.ready(plan) => quiet.map(|told| told.into_iter().for_each(&mut *tell)),
            why = gone(services.happened, |what| tell(control::as_event(what, 0))) => Err(RunError::Setup(why)),
            () = interrupt.wait() => Err(RunError::Interrupted),
        },
        Err(error) => Err(error),
    };
    let mut ledgers = ledger::Ledgers::new(plan, settings.directory.clone());
    let result = match ready {
        Ok(()) => {
            let setup = Arc::new(named.clone());
            match &settings.trial {
                None => {
                    let counters = tokio::select! {
                        counters = Counters::before(plan, services.known) => counters.map_err(RunError::Address),
                        () = interrupt.wait() => Err(RunError::Interrupted),
                    };
                    let mut began = None;
                    let around = control::LoadContext {
                        plan,
                        settings,
                        parts: &parts,
                        setup: setup.clone(),
                        ledgers: &mut ledgers,
                        interrupt: &mut *interrupt,
                        tell: &mut *tell,
                        began: &mut began,
                    };
                    let Services { all, known, links, named, guarded, happened, alerts } = services;
                    let own = Services { all, known, links, named, guarded, happened: &mut *happened, alerts };
                    let (ended, counters) = match counters {
                        Ok(counters) => (control::load(around, own).await, Some(counters)),
                        Err(error) => (Err(error), None),
                    };
                    if let Ok(at) = ended {
                        // Whatever asks the system next may be counted too.
                        if let Some((counters, clock)) = counters.zip(began).filter(|_| !interrupt::came()) {
                            tokio::select! {
                                all = counters.after(clock, at) => {
                                    all.into_iter().for_each(|counted| tell(Event::Counted(Box::new(counted))));
                                }
                                () = interrupt.wait() => {}
                            }
                        }
                        ledgers.verify(&parts, &setup, interrupt, tell).await;
                        // Whoever answered while it was asked may have been somebody else.
                        while let Ok(what) = happened.try_recv() {
                            tell(control::as_event(what, at));
                        }
                    }
                    ended
                }
                Some(trial) => tokio::select! {
                    tried = dry_run::perform(&parts, setup, trial) => Ok(tried.map(|()| 0)?),
                    why = gone(services.happened, drop) => Err(RunError::Setup(why)),
                    () = interrupt.wait() => Err(RunError::Interrupted),
                },
            }
        }
        Err(error) => Err(error),
    };
    let undone = tokio::select! {
        biased;
        undone = phase::perform(Errand::Teardown, parts, named) => undone.problems,
        () = interrupt.wait() => vec!["the teardown was interrupted".to_owned()],
    };
    undone.into_iter().for_each(|problem| tell(Event::TeardownFailed { problem }));
    result
}

/// Returns when a service has ended for good, or somebody else listens in its place; says which. What else happens is passed on.
async fn gone(happened: &mut mpsc::UnboundedReceiver<Happened>, mut pass: impl FnMut(Happened)) -> String {
    loop {
        match happened.recv().await {
            Some(Happened::Died { service, status, output, .. }) => {
                return format!("the service `{service}` ended ({status}); its last output was:\n{output}");
            }
            Some(Happened::Displaced { service, problem }) => {
                return format!("the service `{service}` is not alone: {problem}");
            }
            Some(other @ (Happened::Fell { .. } | Happened::Back { .. } | Happened::Unknown { .. })) => pass(other),
            None => std::future::pending().await,
        }
    }
}

/// What links need before they lead anywhere.
struct Leading<'l> {
    plan: &'l Plan,
    links: &'l proxy::Links,
    files: &'l files::Files,
    /// Of those that end TLS.
    authority: Option<&'l Authority>,
    /// Those that know how.
    ended: RefCell<HashSet<usize>>,
}

impl Leading<'_> {
    /// Tells links where they lead, as far as that is known, and reports a link for which it is not.
    fn lead(&self, known: &Resolved) -> Result<Option<String>, RunError> {
        let mut left = None;
        for (index, link) in self.plan.links.iter().enumerate() {
            let dns = link.before.and_then(|target| self.plan.targets.get(target)?.dns.as_deref());
            let Some(to) = known.addresses(&link.to, dns) else {
                left = Some(format!("where the link `{}` leads is not known to this version", link.name));
                continue;
            };
            if let Some(authority) = self.authority.filter(|_| link.terminates && !self.ended.borrow().contains(&index))
            {
                match terminated::ends(self.plan, index, known, self.files, authority) {
                    Ok(ends) => {
                        self.links.terminate(index, ends);
                        self.ended.borrow_mut().insert(index);
                    }
                    // A part of it may be of a service that starts later.
                    Err(why) => {
                        left = Some(why);
                        continue;
                    }
                }
            }
            self.links.lead(index, to.map_err(RunError::Address)?);
        }
        Ok(left)
    }
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
    known: &'s Resolved,
    links: &'s proxy::Links,
    /// The hosts of targets that say how they are looked up.
    named: Vec<TargetName>,
    guarded: &'s Guarded,
    /// What happens to them by themselves.
    happened: &'s mut mpsc::UnboundedReceiver<Happened>,
    /// Who tells of alerts.
    alerts: alerts::Sources,
}

/// Starts a service and waits until it is ready. It is among the others as soon as there is something to stop.
async fn start_service(
    leading: &Leading<'_>,
    service: &crate::plan::Service,
    known: &mut Resolved,
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
    leading.lead(known)?;
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

async fn stop(services: &[Arc<Running>], at: u64, tell: &mut dyn FnMut(Event)) {
    for running in services.iter().rev() {
        running.down(Down::Stop).await;
        tell(Event::ServiceStopped { service: running.name.clone(), at, output: running.output() });
    }
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

/// Where the file of a plan lies.
fn beside(plan: &Plan) -> &Path {
    Path::new(&plan.file).parent().unwrap_or(Path::new(""))
}

/// The id of a run as a number: FNV-1a, whose values never change.
fn run_key(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_happens_while_somebody_waits_is_not_lost() {
        let (told, mut happened) = mpsc::unbounded_channel();
        let service = || "app".to_owned();
        let unknown = Happened::Unknown { service: service(), problem: "owner unknown".to_owned() };
        let displaced = Happened::Displaced { service: service(), problem: "another".to_owned() };
        [unknown, Happened::Back { service: service() }, displaced].into_iter().for_each(|what| drop(told.send(what)));
        let mut passed = Vec::new();
        let why = gone(&mut happened, |what| passed.push(control::as_event(what, 0))).await;
        assert_eq!(why, "the service `app` is not alone: another");
        assert!(
            matches!(&passed[..], [Event::Problem { problem }, Event::ServiceBack { at: 0, .. }] if problem.contains("owner unknown")),
            "{passed:?}"
        );
    }
}
