//! The one impure loader: what the pure floors need to know of files, the environment and this machine, as plain values.

pub mod data;
mod document;
mod environment;
pub mod groups;
mod library;
mod load;
pub mod manual;
pub mod probe;
mod rules;
pub mod times;

pub use environment::not_heeded;
pub use load::{Asked, Loaded, load, load_text};

use crate::plan::{Machine, PortReuse};
use std::path::{Path, PathBuf};

/// A text has at most so many bytes.
const LARGEST: u64 = 64 << 20;

/// Reads a source file; what is wrong with it is said in one line.
pub fn read(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("`{}` is larger than 64 MiB, which is no scenario", path.display()));
    }
    text_of(path, bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    let shown = path.display();
    match error.kind() {
        std::io::ErrorKind::NotFound => match nearest(path) {
            Some(near) => format!("there is no file `{shown}`; did you mean `{}`?", near.display()),
            None => format!("there is no file `{shown}`"),
        },
        std::io::ErrorKind::PermissionDenied => format!("`{shown}` may not be read"),
        _ if path.is_dir() => format!("`{shown}` is a directory; name a `.stress` file in it"),
        _ => format!("`{shown}` cannot be read: {error}"),
    }
}

fn text_of(path: &Path, bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
        format!("`{}` is not UTF-8 (line {line}); save it as UTF-8", path.display())
    })
}

/// The file of the same directory and kind whose name is most like that of one that is not there.
fn nearest(path: &Path) -> Option<PathBuf> {
    let wanted = path.extension().map_or("stress".into(), |extension| extension.to_string_lossy());
    let kind = crate::base::suggest::similar(&wanted, ["stress"]).map_or(wanted.as_ref(), |stress| stress);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let entries = std::fs::read_dir(directory.unwrap_or(Path::new("."))).ok()?.flatten().map(|entry| entry.path());
    let same = entries.filter(|other| other.extension().is_some_and(|extension| extension == kind));
    let mut stems: Vec<String> =
        same.filter_map(|other| Some(other.file_stem()?.to_string_lossy().into_owned())).collect();
    // A long name is not meant by a short one.
    let length = path.file_stem()?.len();
    stems.retain(|stem| stem.len().abs_diff(length) <= 3);
    stems.sort();
    let near = crate::base::suggest::similar(&path.file_stem()?.to_string_lossy(), stems.iter().map(String::as_str))?;
    Some(path.with_file_name(format!("{near}.{kind}")))
}

/// A file, or the scenario files of a directory.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    if path.is_dir() { below(path) } else { Ok(vec![path.to_owned()]) }
}

/// The scenario files of a directory and of all below it, in order. Links to directories are not followed, since
/// they could lead around in a circle.
fn below(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error: std::io::Error| format!("`{}` cannot be read: {error}", directory.display());
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        entries.push((entry.path(), entry.file_type().map_err(unreadable)?.is_dir()));
    }
    entries.sort();
    let mut files = Vec::new();
    for (path, is_directory) in entries {
        match is_directory {
            true => files.extend(below(&path)?),
            false if path.extension().is_some_and(|extension| extension == "stress") && !path.is_dir() => {
                files.push(path);
            }
            false => {}
        }
    }
    Ok(files)
}

/// How many files and connections this process may have open.
pub fn descriptors() -> u64 {
    #[cfg(unix)]
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(1 << 20);
    #[cfg(not(unix))]
    let limit = 16_384;
    limit
}

/// What this process may open, what memory is available, and how ports are dealt.
pub fn machine() -> Machine {
    let available = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    let (ports, cores) = (local_ports(), std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64));
    Machine {
        descriptors: descriptors(),
        memory: available.map_or(1 << 30, |kib| kib << 10),
        ports,
        reuse: port_reuse(),
        cores,
        groups: groups::of_this_process(),
    }
}

/// How many local ports the kernel deals, as on other systems where it does not say.
pub fn local_ports() -> u64 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut ends = range.split_whitespace().filter_map(|n| n.parse::<u64>().ok());
    let (first, last) = (ends.next().unwrap_or(49_152), ends.next().unwrap_or(65_535));
    (last + 1).saturating_sub(first)
}

fn port_reuse() -> PortReuse {
    match std::fs::read_to_string("/proc/sys/net/ipv4/tcp_tw_reuse").unwrap_or_default().trim() {
        "1" => PortReuse::Always,
        "2" => PortReuse::Loopback,
        _ => PortReuse::Never,
    }
}

/// Lets this process open as many descriptors as it is ever allowed to; returns how many it could and now can.
pub fn raise_limits() -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let before = getrlimit(Resource::Nofile);
        let raised = rustix::process::Rlimit { current: before.maximum, ..before };
        // Where this is refused the plan works with what there is.
        let _ = setrlimit(Resource::Nofile, raised);
        let now = getrlimit(Resource::Nofile).current?;
        let was = before.current?;
        (was != now).then_some((was, now))
    }
    #[cfg(not(unix))]
    None
}
