//! `stressc history --series FILE.csv`: the history of any column of numbers.

use super::told::{History, Told, Value};
use crate::base::units::grouped;
use crate::history::{FEWEST, Series};
use crate::inputs::numbers;
use crate::plan::Type;
use std::path::Path;

/// Of longer series the last rows are looked at: what all pairs of them need grows with the square.
const MOST: usize = 2000;

pub fn history(file: &Path, column: Option<&str>) -> Result<History, String> {
    let mut column = numbers::column(file, column)?;
    let all = column.values.len();
    if all < FEWEST {
        let rows = crate::base::units::counted(all as u64, "number");
        return Err(format!(
            "`{}` has {rows} in the column `{}`, and a change is told from {FEWEST} on",
            file.display(),
            column.name
        ));
    }
    let mut notes = Vec::new();
    let count = |count: usize| grouped(count as f64, 0);
    match column.empty {
        0 => {}
        1 => notes.push("one row has no number and is left out".to_owned()),
        empty => notes.push(format!("{} rows have no number and are left out", count(empty))),
    }
    if all > MOST {
        notes.push(format!("of {} rows the last {} are looked at", count(all), count(MOST)));
        column.values.drain(..all - MOST);
        column.rows.drain(..all - MOST);
    }
    let shape = Series::new(column.values.clone()).shape();
    let value = |(run, value)| Value { run, commit: None, value };
    let values = column.rows.into_iter().zip(column.values).map(value).collect();
    let told = Told { of: file.display().to_string(), name: column.name, unit: Type::Number, values, shape };
    Ok(History::new(vec![told], notes))
}
