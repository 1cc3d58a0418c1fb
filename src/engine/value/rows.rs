//! Rows of data while a run goes on: read once before the load and shared by the workers, so plain data and kept small,
//! or left in their file where that is large; and which of them a use takes.

mod file;
mod uses;
pub use file::Cursor;
pub use uses::{PickSite, Uses};

use super::lower::Names;
use super::number::{number, of_number};
use super::{Value, from_json};
use crate::base::decimal;
use crate::base::units::counted;
use crate::check::program::Pick;
use crate::inputs::data::{self, HELD, Object, Rows};
use crate::inputs::root::open_again;
use crate::plan::{Data, DataFormat, Type};
use file::{Indexed, Marks};
use std::cell::RefCell;
use std::sync::Arc;

/// The rows of one `data`, by column.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(String, Type)>,
    store: Store,
    rows: u64,
}

#[derive(Debug)]
enum Store {
    /// By column.
    Held(Vec<Column>),
    /// With where in a line of CSV the cells of each column stand.
    Left(Indexed, Vec<Option<usize>>),
}

/// The cells of one column. Those of CSV are kept as what they are declared, numbers as they are spelled; those of JSON
/// as they were parsed, since each may be something else, or not there.
#[derive(Debug)]
enum Column {
    Bools(Vec<bool>),
    /// One text after the other, with where each ends.
    Texts {
        text: String,
        ends: Vec<usize>,
    },
    Json(Vec<serde_json::Value>),
}

impl Column {
    fn shrink(&mut self) {
        if let Column::Texts { text, .. } = self {
            text.shrink_to_fit();
        }
    }
}

/// The tables of a run as one worker reads them.
#[derive(Default)]
pub struct Reader {
    tables: Arc<Vec<Table>>,
    cursors: Vec<RefCell<Cursor>>,
    /// By table, where the columns of expressions are in it.
    places: Vec<Vec<Option<usize>>>,
}

impl Reader {
    pub fn new(tables: Arc<Vec<Table>>, columns: &Names) -> Reader {
        let cursors = tables.iter().map(|_| RefCell::default()).collect();
        let places = tables.iter().map(|table| columns.iter().map(|column| table.place(column)).collect()).collect();
        Reader { tables, cursors, places }
    }

    pub fn rows(&self, data: usize) -> Option<u64> {
        self.tables.get(data).map(Table::rows)
    }

    pub fn value(&self, data: usize, row: u64, column: usize) -> Option<Value> {
        let place = (*self.places.get(data)?.get(column)?)?;
        self.tables.get(data)?.cell(row, place, &mut self.cursors.get(data)?.borrow_mut())
    }
}

impl Table {
    /// Reads the file that was planned with. One that is no longer what it was is refused: the plan speaks of other rows.
    pub fn load(data: &Data) -> Result<Table, String> {
        Table::load_below(data, HELD)
    }

    /// Holds the rows of a file of so many bytes at most.
    fn load_below(data: &Data, held: u64) -> Result<Table, String> {
        let shown = data.path.display().to_string();
        let file = open_again(&data.path, &shown)?;
        let is_large = file.metadata().is_ok_and(|file| file.len() > held);
        let mut loading = Loading::new(data, is_large);
        let (sha256, file) = data::read(file, &shown, data.format, &data.dialect, &mut loading)?;
        let rows = |count: u64| counted(count, "row");
        let difference = match loading.missing() {
            Some(column) => format!("it has no column `{column}` any more"),
            None if loading.rows != data.rows => format!("it had {}, and has {}", rows(data.rows), rows(loading.rows)),
            None if sha256 != data.sha256 || loading.misfit => "its cells are not what they were".to_owned(),
            None => {
                let Loading { is_csv, places, kept, rows, .. } = loading;
                let store = match kept {
                    Backing::Cells(mut columns) => {
                        columns.iter_mut().for_each(Column::shrink);
                        Store::Held(columns)
                    }
                    Backing::Marks(marks) => {
                        let indexed = Indexed::new(file, marks, is_csv.then(|| data.dialect.clone()));
                        let indexed = indexed.map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
                        Store::Left(indexed, places)
                    }
                };
                return Ok(Table { columns: data.columns.clone(), store, rows });
            }
        };
        let name = &data.name;
        Err(format!("`{shown}`, the rows of `{name}`, has changed since it was checked: {difference}; run it again"))
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Where a column is.
    fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|(own, _)| own == column)
    }

    /// A cell of a column; `None` for a row or a column that there is not.
    pub fn value(&self, row: u64, column: &str, cursor: &mut Cursor) -> Option<Value> {
        self.cell(row, self.place(column)?, cursor)
    }

    /// Null where the object of a JSON file does not have it.
    fn cell(&self, row: u64, place: usize, cursor: &mut Cursor) -> Option<Value> {
        let (column, kind) = (&self.columns[place].0, self.columns[place].1);
        match &self.store {
            Store::Held(columns) => held(&columns[place], kind, usize::try_from(row).ok()?),
            Store::Left(..) if row >= self.rows => None,
            Store::Left(indexed, places) if indexed.is_csv() => {
                let cell = indexed.cell(row, places[place]?, cursor)?;
                Some(match kind {
                    Type::Bool => Value::Bool(cell.parse().ok()?),
                    _ => spelled(cell, kind),
                })
            }
            Store::Left(indexed, _) => {
                let found = indexed.object(row, cursor)?.get(column).cloned();
                Some(from_json(&declared(found.unwrap_or_default(), kind)))
            }
        }
    }
}

fn spelled(cell: &str, kind: Type) -> Value {
    match kind {
        Type::Number | Type::Count => of_number(cell),
        _ => Value::Text(cell.into()),
    }
}

/// Whether a cell is of the type that its column was of.
fn fits(cell: &str, kind: Type) -> bool {
    match kind {
        Type::Number => decimal::is_number(cell),
        Type::Count => decimal::is_count(cell),
        Type::Bool => cell.parse::<bool>().is_ok(),
        _ => true,
    }
}

fn held(column: &Column, kind: Type, row: usize) -> Option<Value> {
    Some(match column {
        Column::Bools(truths) => Value::Bool(*truths.get(row)?),
        Column::Texts { text, ends } => {
            let end = *ends.get(row)?;
            let start = row.checked_sub(1).map_or(0, |before| ends[before]);
            spelled(&text[start..end], kind)
        }
        Column::Json(values) => from_json(values.get(row)?),
    })
}

/// A value of JSON as its column is declared: as Text what is none is as it is written.
fn declared(value: serde_json::Value, kind: Type) -> serde_json::Value {
    match (value, kind) {
        (value @ (serde_json::Value::Null | serde_json::Value::String(_)), Type::Text) => value,
        (value, Type::Text) => value.to_string().into(),
        (value, _) => value,
    }
}

/// A cell as an instant in nanoseconds.
pub fn instant(cell: &Value) -> Option<i128> {
    match cell {
        Value::Text(text) => crate::inputs::times::instant(text),
        value => number(value).map(|seconds| (seconds * 1e9).round() as i128),
    }
}

/// A table that is being read.
struct Loading<'d> {
    data: &'d Data,
    is_csv: bool,
    kept: Backing,
    rows: u64,
    /// For each planned column where its cells stand in a line of CSV.
    places: Vec<Option<usize>>,
    /// For each planned column whether a row had it.
    seen: Vec<bool>,
    /// A cell is not of the type of its column.
    misfit: bool,
}

/// What is kept of a file: its cells, or where its rows are.
enum Backing {
    Cells(Vec<Column>),
    Marks(Marks),
}

impl<'d> Loading<'d> {
    fn new(data: &'d Data, is_large: bool) -> Loading<'d> {
        let is_csv = data.format == DataFormat::Csv;
        // As many as there were, so that nothing is held that is not used.
        let rows = data.rows as usize;
        let empty = |kind: &Type| match kind {
            _ if !is_csv => Column::Json(Vec::with_capacity(rows)),
            Type::Bool => Column::Bools(Vec::with_capacity(rows)),
            _ => Column::Texts { text: String::new(), ends: Vec::with_capacity(rows) },
        };
        let kept = match is_large {
            true => Backing::Marks(Marks::default()),
            false => Backing::Cells(data.columns.iter().map(|(_, kind)| empty(kind)).collect()),
        };
        let count = data.columns.len();
        Loading { data, is_csv, kept, rows: 0, places: vec![None; count], seen: vec![false; count], misfit: false }
    }

    fn missing(&self) -> Option<&str> {
        let place = self.seen.iter().position(|seen| !seen)?;
        Some(&self.data.columns[place].0)
    }
}

impl Rows for Loading<'_> {
    fn head(&mut self, names: &[String]) {
        self.places = self.data.columns.iter().map(|(own, _)| names.iter().position(|name| name == own)).collect();
        self.seen = self.places.iter().map(Option::is_some).collect();
    }

    fn cells(&mut self, cells: &csv::StringRecord) {
        let row = self.rows;
        self.rows += 1;
        let columns = match &mut self.kept {
            Backing::Cells(columns) => columns,
            Backing::Marks(marks) => {
                marks.note(row, cells.position().map_or(0, csv::Position::byte));
                for ((_, kind), place) in self.data.columns.iter().zip(&self.places) {
                    let cell = place.and_then(|place| cells.get(place)).unwrap_or_default();
                    self.misfit |= !fits(cell, *kind);
                }
                return;
            }
        };
        for ((column, (_, kind)), place) in columns.iter_mut().zip(&self.data.columns).zip(&self.places) {
            let Some(cell) = place.and_then(|place| cells.get(place)) else { continue };
            match column {
                Column::Bools(truths) => match cell.parse() {
                    Ok(truth) => truths.push(truth),
                    Err(_) => self.misfit = true,
                },
                Column::Texts { text, ends } => {
                    self.misfit |= !fits(cell, *kind);
                    text.push_str(cell);
                    ends.push(text.len());
                }
                Column::Json(_) => self.misfit = true,
            }
        }
    }

    fn object(&mut self, mut row: Object, at: u64) {
        let number = self.rows;
        self.rows += 1;
        for (seen, (name, _)) in self.seen.iter_mut().zip(&self.data.columns) {
            *seen |= row.contains_key(name);
        }
        let columns = match &mut self.kept {
            Backing::Cells(columns) => columns,
            Backing::Marks(marks) => return marks.note(number, at),
        };
        for (column, (name, kind)) in columns.iter_mut().zip(&self.data.columns) {
            match column {
                Column::Json(values) => values.push(declared(row.swap_remove(name).unwrap_or_default(), *kind)),
                Column::Bools(_) | Column::Texts { .. } => self.misfit = true,
            }
        }
    }
}

/// The row that a use takes; `None` if there is none: no rows at all, or no more unique ones.
///
/// `k` is the number of the use, from 0, among all uses of these rows that are picked this way in the whole run. It must
/// be computed from what the plan says and from who asks, such as the number of the arrival, and never be counted by
/// a worker: see [`uses`]. Then nothing here depends on which worker or share asks, or when: one worker, two workers and two
/// shares take the same rows. `user` is the number of the user from 1, as `user.id`. `random` gives 64 uniform bits of
/// the iteration's own choices, which are keyed by its load and number as well.
///
/// - `next`: row k, and after the last the first again.
/// - `unique`: row k. A check proves only that a plan needs too many for certain, so they can still run out.
/// - `random`: each row as likely as the others.
/// - `per_user`: the first row for user 1, and so on, and after the last the first again.
pub fn pick(pick: Pick, rows: u64, k: u64, user: u64, random: &mut dyn FnMut() -> u64) -> Option<u64> {
    if rows == 0 {
        return None;
    }
    match pick {
        Pick::Next => Some(k % rows),
        Pick::Unique => (k < rows).then_some(k),
        Pick::Random => Some(below(rows, random)),
        Pick::PerUser => Some(user.saturating_sub(1) % rows),
    }
}

/// Uniform in 0..n: the high half of a product, and once more where its low half would favour some (Lemire, 2019).
fn below(n: u64, random: &mut dyn FnMut() -> u64) -> u64 {
    let unfair = n.wrapping_neg() % n;
    loop {
        let product = u128::from(random()) * u128::from(n);
        if product as u64 >= unfair {
            return (product >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests;
