//! Where each target is, once services and links have their addresses.

use super::resolved::Resolved;
use crate::base::origin::Origin;
use crate::check::program::Protocol;
use crate::engine::http::host::Endpoint;
use crate::engine::tls::{Given, Secured, certificates};
use crate::engine::value::files::Files;
use crate::plan::{Address, Pem, Plan, Target};
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;

/// The endpoint of each target, from the addresses of services and links.
pub fn endpoints(plan: &Plan, known: &Resolved, files: &Files) -> Result<Vec<Endpoint>, String> {
    let endpoint = |(index, target): (usize, &Target)| {
        let at = |address: SocketAddr| (Endpoint::at(address), address.ip().to_string());
        // With whom its certificate must name, where nothing else is said.
        let (endpoint, host) = match &target.address {
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
                (found(&host, port, &path, https)?, host)
            }
            Address::Url { host, port, path } => (found(host, *port, path, target.tls.is_some())?, host.clone()),
        };
        let secured = target.tls.as_ref().map(|tls| {
            let secured = Secured::new(tls, &host, &Given { files, text: &|text| known.text(text) });
            secured.map_err(|why| format!("`tls:` of `{}`: {why}", target.name))
        });
        let endpoint = Endpoint { secured: secured.transpose()?, ..endpoint };
        // A link that was put before it is nothing that a request speaks of.
        let before = plan.links.iter().position(|link| link.before == Some(index));
        Ok(match before {
            Some(link) => Endpoint { address: known.links[link], ..endpoint },
            None => endpoint,
        })
    };
    plan.targets.iter().enumerate().map(endpoint).collect()
}

/// The port of a scheme's own is not written (RFC 9110, 4.2.3).
fn found(host: &str, port: u16, path: &str, https: bool) -> Result<Endpoint, String> {
    let usual = if https { 443 } else { 80 };
    let endpoint = Endpoint::resolve(host, port)?;
    let authority = if port == usual { host.to_owned() } else { endpoint.authority.clone() };
    Ok(Endpoint { authority, path: path.to_owned(), ..endpoint })
}

/// The authorities of TLS that targets name by files.
pub fn authorities(plan: &Plan, files: &Files) -> Result<Vec<CertificateDer<'static>>, String> {
    let given = Given { files, text: &|_| Err("is known later".to_owned()) };
    let named = plan.targets.iter().filter_map(|target| target.tls.as_ref()?.ca.as_ref());
    let read = named.filter(|ca| matches!(ca, Pem::File(_))).map(|ca| certificates(ca, &given, "ca"));
    let all: Result<Vec<Vec<_>>, String> = read.collect();
    Ok(all?.concat())
}
