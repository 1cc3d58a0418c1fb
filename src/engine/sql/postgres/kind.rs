//! The types of PostgreSQL, by what their values are in its binary form.

use super::super::rows::{NOTHING, float, hex, is_too_long, json, quoted};
use super::super::{date, numeric};
use crate::engine::value::{Value, from_json, write_plain};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgTypeKind};
use sqlx::{Encode, Postgres, Type, TypeInfo};
use std::fmt::Write;

/// Domains over arrays over domains: a schema has a few, and a server may tell of a hundred thousand.
const DEPTH: usize = 32;

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    /// Whatever is sent as its text: enums as well.
    Text,
    Json,
    Jsonb,
    Uuid,
    Bytes,
    Instant {
        zoned: bool,
    },
    Date,
    Time,
    Interval,
    Void,
    Array(Box<Kind>, u32),
    Other(String),
}

impl Kind {
    pub fn of(info: &PgTypeInfo) -> Kind {
        Kind::within(info, DEPTH)
    }

    fn within(info: &PgTypeInfo, depth: usize) -> Kind {
        match info.kind() {
            _ if depth == 0 => return Kind::Other("a type in too many others".to_owned()),
            PgTypeKind::Enum(_) => return Kind::Text,
            PgTypeKind::Domain(base) => return Kind::within(base, depth - 1),
            PgTypeKind::Array(element) => {
                let kind = Kind::within(element, depth - 1);
                return Kind::Array(Box::new(kind), element.oid().map_or(0, |oid| oid.0));
            }
            PgTypeKind::Simple | PgTypeKind::Pseudo | PgTypeKind::Composite(_) | PgTypeKind::Range(_) => {}
        }
        match info.name() {
            "BOOL" => Kind::Bool,
            "INT2" => Kind::Int2,
            "INT4" => Kind::Int4,
            "INT8" => Kind::Int8,
            "OID" => Kind::Oid,
            "FLOAT4" => Kind::Float4,
            "FLOAT8" => Kind::Float8,
            "NUMERIC" => Kind::Numeric,
            "TEXT" | "VARCHAR" | "CHAR" | "\"CHAR\"" | "NAME" | "UNKNOWN" | "XML" | "citext" => Kind::Text,
            "JSON" => Kind::Json,
            "JSONB" => Kind::Jsonb,
            "UUID" => Kind::Uuid,
            "BYTEA" => Kind::Bytes,
            "TIMESTAMP" => Kind::Instant { zoned: false },
            "TIMESTAMPTZ" => Kind::Instant { zoned: true },
            "DATE" => Kind::Date,
            "TIME" => Kind::Time,
            "INTERVAL" => Kind::Interval,
            "VOID" => Kind::Void,
            other => Kind::Other(other.to_owned()),
        }
    }

    /// As the server calls it, for a person.
    pub fn name(&self) -> String {
        match self {
            Kind::Bool => "BOOLEAN",
            Kind::Int2 => "SMALLINT",
            Kind::Int4 => "INTEGER",
            Kind::Int8 => "BIGINT",
            Kind::Oid => "OID",
            Kind::Float4 => "REAL",
            Kind::Float8 => "DOUBLE PRECISION",
            Kind::Numeric => "NUMERIC",
            Kind::Text => "TEXT",
            Kind::Json => "JSON",
            Kind::Jsonb => "JSONB",
            Kind::Uuid => "UUID",
            Kind::Bytes => "BYTEA",
            Kind::Instant { zoned: false } => "TIMESTAMP",
            Kind::Instant { zoned: true } => "TIMESTAMPTZ",
            Kind::Date => "DATE",
            Kind::Time => "TIME",
            Kind::Interval => "INTERVAL",
            Kind::Void => "VOID",
            Kind::Array(element, _) => return format!("{}[]", element.name()),
            Kind::Other(name) => return name.to_ascii_lowercase(),
        }
        .to_ascii_lowercase()
    }

    /// Writes a value as JSON.
    pub fn read(&self, bytes: &[u8], out: &mut String) -> Result<(), Unread> {
        match self {
            Kind::Bool => drop(write!(out, "{}", bytes != [0])),
            Kind::Int2 => drop(write!(out, "{}", i16::from_be_bytes(sized(bytes)?))),
            Kind::Int4 => drop(write!(out, "{}", int4(bytes)?)),
            Kind::Int8 => drop(write!(out, "{}", int8(bytes)?)),
            Kind::Oid => drop(write!(out, "{}", int4(bytes)? as u32)),
            // As short as it is itself, not as it would be with the digits of a longer one.
            Kind::Float4 => match f32::from_be_bytes(sized(bytes)?) {
                number if number.is_finite() => float(number.to_string().parse().map_err(|_| Unread::Broken)?, out),
                number => quoted(&number.to_string(), out),
            },
            Kind::Float8 => float(f64::from_be_bytes(sized(bytes)?), out),
            Kind::Numeric => numeric::read(bytes, out).ok_or(Unread::Broken)?,
            // A database may hold texts of another encoding.
            Kind::Text => quoted(std::str::from_utf8(bytes).map_err(|_| Unread::Type)?, out),
            Kind::Json => json(bytes, out),
            // Behind the version of its form.
            Kind::Jsonb => json(bytes.get(1..).ok_or(Unread::Broken)?, out),
            Kind::Uuid => uuid(sized(bytes)?, out),
            Kind::Bytes => hex("\\\\x", bytes, out),
            Kind::Instant { zoned } => date::instant(int8(bytes)?, *zoned, out),
            Kind::Date => date::date(int4(bytes)?, out),
            Kind::Time => date::time(int8(bytes)?, out),
            Kind::Interval => {
                let (micros, rest) = bytes.split_at_checked(8).ok_or(Unread::Broken)?;
                let (days, months) = rest.split_at_checked(4).ok_or(Unread::Broken)?;
                date::interval(int4(months)?, int4(days)?, int8(micros)?, out);
            }
            Kind::Void => out.push_str(NOTHING),
            Kind::Array(element, _) => array(element, bytes, out)?,
            Kind::Other(_) => return Err(Unread::Type),
        }
        Ok(())
    }
}

/// Why a value was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// Values of its type are not.
    Type,
    /// It is no value of its type.
    Broken,
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Unread> {
    bytes.try_into().map_err(|_| Unread::Broken)
}

fn int4(bytes: &[u8]) -> Result<i32, Unread> {
    Ok(i32::from_be_bytes(sized(bytes)?))
}

fn int8(bytes: &[u8]) -> Result<i64, Unread> {
    Ok(i64::from_be_bytes(sized(bytes)?))
}

fn uuid(bytes: [u8; 16], out: &mut String) {
    let n = u128::from_be_bytes(bytes);
    let part = |from: u32, digits: u32| (n >> (128 - from - digits * 4)) & ((1 << (digits * 4)) - 1);
    let parts = (part(0, 8), part(32, 4), part(48, 4), part(64, 4), part(80, 12));
    let _ = write!(out, "\"{:08x}-{:04x}-{:04x}-{:04x}-{:012x}\"", parts.0, parts.1, parts.2, parts.3, parts.4);
}

/// An array of PostgreSQL has no more (`MAXDIM` of its source).
const DIMENSIONS: usize = 6;

/// Arrays of arrays are lists of lists.
fn array(element: &Kind, bytes: &[u8], out: &mut String) -> Result<(), Unread> {
    let number = |at: usize| int4(bytes.get(at..at + 4).ok_or(Unread::Broken)?);
    let length = |at: usize| usize::try_from(number(at)?).map_err(|_| Unread::Broken);
    let dimensions = Some(length(0)?).filter(|own| *own <= DIMENSIONS).ok_or(Unread::Broken)?;
    let lengths = (0..dimensions).map(|n| length(12 + 8 * n)).collect::<Result<Vec<_>, _>>()?;
    if lengths.contains(&0) || lengths.is_empty() {
        out.push_str("[]");
        return Ok(());
    }
    let mut rest = bytes.get(12 + 8 * dimensions..).ok_or(Unread::Broken)?;
    // Each item has its length in front of it: what is announced beyond that is nowhere.
    let announced = lengths.iter().try_fold(4usize, |all, length| all.checked_mul(*length));
    announced.filter(|announced| *announced <= rest.len()).ok_or(Unread::Broken)?;
    items(element, &lengths, &mut rest, out)
}

fn items(element: &Kind, lengths: &[usize], rest: &mut &[u8], out: &mut String) -> Result<(), Unread> {
    let (length, inner) = lengths.split_first().ok_or(Unread::Broken)?;
    out.push('[');
    // What is too long is refused as a whole, so that it may end anywhere.
    for index in 0..*length {
        if is_too_long(out) {
            break;
        }
        if index > 0 {
            out.push(',');
        }
        if !inner.is_empty() {
            items(element, inner, rest, out)?;
            continue;
        }
        let (size, behind) = rest.split_at_checked(4).ok_or(Unread::Broken)?;
        *rest = behind;
        match usize::try_from(int4(size)?) {
            Err(_) => out.push_str(NOTHING),
            Ok(size) => {
                let (item, behind) = rest.split_at_checked(size).ok_or(Unread::Broken)?;
                element.read(item, out)?;
                *rest = behind;
            }
        }
    }
    out.push(']');
    Ok(())
}

/// A value for a place of a statement, in the form of the type that the server says.
pub struct Argument<'a> {
    pub kind: &'a Kind,
    pub value: &'a Value,
}

impl Type<Postgres> for Argument<'_> {
    /// The server has said what it is before anything is sent.
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Argument<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self.value {
            Value::Null => Ok(IsNull::Yes),
            value => {
                write(self.kind, value, buffer)?;
                Ok(IsNull::No)
            }
        }
    }
}

/// A value as the text that the server would read, where it has one.
fn text_of(value: &Value) -> Result<String, String> {
    let mut text = String::new();
    match value {
        Value::Json(json) => return Ok(json.to_string()),
        value => write_plain(value, &mut text).map_err(|_| "it has no form there".to_owned())?,
    }
    Ok(text)
}

fn write(kind: &Kind, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    let text = || text_of(value);
    let wrong = |text: &str| format!("`{text}` is none");
    let whole = |least: i64, most: i64| {
        let text = text()?;
        // A float of the language may be whole.
        let number = text.parse::<i64>().map_err(|_| wrong(&text))?;
        if (least..=most).contains(&number) { Ok(number) } else { Err(format!("`{text}` is out of its range")) }
    };
    match kind {
        Kind::Bool => match (value, text()?) {
            (Value::Bool(value), _) => out.push(u8::from(*value)),
            (_, text) => match (text.parse::<bool>(), text.as_str()) {
                (Ok(value), _) => out.push(u8::from(value)),
                (Err(_), "t" | "1") => out.push(1),
                (Err(_), "f" | "0") => out.push(0),
                (Err(_), other) => return Err(wrong(other)),
            },
        },
        Kind::Int2 => out.extend((whole(i16::MIN.into(), i16::MAX.into())? as i16).to_be_bytes()),
        Kind::Int4 => out.extend((whole(i32::MIN.into(), i32::MAX.into())? as i32).to_be_bytes()),
        Kind::Int8 => out.extend(whole(i64::MIN, i64::MAX)?.to_be_bytes()),
        Kind::Oid => out.extend((whole(0, u32::MAX.into())? as u32).to_be_bytes()),
        Kind::Float4 => {
            out.extend(text()?.parse::<f32>().map_err(|_| wrong(&text().unwrap_or_default()))?.to_be_bytes());
        }
        Kind::Float8 => {
            out.extend(text()?.parse::<f64>().map_err(|_| wrong(&text().unwrap_or_default()))?.to_be_bytes());
        }
        Kind::Numeric => numeric::write(&text()?, out).ok_or_else(|| wrong(&text().unwrap_or_default()))?,
        Kind::Text => out.extend(text()?.as_bytes()),
        Kind::Json => out.extend(text()?.as_bytes()),
        Kind::Jsonb => {
            out.push(1);
            out.extend(text()?.as_bytes());
        }
        Kind::Uuid => {
            let text = text()?;
            let digits: String = text.chars().filter(|c| *c != '-').collect();
            let is_one = digits.len() == 32 && digits.chars().all(|c| c.is_ascii_hexdigit());
            let number = u128::from_str_radix(&digits, 16).ok().filter(|_| is_one);
            out.extend(number.ok_or_else(|| wrong(&text))?.to_be_bytes());
        }
        Kind::Bytes => bytes(&text()?, out)?,
        Kind::Instant { .. } => {
            out.extend(date::read_instant(&text()?).ok_or_else(|| wrong(&text().unwrap_or_default()))?.to_be_bytes());
        }
        Kind::Date => {
            out.extend(date::read_date(&text()?).ok_or_else(|| wrong(&text().unwrap_or_default()))?.to_be_bytes());
        }
        Kind::Time => {
            out.extend(date::read_time(&text()?).ok_or_else(|| wrong(&text().unwrap_or_default()))?.to_be_bytes());
        }
        Kind::Array(element, oid) => write_array(element, *oid, value, out)?,
        Kind::Interval | Kind::Void | Kind::Other(_) => {
            return Err(format!("send it as a text, as in `$1::text::{}`", kind.name()));
        }
    }
    Ok(())
}

/// `\x…` as the server tells bytes, or else those of the text.
fn bytes(text: &str, out: &mut Vec<u8>) -> Result<(), String> {
    let Some(digits) = text.strip_prefix("\\x") else {
        out.extend(text.as_bytes());
        return Ok(());
    };
    let wrong = || format!("`{text}` is none: `\\x` begins hexadecimal digits");
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(wrong());
    }
    for pair in digits.chunks(2) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        out.push(u8::from_str_radix(pair, 16).map_err(|_| wrong())?);
    }
    Ok(())
}

/// A list, whose items are values of one type.
fn write_array(element: &Kind, oid: u32, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    let list = match value {
        Value::Json(json) => json.as_array(),
        _ => None,
    };
    let list = list.ok_or("it takes a list")?;
    let count = i32::try_from(list.len()).map_err(|_| "the list is too long")?;
    let has_nulls = list.iter().any(serde_json::Value::is_null);
    for number in [i32::from(count > 0), i32::from(has_nulls), oid as i32] {
        out.extend(number.to_be_bytes());
    }
    if count == 0 {
        return Ok(());
    }
    out.extend(count.to_be_bytes());
    out.extend(1i32.to_be_bytes());
    for item in list {
        let item = from_json(item);
        if matches!(item, Value::Null) {
            out.extend((-1i32).to_be_bytes());
            continue;
        }
        let at = out.len();
        out.extend([0; 4]);
        write(element, &item, out)?;
        let length = i32::try_from(out.len() - at - 4).map_err(|_| "an item is too long")?;
        out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(kind: &Kind, value: &Value) -> String {
        let (mut bytes, mut out) = (Vec::new(), String::new());
        write(kind, value, &mut bytes).unwrap();
        kind.read(&bytes, &mut out).unwrap();
        out
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn values_are_read_as_they_were_written() {
        assert_eq!(again(&Kind::Int4, &Value::Number(-7.0)), "-7");
        assert_eq!(again(&Kind::Int8, &Value::Exact("9007199254740993".into())), "9007199254740993");
        assert_eq!(again(&Kind::Float8, &Value::Number(0.1)), "0.1");
        assert_eq!(again(&Kind::Float4, &Value::Number(0.1)), "0.1");
        assert_eq!(again(&Kind::Bool, &Value::Bool(true)), "true");
        assert_eq!(again(&Kind::Text, &text("a \"b\"\n\u{1}\u{e4}")), "\"a \\\"b\\\"\\n\\u0001\u{e4}\"");
        assert_eq!(again(&Kind::Text, &Value::Number(12.0)), "\"12\"");
        let uuid = "0af1c2d3-0000-4000-8000-0123456789ab";
        assert_eq!(again(&Kind::Uuid, &text(uuid)), format!("\"{uuid}\""));
        assert_eq!(again(&Kind::Bytes, &text("\\x00ff")), "\"\\\\x00ff\"");
        assert_eq!(again(&Kind::Bytes, &text("hi")), "\"\\\\x6869\"");
        assert_eq!(again(&Kind::Jsonb, &Value::Json(std::rc::Rc::new(serde_json::json!({ "a": [1] })))), "{\"a\":[1]}");
        let list = Value::Json(std::rc::Rc::new(serde_json::json!([1, null, 3])));
        assert_eq!(again(&Kind::Array(Box::new(Kind::Int4), 23), &list), "[1,null,3]");
        let empty = Value::Json(std::rc::Rc::new(serde_json::json!([])));
        assert_eq!(again(&Kind::Array(Box::new(Kind::Int4), 23), &empty), "[]");
    }

    #[test]
    fn what_is_no_value_of_the_type_is_refused() {
        let refused = |kind: Kind, value: &Value| write(&kind, value, &mut Vec::new()).unwrap_err();
        assert!(refused(Kind::Int4, &Value::Number(3e9)).contains("out of its range"));
        assert!(refused(Kind::Int4, &Value::Number(1.5)).contains("is none"));
        assert!(refused(Kind::Uuid, &text("x")).contains("is none"));
        assert!(refused(Kind::Bytes, &text("\\x0")).contains("hexadecimal"));
        assert!(refused(Kind::Other("INET".to_owned()), &text("::1")).contains("$1::text::inet"));
        assert!(refused(Kind::Array(Box::new(Kind::Int4), 23), &text("1")).contains("a list"));
    }

    /// An array of text, of these dimensions, and what follows them.
    fn array_of(lengths: &[i32], items: &[u8]) -> Vec<u8> {
        let mut bytes: Vec<u8> = [lengths.len() as i32, 0, 25].into_iter().flat_map(i32::to_be_bytes).collect();
        bytes.extend(lengths.iter().flat_map(|length| [*length, 1]).flat_map(i32::to_be_bytes));
        bytes.extend(items);
        bytes
    }

    fn read_array(element: Kind, bytes: &[u8]) -> Result<String, Unread> {
        let mut out = String::new();
        Kind::Array(Box::new(element), 0).read(bytes, &mut out).map(|()| out)
    }

    #[test]
    fn an_array_has_as_many_items_as_it_announces_and_few_dimensions() {
        let read = |lengths: &[i32], items: &[u8]| read_array(Kind::Text, &array_of(lengths, items));
        let one = b"\0\0\0\x02hi";
        let nested = |depth: usize| format!("{}\"hi\"{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(read(&[2], &one.repeat(2)), Ok("[\"hi\",\"hi\"]".to_owned()));
        assert_eq!(read(&[1; 6], one), Ok(nested(6)));
        assert_eq!(read(&[2, 2], &[0xff; 16]), Ok("[[null,null],[null,null]]".to_owned()));
        for empty in [&[][..], &[0], &[2_000_000_000, 0, 0], &[2_000_000_000, 2_000_000_000, 0]] {
            assert_eq!(read(empty, b""), Ok("[]".to_owned()), "{empty:?}");
        }
        // Deep enough to exhaust the stack; more than there is; a length that is none.
        for lengths in [&[1; 30_000][..], &[1; 7], &[2], &[i32::MAX], &[i32::MAX; 6], &[-1], &[-1, 0]] {
            assert_eq!(read(lengths, one), Err(Unread::Broken), "{} dimensions", lengths.len());
        }
        assert_eq!(read(&[1], b"\0\0\0\x09hi"), Err(Unread::Broken));
        assert_eq!(read_array(Kind::Text, &[0, 0, 0]), Err(Unread::Broken));
    }

    #[test]
    fn an_array_whose_text_is_too_long_is_given_up() {
        // 8 bytes that are 131,072 digits, a thousand times.
        let number = b"\0\0\0\x0a\0\x01\x7f\xff\0\0\0\0\0\x01";
        let long = read_array(Kind::Numeric, &array_of(&[1000], &number.repeat(1000))).unwrap();
        assert!(is_too_long(&long) && long.len() < 65 << 20, "{}", long.len());
    }
}
