//! One scenario of a program → its plan: the timeline, the series that are recorded, the windows that are judged.

use super::counter::Exact;
use super::schedule::{Segment, Shape};
use super::timeline::Timeline;
use super::{
    Abort, Ceiling, CeilingFrom, Condition, Counter, Event, Fault, Load, LoopBound, Machine, Member, Metric, Plan,
    SCHEMA, Search, Series, Share, Stage, SteadyState, Step, fingerprint, needs, scope,
};
use crate::base::units::{self, SECOND};
use crate::check::program::{self, Level, StageKind, Window};
use crate::diag::{Code, Diagnostic, Diagnostics};
use std::collections::HashSet;

/// What one connection and its session take, rounded up.
pub(super) const MEMORY_PER_USER: u64 = 16 << 10;
/// Descriptors that are not for connections.
const DESCRIPTORS_KEPT: u64 = 64;
/// So much more than rate × time may be in flight where arrivals come at random, timeouts are noticed late, or what is dealt to
/// workers and shares is rounded: of what is random six standard deviations are less than a quarter and so many places.
const SPARE: f64 = 1.25;
const SPARE_PLACES: u64 = 64;

pub fn plan(scenario: &program::Scenario, file: &str, share: Share, machine: Machine) -> (Plan, Diagnostics) {
    let (mut plan, diagnostics) = elaborated(scenario, file, share, machine);
    plan.fingerprint = fingerprint::fingerprint(&plan);
    (plan, diagnostics)
}

/// What planning it finds. A plan that nobody keeps needs no fingerprint, which takes longer than all the rest of it.
pub fn diagnose(scenario: &program::Scenario, file: &str, machine: Machine) -> Diagnostics {
    elaborated(scenario, file, Share::WHOLE, machine).1
}

fn elaborated(scenario: &program::Scenario, file: &str, share: Share, machine: Machine) -> (Plan, Diagnostics) {
    let mut elaborate = Elaborate {
        scenario,
        tags: HashSet::new(),
        timeline: Timeline::new(scenario),
        diagnostics: Diagnostics::default(),
        loads: Vec::new(),
        series: Vec::new(),
        steady_states: Vec::new(),
        counters: Vec::new(),
        exact: Exact::default(),
    };
    for (index, load) in scenario.loads.iter().enumerate() {
        let planned = elaborate.load(index, load, machine);
        elaborate.record(index, load);
        elaborate.loads.push(planned);
    }
    let faults = scenario.injections.iter().enumerate().map(|(index, injection)| Fault {
        name: injection.name.text.clone(),
        action: injection.action.clone(),
        template: injection.template.clone(),
        left: matches!(injection.when, program::When::At { length: None, .. }) && injection.action.is_lasting(),
        by: needs::by(&injection.action, machine),
        windows: elaborate.timeline.windows(&Window::Injection(index)),
    });
    let faults: Vec<Fault> = faults.collect();
    let events = scenario.events.iter().map(|event| Event {
        name: event.name.text.clone(),
        command: event.command.clone(),
        with: event.with.clone(),
        at: elaborate.timeline.instant(&event.at),
        at_most: event.at_most,
    });
    let events = events.collect();
    let steady_states = scenario.steady_states.iter().map(|steady| SteadyState {
        name: steady.name.clone(),
        conditions: steady.conditions.iter().filter_map(|one| elaborate.of_steady(one, steady.window)).collect(),
        window: steady.window,
        hold: steady.hold,
    });
    elaborate.steady_states = steady_states.collect();
    let aborts = scenario.aborts.iter().filter_map(|abort| {
        let condition = elaborate.condition(&abort.condition)?;
        elaborate.can_abort(&condition, abort)?;
        elaborate.of_abort(&condition, abort);
        let patience = elaborate.patience(&condition);
        Some(Abort { text: abort.text.clone(), condition, length: abort.length, patience })
    });
    let aborts = aborts.collect();
    let searches = scenario.searches.iter().filter_map(|search| {
        let condition = elaborate.of_trials(search)?;
        let (least, most) = (shown(search.least), shown(search.most));
        let program::Search { load, stage, resolution, each, trials, .. } = *search;
        Some(Search { load, stage, least, most, resolution, each, trials, condition })
    });
    let searches = searches.collect();
    let expectations = scenario.expectations.iter().filter_map(|e| elaborate.expectation(e));
    let (allowed_alerts, expectations) = expectations.partition(super::Expectation::only_allows);
    let length = elaborate.length();
    let plan = Plan {
        schema: SCHEMA,
        file: file.to_owned(),
        scenario: scenario.name.text.clone(),
        profile: scenario.profile.clone(),
        doc: scenario.doc.clone(),
        fingerprint: String::new(),
        share,
        params: scenario.params.clone(),
        allowed: scenario.allowed.clone(),
        services: scenario.services.clone(),
        links: super::links::links(scenario),
        targets: scenario.targets.clone(),
        data: scenario.data.clone(),
        files: scenario.files.clone(),
        limits: scenario.limits.clone(),
        monitors: scenario.monitors.clone(),
        counters: elaborate.counters,
        alert_sources: scenario.alert_sources.clone(),
        ledgers: scenario.ledgers.clone(),
        flows: scenario.flows.clone(),
        setup: scenario.setup.clone(),
        teardown: scenario.teardown.clone(),
        loads: elaborate.loads,
        faults,
        events,
        steady_states: elaborate.steady_states,
        aborts,
        searches,
        series: elaborate.series,
        expectations,
        allowed_alerts,
        length,
        edition: super::EDITION,
    };
    let mut diagnostics = elaborate.timeline.diagnostics;
    diagnostics.extend(elaborate.diagnostics);
    // Of times that are not known nothing can be said.
    if !diagnostics.has_errors() {
        super::sound::sound(scenario, &plan, machine, &mut diagnostics);
    }
    (plan, diagnostics)
}

pub(super) struct Elaborate<'s> {
    pub(super) scenario: &'s program::Scenario,
    pub(super) timeline: Timeline<'s>,
    pub(super) diagnostics: Diagnostics,
    pub(super) loads: Vec<Load>,
    pub(super) series: Vec<Series>,
    tags: HashSet<String>,
    pub(super) steady_states: Vec<SteadyState>,
    pub(super) counters: Vec<Counter>,
    /// Of the expectation that is elaborated.
    pub(super) exact: Exact,
}

impl Elaborate<'_> {
    /// A series for each request and group of each part of a load, and for its iterations where they are asked
    /// for.
    fn record(&mut self, index: usize, load: &program::Load) {
        let scenario = self.scenario;
        for (place, part) in load.parts.iter().enumerate() {
            for request in scenario.flows[part.flow].requests() {
                let name = format!("{}.{}.{}", load.name, part.name, request.name);
                let tag = self.tag(&name);
                let member = Member::Request(request.response);
                self.series.push(Series::plain(name, tag, (index, place, part.flow), member));
            }
            let groups = scenario.flows[part.flow].groups.iter().enumerate();
            let mut more: Vec<(String, Member)> =
                groups.map(|(group, name)| (name.clone(), Member::Group(group))).collect();
            let flow = &scenario.flows[part.flow];
            more.extend(flow.measures.iter().enumerate().map(|(i, (name, _))| (name.clone(), Member::Measure(i))));
            more.extend(
                flow.limits().into_iter().map(|limit| (scenario.limits[limit].name.clone(), Member::Wait(limit))),
            );
            if asks_for_iterations(scenario) {
                more.push(("iteration".to_owned(), Member::Iteration));
            }
            for (own, member) in more {
                let name = format!("{}.{}.{own}", load.name, part.name);
                let tag = self.tag(&name);
                self.series.push(Series::plain(name, tag, (index, place, part.flow), member));
            }
        }
    }

    /// Letters, digits and dots alone, with a number where two names become one.
    pub(super) fn tag(&mut self, name: &str) -> String {
        let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' }).collect();
        match self.tags.insert(plain.clone()) {
            true => plain,
            false => format!("{plain}.{}", self.series.len()),
        }
    }

    fn load(&mut self, index: usize, load: &program::Load, machine: Machine) -> Load {
        let begin = self.timeline.windows(&Window::Load(index)).first().map_or(0, |range| range.0);
        let mut start = begin;
        let mut segments = Vec::new();
        let mut stages = Vec::new();
        let mut open = true;
        for (place, stage) in load.stages.iter().enumerate() {
            let first = start;
            for leg in &stage.legs {
                open = matches!(leg.to, Level::Arrivals(_));
                segments.push(Segment { start, length: leg.length, from: raw(leg.from), to: raw(leg.to) });
                start += leg.length;
            }
            let mut levels = Vec::new();
            if stage.kind == StageKind::Sweep {
                let mut end = first;
                for leg in &stage.legs {
                    end += leg.length;
                    levels.push((shown(leg.to), (end - leg.length.saturating_sub(stage.settle), end)));
                }
            }
            let word = stage.kind.word();
            let name = stage.name.as_ref().map_or_else(|| format!("{word}{}", place + 1), |n| n.text.clone());
            stages.push(Stage {
                name,
                named: stage.name.is_some(),
                kind: stage.kind,
                start: first,
                end: start,
                from: stage.legs.first().map_or(0.0, |leg| shown(leg.from)),
                to: stage.legs.last().map_or(0.0, |leg| shown(leg.to)),
                iterations: stage.iterations,
                replay: stage.replay.clone(),
                levels,
            });
        }
        let shape = if open { Shape::Open(segments) } else { Shape::Closed(segments) };
        let ceiling = self.ceiling(load, &shape, machine);
        Load {
            name: load.name.text.clone(),
            parts: load.parts.clone(),
            start: begin,
            shape,
            stages,
            ceiling,
            grace: load.grace,
            population: load.population,
            pace: load.pace,
            poisson: load.poisson,
        }
    }

    /// The longest that what a condition speaks of can take: a request with all its tries, or a whole flow.
    fn patience(&self, condition: &Condition) -> u64 {
        let mut longest = 0.0f64;
        condition.metrics(&mut |metric| {
            let Metric::Requests(requests) = metric else { return };
            for series in requests.samples.iter().map(|samples| &self.series[samples.series]) {
                let flow = &self.scenario.flows[series.flow];
                crate::check::all_steps(&flow.steps, &mut |step| {
                    if matches!(step, Step::Request(_)) {
                        longest = longest.max(self.longest(std::slice::from_ref(step)));
                    }
                });
                if !matches!(series.member, Member::Request(_)) {
                    longest = longest.max(self.longest(&flow.steps));
                }
            }
        });
        longest as u64
    }

    /// What must hold for longer than it is looked at never ends a run.
    fn can_abort(&mut self, condition: &Condition, abort: &program::Abort) -> Option<()> {
        let (ranges, end) = condition.scope();
        let length = scope::length(&ranges, end);
        if ranges.is_empty() || length >= abort.length {
            return Some(());
        }
        let (least, seen) = (units::duration(abort.length), units::duration(length));
        let message = format!("this must hold for {least}, but is observed for {seen}");
        let problem = Diagnostic::new(Code::E0407, message, abort.span, "never ends a run");
        self.diagnostics.push(problem.help("let it hold for less, or name a longer window"));
        None
    }

    fn ceiling(&self, load: &program::Load, shape: &Shape, machine: Machine) -> Ceiling {
        if let Some(in_flight) = load.max_in_flight {
            return Ceiling { in_flight, from: CeilingFrom::Scenario };
        }
        if matches!(shape, Shape::Closed(_)) {
            return Ceiling { in_flight: shape.peak(), from: CeilingFrom::Users };
        }
        let legs = load.stages.iter().flat_map(|stage| &stage.legs);
        let peak = legs.map(|leg| shown(leg.from).max(shown(leg.to))).fold(0.0, f64::max);
        let replays = load.stages.iter().filter_map(|stage| stage.replay.as_ref());
        let peak = replays.map(|replay| replay.densest).fold(peak, f64::max);
        let flows = load.parts.iter().map(|part| &self.scenario.flows[part.flow]);
        let longest = flows.map(|flow| self.longest(&flow.steps)).fold(0.0, f64::max);
        let needed = (peak * longest / SECOND as f64).ceil().max(1.0);
        let wanted = (needed * SPARE).ceil() as u64 + SPARE_PLACES;
        let holds = holds(machine);
        match needed as u64 <= holds {
            true => Ceiling { in_flight: wanted.min(holds), from: CeilingFrom::Rate },
            false => Ceiling { in_flight: holds, from: CeilingFrom::Machine },
        }
    }

    /// How long steps can take: each request its timeout as often as it is tried, each loop all its turns, and nearly
    /// the longest thinking.
    fn longest(&self, steps: &[Step]) -> f64 {
        let one = |step: &Step| match step {
            Step::Request(request) => {
                let of_target = self.scenario.targets.get(request.target).map_or(0, |target| target.timeout);
                let timeout = request.timeout.unwrap_or(of_target) as f64;
                request.retry.as_ref().map_or(timeout, |retry| {
                    let pauses = retry.times as f64 * retry.most.max(retry.least) as f64;
                    timeout * (retry.times + 1) as f64 + pauses
                })
            }
            Step::Think(think) => think.longest(),
            Step::If { then, otherwise, .. } => self.longest(then).max(self.longest(otherwise)),
            Step::Choose(choose) => choose.parts.iter().map(|part| self.longest(&part.steps)).fold(0.0, f64::max),
            Step::Repeat(repeat) => {
                let turn = self.longest(&repeat.steps).max(repeat.every.unwrap_or(0) as f64);
                match repeat.bound {
                    LoopBound::Times(most) => turn * most as f64,
                    LoopBound::Time(most) => turn + most as f64,
                }
            }
            Step::Each { at_most, steps, together, .. } => {
                self.longest(steps) * if *together { 1.0 } else { *at_most as f64 }
            }
            Step::Group { steps, .. } | Step::OncePerUser { steps, .. } | Step::Acquire { steps, .. } => {
                self.longest(steps)
            }
            Step::Let { .. } | Step::Expect(_) | Step::Measure { .. } | Step::Count(_) => 0.0,
        };
        steps.iter().map(one).sum()
    }
}

fn asks_for_iterations(scenario: &program::Scenario) -> bool {
    let mut asks = false;
    scenario.conditions(&mut |condition| {
        condition.metrics(&mut |metric: &program::Metric| {
            asks |= matches!(&metric.subject, program::Subject::Requests(population)
                if population.member == Member::Iteration);
        });
    });
    asks
}

/// How many connections with their sessions a machine can hold.
fn holds(machine: Machine) -> u64 {
    spare(machine).min(machine.memory / 2 / MEMORY_PER_USER).max(1)
}

/// Descriptors that connections can have.
pub(super) fn spare(machine: Machine) -> u64 {
    machine.descriptors.saturating_sub(DESCRIPTORS_KEPT)
}

fn raw(level: Level) -> u64 {
    match level {
        Level::Arrivals(rate) => rate.raw(),
        Level::Users(users) => users,
    }
}

pub(super) fn shown(level: Level) -> f64 {
    match level {
        Level::Arrivals(rate) => rate.per_second(),
        Level::Users(users) => users as f64,
    }
}
