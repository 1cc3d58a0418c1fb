//! The one impure loader: what the pure floors need to know of files, the environment and this machine, as plain values.

mod cache;
pub mod csv_lines;
pub mod data;
mod document;
mod environment;
mod file_system;
pub mod groups;
mod host;
mod library;
mod load;
pub mod manual;
pub mod numbers;
mod overlay;
pub mod probe;
mod prometheus;
mod revision;
pub mod root;
pub mod roots;
mod rules;
pub mod times;

pub use cache::Cached;
pub use environment::not_heeded;
pub use file_system::{Disk, Files};
pub use host::{cores, host};
pub use load::{Asked, Loaded, load, load_from, load_text, profiles};
pub use overlay::Overlay;
pub use revision::{Revision, commit_of};

use crate::check::inputs::RulesFile;
use crate::plan::{Machine, PortReuse};
use root::{Opened, Root};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most bytes in a text.
const LARGEST: u64 = 16 << 20;
/// The most bytes in a scenario file: about a hundred thousand lines, each of which becomes a tree.
const LARGEST_SOURCE: u64 = 4 << 20;
/// The most bytes in a line of a scenario file: nobody can read a longer one in a diagnostic.
const LONGEST_LINE: usize = 256 << 10;

/// Makes a directory, and those above it, into which no one else may look; what is there stays as it is.
pub fn make_private(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Reads a source file that a person names, or that was found in a directory which a person names; what is wrong with
/// it is said in one line.
pub fn read(files: &dyn Files, path: &Path, directory: Option<&Path>) -> Result<String, String> {
    if files.is_directory(path) {
        return Err(format!("`{}` is a directory; name a `.stress` file in it", path.display()));
    }
    let opened = match directory {
        Some(directory) => {
            let root = Root::chosen(directory)?;
            files.open(&root, path, &path.display().to_string()).map_err(root::Refused::why)?
        }
        None => files.open_named(path)?,
    };
    source(opened, &path.display().to_string())
}

/// The text of a source file. One that is called otherwise is none, and nobody is told what is in it: a link may lead to
/// anything.
fn source(opened: Opened, shown: &str) -> Result<String, String> {
    let is_source = |path: &Path| path.extension().is_some_and(|extension| extension == "stress");
    if !is_source(Path::new(shown)) {
        return Err(format!("`{shown}` is no scenario file: its name does not end in `.stress`"));
    }
    if !is_source(&opened.path) {
        return Err(format!(
            "`{shown}` leads to a file whose name does not end in `.stress`, which is no scenario file"
        ));
    }
    let text = text(opened.file, shown, LARGEST_SOURCE, "scenario")?;
    match text.split('\n').position(|line| line.len() > LONGEST_LINE) {
        Some(line) => {
            Err(format!("line {} of `{shown}` has more than 256 KiB, the most for a line of a scenario", line + 1))
        }
        None => Ok(text),
    }
}

/// Reads a file of up to this many bytes as a text.
fn text(file: impl Read, shown: &str, most: u64, what: &str) -> Result<String, String> {
    match root::content(file, most) {
        Ok(Some(bytes)) => text_of(shown, bytes),
        Ok(None) => Err(format!("`{shown}` is larger than {} MiB, which is no {what}", most >> 20)),
        Err(error) => Err(format!("`{shown}` cannot be read: {error}")),
    }
}

/// The rules of a rules file that a person names.
pub fn rules_file(path: &Path) -> Result<RulesFile, String> {
    let shown = path.display().to_string();
    let opened = Disk.open_named(path)?;
    text(opened.file, &shown, LARGEST, "rules file").and_then(|text| rules::parse(&text, &shown))
}

/// What is piped into this process, up to the size of a source file.
pub fn standard_input() -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(LARGEST_SOURCE + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("standard input cannot be read: {error}"))?;
    if bytes.len() as u64 > LARGEST_SOURCE {
        return Err("standard input is larger than 4 MiB, which is no scenario".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "standard input is not UTF-8".to_owned())
}

fn text_of(shown: &str, bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
        format!("`{shown}` is not UTF-8 (line {line}); save it as UTF-8")
    })
}

/// The name in the same directory, of the same kind, that is most like that of a file which is not there.
fn nearest(path: &Path) -> Option<String> {
    const KINDS: [&str; 7] = ["stress", "csv", "json", "jsonl", "yml", "yaml", "proto"];
    let stem = path.file_stem()?.to_string_lossy();
    let wanted = path.extension().map(|extension| extension.to_string_lossy());
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let entries = std::fs::read_dir(directory.unwrap_or(Path::new("."))).ok()?.flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let Some(wanted) = wanted else {
        // Its kind alone is missing.
        let whole = |kind: &&&str| names.contains(&format!("{stem}.{kind}"));
        return KINDS.iter().find(whole).map(|kind| format!("{stem}.{kind}"));
    };
    let kind = crate::base::suggest::similar(&wanted, KINDS).unwrap_or(wanted.as_ref());
    // A long name is not meant by a short one.
    let stems = names.iter().filter_map(|name| name.strip_suffix(kind)?.strip_suffix('.'));
    let stems: Vec<&str> = stems.filter(|other| other.len().abs_diff(stem.len()) <= 3).collect();
    let near = crate::base::suggest::similar(&stem, stems)?;
    Some(format!("{near}.{kind}"))
}

/// A file, or the scenario files of a directory.
pub fn scenario_files(files: &dyn Files, path: &Path) -> Result<Vec<PathBuf>, String> {
    if files.is_directory(path) { below(files, path) } else { Ok(vec![path.to_owned()]) }
}

/// The scenario files of a directory and of all below it, in order. Links to directories are not followed, since
/// they could lead around in a circle.
fn below(files: &dyn Files, directory: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error: std::io::Error| format!("`{}` cannot be read: {error}", directory.display());
    let mut entries = files.list(directory).map_err(unreadable)?;
    entries.sort();
    let mut found = Vec::new();
    for (path, is_directory) in entries {
        match is_directory {
            true => found.extend(below(files, &path)?),
            false if path.extension().is_some_and(|extension| extension == "stress") && !files.is_directory(&path) => {
                found.push(path);
            }
            false => {}
        }
    }
    Ok(found)
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
    Machine {
        descriptors: descriptors(),
        memory: available.map_or(1 << 30, |kib| kib << 10),
        ports: local_ports(),
        reuse: port_reuse(),
        cores: cores(),
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
