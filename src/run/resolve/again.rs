//! Names that are looked up again during a load, in parallel to the workers, which use the newest answer for new connections.

use crate::base::hosts::Host;
use crate::engine::http::host::{Found, addresses};
use crate::engine::pace::clock::Clock;
use crate::measure::{Event, Numbered};
use crate::plan::{Dns, Plan};
use crate::run::proxy;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc as blocking;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The host of a target with a `dns:`.
#[derive(Debug)]
pub struct TargetName {
    pub target: usize,
    pub name: String,
    pub port: u16,
    pub dns: Dns,
    /// The link that stands before the target, which leads there.
    pub link: Option<usize>,
    pub tell: watch::Sender<Found>,
    pub numbered: Numbered,
}

impl TargetName {
    pub fn new(target: usize, (name, port): (String, u16), dns: Dns, first: &[SocketAddr]) -> TargetName {
        let mut numbered = Numbered::default();
        let (tell, _) = watch::channel(with_numbers(first, &mut numbered));
        TargetName { target, name, port, dns, link: None, tell, numbered }
    }

    /// What a resolver is not asked for stays as it is.
    fn is_looked_up(&self) -> bool {
        let host = Host::new(&self.name, Some(self.port));
        host.name.parse::<std::net::IpAddr>().is_err() && self.dns.resolved(&host).is_none()
    }
}

/// The names of a run that goes on. Each has a thread of its own, since a resolver may be slow; it ends after the lookup that it is at, and
/// nobody waits for that.
pub struct Lookups {
    told: mpsc::UnboundedReceiver<Event>,
    /// Dropped, it ends them.
    _until: Vec<blocking::Sender<()>>,
}

impl Lookups {
    pub fn start(plan: &Plan, named: Vec<TargetName>, links: &proxy::Control, clock: Clock) -> io::Result<Lookups> {
        let (tell, told) = mpsc::unbounded_channel();
        let mut until = Vec::new();
        for named in named {
            let first: Vec<SocketAddr> = named.tell.borrow().iter().map(|(address, _)| *address).collect();
            let _ = tell.send(Event::Resolved { target: named.target, at: 0, addresses: first });
            let Some(every) = named.dns.every.filter(|_| named.is_looked_up()) else { continue };
            let (end, ended) = blocking::channel();
            until.push(end);
            let name = plan.targets.get(named.target).map_or_else(String::new, |target| target.name.clone());
            let own = Lookup { named, name, links: links.clone(), clock, tell: tell.clone(), failing: false };
            let work = move || own.until(&ended, Duration::from_nanos(every));
            std::thread::Builder::new().name("resolve".to_owned()).spawn(work)?;
        }
        Ok(Lookups { told, _until: until })
    }

    /// What was found next; none where nothing is looked up.
    pub async fn next(&mut self) -> Option<Event> {
        self.told.recv().await
    }
}

fn with_numbers(found: &[SocketAddr], numbered: &mut Numbered) -> Found {
    found.iter().map(|address| (*address, numbered.number(*address))).collect()
}

/// One of them, on its thread.
struct Lookup {
    named: TargetName,
    /// Of its target.
    name: String,
    links: proxy::Control,
    clock: Clock,
    tell: mpsc::UnboundedSender<Event>,
    /// It was not found the last time, which is told once.
    failing: bool,
}

impl Lookup {
    fn until(mut self, ended: &blocking::Receiver<()>, every: Duration) {
        while let Err(blocking::RecvTimeoutError::Timeout) = ended.recv_timeout(every) {
            let TargetName { name, port, dns, .. } = &self.named;
            let found = addresses(name, *port, Some(dns));
            self.take(found);
        }
    }

    fn stands(&self, found: &[SocketAddr]) -> bool {
        self.named.tell.borrow().iter().map(|(address, _)| address).eq(found)
    }

    /// What was found stands until something else is: what is no answer, or none that may be taken, changes nothing.
    fn take(&mut self, found: Result<Vec<SocketAddr>, String>) {
        let at = self.clock.now();
        let event = match found {
            Ok(addresses) if addresses.is_empty() || self.stands(&addresses) => {
                self.failing = false;
                return;
            }
            Ok(addresses) => {
                self.failing = false;
                let found = with_numbers(&addresses, &mut self.named.numbered);
                self.named.tell.send_replace(found);
                if let Some(link) = self.named.link {
                    self.links.lead(link, addresses.clone());
                }
                Event::Resolved { target: self.named.target, at, addresses }
            }
            Err(_) if self.failing => return,
            Err(why) => {
                self.failing = true;
                Event::Problem { problem: format!("`{}` stays where it was: {why}", self.name) }
            }
        };
        let _ = self.tell.send(event);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;

    #[test]
    fn what_is_found_is_taken_and_what_is_not_changes_nothing() {
        let first = [SocketAddr::from(([127, 0, 0, 1], 80))];
        let (told, mut events) = mpsc::unbounded_channel();
        let named = TargetName::new(3, ("shop.test".to_owned(), 80), Dns::default(), &first);
        let found = named.tell.subscribe();
        let stands = || found.borrow().iter().map(|(address, _)| *address).collect::<Vec<_>>();
        assert!(named.is_looked_up());
        let links = proxy::Links::start(&[], 1).unwrap().control();
        let clock = Clock::starting_at(std::time::Instant::now());
        let mut looking = Lookup { named, name: "api".to_owned(), links, clock, tell: told, failing: false };
        let other = vec![SocketAddr::from(([127, 0, 0, 2], 80))];
        looking.take(Ok(stands()));
        assert!(events.try_recv().is_err(), "nothing is new");
        looking.take(Ok(other.clone()));
        let event = events.try_recv().unwrap();
        assert!(matches!(event, Event::Resolved { target: 3, addresses, .. } if addresses == other));
        assert_eq!(found.borrow()[..], [(other[0], 1)]);
        looking.take(Err("nobody answers".to_owned()));
        looking.take(Err("nobody answers".to_owned()));
        looking.take(Ok(Vec::new()));
        let problem = "`api` stays where it was: nobody answers".to_owned();
        assert_eq!(events.try_recv().unwrap(), Event::Problem { problem });
        assert!(events.try_recv().is_err(), "it is told once");
        assert_eq!(stands(), other, "and what was found stands");
        looking.take(Ok(vec![other[0], first[0]]));
        assert_eq!(found.borrow()[..], [(other[0], 1), (first[0], 0)], "each keeps its number");
    }
}
