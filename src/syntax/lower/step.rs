//! The steps of flows.

use super::item::find;
use super::{Lower, Lowered, ParsedHead, children};
use crate::base::Span;
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::*;
use crate::syntax::grammar::{self, Node, Rule};
use crate::syntax::split::{Block, Statement};
use crate::syntax::words::Context;
use std::ops::Range;

impl Lower<'_> {
    /// The steps of a body that must be there.
    pub(super) fn body_steps(&mut self, head: &ParsedHead<'_>) -> Vec<Step> {
        match self.body(head) {
            Some(body) => self.steps(body),
            None => vec![Step { kind: StepKind::Refused(None), doc: None, span: head.span }],
        }
    }

    fn steps(&mut self, statements: &[Statement]) -> Vec<Step> {
        let mut steps = Vec::new();
        self.statements(statements, Context::Flow, |lower, outcome| {
            steps.push(match outcome {
                Lowered::Head(head) => Step { span: head.span, doc: head.doc.cloned(), kind: lower.step(&head) },
                Lowered::Refused(name) => {
                    let span = name.as_ref().map_or(Span::new(lower.file, 0, 0), |name| name.span);
                    Step { kind: StepKind::Refused(name), doc: None, span }
                }
            });
        });
        steps
    }

    fn step(&mut self, head: &ParsedHead<'_>) -> StepKind {
        let node = head.node.clone();
        match node.as_rule() {
            Rule::request | Rule::connect | Rule::send | Rule::receive => {
                StepKind::Request(Box::new(self.request(head)))
            }
            Rule::binding => {
                self.no_body(head);
                StepKind::Let(self.binding(&node))
            }
            Rule::assignment => {
                self.no_body(head);
                StepKind::Set(self.binding(&node))
            }
            Rule::think => {
                self.no_body(head);
                let [_, length] = children(node);
                StepKind::Think(self.expr(length))
            }
            Rule::branch => {
                let condition = self.last_expr(node).expect("an `if` has a condition");
                let then = self.body_steps(head);
                StepKind::If { condition, then, otherwise: self.otherwise(&head.branches) }
            }
            Rule::group => {
                let [_, name] = children(node);
                StepKind::Group { name: self.name(&name), steps: self.body_steps(head) }
            }
            Rule::transaction => StepKind::Transaction(Box::new(self.transaction(head))),
            Rule::choose => StepKind::Choose(self.choices(head)),
            Rule::loop_head => StepKind::Repeat(self.repeat(head)),
            Rule::each => {
                let name = self.name(&find(&node, Rule::name).expect("the grammar asks for a name"));
                let list = self.expr(find(&node, Rule::expr).expect("the grammar asks for a list"));
                let at_most = find(&node, Rule::limit).and_then(|limit| self.last_expr(limit));
                let together = find(&node, Rule::together).is_some();
                StepKind::Each { name, list, at_most, together, steps: self.body_steps(head) }
            }
            Rule::once_per_user => {
                let every = find(&node, Rule::every_clause).and_then(|every| self.last_expr(every));
                StepKind::OncePerUser { every, steps: self.body_steps(head) }
            }
            Rule::acquire => {
                let limit = self.path(find(&node, Rule::path).expect("the grammar asks for a name"));
                StepKind::Acquire { limit, steps: self.body_steps(head) }
            }
            Rule::measure => {
                self.no_body(head);
                self.equals(&node);
                let name = find(&node, Rule::name).expect("a measure has a name");
                let value = find(&node, Rule::expr).expect("a measure has a value");
                StepKind::Measure { name: self.name(&name), value: self.expr(value) }
            }
            Rule::include => {
                self.no_body(head);
                StepKind::Include(self.include(head))
            }
            Rule::headed => {
                self.no_body(head);
                StepKind::Headers(self.entry(node))
            }
            Rule::counted => {
                self.no_body(head);
                StepKind::Count(self.last_expr(node).expect("the grammar asks for a value"))
            }
            _ => StepKind::Expect(self.expect_clauses(head)),
        }
    }

    pub(super) fn include(&mut self, head: &ParsedHead<'_>) -> Include {
        let alias = find(&head.node, Rule::naming).and_then(|naming| self.naming(naming));
        let what = self.last_expr(head.node.clone()).expect("the grammar asks for what is included");
        Include { what, alias, span: head.span }
    }

    /// `else { … }` and `else if C { … } …` as what happens otherwise.
    fn otherwise(&mut self, branches: &[(Range<usize>, Option<&Block>)]) -> Vec<Step> {
        let Some(((range, block), rest)) = branches.split_first() else { return Vec::new() };
        let span = Span::new(self.file, range.start, range.end);
        let text = self.text;
        let branch = match grammar::otherwise(self.file, &text[range.clone()], range.start) {
            Ok(branch) => branch,
            Err(refusal) => {
                self.diagnostics.push(refusal.diagnostic);
                return vec![Step { kind: StepKind::Refused(None), doc: None, span }];
            }
        };
        let Some(block) = block else {
            let problem = Diagnostic::new(Code::E0115, "a body is missing", span.after(), "`{ … }` belongs here");
            self.diagnostics.push(problem.fix(Applicability::Maybe, span.after(), " {\n}", "add a body in braces"));
            return vec![Step { kind: StepKind::Refused(None), doc: None, span }];
        };
        let condition = branch.and_then(|node| {
            let before = std::mem::replace(&mut self.offset, range.start);
            let condition = self.last_expr(node);
            self.offset = before;
            condition
        });
        let then = self.steps(&block.statements);
        match condition {
            Some(condition) => {
                let kind = StepKind::If { condition, then, otherwise: self.otherwise(rest) };
                vec![Step { kind, doc: None, span }]
            }
            None => {
                if let Some((more, _)) = rest.first() {
                    let span = Span::new(self.file, more.start, more.end);
                    let problem =
                        Diagnostic::new(Code::E0100, "`else` is not expected here", span, "after the last `else`");
                    self.diagnostics.push(problem.help("an `if` has one `else`, and it comes last"));
                }
                then
            }
        }
    }

    /// The parts of a `choose`. One that was refused is left as a share that is not known.
    fn choices(&mut self, head: &ParsedHead<'_>) -> Vec<Choice> {
        let mut choices = Vec::new();
        let body = self.body(head).unwrap_or_default();
        if head.body.is_some() && body.is_empty() {
            let problem = Diagnostic::new(Code::E0307, "a `choose` without parts", head.span, "between what?");
            self.diagnostics.push(problem.help("write each part as `70% as NAME { … }`"));
        }
        self.statements(body, Context::Choice, |lower, outcome| {
            choices.push(match outcome {
                Lowered::Head(head) => Choice {
                    share: lower.expr(find(&head.node, Rule::expr).expect("the grammar asks for a share")),
                    name: find(&head.node, Rule::naming).and_then(|naming| lower.naming(naming)),
                    steps: lower.body_steps(&head),
                },
                Lowered::Refused(name) => {
                    let span = name.as_ref().map_or(head.span, |name| name.span);
                    let step = Step { kind: StepKind::Refused(name), doc: None, span };
                    Choice { share: Expr { kind: ExprKind::Wrong, span }, name: None, steps: vec![step] }
                }
            });
        });
        choices
    }

    fn repeat(&mut self, head: &ParsedHead<'_>) -> Repeat {
        let mut repeat = Repeat { counter: None, test: None, every: None, at_most: None, steps: Vec::new() };
        for part in head.node.clone().into_inner() {
            match part.as_rule() {
                Rule::counter => {
                    let [name, _, from] = children(part);
                    repeat.counter = Some((self.name(&name), self.expr(from)));
                }
                Rule::loop_test => {
                    let goes_on = find(&part, Rule::kw_while).is_some();
                    repeat.test = self.last_expr(part).map(|test| (test, goes_on));
                }
                Rule::every_clause => repeat.every = self.last_expr(part),
                Rule::limit => repeat.at_most = self.last_expr(part),
                Rule::wrong_turns => {
                    let span = self.span(&part);
                    let turns = part.as_str().trim();
                    let problem =
                        Diagnostic::new(Code::E0100, "a loop in a flow says `at most`", span, "how often at most?");
                    let fix = format!("at most {turns}");
                    self.diagnostics.push(problem.fix(
                        Applicability::Maybe,
                        span,
                        &fix,
                        format!("write `repeat {fix} {{ … }}`"),
                    ));
                    repeat.at_most = Some(Expr { kind: ExprKind::Wrong, span });
                }
                _ => {}
            }
        }
        repeat.steps = self.body_steps(head);
        repeat
    }

    fn request(&mut self, head: &ParsedHead<'_>) -> Request {
        let mut parts = head.node.clone().into_inner().peekable();
        let first = parts.next().expect("a step starts with its verb");
        let (verb, method) = match first.as_rule() {
            Rule::computed => {
                let [verb, method] = children(first);
                (self.name(&verb), Some(self.expr(method)))
            }
            _ => (self.name(&first), None),
        };
        let subject = match parts.next_if(|part| matches!(part.as_rule(), Rule::expr | Rule::value)) {
            Some(part) if part.as_rule() == Rule::value => Some(self.value(part)),
            part => part.map(|part| self.expr(part)),
        };
        let mut request = Request {
            verb,
            method,
            subject,
            on: None,
            name: None,
            retry: None,
            backoff: None,
            retry_when: None,
            matching: None,
            within: None,
            entries: Vec::new(),
            expects: Vec::new(),
            records: Vec::new(),
            goes_on: false,
        };
        for part in parts {
            self.clause_of_step(part, &mut request);
        }
        let body = head.body.map_or(&[][..], |block| &block.statements);
        self.statements(body, Context::Request, |lower, outcome| {
            let Lowered::Head(head) = outcome else { return };
            match head.node.as_rule() {
                Rule::entries => {
                    lower.no_body(&head);
                    let more = lower.entries(head.node);
                    lower.put(&mut request.entries, more);
                }
                Rule::record => {
                    lower.no_body(&head);
                    request.records.extend(lower.last_expr(head.node));
                }
                Rule::persist => {
                    lower.no_body(&head);
                    request.goes_on = true;
                }
                _ => request.expects.extend(lower.expect_clauses(&head)),
            }
        });
        request
    }

    /// `transaction NAME [retry N] [backoff D] [when …] { … }`
    fn transaction(&mut self, head: &ParsedHead<'_>) -> Transaction {
        let name = find(&head.node, Rule::name).expect("a transaction has a name");
        let name = self.name(&name);
        let mut clause = |rule: Rule| find(&head.node, rule).and_then(|clause| self.last_expr(clause));
        let (retry, backoff) = (clause(Rule::retry_clause), clause(Rule::backoff_clause));
        let retry_when = clause(Rule::when_clause);
        Transaction { name, retry, backoff, retry_when, steps: self.body_steps(head) }
    }

    fn clause_of_step(&mut self, node: Node<'_>, request: &mut Request) {
        let clause = node.into_inner().next().expect("a step clause holds one");
        let place = match clause.as_rule() {
            Rule::on_clause => {
                request.on = find(&clause, Rule::path).map(|path| self.path(path));
                return;
            }
            Rule::naming => {
                request.name = self.naming(clause);
                return;
            }
            Rule::retry_clause => &mut request.retry,
            Rule::backoff_clause => &mut request.backoff,
            Rule::when_clause => &mut request.retry_when,
            Rule::where_clause => &mut request.matching,
            _ => &mut request.within,
        };
        *place = self.last_expr(clause);
    }
}
