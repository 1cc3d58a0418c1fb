//! Comparisons and what joins them: over constants, values of a flow, or measurements.

use super::allow::is_written;
use super::condition::{Condition, Measured};
use super::lists::is_list;
use super::meaning::{Cond, Meaning};
use super::operator::holds;
use super::program::{Expr, Piece};
use super::session::ScenarioChecker;
use super::types::Type;
use super::words::mismatch;
use crate::base::Span;
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::{self, Binary, ExprKind};

/// What stands on one side of an operator, and its value.
pub(super) type Side<'a> = (&'a ast::Expr, Meaning<'a>);

/// What the run works out of both sides.
pub(super) fn of_run<'a>(operator: Binary, left: Expr, right: Expr, kind: Type) -> Meaning<'a> {
    Meaning::Run(Expr::Binary { operator, left: Box::new(left), right: Box::new(right) }, kind)
}

fn range(least: Expr, most: Expr) -> Expr {
    Expr::Binary { operator: Binary::Range, left: Box::new(least), right: Box::new(most) }
}

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn logical(
        &mut self,
        operator: Binary,
        span: Span,
        (left, l): Side<'a>,
        (right, r): Side<'a>,
    ) -> Meaning<'a> {
        for (side, value) in [(left, &l), (right, &r)] {
            if !matches!(value.kind(), Type::Bool | Type::Json) {
                let (symbol, kind) = (operator.symbol(), value.kind().a());
                let problem = Diagnostic::new(
                    Code::E0301,
                    format!("`{symbol}` joins conditions, and this is {kind}"),
                    side.span,
                    kind,
                )
                .label(span, "here");
                let problem = problem.help("compare it with something on each side");
                self.push(match self.one_of(left, right) {
                    Some(fix) => problem.or(fix),
                    None => problem,
                });
                return Meaning::WRONG;
            }
        }
        if let (Meaning::Bool(a), Meaning::Bool(b)) = (&l, &r) {
            return Meaning::Bool(if operator == Binary::And { *a && *b } else { *a || *b });
        }
        if l.is_unknown() || r.is_unknown() {
            return Meaning::Unknown(Type::Bool);
        }
        if let (Some(a), Some(b)) = (l.expr(), r.expr()) {
            return of_run(operator, a, b, Type::Bool);
        }
        match (condition(&l), condition(&r)) {
            (Some(a), Some(b)) => {
                let (a, b) = (Box::new(a), Box::new(b));
                Meaning::Condition(if operator == Binary::And { Condition::And(a, b) } else { Condition::Or(a, b) })
            }
            _ => Meaning::WRONG,
        }
    }

    pub(super) fn comparison(&mut self, operator: Binary, (left, l): Side<'a>, (right, r): Side<'a>) -> Meaning<'a> {
        if operator.looks_into() {
            return self.looked_into(operator, (left, l), (right, r));
        }
        if !self.comparable(operator, (left, &l), (right, &r)) {
            return Meaning::WRONG;
        }
        if l.is_unknown() || r.is_unknown() {
            return Meaning::Unknown(Type::Bool);
        }
        let measured = |value: &Meaning<'a>| matches!(value, Meaning::Measured(_));
        if measured(&l) || measured(&r) {
            return match (l.measured(), r.measured()) {
                (Some(left), Some(right)) if operator != Binary::In => {
                    Meaning::Condition(Condition::Compare { operator, left, right })
                }
                _ => {
                    let message = format!("`{}` does not compare measurements", operator.symbol());
                    self.push(Diagnostic::new(Code::E0305, message, left.span.to(right.span), "here"));
                    Meaning::WRONG
                }
            };
        }
        if let (Some(a), Some(b)) = (l.number(), r.number()) {
            return Meaning::Bool(holds(operator, a, b));
        }
        let among = if let Meaning::Range(least, most) = &r {
            least.expr().zip(most.expr()).map(|(least, most)| range(least, most))
        } else {
            r.expr()
        };
        match (l.expr(), among) {
            (Some(a), Some(b)) => of_run(operator, a, b, Type::Bool),
            _ => {
                let text = self.text(left.span);
                let (value, of) = if l.expr().is_none() { (l, left) } else { (r, right) };
                self.measures_nothing(&text, value.kind(), of.span);
                Meaning::WRONG
            }
        }
    }

    pub(super) fn measures_nothing(&mut self, text: &str, kind: Type, span: Span) {
        let problem = measures_nothing(text, span);
        self.push(match kind {
            Type::Series => problem.fix(
                Applicability::Maybe,
                span,
                format!("max({text})"),
                format!("write `max({text})`, `mean({text})` or `growth({text})`"),
            ),
            Type::Ledger => problem.fix(
                Applicability::Maybe,
                span,
                format!("lost({text})"),
                format!("write `lost({text})` or `duplicated({text})`"),
            ),
            _ => problem.help(format!("write a metric, such as `p95({text})` or `error_rate({text})`")),
        });
    }

    fn comparable(
        &mut self,
        operator: Binary,
        left: (&'a ast::Expr, &Meaning<'a>),
        right: (&'a ast::Expr, &Meaning<'a>),
    ) -> bool {
        let (a, b) = (left.1.kind(), right.1.kind());
        // A population compared is a metric forgotten.
        for (expr, value) in [left, right] {
            let kind = value.kind();
            if kind.is_population()
                || matches!(kind, Type::Series | Type::Injection | Type::Ledger) && !value.is_unknown()
            {
                let text = self.text(expr.span);
                self.measures_nothing(&text, kind, expr.span);
                return false;
            }
        }
        let is_many = |value: &Meaning<'a>, other: Type| {
            is_list(value) && !matches!(other, Type::List | Type::Json | Type::Wrong)
        };
        let many = match (is_many(left.1, b), operator != Binary::In && is_many(right.1, a)) {
            (true, _) => Some(left.0),
            (false, true) => Some(right.0),
            (false, false) => None,
        };
        if let Some(expr) = many {
            self.is_several(expr.span);
            return false;
        }
        let free = |kind: Type| matches!(kind, Type::Json | Type::Null);
        let answer = |value: &Meaning<'a>| matches!(value, Meaning::Run(..));
        if free(a) || free(b) && (answer(left.1) || a == Type::Null) {
            return true;
        }
        if operator == Binary::In {
            if matches!(b, Type::List | Type::Range) {
                return self.members(left, right);
            }
            self.push(
                Diagnostic::new(
                    Code::E0301,
                    format!("`in` needs a list or a range, and this is {}", b.a()),
                    right.0.span,
                    b.a(),
                )
                .help("write `status in [200, 201]` or `status in 200..299`"),
            );
            return false;
        }
        let ordered = !matches!(operator, Binary::Equal | Binary::NotEqual);
        if a == b || a.accepts(b) || b.accepts(a) {
            let sortable = a.is_quantity() || matches!(a, Type::Text | Type::Json | Type::Bool);
            if ordered && !sortable {
                let message = format!("`{}` does not compare {}", operator.symbol(), a.a());
                self.push(Diagnostic::new(Code::E0305, message, left.0.span.to(right.0.span), "no order"));
                return false;
            }
            return true;
        }
        self.unlike(left, right);
        false
    }

    /// What looks into a text, or for an item in a list.
    fn looked_into(&mut self, operator: Binary, (left, l): Side<'a>, (right, r): Side<'a>) -> Meaning<'a> {
        let (symbol, a, b) = (operator.symbol(), l.kind(), r.kind());
        let is_list = a == Type::List && operator == Binary::Contains;
        if !is_list && !matches!(a, Type::Text | Type::Json) {
            let things = if operator == Binary::Contains { "a text or a list" } else { "a text" };
            let message = format!("`{symbol}` looks into {things}, and this is {}", a.a());
            self.push(Diagnostic::new(Code::E0301, message, left.span, a.a()));
            return Meaning::WRONG;
        }
        let is_item = a != Type::Text && operator == Binary::Contains;
        let fits = match is_list {
            true => self.members((right, &r), (left, &l)),
            false => matches!(b, Type::Text | Type::Json) || is_item && r.expr().is_some(),
        };
        if !fits {
            if !is_list {
                let message = format!("`{symbol}` looks for a Text, and this is {}", b.a());
                let (text, problem) = (self.text(right.span), Diagnostic::new(Code::E0301, message, right.span, b.a()));
                self.push(match r.number() {
                    Some(_) => problem.fix(
                        Applicability::Maybe,
                        right.span,
                        format!("\"{text}\""),
                        format!("write `\"{text}\"`"),
                    ),
                    None => problem,
                });
            }
            return Meaning::WRONG;
        }
        if operator == Binary::Matches {
            let given = (r, right);
            let Some(pattern) = self.constant_text(Some(&given)) else { return Meaning::Unknown(Type::Bool) };
            self.is_pattern(&pattern, right.span, is_written(right));
            let pattern = Expr::Text(vec![Piece::Literal(pattern)]);
            return match l.expr() {
                Some(text) if !l.is_unknown() => of_run(operator, text, pattern, Type::Bool),
                _ => Meaning::Unknown(Type::Bool),
            };
        }
        match (l.expr(), r.expr()) {
            _ if l.is_unknown() || r.is_unknown() => Meaning::Unknown(Type::Bool),
            (Some(a), Some(b)) => of_run(operator, a, b, Type::Bool),
            _ => Meaning::WRONG,
        }
    }

    /// Each item of a list, and each end of a range, is of the type that is looked for in it.
    fn members(&mut self, left: (&'a ast::Expr, &Meaning<'a>), right: (&'a ast::Expr, &Meaning<'a>)) -> bool {
        if let Meaning::Range(least, most) = right.1 {
            let a = left.1.kind();
            let other = [least, most].into_iter().find(|end| !(a.accepts(end.kind()) || end.kind().accepts(a)));
            if let Some(end) = other {
                self.unlike(left, (right.0, end));
            }
            return other.is_none();
        }
        let (Meaning::List(items), ExprKind::List(exprs)) = (right.1, &right.0.kind) else { return true };
        for (item, expr) in items.iter().zip(exprs) {
            let (a, b) = (left.1.kind(), item.kind());
            if !(a.accepts(b) || b.accepts(a) || matches!(a, Type::Json | Type::Wrong)) {
                self.unlike(left, (expr, item));
                return false;
            }
        }
        true
    }

    /// Two sides of different types; the plain number is the one that lacks something.
    pub(super) fn unlike(&mut self, left: (&'a ast::Expr, &Meaning<'a>), right: (&'a ast::Expr, &Meaning<'a>)) {
        if let Some(fix) = self.among(left, right) {
            let message = format!("{} is compared with a List", left.1.kind().a());
            let problem = Diagnostic::new(Code::E0301, message, right.0.span, "a List");
            self.push(problem.help("`in` asks whether it is one of several").or(fix));
            return;
        }
        let number = |value: &Meaning<'a>| matches!(value.kind(), Type::Number | Type::Count);
        // A series lacks its unit where it is compared with a quantity, and a written number where it is compared with
        // anything that has one.
        let lacks = |value: &Meaning<'a>| number(value) && matches!(value, Meaning::Quantity(..) | Meaning::Exact(_));
        let swapped = lacks(left.1) || (is_bare_series(right.1) && !matches!(left.1, Meaning::Measured(_)));
        let (expected, found) = if swapped { (right, left) } else { (left, right) };
        let (text, measured) = (self.text(found.0.span), self.text(expected.0.span));
        // A series from outside says nothing of its unit.
        if is_bare_series(expected.1) && found.1.kind().is_quantity() {
            let unit = guessed_unit(&measured, found.1.kind());
            let problem = Diagnostic::new(
                Code::E0304,
                format!("this series has no unit, so it cannot be compared with `{text}`"),
                found.0.span,
                found.1.kind().a(),
            );
            self.push(
                problem
                    .label(expected.0.span, "values as they come")
                    .help(format!("say what one in the series is worth, such as `unit: {unit}`")),
            );
            return;
        }
        let problem = mismatch(expected.1.kind(), found.1.kind(), found.0.span, &text)
            .label(expected.0.span, format!("`{measured}` is {}", expected.1.kind().a()));
        self.push(problem);
    }
}

/// What metrics are of is none itself.
pub(super) fn measures_nothing(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0307, format!("`{text}` measures nothing by itself"), span, "which metric of it?")
}

/// A metric of a series from outside that does not say what one is worth.
fn is_bare_series(value: &Meaning<'_>) -> bool {
    // What grows without a unit is a number over time.
    matches!(value, Meaning::Measured(Measured::Metric { metric, unit: Type::Number | Type::Rate, .. })
        if matches!(&metric.subject, super::program::Subject::Series(series) if series.unit == Type::Number))
}

/// What one in a series is worth, by the last word of its name or the type that it is compared with.
fn guessed_unit(text: &str, kind: Type) -> &'static str {
    match kind {
        _ if text.contains("_milliseconds") || text.contains("_ms") => "1ms",
        _ if text.contains("_seconds") => "1s",
        _ if text.contains("_bytes") => "1B",
        _ if text.contains("_ratio") => "100%",
        Type::Duration => "1s",
        Type::Bytes => "1B",
        Type::Percent => "100%",
        Type::Rate => "1/s",
        Type::Bandwidth => "1B",
        _ => "1",
    }
}

/// A condition over measurements, where a value is one.
pub(super) fn condition(value: &Meaning<'_>) -> Option<Cond> {
    match value {
        Meaning::Condition(condition) => Some(condition.clone()),
        Meaning::Measured(measured) if measured.unit() == Type::Bool => Some(Condition::Holds(measured.clone())),
        Meaning::Bool(value) => {
            let constant = |value: f64| Measured::Constant { value, unit: Type::Number };
            let (left, right) = (constant(f64::from(u8::from(*value))), constant(1.0));
            Some(Condition::Compare { operator: Binary::Equal, left, right })
        }
        _ => None,
    }
}
