//! An open connection: its session on one side, on the other the task that reads, answers pings and sends.

use super::codec::{Codec, Incoming, Outgoing};
use super::end::End;
use super::{HELD, HELD_MESSAGES};
use crate::engine::worker::Worker;
use crate::measure::Failure;
use crate::wire::room::{Room, TOO_MUCH};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// So long a server may take to answer a goodbye. It is in no sample.
const GOODBYE: Duration = Duration::from_secs(1);

/// A message that waits to be received.
pub struct Message {
    pub incoming: Incoming,
    /// When it had come.
    pub at: u64,
    pub room: Room,
}

/// What both sides know.
#[derive(Default)]
struct Shared {
    came: VecDeque<Message>,
    held: usize,
    end: Option<End>,
    /// What is to be sent, and since when it is with the kernel.
    outgoing: Option<Outgoing>,
    sent: Option<u64>,
    /// Its session needs it no longer.
    is_left: bool,
    session: Option<Waker>,
    task: Option<Waker>,
}

impl Shared {
    fn is_full(&self) -> bool {
        self.held >= HELD || self.came.len() >= HELD_MESSAGES
    }

    fn wakes_session(&mut self) {
        if let Some(session) = self.session.take() {
            session.wake();
        }
    }

    fn wakes_task(&mut self) {
        if let Some(task) = self.task.take() {
            task.wake();
        }
    }
}

/// As its session has it. Dropped, it is closed.
pub struct Line(Rc<RefCell<Shared>>);

impl Drop for Line {
    fn drop(&mut self) {
        let mut shared = self.0.borrow_mut();
        shared.is_left = true;
        shared.wakes_task();
    }
}

impl Line {
    pub fn start(codec: Codec, worker: &Rc<Worker>) -> Line {
        let shared: Rc<RefCell<Shared>> = Rc::default();
        tokio::task::spawn_local(serve(codec, shared.clone(), worker.clone()));
        Line(shared)
    }

    /// Why it has ended, if nothing is left to be received.
    pub fn ended(&self) -> Option<End> {
        let shared = self.0.borrow();
        shared.end.clone().filter(|_| shared.came.is_empty())
    }

    /// Closes it; later steps are told why.
    pub fn give_up(&self, end: End) {
        let mut shared = self.0.borrow_mut();
        shared.end.get_or_insert(end);
        shared.is_left = true;
        shared.wakes_task();
    }

    /// Sends a message; says when it was with the kernel.
    pub async fn send(&self, message: Outgoing) -> Result<u64, End> {
        {
            let mut shared = self.0.borrow_mut();
            (shared.outgoing, shared.sent) = (Some(message), None);
            shared.wakes_task();
        }
        poll_fn(|cx| {
            let mut shared = self.0.borrow_mut();
            match (shared.sent.take(), &shared.end) {
                (Some(at), _) => Poll::Ready(Ok(at)),
                (None, Some(end)) => Poll::Ready(Err(end.clone())),
                (None, None) => {
                    shared.session = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// The next message; what had come before the end comes first.
    pub async fn next(&self) -> Result<Message, End> {
        poll_fn(|cx| {
            let mut shared = self.0.borrow_mut();
            let was_full = shared.is_full();
            if let Some(message) = shared.came.pop_front() {
                shared.held -= message.incoming.size();
                if was_full {
                    shared.wakes_task();
                }
                return Poll::Ready(Ok(message));
            }
            match &shared.end {
                Some(end) => Poll::Ready(Err(end.clone())),
                None => {
                    shared.session = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

async fn serve(mut codec: Codec, shared: Rc<RefCell<Shared>>, worker: Rc<Worker>) {
    let mut task = Task { is_sending: false, partial: Partial::default() };
    let ended = poll_fn(|cx| task.poll(&mut codec, &shared, &worker, cx)).await;
    if let Err(end) = ended {
        let mut shared = shared.borrow_mut();
        shared.end.get_or_insert(end);
        shared.wakes_session();
    }
    // A goodbye of the server is answered as well.
    let _ = tokio::time::timeout(GOODBYE, codec.close()).await;
}

struct Task {
    is_sending: bool,
    partial: Partial,
}

/// The room of a message that is not whole yet.
#[derive(Default)]
struct Partial {
    room: Room,
    counted: usize,
}

impl Partial {
    /// Less is not counted.
    const SMALL: usize = 64 << 10;

    fn is(&mut self, held: usize) -> Result<(), End> {
        if held < self.counted {
            *self = Partial::default();
        }
        if held > self.counted + Partial::SMALL {
            self.room.take(held - self.counted).map_err(|_| End::new(Failure::TooLarge, TOO_MUCH))?;
            self.counted = held;
        }
        Ok(())
    }
}

impl Task {
    /// Goes on until its session needs the connection no longer, or it ends.
    fn poll(
        &mut self,
        codec: &mut Codec,
        shared: &RefCell<Shared>,
        worker: &Worker,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), End>> {
        loop {
            let mut own = shared.borrow_mut();
            own.task = Some(cx.waker().clone());
            if own.is_left {
                return Poll::Ready(Ok(()));
            }
            if let Some(message) = own.outgoing.take() {
                codec.send(message)?;
                self.is_sending = true;
            }
            if self.is_sending && codec.poll_flush(cx)?.is_ready() {
                self.is_sending = false;
                own.sent = Some(worker.timers.clock.now());
                own.wakes_session();
            }
            if own.is_full() {
                return Poll::Pending;
            }
            let polled = codec.poll_next(cx)?;
            self.partial.is(codec.held())?;
            let Poll::Ready(incoming) = polled else { return Poll::Pending };
            let room = Room::default();
            if room.take(incoming.size()).is_err() {
                return Poll::Ready(Err(End::new(Failure::TooLarge, TOO_MUCH)));
            }
            own.held += incoming.size();
            own.came.push_back(Message { incoming, at: worker.timers.clock.now(), room });
            own.wakes_session();
        }
    }
}
