//! Where each target is, once services and links have their addresses.

use super::again::TargetName;
use super::databases;
use super::proxied::Proxied;
use super::resolved::Resolved;
use super::terminated;
use crate::base::origin::Origin;
use crate::base::socket::{Server, UnixSocket};
use crate::engine::http::host::{self, Endpoint};
use crate::engine::stream::Peer;
use crate::engine::tls::{Material, Rows, Secured, certificates};
use crate::engine::value::files::Files;
use crate::plan::{Address, Dns, Pem, Plan, Target};
use rustls::pki_types::CertificateDer;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;

/// The endpoint of each target, from the addresses of services and links, and the names whose addresses may be others later.
pub fn endpoints(
    plan: &Plan,
    known: &Resolved,
    files: &Files,
    rows: &dyn Rows,
) -> Result<(Vec<Endpoint>, Vec<TargetName>), String> {
    let mut named = Vec::new();
    let endpoint = |(index, target): (usize, &Target)| {
        let before = || plan.links.iter().position(|link| link.before == Some(index));
        if target.protocol.is_database() {
            let given = Material { files, text: &|text| known.text(text), rows: Some((rows, 0)) };
            let endpoint =
                databases::endpoint(target, known, &given).map_err(|why| format!("`{}`: {why}", target.name))?;
            return Ok(at_link(endpoint, before(), known));
        }
        let proxied = target.proxy.as_ref().map(|proxy| Proxied::of(proxy, known)).transpose();
        let proxied = proxied.map_err(|why| format!("the proxy of `{}`: {why}", target.name))?;
        let at_socket = |socket: &UnixSocket| ((Endpoint::at_socket(socket), None), (String::new(), 0));
        let at = |address: SocketAddr| {
            let host = match address {
                SocketAddr::V4(address) => address.ip().to_string(),
                SocketAddr::V6(address) => format!("[{}]", address.ip()),
            };
            ((Endpoint::at(address), None), (host, address.port()))
        };
        let dns = target.dns.as_deref();
        let named_by = |(host, port): (&str, u16), path: &str, https: bool| match &proxied {
            Some(_) => Ok((of_proxy((host, port), path, https), None)),
            None => found((host, port), path, https, dns),
        };
        // With whom its certificate must name, where nothing else is said.
        let ((endpoint, names), (host, port)) = match &target.address {
            Address::Service(service) => at(known.services[*service].address),
            Address::Link(link) => match plan.links[*link].terminates {
                // Where TLS ends nothing changes of what a request says: it is asked in the name of the server.
                true => {
                    let (host, port) = terminated::server(&plan.links[*link], known)?;
                    let peer = known.links[*link].address.into();
                    ((endpoint_at((&host, port), "", true, peer), None), (host, port))
                }
                false => at(known.links[*link].address),
            },
            Address::Late(pieces) => {
                let url = known.text(pieces)?;
                let server = Server::parse(&url);
                match server.map_err(|why| format!("`{url}`, the address of `{}`, is none: {why}", target.name))? {
                    Server::At(Origin { https, host, port, path }) => {
                        (named_by((&host, port), &path, https)?, (host, port))
                    }
                    Server::Socket(socket) => at_socket(&socket),
                }
            }
            Address::Unix { file, path } => at_socket(&UnixSocket { file: file.clone(), path: path.clone() }),
            Address::Url { host, port, path } => {
                (named_by((host, *port), path, target.tls.is_some())?, (host.clone(), *port))
            }
        };
        let secured = target.tls.as_ref().map(|tls| {
            // Of links, those have one that end TLS.
            let mut links = known.links.iter().enumerate();
            let ca = links.find_map(|(link, own)| own.ca().filter(|_| target.is_reached_through(link)));
            let secured = match ca {
                Some(ca) => terminated::trusting(ca, &host),
                None => {
                    let given = Material { files, text: &|text| known.text(text), rows: Some((rows, 0)) };
                    Secured::new(tls, &host, &given)
                }
            };
            secured.map_err(|why| format!("`tls:` of `{}`: {why}", target.name))
        });
        let endpoint = Endpoint { secured: secured.transpose()?, ..endpoint };
        let endpoint = match &proxied {
            Some(proxied) => proxied.leads(endpoint, (&host, port)),
            None => endpoint,
        };
        let endpoint = Endpoint { from: sources(target, &endpoint)?, ..endpoint };
        // A link that was put before it is nothing that a request speaks of.
        let before = before();
        let Some((host, port, all)) = names else { return Ok(at_link(endpoint, before, known)) };
        let own = TargetName::new(index, (host, port), dns.cloned().unwrap_or_default(), &all);
        let own = TargetName { link: before, ..own };
        let endpoint = match before {
            // It leads to all of them.
            Some(_) => at_link(endpoint, before, known),
            None => Endpoint { found: Some(own.tell.subscribe()), ..endpoint },
        };
        named.push(own);
        Ok(endpoint)
    };
    let endpoints: Result<Vec<Endpoint>, String> = plan.targets.iter().enumerate().map(endpoint).collect();
    Ok((endpoints?, named))
}

/// The addresses that connections to a target come from: all of this machine, and one at least of its family.
fn sources(target: &Target, endpoint: &Endpoint) -> Result<Arc<[IpAddr]>, String> {
    let wrong = |why: String| format!("`from:` of `{}`: {why}", target.name);
    if let Some(other) = target.from.iter().find(|from| TcpListener::bind((**from, 0)).is_err()) {
        return Err(wrong(format!("{other} is no address of this machine")));
    }
    match &endpoint.peer {
        Peer::Tcp(to) if !target.from.is_empty() && !target.from.iter().any(|from| from.is_ipv4() == to.is_ipv4()) => {
            let family = if to.is_ipv4() { "IPv4" } else { "IPv6" };
            Err(wrong(format!("connections go to {to}, and none of these is an address of {family}")))
        }
        Peer::Tcp(_) | Peer::Unix(_) => Ok(target.from.as_slice().into()),
    }
}

fn at_link(endpoint: Endpoint, link: Option<usize>, known: &Resolved) -> Endpoint {
    match link {
        Some(link) => Endpoint { peer: known.links[link].address.into(), found: None, ..endpoint },
        None => endpoint,
    }
}

/// A name, its port, and where it leads now.
type Names = Option<(String, u16, Vec<SocketAddr>)>;

fn found((host, port): (&str, u16), path: &str, https: bool, dns: Option<&Dns>) -> Result<(Endpoint, Names), String> {
    let all = host::addresses(host, port, dns)?;
    let peer = host::first(host, &all)?.into();
    let names = dns.map(|_| (host.to_owned(), port, all));
    Ok((endpoint_at((host, port), path, https, peer), names))
}

/// Its proxy looks up its name.
fn of_proxy((host, port): (&str, u16), path: &str, https: bool) -> Endpoint {
    // That of the proxy takes its place.
    endpoint_at((host, port), path, https, Peer::Tcp(([0, 0, 0, 0], 0).into()))
}

fn endpoint_at((host, port): (&str, u16), path: &str, https: bool, peer: Peer) -> Endpoint {
    Endpoint { path: path.to_owned(), ..Endpoint::of(authority((host, port), https), peer) }
}

/// The port of a scheme's own is not written (RFC 9110, 4.2.3).
fn authority((host, port): (&str, u16), https: bool) -> String {
    let usual = if https { 443 } else { 80 };
    if port == usual { host.to_owned() } else { format!("{host}:{port}") }
}

/// The authorities of TLS that targets name by files.
pub fn authorities(plan: &Plan, files: &Files) -> Result<Vec<CertificateDer<'static>>, String> {
    let given = Material { files, text: &|_| Err("is known later".to_owned()), rows: None };
    let named = plan.targets.iter().filter_map(|target| target.tls.as_ref()?.ca.as_ref());
    let read = named.filter(|ca| matches!(ca, Pem::File(_))).map(|ca| certificates(ca, &given, "ca"));
    let all: Result<Vec<Vec<_>>, String> = read.collect();
    Ok(all?.concat())
}
