//! Secrets, ports and addresses, put into what is started and what is sent.

use crate::base::database::{Database, ServerAddress};
use crate::base::origin::Origin;
use crate::engine::http::host::addresses;
use crate::engine::http::template::percent_encode;
use crate::engine::secret::Mask;
use crate::engine::value::lower::{Lowerer, Resolve};
use crate::engine::value::{Paths, nobody};
use crate::plan::{Dns, Expr, PartKind, Piece, Text};
use crate::run::ask::Trust;
use crate::run::service::{Ports, ServiceEndpoint, Speaks};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// What is known of the parts that have been started so far.
pub struct Resolved {
    pub secrets: HashMap<String, String>,
    pub mask: Arc<Mask>,
    /// In the order of the plan.
    pub services: Vec<ServiceEndpoint>,
    /// As what a client speaks to.
    pub links: Vec<ServiceEndpoint>,
    pub ports: Ports,
    /// Authorities of TLS that targets name by files.
    pub authorities: Vec<CertificateDer<'static>>,
}

impl Resolved {
    /// Whom probes and monitors trust in addition to whom this machine does: the authorities of targets, and of services that the run
    /// made some for.
    pub fn trust(&self, more: Option<&ServiceEndpoint>) -> Trust {
        let own = self.services.iter().chain(&self.links).chain(more).filter_map(ServiceEndpoint::ca);
        let made = own.filter_map(|ca| CertificateDer::from_pem_slice(ca.as_bytes()).ok());
        self.authorities.iter().cloned().chain(made).collect()
    }

    /// A text of something that is started, such as an argument.
    pub fn text(&self, pieces: &Text) -> Result<String, String> {
        let pieces = Lowerer::new(self, &self.mask).text(pieces);
        let mut out = String::new();
        match nobody().write(&pieces, &Paths::default(), &mut out) {
            Ok(()) => Ok(out),
            Err(_) => Err("it holds a value that is not known before the load".to_owned()),
        }
    }

    /// A URL, in which a secret is percent-encoded, so that none can lead elsewhere.
    pub fn url(&self, pieces: &Text) -> Result<String, String> {
        let mut url = String::new();
        for piece in pieces {
            let text = self.text(&vec![piece.clone()])?;
            match piece {
                Piece::Value(Expr::Secret(_)) => percent_encode(&text, "-._~", &mut url),
                Piece::Value(_) | Piece::Literal(_) => url.push_str(&text),
            }
        }
        Ok(url)
    }

    /// Where a text leads that is an address; none while a part of it is not known.
    pub fn addresses(&self, pieces: &Text, dns: Option<&Dns>) -> Option<Result<Vec<SocketAddr>, String>> {
        let text = self.text(pieces).ok()?;
        if Database::is_meant(&text) {
            return Some(self.url(pieces).and_then(|url| of_database(&url)));
        }
        let (host, port) = match Origin::parse(&text) {
            Ok(Origin { host, port, .. }) => (host, Ok(port)),
            Err(_) => {
                let (host, port) = text.rsplit_once(':').unwrap_or_default();
                (host.to_owned(), port.parse().map_err(|_| format!("`{text}` is not an address: it has no port")))
            }
        };
        Some(port.and_then(|port| addresses(&host, port, dns)))
    }

    /// A port as it is written: a number, or that of a `port()`.
    pub fn port(&self, value: &Expr) -> Option<u16> {
        match value {
            Expr::Number(number) => Some(*number as u16),
            Expr::Port(port) => self.ports.number(*port),
            _ => self.text(&vec![Piece::Value(value.clone())]).ok()?.parse().ok(),
        }
    }
}

/// Where a link leads that stands before a database.
fn of_database(url: &str) -> Result<Vec<SocketAddr>, String> {
    let known = Database::of(url)?;
    let port = known.port_or_usual();
    match &known.place {
        ServerAddress::Host(host) => addresses(&host.name, port, None),
        ServerAddress::Usual => addresses("localhost", port, None),
        ServerAddress::Socket(path) => Err(format!("a fault of the network acts at a port, and `{path}` is a socket")),
    }
}

impl Resolve for Resolved {
    fn constant(&self, expr: &Expr) -> Option<Expr> {
        let text = |text: String| Expr::Text(vec![Piece::Literal(text)]);
        match expr {
            Expr::Secret(name) => self.secrets.get(name).cloned().map(text),
            Expr::Part { part: PartKind::Service, index, field } => {
                let endpoint = self.services.get(*index)?;
                let through =
                    field.strip_prefix("url via ").and_then(|link| self.links.get(link.parse::<usize>().ok()?));
                match through {
                    Some(link) => Some(text(link.url_for(endpoint))),
                    None => endpoint.field(field),
                }
            }
            Expr::Part { part: PartKind::Link, index, field } => {
                self.links.get(*index).and_then(|link| link.field(field))
            }
            Expr::Port(port) => self.ports.number(*port).map(|number| Expr::Number(f64::from(number))),
            _ => None,
        }
    }

    /// The URL of a database that the run has started holds the password of the run.
    fn reveals(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Secret(_) => true,
            Expr::Part { part: PartKind::Service, index, field } => {
                let speaks = self.services.get(*index).map(|endpoint| &endpoint.speaks);
                field.starts_with("url") && matches!(speaks, Some(Speaks::Postgres { .. }))
            }
            _ => false,
        }
    }
}
