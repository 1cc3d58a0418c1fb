//! Lists in answers: the matches of a path, their number, and single items or samples of them.

use super::code::{Code, ItemCode, PathCode, Piece};
use super::path::JsonPath;
use super::{Frame, Paths, Unusable, Value, found, from_json, number, same, write_plain};
use crate::base::origin::Origin;
use crate::check::program::path::{PathPart, filled};
use std::rc::Rc;
use url::Url;

impl Frame {
    /// What a loop goes over: the items of a list, or one thing that is no list.
    pub fn list(&mut self, expr: &Code, paths: &Paths) -> Result<serde_json::Value, Unusable> {
        let found = self.json(expr, paths)?;
        Ok(match (expr, found) {
            (_, list @ serde_json::Value::Array(_)) => list,
            (Code::Json { .. }, serde_json::Value::Null) => serde_json::Value::Array(Vec::new()),
            (Code::Json { .. }, one) => serde_json::Value::Array(vec![one]),
            (_, other) => other,
        })
    }

    /// A path, with its values put in.
    pub(super) fn path(&mut self, path: &PathCode, paths: &Paths) -> Result<Rc<JsonPath>, Unusable> {
        let pieces = match path {
            PathCode::Known(path) => return found(&paths.queries, *path).cloned(),
            PathCode::Made(pieces) => pieces,
        };
        let mut texts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            texts.push(match piece {
                Piece::Literal(_) => None,
                Piece::Value(value) => {
                    let (value, mut text) = (self.eval(value, paths)?, String::new());
                    write_plain(&value, &mut text)?;
                    Some((value, text))
                }
            });
        }
        let parts = pieces.iter().zip(&texts).map(|(piece, text)| match (piece, text) {
            (Piece::Literal(written), _) => PathPart::Written(written),
            (Piece::Value(_), Some((Value::Number(_) | Value::Exact(_), text))) => PathPart::Number(text),
            (Piece::Value(_), Some((Value::Bool(_), text))) => PathPart::Word(text),
            (Piece::Value(_), Some((_, text))) => PathPart::Text(text),
            (Piece::Value(_), None) => PathPart::Written(""),
        });
        paths.made(filled(parts).ok_or(Unusable::Missing)?)
    }

    /// How many items a list has, null where it is none.
    pub(super) fn count(&mut self, list: &Code, paths: &Paths) -> Result<Value, Unusable> {
        Ok(match list {
            Code::Json { response, path } => {
                let path = self.path(path, paths)?;
                let document = self.answers[*response].document()?;
                path.count(&document.json)?
            }
            Code::Get { value, path } => match self.eval(value, paths)? {
                Value::Json(document) => self.path(path, paths)?.count(&document)?,
                _ if self.path(path, paths)?.is_singular() => Value::Null,
                _ => Value::Number(0.0),
            },
            _ => match self.eval(list, paths)? {
                Value::Json(list) => list.as_array().map_or(Value::Null, |list| Value::Number(list.len() as f64)),
                _ => Value::Null,
            },
        })
    }

    /// One item of a list; null where it has none there, and of what is no list.
    pub(super) fn item(&mut self, list: &Code, place: &ItemCode, paths: &Paths) -> Result<Value, Unusable> {
        // What comes first is found without building the list, or even the document.
        if let (Code::Json { response, path }, ItemCode::First) = (list, place) {
            let path = self.path(path, paths)?;
            if !path.is_singular() {
                return self.answers[*response].first(&path);
            }
        }
        let Value::Json(list) = self.eval(list, paths)? else { return Ok(Value::Null) };
        let items = list.as_array().map_or(&[][..], Vec::as_slice);
        let index = match place {
            ItemCode::First => Some(0),
            ItemCode::Last => items.len().checked_sub(1),
            ItemCode::At(index) => whole(&self.eval(index, paths)?),
            ItemCode::Random => Some(self.choices.below(items.len())),
        };
        Ok(index.and_then(|index| items.get(index)).map_or(Value::Null, from_json))
    }

    pub(super) fn sample(&mut self, list: &Code, size: &Code, paths: &Paths) -> Result<Value, Unusable> {
        let Value::Json(list) = self.eval(list, paths)? else { return Ok(Value::Null) };
        let Some(items) = list.as_array() else { return Ok(Value::Null) };
        let size = whole(&self.eval(size, paths)?).ok_or(Unusable::Missing)?;
        // Fisher and Yates, as far as it is needed.
        let mut order: Vec<usize> = (0..items.len()).collect();
        let size = size.min(items.len());
        (0..size).for_each(|place| order.swap(place, place + self.choices.below(items.len() - place)));
        let chosen = order[..size].iter().map(|place| items[*place].clone());
        Ok(Value::Json(Rc::new(serde_json::Value::Array(chosen.collect()))))
    }
}

/// Whether one of the items of a list is the same; what is no list has none.
pub(super) fn has_item(list: &serde_json::Value, item: &Value) -> bool {
    list.as_array().is_some_and(|items| items.iter().any(|own| same(&from_json(own), item)))
}

/// A whole number from 0.
fn whole(value: &Value) -> Option<usize> {
    number(value).filter(|number| number.fract() == 0.0 && *number >= 0.0).map(|number| number as usize)
}

/// The URLs of servers in a list.
pub(super) fn urls(list: &Value) -> Result<Vec<Url>, Unusable> {
    let Value::Json(list) = list else { return Err(Unusable::Missing) };
    let items = list.as_array().ok_or(Unusable::Missing)?.iter();
    let urls = items.map(|item| Url::parse(item.as_str()?).ok().filter(|url| Origin::is_meant(url.as_str())));
    urls.collect::<Option<Vec<Url>>>().ok_or(Unusable::Missing)
}
