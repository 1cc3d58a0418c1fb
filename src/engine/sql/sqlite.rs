//! A session with a file of SQLite, on a thread of its own.

use super::PREPARED;
use super::rows::{Rows, Trouble, each, float, hex, places_are, quoted, take};
use crate::engine::value::Value;
use sqlx::sqlite::{
    Sqlite, SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteQueryResult, SqliteValueRef,
};
use sqlx::{
    Arguments, AssertSqlSafe, ConnectOptions, Decode, Either, Error, Executor, SqlSafeStr, Statement, TypeInfo,
    ValueRef,
};
use std::collections::HashMap;
use std::fmt::Write;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// So many instructions of SQLite between two looks at whether anybody still waits.
const BETWEEN_LOOKS: i32 = 10_000;

pub struct Session {
    connection: SqliteConnection,
    /// Nobody waits for its statement any more.
    given_up: Arc<AtomicBool>,
    /// How many places a statement has.
    places: HashMap<Arc<str>, usize>,
}

impl Session {
    pub async fn open(login: &SqliteConnectOptions) -> Result<Session, Error> {
        let options = login.clone().statement_cache_capacity(PREPARED).disable_statement_logging();
        let mut connection = options.connect().await?;
        let given_up = Arc::<AtomicBool>::default();
        let over = given_up.clone();
        connection.lock_handle().await?.set_progress_handler(BETWEEN_LOOKS, move || !over.load(Ordering::Relaxed));
        Ok(Session { connection, given_up, places: HashMap::new() })
    }

    pub async fn bounds(&mut self, text: &'static str) -> Result<(), Error> {
        sqlx::raw_sql(text).execute(&mut self.connection).await.map(drop)
    }

    /// Says how many rows it has changed.
    pub async fn run(
        &mut self,
        text: &Arc<str>,
        args: &[Value],
        rows: &mut Rows,
        now: &dyn Fn() -> u64,
    ) -> Result<u64, Trouble> {
        places_are(self.places(text).await?, args.len())?;
        let mut arguments = SqliteArguments::default();
        for value in args {
            add(value, &mut arguments).map_err(|why| Trouble::Argument(why.to_string()))?;
        }
        let mut found = self.connection.fetch_many(sqlx::query_with(AssertSqlSafe(text.clone()), arguments));
        let next = async || poll_fn(|cx| found.as_mut().poll_next(cx)).await;
        let read = |_: &_, value: SqliteValueRef<'_>, out: Option<&mut String>| {
            read(value, out).map_err(|why| Error::Decode(why).into())
        };
        each(next, SqliteQueryResult::rows_affected, (rows, now), |row, rows| take(row, rows, read)).await
    }

    async fn places(&mut self, text: &Arc<str>) -> Result<usize, Error> {
        if let Some(known) = self.places.get(text) {
            return Ok(*known);
        }
        let statement = (&mut self.connection).prepare(AssertSqlSafe(text.clone()).into_sql_str()).await?;
        let places = match statement.parameters() {
            Some(Either::Left(places)) => places.len(),
            Some(Either::Right(places)) => places,
            None => 0,
        };
        if self.places.len() >= PREPARED {
            self.places.clear();
        }
        self.places.insert(text.clone(), places);
        Ok(places)
    }
}

/// Its thread ends what it is at.
impl Drop for Session {
    fn drop(&mut self) {
        self.given_up.store(true, Ordering::Relaxed);
    }
}

fn add(value: &Value, into: &mut SqliteArguments) -> Result<(), sqlx::error::BoxDynError> {
    match value {
        Value::Null => into.add(None::<i64>),
        Value::Bool(value) => into.add(*value),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => into.add(*number as i64),
        Value::Number(number) => into.add(*number),
        Value::Exact(digits) => match (digits.parse::<i64>(), digits.parse::<f64>()) {
            (Ok(number), _) => into.add(number),
            (Err(_), Ok(number)) => into.add(number),
            (Err(_), Err(_)) => into.add(digits.to_string()),
        },
        Value::Text(text) | Value::Latin1(text) => into.add(text.to_string()),
        Value::Json(json) => into.add(json.to_string()),
        Value::Row(..) => Err("a row is no value".into()),
    }
}

/// Writes a value as JSON, by what it is itself: columns have no types here. Says how long it is.
fn read(value: SqliteValueRef<'_>, out: Option<&mut String>) -> Result<u64, sqlx::error::BoxDynError> {
    let mut nowhere = String::new();
    let out = out.unwrap_or(&mut nowhere);
    let kind = value.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INTEGER" => {
            let _ = write!(out, "{}", <i64 as Decode<Sqlite>>::decode(value)?);
            8
        }
        "REAL" => {
            float(<f64 as Decode<Sqlite>>::decode(value)?, out);
            8
        }
        "TEXT" => {
            let text = <&str as Decode<Sqlite>>::decode(value)?;
            quoted(text, out);
            text.len() as u64
        }
        _ => {
            let bytes = <&[u8] as Decode<Sqlite>>::decode(value)?;
            hex("", bytes, out);
            bytes.len() as u64
        }
    })
}
