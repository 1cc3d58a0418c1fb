//! Secrets, ports and addresses, put into what is started and what is sent.

use super::link::Place;
use super::secret::Mask;
use super::service::{Endpoint, Ports};
use super::value::{Choices, Frame, Paths, Rows};
use crate::plan::{Body, Check, Expr, Flow, PartKind, Piece, Plan, Step, Text};
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
}

impl Known {
    /// A text of something that is started, such as an argument.
    pub fn text(&self, pieces: &Text) -> Result<String, String> {
        let mut pieces = pieces.clone();
        texts(&mut pieces, self);
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

/// An iteration of nobody, which has made no request.
fn nobody() -> Frame {
    let (choices, rows) = (Choices::new(0, 0, 0, 0), Rows::default());
    Frame { slots: Vec::new(), answers: Vec::new(), user: 0, number: 0, choices, rows }
}

/// The plan with the values of its secrets and the addresses of its services: for the workers alone, who send them and
/// print nothing.
pub fn revealed(plan: &Plan, known: &Known) -> Plan {
    let mut plan = plan.clone();
    let flows = plan.flows.iter_mut().chain(&mut plan.setup).chain(&mut plan.teardown);
    let verifies = plan.ledgers.iter_mut().filter_map(|ledger| ledger.verify.as_mut());
    flows.chain(verifies).for_each(|flow| flow_of(flow, known));
    for target in &mut plan.targets {
        target.headers.iter_mut().chain(&mut target.settings).for_each(|(_, pieces)| texts(pieces, known));
    }
    plan
}

fn flow_of(flow: &mut Flow, known: &Known) {
    steps(&mut flow.steps, known);
}

fn steps(list: &mut [Step], known: &Known) {
    for step in list {
        match step {
            Step::Request(request) => {
                texts(&mut request.path, known);
                request.headers.iter_mut().for_each(|(_, pieces)| texts(pieces, known));
                let body = request.body.iter_mut().flat_map(Body::exprs_mut);
                body.for_each(|value| expr(value, known));
                checks(&mut request.expects, known);
                request.extra.iter_mut().for_each(|(_, value)| expr(value, known));
                request.records.iter_mut().for_each(|record| expr(&mut record.key, known));
            }
            Step::Let { value, .. } | Step::Measure { value, .. } | Step::Count(value) => expr(value, known),
            Step::Expect(list) => checks(list, known),
            Step::If { condition, then, otherwise } => {
                expr(condition, known);
                steps(then, known);
                steps(otherwise, known);
            }
            Step::Group { steps: inner, .. }
            | Step::OncePerUser { steps: inner, .. }
            | Step::Acquire { steps: inner, .. } => {
                steps(inner, known);
            }
            Step::Each { list, steps: inner, .. } => {
                expr(list, known);
                steps(inner, known);
            }
            Step::Repeat(repeat) => {
                repeat.test.iter_mut().for_each(|test| expr(test, known));
                steps(&mut repeat.steps, known);
            }
            Step::Think(_) => {}
        }
    }
}

fn checks(list: &mut [Check], known: &Known) {
    list.iter_mut().for_each(|check| expr(&mut check.condition, known));
}

fn texts(pieces: &mut [Piece], known: &Known) {
    for piece in pieces {
        if let Piece::Value(value) = piece {
            expr(value, known);
        }
    }
}

fn expr(value: &mut Expr, known: &Known) {
    match value {
        Expr::Secret(name) => {
            if let Some(secret) = known.secrets.get(name) {
                *value = Expr::Text(vec![Piece::Literal(secret.clone())]);
            }
        }
        Expr::Text(pieces) => texts(pieces, known),
        Expr::List(items) => items.iter_mut().for_each(|item| expr(item, known)),
        Expr::Object(fields) => fields.iter_mut().for_each(|(_, field)| expr(field, known)),
        Expr::Not(inner) | Expr::Negate(inner) | Expr::Count(inner) => expr(inner, known),
        Expr::Binary { left, right, .. } => {
            expr(left, known);
            expr(right, known);
        }
        Expr::Column { row: inner, .. } | Expr::Get { value: inner, .. } => expr(inner, known),
        Expr::Call { arguments, .. } => arguments.iter_mut().for_each(|argument| expr(argument, known)),
        Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::Slot(_) | Expr::UserId | Expr::Iteration => {}
        Expr::Uuid | Expr::Random { .. } | Expr::Status(_) | Expr::Latency(_) | Expr::BodyText(_) => {}
        Expr::Part { part: PartKind::Service, index, field } => {
            let endpoint = known.services.get(*index);
            let through = field.strip_prefix("url via ").and_then(|link| known.links.get(link.parse::<usize>().ok()?));
            let found = match through {
                Some(link) => endpoint.map(|endpoint| Expr::Text(vec![Piece::Literal(endpoint.url_at(*link))])),
                None => endpoint.and_then(|endpoint| endpoint.field(field)),
            };
            if let Some(found) = found {
                *value = found;
            }
        }
        Expr::Part { part: PartKind::Link, index, field } => {
            let found = known.links.get(*index).and_then(|address| Endpoint::http(*address).field(field));
            if let Some(found) = found {
                *value = found;
            }
        }
        Expr::Port(port) => {
            if let Some(number) = known.ports.number(*port) {
                *value = Expr::Number(f64::from(number));
            }
        }
        Expr::Json { .. } | Expr::Header { .. } | Expr::Setup(_) => {}
        Expr::Row { .. } | Expr::Answer { .. } | Expr::Property(_) => {}
    }
}
