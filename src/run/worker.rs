//! One worker: a thread with its own runtime, connections and recorder. Nothing in it is shared with another.

use super::Phase;
use super::clock::{Alarm, Clock, Timers};
use super::drive::http1::{Connection, Scratch};
use super::link::{self, Linked, Place};
use super::rows::Table;
use super::session::{Kept, Session, UnderWay, Who};
use crate::base::units::SECOND;
use crate::measure::{Failure, Recorder, Slice};
use crate::plan::schedule::{Arrivals, Shape};
use crate::plan::{Connections, Load, Member, Plan, Target};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};
use tokio::sync::{Semaphore, mpsc, watch};

/// Arrivals closer together than this are taken in one go: a wake-up costs more than a request.
const BATCH: u64 = 250_000;
/// Starts between two looks at the network.
const BURST: usize = 64;
/// How long after its end a load may still start what it is behind with.
const CATCH_UP: u64 = SECOND;

/// What a worker tells about itself without being asked.
#[derive(Debug, Default)]
pub struct Gauge {
    /// Nanoseconds that the thread ran, was ready without a core, and spun on purpose.
    pub ran: AtomicU64,
    pub waited: AtomicU64,
    pub spun: AtomicU64,
}

impl Gauge {
    /// Written by the worker itself: when its thread is gone, so are the scheduler's books about it
    /// (`/proc/…/schedstat`: ran, waited, slices).
    fn write(&self, spun: u64) {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let mut numbers = text.split_whitespace().map(|n| n.parse().unwrap_or(0));
        self.ran.store(numbers.next().unwrap_or(0), Ordering::Relaxed);
        self.waited.store(numbers.next().unwrap_or(0), Ordering::Relaxed);
        self.spun.store(spun, Ordering::Relaxed);
    }
}

/// What a worker is made from.
pub struct Order {
    pub plan: Arc<Plan>,
    pub places: Arc<Vec<Place>>,
    pub tables: Arc<Vec<Table>>,
    pub edges: Arc<[u64]>,
    pub seed: u64,
    pub run: u64,
    pub index: u64,
    pub workers: u64,
    pub clock: Clock,
    pub phase: watch::Receiver<Phase>,
    pub slices: mpsc::UnboundedSender<Vec<Slice>>,
    pub gauge: Arc<Gauge>,
}

/// The series of what a flow does in a load.
pub struct Recorded {
    pub requests: Vec<usize>,
    pub groups: Vec<usize>,
    pub iterations: Option<usize>,
}

pub struct Worker {
    pub plan: Arc<Plan>,
    pub linked: Linked,
    /// By load and part of its mix.
    pub series: Vec<Vec<Recorded>>,
    pub seed: u64,
    /// Tells this run from others with the same seed.
    pub run: u64,
    pub timers: Timers,
    pub scratch: Scratch,
    pub recorder: RefCell<Recorder>,
    /// Of targets with a pool: how many connections of it are ours.
    pub pools: Vec<Option<Semaphore>>,
    /// Connections of those who make the arrivals of an open load, by load, user and target, where each has one.
    pub users: RefCell<BTreeMap<(usize, u64, usize), Connection>>,
    /// Idle connections that are shared, by target.
    pub idle: RefCell<Vec<Vec<Connection>>>,
    pub under_way: RefCell<Vec<Rc<Cell<Option<UnderWay>>>>>,
    index: u64,
    workers: u64,
    no_more: Cell<bool>,
    /// What users keep to whom arrivals are dealt, by load, part and number.
    known: RefCell<HashMap<(usize, usize, u64), Rc<Kept>>>,
    /// Of those who only wait to start something new.
    starters: RefCell<Vec<Rc<Alarm>>>,
    /// Dispatchers and users that are not done.
    active: Cell<usize>,
    done: RefCell<Option<Waker>>,
}

/// Runs a worker to its end on the calling thread.
pub fn run(order: Order) -> std::io::Result<()> {
    // The kernel may otherwise delay a sleep by 50 µs to save wake-ups.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        let slices = order.slices.clone();
        let mut phase = order.phase.clone();
        let gauge = order.gauge.clone();
        let order_start = order.clock.instant(0);
        let worker = Rc::new(Worker::new(order)?);
        let driver = tokio::task::spawn_local({
            let worker = worker.clone();
            async move { worker.timers.drive().await }
        });
        // Nothing is sent early, not even the first.
        std::thread::sleep(order_start.saturating_duration_since(std::time::Instant::now()));
        gauge.write(0);
        for load in 0..worker.plan.loads.len() {
            Worker::start(&worker, load);
        }
        let mut tick = tokio::time::interval_at(worker.timers.clock.instant(SECOND).into(), std::time::Duration::from_secs(1));
        loop {
            let finished = poll_fn(|cx| match worker.active.get() {
                0 => Poll::Ready(()),
                _ => {
                    *worker.done.borrow_mut() = Some(cx.waker().clone());
                    Poll::Pending
                }
            });
            tokio::select! {
                () = finished => break,
                _ = tick.tick() => {
                    gauge.write(worker.timers.spun.get());
                    // Nobody listens any more when the control plane is gone; then there is nothing to report to.
                    let _ = slices.send(worker.recorder.borrow_mut().drain());
                }
                changed = phase.changed() => {
                    // Without a control plane there is nobody left to run for.
                    let now = if changed.is_ok() { *phase.borrow_and_update() } else { Phase::Stop { count_timeouts: false } };
                    match now {
                        Phase::Stop { count_timeouts } => {
                            worker.cut_off(count_timeouts);
                            break;
                        }
                        Phase::NothingNew => worker.start_nothing_new(),
                        Phase::Run => {}
                    }
                }
            }
        }
        driver.abort();
        gauge.write(worker.timers.spun.get());
        let _ = slices.send(worker.recorder.borrow_mut().drain());
        Ok(())
    })
}

/// An idle session of an open load, waiting for its next arrival.
struct Seat {
    mail: Cell<Option<(u64, u64)>>,
    waker: RefCell<Option<Waker>>,
}

impl Worker {
    fn new(order: Order) -> std::io::Result<Worker> {
        let plan = order.plan;
        let of_flow = |load: usize, flow: usize| {
            let series = |member| plan.series_of(load, flow, member).expect("every request and group is recorded");
            Recorded {
                requests: (0..plan.flows[flow].requests).map(|request| series(Member::Request(request))).collect(),
                groups: (0..plan.flows[flow].groups.len()).map(|group| series(Member::Group(group))).collect(),
                iterations: plan.series_of(load, flow, Member::Iteration),
            }
        };
        let parts = |(load, planned): (usize, &Load)| {
            planned.parts.iter().map(|part| of_flow(load, part.flow)).collect::<Vec<Recorded>>()
        };
        let series = plan.loads.iter().enumerate().map(parts).collect();
        let (place, parts) = (plan.share.index + order.index * plan.share.count, order.workers * plan.share.count);
        Ok(Worker {
            linked: link::link(&plan, &order.places, order.tables),
            series,
            seed: order.seed,
            run: order.run,
            timers: Timers::new(order.clock)?,
            scratch: Scratch::new(),
            recorder: RefCell::new(Recorder::new(order.edges, plan.series.len(), plan.loads.len())),
            idle: RefCell::new(plan.targets.iter().map(|_| Vec::new()).collect()),
            pools: plan.targets.iter().map(|target| pool(target, place, parts)).collect(),
            users: RefCell::default(),
            under_way: RefCell::default(),
            index: order.index,
            workers: order.workers,
            no_more: Cell::new(false),
            known: RefCell::default(),
            starters: RefCell::default(),
            active: Cell::new(0),
            done: RefCell::default(),
            plan,
        })
    }

    fn starter(&self, punctual: bool) -> Rc<Alarm> {
        let alarm = self.timers.alarm(punctual);
        self.starters.borrow_mut().push(alarm.clone());
        alarm
    }

    fn start_nothing_new(&self) {
        self.no_more.set(true);
        for alarm in self.starters.borrow().iter() {
            self.timers.ring(alarm);
        }
    }

    /// Closes the connections of a user who does not come back.
    pub fn user_is_gone(&self, load: usize, user: u64) {
        let mut users = self.users.borrow_mut();
        if !users.is_empty() {
            for target in 0..self.plan.targets.len() {
                users.remove(&(load, user, target));
            }
        }
    }

    /// Nothing new is started any more.
    pub fn stops(&self) -> bool {
        self.no_more.get()
    }

    /// Who makes arrival `k` of a load, which runs a part of its mix: somebody new, or one of the population. The
    /// identities are dealt in turn, so that the same arrival is the same user whatever the workers.
    fn who(&self, load: usize, part: usize, k: u64) -> Who {
        let planned = &self.plan.loads[load];
        let Some(population) = planned.population else { return Who { user: k + 1, turn: k, kept: None } };
        let user = k % population.max(1);
        let onces = self.linked.flows[planned.parts[part].flow].onces;
        let kept = (onces > 0)
            .then(|| self.known.borrow_mut().entry((load, part, user)).or_insert_with(|| Kept::new(onces)).clone());
        Who { user: user + 1, turn: k, kept }
    }

    fn begin(&self) {
        self.active.set(self.active.get() + 1);
    }

    fn end(&self) {
        self.active.set(self.active.get() - 1);
        if self.active.get() == 0
            && let Some(waker) = self.done.borrow_mut().take()
        {
            waker.wake();
        }
    }

    fn start(worker: &Rc<Worker>, load: usize) {
        match &worker.plan.loads[load].shape {
            Shape::Open(_) => {
                worker.begin();
                let worker = worker.clone();
                tokio::task::spawn_local(async move {
                    Worker::dispatch(&worker, load).await;
                    worker.end();
                });
            }
            shape @ Shape::Closed(_) => {
                let share = worker.plan.share;
                let mut user = share.index + worker.index * share.count;
                while user < shape.peak() {
                    worker.begin();
                    let periods = shape.active(user);
                    let own = worker.clone();
                    tokio::task::spawn_local(async move {
                        own.user(load, user, &periods, own.clone()).await;
                        own.end();
                    });
                    user += share.count * worker.workers;
                }
            }
        }
    }

    /// A user of a closed load: the next iteration begins when the last one has ended.
    async fn user(&self, load: usize, user: u64, periods: &[(u64, u64)], worker: Rc<Worker>) {
        let mut session = Session::new(&worker, load, true);
        let alarm = self.starter(false);
        let mut number = 0;
        for (start, end) in periods {
            if !self.no_more.get() {
                self.timers.until(&alarm, *start).await;
            }
            loop {
                let now = self.timers.clock.now();
                if now >= *end || self.no_more.get() {
                    break;
                }
                self.recorder.borrow_mut().started(load, now, 0);
                let part = self.plan.loads[load].part(user + number);
                let turn = number * self.plan.loads[load].shape.peak() + user;
                session.iterate(&Who { user: user + 1, turn, kept: None }, part, user << 32 | number, now).await;
                number += 1;
                if let Some(pace) = self.plan.loads[load].pace
                    && !self.no_more.get()
                {
                    self.timers.until(&alarm, (now + pace).min(*end)).await;
                }
                // A flow that fails without waiting for anything must not keep the thread to itself.
                if self.timers.clock.now() - now < 1_000 {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Starts the arrivals of an open load when they are due, or drops them where the ceiling is reached.
    async fn dispatch(worker: &Rc<Worker>, load: usize) {
        let planned = &worker.plan.loads[load];
        let share = worker.plan.share;
        let parts = worker.workers * share.count;
        // Dealt out to the last seat; there are never more workers than seats.
        let (each, over) = (planned.ceiling.in_flight / parts, planned.ceiling.in_flight % parts);
        let place = share.index + worker.index * share.count;
        let ceiling = (each + u64::from(place < over)).max(u64::from(worker.workers == 1)) as usize;
        let last = planned.shape.end() + CATCH_UP;
        // Who comes back comes back to the same worker, which knows what was done.
        let (index, workers, population) = (worker.index, worker.workers, planned.population);
        let (first, of) = if population.is_some() { (0, 1) } else { (index, workers) };
        let is_ours = move |k: u64| population.is_none_or(|users| k % users.max(1) % workers == index);
        let arrivals = Arrivals::new(&planned.shape, share, first, of);
        let mut arrivals = arrivals.filter(|(k, _)| is_ours(*k)).peekable();
        let free: Rc<RefCell<Vec<Rc<Seat>>>> = Rc::default();
        let mut seats = 0usize;
        let alarm = worker.starter(true);
        let lazy = worker.starter(false);
        let mut before = 0;
        while let Some((_, intended)) = arrivals.peek().copied() {
            // Close together: wait for a few at once, and save the spinning.
            let close = intended.saturating_sub(before) < BATCH && before > 0;
            match close {
                true => worker.timers.until(&lazy, (before + BATCH).min(intended + BATCH)).await,
                false => worker.timers.until(&alarm, intended).await,
            }
            let now = worker.timers.clock.now();
            if worker.no_more.get() {
                return;
            }
            if now > last {
                break;
            }
            let mut burst = 0;
            while let Some((k, intended)) = arrivals.next_if(|(_, intended)| *intended <= now) {
                before = intended;
                let seat = free.borrow_mut().pop();
                let seat = match seat {
                    Some(seat) => seat,
                    None if seats < ceiling => {
                        seats += 1;
                        Worker::seat(worker, load, &free)
                    }
                    None => {
                        worker.recorder.borrow_mut().dropped(load, intended);
                        continue;
                    }
                };
                worker.begin();
                seat.mail.set(Some((k, intended)));
                let waker = seat.waker.borrow_mut().take();
                if let Some(waker) = waker {
                    waker.wake();
                }
                burst += 1;
                if burst == BURST {
                    break;
                }
            }
            if burst == BURST {
                tokio::task::yield_now().await;
            }
        }
        for (_, intended) in arrivals {
            worker.recorder.borrow_mut().unsent(load, intended);
        }
    }

    fn seat(worker: &Rc<Worker>, load: usize, free: &Rc<RefCell<Vec<Rc<Seat>>>>) -> Rc<Seat> {
        let seat = Rc::new(Seat { mail: Cell::new(None), waker: RefCell::default() });
        let (worker, free, own) = (worker.clone(), free.clone(), seat.clone());
        tokio::task::spawn_local(async move {
            let mut session = Session::new(&worker, load, false);
            loop {
                let (k, intended) = poll_fn(|cx| match own.mail.take() {
                    Some(arrival) => Poll::Ready(arrival),
                    None => {
                        *own.waker.borrow_mut() = Some(cx.waker().clone());
                        Poll::Pending
                    }
                })
                .await;
                let lag = worker.timers.clock.now().saturating_sub(intended);
                worker.recorder.borrow_mut().started(load, intended, lag);
                let part = worker.plan.loads[load].part(k);
                session.iterate(&worker.who(load, part, k), part, k, intended).await;
                free.borrow_mut().push(own.clone());
                worker.end();
            }
        });
        seat
    }

    /// What is still under way when the run ends over it has timed out.
    fn cut_off(&self, count: bool) {
        if !count {
            return;
        }
        let now = self.timers.clock.now();
        let mut recorder = self.recorder.borrow_mut();
        for request in self.under_way.borrow().iter().filter_map(|cell| cell.get()) {
            let (latency, service) = (now.saturating_sub(request.intended), now.saturating_sub(request.sent));
            recorder.sample(request.series, request.intended, latency, service, Err(Failure::Timeout));
        }
    }
}

/// Our share of a pool that is as large as the whole run allows; never nothing, so that nobody waits for ever.
fn pool(target: &Target, place: u64, parts: u64) -> Option<Semaphore> {
    let Some(Connections::Pool(size)) = target.connections else { return None };
    let ours = size / parts + u64::from(place < size % parts);
    Some(Semaphore::new(ours.max(1).min(Semaphore::MAX_PERMITS as u64) as usize))
}
