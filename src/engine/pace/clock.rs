//! Time of one run: nanoseconds since the start of the load, and alarms that are punctual to some ten microseconds.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// A timerfd wakes some 40 µs late; what must be punctual is armed that much early and spins the rest.
pub const LATE: u64 = 40_000;

#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    pub fn starting_at(start: Instant) -> Clock {
        Clock { start }
    }

    /// 0 until the start.
    pub fn now(&self) -> u64 {
        Instant::now().saturating_duration_since(self.start).as_nanos() as u64
    }

    pub fn instant(&self, offset: u64) -> Instant {
        self.start + Duration::from_nanos(offset)
    }
}

impl crate::engine::http::Now for Clock {
    fn now(&self) -> u64 {
        Clock::now(self)
    }
}

/// The alarms of one worker.
pub struct Timers {
    pub clock: Clock,
    heap: RefCell<BinaryHeap<Reverse<(u64, u64)>>>,
    alarms: RefCell<Vec<Rc<Alarm>>>,
    bell: bell::Bell,
    armed: Cell<u64>,
    /// Time spent spinning, which is no sign of being busy.
    pub spun: Cell<u64>,
}

/// What sleeps: made once by its owner, set as often as needed.
pub struct Alarm {
    id: u64,
    deadline: Cell<u64>,
    punctual: bool,
    waker: RefCell<Option<Waker>>,
}

impl Timers {
    /// The clock starts now where no other is put in its place.
    pub fn new() -> std::io::Result<Timers> {
        Ok(Timers {
            clock: Clock::starting_at(Instant::now()),
            heap: RefCell::default(),
            alarms: RefCell::default(),
            bell: bell::Bell::new()?,
            armed: Cell::new(u64::MAX),
            spun: Cell::new(0),
        })
    }

    /// A punctual alarm spins its last microseconds; few should.
    pub fn alarm(&self, punctual: bool) -> Rc<Alarm> {
        let mut alarms = self.alarms.borrow_mut();
        let alarm = Rc::new(Alarm {
            id: alarms.len() as u64,
            deadline: Cell::new(u64::MAX),
            punctual,
            waker: RefCell::default(),
        });
        alarms.push(alarm.clone());
        alarm
    }

    /// Never returns early, unless it is rung.
    pub async fn until(&self, alarm: &Alarm, deadline: u64) {
        if self.clock.now() >= deadline {
            return;
        }
        alarm.deadline.set(deadline);
        let due = if alarm.punctual { deadline.saturating_sub(LATE) } else { deadline };
        self.heap.borrow_mut().push(Reverse((due, alarm.id)));
        self.arm();
        poll_fn(|cx| match alarm.deadline.get() {
            u64::MAX => Poll::Ready(()),
            _ => {
                *alarm.waker.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            }
        })
        .await;
        let from = self.clock.now();
        // An alarm that was rung has more than that to go, and nothing to be punctual for.
        if alarm.punctual && deadline.saturating_sub(from) <= LATE {
            let mut now = from;
            while now < deadline {
                std::hint::spin_loop();
                now = self.clock.now();
            }
            self.spun.set(self.spun.get() + (now - from));
        }
    }

    /// Ends a sleep before its time.
    pub fn ring(&self, alarm: &Alarm) {
        alarm.deadline.set(u64::MAX);
        let waker = alarm.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn arm(&self) {
        let Some(Reverse((due, _))) = self.heap.borrow().peek().copied() else { return };
        if due < self.armed.get() {
            self.armed.set(due);
            self.bell.set(due.saturating_sub(self.clock.now()).max(1));
        }
    }

    /// Wakes what is due, forever: one task a worker.
    pub async fn drive(&self) {
        loop {
            self.bell.ring().await;
            self.armed.set(u64::MAX);
            let now = self.clock.now();
            loop {
                let due = self.heap.borrow().peek().copied().filter(|Reverse((due, _))| *due <= now);
                let Some(Reverse((due, id))) = due else { break };
                self.heap.borrow_mut().pop();
                let alarm = self.alarms.borrow()[id as usize].clone();
                let set = alarm.deadline.get();
                if set != u64::MAX && set.saturating_sub(if alarm.punctual { LATE } else { 0 }) <= due {
                    self.ring(&alarm);
                }
            }
            self.arm();
        }
    }
}

#[cfg(target_os = "linux")]
mod bell {
    //! A timerfd: tokio's own timer rounds to a millisecond.

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use std::os::fd::OwnedFd;
    use tokio::io::unix::AsyncFd;

    pub struct Bell(AsyncFd<OwnedFd>);

    impl Bell {
        pub fn new() -> std::io::Result<Bell> {
            let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            // SAFETY: an OwnedFd is one descriptor for its whole life and is not closed before the AsyncFd drops it.
            #[expect(unsafe_code, reason = "registration asks for a promise that OwnedFd keeps by its type")]
            Ok(Bell(unsafe { AsyncFd::register(fd)? }))
        }

        pub fn set(&self, ns: u64) {
            let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
            let value = Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ };
            // A valid descriptor with a valid time cannot be refused; were it, the next arming would set it right.
            let _ = timerfd_settime(
                self.0.get_ref(),
                TimerfdTimerFlags::empty(),
                &Itimerspec { it_interval: zero, it_value: value },
            );
        }

        pub async fn ring(&self) {
            // Its count is not read: tokio is told of edges, and setting it anew makes another one.
            if let Ok(mut guard) = self.0.readable().await {
                guard.clear_ready();
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod bell {
    //! tokio's timer, punctual to a millisecond.

    use std::cell::Cell;
    use std::time::Duration;
    use tokio::sync::Notify;
    use tokio::time::Instant;

    pub struct Bell {
        due: Cell<Option<Instant>>,
        changed: Notify,
    }

    impl Bell {
        pub fn new() -> std::io::Result<Bell> {
            Ok(Bell { due: Cell::new(None), changed: Notify::new() })
        }

        pub fn set(&self, ns: u64) {
            self.due.set(Some(Instant::now() + Duration::from_nanos(ns)));
            self.changed.notify_one();
        }

        pub async fn ring(&self) {
            loop {
                match self.due.get() {
                    None => self.changed.notified().await,
                    Some(due) => tokio::select! {
                        () = tokio::time::sleep_until(due) => {
                            self.due.set(None);
                            return;
                        }
                        () = self.changed.notified() => {}
                    },
                }
            }
        }
    }
}
