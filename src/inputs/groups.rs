//! Control groups: where this process may make one, by both versions of the kernel's interface.

use crate::plan::{By, Groups};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where a group can be made for processes that are in a certain one now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CgroupParent {
    pub by: By,
    /// Where the new one is made.
    above: PathBuf,
    /// Where its processes come from and go back to.
    home: PathBuf,
}

/// A group that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cgroup {
    pub by: By,
    pub path: PathBuf,
    /// The file that takes its processes back.
    pub back: PathBuf,
}

pub fn of_this_process() -> Groups {
    let by = |controller: &str| place(controller, "self").map(|place| place.by);
    Groups { cpu: by("cpu"), memory: by("memory") }
}

/// Where a group with a controller can be made for a process, by its number in `/proc`.
pub fn place(controller: &str, process: &str) -> Result<CgroupParent, &'static str> {
    // A path is no text: what else is mounted on this machine may be called anything.
    let mounts = fs::read("/proc/self/mountinfo").map_err(|_| "this system has no control groups")?;
    let own = fs::read(format!("/proc/{process}/cgroup")).map_err(|_| "its own group is not shown")?;
    let mut why = "no control groups with this controller are mounted";
    for mount in lines(&mounts).filter_map(mounted) {
        let place = match mount.kind {
            b"cgroup" if words(mount.options, b',').any(|word| word == controller.as_bytes()) => {
                first(&mount, &own, controller)
            }
            b"cgroup2" => second(&mount, &own, controller),
            _ => continue,
        };
        match place {
            Ok(place) => return Ok(place),
            // That of a version which does not have the controller at all says nothing.
            Err(Some(problem)) => why = problem,
            Err(None) => {}
        }
    }
    Err(why)
}

fn words(text: &[u8], between: u8) -> impl Iterator<Item = &[u8]> {
    text.split(move |byte| *byte == between)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    words(text, b'\n')
}

/// The group of a controller in which a process is, by the version of the interface; it must be possible to put it back there.
pub fn home(controller: &str, by: By, process: i32) -> Result<PathBuf, String> {
    let mounts = fs::read("/proc/self/mountinfo").map_err(|error| error.to_string())?;
    let own = fs::read(format!("/proc/{process}/cgroup")).map_err(|error| error.to_string())?;
    let has = |list: &[u8]| words(list, b',').any(|word| word == controller.as_bytes());
    let home = lines(&mounts).filter_map(mounted).find_map(|mount| match (by, mount.kind) {
        (By::CgroupV1, b"cgroup") if has(mount.options) => Some(directory(&mount, group_of(&own, has)?)),
        (By::CgroupV2, b"cgroup2") => group_of(&own, <[u8]>::is_empty).map(|group| directory(&mount, group)),
        _ => None,
    });
    match home {
        Some(home) if is_writable(&home.join(MEMBERS)) => Ok(home),
        Some(home) => Err(format!("it could not be put back into its own group {}", home.display())),
        None => Err("its own group is not shown".to_owned()),
    }
}

#[derive(Debug)]
struct Mount<'m> {
    root: PathBuf,
    at: PathBuf,
    kind: &'m [u8],
    options: &'m [u8],
}

/// A line of mountinfo, proc(5): fields up to a hyphen, then kind, source and options.
fn mounted(line: &[u8]) -> Option<Mount<'_>> {
    let hyphen = line.windows(3).position(|part| part == b" - ")?;
    let (head, tail): (Vec<&[u8]>, Vec<&[u8]>) =
        (words(&line[..hyphen], b' ').collect(), words(&line[hyphen + 3..], b' ').collect());
    Some(Mount { root: path(head.get(3)?), at: path(head.get(4)?), kind: tail.first()?, options: tail.get(2)? })
}

/// A path as mountinfo writes it: blanks and backslashes as three octal digits.
fn path(written: &[u8]) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = written;
    while let [byte, behind @ ..] = rest {
        let digits = behind.get(..3).filter(|_| *byte == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(meant) => {
                bytes.push(meant);
                rest = &behind[3..];
            }
            None => {
                bytes.push(*byte);
                rest = behind;
            }
        }
    }
    as_path(&bytes)
}

#[cfg(unix)]
fn as_path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn as_path(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// The directory of a group, where it is below what is mounted.
fn directory(mount: &Mount<'_>, group: &[u8]) -> PathBuf {
    let group = as_path(group);
    let below = group.strip_prefix(&mount.root).unwrap_or(Path::new(""));
    let whole = mount.at.join(below.strip_prefix("/").unwrap_or(below));
    if whole.is_dir() { whole } else { mount.at.clone() }
}

/// A line of `/proc/N/cgroup`: number, controllers, path.
fn group_of(own: &[u8], is_it: impl Fn(&[u8]) -> bool) -> Option<&[u8]> {
    lines(own).find_map(|line| {
        let mut parts = line.splitn(3, |byte| *byte == b':').skip(1);
        let controllers = parts.next()?;
        parts.next().filter(|_| is_it(controllers))
    })
}

/// The file of a group that lists its processes and takes some.
const MEMBERS: &str = "cgroup.procs";

const NOT_OURS: &str = "this user may not make control groups here";

/// Of version 1 a group may be made below any other.
fn first(mount: &Mount<'_>, own: &[u8], controller: &str) -> Result<CgroupParent, Option<&'static str>> {
    let is_it = |controllers: &[u8]| words(controllers, b',').any(|word| word == controller.as_bytes());
    let group = group_of(own, is_it).ok_or(None)?;
    let home = directory(mount, group);
    match is_writable(&home) {
        true => Ok(CgroupParent { by: By::CgroupV1, above: home.clone(), home }),
        false => Err(Some(NOT_OURS)),
    }
}

/// Of version 2 a group that has processes has no others with controllers below it, unless it is the root of all. So one is
/// made next to it.
fn second(mount: &Mount<'_>, own: &[u8], controller: &str) -> Result<CgroupParent, Option<&'static str>> {
    let group = group_of(own, <[u8]>::is_empty).ok_or(None)?;
    let home = directory(mount, group);
    let lists = |directory: &Path, file: &str| {
        let text = fs::read_to_string(directory.join(file)).unwrap_or_default();
        text.split_whitespace().any(|word| word == controller)
    };
    let top = mount.at.as_path();
    if !lists(top, "cgroup.controllers") && !lists(&home, "cgroup.controllers") {
        return Err(None);
    }
    let beside = home.parent().filter(|above| above.starts_with(top)).unwrap_or(top).to_owned();
    if !lists(&beside, "cgroup.subtree_control") {
        return Err(Some("its controller is not given to the groups next to ours (`cgroup.subtree_control`)"));
    }
    match is_writable(&beside) && is_writable(&beside.join(MEMBERS)) {
        true => Ok(CgroupParent { by: By::CgroupV2, above: beside, home }),
        false => Err(Some(NOT_OURS)),
    }
}

#[cfg(unix)]
fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn is_writable(_: &Path) -> bool {
    false
}

impl CgroupParent {
    /// What a group of a name will be; it is not made yet.
    pub fn group(&self, name: &str) -> Cgroup {
        Cgroup { by: self.by, path: self.above.join(name), back: self.home.join(MEMBERS) }
    }
}

impl Cgroup {
    /// One below it, for those who come from another group and go back there. What holds for the group holds for them too.
    pub fn below(&self, name: &str, home: &Path) -> Cgroup {
        Cgroup { by: self.by, path: self.path.join(name), back: home.join(MEMBERS) }
    }

    pub fn make(&self) -> io::Result<()> {
        fs::create_dir(&self.path)
    }

    /// A process with all of its threads becomes one of its members, and so does whatever it starts.
    pub fn take(&self, process: i32) -> io::Result<()> {
        fs::write(self.path.join(MEMBERS), process.to_string())
    }

    /// Whether a process is one of its members.
    pub fn holds(&self, process: i32) -> bool {
        let members = fs::read_to_string(self.path.join(MEMBERS)).unwrap_or_default();
        members.lines().any(|member| member.parse() == Ok(process))
    }

    pub fn set(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.path.join(file), value)
    }

    /// The file of the limit of a controller.
    pub fn limit(&self, controller: &str) -> &'static str {
        match (controller, self.by) {
            ("cpu", By::CgroupV2) => "cpu.max",
            ("cpu", By::CgroupV1 | By::Turns) => "cpu.cfs_quota_us",
            (_, By::CgroupV2) => "memory.max",
            (_, By::CgroupV1 | By::Turns) => "memory.limit_in_bytes",
        }
    }

    /// What a file says, or the line of it that begins with a word.
    pub fn number(&self, file: &str, word: Option<&str>) -> Option<u64> {
        let text = fs::read_to_string(self.path.join(file)).ok()?;
        match word {
            None => text.trim().parse().ok(),
            Some(word) => text.lines().find_map(|line| line.strip_prefix(word)?.trim().parse().ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_read_as_it_writes_them() {
        let line = b"36 35 0:31 /docker/abc /sys/fs/my\\040\xffgroup/cpu ro,nosuid - cgroup cgroup rw,cpu,cpuacct";
        let mount = mounted(line).unwrap();
        assert_eq!((mount.root, mount.kind), (PathBuf::from("/docker/abc"), &b"cgroup"[..]));
        assert_eq!(mount.at, as_path(b"/sys/fs/my \xffgroup/cpu"));
        assert_eq!(path(b"/a\\13"), Path::new("/a\\13"), "no octal number");
        let own = b"4:memory:/a:b\xff\n1:cpu,cpuacct:/docker/abc\n0::/user.slice\n";
        assert_eq!(group_of(own, |all| words(all, b',').any(|word| word == b"cpu")), Some(&b"/docker/abc"[..]));
        assert_eq!(group_of(own, |all| all == b"memory"), Some(&b"/a:b\xff"[..]));
        assert_eq!(group_of(own, <[u8]>::is_empty), Some(&b"/user.slice"[..]));
    }
}
