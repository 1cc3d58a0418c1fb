//! Where each target is, once services and links have their addresses.

use super::again::TargetName;
use super::resolved::Resolved;
use crate::base::origin::Origin;
use crate::check::program::Protocol;
use crate::engine::http::host::{Endpoint, Found};
use crate::engine::tls::{Material, Secured, certificates};
use crate::engine::value::files::Files;
use crate::plan::{Address, Dns, Pem, Plan, Target};
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use tokio::sync::watch;

/// The endpoint of each target, from the addresses of services and links, and the names whose addresses may be others later.
pub fn endpoints(plan: &Plan, known: &Resolved, files: &Files) -> Result<(Vec<Endpoint>, Vec<TargetName>), String> {
    let mut named = Vec::new();
    let endpoint = |(index, target): (usize, &Target)| {
        let at = |address: SocketAddr| ((Endpoint::at(address), None), address.ip().to_string());
        let dns = target.dns.as_deref();
        // With whom its certificate must name, where nothing else is said.
        let ((endpoint, names), host) = match &target.address {
            Address::Service(service) => at(known.services[*service].address),
            Address::Link(link) => at(known.links[*link]),
            // Nobody sends requests there: it is hurt from within.
            Address::Late(_) if matches!(target.protocol, Protocol::Postgres | Protocol::Mysql) => {
                at(([0, 0, 0, 0], 0).into())
            }
            Address::Late(pieces) => {
                let url = known.text(pieces)?;
                let origin = Origin::parse(&url);
                let Origin { https, host, port, path } =
                    origin.map_err(|why| format!("`{url}`, the address of `{}`, is none: {why}", target.name))?;
                (found((&host, port), &path, https, dns)?, host)
            }
            Address::Url { host, port, path } => (found((host, *port), path, target.tls.is_some(), dns)?, host.clone()),
        };
        let secured = target.tls.as_ref().map(|tls| {
            let secured = Secured::new(tls, &host, &Material { files, text: &|text| known.text(text) });
            secured.map_err(|why| format!("`tls:` of `{}`: {why}", target.name))
        });
        let endpoint = Endpoint { secured: secured.transpose()?, ..endpoint };
        // A link that was put before it is nothing that a request speaks of.
        let before = plan.links.iter().position(|link| link.before == Some(index));
        let Some((host, port, all)) = names else { return Ok(at_link(endpoint, before, known)) };
        let (tell, found) = watch::channel(Found::from(all));
        let endpoint = match before {
            // It leads to all of them.
            Some(_) => at_link(endpoint, before, known),
            None => Endpoint { found: Some(found), ..endpoint },
        };
        let (target, dns) = (index, dns.cloned().unwrap_or_default());
        named.push(TargetName { target, name: host, port, dns, link: before, tell });
        Ok(endpoint)
    };
    let endpoints: Result<Vec<Endpoint>, String> = plan.targets.iter().enumerate().map(endpoint).collect();
    Ok((endpoints?, named))
}

fn at_link(endpoint: Endpoint, link: Option<usize>, known: &Resolved) -> Endpoint {
    match link {
        Some(link) => Endpoint { address: known.links[link], found: None, ..endpoint },
        None => endpoint,
    }
}

/// A name, its port, and where it leads now.
type Names = Option<(String, u16, Vec<SocketAddr>)>;

/// The port of a scheme's own is not written (RFC 9110, 4.2.3).
fn found((host, port): (&str, u16), path: &str, https: bool, dns: Option<&Dns>) -> Result<(Endpoint, Names), String> {
    let usual = if https { 443 } else { 80 };
    let (endpoint, all) = Endpoint::resolve(host, port, dns)?;
    let authority = if port == usual { host.to_owned() } else { endpoint.authority.clone() };
    let names = dns.map(|_| (host.to_owned(), port, all));
    Ok((Endpoint { authority, path: path.to_owned(), ..endpoint }, names))
}

/// The authorities of TLS that targets name by files.
pub fn authorities(plan: &Plan, files: &Files) -> Result<Vec<CertificateDer<'static>>, String> {
    let given = Material { files, text: &|_| Err("is known later".to_owned()) };
    let named = plan.targets.iter().filter_map(|target| target.tls.as_ref()?.ca.as_ref());
    let read = named.filter(|ca| matches!(ca, Pem::File(_))).map(|ca| certificates(ca, &given, "ca"));
    let all: Result<Vec<Vec<_>>, String> = read.collect();
    Ok(all?.concat())
}
