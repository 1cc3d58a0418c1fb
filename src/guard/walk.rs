//! Opens directories step by step and holds each open, so that nobody can change the path in between.

use rustix::fs::{AtFlags, Mode, OFlags, Stat, fstat, mkdirat, open, openat, readlinkat, statat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// A directory can be held without the right to read it.
#[cfg(target_os = "linux")]
const HELD: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const HELD: OFlags = OFlags::RDONLY;

const FLAGS: OFlags = HELD.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn top() -> io::Result<OwnedFd> {
    Ok(open("/", FLAGS, Mode::empty())?)
}

/// A directory by its whole path, none of whose parts is a link.
pub fn plain(path: &Path) -> io::Result<OwnedFd> {
    let mut at = top()?;
    for part in path.components() {
        at = match part {
            Component::RootDir => continue,
            Component::Normal(name) => openat(&at, name, FLAGS, Mode::empty())?,
            Component::CurDir | Component::ParentDir | Component::Prefix(_) => {
                return Err(io::Error::other("a path that is not whole is not followed"));
            }
        };
    }
    Ok(at)
}

/// A directory whose way can be trusted, and which is made with those above it where that is asked for. Each on the way, and each link, must be of root or of us, and none may be one that just
/// anybody writes into, unless what is there can be replaced by its owner alone, as in `/tmp`.
pub fn trusted(path: &Path, make: bool) -> io::Result<OwnedFd> {
    const LINKS: usize = 40;
    let mut ahead = parts(path)?;
    let (mut at, mut shown, mut links) = (top()?, PathBuf::from("/"), 0);
    while let Some(name) = ahead.pop_front() {
        let told =
            |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", shown.join(&name).display()));
        let next = match openat(&at, &name, FLAGS, Mode::empty()) {
            Err(Errno::NOENT) if make => {
                made(mkdirat(&at, &name, Mode::RWXU)).map_err(told)?;
                openat(&at, &name, FLAGS, Mode::empty())
            }
            other => other,
        };
        match next {
            Ok(next) => {
                shown.push(&name);
                look_at(&fstat(&next)?, &shown)?;
                at = next;
            }
            Err(Errno::LOOP | Errno::MLINK | Errno::NOTDIR) if links < LINKS => {
                links += 1;
                let to = readlinkat(&at, &name, Vec::new())
                    .map_err(|_| told(io::Error::from(io::ErrorKind::NotADirectory)))?;
                let link = statat(&at, &name, AtFlags::SYMLINK_NOFOLLOW)?;
                if !is_trusted(link.st_uid) {
                    return Err(told(io::Error::other("it is a link of another user")));
                }
                let to = PathBuf::from(OsString::from_vec(to.into_bytes()));
                if to.is_absolute() {
                    (at, shown) = (top()?, PathBuf::from("/"));
                }
                for part in relative(&to).into_iter().rev() {
                    ahead.push_front(part);
                }
            }
            Err(error) => return Err(told(error.into())),
        }
    }
    Ok(at)
}

fn parts(path: &Path) -> io::Result<VecDeque<OsString>> {
    match path.is_absolute() {
        true => Ok(relative(path)),
        false => Err(io::Error::other(format!("`{}` is not the whole path of a directory", path.display()))),
    }
}

fn relative(path: &Path) -> VecDeque<OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    parts.collect()
}

/// What lies below a directory that is held, by names none of which is a link, and which are made where they are not there. `shown` is the path of
/// the directory.
pub fn below(mut at: OwnedFd, shown: &Path, names: &Path) -> io::Result<OwnedFd> {
    let mut shown = shown.to_owned();
    for name in relative(names) {
        shown.push(&name);
        let next = match openat(&at, &name, FLAGS, Mode::empty()) {
            Err(Errno::NOENT) => {
                made(mkdirat(&at, &name, Mode::RWXU))
                    .map_err(|error| io::Error::new(error.kind(), format!("`{}`: {error}", shown.display())))?;
                openat(&at, &name, FLAGS, Mode::empty())
            }
            other => other,
        };
        at = next.map_err(|error| match error {
            Errno::LOOP | Errno::MLINK | Errno::NOTDIR => {
                io::Error::other(format!("`{}` is a link, or no directory, and is not followed", shown.display()))
            }
            error => {
                let error = io::Error::from(error);
                io::Error::new(error.kind(), format!("`{}`: {error}", shown.display()))
            }
        })?;
        look_at(&fstat(&at)?, &shown)?;
    }
    Ok(at)
}

fn look_at(found: &Stat, path: &Path) -> io::Result<()> {
    let mode = Mode::from_raw_mode(found.st_mode);
    if !is_trusted(found.st_uid) {
        return Err(io::Error::other(format!(
            "`{}` is on the way there and belongs to another user, the one with the number {}",
            path.display(),
            found.st_uid
        )));
    }
    if mode.contains(Mode::WOTH) && !mode.contains(Mode::SVTX) {
        return Err(io::Error::other(format!(
            "`{}` is on the way there, and everybody may write into it",
            path.display()
        )));
    }
    Ok(())
}

/// Root can do all that this could keep it from.
fn is_trusted(user: u32) -> bool {
    user == 0 || user == ours() || unknown() == Some(user)
}

/// In a user namespace the root of the machine has a number that stands for all users outside of it (user_namespaces(7)).
fn unknown() -> Option<u32> {
    let map = std::fs::read_to_string("/proc/self/uid_map").ok()?;
    let told = std::fs::read_to_string("/proc/sys/kernel/overflowuid").ok()?;
    told.trim().parse().ok().filter(|user| !is_somebody(&map, *user))
}

/// Whether a number is that of a user of this namespace, by the lines of its map: the first number inside, the first outside, how many.
/// What cannot be read maps everybody.
fn is_somebody(map: &str, user: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u64>);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(first)), Some(Ok(_)), Some(Ok(count))) => (first..first + count).contains(&u64::from(user)),
            _ => true,
        }
    })
}

pub fn ours() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Somebody else may have made it meanwhile.
pub fn made(made: rustix::io::Result<()>) -> io::Result<()> {
    match made {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_somebody;

    #[test]
    fn nobody_of_a_namespace_is_a_user_where_its_map_says_so() {
        const NOBODY: u32 = 65_534;
        // The machine, a container of its own, one with two lines.
        for map in ["0 0 4294967295", "0 100000 65536", "0 1000 1\n1 100000 65536\n"] {
            assert!(is_somebody(map, NOBODY), "{map}");
        }
        // A user who has made one for themself, and what ends one before.
        for map in ["         0       1000          1\n", "0 100000 65534\n65535 165535 1\n"] {
            assert!(!is_somebody(map, NOBODY), "{map}");
        }
        assert!(
            is_somebody("0 1000", NOBODY) && is_somebody("a b c", NOBODY),
            "what cannot be read is no reason to trust"
        );
    }
}
