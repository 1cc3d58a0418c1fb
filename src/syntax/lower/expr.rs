//! Expressions: precedence, calls, objects, and the operators of other languages with their fix.

use super::Lower;
use crate::base::{Name, Span};
use crate::diag::{Applicability, Code, Diagnostic, Fix};
use crate::syntax::ast::*;
use crate::syntax::grammar::{Node, Rule};
use crate::syntax::needs;

/// One level of `or and not compare .. + * -`, from loose to tight.
fn strength(operator: Binary) -> u8 {
    use Binary::*;
    match operator {
        Or => 1,
        And => 2,
        Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | In => 4,
        Contains | StartsWith | EndsWith | Matches => 4,
        Range => 5,
        Add | Subtract => 6,
        Multiply | Divide => 7,
    }
}

/// Operands, operators and fields of one expression, those of enclosing expressions included.
const MOST_PARTS: usize = 256;

/// What a field counts for.
const FIELD: usize = 6;

const NOT: u8 = 3;
const NEGATE: u8 = 8;

impl Lower<'_> {
    pub(super) fn expr(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(&node);
        let parts = node.into_inner();
        // These go deeper than any other part, and nobody writes many of them.
        let weight = |part: Node<'_>| match part.as_rule() {
            Rule::prefix => 4,
            Rule::postfix => FIELD,
            _ => 1,
        };
        self.nested(parts.clone().map(weight).sum(), span, |lower| lower.climb(&mut parts.peekable(), 0))
    }

    /// Goes into an expression of so many parts, each of which may be one level of the tree. Everything after the
    /// parser walks that tree by recursion, so its depth has an end.
    fn nested(&mut self, parts: usize, span: Span, inside: impl FnOnce(&mut Self) -> Expr) -> Expr {
        if self.depth + parts > MOST_PARTS {
            let problem = Diagnostic::new(Code::E0112, "this expression has too many parts", span, "too long");
            self.diagnostics.push(problem.help(format!("{MOST_PARTS} are allowed; divide it into several")));
            return Expr { kind: ExprKind::Wrong, span };
        }
        self.depth += parts;
        let expr = inside(self);
        self.depth -= parts;
        expr
    }

    fn climb<'n>(&mut self, parts: &mut std::iter::Peekable<impl Iterator<Item = Node<'n>>>, least: u8) -> Expr {
        let mut left = self.operand(parts);
        while let Some(node) = parts.peek().filter(|p| p.as_rule() == Rule::infix) {
            let operator_span = self.span(node);
            let inner = node.clone().into_inner().next().expect("an infix is an operator");
            let operator = self.infix(&inner, operator_span);
            let level = strength(operator);
            if level < least {
                break;
            }
            parts.next();
            let right = self.climb(parts, level + 1);
            if let ExprKind::Binary { operator: before, operator_span: first, .. } = &left.kind
                && before.compares()
                && operator.compares()
            {
                let problem =
                    Diagnostic::new(Code::E0106, "comparisons do not chain", operator_span, "a second comparison");
                let during = Fix::new(Applicability::Maybe, operator_span, "during", "write `during`");
                let problem = problem.label(*first, "the first one").help("write `a < b and b < c`");
                self.diagnostics.push(if operator == Binary::In { problem.or(during) } else { problem });
                left.kind = ExprKind::Wrong;
            }
            let span = left.span.to(right.span);
            let kind = ExprKind::Binary { operator, operator_span, left: Box::new(left), right: Box::new(right) };
            left = Expr { kind, span };
        }
        left
    }

    fn operand<'n>(&mut self, parts: &mut std::iter::Peekable<impl Iterator<Item = Node<'n>>>) -> Expr {
        let node = parts.next().expect("an expression has an operand");
        if node.as_rule() == Rule::prefix {
            let span = self.span(&node);
            let inner = node.into_inner().next().expect("a prefix is an operator");
            let (operator, level) = match inner.as_rule() {
                Rule::negate => (Unary::Negate, NEGATE),
                Rule::wrong_not => {
                    self.foreign(span, "!", "not ");
                    (Unary::Not, NOT)
                }
                _ => (Unary::Not, NOT),
            };
            let operand = self.climb(parts, level);
            let span = span.to(operand.span);
            return Expr { kind: ExprKind::Unary { operator, operand: Box::new(operand) }, span };
        }
        let mut expr = self.primary(node);
        while let Some(node) = parts.next_if(|p| p.as_rule() == Rule::postfix) {
            let span = expr.span.to(self.span(&node));
            let mut inner = node.into_inner();
            let label = self.name(&inner.next().expect("a field has a label"));
            let base = Box::new(expr);
            let kind = match inner.next() {
                Some(arguments) => ExprKind::Method { base, method: label, arguments: self.arguments(arguments) },
                None => ExprKind::Field { base, field: label },
            };
            expr = Expr { kind, span };
        }
        expr
    }

    fn infix(&mut self, node: &Node<'_>, span: Span) -> Binary {
        match node.as_rule() {
            Rule::or => Binary::Or,
            Rule::and => Binary::And,
            Rule::equal => Binary::Equal,
            Rule::not_equal => Binary::NotEqual,
            Rule::less => Binary::Less,
            Rule::less_equal => Binary::LessEqual,
            Rule::greater => Binary::Greater,
            Rule::greater_equal => Binary::GreaterEqual,
            Rule::contained => Binary::In,
            Rule::contains => Binary::Contains,
            Rule::starts_with => Binary::StartsWith,
            Rule::ends_with => Binary::EndsWith,
            Rule::matches => Binary::Matches,
            Rule::range => Binary::Range,
            Rule::add => Binary::Add,
            Rule::subtract => Binary::Subtract,
            Rule::multiply => Binary::Multiply,
            Rule::divide => Binary::Divide,
            Rule::wrong_and => {
                self.foreign(span, "&&", "and");
                Binary::And
            }
            Rule::wrong_or => {
                self.foreign(span, "||", "or");
                Binary::Or
            }
            _ => {
                self.foreign(span, "=", "==");
                Binary::Equal
            }
        }
    }

    fn foreign(&mut self, span: Span, written: &str, ours: &str) {
        let right = ours.trim();
        let problem =
            Diagnostic::new(Code::E0109, format!("`{written}` is not an operator of the language"), span, "here");
        self.diagnostics.push(problem.fix(Applicability::MachineApplicable, span, ours, format!("write `{right}`")));
    }

    fn primary(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(&node);
        let inner = node.into_inner().next().expect("a primary holds something");
        let kind = match inner.as_rule() {
            Rule::literal => self.literal(inner),
            Rule::list => {
                let mut parts = inner.into_inner();
                let items = parts.next().expect("a list has items");
                let mut items: Vec<Expr> = items.into_inner().map(|value| self.value(value)).collect();
                if let Some(unit) = parts.next() {
                    let unit_span = self.span(&unit);
                    items =
                        items.into_iter().map(|item| self.with_unit(&item, unit.as_str().trim(), unit_span)).collect();
                }
                ExprKind::List(items)
            }
            Rule::baseline => {
                let arguments = inner.into_inner().find(|part| part.as_rule() == Rule::arguments);
                ExprKind::Baseline(arguments.map_or(Vec::new(), |arguments| self.arguments(arguments)))
            }
            Rule::call => {
                let mut parts = inner.into_inner();
                let function = self.name(&parts.next().expect("a call has a name"));
                let Some(arguments) = parts.next() else {
                    return Expr { kind: ExprKind::Name(function), span };
                };
                let arguments = self.arguments(arguments);
                self.needs
                    .extend(arguments.first().and_then(|argument| needs::of_call(&function.text, &argument.value)));
                ExprKind::Call { function, arguments }
            }
            _ => return Expr { span, ..self.expr(inner) },
        };
        Expr { kind, span }
    }

    fn arguments(&mut self, node: Node<'_>) -> Vec<Argument> {
        node.into_inner()
            .map(|argument| {
                let mut result = Argument {
                    label: None,
                    value: Expr { kind: ExprKind::Wrong, span: self.span(&argument) },
                    matching: None,
                    scopes: Vec::new(),
                };
                for part in argument.into_inner() {
                    match part.as_rule() {
                        Rule::label => result.label = Some(self.name(&part)),
                        Rule::scope => result.scopes.push(self.scope(part)),
                        Rule::where_clause => result.matching = self.last_expr(part),
                        Rule::wrong_equals => {
                            self.wrong_equals(&part, "an argument has a `:` after its name, not `=`");
                        }
                        _ => result.value = self.value(part),
                    }
                }
                result
            })
            .collect()
    }

    pub(super) fn value(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(&node);
        let inner = node.into_inner().next().expect("a value holds something");
        match inner.as_rule() {
            Rule::object => Expr { kind: ExprKind::Object(self.fields(inner)), span },
            Rule::type_word => Expr { kind: ExprKind::Name(self.name(&inner)), span },
            _ => self.expr(inner),
        }
    }

    pub(super) fn fields(&mut self, object: Node<'_>) -> Vec<Entry> {
        object.into_inner().map(|field| self.entry(field)).collect()
    }

    pub(super) fn entries(&mut self, node: Node<'_>) -> Vec<Entry> {
        node.into_inner().map(|entry| self.entry(entry)).collect()
    }

    /// Puts options to those before them. One that is there already is refused: which of them holds?
    pub(super) fn put(&mut self, options: &mut Vec<Entry>, more: Vec<Entry>) {
        for entry in more {
            match options.iter().find(|other| other.label.text == entry.label.text) {
                Some(first) => self.diagnostics.push(Diagnostic::twice(&entry.label, first.label.span)),
                None => options.push(entry),
            }
        }
    }

    pub(super) fn entry(&mut self, node: Node<'_>) -> Entry {
        let mut parts = node.into_inner();
        let key = parts.next().expect("an entry has a label");
        let label = match key.as_rule() {
            Rule::label => self.name(&key),
            _ => {
                let span = self.span(&key);
                Name { text: self.quoted_label(key, span), span }
            }
        };
        let mut next = parts.next().expect("an entry has a value");
        if next.as_rule() == Rule::wrong_equals {
            self.wrong_equals(&next, "options use `:`, not `=`");
            next = parts.next().expect("an entry has a value");
        }
        Entry { label, value: self.value(next) }
    }

    fn wrong_equals(&mut self, node: &Node<'_>, message: &str) {
        let span = self.span(node);
        let problem = Diagnostic::new(Code::E0103, message, span, "here");
        let problem = problem.fix(Applicability::MachineApplicable, span, ":", "write `:`");
        self.diagnostics.push_together(problem, self.offset);
    }

    /// A label between quotes, which mean in it what they mean in other texts.
    fn quoted_label(&mut self, key: Node<'_>, span: Span) -> String {
        let parts = match key.as_rule() {
            Rule::text => self.text(key),
            _ => match self.text_literal(key) {
                ExprKind::Text(parts) => parts,
                _ => Vec::new(),
            },
        };
        match parts.as_slice() {
            [] => String::new(),
            [TextPart::Literal(text)] => text.clone(),
            _ => {
                let problem =
                    Diagnostic::new(Code::E0100, "the name of a field holds no values", span, "a value in it");
                self.diagnostics.push(problem.help("names are written out; for a brace itself write `\\{`"));
                String::new()
            }
        }
    }

    /// `a.b.c` as an expression.
    pub(super) fn path(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(&node);
        let parts: Vec<Node<'_>> =
            node.into_inner().filter(|part| matches!(part.as_rule(), Rule::name | Rule::label)).collect();
        self.nested(parts.len() * FIELD, span, |lower| {
            let mut parts = parts.iter().map(|part| lower.name(part));
            let first = parts.next().expect("a path has a name");
            parts.fold(Expr { span: first.span, kind: ExprKind::Name(first) }, |base, field| Expr {
                span: base.span.to(field.span),
                kind: ExprKind::Field { base: Box::new(base), field },
            })
        })
    }
}
