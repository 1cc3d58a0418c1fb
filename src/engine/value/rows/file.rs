//! Rows of a large file: read where they lie when they are taken, by an index of the file in blocks.

use crate::inputs::csv_lines::latin1;
use crate::inputs::data::Object;
use crate::plan::{Dialect, Encoding};
use std::fs::File;

/// As many bytes of rows are read at a time, as long as the index is small; one row may be longer.
const BLOCK: u64 = 1 << 10;
/// More marks than these are no longer small: every second is let go, and blocks are twice as long.
const MOST: usize = 1 << 18;

/// Where each block begins: the number of its first row, and the offset.
#[derive(Debug)]
pub struct Marks {
    marks: Vec<(u64, u64)>,
    block: u64,
    most: usize,
}

impl Default for Marks {
    fn default() -> Marks {
        Marks { marks: Vec::new(), block: BLOCK, most: MOST }
    }
}

impl Marks {
    /// Rows are told in their order.
    pub fn note(&mut self, row: u64, at: u64) {
        if self.marks.last().is_some_and(|(_, begin)| at.saturating_sub(*begin) < self.block) {
            return;
        }
        self.marks.push((row, at));
        if self.marks.len() > self.most {
            let mut number = 0;
            self.marks.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.block *= 2;
        }
    }
}

/// A file whose rows stay where they are.
#[derive(Debug)]
pub struct Indexed {
    file: File,
    end: u64,
    marks: Vec<(u64, u64)>,
    /// How lines of CSV are written.
    csv: Option<Dialect>,
}

/// Where somebody reads in such a file: the block that was read last, and its row that was taken last.
#[derive(Default)]
pub struct Cursor {
    block: Option<usize>,
    bytes: Vec<u8>,
    /// In the block: the beginnings of the rows that were passed, and of the next one.
    starts: Vec<usize>,
    row: Option<u64>,
    cells: Cells,
    object: Object,
}

/// The cells of a line of CSV, one after the other.
#[derive(Default)]
struct Cells {
    parser: Option<Box<csv_core::Reader>>,
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl Indexed {
    pub fn new(file: File, marks: Marks, csv: Option<Dialect>) -> std::io::Result<Indexed> {
        let end = file.metadata()?.len();
        let mut marks = marks.marks;
        marks.shrink_to_fit();
        Ok(Indexed { file, end, marks, csv })
    }

    pub fn is_csv(&self) -> bool {
        self.csv.is_some()
    }

    /// A cell of a line of CSV.
    pub fn cell<'c>(&self, row: u64, place: usize, cursor: &'c mut Cursor) -> Option<&'c str> {
        self.seek(row, cursor)?;
        cursor.cells.get(place)
    }

    /// A row of a JSON file.
    pub fn object<'c>(&self, row: u64, cursor: &'c mut Cursor) -> Option<&'c Object> {
        self.seek(row, cursor)?;
        Some(&cursor.object)
    }

    /// Brings the cursor to a row; `None` if there is none, or where the file is no longer what it was.
    fn seek(&self, row: u64, cursor: &mut Cursor) -> Option<()> {
        if cursor.row == Some(row) {
            return Some(());
        }
        cursor.row = None;
        let block = self.marks.partition_point(|(first, _)| *first <= row).checked_sub(1)?;
        let (first, begin) = self.marks[block];
        if cursor.block != Some(block) {
            cursor.block = None;
            let end = self.marks.get(block + 1).map_or(self.end, |(_, next)| *next);
            cursor.bytes.resize(usize::try_from(end.checked_sub(begin)?).ok()?, 0);
            read_at(&self.file, &mut cursor.bytes, begin).ok()?;
            cursor.starts.clear();
            cursor.starts.push(0);
            cursor.block = Some(block);
        }
        let wanted = usize::try_from(row - first).ok()?;
        for number in wanted.min(cursor.starts.len() - 1)..=wanted {
            let start = cursor.starts[number];
            let left = cursor.bytes.get(start..)?;
            let length = match &self.csv {
                Some(dialect) => cursor.cells.read(left, dialect)?,
                None => read_object(left, &mut cursor.object)?,
            };
            if number + 1 == cursor.starts.len() {
                cursor.starts.push(start + length);
            }
        }
        cursor.row = Some(row);
        Some(())
    }
}

impl Cells {
    /// Reads a line, and returns how many bytes it has.
    fn read(&mut self, mut input: &[u8], dialect: &Dialect) -> Option<usize> {
        let parser = self.parser.get_or_insert_with(|| {
            let mut parser = Box::new(csv_core::ReaderBuilder::new().delimiter(dialect.separator as u8).build());
            // What looks like the mark of UTF-8 is one only at the begin of a file.
            let _ = parser.read_record(b"-\n", &mut [0; 8], &mut [0; 8]);
            parser
        });
        let (mut length, mut text, mut ends) = (0, 0, 0);
        let mut was_told_the_end = false;
        self.text.resize(self.text.capacity().max(256), 0);
        self.ends.resize(self.ends.capacity().max(16), 0);
        loop {
            was_told_the_end |= input.is_empty();
            let (result, read, written, ended) =
                parser.read_record(input, &mut self.text[text..], &mut self.ends[ends..]);
            input = &input[read..];
            (length, text, ends) = (length + read, text + written, ends + ended);
            match result {
                csv_core::ReadRecordResult::Record => break,
                // The last line may have no end of its own, which an empty input tells.
                csv_core::ReadRecordResult::InputEmpty => {}
                csv_core::ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                csv_core::ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                csv_core::ReadRecordResult::End => {
                    self.parser = None;
                    return None;
                }
            }
        }
        if was_told_the_end {
            // After the end it reads nothing.
            self.parser = None;
        }
        self.count = ends;
        match dialect.encoding {
            Encoding::Unicode => {}
            Encoding::Latin1 => self.decode(),
        }
        Some(length)
    }

    fn decode(&mut self) {
        let mut decoded = Vec::with_capacity(self.text.len());
        let mut start = 0;
        for end in &mut self.ends[..self.count] {
            decoded.extend_from_slice(latin1(self.text.get(start..*end).unwrap_or_default()).as_bytes());
            start = std::mem::replace(end, decoded.len());
        }
        self.text = decoded;
    }

    fn get(&self, place: usize) -> Option<&str> {
        let end = *self.ends[..self.count].get(place)?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        std::str::from_utf8(self.text.get(start..end)?).ok()
    }
}

/// Reads an object after blanks, commas and the bracket of a list, and returns how many bytes that is.
fn read_object(input: &[u8], into: &mut Object) -> Option<usize> {
    let blanks = input.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'['))?;
    let mut objects = serde_json::Deserializer::from_slice(&input[blanks..]).into_iter::<Object>();
    *into = objects.next()?.ok()?;
    Some(blanks + objects.byte_offset())
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, mut buffer: &mut [u8], mut at: u64) -> std::io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, at)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => (buffer, at) = (&mut buffer[count..], at + count as u64),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_stays_small_and_begins_with_the_first_row() {
        let mut marks = Marks { most: 8, ..Marks::default() };
        (0..1_000).for_each(|row| marks.note(row, 5 + row * 100));
        assert!((4..=8).contains(&marks.marks.len()), "{:?}", marks.marks);
        assert_eq!(marks.marks[0], (0, 5));
        assert!(marks.marks.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[1].1 - pair[0].1 >= BLOCK));
        assert!(marks.marks.iter().all(|(row, at)| *at == 5 + row * 100));
    }
}
