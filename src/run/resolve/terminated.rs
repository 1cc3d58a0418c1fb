//! Links that end TLS: the certificate that they show their clients, who trusts it, and their TLS to the server.

use super::resolved::Resolved;
use crate::demo::{Authority, https};
use crate::engine::tls::{Material, Secured};
use crate::engine::value::files::Files;
use crate::plan::{Link, Pem, Piece, Plan, Tls};
use crate::run::proxy::Ends;
use crate::run::service::{ServiceEndpoint, Speaks};
use std::net::SocketAddr;
use std::sync::Arc;

/// By which clients reach a link whatever it stands for.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// An authority for the run, where any link ends TLS.
pub fn authority(plan: &Plan) -> Result<Option<Authority>, String> {
    let made = plan.links.iter().any(|link| link.terminates).then(|| Authority::new("stressc link"));
    made.transpose().map_err(|error| error.to_string())
}

/// The links of a plan as what clients speak to.
pub fn links(plan: &Plan, addresses: &[SocketAddr], authority: Option<&Authority>) -> Vec<ServiceEndpoint> {
    let one = |(link, address): (&Link, &SocketAddr)| match authority.filter(|_| link.terminates) {
        Some(authority) => ServiceEndpoint { address: *address, speaks: Speaks::Https { ca: authority.pem() } },
        None => ServiceEndpoint::http(*address),
    };
    plan.links.iter().zip(addresses).map(one).collect()
}

/// Host and port of the server behind a link.
pub fn server(link: &Link, known: &Resolved) -> Result<(String, u16), String> {
    let to = known.text(&link.to)?;
    let parts = to.rsplit_once(':').and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
    parts.ok_or_else(|| format!("`{to}`, where the link `{}` leads, is no `host:port`", link.name))
}

/// A target at such a link trusts the authority of the run and no one else. What its `tls:` says is said to the server.
pub fn trusting(ca: &str, host: &str) -> Result<Secured, String> {
    let tls = Tls { ca: Some(Pem::Text(vec![Piece::Literal(ca.to_owned())])), ..Tls::default() };
    let given = Material { files: &Files::default(), text: &|_| Ok(ca.to_owned()), rows: None };
    Secured::new(&tls, host, &given)
}

/// How a link ends TLS, once all that it needs is known.
pub fn ends(plan: &Plan, index: usize, known: &Resolved, files: &Files, authority: &Authority) -> Result<Ends, String> {
    let link = &plan.links[index];
    let (host, _) = server(link, known)?;
    let plain = host.trim_matches(['[', ']']);
    let names: Vec<&str> = std::iter::once(plain).chain(HERE.into_iter().filter(|name| *name != plain)).collect();
    let identity = authority.signs(&names).map_err(|error| error.to_string())?;
    let shows = Arc::new(https(&identity, &["http/1.1"]).map_err(|error| error.to_string())?);
    let said =
        plan.targets.iter().filter(|target| target.is_reached_through(index)).find_map(|target| target.tls.as_deref());
    let usual = Tls::default();
    let server =
        Secured::new(said.unwrap_or(&usual), &host, &Material { files, text: &|text| known.text(text), rows: None });
    let wrong = |why: String| format!("`tls:` of what goes through `{}`: {why}", link.name);
    // One thread has all links, so their sessions are those of a worker.
    Ok(Ends { shows, server: server.map_err(wrong)?.of_worker() })
}
