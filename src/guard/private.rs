//! Directories of this user alone: where they lie, and how they are opened so that nobody can put something else in their place.

use super::users;
use std::io;
use std::path::{Path, PathBuf};

/// Where the user's programs keep state, such as what is to be taken back.
pub fn state() -> io::Result<PathBuf> {
    base("XDG_STATE_HOME", ".local/state")
}

/// Where they keep what can be made again.
pub fn cache() -> io::Result<PathBuf> {
    base("XDG_CACHE_HOME", ".cache")
}

/// As the XDG Base Directory Specification says it: a path that is not absolute is ignored. The home directory of somebody else, as
/// some ways to become root leave it in HOME, is none of ours.
fn base(variable: &str, below: &str) -> io::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let found = set(variable).or_else(|| Some(set("HOME").filter(|home| is_ours(home)).or_else(own_home)?.join(below)));
    found.ok_or_else(|| {
        io::Error::other(format!(
            "this user has no home directory: HOME is not the path of one, and the user database knows none; set {variable} \
             to the path of a directory of this user"
        ))
    })
}

/// One that is not there yet can be made.
#[cfg(unix)]
fn is_ours(home: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    home.metadata().map_or(true, |found| found.uid() == rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn is_ours(_: &Path) -> bool {
    true
}

#[cfg(unix)]
fn own_home() -> Option<PathBuf> {
    users::numbered(rustix::process::geteuid().as_raw()).map(|user| user.home).filter(|home| home.is_absolute())
}

#[cfg(not(unix))]
fn own_home() -> Option<PathBuf> {
    None
}

#[cfg(not(unix))]
pub use elsewhere::Directory;
#[cfg(unix)]
pub use system::Directory;

#[cfg(unix)]
mod system {
    use super::super::tree;
    use super::super::walk::{made, ours, trusted};
    use rustix::fs::{AtFlags, FileType, Mode, OFlags};
    use rustix::fs::{fchmod, flock, fstat, mkdirat, openat, renameat, unlinkat};
    use rustix::io::Errno;
    use std::ffi::{OsStr, OsString};
    use std::fs::File;
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::path::{Path, PathBuf};

    /// A directory into which no one else may write or look, held open: what is done in it is done there, whatever becomes of its path.
    #[derive(Debug)]
    pub struct Directory {
        pub path: PathBuf,
        held: OwnedFd,
    }

    impl Directory {
        /// Makes it, and those above it, where they are not there.
        pub fn make(path: &Path) -> io::Result<Directory> {
            Directory::reach(path, true)
        }

        /// `None` if there is none.
        pub fn open(path: &Path) -> io::Result<Option<Directory>> {
            match Directory::reach(path, false) {
                Ok(found) => Ok(Some(found)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        }

        fn reach(path: &Path, make: bool) -> io::Result<Directory> {
            let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
                return Err(io::Error::other(format!("`{}` is no path of a directory", path.display())));
            };
            let above = trusted(above, make)?;
            Directory::inside(&above, name, path, make)
        }

        /// It is no link, it is ours, and no one else may write into it.
        pub fn inside(above: impl AsFd, name: &OsStr, path: &Path, make: bool) -> io::Result<Directory> {
            let held = match tree::directory(&above, name) {
                Err(error) if make && error.kind() == io::ErrorKind::NotFound => {
                    made(mkdirat(&above, name, Mode::RWXU)).and_then(|()| tree::directory(&above, name))
                }
                other => other,
            };
            let held = held.map_err(|error| match Errno::from_io_error(&error) {
                Some(Errno::NOTDIR | Errno::LOOP | Errno::MLINK) => {
                    io::Error::other(format!("`{}` is no directory, or a link to one; remove it", path.display()))
                }
                _ => io::Error::new(error.kind(), format!("`{}`: {error}", path.display())),
            })?;
            let found = fstat(&held)?;
            let may = found.st_mode & 0o777;
            if found.st_uid != ours() {
                return Err(io::Error::other(format!(
                    "`{}` belongs to another user, the one with the number {}; remove it after a look at what is in it",
                    path.display(),
                    found.st_uid
                )));
            }
            if may & 0o022 != 0 {
                return Err(io::Error::other(format!(
                    "others may write into `{0}`, whose mode is {may:04o}; see that all that is in it is yours, then `chmod 700 {0}`",
                    path.display()
                )));
            }
            if may & 0o077 != 0 {
                fchmod(&held, Mode::RWXU)?;
            }
            Ok(Directory { path: path.to_owned(), held })
        }

        /// A new file, for this user alone.
        pub fn create(&self, name: &OsStr) -> io::Result<File> {
            let flags =
                OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Ok(openat(&self.held, name, flags, Mode::RUSR | Mode::WUSR)?.into())
        }

        /// A file that is there, to be read and appended to. One that another user may have written is refused.
        pub fn file(&self, name: &OsStr) -> io::Result<File> {
            let path = self.path.join(name);
            // Without waiting for whoever would read from a pipe.
            let flags = OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let held = openat(&self.held, name, flags, Mode::empty()).map_err(|error| match error {
                Errno::LOOP | Errno::MLINK => io::Error::other(format!("`{}` is a link; remove it", path.display())),
                error => {
                    let error = io::Error::from(error);
                    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
                }
            })?;
            let found = fstat(&held)?;
            let (may, is_file) =
                (found.st_mode & 0o777, FileType::from_raw_mode(found.st_mode) == FileType::RegularFile);
            if !is_file || found.st_uid != ours() || may & 0o077 != 0 {
                return Err(io::Error::other(format!(
                    "`{}` may be of somebody else, so nothing is done by it: it is owned by user {} with mode {may:04o}; remove it after \
                     a look at what it says",
                    path.display(),
                    found.st_uid
                )));
            }
            Ok(held.into())
        }

        /// The same directory once more.
        pub fn again(&self) -> io::Result<Directory> {
            Ok(Directory { path: self.path.clone(), held: self.held.try_clone()? })
        }

        pub fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
            Ok(renameat(&self.held, from, &self.held, to)?)
        }

        /// A file that is not there is removed.
        pub fn remove(&self, name: &OsStr) -> io::Result<()> {
            match unlinkat(&self.held, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }

        pub fn names(&self) -> io::Result<Vec<OsString>> {
            tree::names(&self.held)
        }

        /// What it is called by name is on the disk.
        pub fn sync(&self) -> io::Result<()> {
            Ok(rustix::fs::fsync(&self.held)?)
        }

        /// Waits until no one else has it locked. It is free again when what is given is dropped.
        pub fn lock(&self) -> io::Result<OwnedFd> {
            let own = tree::directory(&self.held, ".".as_ref())?;
            flock(&own, rustix::fs::FlockOperation::LockExclusive)?;
            Ok(own)
        }

        pub fn held(&self) -> &OwnedFd {
            &self.held
        }
    }
}

/// Where the system has no owners and modes that we know of, what the user's own directories allow is what counts.
#[cfg(not(unix))]
mod elsewhere {
    use std::ffi::{OsStr, OsString};
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::path::{Path, PathBuf};

    #[derive(Debug)]
    pub struct Directory {
        pub path: PathBuf,
    }

    impl Directory {
        pub fn make(path: &Path) -> io::Result<Directory> {
            std::fs::create_dir_all(path).map(|()| Directory { path: path.to_owned() })
        }

        pub fn open(path: &Path) -> io::Result<Option<Directory>> {
            Ok(path.is_dir().then(|| Directory { path: path.to_owned() }))
        }

        pub fn create(&self, name: &OsStr) -> io::Result<File> {
            OpenOptions::new().read(true).append(true).create_new(true).open(self.path.join(name))
        }

        pub fn file(&self, name: &OsStr) -> io::Result<File> {
            OpenOptions::new().read(true).append(true).open(self.path.join(name))
        }

        pub fn again(&self) -> io::Result<Directory> {
            Ok(Directory { path: self.path.clone() })
        }

        pub fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
            std::fs::rename(self.path.join(from), self.path.join(to))
        }

        pub fn remove(&self, name: &OsStr) -> io::Result<()> {
            match std::fs::remove_file(self.path.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        }

        pub fn names(&self) -> io::Result<Vec<OsString>> {
            std::fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name())).collect()
        }

        pub fn sync(&self) -> io::Result<()> {
            Ok(())
        }

        pub fn lock(&self) -> io::Result<()> {
            Ok(())
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
    use super::*;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    fn refused(path: &Path) -> String {
        Directory::make(path).unwrap_err().to_string()
    }

    #[test]
    fn a_directory_of_our_own_is_made_and_kept_from_others() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/b/c");
        assert!(Directory::open(&path).unwrap().is_none());
        Directory::make(&path).unwrap();
        assert_eq!([mode(&path), mode(&place.path().join("a"))], [0o700, 0o700]);
        // As version 0.1 made it: others may look into it, and it is ours.
        set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        let directory = Directory::open(&path).unwrap().unwrap();
        assert_eq!(mode(&path), 0o700);
        directory.create("file".as_ref()).unwrap();
        assert_eq!(mode(&path.join("file")), 0o600);
        directory.file("file".as_ref()).unwrap();
        set_permissions(path.join("file"), Permissions::from_mode(0o644)).unwrap();
        let told = directory.file("file".as_ref()).unwrap_err().to_string();
        assert!(told.contains("/c/file` may be of somebody else") && told.contains("remove it"), "{told}");
        symlink("file", path.join("link")).unwrap();
        assert!(directory.file("link".as_ref()).unwrap_err().to_string().contains("is a link"));
        assert!(refused(Path::new("a/b")).contains("whole path"));
    }

    #[test]
    fn what_others_can_change_is_refused_by_name() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("state");
        Directory::make(&path).unwrap();
        for may in [0o720, 0o702, 0o777] {
            set_permissions(&path, Permissions::from_mode(may)).unwrap();
            let told = refused(&path);
            assert!(told.contains("/state`, whose mode is 0") && told.contains("chmod 700"), "{told}");
        }
        // One on the way there.
        let told = refused(&path.join("journal"));
        assert!(told.contains("everybody may write into it"), "{told}");
        set_permissions(&path, Permissions::from_mode(0o1777)).unwrap();
        Directory::make(&path.join("journal")).unwrap();
        let link = place.path().join("link");
        symlink(path.join("journal"), &link).unwrap();
        assert!(refused(&link).contains("remove it"), "the directory itself is no link");
        Directory::make(&link.join("below")).unwrap();
        assert!(path.join("journal/below").is_dir(), "one of our own on the way is followed");
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::lchown(&link, Some(65_534), None).unwrap();
            assert!(refused(&link.join("below")).contains("a link of another user"));
            std::os::unix::fs::chown(path.join("journal"), Some(65_534), None).unwrap();
            assert!(refused(&path.join("journal")).contains("belongs to another user, the one with the number 65534"));
            assert!(refused(&path.join("journal/below")).contains("on the way there and belongs to another user"));
        }
    }
}
