//! What an expression means: a constant, something that the run computes or measures, a part of the scenario, or,
//! while a template is checked, a thing of which only the type is known.

use super::condition::Measured;
use super::program::{Action, Expr, Metric, Moment, Piece, Population, Series, Stated, Window};
use super::scope::FrameId;
use super::types::Type;
use crate::base::units::Rate;
use crate::base::{FileId, Name};
use crate::syntax::ast;

pub(super) type Cond = Stated;

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "values live shortly, and boxes would hide what they are")]
pub(super) enum Meaning<'a> {
    /// Of this type, and known where the template is instantiated; of type `Wrong`: refused already.
    Unknown(Type),
    Null,
    Bool(bool),
    /// With the file in which it is written: paths are relative to that.
    Text(String, FileId),
    /// In base units.
    Quantity(f64, Type),
    /// A plain number by its spelling, which a float does not hold.
    Exact(String),
    /// Kept exactly, for schedules.
    Rate(Rate),
    Range(Box<Meaning<'a>>, Box<Meaning<'a>>),
    List(Vec<Meaning<'a>>),
    Object(Vec<(Name, Meaning<'a>)>),
    /// Computed while the run goes on.
    Run(Expr, Type),
    Row(Expr, usize),
    Answer(usize),
    Measured(Measured<Metric>),
    Condition(Cond),
    Moment(Moment),
    /// With the type of thing that it is the window of.
    Window(Window, Type),
    /// Requests, with the unit of their values and the type of thing that they belong to.
    Samples(Population, Type, Type),
    Series(Series),
    /// The delays of deliveries of alerts.
    Delivery(Metric),
    /// A part of the scenario by its place in the list of its kind.
    Part(Type, usize),
    /// With the name of what was called, where that was a template.
    Fault(Action, Option<String>),
    /// The names of a flow that was included under a name.
    Steps(FrameId),
    /// The names of a system.
    System(FrameId),
    Module(usize),
    /// What has parameters, and where it was declared.
    Definition(&'a ast::Item, FrameId),
}

impl<'a> Meaning<'a> {
    pub(super) const WRONG: Meaning<'static> = Meaning::Unknown(Type::Wrong);

    pub(super) fn kind(&self) -> Type {
        match self {
            Meaning::Unknown(kind) | Meaning::Quantity(_, kind) | Meaning::Run(_, kind) => *kind,
            Meaning::Null => Type::Null,
            Meaning::Bool(_) | Meaning::Condition(_) => Type::Bool,
            Meaning::Text(..) => Type::Text,
            Meaning::Exact(_) => Type::Number,
            Meaning::Rate(_) => Type::Rate,
            Meaning::Range(..) => Type::Range,
            Meaning::List(_) => Type::List,
            Meaning::Object(_) => Type::Object,
            Meaning::Row(..) => Type::Row,
            Meaning::Answer(_) => Type::Response,
            Meaning::Measured(measured) => measured.unit(),
            Meaning::Moment(_) => Type::Instant,
            Meaning::Window(_, kind) | Meaning::Samples(_, _, kind) | Meaning::Part(kind, _) => *kind,
            Meaning::Series(_) => Type::Series,
            Meaning::Delivery(_) => Type::Samples,
            Meaning::Fault(..) => Type::Fault,
            Meaning::Steps(_) => Type::Flow,
            Meaning::System(_) => Type::System,
            Meaning::Module(_) => Type::Module,
            Meaning::Definition(item, _) => definition_kind(item),
        }
    }

    pub(super) fn is_wrong(&self) -> bool {
        self.kind() == Type::Wrong
    }

    pub(super) fn is_unknown(&self) -> bool {
        match self {
            Meaning::Unknown(_) => true,
            Meaning::Range(a, b) => a.is_unknown() || b.is_unknown(),
            Meaning::List(items) => items.iter().any(Meaning::is_unknown),
            Meaning::Object(fields) => fields.iter().any(|(_, value)| value.is_unknown()),
            _ => false,
        }
    }

    /// A constant quantity in base units.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Meaning::Quantity(value, _) => Some(*value),
            Meaning::Exact(digits) => digits.parse().ok(),
            Meaning::Rate(rate) => Some(rate.per_second()),
            _ => None,
        }
    }

    /// A whole number without a unit, in all its digits.
    pub(super) fn whole(&self) -> Option<i128> {
        match self {
            Meaning::Quantity(value, Type::Number | Type::Count) => {
                (value.fract() == 0.0 && value.abs() < i128::MAX as f64).then_some(*value as i128)
            }
            Meaning::Exact(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// As an expression that the run evaluates.
    pub(super) fn expr(&self) -> Option<Expr> {
        Some(match self {
            Meaning::Null | Meaning::Unknown(_) => Expr::Null,
            Meaning::Bool(value) => Expr::Bool(*value),
            Meaning::Text(text, _) => Expr::Text(vec![Piece::Literal(text.clone())]),
            Meaning::Quantity(value, _) => Expr::Number(*value),
            Meaning::Exact(digits) => Expr::Exact(digits.clone()),
            Meaning::Rate(rate) => Expr::Number(rate.per_second()),
            Meaning::List(items) => Expr::List(items.iter().map(Meaning::expr).collect::<Option<_>>()?),
            Meaning::Object(fields) => Expr::Object(
                fields.iter().map(|(name, value)| Some((name.text.clone(), value.expr()?))).collect::<Option<_>>()?,
            ),
            Meaning::Run(expr, _) | Meaning::Row(expr, _) => expr.clone(),
            _ => return None,
        })
    }

    /// As something to compare with measurements.
    pub(super) fn measured(&self) -> Option<Measured<Metric>> {
        Some(match self {
            Meaning::Measured(measured) => measured.clone(),
            Meaning::Bool(_) | Meaning::Text(..) | Meaning::Null | Meaning::List(_) | Meaning::Object(_) => {
                Measured::Constant { value: 0.0, unit: self.kind() }
            }
            _ => Measured::Constant { value: self.number()?, unit: self.kind() },
        })
    }

    /// As a text, in pieces where some of it is known only later.
    pub(super) fn pieces(&self) -> Option<Vec<Piece>> {
        Some(match self {
            Meaning::Text(text, _) => vec![Piece::Literal(text.clone())],
            Meaning::Run(Expr::Text(pieces), _) => pieces.clone(),
            Meaning::Run(expr, _) => vec![Piece::Value(expr.clone())],
            Meaning::Unknown(_) => Vec::new(),
            _ => vec![Piece::Value(self.expr()?)],
        })
    }
}

fn definition_kind(item: &ast::Item) -> Type {
    match item {
        ast::Item::Fault(_) => Type::Fault,
        ast::Item::System(_) => Type::System,
        ast::Item::Flow(_) => Type::Flow,
        ast::Item::Shape(_) => Type::Shape,
        ast::Item::Expectation(_) => Type::Expectation,
        ast::Item::Scenario(_) => Type::Scenario,
        ast::Item::Suite(_) => Type::Suite,
        _ => Type::Wrong,
    }
}

/// The fields of an object, and where each value is written: the whole expression where that only names the object.
pub(super) fn placed<'v, 'a, 'e>(
    fields: &'v [(Name, Meaning<'a>)],
    expr: &'e ast::Expr,
) -> impl Iterator<Item = (&'v Name, &'v Meaning<'a>, &'e ast::Expr)> {
    let written = if let ast::ExprKind::Object(written) = &expr.kind { written.as_slice() } else { &[] };
    fields.iter().map(move |(name, value)| {
        let own = written.iter().find(|field| field.label.span == name.span);
        (name, value, own.map_or(expr, |field| &field.value))
    })
}
