//! Constructs that are allowed but usually not intended.

use super::builtins::Failures;
use super::condition::{Condition, Measured};
use super::program::{
    Connections, Element, Exchange, Flow, Frame, Function, Injection, Level, Load, Member, Metric, MonitorKind,
    Request, RequestFunction, RequestTime, SeriesFunction, SeriesSource, StageKind, Stated, Step, Subject, Target,
    Think, When,
};
use super::session::ScenarioChecker;
use crate::base::Span;
use crate::base::summed::Summed;
use crate::base::units::{SECOND, grouped, short};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Binary};

const THROUGHPUT: Function = Function::Requests(RequestFunction::Throughput);

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn lints(&mut self, loads: &[&'a ast::Load]) {
        for (index, written) in loads.iter().enumerate() {
            self.saturates(index, written);
            self.open_users(index, written);
        }
        self.latency_without_errors();
        self.bounded_by_thinking();
        self.without_allowance();
        self.increases_of_results();
        self.secrets_in_the_open();
        self.killed_for_good();
    }

    /// All processes of a service are killed, a supervisor among them; without an end of the fault the run ends with it.
    fn killed_for_good(&mut self) {
        let is_final = |injection: &&Injection| {
            let Element::Service(service) = injection.action.element() else { return false };
            let is_kept = self.out.services.get(service).is_none_or(|service| service.restart);
            injection.action.may_be_left() && matches!(injection.when, When::At { length: None, .. }) && !is_kept
        };
        let killed: Vec<Span> = self.out.injections.iter().filter(is_final).map(|injection| injection.span).collect();
        for span in killed {
            let message = "nothing restarts this service, so the run ends with it";
            let problem = Diagnostic::new(Code::W0812, message, span, "killed for good");
            self.push(
                problem.help("write how long it is gone, such as `for 10s`, or give the service `restart: true`"),
            );
        }
    }

    fn flows_of(&self, load: &Load) -> Vec<&Flow> {
        load.parts.iter().filter_map(|part| self.out.flows.get(part.flow)).collect()
    }

    /// Users who never wait for anything but answers measure how long the queue is.
    fn saturates(&mut self, index: usize, written: &'a ast::Load) {
        let load = &self.out.loads[index];
        let closed = load.stages.iter().any(|stage| {
            let searches = matches!(stage.kind, StageKind::Sweep | StageKind::Search | StageKind::Once);
            !searches && stage.legs.iter().any(|leg| matches!(leg.to, Level::Users(users) if users > 0))
        });
        let flows = self.flows_of(load);
        let known = !flows.is_empty() && load.parts.iter().all(|part| !self.refused_flows.contains(&part.flow));
        // Who waits for what a server says unasked is no queue.
        let thinks = flows.iter().any(|flow| flow.thinks() || flow.listens());
        // A search for the highest throughput is such a measurement, and says so by asking for it.
        if closed && known && !thinks && load.pace.is_none() && !self.is_definition && !self.asks_for_throughput(index)
        {
            let message = "these users never think, so this measures saturation";
            let problem = Diagnostic::new(Code::W0803, message, written.name.span, "a closed load without `think`");
            self.push(
                problem.help("add a `think` to the flow or a `pace:` to the load, or hold a rate such as `100/s`"),
            );
        }
    }

    fn asks_for_throughput(&self, load: usize) -> bool {
        let mut asks = false;
        for expectation in &self.out.expectations {
            expectation.condition.metrics(&mut |metric| {
                let own = matches!(&metric.subject, Subject::Requests(population) if population.load == Some(load));
                asks |= own && metric.function == THROUGHPUT;
            });
        }
        asks
    }

    /// In an open load each arrival is a new user, unless a population says otherwise.
    fn open_users(&mut self, index: usize, written: &'a ast::Load) {
        let load = &self.out.loads[index];
        let open = load
            .stages
            .iter()
            .flat_map(|stage| &stage.legs)
            .any(|leg| matches!(leg.to, Level::Arrivals(rate) if rate.raw() > 0));
        if !open || load.population.is_some() || self.is_definition {
            return;
        }
        let flows = self.flows_of(load);
        let once = flows.iter().any(|flow| flow.has(&|step| matches!(step, Step::OncePerUser { .. })));
        let per_user = flows.iter().flat_map(|flow| flow.requests()).any(|request| {
            let target = self.out.targets.get(request.target);
            target.is_some_and(|target| target.connections == Some(Connections::PerUser))
        });
        let shows_its_own = |target: usize| self.out.targets.get(target).is_some_and(Target::has_identities);
        let alone = flows.iter().flat_map(|flow| flow.requests()).any(|request| shows_its_own(request.target));
        let peak = load
            .stages
            .iter()
            .flat_map(|stage| &stage.legs)
            .map(|leg| match leg.to {
                Level::Arrivals(rate) => rate.per_second(),
                Level::Users(_) => 0.0,
            })
            .fold(0.0, f64::max);
        let name = &written.name;
        if once {
            let message = "each arrival is a new user, so `once per user` happens every time";
            let problem = Diagnostic::new(Code::W0809, message, name.span, "an open load without `population:`");
            self.push(problem.help("say how many users there are, such as `population: 500 users`"));
        }
        if per_user {
            let ports = grouped(peak * 60.0, 0);
            let message = "each arrival opens a connection of its own";
            let problem = Diagnostic::new(Code::W0809, message, name.span, format!("{ports} ports a minute"));
            self.push(problem.help(match alone {
                true => "each user shows a certificate of its own: say how many users there are with `population:`",
                false => "use `connections: pool(64)`, or say how many users there are with `population:`",
            }));
        }
    }

    /// Fast failures lower a quantile, so a bound on latency alone can be met by a server that answers nothing.
    fn latency_without_errors(&mut self) {
        let (mut latencies, mut bounded): (Vec<&Metric>, Vec<&Metric>) = (Vec::new(), Vec::new());
        let mut all: Vec<&Metric> = Vec::new();
        for expectation in &self.out.expectations {
            expectation.condition.metrics(&mut |metric| all.push(metric));
        }
        for metric in all {
            match (metric.function.failures(), &metric.subject) {
                (Failures::Counted, _) => bounded.push(metric),
                (Failures::Hidden, Subject::Requests(population))
                    if matches!(population.part, RequestTime::Latency | RequestTime::ServiceTime)
                        && population.matching.is_none() =>
                {
                    latencies.push(metric);
                }
                (Failures::Hidden | Failures::Aside, _) => {}
            }
        }
        let steady = self.out.steady_states.iter().flat_map(|steady| &steady.conditions);
        let mut errors: Vec<&Metric> = Vec::new();
        for condition in steady {
            condition.condition.metrics(&mut |metric| errors.push(metric));
        }
        bounded.extend(
            errors.into_iter().filter(|metric| metric.function == Function::Requests(RequestFunction::ErrorRate)),
        );
        // Of one load, or of one flow: what is said of the whole covers its parts.
        let covers = |bound: &Metric, latency: &Metric| match (&bound.subject, &latency.subject) {
            (Subject::Requests(bound), Subject::Requests(latency)) => {
                let same = |a: Option<usize>, b: Option<usize>| a.is_none() || b.is_none() || a == b;
                same(bound.load, latency.load) && same(bound.flow, latency.flow)
            }
            _ => true,
        };
        let bare = latencies.iter().find(|latency| !bounded.iter().any(|bound| covers(bound, latency)));
        let span = bare.map(|latency| latency.span);
        if let Some(span) = span.filter(|_| !self.is_definition) {
            let message = "this latency has no condition on errors next to it";
            let problem = Diagnostic::new(Code::W0806, message, span, "fast failures lower it");
            self.push(problem.help("expect `error_rate(…) < 1%` as well"));
        }
    }

    /// Thinking alone can make a throughput impossible that is expected.
    fn bounded_by_thinking(&mut self) {
        let mut problems = Vec::new();
        for expectation in &self.out.expectations {
            let Some((load, bound)) = throughput_at_least(&expectation.condition) else { continue };
            let load = &self.out.loads[load];
            let users = load
                .stages
                .iter()
                .flat_map(|stage| &stage.legs)
                .filter_map(|leg| match leg.to {
                    Level::Users(users) => Some(users),
                    Level::Arrivals(_) => None,
                })
                .max();
            let [flow] = self.flows_of(load)[..] else { continue };
            // How often a step in a loop or a branch happens is not known here.
            let branches = |step: &Step| {
                matches!(
                    step,
                    Step::If { .. } | Step::Choose(_) | Step::Each { .. } | Step::Repeat(_) | Step::OncePerUser { .. }
                )
            };
            if flow.has(&branches) {
                continue;
            }
            let (Some(users), requests) = (users, flow.requests().count()) else { continue };
            let pause = flow.mean_thinking().max(load.pace.unwrap_or(0) as f64) / SECOND as f64;
            if pause <= 0.0 {
                continue;
            }
            let most = users as f64 / pause * requests as f64;
            if most < bound {
                let message = format!("thinking bounds the throughput to {}/s", short(most));
                let label = format!("{}/s is out of reach", short(bound));
                let problem = Diagnostic::new(Code::W0808, message, expectation.span, label);
                problems.push(
                    problem
                        .label(load.name.span, format!("{users} users who pause {}s", short(pause)))
                        .help("have more users or shorter pauses, or expect less"),
                );
            }
        }
        problems.into_iter().for_each(|problem| self.push(problem));
    }

    /// Two that are equal are told to be so by no interval: each is as often a little more as a little less.
    fn without_allowance(&mut self) {
        if self.is_definition {
            return;
        }
        let mut problems = Vec::new();
        for expectation in &self.out.expectations {
            expectation.condition.orders(&mut |operator, left, right| {
                let (Measured::Metric { metric: left, .. }, Measured::Metric { metric: right, .. }) = (left, right)
                else {
                    return;
                };
                let Function::Requests(function) = left.function else { return };
                if left.function != right.function || function.samples_of_part().is_none() {
                    return;
                }
                let more = matches!(operator, Binary::Greater | Binary::GreaterEqual);
                let allowance = match function {
                    RequestFunction::ErrorRate => "1pp",
                    _ => "10%",
                };
                let message = "if both are equal, this is inconclusive nine times out of ten";
                let problem = Diagnostic::new(Code::W0816, message, expectation.span, "no allowance");
                let sign = if more { "-" } else { "+" };
                let help =
                    format!("write what may lie between them, such as `{sign} {allowance}` after the right side");
                problems.push(problem.help(help));
            });
        }
        problems.into_iter().for_each(|problem| self.push(problem));
    }

    /// What a Prometheus works out grows as that pleases it; only what it scraped can be counted.
    fn increases_of_results(&mut self) {
        if self.is_definition {
            return;
        }
        let mut problems = Vec::new();
        for expectation in &self.out.expectations {
            expectation.condition.metrics(&mut |metric| {
                let (Function::Series(SeriesFunction::Increase), Subject::Series(series)) =
                    (metric.function, &metric.subject)
                else {
                    return;
                };
                let SeriesSource::Monitor(monitor) = series.source else { return };
                let asked = self.out.monitors.get(monitor).filter(|own| own.kind == MonitorKind::Prometheus);
                if let Some(monitor) = asked.filter(|_| Summed::parse(&series.what).is_none()) {
                    let message = "only a selector, or a `sum` of one, is counted from its samples";
                    let problem = Diagnostic::new(Code::W0820, message, metric.span, "read once a second");
                    let example = format!("increase({}.query('sum(http_requests_total)'))", monitor.name);
                    problems.push(problem.help(format!("name what is counted, such as `{example}`")));
                }
            });
        }
        problems.into_iter().for_each(|problem| self.push(problem));
    }

    /// A password in a file is no secret, unless it is that of something started for the run.
    fn secrets_in_the_open(&mut self) {
        let of_late = !self.out.services.is_empty();
        let local = self.out.targets.iter().all(|target| target.address.is_here().unwrap_or(of_late));
        if local || self.is_definition {
            return;
        }
        let defaults = self.out.secret_defaults.clone();
        for (index, (name, _, span)) in defaults.iter().enumerate() {
            // Said once of each secret, with all its places.
            if defaults[..index].iter().any(|(before, ..)| before == name) {
                continue;
            }
            let message = format!("the default of `{name}` is in the file, where every reader of the file sees it");
            let mut problem = Diagnostic::new(Code::W0807, message, *span, "a secret with a default");
            for (_, _, again) in defaults[index + 1..].iter().filter(|(other, _, at)| other == name && at != span) {
                problem = problem.label(*again, "and here");
            }
            self.push(problem.help("take the default away, and give the value in the environment or in `--env-file`"));
        }
    }
}

/// `throughput(load) >= R`, either way round: the load and the bound.
fn throughput_at_least(condition: &Stated) -> Option<(usize, f64)> {
    let Condition::Compare { operator, left, right } = condition else { return None };
    let (metric, value) = match (operator, left, right) {
        (Binary::Greater | Binary::GreaterEqual, Measured::Metric { metric, .. }, Measured::Constant { value, .. })
        | (Binary::Less | Binary::LessEqual, Measured::Constant { value, .. }, Measured::Metric { metric, .. }) => {
            (metric, value)
        }
        _ => return None,
    };
    match &metric.subject {
        Subject::Requests(population) if metric.function == THROUGHPUT => Some((population.load?, *value)),
        _ => None,
    }
}

impl Flow {
    /// Whether some step is of a kind.
    pub fn has(&self, wanted: &dyn Fn(&Step) -> bool) -> bool {
        let mut found = false;
        super::population::all_steps(&self.steps, &mut |step| found |= wanted(step));
        found
    }

    fn thinks(&self) -> bool {
        self.has(&|step| {
            matches!(step, Step::Think(Think::Uniform { most, .. }) if *most > 0)
                || matches!(step, Step::Think(Think::Exponential { mean }) if *mean > 0)
        })
    }

    fn listens(&self) -> bool {
        self.has(&|step| {
            matches!(step, Step::Request(Request { exchange: Exchange::Frame(Frame::Receive { .. }), .. }))
        })
    }

    /// The mean of all thinking in one iteration that reaches each step once, in nanoseconds.
    pub fn mean_thinking(&self) -> f64 {
        let mut mean = 0.0;
        super::population::shared_steps(&self.steps, 1.0, &mut |step, share| match step {
            Step::Think(Think::Uniform { least, most }) => mean += share * (*least + *most) as f64 / 2.0,
            Step::Think(Think::Exponential { mean: own }) => mean += share * *own as f64,
            _ => {}
        });
        mean
    }

    /// In how many of its iterations something of it is reached, by the shares of what is chosen.
    pub fn share_of(&self, member: Member) -> f64 {
        let mut reached = None;
        super::population::shared_steps(&self.steps, 1.0, &mut |step, share| {
            let is_it = match (step, member) {
                (Step::Request(request), Member::Request(response)) => request.response == response,
                (Step::Group { group, .. }, Member::Group(own)) => *group == own,
                (Step::Measure { measure, .. }, Member::Measure(own)) => *measure == own,
                (Step::Acquire { limit, .. }, Member::Wait(own)) => *limit == own,
                _ => false,
            };
            if is_it {
                *reached.get_or_insert(0.0) += share;
            }
        });
        reached.unwrap_or(1.0)
    }
}
