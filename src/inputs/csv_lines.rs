//! CSV files: their separator, header line and encoding. A byte order mark identifies UTF-16.

use super::data::{CELL, COLUMNS, HELD, Meter, Metered, Rows, too_long, too_long_a_text, too_wide};
use crate::syntax::dialect::{Dialect, Encoding};
use csv::{ByteRecord, Position, StringRecord};
use std::cell::Cell;
use std::collections::HashMap;
use std::io::{BufRead, Read};

/// With what a file begins that says its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    None,
    Utf8,
    Utf16(ByteOrder),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    Little,
    Big,
}

impl Mark {
    /// Takes it off.
    pub fn take(reader: &mut impl BufRead) -> std::io::Result<Mark> {
        let mark = match reader.fill_buf()? {
            [0xef, 0xbb, 0xbf, ..] => Mark::Utf8,
            [0xff, 0xfe, ..] => Mark::Utf16(ByteOrder::Little),
            [0xfe, 0xff, ..] => Mark::Utf16(ByteOrder::Big),
            _ => Mark::None,
        };
        reader.consume(mark.length());
        Ok(mark)
    }

    pub fn length(self) -> usize {
        match self {
            Mark::None => 0,
            Mark::Utf8 => 3,
            Mark::Utf16(_) => 2,
        }
    }

    pub fn name(self) -> Option<&'static str> {
        match self {
            Mark::None => None,
            Mark::Utf8 => Some("UTF-8"),
            Mark::Utf16(_) => Some("UTF-16"),
        }
    }
}

/// After its mark.
pub fn csv(reader: impl Read, shown: &str, dialect: &Dialect, mark: Mark, rows: &mut dyn Rows) -> Result<(), String> {
    let meter = Meter::default();
    let bytes = Metered { inner: reader, meter: &meter };
    let refused = Cell::new(None);
    let file = CsvFile { shown, dialect, meter: &meter, refused: &refused, skipped: mark.length() as u64 };
    match (dialect.encoding, mark) {
        (Encoding::Latin1, Mark::Utf8 | Mark::Utf16(_)) => {
            let found = mark.name().unwrap_or_default();
            Err(format!("`{shown}` begins with the mark of {found}, so it is no Latin-1; leave `encoding: latin1` out"))
        }
        (Encoding::Unicode, Mark::Utf16(order)) => file.told(Utf16Reader::new(bytes, order, &refused), rows),
        (Encoding::Unicode, Mark::None | Mark::Utf8) | (Encoding::Latin1, Mark::None) => file.told(bytes, rows),
    }
}

struct CsvFile<'c> {
    shown: &'c str,
    dialect: &'c Dialect,
    meter: &'c Meter,
    /// Why it ended before the end, where that is not for the parser to say.
    refused: &'c Cell<Option<&'static str>>,
    /// The bytes of its mark.
    skipped: u64,
}

impl CsvFile<'_> {
    fn told(&self, source: impl Read, rows: &mut dyn Rows) -> Result<(), String> {
        let shown = self.shown;
        // What a line must have is looked at here, since the first line may be one of cells.
        let mut lines = csv::ReaderBuilder::new();
        lines.has_headers(false).flexible(true).delimiter(self.dialect.separator as u8);
        let mut lines = lines.from_reader(source);
        let (mut record, mut bytes) = (StringRecord::new(), ByteRecord::new());
        let heads: Vec<String> = match &self.dialect.names {
            Some(names) => names.clone(),
            None => {
                self.read(&mut lines, &mut record, &mut bytes)?;
                self.has_text(&record)?;
                record.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect()
            }
        };
        if heads.len() > COLUMNS {
            return Err(too_wide(shown));
        }
        let mut seen = HashMap::new();
        for (place, name) in heads.iter().enumerate() {
            if let Some(before) = seen.insert(name.as_str(), place) {
                return Err(format!("columns {} and {} of `{shown}` have the same name", before + 1, place + 1));
            }
        }
        rows.head(&heads);
        let mut is_first = self.dialect.names.is_some();
        loop {
            self.meter.begin();
            if !self.read(&mut lines, &mut record, &mut bytes)? {
                return Ok(());
            }
            if std::mem::take(&mut is_first) {
                self.has_text(&record)?;
            }
            let line = record.position().map_or(0, Position::line);
            if record.len() != heads.len() {
                let cells = if record.len() == 1 { "cell" } else { "cells" };
                let wanted = if self.dialect.names.is_some() { "`columns` names" } else { "the head line has" };
                let (found, wanted) = (record.len(), format!("{wanted} {}", heads.len()));
                return Err(format!("`{shown}` line {line} has {found} {cells}, and {wanted}"));
            }
            if record.iter().any(|cell| cell.len() > CELL) {
                return Err(too_long_a_text(shown, &format!("line {line}")));
            }
            rows.cells(&record);
        }
    }

    /// The next line, with where it begins in the file.
    fn read(
        &self,
        lines: &mut csv::Reader<impl Read>,
        record: &mut StringRecord,
        bytes: &mut ByteRecord,
    ) -> Result<bool, String> {
        let is_there = match self.dialect.encoding {
            Encoding::Unicode => lines.read_record(record),
            Encoding::Latin1 => lines.read_byte_record(bytes).inspect(|_| {
                record.clear();
                bytes.iter().for_each(|cell| record.push_field(&latin1(cell)));
                record.set_position(bytes.position().cloned());
            }),
        };
        let is_there = is_there.map_err(|error| self.wrong(&error))?;
        if self.skipped > 0
            && let Some(mut position) = record.position().cloned()
        {
            position.set_byte(position.byte() + self.skipped);
            record.set_position(Some(position));
        }
        Ok(is_there)
    }

    /// UTF-16 without its mark is UTF-8 that nobody writes.
    fn has_text(&self, record: &StringRecord) -> Result<(), String> {
        match record.iter().any(|cell| cell.contains('\0')) {
            true => Err(format!(
                "`{}` has zero bytes in its first line, as UTF-16 has without its mark; save it as UTF-8, or as UTF-16 with a byte order mark",
                self.shown
            )),
            false => Ok(()),
        }
    }

    fn wrong(&self, error: &csv::Error) -> String {
        let shown = self.shown;
        let line = error.position().map_or(String::new(), |position| format!(" line {}", position.line()));
        match error.kind() {
            _ if self.meter.is_over() => too_long(shown, &format!("a line after byte {}", self.meter.begun.get())),
            csv::ErrorKind::Utf8 { .. } => format!(
                "`{shown}`{line} is not UTF-8; `encoding: latin1` reads it where it is Latin-1 or Windows-1252, otherwise save it as UTF-8"
            ),
            _ => match self.refused.get() {
                Some(why) => format!("`{shown}` {why}"),
                None => format!("`{shown}`{line} cannot be read: {error}"),
            },
        }
    }
}

/// Of Windows-1252, in which every byte is a character.
pub fn latin1(cell: &[u8]) -> std::borrow::Cow<'_, str> {
    encoding_rs::WINDOWS_1252.decode_without_bom_handling(cell).0
}

/// UTF-16 as UTF-8.
struct Utf16Reader<'r, R> {
    inner: R,
    decoder: encoding_rs::Decoder,
    refused: &'r Cell<Option<&'static str>>,
    /// So many bytes may come.
    left: u64,
    decoded: Vec<u8>,
    taken: usize,
    has_ended: bool,
}

impl<'r, R: Read> Utf16Reader<'r, R> {
    fn new(inner: R, order: ByteOrder, refused: &'r Cell<Option<&'static str>>) -> Utf16Reader<'r, R> {
        let encoding = match order {
            ByteOrder::Little => encoding_rs::UTF_16LE,
            ByteOrder::Big => encoding_rs::UTF_16BE,
        };
        let decoder = encoding.new_decoder_without_bom_handling();
        Utf16Reader { inner, decoder, refused, left: HELD, decoded: Vec::new(), taken: 0, has_ended: false }
    }

    fn refuse(&self, why: &'static str) -> std::io::Error {
        self.refused.set(Some(why));
        std::io::Error::other(why)
    }
}

impl<R: Read> Read for Utf16Reader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.taken == self.decoded.len() && !self.has_ended {
            let mut bytes = [0; 8 << 10];
            let count = self.inner.read(&mut bytes)?;
            let Some(left) = self.left.checked_sub(count as u64) else {
                return Err(self.refuse(
                    "is UTF-16 and has more than 64 MiB; save it as UTF-8, of which a file may have any size",
                ));
            };
            self.left = left;
            self.has_ended = count == 0;
            let most = self.decoder.max_utf8_buffer_length_without_replacement(count).unwrap_or(0);
            self.decoded.resize(most, 0);
            let (result, _, written) =
                self.decoder.decode_to_utf8_without_replacement(&bytes[..count], &mut self.decoded, self.has_ended);
            self.decoded.truncate(written);
            self.taken = 0;
            if let encoding_rs::DecoderResult::Malformed(..) = result {
                return Err(
                    self.refuse("is UTF-16 by its mark, and a character of it is cut in half; save it as UTF-8")
                );
            }
        }
        let count = buffer.len().min(self.decoded.len() - self.taken);
        buffer[..count].copy_from_slice(&self.decoded[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names, cells and where each line begins.
    #[derive(Default)]
    struct Told {
        heads: Vec<String>,
        cells: Vec<Vec<String>>,
        at: Vec<u64>,
    }

    impl Rows for Told {
        fn head(&mut self, names: &[String]) {
            self.heads = names.to_vec();
        }

        fn cells(&mut self, cells: &StringRecord) {
            self.cells.push(cells.iter().map(str::to_owned).collect());
            self.at.push(cells.position().unwrap().byte());
        }

        fn object(&mut self, _row: super::super::data::Object, _at: u64) {}
    }

    fn told(mut bytes: &[u8], dialect: &Dialect) -> Result<Told, String> {
        let mut told = Told::default();
        let mark = Mark::take(&mut bytes).unwrap();
        csv(bytes, "a.csv", dialect, mark, &mut told).map(|()| told)
    }

    fn utf16(text: &str, of: fn(u16) -> [u8; 2]) -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(of).collect()
    }

    #[test]
    fn each_encoding_gives_the_same_text() {
        let text = "name;note\nZoë;\"a;b €\"\n";
        let semicolon = Dialect { separator: ';', ..Dialect::default() };
        let latin1 = Dialect { encoding: Encoding::Latin1, ..semicolon.clone() };
        let bytes = b"name;note\nZo\xeb;\"a;b \x80\"\n";
        for (bytes, dialect, at) in [
            (text.as_bytes(), &semicolon, 10),
            (format!("\u{feff}{text}").as_bytes(), &semicolon, 13),
            (&utf16(text, u16::to_le_bytes), &semicolon, 12),
            (&utf16(text, u16::to_be_bytes), &semicolon, 12),
            (bytes, &latin1, 10),
        ] {
            let told = told(bytes, dialect).unwrap();
            assert_eq!(
                (told.heads, told.cells),
                (vec!["name".into(), "note".into()], vec![vec!["Zoë".into(), "a;b €".into()]])
            );
            assert_eq!(told.at, [at]);
        }
        // Pieces of two bytes that are read apart from each other.
        let long = format!("name;note\n{};🜁\n", "é".repeat(9_001));
        let long = told(&utf16(&long, u16::to_be_bytes), &semicolon).unwrap();
        assert_eq!((long.cells[0][0].chars().count(), long.cells[0][1].as_str()), (9_001, "🜁"));
    }

    #[test]
    fn what_is_wrong_names_the_encoding() {
        let usual = Dialect::default();
        let latin1 = Dialect { encoding: Encoding::Latin1, ..usual.clone() };
        let half = [&utf16("id\n", u16::to_le_bytes)[..], &[0x00, 0xd8, 0x41, 0x00]].concat();
        let bare = &utf16("id\n1\n", u16::to_le_bytes)[2..];
        for (bytes, dialect, wanted) in [
            (&b"name\nAda\nZo\xeb\n"[..], &usual, "`a.csv` line 3 is not UTF-8; `encoding: latin1` reads it"),
            (b"Zo\xeb\n1\n", &usual, "`a.csv` line 1 is not UTF-8; `encoding: latin1` reads it"),
            ("\u{feff}id\n1\n".as_bytes(), &latin1, "`a.csv` begins with the mark of UTF-8, so it is no Latin-1"),
            (&half, &usual, "`a.csv` is UTF-16 by its mark, and a character of it is cut in half"),
            (bare, &usual, "`a.csv` has zero bytes in its first line, as UTF-16 has without its mark"),
        ] {
            let why = told(bytes, dialect).err().unwrap();
            assert!(why.starts_with(wanted), "{why}");
        }
        let refused = Cell::new(None);
        let bytes: &[u8] = b"a\0b\0c\0";
        for (left, is_refused) in [(6, false), (5, true)] {
            let reader = Utf16Reader::new(bytes, ByteOrder::Little, &refused);
            let mut reader = Utf16Reader { left, ..reader };
            let mut text = String::new();
            assert_eq!(reader.read_to_string(&mut text).is_err(), is_refused);
            assert_eq!(refused.get().is_some_and(|why| why.contains("more than 64 MiB")), is_refused);
        }
    }

    #[test]
    fn without_a_head_line_the_first_line_is_a_row() {
        let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let tabs = Dialect { separator: '\t', names: names(&["id", "name"]), ..Dialect::default() };
        let rows = told("\u{feff}1\tAda, L.\n2\tZoë\n".as_bytes(), &tabs).unwrap();
        assert_eq!(rows.heads, ["id", "name"]);
        assert_eq!(rows.cells, [["1", "Ada, L."], ["2", "Zoë"]]);
        assert_eq!(rows.at, [3, 13]);
        let why = told(b"1\tAda\tL\n", &tabs).err().unwrap();
        assert_eq!(why, "`a.csv` line 1 has 3 cells, and `columns` names 2");
    }
}
