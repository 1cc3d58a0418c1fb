//! Contents of data and other files, kept while the files are unchanged: a large data file is not read again with each change of
//! a scenario.

use super::file_system::Files;
use super::root::{Contents, Opened, Refused, Root};
use crate::check::inputs::{Content, FileKind};
use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The times of a file are no finer than this on some file systems: one that was written so short a while ago may be written again
/// without another time.
const COARSEST: Duration = Duration::from_secs(2);

/// Files whose contents are kept. Each is opened all the same, as whether it may be read is asked every time.
#[derive(Debug, Default)]
pub struct Cached<F> {
    below: F,
    kept: Mutex<HashMap<CacheKey, (Stamp, Content)>>,
}

/// A file as what it was read, and as what a person knows it: what is wrong with its text names it.
type CacheKey = (PathBuf, FileKind, String);

/// What of a file is another once it was written, or another file was put into its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: SystemTime,
    /// Device, number, and the instant of the last change of whatever kind.
    #[cfg(unix)]
    identity: (u64, u64, i64, i64),
}

impl Stamp {
    fn of(found: &Metadata) -> Option<Stamp> {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Some(Stamp {
            size: found.len(),
            modified: found.modified().ok()?,
            #[cfg(unix)]
            identity: (found.dev(), found.ino(), found.ctime(), found.ctime_nsec()),
        })
    }

    /// Whether whatever is written from now on gives it another time.
    fn is_settled(&self) -> bool {
        SystemTime::now().duration_since(self.modified).is_ok_and(|age| age >= COARSEST)
    }
}

impl<F: Files> Cached<F> {
    pub fn over(below: F) -> Cached<F> {
        Cached { below, kept: Mutex::default() }
    }
}

impl<F: Files> Files for Cached<F> {
    fn is_directory(&self, path: &Path) -> bool {
        self.below.is_directory(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
        self.below.list(directory)
    }

    fn place(&self, path: &Path) -> PathBuf {
        self.below.place(path)
    }

    fn open_named(&self, path: &Path) -> Result<Opened, String> {
        self.below.open_named(path)
    }

    fn open(&self, root: &Root, path: &Path, shown: &str) -> Result<Opened, Refused> {
        self.below.open(root, path, shown)
    }

    fn content(&self, opened: Opened, shown: &str, kind: FileKind) -> Result<Content, String> {
        let stamp = match &opened.file {
            Contents::File(file) => file.metadata().ok().and_then(|found| Stamp::of(&found)),
            Contents::Buffer(_) => None,
        };
        let Some(stamp) = stamp else { return self.below.content(opened, shown, kind) };
        let key = (opened.path.clone(), kind.clone(), shown.to_owned());
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, content)) = kept().get(&key).filter(|(then, _)| *then == stamp) {
            return Ok(content.clone());
        }
        let settled = stamp.is_settled();
        let content = self.below.content(opened, shown, kind)?;
        let after = key.0.symlink_metadata().ok().and_then(|found| Stamp::of(&found));
        match settled && after.as_ref() == Some(&stamp) {
            true => kept().insert(key, (stamp, content.clone())),
            false => kept().remove(&key),
        };
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Asked, Disk, Overlay, load_from};
    use super::*;
    use std::cell::RefCell;

    /// The disk, with the name of each file that was read.
    #[derive(Default)]
    struct Counted(RefCell<Vec<String>>);

    impl Files for Counted {
        fn is_directory(&self, path: &Path) -> bool {
            Disk.is_directory(path)
        }

        fn list(&self, directory: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
            Disk.list(directory)
        }

        fn place(&self, path: &Path) -> PathBuf {
            Disk.place(path)
        }

        fn open_named(&self, path: &Path) -> Result<Opened, String> {
            Disk.open_named(path)
        }

        fn open(&self, root: &Root, path: &Path, shown: &str) -> Result<Opened, Refused> {
            Disk.open(root, path, shown)
        }

        fn content(&self, opened: Opened, shown: &str, kind: FileKind) -> Result<Content, String> {
            self.0.borrow_mut().push(shown.to_owned());
            Disk.content(opened, shown, kind)
        }
    }

    fn old(path: &Path, seconds: u64) {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
    }

    #[test]
    fn a_file_that_is_what_it_was_is_read_once() {
        let place = tempfile::tempdir().unwrap();
        let (main, rows) = (place.path().join("main.stress"), place.path().join("rows.csv"));
        std::fs::write(&rows, "id\n1\n").unwrap();
        old(&rows, 60);
        let mut files = Overlay::over(Cached::over(Counted::default()));
        let check = |files: &mut Overlay<Cached<Counted>>, change: u32| {
            // Another text of the scenario each time.
            files.put(&main, &format!("// {change}\nscenario test {{\n  data people = csv(\"rows.csv\")\n}}\n"));
            let loaded = load_from(files, &main, &Asked::default()).unwrap();
            let Some(Ok(Content::Table(table))) = loaded.inputs.files.into_values().next() else { panic!("a table") };
            (table.rows, files.below().below.0.borrow().len())
        };
        assert_eq!(check(&mut files, 1), (1, 1));
        assert_eq!(check(&mut files, 2), (1, 1));
        // Another text of the same length.
        std::fs::write(&rows, "id\n2\n").unwrap();
        old(&rows, 30);
        assert_eq!(check(&mut files, 3), (1, 2));
        assert_eq!(check(&mut files, 4), (1, 2));
        // Another file in its place, of the same length and time.
        let (new, time) = (place.path().join("new.csv"), rows.metadata().unwrap().modified().unwrap());
        std::fs::write(&new, "a\n1\n3").unwrap();
        std::fs::File::options().write(true).open(&new).unwrap().set_modified(time).unwrap();
        std::fs::rename(&new, &rows).unwrap();
        assert_eq!(check(&mut files, 5), (2, 3));
        // Written just now: it may be written again without another time.
        std::fs::write(&rows, "id\n1\n2\n3\n").unwrap();
        assert_eq!(check(&mut files, 6), (3, 4));
        assert_eq!(check(&mut files, 7), (3, 5));
        // A buffer is what it is, and nothing of it is kept.
        files.put(&rows, "id\n1\n");
        assert_eq!(check(&mut files, 8), (1, 5));
        files.take(&rows);
        assert_eq!(check(&mut files, 9), (3, 6));
    }

    #[test]
    fn what_is_wrong_with_a_text_is_said_of_the_file_that_was_named() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("bytes");
        std::fs::write(&path, [0xff]).unwrap();
        old(&path, 60);
        let files = Cached::over(Disk);
        for shown in ["a", "b", "a"] {
            let opened = files.open_named(&path).unwrap();
            let Ok(Content::Text(document)) = files.content(opened, shown, FileKind::Text) else { panic!("a text") };
            assert!(document.text.unwrap_err().starts_with(&format!("`{shown}` is not UTF-8")));
        }
    }
}
