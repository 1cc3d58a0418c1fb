//! What a process and all that it started use, read from the kernel's own files.

use super::Usage;
use crate::guard::{Process, proc};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::Instant;

/// A process and its descendants, also those whose parents have ended.
pub struct Tree {
    root: Process,
    members: HashSet<Process>,
    /// Ticks of all of them, of children that ended too.
    ticks: u64,
    at: Instant,
}

/// Those who live of the group that a process leads, and of all that descend from it: some lead groups of their own, as
/// the processes of PostgreSQL do.
pub fn family(main: Process) -> Vec<Process> {
    let all: HashMap<u32, Stat> = numbers().filter_map(|pid| Some((pid, stat(pid)?))).collect();
    let is_of_it = |stat: &Stat| {
        let mut at = stat;
        for _ in 0..all.len() {
            if at.known == main || at.group as i32 == main.pid {
                return true;
            }
            match all.get(&at.parent) {
                // A number that was used again is younger than what it seems to have started.
                Some(parent) if parent.known.started <= at.known.started => at = parent,
                _ => return false,
            }
        }
        false
    };
    all.values().filter(|stat| !stat.ended && is_of_it(stat)).map(|stat| stat.known).collect()
}

/// Whether a signal has stopped it.
pub fn is_stopped(process: Process) -> bool {
    stat(process.pid as u32).is_some_and(|stat| stat.known == process && stat.stopped)
}

/// Processor time of all of its threads, as exactly as the scheduler counts it.
pub fn nanoseconds(process: Process) -> u64 {
    let threads = fs::read_dir(format!("/proc/{}/task", process.pid)).into_iter().flatten().flatten();
    let exact = |path: std::path::PathBuf| {
        let text = fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    threads.filter_map(|entry| exact(entry.path())).sum()
}

/// Processor time of a process, and of what it has waited for.
pub fn seconds(process: Process) -> f64 {
    stat(process.pid as u32).filter(|stat| stat.known == process).map_or(0.0, |stat| ticks_to_seconds(stat.ticks))
}

pub fn resident(process: Process) -> u64 {
    memory(process.pid as u32).0
}

/// Of `/proc/N/stat`.
struct Stat {
    known: Process,
    parent: u32,
    group: u32,
    /// User and system time, of the process and of the children that it has waited for.
    ticks: u64,
    threads: u64,
    ended: bool,
    stopped: bool,
}

impl Tree {
    pub fn of(pid: u32) -> Result<Tree, String> {
        let stat = stat(pid).ok_or_else(|| format!("there is no process {pid}"))?;
        let mut tree = Tree { root: stat.known, members: HashSet::new(), ticks: 0, at: Instant::now() };
        tree.ticks = tree.living()?.iter().map(|stat| stat.ticks).sum();
        Ok(tree)
    }

    pub fn root(&self) -> Process {
        self.root
    }

    pub fn look(&mut self) -> Result<Usage, String> {
        let living = self.living()?;
        let elapsed = self.at.elapsed().as_secs_f64();
        self.at = Instant::now();
        let ticks = living.iter().map(|stat| stat.ticks).sum();
        let used = ticks_to_seconds(u64::saturating_sub(ticks, self.ticks));
        self.ticks = ticks;
        let mut usage = Usage { cpu: super::rate(used, elapsed), ..Usage::default() };
        // Pages of files and of shared memory are in each process that maps them, and once in the machine.
        let mut shared_most = 0;
        let mut files = Ok(0);
        for stat in living.iter().filter(|stat| !stat.ended) {
            let (resident, shared) = memory(stat.known.pid as u32);
            usage.memory += resident.saturating_sub(shared);
            shared_most = shared.max(shared_most);
            usage.threads += stat.threads;
            files = files.and_then(|sum| Ok(sum + open_files(stat.known.pid as u32)?));
        }
        usage.memory += shared_most;
        usage.open_files = files;
        Ok(usage)
    }

    /// Finds those who belong to the tree. One that ended and waits for its parent has time still, and nothing else.
    fn living(&mut self) -> Result<Vec<Stat>, String> {
        let all: HashMap<u32, Stat> = numbers().filter_map(|pid| Some((pid, stat(pid)?))).collect();
        let gone = || format!("the process {} has ended", self.root.pid);
        all.get(&(self.root.pid as u32)).filter(|stat| stat.known == self.root && !stat.ended).ok_or_else(gone)?;
        let mut members: HashSet<Process> = self.members.iter().copied().filter(|m| is_there(&all, *m)).collect();
        members.insert(self.root);
        for stat in all.values() {
            // Up to somebody who is known to belong to it, or to the top.
            let mut line = vec![stat.known];
            let mut at = stat;
            while !members.contains(&at.known) {
                match all.get(&at.parent) {
                    // A number that was used again is younger than what it seems to have started.
                    Some(parent) if parent.known.started <= at.known.started && line.len() <= all.len() => at = parent,
                    _ => {
                        line.clear();
                        break;
                    }
                }
                line.push(at.known);
            }
            members.extend(line);
        }
        self.members = members;
        Ok(all.into_values().filter(|stat| self.members.contains(&stat.known)).collect())
    }
}

fn is_there(all: &HashMap<u32, Stat>, known: Process) -> bool {
    all.get(&(known.pid as u32)).is_some_and(|stat| stat.known == known)
}

/// Who has started it, as far as that lives.
pub fn parent(process: Process) -> Option<i32> {
    stat(process.pid as u32).filter(|stat| stat.known == process).and_then(|stat| i32::try_from(stat.parent).ok())
}

fn numbers() -> impl Iterator<Item = u32> {
    proc::numbers().filter_map(|pid| u32::try_from(pid).ok())
}

fn stat(pid: u32) -> Option<Stat> {
    let pid = i32::try_from(pid).ok()?;
    let stat = proc::Stat::of(pid)?;
    Some(Stat {
        known: Process { pid, started: stat.started()? },
        parent: stat.number(4)? as u32,
        group: stat.number(5)? as u32,
        ticks: (14..=17).filter_map(|field| stat.number(field)).sum(),
        threads: stat.number(20)?,
        ended: stat.has_ended(),
        stopped: stat.is_stopped(),
    })
}

/// Resident bytes, and those of them that others may hold too.
fn memory(pid: u32) -> (u64, u64) {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let mut pages = text.split_whitespace().skip(1).map(|n| n.parse::<u64>().unwrap_or(0));
    let size = rustix::param::page_size() as u64;
    (pages.next().unwrap_or(0) * size, pages.next().unwrap_or(0) * size)
}

fn open_files(pid: u32) -> Result<u64, String> {
    let directory = format!("/proc/{pid}/fd");
    // Since Linux 6.2 the directory says how many entries it has.
    if let Ok(known @ 1..) = fs::metadata(&directory).map(|metadata| metadata.len()) {
        return Ok(known);
    }
    match fs::read_dir(&directory) {
        Ok(entries) => Ok(entries.count() as u64),
        Err(error) => Err(format!("the open files of process {pid} cannot be counted: {error}")),
    }
}

fn ticks_to_seconds(ticks: u64) -> f64 {
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// The whole machine since the last look.
#[derive(Default)]
pub struct MachineUse {
    busy: u64,
    all: u64,
}

impl MachineUse {
    pub fn new() -> MachineUse {
        let mut host = MachineUse::default();
        host.cpu();
        host
    }

    /// The share of all cores that was not idle; `None` where no time has passed.
    pub fn cpu(&mut self) -> Option<f64> {
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        // user nice system idle iowait irq softirq steal; what guests had is in the first two.
        let ticks: Vec<u64> =
            text.lines().next()?.split_whitespace().skip(1).take(8).filter_map(|n| n.parse().ok()).collect();
        let all: u64 = ticks.iter().sum();
        let busy = all - ticks.get(3).unwrap_or(&0) - ticks.get(4).unwrap_or(&0);
        let (before, since) = (self.all, all.saturating_sub(self.all));
        let used = busy.saturating_sub(self.busy);
        (self.busy, self.all) = (busy, all);
        // At the very first look all time since the machine was started has passed.
        (since > 10 && before > 0).then(|| used as f64 / since as f64)
    }

    /// What is in use without what the kernel gives back.
    pub fn memory(&self) -> Result<f64, String> {
        let text = fs::read_to_string("/proc/meminfo").map_err(|error| format!("/proc/meminfo: {error}"))?;
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()
        };
        match (of("MemTotal"), of("MemAvailable")) {
            (Some(total), Some(available)) => Ok((total - available) * 1024.0),
            _ => Err("/proc/meminfo does not say what is available".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    #[test]
    fn all_that_a_process_started_is_seen_and_its_use_added() {
        // One that spins outlives the shell that started it; nothing here lives longer than it is awaited.
        let script = "(timeout 20 sh -c 'while :; do :; done' & sleep 0.4) & sleep 20";
        let mut shell = Command::new("sh");
        let mut child = shell.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let mut tree = Tree::of(child.id()).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        let before = tree.look().unwrap();
        std::thread::sleep(Duration::from_millis(800));
        let usage = tree.look().unwrap();
        let pids: Vec<i32> = tree.members.iter().map(|known| known.pid).collect();
        for pid in &pids {
            let pid = rustix::process::Pid::from_raw(*pid).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        let _ = child.wait();
        assert!(pids.len() >= 4, "shell, its sleep, timeout, and what it started: {pids:?}");
        assert!(usage.threads as usize >= 3 && usage.open_files.unwrap() > 3 && usage.memory > 100_000);
        assert!(before.cpu.is_none(), "too early for a share");
        assert!(usage.cpu.is_some_and(|cpu| cpu > 0.02 && cpu < 1.5), "{:?}", usage.cpu);
        assert!(tree.look().unwrap_err().contains("has ended"));
    }

    #[test]
    fn a_look_at_this_process_is_what_the_kernel_says() {
        let mut tree = Tree::of(std::process::id()).unwrap();
        let usage = tree.look().unwrap();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let said = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap()
        };
        // Other tests run in this process, and start some of their own.
        assert!(usage.memory > said("VmRSS:") * 512 && usage.threads >= 1);
        assert!(usage.open_files.unwrap() >= 3);
        let host = MachineUse::new();
        assert!(host.memory().unwrap() > usage.memory as f64 / 2.0);
    }
}
