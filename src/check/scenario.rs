//! A scenario: its parts in the order in which one can refer to another, and what is missing.

use super::condition::{Condition, Measured};
use super::meaning::Meaning;
use super::program::{Exchange, Expectation, Expr, Function, Load, Metric, Scenario, ServiceKind, Subject, Window};
use super::scope::{Binding, FrameId};
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::{Name, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Binary, BuiltKind, Item};

impl<'a> ScenarioChecker<'a, '_> {
    /// The scenario whose parameters are bound in `outer`.
    pub(super) fn scenario(mut self, scenario: &'a ast::Scenario, outer: FrameId) -> Scenario {
        let frame = self.frame(self.frames[outer].module, Some(outer));
        self.frames[frame].is_scenario = true;
        self.out.doc.clone_from(&scenario.doc);
        self.out.profile.clone_from(&self.world.inputs.profile);
        self.declare_items(frame, &scenario.items);
        self.places(scenario, frame);
        self.setup(scenario, frame, false);
        let loads: Vec<&'a ast::Load> = scenario
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Load(load) => Some(load),
                _ => None,
            })
            .collect();
        for (index, load) in loads.iter().enumerate() {
            self.load_stages(load, index, frame);
        }
        for (index, load) in loads.iter().enumerate() {
            self.load_rest(load, index, frame);
        }
        self.rest(scenario, frame);
        self.whole_systems();
        self.no_crashes();
        if loads.is_empty() && !self.is_lost(frame) {
            let message = "this scenario has no load, so it would do nothing";
            let problem = Diagnostic::new(Code::E0412, message, scenario.name.span, "no `load` in it");
            self.push(problem.help("add a load, such as `load main of FLOW { hold 10/s for 10s }`"));
        }
        self.links_fit();
        self.steady_is_there(scenario);
        self.lints(&loads);
        self.unused(&scenario.items, frame);
        self.out
    }

    /// Loads, faults, events and steady states are spoken of before they are worked out: their places come first.
    fn places(&mut self, scenario: &'a ast::Scenario, frame: FrameId) {
        let (mut injections, mut events, mut steady) = (0, 0, 0);
        for item in &scenario.items {
            let (name, value) = match item {
                Item::Load(load) => {
                    let index = self.out.loads.len();
                    self.out.loads.push(Load::open(load.name.clone(), load.span));
                    let population = super::program::Population::of_load(index);
                    (Some(&load.name), Meaning::Samples(population, Type::Duration, Type::Load))
                }
                Item::Built(built) if built.kind == BuiltKind::Fault => {
                    injections += 1;
                    (Some(&built.name), Meaning::Window(Window::Injection(injections - 1), Type::Injection))
                }
                Item::Built(built) if built.kind == BuiltKind::Event => {
                    events += 1;
                    (Some(&built.name), Meaning::Window(Window::Event(events - 1), Type::Event))
                }
                Item::SteadyState(state) => {
                    steady += 1;
                    (state.name.as_ref(), Meaning::Part(Type::SteadyState, steady - 1))
                }
                _ => continue,
            };
            if let Some(name) = name
                && let Some((bound, _)) = self.frames[frame].names.get_mut(name.text.as_str())
                && matches!(bound, Binding::Item(own) if std::ptr::eq(*own, item))
            {
                *bound = Binding::Ready(value);
            }
        }
    }

    /// What happens once before or after the load. The names of a setup are seen by the flows.
    fn setup(&mut self, scenario: &'a ast::Scenario, frame: FrameId, after: bool) {
        for item in &scenario.items {
            let Item::Phase(phase) = item else { continue };
            if phase.after != after {
                continue;
            }
            let word = if after { "teardown" } else { "setup" };
            let target = phase.on.as_ref().map(|on| self.target_named(on, frame));
            let target = match target {
                Some(target) => Some(target),
                None => self.only_target(frame),
            };
            let (flow, state) = self.body(word, &phase.steps, target, frame, &[]);
            self.frames[frame].lost |= state.refused;
            if after {
                self.out.teardown.push(flow);
            } else {
                self.shared(&phase.steps, state.frame, frame);
                self.out.setup.push(flow);
            }
        }
    }

    /// The `let`s of a setup, as the flows see them: what is computed is found among the values of all setups.
    fn shared(&mut self, steps: &'a [ast::Step], from: FrameId, into: FrameId) {
        let first: usize = self.out.setup.iter().map(|flow| flow.slots).sum();
        for step in steps {
            let ast::StepKind::Let(binding) = &step.kind else { continue };
            let Some((Binding::Ready(value), _)) = self.frames[from].names.get(binding.name.text.as_str()) else {
                continue;
            };
            let value = of_setup(value.clone(), first);
            self.bind(into, &binding.name, value);
        }
    }

    /// Everything that may speak of loads and stages.
    fn rest(&mut self, scenario: &'a ast::Scenario, frame: FrameId) {
        for item in &scenario.items {
            match item {
                // They are there to be watched, whether an expectation speaks of them or not.
                Item::Built(built) if matches!(built.kind, BuiltKind::Monitor | BuiltKind::Alerts) => {
                    self.own(frame, &built.name.text, built.name.span);
                    self.used.remove(&built.name.span);
                }
                Item::Ledger(ledger) => {
                    self.own(frame, &ledger.name.text, ledger.name.span);
                    self.used.remove(&ledger.name.span);
                }
                _ => {}
            }
        }
        for item in &scenario.items {
            let Item::Built(built) = item else { continue };
            match built.kind {
                BuiltKind::Fault => {
                    if let Some(injection) = self.injection(built, frame) {
                        self.out.injections.push(injection);
                    } else {
                        // Its place stays taken, so that those after it keep theirs.
                        self.out.injections.push(super::program::Injection::nothing(built.name.clone(), built.span));
                    }
                }
                BuiltKind::Event => {
                    let event = self.event(built, frame);
                    self.out
                        .events
                        .push(event.unwrap_or_else(|| super::program::Event::nothing(built.name.clone(), built.span)));
                }
                _ => {}
            }
        }
        for item in &scenario.items {
            match item {
                Item::SteadyState(steady) => self.steady_state(steady, frame),
                Item::Abort(abort) => self.abort(abort, frame),
                _ => {}
            }
        }
        self.searches();
        for item in &scenario.items {
            if let Item::Expect(expect) = item {
                let mut conditions = Vec::new();
                self.clauses(&expect.clauses, frame, &mut conditions);
                self.out.expectations.extend(conditions);
            }
        }
        self.setup(scenario, frame, true);
        self.linked_targets(scenario, frame);
        for item in &scenario.items {
            if let Item::Param(_) | Item::Let(_) = item
                && let Some(name) = item.name()
            {
                let used = self.used.contains(&name.span);
                self.own(frame, &name.text, name.span);
                if !used {
                    self.used.remove(&name.span);
                }
            }
        }
    }

    /// A path that is a value may lead to each of the scenario's HTTP targets, so these are there though no step names them.
    fn linked_targets(&mut self, scenario: &'a ast::Scenario, frame: FrameId) {
        let verifications = self.out.ledgers.iter().filter_map(|ledger| ledger.verify.as_ref());
        let mut flows = self.out.flows.iter().chain(&self.out.setup).chain(&self.out.teardown).chain(verifications);
        if !flows.any(|flow| flow.requests().any(|request| request.exchange.follows_a_link())) {
            return;
        }
        for item in &scenario.items {
            if let Item::Built(built) = item
                && built.kind == BuiltKind::Target
                && matches!(&built.constructor.kind, ast::ExprKind::Call { function, .. } if function.text == "http")
            {
                self.own(frame, &built.name.text, built.name.span);
            }
        }
    }

    /// A system is started as a whole: nobody speaks of a worker behind a queue, and nothing works without it.
    fn whole_systems(&mut self) {
        if self.is_definition {
            return;
        }
        let mut frame = 0;
        // One system may bring another along.
        while frame < self.frames.len() {
            let items = if self.frames[frame].is_scenario { &[][..] } else { self.frames[frame].items };
            for item in items {
                if let Item::Built(built) = item
                    && matches!(built.kind, BuiltKind::Service | BuiltKind::System)
                {
                    self.own(frame, &built.name.text, built.name.span);
                }
            }
            frame += 1;
        }
    }

    /// Of each service that the run starts it is expected that it does not end by itself, unless something else is written.
    fn no_crashes(&mut self) {
        for (index, span) in self.service_spans.clone().into_iter().enumerate() {
            let is_of_it = |metric: &Metric| metric.subject == Subject::Service(index);
            let mut is_written = matches!(self.out.services[index].kind, ServiceKind::Attach { .. });
            for expectation in &self.out.expectations {
                expectation.condition.metrics(&mut |metric| is_written |= is_of_it(metric));
            }
            if is_written {
                continue;
            }
            let metric = Metric {
                function: Function::Crashes,
                subject: Subject::Service(index),
                scopes: Vec::new(),
                scoped: false,
                span,
            };
            let left = self.out.measured(metric, Type::Count);
            let right = Measured::Constant { value: 0.0, unit: Type::Count };
            let condition = Condition::Compare { operator: Binary::Equal, left, right };
            let text = self.out.condition_text(&condition);
            self.out.expectations.push(Expectation { text, implied: true, ..self.stated(condition, span) });
        }
    }

    fn steady_is_there(&mut self, scenario: &'a ast::Scenario) {
        let Some(span) = self.needs_steady else { return };
        let has = scenario.items.iter().any(|item| matches!(item, Item::SteadyState(_)));
        if has || self.frames.iter().any(|frame| frame.is_scenario && frame.lost) {
            return;
        }
        let problem = Diagnostic::new(Code::E0406, "recovery needs a state to recover to", span, "recovered to what?")
            .label(scenario.name.span, "no `steady_state` in it");
        let load = self.out.loads.first().map_or("main".to_owned(), |load| load.name.text.clone());
        self.push(problem.help(format!("add `steady_state {{ error_rate({load}) < 1% }}` to the scenario")));
    }

    /// What a scenario declares and nobody asks for.
    fn unused(&mut self, items: &'a [Item], frame: FrameId) {
        let mut unused = Vec::new();
        for item in items {
            let what = match item {
                Item::Flow(_) => "flow",
                Item::Built(built) if matches!(built.kind, BuiltKind::Fault | BuiltKind::Event) => continue,
                Item::Built(built) if matches!(built.kind, BuiltKind::Monitor | BuiltKind::Alerts) => continue,
                Item::Built(built) => built.kind.word(),
                Item::Let(_) => "value",
                Item::Ledger(_) => "ledger",
                _ => continue,
            };
            let Some(name) = item.name() else { continue };
            if !self.used.contains(&name.span) {
                self.nobody_uses(what, name);
                unused.push(name);
            }
        }
        if unused.is_empty() {
            return;
        }
        // They are read all the same, for what is wrong in them, and are no part of what is run.
        let out = self.out.clone();
        let before = std::mem::replace(&mut self.is_definition, true);
        for name in unused {
            self.own(frame, &name.text, name.span);
        }
        self.is_definition = before;
        self.out = out;
    }

    pub(super) fn nobody_uses(&mut self, what: &str, name: &Name) {
        let problem = Diagnostic::new(Code::W0801, format!("nothing uses the {what} `{name}`"), name.span, "unused");
        self.diagnostics.push(problem.help("remove it, or put it to use"));
    }

    /// `ledger NAME on TARGET { verify key { … } }`
    pub(super) fn ledger(&mut self, ledger: &'a ast::Ledger, frame: FrameId) -> Meaning<'a> {
        let index = self.out.ledgers.len();
        let mut within = 10 * crate::base::units::MINUTE;
        for entry in &ledger.options {
            match entry.label.text.as_str() {
                "within" => match self.quantity(&entry.value, frame, Type::Duration) {
                    Some(ns) if ns < 1.0 => {
                        self.out_of_range(entry.value.span, "the time must be greater than 0");
                    }
                    Some(ns) => within = ns as u64,
                    None => {}
                },
                _ => self.unknown_option(entry, "ledger"),
            }
        }
        let name = ledger.name.text.clone();
        let own = super::program::Ledger { name, verify: None, within, asks_refused: false, given: None };
        self.out.ledgers.push(own);
        let target = match &ledger.on {
            Some(on) => Some(self.target_named(on, frame)),
            None => self.only_target(frame),
        };
        let Some(verify) = &ledger.verify else {
            let problem = Diagnostic::new(
                Code::E0307,
                format!("the ledger `{}` cannot ask for an entry", ledger.name),
                ledger.name.span,
                "no `verify` in it",
            );
            self.push(problem.help("add `verify key { get \"/orders?key={key}\" as found count found.json(\"$[*]\") }`, each step on its line"));
            return Meaning::Part(Type::Ledger, index);
        };
        let (flow, state) = self.body(&ledger.name.text, &verify.steps, target, frame, &[&verify.key]);
        if !state.sends && !state.refused {
            let problem =
                Diagnostic::new(Code::E0307, "this `verify` sends no request", verify.span, "no request in it");
            self.push(problem.help("add a step such as `get \"/orders?key={key}\" as found`"));
        }
        // An answer without rows is one all the same, so it says nothing of the entry.
        let asks_a_database = flow.requests().any(|request| matches!(request.exchange, Exchange::Query(_)));
        if asks_a_database && !state.counts && !state.refused {
            let message = "a statement of SQL does not say by itself whether an entry is there";
            let problem = Diagnostic::new(Code::E0307, message, verify.span, "how many are there?");
            self.push(problem.help("name the step, such as `as found`, and add `count found.rows`"));
        }
        self.out.ledgers[index].verify = Some(flow);
        Meaning::Part(Type::Ledger, index)
    }
}

impl super::program::Injection {
    fn nothing(name: Name, span: Span) -> super::program::Injection {
        let action = super::program::Action::Service { on: usize::MAX, fault: super::program::ServiceFault::Restart };
        let at = super::program::Moment { window: Window::Run, edge: super::program::Edge::Start, plus: 0, span };
        super::program::Injection {
            name,
            action,
            template: None,
            when: super::program::When::At { at, length: None },
            span,
        }
    }
}

impl super::program::Event {
    fn nothing(name: Name, span: Span) -> super::program::Event {
        let at = super::program::Moment { window: Window::Run, edge: super::program::Edge::Start, plus: 0, span };
        let command = super::program::CommandLine::Shell(Vec::new());
        super::program::Event { name, command, with: Vec::new(), at, at_most: 0, span }
    }
}

/// What a setup has named, where its slots begin at a place among the values of all setups.
fn of_setup(value: Meaning<'_>, first: usize) -> Meaning<'_> {
    let kept = |expr: Expr| match expr {
        Expr::Slot(slot) => Expr::Setup(first + slot),
        other => other,
    };
    match value {
        Meaning::Run(expr, kind) => Meaning::Run(kept(expr), kind),
        Meaning::Row(expr, data) => Meaning::Row(kept(expr), data),
        Meaning::Object(fields) => {
            Meaning::Object(fields.into_iter().map(|(name, value)| (name, of_setup(value, first))).collect())
        }
        other => other,
    }
}
