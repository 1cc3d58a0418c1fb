//! On which machine this is.

use crate::plan::Host;

/// How many cores this process may use.
pub fn cores() -> u64 {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64)
}

/// What decides how fast it is, and what is noted in addition to that.
pub fn host() -> Host {
    let cores = cores();
    let plain = Host { cores, system: std::env::consts::OS.to_owned(), ..Host::default() };
    let Ok(mut system) = sysinfo::System::new() else { return plain };
    system.refresh_cpu_list(sysinfo::CpuRefreshKind::nothing());
    system.refresh_memory();
    let all = system.cpus().len() as u64;
    let memory = system.total_memory();
    let limit = system.cgroup_limits().map(|limits| limits.total_memory).filter(|limit| *limit > 0 && *limit < memory);
    let unknown = || "unknown".to_owned();
    Host {
        processor: system.cpus().first().map_or_else(unknown, |cpu| cpu.brand().trim().to_owned()),
        cores: all.max(cores),
        // Fewer where a control group or an affinity allows fewer.
        core_limit: (cores < all).then_some(cores as f64),
        memory_limit: limit,
        memory,
        system: sysinfo::System::long_os_version().unwrap_or(plain.system),
        kernel: sysinfo::System::kernel_version().unwrap_or_else(|_| unknown()),
    }
}
