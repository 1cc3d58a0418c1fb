//! A flow as flat steps: they jump instead of nesting, so an iteration is one loop over them, however deeply the flow is nested.

use super::choice::Choice;
use super::lowered::{LoweredRequest, RequestParts, Retries, request, retries};
use super::user::Leaves;
use crate::engine::value::code::{Check, Code};
use crate::engine::value::lower::Lowerer;
use crate::plan::{Choose, Expr, Flow, LoopBound, Pick, Step, Think};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Where it waits, `keeps` says that a step before the next request can still fail the one before, which is therefore
/// not recorded yet.
pub enum Op {
    Request(Box<LoweredRequest>),
    Let {
        slot: usize,
        value: Code,
        /// The block for once whose value it is given anew: it stays with the user.
        owner: Option<usize>,
    },
    Think {
        think: Think,
        keeps: bool,
    },
    Expect(Vec<Check>),
    Jump(usize),
    /// Goes on there where the condition does not hold.
    Unless {
        condition: Code,
        to: usize,
    },
    /// Goes on where the chosen part begins.
    Choose {
        choice: Arc<Choice>,
        to: Vec<usize>,
    },
    /// Begins a loop: no turn of it was made.
    Loop {
        id: usize,
        counter: Option<(usize, Code)>,
    },
    /// Before each turn.
    Turn(Box<Turn>),
    /// After each turn: ends the loop where the condition holds, else counts and goes on there.
    Again {
        id: usize,
        counter: Option<usize>,
        until: Option<Code>,
        to: usize,
    },
    /// Begins a loop over the entries of a list.
    Each {
        id: usize,
        list: Code,
        at_most: u64,
    },
    /// The next entry, or on there if there is none.
    Entry {
        id: usize,
        slot: usize,
        to: usize,
    },
    /// Does what follows, up to there, for each entry of a list at a time.
    Together {
        slot: usize,
        list: Code,
        at_most: u64,
        to: usize,
    },
    /// Waits to be let through; leaves what it entered last.
    Acquire {
        limit: usize,
        keeps: bool,
    },
    Release,
    Measure {
        measure: usize,
        value: Code,
    },
    /// A group begins, which is measured as a whole; the one that began last ends.
    Enter(usize),
    Leave,
    /// A transaction begins, which is measured as a group; and ends.
    Begin(Box<Begin>),
    Commit,
    /// A block ends in which a connection to this target was opened.
    HangUp(usize),
    /// Goes on there where the user has done what follows.
    Once {
        id: usize,
        every: Option<u64>,
        keeps: bool,
        to: usize,
    },
    /// The user has done it, and keeps what it leaves.
    Done {
        id: usize,
        leaves: Leaves,
    },
}

pub struct Begin {
    pub group: usize,
    pub target: usize,
    pub retry: Option<Retries>,
    /// The targets to which its steps open connections, which another try opens anew.
    pub opens: Vec<usize>,
}

pub struct Turn {
    pub id: usize,
    pub goes_on: Option<Code>,
    pub every: Option<u64>,
    pub bound: LoopBound,
    /// The loop has a condition to end by, so that its bound means giving up.
    pub tested: bool,
    pub keeps: bool,
    pub to: usize,
}

/// The steps of one flow, how many loops and blocks for once it has, and its slots.
pub struct Steps {
    pub ops: Vec<Op>,
    pub loops: usize,
    pub onces: usize,
    /// With those after the ones of the plan.
    pub slots: usize,
    /// Those of what is computed from secrets.
    pub derived: Range<usize>,
    /// Where the `verify` of a ledger counts: the slot of the number, before that of what is counted.
    pub counts: Option<usize>,
}

/// Makes a flow flat, which may be the `verify` of a ledger.
pub fn flat(flow: &Flow, ledger: Option<usize>, around: &RequestParts<'_>, lowerer: &mut Lowerer<'_>) -> Steps {
    let slots = flow.slots + if ledger.is_some() { 2 } else { 0 };
    lowerer.begin(flow, slots, ledger);
    let steps = Steps { ops: Vec::new(), loops: 0, onces: 0, slots, derived: slots..slots, counts: None };
    let mut flat = Flat {
        around,
        lowerer,
        number: flow.slots,
        steps,
        within: None,
        once: None,
        owners: HashMap::new(),
        open: Vec::new(),
    };
    flat.all(&flow.steps);
    let Flat { lowerer, mut steps, .. } = flat;
    steps.settle();
    steps.derived = lowerer.derived();
    steps.slots = steps.derived.end;
    steps
}

impl Steps {
    /// Says of each wait whether what follows it can fail the request before it.
    fn settle(&mut self) {
        for at in 0..self.ops.len() {
            let fails = || self.can_fail_before_a_request(at);
            let found = match &self.ops[at] {
                Op::Think { .. } | Op::Once { .. } | Op::Acquire { .. } => fails(),
                Op::Turn(turn) => turn.every.is_some() && fails(),
                _ => false,
            };
            match &mut self.ops[at] {
                Op::Think { keeps, .. } | Op::Once { keeps, .. } | Op::Acquire { keeps, .. } => *keeps = found,
                Op::Turn(turn) => turn.keeps = found,
                _ => {}
            }
        }
    }

    fn can_fail_before_a_request(&self, from: usize) -> bool {
        let mut seen = vec![false; self.ops.len()];
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            let Some(op) = self.ops.get(at).filter(|_| !std::mem::replace(&mut seen[at], true)) else { continue };
            match op {
                Op::Request(_) => continue,
                Op::Expect(_) => return true,
                Op::Turn(turn) if turn.tested => return true,
                Op::Let { value: expr, .. }
                | Op::Measure { value: expr, .. }
                | Op::Each { list: expr, .. }
                | Op::Together { list: expr, .. }
                | Op::Loop { counter: Some((_, expr)), .. }
                    if expr.any(&mut Code::reads_an_answer) =>
                {
                    return true;
                }
                _ => {}
            }
            if !matches!(op, Op::Jump(_)) {
                open.push(at + 1);
            }
            open.extend(op.to());
            if let Op::Choose { to, .. } = op {
                open.extend(to);
            }
        }
        false
    }

    /// Whether a step takes rows, which can be used up: then it is the request after it that cannot be sent.
    pub fn reads_rows(&self, at: usize) -> bool {
        match self.ops.get(at) {
            Some(
                Op::Let { value: expr, .. } | Op::Each { list: expr, .. } | Op::Loop { counter: Some((_, expr)), .. },
            ) => expr.any(&mut |expr| matches!(expr, Code::Row { .. })),
            _ => false,
        }
    }

    /// Whether the keys of a ledger are computed from secrets.
    pub fn hides_keys(&self, ledger: usize) -> bool {
        let is_derived = |slot: usize| {
            self.ops.iter().any(|op| match op {
                Op::Let { slot: own, value, .. }
                | Op::Loop { counter: Some((own, value)), .. }
                | Op::Together { slot: own, list: value, .. } => *own == slot && value.is_derived(),
                Op::Entry { id, slot: own, .. } => *own == slot && self.list(*id).is_some_and(Code::is_derived),
                _ => false,
            })
        };
        let mut keys = self.ops.iter().filter_map(|op| match op {
            Op::Request(request) => Some(request.records.keys(ledger)),
            _ => None,
        });
        keys.any(|mut keys| {
            keys.any(|key| {
                key.any(&mut |part| match part {
                    Code::Derived { .. } => true,
                    Code::Slot(slot) => is_derived(*slot),
                    _ => false,
                })
            })
        })
    }

    /// What a loop goes over.
    fn list(&self, wanted: usize) -> Option<&Code> {
        self.ops.iter().find_map(|op| match op {
            Op::Each { id, list, .. } if *id == wanted => Some(list),
            _ => None,
        })
    }

    /// The request that keeps its answer there.
    pub fn request(&self, response: usize) -> Option<&LoweredRequest> {
        self.ops.iter().find_map(|op| match op {
            Op::Request(request) if request.response == response => Some(request.as_ref()),
            _ => None,
        })
    }

    /// Whether a step takes rows that no other user gets, so that none comes back.
    pub fn takes_unique_rows(&self, at: usize) -> bool {
        let Some(Op::Let { value, .. }) = self.ops.get(at) else { return false };
        value.any(&mut |code| matches!(code, Code::Row { pick: Pick::Unique, .. }))
    }

    /// Where it goes on after a step that failed: what only makes sense with its value is left out.
    pub fn behind(&self, at: usize) -> usize {
        let end_of = |place: usize| self.ops.get(place).and_then(Op::to);
        let to = match self.ops.get(at) {
            Some(Op::Unless { to, .. }) => Some(self.behind_both(*to)),
            Some(Op::Loop { .. } | Op::Each { .. }) => end_of(at + 1),
            Some(Op::Turn(_) | Op::Together { .. }) => end_of(at),
            _ => None,
        };
        to.unwrap_or(at + 1)
    }

    /// The request that a step speaks of, for a person: itself, the one before, or else the next.
    pub fn nearest_request(&self, at: usize) -> Option<usize> {
        let before = self.ops[..self.ops.len().min(at + 1)].iter().rev();
        let response = before.filter_map(|op| match op {
            Op::Request(request) => Some(request.response),
            _ => None,
        });
        response.into_iter().next().or_else(|| self.next_request(at))
    }

    /// The request that comes next in the text, or else the one before.
    pub fn next_request(&self, at: usize) -> Option<usize> {
        let response = |op: &Op| match op {
            Op::Request(request) => Some(request.response),
            _ => None,
        };
        let (before, after) = self.ops.split_at(at.min(self.ops.len()));
        after.iter().find_map(response).or_else(|| before.iter().rev().find_map(response))
    }
}

struct Flat<'a, 'l, 'r> {
    around: &'a RequestParts<'a>,
    lowerer: &'l mut Lowerer<'r>,
    /// The slot of the number that a `verify` counts.
    number: usize,
    steps: Steps,
    /// The choice, and its part, in which the steps stand that are made flat.
    within: Option<(Arc<Choice>, usize)>,
    /// The block for once in which the steps stand.
    once: Option<usize>,
    /// By slot, the block for once in which its `let` stands; none where that is of the iteration.
    owners: HashMap<usize, Option<usize>>,
    /// The targets of connections that stay open in the block.
    open: Vec<usize>,
}

impl Flat<'_, '_, '_> {
    fn here(&self) -> usize {
        self.steps.ops.len()
    }

    fn push(&mut self, op: Op) -> usize {
        self.steps.ops.push(op);
        self.here() - 1
    }

    fn new_loop(&mut self) -> usize {
        self.steps.loops += 1;
        self.steps.loops - 1
    }

    fn expr(&mut self, expr: &Expr) -> Code {
        self.lowerer.expr(expr)
    }

    /// Lets an operation that goes past what follows it end here.
    fn lands(&mut self, op: usize) {
        let here = self.here();
        match &mut self.steps.ops[op] {
            Op::Jump(to)
            | Op::Unless { to, .. }
            | Op::Entry { to, .. }
            | Op::Once { to, .. }
            | Op::Together { to, .. } => *to = here,
            Op::Turn(turn) => turn.to = here,
            _ => {}
        }
    }

    fn all(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(step);
        }
    }

    /// Steps with whose end the connections end that they open.
    fn block(&mut self, steps: &[Step]) {
        let around = self.open.len();
        self.all(steps);
        for target in self.open.split_off(around) {
            self.push(Op::HangUp(target));
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Request(sent) => {
                if sent.exchange.opens() {
                    self.open.push(sent.target);
                }
                let lowered = request(sent, self.around, self.lowerer);
                self.push(Op::Request(Box::new(lowered)));
            }
            Step::Let { slot, value } => {
                let value = self.lowerer.given(*slot, value);
                let owner = self.owner(*slot);
                self.push(Op::Let { slot: *slot, value, owner });
            }
            Step::Think(think) => {
                self.push(Op::Think { think: think.clone(), keeps: false });
            }
            Step::Expect(checks) => {
                let checks = self.lowerer.checks(checks);
                self.push(Op::Expect(checks));
            }
            Step::If { condition, then, otherwise } => {
                let condition = self.expr(condition);
                let unless = self.push(Op::Unless { condition, to: 0 });
                self.block(then);
                if otherwise.is_empty() {
                    self.lands(unless);
                    return;
                }
                let jump = self.push(Op::Jump(0));
                self.lands(unless);
                self.block(otherwise);
                self.lands(jump);
            }
            Step::Choose(choose) => self.choose(choose),
            Step::Repeat(repeat) => {
                let id = self.new_loop();
                let counter = repeat.counter.as_ref().map(|(slot, from)| (*slot, self.expr(from)));
                let slot = counter.as_ref().map(|(slot, _)| *slot);
                self.push(Op::Loop { id, counter });
                let test = repeat.test.as_ref().map(|test| self.expr(test));
                let (goes_on, until) = if repeat.goes_on { (test, None) } else { (None, test) };
                let tested = repeat.test.is_some();
                let turn = Turn { id, goes_on, every: repeat.every, bound: repeat.bound, tested, keeps: false, to: 0 };
                let turn = self.push(Op::Turn(Box::new(turn)));
                self.block(&repeat.steps);
                self.push(Op::Again { id, counter: slot, until, to: turn });
                self.lands(turn);
            }
            Step::Each { slot, list, at_most, together: true, steps } => {
                let list = self.expr(list);
                let together = self.push(Op::Together { slot: *slot, list, at_most: *at_most, to: 0 });
                self.block(steps);
                self.lands(together);
            }
            Step::Each { slot, list, at_most, steps, .. } => {
                let id = self.new_loop();
                let list = self.expr(list);
                self.push(Op::Each { id, list, at_most: *at_most });
                let entry = self.push(Op::Entry { id, slot: *slot, to: 0 });
                self.block(steps);
                self.push(Op::Jump(entry));
                self.lands(entry);
            }
            Step::OncePerUser { every, steps } => self.once(*every, steps),
            Step::Group { group, steps, transaction: Some(transaction) } => {
                let retry = transaction.retry.as_ref().map(retries);
                let begin = Begin { group: *group, target: transaction.target, retry, opens: Vec::new() };
                let (at, around) = (self.push(Op::Begin(Box::new(begin))), self.open.len());
                self.all(steps);
                self.opens(at, around);
                self.push(Op::Commit);
            }
            Step::Group { group, steps, transaction: None } => {
                self.push(Op::Enter(*group));
                self.all(steps);
                self.push(Op::Leave);
            }
            Step::Acquire { limit, steps } => {
                self.push(Op::Acquire { limit: *limit, keeps: false });
                self.block(steps);
                self.push(Op::Release);
            }
            Step::Measure { measure, value } => {
                let value = self.expr(value);
                self.push(Op::Measure { measure: *measure, value });
            }
            Step::Count(value) => self.count(value),
        }
    }

    fn choose(&mut self, choose: &Choose) {
        let around = self.within.clone();
        let choice = Arc::new(Choice::of(choose, around.clone()));
        let at = self.push(Op::Choose { choice: choice.clone(), to: Vec::new() });
        let (mut begins, mut ends) = (Vec::new(), Vec::new());
        for (index, part) in choose.parts.iter().enumerate() {
            begins.push(self.here());
            self.within = Some((choice.clone(), index));
            self.block(&part.steps);
            if index + 1 < choose.parts.len() {
                ends.push(self.push(Op::Jump(0)));
            }
        }
        self.within = around;
        ends.into_iter().for_each(|end| self.lands(end));
        if let Op::Choose { to, .. } = &mut self.steps.ops[at] {
            *to = begins;
        }
    }

    /// Tells a transaction what its steps open: in blocks that end within it, and until after it.
    fn opens(&mut self, at: usize, around: usize) {
        let until_after = self.open[around..].iter().copied();
        let within = self.steps.ops[at..].iter().filter_map(|op| match op {
            Op::HangUp(target) => Some(*target),
            _ => None,
        });
        let all = within.chain(until_after).collect();
        if let Op::Begin(begin) = &mut self.steps.ops[at] {
            begin.opens = all;
        }
    }

    /// The block for once that a slot is of, where that is another than the one in which it is written now. The first that writes a
    /// slot is its `let`.
    fn owner(&mut self, slot: usize) -> Option<usize> {
        let owner = *self.owners.entry(slot).or_insert(self.once);
        owner.filter(|_| owner != self.once)
    }

    fn once(&mut self, every: Option<u64>, steps: &[Step]) {
        let id = self.steps.onces;
        self.steps.onces += 1;
        let once = self.push(Op::Once { id, every, keeps: false, to: 0 });
        let (first, derived) = (self.here(), self.lowerer.derived().end);
        let around = self.once.replace(id);
        self.all(steps);
        self.once = around;
        let slots = (derived..self.lowerer.derived().end).collect();
        let mut leaves = Leaves { slots, ..Leaves::default() };
        for op in &self.steps.ops[first..] {
            leaves.slots.extend(op.slot().filter(|_| !matches!(op, Op::Let { owner: Some(_), .. })));
            if let Op::Request(request) = op {
                leaves.answers.push(request.response);
            }
        }
        // What is set anew in the block is there twice.
        leaves.slots.sort_unstable();
        leaves.slots.dedup();
        self.push(Op::Done { id, leaves });
        self.lands(once);
    }

    /// What is counted, and how often it is there. What is no list may be a number itself.
    fn count(&mut self, value: &Expr) {
        let is_counted = matches!(value, Expr::Json { .. } | Expr::Get { .. } | Expr::List(_));
        let (slot, value) = (self.number, self.expr(value));
        let number = if is_counted { Code::Count(Box::new(value.clone())) } else { value.clone() };
        self.push(Op::Let { slot, value: number, owner: None });
        self.push(Op::Let { slot: slot + 1, value, owner: None });
        self.steps.counts = Some(slot);
    }
}

impl Op {
    /// Where it may go on, except after itself.
    fn to(&self) -> Option<usize> {
        match self {
            Op::Jump(to)
            | Op::Unless { to, .. }
            | Op::Entry { to, .. }
            | Op::Once { to, .. }
            | Op::Together { to, .. }
            | Op::Again { to, .. } => Some(*to),
            Op::Turn(turn) => Some(turn.to),
            _ => None,
        }
    }

    /// The slot that it writes.
    pub fn slot(&self) -> Option<usize> {
        match self {
            Op::Let { slot, .. } | Op::Entry { slot, .. } => Some(*slot),
            Op::Loop { counter, .. } => counter.as_ref().map(|(slot, _)| *slot),
            _ => None,
        }
    }
}
