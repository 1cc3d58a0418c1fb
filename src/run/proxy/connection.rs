//! One connection through a link: both of its directions, driven together.

use super::effect::{Draws, Effect, EffectId, Mine};
use super::http::{Exchanges, Out};
use super::lane::{Lane, ROOM, Sent};
use super::path::{BUFFER, Way};
use super::side::Side;
use super::splice::Pipe;
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// A body that is longer is worth a pipe.
const WORTH: u64 = 4 * BUFFER as u64;
/// How long a client that was never let through may be gone before it is noticed.
const GONE: Duration = Duration::from_millis(100);

/// How long both sides of a link that ends TLS may take to agree on it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who is woken when effects change.
#[derive(Default)]
pub struct Seat(RefCell<Option<Waker>>);

impl Seat {
    pub fn wake(&self) {
        if let Some(waker) = self.0.borrow_mut().take() {
            waker.wake();
        }
    }

    fn sit(&self, cx: &Context<'_>) {
        let mut waker = self.0.borrow_mut();
        match &*waker {
            Some(own) if own.will_wake(cx.waker()) => {}
            _ => *waker = Some(cx.waker().clone()),
        }
    }
}

/// How a connection ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    /// By one side or by an effect: the other learns it as it is.
    Reset,
}

/// What is the same for both directions.
struct Shared {
    path: Rc<Way>,
    seat: Rc<Seat>,
    /// The state of the link's effects that this connection knows.
    version: Option<u64>,
    mine: Vec<Mine>,
    draws: Draws,
    /// Up and down.
    is_cut: [bool; 2],
    exchanges: Option<Exchanges>,
}

/// Serves a client until the connection is over.
pub async fn serve(path: Rc<Way>, seat: Rc<Seat>, client: TcpStream, number: u64) {
    let draws = Draws::new(path.seed, path.index, number);
    let exchanges = path.http.then(Exchanges::new);
    let mut own = Shared { path, seat, version: None, mine: Vec::new(), draws, is_cut: [false; 2], exchanges };
    let server = match own.reach(&client).await {
        Ok(server) => server,
        // As if nobody had listened.
        Err(()) => return drop(client.set_zero_linger()),
    };
    let Some(server) = server else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut client, mut server) = match own.path.ends() {
        None => (Side::Plain(client), Side::Plain(server)),
        Some(ends) => {
            let spare = [spare(&client), spare(&server)];
            match own.agree(Box::pin(ends.agree(client, server))).await {
                Ok(Some(both)) => both,
                Ok(None) => return,
                Err(()) => return spare.into_iter().flatten().for_each(reset),
            }
        }
    };
    let mut lanes = [Lane::new(0), Lane::new(1)];
    let mut pipes = [None, None];
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    let end = poll_fn(|cx| own.poll((&mut client, &mut server), &mut lanes, &mut pipes, &mut timer, cx)).await;
    if end == End::Reset {
        let _ = (client.tcp().set_zero_linger(), server.tcp().set_zero_linger());
    }
}

impl Shared {
    /// Takes up what changed on the link. `Err` where that ends the connection.
    fn follow(&mut self) -> Result<bool, ()> {
        if self.version == Some(self.path.version.get()) {
            return Ok(false);
        }
        self.version = Some(self.path.version.get());
        let active = self.path.active.borrow();
        self.mine.retain(|own| active.iter().any(|other| other.id == own.active.id));
        let cuts = |way: usize| active.iter().any(|active| active.effect == Effect::Partition && active.ways[way]);
        self.is_cut = [cuts(0), cuts(1)];
        let known: Vec<EffectId> = self.mine.iter().map(|own| own.active.id).collect();
        let mut is_reset = false;
        for active in active.iter().filter(|active| !known.contains(&active.id)) {
            let own = Mine::new(active.clone());
            let hit = match active.effect {
                Effect::Refuse => true,
                Effect::Reset { share, after } => self.draws.hits(share) && own.resets(after, Instant::now()),
                _ => false,
            };
            if hit {
                own.touch(0);
            }
            is_reset |= hit;
            self.mine.push(own);
        }
        // What they do does not rest on which began first.
        self.mine.sort_by_key(Mine::order);
        if is_reset { Err(()) } else { Ok(true) }
    }

    /// Whether its time has come to be reset, and otherwise when that is.
    fn last_instant(&self) -> Result<Option<Instant>, ()> {
        let first = self.mine.iter().filter_map(|own| Some((own.due()?, own))).min_by_key(|(due, _)| *due);
        match first {
            Some((due, own)) if due <= Instant::now() => {
                own.touch(0);
                Err(())
            }
            first => Ok(first.map(|(due, _)| due)),
        }
    }

    /// Connects to where the link leads, once effects let it. `None` where the client is gone before that.
    async fn reach(&mut self, client: &TcpStream) -> Result<Option<TcpStream>, ()> {
        loop {
            self.follow()?;
            self.last_instant()?;
            // No connection is made of what passes in one direction alone.
            if self.is_cut != [false; 2] {
                self.touch_cut(None, || waiting(client));
                // Who gave up before the other side was ever reached leaves nothing behind.
                if client
                    .ready(tokio::io::Interest::READABLE | tokio::io::Interest::WRITABLE)
                    .await
                    .map_err(drop)?
                    .is_read_closed()
                {
                    return Ok(None);
                }
                self.changed_within(GONE).await;
                continue;
            }
            let to = self.path.next().ok_or(())?;
            let server = TcpStream::connect(to).await.map_err(drop)?;
            self.follow()?;
            return Ok(Some(server));
        }
    }

    /// A handshake that what is in force holds and resets. `None` where the connection is over.
    async fn agree(
        &mut self,
        mut handshake: Pin<Box<impl Future<Output = Option<(Side, Side)>>>>,
    ) -> Result<Option<(Side, Side)>, ()> {
        // Latency holds it for one round trip, as many as a handshake of TLS 1.3 has.
        let round_trip = self.round_trip();
        let mut begins = Instant::now() + round_trip;
        let mut cut_since = None;
        let mut timer = Box::pin(tokio::time::sleep(round_trip));
        poll_fn(|cx| {
            self.seat.sit(cx);
            let changed = self.follow()?;
            let due = self.last_instant()?;
            let now = Instant::now();
            if changed && !self.mine.iter().any(|own| matches!(own.active.effect, Effect::Latency { .. })) {
                begins = begins.min(now);
            }
            if self.is_cut != [false; 2] {
                self.touch_cut(None, || 0);
                cut_since = cut_since.or(Some(now));
            } else {
                // Time in which nothing passes is not its own.
                begins += cut_since.take().map_or(Duration::ZERO, |since| now - since);
                if now >= begins
                    && let Poll::Ready(both) = handshake.as_mut().poll(cx)
                {
                    return Poll::Ready(Ok(both));
                }
                if now >= begins + PATIENCE {
                    return Poll::Ready(Ok(None));
                }
            }
            let next = if now < begins { begins } else { begins + PATIENCE };
            let wake = Some(next).filter(|_| cut_since.is_none()).into_iter().chain(due).min();
            let Some(at) = wake else { return Poll::Pending };
            timer.as_mut().reset(at.into());
            if timer.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await
    }

    /// How long what goes up and its answer are held together.
    fn round_trip(&self) -> Duration {
        let held = |own: &Mine| {
            let Effect::Latency { by, jitter } = own.active.effect else { return Duration::ZERO };
            own.touch(0);
            let ways = own.active.ways.iter().filter(|acts| **acts);
            ways.map(|_| self.draws.around(by, jitter)).sum()
        };
        self.mine.iter().map(held).sum()
    }

    /// Until effects change, or some time has passed.
    async fn changed_within(&self, most: Duration) {
        let changed = poll_fn(|cx| {
            self.seat.sit(cx);
            if self.version == Some(self.path.version.get()) { Poll::Pending } else { Poll::Ready(()) }
        });
        let _ = tokio::time::timeout(most, changed).await;
    }

    /// Something waits that a partition keeps from passing: noted once.
    fn touch_cut(&self, way: Option<usize>, bytes: impl FnOnce() -> usize) {
        let is_of_it = |own: &&Mine| way.is_none_or(|way| own.active.ways[way]);
        let mut cuts = self.mine.iter().filter(|own| own.active.effect == Effect::Partition).filter(is_of_it);
        if let Some(own) = cuts.find(|own| !own.is_counted()) {
            own.touch(bytes());
        }
    }

    fn poll(
        &mut self,
        (client, server): (&mut Side, &mut Side),
        lanes: &mut [Lane; 2],
        pipes: &mut [Option<Pipe>; 2],
        timer: &mut Option<Pin<Box<Sleep>>>,
        cx: &mut Context<'_>,
    ) -> Poll<End> {
        self.seat.sit(cx);
        match self.follow() {
            Ok(true) => {
                lanes.iter_mut().for_each(|lane| lane.release(&self.mine));
                // What is under way in the kernel comes back to where effects see it.
                for (way, pipe) in pipes.iter_mut().enumerate() {
                    if let Some(pipe) = pipe.take_if(|_| !self.mine.is_empty()) {
                        let taken = pipe.taken;
                        pipe.drain(|bytes| lanes[way].keep(bytes));
                        let [up, down] = &mut *lanes;
                        self.passed(taken, (up, down), way == 0);
                    }
                }
            }
            Ok(false) => {}
            Err(()) => return Poll::Ready(End::Reset),
        }
        loop {
            let Ok(mut wake) = self.last_instant() else { return Poll::Ready(End::Reset) };
            let [up, down] = &mut *lanes;
            let [pipe_up, pipe_down] = &mut *pipes;
            let mut moved = false;
            for step in [
                self.step((client, server), (up, down), pipe_up, true, cx),
                self.step((server, client), (down, up), pipe_down, false, cx),
            ] {
                match step {
                    Advance::Moved => moved = true,
                    Advance::Waits(at) => wake = at.into_iter().chain(wake).min(),
                    Advance::Reset => return Poll::Ready(End::Reset),
                }
            }
            if lanes.iter().all(|lane| lane.closed) {
                return Poll::Ready(End::Closed);
            }
            if moved {
                continue;
            }
            // What a side has taken it may still hold, encrypted.
            for side in [&mut *client, &mut *server] {
                if let Poll::Ready(Err(_)) = Pin::new(side).poll_flush(cx) {
                    return Poll::Ready(End::Reset);
                }
            }
            let Some(at) = wake else { return Poll::Pending };
            let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at.into())));
            timer.as_mut().reset(at.into());
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Does in one direction what can be done now; `other` is the lane back.
    fn step(
        &mut self,
        (from, to): (&mut Side, &mut Side),
        (lane, other): (&mut Lane, &mut Lane),
        pipe: &mut Option<Pipe>,
        is_up: bool,
        cx: &mut Context<'_>,
    ) -> Advance {
        let way = usize::from(!is_up);
        if self.is_cut[way] {
            // A socket may be called ready with nothing in it, so what counts is what can be looked at.
            let mut first = [0];
            let held = !lane.is_empty()
                || lane.end.is_some()
                || from.tcp().poll_peek(cx, &mut ReadBuf::new(&mut first)).is_ready();
            if held && !lane.closed {
                self.touch_cut(Some(way), || lane.bytes + waiting(from.tcp()));
            }
            return Advance::Waits(None);
        }
        let mut moved = false;
        if let Some(own) = pipe {
            match own.pump(from.tcp(), to.tcp(), cx) {
                Poll::Pending => return Advance::Waits(None),
                Poll::Ready(Ok(true)) => return Advance::Moved,
                // What is left is less than a pipe is worth, or the end.
                Poll::Ready(Ok(false)) => {
                    let taken = own.taken;
                    *pipe = None;
                    let (up, down) = if is_up { (&mut *lane, &mut *other) } else { (&mut *other, &mut *lane) };
                    self.passed(taken, (up, down), is_up);
                }
                Poll::Ready(Err(_)) => return Advance::Reset,
            }
        }
        loop {
            let next = match lane.send(to, &self.mine, cx) {
                Sent::Broken => return Advance::Reset,
                Sent::At(at) => Some(at),
                Sent::All | Sent::Full => None,
            };
            let full = lane.bytes >= ROOM || (self.mine.is_empty() && !lane.is_empty());
            if lane.end.is_some() || full {
                return if moved { Advance::Moved } else { Advance::Waits(next) };
            }
            let path = self.path.clone();
            let buffer = &mut **path.buffer.borrow_mut();
            let mut read = ReadBuf::new(buffer);
            match Pin::new(&mut *from).poll_read(cx, &mut read) {
                Poll::Pending => return if moved { Advance::Moved } else { Advance::Waits(next) },
                Poll::Ready(Err(_)) => return Advance::Reset,
                Poll::Ready(Ok(())) => {}
            }
            moved = true;
            let came = read.filled();
            if came.is_empty() {
                let held = self.exchanges.as_mut().filter(|_| is_up).map(Exchanges::no_more);
                lane.take(held.unwrap_or_default(), Instant::now(), None, &self.mine, &self.draws);
                lane.finish(Instant::now(), &self.mine, &self.draws);
                continue;
            }
            let plain = self.exchanges.as_ref().map_or(u64::MAX, |exchanges| exchanges.plain(is_up));
            let passes = plain.min(came.len() as u64) as usize;
            if !self.mine.is_empty() || passes == 0 {
                match self.exchanges.is_some() {
                    true => self.exchange(came, (&mut *lane, &mut *other), is_up),
                    false => lane.take(came.to_vec(), Instant::now(), None, &self.mine, &self.draws),
                }
                continue;
            }
            match Pin::new(&mut *to).poll_write(cx, &came[..passes]) {
                Poll::Pending => lane.keep(&came[..passes]),
                Poll::Ready(Ok(0) | Err(_)) => return Advance::Reset,
                Poll::Ready(Ok(sent)) => lane.keep(&came[sent..passes]),
            }
            let (up, down) = if is_up { (&mut *lane, &mut *other) } else { (&mut *other, &mut *lane) };
            self.passed(passes as u64, (up, down), is_up);
            if passes < came.len() {
                self.exchange(&came[passes..], (&mut *lane, &mut *other), is_up);
                continue;
            }
            // Who fills a whole buffer has more: from here on the kernel moves it by itself.
            let left = plain - passes as u64;
            let both_plain = from.is_plain() && to.is_plain();
            if both_plain && passes == path.buffer_size && lane.is_empty() && left >= WORTH {
                *pipe = Pipe::open(left);
                if pipe.is_some() {
                    return Advance::Moved;
                }
            }
        }
    }

    /// Takes in what came on a link of HTTP.
    fn exchange(&mut self, came: &[u8], (lane, other): (&mut Lane, &mut Lane), is_up: bool) {
        let Some(exchanges) = &mut self.exchanges else { return };
        let mut out = Vec::new();
        match is_up {
            true => exchanges.asked(came, &self.mine, &self.draws, &mut out),
            false => exchanges.answered(came, &mut out),
        }
        self.deliver(out, if is_up { (lane, other) } else { (other, lane) });
    }

    /// Takes note of bytes of a body that have passed by themselves.
    fn passed(&mut self, bytes: u64, lanes: (&mut Lane, &mut Lane), is_up: bool) {
        let Some(exchanges) = &mut self.exchanges else { return };
        let mut out = Vec::new();
        exchanges.passed(bytes, is_up, &mut out);
        self.deliver(out, lanes);
    }

    fn deliver(&mut self, out: Vec<Out>, (up, down): (&mut Lane, &mut Lane)) {
        if out.is_empty() {
            return;
        }
        let now = Instant::now();
        for part in out {
            match part {
                Out::Up(bytes, held) => up.take(bytes, now, held, &self.mine, &self.draws),
                Out::Down(bytes) => down.take(bytes, now, None, &self.mine, &self.draws),
                Out::Close if down.end.is_none() => down.finish(now, &self.mine, &self.draws),
                Out::Close => {}
            }
        }
    }
}

enum Advance {
    Moved,
    Waits(Option<Instant>),
    Reset,
}

/// The same socket, which can be reset while somebody else has it.
#[cfg(unix)]
fn spare(stream: &TcpStream) -> Option<std::os::fd::OwnedFd> {
    std::os::fd::AsFd::as_fd(stream).try_clone_to_owned().ok()
}

#[cfg(unix)]
fn reset(socket: std::os::fd::OwnedFd) {
    let _ = rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO));
    drop(socket);
}

#[cfg(not(unix))]
fn spare(_: &TcpStream) -> Option<()> {
    None
}

#[cfg(not(unix))]
fn reset((): ()) {}

/// How many bytes a socket holds that nobody has read.
#[cfg(unix)]
fn waiting(stream: &TcpStream) -> usize {
    rustix::io::ioctl_fionread(stream).map_or(0, |bytes| bytes as usize)
}

#[cfg(not(unix))]
fn waiting(_: &TcpStream) -> usize {
    0
}
