//! JSONPaths (RFC 9535), compiled: what names, places, `*` and `..` lead to is looked up without building the document.

use super::document::{self, JsonDocument, unusable};
use super::number::of_number;
use super::{Unusable, Value, from_json};
use crate::wire::room::{Room, TOO_MUCH};
use jsonpath_rust::parser::model::{JpQuery, Segment, Selector};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::cell::Cell;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

pub struct JsonPath {
    query: JpQuery,
    /// The way to what is looked for, where it is one of steps alone: neither filters, nor slices, nor places from the end.
    way: Option<Vec<ChildSegment>>,
    /// The way to the one place that it names, where it names one.
    place: Option<Vec<ChildKey>>,
    /// How often at most it looks through all that lies below something, for each that it has found so far.
    sweeps: u32,
}

#[derive(Clone)]
enum ChildKey {
    Name(String),
    /// From the end where it is negative.
    Index(i64),
}

/// From something to some of its parts.
struct ChildSegment {
    /// From all below it as well.
    deep: bool,
    /// To one of this key, or to all.
    to: Option<ChildKey>,
}

/// So much work is done for a path that looks through a document again and again.
const MOST: u64 = 1_000_000_000;
const TOO_OFTEN: &str = "its path looks through it again for each of its parts, and it has too many";

impl JsonPath {
    /// `None` for what is no JSONPath.
    pub fn new(path: &str) -> Option<JsonPath> {
        let query = jsonpath_rust::parser::parse_json_path(path).ok()?;
        let way: Option<Vec<ChildSegment>> = query.segments.iter().map(ChildSegment::of).collect();
        let place = way.iter().flatten().map(|step| step.to.clone().filter(|_| !step.deep));
        let place = way.as_ref().and_then(|_| place.collect());
        let from_end = |step: &ChildSegment| matches!(step.to, Some(ChildKey::Index(..0)));
        let way = way.filter(|way| !way.iter().any(from_end));
        Some(JsonPath { query, way, place, sweeps: sweeps(path) })
    }

    pub fn is_singular(&self) -> bool {
        self.place.is_some()
    }

    /// What it names in a document, null where that is not there; or the list of all that it finds.
    pub fn found(&self, document: &Json) -> Result<Value, Unusable> {
        if self.is_singular() {
            return self.first(document);
        }
        let (room, all) = (Room::default(), self.all(document)?);
        // What lies in what was found is found as well, and would be held once for each of these.
        all.iter().try_for_each(|found| room.take(document::held(found)))?;
        let list = Rc::new(Json::Array(all.into_iter().cloned().collect()));
        room.for_the_life_of(&list);
        Ok(Value::Json(list))
    }

    /// The first that it finds in a document; null where there is nothing.
    pub fn first(&self, document: &Json) -> Result<Value, Unusable> {
        Ok(match &self.place {
            Some(place) => walk(document, place).map_or(Value::Null, from_json),
            None => self.all(document)?.first().map_or(Value::Null, |found| from_json(found)),
        })
    }

    /// All that it finds, in the order of the document.
    pub fn all<'d>(&self, document: &'d Json) -> Result<Vec<&'d Json>, Unusable> {
        if self.sweeps > 1 && parts(document).saturating_pow(self.sweeps) > MOST {
            return Err(Unusable::TooLarge(TOO_OFTEN));
        }
        let found = jsonpath_rust::query::js_path_process(&self.query, document);
        Ok(found.map_or_else(|_| Vec::new(), |found| found.into_iter().map(|one| one.val()).collect()))
    }

    /// How many items the list at its one place has, null where there is no list; else how many things it finds.
    pub fn count(&self, document: &Json) -> Result<Value, Unusable> {
        Ok(match &self.place {
            Some(place) => walk(document, place).and_then(Json::as_array).map_or(Value::Null, |list| count(list.len())),
            None => count(self.all(document)?.len()),
        })
    }

    /// Whether [`JsonPath::scan`] can look for it.
    pub fn can_scan(&self) -> bool {
        self.way.is_some()
    }

    /// The first that it finds in a text. All of the text is read and must be JSON, but only what is found is kept: a
    /// whole document costs several times as much as the one value of it that a step takes.
    pub fn scan(&self, text: &[u8]) -> Result<Value, Unusable> {
        let way = self.way.as_deref().ok_or(Unusable::Missing)?;
        // What is skipped is not looked at closely enough to see that it is no UTF-8.
        let text = std::str::from_utf8(text).map_err(|_| Unusable::Missing)?;
        let room = Room::default();
        let mut reader = serde_json::Deserializer::from_str(text);
        let twice = Cell::new(false);
        let found = match &self.place {
            Some(place) => Find { place, room: &room }.deserialize(&mut reader),
            None => {
                let sweep = Sweep { way, from: vec![0], room: &room, twice: &twice };
                sweep.deserialize(&mut reader).map(|mut found| found.pop().flatten().unwrap_or_default())
            }
        };
        if twice.get() {
            return self.first(&JsonDocument::read(text.as_bytes())?.json);
        }
        let found = found.and_then(|found| reader.end().map(|()| found)).map_err(|error| unusable(&error))?;
        if let Value::Json(value) = &found {
            room.for_the_life_of(value);
        }
        Ok(found)
    }
}

/// Outside of its texts: how often it says "all below", and whether it asks for that of the whole in a filter.
fn sweeps(path: &str) -> u32 {
    let mut quote = None;
    let mut plain = String::new();
    for c in path.chars() {
        match quote {
            Some(own) => quote = Some(own).filter(|own| *own != c),
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None => plain.push(c),
        }
    }
    let below = plain.matches("..").count();
    let again = plain.matches('$').count() > 1 && (below > 0 || plain.contains('*'));
    (below + usize::from(again)) as u32
}

/// Of a document with all that is in it.
fn parts(document: &Json) -> u64 {
    match document {
        Json::Array(items) => 1 + items.iter().map(parts).sum::<u64>(),
        Json::Object(fields) => 1 + fields.values().map(parts).sum::<u64>(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => 1,
    }
}

impl ChildSegment {
    fn of(segment: &Segment) -> Option<ChildSegment> {
        match segment {
            Segment::Selector(Selector::Name(name)) => {
                Some(ChildSegment { deep: false, to: Some(ChildKey::Name(name.clone())) })
            }
            Segment::Selector(Selector::Index(index)) => {
                Some(ChildSegment { deep: false, to: Some(ChildKey::Index(*index)) })
            }
            Segment::Selector(Selector::Wildcard) => Some(ChildSegment { deep: false, to: None }),
            Segment::Descendant(inner) => {
                ChildSegment::of(inner).filter(|step| !step.deep).map(|step| ChildSegment { deep: true, ..step })
            }
            Segment::Selector(_) | Segment::Selectors(_) => None,
        }
    }

    fn goes_to(&self, part: &Child<'_>) -> bool {
        match (&self.to, part) {
            (None, _) => true,
            (Some(ChildKey::Name(own)), Child::Name(name)) => own == name,
            (Some(ChildKey::Index(own)), Child::Index(index)) => own == index,
            (Some(ChildKey::Name(_)), Child::Index(_)) | (Some(ChildKey::Index(_)), Child::Name(_)) => false,
        }
    }
}

/// Of an object or a list.
enum Child<'p> {
    Name(&'p str),
    Index(i64),
}

/// What the rest of a way finds first in a document, as [`Sweep`] finds it in a text.
fn first_in(way: &[ChildSegment], document: &Json) -> Option<Value> {
    let Some((step, rest)) = way.split_first() else { return Some(from_json(document)) };
    let parts: Vec<(Child<'_>, &Json)> = match document {
        Json::Array(items) => (0..).map(Child::Index).zip(items).collect(),
        Json::Object(fields) => fields.iter().map(|(name, value)| (Child::Name(name), value)).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => return None,
    };
    let own = parts.iter().filter(|(part, _)| step.goes_to(part)).find_map(|(_, value)| first_in(rest, value));
    own.or_else(|| parts.iter().filter(|_| step.deep).find_map(|(_, value)| first_in(way, value)))
}

fn count(items: usize) -> Value {
    Value::Number(items as f64)
}

fn walk<'d>(document: &'d Json, way: &[ChildKey]) -> Option<&'d Json> {
    way.iter().try_fold(document, |at, key| match key {
        ChildKey::Name(name) => at.as_object()?.get(name),
        ChildKey::Index(index) => {
            let list = at.as_array()?;
            let from_end = usize::try_from(index.unsigned_abs()).ok()?;
            let place = if *index < 0 { list.len().checked_sub(from_end)? } else { from_end };
            list.get(place)
        }
    })
}

/// Reads one value: what the rest of the way to a place finds in it.
struct Find<'w> {
    place: &'w [ChildKey],
    room: &'w Room,
}

impl<'de> DeserializeSeed<'de> for Find<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        match self.place {
            [] => found(reader, self.room),
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
        match self.place {
            [ChildKey::Name(name), rest @ ..] if name != document::NUMBER => {
                while let Some(is_it) = map.next_key_seed(Is(name))? {
                    match is_it {
                        // Of two of one name the last one counts, as in a document.
                        true => found = map.next_value_seed(Find { place: rest, room: self.room })?,
                        false => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
            }
            _ => while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {},
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        if let [ChildKey::Index(index @ 0..), rest @ ..] = self.place {
            for _ in 0..*index {
                if list.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(Value::Null);
                }
            }
            let found = list.next_element_seed(Find { place: rest, room: self.room })?;
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

    fn visit_str<E>(self, _: &str) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

/// Reads one value: what each of some rests of a way finds first in it, by their places on the way. Rests of a way with steps
/// to all below lie in each other, so there are as many as steps at most.
struct Sweep<'w> {
    way: &'w [ChildSegment],
    from: Vec<usize>,
    room: &'w Room,
    /// A name stands twice in an object, of which the last one counts: what was found in the first is nothing, and the
    /// document has to be built.
    twice: &'w Cell<bool>,
}

/// A name of an object that is gone through, by its hash.
const NAME: usize = 24;

/// What was found so far by one of the rests.
#[derive(Default)]
struct SoFar {
    /// Through a part that the step goes to.
    own: Option<Value>,
    /// Through one below which it looks as well.
    below: Option<Value>,
}

impl<'w> Sweep<'w> {
    /// What is looked for in a part: the rests after the steps that go to it, and those that look below it.
    fn inside(&self, part: &Child<'_>, so_far: &[SoFar]) -> Sweep<'w> {
        let mut from = Vec::new();
        for (at, so_far) in self.from.iter().zip(so_far) {
            let step = &self.way[*at];
            let next = step.goes_to(part) && so_far.own.is_none();
            let below = step.deep && so_far.below.is_none();
            for place in [*at].into_iter().filter(|_| below).chain([at + 1].into_iter().filter(|_| next)) {
                if !from.contains(&place) {
                    from.push(place);
                }
            }
        }
        Sweep { from, ..*self }
    }

    fn take(&self, part: &Child<'_>, so_far: &mut [SoFar], from: &[usize], found: &[Option<Value>]) {
        let of = |place: usize| from.iter().position(|own| *own == place).and_then(|at| found[at].clone());
        for (at, so_far) in self.from.iter().zip(so_far) {
            let step = &self.way[*at];
            if step.goes_to(part) && so_far.own.is_none() {
                so_far.own = of(at + 1);
            }
            if step.deep && so_far.below.is_none() {
                so_far.below = of(*at);
            }
        }
    }

    fn none(&self) -> Vec<Option<Value>> {
        self.from.iter().map(|_| None).collect()
    }
}

impl<'de> DeserializeSeed<'de> for Sweep<'_> {
    type Value = Vec<Option<Value>>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        let end = self.way.len();
        match self.from.as_slice() {
            [] => IgnoredAny::deserialize(reader).map(|_| Vec::new()),
            [only] if *only == end => Ok(vec![Some(found(reader, self.room)?)]),
            // It is found, and looked through as well.
            all if all.contains(&end) => {
                let value = built(<&RawValue>::deserialize(reader)?.get(), self.room)?;
                Ok(all.iter().map(|at| first_in(&self.way[*at..], &value)).collect())
            }
            _ => reader.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Sweep<'_> {
    type Value = Vec<Option<Value>>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut so_far: Vec<SoFar> = self.from.iter().map(|_| SoFar::default()).collect();
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == document::NUMBER && names.is_empty() {
                map.next_value::<IgnoredAny>()?;
                return Ok(self.none());
            }
            self.room.take(NAME).map_err(|_| A::Error::custom(TOO_MUCH))?;
            let mut hash = DefaultHasher::new();
            name.hash(&mut hash);
            if !names.insert(hash.finish()) {
                self.twice.set(true);
                return Err(A::Error::custom("a name stands twice"));
            }
            let part = Child::Name(&name);
            let inside = self.inside(&part, &so_far);
            let from = inside.from.clone();
            let found = map.next_value_seed(inside)?;
            self.take(&part, &mut so_far, &from, &found);
        }
        Ok(so_far.into_iter().map(|one| one.own.or(one.below)).collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut so_far: Vec<SoFar> = self.from.iter().map(|_| SoFar::default()).collect();
        for index in 0.. {
            let part = Child::Index(index);
            let inside = self.inside(&part, &so_far);
            let from = inside.from.clone();
            let Some(found) = list.next_element_seed(inside)? else { break };
            self.take(&part, &mut so_far, &from, &found);
        }
        Ok(so_far.into_iter().map(|one| one.own.or(one.below)).collect())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(self.none())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(self.none())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(self.none())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(self.none())
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(self.none())
    }
}

/// What was looked for. Texts and numbers, which it most often is, become values without a detour.
fn found<'de, D: Deserializer<'de>>(reader: D, room: &Room) -> Result<Value, D::Error> {
    let text = <&'de RawValue>::deserialize(reader)?.get();
    Ok(match text.as_bytes() {
        [b'-' | b'0'..=b'9', ..] => of_number(text),
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => Value::Text(text[1..text.len() - 1].into()),
        [b't', ..] => Value::Bool(true),
        [b'f', ..] => Value::Bool(false),
        _ => match built(text, room)? {
            Json::String(text) => Value::Text(text.into()),
            Json::Null => Value::Null,
            value => Value::Json(Rc::new(value)),
        },
    })
}

fn built<E: Error>(text: &str, room: &Room) -> Result<Json, E> {
    document::build(text.as_bytes(), room).map_err(E::custom)
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
