//! Which connection carries a stream: those of a worker by target and, where each user has one, by user.

use super::link::Link;
use crate::engine::flow::attempt::Attempt;
use crate::engine::http::host::Host;
use crate::engine::pace::budget::Unanswered;
use crate::engine::pool::{PoolKey, ours};
use crate::engine::stream::Opening;
use crate::measure::Failure;
use crate::plan::{Connections, Http2, Target};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::Notify;

/// Connections that serve the same requests.
#[derive(Default)]
struct Group {
    links: RefCell<Vec<Rc<Link>>>,
    /// One is being opened, for which others wait instead of opening theirs.
    opening: Cell<bool>,
    /// A stream has ended, or a connection is there or gone.
    changed: Notify,
}

/// The connections of a worker to targets that speak HTTP/2.
pub struct Links {
    /// By target: shared by all.
    shared: Vec<Rc<Group>>,
    /// How many connections of a pool are this worker's.
    pools: Vec<Option<u64>>,
    /// Of users who have one each.
    users: RefCell<BTreeMap<PoolKey, Rc<Group>>>,
}

/// A stream of a connection, until it is dropped.
pub struct Lease {
    link: Rc<Link>,
    group: Rc<Group>,
    was_used: bool,
}

impl Links {
    /// For one of several workers that share what the run allows, by its place among them.
    pub fn new(targets: &[Target], place: u64, parts: u64) -> Links {
        Links {
            shared: targets.iter().map(|_| Rc::default()).collect(),
            pools: targets.iter().map(|target| ours(target, place, parts)).collect(),
            users: RefCell::default(),
        }
    }

    /// A user does not come back.
    pub fn forget(&self, load: usize, user: u64) {
        let mut users = self.users.borrow_mut();
        if !users.is_empty() {
            users.retain(|(own, who, _), _| (*own, *who) != (load, user));
        }
    }

    /// Those that may carry a request, and how many of them there may be.
    fn group(&self, key: PoolKey, shared: Option<Connections>, is_user: bool) -> (Rc<Group>, u64) {
        let of_user = || (self.users.borrow_mut().entry(key).or_default().clone(), 1);
        match shared {
            Some(Connections::PerRequest) => (Rc::default(), 1),
            Some(Connections::PerUser) => of_user(),
            Some(Connections::Pool(_)) => (self.shared[key.2].clone(), self.pools[key.2].unwrap_or(1)),
            // A session of a closed load is a user.
            None if is_user => of_user(),
            None => (self.shared[key.2].clone(), u64::MAX),
        }
    }

    /// A stream on a connection that has room for it. One is opened where that is allowed, or waited for.
    pub async fn lease(
        &self,
        (key, is_user): (PoolKey, bool),
        host: &Host,
        http2: Http2,
        attempt: &mut Attempt,
    ) -> Result<Lease, Unanswered> {
        let (group, most) = self.group(key, host.connections, is_user);
        loop {
            if let Some(lease) = group.free(http2.streams) {
                attempt.goes_to(key.2, lease.link.number);
                return Ok(lease);
            }
            let count = group.links.borrow().len() as u64;
            if count < most && !group.opening.get() {
                // Seldom, and larger than what a request needs.
                let opened = Box::pin(group.open(host, (key.0, key.1), attempt)).await;
                return Ok(opened?);
            }
            let left = attempt.left(attempt.worker.timers.clock.now());
            if tokio::time::timeout(left, group.changed.notified()).await.is_err() {
                return Err(Failure::Timeout.into());
            }
        }
    }
}

impl Group {
    /// A stream on the first connection with room, so that few are busy rather than all a little.
    fn free(self: &Rc<Group>, most: u64) -> Option<Lease> {
        let mut links = self.links.borrow_mut();
        links.retain(|link| !link.is_gone());
        let link = links.iter().find(|link| link.has_room(most))?;
        Some(Lease::of(link.clone(), self.clone()))
    }

    async fn open(self: &Rc<Group>, host: &Host, who: (usize, u64), attempt: &mut Attempt) -> Result<Lease, Failure> {
        let opening = OpeningGuard::of(self);
        let mut took = Opening::default();
        let worker = attempt.worker.clone();
        let clock = &worker.timers.clock;
        let told = Rc::downgrade(self);
        let ended = move || {
            if let Some(group) = told.upgrade() {
                group.changed.notify_waiters();
            }
        };
        let left = attempt.left(clock.now());
        let opened = Link::open(host, who, (left, clock), &mut took, ended).await;
        attempt.connected(took);
        let link = Rc::new(opened.map_err(|broken| attempt.broke(broken))?);
        attempt.goes_to(attempt.target, link.number);
        self.links.borrow_mut().push(link.clone());
        drop(opening);
        Ok(Lease::of(link, self.clone()))
    }
}

/// While it is there, others wait; then they look again, whatever came of it.
struct OpeningGuard<'g>(&'g Group);

impl<'g> OpeningGuard<'g> {
    fn of(group: &'g Group) -> OpeningGuard<'g> {
        group.opening.set(true);
        OpeningGuard(group)
    }
}

impl Drop for OpeningGuard<'_> {
    fn drop(&mut self) {
        self.0.opening.set(false);
        self.0.changed.notify_waiters();
    }
}

impl Lease {
    fn of(link: Rc<Link>, group: Rc<Group>) -> Lease {
        link.taken.set(link.taken.get() + 1);
        let was_used = link.used.get();
        Lease { link, group, was_used }
    }

    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Whether its connection had carried an answer before.
    pub fn was_used(&self) -> bool {
        self.was_used
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.link.taken.set(self.link.taken.get().saturating_sub(1));
        self.group.changed.notify_one();
    }
}
