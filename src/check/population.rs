//! Which requests or which window a path means: loads, parts of mixes, flows, steps, groups, stages.

use super::meaning::Meaning;
use super::program::{Flow, Member, Population, RequestTime, Step, Window};
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Name;
use crate::diag::{Applicability, Code, Diagnostic};

impl Population {
    pub(super) fn of_all() -> Population {
        Population {
            load: None,
            mix: None,
            flow: None,
            member: Member::All,
            part: RequestTime::Latency,
            matching: None,
        }
    }

    pub(super) fn of_load(load: usize) -> Population {
        Population { load: Some(load), ..Population::of_all() }
    }

    pub(super) fn of_flow(flow: usize) -> Population {
        Population { flow: Some(flow), ..Population::of_all() }
    }
}

impl Flow {
    /// The parts of an iteration that are measured by a name, with the unit of their values.
    pub(super) fn members(&self) -> Vec<(String, Member, Type)> {
        let mut members: Vec<(String, Member, Type)> =
            self.requests().map(|r| (r.name.clone(), Member::Request(r.response), Type::Duration)).collect();
        members
            .extend(self.groups.iter().enumerate().map(|(i, name)| (name.clone(), Member::Group(i), Type::Duration)));
        members.extend(
            self.measures.iter().enumerate().map(|(i, (name, kind))| (name.clone(), Member::Measure(i), *kind)),
        );
        members
    }
}

impl Flow {
    /// Those of its members that are measured within a group.
    fn members_within(&self, group: usize) -> Vec<(String, Member, Type)> {
        let mut within = Vec::new();
        all_steps(&self.steps, &mut |step| {
            let Step::Group { group: own, steps, .. } = step else { return };
            if *own == group {
                all_steps(steps, &mut |step| match step {
                    Step::Request(request) => within.push(Member::Request(request.response)),
                    Step::Group { group, .. } => within.push(Member::Group(*group)),
                    Step::Measure { measure, .. } => within.push(Member::Measure(*measure)),
                    Step::Let { .. } | Step::Think(_) | Step::Expect(_) | Step::If { .. } | Step::Choose(_) => {}
                    Step::Repeat(_) | Step::Each { .. } | Step::OncePerUser { .. } => {}
                    Step::Acquire { .. } | Step::Count(_) => {}
                });
            }
        });
        self.members().into_iter().filter(|(_, member, _)| within.contains(member)).collect()
    }

    /// The limits that its steps acquire.
    pub fn limits(&self) -> Vec<usize> {
        let mut found = Vec::new();
        all_steps(&self.steps, &mut |step| {
            if let Step::Acquire { limit, .. } = step
                && !found.contains(limit)
            {
                found.push(*limit);
            }
        });
        found
    }
}

/// Every step of a list, those inside other steps too.
pub fn all_steps<'s>(steps: &'s [Step], each: &mut impl FnMut(&'s Step)) {
    shared_steps(steps, 1.0, &mut |step, _| each(step));
}

/// Each step, and in how many of all iterations it is reached, by the shares of what is chosen; both sides of an `if`, and once in
/// a loop.
pub fn shared_steps<'s>(steps: &'s [Step], share: f64, each: &mut impl FnMut(&'s Step, f64)) {
    for step in steps {
        each(step, share);
        match step {
            Step::If { then, otherwise, .. } => {
                shared_steps(then, share, each);
                shared_steps(otherwise, share, each);
            }
            Step::Group { steps, .. } | Step::Each { steps, .. } | Step::OncePerUser { steps, .. } => {
                shared_steps(steps, share, each);
            }
            Step::Acquire { steps, .. } => shared_steps(steps, share, each),
            Step::Choose(choose) => {
                choose.parts.iter().for_each(|part| shared_steps(&part.steps, share * part.share, each));
            }
            Step::Repeat(repeat) => shared_steps(&repeat.steps, share, each),
            Step::Request(_) | Step::Let { .. } | Step::Think(_) | Step::Expect(_) => {}
            Step::Measure { .. } | Step::Count(_) => {}
        }
    }
}

impl<'a> ScenarioChecker<'a, '_> {
    /// The part of a mix has its load before it.
    pub(super) fn part_without_load(&self, name: &Name) -> Option<Diagnostic> {
        let of = |load: &&super::program::Load| load.parts.iter().any(|part| part.name == name.text);
        let full: Vec<String> = self.out.loads.iter().filter(of).map(|load| format!("{}.{name}", load.name)).collect();
        let message = format!("`{name}` is a part of a mix");
        let problem = Diagnostic::new(Code::E0201, message, name.span, "of which load?");
        match full.as_slice() {
            [] => None,
            [one] => Some(problem.fix(Applicability::Maybe, name.span, one, format!("write `{one}`"))),
            many => Some(problem.help(format!("write `{}`", many.join("` or `")))),
        }
    }

    /// A stage or a step by its bare name, while that is unique in the scenario.
    pub(super) fn undeclared(&mut self, name: &'a Name) -> Option<Meaning<'a>> {
        let stages = self.stages_named(&name.text);
        let loads: Vec<usize> = stages.iter().map(|(load, ..)| *load).collect();
        match loads.as_slice() {
            [] => {}
            [load, rest @ ..] if rest.iter().all(|other| other == load) => {
                self.refers(name.span, stages[0].2.span, Type::Stage);
                return Some(self.window_of(*load, &stages.iter().map(|(_, stage, _)| *stage).collect::<Vec<_>>()));
            }
            _ => {
                let mut seen = loads.clone();
                seen.dedup();
                let message = format!("`{name}` is a stage of {} loads", seen.len());
                let mut problem = Diagnostic::new(Code::E0403, message, name.span, "which one?");
                let full: Vec<String> =
                    seen.iter().map(|load| format!("`{}.{name}`", self.out.loads[*load].name)).collect();
                for (_, _, own) in &stages {
                    problem = problem.label(own.span, "one is here");
                }
                self.push(problem.help(format!("write {}", full.join(" or "))));
                return Some(Meaning::WRONG);
            }
        }
        let mut found: Vec<(usize, Member, Type)> = Vec::new();
        let mut flows: Vec<usize> =
            self.out.loads.iter().flat_map(|load| load.parts.iter().map(|part| part.flow)).collect();
        flows.sort_unstable();
        flows.dedup();
        for flow in flows {
            let Some(checked) = self.out.flows.get(flow) else { continue };
            let members = checked.members();
            found.extend(
                members.into_iter().filter(|(own, ..)| *own == name.text).map(|(_, member, kind)| (flow, member, kind)),
            );
        }
        match found.as_slice() {
            [] => None,
            [(flow, member, kind)] => {
                self.refers_to_step(name.span, *flow, &name.text);
                let population = Population { member: *member, ..Population::of_flow(*flow) };
                Some(Meaning::Samples(population, *kind, Type::Step))
            }
            many => {
                let full: Vec<String> =
                    many.iter().map(|(flow, ..)| format!("`{}.{name}`", self.out.flows[*flow].name)).collect();
                let problem =
                    Diagnostic::new(Code::E0207, format!("`{name}` could be several"), name.span, "which one?");
                self.push(problem.help(format!("write {}", full.join(" or "))));
                Some(Meaning::WRONG)
            }
        }
    }

    /// One stage, or several of one name.
    fn window_of(&self, load: usize, stages: &[usize]) -> Meaning<'a> {
        match stages {
            [stage] => Meaning::Window(Window::Stage { load, stage: *stage }, Type::Stage),
            many => Meaning::Window(Window::Stages { load, stages: many.to_vec() }, Type::Windows),
        }
    }

    pub(super) fn stage_of(&mut self, load: usize, name: &Name) -> Option<Meaning<'a>> {
        let mut stages = self.stages_named(&name.text);
        stages.retain(|(of, ..)| *of == load);
        self.refers(name.span, stages.first()?.2.span, Type::Stage);
        Some(self.window_of(load, &stages.into_iter().map(|(_, stage, _)| stage).collect::<Vec<usize>>()))
    }

    /// What a name after a load, a part of a mix or a flow means.
    pub(super) fn member(&mut self, population: &Population, kind: Type, name: &'a Name) -> Option<Meaning<'a>> {
        if let (Member::Group(group), Some(flow)) = (population.member, population.flow) {
            return self.member_of_group(population, (flow, group), name);
        }
        if population.member != Member::All {
            return None;
        }
        if kind == Type::Load
            && let Some(load) = population.load
        {
            let parts = self.out.loads.get(load).map_or(&[][..], |load| &load.parts);
            if let Some((index, part)) = parts.iter().enumerate().find(|(_, part)| part.name == name.text) {
                if let Some(places) = self.flow_places.get(&part.flow) {
                    self.refers(name.span, places.declared, Type::Flow);
                }
                let population = Population { mix: Some(index), flow: Some(part.flow), ..population.clone() };
                return Some(Meaning::Samples(population, Type::Duration, Type::Flow));
            }
            if let Some(stage) = self.stage_of(load, name) {
                return Some(stage);
            }
        }
        let flows: Vec<usize> = match (population.flow, population.load) {
            (Some(flow), _) => vec![flow],
            (None, Some(load)) => {
                self.out.loads.get(load).map_or(Vec::new(), |l| l.parts.iter().map(|part| part.flow).collect())
            }
            (None, None) => Vec::new(),
        };
        let mut found = Vec::new();
        for flow in flows {
            let Some(checked) = self.out.flows.get(flow) else { continue };
            let member = checked.members().into_iter().find(|(own, ..)| *own == name.text);
            found.extend(member.map(|(_, member, unit)| (flow, member, unit)));
        }
        match found.as_slice() {
            [] => None,
            [(flow, member, unit)] => {
                self.refers_to_step(name.span, *flow, &name.text);
                let population = Population { flow: Some(*flow), member: *member, ..population.clone() };
                Some(Meaning::Samples(population, *unit, Type::Step))
            }
            many => {
                let load = population.load.map(|load| self.out.loads[load].name.text.clone()).unwrap_or_default();
                let part = |flow: usize| {
                    let parts = population.load.map_or(&[][..], |load| &self.out.loads[load].parts);
                    parts.iter().find(|part| part.flow == flow).map_or(String::new(), |part| part.name.clone())
                };
                let full: Vec<String> =
                    many.iter().map(|(flow, ..)| format!("`{load}.{}.{name}`", part(*flow))).collect();
                let problem =
                    Diagnostic::new(Code::E0207, format!("`{load}.{name}` could be several"), name.span, "which one?");
                self.push(problem.help(format!("write {}", full.join(" or "))));
                Some(Meaning::WRONG)
            }
        }
    }

    /// A step, a group or a measured value within a group, as `flow.group.step`.
    fn member_of_group(
        &mut self,
        population: &Population,
        (flow, group): (usize, usize),
        name: &'a Name,
    ) -> Option<Meaning<'a>> {
        let found = self.out.flows.get(flow)?.members_within(group).into_iter().find(|(own, ..)| *own == name.text);
        let (_, member, unit) = found?;
        self.refers_to_step(name.span, flow, &name.text);
        Some(Meaning::Samples(Population { member, ..population.clone() }, unit, Type::Step))
    }

    /// Names that may stand after a value.
    pub(super) fn members_of(&self, value: &Meaning<'a>) -> Vec<String> {
        let Meaning::Samples(population, _, _) = value else { return Vec::new() };
        if let (Member::Group(group), Some(flow)) = (population.member, population.flow) {
            let members = self.out.flows.get(flow).map_or_else(Vec::new, |flow| flow.members_within(group));
            return members.into_iter().map(|(name, ..)| name).filter(|name| !name.contains(' ')).collect();
        }
        let mut names = Vec::new();
        let load = population.load.and_then(|load| self.out.loads.get(load));
        if let (Some(load), None) = (load, population.flow) {
            names.extend(load.parts.iter().map(|part| part.name.clone()));
            names.extend(load.stages.iter().filter_map(|stage| stage.name.as_ref().map(|name| name.text.clone())));
        }
        let flows = match (population.flow, load) {
            (Some(flow), _) => vec![flow],
            (None, Some(load)) => load.parts.iter().map(|part| part.flow).collect(),
            (None, None) => Vec::new(),
        };
        for flow in flows {
            if let Some(flow) = self.out.flows.get(flow) {
                names.extend(flow.members().into_iter().map(|(name, ..)| name).filter(|name| !name.contains(' ')));
            }
        }
        names
    }

    /// Whether what is missing may have been in something that was refused.
    pub(super) fn is_refused_member(&self, value: &Meaning<'a>) -> bool {
        let Meaning::Samples(population, _, _) = value else { return false };
        let flows: Vec<usize> = match (population.flow, population.load) {
            (Some(flow), _) => vec![flow],
            (None, Some(load)) => {
                if self.refused_loads.contains(&load) {
                    return true;
                }
                self.out.loads.get(load).map_or(Vec::new(), |l| l.parts.iter().map(|part| part.flow).collect())
            }
            (None, None) => Vec::new(),
        };
        flows.iter().any(|flow| self.refused_flows.contains(flow))
    }

    pub(super) fn stage_names(&self) -> Vec<String> {
        let stages = self.out.loads.iter().flat_map(|load| load.stages.iter());
        stages.filter_map(|stage| stage.name.as_ref().map(|name| name.text.clone())).collect()
    }

    /// Stages of all loads that carry this name.
    fn stages_named(&self, name: &str) -> Vec<(usize, usize, Name)> {
        let mut found = Vec::new();
        for (load, l) in self.out.loads.iter().enumerate() {
            for (stage, s) in l.stages.iter().enumerate() {
                if let Some(own) = s.name.as_ref().filter(|own| own.text == name) {
                    found.push((load, stage, own.clone()));
                }
            }
        }
        found
    }
}
