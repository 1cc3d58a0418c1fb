//! A column of numbers of a CSV file that a person names, with a name for each row.

use crate::base::suggest::similar;
use csv::{ReaderBuilder, StringRecord, Trim};
use std::fs::File;
use std::path::Path;

/// The most bytes in a file of numbers.
const LARGEST: u64 = 64 << 20;

/// The numbers of a column, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    /// By what each row is called: the cell of the first column, where that is another, else the number of the row.
    pub rows: Vec<String>,
    pub values: Vec<f64>,
    /// Rows whose cell is empty.
    pub empty: usize,
}

/// Reads the column of a name, or the one that there is next to the names of rows. What is wrong is said in one line.
pub fn column(path: &Path, asked: Option<&str>) -> Result<Column, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| format!("`{shown}` cannot be read: {error}");
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(format!("`{shown}` is no file; name a CSV file"));
    }
    let bytes = File::open(path).and_then(|file| super::root::content(file, LARGEST)).map_err(unreadable)?;
    let bytes = bytes.ok_or_else(|| format!("`{shown}` is larger than 64 MiB: take a part of it"))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("`{shown}` is no UTF-8, so it is no CSV file of text"))?;
    of_text(text.trim_start_matches('\u{feff}'), asked).map_err(|problem| format!("`{shown}`: {problem}"))
}

fn of_text(text: &str, asked: Option<&str>) -> Result<Column, String> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text.as_bytes());
    let head = reader.headers().map_err(|error| problem(&error))?.clone();
    let place = place(&head, asked)?;
    let name = head[place].to_owned();
    let mut column = Column { name, rows: Vec::new(), values: Vec::new(), empty: 0 };
    for (number, row) in reader.records().enumerate() {
        let row = row.map_err(|error| problem(&error))?;
        let (cell, line) = (&row[place], row.position().map_or(0, csv::Position::line));
        if cell.is_empty() {
            column.empty += 1;
            continue;
        }
        match cell.parse::<f64>() {
            Ok(value) if value.is_finite() => column.values.push(value),
            _ => return Err(format!("line {line}: `{cell}` in the column `{}` is not a number", column.name)),
        }
        column.rows.push(if place > 0 { row[0].to_owned() } else { (number + 1).to_string() });
    }
    Ok(column)
}

fn place(head: &StringRecord, asked: Option<&str>) -> Result<usize, String> {
    let names: Vec<&str> = head.iter().collect();
    let all = || format!("it has `{}`", names.join("`, `"));
    if names.iter().all(|name| name.is_empty()) {
        return Err("it is empty: a line of column names comes first".to_owned());
    }
    if names.iter().all(|name| name.parse::<f64>().is_ok()) {
        return Err(
            "its first line holds numbers: write the names of the columns before them, such as `run,p95`".to_owned()
        );
    }
    let Some(asked) = asked else {
        // The first names the rows where there are two.
        return match names.len() {
            1 => Ok(0),
            2 => Ok(1),
            _ => Err(format!("name one of its columns with `--column NAME`: {}", all())),
        };
    };
    let mut found = (0..names.len()).filter(|place| names[*place] == asked);
    match (found.next(), found.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => Err(format!("several of its columns are called `{asked}`: give them names of their own")),
        (None, _) => Err(match similar(asked, names.iter().copied()) {
            Some(near) => format!("it has no column `{asked}`{}", crate::base::suggest::hint(near)),
            None => format!("it has no column `{asked}`; {}", all()),
        }),
    }
}

fn problem(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("line {line} has {len} cells, and the first line names {expected_len}")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
    use super::*;

    #[test]
    fn the_column_is_the_one_that_is_meant() {
        let one = of_text("p95\n1\n2.5\n", None).unwrap();
        assert_eq!((one.name.as_str(), one.values, one.rows), ("p95", vec![1.0, 2.5], vec!["1".into(), "2".into()]));
        let two = of_text("run,p95\na,1\nb,\nc, 3e2 \n", None).unwrap();
        assert_eq!((two.values, two.rows, two.empty), (vec![1.0, 300.0], vec!["a".into(), "c".into()], 1));
        let third = of_text("run,p50,p95\na,1,9\n", Some("p95")).unwrap();
        assert_eq!((third.values, third.rows), (vec![9.0], vec!["a".to_owned()]));
        assert_eq!(of_text("run,p95\n7,9\n", Some("run")).unwrap().values, [7.0]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, asked, wanted) in [
            ("run,p50,p95\na,1,9\n", None, "name one of its columns with `--column NAME`: it has `run`, `p50`, `p95`"),
            ("run,p95\na,9\n", Some("p96"), "it has no column `p96`; did you mean `p95`?"),
            ("run,p95\na,9\n", Some("zzzz"), "it has no column `zzzz`; it has `run`, `p95`"),
            ("p95,p95\n1,9\n", Some("p95"), "several of its columns are called `p95`"),
            ("run,p95\na,9\nb,fast\n", None, "line 3: `fast` in the column `p95` is not a number"),
            ("run,p95\na,NaN\n", None, "line 2: `NaN` in the column `p95` is not a number"),
            ("run,p95\na,1,2\n", None, "line 2 has 3 cells, and the first line names 2"),
            ("1\n2\n3\n", None, "its first line holds numbers: write the names of the columns before them"),
            ("", None, "it is empty"),
        ] {
            let told = of_text(text, asked).unwrap_err();
            assert!(told.contains(wanted), "{text:?}: {told}");
        }
    }
}
