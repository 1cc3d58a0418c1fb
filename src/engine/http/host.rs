//! Where requests go: endpoints, and targets as requests are sent to them.

use super::cookies::Site;
use crate::check::program::Protocol;
use crate::engine::tls::Secured;
use crate::plan::{Connections, Plan, Target};
use std::net::{SocketAddr, ToSocketAddrs};
use url::Url;

/// Where targets and services are: host and port as they go into `Host`, and the resolved address.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub authority: String,
    pub address: SocketAddr,
    /// What stands before the path of each request.
    pub path: String,
    /// Where the way there is encrypted.
    pub secured: Option<Secured>,
}

impl Endpoint {
    /// Without encryption, and nothing before the paths.
    pub fn at(address: SocketAddr) -> Endpoint {
        Endpoint { authority: address.to_string(), address, path: String::new(), secured: None }
    }

    pub fn resolve(host: &str, port: u16) -> Result<Endpoint, String> {
        let plain = host.trim_matches(['[', ']']);
        let found = (plain, port)
            .to_socket_addrs()
            .map_err(|error| format!("the host `{host}` cannot be resolved: {error}"))?;
        // IPv4 first: what listens on one family only is most often there.
        let mut all: Vec<SocketAddr> = found.collect();
        all.sort_by_key(SocketAddr::is_ipv6);
        // All of them, since a client that cannot connect to one takes the next.
        let named = crate::base::hosts::Host::new(plain, Some(port));
        if let Some(elsewhere) = all.iter().find(|address| !named.may_be_at(address.ip())) {
            return Err(format!(
                "the host `{host}` is taken for this machine, and resolves to {}: name it as what it is",
                elsewhere.ip()
            ));
        }
        let address = all.first().copied().ok_or_else(|| format!("the host `{host}` has no address"))?;
        Ok(Endpoint { authority: format!("{host}:{port}"), ..Endpoint::at(address) })
    }
}

/// A target as requests are sent to it.
pub struct Host {
    /// Of HTTP targets: the URL of its address.
    pub root: Option<Url>,
    pub authority: String,
    pub address: SocketAddr,
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

pub fn hosts(plan: &Plan, endpoints: &[Endpoint]) -> Vec<Host> {
    let host = |((target, place), root): ((&Target, &Endpoint), Option<Url>)| Host {
        root,
        authority: place.authority.clone(),
        address: place.address,
        secured: place.secured.as_ref().map(Secured::of_worker),
        connections: target.connections,
        redirects: target.redirects,
        cookies: target.cookies,
        own: target.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect(),
    };
    plan.targets.iter().zip(endpoints).zip(roots(plan, endpoints)).map(host).collect()
}
