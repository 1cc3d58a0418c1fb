//! User certificates: cells of rows that name files next to the data, or hold PEM text themselves.

use crate::engine::tls::Rows;
use crate::engine::value::Value;
use crate::engine::value::rows::{Cursor, Table};
use crate::inputs::root::{content, open_again};
use crate::plan::Plan;
use std::path::{Component, Path};

/// What each part of a PEM begins with (RFC 7468, 2).
const BEGINS: &str = "-----BEGIN ";
/// A chain of certificates is a few thousand bytes.
const MOST: u64 = 1 << 20;

/// The tables of a run.
pub struct Cells<'t> {
    pub plan: &'t Plan,
    pub tables: &'t [Table],
}

impl Rows for Cells<'_> {
    fn count(&self, data: usize) -> u64 {
        self.tables.get(data).map_or(0, Table::rows)
    }

    fn name(&self, data: usize) -> &str {
        self.plan.data.get(data).map_or("", |data| &data.name)
    }

    fn cell(&self, data: usize, row: u64, column: &str) -> Result<Vec<u8>, String> {
        let cell = self.tables.get(data).and_then(|table| table.value(row, column, &mut Cursor::default()));
        let text = match cell {
            Some(Value::Text(text)) => text.to_string(),
            _ => return Err(format!("`{column}` is not a text")),
        };
        if text.contains(BEGINS) {
            return Ok(text.into_bytes());
        }
        let directory = self.plan.data.get(data).and_then(|data| data.path.parent()).unwrap_or(Path::new("/"));
        let below = Path::new(&text);
        // Hidden files are read only below a root that somebody names.
        let is_plain = |part: Component<'_>| match part {
            Component::Normal(name) => !name.as_encoded_bytes().starts_with(b"."),
            Component::CurDir => true,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => false,
        };
        if text.is_empty() || !below.components().all(is_plain) {
            return Err(format!("`{column}` is `{text}`, which names no file next to that of the rows"));
        }
        let file = open_again(&directory.join(below), &text)?;
        match content(file, MOST) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(format!("`{text}` is larger than a certificate or a key")),
            Err(error) => Err(format!("`{text}` cannot be read: {error}")),
        }
    }
}
