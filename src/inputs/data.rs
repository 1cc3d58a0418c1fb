//! Data files, row by row; and in short: columns with the types of their cells, rows, and a hash of the content. Read
//! as a stream, so that a large file costs no memory.

use super::csv_lines::{Mark, csv};
use super::root::Opened;
use super::times::InstantReader;
use crate::base::decimal;
use crate::check::inputs::Table;
use crate::check::types::Type;
use crate::plan::DataFormat;
use crate::syntax::dialect::Dialect;
use serde::Deserializer;
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

/// A row has at most so many bytes as it is written, a text in it at most so many, and a file at most so many columns:
/// each is held in memory while it is read.
const ROW: u64 = 16 << 20;
pub(super) const CELL: usize = 1 << 20;
pub(super) const COLUMNS: usize = 10_000;

/// A larger file is not held in memory: its rows are read when they are taken.
pub const HELD: u64 = 64 << 20;

/// An object of a JSON file: a row.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// Who is told the rows of a file, in their order.
pub trait Rows {
    /// The names of the cells that follow: of CSV, once.
    fn head(&mut self, names: &[String]);
    fn cells(&mut self, cells: &csv::StringRecord);
    /// Between the offset in the file and the object stand only blanks, commas and the bracket of the list.
    fn object(&mut self, row: Object, at: u64);
    /// Whether there are more columns than a file may have.
    fn is_too_wide(&self) -> bool {
        false
    }
}

pub fn table(opened: Opened, shown: &str, format: DataFormat, dialect: &Dialect) -> Result<Table, String> {
    let mut short = Short::default();
    let (sha256, _) = read(opened.file, shown, format, dialect, &mut short)?;
    if short.rows == 0 {
        return Err(format!("`{shown}` has no rows"));
    }
    let times = std::mem::take(&mut short.times).times();
    Ok(Table { path: opened.path, rows: short.rows, columns: short.columns(), sha256, times })
}

/// Tells the rows of a file, and returns the hash of its content with the file that it was read from.
pub fn read<F: Read>(
    file: F,
    shown: &str,
    format: DataFormat,
    dialect: &Dialect,
    rows: &mut dyn Rows,
) -> Result<(String, F), String> {
    let hashed = Hashed { inner: file, hash: Sha256::new() };
    let mut reader = BufReader::with_capacity(64 << 10, hashed);
    let unread = |error: std::io::Error| format!("`{shown}` cannot be read: {error}");
    let mark = Mark::take(&mut reader).map_err(unread)?;
    match format {
        DataFormat::Csv => csv(&mut reader, shown, dialect, mark, rows)?,
        DataFormat::Json | DataFormat::Jsonl if matches!(mark, Mark::Utf16(_)) => {
            return Err(format!("`{shown}` is UTF-16, and JSON is UTF-8; save it as UTF-8"));
        }
        DataFormat::Json => json(&mut reader, shown, mark.length() as u64, rows)?,
        DataFormat::Jsonl => json_lines(&mut reader, shown, mark.length() as u64, rows)?,
    }
    // What a parser left unread belongs to the content as well.
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(unread)?;
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
    places: HashMap<String, usize>,
    rows: u64,
    times: InstantReader,
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
            match self.places.get(&name).and_then(|place| self.found.get_mut(*place)) {
                Some((_, own)) => *own = Some(own.map_or(kind, |before| common(before, kind))),
                None => {
                    self.places.insert(name.clone(), self.found.len());
                    self.found.push((name, Some(kind)));
                }
            }
        }
    }

    fn is_too_wide(&self) -> bool {
        self.found.len() > COLUMNS
    }
}

pub(super) fn too_long(shown: &str, what: &str) -> String {
    format!("`{shown}`: {what} has more than 16 MiB, which is no row")
}

pub(super) fn too_long_a_text(shown: &str, place: &str) -> String {
    format!(
        "`{shown}`: a cell in {place} has more than 1 MiB; what is large is sent as a file of its own, by `file(…)`"
    )
}

pub(super) fn too_wide(shown: &str) -> String {
    format!("`{shown}` has more than 10,000 columns, which is no table")
}

/// How much of a file was read, and of its row.
#[derive(Default)]
pub(super) struct Meter {
    read: Cell<u64>,
    pub(super) begun: Cell<u64>,
}

impl Meter {
    /// A new row. What a parser has read ahead counts for it.
    pub(super) fn begin(&self) {
        self.begun.set(self.read.get());
    }

    pub(super) fn is_over(&self) -> bool {
        self.read.get() - self.begun.get() > ROW
    }
}

/// Ends within a row that is too long.
pub(super) struct Metered<'m, R> {
    pub(super) inner: R,
    pub(super) meter: &'m Meter,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.meter.is_over() {
            return Err(std::io::Error::other("too long"));
        }
        let count = self.inner.read(buffer)?;
        self.meter.read.set(self.meter.read.get() + count as u64);
        Ok(count)
    }
}

/// What a cell is as it is written; `007` and `+49…` are texts.
fn of_cell(cell: &str) -> Type {
    match cell {
        "true" | "false" => Type::Bool,
        _ if decimal::is_count(cell) => Type::Count,
        _ if decimal::is_number(cell) => Type::Number,
        _ => Type::Text,
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

/// Rows begin after `skipped` bytes.
fn json(reader: &mut impl Read, shown: &str, skipped: u64, rows: &mut dyn Rows) -> Result<(), String> {
    let meter = Meter::default();
    meter.read.set(skipped);
    let mut refused = None;
    let mut deserializer = serde_json::Deserializer::from_reader(Metered { inner: reader, meter: &meter });
    let list = List { rows, meter: &meter, refused: &mut refused, shown };
    let told = deserializer.deserialize_seq(list).and_then(|()| deserializer.end());
    told.map_err(|error| match refused {
        Some(why) => why,
        None if meter.is_over() => too_long(shown, &format!("an object after byte {}", meter.begun.get())),
        None => {
            let (line, column, why) = (error.line(), error.column(), reason(&error));
            format!("`{shown}` is not a list of objects (line {line}, column {column}){why}")
        }
    })
}

/// Tells the objects of a list as they are read, and keeps none. The parser takes an object up to its brace and no
/// further.
struct List<'l> {
    rows: &'l mut dyn Rows,
    meter: &'l Meter,
    /// Why it ended before the end, where that is not for the parser to say.
    refused: &'l mut Option<String>,
    shown: &'l str,
}

impl<'de> serde::de::Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        for number in 1u64.. {
            self.meter.begin();
            let at = self.meter.read.get();
            let Some(row) = list.next_element::<Object>()? else { break };
            if let Err(why) = told(self.rows, row, at, self.shown, &format!("object {number}")) {
                *self.refused = Some(why);
                return Err(serde::de::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

fn json_lines(reader: &mut impl BufRead, shown: &str, skipped: u64, rows: &mut dyn Rows) -> Result<(), String> {
    let (mut line, mut at) = (String::new(), skipped);
    for number in 1.. {
        line.clear();
        let read = reader.by_ref().take(ROW + 1).read_line(&mut line);
        let length = read.map_err(|error| format!("`{shown}` line {number} cannot be read: {error}"))?;
        if length as u64 > ROW {
            return Err(too_long(shown, &format!("line {number}")));
        }
        if length == 0 {
            break;
        }
        if !line.trim().is_empty() {
            let row: Object = serde_json::from_str(&line)
                .map_err(|error| format!("`{shown}` line {number} is no object{}", reason(&error)))?;
            told(rows, row, at, shown, &format!("line {number}"))?;
        }
        at += length as u64;
    }
    Ok(())
}

fn told(rows: &mut dyn Rows, row: Object, at: u64, shown: &str, place: &str) -> Result<(), String> {
    let long = |value: &serde_json::Value| value.as_str().is_some_and(|text| text.len() > CELL);
    if row.values().any(long) {
        return Err(too_long_a_text(shown, place));
    }
    rows.object(row, at);
    if rows.is_too_wide() { Err(too_wide(shown)) } else { Ok(()) }
}

/// What is wrong with its form, without the place that stands before it already. What else is in it is not quoted.
fn reason(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => String::new(),
        serde_json::error::Category::Io | serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            let text = error.to_string();
            format!(": {}", text.split(" at line ").next().unwrap_or(&text))
        }
    }
}

fn of_value(value: &serde_json::Value) -> Type {
    match value {
        serde_json::Value::Number(number) if decimal::is_count(number.as_str()) => Type::Count,
        serde_json::Value::Number(_) => Type::Number,
        serde_json::Value::String(_) => Type::Text,
        serde_json::Value::Bool(_) => Type::Bool,
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => Type::Json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv_of(reader: &mut impl Read, short: &mut Short) -> Result<(), String> {
        csv(reader, "a.csv", &Dialect::default(), Mark::None, short)
    }

    #[test]
    fn cells_are_numbers_only_when_they_are_written_as_such() {
        let kinds: Vec<Type> =
            ["7", "-7", "7.5", "007", "+49", "", "true", "a", "1e3", "-0", "123456789012345678901", "-", "1."]
                .into_iter()
                .map(of_cell)
                .collect();
        use Type::{Bool, Count, Number, Text};
        assert_eq!(kinds, [Count, Number, Number, Text, Text, Text, Bool, Text, Number, Number, Count, Text, Text]);
        assert_eq!(common(Count, Number), Number);
        assert_eq!(common(Count, Text), Text);
    }

    #[test]
    fn tables_have_columns_rows_and_a_hash() {
        let mut short = Short::default();
        csv_of(&mut "id,name,price\n1,Lamp,19.90\n2,\"Chair, red\",49\n".as_bytes(), &mut short).unwrap();
        assert_eq!(short.rows, 2);
        let expected = [("id", Type::Count), ("name", Type::Text), ("price", Type::Number)];
        assert_eq!(short.columns(), expected.map(|(name, kind)| (name.to_owned(), kind)));
        let error = csv_of(&mut "id,name\n1\n".as_bytes(), &mut Short::default()).unwrap_err();
        assert_eq!(error, "`a.csv` line 2 has 1 cell, and the head line has 2");
        let mut short = Short::default();
        json_lines(&mut "{\"id\": 1}\n\n{\"id\": 2.5, \"on\": true}\n".as_bytes(), "a", 0, &mut short).unwrap();
        assert_eq!(short.rows, 2);
        assert_eq!(short.columns(), [("id".to_owned(), Type::Number), ("on".to_owned(), Type::Bool)]);
        let error = json(&mut "{}".as_bytes(), "a.json", 0, &mut Short::default()).unwrap_err();
        assert!(error.starts_with("`a.json` is not a list of objects"));
    }

    /// A file of one kind, written piece by piece without ever being held.
    struct Endless(&'static [u8], u64);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            assert!(self.1 < 3 * ROW, "it is read on and on");
            buffer.iter_mut().for_each(|byte| *byte = self.0[0]);
            self.1 += buffer.len() as u64;
            Ok(buffer.len())
        }
    }

    fn begun(text: &'static str, goes_on: &'static [u8]) -> impl BufRead {
        BufReader::new(text.as_bytes().chain(Endless(goes_on, 0)))
    }

    #[test]
    fn what_has_no_end_is_read_up_to_the_limit_of_a_row() {
        let mut told: Vec<String> = Vec::new();
        told.push(csv_of(&mut begun("id\n1\n", b"x"), &mut Short::default()).unwrap_err());
        told.push(csv_of(&mut begun("", b"\0"), &mut Short::default()).unwrap_err());
        told.push(csv_of(&mut begun("id\n\"", b"\n"), &mut Short::default()).unwrap_err());
        told.push(json(&mut begun("[{\"a\": \"", b"x"), "a.json", 0, &mut Short::default()).unwrap_err());
        told.push(json(&mut begun("[", b" "), "a.json", 0, &mut Short::default()).unwrap_err());
        told.push(json_lines(&mut begun("{\"a\": 1}\n", b" "), "a.jsonl", 0, &mut Short::default()).unwrap_err());
        for why in told {
            assert!(why.ends_with("has more than 16 MiB, which is no row"), "{why}");
        }
    }

    #[test]
    fn a_cell_has_a_limit() {
        let long = "x".repeat(CELL + 1);
        for (file, place) in [(format!("id\n1\n{long}\n"), "line 3"), (format!("id\n\"{long}\"\n"), "line 2")] {
            let why = csv_of(&mut file.as_bytes(), &mut Short::default()).unwrap_err();
            assert_eq!(why, too_long_a_text("a.csv", place));
        }
        let why = json(&mut format!("[{{\"a\":\"{long}\"}}]").as_bytes(), "a", 0, &mut Short::default()).unwrap_err();
        assert_eq!(why, too_long_a_text("a", "object 1"));
        let file = format!("{{}}\n{{\"a\":\"{long}\"}}\n");
        let why = json_lines(&mut file.as_bytes(), "a", 0, &mut Short::default()).unwrap_err();
        assert_eq!(why, too_long_a_text("a", "line 2"));
        csv_of(&mut format!("id\n{}\n", &long[1..]).as_bytes(), &mut Short::default()).unwrap();
    }

    #[test]
    fn a_table_has_a_limit_of_columns() {
        let names = |count: usize| (0..count).map(|n| format!("c{n}")).collect::<Vec<_>>();
        let most = names(COLUMNS).join(",");
        csv_of(&mut most.as_bytes(), &mut Short::default()).unwrap();
        let why = csv_of(&mut format!("{most},more\n").as_bytes(), &mut Short::default()).unwrap_err();
        assert_eq!(why, too_wide("a.csv"));
        let rows: String = names(COLUMNS + 1).iter().map(|name| format!("{{\"{name}\":1}}\n")).collect();
        let why = json_lines(&mut rows.as_bytes(), "a", 0, &mut Short::default()).unwrap_err();
        assert_eq!(why, too_wide("a"));
    }

    #[test]
    fn what_is_wrong_with_a_file_does_not_quote_it() {
        for text in ["[\"hunter2\"]", "{\"hunter2\": 1}", "\"hunter2\"", "[{\"a\": hunter2}]"] {
            let why = json(&mut text.as_bytes(), "a.json", 0, &mut Short::default()).unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
            let why = json_lines(&mut text.replace('{', "[").as_bytes(), "a", 0, &mut Short::default()).unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
        let deep = format!("[{{\"a\": {}{}}}]", "[".repeat(200), "]".repeat(200));
        let why = json(&mut deep.as_bytes(), "a.json", 0, &mut Short::default()).unwrap_err();
        assert!(why.contains("recursion limit"), "{why}");
    }
}
