//! One direction of a connection: what is on its way, in the order in which it came.

use super::effect::{Draws, Effect, EffectId, Hold, Mine};
use super::side::Side;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::AsyncWrite;

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
    /// The end of the stream has come.
    pub end: Option<Held>,
    /// The end has passed.
    pub closed: bool,
    /// The turn that was taken last.
    turn: Option<Turn>,
}

/// A turn of a bandwidth: whose, from when, and how many bytes of it are left.
type Turn = (EffectId, Instant, usize);

struct Delayed {
    held: Held,
    bytes: Vec<u8>,
    /// What of it is gone already.
    gone: usize,
}

/// What holds something on its way.
#[derive(Default)]
pub struct Held {
    /// Since when, and by which effects; none where nothing does.
    holds: Option<(Instant, Vec<Hold>)>,
    /// When it may pass: after what came before it as well.
    due: Option<Instant>,
}

impl Held {
    /// When it may pass for its own part.
    fn own(&self) -> Option<Instant> {
        self.holds.as_ref().map(|(since, holds)| *since + holds.iter().map(|hold| hold.by).sum::<Duration>())
    }
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
            self.pieces.push_back(Delayed { held: Held::default(), bytes: bytes.to_vec(), gone: 0 });
        }
    }

    /// Takes in what came, with what the effects do to it.
    pub fn take(&mut self, mut bytes: Vec<u8>, now: Instant, held: Option<Hold>, mine: &[Mine], draws: &Draws) {
        if bytes.is_empty() {
            return;
        }
        // What a request was held by may be over while its body still comes.
        let mut holds: Vec<Hold> = held.into_iter().filter(|hold| is_in_force(mine, hold)).collect();
        for own in mine {
            let Some(effect) = own.on(self.way) else { continue };
            match effect {
                Effect::Latency { by, jitter } => {
                    holds.push(Hold { of: own.active.id, by: draws.around(by, jitter) });
                    own.touch(bytes.len());
                }
                Effect::Corrupt { share } => corrupt(&mut bytes, share, self.way, mine, own, draws),
                Effect::Partition | Effect::Refuse | Effect::Bandwidth { .. } => {}
                Effect::Reset { .. } | Effect::SlowClose { .. } | Effect::Slice { .. } => {}
                Effect::HttpError { .. } | Effect::HttpDelay { .. } => {}
            }
        }
        let held = self.held(now, holds);
        self.bytes += bytes.len();
        self.pieces.push_back(Delayed { held, bytes, gone: 0 });
    }

    /// The end of the stream has come.
    pub fn finish(&mut self, now: Instant, mine: &[Mine], draws: &Draws) {
        let mut holds = Vec::new();
        for own in mine {
            let by = match own.on(self.way) {
                Some(Effect::SlowClose { by }) => {
                    own.touch(0);
                    by
                }
                Some(Effect::Latency { by, jitter }) => draws.around(by, jitter),
                _ => continue,
            };
            holds.push(Hold { of: own.active.id, by });
        }
        self.end = Some(self.held(now, holds));
    }

    fn held(&mut self, now: Instant, holds: Vec<Hold>) -> Held {
        let mut held = Held { holds: (!holds.is_empty()).then_some((now, holds)), due: None };
        self.last = held.own().max(self.last);
        held.due = self.last;
        held
    }

    /// What was held by effects that are gone is held by them no longer.
    pub fn release(&mut self, mine: &[Mine]) {
        self.last = None;
        for held in self.pieces.iter_mut().map(|piece| &mut piece.held).chain(&mut self.end) {
            if let Some((_, holds)) = &mut held.holds {
                holds.retain(|hold| is_in_force(mine, hold));
            }
            held.holds.take_if(|(_, holds)| holds.is_empty());
            self.last = held.own().max(self.last);
            held.due = self.last;
        }
    }

    /// Sends what is due and may pass.
    pub fn send(&mut self, to: &mut Side, mine: &[Mine], cx: &mut Context<'_>) -> Sent {
        // Asked for where something waits for its time.
        let mut now = None;
        let mut is_early = |due: Option<Instant>| due.filter(|due| *due > *now.get_or_insert_with(Instant::now));
        while let Some(piece) = self.pieces.front_mut() {
            if let Some(due) = is_early(piece.held.due) {
                return Sent::At(due);
            }
            let mut size = piece.bytes.len() - piece.gone;
            let mut sliced = None;
            for own in mine {
                if let Some(Effect::Slice { size: most }) = own.on(self.way)
                    && size > most
                {
                    (size, sliced) = (most.max(1), Some(own));
                }
                if let Some(left) = own.bytes_left() {
                    size = size.min(left as usize);
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
                    self.turn =
                        self.turn.map(|(of, at, left)| (of, at, left - sent.min(left))).filter(|(.., left)| *left > 0);
                    if mine.iter().filter(|own| own.passed(sent)).count() > 0 {
                        return Sent::Broken;
                    }
                    if piece.gone == piece.bytes.len() {
                        self.pieces.pop_front();
                    }
                }
            }
        }
        let Some(end) = self.end.as_ref().filter(|_| !self.closed) else { return Sent::All };
        if let Some(due) = is_early(end.due) {
            return Sent::At(due);
        }
        match Pin::new(to).poll_shutdown(cx) {
            // A last word of TLS finds no room.
            Poll::Pending => return Sent::Full,
            Poll::Ready(Err(_)) => return Sent::Broken,
            Poll::Ready(Ok(())) => self.closed = true,
        }
        Sent::All
    }
}

fn is_in_force(mine: &[Mine], hold: &Hold) -> bool {
    mine.iter().any(|own| own.active.id == hold.of)
}

/// How many bytes a bandwidth lets pass now, or when it will; `None` without one. Turns are taken one after the other over
/// all connections and counted from when the last ends, so that no error adds up.
fn pace(mine: &[Mine], way: usize, size: usize, turn: &mut Option<Turn>) -> Option<Result<usize, Instant>> {
    let limit = |own: &&Mine| matches!(own.on(way), Some(Effect::Bandwidth { .. }));
    // Two in one direction cannot be; of several the first decides.
    let own = mine.iter().find(limit)?;
    let Effect::Bandwidth { rate } = own.active.effect else { return None };
    let now = Instant::now();
    // One that is over has given its turns back.
    turn.take_if(|(of, ..)| *of != own.active.id);
    let (_, at, left) = *turn.get_or_insert_with(|| {
        let most = ((rate * TURN.as_secs_f64()) as usize).max(1);
        let taken = size.min(most);
        let free = &own.active.free[way];
        let at = free.get().map_or(now, |at| at.max(now.checked_sub(LATE).unwrap_or(now)));
        free.set(Some(at + Duration::from_secs_f64(taken as f64 / rate.max(1e-3))));
        if at > now {
            own.touch(taken);
        }
        (own.active.id, at, taken)
    });
    Some(if at > now { Err(at) } else { Ok(left) })
}

/// Changes one byte of a share of the pieces, which are those of a `slice` where there is one.
fn corrupt(bytes: &mut [u8], share: f64, way: usize, mine: &[Mine], own: &Mine, draws: &Draws) {
    let slice = mine.iter().find_map(|other| match other.on(way) {
        Some(Effect::Slice { size }) => Some(size.max(1)),
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
