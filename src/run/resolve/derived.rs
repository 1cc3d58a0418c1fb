//! What a scenario computes from secrets. What is the same for all is hidden as the secrets are, before the load starts.
//! What each iteration computes for itself is kept in slots of its own, and hidden where something of that iteration is
//! told: the mask does not grow with requests, and a flow that computes nothing of a secret pays nothing.

use super::known::Known;
use crate::check::program::exprs_of;
use crate::check::program::values;
use crate::engine::secret::Mask;
use crate::engine::value::derived::texts;
use crate::engine::value::nobody;
use crate::engine::value::{Paths, Value};
use crate::plan::{Expr, Flow, PartKind, Piece, Plan, Step};
use crate::run::service::Speaks;
use std::collections::HashMap;

/// Which values a secret can be got back from.
struct Taint<'k> {
    known: &'k Known,
    setup: Vec<bool>,
    slots: Vec<bool>,
}

impl Taint<'_> {
    fn holds(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Secret(_) => true,
            Expr::Slot(slot) => self.slots.get(*slot).is_some_and(|tainted| *tainted),
            Expr::Setup(place) => self.setup.get(*place).is_some_and(|tainted| *tainted),
            // The URL of a database that the run has started holds the password of the run.
            Expr::Part { part: PartKind::Service, index, field } => {
                let speaks = self.known.services.get(*index).map(|endpoint| &endpoint.speaks);
                field.starts_with("url") && matches!(speaks, Some(Speaks::Postgres { .. }))
            }
            Expr::Text(pieces) => values(pieces).any(|value| self.holds(value)),
            Expr::List(items) => items.iter().any(|item| self.holds(item)),
            Expr::Object(fields) => fields.iter().any(|(_, field)| self.holds(field)),
            Expr::Get { value, .. } | Expr::Derived { value, .. } => self.holds(value),
            Expr::Call { function, arguments } => {
                function.reveals() && arguments.iter().any(|argument| self.holds(argument))
            }
            // Truths and numbers, and what others say.
            Expr::Not(_) | Expr::Negate(_) | Expr::Count(_) | Expr::Binary { .. } | Expr::Column { .. } => false,
            Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::UserId | Expr::Iteration | Expr::Uuid => false,
            Expr::Random { .. } | Expr::Status(_) | Expr::Latency(_) | Expr::BodyText(_) | Expr::Json { .. } => false,
            Expr::Header { .. } | Expr::Answer { .. } | Expr::Part { .. } | Expr::Port(_) | Expr::Row { .. } => false,
            Expr::Property(_) => false,
        }
    }

    /// The slots of a flow, however far a secret goes in them.
    fn learn(&mut self, flow: &Flow) {
        let given = assigned(&flow.steps);
        self.slots.resize(flow.slots, false);
        while let Some((slot, _)) = given.iter().find(|(slot, value)| !self.slots[*slot] && self.holds(value)) {
            self.slots[*slot] = true;
        }
    }

    /// Marks what is computed from a secret, and the parts of it that are.
    fn mark(&self, expr: &mut Expr) {
        let computed = matches!(expr, Expr::Call { .. }) && self.holds(expr);
        expr.parts_mut().into_iter().for_each(|part| self.mark(part));
        if computed {
            let value = Box::new(std::mem::replace(expr, Expr::Null));
            *expr = Expr::Derived { slot: usize::MAX, value };
        }
    }
}

/// What is put into which slot of a flow.
fn assigned(steps: &[Step]) -> Vec<(usize, &Expr)> {
    let mut all = Vec::new();
    for step in steps {
        match step {
            Step::Let { slot, value } => all.push((*slot, value)),
            Step::If { then, otherwise, .. } => all.extend(assigned(then).into_iter().chain(assigned(otherwise))),
            Step::Each { slot, list, steps, .. } => {
                all.push((*slot, list));
                all.extend(assigned(steps));
            }
            Step::Repeat(repeat) => {
                all.extend(repeat.counter.iter().map(|(slot, from)| (*slot, from)));
                all.extend(assigned(&repeat.steps));
            }
            Step::Group { steps, .. } | Step::OncePerUser { steps, .. } | Step::Acquire { steps, .. } => {
                all.extend(assigned(steps));
            }
            Step::Request(_) | Step::Think(_) | Step::Expect(_) | Step::Measure { .. } | Step::Count(_) => {}
        }
    }
    all
}

/// Marks what is computed from secrets in a plan that still names these.
pub fn mark(plan: &mut Plan, known: &Known) {
    let mut taint = Taint { known, setup: Vec::new(), slots: Vec::new() };
    let mut keys = vec![false; plan.ledgers.len()];
    for flow in &mut plan.setup {
        mark_flow(flow, &mut taint, &mut keys, false);
        let slots = std::mem::take(&mut taint.slots);
        taint.setup.extend(slots);
    }
    for flow in plan.flows.iter_mut().chain(&mut plan.teardown) {
        mark_flow(flow, &mut taint, &mut keys, false);
    }
    for index in 0..keys.len() {
        let key = keys[index];
        if let Some(verify) = &mut plan.ledgers[index].verify {
            mark_flow(verify, &mut taint, &mut keys, key);
        }
    }
    taint.slots.clear();
    for target in &mut plan.targets {
        let texts = target.headers.iter_mut().chain(&mut target.settings);
        texts.for_each(|(_, pieces)| mark_text(pieces, &taint));
    }
}

fn mark_flow(flow: &mut Flow, taint: &mut Taint<'_>, keys: &mut [bool], key: bool) {
    taint.slots = vec![key];
    taint.learn(flow);
    for record in flow.requests().flat_map(|request| &request.records) {
        keys[record.ledger] |= taint.holds(&record.key);
    }
    exprs_of(&mut flow.steps, &mut |expr| taint.mark(expr));
}

fn mark_text(pieces: &mut [Piece], taint: &Taint<'_>) {
    for piece in pieces {
        if let Piece::Value(value) = piece {
            taint.mark(value);
        }
    }
}

/// Marks what is computed from secrets in a text of something that is started.
pub fn mark_started(pieces: &mut [Piece], known: &Known) {
    mark_text(pieces, &Taint { known, setup: Vec::new(), slots: Vec::new() });
}

/// Hides what was marked in such a text, as far as it is known.
pub fn learn_started(pieces: &[Piece], mask: &Mask) {
    let known = HashMap::new();
    values(pieces).for_each(|value| learn(value, &known, mask));
}

/// Hides what is the same for all, and gives slots to the rest, in a plan with the values of its secrets.
pub fn settle(plan: &mut Plan, mask: &Mask) {
    let none = HashMap::new();
    let mut of_targets = 0;
    for (_, pieces) in plan.targets.iter_mut().flat_map(|target| target.headers.iter_mut().chain(&mut target.settings))
    {
        for piece in pieces {
            if let Piece::Value(value) = piece {
                learn(value, &none, mask);
                settle_expr(value, &none, &mut of_targets);
            }
        }
    }
    let mut most = 0;
    each_flow(plan, |flow| {
        settle_flow(flow, mask);
        most = most.max(flow.slots);
    });
    if of_targets == 0 {
        return;
    }
    // A request of any flow may carry those of its target, so they are behind all others.
    for (_, pieces) in plan.targets.iter_mut().flat_map(|target| target.headers.iter_mut().chain(&mut target.settings))
    {
        for piece in pieces {
            if let Piece::Value(value) = piece {
                behind(value, most);
            }
        }
    }
    each_flow(plan, |flow| {
        flow.slots = most + of_targets;
        flow.derived.end = flow.slots;
    });
}

fn each_flow(plan: &mut Plan, mut each: impl FnMut(&mut Flow)) {
    let flows = plan.setup.iter_mut().chain(&mut plan.flows).chain(&mut plan.teardown);
    flows.chain(plan.ledgers.iter_mut().filter_map(|ledger| ledger.verify.as_mut())).for_each(&mut each);
}

fn settle_flow(flow: &mut Flow, mask: &Mask) {
    let known = constants(flow);
    let mut next = flow.slots;
    exprs_of(&mut flow.steps, &mut |expr| {
        learn(expr, &known, mask);
        settle_expr(expr, &known, &mut next);
    });
    flow.derived = flow.slots..next;
    flow.slots = next;
}

/// The values of slots that are given one value alone, which is the same for all.
fn constants(flow: &Flow) -> HashMap<usize, Value> {
    let given = assigned(&flow.steps);
    let once = |slot: usize| given.iter().filter(|(own, _)| *own == slot).count() == 1;
    // A list is gone through, and a count goes on.
    let mut lets: Vec<(usize, &Expr)> = Vec::new();
    lets_of(&flow.steps, &mut lets);
    let mut known = HashMap::new();
    for (slot, value) in lets.into_iter().filter(|(slot, _)| once(*slot)) {
        if let Some(value) = constant(value, &known) {
            known.insert(slot, value);
        }
    }
    known
}

fn lets_of<'s>(steps: &'s [Step], all: &mut Vec<(usize, &'s Expr)>) {
    for step in steps {
        match step {
            Step::Let { slot, value } => all.push((*slot, value)),
            Step::If { then, otherwise, .. } => {
                lets_of(then, all);
                lets_of(otherwise, all);
            }
            Step::Repeat(repeat) => lets_of(&repeat.steps, all),
            Step::Group { steps, .. }
            | Step::OncePerUser { steps, .. }
            | Step::Acquire { steps, .. }
            | Step::Each { steps, .. } => lets_of(steps, all),
            Step::Request(_) | Step::Think(_) | Step::Expect(_) | Step::Measure { .. } | Step::Count(_) => {}
        }
    }
}

/// The value of an expression that is the same for all.
fn constant(expr: &Expr, known: &HashMap<usize, Value>) -> Option<Value> {
    let changes = |part: &Expr| match part {
        Expr::Slot(slot) => !known.contains_key(slot),
        Expr::Call { function, .. } => !function.is_pure(),
        part => !matches!(
            part,
            Expr::Null
                | Expr::Bool(_)
                | Expr::Number(_)
                | Expr::Text(_)
                | Expr::List(_)
                | Expr::Object(_)
                | Expr::Derived { .. }
        ),
    };
    if expr.any(&mut |part| changes(part)) {
        return None;
    }
    let mut frame = nobody();
    frame.slots = vec![Value::Null; known.keys().max().map_or(0, |last| last + 1)];
    known.iter().for_each(|(slot, value)| frame.slots[*slot] = value.clone());
    frame.eval(expr, &Paths::default()).ok()
}

/// Hides all that was marked in an expression and is the same for all.
fn learn(expr: &Expr, known: &HashMap<usize, Value>, mask: &Mask) {
    expr.any(&mut |part| {
        if let Expr::Derived { value, .. } = part {
            mask.learn(constant(value, known).iter().flat_map(texts));
        }
        false
    });
}

/// Takes the marks off what is the same for all, and gives slots to the rest.
fn settle_expr(expr: &mut Expr, known: &HashMap<usize, Value>, next: &mut usize) {
    if let Expr::Derived { value, slot } = expr {
        match constant(value, known) {
            Some(_) => *expr = std::mem::replace(value, Expr::Null),
            None => {
                *slot = *next;
                *next += 1;
            }
        }
    }
    expr.parts_mut().into_iter().for_each(|part| settle_expr(part, known, next));
}

fn behind(expr: &mut Expr, first: usize) {
    if let Expr::Derived { slot, .. } = expr {
        *slot += first;
    }
    expr.parts_mut().into_iter().for_each(|part| behind(part, first));
}

/// Whether the keys of a ledger are computed from secrets, each in an iteration that is over when they are told.
pub fn hides_keys(plan: &Plan, ledger: usize) -> bool {
    let flows = plan.flows.iter().chain(&plan.setup).chain(&plan.teardown);
    let mut records =
        flows.flat_map(|flow| flow.requests().flat_map(|request| &request.records).map(move |one| (flow, one)));
    records.any(|(flow, record)| {
        let reads = |part: &Expr| match part {
            Expr::Derived { .. } => true,
            Expr::Slot(slot) => assigned(&flow.steps)
                .into_iter()
                .any(|(own, value)| own == *slot && value.any(&mut |part| matches!(part, Expr::Derived { .. }))),
            _ => false,
        };
        record.ledger == ledger && record.key.any(&mut |part| reads(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::value::derived::slots;
    use crate::plan::ValueFunction;
    use crate::run::resolve::known;
    use crate::run::service::Ports;
    use std::sync::Arc;

    fn text(text: &str) -> Expr {
        Expr::Text(vec![Piece::Literal(text.to_owned())])
    }

    fn joined(values: [Expr; 2]) -> Expr {
        Expr::Text(values.into_iter().map(Piece::Value).collect())
    }

    fn call(function: ValueFunction, argument: Expr) -> Expr {
        Expr::Call { function, arguments: vec![argument] }
    }

    fn secret() -> Expr {
        Expr::Secret("T".to_owned())
    }

    /// A flow of `let`s as a run makes it, and what is hidden then.
    fn made(values: Vec<Expr>) -> (Flow, Arc<Mask>) {
        let secrets = HashMap::from([("T".to_owned(), "hunter2".to_owned())]);
        let mask = Arc::new(Mask::new(secrets.values()));
        let (services, links, ports) = (Vec::new(), Vec::new(), Ports::default());
        let known = Known { secrets, mask: mask.clone(), services, links, ports };
        let slots = values.len();
        let steps = values.into_iter().enumerate().map(|(slot, value)| Step::Let { slot, value }).collect();
        let (names, groups, measures) = (Vec::new(), Vec::new(), Vec::new());
        let mut flow = Flow { name: String::new(), steps, slots, names, requests: 0, groups, measures, derived: 0..0 };
        let mut taint = Taint { known: &known, setup: Vec::new(), slots: Vec::new() };
        mark_flow(&mut flow, &mut taint, &mut [], false);
        exprs_of(&mut flow.steps, &mut |expr| known::expr(expr, &known));
        settle_flow(&mut flow, &mask);
        (flow, mask)
    }

    fn of(flow: &Flow) -> Vec<&Expr> {
        assigned(&flow.steps).into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn a_flow_that_computes_nothing_of_a_secret_is_what_it_was() {
        let values = vec![
            call(ValueFunction::Upper, text("a")),
            Expr::Uuid,
            call(ValueFunction::Hex, Expr::Slot(1)),
            call(ValueFunction::Sha256, secret()),
        ];
        let (flow, _) = made(values.clone());
        assert_eq!((flow.slots, flow.derived.len()), (4, 0));
        assert_eq!(of(&flow)[..3], values.iter().collect::<Vec<_>>()[..3]);
        assert!(!of(&flow)[3].any(&mut |part| matches!(part, Expr::Derived { .. })), "a digest is no secret");
    }

    #[test]
    fn what_is_the_same_for_all_is_hidden_before_the_load_and_costs_it_nothing() {
        let reversed = |value| Expr::Call {
            function: ValueFunction::Replace,
            arguments: vec![value, text("hunter"), text("another thing ")],
        };
        let (flow, mask) = made(vec![secret(), Expr::Slot(0), reversed(Expr::Slot(1))]);
        assert_eq!(mask.text("it is another thing 2".to_owned()), "it is ***");
        assert_eq!(flow.derived.len(), 0);
        assert!(!of(&flow)[2].any(&mut |part| matches!(part, Expr::Derived { .. })));
    }

    #[test]
    fn what_an_iteration_computes_has_slots_of_its_own() {
        let both = || joined([Expr::Slot(0), Expr::Slot(1)]);
        let (flow, _) = made(vec![
            secret(),
            Expr::Uuid,
            both(),
            call(ValueFunction::Base64, both()),
            call(ValueFunction::Hex, Expr::Slot(3)),
        ]);
        assert_eq!((flow.named(), flow.slots, flow.derived.clone()), (5, 7, 5..7));
        assert_eq!(*of(&flow)[2], both(), "the mask finds the secret in it");
        assert_eq!(slots(&flow.steps), [5, 6]);
        let mut frame = nobody();
        (frame.slots, frame.derived) = (vec![Value::Null; flow.slots], flow.derived.clone());
        for (slot, value) in assigned(&flow.steps) {
            frame.slots[slot] = frame.eval(value, &Paths::default()).expect("it is known");
        }
        let Value::Text(whole) = &frame.slots[3] else { panic!("it is a text") };
        assert_eq!(frame.secrets(), [whole.to_string(), crate::base::hex(whole.as_bytes())]);
    }
}
