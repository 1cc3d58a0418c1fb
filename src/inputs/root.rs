//! Which files a scenario may read: regular ones below its root. This is the only place that opens user files, before a run and
//! during it.

use crate::base::suggest::hint;
use std::ffi::OsStr;
use std::fs::{File, FileType};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The directory beneath which everything lies that a scenario file names.
#[derive(Debug, Clone)]
pub struct Root {
    /// As it really is, without links.
    directory: PathBuf,
    /// By a person, who thereby allows what is hidden in it.
    chosen: bool,
}

/// A file that was opened, and where it really lies.
#[derive(Debug)]
pub struct Opened {
    pub file: Contents,
    pub path: PathBuf,
}

/// What stands in a file, or is going to.
#[derive(Debug)]
pub enum Contents {
    File(File),
    /// Of an editor, which has not saved it.
    Buffer(io::Cursor<Arc<[u8]>>),
}

impl Read for Contents {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Contents::File(file) => file.read(buffer),
            Contents::Buffer(bytes) => bytes.read(buffer),
        }
    }
}

/// Why a file is not opened.
#[derive(Debug)]
pub enum Refused {
    /// Beyond the root, where nothing is looked for.
    Beyond(String),
    Unreadable(String),
}

impl Refused {
    pub fn why(self) -> String {
        match self {
            Refused::Beyond(why) | Refused::Unreadable(why) => why,
        }
    }
}

impl Root {
    /// That which a person names.
    pub fn chosen(directory: &Path) -> Result<Root, String> {
        let shown = directory.display();
        match directory.canonicalize() {
            Ok(directory) if directory.is_dir() => Ok(Root { directory, chosen: true }),
            Ok(_) => Err(format!("`--root` takes a directory, and `{shown}` is none")),
            Err(error) => Err(format!("`{shown}`, the `--root`, cannot be read: {error}")),
        }
    }

    /// That of a file for which none is named: the nearest directory above it that holds `.git`, else the directory that
    /// was named instead of the file, else its own.
    pub fn of(file: &Path, named: Option<&Path>) -> Root {
        let own = file.parent().filter(|own| !own.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let own = canonical(own);
        let above = own.ancestors().find(|above| above.join(".git").exists());
        let above = above.filter(|above| is_a_project(above)).map(Path::to_owned);
        Root { directory: above.unwrap_or_else(|| named.map_or(own, canonical)), chosen: false }
    }

    /// Opens a regular file beneath the root. `shown` is what a person knows it as.
    pub fn open(&self, path: &Path, shown: &str) -> Result<Opened, Refused> {
        let found = match path.canonicalize() {
            Ok(found) => found,
            // Whether there is something beyond the root is nobody's business.
            Err(error) => {
                return Err(match self.would_hold(path) {
                    true => Refused::Unreadable(unreadable(path, shown, &error, self.tells(path))),
                    false => self.beyond(shown),
                });
            }
        };
        let inner = self.inner(&found, shown)?;
        let opened = regular(&found, shown, || beneath(&self.directory, inner, &found));
        opened.map(|file| Opened { file: Contents::File(file), path: found }).map_err(Refused::Unreadable)
    }

    /// A path without links as it leads on from the root, where what lies there may be read.
    pub fn inner<'p>(&self, found: &'p Path, shown: &str) -> Result<&'p Path, Refused> {
        let Ok(inner) = found.strip_prefix(&self.directory) else { return Err(self.beyond(shown)) };
        if !self.chosen && inner.components().any(|part| is_hidden(part.as_os_str())) {
            let help = "name it without a dot, or the directory that may be read by `--root DIR`";
            return Err(Refused::Beyond(format!("`{shown}` is hidden, and hidden files are not read; {help}")));
        }
        Ok(inner)
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether a path without links lies beneath it.
    pub fn holds(&self, found: &Path) -> bool {
        found.starts_with(&self.directory)
    }

    fn beyond(&self, shown: &str) -> Refused {
        let root = self.directory.display();
        Refused::Beyond(format!(
            "`{shown}` is not beneath `{root}`, where the files of this scenario are; to read others, name a directory \
             that holds them all by `--root DIR`"
        ))
    }

    /// Whether names of what lies next to a file may be told: its directory is one of the root, not hidden, and reached without a link.
    fn tells(&self, path: &Path) -> bool {
        let Some(directory) = path.parent() else { return false };
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let is_ours = |found: PathBuf| self.inner(&found, "").is_ok();
        let below = directory.ancestors().take_while(|above| {
            above.canonicalize().is_ok_and(|above| above.starts_with(&self.directory) && above != self.directory)
        });
        directory.canonicalize().is_ok_and(is_ours) && !below.into_iter().any(is_link)
    }

    /// Whether a path that leads to nothing would lead to something beneath the root, as far as one can tell without
    /// asking what is beyond.
    fn would_hold(&self, path: &Path) -> bool {
        for above in path.ancestors() {
            let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
            if let Ok(there) = above.canonicalize() {
                return there.starts_with(&self.directory);
            }
            if above.symlink_metadata().is_ok_and(|found| found.file_type().is_symlink()) {
                return false;
            }
        }
        false
    }
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.file_type().is_symlink())
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// A directory that holds `.git` and is neither a person's home, nor the root of all, nor one in which anybody could
/// have put that.
fn is_a_project(directory: &Path) -> bool {
    let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
    directory.parent().is_some() && home.as_deref() != Some(directory) && !is_for_all(directory)
}

#[cfg(unix)]
fn is_for_all(directory: &Path) -> bool {
    std::os::unix::fs::MetadataExt::mode(&match directory.metadata() {
        Ok(found) => found,
        Err(_) => return true,
    }) & 0o002
        != 0
}

#[cfg(not(unix))]
fn is_for_all(_: &Path) -> bool {
    false
}

/// A file that a person names, wherever it lies.
pub fn open_named(path: &Path) -> Result<Opened, String> {
    let shown = path.display().to_string();
    let found = path.canonicalize().map_err(|error| unreadable(path, &shown, &error, true))?;
    let file = regular(&found, &shown, || whole(&found))?;
    Ok(Opened { file: Contents::File(file), path: found })
}

/// A file that was opened before, by where it really lies: no link may have come into its way meanwhile.
pub fn open_again(path: &Path, shown: &str) -> Result<File, String> {
    regular(path, shown, || {
        let inner = path.strip_prefix("/").unwrap_or(path);
        beneath(Path::new("/"), inner, path)
    })
}

/// What is there must be a regular file before it is opened, since opening some devices does something; and it is
/// looked at again once it is open.
fn regular(path: &Path, shown: &str, open: impl FnOnce() -> io::Result<File>) -> Result<File, String> {
    let why = |error: io::Error| unreadable(path, shown, &error, false);
    let is_regular = |kind: FileType| match kind.is_file() {
        true => Ok(()),
        false => Err(format!("`{shown}` is {}, and only regular files are read", kind_of(kind))),
    };
    is_regular(path.symlink_metadata().map_err(why)?.file_type())?;
    let file = open().map_err(why)?;
    is_regular(file.metadata().map_err(why)?.file_type())?;
    Ok(file)
}

fn kind_of(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
    }
    match (kind.is_dir(), kind.is_symlink()) {
        (true, _) => "a directory",
        (_, true) => "a link",
        (false, false) => "a device",
    }
}

/// Opens a path without links beneath a directory; the kernel refuses what leads out of it, whoever changes it
/// meanwhile.
#[cfg(target_os = "linux")]
fn beneath(directory: &Path, inner: &Path, all: &Path) -> io::Result<File> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
    use rustix::io::Errno;
    let holder = openat(CWD, directory, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
    match openat2(&holder, inner, flags(), Mode::empty(), resolve) {
        // An old kernel, or a sandbox that does not know the call.
        Err(Errno::NOSYS | Errno::PERM) => compared(all),
        opened => Ok(File::from(opened?)),
    }
}

#[cfg(not(target_os = "linux"))]
fn beneath(_: &Path, _: &Path, all: &Path) -> io::Result<File> {
    compared(all)
}

/// Opens it, and looks whether its path still leads to it without a link.
#[cfg(unix)]
fn compared(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::MetadataExt;
    let file = whole(path)?;
    let (opened, there) = (file.metadata()?, path.symlink_metadata()?);
    let same = path.canonicalize()? == path && (opened.dev(), opened.ino()) == (there.dev(), there.ino());
    if same { Ok(file) } else { Err(io::Error::other("it was replaced meanwhile")) }
}

#[cfg(not(unix))]
fn compared(path: &Path) -> io::Result<File> {
    let file = whole(path)?;
    if path.canonicalize()? == path { Ok(file) } else { Err(io::Error::other("it was replaced meanwhile")) }
}

/// Opening does not block, even on a pipe without a writer or on a terminal.
#[cfg(unix)]
fn flags() -> rustix::fs::OFlags {
    use rustix::fs::OFlags;
    OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

#[cfg(unix)]
fn whole(path: &Path) -> io::Result<File> {
    let opened = rustix::fs::openat(rustix::fs::CWD, path, flags(), rustix::fs::Mode::empty())?;
    Ok(File::from(opened))
}

#[cfg(not(unix))]
fn whole(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// The content of a file, or nothing where it is larger: what its size is said to be is not asked, since it may grow
/// and some have none.
pub fn content(file: impl Read, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

/// Why a file cannot be opened; what is called nearly so is named where its directory `tells`.
fn unreadable(path: &Path, shown: &str, error: &io::Error, tells: bool) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => match super::nearest(path).filter(|_| tells) {
            Some(near) => {
                let near = Path::new(shown).with_file_name(near);
                format!("there is no file `{shown}`{}", hint(&near.display().to_string()))
            }
            None => format!("there is no file `{shown}`"),
        },
        io::ErrorKind::PermissionDenied => format!("`{shown}` may not be read"),
        _ => format!("`{shown}` cannot be read: {error}"),
    }
}
