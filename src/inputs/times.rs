//! The instants of a data file that can be replayed: how long they go on, in order, and how dense they are.

use crate::base::units::SECOND;
use crate::check::inputs::Instants;
use std::collections::VecDeque;

/// Names of a column of instants; the first that there is holds them.
pub const COLUMNS: [&str; 3] = ["at", "time", "timestamp"];

/// An instant in nanoseconds: a number of seconds, or a time as RFC 3339 writes it.
pub fn instant(cell: &str) -> Option<i128> {
    let (sign, digits) = cell.strip_prefix('-').map_or((1, cell), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain(whole) && plain(fraction) && whole.len() < 20 {
        // What is finer than a nanosecond is left out.
        let nanoseconds: i128 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        return Some(sign * (whole.parse::<i128>().ok()? * i128::from(SECOND) + nanoseconds));
    }
    Some(cell.parse::<jiff::Timestamp>().ok()?.as_nanosecond())
}

/// What is known of the instants of a file while it is read.
#[derive(Default)]
pub struct InstantReader {
    /// Which of [`COLUMNS`], and where it stands in a line of CSV.
    column: Option<usize>,
    place: usize,
    first: Option<i128>,
    last: i128,
    rows: u64,
    /// Those of the last second.
    recent: VecDeque<i128>,
    densest: usize,
    wrong: Option<String>,
}

impl InstantReader {
    /// The names of the cells that follow.
    pub fn head(&mut self, names: &[String]) {
        self.column = COLUMNS.iter().position(|column| names.iter().any(|name| name == column));
        let place = self.column.and_then(|column| names.iter().position(|name| name == COLUMNS[column]));
        self.place = place.unwrap_or(0);
    }

    pub fn cells(&mut self, cells: &csv::StringRecord) {
        if self.column.is_some() {
            self.cell(cells.get(self.place).unwrap_or_default());
        }
    }

    pub fn object(&mut self, row: &super::data::Object) {
        if self.rows == 0 && self.wrong.is_none() {
            self.column = COLUMNS.iter().position(|column| row.contains_key(*column));
        }
        let Some(column) = self.column else { return };
        match row.get(COLUMNS[column]) {
            Some(serde_json::Value::String(text)) => self.cell(text),
            other => self.cell(&other.map_or(String::new(), ToString::to_string)),
        }
    }

    fn cell(&mut self, cell: &str) {
        self.rows += 1;
        if self.wrong.is_some() {
            return;
        }
        let Some(at) = instant(cell) else {
            self.wrong = Some(format!("the cell in row {} is not a time", self.rows));
            return;
        };
        let first = *self.first.get_or_insert(at);
        if self.rows > 1 && at < self.last {
            self.wrong = Some(format!("row {} is earlier than the one before it", self.rows));
            return;
        }
        if u64::try_from(at - first).is_err() {
            self.wrong = Some(format!("row {} is more than 500 years after the first", self.rows));
            return;
        }
        self.last = at;
        self.recent.push_back(at);
        while self.recent.front().is_some_and(|early| at - early >= i128::from(SECOND)) {
            self.recent.pop_front();
        }
        self.densest = self.densest.max(self.recent.len());
    }

    /// Nothing where there is no column of that kind.
    pub fn times(self) -> Option<Result<Instants, String>> {
        let column = COLUMNS[self.column?].to_owned();
        Some(match self.wrong {
            Some(wrong) => Err(wrong),
            None => {
                let length = (self.last - self.first.unwrap_or(self.last)) as u64;
                Ok(Instants { column, length, densest: self.densest as u64 })
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_seconds_or_rfc_3339() {
        assert_eq!(instant("7"), Some(7_000_000_000));
        assert_eq!(instant("1.0000000019"), Some(1_000_000_001));
        assert_eq!(instant("-0.5"), Some(-500_000_000));
        assert_eq!(instant("1970-01-01T00:01:00.25Z"), Some(60_250_000_000));
        assert_eq!(instant("1970-01-01T01:00:00+01:00"), Some(0));
        for wrong in ["", "now", "1.", ".5", "1e3", "1970-01-01", "12:00"] {
            assert_eq!(instant(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn readings_know_length_and_density() {
        let read = |cells: &[&str]| {
            let mut reading = InstantReader { column: Some(0), ..InstantReader::default() };
            cells.iter().for_each(|cell| reading.cell(cell));
            reading.times().unwrap()
        };
        let times = read(&["100", "100.2", "100.9", "101.1", "105"]).unwrap();
        assert_eq!((times.length, times.densest), (5 * SECOND, 3));
        assert_eq!(read(&["2", "1"]).unwrap_err(), "row 2 is earlier than the one before it");
        assert_eq!(read(&["2", "x"]).unwrap_err(), "the cell in row 2 is not a time");
        assert!(InstantReader::default().times().is_none());
    }
}
