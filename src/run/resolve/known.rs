//! Secrets, ports and addresses, put into what is started and what is sent.

use super::derived;
use crate::check::program::exprs_of;
use crate::check::program::values_mut;
use crate::engine::http::host::Place;
use crate::engine::secret::Mask;
use crate::engine::value::Paths;
use crate::engine::value::nobody;
use crate::plan::{Expr, PartKind, Piece, Plan, Text};
use crate::run::ask::Trust;
use crate::run::service::{Endpoint, Ports};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// What is known of the parts that have been started so far.
pub struct Known {
    pub secrets: HashMap<String, String>,
    pub mask: Arc<Mask>,
    /// In the order of the plan.
    pub services: Vec<Endpoint>,
    pub links: Vec<SocketAddr>,
    pub ports: Ports,
    /// Authorities of TLS that targets name by files.
    pub authorities: Vec<CertificateDer<'static>>,
}

impl Known {
    /// Whom probes and monitors trust beside whom this machine does: the authorities of targets, and of services that the run
    /// made some for.
    pub fn trust(&self, more: Option<&Endpoint>) -> Trust {
        let own = self.services.iter().chain(more).filter_map(Endpoint::ca);
        let made = own.filter_map(|ca| CertificateDer::from_pem_slice(ca.as_bytes()).ok());
        self.authorities.iter().cloned().chain(made).collect()
    }

    /// A text of something that is started, such as an argument.
    pub fn text(&self, pieces: &Text) -> Result<String, String> {
        let mut pieces = pieces.clone();
        derived::mark_started(&mut pieces, self);
        texts(&mut pieces, self);
        derived::learn_started(&pieces, &self.mask);
        let mut out = String::new();
        match nobody().write(&pieces, &Paths::default(), &mut out) {
            Ok(()) => Ok(out),
            Err(_) => Err("it holds a value that is not known before the load".to_owned()),
        }
    }

    /// Where a text leads that is an address; none while a part of it is not known.
    pub fn address(&self, pieces: &Text) -> Option<Result<SocketAddr, String>> {
        let text = self.text(pieces).ok()?;
        let (host, port) = text.rsplit_once(':').unwrap_or_default();
        let port = port.parse().map_err(|_| format!("`{text}` is no address: it has no port"));
        Some(port.and_then(|port| Place::resolve(host, port)).map(|place| place.address))
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

/// The plan with the values of its secrets and the addresses of its services: for the workers alone, who send them and
/// print nothing.
pub fn revealed(plan: &Plan, known: &Known) -> Plan {
    let mut plan = plan.clone();
    derived::mark(&mut plan, known);
    let flows = plan.flows.iter_mut().chain(&mut plan.setup).chain(&mut plan.teardown);
    let verifies = plan.ledgers.iter_mut().filter_map(|ledger| ledger.verify.as_mut());
    flows.chain(verifies).for_each(|flow| exprs_of(&mut flow.steps, &mut |value| expr(value, known)));
    for target in &mut plan.targets {
        target.headers.iter_mut().chain(&mut target.settings).for_each(|(_, pieces)| texts(pieces, known));
    }
    derived::settle(&mut plan, &known.mask);
    plan
}

fn texts(pieces: &mut Text, known: &Known) {
    values_mut(pieces).for_each(|value| expr(value, known));
}

/// Puts in what is known.
pub fn expr(value: &mut Expr, known: &Known) {
    let text = |text: String| Expr::Text(vec![Piece::Literal(text)]);
    let found = match &*value {
        Expr::Secret(name) => known.secrets.get(name).cloned().map(text),
        Expr::Part { part: PartKind::Service, index, field } => {
            let endpoint = known.services.get(*index);
            let through = field.strip_prefix("url via ").and_then(|link| known.links.get(link.parse::<usize>().ok()?));
            match through {
                Some(link) => endpoint.map(|endpoint| text(endpoint.url_at(*link))),
                None => endpoint.and_then(|endpoint| endpoint.field(field)),
            }
        }
        Expr::Part { part: PartKind::Link, index, field } => {
            known.links.get(*index).and_then(|address| Endpoint::http(*address).field(field))
        }
        Expr::Port(port) => known.ports.number(*port).map(|number| Expr::Number(f64::from(number))),
        _ => None,
    };
    match found {
        Some(found) => *value = found,
        None => value.parts_mut().into_iter().for_each(|part| expr(part, known)),
    }
}
