//! Connections between two exchanges: whose they are, and where they wait for the next one.

use super::worker::Worker;
use crate::measure::Failure;
use crate::plan::{Connections, Target};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// In a closed load a session is a user, who keeps a connection to each target where the target says nothing else.
pub type Owned<C> = Option<Vec<Option<C>>>;

/// A connection that waits for its next exchange.
pub trait Pooled {
    /// As far as can be told without asking the server.
    fn is_open(&mut self) -> bool;
}

/// Load, user and target.
pub type PoolKey = (usize, u64, usize);

/// The connections of a worker.
pub struct Pool<C> {
    /// Idle ones that are shared, by target.
    idle: RefCell<Vec<Vec<C>>>,
    /// Of those who make the arrivals of an open load, where each has one.
    users: RefCell<BTreeMap<PoolKey, C>>,
    /// Of targets with a pool: how many connections of it are ours.
    places: Vec<Option<Semaphore>>,
}

impl<C: Pooled> Pool<C> {
    /// For one of several workers that share what the run allows, by its place among them.
    pub fn new(targets: &[Target], place: u64, parts: u64) -> Pool<C> {
        Pool {
            idle: RefCell::new(targets.iter().map(|_| Vec::new()).collect()),
            users: RefCell::default(),
            places: targets.iter().map(|target| ours(target, place, parts).map(places)).collect(),
        }
    }

    /// A pool that is used up is waited for, as a client with such a pool would.
    pub async fn place(&self, target: usize, allowed: Duration) -> Result<Option<SemaphorePermit<'_>>, Failure> {
        let Some(Some(places)) = self.places.get(target) else { return Ok(None) };
        if let Ok(place) = places.try_acquire() {
            return Ok(Some(place));
        }
        match tokio::time::timeout(allowed, places.acquire()).await {
            // The semaphore is never closed.
            Ok(place) => Ok(place.ok()),
            Err(_) => Err(Failure::Timeout),
        }
    }

    /// A connection that is there already, by how the target shares them. What the server has closed meanwhile is
    /// no connection any more.
    pub fn take(&self, own: &mut Owned<C>, key: PoolKey, shared: Option<Connections>) -> Option<C> {
        loop {
            let found = match (shared, &mut *own) {
                (Some(Connections::PerRequest), _) => None,
                (None | Some(Connections::PerUser), Some(own)) => own[key.2].take(),
                (Some(Connections::PerUser), None) => self.users.borrow_mut().remove(&key),
                (None, None) | (Some(Connections::Pool(_)), _) => self.idle.borrow_mut()[key.2].pop(),
            };
            match found {
                Some(mut connection) => {
                    if connection.is_open() {
                        return Some(connection);
                    }
                }
                None => return None,
            }
        }
    }

    pub fn keep(&self, own: &mut Owned<C>, key: PoolKey, shared: Option<Connections>, kept: C) {
        match (shared, own) {
            (Some(Connections::PerRequest), _) => {}
            (None | Some(Connections::PerUser), Some(own)) => own[key.2] = Some(kept),
            (Some(Connections::PerUser), None) => drop(self.users.borrow_mut().insert(key, kept)),
            (None, None) | (Some(Connections::Pool(_)), _) => self.idle.borrow_mut()[key.2].push(kept),
        }
    }

    /// A place is given back later than its exchange ends.
    pub fn gives_back(&self, target: usize) {
        if let Some(Some(places)) = self.places.get(target) {
            places.add_permits(1);
        }
    }

    /// Closes those of a user who does not come back.
    pub fn forget(&self, load: usize, user: u64) {
        let mut users = self.users.borrow_mut();
        if !users.is_empty() {
            for target in 0..self.places.len() {
                users.remove(&(load, user, target));
            }
        }
    }
}

/// None kept yet, of a session that keeps them.
pub fn own<C>(worker: &Worker, is_user: bool) -> Owned<C> {
    is_user.then(|| worker.plan.targets.iter().map(|_| None).collect())
}

/// Our share of a pool that is as large as the whole run allows; never nothing, so that nobody waits for ever.
pub fn ours(target: &Target, place: u64, parts: u64) -> Option<u64> {
    let Some(Connections::Pool(size)) = target.connections else { return None };
    let ours = size / parts + u64::from(place < size % parts);
    Some(ours.max(1))
}

fn places(ours: u64) -> Semaphore {
    Semaphore::new(ours.min(Semaphore::MAX_PERMITS as u64) as usize)
}
