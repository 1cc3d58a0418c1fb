//! The steps of a setup or a teardown, run once before or after the load by their own worker, which measures nothing.

use super::flow::lowered::LoweredPlan;
use super::flow::missed::Missed;
use super::flow::session::Session;
use super::flow::steps::Steps;
use super::flow::user::Asker;
use super::health::Gauge;
use super::http::host::Endpoint;
use super::pace::limit;
use super::secret::Mask;
use super::tracer::Tracer;
use super::value::Plain;
use super::value::files::Files;
use super::value::rows::Table;
use super::worker::{Assignment, Worker};
use crate::engine::Phase;
use crate::measure::Failure;
use crate::plan::schedule::Shape;
use crate::plan::{Ceiling, CeilingFrom, Flow, Load, Member, MixPart, Plan, Series, Share};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// What the steps need of the run.
#[derive(Clone)]
pub struct Parts {
    pub plan: Arc<Plan>,
    /// What the plan does, with the values of its secrets.
    pub lowered: Arc<LoweredPlan>,
    pub endpoints: Arc<Vec<Endpoint>>,
    pub tables: Arc<Vec<Table>>,
    pub files: Arc<Files>,
    pub seed: u64,
    pub run: u64,
    pub tracer: Option<Tracer>,
    pub mask: Arc<Mask>,
}

impl Parts {
    /// A worker of its own that measures nothing: for what is done next to the load.
    pub fn order(&self, (plan, flows): (Arc<Plan>, Vec<Arc<Steps>>), setup: Arc<Vec<Plain>>, lane: u64) -> Assignment {
        // Nobody tells it to stop, and nobody hears what it measures.
        let (_, phase) = watch::channel(Phase::Run);
        let (measured, _) = mpsc::unbounded_channel();
        Assignment {
            gates: limit::gates(&plan),
            // What is done next to the load is not counted.
            budget: None,
            plan,
            flows,
            sought: self.lowered.sought.clone(),
            endpoints: self.endpoints.clone(),
            tables: self.tables.clone(),
            replays: Arc::default(),
            trials: Vec::new(),
            files: self.files.clone(),
            setup,
            edges: Arc::from([0]),
            seed: self.seed,
            run: self.run,
            lane,
            index: 0,
            workers: 1,
            phase,
            measured,
            gauge: Arc::<Gauge>::default(),
            tracer: self.tracer.clone(),
            mask: self.mask.clone(),
        }
    }
}

/// What is done once, before the load or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// Its first step that fails ends it.
    Setup,
    /// All of its steps are tried, whatever becomes of those before.
    Teardown,
}

impl Errand {
    fn word(self) -> &'static str {
        match self {
            Errand::Setup => "setup",
            Errand::Teardown => "teardown",
        }
    }

    /// A lane that no worker has, and no other errand.
    fn lane(self, number: u64) -> u64 {
        match self {
            Errand::Setup => u64::MAX - 2 * number,
            Errand::Teardown => u64::MAX - 2 * number - 1,
        }
    }

    fn flows(self, parts: &Parts) -> Vec<(Flow, Arc<Steps>)> {
        let (planned, lowered) = match self {
            Errand::Setup => (&parts.plan.setup, &parts.lowered.setup),
            Errand::Teardown => (&parts.plan.teardown, &parts.lowered.teardown),
        };
        planned.iter().cloned().zip(lowered.iter().cloned()).collect()
    }
}

/// What came of it.
pub struct PhaseEnd {
    /// The values that were named before, with those that its flows named; null where they did not come to it.
    pub named: Vec<Plain>,
    /// What went wrong, in words for a person.
    pub problems: Vec<String>,
}

/// Does the steps of some flows, one after the other, on a thread of its own.
pub async fn perform(errand: Errand, parts: Parts, named: Vec<Plain>) -> PhaseEnd {
    let (word, flows) = (errand.word(), errand.flows(&parts));
    if flows.is_empty() {
        return PhaseEnd { named, problems: Vec::new() };
    }
    let lost = |problem: String| PhaseEnd { named: Vec::new(), problems: vec![problem] };
    let (told, outcome) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name(word.to_owned()).spawn(move || {
        let mut done = PhaseEnd { named, problems: Vec::new() };
        for (number, flow) in flows.into_iter().enumerate() {
            match one((errand, number as u64), flow, &parts, &done.named) {
                Ok((values, problems)) => {
                    done.named.extend(values);
                    done.problems.extend(problems);
                }
                Err(error) => done.problems.push(format!("the {word} cannot be started: {error}")),
            }
            if errand == Errand::Setup && !done.problems.is_empty() {
                break;
            }
        }
        let _ = told.send(done);
    });
    if let Err(error) = thread {
        return lost(format!("the {word} cannot be started: {error}"));
    }
    outcome
        .await
        .unwrap_or_else(|_| lost(format!("the {word} could not be carried out, which is a mistake of stressc")))
}

/// The values that a flow named, and what went wrong in it.
fn one(
    (errand, number): (Errand, u64),
    (flow, steps): (Flow, Arc<Steps>),
    parts: &Parts,
    named: &[Plain],
) -> std::io::Result<(Vec<Plain>, Vec<String>)> {
    let plan = Arc::new(plan_of(flow, &parts.plan));
    let order = parts.order((plan.clone(), vec![steps]), Arc::new(named.to_vec()), errand.lane(number));
    alone(order, async |worker| {
        let mut session = Session::new(&worker, 0, true);
        if errand == Errand::Teardown {
            session.tries_all();
        }
        let who = Asker { user: 1, turn: 0, kept: None };
        let now = worker.timers.clock.now();
        let outcome = session.iterate(who, 0, 0, (now, now)).await;
        parts.mask.learn(session.secrets(0));
        let values = session.values(0).take(plan.flows[0].slots).map(Plain::of).collect();
        let mut missed = session.missed();
        missed.extend(outcome.err().map(|failure| Missed { failure, at: session.stopped(0) }));
        (values, problems(errand.word(), &missed, &plan.flows[0]))
    })
}

/// One sentence on each step that failed, in their order, and how often it did.
fn problems(word: &str, missed: &[Missed], flow: &Flow) -> Vec<String> {
    let mut told: Vec<(Missed, u64)> = Vec::new();
    for missed in missed {
        match told.iter_mut().find(|(other, _)| other == missed) {
            Some((_, times)) => *times += 1,
            None => told.push((*missed, 1)),
        }
    }
    let sentence = |(Missed { failure, at }, times): (Missed, u64)| {
        let at = at.and_then(|(response, status)| {
            let request = flow.request(response)?;
            Some((request.name.clone(), request.line, status))
        });
        problem(word, (failure, times), at)
    };
    told.into_iter().map(sentence).collect()
}

/// Something that a worker does on this thread next to the load.
pub fn alone<T>(order: Assignment, work: impl AsyncFnOnce(Rc<Worker>) -> T) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        let worker = Rc::new(Worker::new(order)?);
        let driver = tokio::task::spawn_local({
            let worker = worker.clone();
            async move { worker.timers.drive().await }
        });
        let done = work(worker).await;
        driver.abort();
        Ok(done)
    })
}

/// The plan with that flow alone, which one user runs.
pub fn plan_of(flow: Flow, plan: &Plan) -> Plan {
    let series = |member: Member| Series::plain(String::new(), String::new(), (0, 0, 0), member);
    let mut members: Vec<Member> = (0..flow.requests).map(Member::Request).collect();
    members.extend((0..flow.groups.len()).map(Member::Group));
    members.extend((0..flow.measures.len()).map(Member::Measure));
    members.extend(flow.limits().into_iter().map(Member::Wait));
    let load = Load {
        name: flow.name.clone(),
        parts: vec![MixPart { name: flow.name.clone(), weight: 1.0, flow: 0 }],
        start: 0,
        shape: Shape::Closed(Vec::new()),
        stages: Vec::new(),
        ceiling: Ceiling { in_flight: 1, from: CeilingFrom::Users },
        grace: 0,
        population: None,
        pace: None,
        poisson: false,
    };
    Plan {
        share: Share::WHOLE,
        flows: vec![flow],
        loads: vec![load],
        series: members.into_iter().map(series).collect(),
        ..plan.clone()
    }
}

fn problem(word: &str, (failure, times): (Failure, u64), at: Option<(String, usize, u16)>) -> String {
    let often = if times > 1 { format!(", {times} times") } else { String::new() };
    let Some((step, line, status)) = at else { return format!("the {word} failed: {}{often}", failure.as_str()) };
    format!("the {word} failed at `{step}` (line {line}): {}{often}", what(failure, status))
}

/// What happened to a request, in words: with the status of its answer, 0 where there was none.
pub fn what(failure: Failure, status: u16) -> String {
    match failure {
        Failure::Status => format!("it was answered with status {status}"),
        Failure::Expectation if status >= 100 => {
            format!("something that is expected of it, or behind it, does not hold; its status was {status}")
        }
        Failure::Expectation => "something that is expected does not hold".to_owned(),
        Failure::Data => "a value that it needs, or that is taken from its answer, is not there".to_owned(),
        Failure::Timeout => "it was not answered in time".to_owned(),
        Failure::TooLarge => "its answer is larger, or nested deeper, than a step looks into".to_owned(),
        Failure::Connect => "no process is listening at its target".to_owned(),
        other => format!("it failed ({})", other.as_str()),
    }
}
