//! Which values of a plan a secret can be got back from.

use crate::check::all_steps;
use crate::check::program::values;
use crate::engine::value::lower::Resolve;
use crate::plan::{Expr, Flow, Step};

pub struct Taint<'r> {
    open: &'r dyn Resolve,
    setup: Vec<bool>,
    slots: Vec<bool>,
}

impl<'r> Taint<'r> {
    pub fn new(open: &'r dyn Resolve) -> Taint<'r> {
        Taint { open, setup: Vec::new(), slots: Vec::new() }
    }

    /// The slots of a flow, however far a secret goes in them. The first may hold one from the start.
    pub fn begin(&mut self, flow: &Flow, first: bool) {
        let given = assigned(&flow.steps);
        self.slots = vec![first];
        self.slots.resize(flow.slots, false);
        while let Some((slot, _)) = given.iter().find(|(slot, value)| !self.slots[*slot] && self.holds(value)) {
            self.slots[*slot] = true;
        }
    }

    /// The flow was one of the setup, whose values the others read.
    pub fn end_setup(&mut self) {
        self.setup.append(&mut self.slots);
    }

    pub fn holds(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Secret(_) => true,
            Expr::Slot(slot) => self.slots.get(*slot).is_some_and(|tainted| *tainted),
            Expr::Setup(place) => self.setup.get(*place).is_some_and(|tainted| *tainted),
            Expr::Part { .. } => self.open.reveals(expr),
            Expr::Text(pieces) => values(pieces).any(|value| self.holds(value)),
            Expr::List(items) => items.iter().any(|item| self.holds(item)),
            Expr::Object(fields) => fields.iter().any(|(_, field)| self.holds(field)),
            Expr::Get { value, .. } | Expr::Url { reference: value, .. } => self.holds(value),
            Expr::Call { function, arguments } => {
                function.reveals() && arguments.iter().any(|argument| self.holds(argument))
            }
            // Truths and numbers, and what others say.
            Expr::Not(_) | Expr::Negate(_) | Expr::Count(_) | Expr::Binary { .. } | Expr::Column { .. } => false,
            Expr::Null
            | Expr::Bool(_)
            | Expr::Number(_)
            | Expr::Exact(_)
            | Expr::UserId
            | Expr::Iteration
            | Expr::Uuid => false,
            Expr::Random { .. } | Expr::Status(_) | Expr::Latency(_) | Expr::BodyText(_) | Expr::Json { .. } => false,
            Expr::Header { .. } | Expr::Answer { .. } | Expr::Port(_) | Expr::Row { .. } => false,
            Expr::Property(_) => false,
        }
    }
}

/// What is put into which slot of a flow.
pub fn assigned(steps: &[Step]) -> Vec<(usize, &Expr)> {
    let mut all = Vec::new();
    all_steps(steps, &mut |step| match step {
        Step::Let { slot, value } => all.push((*slot, value)),
        Step::Each { slot, list, .. } => all.push((*slot, list)),
        Step::Repeat(repeat) => all.extend(repeat.counter.iter().map(|(slot, from)| (*slot, from))),
        Step::If { .. } | Step::Choose(_) | Step::Group { .. } | Step::OncePerUser { .. } | Step::Acquire { .. } => {}
        Step::Request(_) | Step::Think(_) | Step::Expect(_) | Step::Measure { .. } | Step::Count(_) => {}
    });
    all
}
