//! Documents of JSON, built within the room that their worker has for them.

use super::Unusable;
use crate::base::decimal;
use crate::wire::room::{Room, TOO_MUCH};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};
use std::cell::Cell;
use std::mem::size_of;

/// What a first item reserves with it: lists and objects grow from four, and are twice as long as what is in them.
const LIST: usize = 4 * size_of::<Json>();
const ITEM: usize = 2 * size_of::<Json>();
const OBJECT: usize = 4 * FIELD;
/// A name with its text, its hash, its place in the index, and what it names.
const FIELD: usize = size_of::<Json>() + size_of::<String>() + 64;

/// A body that is JSON, whole.
pub struct JsonDocument {
    pub json: Json,
    _room: Room,
}

impl JsonDocument {
    pub fn read(text: &[u8]) -> Result<JsonDocument, Unusable> {
        let room = Room::default();
        let json = build(text, &room).map_err(|error| unusable(&error))?;
        Ok(JsonDocument { json, _room: room })
    }
}

/// The value that a text is. Where there is no room for it, that fails: see [`unusable`].
pub fn build(text: &[u8], room: &Room) -> serde_json::Result<Json> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let exponents = Cell::new(text);
    let json = Build { room, exponents: &exponents }.deserialize(&mut reader)?;
    reader.end().map(|()| json)
}

/// What a value takes with all that is in it.
pub fn held(json: &Json) -> usize {
    match json {
        Json::Array(items) => LIST + items.iter().map(|item| size_of::<Json>() + held(item)).sum::<usize>(),
        Json::Object(fields) => {
            OBJECT + fields.iter().map(|(name, value)| FIELD + name.len() + held(value)).sum::<usize>()
        }
        Json::String(text) => size_of::<Json>() + text.len(),
        Json::Null | Json::Bool(_) | Json::Number(_) => size_of::<Json>(),
    }
}

/// That there is no room is all that a builder says of a text whose grammar is right.
pub fn unusable(error: &serde_json::Error) -> Unusable {
    let is_full = error.is_data() && error.to_string().starts_with(TOO_MUCH);
    if is_full { Unusable::TooLarge(TOO_MUCH) } else { Unusable::Missing }
}

/// As the only name of an object the parser gives a number in its digits.
pub const NUMBER: &str = "$serde_json::private::Number";

/// A number that goes out as it is spelled: the parser's own way puts a sign before each exponent.
pub fn spelled(digits: String) -> Number {
    Number::from_string_unchecked(digits)
}

/// A text between quotes, as JSON has it.
pub fn write_text(text: &str, out: &mut String) {
    let is_plain = |byte: &u8| *byte >= b' ' && !matches!(byte, b'"' | b'\\');
    match text.as_bytes().iter().all(is_plain) {
        true => {
            out.push('"');
            out.push_str(text);
            out.push('"');
        }
        false => out.push_str(&Json::from(text).to_string()),
    }
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Build<'r> {
    room: &'r Room,
    /// The text after the last number that has an exponent, which the parser does not give as it was written.
    exponents: &'r Cell<&'r [u8]>,
}

impl Build<'_> {
    fn number<E: Error>(self, digits: String) -> Result<Json, E> {
        self.take(digits.len() + size_of::<usize>())?;
        let written = match digits.contains(['e', 'E']) {
            true => with_exponent(self.exponents).filter(|written| decimal::is_number(written)),
            false => None,
        };
        Ok(Json::Number(spelled(written.map_or(digits, str::to_owned))))
    }

    fn take<E: Error>(self, bytes: usize) -> Result<(), E> {
        self.room.take(bytes).map_err(|_| E::custom(TOO_MUCH))
    }
}

impl<'de> DeserializeSeed<'de> for Build<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Json, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        self.number(value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        self.number(value.to_string())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        self.take(value.len() + size_of::<usize>())?;
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            self.take(if items.is_empty() { LIST } else { ITEM })?;
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == NUMBER && fields.is_empty() {
                return self.number(map.next_value()?);
            }
            self.take(name.len() + if fields.is_empty() { OBJECT } else { 2 * FIELD })?;
            fields.insert(name, map.next_value_seed(self)?);
        }
        Ok(Json::Object(fields))
    }
}

/// The next number with an exponent, of a text that is JSON.
fn with_exponent<'t>(left: &Cell<&'t [u8]>) -> Option<&'t str> {
    let mut text = left.get();
    loop {
        let start = text.iter().position(|byte| matches!(byte, b'"' | b'-' | b'0'..=b'9'))?;
        text = &text[start..];
        if text[0] == b'"' {
            let mut end = 1;
            while *text.get(end)? != b'"' {
                end += if text[end] == b'\\' { 2 } else { 1 };
            }
            text = &text[end + 1..];
            continue;
        }
        let of_number = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
        let end = text.iter().position(|byte| !of_number(byte)).unwrap_or(text.len());
        let (number, rest) = text.split_at(end);
        text = rest;
        if number.contains(&b'e') || number.contains(&b'E') {
            left.set(text);
            return std::str::from_utf8(number).ok();
        }
    }
}
