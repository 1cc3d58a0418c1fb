//! Where requests go: endpoints, and targets as requests are sent to them.

use super::cookies::Site;
use super::reference::Root;
use crate::base::hosts::Host as Named;
use crate::base::socket::UnixSocket;
use crate::check::program::Protocol;
use crate::engine::proxy::Proxy;
use crate::engine::sql::Login;
use crate::engine::stream::{Peer, Route};
use crate::engine::tls::Secured;
use crate::plan::{Connections, Dns, Http2, Plan, Target};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::watch;
use url::Url;

/// Those at which a target is now, each with its number: the first of them, or each in its turn.
pub type Found = Arc<[(SocketAddr, u32)]>;

/// Where targets and services are: host and port as they go into `Host`, and the resolved address.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub authority: String,
    pub peer: Peer,
    /// Where there are several, or others may be found while the load goes on.
    pub found: Option<watch::Receiver<Found>>,
    /// What stands before the path of each request.
    pub path: String,
    /// The addresses of this machine that connections come from; none: whichever fits.
    pub from: Arc<[IpAddr]>,
    /// The proxy on the way there, whose address is that of connections then.
    pub proxy: Option<Proxy>,
    /// Where the way there is encrypted.
    pub secured: Option<Secured>,
    /// Of a database.
    pub login: Option<Login>,
}

impl Endpoint {
    /// Without encryption, and nothing before the paths.
    pub fn at(address: SocketAddr) -> Endpoint {
        let (authority, peer) = (address.to_string(), Peer::Tcp(address));
        Endpoint::of(authority, peer)
    }

    pub fn of(authority: String, peer: Peer) -> Endpoint {
        Endpoint {
            authority,
            peer,
            found: None,
            path: String::new(),
            from: Arc::default(),
            proxy: None,
            secured: None,
            login: None,
        }
    }

    /// At a Unix socket, where no name says which host is meant.
    pub fn at_socket(socket: &UnixSocket) -> Endpoint {
        let (authority, peer) = ("localhost".to_owned(), Peer::Unix(Path::new(&socket.file).into()));
        Endpoint { path: socket.path.clone(), ..Endpoint::of(authority, peer) }
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

/// The first of what was found is where a host is.
pub fn first(host: &str, found: &[SocketAddr]) -> Result<SocketAddr, String> {
    found.first().copied().ok_or_else(|| format!("the host `{host}` has no address"))
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
    /// Of HTTP targets.
    pub root: Option<Root>,
    pub authority: String,
    pub peer: Peer,
    pub found: Option<watch::Receiver<Found>>,
    /// Whose turn it is among them.
    pub turn: Cell<usize>,
    pub from: Arc<[IpAddr]>,
    /// Whose turn it is among those.
    pub source_turn: Cell<usize>,
    pub proxy: Option<Proxy>,
    pub secured: Option<Secured>,
    /// Of a database.
    pub login: Option<Login>,
    /// As users have shown themselves so far, where each does so as itself, with the sessions that are theirs; by load and user.
    pub users: RefCell<HashMap<(usize, u64), Rc<Secured>>>,
    /// How connections are shared, where the target says so.
    pub connections: Option<Connections>,
    /// It speaks HTTP/2.
    pub http2: Option<Http2>,
    /// How many redirects are followed.
    pub redirects: u64,
    pub cookies: bool,
    /// Its requests carry a cookie that the target says, next to those of their user.
    pub carries_cookie: bool,
    /// The names of the headers that all its requests carry, in lower case.
    pub own: Vec<String>,
}

impl Host {
    /// Where the next connection goes, and the number of that: what was found last, in turn.
    pub fn next(&self) -> (Peer, Option<u32>) {
        let Some(found) = &self.found else { return (self.peer.clone(), None) };
        let found = found.borrow();
        let turn = self.turn.replace(self.turn.get().wrapping_add(1));
        match found.get(turn % found.len().max(1)) {
            Some((address, number)) => (Peer::Tcp(*address), Some(*number)),
            None => (self.peer.clone(), None),
        }
    }

    /// The way there, as a user shows itself, where not all do alike.
    pub fn route<'r>(&'r self, peer: &'r Peer, shown: Option<&'r Secured>) -> Route<'r> {
        let secured = shown.or(self.secured.as_ref());
        Route { peer, source: self.source(peer), proxy: self.proxy.as_ref(), secured }
    }

    /// How a user shows itself, where not all do alike.
    pub fn shown_by(&self, who: (usize, u64)) -> Option<Rc<Secured>> {
        let known = self.users.borrow().get(&who).cloned();
        known.or_else(|| {
            let own = Rc::new(self.secured.as_ref()?.of_user(who.1)?);
            self.users.borrow_mut().insert(who, own.clone());
            Some(own)
        })
    }

    /// A user does not come back.
    pub fn forget(&self, who: (usize, u64)) {
        let mut users = self.users.borrow_mut();
        if !users.is_empty() {
            users.remove(&who);
        }
    }

    /// Where the next connection comes from: those of the family of the other end in turn.
    fn source(&self, peer: &Peer) -> Option<IpAddr> {
        let Peer::Tcp(to) = peer else { return None };
        let turn = self.source_turn.replace(self.source_turn.get().wrapping_add(1));
        let fits = || self.from.iter().filter(|from| from.is_ipv4() == to.is_ipv4());
        // Of another family it fails, and never goes from anywhere else.
        fits().nth(turn % fits().count().max(1)).or_else(|| self.from.first()).copied()
    }

    /// In lower case and without its port.
    pub fn name(&self) -> &str {
        match &self.root {
            Some(root) => root.url.host_str().unwrap_or_default(),
            // A WebSocket is of the site of its host, and nothing of HTTP leads to it.
            None => match self.authority.rsplit_once(':') {
                Some((host, port)) if !port.ends_with(']') => host,
                _ => &self.authority,
            },
        }
    }

    /// Whose cookies it sets and gets.
    pub fn site(&self) -> Site<'_> {
        Site { host: self.name(), encrypted: self.secured.is_some() }
    }
}

/// The addresses of targets, of those that speak HTTP.
pub fn roots(plan: &Plan, endpoints: &[Endpoint]) -> Vec<Option<Root>> {
    let root = |(target, place): (&Target, &Endpoint)| {
        let scheme = if place.secured.is_some() { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{}{}", place.authority, place.path));
        let is_named = matches!(place.peer, Peer::Tcp(_));
        url.ok().filter(|_| target.protocol == Protocol::Http).map(|url| Root { url, is_named })
    };
    plan.targets.iter().zip(endpoints).map(root).collect()
}

/// For a worker, by its place among them: each begins with another address.
pub fn hosts(plan: &Plan, endpoints: &[Endpoint], worker: u64) -> Vec<Host> {
    let of_flows = headers_of_flows(plan);
    let host = |(index, ((target, place), root)): (usize, ((&Target, &Endpoint), Option<Root>))| Host {
        root,
        authority: place.authority.clone(),
        peer: place.peer.clone(),
        found: place.found.clone(),
        turn: Cell::new(worker as usize),
        from: place.from.clone(),
        source_turn: Cell::new(worker as usize),
        proxy: place.proxy.clone(),
        secured: place.secured.as_ref().map(Secured::of_worker),
        login: place.login.clone(),
        users: RefCell::default(),
        connections: target.connections,
        http2: target.http2,
        redirects: target.redirects,
        cookies: target.cookies,
        carries_cookie: target.cookie.is_some(),
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
        for request in flow.requests() {
            if let Some(http) = request.exchange.http() {
                all.extend(http.flow_headers.iter().map(|(name, _)| (request.target, name.as_str())));
            }
        }
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
    use crate::engine::tls::{Material, Rows};
    use crate::engine::value::files::Files;
    use crate::plan::{Identity, Pem, Tls};

    fn dns(resolve: &[(&str, Option<u16>, &[&str])], all: bool) -> Dns {
        let one = |(name, port, addresses): &(&str, Option<u16>, &[&str])| NameOverride {
            name: (*name).to_owned(),
            port: *port,
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        };
        Dns { resolve: resolve.iter().map(one).collect(), every: None, all }
    }

    /// A target without anything of its own.
    fn host(peer: Peer) -> Host {
        Host {
            root: None,
            authority: String::new(),
            peer,
            found: None,
            turn: Cell::new(0),
            from: Arc::default(),
            source_turn: Cell::new(0),
            proxy: None,
            secured: None,
            login: None,
            users: RefCell::default(),
            connections: None,
            http2: None,
            redirects: 0,
            cookies: true,
            carries_cookie: false,
            own: Vec::new(),
        }
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
        let address = |last: u8| SocketAddr::from(([127, 0, 0, last], 80));
        let at = |last: u8| Peer::Tcp(address(last));
        let (tell, found) = watch::channel(Found::from(vec![(address(1), 0), (address(2), 1), (address(3), 2)]));
        let host = Host {
            found: Some(found),
            turn: Cell::new(1),
            from: Arc::new(["127.0.0.2", "::1", "127.0.0.3"].map(|from| from.parse().unwrap())),
            ..host(at(1))
        };
        assert_eq!([(); 4].map(|()| host.next()), [2, 3, 1, 2].map(|last| (at(last), Some(u32::from(last) - 1))));
        tell.send_replace(Found::from(vec![(address(9), 3)]));
        assert_eq!([(); 2].map(|()| host.next()), [(at(9), Some(3)), (at(9), Some(3))]);
        let source = |peer: &Peer| host.source(peer).unwrap().to_string();
        assert_eq!([(); 3].map(|()| source(&at(1))), ["127.0.0.2", "127.0.0.3", "127.0.0.2"]);
        assert_eq!([(); 2].map(|()| source(&Peer::Tcp("[::1]:80".parse().unwrap()))), ["::1", "::1"]);
        drop(tell);
        assert_eq!(host.next().0, at(9), "also where nobody looks any more");
    }
    /// Two rows with a certificate and its key.
    struct Certificates(String);

    impl Rows for Certificates {
        fn count(&self, _: usize) -> u64 {
            2
        }

        fn name(&self, _: usize) -> &str {
            "people"
        }

        fn cell(&self, _: usize, _: u64, _: &str) -> Result<Vec<u8>, String> {
            Ok(self.0.clone().into_bytes())
        }
    }

    #[test]
    fn users_of_two_loads_have_tls_sessions_of_their_own() {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec!["somebody.test".to_owned()]).unwrap();
        let people = Certificates(format!("{}{}", cert.pem(), signing_key.serialize_pem()));
        let pem = Pem::PerUser { data: 0, column: "pem".to_owned() };
        let identity = Some(Identity { cert: pem.clone(), key: pem });
        let tls = Tls { identity, verify: false, ..Tls::default() };
        let given = Material { files: &Files::default(), text: &|_| Ok(String::new()), rows: Some((&people, 0)) };
        let secured = Some(Secured::new(&tls, "localhost", &given).unwrap());
        let host = Host { secured, ..host(Peer::Tcp(([127, 0, 0, 1], 443).into())) };
        let [first, second] = [(0, 1), (1, 1)].map(|who| host.shown_by(who).unwrap());
        assert!(!Rc::ptr_eq(&first, &second), "users count from 1 in each load");
        host.forget((1, 1));
        assert!(Rc::ptr_eq(&first, &host.shown_by((0, 1)).unwrap()), "nobody of its load has left");
        assert!(!Rc::ptr_eq(&second, &host.shown_by((1, 1)).unwrap()));
    }
}
