//! The texts of a compilation and the arithmetic from byte offsets to lines and columns.

use super::span::{FileId, Span};

/// One file: what it is called to a person, and its text.
#[derive(Debug, Clone)]
pub struct Source {
    pub id: FileId,
    pub name: String,
    pub text: String,
    line_starts: Vec<usize>,
}

impl Source {
    pub fn new(id: FileId, name: impl Into<String>, text: impl Into<String>) -> Source {
        let text = text.into();
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Source { id, name: name.into(), text, line_starts }
    }

    /// Line and column of an offset, both counted from 1, columns in characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.position_line(offset);
        let start = self.line_starts[line];
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        (line + 1, column + 1)
    }

    /// The line of an offset, counted from 0.
    pub fn position_line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).max(1) - 1
    }

    /// Where a line stands, without the bytes that end it; lines are counted from 0.
    pub fn line_range(&self, line: usize) -> Option<std::ops::Range<usize>> {
        let start = *self.line_starts.get(line)?;
        let end = self.line_starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let text = &self.text[start..end];
        Some(start..start + text.strip_suffix('\r').unwrap_or(text).len())
    }

    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }
}

/// All files of a compilation, by id.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let id = FileId(self.files.len() as u32);
        self.files.push(Source::new(id, name, text));
        id
    }

    /// Ids are given out by `add` alone, so each one names a file.
    pub fn get(&self, id: FileId) -> &Source {
        &self.files[id.0 as usize]
    }

    /// Puts a file in the place of the one with its id, and gives that one back.
    pub fn replaced(&mut self, source: Source) -> Source {
        let place = source.id.0 as usize;
        std::mem::replace(&mut self.files[place], source)
    }

    /// The file of a name, if it is one of them.
    pub fn named(&self, name: &str) -> Option<&Source> {
        self.files.iter().find(|source| source.name == name)
    }

    pub fn line(&self, span: Span) -> usize {
        self.get(span.file).position(span.start as usize).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one_and_in_characters() {
        let source = Source::new(FileId(0), "a", "ä = 1\nb");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(3), (1, 3));
        assert_eq!(source.position(7), (2, 1));
        assert_eq!(source.position(8), (2, 2));
    }
}
