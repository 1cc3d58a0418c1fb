//! The open model: arrivals start when they are due, whatever the state of earlier ones, in sessions that wait for work.

use super::clock::{Alarm, LATE};
use super::due::Due;
use crate::base::units::SECOND;
use crate::engine::flow::session::Session;
use crate::engine::flow::user::{Asker, UserState};
use crate::engine::worker::{Active, Worker};
use crate::plan::Share;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// Arrivals closer together than this are taken in one go: a wake-up costs more than a request.
const BATCH: u64 = 250_000;
/// Starts between two looks at the network.
const BURST: usize = 64;
/// How long after its end a load may still start what it is behind with.
const CATCH_UP: u64 = SECOND;

/// An arrival: its number in the load, its part of the mix, its index within the part, and when it is due.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    k: u64,
    part: usize,
    turn: u64,
    intended: u64,
}

/// An idle session, waiting for its next arrival.
struct Seat {
    mail: Cell<Option<Arrival>>,
    waker: RefCell<Option<Waker>>,
}

/// How many iterations of a load a worker may have under way at a time.
fn ceiling(worker: &Worker, load: usize) -> u64 {
    let planned = &worker.plan.loads[load];
    let (share, worker) = (worker.plan.share, Share { index: worker.index, count: worker.workers });
    let population = planned.population.map(|users| users.max(1));
    let all = planned.ceiling.in_flight;
    match population {
        // As many as our users have of all.
        Some(users) => (u128::from(all) * u128::from(worker.of(share.of(users)))).div_ceil(u128::from(users)) as u64,
        // Dealt out to the last seat; there are never more workers than seats.
        None => worker.of(share.of(all)).max(u64::from(worker.count == 1)),
    }
}

/// Counts the iterations of each part of a mix, those of others too.
struct Ranks {
    parts: Vec<u64>,
    seen: u64,
}

impl Ranks {
    fn turn(&mut self, load: &crate::plan::Load, k: u64) -> (usize, u64) {
        if self.parts.len() == 1 {
            return (0, k);
        }
        while self.seen < k {
            self.parts[load.part_of_arrival(self.seen)] += 1;
            self.seen += 1;
        }
        let part = load.part_of_arrival(k);
        (part, self.parts[part])
    }
}

/// Starts the arrivals of a load when they are due, or drops them where the ceiling is reached.
pub async fn dispatch(worker: &Rc<Worker>, load: usize) {
    let planned = &worker.plan.loads[load];
    let mut line = Dispatcher::new(worker, load);
    let mut due = Due::new(worker, load);
    // What would be started after its grace has no time left.
    let catch_up = CATCH_UP.min(planned.grace);
    if !line.start(&mut due, planned.level().end() + catch_up).await {
        return;
    }
    if let Some(times) = worker.replays.get(load).cloned().flatten() {
        line.start(&mut due.replay(planned, times), planned.shape.end() + catch_up).await;
    }
    let mut trials = worker.trials(load);
    while let Some(trial) = crate::engine::trials::next(&mut trials).await {
        if !line.start(&mut Due::trial(worker, load, &trial), trial.end + CATCH_UP).await {
            return;
        }
        worker.trial_started(load, trial.number);
    }
}

/// What starts arrivals, with the sessions that it has.
struct Dispatcher<'w> {
    worker: &'w Rc<Worker>,
    load: usize,
    ceiling: u64,
    ranks: Ranks,
    free: Rc<RefCell<Vec<Rc<Seat>>>>,
    seats: u64,
    punctual: Rc<Alarm>,
    lazy: Rc<Alarm>,
    /// When the last one was intended.
    before: u64,
}

impl Dispatcher<'_> {
    fn new(worker: &Rc<Worker>, load: usize) -> Dispatcher<'_> {
        Dispatcher {
            worker,
            load,
            ceiling: ceiling(worker, load),
            ranks: Ranks { parts: vec![0; worker.plan.loads[load].parts.len()], seen: 0 },
            free: Rc::default(),
            seats: 0,
            punctual: worker.starter(true),
            lazy: worker.starter(false),
            before: 0,
        }
    }

    /// All that are due. What is not started by the last instant never is. False where nothing new starts any more.
    async fn start(&mut self, due: &mut Due, last: u64) -> bool {
        let (worker, load) = (self.worker, self.load);
        while let Some((_, intended)) = due.peek() {
            // Close together: wait for a few at once, and save the spinning.
            let close = intended.saturating_sub(self.before) < BATCH && self.before > 0;
            match close {
                true => worker.timers.until(&self.lazy, intended + BATCH - LATE).await,
                false => worker.timers.until(&self.punctual, intended).await,
            }
            let now = worker.timers.clock.now();
            if worker.stops() {
                return false;
            }
            if now > last {
                break;
            }
            let mut burst = 0;
            while burst < BURST
                && let Some((k, intended)) = due.next_before(now)
            {
                burst += usize::from(self.seat(k, intended));
            }
            if burst == BURST {
                tokio::task::yield_now().await;
            }
        }
        while let Some((_, intended)) = due.next_before(u64::MAX) {
            worker.recorder.borrow_mut().unsent(load, intended);
        }
        !worker.stops()
    }

    /// Whether there was a seat for it.
    fn seat(&mut self, k: u64, intended: u64) -> bool {
        self.before = intended;
        let (worker, load) = (self.worker, self.load);
        let (part, turn) = self.ranks.turn(&worker.plan.loads[load], k);
        let seat = self.free.borrow_mut().pop();
        let seat = match seat {
            Some(seat) => seat,
            None if self.seats < self.ceiling => {
                self.seats += 1;
                take_seat(worker, load, &self.free)
            }
            None => {
                worker.recorder.borrow_mut().dropped(load, intended);
                return false;
            }
        };
        worker.begin();
        seat.mail.set(Some(Arrival { k, part, turn, intended }));
        let waker = seat.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

fn take_seat(worker: &Rc<Worker>, load: usize, free: &Rc<RefCell<Vec<Rc<Seat>>>>) -> Rc<Seat> {
    let seat = Rc::new(Seat { mail: Cell::new(None), waker: RefCell::default() });
    let (worker, free, own) = (worker.clone(), free.clone(), seat.clone());
    let made_by = worker.clone();
    let maker = tokio::task::spawn_local(async move {
        let mut session = Session::new(&worker, load, false);
        loop {
            let arrival = poll_fn(|cx| match own.mail.take() {
                Some(arrival) => Poll::Ready(arrival),
                None => {
                    *own.waker.borrow_mut() = Some(cx.waker().clone());
                    Poll::Pending
                }
            })
            .await;
            // Begun when it was sent here.
            let _active = Active(worker.clone());
            let Arrival { k, part, turn, intended } = arrival;
            let now = worker.timers.clock.now();
            worker.recorder.borrow_mut().started(load, intended, now.saturating_sub(intended));
            let _ = session.iterate(who(&worker, load, part, (k, turn)), part, k, (intended, now)).await;
            free.borrow_mut().push(own.clone());
        }
    });
    made_by.makers.borrow_mut().push((load, maker.abort_handle()));
    seat
}

/// Who makes an arrival: somebody new, or one of the population. The identities are dealt in turn, so that the same
/// arrival is the same user whatever the workers.
fn who(worker: &Worker, load: usize, part: usize, (k, turn): (u64, u64)) -> Asker {
    let planned = &worker.plan.loads[load];
    let Some(population) = planned.population else { return Asker { user: k + 1, turn, kept: None } };
    let user = k % population.max(1);
    let onces = worker.lowered.flows[planned.parts[part].flow].onces;
    let kept = (onces > 0)
        .then(|| worker.users.borrow_mut().entry((load, part, user)).or_insert_with(|| UserState::new(onces)).clone());
    Asker { user: user + 1, turn, kept }
}
