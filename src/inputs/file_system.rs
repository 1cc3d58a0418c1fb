//! What the loader needs of a file system, and the disk as one. Layers above it hold unsaved texts and files that were read
//! before.

use super::root::{self, Opened, Refused, Root};
use crate::check::inputs::{Content, FileKind};
use std::io;
use std::path::{Path, PathBuf};

/// Where files are read from. Roots are directories of the disk, whatever stands before it.
pub trait Files {
    fn is_directory(&self, path: &Path) -> bool;

    /// What stands in a directory, each with whether that is one itself. A link to a directory is none.
    fn list(&self, directory: &Path) -> io::Result<Vec<(PathBuf, bool)>>;

    /// Where a path leads to, without links; as it is written where it leads to nothing.
    fn place(&self, path: &Path) -> PathBuf;

    /// Opens a regular file that a person names, wherever it lies.
    fn open_named(&self, path: &Path) -> Result<Opened, String>;

    /// Opens a regular file beneath a root. `shown` is what a person knows it as.
    fn open(&self, root: &Root, path: &Path, shown: &str) -> Result<Opened, Refused>;

    /// What stands in a file that is no scenario.
    fn content(&self, opened: Opened, shown: &str, kind: FileKind) -> Result<Content, String> {
        super::load::content(opened, shown, kind)
    }
}

/// The disk of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn is_directory(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
        let entries = std::fs::read_dir(directory)?;
        entries.map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?.is_dir())))).collect()
    }

    fn place(&self, path: &Path) -> PathBuf {
        path.canonicalize().unwrap_or_else(|_| path.to_owned())
    }

    fn open_named(&self, path: &Path) -> Result<Opened, String> {
        root::open_named(path)
    }

    fn open(&self, root: &Root, path: &Path, shown: &str) -> Result<Opened, Refused> {
        root.open(path, shown)
    }
}
