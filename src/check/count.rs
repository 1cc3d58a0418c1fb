//! `count` in the `verify` of a ledger: how many times an entry is there.

use super::program::{Expr, Step};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Span;
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::{self, ExprKind};

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn count(&mut self, value: &'a ast::Expr, step: Span, frame: FrameId) -> Step {
        if let Some(flow) = &mut self.flow {
            flow.counts = true;
        }
        let counted = self.eval(value, frame);
        let kind = counted.kind();
        // Json takes anything, and these would leave each entry unverified.
        if matches!(kind, Type::Bool | Type::Text | Type::Null | Type::Object) {
            let message = format!("`count` takes a Number or a List, and this is {}", kind.a());
            let problem = Diagnostic::new(Code::E0301, message, value.span, kind.a());
            self.push(match asks_for_a_status(value) {
                true => problem.fix(Applicability::Maybe, step, "", "leave the line out: a 2xx says that the entry is there, and a 404 or 410 that it is not"),
                false => problem.help("count a list or a number of the answer, such as `found.json(\"$.items[*]\")`; without `count` a 2xx says that the entry is there, and a 404 or 410 that it is not"),
            });
            return Step::Count(Expr::Null);
        }
        let counted = self.fit(counted, value.span, &[Type::Json, Type::List, Type::Number]);
        Step::Count(counted.expr().unwrap_or(Expr::Null))
    }
}

/// A comparison of a status, which is what is asked for without `count`.
fn asks_for_a_status(value: &ast::Expr) -> bool {
    match &value.kind {
        ExprKind::Binary { left, right, .. } => [left, right]
            .into_iter()
            .any(|side| matches!(&side.kind, ExprKind::Field { field, .. } if field.text == "status")),
        _ => false,
    }
}
