//! Limits on computed values: each value separately, and all values of a compilation. A value that contains another twice doubles
//! with every step, so a few lines could fill the memory of any machine.

use super::condition::{Condition, Measured};
use super::meaning::Meaning;
use super::program::{Expr, Metric, MetricKey, PathText, Piece, Stated};
use super::session::ScenarioChecker;
use crate::base::Span;
use crate::diag::{Code, Diagnostic};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// Parts, and the bytes of the texts in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) parts: usize,
    pub(super) bytes: usize,
}

/// Of one value.
pub(super) const VALUE: Size = Size { parts: 100_000, bytes: 16 << 20 };
/// Of all values together.
const ALL: Size = Size { parts: 2_000_000, bytes: 256 << 20 };

/// Of all regular expressions together, as they are compiled.
const PATTERNS: usize = 256 << 20;

const ONE: Size = Size { parts: 1, bytes: 0 };

impl Size {
    fn exceeds(self, most: Size) -> bool {
        self.parts > most.parts || self.bytes > most.bytes
    }

    pub(super) fn plus(self, other: Size) -> Size {
        Size { parts: self.parts.saturating_add(other.parts), bytes: self.bytes.saturating_add(other.bytes) }
    }

    pub(super) fn times(self, count: usize) -> Size {
        Size { parts: self.parts.saturating_mul(count), bytes: self.bytes.saturating_mul(count) }
    }

    fn of_all(sizes: impl Iterator<Item = Size>) -> Size {
        sizes.fold(ONE, Size::plus)
    }

    fn of_text(text: &str) -> Size {
        Size { parts: 1, bytes: text.len() }
    }
}

/// What was taken of the budget so far.
#[derive(Debug, Default)]
pub(super) struct Spent {
    pub(super) instances: Cell<usize>,
    size: Cell<Size>,
    is_over: Cell<bool>,
    /// Whether a too large value was reported. Later ones are usually built from it.
    is_said: Cell<bool>,
    /// Regular expressions that were compiled, each with why it cannot be.
    patterns: RefCell<HashMap<String, Option<String>>>,
    /// What they may have taken.
    pattern_bytes: Cell<usize>,
}

impl ScenarioChecker<'_, '_> {
    /// Takes something of what all values have together; false where nothing is left, which is said once.
    pub(super) fn spend(&mut self, size: Size, span: Span) -> bool {
        let spent = &self.world.spent;
        if spent.is_over.get() {
            return false;
        }
        spent.size.set(spent.size.get().plus(size));
        if !spent.size.get().exceeds(ALL) {
            return true;
        }
        spent.is_over.set(true);
        if spent.is_said.replace(true) {
            return false;
        }
        let message = match spent.size.get().bytes > ALL.bytes {
            true => "the texts of all values take more than 256 MiB together",
            false => "all values have more than 2,000,000 parts together",
        };
        let problem = Diagnostic::new(Code::E0311, message, span, "here it is too much");
        self.push(problem.help("put large contents into files of their own, and many values into a data file"));
        false
    }

    /// Why a text is no regular expression. When all together have taken what they may, no other one is compiled, which is
    /// said once.
    pub(super) fn unusable_pattern(&mut self, pattern: &str, span: Span) -> Option<String> {
        /// What each try may take: the last is what one may have, and most do with the first ones.
        const TRIES: [usize; 4] = [16 << 10, 128 << 10, 1 << 20, 10 << 20];
        let spent = &self.world.spent;
        if let Some(known) = spent.patterns.borrow().get(pattern) {
            return known.clone();
        }
        let before = spent.pattern_bytes.get();
        if before >= PATTERNS {
            spent.pattern_bytes.set(usize::MAX);
            if before < usize::MAX {
                let message = "the regular expressions take more than 256 MiB together, as they are compiled";
                let problem = Diagnostic::new(Code::E0311, message, span, "here it is too much");
                self.push(problem.help("write shorter repetitions than `{400}`, and `[0-9a-z_]` for `\\w`"));
            }
            return None;
        }
        let mut why = None;
        for limit in TRIES {
            spent.pattern_bytes.set(spent.pattern_bytes.get() + limit);
            let error = regex::RegexBuilder::new(pattern).size_limit(limit).build().err();
            why = error.as_ref().map(ToString::to_string);
            if !matches!(error, Some(regex::Error::CompiledTooBig(_))) {
                break;
            }
        }
        spent.patterns.borrow_mut().insert(pattern.to_owned(), why.clone());
        why
    }

    /// Whether a value may become so large.
    pub(super) fn may_hold(&mut self, size: Size, span: Span) -> bool {
        if !size.exceeds(VALUE) {
            return true;
        }
        if self.world.spent.is_said.replace(true) {
            return false;
        }
        let problem = match size.bytes > VALUE.bytes {
            true => Diagnostic::new(Code::E0311, "this value takes more than 16 MiB", span, "too large")
                .help("send large contents from a file of their own: `body: file(\"…\")`"),
            false => Diagnostic::new(Code::E0311, "this value has more than 100,000 parts", span, "too large")
                .help("put many values into a data file, and read them with `data NAME = csv(\"…\")`"),
        };
        self.push(problem);
        false
    }
}

impl Meaning<'_> {
    pub(super) fn size(&self) -> Size {
        match self {
            Meaning::Text(text, _) => Size::of_text(text),
            Meaning::Range(a, b) => Size::of_all([a.size(), b.size()].into_iter()),
            Meaning::List(items) => Size::of_all(items.iter().map(Meaning::size)),
            Meaning::Object(fields) => {
                Size::of_all(fields.iter().map(|(name, value)| value.size().plus(Size::of_text(&name.text))))
            }
            Meaning::Run(expr, _) | Meaning::Row(expr, _) => of_expr(expr),
            Meaning::Measured(measured) => of_measured(measured),
            Meaning::Condition(condition) => of_condition(condition),
            Meaning::Unknown(_)
            | Meaning::Null
            | Meaning::Delivery(_)
            | Meaning::Bool(_)
            | Meaning::Quantity(..)
            | Meaning::Exact(_)
            | Meaning::Rate(_) => ONE,
            Meaning::Answer(_)
            | Meaning::Moment(_)
            | Meaning::Window(..)
            | Meaning::Samples(..)
            | Meaning::Series(_) => ONE,
            Meaning::Part(..)
            | Meaning::Fault(..)
            | Meaning::System(_)
            | Meaning::Steps(_)
            | Meaning::Module(_)
            | Meaning::Definition(..) => ONE,
        }
    }
}

pub(super) fn of_pieces(pieces: &[Piece]) -> Size {
    Size::of_all(pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => Size::of_text(text),
        Piece::Value(expr) => of_expr(expr),
    }))
}

fn of_expr(expr: &Expr) -> Size {
    match expr {
        Expr::Text(pieces) => of_pieces(pieces),
        Expr::List(items) | Expr::Call { arguments: items, .. } => Size::of_all(items.iter().map(of_expr)),
        Expr::Object(fields) => {
            Size::of_all(fields.iter().map(|(name, value)| of_expr(value).plus(Size::of_text(name))))
        }
        Expr::Not(inner) | Expr::Negate(inner) | Expr::Count(inner) => ONE.plus(of_expr(inner)),
        Expr::Url { reference: inner, .. } | Expr::Assets { others: inner, .. } => ONE.plus(of_expr(inner)),
        Expr::Column { row: inner, column: text } => of_expr(inner).plus(Size::of_text(text)),
        Expr::Get { value, path } => of_expr(value).plus(of_path(path)),
        Expr::Item { list, place } => of_expr(list).plus(place.index().map_or(ONE, of_expr)),
        Expr::Binary { left, right, .. } | Expr::Sample { list: left, size: right } => {
            ONE.plus(of_expr(left)).plus(of_expr(right))
        }
        Expr::Json { path, .. } => of_path(path),
        Expr::Header { name, .. } => Size::of_text(name),
        Expr::Null
        | Expr::Bool(_)
        | Expr::Number(_)
        | Expr::Exact(_)
        | Expr::Slot(_)
        | Expr::UserId
        | Expr::Iteration => ONE,
        Expr::Uuid | Expr::Random { .. } | Expr::Status(_) | Expr::Latency(_) | Expr::BodyText(_) => ONE,
        Expr::Secret(_) | Expr::Part { .. } | Expr::Setup(_) | Expr::Port(_) | Expr::Row { .. } => ONE,
        Expr::Answer { argument, .. } => argument.as_deref().map_or(ONE, Size::of_text),
        Expr::Property(_) => ONE,
    }
}

fn of_path(path: &PathText) -> Size {
    match path {
        PathText::Known(path) => Size::of_text(path),
        PathText::Made(pieces) => of_pieces(pieces),
    }
}

fn of_key(key: &MetricKey) -> Size {
    let texts = [&key.function, &key.of].into_iter().chain(&key.matching).chain(&key.scopes).chain(&key.argument);
    Size { parts: 1, bytes: texts.map(String::len).sum() }
}

fn of_measured(measured: &Measured<Metric>) -> Size {
    match measured {
        Measured::Constant { .. } => ONE,
        Measured::Metric { key, .. } | Measured::Baseline { of: key, .. } => of_key(key),
        Measured::Arithmetic { left, right, .. } => ONE.plus(of_measured(left)).plus(of_measured(right)),
    }
}

fn of_condition(condition: &Stated) -> Size {
    match condition {
        Condition::Compare { left, right, .. } | Condition::Within { left, right, .. } => {
            ONE.plus(of_measured(left)).plus(of_measured(right))
        }
        Condition::And(a, b) | Condition::Or(a, b) => ONE.plus(of_condition(a)).plus(of_condition(b)),
        Condition::Not(inner) => ONE.plus(of_condition(inner)),
        Condition::Holds(measured) => of_measured(measured),
        Condition::Becomes { condition, .. } | Condition::InEvery { condition, .. } => {
            ONE.plus(of_condition(condition))
        }
        Condition::Alert(_) => ONE,
    }
}
