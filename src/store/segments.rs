//! The files of a record: the one that is appended to, and closed ones with numbers. A closed file may cover several numbers;
//! files that it covers are ignored, whether they have been removed yet or not.

use super::RecordError;
use super::appender::private;
use super::record::at;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentKind {
    Intervals,
    Events,
}

pub const KINDS: [SegmentKind; 2] = [SegmentKind::Intervals, SegmentKind::Events];

/// The numbers that a closed file stands for: from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    pub first: u32,
    pub last: u32,
}

impl SegmentKind {
    fn parts(self) -> (&'static str, &'static str) {
        match self {
            SegmentKind::Intervals => ("intervals", "hlog"),
            SegmentKind::Events => ("events", "jsonl"),
        }
    }

    /// The file that is appended to.
    pub fn open(self, directory: &Path) -> PathBuf {
        let (stem, extension) = self.parts();
        directory.join(format!("{stem}.{extension}"))
    }

    pub fn closed(self, directory: &Path, numbers: Numbers) -> PathBuf {
        let (stem, extension) = self.parts();
        directory.join(format!("{stem}.{:06}-{:06}.{extension}", numbers.first, numbers.last))
    }

    fn numbers(self, name: &str) -> Option<Numbers> {
        let (stem, extension) = self.parts();
        let inner = name.strip_prefix(stem)?.strip_prefix('.')?.strip_suffix(extension)?.strip_suffix('.')?;
        let (first, last) = inner.split_once('-')?;
        let numbers = Numbers { first: first.parse().ok()?, last: last.parse().ok()? };
        (numbers.first <= numbers.last).then_some(numbers)
    }

    /// Everything of this kind in a record, in the order in which it was measured.
    pub fn files(self, directory: &Path) -> Result<Vec<PathBuf>, RecordError> {
        let entries = std::fs::read_dir(directory).map_err(at(directory))?;
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut closed: Vec<Numbers> = names.filter_map(|name| self.numbers(&name)).collect();
        // Of those that begin with the same number the widest comes first.
        closed.sort_by_key(|numbers| (numbers.first, std::cmp::Reverse(numbers.last)));
        let mut next = 0;
        closed.retain(|numbers| {
            let counts = numbers.first >= next;
            next = next.max(numbers.last.saturating_add(1));
            counts
        });
        let mut files: Vec<PathBuf> = closed.into_iter().map(|numbers| self.closed(directory, numbers)).collect();
        files.extend(Some(self.open(directory)).filter(|open| open.exists()));
        Ok(files)
    }
}

/// Where a file is written before it takes its place.
pub fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// What stands in such a file, so many bytes of it at most.
pub fn content(path: &Path, most: u64) -> Result<Vec<u8>, RecordError> {
    let mut bytes = Vec::new();
    regular(path)?.take(most).read_to_end(&mut bytes).map_err(at(path))?;
    Ok(bytes)
}

/// A file to be read, and no link to one, which would show what lies elsewhere. What is no regular one might never begin or never end.
pub fn regular(path: &Path) -> Result<File, RecordError> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits() as i32);
    }
    const OTHER: &str = "is no regular file, and no other is read";
    let is_link = || path.symlink_metadata().is_ok_and(|entry| entry.is_symlink());
    let file = match options.read(true).open(path) {
        Err(_) if is_link() => return Err(at(path)(OTHER)),
        opened => opened.map_err(at(path))?,
    };
    match file.metadata().map_err(at(path))?.is_file() {
        true => Ok(file),
        false => Err(at(path)(OTHER)),
    }
}

/// Puts a file in place, whole or not at all, whatever happens to this program or to the machine.
pub fn put(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), RecordError> {
    let part = unfinished(path);
    // What is there is not ours and not written to. It is removed like what could not be written, so the next try finds no file.
    let made = private(OpenOptions::new().write(true).create_new(true)).open(&part);
    let written = made.and_then(|file| {
        let mut buffered = std::io::BufWriter::with_capacity(1 << 16, file);
        write(&mut buffered)?;
        buffered.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
    });
    if let Err(error) = written {
        let _ = std::fs::remove_file(&part);
        return Err(at(&part)(error));
    }
    std::fs::rename(&part, path).map_err(at(path))?;
    // The name as well shall survive a loss of power. Not every system lets directories be synced.
    if let Some(directory) = path.parent().and_then(|directory| File::open(directory).ok()) {
        let _ = directory.sync_all();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_wider_file_holds_is_of_no_account() {
        let place = tempfile::tempdir().unwrap();
        let names =
            ["000000-000001", "000001-000001", "000002-000002", "000003-000003", "000002-000003", "000004-000004"];
        for name in names {
            std::fs::write(place.path().join(format!("events.{name}.jsonl")), "").unwrap();
        }
        for other in ["events.jsonl", "events.x-y.jsonl", "events.000005-000004.jsonl", "intervals.000007-000007.hlog"]
        {
            std::fs::write(place.path().join(other), "").unwrap();
        }
        let files = SegmentKind::Events.files(place.path()).unwrap();
        let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        let expected =
            ["events.000000-000001.jsonl", "events.000002-000003.jsonl", "events.000004-000004.jsonl", "events.jsonl"];
        assert_eq!(names, expected);
        assert_eq!(SegmentKind::Intervals.files(place.path()).unwrap().len(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_the_old_one() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        put(&path, |out| out.write_all(b"old")).unwrap();
        let refused = put(&path, |out| {
            out.write_all(b"new")?;
            Err(std::io::Error::other("full"))
        });
        assert!(refused.unwrap_err().to_string().contains("full"));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert!(!unfinished(&path).exists());
    }
}
