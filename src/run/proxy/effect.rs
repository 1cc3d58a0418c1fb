//! Effects on the traffic of a link, and counts of what they touched.

use crate::measure::Proof;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

/// What a connection lives through before it is reset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum After {
    /// In both directions together.
    Bytes(u64),
    Time(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// Nothing passes; what was sent is held where it is, unread.
    Partition,
    /// Every connection is reset.
    Refuse,
    /// What passes is held so long.
    Latency { by: Duration, jitter: Duration },
    /// Bytes a second, over all connections, in each direction by itself.
    Bandwidth { rate: f64 },
    /// A share of the connections is reset, each after what it may live through.
    Reset { share: f64, after: Option<After> },
    /// The end of a stream passes so much later than what came before it.
    SlowClose { by: Duration },
    /// The most bytes in a write.
    Slice { size: usize },
    /// A share of the pieces has a wrong byte.
    Corrupt { share: f64 },
    /// A share of the requests is answered here, with this status.
    HttpError { status: u16, share: f64 },
    /// A share of the requests is held so long.
    HttpDelay { by: Duration, share: f64 },
}

impl Effect {
    /// Whether it is of requests, so that links of bytes know nothing of it.
    pub fn is_of_requests(&self) -> bool {
        match self {
            Effect::HttpError { .. } | Effect::HttpDelay { .. } => true,
            Effect::Partition | Effect::Refuse | Effect::Latency { .. } | Effect::Bandwidth { .. } => false,
            Effect::Reset { .. } | Effect::SlowClose { .. } | Effect::Slice { .. } | Effect::Corrupt { .. } => false,
        }
    }

    /// The place at which what passes meets it, whichever of several began first: a request that is answered here is held no
    /// more, and a wrong byte is in it before it is held, cut into pieces and let pass at its speed.
    fn order(&self) -> u8 {
        match self {
            Effect::Partition | Effect::Refuse => 0,
            Effect::HttpError { .. } => 1,
            Effect::HttpDelay { .. } => 2,
            Effect::Corrupt { .. } => 3,
            Effect::Latency { .. } | Effect::SlowClose { .. } => 4,
            Effect::Slice { .. } => 5,
            Effect::Bandwidth { .. } => 6,
            Effect::Reset { .. } => 7,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EffectId(pub u64);

/// For how long an effect holds what passes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hold {
    pub of: EffectId,
    pub by: Duration,
}

/// An effect that is in force on a link.
pub struct InForce {
    pub id: EffectId,
    pub effect: Effect,
    /// Whether it acts on what goes up, and on what comes down.
    pub ways: [bool; 2],
    pub proof: Cell<Proof>,
    /// Of a bandwidth: when the next byte may pass, up and down.
    pub free: [Cell<Option<Instant>>; 2],
}

impl InForce {
    pub fn new(id: EffectId, effect: Effect, ways: [bool; 2]) -> InForce {
        InForce { id, effect, ways, proof: Cell::default(), free: Default::default() }
    }

    fn count(&self, change: impl FnOnce(&mut Proof)) {
        let mut proof = self.proof.get();
        change(&mut proof);
        self.proof.set(proof);
    }
}

/// An effect as one connection has it.
pub struct Mine {
    pub active: std::rc::Rc<InForce>,
    counted: Cell<bool>,
    /// What this connection lives through before it is reset.
    left: Cell<Left>,
}

/// Until when a connection lives that a reset has chosen.
#[derive(Clone, Copy)]
enum Left {
    /// It was not chosen.
    Spared,
    Bytes(u64),
    Until(Instant),
}

impl Mine {
    pub fn new(active: std::rc::Rc<InForce>) -> Mine {
        Mine { active, counted: Cell::new(false), left: Cell::new(Left::Spared) }
    }

    /// Whether it acts on this direction, and what it does there.
    pub fn on(&self, way: usize) -> Option<Effect> {
        self.active.ways[way].then_some(self.active.effect)
    }

    pub fn order(&self) -> u8 {
        self.active.effect.order()
    }

    /// This connection is reset after that; whether at once.
    pub fn resets(&self, after: Option<After>, now: Instant) -> bool {
        match after {
            None => return true,
            Some(After::Bytes(bytes)) => self.left.set(Left::Bytes(bytes)),
            Some(After::Time(time)) => self.left.set(Left::Until(now + time)),
        }
        false
    }

    /// When it is reset, where that is an instant.
    pub fn due(&self) -> Option<Instant> {
        if let Left::Until(at) = self.left.get() { Some(at) } else { None }
    }

    /// How many bytes may pass before it is reset.
    pub fn bytes_left(&self) -> Option<u64> {
        if let Left::Bytes(bytes) = self.left.get() { Some(bytes) } else { None }
    }

    /// So many have passed; whether it is reset now.
    pub fn passed(&self, sent: usize) -> bool {
        let Left::Bytes(left) = self.left.get() else { return false };
        let left = left.saturating_sub(sent as u64);
        self.left.set(Left::Bytes(left));
        if left == 0 {
            self.touch(0);
        }
        left == 0
    }

    pub fn is_counted(&self) -> bool {
        self.counted.get()
    }

    /// Counts bytes of this connection that were touched.
    pub fn touch(&self, bytes: usize) {
        let first = !self.counted.replace(true);
        self.active.count(|proof| {
            proof.connections += u64::from(first);
            proof.bytes += bytes as u64;
        });
    }

    pub fn touch_request(&self) {
        self.touch(0);
        self.active.count(|proof| proof.requests += 1);
    }
}

/// The draws of one connection: keyed by the seed, the link and the number of the connection, so that they are the same
/// whatever the others do.
pub struct Draws(RefCell<ChaCha8Rng>);

/// What tells these streams from those of loads.
const LINKS: u64 = 1 << 62;

impl Draws {
    pub fn new(seed: u64, link: usize, connection: u64) -> Draws {
        let mut key = [0u8; 32];
        for (part, value) in key.chunks_exact_mut(8).zip([seed, link as u64, connection, LINKS]) {
            part.copy_from_slice(&value.to_le_bytes());
        }
        Draws(RefCell::new(ChaCha8Rng::from_seed(key)))
    }

    /// Uniform in [0, 1).
    pub fn fraction(&self) -> f64 {
        (self.0.borrow_mut().next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn hits(&self, share: f64) -> bool {
        self.fraction() < share
    }

    /// A number below a bound.
    pub fn below(&self, bound: usize) -> usize {
        (self.fraction() * bound as f64) as usize
    }

    /// `by`, more or less by at most `jitter`, and not before now.
    pub fn around(&self, by: Duration, jitter: Duration) -> Duration {
        let drawn = by.as_secs_f64() + jitter.as_secs_f64() * (2.0 * self.fraction() - 1.0);
        if jitter.is_zero() { by } else { Duration::from_secs_f64(drawn.max(0.0)) }
    }
}
