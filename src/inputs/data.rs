//! Data files in short: columns with the types of their cells, rows, and a hash of the content. Read as a stream, so
//! that a large file costs no memory.

use crate::check::inputs::{FileKind, Table};
use crate::check::types::Type;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

pub fn table(path: &Path, shown: &str, kind: FileKind) -> Result<Table, String> {
    let file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("there is no file `{shown}`"),
        std::io::ErrorKind::PermissionDenied => format!("`{shown}` may not be read"),
        _ => format!("`{shown}` cannot be read: {error}"),
    })?;
    if path.is_dir() {
        return Err(format!("`{shown}` is a directory, not a data file"));
    }
    let mut reader = Hashed { inner: BufReader::new(file), hash: Sha256::new() };
    let (columns, rows) = match kind {
        FileKind::Json => json(&mut reader, shown)?,
        FileKind::JsonLines => json_lines(&mut reader, shown)?,
        FileKind::Csv | FileKind::Text | FileKind::Rules => csv(&mut reader, shown)?,
    };
    // What a parser left unread belongs to the content as well.
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    let sha256 = reader.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if rows == 0 {
        return Err(format!("`{shown}` has no rows"));
    }
    Ok(Table { columns, rows, sha256 })
}

struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

type Columns = Vec<(String, Type)>;

fn csv(reader: &mut impl Read, shown: &str) -> Result<(Columns, u64), String> {
    let wrong = |error: csv::Error| {
        let line = error.position().map_or(String::new(), |position| format!(" line {}", position.line()));
        match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                let cells = if *len == 1 { "cell" } else { "cells" };
                format!("`{shown}`{line} has {len} {cells}, and the head line has {expected_len}")
            }
            csv::ErrorKind::Utf8 { .. } => format!("`{shown}`{line} is not UTF-8; save it as UTF-8"),
            _ => format!("`{shown}`{line} cannot be read: {error}"),
        }
    };
    let mut csv = csv::Reader::from_reader(reader);
    let heads = csv.headers().map_err(wrong)?.clone();
    let mut kinds: Vec<Option<Type>> = vec![None; heads.len()];
    let mut rows = 0;
    let mut record = csv::StringRecord::new();
    while csv.read_record(&mut record).map_err(wrong)? {
        rows += 1;
        for (kind, cell) in kinds.iter_mut().zip(&record) {
            *kind = Some(kind.map_or(of_cell(cell), |before| common(before, of_cell(cell))));
        }
    }
    let columns: Columns = heads
        .iter()
        .zip(kinds)
        .map(|(name, kind)| (name.trim_start_matches('\u{feff}').to_owned(), kind.unwrap_or(Type::Text)))
        .collect();
    for (index, (name, _)) in columns.iter().enumerate() {
        if columns[..index].iter().any(|(before, _)| before == name) {
            return Err(format!("`{shown}` has two columns `{name}`"));
        }
    }
    Ok((columns, rows))
}

/// What a cell is as it is written; `007` and `+49…` are texts.
fn of_cell(cell: &str) -> Type {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = number(whole) && (whole == "0" || !whole.starts_with('0')) && fraction.is_none_or(number);
    match (plain, fraction, cell) {
        (true, None, _) if !cell.starts_with('-') => Type::Count,
        (true, _, _) => Type::Number,
        (false, _, "true" | "false") => Type::Bool,
        (false, _, _) => Type::Text,
    }
}

/// The type that holds both.
fn common(a: Type, b: Type) -> Type {
    match (a, b) {
        (a, b) if a == b => a,
        (Type::Count | Type::Number, Type::Count | Type::Number) => Type::Number,
        (Type::Json, _) | (_, Type::Json) => Type::Json,
        _ => Type::Text,
    }
}

fn json(reader: &mut impl Read, shown: &str) -> Result<(Columns, u64), String> {
    let rows: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_reader(reader).map_err(|error| {
        format!(
            "`{shown}` is not a list of objects (line {}, column {}): {}",
            error.line(),
            error.column(),
            reason(&error)
        )
    })?;
    let mut columns = Columns::new();
    rows.iter().for_each(|row| join(&mut columns, row));
    Ok((columns, rows.len() as u64))
}

fn json_lines(reader: &mut impl Read, shown: &str) -> Result<(Columns, u64), String> {
    let mut columns = Columns::new();
    let mut rows = 0;
    for (index, line) in BufReader::new(reader).lines().enumerate() {
        let line = line.map_err(|error| format!("`{shown}` line {} cannot be read: {error}", index + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        let row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&line)
            .map_err(|error| format!("`{shown}` line {} is no object: {}", index + 1, reason(&error)))?;
        join(&mut columns, &row);
        rows += 1;
    }
    Ok((columns, rows))
}

/// What is wrong, without the place that stands before it already.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

fn join(columns: &mut Columns, row: &serde_json::Map<String, serde_json::Value>) {
    for (name, value) in row {
        let kind = match value {
            serde_json::Value::Number(number) if number.is_u64() => Type::Count,
            serde_json::Value::Number(_) => Type::Number,
            serde_json::Value::String(_) => Type::Text,
            serde_json::Value::Bool(_) => Type::Bool,
            serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => Type::Json,
        };
        match columns.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) => *own = common(*own, kind),
            None => columns.push((name.clone(), kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_numbers_only_when_they_are_written_as_such() {
        let kinds: Vec<Type> = ["7", "-7", "7.5", "007", "+49", "", "true", "a"].into_iter().map(of_cell).collect();
        use Type::{Bool, Count, Number, Text};
        assert_eq!(kinds, [Count, Number, Number, Text, Text, Text, Bool, Text]);
        assert_eq!(common(Count, Number), Number);
        assert_eq!(common(Count, Text), Text);
    }

    #[test]
    fn tables_have_columns_rows_and_a_hash() {
        let (columns, rows) =
            csv(&mut "id,name,price\n1,Lamp,19.90\n2,\"Chair, red\",49\n".as_bytes(), "a.csv").unwrap();
        assert_eq!(rows, 2);
        let expected = [("id", Type::Count), ("name", Type::Text), ("price", Type::Number)];
        assert_eq!(columns, expected.map(|(name, kind)| (name.to_owned(), kind)));
        let error = csv(&mut "id,name\n1\n".as_bytes(), "a.csv").unwrap_err();
        assert_eq!(error, "`a.csv` line 2 has 1 cell, and the head line has 2");
        let (columns, rows) = json_lines(&mut "{\"id\": 1}\n\n{\"id\": 2.5, \"on\": true}\n".as_bytes(), "a").unwrap();
        assert_eq!((columns, rows), (vec![("id".to_owned(), Type::Number), ("on".to_owned(), Type::Bool)], 2));
        assert!(json(&mut "{}".as_bytes(), "a.json").unwrap_err().starts_with("`a.json` is not a list of objects"));
    }
}
