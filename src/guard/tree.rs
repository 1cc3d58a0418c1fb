//! Files of other users: removed with all their contents, and read, without ever following a link. The owner of a directory can
//! put a link into it at any moment, and a path would follow it.

use std::io;
use std::path::Path;

/// Deeper than any tree that a run makes. A deeper one must not overflow our stack.
#[cfg(unix)]
const DEEPEST: usize = 512;

/// Removes a file, or a directory with all that is in it. One that is not there is removed. No part of the path may be a link.
#[cfg(unix)]
pub fn remove(path: &Path) -> io::Result<()> {
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::other("a path without a name is not removed"));
    };
    match super::walk::plain(above) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(above) => remove_in(&above, name),
    }
}

/// The same, of a name in a directory that is held.
#[cfg(unix)]
pub fn remove_in(above: &std::os::fd::OwnedFd, name: &std::ffi::OsStr) -> io::Result<()> {
    system::remove(above, name, DEEPEST)
}

#[cfg(not(unix))]
pub fn remove(path: &Path) -> io::Result<()> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Copies what a directory holds into another one that is empty: regular files of one user that have no second name, and
/// directories of them. Anything else may be of somebody else, so it is refused. All that is made belongs to this process; `give` is
/// told of each when it is whole.
#[cfg(unix)]
pub fn copy(
    from: &std::os::fd::OwnedFd,
    to: &std::os::fd::OwnedFd,
    owner: u32,
    give: &dyn Fn(std::os::fd::BorrowedFd<'_>) -> io::Result<()>,
) -> io::Result<()> {
    system::copy(from, to, owner, give, DEEPEST)
}

#[cfg(unix)]
pub use system::{directory, make, names};

#[cfg(unix)]
mod system {
    use super::super::walk::ours;
    use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Uid};
    use rustix::fs::{fchmod, fchown, fstat, mkdirat, openat, statat, unlinkat};
    use rustix::io::Errno;
    use std::ffi::{OsStr, OsString};
    use std::fs::File;
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::os::unix::ffi::OsStrExt;

    const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

    /// A directory in another one, to be read; it is no link.
    pub fn directory(above: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
        Ok(openat(above, name, OFlags::RDONLY | DIRECTORY, Mode::empty())?)
    }

    /// A new directory in another one, for this user alone.
    pub fn make(above: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
        mkdirat(&above, name, Mode::RWXU)?;
        directory(above, name)
    }

    pub fn names(held: impl AsFd) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(held)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    pub fn remove(above: impl AsFd, name: &OsStr, deepest: usize) -> io::Result<()> {
        let is_directory = match statat(&above, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => FileType::from_raw_mode(found.st_mode) == FileType::Directory,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut flags = AtFlags::empty();
        if is_directory {
            let deeper = deepest.checked_sub(1).ok_or_else(|| io::Error::other("its directories are too deep"))?;
            let held = directory(&above, name)?;
            if ours() == 0 && fstat(&held)?.st_uid != 0 {
                // Its user shall put nothing into it any more; where it cannot be taken, that one has to stop by itself.
                let _ = fchown(&held, Some(Uid::ROOT), None).and_then(|()| fchmod(&held, Mode::RWXU));
            }
            for name in names(&held)? {
                remove(&held, &name, deeper)?;
            }
            flags = AtFlags::REMOVEDIR;
        }
        match unlinkat(&above, name, flags) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub fn copy(
        from: &OwnedFd,
        to: &OwnedFd,
        owner: u32,
        give: &dyn Fn(BorrowedFd<'_>) -> io::Result<()>,
        deepest: usize,
    ) -> io::Result<()> {
        let deeper = deepest.checked_sub(1).ok_or_else(|| io::Error::other("its directories are too deep"))?;
        for name in names(from)? {
            // Without waiting for whoever would write into a pipe.
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let held = openat(from, &name, flags, Mode::empty())?;
            let found = fstat(&held)?;
            let kind = FileType::from_raw_mode(found.st_mode);
            let refused = |why: &str| Err(io::Error::other(format!("`{}` {why}", name.to_string_lossy())));
            if found.st_uid != owner {
                return refused("belongs to another user");
            }
            match kind {
                FileType::Directory => {
                    let own = make(to, &name)?;
                    copy(&held, &own, owner, give, deeper)?;
                    give(own.as_fd())?;
                }
                FileType::RegularFile if found.st_nlink == 1 => {
                    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let mut own = File::from(openat(to, &name, flags, Mode::RUSR | Mode::WUSR)?);
                    io::copy(&mut File::from(held), &mut own)?;
                    give(own.as_fd())?;
                }
                _ => return refused("is neither a directory nor a file with one name"),
            }
        }
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
    use super::*;
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::symlink;

    fn held(path: &Path) -> OwnedFd {
        std::fs::File::open(path).unwrap().into()
    }

    /// Copies a directory that holds what is made there, by its own user.
    fn copied(fill: impl FnOnce(&Path)) -> io::Result<()> {
        let place = tempfile::tempdir().unwrap();
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        std::fs::create_dir_all(from.join("in")).unwrap();
        std::fs::create_dir(&to).unwrap();
        std::fs::write(from.join("in/file"), "x").unwrap();
        fill(&from);
        let own = rustix::process::geteuid().as_raw();
        copy(&held(&from), &held(&to), own, &|_| Ok(()))?;
        assert_eq!(std::fs::read(to.join("in/file")).unwrap(), b"x");
        Ok(())
    }

    #[test]
    fn files_are_copied_and_what_leads_elsewhere_is_not() {
        copied(|_| {}).unwrap();
        let refused = |fill: fn(&Path)| copied(fill).unwrap_err().to_string();
        refused(|from| symlink("/etc/shadow", from.join("in/link")).unwrap());
        refused(|from| symlink("/etc", from.join("link")).unwrap());
        let two = refused(|from| std::fs::hard_link(from.join("in/file"), from.join("second")).unwrap());
        assert!(two.contains("one name"), "{two}");
        let pipe = refused(|from| {
            assert!(std::process::Command::new("mkfifo").arg(from.join("pipe")).status().unwrap().success());
        });
        assert!(pipe.contains("neither"), "{pipe}");
        if rustix::process::geteuid().is_root() {
            let theirs = refused(|from| std::os::unix::fs::chown(from.join("in/file"), Some(65_534), None).unwrap());
            assert!(theirs.contains("another user"), "{theirs}");
        }
    }

    #[test]
    fn removing_leaves_what_links_lead_to() {
        let place = tempfile::tempdir().unwrap();
        let real = place.path().canonicalize().unwrap();
        let at = |name: &str| real.join(name);
        std::fs::create_dir_all(at("kept/services")).unwrap();
        std::fs::write(at("kept/services/file"), "x").unwrap();
        std::fs::create_dir_all(at("gone/deep")).unwrap();
        symlink(at("kept"), at("gone/deep/link")).unwrap();
        symlink(at("kept"), at("instead")).unwrap();
        remove(&at("gone")).unwrap();
        remove(&at("gone")).unwrap();
        remove(&at("never/there")).unwrap();
        assert!(!at("gone").exists());
        assert!(remove(&at("instead/services")).is_err(), "a part of the path has become a link");
        assert!(at("kept/services/file").exists());
        remove(&at("instead")).unwrap();
        assert!(at("kept/services/file").exists() && !at("instead").exists());
    }

    #[test]
    fn a_tree_without_end_does_not_fill_the_stack() {
        let place = tempfile::tempdir().unwrap();
        let real = place.path().canonicalize().unwrap();
        let mut at = held(&real);
        for _ in 0..DEEPEST + 2 {
            at = make(&at, "d".as_ref()).unwrap();
        }
        assert!(remove(&real.join("d")).unwrap_err().to_string().contains("too deep"));
    }
}
