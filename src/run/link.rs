//! A plan made ready for one machine: addresses resolved, requests encoded, paths compiled. Each worker links its own.

use super::rows::{Table, Uses};
use super::steps::{Steps, flat};
use super::trace::PLACEHOLDER;
use super::value::{Frame, Paths, Plain, Unusable, write_plain};
use crate::measure::Failure;
use crate::plan::{Address, Body, Check, Connections, Expr, Piece, Plan, Request, Target};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

pub struct Linked {
    pub flows: Vec<Steps>,
    pub paths: Paths,
}

pub struct LinkedRequest {
    pub response: usize,
    pub target: usize,
    /// How connections are shared, where the target says so.
    pub connections: Option<Connections>,
    pub address: SocketAddr,
    /// Of one try, in nanoseconds.
    pub timeout: u64,
    pub bytes: Bytes,
    pub head_only: bool,
    /// Sending it twice does no more than sending it once (RFC 9110, 9.2.2).
    pub idempotent: bool,
    pub keep_body: bool,
    pub keep_headers: bool,
    pub judges_status: bool,
    /// A failure does not end the iteration.
    pub goes_on: bool,
    pub retry: Option<Retries>,
    pub expects: Vec<Check>,
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

/// A request as bytes: all of them at once where nothing in it changes.
pub enum Bytes {
    Fixed(Fixed),
    Built(Box<Template>),
}

/// The whole of a request: what stands before its body, where in that its trace context belongs, and the body.
pub struct Fixed {
    pub head: Vec<u8>,
    pub trace: Option<usize>,
    pub body: Vec<u8>,
}

impl Bytes {
    /// What is sent behind the part that each request has for itself.
    pub fn rest(&self) -> &[u8] {
        match self {
            Bytes::Fixed(fixed) => &fixed.body,
            Bytes::Built(_) => &[],
        }
    }
}

pub struct Template {
    start: String,
    path: Vec<Piece>,
    query: Vec<(String, Expr)>,
    after_path: String,
    /// Where in that the trace context belongs.
    trace: Option<usize>,
    headers: Vec<(String, Vec<Piece>)>,
    body: Option<Body>,
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
        let address = all.first().copied().ok_or_else(|| format!("the host `{host}` has no address"))?;
        Ok(Place { authority, address })
    }
}

/// The place of each target, from the places of the services.
pub fn places(plan: &Plan, services: &[SocketAddr]) -> Result<Vec<Place>, String> {
    plan.targets
        .iter()
        .map(|target| match &target.address {
            Address::Service(service) => {
                let address = services[*service];
                Ok(Place { authority: address.to_string(), address })
            }
            Address::Late(_) => Err(format!("the address of `{}` is not known to this version", target.name)),
            Address::Url { host, port } => Place::resolve(host, *port),
        })
        .collect()
}

pub fn link(plan: &Plan, places: &[Place], tables: Arc<Vec<Table>>, setup: &[Plain]) -> Linked {
    let mut paths = Paths::new(tables, Uses::of(plan), setup);
    let flows = plan.flows.iter().map(|flow| flat(flow, plan, places, &mut paths)).collect();
    Linked { flows, paths }
}

pub fn request(request: &Request, plan: &Plan, places: &[Place], paths: &mut Paths) -> LinkedRequest {
    request.expects.iter().for_each(|check| compile(&check.condition, paths));
    let place = &places[request.target];
    let timeout = request.timeout.unwrap_or(plan.targets[request.target].timeout);
    LinkedRequest {
        response: request.response,
        target: request.target,
        connections: plan.targets[request.target].connections,
        address: place.address,
        timeout,
        bytes: encode(request, &plan.targets[request.target], &place.authority, paths),
        head_only: request.method == "HEAD",
        idempotent: matches!(request.method.as_str(), "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS"),
        keep_body: request.keep_body,
        keep_headers: request.keep_headers,
        judges_status: request.judges_status,
        goes_on: request.goes_on,
        retry: request.retry.as_ref().map(retries),
        expects: request.expects.clone(),
    }
}

fn retries(retry: &crate::plan::Retry) -> Retries {
    let reasons = retry.when.iter().map(|reason| match reason.parse() {
        Ok(status) => Reason::Status(status),
        Err(_) => Reason::Failure(reason.clone()),
    });
    Retries { times: retry.times, least: retry.least, most: retry.most, when: reasons.collect() }
}

fn encode(request: &Request, target: &Target, authority: &str, paths: &mut Paths) -> Bytes {
    let says = |name: &str| request.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let mut after_path = " HTTP/1.1\r\n".to_owned();
    let agent = concat!("stressc/", env!("CARGO_PKG_VERSION"));
    for (name, value) in [("Host", authority), ("User-Agent", agent), ("Accept", "*/*")] {
        // What the scenario says itself is not said twice.
        if !says(name) {
            after_path.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    let trace = (!target.untraced && !says("traceparent")).then(|| {
        after_path.push_str("traceparent: ");
        let at = after_path.len();
        after_path.push_str(PLACEHOLDER);
        after_path.push_str("\r\n");
        at
    });
    if target.connections == Some(Connections::PerRequest) && !says("Connection") {
        after_path.push_str("Connection: close\r\n");
    }
    let kind = match &request.body {
        Some(Body::Json(_)) => Some("application/json"),
        Some(Body::Form(_)) => Some("application/x-www-form-urlencoded"),
        Some(Body::Text(_)) => Some("text/plain; charset=utf-8"),
        None => None,
    };
    if let Some(kind) = kind.filter(|_| !says("content-type")) {
        after_path.push_str(&format!("Content-Type: {kind}\r\n"));
    }
    let template = Template {
        start: format!("{} ", request.method),
        path: request.path.clone(),
        query: query(request),
        after_path,
        trace,
        headers: request.headers.clone(),
        body: request.body.clone(),
    };
    for expr in exprs(&template) {
        compile(expr, paths);
    }
    if exprs(&template).all(is_fixed) {
        let mut frame = Frame {
            slots: Vec::new(),
            answers: Vec::new(),
            user: 0,
            number: 0,
            choices: super::value::Choices::new(0, 0, 0, 0),
            rows: super::value::Rows::default(),
        };
        let nothing = Paths::default();
        let mut bytes = String::new();
        if let Ok(trace) = template.write(&mut frame, &nothing, &mut bytes, &mut String::new()) {
            let end = bytes.find("\r\n\r\n").map_or(bytes.len(), |end| end + 4);
            let body = bytes.split_off(end).into_bytes();
            return Bytes::Fixed(Fixed { head: bytes.into_bytes(), trace, body });
        }
    }
    Bytes::Built(Box::new(template))
}

fn query(request: &Request) -> Vec<(String, Expr)> {
    let found = request.extra.iter().find(|(name, _)| name == "query").map(|(_, fields)| fields);
    match found {
        Some(Expr::Object(fields)) => fields.clone(),
        _ => Vec::new(),
    }
}

fn exprs(template: &Template) -> impl Iterator<Item = &Expr> {
    fn of(pieces: &[Piece]) -> impl Iterator<Item = &Expr> {
        pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Value(expr) => Some(expr),
        })
    }
    let body: Box<dyn Iterator<Item = &Expr>> = match &template.body {
        Some(Body::Json(expr)) => Box::new(std::iter::once(expr)),
        Some(Body::Form(fields)) => Box::new(fields.iter().map(|(_, expr)| expr)),
        Some(Body::Text(pieces)) => Box::new(of(pieces)),
        None => Box::new(std::iter::empty()),
    };
    let query = template.query.iter().map(|(_, expr)| expr);
    of(&template.path).chain(query).chain(template.headers.iter().flat_map(|(_, pieces)| of(pieces))).chain(body)
}

/// Whether it is the same for all.
fn is_fixed(expr: &Expr) -> bool {
    !expr.any(&mut |part| {
        let literal = matches!(part, Expr::Null | Expr::Bool(_) | Expr::Number(_));
        !literal && !matches!(part, Expr::Text(_) | Expr::List(_) | Expr::Object(_))
    })
}

/// Compiles every JSONPath of an expression; the checker has parsed each once.
pub fn compile(expr: &Expr, paths: &mut Paths) {
    expr.any(&mut |part| {
        if let Expr::Json { path, .. } | Expr::Get { path, .. } = part {
            paths.learn(path);
        }
        false
    });
}

impl Template {
    /// The whole request, into a buffer that the session keeps. Gives the place of its trace context.
    pub fn write(
        &self,
        frame: &mut Frame,
        paths: &Paths,
        out: &mut String,
        scratch: &mut String,
    ) -> Result<Option<usize>, Unusable> {
        out.clear();
        out.push_str(&self.start);
        for piece in &self.path {
            match piece {
                Piece::Literal(text) => percent_encode(text, "/?&=:@!$'()*+,;~-._%[]", out),
                Piece::Value(expr) => {
                    scratch.clear();
                    write_plain(&frame.eval(expr, paths)?, scratch)?;
                    percent_encode(scratch, "-._~", out);
                }
            }
        }
        for (name, expr) in &self.query {
            out.push(if out.contains('?') { '&' } else { '?' });
            percent_encode(name, "-._~", out);
            out.push('=');
            scratch.clear();
            write_plain(&frame.eval(expr, paths)?, scratch)?;
            percent_encode(scratch, "-._~", out);
        }
        let trace = self.trace.map(|at| out.len() + at);
        out.push_str(&self.after_path);
        for (name, pieces) in &self.headers {
            scratch.clear();
            frame.write(pieces, paths, scratch)?;
            // A line break would end the header and start another one of somebody else's choice.
            if scratch.contains(['\r', '\n']) {
                return Err(Unusable);
            }
            out.push_str(name);
            out.push_str(": ");
            out.push_str(scratch);
            out.push_str("\r\n");
        }
        let Some(body) = &self.body else {
            out.push_str("\r\n");
            return Ok(trace);
        };
        scratch.clear();
        match body {
            Body::Json(expr) => scratch.push_str(&frame.json(expr, paths)?.to_string()),
            Body::Text(pieces) => frame.write(pieces, paths, scratch)?,
            Body::Form(fields) => {
                let mut plain = String::new();
                for (index, (name, expr)) in fields.iter().enumerate() {
                    if index > 0 {
                        scratch.push('&');
                    }
                    percent_encode(name, "-._~", scratch);
                    scratch.push('=');
                    plain.clear();
                    write_plain(&frame.eval(expr, paths)?, &mut plain)?;
                    percent_encode(&plain, "-._~", scratch);
                }
            }
        }
        out.push_str(&format!("Content-Length: {}\r\n\r\n", scratch.len()));
        out.push_str(scratch);
        Ok(trace)
    }
}

/// Every byte of the UTF-8 but letters, digits and what is kept (RFC 3986, 2.1).
pub fn percent_encode(text: &str, kept: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || (byte.is_ascii() && kept.contains(byte as char)) {
            out.push(byte as char);
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.push('%');
            out.push(HEX[(byte >> 4) as usize] as char);
            out.push(HEX[(byte & 15) as usize] as char);
        }
    }
}
