//! Documents of JSON, built within the room that their worker has for them.

use super::Unusable;
use crate::wire::room::{Room, TOO_MUCH};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};
use std::mem::size_of;

/// What a first item reserves with it: lists and objects grow from four, and are twice as long as what is in them.
const LIST: usize = 4 * size_of::<Json>();
const ITEM: usize = 2 * size_of::<Json>();
const OBJECT: usize = 4 * FIELD;
/// A name with its text, its hash, its place in the index, and what it names.
const FIELD: usize = size_of::<Json>() + size_of::<String>() + 64;

/// A body that is JSON, whole.
pub struct Document {
    pub json: Json,
    _room: Room,
}

impl Document {
    pub fn read(text: &[u8]) -> Result<Document, Unusable> {
        let room = Room::default();
        let mut reader = serde_json::Deserializer::from_slice(text);
        let json = Build { room: &room }.deserialize(&mut reader).and_then(|json| reader.end().map(|()| json));
        Ok(Document { json: json.map_err(|error| unusable(&error))?, _room: room })
    }
}

/// That there is no room is all that a builder says of a text whose grammar is right.
pub fn unusable(error: &serde_json::Error) -> Unusable {
    if error.is_data() { Unusable::TooLarge(TOO_MUCH) } else { Unusable::Missing }
}

/// Reads one value. Where there is no room for it, it fails: see [`unusable`].
#[derive(Clone, Copy)]
pub struct Build<'r> {
    pub room: &'r Room,
}

impl Build<'_> {
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

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(value.into())
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
            self.take(name.len() + if fields.is_empty() { OBJECT } else { 2 * FIELD })?;
            fields.insert(name, map.next_value_seed(self)?);
        }
        Ok(Json::Object(fields))
    }
}
