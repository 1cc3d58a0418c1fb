//! One scenario of a program → its plan: the timeline, the series that are recorded, the windows that are judged.

use super::schedule::{Segment, Shape};
use super::{
    Ceiling, CeilingFrom, Condition, Expectation, Flow, Load, Machine, Measured, Metric, Plan, Range, SCHEMA, Samples,
    Series, Share, Stage, fingerprint, scope,
};
use crate::base::Span;
use crate::base::units::{self, SECOND};
use crate::check::program::{self, Function, Level, Part, Population, Scope, StageKind, Window};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::syntax::ast::ScopeKind;

/// What one connection and its session take, rounded up.
const MEMORY_PER_USER: u64 = 16 << 10;
/// Descriptors that are not for connections.
const DESCRIPTORS_KEPT: u64 = 64;

pub fn plan(scenario: &program::Scenario, file: &str, share: Share, machine: Machine) -> (Plan, Diagnostics) {
    let mut elaborate = Elaborate { diagnostics: Diagnostics::default(), loads: Vec::new(), series: Vec::new() };
    for load in &scenario.loads {
        let flow = &scenario.flows[load.flow];
        let planned = elaborate.load(load, flow, &scenario.targets, machine);
        let index = elaborate.loads.len();
        for request in flow.requests() {
            let name = format!("{}.{}.{}", load.name, flow.name, request.name);
            let tag = elaborate.tag(&name);
            elaborate.series.push(Series { name, tag, load: index, request: request.response });
        }
        elaborate.loads.push(planned);
    }
    let expectations = scenario.expectations.iter().filter_map(|e| elaborate.expectation(e, scenario)).collect();
    let reached = Reached::of(scenario);
    let mut plan = Plan {
        schema: SCHEMA,
        file: file.to_owned(),
        scenario: scenario.name.text.clone(),
        doc: scenario.doc.clone(),
        fingerprint: String::new(),
        share,
        services: reached.services,
        targets: reached.targets,
        flows: reached.flows,
        length: elaborate.loads.iter().map(|l| l.shape.end()).max().unwrap_or(0),
        loads: elaborate.loads,
        series: elaborate.series,
        expectations,
    };
    plan.fingerprint = fingerprint::fingerprint(&plan);
    (plan, elaborate.diagnostics)
}

/// The parts that the loads of a scenario come to; others are declared and not started.
struct Reached {
    services: Vec<program::Service>,
    targets: Vec<program::Target>,
    flows: Vec<Flow>,
}

impl Reached {
    fn of(scenario: &program::Scenario) -> Reached {
        let mut needed = Vec::new();
        for load in &scenario.loads {
            needed.extend(scenario.flows[load.flow].requests().map(|request| request.target));
        }
        let mut places = Vec::new();
        let mut services = Vec::new();
        let mut targets = scenario.targets.clone();
        for (index, target) in targets.iter_mut().enumerate() {
            let program::Address::Service(service) = &mut target.address else { continue };
            if !needed.contains(&index) {
                continue;
            }
            let place = places.iter().position(|p| p == service).unwrap_or_else(|| {
                places.push(*service);
                services.push(scenario.services[*service].clone());
                places.len() - 1
            });
            *service = place;
        }
        // A target that no load talks to keeps its place in the list, without a service behind it.
        for (index, target) in targets.iter_mut().enumerate() {
            if !needed.contains(&index) && matches!(target.address, program::Address::Service(_)) {
                target.address = program::Address::Url { host: "unused".to_owned(), port: 0 };
            }
        }
        Reached { services, targets, flows: scenario.flows.clone() }
    }
}

struct Elaborate {
    diagnostics: Diagnostics,
    loads: Vec<Load>,
    series: Vec<Series>,
}

impl Elaborate {
    /// Letters, digits and dots alone, with a number where two names become one.
    fn tag(&self, name: &str) -> String {
        let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' }).collect();
        match self.series.iter().any(|s| s.tag == plain) {
            true => format!("{plain}.{}", self.series.len()),
            false => plain,
        }
    }

    fn load(&mut self, load: &program::Load, flow: &Flow, targets: &[program::Target], machine: Machine) -> Load {
        let mut start = 0;
        let mut segments = Vec::new();
        let mut stages = Vec::new();
        let mut open = true;
        for (index, stage) in load.stages.iter().enumerate() {
            let (from, to) = (raw(stage.from), raw(stage.to));
            open = matches!(stage.to, Level::Arrivals(_));
            segments.push(Segment { start, length: stage.length, from, to });
            let name =
                stage.name.as_ref().map_or_else(|| format!("{}{}", word(stage.kind), index + 1), |n| n.text.clone());
            let end = start + stage.length;
            stages.push(Stage {
                name,
                named: stage.name.is_some(),
                kind: stage.kind,
                start,
                end,
                from: shown(stage.from),
                to: shown(stage.to),
            });
            start = end;
        }
        let shape = if open { Shape::Open(segments) } else { Shape::Closed(segments) };
        let ceiling = ceiling(load, &shape, &stages, (flow, targets), machine);
        Load { name: load.name.text.clone(), flow: load.flow, shape, stages, ceiling, grace: load.grace }
    }

    fn expectation(&mut self, expectation: &program::Expectation, scenario: &program::Scenario) -> Option<Expectation> {
        let condition = self.condition(&expectation.condition, scenario)?;
        Some(Expectation { text: expectation.text.clone(), line: expectation.line, condition })
    }

    fn condition(&mut self, condition: &program::Condition, scenario: &program::Scenario) -> Option<Condition> {
        use program::Condition::{And, Compare, Not, Or};
        Some(match condition {
            Compare { operator, left, right } => {
                let (left, right) = (self.measured(left, scenario), self.measured(right, scenario));
                Condition::Compare { operator: *operator, left: left?, right: right? }
            }
            And(a, b) => {
                let (a, b) = (self.condition(a, scenario), self.condition(b, scenario));
                Condition::And(Box::new(a?), Box::new(b?))
            }
            Or(a, b) => {
                let (a, b) = (self.condition(a, scenario), self.condition(b, scenario));
                Condition::Or(Box::new(a?), Box::new(b?))
            }
            Not(inner) => Condition::Not(Box::new(self.condition(inner, scenario)?)),
        })
    }

    fn measured(&mut self, measured: &program::Measured, scenario: &program::Scenario) -> Option<Measured> {
        use program::Measured as M;
        Some(match measured {
            M::Constant { value, unit } => Measured::Constant { value: *value, unit: *unit },
            M::Arithmetic { operator, left, right, unit } => {
                let (left, right) = (self.measured(left, scenario), self.measured(right, scenario));
                Measured::Arithmetic {
                    operator: *operator,
                    left: Box::new(left?),
                    right: Box::new(right?),
                    unit: *unit,
                }
            }
            M::Metric { function, population, scopes, unit, span } => {
                Measured::Metric { metric: self.metric(*function, population, scopes, *span, scenario)?, unit: *unit }
            }
        })
    }

    fn metric(
        &mut self,
        function: Function,
        population: &Population,
        scopes: &[Scope],
        span: Span,
        scenario: &program::Scenario,
    ) -> Option<Metric> {
        let explicit = scopes.iter().fold(None, |ranges: Option<Vec<Range>>, scope| {
            let own = self.ranges(scope);
            Some(match ranges {
                Some(ranges) => scope::intersect(&ranges, &own),
                None => own,
            })
        });
        let matching = |series: &Series| {
            let flow = scenario.loads[series.load].flow;
            population.load.is_none_or(|l| l == series.load)
                && population.flow.is_none_or(|f| f == flow)
                && population.request.is_none_or(|r| r == series.request)
        };
        let mut samples = Vec::new();
        let mut windows: Vec<Range> = Vec::new();
        let mut end = 0;
        for (index, series) in self.series.iter().enumerate().filter(|(_, s)| matching(s)) {
            let load = &self.loads[series.load];
            let ranges = explicit.clone().unwrap_or_else(|| judged(load));
            end = end.max(load.shape.end());
            windows = join(windows, &ranges);
            samples.push(Samples { series: index, ranges });
        }
        if explicit.is_some() && scope::length(&windows, end) == 0 {
            let problem = Diagnostic::new(Code::E0407, "nothing lies in this scope", scopes[0].span, "an empty window");
            self.diagnostics.push(problem.help("name windows that overlap, while the load runs"));
            return None;
        }
        let load = population.load.map(|l| (l, explicit.clone().unwrap_or_else(|| judged(&self.loads[l]))));
        let length = scope::length(&windows, end);
        let metric = Metric { function, service_time: population.part == Part::ServiceTime, samples, load, length };
        self.enough(&metric, span);
        Some(metric)
    }

    /// Warns where the planned arrivals cannot be enough for the quantile.
    fn enough(&mut self, metric: &Metric, span: Span) {
        let Function::Quantile(q) = metric.function else { return };
        let needed = needed_samples(q);
        let mut planned = 0;
        for samples in &metric.samples {
            let shape = &self.loads[self.series[samples.series].load].shape;
            if matches!(shape, Shape::Closed(_)) {
                return;
            }
            planned += samples
                .ranges
                .iter()
                .map(|(from, to)| shape.arrivals_before(*to).saturating_sub(shape.arrivals_before(*from)))
                .sum::<u64>();
        }
        if planned < needed {
            let message = format!(
                "a quantile of {} needs {} samples, and {} are planned",
                units::percent(q),
                units::grouped(needed as f64, 0),
                units::grouped(planned as f64, 0)
            );
            let problem = Diagnostic::new(Code::W0802, message, span, "will be inconclusive");
            self.diagnostics.push(problem.help("hold the load longer or at a higher rate, or assert a lower quantile"));
        }
    }

    fn ranges(&self, scope: &Scope) -> Vec<Range> {
        let window = match scope.window {
            Window::Load(load) => (0, self.loads[load].shape.end()),
            Window::Stage { load, stage } => self.loads[load].stages.get(stage).map_or((0, 0), |s| (s.start, s.end)),
        };
        match scope.kind {
            ScopeKind::During => vec![window],
            ScopeKind::Outside => scope::outside(&[window]),
            ScopeKind::After => vec![(window.1, u64::MAX)],
            ScopeKind::Before if window.0 == 0 => Vec::new(),
            ScopeKind::Before => vec![(0, window.0)],
        }
    }
}

/// The samples that a quantile needs to be more than chance: 5/(1−q).
pub fn needed_samples(q: f64) -> u64 {
    (5.0 / (1.0 - q) - 1e-6).ceil() as u64
}

/// Everything but warm-up; requests that follow the last arrival belong to it.
fn judged(load: &Load) -> Vec<Range> {
    let warm: Vec<Range> =
        load.stages.iter().filter(|s| s.kind == StageKind::Warmup).map(|s| (s.start, s.end)).collect();
    scope::outside(&warm)
}

fn join(mut windows: Vec<Range>, more: &[Range]) -> Vec<Range> {
    windows.extend_from_slice(more);
    // The union is what lies outside of what lies outside of both.
    match scope::outside(&windows).as_slice() {
        [] => vec![(0, u64::MAX)],
        rest => scope::outside(rest),
    }
}

fn ceiling(
    load: &program::Load,
    shape: &Shape,
    stages: &[Stage],
    (flow, targets): (&Flow, &[program::Target]),
    machine: Machine,
) -> Ceiling {
    if let Some(in_flight) = load.max_in_flight {
        return Ceiling { in_flight, from: CeilingFrom::Scenario };
    }
    if matches!(shape, Shape::Closed(_)) {
        return Ceiling { in_flight: shape.peak(), from: CeilingFrom::Users };
    }
    let peak = stages.iter().map(|s| s.from.max(s.to)).fold(0.0, f64::max);
    let timeout = |r: &program::Request| r.timeout.or_else(|| Some(targets.get(r.target)?.timeout)).unwrap_or(0);
    let longest: f64 = flow.requests().map(|r| timeout(r) as f64).sum::<f64>() + flow.thinking().1;
    let wanted = (peak * longest / SECOND as f64).ceil().max(1.0) as u64;
    let holds = machine.descriptors.saturating_sub(DESCRIPTORS_KEPT).min(machine.memory / 2 / MEMORY_PER_USER).max(1);
    match wanted <= holds {
        true => Ceiling { in_flight: wanted, from: CeilingFrom::Rate },
        false => Ceiling { in_flight: holds, from: CeilingFrom::Machine },
    }
}

fn raw(level: Level) -> u64 {
    match level {
        Level::Arrivals(rate) => rate.raw(),
        Level::Users(users) => users,
    }
}

fn shown(level: Level) -> f64 {
    match level {
        Level::Arrivals(rate) => rate.per_second(),
        Level::Users(users) => users as f64,
    }
}

fn word(kind: StageKind) -> &'static str {
    match kind {
        StageKind::Warmup => "warmup",
        StageKind::Ramp => "ramp",
        StageKind::Hold => "hold",
        StageKind::Spike => "spike",
    }
}
