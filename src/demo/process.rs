//! What the shop itself costs: memory and processor time of this process.

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

pub struct Process {
    pub resident_bytes: u64,
    pub cpu_seconds: f64,
    /// Unix time, in seconds.
    pub started: u64,
}

impl Process {
    pub fn now() -> Option<Process> {
        let pid = sysinfo::get_current_pid().ok()?;
        let mut system = System::new().ok()?;
        let needed = ProcessRefreshKind::nothing().with_memory().with_cpu().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, needed);
        let process = system.process(pid)?;
        Some(Process {
            resident_bytes: process.memory(),
            cpu_seconds: process.accumulated_cpu_time() as f64 / 1_000.0,
            started: process.start_time(),
        })
    }
}
