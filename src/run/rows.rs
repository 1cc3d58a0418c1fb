//! Rows of data while a run goes on: read once before the load and shared by the workers, so plain data and kept small;
//! and which of them a use takes.

mod uses;
pub use uses::{Place, Uses};

use super::value::{Value, from_json};
use crate::check::program::Pick;
use crate::inputs::data::{self, Object, Rows};
use crate::plan::{Data, Type};
use crate::syntax::needs::FileKind;

/// The rows of one `data`, by column.
#[derive(Debug)]
pub struct Table {
    columns: Vec<String>,
    cells: Vec<Column>,
    rows: u64,
}

/// The cells of one column. Those of CSV are kept as what they are declared; those of JSON as they were parsed, since
/// each may be something else, or not there.
#[derive(Debug)]
enum Column {
    Numbers(Vec<f64>),
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

impl Table {
    /// Reads the file that was planned with. One that is no longer what it was is refused: the plan speaks of other rows.
    pub fn load(data: &Data) -> Result<Table, String> {
        let kind = match data.format.as_str() {
            "json" => FileKind::Json,
            "jsonl" => FileKind::JsonLines,
            _ => FileKind::Csv,
        };
        let shown = data.path.display().to_string();
        let mut loading = Loading::new(data);
        let sha256 = data::read(&data.path, &shown, kind, &mut loading)?;
        let rows = |count: u64| if count == 1 { "1 row".to_owned() } else { format!("{count} rows") };
        let difference = match loading.missing() {
            Some(column) => format!("it has no column `{column}` any more"),
            None if loading.table.rows != data.rows => {
                format!("it had {}, and has {}", rows(data.rows), rows(loading.table.rows))
            }
            None if sha256 != data.sha256 || loading.misfit => "its cells are not what they were".to_owned(),
            None => {
                loading.table.cells.iter_mut().for_each(Column::shrink);
                return Ok(loading.table);
            }
        };
        let name = &data.name;
        Err(format!("`{shown}`, the rows of `{name}`, has changed since it was checked: {difference}; run it again"))
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// A cell, null where the object of a JSON file does not have it; `None` for a row or a column that there is not.
    pub fn value(&self, row: u64, column: &str) -> Option<Value> {
        let place = self.columns.iter().position(|own| own == column)?;
        let row = usize::try_from(row).ok()?;
        Some(match &self.cells[place] {
            Column::Numbers(numbers) => Value::Number(*numbers.get(row)?),
            Column::Bools(truths) => Value::Bool(*truths.get(row)?),
            Column::Texts { text, ends } => {
                let end = *ends.get(row)?;
                let start = row.checked_sub(1).map_or(0, |before| ends[before]);
                Value::Text(text[start..end].into())
            }
            Column::Json(values) => from_json(values.get(row)?),
        })
    }
}

/// A cell as an instant in nanoseconds.
pub fn instant(cell: &Value) -> Option<i128> {
    match cell {
        Value::Number(seconds) => Some((seconds * 1e9).round() as i128),
        Value::Text(text) => crate::inputs::times::instant(text),
        _ => None,
    }
}

/// A table that is being read.
struct Loading<'d> {
    data: &'d Data,
    table: Table,
    /// For each planned column where its cells stand in a line of CSV.
    places: Vec<Option<usize>>,
    /// For each planned column whether a row had it.
    seen: Vec<bool>,
    /// A cell is not of the type of its column.
    misfit: bool,
}

impl<'d> Loading<'d> {
    fn new(data: &'d Data) -> Loading<'d> {
        let is_csv = data.format == "csv";
        // As many as there were, so that nothing is held that is not used.
        let rows = data.rows as usize;
        let empty = |kind: &Type| match kind {
            _ if !is_csv => Column::Json(Vec::with_capacity(rows)),
            Type::Number | Type::Count => Column::Numbers(Vec::with_capacity(rows)),
            Type::Bool => Column::Bools(Vec::with_capacity(rows)),
            _ => Column::Texts { text: String::new(), ends: Vec::with_capacity(rows) },
        };
        let table = Table {
            columns: data.columns.iter().map(|(name, _)| name.clone()).collect(),
            cells: data.columns.iter().map(|(_, kind)| empty(kind)).collect(),
            rows: 0,
        };
        let count = data.columns.len();
        Loading { data, table, places: vec![None; count], seen: vec![false; count], misfit: false }
    }

    fn missing(&self) -> Option<&str> {
        let place = self.seen.iter().position(|seen| !seen)?;
        Some(&self.table.columns[place])
    }
}

impl Rows for Loading<'_> {
    fn head(&mut self, names: &[String]) {
        self.places = self.table.columns.iter().map(|own| names.iter().position(|name| name == own)).collect();
        self.seen = self.places.iter().map(Option::is_some).collect();
    }

    fn cells(&mut self, cells: &csv::StringRecord) {
        self.table.rows += 1;
        for (column, place) in self.table.cells.iter_mut().zip(&self.places) {
            let Some(cell) = place.and_then(|place| cells.get(place)) else { continue };
            match column {
                Column::Numbers(numbers) => match cell.parse() {
                    Ok(number) => numbers.push(number),
                    Err(_) => self.misfit = true,
                },
                Column::Bools(truths) => match cell.parse() {
                    Ok(truth) => truths.push(truth),
                    Err(_) => self.misfit = true,
                },
                Column::Texts { text, ends } => {
                    text.push_str(cell);
                    ends.push(text.len());
                }
                Column::Json(_) => self.misfit = true,
            }
        }
    }

    fn object(&mut self, mut row: Object) {
        self.table.rows += 1;
        for (place, (name, kind)) in self.data.columns.iter().enumerate() {
            let found = row.swap_remove(name);
            self.seen[place] |= found.is_some();
            let value = match (found.unwrap_or_default(), kind) {
                // Declared as Text: as it is written.
                (value @ (serde_json::Value::Null | serde_json::Value::String(_)), Type::Text) => value,
                (value, Type::Text) => value.to_string().into(),
                (value, _) => value,
            };
            match &mut self.table.cells[place] {
                Column::Json(values) => values.push(value),
                Column::Numbers(_) | Column::Bools(_) | Column::Texts { .. } => self.misfit = true,
            }
        }
    }
}

/// The row that a use takes; `None` where there is none: no rows at all, or no more unique ones.
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
