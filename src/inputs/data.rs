//! Data files, row by row; and in short: columns with the types of their cells, rows, and a hash of the content. Read
//! as a stream, so that a large file costs no memory.

use super::times::Reading;
use crate::check::inputs::{FileKind, Table};
use crate::check::types::Type;
use serde::Deserializer;
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// An object of a JSON file: a row.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// Who is told the rows of a file, in their order.
pub trait Rows {
    /// The names of the cells that follow: of CSV, once.
    fn head(&mut self, names: &[String]);
    fn cells(&mut self, cells: &csv::StringRecord);
    /// Between the offset in the file and the object stand only blanks, commas and the bracket of the list.
    fn object(&mut self, row: Object, at: u64);
}

pub fn table(path: &Path, shown: &str, kind: FileKind) -> Result<Table, String> {
    let mut short = Short::default();
    let (sha256, _) = read(path, shown, kind, &mut short)?;
    if short.rows == 0 {
        return Err(format!("`{shown}` has no rows"));
    }
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let times = std::mem::take(&mut short.times).times();
    Ok(Table { path, rows: short.rows, columns: short.columns(), sha256, times })
}

/// Tells the rows of a file, and returns the hash of its content with the file that it was read from.
pub fn read(path: &Path, shown: &str, kind: FileKind, rows: &mut dyn Rows) -> Result<(String, File), String> {
    let file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("there is no file `{shown}`"),
        std::io::ErrorKind::PermissionDenied => format!("`{shown}` may not be read"),
        _ => format!("`{shown}` cannot be read: {error}"),
    })?;
    if path.is_dir() {
        return Err(format!("`{shown}` is a directory, not a data file"));
    }
    let hashed = Hashed { inner: file, hash: Sha256::new() };
    let mut reader = BufReader::with_capacity(64 << 10, hashed);
    match kind {
        FileKind::Json => json(&mut reader, shown, rows)?,
        FileKind::JsonLines => json_lines(&mut reader, shown, rows)?,
        FileKind::Csv | FileKind::Text | FileKind::Rules => csv(&mut reader, shown, rows)?,
    }
    // What a parser left unread belongs to the content as well.
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    let Hashed { inner, hash } = reader.into_inner();
    Ok((crate::base::hex(&hash.finalize()), inner))
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

/// A file in short. A column of CSV has no type before its first cell.
#[derive(Default)]
struct Short {
    found: Vec<(String, Option<Type>)>,
    rows: u64,
    times: Reading,
}

impl Short {
    fn columns(self) -> Columns {
        self.found.into_iter().map(|(name, kind)| (name, kind.unwrap_or(Type::Text))).collect()
    }
}

impl Rows for Short {
    fn head(&mut self, names: &[String]) {
        self.found = names.iter().map(|name| (name.clone(), None)).collect();
        self.times.head(names);
    }

    fn cells(&mut self, cells: &csv::StringRecord) {
        self.rows += 1;
        self.times.cells(cells);
        for ((_, kind), cell) in self.found.iter_mut().zip(cells) {
            *kind = Some(kind.map_or(of_cell(cell), |before| common(before, of_cell(cell))));
        }
    }

    fn object(&mut self, row: Object, _at: u64) {
        self.rows += 1;
        self.times.object(&row);
        for (name, value) in row {
            let kind = of_value(&value);
            match self.found.iter_mut().find(|(own, _)| *own == name) {
                Some((_, own)) => *own = Some(own.map_or(kind, |before| common(before, kind))),
                None => self.found.push((name, Some(kind))),
            }
        }
    }
}

fn csv(reader: &mut impl Read, shown: &str, rows: &mut dyn Rows) -> Result<(), String> {
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
    let heads = csv.headers().map_err(wrong)?;
    let heads: Vec<String> = heads.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    for (index, name) in heads.iter().enumerate() {
        if heads[..index].contains(name) {
            return Err(format!("`{shown}` has two columns `{name}`"));
        }
    }
    rows.head(&heads);
    let mut record = csv::StringRecord::new();
    while csv.read_record(&mut record).map_err(wrong)? {
        rows.cells(&record);
    }
    Ok(())
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

fn json(reader: &mut impl Read, shown: &str, rows: &mut dyn Rows) -> Result<(), String> {
    let at = Cell::new(0);
    let mut deserializer = serde_json::Deserializer::from_reader(Counted { inner: reader, at: &at });
    let told = deserializer.deserialize_seq(List { rows, at: &at }).and_then(|()| deserializer.end());
    told.map_err(|error| {
        format!(
            "`{shown}` is not a list of objects (line {}, column {}): {}",
            error.line(),
            error.column(),
            reason(&error)
        )
    })
}

/// Counts the bytes that were taken.
struct Counted<'c, R> {
    inner: R,
    at: &'c Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.at.set(self.at.get() + count as u64);
        Ok(count)
    }
}

/// Tells the objects of a list as they are read, and keeps none. The parser takes an object up to its brace and no
/// further.
struct List<'l> {
    rows: &'l mut dyn Rows,
    at: &'l Cell<u64>,
}

impl<'de> serde::de::Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        loop {
            let at = self.at.get();
            match list.next_element::<Object>()? {
                Some(row) => self.rows.object(row, at),
                None => return Ok(()),
            }
        }
    }
}

fn json_lines(reader: &mut impl BufRead, shown: &str, rows: &mut dyn Rows) -> Result<(), String> {
    let (mut line, mut at) = (String::new(), 0);
    for number in 1.. {
        line.clear();
        let read = reader.read_line(&mut line);
        let length = read.map_err(|error| format!("`{shown}` line {number} cannot be read: {error}"))?;
        if length == 0 {
            break;
        }
        if !line.trim().is_empty() {
            let row: Object = serde_json::from_str(&line)
                .map_err(|error| format!("`{shown}` line {number} is no object: {}", reason(&error)))?;
            rows.object(row, at);
        }
        at += length as u64;
    }
    Ok(())
}

/// What is wrong, without the place that stands before it already.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

fn of_value(value: &serde_json::Value) -> Type {
    match value {
        serde_json::Value::Number(number) if number.is_u64() => Type::Count,
        serde_json::Value::Number(_) => Type::Number,
        serde_json::Value::String(_) => Type::Text,
        serde_json::Value::Bool(_) => Type::Bool,
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => Type::Json,
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
        let mut short = Short::default();
        csv(&mut "id,name,price\n1,Lamp,19.90\n2,\"Chair, red\",49\n".as_bytes(), "a.csv", &mut short).unwrap();
        assert_eq!(short.rows, 2);
        let expected = [("id", Type::Count), ("name", Type::Text), ("price", Type::Number)];
        assert_eq!(short.columns(), expected.map(|(name, kind)| (name.to_owned(), kind)));
        let error = csv(&mut "id,name\n1\n".as_bytes(), "a.csv", &mut Short::default()).unwrap_err();
        assert_eq!(error, "`a.csv` line 2 has 1 cell, and the head line has 2");
        let mut short = Short::default();
        json_lines(&mut "{\"id\": 1}\n\n{\"id\": 2.5, \"on\": true}\n".as_bytes(), "a", &mut short).unwrap();
        assert_eq!(short.rows, 2);
        assert_eq!(short.columns(), [("id".to_owned(), Type::Number), ("on".to_owned(), Type::Bool)]);
        let error = json(&mut "{}".as_bytes(), "a.json", &mut Short::default()).unwrap_err();
        assert!(error.starts_with("`a.json` is not a list of objects"));
    }
}
