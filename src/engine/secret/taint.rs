//! Which values of a plan reveal a secret.

use crate::check::all_steps;
use crate::check::program::values;
use crate::engine::value::lower::Resolve;
use crate::plan::{Expr, Flow, Step};

/// Slots of a flow, and values of the setup, of which something holds that spreads with what is put into them.
#[derive(Default)]
struct Marked {
    setup: Vec<bool>,
    slots: Vec<bool>,
}

impl Marked {
    /// The slots of a flow, however far it spreads in them. The first may have it from the start.
    fn begin(&mut self, flow: &Flow, first: bool, holds: impl Fn(&Marked, &Expr) -> bool) {
        let given = assigned(&flow.steps);
        self.slots = vec![first];
        self.slots.resize(flow.slots, false);
        while let Some((slot, _)) = given.iter().find(|(slot, value)| !self.slots[*slot] && holds(self, value)) {
            self.slots[*slot] = true;
        }
    }

    fn end_setup(&mut self) {
        self.setup.append(&mut self.slots);
    }

    fn has_slot(&self, slot: usize) -> bool {
        self.slots.get(slot).is_some_and(|marked| *marked)
    }

    fn has_setup(&self, place: usize) -> bool {
        self.setup.get(place).is_some_and(|marked| *marked)
    }
}

/// Which values an answer may have said: they are not what the scenario and its data say.
#[derive(Default)]
pub struct Heard(Marked);

impl Heard {
    /// The first slot may hold what an answer said from the start.
    pub fn begin(&mut self, flow: &Flow, first: bool) {
        self.0.begin(flow, first, Heard::is_heard);
    }

    /// The flow was one of the setup, whose values the others read.
    pub fn end_setup(&mut self) {
        self.0.end_setup();
    }

    pub fn holds(&self, expr: &Expr) -> bool {
        Heard::is_heard(&self.0, expr)
    }

    fn is_heard(marked: &Marked, expr: &Expr) -> bool {
        expr.any(&mut |part| match part {
            Expr::Slot(slot) => marked.has_slot(*slot),
            Expr::Setup(place) => marked.has_setup(*place),
            Expr::Status(_) | Expr::Latency(_) | Expr::BodyText(_) | Expr::Json { .. } | Expr::Header { .. } => true,
            // Where a page lies is what its answer says.
            Expr::Answer { .. } | Expr::Url { .. } | Expr::Assets { .. } => true,
            Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::Exact(_) | Expr::Text(_) | Expr::List(_) => false,
            Expr::Object(_) | Expr::Secret(_) | Expr::Part { .. } | Expr::Port(_) | Expr::Property(_) => false,
            Expr::Get { .. } | Expr::Call { .. } | Expr::Not(_) | Expr::Negate(_) | Expr::Binary { .. } => false,
            Expr::Count(_) | Expr::Column { .. } | Expr::Row { .. } | Expr::Random { .. } => false,
            Expr::Item { .. } | Expr::Sample { .. } => false,
            Expr::UserId | Expr::Iteration | Expr::Uuid => false,
        })
    }
}

pub struct Taint<'r> {
    open: &'r dyn Resolve,
    marked: Marked,
}

impl<'r> Taint<'r> {
    pub fn new(open: &'r dyn Resolve) -> Taint<'r> {
        Taint { open, marked: Marked::default() }
    }

    /// The first slot may hold a secret from the start.
    pub fn begin(&mut self, flow: &Flow, first: bool) {
        let open = self.open;
        self.marked.begin(flow, first, |marked, expr| holds(open, marked, expr));
    }

    /// The flow was one of the setup, whose values the others read.
    pub fn end_setup(&mut self) {
        self.marked.end_setup();
    }

    pub fn holds(&self, expr: &Expr) -> bool {
        holds(self.open, &self.marked, expr)
    }
}

fn holds(open: &dyn Resolve, marked: &Marked, expr: &Expr) -> bool {
    let holds = |expr: &Expr| holds(open, marked, expr);
    match expr {
        Expr::Secret(_) => true,
        Expr::Slot(slot) => marked.has_slot(*slot),
        Expr::Setup(place) => marked.has_setup(*place),
        Expr::Part { .. } => open.reveals(expr),
        Expr::Text(pieces) => values(pieces).any(holds),
        Expr::List(items) => items.iter().any(holds),
        Expr::Object(fields) => fields.iter().any(|(_, field)| holds(field)),
        Expr::Get { value, .. } | Expr::Url { reference: value, .. } => holds(value),
        Expr::Item { list, .. } | Expr::Sample { list, .. } => holds(list),
        Expr::Call { function, arguments } => function.reveals() && arguments.iter().any(holds),
        // Truths and numbers, and what others say.
        Expr::Not(_) | Expr::Negate(_) | Expr::Count(_) | Expr::Binary { .. } | Expr::Column { .. } => false,
        Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::Exact(_) | Expr::UserId | Expr::Iteration | Expr::Uuid => {
            false
        }
        Expr::Random { .. } | Expr::Status(_) | Expr::Latency(_) | Expr::BodyText(_) | Expr::Json { .. } => false,
        Expr::Header { .. } | Expr::Answer { .. } | Expr::Assets { .. } | Expr::Port(_) | Expr::Row { .. } => false,
        Expr::Property(_) => false,
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
