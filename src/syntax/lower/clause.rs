//! What must hold: the lines of `expect`, `expectation`, `steady_state` and `abort`.

use super::item::find;
use super::{Lower, Lowered, ParsedHead, children};
use crate::base::Span;
use crate::syntax::ast::*;
use crate::syntax::grammar::{Node, Rule};
use crate::syntax::split::Statement;
use crate::syntax::words::Context;

impl Lower<'_> {
    /// `expect CONDITION`, `expect alert …` or `expect { … }`.
    pub(super) fn expect_clauses(&mut self, head: &ParsedHead<'_>) -> Vec<Clause> {
        let one = |part: &Node<'_>| matches!(part.as_rule(), Rule::condition | Rule::alert | Rule::no_other_alert);
        match head.node.clone().into_inner().find(one) {
            Some(clause) => {
                self.no_body(head);
                let span = self.span(&clause);
                vec![self.clause(clause, span)]
            }
            None => match self.body(head) {
                Some(body) => self.clauses(body, Context::Expect).0,
                None => Vec::new(),
            },
        }
    }

    /// Clauses in their order, with the options that stand among them.
    pub(super) fn clauses(&mut self, body: &[Statement], context: Context) -> (Vec<Clause>, Vec<Entry>) {
        let (mut clauses, mut options) = (Vec::new(), Vec::new());
        self.statements(body, context, |lower, outcome| {
            let Lowered::Head(head) = outcome else {
                clauses.push(Clause::Refused);
                return;
            };
            lower.no_body(&head);
            match head.node.as_rule() {
                Rule::entries => {
                    let more = lower.entries(head.node);
                    lower.put(&mut options, more);
                }
                Rule::include => clauses.push(Clause::Include(lower.include(&head))),
                _ => clauses.push(lower.clause(head.node, head.span)),
            }
        });
        (clauses, options)
    }

    fn clause(&mut self, node: Node<'_>, span: Span) -> Clause {
        match node.as_rule() {
            Rule::alert => Clause::Alert(self.alert(&node, span)),
            Rule::no_other_alert => {
                let source = self.source(&node);
                let scopes = self.scopes_of(&node);
                Clause::NoOtherAlert { source, scopes, span }
            }
            _ => Clause::Condition(self.condition(node)),
        }
    }

    pub(super) fn steady_state(&mut self, head: &ParsedHead<'_>) -> SteadyState {
        let name = find(&head.node, Rule::name).map(|name| self.name(&name));
        let (clauses, options) = match self.body(head) {
            Some(body) => self.clauses(body, Context::Steady),
            None => (vec![Clause::Refused], Vec::new()),
        };
        SteadyState { name, options, clauses, span: head.span }
    }

    pub(super) fn abort(&mut self, head: &ParsedHead<'_>) -> Abort {
        self.no_body(head);
        let expr = self.expr(find(&head.node, Rule::expr).expect("the grammar asks for a condition"));
        let tail = Tail { scopes: self.scopes_of(&head.node), ..Tail::default() };
        let length = find(&head.node, Rule::for_clause).and_then(|clause| self.last_expr(clause));
        let span = expr.span;
        Abort { condition: Condition { expr, tail, span }, length, span: head.span }
    }

    fn condition(&mut self, node: Node<'_>) -> Condition {
        let span = self.span(&node);
        let mut parts = node.into_inner();
        let expr = self.expr(parts.next().expect("a condition has an expression"));
        let mut tail = Tail::default();
        for part in parts {
            let part = part.into_inner().next().expect("a tail holds one clause");
            match part.as_rule() {
                Rule::scope => tail.scopes.push(self.scope(part)),
                Rule::tolerance => tail.within = Some(self.within(part)),
                Rule::strict => tail.strict = Some(self.span(&part)),
                _ => tail.slices = Some(self.slices(part)),
            }
        }
        Condition { expr, tail, span }
    }

    fn scopes_of(&mut self, node: &Node<'_>) -> Vec<Scope> {
        node.clone().into_inner().filter(|part| part.as_rule() == Rule::scope).map(|part| self.scope(part)).collect()
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

    fn within(&mut self, node: Node<'_>) -> Within {
        let span = self.span(&node);
        let [_, tolerance, _, of] = children(node);
        Within { tolerance: self.expr(tolerance), of: self.expr(of), span }
    }

    fn slices(&mut self, node: Node<'_>) -> Slices {
        let span = self.span(&node);
        let mut values: Vec<Expr> = Vec::new();
        for part in node.into_inner().filter(|part| part.as_rule() == Rule::expr) {
            values.push(self.expr(part));
        }
        let every = values.pop().expect("the grammar asks for a length");
        Slices { share: values.pop(), every, span }
    }

    fn source(&mut self, node: &Node<'_>) -> Option<Expr> {
        let path = find(&find(node, Rule::source)?, Rule::path)?;
        Some(self.path(path))
    }

    fn alert(&mut self, node: &Node<'_>, span: Span) -> Alert {
        let name = node.clone().into_inner().nth(1).expect("an alert has a name");
        let name_span = self.span(&name);
        let is_list = name.as_rule() == Rule::alert_names;
        let name = match is_list {
            true => self.last_expr(name).unwrap_or(Expr { kind: ExprKind::Wrong, span: name_span }),
            false => Expr { kind: self.text_literal(name), span: name_span },
        };
        let labels = match find(node, Rule::object) {
            Some(object) => self.fields(object),
            None => Vec::new(),
        };
        let source = self.source(node);
        let does = node.clone().into_inner().last().expect("an alert does something");
        let does = match does.as_rule() {
            Rule::quiet => AlertDoes::StaysQuiet(self.scopes_of(&does)),
            Rule::may_fire => AlertDoes::MayFire(self.scopes_of(&does)),
            Rule::keeps_firing => AlertDoes::KeepsFiring(self.scopes_of(&does)),
            rule => {
                let within = self.within(find(&does, Rule::tolerance).expect("the grammar asks for a time"));
                if rule == Rule::fires { AlertDoes::Fires(within) } else { AlertDoes::Resolves(within) }
            }
        };
        Alert { name, is_list, labels, source, does, span }
    }
}
