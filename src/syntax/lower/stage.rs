//! Loads and the stages of loads and shapes.

use super::item::find;
use super::{Lower, Lowered, ParsedHead};
use crate::base::Span;
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::*;
use crate::syntax::grammar::{Node, Rule};
use crate::syntax::split::Statement;
use crate::syntax::words::Context;

impl Lower<'_> {
    pub(super) fn load(&mut self, head: &ParsedHead<'_>) -> Load {
        let name = self.name(&find(&head.node, Rule::name).expect("a load has a name"));
        let of = match find(&head.node, Rule::mix) {
            Some(mix) => LoadOf::Mix(mix.into_inner().map(|part| self.mix_part(part)).collect()),
            None => LoadOf::One(self.expr(find(&head.node, Rule::expr).expect("a load has a flow"))),
        };
        let at = find(&head.node, Rule::at_clause).and_then(|clause| self.last_expr(clause));
        let body = self.body(head);
        let (options, stages) = self.stages(body, head.span);
        Load { name, doc: head.doc.cloned(), of, at, options, stages, span: head.span }
    }

    fn mix_part(&mut self, node: Node<'_>) -> MixPart {
        let mut parts = node.into_inner();
        let weight = self.expr(parts.next().expect("a part of a mix has a weight"));
        let flow = self.expr(parts.next().expect("a part of a mix has a flow"));
        MixPart { weight, flow, name: parts.next().and_then(|naming| self.naming(naming)) }
    }

    /// Stages in their order, with the options that stand among them.
    pub(super) fn stages(&mut self, body: Option<&[Statement]>, span: Span) -> (Vec<Entry>, Vec<Stage>) {
        let (mut options, mut stages) = (Vec::new(), Vec::new());
        let refused = |name| Stage { kind: StageKind::Refused, name, span };
        let Some(body) = body else { return (options, vec![refused(None)]) };
        self.statements(body, Context::Load, |lower, outcome| match outcome {
            Lowered::Head(head) if head.node.as_rule() == Rule::entries => {
                lower.no_body(&head);
                let more = lower.entries(head.node);
                lower.put(&mut options, more);
            }
            Lowered::Head(head) => stages.push(lower.stage(&head)),
            Lowered::Refused(name) => stages.push(refused(name)),
        });
        (options, stages)
    }

    fn stage(&mut self, head: &ParsedHead<'_>) -> Stage {
        let rule = head.node.as_rule();
        let mut name = None;
        let mut values = Vec::new();
        // Which of the values stands after `settle` or `speed`.
        let mut optional = false;
        for part in head.node.clone().into_inner() {
            match part.as_rule() {
                Rule::naming => name = self.naming(part),
                Rule::expr => values.push(self.expr(part)),
                Rule::kw_settle | Rule::kw_speed => optional = true,
                Rule::wrong_to => {
                    let span = self.span(&part);
                    let problem =
                        Diagnostic::new(Code::E0116, "a ramp goes from one level to another with `->`", span, "here");
                    self.diagnostics.push(problem.fix(Applicability::MachineApplicable, span, "->", "write `->`"));
                }
                _ => {}
            }
        }
        let span = head.span;
        if rule == Rule::repeated {
            let body = self.body(head);
            let (options, stages) = self.stages(body, span);
            if let Some(option) = options.first() {
                let problem = Diagnostic::new(Code::E0114, "options stand in the load", option.label.span, "not here");
                self.diagnostics.push(problem.help("put it directly into the load"));
            }
            let times = values.into_iter().next().expect("the grammar asks for a number of times");
            return Stage { kind: StageKind::Repeat { times, stages }, name, span };
        }
        self.no_body(head);
        let last = optional.then(|| values.pop()).flatten();
        let mut values = values.into_iter();
        let mut next = || values.next().expect("the grammar asks for each value of a stage");
        let kind = match rule {
            Rule::warmup => StageKind::Warmup { level: next(), length: next() },
            Rule::ramp => StageKind::Ramp { from: next(), to: next(), over: next() },
            Rule::spike => StageKind::Spike { level: next(), length: next() },
            Rule::steps => StageKind::Steps { from: next(), to: next(), by: next(), every: next() },
            Rule::idle => StageKind::Idle { length: next() },
            Rule::sweep => StageKind::Sweep { levels: next(), length: next(), settle: last },
            Rule::search => StageKind::Search { range: next(), length: next(), condition: next() },
            Rule::replay => StageKind::Replay { data: next(), speed: last },
            Rule::once => StageKind::Once { iterations: next(), users: next(), within: next() },
            Rule::include => StageKind::Include(Include { what: next(), alias: name.clone(), span }),
            _ => StageKind::Hold { level: next(), length: next() },
        };
        Stage { kind, name, span }
    }
}
