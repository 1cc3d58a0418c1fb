//! One worker: a thread with its own runtime, connections and recorder. Nothing in it is shared with another.

use super::flow::lowered::Lowered;
use super::flow::progress::Progress;
use super::flow::steps::Steps;
use super::flow::user::UserState;
use super::health::{self, Gauge};
use super::http;
use super::http::host::Endpoint;
use super::pace::budget::{Budget, Lease};
use super::pace::clock::{Alarm, Clock, Timers};
use super::pace::limit::Gate;
use super::pace::{closed, open};
use super::sql;
use super::trace::Traces;
use super::tracer::Tracer;
use super::trials::{self, Trials};
use super::value::code::Check;
use super::value::files::Files;
use super::value::lower::Sought;
use super::value::rows::Table;
use super::value::{Frame, Plain};
use crate::base::units::SECOND;
use crate::engine::Phase;
use crate::engine::secret::Mask;
use crate::measure::{Entry, Example, Failed, Failure, Recorder, Slice};
use crate::plan::schedule::Shape;
use crate::plan::{Load, Member, Plan, Request, RequestTime};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

/// What a worker is made from.
pub struct Assignment {
    pub plan: Arc<Plan>,
    /// Its flows.
    pub flows: Vec<Arc<Steps>>,
    pub sought: Arc<Sought>,
    pub endpoints: Arc<Vec<Endpoint>>,
    pub tables: Arc<Vec<Table>>,
    /// By load, when the rows that it replays are due.
    pub replays: Arc<Vec<Option<Arc<[u64]>>>>,
    /// By load, what it is told of its search.
    pub trials: Vec<Option<Trials>>,
    pub files: Arc<Files>,
    pub gates: Arc<Vec<Gate>>,
    /// How many requests all workers may send, where that is limited.
    pub budget: Option<Arc<Budget>>,
    /// What the setup named.
    pub setup: Arc<Vec<Plain>>,
    pub edges: Arc<[u64]>,
    pub seed: u64,
    pub run: u64,
    /// No two workers of a run have the same.
    pub lane: u64,
    pub index: u64,
    pub workers: u64,
    pub phase: watch::Receiver<Phase>,
    pub measured: mpsc::UnboundedSender<Batch>,
    pub gauge: Arc<Gauge>,
    pub tracer: Option<Tracer>,
    /// What no target is told that is not asked by the scenario itself.
    pub mask: Arc<Mask>,
}

/// What a worker hands over once a second.
pub struct Batch {
    pub worker: u64,
    /// Up to when it has counted what is in flight, and whether it is done.
    pub until: u64,
    pub is_done: bool,
    pub slices: Vec<Slice>,
    pub examples: Vec<Example>,
    /// Why requests failed.
    pub causes: Vec<Failed>,
    /// For each finished `once` of a load: when this worker's part of it ended.
    pub done: Vec<(usize, usize, u64)>,
    /// The trials of each load whose arrivals have all been started.
    pub started: Vec<(usize, u64)>,
    pub booked: Vec<Entry>,
}

/// Entries of ledgers that wait at most to be handed over.
const BOOKED: usize = 4096;

/// The series of what a flow does in a load.
pub struct Recorded {
    pub requests: Vec<usize>,
    pub groups: Vec<usize>,
    pub measures: Vec<usize>,
    /// Of each limit of the plan: the waits for it.
    pub waits: Vec<usize>,
    pub iterations: Option<usize>,
}

pub struct Worker {
    pub plan: Arc<Plan>,
    pub lowered: Lowered,
    /// By load and part of its mix.
    pub series: Vec<Vec<Recorded>>,
    pub replays: Arc<Vec<Option<Arc<[u64]>>>>,
    trials: Vec<Option<Trials>>,
    pub seed: u64,
    /// Tells this run from others with the same seed.
    pub run: u64,
    pub gates: Arc<Vec<Gate>>,
    pub lease: Lease,
    pub traces: Traces,
    /// Who looks on, which is nobody in a run.
    pub tracer: Option<Tracer>,
    pub mask: Arc<Mask>,
    pub timers: Timers,
    pub recorder: RefCell<Recorder>,
    /// What [`Batch::done`] will tell.
    pub finished: RefCell<Vec<(usize, usize, u64)>>,
    /// What [`Batch::started`] will tell.
    started: RefCell<Vec<(usize, u64)>>,
    /// Entries of ledgers whose requests have ended.
    pub booked: RefCell<Vec<Entry>>,
    /// Asks for what is measured to be handed over at once.
    pub hands_over: tokio::sync::Notify,
    /// How late it got to what was ready, since the last second was told.
    pub delays: RefCell<Vec<u64>>,
    /// Whether something asks for the bytes of bodies.
    pub counts_bytes: bool,
    /// Whether something asks for each try by itself.
    pub counts_tries: bool,
    /// What clients of HTTP share.
    pub http: http::Shared,
    /// And those of SQL.
    pub sql: sql::Shared,
    /// What the iterations of all sessions have not recorded yet, by load.
    pub progress: RefCell<Vec<(usize, Rc<Progress>)>>,
    /// Those who make iterations, by load.
    pub makers: RefCell<Vec<(usize, AbortHandle)>>,
    pub index: u64,
    pub workers: u64,
    no_more: Cell<bool>,
    /// Of flows that do nothing once.
    pub no_state: Rc<UserState>,
    /// What the users of a population keep, by load, part and number.
    pub users: RefCell<HashMap<(usize, usize, u64), Rc<UserState>>>,
    /// Of those who only wait to start something new.
    starters: RefCell<Vec<Rc<Alarm>>>,
    /// Dispatchers and users that are not done.
    active: Cell<usize>,
    done: RefCell<Option<Waker>>,
    /// A task has panicked.
    broken: Cell<bool>,
}

/// Where a worker stands until all are ready, and is told when the load starts.
pub struct Barrier {
    pub ready: oneshot::Sender<()>,
    pub start: std::sync::mpsc::Receiver<Clock>,
}

impl Barrier {
    /// None where the control plane has given up.
    fn stand(self) -> Option<Clock> {
        // Where nobody hears this, nobody starts it either.
        let _ = self.ready.send(());
        self.start.recv().ok()
    }
}

/// Runs a worker to its end on the calling thread.
pub fn run(order: Assignment, line: Barrier) -> std::io::Result<()> {
    // The kernel may otherwise delay a sleep by 50 µs to save wake-ups.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    let left = Rc::new(Cell::new(None));
    let under_way = left.clone();
    let ended = local.block_on(&runtime, async move {
        let measured = order.measured.clone();
        let mut phase = order.phase.clone();
        let gauge = order.gauge.clone();
        let mut worker = Worker::new(order)?;
        let Some(clock) = line.stand() else { return Ok(()) };
        worker.timers.clock = clock;
        let worker = Rc::new(worker);
        let driver = tokio::task::spawn_local({
            let worker = worker.clone();
            async move { worker.timers.drive().await }
        });
        // Nothing is sent early, not even the first.
        std::thread::sleep(clock.instant(0).saturating_duration_since(std::time::Instant::now()));
        let probe = tokio::task::spawn_local({
            let worker = worker.clone();
            async move { health::probe(&worker).await }
        });
        gauge.begin();
        for load in 0..worker.plan.loads.len() {
            Worker::start(&worker, load);
        }
        let mut tick = tokio::time::interval_at(worker.timers.clock.instant(SECOND).into(), std::time::Duration::from_secs(1));
        loop {
            let finished = poll_fn(|cx| match worker.active.get() == 0 || worker.broken.get() {
                true => Poll::Ready(()),
                false => {
                    *worker.done.borrow_mut() = Some(cx.waker().clone());
                    Poll::Pending
                }
            });
            tokio::select! {
                () = finished => break,
                _ = tick.tick() => {
                    gauge.write(&worker.timers, worker.delays.take());
                    // Nobody listens any more when the control plane is gone; then there is nothing to report to.
                    let _ = measured.send(worker.measured(false));
                }
                () = worker.hands_over.notified() => {
                    let _ = measured.send(worker.measured(false));
                }
                changed = phase.changed() => {
                    // Without a control plane there is nobody left to run for.
                    let now = if changed.is_ok() { *phase.borrow_and_update() } else { Phase::Stop { count_timeouts: false } };
                    match now {
                        Phase::Stop { count_timeouts } => {
                            worker.cut_off(None, count_timeouts.then_some("it was under way when the run ended"));
                            break;
                        }
                        Phase::NothingNew => worker.start_nothing_new(),
                        Phase::Run => {}
                    }
                }
            }
        }
        driver.abort();
        probe.abort();
        gauge.write(&worker.timers, worker.delays.take());
        let _ = measured.send(worker.measured(true));
        under_way.set(Some(worker.sql.under_way()));
        match worker.broken.get() {
            true => Err(std::io::Error::other("a step of a flow could not be carried out, which is a mistake of stressc")),
            false => Ok(()),
        }
    });
    // With everything that could send more.
    drop(local);
    if let Some(under_way) = left.take() {
        tokio::task::LocalSet::new().block_on(&runtime, under_way.end());
    }
    ended
}

impl Worker {
    pub fn new(order: Assignment) -> std::io::Result<Worker> {
        let plan = order.plan;
        let of_part = |load: usize, part: usize, flow: usize| {
            let series = |member| plan.series_of(load, part, member).expect("every request and group is recorded");
            let flow = &plan.flows[flow];
            Recorded {
                requests: (0..flow.requests).map(|request| series(Member::Request(request))).collect(),
                groups: (0..flow.groups.len()).map(|group| series(Member::Group(group))).collect(),
                measures: (0..flow.measures.len()).map(|measure| series(Member::Measure(measure))).collect(),
                waits: (0..plan.limits.len())
                    // Of limits that this flow does not know nothing is asked.
                    .map(|limit| plan.series_of(load, part, Member::Wait(limit)).unwrap_or(usize::MAX))
                    .collect(),
                iterations: plan.series_of(load, part, Member::Iteration),
            }
        };
        let parts = |(load, planned): (usize, &Load)| {
            let parts = planned.parts.iter().enumerate();
            parts.map(|(part, own)| of_part(load, part, own.flow)).collect::<Vec<Recorded>>()
        };
        let series = plan.loads.iter().enumerate().map(parts).collect();
        let (place, parts) = (plan.share.index + order.index * plan.share.count, order.workers * plan.share.count);
        Ok(Worker {
            lowered: Lowered::new(
                &plan,
                (&order.endpoints, order.index),
                (order.flows, &order.sought),
                (order.tables, order.files),
                &order.setup,
            ),
            series,
            seed: order.seed,
            replays: order.replays,
            trials: order.trials,
            run: order.run,
            gates: order.gates,
            lease: Lease::of(order.budget),
            traces: Traces::new(order.run, order.lane),
            tracer: order.tracer,
            mask: order.mask,
            timers: Timers::new()?,
            counts_bytes: plan.counts_bytes(),
            counts_tries: plan.series.iter().any(|series| series.phase == RequestTime::Attempts),
            recorder: RefCell::new(Recorder::new(order.edges, &plan.series, plan.loads.len())),
            delays: RefCell::default(),
            http: http::Shared::new(&plan.targets, place, parts),
            sql: sql::Shared::new(&plan.targets, place, parts),
            finished: RefCell::default(),
            started: RefCell::default(),
            booked: RefCell::default(),
            hands_over: tokio::sync::Notify::new(),
            progress: RefCell::default(),
            makers: RefCell::default(),
            index: order.index,
            workers: order.workers,
            no_more: Cell::new(false),
            no_state: UserState::new(0),
            users: RefCell::default(),
            starters: RefCell::default(),
            active: Cell::new(0),
            done: RefCell::default(),
            broken: Cell::new(false),
            plan,
        })
    }

    /// The first check that does not hold, and how that fails its step.
    pub fn unmet(&self, checks: &[Check], frame: &mut Frame) -> Option<(usize, Failure)> {
        let paths = &self.lowered.paths;
        checks.iter().enumerate().find_map(|(place, check)| {
            let holds = frame.holds(&check.condition, paths);
            if let Some(tracer) = &self.tracer {
                tracer.check(check, holds == Ok(true), frame, paths);
            }
            match holds {
                Ok(true) => None,
                Ok(false) => Some((place, Failure::Expectation)),
                Err(refused) => Some((place, refused.failure())),
            }
        })
    }

    /// The request of a series.
    pub fn request(&self, series: usize) -> &Request {
        self.plan.request(&self.plan.series[series]).expect("the series of a request has one")
    }

    /// Everything that is new.
    fn measured(&self, last: bool) -> Batch {
        let mut recorder = self.recorder.borrow_mut();
        let until = self.timers.clock.now();
        recorder.fly_all(until);
        Batch {
            worker: self.index,
            until,
            is_done: last,
            slices: recorder.drain(),
            examples: recorder.examples.drain(last),
            causes: recorder.causes(),
            done: self.finished.take(),
            started: self.started.take(),
            booked: self.booked.take(),
        }
    }

    /// What is told of the search of a load, where it has one.
    pub fn trials(&self, load: usize) -> Option<Trials> {
        self.trials.get(load).cloned().flatten()
    }

    /// All that is ours of a trial has been started.
    pub fn trial_started(&self, load: usize, number: u64) {
        self.started.borrow_mut().push((load, number));
    }

    pub fn starter(&self, punctual: bool) -> Rc<Alarm> {
        let alarm = self.timers.alarm(punctual);
        self.starters.borrow_mut().push(alarm.clone());
        alarm
    }

    pub fn start_nothing_new(&self) {
        self.no_more.set(true);
        for alarm in self.starters.borrow().iter() {
            self.timers.ring(alarm);
        }
    }

    /// An entry of a ledger was made; many of them are not kept here until the second is over.
    pub fn books(&self) {
        if self.booked.borrow().len() >= BOOKED {
            self.hands_over.notify_one();
        }
    }

    /// Nothing new is started any more.
    pub fn stops(&self) -> bool {
        self.no_more.get()
    }

    pub fn begin(&self) {
        self.active.set(self.active.get() + 1);
    }

    fn end(&self) {
        self.active.set(self.active.get() - 1);
        if (self.active.get() == 0 || self.broken.get())
            && let Some(waker) = self.done.borrow_mut().take()
        {
            waker.wake();
        }
    }

    fn start(worker: &Rc<Worker>, load: usize) {
        if let Some(trials) = worker.trials(load) {
            let worker = worker.clone();
            tokio::task::spawn_local(async move { trials::hand_over(&worker, load, trials).await });
        }
        let planned = &worker.plan.loads[load];
        let over = planned.shape.end().saturating_add(planned.grace);
        if over < worker.plan.over() {
            let worker = worker.clone();
            tokio::task::spawn_local(async move {
                worker.timers.until(&worker.timers.alarm(false), over).await;
                worker.is_over(load);
            });
        }
        match &planned.shape {
            Shape::Open(_) => {
                let active = Active::new(worker);
                tokio::task::spawn_local(async move { open::dispatch(&active.0, load).await });
            }
            Shape::Closed(_) => closed::start(worker, load),
        }
    }

    /// The grace of a load is over, while the run goes on.
    fn is_over(&self, load: usize) {
        self.cut_off(Some(load), Some("it was under way when its load had ended and the grace of that was over"));
        self.makers.borrow().iter().filter(|(of, _)| *of == load).for_each(|(_, maker)| maker.abort());
    }

    /// A load or the whole run ends over what is under way, which has timed out where a reason is given.
    fn cut_off(&self, load: Option<usize>, because: Option<&str>) {
        let now = self.timers.clock.now();
        let progress = self.progress.borrow();
        for (_, progress) in progress.iter().filter(|(of, _)| load.is_none_or(|load| load == *of)) {
            progress.opened.cut_off(&self.booked);
            progress.cut_off(&self.recorder, now, because);
        }
        self.recorder.borrow_mut().landed_all(load, now);
    }
}

/// Something that its worker waits for; a mistake of ours in it ends the run instead of letting it wait for ever.
pub struct Active(pub Rc<Worker>);

impl Active {
    pub fn new(worker: &Rc<Worker>) -> Active {
        worker.begin();
        Active(worker.clone())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.broken.set(true);
        }
        self.0.end();
    }
}
