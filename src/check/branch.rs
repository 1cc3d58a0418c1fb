//! Steps within steps of a flow: groups, parts by their shares, and loops.

use super::flow::Transacted;
use super::meaning::Meaning;
use super::program::{Choice, Choose, Expr, LoopBound, Reason, Repeat, Step, Transaction};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use super::verb::Verb;
use super::words::not_whole;
use crate::base::failure::Failure;
use crate::base::{Name, Span};
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::{self, ExprKind};

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn group(&mut self, name: &'a Name, steps: &'a [ast::Step], frame: FrameId, out: &mut Vec<Step>) {
        self.name_step(name);
        let Some(flow) = &mut self.flow else { return };
        let group = flow.groups.len();
        flow.groups.push(name.text.clone());
        let outer = flow.group.replace(group);
        // What is named in it is known after it: a group only measures.
        let steps = self.steps(steps, frame);
        if let Some(flow) = &mut self.flow {
            flow.group = outer;
        }
        out.push(Step::Group { group, steps, transaction: None });
    }

    /// A group whose statements are done together or not at all, on the target that they are all of.
    pub(super) fn transaction(&mut self, written: &'a ast::Transaction, frame: FrameId, out: &mut Vec<Step>) {
        let name = &written.name;
        let asked = (written.retry.as_ref(), written.backoff.as_ref(), written.retry_when.as_ref());
        let mut retry = self.retry(asked, true, frame);
        if let Some(retry) = retry.as_mut().filter(|retry| retry.when.is_empty()) {
            retry.when = [Failure::Serialization, Failure::Deadlock].map(Reason::Failure).to_vec();
        }
        let outer =
            self.flow.as_mut().and_then(|flow| flow.transaction.replace(Transacted { span: name.span, target: None }));
        if let Some(outer) = &outer {
            let problem = Diagnostic::new(Code::E0114, "a transaction stands in a transaction", name.span, "not here");
            self.push(problem.label(outer.span, "in this").help("put it behind the other, or its steps into it"));
        }
        self.group(name, &written.steps, frame, out);
        let Some(flow) = &mut self.flow else { return };
        let own = std::mem::replace(&mut flow.transaction, outer);
        let target = own.and_then(|own| own.target);
        if target.is_none() && !self.refused_target {
            let message = format!("the transaction `{name}` has no statement of SQL");
            let problem = Diagnostic::new(Code::E0307, message, name.span, "no `query` and no `execute`");
            self.push(problem.help("write `group` for steps that are only measured as a whole"));
        }
        if let (Some(Step::Group { transaction, .. }), Some(target)) = (out.last_mut(), target) {
            *transaction = Some(Transaction { target, retry });
        }
    }

    /// What a request in a transaction may not have: it is done or undone with the others.
    pub(super) fn in_transaction(&mut self, request: &'a ast::Request, target: usize) {
        let Some(own) = self.flow.as_ref().and_then(|flow| flow.transaction) else { return };
        let refused = |message: &str, span: Span, help: &str| {
            Diagnostic::new(Code::E0114, message, span, "not here").label(own.span, "in this transaction").help(help)
        };
        if let Some(retry) = &request.retry {
            let message = "a step of a transaction is not tried again by itself";
            self.push(refused(message, retry.span, "write `retry` behind the name of the transaction"));
        }
        if request.goes_on {
            let message = "a transaction does not go on past a failure";
            self.push(refused(message, request.verb.span, "leave `continue` out"));
        }
        if let Some(record) = request.records.first() {
            let message = "what a transaction does is known when it is committed";
            self.push(refused(message, record.span, "record it in a step behind the transaction"));
        }
        if !Verb::of(&request.verb.text).is_of_database() {
            return;
        }
        match own.target {
            Some(first) if first != target => {
                let message = "a transaction is of one database";
                self.push(refused(message, request.verb.span, "use a transaction for each database"));
            }
            Some(_) => {}
            None => {
                if let Some(flow) = &mut self.flow {
                    flow.transaction = Some(Transacted { target: Some(target), ..own });
                }
            }
        }
    }

    /// The steps of one turn of a loop.
    pub(super) fn turn(&mut self, steps: &'a [ast::Step], frame: FrameId) -> Vec<Step> {
        if let Some(flow) = &mut self.flow {
            flow.loops += 1;
        }
        let open = self.open_channels();
        let steps = self.steps(steps, frame);
        self.close_channels(open);
        if let Some(flow) = &mut self.flow {
            flow.loops -= 1;
        }
        steps
    }

    pub(super) fn choose(&mut self, parts: &'a [ast::Choice], frame: FrameId, out: &mut Vec<Step>) {
        let Some(flow) = &mut self.flow else { return };
        let (site, repeats) = (flow.choices, flow.loops > 0);
        flow.choices += 1;
        let (mut sum, mut known) = (0.0, true);
        let mut checked = Vec::new();
        for part in parts {
            let share = match part.share.kind {
                ExprKind::Wrong => None,
                _ => self.quantity(&part.share, frame, Type::Percent),
            };
            known &= share.is_some();
            let share = share.unwrap_or(0.0);
            sum += share;
            let mut steps = Vec::new();
            match &part.name {
                Some(name) => {
                    let inner = self.frame(self.frames[frame].module, Some(frame));
                    let open = self.open_channels();
                    self.group(name, &part.steps, inner, &mut steps);
                    self.close_channels(open);
                }
                None => steps = self.block(&part.steps, frame),
            }
            checked.push(Choice { share, steps });
        }
        let label = if parts.len() == 1 { "not 100%" } else { "the first of those that are not 100%" };
        if let (Some(first), Some(last), true) = (parts.first(), parts.last(), known)
            && let Some(mut problem) = not_whole("the parts of this `choose`", sum, first.share.span, label)
        {
            if parts.len() > 1 {
                problem = problem.label(last.share.span, "the last");
            }
            self.push(problem.help("let the shares sum to 100%; a part may be empty: `20% { }`"));
        }
        out.push(Step::Choose(Choose { site, repeats, parts: checked }));
    }

    pub(super) fn repeat(&mut self, repeat: &'a ast::Repeat, span: Span, frame: FrameId) -> Step {
        let inner = self.frame(self.frames[frame].module, Some(frame));
        let counter = repeat.counter.as_ref().map(|(name, from)| {
            let from = self.eval_as(from, frame, &[Type::Number]);
            let slot = self.slot(name);
            self.bind(inner, name, Meaning::Run(Expr::Slot(slot), Type::Number));
            (slot, from.expr().unwrap_or(Expr::Null))
        });
        let every =
            repeat.every.as_ref().and_then(|every| self.quantity(every, frame, Type::Duration)).map(|ns| ns as u64);
        let bound = match &repeat.at_most {
            Some(at_most) => {
                let value = self.eval_as(at_most, frame, &[Type::Count, Type::Duration]);
                match (value.number(), value.kind()) {
                    (Some(ns), Type::Duration) => LoopBound::Time(ns as u64),
                    (Some(times), _) => LoopBound::Times(times as u64),
                    _ => LoopBound::Times(1),
                }
            }
            None => {
                let problem = Diagnostic::new(Code::E0307, "a loop needs a bound", span, "for how long at most?");
                let help = "write `at most 100` or `at most 30s`; giving up fails the iteration";
                self.push(problem.fix(Applicability::Maybe, span.after(), " at most 100", help));
                LoopBound::Times(1)
            }
        };
        let steps = self.turn(&repeat.steps, inner);
        // The condition speaks of what the steps have done, so it sees their names.
        let test = repeat.test.as_ref().map(|(test, _)| self.truth(test, inner));
        let goes_on = repeat.test.as_ref().is_some_and(|(_, goes_on)| *goes_on);
        Step::Repeat(Repeat { counter, test, goes_on, every, bound, steps })
    }

    pub(super) fn bound_of_each(&mut self, at_most: Option<&'a ast::Expr>, span: Span, frame: FrameId) -> u64 {
        match at_most {
            Some(at_most) => self.quantity(at_most, frame, Type::Count).map_or(1, |count| count as u64),
            None => {
                let problem = Diagnostic::new(Code::E0307, "a loop needs a bound", span, "over how many at most?");
                let help = "write `each x in … at most 20 { … }`";
                self.push(problem.fix(Applicability::Maybe, span.after(), " at most 20", help));
                1
            }
        }
    }
}
