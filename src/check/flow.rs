//! Flows: what one user does, with every name resolved to a slot and every answer to its request.

use super::bound::Call;
use super::channel::Channel;
use super::headers::FlowHeader;
use super::meaning::Meaning;
use super::program::{Expr, Flow, Population, Step, Think};
use super::references::FlowPlaces;
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use super::verb::Verb;
use crate::base::{Name, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, ExprKind, Item, StepKind};
use std::collections::{HashMap, HashSet};

/// The flow that is being checked.
#[derive(Debug, Default)]
pub(super) struct FlowState {
    /// Its target: of all steps that name no other.
    pub(super) target: Option<Meaning<'static>>,
    pub(super) requests: Vec<Needs>,
    /// The names of the values that live in slots.
    pub(super) slots: Vec<String>,
    pub(super) groups: Vec<String>,
    pub(super) measures: Vec<(String, Type)>,
    /// The group that its steps are in.
    pub(super) group: Option<usize>,
    /// The transaction that its steps are in.
    pub(super) transaction: Option<Transacted>,
    /// The block for once that its steps are in.
    pub(super) once: Option<Span>,
    /// The names of its first steps.
    pub(super) frame: FrameId,
    /// It is no flow, but done once: a setup, a teardown, a `verify`.
    pub(super) is_phase: bool,
    /// Names of steps, with where they stand.
    pub(super) named: HashMap<String, Span>,
    pub(super) refused: bool,
    pub(super) sends: bool,
    pub(super) name: String,
    pub(super) counts: bool,
    /// How many `choose` it has, and how many loops its steps are in.
    pub(super) choices: usize,
    pub(super) loops: usize,
    /// What later requests of the scope say to the target of their flow, and the names of that scope.
    pub(super) headers: Vec<FlowHeader>,
    pub(super) scope: FrameId,
    /// Names that some `set` gives another value.
    pub(super) set: HashSet<String>,
    /// The connections that stay open in the block that is read, and those that only the steps around `together` have.
    pub(super) channels: Vec<Channel>,
    pub(super) channels_outside: Vec<Channel>,
}

/// Each is measured by itself, in memory and in the record of each second.
const MOST_NAMES: usize = 10_000;

/// What later steps need of an answer.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Needs {
    pub(super) body: bool,
    pub(super) headers: bool,
    pub(super) url: bool,
    /// What its request says.
    pub(super) verb: Verb,
}

/// A transaction, and the target of its first statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transacted {
    pub(super) span: Span,
    pub(super) target: Option<usize>,
}

impl<'a> ScenarioChecker<'a, '_> {
    /// A flow, or an instance of one whose parameters are bound in `frame`.
    pub(super) fn flow(&mut self, flow: &'a ast::Flow, frame: FrameId, _call: Option<Span>) -> Meaning<'a> {
        let target = self.flow_target(flow, frame);
        let index = self.out.flows.len();
        // The place is taken before its steps are read, so that what they bring along comes after it.
        let empty = Flow {
            name: flow.name.text.clone(),
            steps: Vec::new(),
            slots: 0,
            names: Vec::new(),
            requests: 0,
            groups: Vec::new(),
            measures: Vec::new(),
        };
        self.out.flows.push(empty);
        let checked = self.body(&flow.name.text, &flow.steps, target, frame, &[]);
        let (checked, state) = checked;
        if !state.sends && !state.refused {
            let message = format!("the flow `{}` sends nothing", flow.name);
            let problem = Diagnostic::new(Code::E0307, message, flow.name.span, "no request in it");
            self.push(problem.help("add a step such as `get \"/\"`"));
        }
        if state.refused {
            self.refused_flows.insert(index);
        }
        self.out.flows[index] = checked;
        let places = FlowPlaces { declared: flow.name.span, steps: state.named };
        self.flow_places.insert(index, places);
        Meaning::Samples(Population::of_flow(index), Type::Duration, Type::Flow)
    }

    /// Steps as a flow; the bound names are in the first slots.
    pub(super) fn body(
        &mut self,
        name: &str,
        steps: &'a [ast::Step],
        target: Option<Meaning<'a>>,
        frame: FrameId,
        bound: &[&'a Name],
    ) -> (Flow, FlowState) {
        let target = target.map(|target| match target {
            Meaning::Part(kind, index) => Meaning::Part(kind, index),
            other => Meaning::Unknown(other.kind()),
        });
        let inner = self.frame(self.frames[frame].module, Some(frame));
        let is_phase = matches!(name, "setup" | "teardown");
        let mut state =
            FlowState { target, name: name.to_owned(), frame: inner, scope: inner, is_phase, ..FlowState::default() };
        set_names(steps, &mut state.set);
        let before = self.flow.replace(state);
        let saved = (self.answer.take(), std::mem::take(&mut self.predicate));
        for name in bound {
            let slot = self.slot(name);
            self.bind(inner, name, Meaning::Run(Expr::Slot(slot), Type::Text));
        }
        let mut checked = self.steps(steps, inner);
        (self.answer, self.predicate) = saved;
        let state = std::mem::replace(&mut self.flow, before).unwrap_or_default();
        keep_answers(&mut checked, &state.requests);
        let flow = Flow {
            name: name.to_owned(),
            steps: checked,
            slots: state.slots.len(),
            names: state.slots.clone(),
            requests: state.requests.len(),
            groups: state.groups.clone(),
            measures: state.measures.clone(),
        };
        (flow, state)
    }

    /// The target of a flow: the one it names, its only parameter that is one, or the only one there is.
    fn flow_target(&mut self, flow: &'a ast::Flow, frame: FrameId) -> Option<Meaning<'a>> {
        let parameters = flow.parameters.as_deref().unwrap_or_default();
        let targets: Vec<_> = parameters
            .iter()
            .filter(|p| p.kind.path.len() == 1 && Type::parse(&p.kind.path[0].text).is_some_and(Type::is_target))
            .collect();
        if let Some(on) = &flow.on {
            return Some(self.target_named(on, frame));
        }
        if let [only] = targets.as_slice() {
            return self.lookup(frame, &only.name.text, only.name.span);
        }
        self.only_target(frame)
    }

    pub(super) fn target_named(&mut self, on: &'a ast::Expr, frame: FrameId) -> Meaning<'a> {
        let value = self.eval(on, frame);
        let kind = value.kind();
        let database = matches!(&value, Meaning::Part(Type::Service, _))
            && !self.fit(value.clone(), on.span, &[Type::Database, Type::Service, Type::Target]).is_wrong();
        if kind.is_target() || kind == Type::Wrong {
            return value;
        }
        let _ = database;
        let text = self.text(on.span);
        let known: Vec<String> = self.targets_visible(frame);
        let message = format!("`{text}` is {}, and a Target is needed here", kind.a());
        let problem = Diagnostic::new(Code::E0207, message, on.span, kind.a());
        self.push(problem.did_you_mean(on.span, &text, known.iter().map(String::as_str)));
        Meaning::WRONG
    }

    fn targets_visible(&self, frame: FrameId) -> Vec<String> {
        self.visible_targets(frame).into_iter().map(|built| built.name.text.clone()).collect()
    }

    pub(super) fn visible_targets(&self, frame: FrameId) -> Vec<&'a ast::Built> {
        let mut found: Vec<&'a ast::Built> = Vec::new();
        let is_target = |item: &'a Item| match item {
            Item::Built(built) if built.kind == ast::BuiltKind::Target => Some(built),
            _ => None,
        };
        let mut at = Some(frame);
        while let Some(id) = at {
            let frame = &self.frames[id];
            found.extend(frame.items.iter().filter_map(is_target));
            if frame.parent.is_none() {
                found.extend(self.world.inputs.modules[frame.module].ast.items.iter().filter_map(is_target));
            }
            at = frame.parent;
        }
        found
    }

    pub(super) fn only_target(&mut self, frame: FrameId) -> Option<Meaning<'a>> {
        match self.visible_targets(frame).as_slice() {
            [only] => self.lookup(frame, &only.name.text, only.name.span),
            _ => None,
        }
    }

    /// A place for a value.
    pub(super) fn slot(&mut self, name: &Name) -> usize {
        let Some(flow) = &mut self.flow else { return 0 };
        flow.slots.push(name.text.clone());
        flow.slots.len() - 1
    }

    /// The steps of a block, whose names end with it.
    pub(super) fn block(&mut self, steps: &'a [ast::Step], frame: FrameId) -> Vec<Step> {
        let inner = self.frame(self.frames[frame].module, Some(frame));
        let open = self.open_channels();
        let steps = self.steps(steps, inner);
        self.close_channels(open);
        steps
    }

    /// Steps whose names stand in a frame. Where that is one of their own, the headers of the flow end with it too.
    pub(super) fn steps(&mut self, steps: &'a [ast::Step], frame: FrameId) -> Vec<Step> {
        let around = self.flow.as_mut().filter(|flow| flow.scope != frame).map(|flow| {
            let scope = std::mem::replace(&mut flow.scope, frame);
            (scope, flow.headers.clone())
        });
        let mut checked = Vec::new();
        for step in steps {
            self.step(step, frame, &mut checked);
        }
        if let (Some((scope, headers)), Some(flow)) = (around, &mut self.flow) {
            (flow.scope, flow.headers) = (scope, headers);
        }
        checked
    }

    fn step(&mut self, step: &'a ast::Step, frame: FrameId, out: &mut Vec<Step>) {
        match &step.kind {
            StepKind::Request(request) => out.push(Step::Request(self.request(request, frame))),
            StepKind::Let(binding) => {
                let value = self.eval(&binding.value, frame);
                let is_set = self.flow.as_ref().is_some_and(|flow| flow.set.contains(&binding.name.text));
                let value = self.stored(value, is_set, (&binding.name, &binding.value), out);
                self.bind(frame, &binding.name, value);
            }
            StepKind::Set(binding) => self.set(binding, frame, out),
            StepKind::Think(length) => out.extend(self.think(length, frame).map(Step::Think)),
            StepKind::Expect(clauses) => out.push(Step::Expect(self.checks(clauses, frame))),
            StepKind::If { condition, then, otherwise } => {
                let condition = self.truth(condition, frame);
                let (then, otherwise) = (self.block(then, frame), self.block(otherwise, frame));
                out.push(Step::If { condition, then, otherwise });
            }
            StepKind::Group { name, steps } => self.group(name, steps, frame, out),
            StepKind::Transaction(transaction) => self.transaction(transaction, frame, out),
            StepKind::Choose(parts) => self.choose(parts, frame, out),
            StepKind::Repeat(repeat) => out.push(self.repeat(repeat, step.span, frame)),
            StepKind::Each { name, list, at_most, together, steps } => {
                let value = self.eval_as(list, frame, &[Type::List]);
                let at_most = self.bound_of_each(at_most.as_ref(), step.span, frame);
                let slot = self.slot(name);
                let inner = self.frame(self.frames[frame].module, Some(frame));
                self.bind(inner, name, Meaning::Run(Expr::Slot(slot), Type::Json));
                let outside = if *together { self.outside_together() } else { None };
                let steps = self.turn(steps, inner);
                self.behind_together(outside);
                if *together && let Some(own) = self.flow.as_ref().and_then(|flow| flow.transaction) {
                    let message = "statements of a transaction follow one another";
                    let problem = Diagnostic::new(Code::E0114, message, step.span, "at the same time");
                    self.push(problem.label(own.span, "in this transaction").help("leave `together` out"));
                }
                let list = value.expr().unwrap_or(Expr::Null);
                out.push(Step::Each { slot, list, at_most, together: *together, steps });
            }
            StepKind::OncePerUser { every, steps } => {
                let every =
                    every.as_ref().and_then(|every| self.quantity(every, frame, Type::Duration)).map(|ns| ns as u64);
                let outer = self.flow.as_mut().and_then(|flow| flow.once.replace(step.span));
                if let Some(outer) = outer {
                    let message = "`once per user` stands in `once per user`";
                    let problem = Diagnostic::new(Code::E0114, message, step.span, "is done once already");
                    self.push(
                        problem.label(outer, "with this").help("put it after the other block, or its steps into it"),
                    );
                }
                // Its names stay with the user, so the steps after it see them.
                let steps = self.steps(steps, frame);
                if let Some(flow) = &mut self.flow {
                    flow.once = outer;
                }
                self.once_spans.push(step.span);
                out.push(Step::OncePerUser { every, steps });
            }
            StepKind::Acquire { limit, steps } => {
                let value = self.eval_as(limit, frame, &[Type::Limiter, Type::Semaphore]);
                let steps = self.block(steps, frame);
                if let Meaning::Part(_, limit) = value {
                    out.push(Step::Acquire { limit, steps });
                } else {
                    out.extend(steps);
                }
            }
            StepKind::Measure { name, value } => self.measure(name, value, frame, out),
            StepKind::Headers(entry) => self.flow_headers(entry, frame),
            StepKind::Include(include) => self.include_flow(include, frame, out),
            StepKind::Count(value) => out.push(self.count(value, step.span, frame)),
            StepKind::Refused(name) => {
                if let Some(flow) = &mut self.flow {
                    flow.refused = true;
                }
                match name {
                    Some(name) => self.bind(frame, name, Meaning::WRONG),
                    None => self.frames[frame].lost = true,
                }
            }
        }
    }

    /// What is the same all the time needs no slot; the rest is computed once.
    fn stored(
        &mut self,
        value: Meaning<'a>,
        is_set: bool,
        (name, expr): (&Name, &'a ast::Expr),
        out: &mut Vec<Step>,
    ) -> Meaning<'a> {
        match value {
            Meaning::Unknown(_) => value,
            constant if is_set && constant.expr().is_some() && !matches!(constant, Meaning::Row(..)) => {
                // What starts as nothing may become whatever an answer holds.
                let kind = if matches!(constant, Meaning::Null) { Type::Json } else { constant.kind() };
                let slot = self.slot(name);
                out.push(Step::Let { slot, value: constant.expr().unwrap_or(Expr::Null) });
                Meaning::Run(Expr::Slot(slot), kind)
            }
            Meaning::Run(value, kind) => {
                let slot = self.slot(name);
                out.push(Step::Let { slot, value });
                Meaning::Run(Expr::Slot(slot), kind)
            }
            Meaning::Row(value, data) => {
                let slot = self.slot(name);
                out.push(Step::Let { slot, value });
                Meaning::Row(Expr::Slot(slot), data)
            }
            // Its names stay known, for headers and the like.
            Meaning::Object(fields) if fields.iter().all(|(_, value)| value.expr().is_some()) => {
                let stored = |(label, value): (Name, Meaning<'a>)| {
                    let value = self.stored(value, false, (&label, expr), out);
                    (label, value)
                };
                Meaning::Object(fields.into_iter().map(stored).collect())
            }
            Meaning::List(_) if value.expr().is_some() => {
                let slot = self.slot(name);
                let kind = value.kind();
                out.push(Step::Let { slot, value: value.expr().unwrap_or(Expr::Null) });
                Meaning::Run(Expr::Slot(slot), kind)
            }
            Meaning::Answer(_) => {
                let text = self.text(expr.span);
                self.push(
                    Diagnostic::new(
                        Code::E0207,
                        format!("`{text}` is an answer, not a value"),
                        expr.span,
                        "which part of it?",
                    )
                    .help(format!(
                        "write `{text}.status`, `{text}.json(\"$.id\")`, `{text}.header(\"Location\")` or `{text}.text`"
                    )),
                );
                Meaning::WRONG
            }
            // A constant needs no slot: its name is its value.
            other => other,
        }
    }

    fn set(&mut self, binding: &'a ast::Let, frame: FrameId, out: &mut Vec<Step>) {
        let value = self.eval(&binding.value, frame);
        match self.lookup(frame, &binding.name.text, binding.name.span) {
            Some(Meaning::Run(Expr::Slot(slot), kind)) => {
                let value = self.fit(value, binding.value.span, &[kind]);
                out.push(Step::Let { slot, value: value.expr().unwrap_or(Expr::Null) });
            }
            Some(Meaning::Unknown(_)) => {}
            Some(other) => {
                let message = format!("`{}` is {}, and a `let` is needed here", binding.name, other.kind().a());
                self.push(Diagnostic::new(Code::E0207, message, binding.name.span, other.kind().a()));
            }
            None => {
                let known = self.visible_names(frame);
                self.unknown_name(frame, &binding.name, "value of this flow", &known);
            }
        }
    }

    pub(super) fn truth(&mut self, condition: &'a ast::Expr, frame: FrameId) -> Expr {
        let value = self.eval_as(condition, frame, &[Type::Bool]);
        value.expr().unwrap_or(Expr::Null)
    }

    fn think(&mut self, length: &'a ast::Expr, frame: FrameId) -> Option<Think> {
        if let ExprKind::Call { function, arguments } = &length.kind
            && function.text == "exponential"
        {
            let builtin = super::builtins::of_kind(super::builtins::BuiltinKind::Distribution, "exponential")?;
            let call = Call { function, arguments, span: length.span, frame };
            let bound = self.arguments(builtin.parameters, builtin.variadic, call)?;
            let mean = bound.value("mean")?.number().unwrap_or(0.0);
            return Some(Think::Exponential { mean: mean as u64 });
        }
        if self.is_difference(length) {
            return None;
        }
        let value = self.eval(length, frame);
        if let Meaning::Range(least, most) = &value {
            let (least, most) = ((**least).clone(), (**most).clone());
            if matches!(least.kind(), Type::Number | Type::Count) {
                let text = self.text(length.span);
                let problem =
                    Diagnostic::new(Code::E0301, "a user thinks for a time", length.span, format!("{text} what?"));
                self.push(problem.help("write `1s..3s`: each end has its unit"));
                return None;
            }
            let (least, most) =
                (self.fit(least, length.span, &[Type::Duration]), self.fit(most, length.span, &[Type::Duration]));
            if least.number().is_some_and(|least| least < 0.0) {
                self.out_of_range(length.span, "must not be negative");
                return None;
            }
            let ns = |value: &Meaning<'a>| value.number().unwrap_or(0.0) as u64;
            return (!least.is_wrong() && !most.is_wrong())
                .then(|| Think::Uniform { least: ns(&least), most: ns(&most) });
        }
        if matches!(value, Meaning::Unknown(Type::Range)) {
            return Some(Think::Uniform { least: 0, most: 0 });
        }
        let value = self.fit(value, length.span, &[Type::Duration]);
        match (&value, value.number()) {
            (Meaning::Unknown(Type::Wrong), _) => None,
            (Meaning::Unknown(_), _) => Some(Think::Uniform { least: 0, most: 0 }),
            (_, Some(ns)) if ns < 0.0 => {
                self.out_of_range(length.span, "must not be negative");
                None
            }
            (_, Some(ns)) => Some(Think::Uniform { least: ns as u64, most: ns as u64 }),
            (_, None) => {
                self.not_constant(length.span, "this value must be known before the run");
                None
            }
        }
    }

    fn measure(&mut self, name: &'a Name, value: &'a ast::Expr, frame: FrameId, out: &mut Vec<Step>) {
        let checked = self.eval(value, frame);
        let kind = if checked.kind() == Type::Json { Type::Number } else { checked.kind() };
        if !kind.is_quantity() && kind != Type::Wrong {
            let message = format!("a number is measured, and this is {}", kind.a());
            self.push(Diagnostic::new(Code::E0301, message, value.span, kind.a()));
            return;
        }
        self.name_step(name);
        let Some(flow) = &mut self.flow else { return };
        let measure = flow.measures.len();
        flow.measures.push((name.text.clone(), kind));
        out.push(Step::Measure { measure, value: checked.expr().unwrap_or(Expr::Null) });
    }

    /// Steps, groups and measures of a flow have names of their own, by which they are measured.
    pub(super) fn name_step(&mut self, name: &Name) {
        let Some(flow) = &mut self.flow else { return };
        match flow.named.get(&name.text).copied() {
            Some(first) if first != name.span => self.push(super::scope::twice(name, first)),
            _ => {
                flow.named.insert(name.text.clone(), name.span);
                if flow.named.len() == MOST_NAMES + 1 {
                    self.out_of_range(name.span, "a flow has at most 10,000 steps with a name");
                }
            }
        }
    }

    fn include_flow(&mut self, include: &'a ast::Include, frame: FrameId, out: &mut Vec<Step>) {
        let Some((item, inner)) = self.template(&include.what, frame, Type::Flow) else {
            if let Some(flow) = &mut self.flow {
                flow.refused = true;
            }
            include.alias.iter().for_each(|name| self.bind(frame, name, Meaning::WRONG));
            return;
        };
        let Item::Flow(flow) = item else { return };
        let target = self.flow_target(flow, inner);
        let Some(state) = &mut self.flow else { return };
        set_names(&flow.steps, &mut state.set);
        let target = target.map(|target| match target {
            Meaning::Part(kind, index) => Meaning::Part(kind, index),
            other => Meaning::Unknown(other.kind()),
        });
        let before = std::mem::replace(&mut state.target, target);
        self.calls.push(include.span);
        let own = self.frame(self.frames[inner].module, Some(inner));
        let steps = self.steps(&flow.steps, own);
        self.calls.pop();
        if let Some(name) = &include.alias {
            self.bind(frame, name, Meaning::Steps(own));
        }
        if let Some(state) = &mut self.flow {
            state.target = before;
        }
        out.extend(steps);
    }
}

/// The names that steps give another value with `set`.
fn set_names(steps: &[ast::Step], names: &mut HashSet<String>) {
    for step in steps {
        match &step.kind {
            StepKind::Set(binding) => {
                names.insert(binding.name.text.clone());
            }
            StepKind::If { then, otherwise, .. } => {
                set_names(then, names);
                set_names(otherwise, names);
            }
            StepKind::Group { steps, .. } | StepKind::Each { steps, .. } => set_names(steps, names),
            StepKind::Transaction(transaction) => set_names(&transaction.steps, names),
            StepKind::Choose(parts) => parts.iter().for_each(|part| set_names(&part.steps, names)),
            StepKind::OncePerUser { steps, .. } | StepKind::Acquire { steps, .. } => set_names(steps, names),
            StepKind::Repeat(repeat) => set_names(&repeat.steps, names),
            StepKind::Request(_) | StepKind::Let(_) | StepKind::Think(_) | StepKind::Expect(_) => {}
            StepKind::Measure { .. } | StepKind::Include(_) | StepKind::Count(_) | StepKind::Refused(_) => {}
            StepKind::Headers(_) => {}
        }
    }
}

/// Tells each request what later steps need of its answer.
fn keep_answers(steps: &mut [Step], needs: &[Needs]) {
    for step in steps {
        match step {
            Step::Request(request) => {
                let needs = needs.get(request.response).copied().unwrap_or_default();
                (request.keep_body, request.keep_headers, request.keep_url) = (needs.body, needs.headers, needs.url);
            }
            Step::If { then, otherwise, .. } => {
                keep_answers(then, needs);
                keep_answers(otherwise, needs);
            }
            Step::Group { steps, .. } | Step::Each { steps, .. } | Step::OncePerUser { steps, .. } => {
                keep_answers(steps, needs);
            }
            Step::Acquire { steps, .. } => keep_answers(steps, needs),
            Step::Choose(choose) => choose.parts.iter_mut().for_each(|part| keep_answers(&mut part.steps, needs)),
            Step::Repeat(repeat) => keep_answers(&mut repeat.steps, needs),
            Step::Let { .. } | Step::Think(_) | Step::Expect(_) | Step::Measure { .. } | Step::Count(_) => {}
        }
    }
}
