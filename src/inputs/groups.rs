//! Control groups: where this process may make one, by both versions of the kernel's interface.

use crate::plan::{By, Groups};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where a group can be made for processes that are in a certain one now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub by: By,
    /// Where the new one is made.
    above: PathBuf,
    /// Where its processes come from and go back to.
    home: PathBuf,
}

/// A group that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
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
pub fn place(controller: &str, process: &str) -> Result<Place, &'static str> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").map_err(|_| "this system has no control groups")?;
    let own = fs::read_to_string(format!("/proc/{process}/cgroup")).map_err(|_| "its own group is not shown")?;
    let mut why = "no control groups with this controller are mounted";
    for mount in mounts.lines().filter_map(mounted) {
        let place = match mount.kind {
            "cgroup" if mount.options.split(',').any(|word| word == controller) => first(&mount, &own, controller),
            "cgroup2" => second(&mount, &own, controller),
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

/// The group of a controller in which a process is, by the version of the interface; it must be possible to put it back there.
pub fn home(controller: &str, by: By, process: i32) -> Result<PathBuf, String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").map_err(|error| error.to_string())?;
    let own = fs::read_to_string(format!("/proc/{process}/cgroup")).map_err(|error| error.to_string())?;
    let home = mounts.lines().filter_map(mounted).find_map(|mount| match (by, mount.kind) {
        (By::CgroupV1, "cgroup") if mount.options.split(',').any(|word| word == controller) => {
            let group = group_of(&own, |controllers| controllers.split(',').any(|word| word == controller))?;
            Some(directory(&mount, group))
        }
        (By::CgroupV2, "cgroup2") => group_of(&own, str::is_empty).map(|group| directory(&mount, group)),
        _ => None,
    });
    match home {
        Some(home) if is_writable(&home.join(MEMBERS)) => Ok(home),
        Some(home) => Err(format!("it could not be put back into its own group {}", home.display())),
        None => Err("its own group is not shown".to_owned()),
    }
}

struct Mount<'m> {
    root: &'m str,
    at: &'m str,
    kind: &'m str,
    options: &'m str,
}

/// A line of mountinfo, proc(5): fields up to a hyphen, then kind, source and options.
fn mounted(line: &str) -> Option<Mount<'_>> {
    let (head, tail) = line.split_once(" - ")?;
    let (head, tail): (Vec<&str>, Vec<&str>) = (head.split(' ').collect(), tail.split(' ').collect());
    Some(Mount { root: head.get(3)?, at: head.get(4)?, kind: tail.first()?, options: tail.get(2)? })
}

/// The directory of a group, where it is below what is mounted.
fn directory(mount: &Mount<'_>, group: &str) -> PathBuf {
    let below = Path::new(group).strip_prefix(mount.root).unwrap_or(Path::new(""));
    let whole = Path::new(mount.at).join(below.strip_prefix("/").unwrap_or(below));
    if whole.is_dir() { whole } else { PathBuf::from(mount.at) }
}

/// A line of `/proc/N/cgroup`: number, controllers, path.
fn group_of(own: &str, is_it: impl Fn(&str) -> bool) -> Option<&str> {
    own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let controllers = parts.next()?;
        parts.next().filter(|_| is_it(controllers))
    })
}

/// The file of a group that lists its processes and takes some.
const MEMBERS: &str = "cgroup.procs";

const NOT_OURS: &str = "this user may not make control groups here";

/// Of version 1 a group may be made below any other.
fn first(mount: &Mount<'_>, own: &str, controller: &str) -> Result<Place, Option<&'static str>> {
    let group = group_of(own, |controllers| controllers.split(',').any(|word| word == controller)).ok_or(None)?;
    let home = directory(mount, group);
    match is_writable(&home) {
        true => Ok(Place { by: By::CgroupV1, above: home.clone(), home }),
        false => Err(Some(NOT_OURS)),
    }
}

/// Of version 2 a group that has processes has no others with controllers below it, unless it is the root of all. So one is
/// made beside it.
fn second(mount: &Mount<'_>, own: &str, controller: &str) -> Result<Place, Option<&'static str>> {
    let group = group_of(own, str::is_empty).ok_or(None)?;
    let home = directory(mount, group);
    let lists = |directory: &Path, file: &str| {
        let text = fs::read_to_string(directory.join(file)).unwrap_or_default();
        text.split_whitespace().any(|word| word == controller)
    };
    let top = Path::new(mount.at);
    if !lists(top, "cgroup.controllers") && !lists(&home, "cgroup.controllers") {
        return Err(None);
    }
    let beside = home.parent().filter(|above| above.starts_with(top)).unwrap_or(top).to_owned();
    if !lists(&beside, "cgroup.subtree_control") {
        return Err(Some("its controller is not given to the groups beside ours (`cgroup.subtree_control`)"));
    }
    match is_writable(&beside) && is_writable(&beside.join(MEMBERS)) {
        true => Ok(Place { by: By::CgroupV2, above: beside, home }),
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

impl Place {
    /// What a group of a name will be; it is not made yet.
    pub fn group(&self, name: &str) -> Group {
        Group { by: self.by, path: self.above.join(name), back: self.home.join(MEMBERS) }
    }
}

impl Group {
    /// One below it, for those who come from another group and go back there. What holds for the group holds for them too.
    pub fn below(&self, name: &str, home: &Path) -> Group {
        Group { by: self.by, path: self.path.join(name), back: home.join(MEMBERS) }
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
        let line = "36 35 0:31 /docker/abc /sys/fs/cgroup/cpu ro,nosuid - cgroup cgroup rw,cpu,cpuacct";
        let mount = mounted(line).unwrap();
        assert_eq!((mount.root, mount.at, mount.kind), ("/docker/abc", "/sys/fs/cgroup/cpu", "cgroup"));
        let own = "4:memory:/a:b\n1:cpu,cpuacct:/docker/abc\n0::/user.slice\n";
        assert_eq!(group_of(own, |all| all.split(',').any(|word| word == "cpu")), Some("/docker/abc"));
        assert_eq!(group_of(own, |all| all == "memory"), Some("/a:b"));
        assert_eq!(group_of(own, str::is_empty), Some("/user.slice"));
    }
}
