//! Where requests go: endpoints, and targets as requests are sent to them.

use super::cookies::Site;
use crate::base::hosts::Host as Named;
use crate::check::all_steps;
use crate::check::program::Protocol;
use crate::engine::tls::Secured;
use crate::plan::{Connections, Dns, Exchange, Plan, Step, Target};
use std::cell::Cell;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use tokio::sync::watch;
use url::Url;

/// Those at which a target is now: the first of them, or each in its turn.
pub type Found = Arc<[SocketAddr]>;

/// Where targets and services are: host and port as they go into `Host`, and the resolved address.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub authority: String,
    pub address: SocketAddr,
    /// Where there are several, or others may be found while the load goes on.
    pub found: Option<watch::Receiver<Found>>,
    /// What stands before the path of each request.
    pub path: String,
    /// Where the way there is encrypted.
    pub secured: Option<Secured>,
}

impl Endpoint {
    /// Without encryption, and nothing before the paths.
    pub fn at(address: SocketAddr) -> Endpoint {
        Endpoint { authority: address.to_string(), address, found: None, path: String::new(), secured: None }
    }

    /// The first of what was found is where it is.
    pub fn resolve(host: &str, port: u16, dns: Option<&Dns>) -> Result<(Endpoint, Vec<SocketAddr>), String> {
        let found = addresses(host, port, dns)?;
        let first = found.first().copied().ok_or_else(|| format!("the host `{host}` has no address"))?;
        Ok((Endpoint { authority: format!("{host}:{port}"), ..Endpoint::at(first) }, found))
    }
}

/// Where connections to a host go: to one address, or to all of one family where `dns:` says so. It may take as long as a resolver does.
pub fn addresses(host: &str, port: u16, dns: Option<&Dns>) -> Result<Vec<SocketAddr>, String> {
    let plain = host.trim_matches(['[', ']']);
    let named = Named::new(plain, Some(port));
    let takes_all = dns.is_some_and(|dns| dns.all);
    let said = dns.and_then(|dns| dns.resolved(&named));
    let mut all: Vec<SocketAddr> = match said {
        Some(said) => said.iter().map(|address| SocketAddr::new(*address, port)).collect(),
        None => looked_up(plain, port).map_err(|error| format!("the host `{host}` cannot be resolved: {error}"))?,
    };
    // All of them, since a client that cannot connect to one takes the next.
    if let Some(elsewhere) = all.iter().find(|address| !named.may_be_at(address.ip())) {
        return Err(format!(
            "the host `{host}` is taken for this machine, and resolves to {}: name it as what it is",
            elsewhere.ip()
        ));
    }
    if said.is_none() {
        // IPv4 first: what listens on one family only is most often there.
        all.sort_by_key(SocketAddr::is_ipv6);
        let of_first = all.first().map(SocketAddr::is_ipv6);
        all.retain(|address| Some(address.is_ipv6()) == of_first);
    }
    match takes_all {
        // Resolvers deal them in an order that changes.
        true => all.sort_unstable(),
        false => all.truncate(1),
    }
    all.dedup();
    Ok(all)
}

/// What this machine knows of a name. Where it knows nothing of `localhost` and the names below it, as in a container without `/etc/hosts`, they are
/// this machine all the same (RFC 6761, 6.3).
pub fn looked_up(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    match (name, port).to_socket_addrs() {
        Ok(found) => Ok(found.collect()),
        Err(_) if Named::new(name, None).is_here() => {
            Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()])
        }
        Err(error) => Err(error),
    }
}

/// A target as requests are sent to it.
pub struct Host {
    /// Of HTTP targets: the URL of its address.
    pub root: Option<Url>,
    pub authority: String,
    pub address: SocketAddr,
    pub found: Option<watch::Receiver<Found>>,
    /// Whose turn it is among them.
    pub turn: Cell<usize>,
    pub secured: Option<Secured>,
    /// How connections are shared, where the target says so.
    pub connections: Option<Connections>,
    /// How many redirects are followed.
    pub redirects: u64,
    pub cookies: bool,
    /// The names of the headers that all its requests carry, in lower case.
    pub own: Vec<String>,
}

impl Host {
    /// Where the next connection goes: what was found last, in turn.
    pub fn next(&self) -> SocketAddr {
        let Some(found) = &self.found else { return self.address };
        let found = found.borrow();
        let turn = self.turn.replace(self.turn.get().wrapping_add(1));
        found.get(turn % found.len().max(1)).copied().unwrap_or(self.address)
    }

    /// In lower case and without its port.
    pub fn name(&self) -> &str {
        self.root.as_ref().and_then(Url::host_str).unwrap_or_default()
    }

    /// Whose cookies it sets and gets.
    pub fn site(&self) -> Site<'_> {
        Site { host: self.name(), encrypted: self.secured.is_some() }
    }
}

/// The URLs of targets, of those that speak HTTP.
pub fn roots(plan: &Plan, endpoints: &[Endpoint]) -> Vec<Option<Url>> {
    let root = |(target, place): (&Target, &Endpoint)| {
        let scheme = if place.secured.is_some() { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{}{}", place.authority, place.path));
        url.ok().filter(|_| target.protocol == Protocol::Http)
    };
    plan.targets.iter().zip(endpoints).map(root).collect()
}

/// For a worker, by its place among them: each begins with another address.
pub fn hosts(plan: &Plan, endpoints: &[Endpoint], worker: u64) -> Vec<Host> {
    let of_flows = headers_of_flows(plan);
    let host = |(index, ((target, place), root)): (usize, ((&Target, &Endpoint), Option<Url>))| Host {
        root,
        authority: place.authority.clone(),
        address: place.address,
        found: place.found.clone(),
        turn: Cell::new(worker as usize),
        secured: place.secured.as_ref().map(Secured::of_worker),
        connections: target.connections,
        redirects: target.redirects,
        cookies: target.cookies,
        own: target
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .chain(of_flows.iter().filter(|(own, _)| *own == index).map(|(_, name)| *name))
            .map(str::to_ascii_lowercase)
            .collect(),
    };
    plan.targets.iter().zip(endpoints).zip(roots(plan, endpoints)).enumerate().map(host).collect()
}

/// The names of headers that flows say to their own targets, with these.
fn headers_of_flows(plan: &Plan) -> Vec<(usize, &str)> {
    let mut all = Vec::new();
    for flow in plan.flows.iter().chain(&plan.setup).chain(&plan.teardown) {
        all_steps(&flow.steps, &mut |step| {
            let Step::Request(request) = step else { return };
            let Exchange::Http(http) = &request.exchange else { return };
            all.extend(http.flow_headers.iter().map(|(name, _)| (request.target, name.as_str())));
        });
    }
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;
    use crate::check::program::NameOverride;

    fn dns(resolve: &[(&str, Option<u16>, &[&str])], all: bool) -> Dns {
        let one = |(name, port, addresses): &(&str, Option<u16>, &[&str])| NameOverride {
            name: (*name).to_owned(),
            port: *port,
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        };
        Dns { resolve: resolve.iter().map(one).collect(), every: None, all }
    }

    #[test]
    fn names_lead_where_the_target_says() {
        let found = |host: &str, dns: &Dns| {
            let found = addresses(host, 80, Some(dns))?;
            Ok::<_, String>(found.iter().map(ToString::to_string).collect::<Vec<String>>())
        };
        let names = [("shop.test", None, &["10.0.0.2", "::1", "10.0.0.1"][..]), ("shop.test", Some(81), &["10.0.0.9"])];
        assert_eq!(found("Shop.test", &dns(&names, false)).unwrap(), ["10.0.0.2:80"]);
        assert_eq!(found("shop.test", &dns(&names, true)).unwrap(), ["10.0.0.1:80", "10.0.0.2:80", "[::1]:80"]);
        assert_eq!(addresses("shop.test", 81, Some(&dns(&names, true))).unwrap(), ["10.0.0.9:81".parse().unwrap()]);
        assert_eq!(found("[::1]", &dns(&names, true)).unwrap(), ["[::1]:80"]);
        let elsewhere = dns(&[("localhost", None, &["10.0.0.1"])], false);
        assert!(found("localhost", &elsewhere).unwrap_err().contains("is taken for this machine"));
    }

    #[test]
    fn a_name_of_this_machine_that_it_does_not_know_is_here() {
        let found = |name: &str| addresses(name, 80, None).map(|found| found[0].ip().is_loopback());
        assert_eq!((found("nobody.localhost"), found("localhost")), (Ok(true), Ok(true)));
        assert!(found("nobody.invalid").is_err());
    }

    #[test]
    fn each_connection_goes_to_the_next_address_that_was_found_last() {
        let at = |last: u8| SocketAddr::from(([127, 0, 0, last], 80));
        let (tell, found) = watch::channel(Found::from(vec![at(1), at(2), at(3)]));
        let host = Host {
            root: None,
            authority: String::new(),
            address: at(1),
            found: Some(found),
            turn: Cell::new(1),
            secured: None,
            connections: None,
            redirects: 0,
            cookies: true,
            own: Vec::new(),
        };
        assert_eq!([(); 4].map(|()| host.next()), [2, 3, 1, 2].map(at));
        tell.send_replace(Found::from(vec![at(9)]));
        assert_eq!([(); 2].map(|()| host.next()), [at(9); 2]);
        drop(tell);
        assert_eq!(host.next(), at(9), "also where nobody looks any more");
    }
}
