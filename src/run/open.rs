//! The open model: arrivals are started when they are due, whatever has become of those before, by sessions that wait
//! for work in seats.

use super::chance::Chance;
use super::kept::{Kept, Who};
use super::session::Session;
use super::worker::{Active, Worker};
use crate::base::units::SECOND;
use crate::plan::Share;
use crate::plan::schedule::Arrivals;
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

/// What arrives: its number in the load, which part of the mix it runs and the how manieth of that, and when it is due.
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

/// Which arrivals of a load a worker starts, and how many may be under way at a time.
struct Ours {
    share: Share,
    worker: Share,
    population: Option<u64>,
    ceiling: u64,
}

impl Ours {
    fn of(worker: &Worker, load: usize) -> Ours {
        let planned = &worker.plan.loads[load];
        let (share, worker) = (worker.plan.share, Share { index: worker.index, count: worker.workers });
        let population = planned.population.map(|users| users.max(1));
        let all = planned.ceiling.in_flight;
        let ceiling = match population {
            // As many as our users have of all.
            Some(users) => {
                (u128::from(all) * u128::from(worker.of(share.of(users)))).div_ceil(u128::from(users)) as u64
            }
            // Dealt out to the last seat; there are never more workers than seats.
            None => worker.of(share.of(all)).max(u64::from(worker.count == 1)),
        };
        Ours { share, worker, population, ceiling }
    }

    /// Arrivals are dealt to shares and there to workers. Who comes back comes back to the same worker of the same share,
    /// which knows what was done.
    fn has(&self, k: u64) -> bool {
        let number = self.population.map_or(k, |users| k % users);
        number % self.share.count == self.share.index
            && number / self.share.count % self.worker.count == self.worker.index
    }

    /// In order: number and intended offset.
    fn arrivals<'w>(&'w self, worker: &'w Worker, load: usize) -> Box<dyn Iterator<Item = (u64, u64)> + 'w> {
        let planned = &worker.plan.loads[load];
        let ours = |(k, _): &(u64, u64)| self.has(*k);
        match (planned.poisson, self.population) {
            (true, _) => Box::new(Chance::new(&planned.shape, worker.seed, load).filter(ours)),
            (false, Some(_)) => Box::new(Arrivals::new(&planned.shape, Share::WHOLE, 0, 1).filter(ours)),
            (false, None) => Box::new(Arrivals::new(&planned.shape, self.share, self.worker.index, self.worker.count)),
        }
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
    let ours = Ours::of(worker, load);
    let last = planned.shape.end() + CATCH_UP;
    let mut arrivals = ours.arrivals(worker, load).peekable();
    let mut ranks = Ranks { parts: vec![0; planned.parts.len()], seen: 0 };
    let free: Rc<RefCell<Vec<Rc<Seat>>>> = Rc::default();
    let mut seats = 0u64;
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
        if worker.stops() {
            return;
        }
        if now > last {
            break;
        }
        let mut burst = 0;
        while let Some((k, intended)) = arrivals.next_if(|(_, intended)| *intended <= now) {
            before = intended;
            let (part, turn) = ranks.turn(planned, k);
            let seat = free.borrow_mut().pop();
            let seat = match seat {
                Some(seat) => seat,
                None if seats < ours.ceiling => {
                    seats += 1;
                    take_seat(worker, load, &free)
                }
                None => {
                    worker.recorder.borrow_mut().dropped(load, intended);
                    continue;
                }
            };
            worker.begin();
            seat.mail.set(Some(Arrival { k, part, turn, intended }));
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

fn take_seat(worker: &Rc<Worker>, load: usize, free: &Rc<RefCell<Vec<Rc<Seat>>>>) -> Rc<Seat> {
    let seat = Rc::new(Seat { mail: Cell::new(None), waker: RefCell::default() });
    let (worker, free, own) = (worker.clone(), free.clone(), seat.clone());
    tokio::task::spawn_local(async move {
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
            let lag = worker.timers.clock.now().saturating_sub(intended);
            worker.recorder.borrow_mut().started(load, intended, lag);
            let _ = session.iterate(&who(&worker, load, part, (k, turn)), part, k, intended).await;
            free.borrow_mut().push(own.clone());
        }
    });
    seat
}

/// Who makes an arrival: somebody new, or one of the population. The identities are dealt in turn, so that the same
/// arrival is the same user whatever the workers.
fn who(worker: &Worker, load: usize, part: usize, (k, turn): (u64, u64)) -> Who {
    let planned = &worker.plan.loads[load];
    let Some(population) = planned.population else { return Who { user: k + 1, turn, kept: None } };
    let user = k % population.max(1);
    let onces = worker.linked.flows[planned.parts[part].flow].onces;
    let kept = (onces > 0)
        .then(|| worker.known.borrow_mut().entry((load, part, user)).or_insert_with(|| Kept::new(onces)).clone());
    Who { user: user + 1, turn, kept }
}
