//! Files into which a command writes what it found: whole or not at all, and never through a link, which may have come with
//! somebody else's files.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What a path of a person stands for.
enum Place {
    /// A pipe, a terminal or another device, which takes bytes and keeps none.
    Stream,
    /// A regular file, or none yet.
    File(PathBuf, Option<Permissions>),
}

/// Puts bytes in the place of a file. A link is refused by name.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    match place(path)? {
        Place::Stream => {
            let file = OpenOptions::new().append(true).open(path);
            file.and_then(|mut file| file.write_all(bytes)).map_err(unwritable(path))
        }
        Place::File(target, permissions) => put(&target, permissions, bytes).map_err(unwritable(path)),
    }
}

/// Whether that can be done, found out before there is anything to write. What is there stays.
pub fn probe(path: &Path) -> Result<(), String> {
    match place(path)? {
        // Who reads a pipe would take it for the end if it were opened and closed again.
        Place::Stream => Ok(()),
        Place::File(target, _) => {
            let beside = beside(&target);
            File::create_new(&beside).and_then(|_| fs::remove_file(&beside)).map_err(unwritable(path))
        }
    }
}

/// The same for a file that was read through its link: the link stays, and what it leads to changes.
pub fn replace(path: &Path, text: &str) -> Result<(), String> {
    let target = fs::canonicalize(path).map_err(unwritable(path))?;
    let permissions = fs::metadata(&target).map_err(unwritable(path))?.permissions();
    writable(path, &permissions)?;
    put(&target, Some(permissions), text.as_bytes()).map_err(unwritable(path))
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("`{}` cannot be written: {error}", path.display())
}

/// A rename would not ask.
fn writable(path: &Path, permissions: &Permissions) -> Result<(), String> {
    match permissions.readonly() {
        true => Err(format!("`{}` may not be written", path.display())),
        false => Ok(()),
    }
}

fn place(path: &Path) -> Result<Place, String> {
    if is_open_already(path) {
        return Ok(Place::Stream);
    }
    let shown = path.display();
    let name = path.file_name().ok_or_else(|| format!("`{shown}` cannot be written: it names no file"))?;
    // Without a slash at its end, through which a link would be followed.
    let target = path.with_file_name(name);
    let found = match fs::symlink_metadata(&target) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::File(target, None)),
        Err(error) => return Err(unwritable(path)(error)),
    };
    let kind = found.file_type();
    if kind.is_symlink() {
        let to = fs::read_link(&target).unwrap_or_default();
        return Err(format!("`{shown}` is a link to `{}`; remove it, or name the file itself", to.display()));
    }
    if is_stream(kind) {
        return Ok(Place::Stream);
    }
    if !kind.is_file() {
        return Err(format!("`{shown}` cannot be written: it is no file"));
    }
    writable(path, &found.permissions())?;
    Ok(Place::File(target, Some(found.permissions())))
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
fn is_stream(kind: fs::FileType) -> bool {
    use std::os::unix::fs::FileTypeExt;
    kind.is_char_device() || kind.is_fifo()
}

#[cfg(not(unix))]
fn is_stream(_: fs::FileType) -> bool {
    false
}

fn beside(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    target.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

/// The new file takes the name of the old one, or of a link that has come to be there meanwhile.
fn put(target: &Path, permissions: Option<Permissions>, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(target);
    let mut file = File::create_new(&beside)?;
    let written = file.write_all(bytes).and_then(|()| {
        permissions.map_or(Ok(()), |permissions| file.set_permissions(permissions))?;
        file.sync_all()?;
        fs::rename(&beside, target)
    });
    written.inspect_err(|_| drop(fs::remove_file(&beside)))
}
