//! Lists, literal or computed by the run: their items, and the message where one item is expected.

use super::bound::Arguments;
use super::meaning::Meaning;
use super::program::{Expr, ItemPlace};
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Span;
use crate::diag::{Code, Diagnostic};

/// Whether it is a list that is worked out while the run goes on.
pub(super) fn is_list(value: &Meaning<'_>) -> bool {
    matches!(value, Meaning::Run(_, Type::List))
}

impl<'a> ScenarioChecker<'a, '_> {
    /// `.count`, `.first` and `.last` of a list, or of what may be one.
    pub(super) fn field_of_list(&mut self, value: &Meaning<'a>, name: &str, span: Span) -> Meaning<'a> {
        if let Meaning::List(items) = value {
            match name {
                "count" => return Meaning::Quantity(items.len() as f64, Type::Count),
                "first" => return items.first().cloned().unwrap_or(Meaning::Null),
                _ => return items.last().cloned().unwrap_or(Meaning::Null),
            }
        }
        let Some(list) = self.run_list(value, span) else { return Meaning::WRONG };
        match name {
            "count" => Meaning::Run(Expr::Count(list), Type::Count),
            "first" => Meaning::Run(Expr::Item { list, place: ItemPlace::First }, Type::Json),
            _ => Meaning::Run(Expr::Item { list, place: ItemPlace::Last }, Type::Json),
        }
    }

    /// `.at(index)`, `.random()` and `.sample(size)`.
    pub(super) fn method_of_list(
        &mut self,
        value: &Meaning<'a>,
        name: &str,
        bound: &Arguments<'a>,
        span: Span,
    ) -> Meaning<'a> {
        let given = match name {
            "random" => None,
            _ => match bound.first().map(|(value, _)| value) {
                Some(value) if value.is_unknown() => {
                    return Meaning::Unknown(if name == "sample" { Type::List } else { Type::Json });
                }
                Some(value) => value.expr(),
                None => return Meaning::WRONG,
            },
        };
        let Some(list) = self.run_list(value, span) else { return Meaning::WRONG };
        match (name, given) {
            ("sample", Some(size)) => Meaning::Run(Expr::Sample { list, size: Box::new(size) }, Type::List),
            ("at", Some(index)) => Meaning::Run(Expr::Item { list, place: ItemPlace::At(Box::new(index)) }, Type::Json),
            _ => Meaning::Run(Expr::Item { list, place: ItemPlace::Random }, Type::Json),
        }
    }

    fn run_list(&mut self, value: &Meaning<'a>, span: Span) -> Option<Box<Expr>> {
        let list = value.expr();
        if list.is_none() {
            self.not_constant(span, "a list of parts of the scenario is not asked for its items");
        }
        list.map(Box::new)
    }

    /// A list that a path finds, where one value is meant.
    pub(super) fn is_several(&mut self, span: Span) {
        let text = self.text(span);
        let message = format!("`{text}` is a list, and one value is meant here");
        let problem = Diagnostic::new(Code::E0301, message, span, "a List");
        self.push(
            problem.help(format!("write `{text}.first` for the first of them, `{text}.count` for how many there are")),
        );
    }
}
