//! Files into which a command writes results: complete or not at all, never through a link, which may come from somebody else,
//! and never over a file of another user.

use crate::guard::unfollowed;
use crate::inputs::root::Root;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::time::{Duration, Instant};

/// What a path of a person stands for.
enum Destination {
    /// What this process has open, by its name.
    Open,
    /// A terminal or another device, which takes bytes and keeps none.
    Device(PathBuf),
    /// A named pipe.
    Pipe(PathBuf),
    /// A regular file, or none yet.
    File(PathBuf, Option<Permissions>),
}

/// Puts bytes in the place of a file. A link is refused by name.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let written = match place(path)? {
        Destination::Open => OpenOptions::new().append(true).open(path).and_then(|mut file| file.write_all(bytes)),
        Destination::Device(device) => {
            unfollowed(OpenOptions::new().append(true)).open(device).and_then(|mut file| file.write_all(bytes))
        }
        Destination::Pipe(pipe) => opened(&pipe).and_then(|pipe| poured(pipe, bytes)),
        Destination::File(target, permissions) => put(&target, permissions, bytes),
    };
    written.map_err(unwritable(path))
}

/// Whether that can be done, found out before there is anything to write. What is there stays.
pub fn probe(path: &Path) -> Result<(), String> {
    match place(path)? {
        // Who reads a pipe would take it for the end if it were opened and closed again.
        Destination::Open | Destination::Device(_) | Destination::Pipe(_) => Ok(()),
        Destination::File(target, _) => {
            let beside = beside(&target);
            File::create_new(&beside).and_then(|_| fs::remove_file(&beside)).map_err(unwritable(path))
        }
    }
}

/// The same for a file that was read through its link: the link stays, and what it leads to changes, where that lies beneath the root of
/// the scenarios, or beneath the directory that was named.
pub fn replace(path: &Path, directory: Option<&Path>, text: &str) -> Result<(), String> {
    let_way_be_ours(path)?;
    let target = fs::canonicalize(path).map_err(unwritable(path))?;
    let root = Root::of(path, directory);
    if !root.holds(&target) {
        return Err(format!(
            "`{}` is a link to `{}`, which is not beneath `{}`; name that file itself",
            path.display(),
            target.display(),
            root.directory().display()
        ));
    }
    let found = fs::symlink_metadata(&target).map_err(unwritable(path))?;
    put(&target, Some(kept(path, &found)?), text.as_bytes()).map_err(unwritable(path))
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("`{}` cannot be written: {error}", path.display())
}

/// What the new file may be to whom, as the old one was. A rename would ask neither whether that may be written, nor whose it is: it
/// would make a file of ours with the rights that somebody else has chosen.
fn kept(path: &Path, found: &Metadata) -> Result<Permissions, String> {
    let_be_ours(path, found)?;
    match found.permissions().readonly() {
        true => Err(format!("`{}` may not be written", path.display())),
        false => Ok(without_set_id(found)),
    }
}

#[cfg(unix)]
fn let_be_ours(path: &Path, found: &Metadata) -> Result<(), String> {
    let owner = std::os::unix::fs::MetadataExt::uid(found);
    match owner == rustix::process::geteuid().as_raw() {
        true => Ok(()),
        false => Err(format!(
            "`{}` belongs to another user, the one with the number {owner}, and is not written; remove it, name another file, or \
             do this as that user",
            path.display()
        )),
    }
}

/// Nobody else may lead the way elsewhere between reading and writing.
#[cfg(unix)]
fn let_way_be_ours(path: &Path) -> Result<(), String> {
    let whole = std::path::absolute(path).map_err(unwritable(path))?;
    match whole.parent().map(crate::guard::trusted) {
        Some(Err(error)) => Err(format!("`{}` is not written: {error}; do this as that user", path.display())),
        Some(Ok(_)) | None => Ok(()),
    }
}

#[cfg(not(unix))]
fn let_way_be_ours(_: &Path) -> Result<(), String> {
    Ok(())
}

#[cfg(not(unix))]
fn let_be_ours(_: &Path, _: &Metadata) -> Result<(), String> {
    Ok(())
}

#[cfg(unix)]
fn without_set_id(found: &Metadata) -> Permissions {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    Permissions::from_mode(found.mode() & 0o777)
}

#[cfg(not(unix))]
fn without_set_id(found: &Metadata) -> Permissions {
    found.permissions()
}

fn place(path: &Path) -> Result<Destination, String> {
    if is_open_already(path) {
        return Ok(Destination::Open);
    }
    let shown = path.display();
    let name = path.file_name().ok_or_else(|| format!("`{shown}` cannot be written: it names no file"))?;
    // Without a slash at its end, through which a link would be followed.
    let target = path.with_file_name(name);
    let found = match fs::symlink_metadata(&target) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Destination::File(target, None)),
        Err(error) => return Err(unwritable(path)(error)),
    };
    let kind = found.file_type();
    if kind.is_symlink() {
        let to = fs::read_link(&target).unwrap_or_default();
        return Err(format!("`{shown}` is a link to `{}`; remove it, or name the file itself", to.display()));
    }
    if kind.is_file() {
        return Ok(Destination::File(target, Some(kept(path, &found)?)));
    }
    if is_pipe(kind) {
        // Whoever made it could let us wait for ever.
        let_be_ours(path, &found)?;
        return Ok(Destination::Pipe(target));
    }
    match is_device(kind) {
        true => Ok(Destination::Device(target)),
        false => Err(format!("`{shown}` cannot be written: it is no file")),
    }
}

/// A descriptor of this process by its name. Those are links, which the kernel makes.
fn is_open_already(path: &Path) -> bool {
    let named = |directory: &str| {
        let number = path.strip_prefix(directory).ok().and_then(Path::to_str);
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    ["/dev/stdout", "/dev/stderr"].iter().any(|stream| path == Path::new(stream))
        || ["/dev/fd", "/proc/self/fd"].into_iter().any(named)
}

#[cfg(unix)]
fn is_pipe(kind: fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

#[cfg(unix)]
fn is_device(kind: fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_char_device(&kind)
}

#[cfg(not(unix))]
fn is_pipe(_: fs::FileType) -> bool {
    false
}

#[cfg(not(unix))]
fn is_device(_: fs::FileType) -> bool {
    false
}

/// How long a pipe may be without a reader, and a reader without reading.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_secs(5);

/// A pipe whose reader may come a little later. Opening a pipe without a reader would block.
#[cfg(unix)]
fn opened(pipe: &Path) -> io::Result<File> {
    use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    let until = Instant::now() + PATIENCE;
    loop {
        match openat(CWD, pipe, flags, Mode::empty()) {
            Ok(opened) => {
                if FileType::from_raw_mode(fstat(&opened)?.st_mode) != FileType::Fifo {
                    return Err(io::Error::other("it was replaced meanwhile"));
                }
                return Ok(opened.into());
            }
            Err(rustix::io::Errno::NXIO) if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
            Err(rustix::io::Errno::NXIO) => {
                return Err(io::Error::other("it is a pipe that no process reads from; start its reader first"));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Writes all of it, unless the reader stops reading.
#[cfg(unix)]
fn poured(mut pipe: File, mut bytes: &[u8]) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let patience = Timespec::try_from(PATIENCE).map_err(io::Error::other)?;
    while !bytes.is_empty() {
        match pipe.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                match poll(&mut [PollFd::new(&pipe, PollFlags::OUT)], Some(&patience)) {
                    Ok(0) => {
                        let seconds = PATIENCE.as_secs();
                        let why = format!("it is a pipe whose reader has read nothing for {seconds}s");
                        return Err(io::Error::other(why));
                    }
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn poured(mut pipe: File, bytes: &[u8]) -> io::Result<()> {
    pipe.write_all(bytes)
}

#[cfg(not(unix))]
fn opened(pipe: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).open(pipe)
}

fn beside(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    target.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

/// The new file takes the name of the old one, or of a link that has come to be there meanwhile.
fn put(target: &Path, permissions: Option<Permissions>, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(target);
    let mut options = OpenOptions::new();
    // Before there is anything in it that not everybody may read.
    #[cfg(unix)]
    if let Some(permissions) = &permissions {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(permissions.mode());
    }
    let mut file = options.write(true).create_new(true).open(&beside)?;
    let written = file.write_all(bytes).and_then(|()| {
        permissions.map_or(Ok(()), |permissions| file.set_permissions(permissions))?;
        file.sync_all()?;
        fs::rename(&beside, target)
    });
    written.inspect_err(|_| drop(fs::remove_file(&beside)))
}
