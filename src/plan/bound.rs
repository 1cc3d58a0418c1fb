//! How many requests a plan sends at least if all goes well, and at most in any case, as far as that is known before the run.

use super::{Choose, Load, LoopBound, Plan, Repeat, Request, StageKind, Step};
use crate::base::units::grouped;
use crate::check::program::{Protocol, Scenario};
use crate::diag::{Code, Diagnostic, Diagnostics};

/// Nothing where there is no bound.
pub type Most = Option<f64>;

/// Both bounds of several together.
pub fn sum(all: impl Iterator<Item = (f64, Most)>) -> (f64, Most) {
    all.fold((0.0, Some(0.0)), |(least, most), (fewest, own)| {
        (least + fewest, most.zip(own).map(|(most, own)| most + own))
    })
}

impl Plan {
    /// The requests of a load: of all targets, or those that its steps send to one. Redirects and tries count to the most.
    pub fn requests_of(&self, load: &Load, target: Option<usize>) -> (f64, Most) {
        let parts = load.parts.iter().map(|part| self.flows.get(part.flow).map_or(&[][..], |flow| &flow.steps));
        let each: Vec<(f64, Most)> = parts.map(|steps| (fewest(steps, target), most(self, steps, target))).collect();
        if each.iter().all(|(_, most)| *most == Some(0.0)) {
            return (0.0, Some(0.0));
        }
        if load.is_open() {
            let searches = load.stages.iter().any(|stage| stage.kind == StageKind::Search);
            // Of what sends nothing nobody need count how often it arrives.
            let sends = each.iter().enumerate().filter(|(_, (_, most))| *most != Some(0.0));
            let (least, all) = sum(sends.map(|(part, (fewest, most))| {
                let (from, to) = load.arrivals_of(part);
                (fewest * from as f64, most.map(|most| most * to as f64))
            }));
            return (least, all.filter(|_| !searches));
        }
        // Who begins again when the last answer has come does so as often as there are answers, but in a `once`.
        let once = |kind: StageKind| kind == StageKind::Once || kind == StageKind::Idle;
        let iterations: u64 = load.stages.iter().filter_map(|stage| stage.iterations).sum();
        let (fewest, most) = each.iter().fold((f64::MAX, Some(0.0f64)), |(least, all), (fewest, most)| {
            (least.min(*fewest), all.zip(*most).map(|(all, most)| all.max(most)))
        });
        let bounded = load.stages.iter().all(|stage| once(stage.kind));
        (fewest * iterations as f64, most.filter(|_| bounded).map(|most| most * iterations as f64))
    }

    /// Of all loads together.
    pub fn requests_of_all(&self) -> (f64, Most) {
        sum(self.loads.iter().map(|load| self.requests_of(load, None)))
    }
}

fn is_to(request: &Request, target: Option<usize>) -> bool {
    target.is_none_or(|target| request.target == target && !request.exchange.follows_a_link())
}

/// What follows a link may go to each target that speaks HTTP.
fn may_go_to(plan: &Plan, request: &Request, target: Option<usize>) -> bool {
    let speaks = |target: usize| plan.targets.get(target).is_some_and(|target| target.protocol == Protocol::Http);
    let leads = |target: usize| request.exchange.follows_a_link() && speaks(target);
    target.is_none_or(|target| request.target == target || leads(target))
}

fn redirects(plan: &Plan, request: &Request) -> u64 {
    match request.exchange.follows_a_link() {
        true => plan.targets.iter().map(|target| target.redirects).max().unwrap_or(0),
        // What opens a connection that stays open follows none.
        false if request.exchange.opens() => 0,
        false => plan.targets.get(request.target).map_or(0, |target| target.redirects),
    }
}

/// In an iteration in which every request is answered as it should.
fn fewest(steps: &[Step], target: Option<usize>) -> f64 {
    let one = |step: &Step| match step {
        Step::Request(request) => f64::from(u8::from(is_to(request, target))),
        Step::If { then, otherwise, .. } => fewest(then, target).min(fewest(otherwise, target)),
        Step::Choose(choose) => possible(choose).map(|steps| fewest(steps, target)).reduce(f64::min).unwrap_or(0.0),
        Step::Group { steps, .. } | Step::Acquire { steps, .. } => fewest(steps, target),
        Step::Repeat(repeat) => fewest(&repeat.steps, target) * turns(repeat),
        // Lists may be empty, and users come back.
        Step::Each { .. } | Step::OncePerUser { .. } => 0.0,
        Step::Let { .. } | Step::Think(_) | Step::Expect(_) | Step::Measure { .. } | Step::Count(_) => 0.0,
    };
    steps.iter().map(one).sum()
}

/// The parts of a `choose` that are ever taken.
fn possible(choose: &Choose) -> impl Iterator<Item = &[Step]> {
    choose.parts.iter().filter(|part| part.share > 0.0).map(|part| part.steps.as_slice())
}

/// The turns of a loop that are surely made: a test to go on comes before the first, one to end after it.
fn turns(repeat: &Repeat) -> f64 {
    match (&repeat.test, repeat.bound) {
        (Some(_), _) if repeat.goes_on => 0.0,
        (None, LoopBound::Times(turns)) => turns as f64,
        (Some(_), _) | (None, LoopBound::Time(_)) => 1.0,
    }
}

/// With every try, and as many redirects in each as are followed.
fn most(plan: &Plan, steps: &[Step], target: Option<usize>) -> Most {
    let one = |step: &Step| {
        Some(match step {
            Step::Request(request) if may_go_to(plan, request, target) => {
                let redirects = redirects(plan, request);
                let tries = request.retry.as_ref().map_or(0, |retry| retry.times);
                (1 + redirects) as f64 * (1 + tries) as f64
            }
            Step::If { then, otherwise, .. } => most(plan, then, target)?.max(most(plan, otherwise, target)?),
            Step::Choose(choose) => {
                let all: Most = possible(choose)
                    .map(|steps| most(plan, steps, target))
                    .try_fold(0.0, |least, one| Some(f64::max(least, one?)));
                all?
            }
            Step::Repeat(repeat) => {
                let turn = most(plan, &repeat.steps, target)?;
                match (repeat.bound, repeat.every) {
                    _ if turn == 0.0 => 0.0,
                    (LoopBound::Times(turns), _) => turn * turns as f64,
                    (LoopBound::Time(length), Some(every)) if every > 0 => turn * (length / every + 1) as f64,
                    (LoopBound::Time(_), _) => return None,
                }
            }
            Step::Each { at_most, steps, .. } => most(plan, steps, target)? * *at_most as f64,
            Step::Group { steps, transaction, .. } => {
                let tries = transaction.as_ref().and_then(|own| own.retry.as_ref()).map_or(0, |retry| retry.times);
                most(plan, steps, target)? * (1 + tries) as f64
            }
            Step::Acquire { steps, .. } | Step::OncePerUser { steps, .. } => most(plan, steps, target)?,
            Step::Request(_) | Step::Let { .. } | Step::Think(_) | Step::Expect(_) | Step::Measure { .. } => 0.0,
            Step::Count(_) => 0.0,
        })
    };
    steps.iter().map(one).sum()
}

/// How well a number of requests is known before the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Knowledge {
    #[default]
    Exact,
    /// On average, by the shares of choices.
    ByShares,
    /// Conditions, lists and what users have done before may make it less.
    AtMost,
}

/// The requests of an iteration in which nothing fails and nothing is led elsewhere or tried again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// Nothing where time alone bounds a loop.
    pub count: Most,
    pub known: Knowledge,
}

impl Default for Usual {
    fn default() -> Usual {
        Usual { count: Some(0.0), known: Knowledge::Exact }
    }
}

impl Usual {
    pub fn and(self, other: Usual) -> Usual {
        let count = self.count.zip(other.count).map(|(one, other)| one + other);
        Usual { count, known: self.known.max(other.known) }
    }

    pub fn times(self, factor: f64) -> Usual {
        Usual { count: self.count.map(|count| count * factor), ..self }
    }

    /// Of what sends nothing it is all the same how often it is done.
    fn known_as(self, known: Knowledge) -> Usual {
        if self.count == Some(0.0) { Usual::default() } else { Usual { known: self.known.max(known), ..self } }
    }

    fn or(self, other: Usual) -> Usual {
        let count = self.count.zip(other.count).map(|(one, other)| one.max(other));
        let known = if self.count == other.count { Knowledge::Exact } else { Knowledge::AtMost };
        Usual { count, known: known.max(self.known).max(other.known) }
    }
}

pub fn usual(steps: &[Step]) -> Usual {
    let one = |step: &Step| match step {
        Step::Request(_) => Usual { count: Some(1.0), known: Knowledge::Exact },
        Step::If { then, otherwise, .. } => usual(then).or(usual(otherwise)),
        Step::Choose(choose) => {
            let parts = choose.parts.iter().filter(|part| part.share > 0.0);
            // Each once: a `choose` may hold another, and that one more.
            let all: Vec<(f64, Usual)> = parts.map(|part| (part.share, usual(&part.steps))).collect();
            let whole: f64 = all.iter().map(|(share, _)| share).sum();
            let mean = all.iter().fold(Usual::default(), |sum, (share, one)| sum.and(one.times(share / whole)));
            let alike = all.iter().all(|(_, one)| one.count == all[0].1.count);
            if alike { mean } else { mean.known_as(Knowledge::ByShares) }
        }
        Step::Repeat(repeat) => {
            let turn = usual(&repeat.steps);
            let tested = if repeat.test.is_some() { Knowledge::AtMost } else { Knowledge::Exact };
            match (repeat.bound, repeat.every) {
                _ if turn.count == Some(0.0) => turn,
                (LoopBound::Times(turns), _) => turn.times(turns as f64).known_as(tested),
                (LoopBound::Time(length), Some(every)) if every > 0 => {
                    turn.times((length / every + 1) as f64).known_as(Knowledge::AtMost)
                }
                (LoopBound::Time(_), _) => Usual { count: None, known: Knowledge::AtMost },
            }
        }
        Step::Each { at_most, steps, .. } => usual(steps).times(*at_most as f64).known_as(Knowledge::AtMost),
        Step::OncePerUser { steps, .. } => usual(steps).known_as(Knowledge::AtMost),
        Step::Group { steps, .. } | Step::Acquire { steps, .. } => usual(steps),
        Step::Let { .. } | Step::Think(_) | Step::Expect(_) | Step::Measure { .. } | Step::Count(_) => Usual::default(),
    };
    steps.iter().map(one).fold(Usual::default(), Usual::and)
}

/// A run that goes as planned must not be ended by its own budget.
pub fn within_budget(scenario: &Scenario, plan: &Plan, diagnostics: &mut Diagnostics) {
    let lines = scenario.allowed.iter().filter_map(|allow| Some((allow, allow.at_most?)));
    let Some((allow, budget)) = lines.min_by_key(|(_, budget)| *budget) else { return };
    let (least, _) = plan.requests_of_all();
    if least <= budget as f64 {
        return;
    }
    let (least, budget) = (grouped(least, 0), grouped(budget as f64, 0));
    let message = format!("`{}` sends {least} requests where all goes well, and may send {budget}", plan.scenario);
    let mut problem = Diagnostic::new(Code::E0414, message, allow.span, format!("at most {budget} requests"));
    for (load, planned) in scenario.loads.iter().zip(&plan.loads) {
        let (fewest, _) = plan.requests_of(planned, None);
        if fewest > 0.0 {
            problem = problem.label(load.name.span, format!("{} of them", grouped(fewest, 0)));
        }
    }
    diagnostics.push(problem.help("allow more, or plan less: shorter stages, lower levels, fewer steps"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Choice;
    use serde_json::json;

    /// Looked at again for each that is around it, the innermost would never come to its end.
    #[test]
    fn choices_in_choices_are_looked_at_once_each() {
        const DEEP: i32 = 40;
        let request = json!({ "request": {
            "name": "", "response": 0, "target": 0, "exchange": { "command": { "text": [] } },
            "timeout": null, "expects": [], "keep_body": false, "keep_headers": false, "line": 1,
        } });
        let request: Step = serde_json::from_value(request).expect("a step");
        let around = |steps: Vec<Step>, _| {
            let parts = [steps, Vec::new()].map(|steps| Choice { share: 0.5, steps });
            vec![Step::Choose(Choose { site: 0, repeats: false, parts: parts.into() })]
        };
        let nested = (0..DEEP).fold(vec![request], around);
        assert_eq!(usual(&nested), Usual { count: Some(0.5_f64.powi(DEEP)), known: Knowledge::ByShares });
    }
}
