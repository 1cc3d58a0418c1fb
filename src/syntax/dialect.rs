//! How a CSV file is written, as the options of its `data` say. It is known before names have values, since a file is read
//! before that.

use super::ast::{Entry, Expr, ExprKind};
use super::needs::literal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
pub struct Dialect {
    /// What stands between two cells of a line.
    pub separator: char,
    pub encoding: Encoding,
    /// The names of the columns, where no line of the file says them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
}

/// What the bytes of a file mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// UTF-8, or UTF-16 where the file begins with its mark.
    Unicode,
    /// Windows-1252, as which everybody reads Latin-1.
    Latin1,
}

impl Default for Dialect {
    fn default() -> Dialect {
        Dialect { separator: ',', encoding: Encoding::Unicode, names: None }
    }
}

impl Dialect {
    /// What is written wrong counts for nothing here.
    pub fn of(options: &[Entry]) -> Dialect {
        let value = |name: &str| options.iter().find(|option| option.label.text == name).map(|option| &option.value);
        let usual = Dialect::default();
        let has_head = value("header").and_then(header).unwrap_or(true);
        Dialect {
            separator: value("separator").and_then(text).and_then(separator).unwrap_or(usual.separator),
            encoding: value("encoding").and_then(encoding).unwrap_or(usual.encoding),
            names: (!has_head).then(|| match value("columns").map(|columns| &columns.kind) {
                Some(ExprKind::Object(fields)) => fields.iter().map(|field| field.label.text.clone()).collect(),
                _ => Vec::new(),
            }),
        }
    }

    pub fn is_usual(&self) -> bool {
        *self == Dialect::default()
    }
}

pub fn text(value: &Expr) -> Option<&str> {
    match &value.kind {
        ExprKind::Text(parts) => literal(parts),
        _ => None,
    }
}

/// The one character that a text is, where it can stand between cells.
pub fn separator(text: &str) -> Option<char> {
    let mut characters = text.chars();
    let first = characters.next().filter(|first| first.is_ascii() && !matches!(first, '"' | '\n' | '\r' | '\0'));
    first.filter(|_| characters.next().is_none())
}

pub fn header(value: &Expr) -> Option<bool> {
    match value.kind {
        ExprKind::Bool(header) => Some(header),
        _ => None,
    }
}

pub fn encoding(value: &Expr) -> Option<Encoding> {
    match &value.kind {
        ExprKind::Name(name) if name.text == "latin1" => Some(Encoding::Latin1),
        _ => None,
    }
}
