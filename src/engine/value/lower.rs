//! From an expression of a plan to one that can be evaluated, in one walk and once per run: paths and patterns get numbers,
//! values that the run knows are inserted, and what is computed from secrets is masked. Values that are the same for all users
//! are masked like secrets, before anything is written. Values that each iteration computes are kept in their own slots and
//! masked where something of that iteration is written. So the mask does not grow with requests, and a flow without computed
//! secrets costs nothing extra.

use super::code::{Check, Code, ItemCode, PathCode, Piece};
use super::{Paths, Value, nobody};
use crate::check::program::values;
use crate::engine::secret::Mask;
use crate::engine::secret::taint::{Heard, Taint, assigned};
use crate::plan::{self, AnswerPart, Binary, Expr, Flow, ItemPlace, PathText, Record};
use std::collections::HashMap;
use std::ops::Range;

/// What a plan leaves open, as a run comes to know it.
pub trait Resolve {
    /// A secret, a port or a field of a part as a constant; none while it is not known.
    fn constant(&self, expr: &Expr) -> Option<Expr>;
    /// Whether a secret can be got back from it.
    fn reveals(&self, expr: &Expr) -> bool;
}

/// What is looked for, each thing once: an expression has its number.
#[derive(Debug, Default)]
pub struct Sought {
    pub paths: Names,
    pub patterns: Names,
    pub selectors: Names,
    /// Of all data.
    pub columns: Names,
}

/// Texts by number.
#[derive(Debug, Default)]
pub struct Names {
    all: Vec<String>,
    places: HashMap<String, usize>,
}

impl Names {
    fn number(&mut self, text: &str) -> usize {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        self.all.push(text.to_owned());
        self.places.insert(text.to_owned(), self.all.len() - 1);
        self.all.len() - 1
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(String::as_str)
    }
}

pub struct Lowerer<'r> {
    open: &'r dyn Resolve,
    mask: &'r Mask,
    pub sought: Sought,
    taint: Taint<'r>,
    heard: Heard,
    /// By ledger: what its keys are.
    keys: Vec<Keys>,
    own: Own,
}

#[derive(Clone, Copy, Default)]
struct Keys {
    /// A secret can be got back from one.
    secret: bool,
    /// An answer may have said one.
    heard: bool,
}

/// What is known of the flow that is lowered.
#[derive(Default)]
struct Own {
    /// How often something is put into each slot.
    given: Vec<usize>,
    /// The values of slots that are given one value alone, which is the same for all.
    constants: HashMap<usize, Value>,
    derived: Range<usize>,
}

impl<'r> Lowerer<'r> {
    pub fn new(open: &'r dyn Resolve, mask: &'r Mask) -> Lowerer<'r> {
        let (sought, taint) = (Sought::default(), Taint::new(open));
        Lowerer { open, mask, sought, taint, heard: Heard::default(), keys: Vec::new(), own: Own::default() }
    }

    /// A flow begins that has so many slots. The first of them may hold a key of a ledger.
    pub fn begin(&mut self, flow: &Flow, slots: usize, ledger: Option<usize>) {
        let keys = ledger.and_then(|ledger| self.keys.get(ledger).copied()).unwrap_or_default();
        self.taint.begin(flow, keys.secret);
        self.heard.begin(flow, keys.heard);
        let mut given = vec![0; flow.slots];
        assigned(&flow.steps).into_iter().for_each(|(slot, _)| given[slot] += 1);
        self.own = Own { given, constants: HashMap::new(), derived: slots..slots };
    }

    /// The flow was one of the setup, whose values the flows after it read.
    pub fn end_setup(&mut self) {
        self.taint.end_setup();
        self.heard.end_setup();
    }

    /// The slots of the flow for what is computed from secrets, so far.
    pub fn derived(&self) -> Range<usize> {
        self.own.derived.clone()
    }

    pub fn text(&mut self, pieces: &[plan::Piece]) -> Vec<Piece> {
        let piece = |piece: &plan::Piece| match piece {
            plan::Piece::Literal(text) => Piece::Literal(text.clone()),
            plan::Piece::Value(value) => Piece::Value(self.expr(value)),
        };
        pieces.iter().map(piece).collect()
    }

    pub fn mask(&self) -> &Mask {
        self.mask
    }

    /// Whether an answer may have said something of it.
    pub fn is_heard(&self, pieces: &[plan::Piece]) -> bool {
        values(pieces).any(|value| self.heard.holds(value))
    }

    pub fn fields(&mut self, fields: &[(String, Expr)]) -> Vec<(String, Code)> {
        fields.iter().map(|(name, value)| (name.clone(), self.expr(value))).collect()
    }

    pub fn checks(&mut self, checks: &[plan::Check]) -> Vec<Check> {
        let check = |check: &plan::Check| Check { text: check.text.clone(), condition: self.expr(&check.condition) };
        checks.iter().map(check).collect()
    }

    /// The key of an entry.
    pub fn key(&mut self, record: &Record) -> Code {
        self.keys.resize(self.keys.len().max(record.ledger + 1), Keys::default());
        let keys = &mut self.keys[record.ledger];
        keys.secret |= self.taint.holds(&record.key);
        keys.heard |= self.heard.holds(&record.key);
        self.expr(&record.key)
    }

    /// What a `let` puts into a slot.
    pub fn given(&mut self, slot: usize, value: &Expr) -> Code {
        let value = self.expr(value);
        if self.own.given.get(slot) == Some(&1)
            && let Some(constant) = self.constant(&value)
        {
            self.own.constants.insert(slot, constant);
        }
        value
    }

    pub fn expr(&mut self, expr: &Expr) -> Code {
        match expr {
            Expr::Null => Code::Null,
            Expr::Bool(value) => Code::Bool(*value),
            Expr::Number(value) => Code::Number(*value),
            Expr::Exact(digits) => Code::Exact(digits.clone()),
            Expr::Text(pieces) => Code::Text(self.text(pieces)),
            Expr::List(items) => Code::List(items.iter().map(|item| self.expr(item)).collect()),
            Expr::Object(fields) => Code::Object(self.fields(fields)),
            Expr::Slot(slot) => Code::Slot(*slot),
            Expr::UserId => Code::UserId,
            Expr::Uuid => Code::Uuid,
            Expr::Random { least, most } => Code::Random { least: *least, most: *most },
            Expr::Status(response) => Code::Status(*response),
            Expr::Latency(response) => Code::Latency(*response),
            Expr::BodyText(response) => Code::BodyText(*response),
            Expr::Json { response, path } => Code::Json { response: *response, path: self.path(path) },
            Expr::Header { response, name } => Code::Header { response: *response, name: name.clone() },
            Expr::Answer { response, part, argument, attribute } => {
                self.answer((*response, *part), argument, attribute)
            }
            Expr::Not(inner) => Code::Not(self.boxed(inner)),
            Expr::Negate(inner) => Code::Negate(self.boxed(inner)),
            Expr::Binary { operator: Binary::Matches, left, right } => self.matches(left, right),
            Expr::Binary { operator, left, right } => {
                Code::Binary { operator: *operator, left: self.boxed(left), right: self.boxed(right) }
            }
            Expr::Secret(_) | Expr::Part { .. } | Expr::Port(_) => {
                self.open.constant(expr).map_or(Code::Unknown, |known| self.expr(&known))
            }
            Expr::Setup(place) => Code::Setup(*place),
            Expr::Row { data, pick } => Code::Row { data: *data, pick: *pick },
            Expr::Column { row, column } => {
                Code::Column { row: self.boxed(row), column: self.sought.columns.number(column) }
            }
            Expr::Url { response, reference } => {
                let url = Code::Url { response: *response, reference: self.boxed(reference) };
                if self.taint.holds(expr) { self.hidden(url) } else { url }
            }
            Expr::Assets { response, others } => Code::Assets { response: *response, others: self.boxed(others) },
            Expr::Get { value, path } => Code::Get { value: self.boxed(value), path: self.path(path) },
            Expr::Count(list) => Code::Count(self.boxed(list)),
            Expr::Item { list, place } => Code::Item { list: self.boxed(list), place: self.place(place) },
            Expr::Sample { list, size } => Code::Sample { list: self.boxed(list), size: self.boxed(size) },
            Expr::Call { function, arguments } => {
                let arguments = arguments.iter().map(|argument| self.expr(argument)).collect();
                let call = Code::Call { function: *function, arguments };
                if self.taint.holds(expr) { self.hidden(call) } else { call }
            }
            // A scenario with these is refused before it is run.
            Expr::Iteration | Expr::Property(_) => Code::Unknown,
        }
    }

    fn boxed(&mut self, expr: &Expr) -> Box<Code> {
        Box::new(self.expr(expr))
    }

    fn matches(&mut self, text: &Expr, pattern: &Expr) -> Code {
        match pattern {
            Expr::Text(pieces) if let [plan::Piece::Literal(pattern)] = pieces.as_slice() => {
                Code::Matches { text: self.boxed(text), pattern: self.sought.patterns.number(pattern) }
            }
            _ => Code::Unknown,
        }
    }

    fn path(&mut self, path: &PathText) -> PathCode {
        match path {
            PathText::Known(path) => PathCode::Known(self.sought.paths.number(path)),
            PathText::Made(pieces) => PathCode::Made(self.text(pieces)),
        }
    }

    fn place(&mut self, place: &ItemPlace) -> ItemCode {
        match place {
            ItemPlace::First => ItemCode::First,
            ItemPlace::Last => ItemCode::Last,
            ItemPlace::At(index) => ItemCode::At(self.boxed(index)),
            ItemPlace::Random => ItemCode::Random,
        }
    }

    fn answer(
        &mut self,
        (response, part): (usize, AnswerPart),
        argument: &Option<String>,
        attribute: &Option<String>,
    ) -> Code {
        match (part, argument) {
            (AnswerPart::Regex, Some(pattern)) => {
                Code::Regex { response, pattern: self.sought.patterns.number(pattern) }
            }
            (AnswerPart::Css, Some(selector)) => {
                Code::Css { response, selector: self.sought.selectors.number(selector), attribute: attribute.clone() }
            }
            (AnswerPart::Size, _) => Code::Size { response, on_the_wire: false },
            (AnswerPart::WireSize, _) => Code::Size { response, on_the_wire: true },
            (AnswerPart::Affected, _) => Code::Affected(response),
            (AnswerPart::Regex | AnswerPart::Css, None) => Code::Unknown,
        }
    }

    /// Something that is computed from a secret.
    fn hidden(&mut self, value: Code) -> Code {
        if let Some(constant) = self.constant(&value) {
            self.mask.learn(super::derived::texts(&constant));
            return value;
        }
        let slot = self.own.derived.end;
        self.own.derived.end += 1;
        Code::Derived { slot, value: Box::new(value) }
    }

    /// The value of an expression that is the same for all.
    fn constant(&self, code: &Code) -> Option<Value> {
        let known = &self.own.constants;
        if !code.is_constant(|slot| known.contains_key(&slot)) {
            return None;
        }
        let mut frame = nobody();
        frame.slots = vec![Value::Null; known.keys().max().map_or(0, |last| last + 1)];
        known.iter().for_each(|(slot, value)| frame.slots[*slot] = value.clone());
        frame.eval(code, &Paths::default()).ok()
    }
}

#[cfg(test)]
mod tests;
