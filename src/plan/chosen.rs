//! The parts of a `choose` that have names, and a plan that takes one of them each time.

use super::{Choose, Plan, Step};

impl Plan {
    /// The named parts of the choices of a flow, in the order of the text.
    pub fn choices(&self, flow: usize) -> Vec<String> {
        let mut names = Vec::new();
        if let Some(flow) = self.flows.get(flow) {
            crate::check::all_steps(&flow.steps, &mut |step| {
                if let Step::Choose(choose) = step {
                    names.extend(
                        choose.parts.iter().filter_map(|part| name(&part.steps, &flow.groups)).map(str::to_owned),
                    );
                }
            });
        }
        names
    }

    /// Where a choice has a part of that name, it is taken each time, and so is the part in which that choice stands.
    pub fn choose_only(&mut self, wanted: &str) {
        for flow in &mut self.flows {
            only(&mut flow.steps, &flow.groups, wanted);
        }
    }
}

/// What is named is a group by itself.
fn name<'g>(steps: &[Step], groups: &'g [String]) -> Option<&'g str> {
    match steps {
        [Step::Group { group, .. }] => groups.get(*group)?.rsplit('.').next(),
        _ => None,
    }
}

fn only(steps: &mut [Step], groups: &[String], wanted: &str) -> bool {
    let mut found = false;
    for step in steps {
        found |= match step {
            Step::Choose(choose) => of_choice(choose, groups, wanted),
            Step::If { then, otherwise, .. } => only(then, groups, wanted) | only(otherwise, groups, wanted),
            Step::Repeat(repeat) => only(&mut repeat.steps, groups, wanted),
            Step::Group { steps, .. }
            | Step::Acquire { steps, .. }
            | Step::Each { steps, .. }
            | Step::OncePerUser { steps, .. } => only(steps, groups, wanted),
            Step::Request(_) | Step::Let { .. } | Step::Think(_) | Step::Expect(_) => false,
            Step::Measure { .. } | Step::Count(_) => false,
        };
    }
    found
}

fn of_choice(choose: &mut Choose, groups: &[String], wanted: &str) -> bool {
    let is_it = |steps: &mut Vec<Step>| name(steps, groups) == Some(wanted) || only(steps, groups, wanted);
    let Some(place) = choose.parts.iter_mut().position(|part| is_it(&mut part.steps)) else { return false };
    for (index, part) in choose.parts.iter_mut().enumerate() {
        part.share = if index == place { 1.0 } else { 0.0 };
    }
    true
}
