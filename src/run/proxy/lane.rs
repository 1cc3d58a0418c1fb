//! One direction of a connection: what is on its way, in the order in which it came.

use super::effect::{Draws, Effect, Mine};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

/// So much waits in one direction of a connection; then nothing more is read, and who sends is held back.
pub const ROOM: usize = 4 << 20;
/// What a bandwidth lets pass at once, in time: shorter than the timer can tell, and long enough to cost little.
const TURN: Duration = Duration::from_millis(10);
/// What a late timer left unused may be made up for.
const LATE: Duration = Duration::from_millis(5);

pub struct Lane {
    /// 0 from the client to the server, 1 back.
    way: usize,
    pieces: VecDeque<Delayed>,
    pub bytes: usize,
    /// What came first leaves first, however its delay was drawn.
    last: Option<Instant>,
    /// The end of the stream has come, and when it may pass.
    pub end: Option<Option<Instant>>,
    /// The end has passed.
    pub closed: bool,
    /// A turn that was taken of a bandwidth: from when, and how much of it is left.
    turn: Option<(Instant, usize)>,
}

struct Delayed {
    due: Option<Instant>,
    bytes: Vec<u8>,
    /// What of it is gone already.
    gone: usize,
}

/// What became of an attempt to send.
pub enum Sent {
    /// There is nothing left that could be.
    All,
    /// Not before an instant.
    At(Instant),
    /// The other side does not take it now.
    Full,
    /// The other side is gone.
    Broken,
}

impl Lane {
    pub fn new(way: usize) -> Lane {
        Lane { way, pieces: VecDeque::new(), bytes: 0, last: None, end: None, closed: false, turn: None }
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// What has no effect on it and found no room at once.
    pub fn keep(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.bytes += bytes.len();
            self.pieces.push_back(Delayed { due: None, bytes: bytes.to_vec(), gone: 0 });
        }
    }

    /// Takes in what came, with what the effects do to it.
    pub fn take(&mut self, mut bytes: Vec<u8>, now: Instant, held: Duration, mine: &[Mine], draws: &Draws) {
        if bytes.is_empty() {
            return;
        }
        let mut delay = held;
        for own in mine {
            match own.active.effect {
                Effect::Latency { by, jitter } if self.way == 1 => {
                    delay += draws.around(by, jitter);
                    own.touch(bytes.len());
                }
                Effect::Corrupt { share } => corrupt(&mut bytes, share, mine, own, draws),
                Effect::Latency { .. } | Effect::Partition | Effect::Refuse | Effect::Bandwidth { .. } => {}
                Effect::Reset { .. } | Effect::SlowClose { .. } | Effect::Slice { .. } => {}
                Effect::HttpError { .. } | Effect::HttpDelay { .. } => {}
            }
        }
        let due = self.due(now, delay);
        self.bytes += bytes.len();
        self.pieces.push_back(Delayed { due, bytes, gone: 0 });
    }

    /// The end of the stream has come.
    pub fn finish(&mut self, now: Instant, mine: &[Mine], draws: &Draws) {
        let mut delay = Duration::ZERO;
        for own in mine {
            match own.active.effect {
                Effect::SlowClose { by } => {
                    delay += by;
                    own.touch(0);
                }
                Effect::Latency { by, jitter } if self.way == 1 => delay += draws.around(by, jitter),
                _ => {}
            }
        }
        self.end = Some(self.due(now, delay));
    }

    fn due(&mut self, now: Instant, delay: Duration) -> Option<Instant> {
        let own = (!delay.is_zero()).then(|| now + delay);
        self.last = own.max(self.last);
        self.last
    }

    /// What was held by effects that are gone is held no longer.
    pub fn release(&mut self) {
        self.last = None;
        self.turn = None;
        self.pieces.iter_mut().for_each(|piece| piece.due = None);
        self.end = self.end.map(|_| None);
    }

    /// Sends what is due and may pass.
    pub fn send(&mut self, to: &mut TcpStream, mine: &[Mine], cx: &mut Context<'_>) -> Sent {
        // Asked for where something waits for its time.
        let mut now = None;
        let mut is_early = |due: Option<Instant>| due.filter(|due| *due > *now.get_or_insert_with(Instant::now));
        while let Some(piece) = self.pieces.front_mut() {
            if let Some(due) = is_early(piece.due) {
                return Sent::At(due);
            }
            let mut size = piece.bytes.len() - piece.gone;
            let mut sliced = None;
            for own in mine {
                if let Effect::Slice { size: most } = own.active.effect
                    && size > most
                {
                    (size, sliced) = (most.max(1), Some(own));
                }
            }
            if let Some(most) = pace(mine, self.way, size, &mut self.turn) {
                match most {
                    Ok(most) => size = size.min(most),
                    Err(at) => return Sent::At(at),
                }
            }
            let from = piece.gone;
            match Pin::new(&mut *to).poll_write(cx, &piece.bytes[from..from + size]) {
                Poll::Pending => return Sent::Full,
                Poll::Ready(Ok(0) | Err(_)) => return Sent::Broken,
                Poll::Ready(Ok(sent)) => {
                    if let Some(own) = sliced {
                        own.touch(sent);
                    }
                    piece.gone += sent;
                    self.bytes -= sent;
                    self.turn = self.turn.map(|(at, left)| (at, left - sent.min(left))).filter(|(_, left)| *left > 0);
                    if piece.gone == piece.bytes.len() {
                        self.pieces.pop_front();
                    }
                }
            }
        }
        let Some(end) = self.end.filter(|_| !self.closed) else { return Sent::All };
        if let Some(due) = is_early(end) {
            return Sent::At(due);
        }
        self.closed = true;
        match Pin::new(to).poll_shutdown(cx) {
            Poll::Ready(Err(_)) => Sent::Broken,
            Poll::Ready(Ok(())) | Poll::Pending => Sent::All,
        }
    }
}

/// How many bytes a bandwidth lets pass now, or when it will; `None` without one. Turns are taken one behind the other over
/// all connections and counted from when the last ends, so that no error adds up.
fn pace(mine: &[Mine], way: usize, size: usize, turn: &mut Option<(Instant, usize)>) -> Option<Result<usize, Instant>> {
    let limit = |own: &&Mine| matches!(own.active.effect, Effect::Bandwidth { .. });
    // Two on one link cannot be; of several the first decides.
    let own = mine.iter().find(limit)?;
    let Effect::Bandwidth { rate } = own.active.effect else { return None };
    let now = Instant::now();
    let (at, left) = *turn.get_or_insert_with(|| {
        let most = ((rate * TURN.as_secs_f64()) as usize).max(1);
        let taken = size.min(most);
        let free = &own.active.free[way];
        let at = free.get().map_or(now, |at| at.max(now.checked_sub(LATE).unwrap_or(now)));
        free.set(Some(at + Duration::from_secs_f64(taken as f64 / rate.max(1e-3))));
        if at > now {
            own.touch(taken);
        }
        (at, taken)
    });
    Some(if at > now { Err(at) } else { Ok(left) })
}

/// Changes one byte of a share of the pieces, which are those of a `slice` where there is one.
fn corrupt(bytes: &mut [u8], share: f64, mine: &[Mine], own: &Mine, draws: &Draws) {
    let slice = mine.iter().find_map(|other| match other.active.effect {
        Effect::Slice { size } => Some(size.max(1)),
        _ => None,
    });
    for piece in bytes.chunks_mut(slice.unwrap_or(usize::MAX)) {
        if draws.hits(share) {
            let place = draws.below(piece.len());
            piece[place] ^= 1 + draws.below(255) as u8;
            own.touch(1);
        }
    }
}
