//! Rows as they come, as the text of a JSON list with an object for each.

use crate::engine::stream::Broken;
use crate::wire::room::{Room, TOO_MUCH};
use sqlx::{Column, ColumnIndex, Database, Either, Row, ValueRef};
use std::fmt::Write;

/// What a step looks into may be so long, as the body of an answer may.
const BYTES: usize = 64 << 20;
/// And have so many rows.
const ROWS: u64 = 1_000_000;

/// So many rows are taken before others have their turn.
const TURN: u64 = 256;

#[derive(Default)]
pub struct Rows {
    /// What does not look into them only counts them.
    pub kept: bool,
    pub text: String,
    pub room: Room,
    pub count: u64,
    /// Bytes of values as they came.
    pub bytes: u64,
    /// When the first came: 0 where none did.
    pub first: u64,
    counted: usize,
}

/// More than a step looks into.
#[derive(Debug)]
pub struct TooMany(pub String);

impl Rows {
    pub fn begin(&mut self, kept: bool) {
        self.kept = kept;
        self.text.clear();
        if kept {
            self.text.push('[');
        }
        self.room = Room::default();
        (self.count, self.bytes, self.first, self.counted) = (0, 0, 0, 0);
    }

    pub fn end(&mut self) {
        if self.kept {
            self.text.push(']');
        }
    }

    /// A row begins. Says whether its values are wanted.
    pub fn row(&mut self) -> bool {
        self.count += 1;
        if self.kept {
            self.text.push_str(if self.count > 1 { ",{" } else { "{" });
        }
        self.kept
    }

    /// The row has ended.
    pub fn over(&mut self) -> Result<(), TooMany> {
        self.text.push('}');
        if self.count > ROWS {
            return Err(TooMany(format!("it has more than {ROWS} rows; `limit` bounds them")));
        }
        self.has_room()?;
        // What is small is counted when there is more of it.
        let more = self.text.len() - self.counted;
        if more > 64 << 10 {
            self.room.take(more).map_err(|_| TooMany(TOO_MUCH.to_owned()))?;
            self.counted = self.text.len();
        }
        Ok(())
    }

    /// After each value, since a row may have many that are long.
    fn has_room(&self) -> Result<(), TooMany> {
        match is_too_long(&self.text) {
            true => Err(TooMany(format!("its rows take more than {} MiB; `limit` bounds them", BYTES >> 20))),
            false => Ok(()),
        }
    }

    /// The next value of the row is that of this column.
    pub fn name(&mut self, name: &str) {
        if !self.text.ends_with('{') {
            self.text.push(',');
        }
        quoted(name, &mut self.text);
        self.text.push(':');
    }
}

/// What is not there, as JSON.
pub const NOTHING: &str = "null";

/// Whether a text is refused as a whole, so that nothing more need be written to it: a value may be much longer as JSON than it came.
pub fn is_too_long(text: &str) -> bool {
    text.len() > BYTES
}

/// A text of JSON (RFC 8259, 7).
pub fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if is_too_long(out) {
            break;
        }
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A float as a number; what is none as a text.
pub fn float(number: f64, out: &mut String) {
    match number.is_finite() {
        true => drop(crate::base::decimal::write(number, out)),
        false => quoted(&number.to_string(), out),
    }
}

/// The bytes of something that is no text.
pub fn hex(before: &str, bytes: &[u8], out: &mut String) {
    out.push('"');
    out.push_str(before);
    for byte in bytes {
        if is_too_long(out) {
            break;
        }
        let _ = write!(out, "{byte:02x}");
    }
    out.push('"');
}

/// A document of JSON as it came, if it is one.
pub fn json(text: &[u8], out: &mut String) {
    if let Some(long) = text.get(..=BYTES) {
        return quoted(&String::from_utf8_lossy(long), out);
    }
    match serde_json::from_slice::<&serde_json::value::RawValue>(text) {
        Ok(raw) => out.push_str(raw.get()),
        Err(_) => quoted(&String::from_utf8_lossy(text), out),
    }
}

/// Why a statement came to nothing.
#[derive(Debug)]
pub enum Trouble {
    Sql(sqlx::Error),
    /// The way to the database.
    Broken(Broken),
    /// A value for one of its places is none there: nothing was sent.
    Argument(String),
    /// A column is of a type that is not read.
    Column(String),
    TooMany(String),
}

/// Whether there is a value for each place of a statement.
pub fn places_are(places: usize, args: usize) -> Result<(), Trouble> {
    match places == args {
        true => Ok(()),
        false => Err(Trouble::Argument(format!("the statement has {places} places, and `args:` {args} values"))),
    }
}

/// Takes what comes of a statement, from any of the databases. Says how many rows it has changed, or found.
pub async fn each<D, R>(
    mut next: impl AsyncFnMut() -> Option<Result<Either<D, R>, sqlx::Error>>,
    changed: impl Fn(&D) -> u64,
    (rows, now): (&mut Rows, &dyn Fn() -> u64),
    take: impl Fn(&R, &mut Rows) -> Result<(), Trouble>,
) -> Result<u64, Trouble> {
    let (mut affected, mut taken) = (0, 0_u64);
    while let Some(one) = next().await {
        // sqlx waits for nothing while there is something to read, and others have deadlines.
        taken += 1;
        if taken.is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
        match one? {
            Either::Left(done) => affected += changed(&done),
            Either::Right(row) => {
                if rows.count == 0 {
                    rows.first = now();
                }
                take(&row, rows)?;
            }
        }
    }
    Ok(affected)
}

type ColumnOf<R> = <<R as Row>::Database as Database>::Column;
type ValueOf<'r, R> = <<R as Row>::Database as Database>::ValueRef<'r>;

/// Takes a row of any of the databases. `read` writes a value that is no null as JSON, if it is wanted, and says how many bytes it came as.
pub fn take<'r, R: Row>(
    row: &'r R,
    rows: &mut Rows,
    read: impl Fn(&ColumnOf<R>, ValueOf<'r, R>, Option<&mut String>) -> Result<u64, Trouble>,
) -> Result<(), Trouble>
where
    usize: ColumnIndex<R>,
{
    let wanted = rows.row();
    for column in row.columns() {
        let value = row.try_get_raw(column.ordinal())?;
        if wanted {
            rows.name(column.name());
        }
        match value.is_null() {
            true if wanted => rows.text.push_str(NOTHING),
            true => {}
            false => rows.bytes += read(column, value, wanted.then_some(&mut rows.text))?,
        }
        rows.has_room()?;
    }
    if wanted { Ok(rows.over()?) } else { Ok(()) }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Trouble {
        Trouble::Sql(error)
    }
}

impl From<TooMany> for Trouble {
    fn from(TooMany(why): TooMany) -> Trouble {
        Trouble::TooMany(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_result_without_end_leaves_others_their_turn() {
        let mut rows = Rows::default();
        let take = async || Some(Ok(Either::<(), ()>::Left(())));
        let endless = each(take, |()| 1, (&mut rows, &|| 0), |(), _| Ok(()));
        let ended = tokio::time::timeout(std::time::Duration::from_millis(20), endless).await;
        assert!(ended.is_err(), "it has an end");
    }

    /// What takes six times as much as JSON, twice as much, or is a document that is too long.
    #[test]
    fn a_value_is_written_no_further_than_to_the_limit() {
        let is_bounded = |what: &str, write: &dyn Fn(&mut String)| {
            let mut rows = Rows::default();
            rows.begin(true);
            rows.row();
            write(&mut rows.text);
            assert!(rows.text.len() < BYTES + 64, "{what}: {}", rows.text.len());
            assert!(rows.has_room().is_err_and(|TooMany(why)| why.contains("more than 64 MiB")), "{what}");
        };
        is_bounded("text", &|out| quoted(&"\u{1}".repeat(BYTES / 2), out));
        is_bounded("bytes", &|out| hex("", &vec![0; BYTES], out));
        is_bounded("json", &|out| json(&vec![b'7'; BYTES + 4096], out));
    }
}
