//! Values of a flow while it runs, and the evaluation of its expressions.

pub mod answered;
mod assets;
mod choices;
pub mod code;
pub mod derived;
pub mod document;
pub mod explain;
pub mod files;
pub mod functions;
pub mod html;
mod json;
mod lists;
pub mod lower;
pub mod number;
pub mod path;
pub mod pattern;
pub mod rows;
pub mod selector;

use crate::base::decimal;
use crate::check::program::Pick;
use crate::measure::Failure;
use crate::plan::Binary;
use crate::wire::room::{Full, TOO_MUCH};
use answered::Answered;
pub use choices::Choices;
use code::{Code, Piece};
use files::Files;
use lists::has_item;
use lower::Sought;
use number::{computed, negated, of_number, order};
pub use number::{number, same};
use path::JsonPath;
use pattern::Pattern;
use rows::{PickSite, Reader, Table, Uses};
use selector::Selector;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What expressions need in addition to the iteration: what they look for, compiled, and the rows of data.
#[derive(Default)]
pub struct Paths {
    queries: Vec<Option<Rc<JsonPath>>>,
    /// Those that were made, by their texts.
    made: RefCell<HashMap<String, Rc<JsonPath>>>,
    patterns: Vec<Option<Pattern>>,
    selectors: Vec<Option<Selector>>,
    pub tables: Reader,
    pub files: Arc<Files>,
    /// Which rows are whose.
    pub uses: Uses,
    /// What the setup named.
    pub setup: Vec<Value>,
}

impl Paths {
    /// The checker has compiled each once.
    pub fn new(sought: &Sought, (tables, files): (Arc<Vec<Table>>, Arc<Files>), uses: Uses, setup: &[Plain]) -> Paths {
        Paths {
            queries: sought.paths.iter().map(|path| JsonPath::new(path).map(Rc::new)).collect(),
            made: RefCell::default(),
            patterns: sought.patterns.iter().map(Pattern::new).collect(),
            selectors: sought.selectors.iter().map(Selector::parse).collect(),
            tables: Reader::new(tables, &sought.columns),
            files,
            uses,
            setup: setup.iter().map(Plain::value).collect(),
        }
    }

    /// Nothing but files.
    pub fn of_files(files: Arc<Files>) -> Paths {
        Paths { files, ..Paths::default() }
    }

    /// One that was made, compiled. Loops make the same ones again.
    fn made(&self, path: String) -> Result<Rc<JsonPath>, Unusable> {
        let mut all = self.made.borrow_mut();
        if let Some(known) = all.get(&path) {
            return Ok(known.clone());
        }
        let compiled = Rc::new(JsonPath::new(&path).ok_or(Unusable::Missing)?);
        if all.len() >= MADE {
            all.clear();
        }
        all.insert(path, compiled.clone());
        Ok(compiled)
    }
}

/// How long a text may be looked into that is not an answer, and so belongs to no step: a worker does nothing else meanwhile.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// So many paths that were made are kept.
const MADE: usize = 1024;

fn found<T>(compiled: &[Option<T>], number: usize) -> Result<&T, Unusable> {
    compiled.get(number).and_then(Option::as_ref).ok_or(Unusable::Missing)
}

/// How many of each place were taken.
type Taken = Rc<RefCell<Vec<(PickSite, u64)>>>;

/// Who takes rows now, and which were taken in this iteration.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    pub load: usize,
    pub part: usize,
    /// The number of the iteration, from 0.
    pub turn: u64,
    /// In what is done once per user: which block, and the number of this time.
    once: Option<(usize, u64)>,
    /// Those who do something at a time take from one count. Made where it is needed: an iteration without rows is not
    /// to look for it.
    taken: Option<Taken>,
}

impl Rows {
    pub fn begin(&mut self, load: usize, part: usize, turn: u64) {
        if let Some(taken) = &self.taken {
            taken.borrow_mut().clear();
        }
        (self.load, self.part, self.turn, self.once) = (load, part, turn, None);
    }

    /// What is done once takes rows of its own, and again new ones where it is done again.
    pub fn begin_once(&mut self, block: usize, number: u64) {
        if let Some(taken) = &self.taken {
            taken.borrow_mut().retain(|(place, _)| place.once != Some(block));
        }
        self.once = Some((block, number));
    }

    /// For somebody who goes on from here next to others.
    pub fn shared(&mut self) -> Rows {
        self.taken.get_or_insert_default();
        self.clone()
    }

    pub fn end_once(&mut self) {
        self.once = None;
    }

    /// The number of this use among all of the run. Of picks that no number decides any does.
    fn next(&mut self, uses: &Uses, data: usize, pick: Pick) -> Option<u64> {
        let once = self.once.map(|(block, _)| block);
        let place = uses.known(PickSite { load: self.load, part: self.part, data, pick, once });
        let mut taken = self.taken.get_or_insert_default().borrow_mut();
        let nth = match taken.iter_mut().find(|(own, _)| *own == place) {
            Some((_, taken)) => {
                *taken += 1;
                *taken
            }
            None => {
                taken.push((place, 0));
                0
            }
        };
        // In a setup the first rows are taken.
        let Some(lane) = uses.lane(place) else { return Some(nth) };
        let turn = self.once.filter(|_| place.once.is_some()).map_or(self.turn, |(_, number)| number);
        lane.number(turn, nth)
    }
}

#[derive(Debug, Clone, Default)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    /// One that is written as the float is.
    Number(f64),
    /// Another one, by its spelling: with more digits, or as nobody would write it who computed it.
    Exact(Rc<str>),
    Text(Rc<str>),
    /// A text of a header whose bytes are no UTF-8: each byte is the character of its number, as which a header sends it.
    Latin1(Rc<str>),
    Json(Rc<serde_json::Value>),
    /// A row of a data.
    Row(usize, u64),
}

/// A value that goes from one thread to another.
#[derive(Debug, Clone)]
pub enum Plain {
    Null,
    Bool(bool),
    Number(f64),
    Exact(String),
    Text(String),
    Latin1(String),
    Json(serde_json::Value),
    Row(usize, u64),
}

impl Value {
    /// What it says, where it is a text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) | Value::Latin1(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Exact(_) | Value::Json(_) | Value::Row(..) => None,
        }
    }
}

impl Plain {
    pub fn of(value: &Value) -> Plain {
        match value {
            Value::Null => Plain::Null,
            Value::Bool(value) => Plain::Bool(*value),
            Value::Number(value) => Plain::Number(*value),
            Value::Exact(digits) => Plain::Exact(digits.to_string()),
            Value::Text(text) => Plain::Text(text.to_string()),
            Value::Latin1(text) => Plain::Latin1(text.to_string()),
            Value::Json(value) => Plain::Json((**value).clone()),
            Value::Row(data, row) => Plain::Row(*data, *row),
        }
    }

    fn value(&self) -> Value {
        match self {
            Plain::Null => Value::Null,
            Plain::Bool(value) => Value::Bool(*value),
            Plain::Number(value) => Value::Number(*value),
            Plain::Exact(digits) => Value::Exact(digits.as_str().into()),
            Plain::Text(text) => Value::Text(text.as_str().into()),
            Plain::Latin1(text) => Value::Latin1(text.as_str().into()),
            Plain::Json(value) => Value::Json(Rc::new(value.clone())),
            Plain::Row(data, row) => Value::Row(*data, *row),
        }
    }
}

/// What one iteration knows.
pub struct Frame {
    pub slots: Vec<Value>,
    pub answers: Vec<Rc<Answered>>,
    pub user: u64,
    /// The number of the iteration in its load.
    pub number: u64,
    /// The number of the iteration in its part of the load.
    pub turn: u64,
    pub choices: Choices,
    pub rows: Rows,
    /// The slots of what was computed from secrets.
    pub derived: Range<usize>,
}

/// Why a value that a step needs cannot be had: the iteration fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// It is not there, or is no such value.
    Missing,
    /// What it is looked for in is larger than anybody looks into; says how.
    TooLarge(&'static str),
    /// To look for it took longer than the step may take.
    Late,
}

impl From<Full> for Unusable {
    fn from(_: Full) -> Unusable {
        Unusable::TooLarge(TOO_MUCH)
    }
}

impl Unusable {
    pub fn failure(self) -> Failure {
        match self {
            Unusable::Missing => Failure::Data,
            Unusable::TooLarge(_) => Failure::TooLarge,
            Unusable::Late => Failure::Timeout,
        }
    }

    /// Where there is more to say than that it is not there.
    pub fn because(self) -> Option<String> {
        match self {
            Unusable::Missing => None,
            Unusable::TooLarge(why) => Some(format!("the answer is not looked into: {why}")),
            Unusable::Late => Some("to look into the answer took longer than the step may take".to_owned()),
        }
    }
}

impl Frame {
    /// Another iteration: the answers of the one before, maybe of somebody else, are none of its business.
    pub fn begin(&mut self, user: u64, number: u64) {
        (self.user, self.number) = (user, number);
        self.choices.begin(number);
        (0..self.answers.len()).for_each(|answer| self.forget(answer));
    }

    /// What it has computed from secrets.
    pub fn secrets(&self) -> Vec<String> {
        self.slots[self.derived.clone()].iter().flat_map(derived::texts).collect()
    }

    pub fn forget(&mut self, answer: usize) {
        if self.answers[answer].status != 0 {
            self.answer_mut(answer).clear();
        }
    }

    /// An answer to be written. One that a user keeps stays as it is.
    pub fn answer_mut(&mut self, answer: usize) -> &mut Answered {
        let own = &mut self.answers[answer];
        if Rc::get_mut(own).is_none() {
            *own = Rc::default();
        }
        Rc::get_mut(own).expect("it is new where it was shared")
    }

    pub fn eval(&mut self, expr: &Code, paths: &Paths) -> Result<Value, Unusable> {
        Ok(match expr {
            Code::Null => Value::Null,
            Code::Bool(value) => Value::Bool(*value),
            Code::Number(value) => Value::Number(*value),
            Code::Exact(digits) => Value::Exact(digits.as_str().into()),
            Code::Text(pieces) => {
                if let [Piece::Literal(text)] = pieces.as_slice() {
                    return Ok(Value::Text(text.as_str().into()));
                }
                let mut text = String::new();
                self.write(pieces, paths, &mut text)?;
                Value::Text(text.into())
            }
            Code::List(_) | Code::Object(_) => Value::Json(Rc::new(self.json(expr, paths)?)),
            Code::Slot(slot) => self.slots[*slot].clone(),
            Code::UserId => Value::Number(self.user as f64),
            Code::Uuid => Value::Text(self.choices.uuid().into()),
            Code::Random { least, most } => {
                Value::Number((least + self.choices.fraction() * (most - least + 1.0)).floor())
            }
            Code::Status(answer) | Code::Latency(answer) if self.answers[*answer].status == 0 => Value::Null,
            Code::Affected(answer) if self.answers[*answer].status == 0 => Value::Null,
            Code::Affected(answer) => Value::Number(self.answers[*answer].affected as f64),
            Code::Size { response, .. } if self.answers[*response].status == 0 => Value::Null,
            Code::Size { response, on_the_wire: true } => Value::Number(self.answers[*response].wire_size as f64),
            Code::Size { response, on_the_wire: false } => Value::Number(self.answers[*response].body.len() as f64),
            Code::Status(answer) => Value::Number(f64::from(self.answers[*answer].status)),
            Code::Latency(answer) => Value::Number(self.answers[*answer].latency as f64),
            Code::BodyText(answer) => Value::Text(self.answers[*answer].text().into()),
            Code::Header { response, name } => self.answers[*response].header(name).unwrap_or_default(),
            Code::Json { response, path } => {
                let path = self.path(path, paths)?;
                self.answers[*response].found(&path)?
            }
            Code::Not(inner) => Value::Bool(!truth(&self.eval(inner, paths)?)),
            Code::Negate(inner) => negated(&self.eval(inner, paths)?).ok_or(Unusable::Missing)?,
            Code::Binary { operator, left, right } => self.binary(*operator, left, right, paths)?,
            Code::Setup(place) => paths.setup.get(*place).ok_or(Unusable::Missing)?.clone(),
            Code::Row { data, pick } => {
                let all = paths.tables.rows(*data).ok_or(Unusable::Missing)?;
                let Frame { rows, choices, user, .. } = self;
                let number = rows.next(&paths.uses, *data, *pick).ok_or(Unusable::Missing)?;
                let row = rows::pick(*pick, all, number, *user, &mut || choices.next());
                Value::Row(*data, row.ok_or(Unusable::Missing)?)
            }
            Code::Column { row, column } => match self.eval(row, paths)? {
                Value::Row(data, row) => paths.tables.value(data, row, *column).ok_or(Unusable::Missing)?,
                _ => return Err(Unusable::Missing),
            },
            Code::Matches { text, pattern } => {
                Value::Bool(self.matches(text, found(&paths.patterns, *pattern)?, paths)?)
            }
            Code::Regex { response, pattern } => self.answers[*response].matched(found(&paths.patterns, *pattern)?)?,
            Code::Css { response, selector, attribute } => {
                self.answers[*response].selected(found(&paths.selectors, *selector)?, attribute.as_deref())?
            }
            Code::Unknown => return Err(Unusable::Missing),
            Code::Url { response, reference } => match self.eval(reference, paths)? {
                Value::Null => Value::Null,
                reference => {
                    let mut text = String::new();
                    write_plain(&reference, &mut text)?;
                    self.answers[*response].url_of(&text).map_or(Value::Null, |url| Value::Text(url.into()))
                }
            },
            Code::Assets { response, others } => {
                let others = self.eval(others, paths)?;
                self.answers[*response].assets(&lists::urls(&others)?)?
            }
            Code::Get { value, path } => match self.eval(value, paths)? {
                Value::Json(document) => self.path(path, paths)?.found(&document)?,
                // In what is no object there is nothing to find.
                _ if self.path(path, paths)?.is_singular() => Value::Null,
                _ => Value::Json(Rc::new(serde_json::Value::Array(Vec::new()))),
            },
            Code::Count(list) => self.count(list, paths)?,
            Code::Item { list, place } => self.item(list, place, paths)?,
            Code::Sample { list, size } => self.sample(list, size, paths)?,
            Code::Derived { slot, value } => {
                let value = self.eval(value, paths)?;
                if let Some(kept) = self.slots.get_mut(*slot) {
                    kept.clone_from(&value);
                }
                value
            }
            Code::Call { function, arguments } => {
                let values: Result<Vec<Value>, Unusable> = arguments.iter().map(|one| self.eval(one, paths)).collect();
                functions::call(*function, &values?, &mut || self.choices.next()).ok_or(Unusable::Missing)?
            }
        })
    }

    fn binary(&mut self, operator: Binary, left: &Code, right: &Code, paths: &Paths) -> Result<Value, Unusable> {
        let l = self.eval(left, paths)?;
        match operator {
            Binary::And => return Ok(Value::Bool(truth(&l) && truth(&self.eval(right, paths)?))),
            Binary::Or => return Ok(Value::Bool(truth(&l) || truth(&self.eval(right, paths)?))),
            Binary::In if let Code::Binary { operator: Binary::Range, left: least, right: most } = right => {
                let (least, most) = (self.eval(least, paths)?, self.eval(most, paths)?);
                let from = order(&l, &least).is_some_and(Ordering::is_ge);
                return Ok(Value::Bool(from && order(&l, &most).is_some_and(Ordering::is_le)));
            }
            Binary::In => {
                let right = self.eval(right, paths)?;
                return Ok(Value::Bool(matches!(&right, Value::Json(list) if has_item(list, &l))));
            }
            _ => {}
        }
        let r = self.eval(right, paths)?;
        let ordered = |holds: fn(Ordering) -> bool| Value::Bool(order(&l, &r).is_some_and(holds));
        Ok(match operator {
            Binary::Equal => Value::Bool(same(&l, &r)),
            Binary::NotEqual => Value::Bool(!same(&l, &r)),
            Binary::Less => ordered(Ordering::is_lt),
            Binary::LessEqual => ordered(Ordering::is_le),
            Binary::Greater => ordered(Ordering::is_gt),
            Binary::GreaterEqual => ordered(Ordering::is_ge),
            Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide => {
                computed(operator, &l, &r).ok_or(Unusable::Missing)?
            }
            Binary::Contains => Value::Bool(match (&l, &r) {
                (Value::Json(list), item) => has_item(list, item),
                (text, part) => text.text().zip(part.text()).is_some_and(|(text, part)| text.contains(part)),
            }),
            Binary::StartsWith => {
                Value::Bool(l.text().zip(r.text()).is_some_and(|(text, part)| text.starts_with(part)))
            }
            Binary::EndsWith => Value::Bool(l.text().zip(r.text()).is_some_and(|(text, part)| text.ends_with(part))),
            Binary::And | Binary::Or | Binary::In | Binary::Range | Binary::Matches => Value::Null,
        })
    }

    /// Whether a pattern finds something in a text; in what is none it does not.
    fn matches(&mut self, text: &Code, pattern: &Pattern, paths: &Paths) -> Result<bool, Unusable> {
        if let Code::BodyText(answer) = text {
            return self.answers[*answer].has(pattern);
        }
        let value = self.eval(text, paths)?;
        let Some(text) = value.text() else { return Ok(false) };
        let began = Instant::now();
        pattern.is_in(text, &|| began.elapsed() > LONGEST_LOOK)
    }

    /// Whether a check holds; one of a value that is not there does not.
    pub fn holds(&mut self, condition: &Code, paths: &Paths) -> Result<bool, Unusable> {
        // What nearly every step asks of its answer.
        if let Code::Binary { operator: Binary::Equal, left, right } = condition
            && let (Code::Status(answer), Code::Number(wanted)) = (&**left, &**right)
        {
            let status = self.answers[*answer].status;
            return Ok(status != 0 && f64::from(status) == *wanted);
        }
        match self.eval(condition, paths) {
            Ok(value) => Ok(truth(&value)),
            Err(Unusable::Missing) => Ok(false),
            Err(refused) => Err(refused),
        }
    }

    /// Appends a text with its values put in.
    pub fn write(&mut self, pieces: &[Piece], paths: &Paths, out: &mut String) -> Result<(), Unusable> {
        for piece in pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Value(expr) => write_plain(&self.eval(expr, paths)?, out)?,
            }
        }
        Ok(())
    }
}

/// A number, a text or a truth as it is put into a text; nothing else can be.
pub fn write_plain(value: &Value, out: &mut String) -> Result<(), Unusable> {
    match value {
        Value::Text(text) | Value::Latin1(text) => out.push_str(text),
        // Writing to a String cannot fail.
        Value::Number(number) => drop(decimal::write(*number, out)),
        Value::Exact(digits) => out.push_str(digits),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Null | Value::Json(_) | Value::Row(..) => return Err(Unusable::Missing),
    }
    Ok(())
}

pub fn from_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => of_number(number.as_str()),
        serde_json::Value::String(text) => Value::Text(text.as_str().into()),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => Value::Json(Rc::new(value.clone())),
    }
}

fn truth(value: &Value) -> bool {
    matches!(value, Value::Bool(true))
}

/// An iteration of nobody, which has made no request.
pub fn nobody() -> Frame {
    let (choices, rows) = (Choices::new(0, 0, 0, 0), Rows::default());
    Frame { slots: Vec::new(), answers: Vec::new(), user: 0, number: 0, turn: 0, choices, rows, derived: 0..0 }
}
