//! A plan made ready for one machine: addresses resolved, requests encoded, what is looked for compiled. Each worker links its own.

use super::files::Files;
use super::ledger::Records;
use super::redirect;
use super::rows::{Table, Uses};
use super::service::Endpoint;
use super::steps::{Steps, flat};
use super::template::{Bytes, encode, says};
use super::value::{Paths, Plain};
use crate::base::hosts::Host;
use crate::check::program::Protocol;
use crate::measure::Failure;
use crate::plan::{Address, Check, Expr, Plan, Request};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

pub struct Linked {
    pub flows: Vec<Steps>,
    pub paths: Paths,
    /// By target.
    pub hosts: Vec<redirect::Host>,
}

pub struct LinkedRequest {
    pub response: usize,
    pub target: usize,
    /// Of one try, in nanoseconds.
    pub timeout: u64,
    pub bytes: Bytes,
    /// None where it is computed.
    pub method: Option<Method>,
    pub keep_body: bool,
    pub keep_headers: bool,
    /// The step, or its target, says itself which cookies go with it.
    pub own_cookies: bool,
    pub judges_status: bool,
    /// A failure does not end the iteration.
    pub goes_on: bool,
    pub retry: Option<Retries>,
    pub expects: Vec<Check>,
    /// Which entries of ledgers it makes.
    pub records: Records,
}

/// What a method is to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Its answer has no body.
    pub head_only: bool,
    /// Sending it twice does no more than sending it once (RFC 9110, 9.2.2).
    pub idempotent: bool,
}

impl Method {
    pub fn of(name: &str) -> Method {
        let idempotent = matches!(name, "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE");
        Method { head_only: name == "HEAD", idempotent }
    }
}

/// How often a request is tried again, after which pauses, and for which reasons; for every failure where none is named.
pub struct Retries {
    pub times: u64,
    pub least: u64,
    pub most: u64,
    when: Vec<Reason>,
}

enum Reason {
    Status(u16),
    Failure(String),
}

impl Retries {
    pub fn apply(&self, failure: Failure, status: u16) -> bool {
        let applies = |reason: &Reason| match reason {
            Reason::Status(wanted) => status == *wanted && !matches!(failure, Failure::Timeout | Failure::Connect),
            Reason::Failure(kind) => failure.as_str() == kind,
        };
        self.when.is_empty() || self.when.iter().any(applies)
    }

    /// The pause before try `n`, from 1: the shortest, doubled each time up to the longest, of which up to a half is
    /// left out at random, so that what failed together does not come back together.
    pub fn pause(&self, n: u64, fraction: f64) -> u64 {
        let doubled = self.least.saturating_mul(1u64.checked_shl((n - 1).min(62) as u32).unwrap_or(u64::MAX));
        let longest = doubled.clamp(self.least, self.most.max(self.least));
        if self.least == self.most { longest } else { longest - (longest as f64 * fraction / 2.0) as u64 }
    }
}

/// Where targets and services are: host and port as they go into `Host`, and the resolved address.
#[derive(Debug, Clone)]
pub struct Place {
    pub authority: String,
    pub address: SocketAddr,
}

impl Place {
    pub fn resolve(host: &str, port: u16) -> Result<Place, String> {
        let authority = if port == 80 { host.to_owned() } else { format!("{host}:{port}") };
        let plain = host.trim_matches(['[', ']']);
        let found = (plain, port)
            .to_socket_addrs()
            .map_err(|error| format!("the host `{host}` cannot be resolved: {error}"))?;
        // IPv4 first: what listens on one family only is most often there.
        let mut all: Vec<SocketAddr> = found.collect();
        all.sort_by_key(SocketAddr::is_ipv6);
        // All of them, since a client that cannot connect to one takes the next.
        let named = Host::new(plain, Some(port));
        if let Some(elsewhere) = all.iter().find(|address| !named.may_be_at(address.ip())) {
            return Err(format!(
                "the host `{host}` is taken for this machine, and resolves to {}: name it as what it is",
                elsewhere.ip()
            ));
        }
        let address = all.first().copied().ok_or_else(|| format!("the host `{host}` has no address"))?;
        Ok(Place { authority, address })
    }
}

/// The place of each target, from the places of the services and links.
pub fn places(plan: &Plan, services: &[Endpoint], links: &[SocketAddr]) -> Result<Vec<Place>, String> {
    let at = |address: SocketAddr| Place { authority: address.to_string(), address };
    let place = |(index, target): (usize, &crate::plan::Target)| {
        let place = match &target.address {
            Address::Service(service) => at(services[*service].address),
            Address::Link(link) => at(links[*link]),
            // Nobody sends requests there: it is hurt from within.
            Address::Late(_) if matches!(target.protocol, Protocol::Postgres | Protocol::Mysql) => {
                at(SocketAddr::from(([0, 0, 0, 0], 0)))
            }
            Address::Late(_) => {
                return Err(format!("the address of `{}` is not known to this version", target.name));
            }
            Address::Url { host, port } => Place::resolve(host, *port)?,
        };
        // A link that was put before it is nothing that a request speaks of.
        let before = plan.links.iter().position(|link| link.before == Some(index));
        Ok(before.map_or(place.clone(), |link| Place { address: links[link], ..place }))
    };
    plan.targets.iter().enumerate().map(place).collect()
}

pub fn link(plan: &Plan, places: &[Place], tables: Arc<Vec<Table>>, files: Arc<Files>, setup: &[Plain]) -> Linked {
    let mut paths = Paths::new(tables, files, Uses::of(plan), setup);
    let flows = plan.flows.iter().map(|flow| flat(flow, plan, places, &mut paths)).collect();
    Linked { flows, paths, hosts: redirect::hosts(plan, places) }
}

pub fn request(request: &Request, plan: &Plan, places: &[Place], paths: &mut Paths) -> LinkedRequest {
    request.expects.iter().for_each(|check| compile(&check.condition, paths));
    request.records.iter().for_each(|record| compile(&record.key, paths));
    let place = &places[request.target];
    let target = &plan.targets[request.target];
    let timeout = request.timeout.unwrap_or(target.timeout);
    LinkedRequest {
        response: request.response,
        target: request.target,
        timeout,
        bytes: encode(request, target, &place.authority, paths),
        method: (!request.method.is_empty()).then(|| Method::of(&request.method)),
        keep_body: request.keep_body,
        keep_headers: request.keep_headers,
        own_cookies: [&request.headers, &target.headers].into_iter().any(|headers| says(headers, "Cookie")),
        judges_status: request.judges_status,
        goes_on: request.goes_on,
        retry: request.retry.as_ref().map(retries),
        expects: request.expects.clone(),
        records: Records::of(request),
    }
}

fn retries(retry: &crate::plan::Retry) -> Retries {
    let reasons = retry.when.iter().map(|reason| match reason.parse() {
        Ok(status) => Reason::Status(status),
        Err(_) => Reason::Failure(reason.clone()),
    });
    Retries { times: retry.times, least: retry.least, most: retry.most, when: reasons.collect() }
}

/// Compiles all that an expression looks for.
pub fn compile(expr: &Expr, paths: &mut Paths) {
    expr.any(&mut |part| {
        paths.learn(part);
        false
    });
}
