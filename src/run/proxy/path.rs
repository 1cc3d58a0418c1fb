//! One link: where it listens and leads, the effects in force, and who goes through it.

use super::connection::{Seat, serve};
use super::effect::{Effect, EffectId, InForce};
use super::side::Ends;
use crate::measure::Proof;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::TcpListener;

/// As much as one read takes from the kernel.
pub const BUFFER: usize = 64 * 1024;

pub struct Way {
    pub index: usize,
    pub seed: u64,
    pub http: bool,
    /// None until what it leads to has an address; of several each in its turn.
    to: RefCell<Vec<SocketAddr>>,
    turn: Cell<usize>,
    /// Of a link that ends TLS.
    ends: RefCell<Option<Rc<Ends>>>,
    pub active: RefCell<Vec<Rc<InForce>>>,
    /// Another number with each change of effects. A connection looks at it before every byte, so a change is one for all
    /// of them, those that are not accepted yet included.
    pub version: Cell<u64>,
    seats: RefCell<HashMap<u64, Rc<Seat>>>,
    /// One for all connections of all links, so that it stays in the cache.
    pub buffer: Rc<RefCell<Box<[u8]>>>,
    pub buffer_size: usize,
}

impl Way {
    pub fn new(index: usize, seed: u64, http: bool, buffer: Rc<RefCell<Box<[u8]>>>) -> Way {
        Way {
            index,
            seed,
            http,
            to: RefCell::default(),
            turn: Cell::new(0),
            ends: RefCell::default(),
            active: RefCell::default(),
            version: Cell::new(0),
            seats: RefCell::default(),
            buffer,
            buffer_size: BUFFER,
        }
    }

    pub fn lead(&self, to: Vec<SocketAddr>) {
        *self.to.borrow_mut() = to;
    }

    pub fn terminate(&self, ends: Ends) {
        *self.ends.borrow_mut() = Some(Rc::new(ends));
    }

    /// How the next connection ends TLS, where it does.
    pub fn ends(&self) -> Option<Rc<Ends>> {
        self.ends.borrow().clone()
    }

    /// Where the next connection leads.
    pub fn next(&self) -> Option<SocketAddr> {
        let to = self.to.borrow();
        let turn = self.turn.replace(self.turn.get().wrapping_add(1));
        to.get(turn % to.len().max(1)).copied()
    }

    pub fn apply(&self, id: EffectId, effect: Effect, ways: [bool; 2]) {
        self.active.borrow_mut().push(Rc::new(InForce::new(id, effect, ways)));
        self.changed();
    }

    /// What it had touched; none where it was not in force.
    pub fn withdraw(&self, id: EffectId) -> Option<Proof> {
        let mut active = self.active.borrow_mut();
        let place = active.iter().position(|active| active.id == id)?;
        let gone = active.remove(place);
        drop(active);
        self.changed();
        Some(gone.proof.get())
    }

    pub fn proof(&self, id: EffectId) -> Option<Proof> {
        self.active.borrow().iter().find(|active| active.id == id).map(|active| active.proof.get())
    }

    fn changed(&self) {
        self.version.set(self.version.get() + 1);
        self.seats.borrow().values().for_each(|seat| seat.wake());
    }

    /// Takes in clients, forever.
    pub async fn listen(self: Rc<Way>, listener: TcpListener) {
        let mut number = 0;
        loop {
            match listener.accept().await {
                Ok((client, _)) => {
                    let (path, seat) = (self.clone(), Rc::new(Seat::default()));
                    self.seats.borrow_mut().insert(number, seat.clone());
                    tokio::task::spawn_local(async move {
                        serve(path.clone(), seat, client, number).await;
                        path.seats.borrow_mut().remove(&number);
                    });
                    number += 1;
                }
                // Without a descriptor left: whoever wants to connect waits, as with any server.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
}
