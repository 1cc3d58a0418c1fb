//! JSONPaths (RFC 9535), compiled: one that names a single place is looked up without building the document.

use super::value::{Unusable, Value, from_json};
use jsonpath_rust::parser::model::{JpQuery, Segment, Selector};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

pub struct Path {
    query: JpQuery,
    /// The way to the place, where it is one: names and places in lists alone.
    way: Option<Vec<Key>>,
}

enum Key {
    Name(String),
    /// From the end where it is negative.
    Index(i64),
}

impl Path {
    /// `None` for what is no JSONPath.
    pub fn new(path: &str) -> Option<Path> {
        let query = jsonpath_rust::parser::parse_json_path(path).ok()?;
        let key = |segment: &Segment| match segment {
            Segment::Selector(Selector::Name(name)) => Some(Key::Name(name.clone())),
            Segment::Selector(Selector::Index(index)) => Some(Key::Index(*index)),
            Segment::Selector(_) | Segment::Selectors(_) | Segment::Descendant(_) => None,
        };
        let way = query.segments.iter().map(key).collect();
        Some(Path { query, way })
    }

    /// The first that it finds in a document; null where there is nothing.
    pub fn first(&self, document: &Json) -> Value {
        match &self.way {
            Some(way) => walk(document, way).map_or(Value::Null, from_json),
            None => self.all(document).first().map_or(Value::Null, |found| from_json(found)),
        }
    }

    /// All that it finds, in the order of the document.
    pub fn all<'d>(&self, document: &'d Json) -> Vec<&'d Json> {
        let found = jsonpath_rust::query::js_path_process(&self.query, document);
        found.map_or_else(|_| Vec::new(), |found| found.into_iter().map(|one| one.val()).collect())
    }

    /// How many items the list at its one place has, null where there is no list; else how many things it finds.
    pub fn count(&self, document: &Json) -> Value {
        match &self.way {
            Some(way) => walk(document, way).and_then(Json::as_array).map_or(Value::Null, |list| count(list.len())),
            None => count(self.all(document).len()),
        }
    }

    /// Whether [`Path::scan`] can look for it.
    pub fn can_scan(&self) -> bool {
        self.way.as_ref().is_some_and(|way| way.iter().all(|key| !matches!(key, Key::Index(..0))))
    }

    /// The first that it finds in a text. All of the text is read and must be JSON, but only what is found is kept: a
    /// whole document costs several times as much as the one value of it that a step takes.
    pub fn scan(&self, text: &[u8]) -> Result<Value, Unusable> {
        let way = self.way.as_deref().ok_or(Unusable::Missing)?;
        // What is skipped is not looked at closely enough to see that it is no UTF-8.
        let text = std::str::from_utf8(text).map_err(|_| Unusable::Missing)?;
        let mut reader = serde_json::Deserializer::from_str(text);
        let found = Find(way).deserialize(&mut reader).map_err(|_| Unusable::Missing)?;
        reader.end().map_err(|_| Unusable::Missing)?;
        Ok(found)
    }
}

fn count(items: usize) -> Value {
    Value::Number(items as f64)
}

fn walk<'d>(document: &'d Json, way: &[Key]) -> Option<&'d Json> {
    way.iter().try_fold(document, |at, key| match key {
        Key::Name(name) => at.as_object()?.get(name),
        Key::Index(index) => {
            let list = at.as_array()?;
            let from_end = usize::try_from(index.unsigned_abs()).ok()?;
            let place = if *index < 0 { list.len().checked_sub(from_end)? } else { from_end };
            list.get(place)
        }
    })
}

/// Reads one value: what the rest of the way finds in it.
struct Find<'w>(&'w [Key]);

impl<'de> DeserializeSeed<'de> for Find<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        match self.0 {
            [] => reader.deserialize_any(Found),
            _ => reader.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Find<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut found = Value::Null;
        match self.0 {
            [Key::Name(name), rest @ ..] => {
                while let Some(is_it) = map.next_key_seed(Is(name))? {
                    match is_it {
                        // Of two of one name the last one counts, as in a document.
                        true => found = map.next_value_seed(Find(rest))?,
                        false => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
            }
            _ => while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {},
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        if let [Key::Index(place @ 0..), rest @ ..] = self.0 {
            for _ in 0..*place {
                if list.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(Value::Null);
                }
            }
            let found = list.next_element_seed(Find(rest))?;
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(found.unwrap_or_default());
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Null)
    }

    // In what is neither an object nor a list there is nothing to find.

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, _: &str) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

/// What was looked for. Texts and numbers, which it most often is, become values without a detour.
struct Found;

impl<'de> Visitor<'de> for Found {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(from_json(&value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(from_json(&value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        let reader = serde::de::value::MapAccessDeserializer::new(map);
        Ok(Value::Json(std::rc::Rc::new(serde::Deserialize::deserialize(reader)?)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Value, A::Error> {
        let reader = serde::de::value::SeqAccessDeserializer::new(list);
        Ok(Value::Json(std::rc::Rc::new(serde::Deserialize::deserialize(reader)?)))
    }
}

/// Whether a name of an object is the one that is looked for.
struct Is<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<bool, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests;
