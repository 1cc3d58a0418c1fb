//! Directories that are new, of this user alone, and removed after use.

use super::private::Directory;
use super::tree;
use std::io;
use std::path::Path;

/// 128 bits that nobody can guess. The keys of `RandomState` are the standard library's only source of randomness.
pub fn random() -> u128 {
    use std::hash::{BuildHasher, RandomState};
    let part = || u128::from(RandomState::new().hash_one(std::process::id()));
    part() << 64 | part()
}

/// A new directory of this user alone that stays, below a directory of a person, by names that may have come with somebody else's files: of
/// these none is a link. What is not there is made. Nobody else may change the way there, as `walk::trusted` says it: so what is written
/// by its path goes nowhere else.
#[cfg(unix)]
pub fn lasting(above: &Path, names: &Path, name: &str) -> io::Result<()> {
    let above = std::path::absolute(above)?;
    let held = super::walk::below(super::walk::trusted(&above, true)?, &above, names)?;
    Ok(rustix::fs::mkdirat(&held, name, rustix::fs::Mode::RWXU)?)
}

#[cfg(not(unix))]
pub fn lasting(above: &Path, names: &Path, name: &str) -> io::Result<()> {
    let above = above.join(names);
    std::fs::create_dir_all(&above)?;
    std::fs::create_dir(above.join(name))
}

/// A link in the place of the file is refused, not followed.
pub fn unfollowed(options: &mut std::fs::OpenOptions) -> &mut std::fs::OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, rustix::fs::OFlags::NOFOLLOW.bits() as i32);
    options
}

/// A new directory of this user alone, with a name that nobody can guess, in one that may be of others, such as that for temporary
/// files. It is removed with what is in it when this is dropped.
#[derive(Debug)]
pub struct Fresh {
    directory: Directory,
    /// Where it lies and what it is called there.
    #[cfg(unix)]
    above: std::os::fd::OwnedFd,
    #[cfg(unix)]
    name: String,
}

impl Fresh {
    /// In the directory for temporary files.
    pub fn temporary(what: &str) -> io::Result<Fresh> {
        Fresh::make(&std::env::temp_dir(), &Fresh::name(what))
    }

    /// A name for a new directory. It must be known in advance if the guardian is to remove the directory.
    pub fn name(what: &str) -> String {
        format!("stressc-{what}-{:016x}", random() as u64)
    }

    pub fn path(&self) -> &Path {
        &self.directory.path
    }
}

#[cfg(unix)]
impl Fresh {
    pub fn make(above: &Path, name: &str) -> io::Result<Fresh> {
        let path = std::path::absolute(above)?;
        let held = super::walk::trusted(&path, false)?;
        // One that is there already is somebody else's.
        rustix::fs::mkdirat(&held, name, rustix::fs::Mode::RWXU)?;
        let directory = Directory::inside(&held, name.as_ref(), &path.join(name), false)?;
        Ok(Fresh { directory, above: held, name: name.to_owned() })
    }

    pub fn held(&self) -> &std::os::fd::OwnedFd {
        self.directory.held()
    }
}

#[cfg(not(unix))]
impl Fresh {
    pub fn make(above: &Path, name: &str) -> io::Result<Fresh> {
        let path = std::path::absolute(above)?.join(name);
        std::fs::create_dir(&path)?;
        Ok(Fresh { directory: Directory { path } })
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // What is left of it hurts nobody, and a run that has a guardian has told it of this.
        #[cfg(unix)]
        let _ = tree::remove_in(&self.above, self.name.as_ref());
        #[cfg(not(unix))]
        let _ = tree::remove(self.path());
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_fresh_one_is_nobodys_and_goes_with_what_is_in_it() {
        let place = tempfile::tempdir().unwrap();
        let name = Fresh::name("test");
        assert_ne!(name, Fresh::name("test"));
        let fresh = Fresh::make(place.path(), &name).unwrap();
        assert_eq!(fresh.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::write(fresh.path().join("file"), "x").unwrap();
        let there = Fresh::make(place.path(), &name).unwrap_err();
        assert_eq!(there.kind(), io::ErrorKind::AlreadyExists);
        let path = fresh.path().to_owned();
        drop(fresh);
        assert!(!path.exists());
    }
}
