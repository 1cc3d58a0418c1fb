//! A plan prepared for execution: flows as flat steps and encoded requests, made once per run and shared by its workers. Each
//! worker compiles paths, patterns and selectors for itself.

use super::computed::backoff;
use super::steps::{Steps, flat};
use crate::engine::channel;
use crate::engine::driver;
use crate::engine::http;
use crate::engine::http::host::{self, Endpoint};
use crate::engine::http::reference::Root;
use crate::engine::ledger::Records;
use crate::engine::secret::Mask;
use crate::engine::sql;
use crate::engine::value::code::Check;
use crate::engine::value::files::Files;
use crate::engine::value::lower::{Lowerer, Resolve, Sought};
use crate::engine::value::rows::{Table, Uses};
use crate::engine::value::{Paths, Plain};
use crate::measure::Failure;
use crate::plan::{Exchange, Flow, Plan, Reason, Request};
use std::sync::Arc;

/// The flows of a plan, lowered once. A thread takes those that it runs.
pub struct LoweredPlan {
    pub setup: Vec<Arc<Steps>>,
    pub flows: Vec<Arc<Steps>>,
    pub teardown: Vec<Arc<Steps>>,
    /// By ledger.
    pub verify: Vec<Option<Arc<Steps>>>,
    pub sought: Arc<Sought>,
}

/// What a worker runs.
pub struct Lowered {
    pub flows: Vec<Arc<Steps>>,
    pub paths: Paths,
    /// By target.
    pub hosts: Vec<host::Host>,
}

pub struct LoweredRequest {
    pub response: usize,
    pub target: usize,
    /// Of one try, in nanoseconds, where it is not that of the target.
    pub timeout: Option<u64>,
    pub exchange: driver::Exchange,
    /// A failure does not end the iteration.
    pub goes_on: bool,
    pub retry: Option<Retries>,
    pub expects: Vec<Check>,
    /// Which entries of ledgers it makes.
    pub records: Records,
}

/// How often a request is tried again, after which pauses, and for which reasons; for every failure where none is named.
pub struct Retries {
    pub times: u64,
    pub least: u64,
    pub most: u64,
    when: Vec<Reason>,
}

impl Retries {
    pub fn apply(&self, failure: Failure, status: u16) -> bool {
        let applies = |reason: &Reason| match reason {
            Reason::Status(wanted) => status == *wanted && !matches!(failure, Failure::Timeout | Failure::Connect),
            Reason::Failure(kind) => failure == *kind,
        };
        self.when.is_empty() || self.when.iter().any(applies)
    }

    /// The pause before try `n`, from 1.
    pub fn pause(&self, n: u64, fraction: f64) -> u64 {
        backoff((self.least, self.most), n, fraction)
    }
}

impl LoweredPlan {
    /// Links all that a plan does, with what a run knows of it. What is computed from secrets and the same for all is hidden then.
    pub fn of(
        plan: &Plan,
        endpoints: &[Endpoint],
        files: Arc<Files>,
        (open, mask): (&dyn Resolve, &Mask),
        run: &str,
    ) -> LoweredPlan {
        let (roots, paths) = (host::roots(plan, endpoints).into(), Paths::of_files(files));
        let around = RequestParts { plan, endpoints, roots, paths, run };
        let mut lowerer = Lowerer::new(open, mask);
        let setup = plan.setup.iter().map(|flow| {
            let steps = flat(flow, None, &around, &mut lowerer);
            lowerer.end_setup();
            Arc::new(steps)
        });
        let setup = setup.collect();
        let mut all = |flows: &[Flow]| -> Vec<Arc<Steps>> {
            flows.iter().map(|flow| Arc::new(flat(flow, None, &around, &mut lowerer))).collect()
        };
        let (flows, teardown) = (all(&plan.flows), all(&plan.teardown));
        let verify = plan.ledgers.iter().enumerate().map(|(ledger, planned)| {
            planned.verify.as_ref().map(|verify| Arc::new(flat(verify, Some(ledger), &around, &mut lowerer)))
        });
        let verify = verify.collect();
        LoweredPlan { setup, flows, teardown, verify, sought: Arc::new(lowerer.sought) }
    }

    /// Whether the keys of a ledger are computed from secrets, each in an iteration that is over when they are told.
    pub fn hides_keys(&self, ledger: usize) -> bool {
        self.flows.iter().chain(&self.setup).chain(&self.teardown).any(|steps| steps.hides_keys(ledger))
    }
}

impl Lowered {
    pub fn new(
        plan: &Plan,
        (endpoints, worker): (&[Endpoint], u64),
        (flows, sought): (Vec<Arc<Steps>>, &Sought),
        (tables, files): (Arc<Vec<Table>>, Arc<Files>),
        setup: &[Plain],
    ) -> Lowered {
        let paths = Paths::new(sought, (tables, files), Uses::of(plan), setup);
        Lowered { flows, paths, hosts: host::hosts(plan, endpoints, worker) }
    }
}

/// What a request is written with in addition to its expressions.
pub struct RequestParts<'p> {
    pub plan: &'p Plan,
    pub endpoints: &'p [Endpoint],
    /// The addresses of targets, of those that speak HTTP.
    pub roots: Arc<[Option<Root>]>,
    pub paths: Paths,
    /// The id of the run.
    pub run: &'p str,
}

pub fn request(request: &Request, around: &RequestParts<'_>, lowerer: &mut Lowerer<'_>) -> LoweredRequest {
    let exchange = match &request.exchange {
        Exchange::Http(http) => driver::Exchange::Http(http::Request::of(http, request, around, lowerer)),
        #[cfg(test)]
        Exchange::Command(line) => driver::Exchange::Line(driver::tests::Message::of(line)),
        Exchange::Query(query) => driver::Exchange::Sql(sql::Request::of(query, request.keep_body, lowerer)),
        Exchange::Frame(frame) => driver::Exchange::Channel(channel::Request::of(frame, request, around, lowerer)),
        #[cfg(not(test))]
        Exchange::Command(_) => unreachable!("a run is refused whose steps have no driver"),
        Exchange::Call(_) => {
            unreachable!("a run is refused whose steps have no driver")
        }
    };
    LoweredRequest {
        response: request.response,
        target: request.target,
        timeout: request.timeout,
        exchange,
        goes_on: request.goes_on,
        retry: request.retry.as_ref().map(retries),
        expects: lowerer.checks(&request.expects),
        records: Records::of(request, lowerer),
    }
}

pub(super) fn retries(retry: &crate::plan::Retry) -> Retries {
    Retries { times: retry.times, least: retry.least, most: retry.most, when: retry.when.clone() }
}
