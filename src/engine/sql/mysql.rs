//! A session with a MySQL or MariaDB. It takes values of any type for the places of a statement, and converts them.

use super::relay::{Kind, Relay, Way};
use super::rows::{Rows, Trouble, each, float, hex, json, quoted, take};
use super::{MySqlLogin, PREPARED, Unopened};
use crate::engine::stream::Peer;
use crate::engine::value::Value;
use sqlx::mysql::{
    MySql, MySqlArguments, MySqlColumn, MySqlConnection, MySqlQueryResult, MySqlTypeInfo, MySqlValueRef,
};
use sqlx::{Arguments, AssertSqlSafe, Column, ConnectOptions, Connection, Decode, Error, Executor, Type, TypeInfo};
use std::fmt::Write;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How long ending a statement may take.
const PATIENCE: Duration = Duration::from_secs(5);

pub struct Session {
    connection: MySqlConnection,
    pub known: Rc<Known>,
}

/// A session as the server and others know it.
pub struct Known {
    /// As the server calls it.
    id: u64,
    login: MySqlLogin,
    way: Way,
}

impl Session {
    pub async fn open(login: &MySqlLogin, way: &Way, within: Duration) -> Result<(Session, Option<Relay>), Unopened> {
        // What a server has set stays: the load sees what other clients see.
        let options = login.options.clone().statement_cache_capacity(PREPARED);
        let options = options.pipes_as_concat(false).no_engine_substitution(false).disable_statement_logging();
        let login = MySqlLogin { options, password: login.password.clone() };
        let (mut connection, relay) = connected(&login, way, within).await?;
        let id = sqlx::query_scalar("SELECT CAST(CONNECTION_ID() AS UNSIGNED)").fetch_one(&mut connection).await?;
        Ok((Session { connection, known: Rc::new(Known { id, login, way: way.clone() }) }, relay))
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
        let mut arguments = MySqlArguments::default();
        for value in args {
            add(value, &mut arguments).map_err(|why| Trouble::Argument(why.to_string()))?;
        }
        let mut found = self.connection.fetch_many(sqlx::query_with(AssertSqlSafe(text.clone()), arguments));
        let next = async || poll_fn(|cx| found.as_mut().poll_next(cx)).await;
        each(next, MySqlQueryResult::rows_affected, (rows, now), |row, rows| take(row, rows, value)).await
    }
}

impl Known {
    /// Ends it on the server, which would not miss its client before it has a result to send.
    pub async fn kill(&self) {
        let kill = async {
            let (mut other, _relay) = connected(&self.login, &self.way, PATIENCE).await?;
            sqlx::raw_sql(AssertSqlSafe(format!("KILL {}", self.id))).execute(&mut other).await?;
            Ok::<(), Unopened>(other.close().await?)
        };
        // Where it cannot be done, the statement ends by itself.
        let _ = tokio::time::timeout(PATIENCE, kill).await;
    }
}

/// At its address, through TLS where that is so, or at the socket that the login names.
pub async fn connected(
    MySqlLogin { options, password }: &MySqlLogin,
    way: &Way,
    within: Duration,
) -> Result<(MySqlConnection, Option<Relay>), Unopened> {
    let options = options.clone();
    match (&way.peer, &way.secured) {
        (Peer::Tcp(at), None) => Ok((options.host(&at.ip().to_string()).port(at.port()).connect().await?, None)),
        (Peer::Unix(_), None) => Ok((options.connect().await?, None)),
        (_, Some(secured)) => {
            let (relay, path) =
                Relay::start(way, secured, Kind::MySql(password.clone()), "", within).map_err(Error::Io)?;
            relay.client(options.socket(path).connect()).await
        }
    }
}

fn add(value: &Value, into: &mut MySqlArguments) -> Result<(), sqlx::error::BoxDynError> {
    match value {
        Value::Null => into.add(None::<i64>),
        Value::Bool(value) => into.add(*value),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => into.add(*number as i64),
        Value::Number(number) => into.add(*number),
        Value::Exact(digits) => match digits.parse::<i64>() {
            Ok(number) => into.add(number),
            Err(_) => into.add(&**digits),
        },
        Value::Text(text) | Value::Latin1(text) => into.add(&**text),
        Value::Json(json) => into.add(json.to_string()),
        Value::Row(..) => Err("a row is no value".into()),
    }
}

fn value(column: &MySqlColumn, value: MySqlValueRef<'_>, out: Option<&mut String>) -> Result<u64, Trouble> {
    let bytes = <&[u8] as Decode<MySql>>::decode(value).map_err(Error::Decode)?;
    let written = out.map_or(Some(()), |out| read(column.type_info(), bytes, out));
    written.map(|()| bytes.len() as u64).ok_or_else(|| {
        let (name, kind) = (column.name(), column.type_info().name());
        Trouble::Column(format!("the column `{name}` is {kind}, which is not read; cast it to CHAR"))
    })
}

/// Writes a value as JSON, of the form in which prepared statements send it.
fn read(info: &MySqlTypeInfo, bytes: &[u8], out: &mut String) -> Option<()> {
    let name = info.name();
    match name {
        "BOOLEAN" => match bytes {
            [truth @ (0 | 1)] => {
                let _ = write!(out, "{}", *truth == 1);
            }
            [other] => drop(write!(out, "{}", *other as i8)),
            _ => return None,
        },
        "TINYINT" => drop(write!(out, "{}", i8::from_le_bytes(bytes.try_into().ok()?))),
        "SMALLINT" => drop(write!(out, "{}", i16::from_le_bytes(bytes.try_into().ok()?))),
        "INT" | "MEDIUMINT" => drop(write!(out, "{}", i32::from_le_bytes(bytes.try_into().ok()?))),
        "BIGINT" => drop(write!(out, "{}", i64::from_le_bytes(bytes.try_into().ok()?))),
        "YEAR" | "TINYINT UNSIGNED" | "SMALLINT UNSIGNED" | "INT UNSIGNED" | "MEDIUMINT UNSIGNED"
        | "BIGINT UNSIGNED" => {
            let _ = write!(out, "{}", bytes.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)));
        }
        // As short as it is itself, not as it would be with the digits of a longer one.
        "FLOAT" => float(f32::from_le_bytes(bytes.try_into().ok()?).to_string().parse().ok()?, out),
        "DOUBLE" => float(f64::from_le_bytes(bytes.try_into().ok()?), out),
        "DECIMAL" => out.push_str(std::str::from_utf8(bytes).ok()?),
        "JSON" => json(bytes, out),
        "BIT" => drop(write!(out, "{}", bytes.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)))),
        "DATE" | "DATETIME" | "TIMESTAMP" => day(name, bytes, out)?,
        "TIME" => time(bytes, out)?,
        "SET" => quoted(std::str::from_utf8(bytes).ok()?, out),
        _ if <str as Type<MySql>>::compatible(info) => quoted(std::str::from_utf8(bytes).ok()?, out),
        _ => hex("", bytes, out),
    }
    Some(())
}

/// Behind the number of its bytes: year, month and day, then hours, minutes and seconds, then microseconds, as far as they are not 0.
fn day(name: &str, bytes: &[u8], out: &mut String) -> Option<()> {
    let (_, own) = bytes.split_first()?;
    let part = |at: usize| own.get(at).copied().unwrap_or(0);
    let year = u16::from_le_bytes([part(0), part(1)]);
    let _ = write!(out, "\"{year:04}-{:02}-{:02}", part(2), part(3));
    if name != "DATE" {
        let _ = write!(out, "T{:02}:{:02}:{:02}", part(4), part(5), part(6));
        let micros = u32::from_le_bytes([part(7), part(8), part(9), part(10)]);
        super::date::fraction(i64::from(micros), out);
        // The session is in UTC.
        out.push_str(if name == "TIMESTAMP" { "Z" } else { "" });
    }
    out.push('"');
    Some(())
}

/// Behind the number of its bytes: whether it is negative, days, hours, minutes and seconds, then microseconds.
fn time(bytes: &[u8], out: &mut String) -> Option<()> {
    let (_, own) = bytes.split_first()?;
    let part = |at: usize| own.get(at).copied().unwrap_or(0);
    let days = u32::from_le_bytes([part(1), part(2), part(3), part(4)]);
    let hours = u64::from(days) * 24 + u64::from(part(5));
    let sign = if part(0) == 1 { "-" } else { "" };
    let _ = write!(out, "\"{sign}{hours:02}:{:02}:{:02}", part(6), part(7));
    super::date::fraction(i64::from(u32::from_le_bytes([part(8), part(9), part(10), part(11)])), out);
    out.push('"');
    Some(())
}
