//! Declarations, stages and steps.

use super::{Head, Lower, Outcome};
use crate::base::{Name, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::*;
use crate::syntax::grammar::{Node, Rule};
use crate::syntax::split::Statement;
use crate::syntax::words::Context;

impl Lower<'_> {
    pub fn items(&mut self, statements: &[Statement], context: Context) -> Vec<Item> {
        let mut items = Vec::new();
        self.statements(statements, context, |lower, outcome| {
            items.push(match outcome {
                Outcome::Head(head) => lower.item(&head),
                Outcome::Refused(name) => Item::Refused(name),
            });
        });
        items
    }

    fn item(&mut self, head: &Head<'_>) -> Item {
        let doc = head.doc.cloned();
        match head.node.as_rule() {
            Rule::scenario_head => {
                let name = self.declared(head);
                let items = match self.body(head) {
                    Some(body) => self.items(body, Context::Scenario),
                    None => vec![Item::Refused(None)],
                };
                Item::Scenario(Scenario { name, doc, items, span: head.span })
            }
            Rule::built => Item::Built(self.built(head)),
            Rule::flow_head => {
                let name = self.declared(head);
                let on = head.node.clone().into_inner().find(|p| p.as_rule() == Rule::path).map(|p| self.path(p));
                let steps = match self.body(head) {
                    Some(body) => self.steps(body),
                    None => vec![Step { kind: StepKind::Refused(None), span: head.span }],
                };
                Item::Flow(Flow { name, doc, on, steps })
            }
            Rule::load_head => Item::Load(self.load(head, doc)),
            _ => Item::Expect(self.expect(head)),
        }
    }

    /// The name behind the keyword.
    fn declared(&self, head: &Head<'_>) -> Name {
        let mut parts = head.node.clone().into_inner();
        self.name(&parts.nth(1).expect("a declaration has a name"))
    }

    fn built(&mut self, head: &Head<'_>) -> Built {
        let [kind, name, constructor] = children(head.node.clone());
        let kind = if kind.as_str() == "service" { BuiltKind::Service } else { BuiltKind::Target };
        let (name, constructor) = (self.name(&name), self.expr(constructor));
        let options = head.body.map_or(Vec::new(), |body| self.options(&body.statements));
        Built { kind, name, constructor, options }
    }

    fn options(&mut self, statements: &[Statement]) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.statements(statements, Context::Options, |lower, outcome| {
            let Outcome::Head(head) = outcome else { return };
            lower.no_body(&head);
            entries.extend(lower.entries(head.node));
        });
        entries
    }

    fn expect(&mut self, head: &Head<'_>) -> Expect {
        Expect { conditions: self.expect_conditions(head), span: head.span }
    }

    /// `expect CONDITION` or `expect { … }`.
    fn expect_conditions(&mut self, head: &Head<'_>) -> Vec<Condition> {
        let inline = head.node.clone().into_inner().find(|p| p.as_rule() == Rule::condition);
        match (inline, head.body) {
            (Some(condition), None) => vec![self.condition(condition)],
            (Some(condition), Some(_)) => {
                self.no_body(head);
                vec![self.condition(condition)]
            }
            (None, _) => {
                let mut conditions = Vec::new();
                let body = self.body(head).unwrap_or_default();
                self.statements(body, Context::Expect, |lower, outcome| {
                    let Outcome::Head(head) = outcome else { return };
                    lower.no_body(&head);
                    conditions.push(lower.condition(head.node));
                });
                conditions
            }
        }
    }

    fn condition(&mut self, node: Node<'_>) -> Condition {
        let span = self.span(&node);
        let mut parts = node.into_inner();
        let expr = self.expr(parts.next().expect("a condition has an expression"));
        let scopes = parts.map(|scope| self.scope(scope)).collect();
        Condition { expr, scopes, span }
    }

    pub(super) fn scope(&mut self, node: Node<'_>) -> Scope {
        let span = self.span(&node);
        let [word, window] = children(node);
        let kind = match word.as_str() {
            "during" => ScopeKind::During,
            "outside" => ScopeKind::Outside,
            "after" => ScopeKind::After,
            _ => ScopeKind::Before,
        };
        Scope { kind, window: self.expr(window), span }
    }

    fn load(&mut self, head: &Head<'_>, doc: Option<String>) -> Load {
        let mut parts = head
            .node
            .clone()
            .into_inner()
            .filter(|p| !matches!(p.as_rule(), Rule::kw_load | Rule::kw_of | Rule::kw_at));
        let name = self.name(&parts.next().expect("a load has a name"));
        let of = self.path(parts.next().expect("a load has a flow"));
        let at = parts.next().map(|p| self.expr(p));
        let (mut options, mut stages) = (Vec::new(), Vec::new());
        let refused = |name| Stage { kind: StageKind::Refused, name, span: head.span };
        match self.body(head) {
            Some(body) => self.statements(body, Context::Load, |lower, outcome| match outcome {
                Outcome::Head(head) => {
                    lower.no_body(&head);
                    match head.node.as_rule() {
                        Rule::entries => options.extend(lower.entries(head.node)),
                        _ => stages.push(lower.stage(&head)),
                    }
                }
                Outcome::Refused(name) => stages.push(refused(name)),
            }),
            None => stages.push(refused(None)),
        }
        Load { name, doc, of, at, options, stages, span: head.span }
    }

    fn stage(&mut self, head: &Head<'_>) -> Stage {
        let mut name = None;
        let mut values = Vec::new();
        for part in head.node.clone().into_inner() {
            match part.as_rule() {
                Rule::naming => name = part.into_inner().find(|p| p.as_rule() == Rule::name).map(|p| self.name(&p)),
                Rule::expr => values.push(self.expr(part)),
                Rule::wrong_to => {
                    let span = self.span(&part);
                    let problem =
                        Diagnostic::new(Code::E0116, "a ramp goes from one level to another with `->`", span, "here");
                    self.diagnostics.push(problem.fix(span, "->", "write `->`"));
                }
                _ => {}
            }
        }
        let mut values = values.into_iter();
        let mut next = || values.next().expect("the grammar asks for each value of a stage");
        let kind = match head.node.as_rule() {
            Rule::warmup => StageKind::Warmup { level: next(), length: next() },
            Rule::ramp => StageKind::Ramp { from: next(), to: next(), over: next() },
            Rule::spike => StageKind::Spike { level: next(), length: next() },
            _ => StageKind::Hold { level: next(), length: next() },
        };
        Stage { kind, name, span: head.span }
    }

    fn steps(&mut self, statements: &[Statement]) -> Vec<Step> {
        let mut steps = Vec::new();
        self.statements(statements, Context::Flow, |lower, outcome| {
            steps.push(match outcome {
                Outcome::Head(head) => Step { span: head.span, kind: lower.step(&head) },
                Outcome::Refused(name) => {
                    let span = name.as_ref().map_or(Span::new(lower.file, 0, 0), |name| name.span);
                    Step { kind: StepKind::Refused(name), span }
                }
            });
        });
        steps
    }

    fn step(&mut self, head: &Head<'_>) -> StepKind {
        match head.node.as_rule() {
            Rule::request => StepKind::Request(self.request(head)),
            Rule::binding => {
                self.no_body(head);
                let [_, name, value] = children(head.node.clone());
                StepKind::Let { name: self.name(&name), value: self.value(value) }
            }
            Rule::think => {
                self.no_body(head);
                let [_, length] = children(head.node.clone());
                StepKind::Think(self.expr(length))
            }
            _ => StepKind::Expect(self.expect_conditions(head)),
        }
    }

    fn request(&mut self, head: &Head<'_>) -> Request {
        let mut parts = head.node.clone().into_inner();
        let method = self.name(&parts.next().expect("a request has a method"));
        let url = self.expr(parts.next().expect("a request has a path"));
        let (mut on, mut name) = (None, None);
        for part in parts {
            match part.as_rule() {
                Rule::path => on = Some(self.path(part)),
                Rule::naming => name = part.into_inner().find(|p| p.as_rule() == Rule::name).map(|p| self.name(&p)),
                _ => {}
            }
        }
        let mut request = Request { method, url, on, name, entries: Vec::new(), expects: Vec::new() };
        let body = head.body.map_or(&[][..], |block| &block.statements);
        self.statements(body, Context::Request, |lower, outcome| {
            let Outcome::Head(head) = outcome else { return };
            match head.node.as_rule() {
                Rule::entries => {
                    lower.no_body(&head);
                    request.entries.extend(lower.entries(head.node));
                }
                _ => request.expects.extend(lower.expect_conditions(&head)),
            }
        });
        request
    }
}

/// The children of a rule that always has this many.
pub(super) fn children<const N: usize>(node: Node<'_>) -> [Node<'_>; N] {
    let parts: Vec<Node<'_>> = node.into_inner().collect();
    parts.try_into().unwrap_or_else(|parts: Vec<_>| unreachable!("the rule has {N} parts, not {}", parts.len()))
}
