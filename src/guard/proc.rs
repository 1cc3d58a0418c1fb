//! What Linux tells of processes in `/proc` (proc(5)); elsewhere there is nothing.

use std::fs;

/// The numbers of all processes.
pub fn numbers() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// What a process calls itself, as far as that is text.
pub fn name(pid: i32) -> Option<String> {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(&name).trim_end().to_owned())
}

/// The parent of a process, the parent of that, and so on.
pub fn ancestors(pid: i32) -> Vec<i32> {
    let parent = |pid: i32| Stat::of(pid)?.number(4).and_then(|parent| i32::try_from(parent).ok());
    let mut above = Vec::new();
    let mut at = pid;
    // The first of all has none, and neither has one whose parent is in another namespace.
    while let Some(next) = parent(at).filter(|next| *next > 0 && !above.contains(next)) {
        above.push(next);
        at = next;
    }
    above
}

/// Of `/proc/N/stat` what follows the name of the program.
pub struct Stat {
    state: char,
    /// From the fourth field on; none for what is no whole number.
    numbers: Vec<Option<u64>>,
}

impl Stat {
    pub fn of(pid: i32) -> Option<Stat> {
        Stat::read(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Of this process.
    pub fn own() -> Option<Stat> {
        Stat::read(&fs::read("/proc/self/stat").ok()?)
    }

    fn read(line: &[u8]) -> Option<Stat> {
        // The name stands in brackets and may hold any bytes, also brackets; after it all is plain.
        let behind = line.iter().rposition(|byte| *byte == b')')?;
        let mut fields = std::str::from_utf8(line.get(behind + 1..)?).ok()?.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        Some(Stat { state, numbers: fields.map(|field| field.parse().ok()).collect() })
    }

    /// A field as proc(5) counts them.
    pub fn number(&self, field: usize) -> Option<u64> {
        self.numbers.get(field.checked_sub(4)?).copied().flatten()
    }

    /// When it was started, in ticks since the machine was.
    pub fn started(&self) -> Option<u64> {
        self.number(22)
    }

    /// It waits to be noticed.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }

    pub fn is_stopped(&self) -> bool {
        self.state == 'T'
    }
}
