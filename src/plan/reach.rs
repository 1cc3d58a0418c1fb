//! Where a run reaches: the hosts that get load or faults, and whether they are this machine or allowed.

use super::{Address, Allow, Element, Expr, PartKind, Piece, Plan, ServiceKind, Target, Text};
use crate::base::database::Database;
use crate::base::hosts::{Host, Pattern};
use crate::check::program::Protocol;
// Of core, which opens nothing.
use core::net::IpAddr;

/// A host to which load or faults go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    pub by: Way,
    /// None where a part of its address is known only to the run.
    pub host: Option<Host>,
    pub standing: Standing,
}

/// By which part of the plan, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Target(usize),
    Link(usize),
    /// The proxy of a target.
    Proxy(usize),
    /// The database of a service, which passes on the load that it gets.
    Database(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is this machine.
    Here,
    /// By a line of the file.
    Allowed(usize),
    /// Nobody allowed it, so somebody is asked.
    Unknown,
}

impl Reached {
    /// Its host, for who reads where a plan leads.
    pub fn host(&self) -> String {
        self.host.as_ref().map_or_else(|| "a host that only the run knows".to_owned(), ToString::to_string)
    }

    fn new(by: Way, host: Option<Host>, allowed: &[Allow]) -> Reached {
        let is = |text: &String| match (Pattern::parse(text), &host) {
            (Ok(pattern), Some(host)) => pattern.is(host),
            _ => false,
        };
        let standing = match (&host, allowed.iter().find(|allow| allow.hosts.iter().any(is))) {
            (Some(host), _) if host.is_here() => Standing::Here,
            (_, Some(allow)) => Standing::Allowed(allow.line),
            (_, None) => Standing::Unknown,
        };
        Reached { by, host, standing }
    }
}

impl Plan {
    /// The name of the part by which a host is reached.
    pub fn named(&self, way: Way) -> &str {
        let name = match way {
            Way::Target(index) | Way::Proxy(index) => self.targets.get(index).map(|target| &target.name),
            Way::Link(index) => self.links.get(index).map(|link| &link.name),
            Way::Database(index) => self.services.get(index).map(|service| &service.name),
        };
        name.map_or("", String::as_str)
    }

    /// In the order of the plan. Commands reach whatever they like, and are not among these; nor is what is only looked at.
    pub fn reached(&self) -> Vec<Reached> {
        let targets = self.targets.iter().enumerate().flat_map(|(index, target)| {
            let host = match &target.address {
                Address::Url { host, port, .. } => Some(Host::new(host, Some(*port))),
                // What it leads to is told by the link.
                Address::Link(_) => return Vec::new(),
                Address::Unix { file, .. } => Some(Host { name: file.clone(), port: None }),
                Address::Service(_) => Some(here()),
                // In a file.
                Address::Late(_) if target.protocol == Protocol::Sqlite => Some(here()),
                Address::Late(text) => host_of(text),
            };
            at(target, host).into_iter().map(|host| (Way::Target(index), host)).collect()
        });
        let proxies = self.targets.iter().enumerate();
        let proxies = proxies.filter_map(|(index, target)| Some((Way::Proxy(index), host_of(target.proxy.as_ref()?))));
        // One that was put before a target leads where that is.
        let links = self.links.iter().enumerate().filter(|(_, link)| link.before.is_none());
        let links = links.map(|(index, link)| (Way::Link(index), host_of(&link.to)));
        let databases = self.services.iter().enumerate().filter_map(|(index, service)| match &service.kind {
            ServiceKind::Demo(demo) => {
                let database = demo.database.as_ref()?;
                let is_file = matches!(database.as_slice(), [Piece::Literal(path)] if !path.contains("://"));
                Some((Way::Database(index), if is_file { Some(here()) } else { host_of(database) }))
            }
            ServiceKind::Attach { .. } | ServiceKind::Process { .. } | ServiceKind::Postgres => None,
        });
        let all = targets.chain(proxies).chain(links).chain(databases);
        all.map(|(by, host)| Reached::new(by, host, &self.allowed)).collect()
    }

    /// What a fault acts on the way to.
    pub fn reached_by(&self, element: Element) -> Option<Reached> {
        let way = match element {
            Element::Target(index) => match self.targets.get(index)?.address {
                Address::Link(link) => Way::Link(link),
                _ => Way::Target(index),
            },
            Element::Link(index) => Way::Link(index),
            Element::Service(_) | Element::Host | Element::Command => return None,
        };
        self.reached().into_iter().find(|reached| reached.by == way)
    }

    /// How many requests the loads of our share may send. The parts of all shares add up to the whole.
    pub fn own_budget(&self) -> Option<u64> {
        self.budget().map(|budget| self.share.of(budget))
    }

    /// How many requests the loads of the whole run may send: the least that a line says.
    pub fn budget(&self) -> Option<u64> {
        self.allowed.iter().filter_map(|allow| allow.at_most).min()
    }
}

/// Where connections to a target go: to its host, or to the addresses that its `resolve:` says instead.
fn at(target: &Target, host: Option<Host>) -> Vec<Option<Host>> {
    // Seen from a proxy on another machine, what is called this machine is that one.
    let is_here = |host: &Option<Host>| host.as_ref().is_some_and(Host::is_here);
    if target.proxy.as_ref().is_some_and(|proxy| !is_here(&host_of(proxy))) && is_here(&host) {
        return vec![None];
    }
    let (Some(dns), Some(host)) = (&target.dns, &host) else { return vec![host] };
    // Of what only the run knows a port is made up.
    let is_late = matches!(target.address, Address::Late(_));
    let asked = Host { port: host.port.filter(|_| !is_late), ..host.clone() };
    let addressed = |address: &IpAddr| Some(Host::new(&address.to_string(), host.port));
    let all = dns.resolve.iter().filter(|resolved| resolved.is_of(&asked));
    let mut found: Vec<Option<Host>> = match is_late {
        // At some ports it may be the name after all.
        true if all.clone().all(|resolved| resolved.port.is_some()) => vec![Some(host.clone())],
        true => Vec::new(),
        false => match dns.resolved(&asked) {
            Some(addresses) => return addresses.iter().map(addressed).collect(),
            None => return vec![Some(host.clone())],
        },
    };
    found.extend(all.flat_map(|resolved| &resolved.addresses).map(addressed));
    found
}

fn here() -> Host {
    Host::new("localhost", None)
}

/// Parts of the run listen on this machine, wherever in an address they are named.
fn host_of(text: &Text) -> Option<Host> {
    // Of a private area (Unicode, 23.5), and no character that readers of URLs take away.
    const UNKNOWN: char = '\u{e000}';
    let mut address = String::new();
    for piece in text {
        match piece {
            Piece::Literal(text) => address.push_str(text),
            Piece::Value(Expr::Port(_)) => address.push('1'),
            Piece::Value(Expr::Part { part: PartKind::Service | PartKind::Link, field, .. }) => {
                address.push_str(match field.split(' ').next() {
                    Some("url") => "http://localhost",
                    Some("port") => "1",
                    _ => "localhost",
                });
            }
            Piece::Value(_) => address.push(UNKNOWN),
        }
    }
    let is_known = !address.contains(UNKNOWN) || !Database::is_meant(&address) || Database::of(&address).is_ok();
    Some(host_at(&address)).filter(|host| is_known && !host.name.contains(UNKNOWN))
}

/// Of an address as a whole. To a broken URL of a database nobody connects, and it is only told.
fn host_at(address: &str) -> Host {
    match Database::of(address) {
        Ok(database) => database.host(),
        Err(_) => Host::of(address),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.to_owned())
    }

    #[test]
    fn addresses_in_pieces() {
        let part =
            |field: &str| Piece::Value(Expr::Part { part: PartKind::Service, index: 0, field: field.to_owned() });
        let secret = || Piece::Value(Expr::Secret("password".to_owned()));
        let host = |text: Vec<Piece>| host_of(&text).map(|host| host.to_string());
        assert_eq!(host(vec![part("url"), literal("/a")]).as_deref(), Some("localhost"));
        assert_eq!(host(vec![part("address")]).as_deref(), Some("localhost"));
        assert_eq!(host(vec![literal("10.0.0.1:"), part("port")]).as_deref(), Some("10.0.0.1:1"));
        let url = vec![literal("postgres://me:"), secret(), literal("@db.example.com/shop")];
        assert_eq!(host(url).as_deref(), Some("db.example.com"));
        assert_eq!(host(vec![literal("postgres://me@"), secret(), literal("/shop")]), None);
        assert_eq!(host(vec![literal("postgres://localhost/shop?host="), secret()]), None);
        let hidden = vec![literal("postgres://localhost/shop?h%6Fst=evil.example")];
        assert_eq!(host(hidden).as_deref(), Some("evil.example"));
        assert_eq!(host(vec![literal("mysql://evil.example/shop?host=localhost")]).as_deref(), Some("evil.example"));
    }

    #[test]
    fn a_line_allows_what_its_patterns_are_and_this_machine_needs_none() {
        let allow = |line: usize, host: &str| Allow {
            hosts: vec![host.to_owned()],
            at_most: None,
            line,
            span: crate::base::Span::default(),
        };
        let lines = [allow(1, "*.example.com"), allow(2, "10.1.0.0/16")];
        let standing = |host: &str| Reached::new(Way::Target(0), Some(Host::of(host)), &lines).standing;
        assert_eq!(standing("shop.example.com:80"), Standing::Allowed(1));
        assert_eq!(standing("10.1.9.9:80"), Standing::Allowed(2));
        assert_eq!(standing("10.2.0.1:80"), Standing::Unknown);
        assert_eq!(standing("127.0.0.1:80"), Standing::Here);
        assert_eq!(Reached::new(Way::Target(0), None, &lines).standing, Standing::Unknown);
    }
}
